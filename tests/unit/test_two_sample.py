"""The statistics of the two-sample tests, against loops, other implementations and values by hand."""

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import stats

from cubespace.populations import ks
from cubespace.populations import two_sample as t
from cubespace.space.neighbours import cosine_distances
from fake_embeddings import two_samples as sample

TESTS = t.all_tests(k=3, k_pooled=3, n_subsamples=3)
NAMES = list(TESTS)




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
