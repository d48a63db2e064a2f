"""Two-sample tests: values by loops and by hand, exactness, calibration, invariances."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cubespace.errors import CubespaceError
from cubespace.populations import ks
from cubespace.populations import permutation as base
from cubespace.populations import two_sample as t
from cubespace.space.neighbours import cosine_distances

TESTS = t.all_tests(k=3, k_pooled=3, n_subsamples=3)
NAMES = list(TESTS)


def sample(n_a, n_b, shift=0.0, seed=0, d=4):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n_a + n_b, d)) + 3
    vectors[n_a:, 0] += shift
    return vectors, np.arange(n_a + n_b) >= n_a


# ---- Kolmogorov-Smirnov


@pytest.mark.parametrize(
    ("x", "y", "p"), [([0], [1], 1), ([0], [1, 2], 2 / 3), ([1, 2], [3, 4, 5, 6], 2 / 15)]
)
def test_ks_of_tiny_samples_is_exact(x, y, p):
    """C(n, m) orders are equally likely; these are the most extreme, from either side: 2 / C(n, m) (both the same for 1 and 1)."""
    assert p == min(1, 2 / comb(len(x) + len(y), len(x)))
    result = ks.ks_2sample(x, y)
    assert (
        result.p_value == pytest.approx(p)
        and result.method == "exact"
        and result.statistic == 1
        and result.n_tied == 0
    )


def test_ks_p_is_never_zero_and_ties_are_counted():
    apart = ks.ks_2sample(np.arange(600), np.arange(600) + 1e4)
    assert apart.p_value == ks.SMALLEST_P and ks.format_p(apart.p_value) == "< 1e-15"
    uneven = ks.ks_2sample(np.arange(1000) / 1000, np.arange(701) / 701 + 0.02)
    asymptotic = stats.ks_2samp(np.arange(1000) / 1000, np.arange(701) / 701 + 0.02, method="asymp").pvalue
    assert uneven.p_value == pytest.approx(asymptotic, abs=0.03) and 0 < uneven.p_value <= 1
    tied = ks.ks_2sample([1, 1, 2, 3], [1, 4, 4, 5])
    assert tied.n_tied == 5 and tied.statistic == 0.75
    assert ks.ks_2sample(np.arange(10_001), np.arange(10_001) + 0.5).method == "asymptotic"


def test_p_for_readers():
    assert [ks.format_p(p) for p in (0.25, 0.0002, 1e-15, float("nan"))] == [
        "0.250",
        "2.0e-04",
        "< 1e-15",
        "not tested",
    ]


# ---- statistics against loops


def test_energy_against_a_loop_over_chords():
    vectors, labels = sample(6, 4)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    a, b = unit[~labels], unit[labels]

    def mean(x, y, same):
        return np.mean(
            [np.linalg.norm(p - q) for i, p in enumerate(x) for j, q in enumerate(y) if not (same and i == j)]
        )

    between, value = mean(a, b, False), 2 * mean(a, b, False) - mean(a, a, True) - mean(b, b, True)
    result = TESTS["energy"].test(cosine_distances(vectors), labels, 99)
    assert result.statistic == pytest.approx(value) and result.effect == pytest.approx(value / (2 * between))
    assert (result.n_a, result.n_b) == (6, 4)


def repeated(n_a, n_b, kinds, seed=0):
    """Galaxies drawn with repeats from a few vectors: most distances are tied, many are zero."""
    rng = np.random.default_rng(seed)
    vectors = (rng.normal(size=(kinds, 4)) + 2)[rng.integers(kinds, size=n_a + n_b)]
    return vectors, np.arange(n_a + n_b) >= n_a


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_energy_and_mmd_against_reference_implementations(seed, ties):
    """dcor's U-statistic of the energy distance; scikit-learn's Gaussian kernel for MMD. Agreement to 1e-12."""
    dcor = pytest.importorskip("dcor", reason="reference implementation, a test extra")
    from sklearn.metrics.pairwise import rbf_kernel

    vectors, labels = repeated(14, 9, 8, seed) if ties else sample(14, 9, 0.8, seed)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    a, b, distances = unit[~labels], unit[labels], cosine_distances(vectors)
    reference = dcor.energy_distance(a, b, estimation_stat="u_statistic")
    assert TESTS["energy"].statistic(distances, labels) == pytest.approx(reference, abs=1e-7 if ties else 1e-12)
    chords = np.linalg.norm(unit[:, None] - unit, axis=2)[~np.eye(23, dtype=bool)]
    assert not ties or (chords < 1e-12).any()
    kernel = rbf_kernel(unit, gamma=1 / (2 * np.median(chords) ** 2))
    aa, bb = kernel[:14, :14][~np.eye(14, dtype=bool)].mean(), kernel[14:, 14:][~np.eye(9, dtype=bool)].mean()
    expected = aa + bb - 2 * kernel[:14, 14:].mean()
    assert TESTS["mmd"].statistic(distances, labels) == pytest.approx(expected, abs=1e-12)


def test_p_against_scipy_permutation_test():
    """The same statistic, all C(9, 4) arrangements: equal p-values."""
    vectors, labels = sample(5, 4, 1.2, seed=9)
    distances, test = cosine_distances(vectors), TESTS["energy"]

    def statistic(x, y):
        rows = np.r_[x, y].astype(int)
        return test.statistic(distances[np.ix_(rows, rows)], np.arange(9) >= len(x))

    reference = stats.permutation_test((np.arange(5), np.arange(5, 9)), statistic, n_resamples=np.inf, alternative="greater")
    assert test.test(distances, labels, 999, n_bootstrap=0).p_value == pytest.approx(reference.pvalue)


def test_auc_of_the_classifier_against_sklearn():
    from sklearn.metrics import roc_auc_score

    vectors, labels = sample(16, 12, 0.7, seed=5)
    plan = TESTS["c2st"].plan(cosine_distances(vectors), labels, np.arange(28), None)
    scores = plan.scores(labels[None])[0]
    pairs = [labels[fold].sum() * (~labels[fold]).sum() for fold in plan.folds]
    auc = [roc_auc_score(labels[fold], scores[fold]) if n else 0 for fold, n in zip(plan.folds, pairs, strict=True)]
    assert plan.statistics(labels[None])[0] == pytest.approx(np.average(auc, weights=pairs))


def test_energy_sees_a_difference_of_scatter_alone():
    """With squared distances (the cosine distance itself) it would not: equal means."""
    rng = np.random.default_rng(0)
    centre = np.r_[10.0, np.zeros(5)]
    vectors = np.vstack(
        [
            centre + np.c_[np.zeros(60), 0.3 * rng.normal(size=(60, 5))],
            centre + np.c_[np.zeros(60), 1.5 * rng.normal(size=(60, 5))],
        ]
    )
    assert TESTS["energy"].test(cosine_distances(vectors), np.arange(120) >= 60, 199).p_value == 1 / 200


def test_mmd_against_a_loop():
    vectors, labels = sample(5, 4, seed=2)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    squared = [[float(((p - q) ** 2).sum()) for q in unit] for p in unit]
    width = np.median([squared[i][j] for i in range(9) for j in range(9) if i != j])
    kernel = np.exp(-np.array(squared) / (2 * width))
    aa = np.mean([kernel[i, j] for i in range(5) for j in range(5) if i != j])
    bb = np.mean([kernel[i, j] for i in range(5, 9) for j in range(5, 9) if i != j])
    ab = np.mean([kernel[i, j] for i in range(5) for j in range(5, 9)])
    assert TESTS["mmd"].statistic(cosine_distances(vectors), labels) == pytest.approx(aa + bb - 2 * ab)


def brute_schilling_henze(distances, labels, k, groups):
    """Neighbours closer than the k-th count whole, those at its very distance share the places that are left."""
    hits = 0.0
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if groups[j] != groups[i]]
        last = sorted(distances[i, j] for j in others)[k - 1]
        inside = [j for j in others if distances[i, j] < last - 1e-12]
        edge = [j for j in others if abs(distances[i, j] - last) <= 1e-12]
        hits += sum(labels[j] == labels[i] for j in inside)
        hits += (k - len(inside)) * np.mean([labels[j] == labels[i] for j in edge])
    return hits / (k * len(labels))


@pytest.mark.parametrize("groups", [np.arange(12), np.array([0, 0, *range(1, 11)])])
def test_schilling_henze_by_brute_force(groups):
    vectors, labels = sample(7, 5, 1.0, seed=3)
    vectors[1] = vectors[0] * 2
    distances = cosine_distances(vectors)
    result = TESTS["schilling_henze"].test(distances, labels, 99, groups=groups)
    share = brute_schilling_henze(distances, labels, 3, groups)
    chance = (7 * 6 + 5 * 4) / (12 * 11)
    assert result.statistic == pytest.approx(share) and result.effect == pytest.approx(
        (share - chance) / (1 - chance)
    )


@pytest.mark.parametrize("seed", range(4))
def test_schilling_henze_does_not_see_the_order_of_rows_among_ties(seed):
    vectors, labels = repeated(12, 6, 4, seed)
    distances, order = cosine_distances(vectors), np.random.default_rng(seed).permutation(18)
    share = brute_schilling_henze(distances, labels, 3, np.arange(18))
    test = TESTS["schilling_henze"]
    assert test.statistic(distances, labels) == pytest.approx(share)
    assert test.statistic(distances[np.ix_(order, order)], labels[order]) == pytest.approx(share)


def test_schilling_henze_against_sklearn_neighbours():
    from sklearn.neighbors import NearestNeighbors

    vectors, labels = sample(40, 25, 0.5, seed=11)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    near = NearestNeighbors(n_neighbors=3, metric="cosine").fit(unit).kneighbors(return_distance=False)
    share = (labels[near] == labels[:, None]).mean()
    assert TESTS["schilling_henze"].statistic(cosine_distances(vectors), labels) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("pooled", [True, False])
def test_neighbour_ks_of_tied_distances_against_scipy(pooled):
    vectors, labels = repeated(10, 10, 7, seed=2)
    distances, near = cosine_distances(vectors), None
    near = [sorted(distances[i, j] for j in range(10) if j != i)[:3] for i in range(20)]  # reference: a
    values = np.round(np.array(near) if pooled else np.array(near)[:, 2:], 12)
    assert len(np.unique(values)) < values.size / 2
    expected = stats.ks_2samp(values[:10].ravel(), values[10:].ravel())
    assert TESTS["ks_paper" if pooled else "ks_10th"].statistic(distances, labels) == pytest.approx(expected.statistic)


def test_resampled_auc_is_that_of_refits_to_the_resample():
    """Rows drawn twice are there twice, all copies in one fold."""
    from sklearn.metrics import roc_auc_score

    vectors, labels = sample(16, 12, 0.9, seed=12)
    plan = TESTS["c2st"].plan(cosine_distances(vectors), labels, np.arange(28), None)
    counts = np.random.default_rng(0).multinomial(28, np.full(28, 1 / 28), size=5)
    for count, found in zip(counts, plan.effects(labels, counts), strict=True):
        won = pairs = 0
        for inside in plan.folds:
            rest = np.repeat(np.setdiff1d(np.arange(28), inside), count[np.setdiff1d(np.arange(28), inside)])
            held = np.repeat(inside, count[inside])
            x = plan.features[rest]
            score = plan.features[held] @ np.linalg.solve(x.T @ x + plan.ridge, x.T @ labels[rest])
            n = labels[held].sum() * (~labels[held]).sum()
            if n:
                won, pairs = won + n * roc_auc_score(labels[held], score), pairs + n
        assert found == pytest.approx(won / pairs)
    assert plan.effects(labels, np.ones((1, 28)))[0] == pytest.approx(plan.effect(labels))


def test_classifier_against_explicit_refits():
    """Held-out ridge predictions from the normal equations of each fold; AUC by counting pairs of one fold."""
    vectors, labels = sample(16, 12, 1.5, seed=4)
    distances = cosine_distances(vectors)
    test = TESTS["c2st"]
    plan = test.plan(distances, labels, np.arange(28), None)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    values, axes = np.linalg.eigh(np.cov(unit.T, bias=True) * 28)
    values, axes = values[::-1], axes[:, ::-1]
    m = min(int(np.searchsorted(np.cumsum(values) / values.sum(), 0.9)) + 1, 5)
    features = (unit - unit.mean(axis=0)) @ axes[:, :m]
    design, penalty = np.column_stack([np.ones(28), features]), np.diag([0, *[0.1 * values[:m].mean()] * m])
    scores = np.empty(28)
    for inside in plan.folds:
        rest = np.setdiff1d(np.arange(28), inside)
        a = design[rest]
        scores[inside] = design[inside] @ np.linalg.solve(a.T @ a + penalty, a.T @ labels[rest])
    assert np.allclose(plan.scores(labels[None])[0], scores, atol=1e-9)
    wins = [
        float(scores[i] > scores[j])
        for fold in plan.folds
        for i, j in product(fold, fold)
        if labels[i] and not labels[j]
    ]
    assert test.statistic(distances, labels) == pytest.approx(np.mean(wins))


def test_classifier_keeps_pairs_and_pointings_in_one_fold():
    vectors, labels = sample(10, 10)
    pairs = np.column_stack([np.arange(10), 10 + np.arange(10)])
    groups = np.arange(20)
    groups[1] = groups[0]
    plan = TESTS["c2st"].plan(cosine_distances(vectors), labels, groups, pairs)
    fold = {row: number for number, rows in enumerate(plan.folds) for row in rows}
    assert len(fold) == 20 and all(fold[i] == fold[j] for i, j in pairs) and fold[0] == fold[1]


@pytest.mark.parametrize("pooled", [True, False])
def test_neighbour_ks_against_a_loop(pooled):
    vectors, labels = sample(9, 9, 0.7, seed=5)
    distances = cosine_distances(vectors)
    test = TESTS["ks_paper" if pooled else "ks_10th"]
    near = [sorted(distances[i, j] for j in range(9) if j != i)[:3] for i in range(18)]  # reference: a
    values = np.array(near) if pooled else np.array(near)[:, 2:]
    expected = stats.ks_2samp(values[:9].ravel(), values[9:].ravel())
    assert test.statistic(distances, labels) == pytest.approx(expected.statistic)
    paper = test.paper_p(distances, labels)
    assert paper.p_value == pytest.approx(expected.pvalue) and paper.statistic == pytest.approx(
        expected.statistic
    )
    assert np.allclose(test.query_distances(distances, labels), near)


def test_neighbour_ks_reference_is_the_larger_population_and_subsampled():
    vectors, labels = sample(5, 20, 1.0, seed=6)
    distances = cosine_distances(vectors)
    test = t.NeighbourKS("ks_paper", 3, True, n_subsamples=400)
    near = test.query_distances(distances, labels)
    assert near[0] == pytest.approx(sorted(distances[0, 5:])[:3])
    assert near[7] == pytest.approx(sorted(np.delete(distances[7], [0, 1, 2, 3, 4, 7]))[:3])
    rng = np.random.default_rng(0)
    draws = [
        stats.ks_2samp(near[5 + rng.choice(20, 5, replace=False)].ravel(), near[:5].ravel()).statistic
        for _ in range(2000)
    ]
    assert test.statistic(distances, labels) == pytest.approx(np.mean(draws), abs=0.02)


def test_neighbour_ks_never_takes_the_other_half_of_a_pointing():
    vectors, labels = sample(6, 6)
    vectors[1] = 3 * vectors[0]
    groups = np.arange(12)
    groups[1] = 0
    near = TESTS["ks_10th"].query_distances(cosine_distances(vectors), labels, groups)
    assert near[0, 0] > 1e-6 and near[1, 0] > 1e-6


def test_ks_widens_its_search_when_neighbours_of_the_reference_are_rare():
    """A galaxy deep inside the other population: none of its first 2 k + 30 neighbours is of the reference."""
    rng = np.random.default_rng(1)
    vectors = np.vstack(
        [
            np.array([1, 0, 0]) + 0.01 * rng.normal(size=(60, 3)),
            np.array([0, 1, 0]) + 0.01 * rng.normal(size=(50, 3)),
        ]
    )
    labels = np.arange(110) >= 60
    assert TESTS["ks_10th"].statistic(cosine_distances(vectors), labels) == pytest.approx(1)


# ---- permutations


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
