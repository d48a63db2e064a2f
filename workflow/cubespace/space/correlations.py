"""Principal components of the representation and their correlation with physical properties (paper sec. 5.1, Fig. 10)."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from cubespace.errors import CubespaceError
from cubespace.morphology import bin_index
from cubespace.space.resampling import permuted_rows, resampled_groups

# the properties of Fig. 10, in the paper's order of strength, then those it finds weak or absent
PROPERTIES_OF_INTEREST = (
    "log_ew_ha", "morphology", "metallicity_lw", "log_age_lw", "log_sigma_mass", "log_nii_ha_cen", "log_mass",
    "log_oiii_hb_cen", "ellipticity", "re_arcsec", "re_kpc", "redshift", "log_sfr",
)  # fmt: skip
CONTROLS = ("log_mass", "morphology", "redshift")
_CHUNK = 500_000  # permuted values held at once


class Components(NamedTuple):
    """Principal components: scores of all rows on axes fitted to some of them."""

    mean: np.ndarray  # (d,)
    axes: np.ndarray  # (m, d) orthonormal rows, by falling variance
    ratio: np.ndarray  # (m,) share of the variance
    scores: np.ndarray  # (n, m)


def principal_components(vectors, fit=None):
    """PCA by SVD in float64, all components with variance.

    Sign rule: the loading of largest size is positive in each axis (the first such one in a tie).

    Parameters
    ----------
    vectors : (n, d)
    fit : (n,) bool, optional
        Rows that the axes are fitted on; the others are only projected.

    Raises
    ------
    CubespaceError
        Fewer than two rows to fit, or no variance (a collapsed representation).
    """
    vectors = np.asarray(vectors, np.float64)
    sample = vectors if fit is None else vectors[fit]
    if len(sample) < 2:
        raise CubespaceError(f"principal components need at least 2 galaxies, found {len(sample)}")
    mean = sample.mean(axis=0)
    _, singular, axes = np.linalg.svd(sample - mean, full_matrices=False)
    scale = np.linalg.norm(sample, axis=1).max()
    kept = singular > max(singular[0], scale) * 1e-10
    if not kept.any():
        raise CubespaceError(f"all {len(sample)} vectors are equal: the representation has collapsed")
    axes = axes[kept]
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1))
    variance = singular[kept] ** 2
    return Components(mean, axes, variance / variance.sum(), (vectors - mean) @ axes.T)


def components_for(ratio, share=0.9):
    """Number of leading components that hold at least `share` of the variance."""
    return int(np.searchsorted(np.cumsum(ratio), share * (1 - 1e-12)) + 1)


def variance_table(vectors, share=0.9, n_bootstrap=200, seed=0, groups=None):
    """Table component (1..), explained_variance_ratio, cumulative, cumulative_low, cumulative_high, within_share.

    `within_share` is 1 for the components needed to reach `share` (the paper: seven for 90 %), else 0. The interval is
    the central 95 % of a bootstrap over galaxies (pointings, where `groups` (n,) are given). Repeats lower the rank, so the
    bootstrap leans to fewer components; the shift of its median from the estimate is taken off.
    """
    vectors = np.asarray(vectors, np.float64)
    ratio = principal_components(vectors).ratio
    cumulative = np.cumsum(ratio)
    rows = np.arange(len(vectors))
    counts = resampled_groups(rows if groups is None else groups, n_bootstrap, np.random.default_rng([seed, 41]))
    draws = np.empty((n_bootstrap, len(ratio)))
    for draw, count in zip(draws, counts.astype(int), strict=True):
        sample = vectors[np.repeat(rows, count)]
        sample = sample - sample.mean(axis=0)
        gram = sample @ sample.T if len(sample) <= sample.shape[1] else sample.T @ sample
        values = np.clip(np.linalg.eigvalsh(gram)[::-1][: len(ratio)], 0, None)
        total = values.sum()
        draw[: len(values)] = np.cumsum(values) / total if total > 0 else 1.0
        draw[len(values) :] = 1.0
    low, high = centred_interval(draws, cumulative)
    return pd.DataFrame(
        {
            "component": np.arange(1, len(ratio) + 1),
            "explained_variance_ratio": ratio,
            "cumulative": cumulative,
            "cumulative_low": np.clip(low, 0, 1),
            "cumulative_high": np.clip(high, 0, 1),
            "within_share": (np.arange(len(ratio)) < components_for(ratio, share)).astype(int),
        }
    )


def centred_interval(draws, estimate, level=0.95):
    """Percentile interval of bootstrap `draws` (n, ...) moved so that their median falls on `estimate`: (low, high).

    Statistics that are bounded or biased (KS, variance shares) are shifted by resampling; the width is what counts.
    """
    draws = np.asarray(draws, np.float64)
    low, middle, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    return estimate + low - middle, estimate + high - middle


def benjamini_hochberg(p_values):
    """q-values of Benjamini & Hochberg (1995); nan stay nan and do not count in the family."""
    p_values = np.asarray(p_values, np.float64)
    q_values = np.full(p_values.shape, np.nan)
    known = np.isfinite(p_values)
    if known.any():
        q_values[known] = stats.false_discovery_control(p_values[known], method="bh")
    return q_values


def numeric_properties(table, galaxies, names=PROPERTIES_OF_INTEREST):
    """dict name -> (n,) float64, nan = missing, for `galaxies` in order; morphology as its bin index (E = 0 ... BCD = 7).

    Names without a column in `table` are left out.

    Raises
    ------
    CubespaceError
        A galaxy is not in the table, or a property is not a number.
    """
    rows = table.set_index(table["galaxy"].astype(str))
    absent = [name for name in galaxies if name not in rows.index]
    if absent:
        raise CubespaceError(
            f"{len(absent)} galaxies of the embedding have no row in the table of galaxies, {str(absent[0])!r} first"
        )
    rows = rows.loc[list(galaxies)]
    values = {}
    for name in names:
        if name not in rows.columns:
            continue
        if name == "morphology":
            values[name] = np.array([bin_index(None if pd.isna(v) else str(v)) for v in rows[name]], float)
            continue
        try:
            values[name] = pd.to_numeric(rows[name]).to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise CubespaceError(f"property {name!r}: expected numbers: {error}") from None
        values[name] = np.where(np.isfinite(values[name]), values[name], np.nan)
    return values


def _standardised(values):
    """Columns with mean 0 and sum of squares 1; constant columns become nan."""
    centred = values - values.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    constant = size <= 1e-12 * np.maximum(np.abs(values).max(axis=0, initial=0), 1e-300) * np.sqrt(
        len(values)
    )
    return centred / np.where(constant, np.nan, size)


def permutation_p(scores, values, n_permutations, rng, groups=None):
    """Two-sided p of Pearson's r of each column of `scores` (n, m) with `values` (n,): (1 + b) / (1 + B).

    `values` is permuted, those of one of the `groups` (pointings) together; all permutations of a chunk are one matrix
    product.
    """
    left, right = _standardised(scores), _standardised(values[:, None])[:, 0]
    observed = np.abs(right @ left)
    exceed = np.zeros(scores.shape[1])
    step = max(1, _CHUNK // len(values))
    for start in range(0, n_permutations, step):
        count = min(step, n_permutations - start)
        shuffled = _shuffled(right, count, rng, groups)
        exceed += (np.abs(shuffled @ left) >= observed * (1 - 1e-12)).sum(axis=0)
    return np.where(np.isnan(observed), np.nan, (1 + exceed) / (1 + n_permutations))


def partial_correlation(scores, values, controls, n_permutations, rng, groups=None):
    """Pearson's r of each column of `scores` (n, m) with `values` (n,) after linear regression of both on `controls` (n, c).

    Returns (r (m,), p (m,)): p = (1 + b) / (1 + B) from permuted residuals of `values`, regressed on the controls again
    (Freedman & Lane 1983, J. Bus. Econ. Stat. 1, 292), those of one of the `groups` (pointings) together; nan if fewer
    than 1 of the n - 2 - rank(controls) degrees of freedom is left, or nothing of a variable.
    """
    design = np.column_stack([np.ones(len(values)), controls])
    design = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    basis, singular, _ = np.linalg.svd(design, full_matrices=False)
    basis = basis[:, singular > singular[0] * 1e-10]
    if len(values) - 1 - basis.shape[1] < 1:
        return np.full(scores.shape[1], np.nan), np.full(scores.shape[1], np.nan)
    both = np.column_stack([scores, values])
    left = both - basis @ (basis.T @ both)
    size, spread = np.linalg.norm(left, axis=0), np.linalg.norm(both - both.mean(axis=0), axis=0)
    left = left / np.where(size > 1e-10 * np.maximum(spread, 1e-300), size, np.nan)
    residual, rest = left[:, -1], left[:, :-1]
    r = np.clip(residual @ rest, -1, 1)
    exceed, step = np.zeros(len(r)), max(1, _CHUNK // len(values))
    for start in range(0, n_permutations, step):
        shuffled = _shuffled(residual, min(step, n_permutations - start), rng, groups)
        again = np.sqrt(np.clip(1 - np.square(shuffled @ basis).sum(axis=1), 1e-300, None))
        exceed += (np.abs(shuffled @ rest) >= np.abs(r) * again[:, None] * (1 - 1e-12)).sum(axis=0)
    return r, np.where(np.isnan(r), np.nan, (1 + exceed) / (1 + n_permutations))


def _shuffled(values, count, rng, groups=None):
    """(count, n) permutations of `values` (n,), rows of one of the `groups` kept together."""
    if groups is not None and len(np.unique(groups)) < len(values):
        return values[permuted_rows(groups, count, rng)]
    return rng.permuted(np.broadcast_to(values, (count, len(values))), axis=1)


def correlation_table(
    scores, properties, n_components=7, n_permutations=9999, seed=0, controls=CONTROLS, min_size=5, groups=None
):
    """Correlations of the first components with each property, as Fig. 10 but calibrated.

    Parameters
    ----------
    scores : (n, m)
        From `principal_components`.
    properties : dict
        name -> (n,) float, nan = missing (`numeric_properties`).
    controls : names
        Held fixed in the partial correlation, the property itself left out of them. A control without any value is dropped.
    groups : (n,), optional
        Pointing codes: values of one pointing are permuted together.

    Returns
    -------
    DataFrame
        component (1..), property, n (galaxies that have it), n_embedded (of so many), pearson_r, spearman_r, p_permutation, p_spearman (both by permutation), q_bh and
        q_spearman (Benjamini-Hochberg over the table), distance_r (distance correlation, Szekely et al. 2007: 0 only if
        independent, and biased upwards in small samples), partial_r, partial_p, partial_n, q_partial. nan where fewer than `min_size` galaxies have the property, or it is constant.
    """
    scores = np.asarray(scores, np.float64)[:, :n_components]
    held = {
        name: properties[name]
        for name in controls
        if name in properties and np.isfinite(properties[name]).any()
    }
    rows = []
    for number, (name, values) in enumerate(properties.items()):
        known = np.isfinite(values)
        m, n = scores.shape[1], int(known.sum())
        pearson, spearman, p, p_rank, distance, partial, partial_p = (np.full(m, np.nan) for _ in range(7))
        others = [held[control] for control in held if control != name]
        complete = known & np.all([np.isfinite(other) for other in others], axis=0) if others else known
        if n >= min_size:
            y, x = values[known], scores[known]
            pearson = _standardised(y[:, None])[:, 0] @ _standardised(x)
            ranks = stats.rankdata(x, axis=0), stats.rankdata(y)
            spearman = _standardised(ranks[1][:, None])[:, 0] @ _standardised(ranks[0])
            tied = None if groups is None else np.asarray(groups)[known]
            p = permutation_p(x, y, n_permutations, np.random.default_rng([seed, 42, number]), tied)
            p_rank = permutation_p(*ranks, n_permutations, np.random.default_rng([seed, 43, number]), tied)
            distance = [distance_correlation(column, y) for column in x.T]
        if complete.sum() >= min_size and others:
            control = np.column_stack(others)[complete]
            rng, held_together = np.random.default_rng([seed, 47, number]), None if groups is None else np.asarray(groups)[complete]
            partial, partial_p = partial_correlation(
                scores[complete], values[complete], control, n_permutations, rng, held_together
            )
        rows.append(
            pd.DataFrame(
                {
                    "component": np.arange(1, m + 1), "property": name, "n": n, "n_embedded": len(values),
                    "pearson_r": pearson, "spearman_r": spearman, "p_permutation": p, "p_spearman": p_rank, "distance_r": distance,
                    "partial_r": partial, "partial_p": partial_p, "partial_n": int(complete.sum()),
                }
            )
        )  # fmt: skip
    if not rows:
        raise CubespaceError("no property to correlate: the table of galaxies has none of the wanted columns")
    table = pd.concat(rows, ignore_index=True).sort_values("component", kind="stable", ignore_index=True)
    table.insert(7, "q_bh", benjamini_hochberg(table["p_permutation"]))
    table.insert(9, "q_spearman", benjamini_hochberg(table["p_spearman"]))
    table["q_partial"] = benjamini_hochberg(table["partial_p"])
    return table


def distance_correlation(x, y):
    """Distance correlation of two samples of numbers (Szekely, Rizzo & Bakirov 2007, Ann. Stat. 35, 2769); nan if constant."""
    a, b = (_double_centred(np.abs(np.subtract.outer(v, v))) for v in (np.asarray(x, float), np.asarray(y, float)))
    variances = np.square(a).mean() * np.square(b).mean()
    return float(np.sqrt(max((a * b).mean(), 0) / np.sqrt(variances))) if variances > 1e-24 else np.nan


def _double_centred(distances):
    rows = distances.mean(axis=0)
    return distances - rows - rows[:, None] + rows.mean()
