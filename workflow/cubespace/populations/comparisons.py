"""The family of comparisons of populations, matched or not (paper sec. 4.3, Figs. 8 and 9), with power."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError
from cubespace.populations.power import EFFECTS, power_curve
from cubespace.populations.two_sample import all_tests
from cubespace.space.correlations import benjamini_hochberg
from cubespace.space.neighbours import cosine_distances, unit_rows

COLUMNS_OF = {
    "role": ("train", "validation", "embed"),
    "nuclear_class": ("SF", "composite", "AGN", "LINER", "passive", "undetermined"),
    "environment": ("cluster", "filament_wall", "void", "unclassified"),
}
DEFAULT = (
    {"a": "train", "b": "validation"},
    {"a": "passive", "b": "SF"},
    {"a": "AGN", "b": "SF"},
    {"a": "filament_wall", "b": "cluster"},
    {"a": "filament_wall", "b": "void"},
    {"a": "void", "b": "cluster"},
    {"a": "AGN", "b": "SF", "matched": True},
    {"a": "filament_wall", "b": "cluster", "matched": True},
    {"a": "void", "b": "filament_wall", "matched": True},
)


class Tables(NamedTuple):
    """What a family of comparisons gives."""

    comparisons: pd.DataFrame
    power: pd.DataFrame
    distances: pd.DataFrame


def column_of(a, b, by=None, placebo=False):
    """Which column tells two populations apart: `by`, or the one whose values they both are (equal for a placebo only).

    Raises
    ------
    CubespaceError
        The names are of no common column, or not among the values of `by`.
    """
    for column, values in COLUMNS_OF.items():
        if by in (None, column) and a in values and b in values and (a != b or placebo):
            return column
    allowed = "; ".join(f"{column}: {', '.join(values)}" for column, values in COLUMNS_OF.items())
    raise CubespaceError(
        f"comparison of {a!r} with {b!r}{f' by {by!r}' if by else ''}: two values of one column expected ({allowed})"
    )


def classes_of(table, galaxies, roles):
    """dict ``role``, ``nuclear_class``, ``environment`` -> (n,) str or None, in the order of `galaxies`.

    Raises
    ------
    CubespaceError
        A column or a galaxy is missing from the table of classes.
    """
    missing = [name for name in ("galaxy", "nuclear_class", "environment") if name not in table.columns]
    if missing:
        raise CubespaceError(
            f"table of classes: no column {', '.join(missing)}; found {', '.join(map(str, table.columns))}"
        )
    rows = table.drop_duplicates("galaxy").set_index("galaxy")
    absent = [name for name in galaxies if name not in rows.index]
    if absent:
        raise CubespaceError(
            f"table of classes: {len(absent)} galaxies of the embedding are not in it, {str(absent[0])!r} first"
        )
    rows = rows.loc[list(galaxies)]
    read = {
        name: np.array([None if pd.isna(v) else str(v) for v in rows[name]] + [None], dtype=object)[:-1]
        for name in ("nuclear_class", "environment")
    }
    return {"role": np.asarray(roles, dtype=object), **read}


def members(a, b, column, classes, galaxies, twins=None):
    """Rows of the embedding in each population.

    Parameters
    ----------
    classes : dict
        column -> (n,) str or None.
    galaxies : (n,) str
    twins : DataFrame, optional
        galaxy_a, galaxy_b (`pairs_of`); pairs with a galaxy that is not in the embedding are left out.

    Returns
    -------
    rows_a, rows_b : int arrays; for twins row i of one is the partner of row i of the other
    """
    label = np.asarray(classes[column], dtype=object)
    if twins is None:
        return np.flatnonzero(label == a), np.flatnonzero(label == b)
    place = {name: row for row, name in enumerate(galaxies)}
    pairs = []
    for first, second in zip(twins["galaxy_a"].astype(str), twins["galaxy_b"].astype(str), strict=True):
        if first not in place or second not in place:
            continue
        i, j = place[first], place[second]
        if (label[i], label[j]) == (b, a):
            i, j = j, i
        if (label[i], label[j]) == (a, b):
            pairs.append((i, j))
    rows = np.array(sorted(set(pairs)), int).reshape(-1, 2)
    for side, name in enumerate((a, b)):
        kinds, counts = np.unique(rows[:, side], return_counts=True)
        if (counts > 1).any():
            raise CubespaceError(
                f"galaxy {galaxies[kinds[counts > 1][0]]!r} ({name}) has more than one twin in {a}-{b}"
            )
    return rows[:, 0], rows[:, 1]


def compare(
    galaxies, vectors, groups, classes, twins, comparisons=DEFAULT, tests=None, n_permutations=999, n_bootstrap=200, min_size=5,
    k=10, k_schilling_henze=5, n_subsamples=10, power=True, effects=EFFECTS, n_trials=100, power_permutations=99, seed=0,
):  # fmt: skip
    """All tests on all comparisons.

    Parameters
    ----------
    galaxies : (n,) str
    vectors : (n, d)
    groups : (n,) int
        Pointing codes.
    classes : dict
        ``role``, ``nuclear_class``, ``environment`` -> (n,) str or None.
    twins : DataFrame
        ``comparison``, ``galaxy_a``, ``galaxy_b``. The pairs of a comparison are those of its two populations.
    comparisons : list of dict
        ``a``, ``b``, optionally ``by`` (a key of `classes`), ``matched``, ``twins`` (if the table of twins matches the
        same populations in more than one way: the name of the comparison in it), and ``among`` (a role: only its galaxies).
        Where the table of twins pairs a population of a matched comparison with itself (``a-a``), that placebo is tested
        too, without power.
    tests : list of str, optional
        Names out of `all_tests`; all if not given.

    Returns
    -------
    Tables
        Comparisons with a population below `min_size` have the same rows, nulls for numbers, and a note saying why.
        ``n_embedded``: galaxies in the representation, of which the comparison takes n_a and n_b. ``arm``: main or placebo; ``among``: role of the galaxies compared, null for all. ``q_bh``: Benjamini-Hochberg over
        all permutation p-values of the main arm; a placebo is no hypothesis, so it has none.
    """
    known = all_tests(k, k_schilling_henze, n_subsamples, seed)
    if wrong := sorted(set(tests or ()) - set(known)):
        raise CubespaceError(f"no two-sample test {', '.join(wrong)}; allowed: {', '.join(known)}")
    chosen = {name: test for name, test in known.items() if not tests or name in tests}
    # two subsamples, not ten, in the many trials of the power curve: the KS statistic is an average over them either way
    quick = {
        name: test
        for name, test in all_tests(k, k_schilling_henze, min(2, n_subsamples), seed).items()
        if name in chosen
    }
    unit = unit_rows(vectors, galaxies)
    rows, curves, distances = [], [], []
    for number, entry in enumerate([*comparisons, *_placebos(comparisons, twins)]):
        a, b, matched = entry["a"], entry["b"], bool(entry.get("matched", False))
        placebo = a == b
        column = column_of(a, b, entry.get("by"), placebo and number >= len(comparisons))
        own_twins = pairs_of(twins, a, b, column, classes, galaxies, entry.get("twins")) if matched else None
        rows_a, rows_b = members(a, b, column, _only(classes, column, entry.get("among")), galaxies, own_twins)
        base = {"a": a, "b": b, "by": column, "matched": matched, "n_a": len(rows_a), "n_b": len(rows_b),
                "n_embedded": len(unit), "arm": "placebo" if placebo else "main", "among": entry.get("among")}  # fmt: skip
        if min(len(rows_a), len(rows_b)) < max(2, min_size):
            what = "pairs" if matched else "galaxies"
            small = f"{len(rows_a)} {what}" if matched else f"{len(rows_a)} {a}, {len(rows_b)} {b}"
            note = f"not tested: {small}; at least {max(2, min_size)} {what}{'' if matched else ' a side'} needed"
            rows += [{**base, "test": name, "note": note} for name in chosen]
            continue
        index = np.concatenate([rows_a, rows_b])
        labels = np.arange(len(index)) >= len(rows_a)
        pairs = (
            np.column_stack([np.arange(len(rows_a)), len(rows_a) + np.arange(len(rows_a))])
            if matched
            else None
        )
        matrix, group = cosine_distances(unit[index]), groups[index]
        pooled = known["ks_paper"]
        paper, near = pooled.paper_p(matrix, labels, group), pooled.query_distances(matrix, labels, group)
        tenth = known["ks_10th"].paper_p(matrix, labels, group)
        distances.append(
            _distance_rows(a, b, matched, np.asarray(galaxies, dtype=object)[index], labels, near).assign(among=entry.get("among"))
        )
        strength = None
        if power and not placebo:
            strength = power_curve(
                unit[index],
                labels,
                quick,
                pairs,
                group,
                effects,
                n_trials,
                power_permutations,
                seed=seed + number,
            )
            curve = strength.curve
            head = pd.DataFrame(
                {"comparison": f"{a}-{b}", "a": a, "b": b, "matched": matched, "among": entry.get("among")}, index=curve.index
            )
            curves.append(pd.concat([head, curve], axis=1))
        for place, (name, test) in enumerate(chosen.items()):
            rng = np.random.default_rng([seed, 72, number, place])
            result = test.test(matrix, labels, n_permutations, rng, pairs, group, n_bootstrap)
            naive = {"ks_paper": paper, "ks_10th": tenth}.get(name)
            rows.append(
                {
                    **base, "test": name, "statistic": result.statistic, "p_value": result.p_value, "p_ks_paper": paper.p_value,
                    "effect": result.effect, "ci_low": result.ci_low, "ci_high": result.ci_high,
                    "minimum_detectable_effect": strength.detectable[name] if strength else np.nan,
                    "p_ks_naive": naive.p_value if naive else np.nan, "ks_method": naive.method if naive else None,
                    "ks_ties": naive.n_tied if naive else np.nan, "k": near.shape[1] if naive else np.nan,
                    "note": strength.reason[name] if strength else None,
                }
            )  # fmt: skip
    order = ["a", "b", "matched", "test", "n_a", "n_b", "statistic", "p_value", "q_bh", "p_ks_paper", "effect", "ci_low", "ci_high",
             "minimum_detectable_effect", "note", "by", "p_ks_naive", "ks_method", "ks_ties", "k", "arm", "among",
             "n_embedded"]  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=order)
    table["q_bh"] = benjamini_hochberg(np.where(table["arm"] == "main", table["p_value"].to_numpy(float), np.nan))
    for name in ("ks_ties", "k"):
        table[name] = table[name].astype("Int64")
    empty_curve = [
        "comparison",
        "a",
        "b",
        "matched",
        "among",
        "test",
        "effect",
        "power",
        "power_low",
        "power_high",
        "n_trials",
    ]
    return Tables(
        table,
        pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=empty_curve),
        pd.concat(distances, ignore_index=True) if distances else pd.DataFrame(columns=_DISTANCE_COLUMNS),
    )


def _placebos(comparisons, twins):
    """Placebo comparisons of the populations of the matched ones, as far as the table of twins has them."""
    names = set(twins["comparison"].astype(str)) if "comparison" in twins else set()
    found = {
        side: {"a": side, "b": side, "by": entry.get("by"), "matched": True}
        for entry in comparisons
        if entry.get("matched")
        for side in (entry["a"], entry["b"])
        if f"{side}-{side}" in names
    }
    return list(found.values())


def _only(classes, column, role):
    """`classes` without the values of `column` of galaxies of other roles."""
    if role is None:
        return classes
    value = np.asarray(classes[column], dtype=object)
    return {**classes, column: np.where(np.asarray(classes["role"], dtype=object) == role, value, None)}


_DISTANCE_COLUMNS = [
    "comparison",
    "a",
    "b",
    "matched",
    "population",
    "reference",
    "galaxy",
    "mean_distance",
    "tenth_distance",
    "k",
    "among",
]


def _distance_rows(a, b, matched, names, labels, near):
    reference = b if labels.sum() > (~labels).sum() else a
    return pd.DataFrame(
        {
            "comparison": f"{a}-{b}", "a": a, "b": b, "matched": matched, "population": np.where(labels, b, a), "reference": reference,
            "galaxy": names, "mean_distance": near.mean(axis=1), "tenth_distance": near[:, -1], "k": near.shape[1],
        },
        columns=_DISTANCE_COLUMNS,
    )  # fmt: skip


def pairs_of(twins, a, b, column, classes, galaxies, name=None):
    """Rows of the table of twins that belong to a comparison.

    Those named `name` (or ``a-b``, ``b-a``) in the column ``comparison``; if no row is, those of the one name all of whose
    pairs are one galaxy of `a` and one of `b`.

    Raises
    ------
    CubespaceError
        A column is missing, `name` is not there, or several names fit.
    """
    missing = [wanted for wanted in ("comparison", "galaxy_a", "galaxy_b") if wanted not in twins.columns]
    if missing:
        raise CubespaceError(
            f"table of twins: no column {', '.join(missing)}; found {', '.join(map(str, twins.columns))}"
        )
    names = twins["comparison"].astype(str)
    exact = names.isin([name] if name else [f"{a}-{b}", f"{b}-{a}"])
    if exact.any() or not len(twins):
        return twins[exact]
    if name:
        raise CubespaceError(f"table of twins: no comparison {name!r}; found {', '.join(sorted(set(names)))}")
    label = dict(zip(galaxies, classes[column], strict=True))
    sides = [
        {label[first], label[second]} == {a, b} if first in label and second in label else None
        for first, second in zip(twins["galaxy_a"].astype(str), twins["galaxy_b"].astype(str), strict=True)
    ]
    fits = pd.Series(sides, index=twins.index, dtype=object).dropna().astype(bool).groupby(names).all()
    found = list(fits.index[fits])
    if len(found) > 1:
        raise CubespaceError(
            f"table of twins: {', '.join(found)} all pair {a} with {b}; say which one by `twins` in the comparison {a}-{b}"
        )
    return twins[names.isin(found)]
