"""One scorecard from those of all trials, and from what was found of the planted effects.

The rule, fixed beforehand: each trial has its verdict by the claim's own criterion. A trial that is undecided is set aside;
if half of the trials or more are, the claim is undecided. Of the others, all must recover it for `recovered`, none for
`not recovered`; otherwise it depends on the survey or the training, and is undecided.
"""

import re

import numpy as np
import pandas as pd

from cubespace.claims import COLUMNS, VERDICTS, claim
from cubespace.errors import CubespaceError
from cubespace.populations.claims import NAMES, PRIMARY

RECOVERED, NOT_RECOVERED, UNDECIDED = VERDICTS
MORE = ("n_trials", "n_recovered", "n_not_recovered", "n_undecided")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
FALSE_POSITIVES = (0.03, 0.07)  # 5 +- 2 %
TITLES = NAMES | {"AGN": "AGN hosts", "other": "other galaxies"}
POWER = 0.8


def overall(verdicts):
    """The verdict of all trials together, from a list of their verdicts."""
    decided = [verdict for verdict in verdicts if verdict != UNDECIDED]
    if 2 * len(decided) <= len(verdicts):
        return UNDECIDED
    return decided[0] if len(set(decided)) == 1 else UNDECIDED


def together(texts):
    """One text for all trials: numbers in which they differ become ranges; different texts stand side by side."""
    texts = [text for text in texts if isinstance(text, str) and text]
    if len({_NUMBER.sub("#", text) for text in texts}) > 1:
        return "; ".join(dict.fromkeys(texts))
    if not texts:
        return ""
    columns = zip(*(_NUMBER.findall(text) for text in texts), strict=True)
    shown = iter([low if float(low) == float(high) else f"{low} to {high}" for low, high in (_ends(column) for column in columns)])
    return _NUMBER.sub(lambda match: next(shown), texts[0])


def _ends(numbers):
    return min(numbers, key=float), max(numbers, key=float)


def combine(tables):
    """Scorecard of all trials.

    Parameters
    ----------
    tables : dict name of trial -> DataFrame of `cubespace.scorecard.scorecard`

    Returns
    -------
    DataFrame
        Columns of a scorecard and `MORE`. recovered: median over the trials; ci_low, ci_high: from the smallest to the
        largest of them. The note has each trial's value.

    Raises
    ------
    CubespaceError
        The trials have different claims.
    """
    claims = {name: tuple(table["claim"]) for name, table in tables.items()}
    first = next(iter(claims))
    for name, own in claims.items():
        if own != claims[first]:
            raise CubespaceError(f"trials {first} and {name} have different claims: {sorted(set(own) ^ set(claims[first]))}")
    rows = []
    for number in range(len(claims[first])):
        mine = {name: table.iloc[number] for name, table in tables.items()}
        values = np.array([row["recovered"] for row in mine.values()], float)
        known, verdicts = values[np.isfinite(values)], [row["verdict"] for row in mine.values()]
        row = {key: mine[first][key] for key in ("claim", "paper", "criterion")}
        row |= {"truth": together([one["truth"] for one in mine.values()]), "verdict": overall(verdicts)}
        row |= {"recovered": np.median(known), "ci_low": known.min(), "ci_high": known.max()} if len(known) else {}
        row |= {"n_trials": len(mine), "n_recovered": verdicts.count(RECOVERED)}
        row |= {"n_not_recovered": verdicts.count(NOT_RECOVERED), "n_undecided": verdicts.count(UNDECIDED)}
        row["note"] = "; ".join(f"{name}: {_shown(one)}" for name, one in mine.items())
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=[*COLUMNS, *MORE])


def _shown(row):
    value = f"{row['recovered']:.3g}" if np.isfinite(row["recovered"]) else "-"
    return value if row["verdict"] == RECOVERED else f"{value} ({row['verdict']})"


def planted_claims(table, test=PRIMARY):
    """What the planted effects say of the tests on twins: false positives with none, power, and whether it rises.

    Parameters
    ----------
    table : DataFrame of `planted.rejections`
    test : the test that verdicts rest on
    """
    chosen = table[(table["test"] == test) & table["matched"].astype(str).str.lower().eq("true")]
    rows = []
    for _, curve in chosen.groupby("comparison", sort=False):
        curve = curve.sort_values("effect")
        names = " and of ".join(TITLES[kind] for kind in curve[["a", "b"]].iloc[0])
        for point in curve.itertuples():
            note = f"{point.n_rejected} of {point.n_catalogues} catalogues, about {point.median_n_a:.0f} pairs each; {test} test"
            common = {"recovered": point.rate, "interval": (point.rate_low, point.rate_high), "note": note}
            if point.effect == 0:
                rows.append(
                    claim(
                        f"with no effect planted, twins of {names} rarely differ",
                        f"share of catalogues with p < 0.05 between {FALSE_POSITIVES[0]:g} and {FALSE_POSITIVES[1]:g}",
                        truth="0.05", verdict=FALSE_POSITIVES[0] <= point.rate <= FALSE_POSITIVES[1], **common,
                    )
                )  # fmt: skip
                continue
            clear = not point.rate_low < POWER < point.rate_high
            rows.append(
                claim(
                    f"an effect of {point.effect:g} sigma is found in twins of {names}",
                    f"share of catalogues with p < 0.05 at least {POWER:g}; undecided if its interval holds {POWER:g}",
                    truth="planted", verdict=point.rate >= POWER if clear else None, **common,
                )
            )  # fmt: skip
        steps = np.diff(curve["rate"])
        rows.append(
            claim(
                f"the larger the planted effect, the more often it is found in twins of {names}",
                "the share found does not fall at any step from 0 to the largest, and rises by at least 0.5 in all",
                truth="rises", recovered=float(steps.sum()), verdict=bool((steps >= 0).all() and steps.sum() >= 0.5),
                note=", ".join(f"{point.effect:g} sigma {point.rate:.2f}" for point in curve.itertuples()),
            )
        )  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=[*COLUMNS, *MORE])
