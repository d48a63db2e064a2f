"""Views for a network that is told where the galaxy is."""

import pytest
import torch

import fake_maps
from cubespace.network import views


@pytest.fixture
def drawn():
    maps, space, scaling, _ = fake_maps.prepared(4)
    pair = views.pair_from_settings({"second": {"resize": [1, 2], "shift": 2}})
    return maps, space, scaling, views.draw_pair(pair, maps, 3, (0, 5))


def test_galaxies_are_the_same_with_and_without_their_sky(drawn):
    maps, space, scaling, pair = drawn
    for view, draws in pair:
        with_sky = views.network_input(maps, view, draws, space, scaling)
        masked = views.network_input(maps, view, draws, space, scaling, mask=True)
        good = masked[:, -1:] == 1
        assert 0 < good.float().mean() < 1
        assert torch.equal(torch.where(good, masked[:, :-1], 0), torch.where(good, with_sky, 0))
        assert (masked[:, :-1][~good.expand_as(with_sky)] == 0).all()
        assert with_sky[~good.expand_as(with_sky)].abs().max() > 0


def test_no_random_number_is_drawn_for_a_sky_that_is_masked(drawn, monkeypatch):
    maps, space, scaling, ((first, draws), _) = drawn
    assert first.noise is None
    monkeypatch.setattr(views, "normals", lambda *_: pytest.fail("the first view has no noise but that of the sky"))
    views.network_input(maps, first, draws, space, scaling, mask=True)
