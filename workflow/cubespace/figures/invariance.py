"""Whether a galaxy is recognised in a degraded view of itself, and how far the view moves it."""

import numpy as np

from cubespace.figures.frames import need, numbers, words
from cubespace.figures.style import BASELINE, PAGE, SERIES, SOFT, canvas, say, styled, title

_COLOURS = {"network": BASELINE["network"], "contrastive": SERIES[2], **BASELINE}
_MARKERS = {"network": "o", "contrastive": "s", "untrained": "v", "pooled_pca": "D"}
_WORDS = {"network": "trained network, 512-d", "contrastive": "trained network, 64-d"}
_FLOOR = 0.01  # displacements below are drawn here


def _label(view, strength, unit):
    """Words of one view for the axis."""
    if view == "all":
        return "all of them"
    shown = f"{strength:.3g}"
    return {
        "noise": f"noise\nS/N {shown}",
        "rotation": "rotation\nand flip",
        "stars": "stars",
        "resize": f"shrunk\n{shown}x",
    }.get(view, f"{view}\n{shown} {unit.split()[0]}")


@styled
def draw(invariance):
    """recall@1 and median displacement of each method for each view and strength.

    Parameters
    ----------
    invariance : DataFrame
        view, strength, unit, method, displacement, recall_1; one row for each view, strength and method.
    """
    need(invariance, ["view", "strength", "unit", "method", "displacement", "recall_1"], "invariance report")
    figure = canvas(PAGE, 105)
    if not len(invariance):
        say(figure.subplots(), "no view was tested")
        return figure
    above, below = figure.subplots(2, 1, sharex=True)
    views, strengths, units = (
        words(invariance, "view"),
        numbers(invariance, "strength"),
        words(invariance, "unit"),
    )
    methods, recall, moved = (
        words(invariance, "method"),
        numbers(invariance, "recall_1"),
        numbers(invariance, "displacement"),
    )
    places = list(dict.fromkeys(zip(views, strengths, units, strict=True)))
    position = {place: i for i, place in enumerate(places)}
    x = np.array([position[place] for place in zip(views, strengths, units, strict=True)], float)
    known = [method for method in _COLOURS if method in set(methods)]
    for number, method in enumerate(known):
        mine = methods == method
        shift = 0.16 * (number - (len(known) - 1) / 2)
        style = {"ls": "", "marker": _MARKERS[method], "color": _COLOURS[method], "mew": 0, "ms": 4.2}
        above.plot(x[mine] + shift, recall[mine], label=_WORDS.get(method, title(method)), **style)
        below.plot(x[mine] + shift, np.maximum(moved[mine], _FLOOR), **style)
    above.axhline(0.95, color=SOFT, lw=0.6, ls=":")
    below.axhline(1, color=SOFT, lw=0.6, ls=":")
    above.set_ylabel("recall@1")
    above.set_ylim(-0.04, 1.04)
    below.set_ylabel("displacement / distance\nof nearest other galaxy")
    below.set_yscale("log")
    below.set_xticks(range(len(places)), [_label(*place) for place in places])
    below.set_xlim(-0.6, len(places) - 0.4)
    for axes in (above, below):
        axes.tick_params(axis="x", which="both", length=0)
        for edge in np.arange(0.5, len(places) - 1):
            axes.axvline(edge, color="#e6e6e6", lw=0.6, zorder=0.5)
    count = numbers(invariance, "n")
    if np.isfinite(count).any():
        figure.supxlabel(f"of the {np.nanmax(count):.0f} galaxies with maps", fontsize=6, color=SOFT)
    figure.legend(loc="outside upper center", ncols=len(known))
    return figure
