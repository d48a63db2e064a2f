"""Permutation tests of two labelled populations: labels, resampling, p-value, effect and interval, shared by all tests."""

from abc import ABC, abstractmethod
from itertools import combinations, product
from math import comb
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cubespace.errors import CubespaceError
from cubespace.space.correlations import centred_interval
from cubespace.space.resampling import permuted, resampled_groups

_TIE = 1e-10  # statistics as near as this, in units of their scale, are equal: sums of floats depend on their order


class Outcome(NamedTuple):
    """Result of one test."""

    statistic: float
    p_value: float
    effect: float
    ci_low: float
    ci_high: float
    n_a: int
    n_b: int


def units_of(groups, pairs=None):
    """(n,) int: galaxies that must stay together, tied by a common pointing or as partners of a pair."""
    codes = np.unique(groups, return_inverse=True)[1]
    if pairs is None:
        return codes
    n, size = len(codes), len(codes) + int(codes.max()) + 1
    rows, columns = np.concatenate([np.arange(n), pairs[:, 0]]), np.concatenate([n + codes, pairs[:, 1]])
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
    return np.unique(connected_components(graph, directed=False)[1][:n], return_inverse=True)[1]


def label_matrix(labels, n_permutations, rng, pairs=None, groups=None):
    """Permuted labels (B, n) bool, swapped within `pairs` ((m, 2) rows) if given, freely otherwise.

    Galaxies of one pointing (`groups`) are not independent: their labels move as a block, among pointings of as many
    galaxies, and pairs tied by a pointing are swapped together. If pairs, or galaxies of one pointing each, have no more than
    `n_permutations` + 1 arrangements, all but the observed one are listed once, and (1 + b) / (1 + B) is the exact p-value;
    otherwise they are drawn at random.
    """
    labels, n = np.asarray(labels, bool), len(labels)
    groups = np.arange(n) if groups is None else np.asarray(groups)
    if pairs is not None:
        pairs = np.asarray(pairs)
        kinds, unit = np.unique(units_of(groups, pairs)[pairs[:, 0]], return_inverse=True)
        m = len(kinds)
        if m < 60 and 2**m <= n_permutations + 1:
            swaps = np.array(list(product([False, True], repeat=m)), bool).reshape(-1, m)[1:]
        else:
            swaps = rng.random((n_permutations, m)) < 0.5
        swaps = swaps[:, unit]
        matrix = np.broadcast_to(labels, (len(swaps), n)).copy()
        for side in (0, 1):
            matrix[:, pairs[:, side]] = labels[pairs[:, 0]] ^ swaps ^ (side == 1)
        return matrix
    if len(np.unique(groups)) < n:
        return permuted(labels, groups, n_permutations, rng)
    if comb(n, int(labels.sum())) <= n_permutations + 1:
        subsets = [s for s in combinations(range(n), int(labels.sum())) if s != tuple(np.flatnonzero(labels))]
        matrix = np.zeros((len(subsets), n), bool)
        for row, subset in zip(matrix, subsets, strict=True):
            row[list(subset)] = True
        return matrix
    return rng.permuted(np.broadcast_to(labels, (n_permutations, n)), axis=1)


def resampled_counts(labels, n_bootstrap, rng, pairs=None, halves=False, groups=None):
    """(n_bootstrap, n) float: how often each galaxy is drawn; within each population, or pair by pair.

    A bootstrap over pointings, or with `halves` a random half of each population without replacement (`resampled_groups`;
    its spread is that of the whole). Statistics of neighbours need halves: copies would be each other's neighbours.
    """
    labels = np.asarray(labels, bool)
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    if pairs is not None:
        return resampled_groups(units_of(groups, np.asarray(pairs)), n_bootstrap, rng, halves)
    counts = np.zeros((n_bootstrap, len(labels)))
    for value in (False, True):
        rows = labels == value
        counts[:, rows] = resampled_groups(groups[rows], n_bootstrap, rng, halves)
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

    def rejects(self, distances, labels, level=0.05, n_permutations=99, rng=0, pairs=None, groups=None):
        """Whether `test` would give p <= level; looks at no more permutations than the answer needs."""
        rng = np.random.default_rng(rng)
        distances, labels, groups, pairs = checked(distances, labels, groups, pairs)
        plan = self.plan(distances, labels, groups, pairs)
        observed = float(plan.statistics(labels[None])[0]) - _TIE * plan.scale
        matrix = label_matrix(labels, n_permutations, rng, pairs, groups)
        allowed = np.floor(level * (1 + len(matrix)) * (1 + 1e-12)) - 1  # as many may reach the observed statistic
        reached, step = 0, max(1, len(matrix) // 4)
        for start in range(0, len(matrix), step):
            if reached > allowed:
                break
            reached += int((plan.statistics(matrix[start : start + step]) >= observed).sum())
        return reached <= allowed

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
            Pointing codes: galaxies of one pointing are never each other's neighbour, nor compared, and stay together in
            permutations, folds and resamples.

        Returns
        -------
        Outcome
            The interval is the central 95 % of a bootstrap over pointings, over pairs if matched (for statistics of neighbours:
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
        null = plan.statistics(label_matrix(labels, n_permutations, rng, pairs, groups))
        p = (1 + int((null >= observed - _TIE * plan.scale).sum())) / (1 + len(null))
        effect = float(plan.effect(labels))
        low = high = np.nan
        if n_bootstrap:
            draws = plan.effects(labels, resampled_counts(labels, n_bootstrap, rng, pairs, plan.halves, groups))
            draws = draws[np.isfinite(draws)]
            if len(draws):
                low, high = np.clip(centred_interval(draws, effect), *self.bounds)
        n_b = int(labels.sum())
        return Outcome(observed, p, effect, float(low), float(high), len(labels) - n_b, n_b)
