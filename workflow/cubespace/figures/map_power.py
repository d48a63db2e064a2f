"""Power of the tests on twins against differences planted in the maps."""

import numpy as np

from cubespace.figures.frames import need, numbers, words
from cubespace.figures.style import COLUMN, INK, PAGE, SOFT, TEST, canvas, say, styled, title

_MARKERS = dict(zip(TEST, "osD^vP", strict=True))
_AXIS = {
    "active_nucleus": r"EW(H$\alpha$) added to the nucleus [$\mathrm{\AA}$]",
    "younger_outskirts": r"young light beyond $R_{50}$ [share]",
}


@styled
def draw(map_power):
    """One panel a matched comparison: share of trials that found the planted difference, against its size, for each test.

    Sizes are on a logarithmic axis with zero, the false positives, apart on the left; bars are 95 % intervals.
    """
    need(map_power, ["comparison", "kind", "test", "effect", "power", "power_low", "power_high"], "table of power in maps")
    pairs, test = words(map_power, "comparison"), words(map_power, "test")
    shown = list(dict.fromkeys(pairs))
    if not shown:
        figure = canvas(COLUMN, 45)
        say(figure.subplots(), "nothing was planted:\nno comparison is matched")
        return figure
    figure = canvas(PAGE if len(shown) > 1 else COLUMN, 66)
    grid = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    known = {}
    for axes, pair in zip(grid, shown, strict=True):
        here = map_power[pairs == pair]
        first, _, second = pair.partition("-")
        count, population = numbers(here, "n_pairs"), words(here, "population")[0]
        heading = f"{title(first)} vs. {title(second)}"
        axes.set_xlabel(_AXIS.get(words(here, "kind")[0], title(words(here, "kind")[0])))
        effect = numbers(here, "effect")
        positive = np.unique(effect[effect > 0])
        if not positive.size:
            note = words(here, "note")[0] or "not tried"
            head, _, tail = note.partition(": ")
            say(axes, f"{head}:\n" + tail.replace("; ", ";\n"))
            axes.set_title(heading, loc="left")
            continue
        axes.set_title(f"{heading}\n{count[0]:.0f} placebo pairs of {title(population)}", loc="left")
        zero = positive[0] / 2.5
        for step, name in enumerate(name for name in TEST if (test[pairs == pair] == name).any()):
            curve = here[test[pairs == pair] == name].sort_values("effect", kind="stable")
            x = np.where(numbers(curve, "effect") > 0, numbers(curve, "effect"), zero) * 1.03 ** (step - 1)
            y, low, high = (numbers(curve, key) for key in ("power", "power_low", "power_high"))
            line = axes.errorbar(
                x, y, np.clip([y - low, high - y], 0, None), marker=_MARKERS[name], color=TEST[name], mew=0, elinewidth=0.5
            )
            known.setdefault(name, line)
        for height, text in ((0.8, "80 %"), (0.05, "5 %")):
            axes.axhline(height, color=SOFT, lw=0.6, ls=":", zorder=0.5)
            axes.annotate(text, (1, height), (-2, 1), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                          ha="right", fontsize=5.5, color=SOFT)  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks([zero, *positive], ["0", *(f"{value:g}" for value in positive)])
        axes.minorticks_off()
        axes.axvline(zero * 1.55, color=INK, lw=0.4, ls=(0, (1, 3)), zorder=0.4)
    grid[0].set(ylim=(-0.03, 1.05), ylabel="share of trials detected")
    if known:
        figure.legend(known.values(), [title(name) for name in known], loc="outside upper center", ncols=len(known))
    return figure
