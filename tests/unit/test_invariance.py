"""Invariance report: displacement and recall against values by hand, and against known invariances of encoders."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from test_views import PAIR

import fake_maps
from cubespace.errors import CubespaceError
from cubespace.network.embedding import pooled_pca
from cubespace.network.encoder import Encoder
from cubespace.network.invariance import COLUMNS, graded_views, invariance_table, pooled_view, retrieval
from cubespace.network.views import View, draw_pair, original, pair_from_settings, render


def test_displacement_and_rank_by_hand():
    """Four galaxies on a line at 0, 1, 3, 7; the first moves by 0.25, the second past the third, the others not."""
    gallery = np.array([[0.0], [1.0], [3.0], [7.0]])
    queries = np.array([[0.25], [3.1], [3.0], [7.0]])
    displacement, rank = retrieval(gallery, queries, [0, 1, 2, 3], cosine=False)
    np.testing.assert_allclose(displacement, [0.25, 2.1, 0, 0])  # nearest others at 1, 1, 2, 4
    assert list(rank) == [
        0,
        1,
        0,
        0,
    ]  # to 3.1 only the third, at 0.1, is nearer than the second itself, at 2.1


def test_galaxies_of_one_pointing_do_not_compete():
    gallery, queries = np.array([[0.0], [1.0], [10.0]]), np.array([[0.9], [1.0], [10.0]])
    displacement, rank = retrieval(gallery, queries, [5, 5, 6], cosine=False)
    assert list(rank) == [0, 0, 0] and displacement[0] == pytest.approx(
        0.09
    )  # the nearest other one is at 10
    assert list(retrieval(gallery, queries, [5, 7, 6], cosine=False)[1]) == [1, 0, 0]


def test_cosine_compares_directions():
    """Vectors at 0, 60, 180 degrees of any length; the first turns by 20: a chord of 2 sin 10 over one of 2 sin 30."""
    angle, length = np.radians([0, 60, 180]), np.array([[1.0], [5.0], [0.2]])
    gallery = length * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    turned = np.radians([20, 60, 180])
    queries = 3 * np.stack([np.cos(turned), np.sin(turned)], axis=1)
    displacement, rank = retrieval(gallery, queries, [0, 1, 2])
    np.testing.assert_allclose(
        displacement, [np.sin(np.radians(10)) / np.sin(np.radians(30)), 0, 0], atol=1e-7
    )
    assert list(rank) == [0, 0, 0]


def test_views_are_graded_up_to_the_surveys_own_range():
    pair = pair_from_settings({"preset": "paper"})
    graded = graded_views(pair)
    found = {name: [strength for view, strength, _, _ in graded if view == name] for name, *_ in graded}
    assert found == {
        "noise": [10.0, pytest.approx(np.sqrt(10)), 1.0], "rotation": [180.0], "blur": [1.0, 2.0],
        "stars": [pytest.approx(2.02, abs=0.3)], "resize": [2.0, 3.0, 4.0, 5.0], "shift": [8.0, 16.0], "all": [1.0],
    }  # fmt: skip
    for name, _, _, view in graded[:-1]:  # one thing at a time
        on = {"noise": view.noise is not None, "rotation": view.rotate, "blur": view.blur > 0, "stars": view.stars,
              "resize": view.resize[1] > 1, "shift": view.shift > 0}  # fmt: skip
        assert [key for key, value in on.items() if value] == [name]
    assert graded[-1][3] == pair.second
    calm = graded_views(
        pair_from_settings({"second": {"noise": None, "stars": False, "resize": [1, 1], "shift": 0}})
    )
    assert [name for name, *_ in calm] == ["rotation", "blur", "blur", "all"]


@pytest.fixture(scope="module")
def data():
    return fake_maps.prepared(12, (16, 18), 3)[:3]


def test_pooling_the_original_view_is_the_baseline(data):
    maps, space, scaling = data
    view, draws = draw_pair(pair_from_settings({"second": vars(original(View()))}), maps, 0, (0, 0))[1]
    values, valid = render(maps, view, draws, space)
    np.testing.assert_allclose(
        pooled_view(values, valid, scaling), pooled_pca(maps, scaling), rtol=1e-3, atol=1e-3
    )


def test_the_report_knows_what_an_encoder_is_blind_to(data):
    """Best is blind to shifts that keep the galaxy on the canvas; convolutions, untrained, are not."""
    maps, space, scaling = data
    networks = {
        "network": Encoder(4, settings={"preset": "best"}).eval(),
        "untrained": Encoder(4).eval(),
    }
    views = [v for v in graded_views(PAIR) if v[0] in ("noise", "all")]
    views.append(("shift", 1.0, "px at most", View(shift=1)))
    table = invariance_table(networks, [maps], maps.names[9:], space, scaling, PAIR, seed=3, views=views)
    assert list(table.columns) == list(COLUMNS) and len(table) == 4 * len(views)
    assert (table["n"] == 12).all() and (table["n_unseen"] == 3).all()
    shift = table[table["view"] == "shift"].set_index("method")
    assert shift.at["network", "displacement"] < 0.01 < shift.at["untrained", "displacement"]
    assert (shift.loc[["network", "pooled_pca"], "recall_1"] == 1).all()
    noise = table[(table["view"] == "noise") & (table["method"] == "network")]
    assert noise["displacement"].is_monotonic_increasing  # from the best S/N to the worst
    again = invariance_table(networks, [maps], maps.names[9:], space, scaling, PAIR, seed=3, views=views)
    assert again.equals(table)
    parts = [maps[start : start + 5] for start in (0, 5, 10)]  # the galaxies of one part compete with those of all
    in_parts = invariance_table(networks, parts, maps.names[9:], space, scaling, PAIR, seed=3, views=views)
    pd.testing.assert_frame_equal(in_parts, table, rtol=1e-4, atol=1e-4)
    assert torch.is_grad_enabled()


def test_galaxies_of_one_pointing_alone_are_refused(data):
    maps, space, scaling = data
    alone = replace(maps, groups=torch.zeros_like(maps.groups))
    with pytest.raises(CubespaceError, match=r"12 galaxies .* one pointing"):
        invariance_table({"network": Encoder(4).eval()}, [alone], [], space, scaling, PAIR)
