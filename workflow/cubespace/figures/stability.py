"""How much of the results hangs on the seed of the training: agreement between networks, mean and spread over them."""

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.figures.frames import need, numbers, words
from cubespace.figures.style import BASELINE, COLUMN, INK, PAGE, SOFT, bare, canvas, styled, title

_PANELS = (  # quantities, label of the axis
    (("kmeans_ari", "gmm_ari", "neighbours"), "agreement of two networks"),
    (("r2",), "cross-validated $R^2$"),
    (("recall_1",), "recall@1"),
)
_METHODS = {"kmeans_ari": "k-means, {}", "gmm_ari": "mixture, {}", "neighbours": "{} neighbours", "recall_1": "{}"}
_FLOOR = -0.1  # R2 and agreements below are drawn here
_MARKERS = {"network": "o", "untrained": "v", "pooled_pca": "D"}


@styled
def draw(stability):
    """Each row of the table as points: trained networks, untrained ones, pooled maps; one column a variant.

    Parameters
    ----------
    stability : DataFrame
        Columns of `cubespace.space.stability.COLUMNS`.
    """
    needed = ["variant", "quantity", "of", "n_seeds", "chance"]
    need(stability, [*needed, *BASELINE, "network_spread", "untrained_spread"], "table of stability")
    variants = list(dict.fromkeys(words(stability, "variant")))
    if not variants:
        raise CubespaceError("table of stability: no row")
    quantity = words(stability, "quantity")
    sizes = [max(1, int((np.isin(quantity, kinds) & (words(stability, "variant") == variants[0])).sum())) for kinds, _ in _PANELS]
    figure = canvas(PAGE if len(variants) > 1 else COLUMN, 40 + 3.1 * sum(sizes))
    grid = figure.subplots(len(_PANELS), len(variants), sharey="row", squeeze=False, height_ratios=sizes)
    for column, variant in zip(grid.T, variants, strict=True):
        mine = stability[stability["variant"] == variant]
        column[0].set_title(f"{title(variant)}, {int(numbers(mine, 'n_seeds')[0])} seeds", loc="left")
        for axes, (kinds, words_of_axis) in zip(column, _PANELS, strict=True):
            _panel(axes, mine[np.isin(words(mine, "quantity"), kinds)])
            axes.set_xlabel(words_of_axis)
    handles, names = grid[1, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    return figure


def _panel(axes, table):
    rows = np.arange(len(table))
    for number, name in enumerate(BASELINE):
        spread = np.nan_to_num(numbers(table, f"{name}_spread"))
        axes.errorbar(
            np.maximum(numbers(table, name), _FLOOR), rows + 0.22 * (number - 1), xerr=spread, ls="", marker=_MARKERS[name], ms=3.2, mew=0,
            color=BASELINE[name], elinewidth=0.8, label=title(name),
        )  # fmt: skip
    chance = numbers(table, "chance")
    axes.vlines(chance, rows - 0.4, rows + 0.4, color=INK, lw=0.8, ls=":")
    kinds, of = words(table, "quantity"), words(table, "of")
    shown = [_METHODS[kind].format(what) if kind in _METHODS else bare([what])[0] for kind, what in zip(kinds, of, strict=True)]
    axes.set_yticks(rows, shown)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(_FLOOR - 0.03, 1.05)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=SOFT, alpha=0.2, lw=0.4)
