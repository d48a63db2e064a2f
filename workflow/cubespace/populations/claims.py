"""The paper's claims about populations and about the luminosity map (sec. 4.3 and 5.2, Table 1)."""

import numpy as np
import pandas as pd

from cubespace.claims import claim

PRIMARY = "energy"  # the test that verdicts rest on; one, chosen beforehand
LEVEL = 0.05  # of q
DETECTABLE = (
    1.0  # standard deviations; "no difference" counts only if a shift of this size would have been found
)
NAMES = {"filament_wall": "filaments and walls", "cluster": "clusters", "void": "voids"}
TABLE_1 = {2: 92.8, 3: 84.2, 4: 90.4}


def _compared(comparisons, a, b, matched, test=PRIMARY):
    """The row of a comparison, whichever population is named first, or None."""
    same = comparisons["matched"].astype(str).str.lower() == str(matched).lower()
    named = [
        {first, second} == {a, b} for first, second in zip(comparisons["a"], comparisons["b"], strict=True)
    ]
    rows = comparisons[same & np.array(named, bool) & (comparisons["test"] == test)]
    return rows.iloc[0] if len(rows) else None


def _why_not(row):
    """Why there is no result, or None if there is one."""
    if row is None:
        return "no such comparison"
    if np.isfinite(float(row["p_value"])):
        return None
    return row["note"] if isinstance(row["note"], str) else "not tested"


def _interval(row):
    return float(row["ci_low"]), float(row["ci_high"])


def differs(text, row, expected, paper, truth=""):
    """Verdict on "they differ" (`expected` True) or "they do not" from one row of comparisons."""
    rule = f"{PRIMARY} test: permutation q {'<' if expected else '>='} {LEVEL}; undecided if q >= {LEVEL} and a shift of "
    rule += f"{DETECTABLE:g} standard deviation would have been missed too"
    head = {"text": text, "criterion": rule, "paper": paper, "truth": truth}
    if reason := _why_not(row):
        return claim(**head, note=reason)
    q, limit = float(row["q_bh"]), float(row["minimum_detectable_effect"])
    sees = f"{limit:.2g} standard deviations" if np.isfinite(limit) else "none tried, or power not computed"
    note = f"n {int(row['n_a'])} and {int(row['n_b'])}, p {row['p_value']:.2g}, q {q:.2g}; KS as in the paper: p {row['p_ks_paper']:.2g}"
    note += f"; smallest shift found with 80 % power: {sees}"
    blind = q >= LEVEL and not limit <= DETECTABLE  # a limit of nan is blind
    verdict = None if blind else (q < LEVEL) == expected
    return claim(**head, recovered=float(row["effect"]), interval=_interval(row), verdict=verdict, note=note)


def separable(row):
    """Passive and star-forming galaxies, told apart by a classifier."""
    head = {
        "text": "passive and star-forming galaxies are separable",
        "criterion": f"classifier test: permutation q < {LEVEL} and AUC >= 0.9",
        "paper": "KS near 1, p = 0",
    }
    if reason := _why_not(row):
        return claim(**head, note=reason)
    q, auc = float(row["q_bh"]), float(row["effect"])
    note = f"n {int(row['n_a'])} and {int(row['n_b'])}, q {q:.2g}"
    return claim(**head, recovered=auc, interval=_interval(row), verdict=q < LEVEL and auc >= 0.9, note=note)


def largest_contrast(comparisons):
    """Voids against clusters."""
    head = {
        "text": "voids against clusters is the largest contrast of environments",
        "criterion": f"largest {PRIMARY} coefficient of the three",
        "paper": "largest",
    }
    pairs = (("void", "cluster"), ("filament_wall", "cluster"), ("filament_wall", "void"))
    rows = {pair: _compared(comparisons, *pair, False) for pair in pairs}
    if any(_why_not(row) for row in rows.values()):
        return claim(**head, note="not all three comparisons could be made")
    value = {pair: float(row["effect"]) for pair, row in rows.items()}
    note = ", ".join(f"{a}-{b} {effect:.3f}" for (a, b), effect in value.items())
    top = value[pairs[0]]
    return claim(
        **head,
        recovered=top,
        interval=_interval(rows[pairs[0]]),
        verdict=top >= max(value.values()),
        note=note,
    )


def population_claims(comparisons, truth, planted=None, planted_agn=None):
    """Which populations differ in the representation, and which no longer do among twins.

    planted, planted_agn : sizes of the effects planted in a mock at fixed mass and type; None = not a mock. Where one is
    planted, the claim is that it is found.
    """
    mock = truth is not None
    if "among" in comparisons:  # a role: the claims are of all galaxies
        comparisons = comparisons[comparisons["among"].isna()]
    numbers = ["p_value", "q_bh", "effect", "ci_low", "ci_high", "minimum_detectable_effect"]  # without any value they are read as text
    comparisons = comparisons.assign(**{name: pd.to_numeric(comparisons[name]) for name in numbers})

    def row(a, b, matched=False, test=PRIMARY):
        return _compared(comparisons, a, b, matched, test)

    def twins(names, found, size, real):
        if size:
            return differs(f"twins of {names} differ, as planted", found, True, "KS p > 0.05", f"a difference of size {size:g} planted")
        return differs(f"twins of {names} are indistinguishable", found, False, "KS p > 0.05", real)

    text = "train and validation galaxies are indistinguishable"
    rows = [differs(text, row("train", "validation"), False, "KS p > 0.05", "no difference" if mock else "")]
    rows.append(separable(row("passive", "SF", test="c2st")))
    rows.append(
        differs("AGN and star-forming galaxies differ", row("AGN", "SF"), True, "KS p < 0.05, overlap")
    )
    for a, b in (("filament_wall", "cluster"), ("filament_wall", "void"), ("void", "cluster")):
        text = f"galaxies of {NAMES[a]} and of {NAMES[b]} differ"
        rows.append(differs(text, row(a, b), True, "differ", "differ in mass and type" if mock else ""))
    rows.append(largest_contrast(comparisons))
    active = ""
    if mock and "agn" in truth:
        active = f"nuclear lines planted in {int((pd.to_numeric(truth['agn']) > 0).sum())} galaxies"
    rows.append(twins("AGN and of star-forming galaxies", row("AGN", "SF", True), planted_agn, active))
    calm = "no difference at fixed mass and type" if planted is not None else ""
    for a, b in (("filament_wall", "cluster"), ("void", "filament_wall")):
        rows.append(twins(f"{NAMES[a]} and of {NAMES[b]}", row(a, b, True), planted, calm))
    return rows


def luminosity(ablation):
    """Table 1: clusters hardly change without the luminosity map."""
    rows = []
    for k, paper in TABLE_1.items():
        head = {
            "text": f"{k} clusters keep most members without the luminosity map (Table 1)",
            "criterion": f"per cent in common >= {paper - 10:.1f} (the paper's less 10)",
            "paper": f"{paper}",
        }
        found = ablation[ablation["clusters"] == k]
        if not len(found):
            rows.append(claim(**head, note=f"no row for {k} clusters"))
            continue
        row = found.iloc[0]
        value, note = (
            float(row["common_percent"]),
            f"{int(row['n'])} galaxies; shuffled labels: {row['chance_percent']:.1f} %",
        )
        rows.append(
            claim(**head, recovered=value, interval=_interval(row), verdict=value >= paper - 10, note=note)
        )
    return rows
