"""How strongly the representation as a whole depends on each property, and how sure the order of strengths is."""

from itertools import pairwise

import numpy as np
import pandas as pd

from cubespace.space.correlations import benjamini_hochberg
from cubespace.space.resampling import permuted_rows, resampled_groups

FIRST = 4  # components of the paper's Fig. 10
_CELLS = 1_000_000  # array cells worked on at once


def u_centred(distances):
    """Matrix of distances centred without bias (Szekely & Rizzo 2014, Ann. Stat. 42, 2382): rows sum to 0, diagonal 0."""
    n = len(distances)
    rows = distances.sum(axis=0) / (n - 2)
    centred = distances - rows - rows[:, None] + distances.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return centred


def space_dependence(chords, values, n_permutations, rng, groups=None):
    """Bias-corrected distance correlation of the representation with a property: (value, permutation p).

    Parameters
    ----------
    chords : (n, n) distances in the representation; n > 3
    values : (n,)
    groups : (n,) pointing codes; values of one pointing are permuted together

    Returns
    -------
    The square root of the squared distance correlation, with its sign (negative values come by chance, where there is no
    dependence), and p = (1 + b) / (1 + B); nan for a constant property.
    """
    a, b = u_centred(chords), u_centred(np.abs(np.subtract.outer(values, values)))
    size = np.sqrt(np.square(a).sum() * np.square(b).sum())
    if size <= 1e-24:
        return np.nan, np.nan
    observed, n = (a * b).sum(), len(values)
    rows = permuted_rows(np.arange(n) if groups is None else groups, n_permutations, rng)
    reached, step = 0, max(1, _CELLS // n**2)
    for start in range(0, n_permutations, step):
        chosen = rows[start : start + step]
        moved = b[chosen[:, :, None], chosen[:, None, :]].reshape(len(chosen), -1)
        reached += int((moved @ a.ravel() >= observed - 1e-10 * size).sum())
    squared = observed / size
    return float(np.sign(squared) * np.sqrt(abs(squared))), (1 + reached) / (1 + n_permutations)


def weighted_strengths(scores, values, counts):
    """Largest |Pearson r| of `values` (n,) with the columns of `scores` (n, m), in each resample (B, n) of counts: (B,)."""
    total = counts.sum(axis=1, keepdims=True)
    mean_x, mean_y = counts @ scores / total, counts @ values[:, None] / total
    covariance = counts @ (scores * values[:, None]) / total - mean_x * mean_y
    var_x = counts @ scores**2 / total - mean_x**2
    var_y = counts @ (values**2)[:, None] / total - mean_y**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(covariance / np.sqrt(var_x * var_y)).max(axis=1)


def strength_table(
    scores, chords, properties, groups, first=FIRST, n_bootstrap=200, n_permutations=199, min_size=10, seed=0
):
    """Properties by falling strength, as the paper orders them, with 95 % intervals on strength and rank.

    Strength is the largest |Pearson r| with the first components. Each bootstrap draws pointings, computes all strengths
    and ranks them anew; the axes stay as they are. A rank interval of 1 to 4 says that the order is not known among four.

    Parameters
    ----------
    scores : (n, m) principal components
    chords : (n, n) distances in the representation
    properties : dict name -> (n,) float, nan = missing
    groups : (n,) pointing codes

    Returns
    -------
    DataFrame
        property, n (galaxies that have it), n_embedded (of so many), strength, strength_low, strength_high, rank, rank_low, rank_high, share_above_next (of the bootstraps
        in which it is stronger than the next in order), space_distance_r, p_space and q_space (`space_dependence`)
    """
    scores, groups = np.asarray(scores, np.float64)[:, :first], np.asarray(groups)
    counts = resampled_groups(groups, n_bootstrap, np.random.default_rng([seed, 44]))
    rows, draws = [], []
    for number, (name, values) in enumerate(properties.items()):
        known = np.isfinite(values)
        if known.sum() < min_size or np.ptp(values[known]) == 0:
            continue
        x, y = scores[known] - scores[known].mean(axis=0), values[known] - values[known].mean()
        drawn = weighted_strengths(x, y, counts[:, known])
        rng = np.random.default_rng([seed, 45, number])
        dependence = space_dependence(chords[np.ix_(known, known)], y, n_permutations, rng, groups[known])
        low, high = np.nanquantile(drawn, [0.025, 0.975])
        strength = float(weighted_strengths(x, y, np.ones((1, len(y))))[0])
        rows.append([name, int(known.sum()), len(values), strength, low, high, *dependence])
        draws.append(drawn)
    columns = ["property", "n", "n_embedded", "strength", "strength_low", "strength_high", "space_distance_r", "p_space"]
    table = pd.DataFrame(rows, columns=columns)
    table["q_space"] = benjamini_hochberg(table["p_space"])
    order = np.argsort(-table["strength"].to_numpy(), kind="stable")
    table, draws = table.iloc[order].reset_index(drop=True), np.array(draws).reshape(-1, n_bootstrap)[order]
    ranks = (-draws).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") + 1
    above = [float((one > other).mean()) for one, other in pairwise(draws)]
    low, high = np.quantile(ranks, [0.025, 0.975], axis=1, method="inverted_cdf") if len(table) else ([], [])
    table.insert(6, "rank", np.arange(1, len(table) + 1))
    table.insert(7, "rank_low", np.asarray(low, int))
    table.insert(8, "rank_high", np.asarray(high, int))
    table.insert(9, "share_above_next", [*above, np.nan][: len(table)])
    return table
