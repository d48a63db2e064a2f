"""Figs. 8 and 9: do two populations occupy the same part of the representation? With balance of twins and power."""

import textwrap

import numpy as np

from cubespace.figures.frames import need, numbers, truths, words
from cubespace.figures.style import (
    BOX,
    COLUMN,
    INK,
    PAGE,
    SERIES,
    SOFT,
    TEST,
    bare,
    canvas,
    lighten,
    p_text,
    population_colour,
    say,
    styled,
    title,
)

ALL = (
    ("train", "validation"),
    ("passive", "SF"),
    ("AGN", "SF"),
    ("filament_wall", "cluster"),
    ("filament_wall", "void"),
    ("void", "cluster"),
)
TWINS = (("AGN", "SF"), ("filament_wall", "cluster"), ("void", "filament_wall"))
_COLUMNS = ["a", "b", "matched", "test", "n_a", "n_b", "statistic", "p_value", "q_bh", "p_ks_paper"]
_MARKERS = "osD^vP"


def _of_all(frame):
    """Rows of comparisons of all galaxies, not of those of one role."""
    return frame[frame["among"].isna()] if "among" in frame else frame


def _pair(frame, a, b, matched):
    """Rows of the comparison of a with b, whichever of them is named first."""
    frame = _of_all(frame)
    first, second = words(frame, "a"), words(frame, "b")
    either = ((first == a) & (second == b)) | ((first == b) & (second == a))
    return frame[either & (truths(frame, "matched") == matched)]


def _first(rows, name):
    values = numbers(rows, name)
    values = values[np.isfinite(values)]
    return float(values[0]) if values.size else np.nan


def _why_not(rows, a, b):
    """Words for a comparison that was not made: the recorded note, else the sizes of the populations, else 'not in the table'."""
    notes = [note for note in words(rows, "note") if note]
    if notes:
        note = notes[0].removeprefix("not tested: ").replace("filament_wall", title("filament_wall"))
        return "not tested:\n" + textwrap.fill(note, 34)
    if len(rows) and {"n_a", "n_b"} <= set(rows.columns):
        sizes = {str(rows["a"].iloc[0]): _first(rows, "n_a"), str(rows["b"].iloc[0]): _first(rows, "n_b")}
        return "not tested:\n" + ", ".join(
            f"{0 if np.isnan(n) else int(n)} {title(name)}" for name, n in sizes.items()
        )
    return "not tested:\nno such comparison in the table"


def _verdict(rows):
    """Lines of numbers: the paper's KS with its p-value, the calibrated test of the distances drawn, and that of the whole space."""
    pooled = rows[words(rows, "test") == "ks_paper"]
    tenth = rows[words(rows, "test") == "ks_10th"]
    naive = _first(pooled, "p_ks_paper") if len(pooled) else np.nan
    naive = naive if np.isfinite(naive) else _first(rows, "p_ks_paper")
    lines = []
    if len(pooled):
        lines.append(f"all {_neighbour(pooled)}: KS = {_first(pooled, 'statistic'):.2f}, {p_text(naive)} (uncalibrated)")
    for test, words_ in (("ks_10th", f"{_ordinal(_neighbour(tenth))} alone"), ("energy", "energy")):
        mine = rows[words(rows, "test") == test]
        if len(mine):
            calibrated, q = _first(mine, "p_value"), _first(mine, "q_bh")
            lines.append(f"{words_}: " + p_text(calibrated, r"p_\mathrm{perm}") + ", " + p_text(q, "q"))
    return "\n".join(lines)


def _neighbour(rows):
    """Which neighbour the distances are to: the tenth, or the last that small populations have."""
    k = _first(rows, "k") if "k" in rows else np.nan
    return int(k) if np.isfinite(k) else 10


def _ordinal(number):
    return str(number) + {1: "st", 2: "nd", 3: "rd"}.get(number, "th")


def _of_pair(distances, a, b, matched):
    distances = _of_all(distances)
    comparison = words(distances, "comparison")
    return distances[((comparison == f"{a}-{b}") | (comparison == f"{b}-{a}")) & (truths(distances, "matched") == matched)]


def _distances(distances, a, b, matched):
    """name -> finite distances to the tenth neighbour, for the two populations."""
    distances = _of_pair(distances, a, b, matched)
    population, values = words(distances, "population"), numbers(distances, "tenth_distance")
    return {name: values[(population == name) & np.isfinite(values)] for name in (a, b)}


def _sizes(comparisons, a, b):
    """name -> size of each whole population, as far as the table compares them unmatched."""
    rows = _pair(comparisons, a, b, False)
    if not len(rows):
        return {}
    return {str(rows[side].iloc[0]): _first(rows, f"n_{side}") for side in ("a", "b")}


def _histograms(axes, rows, samples, a, b, whole):
    """Densities of the distances of both populations in common bins, medians as ticks at the top; `whole`: sizes of the
    populations that samples were matched from."""
    both = np.concatenate(list(samples.values()))
    if (
        min(len(values) for values in samples.values()) == 0
        or not np.isfinite(numbers(rows, "p_value")).any()
    ):
        say(axes, _why_not(rows, a, b))
        axes.set_title(f"{title(a)} vs. {title(b)}", loc="left")
        return
    low, high = float(both.min()), float(np.percentile(both, 99.5))
    low = max(0.0, low - 0.05 * (high - low))
    edges = np.linspace(
        low, high + (0.02 * (high - low) or 1e-3), int(np.clip(np.sqrt(len(both)) * 1.2, 8, 28)) + 1
    )
    highest = 0.0
    for name, ls in ((a, "-"), (b, (0, (3, 1)))):
        values, colour = np.clip(samples[name], edges[0], edges[-1]), population_colour(name)
        density = np.histogram(values, edges, density=True)[0]
        highest = max(highest, float(density.max()))
        axes.stairs(density, edges, fill=True, facecolor=(*lighten(colour, 0.55), 0.55), edgecolor="none")
        axes.stairs(
            density,
            edges,
            edgecolor=colour,
            lw=1.2,
            ls=ls,
            zorder=2.5,
            label=f"{title(name)} ({len(values)}{f' of {whole[name]:.0f}' if np.isfinite(whole.get(name, np.nan)) else ''})",
        )
        axes.plot(
            [np.median(values)] * 2, [0.955, 1.0], transform=axes.get_xaxis_transform(), color=colour, lw=1.6
        )
    axes.set(
        xlim=(edges[0], edges[-1]), ylim=(0, 1.5 * highest), yticks=[]
    )  # room for the legend above the bars
    axes.set_title(_verdict(rows), loc="left", fontsize=6.2, linespacing=1.35)
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.96), handlelength=1.3)


def _panels(figure, grid, pairs, comparisons, distances, matched):
    need(comparisons, _COLUMNS, "table of comparisons")
    need(distances, ["comparison", "matched", "population", "tenth_distance"], "table of neighbour distances")
    for axes, (a, b) in zip(grid.ravel(), pairs, strict=True):
        whole = _sizes(comparisons, a, b) if matched else {}
        _histograms(axes, _pair(comparisons, a, b, matched), _distances(distances, a, b, matched), a, b, whole)
        last = _neighbour(_of_pair(distances, a, b, matched))
        axes.set_xlabel(f"cosine distance to the {_ordinal(last)} neighbour")
    for axes in grid[:, 0]:
        axes.set_ylabel("density of galaxies")
    if "n_embedded" in comparisons and len(comparisons):
        why = "of other classes or undetermined" + (", or without a twin" if matched else "")
        figure.supxlabel(f"in brackets: galaxies, of {int(comparisons['n_embedded'].iloc[0])} in the representation; "
                         f"the others are {why}", fontsize=6, color=SOFT)  # fmt: skip


@styled
def draw_neighbours(comparisons, distances):
    """Fig. 8: distances to the tenth neighbour for six pairs of populations as they come."""
    figure = canvas(PAGE, 112)
    _panels(figure, figure.subplots(2, 3), ALL, comparisons, distances, False)
    return figure


@styled
def draw_twins(comparisons, distances):
    """Fig. 9: the same for three pairs of populations matched in mass and type."""
    figure = canvas(PAGE, 60)
    _panels(figure, figure.subplots(1, 3, squeeze=False), TWINS, comparisons, distances, True)
    return figure


@styled
def draw_balance(balance):
    """Love plot: absolute standardised mean difference of every covariate, before and after matching, one panel a pair."""
    need(balance, ["comparison", "covariate", "smd_before", "smd_after"], "table of balance")
    pairs = [pair for pair in dict.fromkeys(words(balance, "comparison")) if not _placebo(pair)]
    if not pairs:
        figure = canvas(COLUMN, 45)
        say(figure.subplots(), "no populations were matched")
        return figure
    covariates = list(dict.fromkeys(words(balance, "covariate")))
    figure = canvas(PAGE if len(pairs) > 1 else COLUMN, 26 + 5.2 * len(covariates))
    grid = figure.subplots(1, len(pairs), sharey=True, sharex=True, squeeze=False)[0]
    handles = []
    for axes, pair in zip(grid, pairs, strict=True):
        rows = balance[words(balance, "comparison") == pair]
        height = np.array([covariates.index(name) for name in words(rows, "covariate")], dtype=float)
        before, after = np.abs(numbers(rows, "smd_before")), np.abs(numbers(rows, "smd_after"))
        before, after = (np.where(np.isfinite(values), values, np.nan) for values in (before, after))
        count, sides = numbers(rows, "n_pairs"), [numbers(rows, name) for name in ("n_a", "n_b")]
        count = f"\n{count[0]:.0f} pairs" if len(count) and np.isfinite(count[0]) else ""
        count += f" of {sides[0][0]:.0f} and {sides[1][0]:.0f}" if count and np.isfinite(sides).all() else ""
        axes.set_title(_pair_title(pair) + count, loc="left")
        axes.axvspan(0, 0.1, color="#eeeeee", zorder=0, lw=0)
        axes.axvline(0.1, color=SOFT, lw=0.6, ls="--", zorder=0.5)
        if not np.isfinite(after).any():
            why = [reason for reason in words(rows, "reason") if reason] or ["no pairs"]
            axes.text(0.5, 0.5, textwrap.fill(f"not tested: {why[0]}", 30), transform=axes.transAxes, ha="center",
                      va="center", color=SOFT, zorder=4, bbox=BOX)  # fmt: skip
        axes.hlines(height, before, after, color="#c8c8c8", lw=1.2, zorder=1)
        one = axes.scatter(
            before, height, s=20, facecolors="white", edgecolors=SERIES[1], linewidths=1.0, zorder=2
        )
        two = axes.scatter(after, height, s=20, color=SERIES[0], zorder=3)
        handles = handles or [one, two]
    grid[0].set_yticks(range(len(covariates)), bare(covariates))
    grid[0].set_ylim(len(covariates) - 0.4, -0.6)
    grid[0].set_xlim(left=-0.03)
    for axes in grid:
        axes.tick_params(axis="y", length=0)
    figure.supxlabel("|standardised mean difference|", fontsize=7.5)
    figure.legend(handles, ["all galaxies", "twins"], loc="outside upper right", ncols=2, handletextpad=0.2)
    return figure


def _placebo(pair):
    first, _, second = str(pair).partition("-")
    return first == second


def _pair_title(pair):
    first, _, second = str(pair).partition("-")
    return f"{title(first)} vs. {title(second)}"


@styled
def draw_power(power, comparisons):
    """Power: share of trials in which a planted shift of known size is found, for each comparison and test."""
    need(power, ["comparison", "matched", "test", "effect", "power", "power_low", "power_high"], "table of power")
    power = _of_all(power)
    matched, pair = truths(power, "matched"), words(power, "comparison")
    shown = list(dict.fromkeys(zip(pair, matched, strict=True)))
    if not shown or not np.isfinite(numbers(power, "power")).any():
        figure = canvas(COLUMN, 45)
        say(figure.subplots(), "power was not computed:\nno comparison had enough galaxies")
        return figure
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = canvas(PAGE if columns > 1 else COLUMN, 16 + 48 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    known = {}
    for axes, (name, twin) in zip(grid.ravel(), shown, strict=False):
        here = power[(pair == name) & (matched == twin)]
        for test in dict.fromkeys(words(here, "test")):
            curve = here[words(here, "test") == test]
            order = np.argsort(numbers(curve, "effect"), kind="stable")
            marker = _MARKERS[(list(TEST).index(test) if test in TEST else 0) % len(_MARKERS)]
            effect, share = (numbers(curve, column)[order] for column in ("effect", "power"))
            low, high = (numbers(curve, f"power_{side}")[order] for side in ("low", "high"))
            aside = 0.012 * effect.max() * (list(TEST).index(test) - len(TEST) / 2 if test in TEST else 0)  # or equal curves hide
            line = axes.errorbar(effect + aside, share, np.clip([share - low, high - share], 0, None), marker=marker,
                                 color=TEST.get(test, INK), mew=0, elinewidth=0.5)  # fmt: skip
            known.setdefault(test, line)
        for height in (0.8, 0.05):  # wanted; of a test that finds nothing but by chance
            axes.axhline(height, color=SOFT, lw=0.6, ls=":", zorder=0.5)
        sizes = _pair(comparisons, *name.split("-", 1), twin)
        count = [f"{_first(sizes, side):.0f}" for side in ("n_a", "n_b") if np.isfinite(_first(sizes, side))]
        count = (f" ({count[0]} twins)" if twin else f" ({', '.join(count)})") if count else ""
        axes.set_title(_pair_title(name) + count, loc="left")
        _mark_smallest(axes, comparisons, name, twin)
    for index in range(len(shown), grid.size):
        grid.ravel()[index].set_visible(False)
        grid.ravel()[index - columns].tick_params(labelbottom=True)
    grid[0, 0].set_ylim(-0.03, 1.05)
    whole = f"; in brackets: galaxies compared, of {int(comparisons['n_embedded'].iloc[0])}" if "n_embedded" in comparisons else ""
    figure.supxlabel(f"planted shift [standard deviations within the populations]{whole}", fontsize=7)
    figure.supylabel("share of trials detected", fontsize=7.5)
    figure.legend(
        known.values(), [title(test) for test in known], loc="outside upper center", ncols=min(6, len(known))
    )
    return figure


def _mark_smallest(axes, comparisons, name, twin):
    """Triangles on the abscissa: the smallest detectable effect that the table of comparisons states for each test."""
    need(comparisons, ["a", "b", "matched", "test", "minimum_detectable_effect"], "table of comparisons")
    a, _, b = name.partition("-")
    rows = _pair(comparisons, a, b, twin)
    for test, size in zip(words(rows, "test"), numbers(rows, "minimum_detectable_effect"), strict=True):
        if np.isfinite(size):
            axes.plot(
                [size], [-0.03], marker="^", ms=4, color=TEST.get(test, INK), clip_on=False, zorder=4, mew=0
            )
