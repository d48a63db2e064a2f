"""Figs. 3-6: the UMAP projection of the representation, coloured by what the galaxies are."""

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D

from cubespace.errors import CubespaceError
from cubespace.figures.frames import join, need, numbers, words
from cubespace.figures.style import (
    ENVIRONMENT,
    GREY,
    GROW,
    INK,
    MARKER,
    MORPHOLOGY,
    NUCLEAR,
    PAGE,
    SEQUENTIAL,
    SOFT,
    canvas,
    count_note,
    label,
    marker_size,
    robust_limits,
    say,
    side_note,
    styled,
    title,
)
from cubespace.shares import wilson

_ORDER = ("train", "embed", "validation")  # the fewest on top


def plane(umap, *others):
    """The table behind a UMAP figure: `umap` joined with the other tables, coordinates checked.

    Returns
    -------
    frame, x, y, role
        x, y float arrays, role object array (train, validation, embed).
    """
    need(umap, ["galaxy", "role", "umap_1", "umap_2"], "UMAP table")
    frame = join(umap, *others)
    role = words(frame, "role")
    alien = sorted({str(name) for name in role} - set(MARKER))
    if alien:
        raise CubespaceError(f"UMAP table: role {', '.join(alien)}; allowed: {', '.join(MARKER)}")
    return frame, numbers(frame, "umap_1"), numbers(frame, "umap_2"), role


def points(axes, x, y, role, chosen, colour=GREY, zorder=2.0, shrink=1.0, edge=INK, **options):
    """Scatter the `chosen` galaxies, one marker a role; `colour` one colour or an array of values, aligned with x."""
    size = marker_size(len(x)) * shrink
    drawn = None
    for step, name in enumerate(_ORDER):
        here = chosen & (role == name)
        if not here.any():
            continue
        many = isinstance(colour, np.ndarray)
        drawn = axes.scatter(
            x[here],
            y[here],
            s=size * GROW[name],
            marker=MARKER[name],
            c=colour[here] if many else None,
            color=None if many else colour,
            edgecolors=edge,
            linewidths=(0.45 if name == "validation" else 0.25) * shrink**0.5,
            zorder=zorder + 0.1 * step,
            **options,
        )
    return drawn


def frame_panel(axes, x, y):
    """Same limits on every panel of the same projection; UMAP units mean nothing, so no numbers."""
    good = np.isfinite(x) & np.isfinite(y)
    if good.any():
        for values, limits in ((x[good], axes.set_xlim), (y[good], axes.set_ylim)):
            pad = 0.05 * (np.ptp(values) or 1.0)
            limits(values.min() - pad, values.max() + pad)
    axes.set(xticks=[], yticks=[], xlabel="UMAP 1", ylabel="UMAP 2")


def role_legend(figure, role, galaxies=None, more="", **options):
    """One legend for the whole figure: which marker is which set, and how many galaxies; below it how many of the sample,
    and what `more` there is to say."""
    if galaxies is not None:
        count_note(figure, len(role), max(len(galaxies), len(role)), "rejected, so without a place in the representation", more)
    handles = [
        Line2D([], [], ls="", marker=MARKER[name], mfc="white", mec=INK, mew=0.6, ms=6 if name == "validation" else 3.6,
               label=f"{title(name)} ({int((role == name).sum())})")
        for name in ("train", "validation", "embed")
        if (role == name).any()
    ]  # fmt: skip
    if handles:
        place = {"loc": "outside upper center", "ncols": len(handles), "handletextpad": 0.2, **options}
        figure.legend(handles=handles, **place)


def continuous(figure, axes, x, y, role, values, name):
    """One panel coloured by a property; 2nd to 98th percentile, galaxies without a value grey and underneath."""
    limits = robust_limits(values)
    frame_panel(axes, x, y)
    axes.set_title(label(name), loc="left")
    if limits is None:
        return say(axes, "no values in this sample")
    low, high, extend = limits
    known = np.isfinite(values)
    if not known.all():
        points(axes, x, y, role, ~known, zorder=1.0, shrink=0.6)
        side_note(axes, f"grey: no value ({int((~known).sum())})")
    drawn = points(axes, x, y, role, known, values, vmin=low, vmax=high, cmap=SEQUENTIAL)
    bar = figure.colorbar(drawn, ax=axes, extend=extend, pad=0.015, aspect=28, fraction=0.06)
    bar.ax.tick_params(length=2)
    bar.outline.set_linewidth(0.4)


def categorical(figure, axes, x, y, role, classes, palette, heading, unknown):
    """One panel coloured by class, with a colour bar of steps that gives each class's count; others grey underneath."""
    frame_panel(axes, x, y)
    axes.set_title(heading, loc="left")
    shown = [name for name in palette if palette[name] != GREY]
    counts = [int((classes == name).sum()) for name in shown]
    other = ~np.isin(classes.astype(str), shown)
    if not any(counts):
        return say(axes, f"no galaxy has a {heading}")
    if other.any():
        points(axes, x, y, role, other, zorder=1.0, shrink=0.6)
        side_note(axes, f"grey: {unknown} ({int(other.sum())})")
    index = np.array([shown.index(name) if name in shown else np.nan for name in classes], dtype=float)
    scale = ListedColormap([palette[name] for name in shown])
    norm = BoundaryNorm(np.arange(len(shown) + 1) - 0.5, len(shown))
    drawn = points(axes, x, y, role, ~other, index, cmap=scale, norm=norm)
    bar = figure.colorbar(drawn, ax=axes, ticks=range(len(shown)), pad=0.015, aspect=28, fraction=0.06)
    bar.ax.set_yticklabels([f"{title(name)} ({count})" for name, count in zip(shown, counts, strict=True)])
    bar.ax.tick_params(length=0)
    bar.outline.set_linewidth(0.4)
    return None


@styled
def draw_stellar(galaxies, umap):
    """Fig. 3: morphological type, stellar mass, luminosity-weighted age and metallicity."""
    frame, x, y, role = plane(umap, galaxies)
    figure = canvas(PAGE, 138)
    panels = figure.subplots(2, 2).ravel()
    categorical(
        figure,
        panels[0],
        x,
        y,
        role,
        words(frame, "morphology"),
        MORPHOLOGY,
        "morphological type",
        "type unknown",
    )
    for axes, name in zip(panels[1:], ("log_mass", "log_age_lw", "metallicity_lw"), strict=True):
        continuous(figure, axes, x, y, role, numbers(frame, name), name)
    role_legend(figure, role, galaxies)
    return figure


@styled
def draw_emission(galaxies, classes, umap):
    """Fig. 4: integrated EW(H-alpha), central line ratios, and the ionisation class of the nucleus."""
    frame, x, y, role = plane(umap, classes, galaxies)
    figure = canvas(PAGE, 138)
    panels = figure.subplots(2, 2).ravel()
    for axes, name in zip(panels, ("log_ew_ha", "log_nii_ha_cen", "log_oiii_hb_cen"), strict=False):
        continuous(figure, axes, x, y, role, numbers(frame, name), name)
    categorical(
        figure,
        panels[3],
        x,
        y,
        role,
        words(frame, "nuclear_class"),
        NUCLEAR,
        "ionisation class",
        "undetermined",
    )
    role_legend(figure, role, galaxies)
    return figure


@styled
def draw_geometry(galaxies, umap):
    """Fig. 5: redshift and ellipticity, which the representation should not depend on."""
    frame, x, y, role = plane(umap, galaxies)
    figure = canvas(PAGE, 74)
    for axes, name in zip(figure.subplots(1, 2), ("redshift", "ellipticity"), strict=True):
        continuous(figure, axes, x, y, role, numbers(frame, name), name)
    role_legend(figure, role, galaxies)
    return figure


@styled
def draw_environment(galaxies, classes, umap):
    """Fig. 6: galaxies of each environment on the projection of all, and the types that each is made of."""
    frame, x, y, role = plane(umap, classes, galaxies)
    environment, types = words(frame, "environment"), words(frame, "morphology")
    shown = [name for name in ENVIRONMENT if name != "unclassified"]
    figure = canvas(PAGE, 108)
    grid = figure.subplots(2, len(shown), height_ratios=[1.35, 1], sharey="row")
    bars_top = 0.0
    for axes, below, name in zip(*grid, shown, strict=True):
        here = environment == name
        frame_panel(axes, x, y)
        axes.set_title(f"{title(name)} ({int(here.sum())})", loc="left")
        below.set(
            xlabel="morphological type", xticks=range(len(MORPHOLOGY)), xlim=(-0.6, len(MORPHOLOGY) - 0.4)
        )
        below.set_xticklabels(MORPHOLOGY)
        below.tick_params(axis="x", length=0)
        if not here.any():
            say(axes, f"no {title(name)} galaxy")
            below.text(0.5, 0.5, "no galaxy", transform=below.transAxes, ha="center", color=SOFT)
            continue
        points(axes, x, y, role, ~here, "#e4e4e4", zorder=1.0, shrink=0.55, edge="#c4c4c4")
        points(axes, x, y, role, here, ENVIRONMENT[name])
        typed = here & np.isin(types.astype(str), list(MORPHOLOGY))
        total = int(typed.sum())
        if total == 0:
            below.text(0.5, 0.5, "types unknown", transform=below.transAxes, ha="center", color=SOFT)
            continue
        count = [int((types[typed] == kind).sum()) for kind in MORPHOLOGY]
        share = np.array(count) / total
        low, high = np.transpose([wilson(number, total) for number in count])
        below.bar(
            range(len(MORPHOLOGY)),
            100 * share,
            color=list(MORPHOLOGY.values()),
            width=0.8,
            edgecolor=INK,
            lw=0.4,
        )
        below.errorbar(
            range(len(MORPHOLOGY)),
            100 * share,
            100 * np.clip([share - low, high - share], 0, None),
            fmt="none",
            ecolor=INK,
            elinewidth=0.7,
        )
        bars_top = max(bars_top, float(100 * high.max()))
    grid[1, 0].set_ylim(0, 1.08 * bars_top if bars_top else 100)
    grid[1, 0].set_ylabel("share of the environment [%]")
    for axes in grid[0, 1:]:
        axes.set_ylabel("")
    elsewhere, untyped = ~np.isin(environment.astype(str), shown), ~np.isin(types.astype(str), list(MORPHOLOGY))
    role_legend(figure, role, galaxies, f"of these {int(elsewhere.sum())} of unclassified environment, grey throughout, "
                f"and {int((untyped & ~elsewhere).sum())} without type, in no bar")
    return figure
