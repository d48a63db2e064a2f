"""Fig. 7: what the clusters of the representation are, for two, three and four of them."""

import re

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.figures.frames import need, numbers, words
from cubespace.figures.style import (
    BINS,
    COLUMN,
    GREY,
    INK,
    PAGE,
    SERIES,
    SOFT,
    canvas,
    cluster_colours,
    label,
    say,
    side_note,
    styled,
)
from cubespace.figures.umap import frame_panel, plane, points, role_legend
from cubespace.populations.emission import EW_RETIRED, EW_STRONG, NII_SF

PAPER = (2, 3, 4)  # numbers of clusters in the paper's figure


def shown_numbers(clusters):
    """Numbers of clusters to show: 2, 3, 4 where the table has any of them, else the (up to three) smallest it has.

    Raises
    ------
    CubespaceError
        The table has no column ``kmeans_<k>``.
    """
    found = sorted(int(name[7:]) for name in clusters.columns if re.fullmatch(r"kmeans_\d+", name))
    if not found:
        raise CubespaceError(
            f"table of clusters: no column 'kmeans_2' or alike; found {', '.join(clusters.columns)}"
        )
    return [k for k in found if k in PAPER] or found[:3]


def by_emission(labels, emission, types):
    """Cluster labels from the least to the most line emission (then from early to late type, then by label).

    Parameters
    ----------
    labels : float array, nan where a galaxy has no cluster
    emission : float array, log EW(H-alpha); nan allowed
    types : float array, bin number (0 = E); nan allowed

    Returns
    -------
    list of int
    """
    present = sorted({int(value) for value in labels[np.isfinite(labels)]})

    def middle(values, cluster):
        mine = values[(labels == cluster) & np.isfinite(values)]
        return float(np.median(mine)) if mine.size else np.inf

    return sorted(present, key=lambda cluster: (middle(emission, cluster), middle(types, cluster), cluster))


def _limits(axes, x, y):
    """Axis limits from the bulk (0.5 to 99.5 %) of all galaxies, the same for every column."""
    for values, limits in ((x, axes.set_xlim), (y, axes.set_ylim)):
        good = values[np.isfinite(values)]
        if good.size:
            low, high = np.percentile(good, [0.5, 99.5])
            pad = 0.08 * (high - low or 1.0)
            limits(low - pad, high + pad)


def _without(known, why):
    return "" if known.all() else f"; {why} ({int((~known).sum())})"


def _of(known, axes, x, y):
    """How many galaxies a panel shows of how many; the others have no value, or lie outside its limits."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    inside = known & (x >= left) & (x <= right) & (y >= low) & (y <= high)
    outside = int((known & ~inside).sum())
    return f"{int(inside.sum())} of {len(known)}" + _without(known, "no value") + (f"; outside ({outside})" if outside else "")


def _whan(axes, last):
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    line = {"color": SOFT, "lw": 0.7, "ls": "--", "zorder": 1.5}
    retired, strong = np.log10(EW_RETIRED), np.log10(EW_STRONG)
    right, high = max(right, NII_SF + 0.3), max(high, strong + 0.5)
    left, low = min(left, NII_SF - 0.3), min(low, retired - 0.5)
    axes.plot([NII_SF, NII_SF], [retired, high], **line)
    axes.plot([left, right], [retired, retired], **line)
    axes.plot([NII_SF, right], [strong, strong], **{**line, "ls": ":"})
    axes.set(xlim=(left, right), ylim=(low, high))
    text = {"fontsize": 5.8, "color": SOFT, "textcoords": "offset points", "zorder": 1.6}
    axes.annotate("SF", (left, high), (3, -8), **text)
    axes.annotate("sAGN", (right, high), (-3, -8), ha="right", **text)
    if last:  # between the lines it would lie on galaxies
        axes.annotate("wAGN", (right, (retired + strong) / 2), (2, 0), va="center", **text)
    axes.annotate("retired, passive", (left, low), (3, 3), **text)


def _make_up(axes, order, palette, labels, types):
    """Share of each type's galaxies that falls in each cluster, in per cent: the bars of one type sum to 100."""
    width = 0.84 / max(1, len(order))
    for index, kind in enumerate(BINS):
        mine = (types == kind) & np.isfinite(labels)
        if not mine.any():
            axes.text(index, 2, "none", rotation=90, ha="center", va="bottom", fontsize=5.5, color=SOFT)
            continue
        for step, cluster in enumerate(order):
            share = 100 * float((labels[mine] == cluster).mean())
            axes.bar(
                index + (step - (len(order) - 1) / 2) * width,
                share,
                width,
                color=palette[cluster],
                edgecolor=INK,
                lw=0.3,
            )
    axes.set(
        ylim=(0, 104), xlim=(-0.6, len(BINS) - 0.4), xticks=range(len(BINS)), xlabel="morphological type, number of galaxies"
    )
    counts = [int(((types == kind) & np.isfinite(labels)).sum()) for kind in BINS]
    axes.set_xticklabels([f"{kind}\n{count}" for kind, count in zip(BINS, counts, strict=True)])
    axes.tick_params(axis="x", length=0)


@styled
def draw(galaxies, umap, clusters):
    """Fig. 7. Columns: numbers of clusters (`shown_numbers`). Rows: UMAP, star formation main sequence, WHAN diagram, share of each type."""
    frame, x, y, role = plane(umap, clusters, galaxies)
    mass, rate = numbers(frame, "log_mass"), numbers(frame, "log_sfr")
    ratio, width = numbers(frame, "log_nii_ha_cen"), numbers(frame, "log_ew_ha_cen")
    types = words(frame, "morphology")
    stage = np.array([BINS.index(kind) if kind in BINS else np.nan for kind in types], dtype=float)
    figure = canvas(PAGE, 205)
    columns = shown_numbers(clusters)
    grid = figure.subplots(4, len(columns), sharey="row", height_ratios=[1.15, 1, 1, 0.8], squeeze=False)
    for column, k in enumerate(columns):
        name = f"kmeans_{k}"
        labels = numbers(frame, name)
        order = by_emission(labels, numbers(frame, "log_ew_ha"), stage)
        if len(order) > k:
            raise CubespaceError(f"table of clusters: {name} has {len(order)} labels, expected at most {k}")
        palette = dict(zip(order, cluster_colours(k), strict=False))
        colours = np.array([palette.get(value, GREY) for value in labels], dtype=object)
        cells = grid[:, column]
        cells[0].set_title(f"{k} clusters", loc="left", pad=13)
        frame_panel(cells[0], x, y)
        for axes, across, up in zip(cells[1:3], (mass, ratio), (rate, width), strict=True):
            _limits(axes, across, up)
        _whan(cells[2], last=k == columns[-1])
        for axes, across, up, missing in (
            (cells[0], x, y, "no galaxy"),
            (cells[1], mass, rate, "no galaxy has\nmass and SFR"),
            (cells[2], ratio, width, "no galaxy has\nboth lines"),
        ):
            known = np.isfinite(across) & np.isfinite(up)
            if not known.any():
                say(axes, missing)
            elif axes is not cells[0]:
                side_note(axes, _of(known, axes, across, up))
            for colour in (GREY, *palette.values()):
                chosen = known & (colours == colour)
                points(
                    axes, across, up, role, chosen, colour, shrink=0.55, zorder=1.8 if colour == GREY else 2.0
                )
        handles = [
            cells[0].scatter([], [], s=12, color=palette[cluster], edgecolors=INK, linewidths=0.25,
                             label=f"{cluster} ({int((labels == cluster).sum())})")
            for cluster in order
        ]  # fmt: skip
        cells[0].legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.03, 0.985), ncols=len(handles),
                        columnspacing=0.8, handletextpad=-0.2, borderpad=0.1)  # fmt: skip
        _make_up(cells[3], order, palette, labels, types)
        typed = np.isfinite(stage) & np.isfinite(labels)
        side_note(cells[3], f"{int(typed.sum())} of {len(typed)}" + _without(typed, "type unknown"))
        cells[1].set_xlabel(label("log_mass"))
        cells[2].set_xlabel(label("log_nii_ha_cen"))
    grid[1, 0].set_ylabel(label("log_sfr"))
    grid[2, 0].set_ylabel(label("log_ew_ha_cen"))
    grid[3, 0].set_ylabel("galaxies of that type [%]")
    for axes in grid[0, 1:]:
        axes.set_ylabel("")
    role_legend(figure, role, galaxies)
    return figure


@styled
def draw_quality(quality):
    """Silhouette, stability and agreement of the two methods against the number of clusters.

    Parameters
    ----------
    quality : DataFrame
        As ``clusters.csv``: k, silhouette, stability, bootstrap_stability, share_kmeans_gmm with their intervals.
    """
    need(quality, ["k", "silhouette", "stability", "ari_kmeans_gmm"], "table of clusters")
    k, shown = numbers(quality, "k"), ("silhouette", "stability", "agreement")
    if not len(k):
        figure = canvas(COLUMN, 45)
        say(figure.subplots(), "no clusters in the table")
        return figure
    figure = canvas(PAGE, 56)
    grid = figure.subplots(1, len(shown))
    curves = {
        "silhouette": (("silhouette", "k-means", None), ("gmm_silhouette", "mixture", None)),
        "stability": (
            ("stability", "k-means, seeds", None), ("gmm_stability", "mixture, seeds", None),
            ("bootstrap_stability", "k-means, bootstraps", "bootstrap"),
        ),
        "agreement": (
            ("ari_kmeans_gmm", "adjusted Rand index", None), ("share_kmeans_gmm", "share in common", "share"),
        ),
    }  # fmt: skip
    for axes, heading in zip(grid, shown, strict=True):
        for step, (name, text, bars) in enumerate(curves[heading]):
            value, colour = numbers(quality, name), SERIES[step]
            axes.plot(k, value, marker="osD"[step], color=colour, mew=0, label=text)
            if bars:
                axes.fill_between(k, numbers(quality, f"{bars}_low"), numbers(quality, f"{bars}_high"), color=colour, alpha=0.15, lw=0)
        axes.set(xlabel="number of clusters", xticks=k[np.isfinite(k)])
        axes.legend(loc="best")
    count = numbers(quality, "n")
    if np.isfinite(count).any():
        figure.supxlabel(f"of the {np.nanmax(count):.0f} galaxies in the representation", fontsize=6, color=SOFT)
    grid[0].set_ylabel("mean silhouette")
    grid[1].set(ylabel="adjusted Rand index", ylim=(-0.05, 1.05))
    grid[2].set(ylabel="agreement of the two methods", ylim=(-0.05, 1.05))
    return figure
