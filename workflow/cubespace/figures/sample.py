"""Fig. 1: the sample in the colour-mass plane and by morphological type."""

import numpy as np

from cubespace.figures.frames import need, numbers, words
from cubespace.figures.style import (
    BINS,
    COLUMN,
    INK,
    MARKER,
    ROLE,
    SOFT,
    canvas,
    label,
    lighten,
    marker_size,
    say,
    side_note,
    styled,
    title,
)

CONTOUR = "#c1121f"
OUTSIDE = (0.1, 0.3, 0.5, 0.7, 0.9)  # shares of the density outside of the contours, outermost first
_FEWEST = 10  # galaxies below which a density means nothing


def _ordinate(galaxies):
    """The colour where the table has one, else the H-alpha equivalent width, else the star formation rate."""
    for name in ("g_r", "log_ew_ha", "log_sfr"):
        if np.isfinite(numbers(galaxies, name)).any():
            return name
    return "g_r"


@styled
def draw(galaxies):
    """Fig. 1 from the table of galaxies: roles by marker and colour, density of all in red, counts of each type."""
    need(galaxies, ["galaxy", "role"], "table of galaxies")
    role, types = words(galaxies, "role"), words(galaxies, "morphology")
    roles = [name for name in ROLE if (role == name).any()]
    figure = canvas(COLUMN, 125)
    top, bottom = figure.subplots(2, 1, height_ratios=[1.25, 1])

    name = _ordinate(galaxies)
    x, y = numbers(galaxies, "log_mass"), numbers(galaxies, name)
    known = np.isfinite(x) & np.isfinite(y)
    top.set(xlabel=label("log_mass"), ylabel=label(name))
    if known.any():
        size = 0.8 * marker_size(len(x))
        for step, kind in enumerate(roles):
            here = known & (role == kind)
            top.scatter(
                x[here], y[here], s=size * (2.6 if kind == "validation" else 1), marker=MARKER[kind], zorder=2 + 0.1 * step,
                color=lighten(ROLE[kind], 0.25 if kind == "train" else 0), edgecolors="white", linewidths=0.25,
                label=f"{title(kind)} ({int(here.sum())})",
            )  # fmt: skip
        if known.sum() >= _FEWEST and np.ptp(x[known]) > 0 and np.ptp(y[known]) > 0:
            from seaborn import kdeplot  # no other figure waits for it

            kdeplot(x=x[known], y=y[known], levels=OUTSIDE, ax=top, color=CONTOUR, linewidths=0.8, zorder=3)
        top.legend(loc="best", handletextpad=0.2, labelspacing=0.3)
        if not known.all():
            side_note(top, f"{int(known.sum())} of {len(known)}; others without a value ({int((~known).sum())})")
    else:
        say(top, "no galaxy has both values")

    columns = [*BINS, "unknown"] if (~np.isin(types.astype(str), BINS)).any() else list(BINS)
    base = np.zeros(len(columns), int)
    for kind in roles:
        mine = types[role == kind].astype(str)
        counts = np.array([int((mine == column).sum()) for column in columns])
        counts[len(BINS):] = len(mine) - counts[: len(BINS)].sum()  # fmt: skip
        bottom.bar(
            columns, counts, bottom=base, color=ROLE[kind], edgecolor=INK, linewidth=0.4, label=title(kind)
        )
        base += counts
    for index, total in enumerate(base):
        bottom.annotate(
            str(total),
            (index, total),
            (0, 1.5),
            textcoords="offset points",
            ha="center",
            fontsize=6,
            color=SOFT,
        )
    bottom.set(xlabel="morphological type", ylabel="number of galaxies", ylim=(0, 1.12 * max(1, base.max())))
    bottom.tick_params(axis="x", length=0)
    if roles:
        bottom.legend(loc="best")
    else:
        side_note(bottom, "no galaxy in the table")
    if columns[-1] == "unknown":
        bottom.get_xticklabels()[-1].set(color=SOFT, fontsize=5.5)
    return figure
