"""Fig. 10: correlations of the leading principal components of the representation with physical properties; probes."""

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.figures.frames import need, numbers, words
from cubespace.figures.style import (
    BASELINE,
    COLUMN,
    DIVERGING,
    INK,
    PAGE,
    SERIES,
    SOFT,
    bare,
    canvas,
    embedded_note,
    say,
    styled,
    title,
)

FIRST = 4  # components shown
_SURE = 0.05  # false discovery rate


def matrix(correlations, value, first=FIRST):
    """(properties, array (n_properties, first) of `value`, nan where absent), in the order of the table."""
    properties = list(dict.fromkeys(words(correlations, "property")))
    table = np.full((len(properties), first), np.nan)
    component, values = numbers(correlations, "component"), numbers(correlations, value)
    for name, number, entry in zip(words(correlations, "property"), component, values, strict=True):
        if 1 <= number <= first:
            table[properties.index(name), int(number) - 1] = entry
    return properties, table


def _heat(axes, table, sure, heads, heading):
    picture = axes.imshow(table, cmap=DIVERGING, vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        known = np.isfinite(value)
        star = "*" if sure[row, column] < _SURE else ""
        axes.text(
            column, row, f"{value:.2f}{star}".replace("-", "\u2212") if known else "\u2013", ha="center", va="center",
            fontsize=6, color="white" if known and abs(value) > 0.62 else INK if known else SOFT,
        )  # fmt: skip
    axes.set_xticks(range(table.shape[1]), heads)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(table.shape[1] - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(table.shape[0] - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1.0)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_facecolor("#ededed")
    axes.set_title(heading, loc="left", fontsize=7)
    return picture


def _counts(table):
    """property -> ' (n)', the number of galaxies behind its row."""
    pairs = zip(words(table, "property"), numbers(table, "n"), strict=True)
    return {name: f" ({n:.0f})" for name, n in pairs if np.isfinite(n)}


@styled
def draw(correlations, variance=None):
    """Fig. 10: Pearson's r of the first four components with each property, and what is left given mass, type, redshift.

    Parameters
    ----------
    correlations : DataFrame
        component, property, pearson_r, q_bh, partial_r, q_partial
    variance : DataFrame, optional
        component, explained_variance_ratio: goes into the heads of the columns.
    """
    need(correlations, ["component", "property", "pearson_r", "q_bh"], "table of correlations")
    properties, pearson = matrix(correlations, "pearson_r")
    if not np.isfinite(pearson).any():
        figure = canvas(COLUMN, 45)
        say(figure.subplots(), "no correlation was computed:\ntoo few galaxies have properties")
        return figure
    _, q = matrix(correlations, "q_bh")
    _, partial = matrix(correlations, "partial_r")
    _, q_partial = matrix(correlations, "q_partial")
    # strongest first
    strength = np.array(
        [np.abs(row[np.isfinite(row)]).max() if np.isfinite(row).any() else -1.0 for row in pearson]
    )
    order = np.argsort(-strength, kind="stable")
    heads = [f"PC {number}" for number in range(1, FIRST + 1)]
    if variance is not None:
        need(variance, ["component", "explained_variance_ratio"], "table of variance")
        share = dict(
            zip(numbers(variance, "component"), numbers(variance, "explained_variance_ratio"), strict=True)
        )
        heads = [f"{head}\n{100 * share[n]:.0f} %" if n in share else head for n, head in enumerate(heads, 1)]
    both = np.isfinite(partial).any()
    figure = canvas(PAGE * 0.75 if both else COLUMN, 26 + 5.3 * len(properties))
    grid = figure.subplots(1, 2 if both else 1, sharey=True, squeeze=False)[0]
    picture = _heat(grid[0], pearson[order], q[order], heads, "Pearson's $r$")
    if both:
        _heat(grid[1], partial[order], q_partial[order], heads, "partial $r$, given mass, type, redshift")
    count = _counts(correlations)
    names = bare([properties[index] for index in order])
    names = [text + count.get(properties[index], "") for index, text in zip(order, names, strict=True)]
    grid[0].set_yticks(range(len(properties)), names)
    bar = figure.colorbar(picture, ax=list(grid), pad=0.02, aspect=30, shrink=0.85)
    bar.set_label("correlation coefficient")
    bar.outline.set_linewidth(0.4)
    note, alike = r"* false discovery rate $q$ < 0.05", numbers(correlations, "partial_n")
    alike = alike[np.isfinite(numbers(correlations, "partial_r"))]
    if np.isfinite(alike).any():
        low, high = np.nanmin(alike), np.nanmax(alike)
        note += f"; right: of galaxies that also have mass, type, redshift ({f'{low:.0f}-' if low < high else ''}{high:.0f})"
    embedded_note(figure, correlations, note, "\n")
    return figure


@styled
def draw_order(strengths):
    """How sure the order of strengths is: strength and rank of each property with 95 % intervals; whole-space dependence.

    Parameters
    ----------
    strengths : DataFrame
        As from `cubespace.space.strengths.strength_table`.
    """
    need(strengths, ["property", "n", "strength", "strength_low", "strength_high", "rank", "rank_low", "rank_high",
                     "space_distance_r"], "table of strengths")  # fmt: skip
    if not len(strengths):
        figure = canvas(COLUMN, 45)
        say(figure.subplots(), "no strength was computed:\ntoo few galaxies have properties")
        return figure
    names, count = words(strengths, "property"), _counts(strengths)
    height = np.arange(len(names))
    figure = canvas(PAGE * 0.75, 24 + 5.2 * len(names))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.4, 1])
    value, low, high = (numbers(strengths, f"strength{end}") for end in ("", "_low", "_high"))
    left.hlines(height, low, high, color=SERIES[0], lw=1.2)
    one = left.scatter(value, height, s=14, color=SERIES[0], zorder=3)
    two = left.scatter(numbers(strengths, "space_distance_r"), height, s=16, marker="D", facecolors="white",
                       edgecolors=SERIES[1], linewidths=1.0, zorder=2.5)  # fmt: skip
    left.axvline(0, color=INK, lw=0.5)
    left.set(xlabel="strength", xlim=(min(-0.02, np.nanmin(np.r_[low, 0]) - 0.02), 1))
    rank, low, high = (numbers(strengths, f"rank{end}") for end in ("", "_low", "_high"))
    right.hlines(height, low, high, color=SERIES[0], lw=1.2)
    right.scatter(rank, height, s=14, color=SERIES[0], zorder=3)
    right.set(xlabel="rank", xlim=(0.4, len(names) + 0.6), xticks=np.arange(1, len(names) + 1, 2))
    left.set_yticks(height, [text + count.get(name, "") for name, text in zip(names, bare(names), strict=True)])
    left.set_ylim(len(names) - 0.4, -0.6)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color="#eeeeee", lw=0.6)
    embedded_note(figure, strengths)
    text = ["largest $|r|$ with four components", "distance correlation with the whole space"]
    figure.legend([one, two], text, loc="outside upper center", ncols=2, handletextpad=0.2)
    return figure


@styled
def draw_probes(probes):
    """Cross-validated R2 for each property of ridge regression (bars) and nearest neighbours (diamonds): trained network,
    untrained network, pooled PCA maps."""
    need(probes, ["property", *BASELINE], "table of probes")
    table = np.column_stack([numbers(probes, name) for name in BASELINE])
    names, count = words(probes, "property"), numbers(probes, "n")
    shown = np.isfinite(table).any(axis=1)
    if not shown.any():
        figure = canvas(COLUMN, 45)
        say(figure.subplots(), "no probe was fitted:\ntoo few galaxies have properties")
        return figure
    if np.nanmax(table) > 1 + 1e-9:
        raise CubespaceError(f"table of probes: R2 of {np.nanmax(table):.3g}, expected at most 1")
    order = np.argsort(-np.where(np.isfinite(table[:, 0]), table[:, 0], -np.inf), kind="stable")
    order = [index for index in order if shown[index]]
    lowest = -0.12 if np.nanmin(table) < 0 else 0.0
    figure = canvas(COLUMN, 24 + 9.0 * len(order))
    axes = figure.subplots()
    for step, (name, colour) in enumerate(BASELINE.items()):
        values = table[order, step]
        low, high = (numbers(probes, f"{name}_{side}")[order] for side in ("low", "high"))
        height = np.arange(len(order)) + 0.27 * (step - 1)
        axes.barh(
            height,
            np.clip(values, lowest, None),
            0.27,
            color=colour,
            edgecolor=INK,
            linewidth=0.3,
            label=title(name),
        )
        axes.hlines(height, np.clip(low, lowest, None), np.clip(high, lowest, None), color=INK, lw=0.6)
        near = numbers(probes, f"{name}_knn")[order]
        axes.scatter(np.clip(near, lowest, None), height, s=9, marker="D", color="white", edgecolors=INK, linewidths=0.5,
                     zorder=3, label="nearest neighbours" if np.isfinite(near).any() and step == len(BASELINE) - 1 else None)
        values_end = np.fmax(np.fmax(np.fmax(values, high), near + 0.015), 0)
        for at, value, end in zip(height, values, values_end, strict=True):
            text = f"{value:.2f}".replace("-", "\u2212") if np.isfinite(value) else "no value"
            axes.annotate(text, (end if np.isfinite(end) else 0, at), (2, 0), textcoords="offset points",
                          va="center", fontsize=5.5, color=SOFT)  # fmt: skip
    axes.axvline(0, color=INK, lw=0.6)
    ticks = [
        text + (f" ({int(count[i])})" if np.isfinite(count[i]) else "")
        for i, text in zip(order, bare([names[i] for i in order]), strict=True)
    ]
    axes.set_yticks(range(len(order)), ticks)
    axes.set(
        xlim=(lowest, 1.12),
        ylim=(len(order) - 0.45, -0.55),
        xlabel="cross-validated $R^2$",
    )
    axes.set_xticks(np.arange(0, 1.01, 0.2))
    axes.tick_params(axis="y", length=0)
    embedded_note(figure, probes)
    figure.legend(loc="outside upper center", ncols=2, columnspacing=1.0, handlelength=1.0)
    return figure
