"""Processor time of every two-sample test with 9,999 permutations of 900 galaxies, and of a plain loop over permutations.

    python tests/benchmarks/two_sample.py [galaxies] [permutations] [permutations of the loop]

The loop computes the statistic of each permutation anew from the matrix of distances, with numpy and scipy; its time is
that of a few permutations, scaled up. Both give the same statistic for the true labels, or the program stops.
"""

import sys
import time

import numpy as np
from scipy import stats

from cubespace.populations.two_sample import all_tests
from cubespace.space.neighbours import cosine_distances


def loop_ks(distances, labels, k, pooled):
    """Populations of equal size: the reference is the first, and nobody is drawn."""
    reference = distances[:, ~labels].copy()
    reference[np.flatnonzero(~labels), np.arange(len(reference.T))] = np.inf
    near = np.partition(reference, k, axis=1)[:, :k]
    values = near if pooled else near.max(axis=1, keepdims=True)
    return stats.ks_2samp(values[~labels].ravel(), values[labels].ravel()).statistic


def loop_neighbours(distances, labels, k):
    hidden = distances + np.diag(np.full(len(labels), np.inf))
    near = np.argpartition(hidden, k, axis=1)[:, :k]
    return (labels[near] == labels[:, None]).mean()


def loop_quadratic(matrix, labels):
    """(aa, ab, bb) means over pairs of different galaxies."""
    a, b, ab = matrix[~labels][:, ~labels], matrix[labels][:, labels], matrix[~labels][:, labels]
    return (a.sum() - np.trace(a)) / (len(a) * (len(a) - 1)), ab.mean(), (b.sum() - np.trace(b)) / (len(b) * (len(b) - 1))


def loop_energy(distances, labels):
    aa, ab, bb = loop_quadratic(np.sqrt(2 * distances), labels)
    return 2 * ab - aa - bb


def loop_mmd(distances, labels):
    width = np.median(2 * distances[~np.eye(len(labels), dtype=bool)])
    aa, ab, bb = loop_quadratic(np.exp(-distances / width), labels)
    return aa + bb - 2 * ab


def loop_classifier(plan, labels):
    """Every fold fitted again by the normal equations; features and folds do not depend on labels and are given."""
    won = pairs = 0
    for inside in plan.folds:
        rest = np.setdiff1d(np.arange(len(labels)), inside)
        x = plan.features[rest]
        score = plan.features[inside] @ np.linalg.solve(x.T @ x + plan.ridge, x.T @ labels[rest])
        own, n = labels[inside], labels[inside].sum()
        won += stats.rankdata(score)[own].sum() - n * (n + 1) / 2
        pairs += n * (len(inside) - n)
    return won / pairs


def main(n=900, permutations=9999, tried=20):
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(n, 12)) * 0.7 ** np.arange(12)) @ rng.normal(size=(12, 512)) + 2
    began = time.process_time()
    distances, labels = cosine_distances(vectors), np.arange(n) >= n // 2
    print(f"{n} x 512: distances {time.process_time() - began:.2f} s")
    tests = all_tests()
    plan = tests["c2st"].plan(distances, labels, np.arange(n), None)
    loops = {
        "ks_paper": lambda y: loop_ks(distances, y, 10, True),
        "ks_10th": lambda y: loop_ks(distances, y, 10, False),
        "schilling_henze": lambda y: loop_neighbours(distances, y, 5),
        "energy": lambda y: loop_energy(distances, y),
        "mmd": lambda y: loop_mmd(distances, y),
        "c2st": lambda y: loop_classifier(plan, y),
    }
    total = looped = 0.0
    for name, test in tests.items():
        began = time.process_time()
        result = test.test(distances, labels, permutations, 0, n_bootstrap=200)
        total += (spent := time.process_time() - began)
        np.testing.assert_allclose(loops[name](labels), result.statistic, rtol=1e-9, atol=1e-12)
        began = time.process_time()
        for _ in range(tried):
            loops[name](rng.permutation(labels))
        looped += (loop := (time.process_time() - began) * permutations / tried)
        print(f"{name:16s} {permutations} permutations, 200 resamples: {spent:6.2f} s; plain loop {loop:7.1f} s, {loop / spent:5.0f} times as long")
    print(f"all six: {total:.1f} s; plain loop {looped:.0f} s, {looped / total:.0f} times as long")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
