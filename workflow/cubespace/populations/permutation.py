"""Permutation tests of two labelled populations: labels, resampling, p-value, effect and interval, shared by all tests."""

from abc import ABC, abstractmethod
from itertools import combinations, product
from math import comb
from typing import NamedTuple

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.space.correlations import centred_interval


class Outcome(NamedTuple):
    """Result of one test."""

    statistic: float
    p_value: float
    effect: float
    ci_low: float
    ci_high: float
    n_a: int
    n_b: int


def label_matrix(labels, n_permutations, rng, pairs=None):
    """Permuted labels (B, n) bool, swapped within `pairs` ((m, 2) rows) if given, freely otherwise.

    If there are no more than `n_permutations` + 1 arrangements, all but the observed one are listed once, and
    (1 + b) / (1 + B) is the exact p-value; otherwise they are drawn at random.
    """
    labels, n = np.asarray(labels, bool), len(labels)
    if pairs is not None:
        pairs = np.asarray(pairs)
        m = len(pairs)
        exact = m < 60 and 2**m <= n_permutations + 1
        swaps = (
            np.array(list(product([False, True], repeat=m)))[1:]
            if exact
            else rng.random((n_permutations, m)) < 0.5
        )
        matrix = np.broadcast_to(labels, (len(swaps), n)).copy()
        for side in (0, 1):
            matrix[:, pairs[:, side]] = labels[pairs[:, 0]] ^ swaps ^ (side == 1)
        return matrix
    if comb(n, int(labels.sum())) <= n_permutations + 1:
        subsets = [s for s in combinations(range(n), int(labels.sum())) if s != tuple(np.flatnonzero(labels))]
        matrix = np.zeros((len(subsets), n), bool)
        for row, subset in zip(matrix, subsets, strict=True):
            row[list(subset)] = True
        return matrix
    return rng.permuted(np.broadcast_to(labels, (n_permutations, n)), axis=1)


def resampled_counts(labels, n_bootstrap, rng, pairs=None, halves=False):
    """(n_bootstrap, n) float: how often each galaxy is drawn; within each population, or pair by pair.

    A bootstrap, or with `halves` a random half of each population without replacement (delete-half jackknife, Shao & Wu 1989:
    its spread is that of the whole). Statistics of neighbours need halves: copies would be each other's neighbours.
    """
    labels = np.asarray(labels, bool)
    counts = np.zeros((n_bootstrap, len(labels)))
    units = (
        [np.asarray(pairs)]
        if pairs is not None
        else [np.flatnonzero(labels == value)[:, None] for value in (False, True)]
    )
    for rows in units:
        n = len(rows)
        if halves:
            drawn = (np.argsort(rng.random((n_bootstrap, n)), axis=1) < (n + 1) // 2).astype(float)
        else:
            drawn = rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap)
        for side in range(rows.shape[1]):
            counts[:, rows[:, side]] = drawn
    return counts


def checked(distances, labels, groups, pairs):
    distances, labels = np.asarray(distances, np.float64), np.asarray(labels)
    n = len(labels)
    if distances.shape != (n, n):
        raise CubespaceError(f"distances have shape {distances.shape}, expected ({n}, {n}) for {n} labels")
    if not np.isfinite(distances).all():
        raise CubespaceError("the matrix of distances holds values that are not finite")
    labels = labels.astype(bool)
    if min(labels.sum(), n - labels.sum()) < 2:
        raise CubespaceError(
            f"two-sample tests need 2 galaxies a side, found {n - labels.sum()} and {labels.sum()}"
        )
    groups = np.arange(n) if groups is None else np.asarray(groups)
    if pairs is not None:
        pairs = np.asarray(pairs)
        if sorted(pairs.ravel()) != list(range(n)) or (labels[pairs[:, 0]] == labels[pairs[:, 1]]).any():
            raise CubespaceError("pairs must hold every galaxy once, and one galaxy of each population")
    return distances, labels, groups, pairs


class TwoSampleTest(ABC):
    """Base: permutation p-value, effect with bootstrap interval. A subclass makes a plan from distances, once."""

    name = ""
    bounds = (-np.inf, np.inf)  # of the effect

    @abstractmethod
    def plan(self, distances, labels, groups, pairs):
        """Object with ``statistics(Y)`` (B, n) -> (B,), ``effect(labels)``, ``effects(labels, counts)``, ``scale`` (of the
        statistic, for ties in rounding) and ``halves`` (how to resample)."""

    def statistic(self, distances, labels, groups=None, pairs=None):
        """The statistic alone; larger = more different."""
        distances, labels, groups, pairs = checked(distances, labels, groups, pairs)
        return float(self.plan(distances, labels, groups, pairs).statistics(labels[None])[0])

    def test(self, distances, labels, n_permutations=999, rng=0, pairs=None, groups=None, n_bootstrap=200):
        """Test one pair of populations.

        Parameters
        ----------
        distances : (n, n) float
            Cosine distances.
        labels : (n,) bool
            False = population a, True = b.
        rng : numpy Generator or seed
        pairs : (m, 2) int, optional
            Rows of matched galaxies; n = 2 m. Labels are then permuted within pairs only.
        groups : (n,) optional
            Pointing codes: galaxies of one pointing are never each other's neighbour, nor compared.

        Returns
        -------
        Outcome
            The interval is the central 95 % of a bootstrap over galaxies, over pairs if matched (for statistics of neighbours:
            of random halves), moved so that its median falls on the effect, and cut to the effect's range.

        Raises
        ------
        CubespaceError
            Wrong shapes, values that are not finite, fewer than two galaxies a side, or broken pairs.
        """
        rng = np.random.default_rng(rng)
        distances, labels, groups, pairs = checked(distances, labels, groups, pairs)
        plan = self.plan(distances, labels, groups, pairs)
        observed = float(plan.statistics(labels[None])[0])
        null = plan.statistics(label_matrix(labels, n_permutations, rng, pairs))
        p = (1 + int((null >= observed - 1e-10 * plan.scale).sum())) / (1 + len(null))
        effect = float(plan.effect(labels))
        low = high = np.nan
        if n_bootstrap:
            draws = plan.effects(labels, resampled_counts(labels, n_bootstrap, rng, pairs, plan.halves))
            draws = draws[np.isfinite(draws)]
            if len(draws):
                low, high = np.clip(centred_interval(draws, effect), *self.bounds)
        n_b = int(labels.sum())
        return Outcome(observed, p, effect, float(low), float(high), len(labels) - n_b, n_b)
