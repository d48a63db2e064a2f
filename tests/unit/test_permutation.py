"""Permutation and the interface that all two-sample tests share: exact p-values, pairs, pointings, intervals, faults."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cubespace.errors import CubespaceError
from cubespace.populations import permutation as base
from cubespace.populations import two_sample as t
from cubespace.space.neighbours import cosine_distances
from fake_embeddings import two_samples as sample

TESTS = t.all_tests(k=3, k_pooled=3, n_subsamples=3)
NAMES = list(TESTS)


def test_labels_are_enumerated_when_they_can_be():
    labels = np.array([False, False, False, True, True])
    matrix = base.label_matrix(labels, 99, np.random.default_rng(0))
    assert len(matrix) == comb(5, 2) - 1 and len({tuple(row) for row in matrix}) == 9
    assert not (matrix == labels).all(axis=1).any() and (matrix.sum(axis=1) == 2).all()
    assert (
        len(base.label_matrix(labels, 8, np.random.default_rng(0))) == 8
    )  # fewer wanted than there are: drawn


@pytest.mark.parametrize("name", NAMES)
def test_exact_p_of_pairs_by_hand_enumeration(name):
    vectors, labels = sample(6, 6, 1.5, seed=7)
    distances, test = cosine_distances(vectors), TESTS[name]
    pairs = np.column_stack([np.arange(6), 6 + np.arange(6)])
    groups = np.arange(12)
    plan = test.plan(distances, labels, groups, pairs)
    values = []
    for swaps in product([False, True], repeat=6):
        swapped = labels.copy()
        for (i, j), swap in zip(pairs, swaps, strict=True):
            if swap:
                swapped[i], swapped[j] = swapped[j], swapped[i]
        values.append(plan.statistics(swapped[None])[0])
    exact = np.mean(np.array(values) >= values[0] - 1e-10)
    assert test.test(distances, labels, 999, pairs=pairs).p_value == pytest.approx(exact)


def test_exact_p_of_free_labels_by_hand_enumeration():
    vectors, labels = sample(4, 3, 2.0, seed=8)
    distances, test = cosine_distances(vectors), TESTS["energy"]
    values = [
        test.statistic(distances, np.isin(np.arange(7), chosen)) for chosen in combinations(range(7), 3)
    ]
    exact = np.mean(np.array(values) >= test.statistic(distances, labels) - 1e-10)
    assert test.test(distances, labels, 999).p_value == pytest.approx(exact)


def test_drawn_swaps_stay_within_pairs():
    labels = np.r_[np.zeros(20, bool), np.ones(20, bool)]
    pairs = np.column_stack([np.arange(20), 39 - np.arange(20)])
    matrix = base.label_matrix(labels, 500, np.random.default_rng(0), pairs)
    assert (matrix[:, pairs[:, 0]] ^ matrix[:, pairs[:, 1]]).all()
    assert abs(matrix[:, pairs[:, 0]].mean() - 0.5) < 0.03


@given(st.integers(0, 2**32 - 1), st.sampled_from(["energy", "mmd", "schilling_henze", "c2st", "ks_10th"]))
@settings(max_examples=40, deadline=None)
def test_many_permutations_at_once_are_the_same_as_one_by_one(seed, name):
    rng = np.random.default_rng(seed)
    vectors, labels = sample(7, 7, seed=seed)
    groups = rng.integers(8, size=14)
    assume(np.bincount(groups).max() < 7)  # else no galaxy of a population has a neighbour of another pointing: refused
    test, distances = TESTS[name], cosine_distances(vectors)
    matrix = base.label_matrix(labels, 6, rng)
    at_once = test.plan(distances, labels, groups, None).statistics(matrix)
    assert np.allclose(at_once, [test.statistic(distances, row, groups) for row in matrix], atol=1e-10)


# ---- invariances


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_results_do_not_see_the_length_of_vectors(seed):
    vectors, labels = sample(8, 6, seed=seed)
    scale = 10 ** np.random.default_rng(seed).uniform(-3, 3, size=(14, 1))
    one, other = cosine_distances(vectors), cosine_distances(vectors * scale)
    for name in ("energy", "mmd", "schilling_henze", "ks_10th"):
        assert TESTS[name].statistic(one, labels) == pytest.approx(
            TESTS[name].statistic(other, labels), abs=1e-9
        )


@pytest.mark.parametrize("name", ["energy", "mmd", "schilling_henze"])
def test_order_of_galaxies_and_names_of_populations_do_not_matter(name):
    vectors, labels = sample(9, 6, 0.5, seed=9)
    order = np.random.default_rng(0).permutation(15)
    value = TESTS[name].statistic(cosine_distances(vectors), labels)
    assert TESTS[name].statistic(cosine_distances(vectors[order]), labels[order]) == pytest.approx(value)
    assert TESTS[name].statistic(cosine_distances(vectors), ~labels) == pytest.approx(value)


@pytest.mark.parametrize("name", ["energy", "mmd"])
def test_galaxies_of_one_pointing_are_not_compared(name):
    """Leaving out the pair of two halves: by loop over the allowed pairs of the same matrix."""
    vectors, labels = sample(5, 5, seed=10)
    groups = np.array([0, 1, 2, 3, 4, 0, 5, 6, 7, 8])
    distances = cosine_distances(vectors)
    plan = TESTS[name].plan(distances, labels, groups, None)
    parts = {"aa": [], "ab": [], "bb": []}
    for i, j in product(range(10), range(10)):
        if groups[i] != groups[j]:
            parts["".join(sorted("ab"[int(labels[x])] for x in (i, j)))].append(plan.matrix[i, j])
    assert plan.means((~labels)[None].astype(float), labels[None].astype(float)) == pytest.approx(
        [np.mean(parts[key]) for key in ("aa", "ab", "bb")]
    )


# ---- power (calibration: tests/science/test_calibration.py)


def test_swaps_within_pairs_find_what_free_permutation_misses():
    rng = np.random.default_rng(11)
    centre = 3 * rng.normal(size=(30, 4)) + 12
    vectors = np.vstack([centre, centre + 0.25 * rng.normal(size=(30, 4)) + [1.0, 0, 0, 0]])
    labels, pairs = np.arange(60) >= 30, np.column_stack([np.arange(30), 30 + np.arange(30)])
    distances, test = cosine_distances(vectors), TESTS["energy"]
    assert test.test(distances, labels, 499, 0, pairs).p_value < 0.02
    assert test.test(distances, labels, 499, 0).p_value > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_separate_populations(name):
    vectors = np.vstack(
        [
            np.eye(6)[0] + 0.05 * np.random.default_rng(0).normal(size=(25, 6)),
            np.eye(6)[1] + 0.05 * np.random.default_rng(1).normal(size=(20, 6)),
        ]
    )
    result = TESTS[name].test(cosine_distances(vectors), np.arange(45) >= 25, 199)
    assert result.p_value == 1 / 200 and result.ci_low <= result.effect <= result.ci_high <= 1
    assert result.effect > {"energy": 0.7, "mmd": 0.8}.get(name, 0.9)


@pytest.mark.parametrize("name", ["energy", "mmd", "c2st", "schilling_henze", "ks_10th"])
def test_interval_holds_the_expectation_about_as_often_as_stated(name):
    """The mean effect of 200 samples of 40 and 40 galaxies; resampling need not be perfect, but not far off."""
    test, labels = TESTS[name], np.arange(80) >= 40
    everything = [
        test.test(cosine_distances(sample(40, 40, 1.0, seed=[6, i])[0]), labels, 1, n_bootstrap=0).effect
        for i in range(200)
    ]
    results = [
        test.test(cosine_distances(sample(40, 40, 1.0, seed=[5, i])[0]), labels, 1, i) for i in range(100)
    ]
    inside = sum(result.ci_low <= np.mean(everything) <= result.ci_high for result in results)
    assert 85 <= inside <= 100


# ---- errors


@pytest.mark.parametrize("fault", ["shape", "one galaxy", "nan", "pairs", "same side"])
def test_faults_are_named(fault):
    vectors, labels = sample(4, 4)
    distances, pairs = cosine_distances(vectors), None
    words = {
        "shape": r"shape \(3, 8\)",
        "one galaxy": "found 7 and 1",
        "nan": "not finite",
        "pairs": "every galaxy once",
        "same side": "one galaxy of each",
    }[fault]
    if fault == "shape":
        distances = distances[:3]
    elif fault == "one galaxy":
        labels = np.arange(8) == 2
    elif fault == "nan":
        distances[1, 2] = np.nan
    elif fault == "pairs":
        pairs = np.array([[0, 4], [1, 5]])
    else:
        pairs = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    with pytest.raises(CubespaceError, match=words):
        TESTS["energy"].test(distances, labels, 9, pairs=pairs)


def test_collapsed_representations_are_errors():
    same = np.zeros((8, 8))
    labels = np.arange(8) >= 4
    for name in ("mmd", "c2st"):
        with pytest.raises(CubespaceError, match="zero"):
            TESTS[name].statistic(same, labels)
    with pytest.raises(CubespaceError, match="no neighbour"):
        TESTS["schilling_henze"].statistic(same, labels, np.zeros(8))
