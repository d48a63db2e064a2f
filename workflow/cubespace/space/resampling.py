"""Permutations and bootstraps that keep together what is not independent: galaxies cut from one pointing share pixels."""

import numpy as np

_CELLS = 500_000  # of the numbers that arrange rows, worked on at once


def blocks_of(groups):
    """Rows of each group: list of (m, s) int arrays, one for each size s of a group, sizes rising."""
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    rows = np.argsort(inverse, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return [
        rows[starts[counts == size][:, None] + np.arange(size)] for size in np.unique(counts)
    ]


def permuted(values, groups, n_permutations, rng):
    """Values (n,) rearranged by the law of `permuted_rows`: (B, n), in memory little more than this.

    Drawn in parts, so that with groups of several sizes the arrangements are others than those of one call.
    """
    values, step = np.asarray(values), max(1, _CELLS // len(groups))
    result = np.empty((n_permutations, len(groups)), values.dtype)
    for start in range(0, n_permutations, step):
        part = result[start : start + step]
        part[:] = values[permuted_rows(groups, len(part), rng)]
    return result


def permuted_rows(groups, n_permutations, rng):
    """Random rearrangements (B, n) int of n rows in which groups stay together.

    Whole groups change places with groups of the same size, and the rows within a group are shuffled: that is what
    exchangeability allows if groups are independent and their members are not. Groups of one row each: all orders.
    """
    groups = np.asarray(groups)
    result = np.empty((n_permutations, len(groups)), np.intp)
    for rows in blocks_of(groups):
        m, size = rows.shape
        moved = rows[np.argsort(rng.random((n_permutations, m)), axis=1)]
        if size > 1:
            within = np.argsort(rng.random(moved.shape), axis=2)
            moved = np.take_along_axis(moved, within, axis=2)
        result[:, rows] = moved
    return result


def resampled_groups(groups, n_bootstrap, rng, halves=False):
    """How often each row is drawn (n_bootstrap, n) float: a bootstrap over groups, rows of a group always together.

    With `halves` a random half of the groups without replacement instead (delete-half jackknife, Shao & Wu 1989).
    """
    codes = np.unique(groups, return_inverse=True)[1]
    m = int(codes.max()) + 1
    if halves:
        drawn = (np.argsort(rng.random((n_bootstrap, m)), axis=1) < (m + 1) // 2).astype(float)
    else:
        drawn = rng.multinomial(m, np.full(m, 1 / m), size=n_bootstrap).astype(float)
    return drawn[:, codes]
