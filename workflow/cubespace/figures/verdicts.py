"""Which galaxies were used, and why the others were not."""

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.figures.frames import need, words
from cubespace.figures.style import PAGE, SERIES, SOFT, canvas, say, styled

_NAMES = 4  # galaxies named beside a bar


def reasons(verdicts):
    """Galaxies by outcome: ('accepted', names) first, then each (stage: reason, names) by falling number.

    A galaxy rejected at any stage counts as rejected once, for the first reason that the table gives.
    """
    need(verdicts, ["galaxy", "stage", "verdict", "reason"], "table of verdicts")
    verdict = words(verdicts, "verdict")
    alien = sorted({str(value) for value in verdict} - {"accepted", "rejected"})
    if alien:
        raise CubespaceError(f"table of verdicts: verdict {', '.join(alien)}; allowed: accepted, rejected")
    why = {}
    for galaxy, stage, reason, outcome in zip(
        words(verdicts, "galaxy"), words(verdicts, "stage"), words(verdicts, "reason"), verdict, strict=True
    ):
        if outcome == "rejected" and galaxy not in why:
            why[galaxy] = f"{stage}: {reason or 'no reason given'}".replace("_", " ")
    accepted = [galaxy for galaxy in dict.fromkeys(words(verdicts, "galaxy")) if galaxy not in why]
    groups = {}
    for galaxy, reason in why.items():
        groups.setdefault(reason, []).append(galaxy)
    return [("accepted", accepted), *sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))]


@styled
def draw(verdicts):
    """Bars: galaxies accepted, and rejected by stage and reason, with the first names of each."""
    groups = reasons(verdicts)
    if sum(len(names) for _, names in groups) == 0:
        figure = canvas(PAGE, 35)
        say(figure.subplots(), "the table of verdicts has no galaxy")
        return figure
    figure = canvas(PAGE, 22 + 6.0 * len(groups))
    axes = figure.subplots()
    counts = np.array([len(names) for _, names in groups])
    axes.barh(range(len(groups)), counts, 0.62, color=[SERIES[0]] + [SERIES[1]] * (len(groups) - 1))
    for height, (reason, names) in enumerate(groups):
        text = str(len(names))
        if reason != "accepted":
            text += "  " + ", ".join(names[:_NAMES]) + (", ..." if len(names) > _NAMES else "")
        inside = counts[height] > 0.5 * counts.max()
        axes.annotate(text, (counts[height], height), (-3 if inside else 3, 0), textcoords="offset points", va="center",
                      ha="right" if inside else "left", color="white" if inside else SOFT, fontsize=6.5)  # fmt: skip
    if len(groups) == 1:
        axes.set_title("no galaxy was rejected", loc="left")
    axes.set_yticks(range(len(groups)), [reason for reason, _ in groups])
    axes.set(
        xlabel=f"number of galaxies, of {counts.sum()}", ylim=(len(groups) - 0.4, -0.6), xlim=(0, 1.04 * max(1, counts.max()))
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.tick_params(axis="y", length=0)
    return figure
