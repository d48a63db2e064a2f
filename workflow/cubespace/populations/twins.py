"""Twins: pairs of galaxies of two classes with the same morphology and nearly the same mass (paper, sec. 4.3)."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from cubespace.errors import CubespaceError
from cubespace.morphology import bin_index

TWIN_COLUMNS = ("comparison", "galaxy_a", "galaxy_b", "delta_log_mass", "morphology")
BALANCE_COLUMNS = (
    "comparison", "covariate", "smd_before", "smd_after", "variance_ratio_before", "variance_ratio_after",
    "n_a", "n_b", "n_pairs", "status", "reason",
)  # fmt: skip
COVARIATES = (
    "log_mass", "morphology", "redshift", "re_kpc", "re_arcsec", "ellipticity", "log_age_lw", "metallicity_lw", "log_ew_ha",
    "log_sfr", "log_sigma_mass", "snr",
)  # fmt: skip
_EDGE = 1e-6  # dex; 10.4 - 10.2 is 0.2000000000000011 in floats, 10.6 - 10.4 in single precision 0.2000008; both are twins at 0.2


def match(a, b, caliper=0.2, morphology="morphology", further=None):
    """Optimal one-to-one pairs of the galaxies of two tables.

    Two galaxies may be a pair if their morphology is the same, |delta log M| <= caliper, every further covariate
    differs by no more than its own caliper, and they do not share a pointing (pixels would be shared). Of all ways to
    pair them, one with the most pairs is taken, and of those the one with the least total |delta log M|. Galaxies
    without mass, type or a further covariate are never matched.

    Parameters
    ----------
    a, b : DataFrame with galaxy, log_mass, the column named by `morphology`, and pointing (optional); any row
    order
    caliper : float, dex
    morphology : column that must agree: "morphology" (bin) or "morphology_detail"
    further : dict column -> largest difference, inclusive, in the unit of the column

    Returns
    -------
    pandas.DataFrame
        galaxy_a, galaxy_b, delta_log_mass (a - b), morphology; sorted by galaxy_a. The same for any order of
        the rows.

    Raises
    ------
    CubespaceError
        A galaxy is there twice, or in both tables.
    """
    names = [*a["galaxy"], *b["galaxy"]]
    if len(set(names)) < len(names):
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        raise CubespaceError(f"twins: galaxies more than once: {', '.join(twice[:10])}")
    further = dict(further or {})
    for name in further:
        if name not in a or name not in b:
            raise CubespaceError(f"twins: match_also: no column {name!r} in the table of galaxies")
    a, b = _ready(a, morphology, further), _ready(b, morphology, further)
    rows = []
    for kind in sorted(set(a[morphology]) & set(b[morphology])):
        left, right = a[a[morphology] == kind], b[b[morphology] == kind]
        delta = left["log_mass"].to_numpy()[:, None] - right["log_mass"].to_numpy()
        allowed = np.abs(delta) <= caliper + _EDGE
        allowed &= left["pointing"].to_numpy()[:, None] != right["pointing"].to_numpy()
        for name, largest in further.items():
            one, other = left[name].to_numpy(float)[:, None], right[name].to_numpy(float)
            slack = 2e-7 * np.maximum(np.abs(one), np.abs(other))  # of values in single precision
            allowed &= np.abs(one - other) <= largest * (1 + _EDGE) + slack
        # one forbidden pair costs more than any set of allowed ones, so the number of pairs is maximised first;
        # finite, because the solver refuses rows of infinities
        forbidden = (min(allowed.shape) + 1.0) * (caliper + _EDGE)
        for i, j in zip(*linear_sum_assignment(np.where(allowed, np.abs(delta), forbidden)), strict=True):
            if allowed[i, j]:
                rows.append([left["galaxy"].iloc[i], right["galaxy"].iloc[j], delta[i, j], kind])
    pairs = pd.DataFrame(rows, columns=["galaxy_a", "galaxy_b", "delta_log_mass", "morphology"])
    return pairs.sort_values("galaxy_a").reset_index(drop=True)


def _ready(frame, morphology, further=()):
    """Rows with mass, type and what else must agree, sorted by name: the solver breaks ties by row, which must not be the
    file's."""
    usable = frame[morphology].notna().to_numpy()
    for name in ("log_mass", *further):
        usable = usable & np.isfinite(frame[name].to_numpy(float))
    frame = frame[usable].sort_values("galaxy").reset_index(drop=True)
    if "pointing" not in frame:
        return frame.assign(pointing=frame["galaxy"])
    return frame.assign(pointing=frame["pointing"].where(frame["pointing"].notna(), frame["galaxy"]))


def placebo(table, caliper=0.2, morphology="morphology", further=None, seed=0):
    """Twins of one population among themselves, as a control without any difference.

    Of every two neighbours in mass of one type, chance sends one to either side; the sides are then matched as two
    populations are. Parameters and result as in `match`; the same for any order of the rows.
    """
    table = table[table[morphology].notna()].sort_values([morphology, "log_mass", "galaxy"]).reset_index(drop=True)
    place = table.groupby(morphology).cumcount().to_numpy()
    duo = np.cumsum(place % 2 == 0) - 1
    coin = np.random.default_rng([seed, 73]).integers(2, size=len(table))
    second = (place + coin[duo]) % 2 == 1
    return match(table[~second], table[second], caliper, morphology, further)


def balance(a, b, pairs, covariates=COVARIATES):
    """How alike two classes are in each covariate, before and after matching.

    The standardised mean difference is (mean_a - mean_b) / sqrt((var_a + var_b) / 2), with the variances
    *before* matching in both cases, so that the two are comparable (Stuart 2010, Stat. Sci. 25, 1). |SMD| <
    0.1 is balanced, 0.25 the most that is tolerable. The variance ratio is var_a / var_b. Morphology counts
    as its index (E 0 ... BCD 7).

    Returns
    -------
    pandas.DataFrame
        covariate, smd_before, smd_after, variance_ratio_before, variance_ratio_after, n_a, n_b, n_pairs;
        missing values are left out; nan where a class has fewer than two values or no variance. Covariates
        that no table has are not listed.
    """
    a, b = a.set_index("galaxy"), b.set_index("galaxy")
    rows = []
    for name in covariates:
        if name not in a or name not in b:
            continue
        x, y = _values(a[name]), _values(b[name])
        after = x.reindex(pairs["galaxy_a"]).to_numpy(), y.reindex(pairs["galaxy_b"]).to_numpy()
        scale = np.sqrt((_variance(x) + _variance(y)) / 2.0)
        row = [name]
        row += [_ratio(_mean(p) - _mean(q), scale) for p, q in ((x, y), after)]
        row += [_ratio(_variance(p), _variance(q)) for p, q in ((x, y), after)]
        rows.append([*row, len(a), len(b), len(pairs)])
    return pd.DataFrame(
        rows, columns=[c for c in BALANCE_COLUMNS if c not in ("comparison", "status", "reason")]
    )


def _values(column):
    if column.name == "morphology":
        return column.map(lambda kind: bin_index(kind) if isinstance(kind, str) else np.nan).astype(float)
    return column.astype(float)


def _mean(values):
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return values.mean() if len(values) else np.nan


def _variance(values):
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return values.var(ddof=1) if len(values) > 1 else np.nan


def _ratio(numerator, denominator):
    """nan for 0/0 and everything over 0: a covariate without variance has no scale."""
    return numerator / denominator if np.isfinite(denominator) and denominator > 0 else np.nan


def compare(
    galaxies, classes, comparisons, caliper=0.2, morphology="morphology", min_pairs=5, covariates=COVARIATES,
    match_also=None, controls=False, seed=0,
):  # fmt: skip
    """Twins and balance of every comparison; one that cannot be made is recorded, not raised.

    Parameters
    ----------
    galaxies : DataFrame of properties; classes : DataFrame with galaxy, nuclear_class, environment
    comparisons : list of {a, b, by, name}: two classes of the column `by` of `classes` (nuclear_class or
    environment); the name is
        "a-b" if left out, which is what the comparison of populations looks for
    min_pairs : int; fewer pairs are "not tested": no row in the twins, the reason in the balance
    match_also : dict column -> largest difference: further covariates to match in
    controls : bool
        Also `placebo` twins of the larger population of each comparison, named "a-a" after it.

    Returns
    -------
    twins : DataFrame, columns TWIN_COLUMNS
    table : DataFrame, columns BALANCE_COLUMNS; status is "matched" or "not tested" (then the values after
    matching are missing)

    Raises
    ------
    CubespaceError
        A comparison names a column that is not there, two equal classes, or a name twice.
    """
    comparisons = [{"name": f"{c['a']}-{c['b']}", **c} for c in comparisons]
    names = [c["name"] for c in comparisons]
    if len(set(names)) < len(names):
        raise CubespaceError(f"twins: comparisons: found {', '.join(names)}; each name once only")
    for comparison in comparisons:
        name, by, first = (comparison[key] for key in ("name", "by", "a"))
        if by not in classes:
            raise CubespaceError(
                f"twins: comparison {name!r}: by: found {by!r}, expected one of {', '.join(classes.columns)}"
            )
        if first == comparison["b"]:
            raise CubespaceError(f"twins: comparison {name!r}: a and b are both {first!r}")
    own = [c for c in galaxies.columns if c == "galaxy" or c not in classes.columns]
    table = classes.merge(galaxies[own], on="galaxy", how="left", validate="one_to_one")
    if controls:
        comparisons = comparisons + [c for c in _controls(comparisons, table) if c["name"] not in names]
    twins, balances = [], []
    for comparison in comparisons:
        name, by, first, second = (comparison[key] for key in ("name", "by", "a", "b"))
        a, b = table[table[by] == first], table[table[by] == second]
        if first != second:
            pairs = match(a, b, caliper, morphology, match_also)
        else:
            pairs = placebo(a, caliper, morphology, match_also, seed)
            b = a
        reason = None
        if a.empty or b.empty:
            reason = "no galaxy of class " + " or ".join(
                c for c, part in ((first, a), (second, b)) if part.empty
            )
        elif len(pairs) < min_pairs:
            reason = f"{len(pairs)} pairs, fewer than {min_pairs}"
        report = balance(a, b, pairs, covariates)
        if reason:
            report[["smd_after", "variance_ratio_after"]] = np.nan
        else:
            twins.append(pairs.assign(comparison=name))
        balances.append(
            report.assign(comparison=name, status="not tested" if reason else "matched", reason=reason)
        )
    empty = pd.DataFrame(columns=list(TWIN_COLUMNS))
    twins = pd.concat(twins, ignore_index=True) if twins else empty
    balances = (
        pd.concat(balances, ignore_index=True) if balances else pd.DataFrame(columns=list(BALANCE_COLUMNS))
    )
    return twins[list(TWIN_COLUMNS)], balances[list(BALANCE_COLUMNS)]


def _controls(comparisons, table):
    """One comparison of a population with itself for the larger side of each comparison, each population once."""
    larger = {}
    for comparison in comparisons:
        by, sides = comparison["by"], (comparison["a"], comparison["b"])
        population = max(sides, key=lambda side: int((table[by] == side).sum()))
        larger[f"{population}-{population}"] = {"a": population, "b": population, "by": by}
    return [{"name": name, **sides} for name, sides in larger.items()]
