"""How the training went: losses beside their chance level, and whether the representation keeps its dimensions."""

import numpy as np

from cubespace.figures.frames import need, numbers
from cubespace.figures.style import COLUMN, PAGE, SERIES, SOFT, canvas, say, side_note, styled, title

_PANELS = (  # label of the panel, then its lines: column, colour, marker, words
    ("NT-Xent loss [nat]", (
        ("train_loss", SERIES[0], "o", "training"),
        ("validation_loss", SERIES[1], "s", "validation"),
        ("chance_train", SERIES[0], "", "chance level, training"),
        ("chance_validation", SERIES[1], "", "chance level, validation"),
    )),
    ("effective rank", (("effective_rank", SERIES[2], "o", ""),)),
    ("alignment, uniformity", (
        ("alignment", SERIES[3], "o", "alignment"),
        ("uniformity", SERIES[6], "s", "uniformity"),
    )),
)  # fmt: skip


@styled
def draw(histories):
    """Loss, effective rank, alignment and uniformity against epoch, one column a variant.

    Parameters
    ----------
    histories : dict
        variant -> DataFrame with epoch, train_loss, validation_loss, effective_rank, alignment, uniformity,
        chance_train, chance_validation (ln(2N-1) for a batch of N galaxies).
    """
    figure = canvas(PAGE if len(histories) > 1 else COLUMN, 128)
    grid = figure.subplots(len(_PANELS), max(1, len(histories)), sharex="col", sharey="row", squeeze=False)
    if not histories:
        for axes in grid[:, 0]:
            say(axes, "nothing was trained")
    legend = {}
    for column, (variant, history) in enumerate(histories.items()):
        need(history, ["epoch", "train_loss", "validation_loss"], f"training history of {variant}")
        grid[0, column].set_title(f"variant: {title(variant)}", loc="left")
        grid[-1, column].set_xlabel("epoch")
        epoch, validation = numbers(history, "epoch"), numbers(history, "validation_loss")
        finished = len(epoch) > 0
        best = epoch[int(np.nanargmin(validation))] if np.isfinite(validation).any() else None
        if best is not None:
            side_note(grid[0, column], f"lowest validation loss: epoch {best:.0f}")
        for axes, (_, lines) in zip(grid[:, column], _PANELS, strict=True):
            drawn = False
            for name, colour, marker, words in lines:
                values = numbers(history, name)
                if not np.isfinite(values).any():
                    continue
                chance = name.startswith("chance")
                (line,) = axes.plot(epoch, values, color=colour, marker=marker, ms=2.6, mew=0,
                                    lw=0.8 if chance else 1.1, ls="--" if chance else "-")  # fmt: skip
                drawn = drawn or not chance
                if words:
                    legend.setdefault(words, line)
            if not drawn:
                say(axes, "not recorded" if finished else "no epoch was finished")
            elif best is not None:
                axes.axvline(best, color=SOFT, lw=0.6, ls=":", zorder=0.5)
        if finished:
            grid[-1, column].xaxis.get_major_locator().set_params(integer=True)
    for axes, (words, _) in zip(grid[:, 0], _PANELS, strict=True):
        axes.set_ylabel(words)
    if legend:
        figure.legend(
            legend.values(), legend.keys(), loc="outside upper center", ncols=3 if len(histories) > 1 else 2
        )
    return figure
