"""Power of the tests against effects of environment planted in the cubes of a mock survey."""

import numpy as np

from cubespace.figures.frames import need, numbers, truths, words
from cubespace.figures.style import PAGE, SOFT, TEST, canvas, say, styled, title

_MARKERS = dict(zip(TEST, "osD^vP", strict=True))
_NAIVE = "_naive"


@styled
def draw(planted):
    """One panel a comparison, twins above: share of catalogues in which each test found a difference, against the size of
    what was planted, with 95 % intervals. Dashed: the KS test with the p-value of the paper."""
    need(planted, ["comparison", "a", "b", "matched", "test", "effect", "rate", "rate_low", "rate_high"], "table of planted effects")
    if not len(planted):
        figure = canvas(PAGE, 45)
        say(figure.subplots(), "no comparison was made:\nthe populations are too small")
        return figure
    matched, pairs = truths(planted, "matched"), words(planted, "comparison")
    rows = [list(dict.fromkeys(pairs[matched == twins])) for twins in (True, False)]
    rows = [(twins, names) for twins, names in zip((True, False), rows, strict=True) if names]
    figure = canvas(PAGE, 12 + 52 * len(rows))
    width = max(len(names) for _, names in rows)
    grid = figure.subplots(len(rows), width, sharex=True, sharey=True, squeeze=False)
    known = {}
    for line, (twins, names) in zip(grid, rows, strict=True):
        for axes in line[len(names) :]:
            axes.set_axis_off()
        for axes, name in zip(line, names, strict=False):
            here = planted[(matched == twins) & (pairs == name)]
            a, b = words(here, "a")[0], words(here, "b")[0]
            size = [f"{np.nanmedian(numbers(here, f'median_n_{side}')):.0f}" for side in "ab"]
            count = f"twins, {size[0]} pairs" if twins else f"{size[0]} and {size[1]} galaxies"
            axes.set_title(f"{title(a)} vs. {title(b)}: {count}", loc="left")
            for key in (key for name in TEST for key in (name, name + _NAIVE) if (words(here, "test") == key).any()):
                curve = here[words(here, "test") == key].sort_values("effect", kind="stable")
                x, y, low, high = (numbers(curve, column) for column in ("effect", "rate", "rate_low", "rate_high"))
                base, naive = key.removesuffix(_NAIVE), key.endswith(_NAIVE)
                drawn = axes.errorbar(
                    x, y, np.clip([y - low, high - y], 0, None), marker=_MARKERS[base], color=TEST[base], mew=0.6 if naive else 0,
                    mfc="white" if naive else TEST[base], ls="--" if naive else "-", elinewidth=0.5, lw=0.9,
                )  # fmt: skip
                known.setdefault(title(base) + (", p as in the paper" if naive else ""), drawn)
            for height, text in ((0.8, "80 %"), (0.05, "5 %")):
                axes.axhline(height, color=SOFT, lw=0.6, ls=":", zorder=0.5)
                axes.annotate(text, (1, height), (-2, 1), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                              ha="right", fontsize=5.5, color=SOFT)  # fmt: skip
        line[0].set(ylim=(-0.03, 1.05), ylabel="share of catalogues")
    last = np.unique(numbers(planted, "effect"))
    for column in range(width):
        lowest = [axes for axes in grid[:, column] if axes.axison]
        lowest[-1].set(xticks=last, xlabel=r"planted effect [$\sigma$ within a type]")
        lowest[-1].tick_params(labelbottom=True)
    figure.legend(known.values(), list(known), loc="outside upper center", ncols=min(4, len(known)))
    return figure
