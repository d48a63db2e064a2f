"""Masked stars of a survey, measured from its maps, and simulated stars that follow them."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import fake_maps
from cubespace.errors import CubespaceError
from cubespace.network import presets
from cubespace.network.data import read_pair
from cubespace.network.geometry import star_mask
from cubespace.network.views import draw_pair, pair_from_settings
from cubespace.spectra.project import LOW_SNR, STAR
from cubespace.spectra.starmasks import star_regions, star_statistics
from cubespace.tables import write_table


def test_regions_by_hand():
    mask = np.full((11, 13), LOW_SNR, np.uint8)
    mask[4:7, 5:8] |= STAR  # nine spaxels about the middle
    mask[0, 12], mask[1, 11] = STAR, STAR | LOW_SNR  # they touch by a corner: one star
    mask[10, 0] |= STAR
    found = star_regions(mask, 2.0)
    assert found.shape == (3, 2)
    order = np.argsort(found[:, 0])
    assert found[order[0]] == pytest.approx([0, 2 * np.sqrt(9 / np.pi)])
    assert found[order[1]] == pytest.approx([2 * np.hypot(4.5, 5.5), 2 * np.sqrt(2 / np.pi)])
    assert found[order[2]] == pytest.approx([2 * np.hypot(5, 6), 2 * np.sqrt(1 / np.pi)])
    assert star_regions(np.zeros((4, 4), np.uint8), 1.0).shape == (0, 2)


def test_statistics_by_hand():
    one, two = np.array([[10.0, 1.0]]), np.array([[0.0, 3.0], [20.0, 2.0]])
    found = star_statistics([one, np.empty((0, 2)), two, one])
    assert found["star_counts"] == [0.25, 0.5, 0.25]
    assert found["star_distances"][0] == 0 and found["star_distances"][5] == 10 and found["star_distances"][10] == 20
    assert found["star_radii"] == np.quantile([1, 1, 2, 3], np.linspace(0, 1, 11)).round(3).tolist()
    none = star_statistics([np.empty((0, 2))] * 3)
    view = pair_from_settings({"stars": "survey"}, none).second
    assert view.star_counts == (1.0,)
    maps = fake_maps.prepared(3)[0]
    assert draw_pair(pair_from_settings({"stars": "survey"}, none), maps, 0, (0, 1))[1][1].stars.shape == (3, 0, 3)


def test_published_stars_are_those_of_the_survey(shared_data):
    with np.load(shared_data / "cl_ecalifa/star_distribution_edr.npz") as found:
        counts = np.bincount(found["n_stars"]) / len(found["n_stars"])
        distances, radii = 0.5 * found["coordinate"][:, 0], 0.5 * found["r_stars"]
    assert np.allclose(presets.STAR_COUNTS, counts[: len(presets.STAR_COUNTS)], atol=6e-4) and counts[15:].sum() < 0.005
    levels = np.linspace(0, 1, 11)
    assert np.allclose(presets.STAR_DISTANCES[1:10], np.quantile(distances, levels[1:10]), atol=0.1)
    assert np.allclose(presets.STAR_RADII[:10], np.quantile(radii[radii <= 8], levels)[:10], atol=0.02)


def test_a_survey_that_has_the_published_stars_gives_them_back():
    """Stars drawn as published are painted into 800 masks at the survey's scale; measured there, they are the same."""
    n, shape, scale = 800, (184, 192), 0.5
    maps = fake_maps.prepared(n, (6, 6), 3)[0]
    draws = draw_pair(pair_from_settings({}), maps, 3, (0, 1))[1][1]
    regions, alone = [], []
    for stars in draws.stars:
        painted = star_mask(torch.tensor(stars[None], dtype=torch.float32), torch.tensor([scale]), shape)[0].numpy()
        regions.append(star_regions(STAR * painted, scale))
        if (stars[:, 2] >= 0).sum() == len(regions[-1]) == 1:
            alone.append((np.hypot(*stars[0, :2]), stars[0, 2], *regions[-1][0]))
    distance, radius, d, r = np.array(alone).T
    inside = distance + radius < 40  # circles that the field does not cut
    assert np.abs(d - distance)[inside].max() < 0.2 and np.abs(r - radius)[inside].max() < 0.15
    found, published = star_statistics(regions), presets.STAR_COUNTS
    assert found["star_counts"][0] == pytest.approx(published[0], abs=0.04)
    assert np.dot(found["star_counts"], range(len(found["star_counts"]))) == pytest.approx(
        np.dot(published, range(len(published))), rel=0.1
    )  # some overlap, some lie outside the field
    assert np.allclose(found["star_distances"][2:9], presets.STAR_DISTANCES[2:9], atol=1.5)
    assert np.allclose(found["star_radii"][2:9], presets.STAR_RADII[2:9], atol=0.5)


def test_views_take_the_survey_stars_from_the_head_of_the_scaling(tmp_path):
    own = {"star_counts": [0.0, 1.0], "star_distances": [4.0, 4.0], "star_radii": [3.0, 3.0]}
    path, bare = tmp_path / "scaling.csv", tmp_path / "bare.csv"
    write_table(pd.DataFrame({"channel": [0]}), path, meta={"stars": json.dumps(own)})
    write_table(pd.DataFrame({"channel": [0]}), bare, meta={"seed": "1"})
    pair = read_pair({"preset": "paper", "stars": "survey", "second": {"star_radii": [1, 2]}}, path)
    assert pair.second.star_counts == (0.0, 1.0) and pair.second.star_distances == (4.0, 4.0)
    assert pair.second.star_radii == (1, 2)  # told by hand
    assert pair.second.noise == (1, 10)
    stars = draw_pair(pair, fake_maps.prepared(5)[0], 0, (0, 1))[1][1].stars
    assert np.allclose(np.hypot(stars[:, 0, 0], stars[:, 0, 1]), 4)
    assert read_pair({"preset": "paper"}, path) == read_pair({"stars": "published"}, bare) == pair_from_settings({})
    with pytest.raises(CubespaceError, match=r"bare\.csv: no statistics of masked stars"):
        read_pair({"stars": "survey"}, bare)
    for wrong in ({"stars": "gaia"}, {"stars": "survey"}):
        with pytest.raises(CubespaceError, match=r"views\.stars"):
            pair_from_settings(wrong)
