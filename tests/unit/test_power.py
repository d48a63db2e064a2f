"""Power of the two-sample tests against planted shifts."""

import itertools

import numpy as np
import pytest
from scipy import stats

from cubespace.populations import power as p
from cubespace.populations.two_sample import all_tests
from cubespace.shares import wilson
from cubespace.space.neighbours import cosine_distances, unit_rows

ENERGY = {"energy": all_tests()["energy"]}


def galaxies(n_a, n_b, seed=0, d=30):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n_a + n_b, 6)) @ rng.normal(size=(6, d)) * 0.3 + 2
    return vectors, np.arange(n_a + n_b) >= n_a


@pytest.mark.parametrize(("k", "n"), [(0, 20), (13, 20), (20, 20)])
def test_wilson_interval(k, n):
    reference = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((reference.low, reference.high), abs=1e-6)


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        ([0.0, 0.6, 1.0], 1.5),  # 0.8 is half way from 0.6 to 1.0
        ([0.1, 0.9, 0.9], 0.875),  # 0.7 of 0.8 of the first step
        ([0.0, 0.9, 0.5], np.nan),  # isotonic: 0, 0.7, 0.7
        ([0.9, 1.0, 1.0], 0.0),
    ],
)
def test_crossing_by_hand(power, expected):
    assert p.crossing([0, 1, 2], power) == pytest.approx(expected, nan_ok=True)


def test_null_galaxies_keep_their_scatter_but_not_their_difference():
    vectors, labels = galaxies(40, 25)
    vectors[labels] += 1.5 * np.eye(30)[3]
    moved, step = p.null_galaxies(vectors, labels)
    unit = unit_rows(vectors)
    assert np.allclose(moved[labels].mean(axis=0), moved[~labels].mean(axis=0))
    assert np.allclose(np.cov(moved[labels].T), np.cov(unit[labels].T))
    # along the observed difference, as far as it lies in the eigenvectors that hold 90 % of the variance
    values, axes = np.linalg.eigh(np.cov(unit.T))
    leading = axes[:, ::-1][:, : int((np.cumsum(values[::-1]) / values.sum() < 0.9).sum()) + 1]
    gap = leading @ (leading.T @ (unit[labels].mean(axis=0) - unit[~labels].mean(axis=0)))
    assert np.allclose(step / np.linalg.norm(step), gap / np.linalg.norm(gap))
    within = np.sqrt(np.mean(((moved - moved.mean(axis=0)) @ step / np.linalg.norm(step)) ** 2))
    assert np.linalg.norm(step) == pytest.approx(within)


def test_power_rises_and_more_galaxies_see_less():
    few = p.power_curve(*galaxies(20, 20), ENERGY, n_trials=20, n_permutations=59)
    many = p.power_curve(*galaxies(100, 100), ENERGY, n_trials=20, n_permutations=59)
    assert few.curve["power"].iloc[0] <= 0.2  # no shift: the level, within 20 trials
    assert many.detectable["energy"] < few.detectable["energy"] < 2 and few.reason["energy"] is None
    # a one-sided z test along the known direction, the best there is: (z_0.95 + z_0.8) sqrt(2 / n)
    assert many.detectable["energy"] > (1.645 + 0.842) * np.sqrt(2 / 100) * 0.8
    last = many.curve.iloc[-1]
    assert last["power"] == 1 and last["effect"] < 2  # larger shifts are not run once all trials found it
    assert (few.curve["power_low"] <= few.curve["power"]).all() and (
        few.curve["power"] <= few.curve["power_high"]
    ).all()


def test_a_shift_beyond_reach_is_null_with_a_reason():
    """Three pairs have 2^3 swaps, so p cannot fall below 2 / 8."""
    vectors, labels = galaxies(3, 3)
    pairs = np.column_stack([np.arange(3), 3 + np.arange(3)])
    found = p.power_curve(vectors, labels, ENERGY, pairs, effects=(0, 2.0), n_trials=5)
    assert (
        np.isnan(found.detectable["energy"])
        and found.reason["energy"] == "power 0.00 at the largest effect tried, 2 standard deviations"
    )


def test_twins_see_less_far_with_free_labels_than_with_swaps():
    """Partners alike: the planted difference stands out within pairs."""
    rng = np.random.default_rng(3)
    centre, _ = galaxies(30, 0, seed=4)
    vectors = np.vstack([centre, centre + 0.05 * rng.normal(size=centre.shape)])
    labels, pairs = np.arange(60) >= 30, np.column_stack([np.arange(30), 30 + np.arange(30)])
    swaps = p.power_curve(
        vectors, labels, ENERGY, pairs, effects=(0, 0.5), n_trials=15, n_permutations=59
    ).curve["power"]
    assert swaps.iloc[0] <= 0.2 and swaps.iloc[1] >= 0.8


def test_distances_of_shifted_galaxies_are_those_of_the_shifted_vectors():
    vectors, labels = galaxies(12, 9)
    planted = p.ShiftedMeans(vectors, labels)
    distances, drawn, pairs, _ = planted.trial(1.5, np.random.default_rng(0))
    moved, step = p.null_galaxies(vectors, labels)
    assert pairs is None and drawn.sum() == 9
    np.testing.assert_allclose(distances, cosine_distances(moved + 1.5 * np.outer(drawn, step)), atol=1e-12)


def test_planted_twins_have_the_effect_in_one_of_each_pair():
    rng = np.random.default_rng(1)
    plain = rng.normal(size=(8, 5)) + 3
    planted = {1.0: plain + np.eye(5)[0], 2.0: plain + 2 * np.eye(5)[0]}
    pairs = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    trials = p.PlantedTwins(plain, planted, pairs, n_pairs=3)
    for effect, others in ((0.0, plain), (2.0, planted[2.0])):
        distances, labels, index, _ = trials.trial(effect, np.random.default_rng(5))
        assert labels.tolist() == [False] * 3 + [True] * 3 and index.tolist() == [[0, 3], [1, 4], [2, 5]]
        fits = []
        for chosen in itertools.combinations(range(4), 3):
            for flips in itertools.product([False, True], repeat=3):
                left = [pairs[c][int(f)] for c, f in zip(chosen, flips, strict=True)]
                right = [pairs[c][int(not f)] for c, f in zip(chosen, flips, strict=True)]
                fits.append(np.allclose(distances, cosine_distances(np.vstack([plain[left], others[right]])), atol=1e-12))
        assert sum(fits) == 1


def test_trials_stop_when_the_answer_is_clear():
    found = p.power_curve(*galaxies(60, 60), ENERGY, effects=(0.0, 0.45, 2.0), n_trials=100, n_permutations=39)
    trials = found.curve.set_index("effect")["n_trials"]
    assert trials[0.0] == 20 and trials[2.0] == 20
    few = p.power_curve(*galaxies(60, 60), ENERGY, effects=(0.0,), n_trials=7, n_permutations=39)
    assert few.curve["n_trials"].tolist() == [7]
