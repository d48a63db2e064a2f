"""One page a galaxy: what was masked, how well its spectra are rebuilt, what was not used of the one at its centre."""

import base64
import html
import io

import numpy as np
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cubespace.figures.style import INK, PAGE, SERIES, SOFT, canvas, robust_limits, say, styled
from cubespace.spectra.project import BAD, EXTREME, FEW_SAMPLES, LOW_SNR, OUTSIDE, PADDING, SKY, STAR, UNSEEN

FLAGS = {  # bit -> colour, words; the first that is set shows
    STAR: ("#d55e00", "star or companion"),
    FEW_SAMPLES: ("#cc79a7", "too few samples"),
    EXTREME: ("#009e73", "extreme error"),
    LOW_SNR: ("#cfcfcf", "low S/N"),
}
HEIGHT = 112.0  # mm
DPI = 90


def _window(mask):
    """Slices (y, x) of the part of the canvas that has anything of the cube."""
    rows, columns = (np.nonzero((mask & (OUTSIDE | PADDING) == 0).any(axis=axis))[0] for axis in (1, 0))
    if rows.size == 0:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _image(figure, axes, image, pixel, words, colours="viridis", norm=None):
    ny, nx = image.shape
    extent = (-nx * pixel / 2, nx * pixel / 2, -ny * pixel / 2, ny * pixel / 2)
    shown = axes.imshow(
        image, origin="lower", extent=extent, cmap=colours, norm=norm, interpolation="nearest"
    )
    bar = figure.colorbar(shown, ax=axes, pad=0.02, aspect=28, fraction=0.05)
    bar.outline.set_linewidth(0.4)
    axes.set_title(words, loc="left")
    axes.set_xlabel("[arcsec]")


def _overlay(axes, mask, pixel):
    """Colour the masked spaxels; returns the handles of a legend with how many there are of each."""
    ny, nx = mask.shape
    paint, handles = np.zeros((ny, nx, 4)), []
    for bit, (colour, words) in reversed(FLAGS.items()):
        where = (mask & bit) > 0
        paint[where] = (*to_rgb(colour), 1.0)
        if where.any():
            handles.append(Patch(color=colour, label=f"{words}: {where.sum()}"))
    extent = (-nx * pixel / 2, nx * pixel / 2, -ny * pixel / 2, ny * pixel / 2)
    axes.imshow(paint, origin="lower", extent=extent, interpolation="nearest")
    return handles[::-1]


def _spectrum(upper, lower, nucleus):
    """The central spectrum and its model, and the residual over the error, with what was not used marked."""
    wave, flux, bad = nucleus["wavelength"], nucleus["flux"], nucleus["bad"]
    used = np.where(bad == 0, flux, np.nan)
    upper.plot(wave, np.where(bad == UNSEEN, np.nan, flux), color="#c9c9c9", lw=0.6)
    upper.plot(wave, used, color=INK, lw=0.6)
    upper.plot(wave, nucleus["model"], color=SERIES[1], lw=0.6)
    good = flux[bad == 0]
    low, high = (good.min(), good.max()) if good.size else (0.0, 1.0)
    upper.set_ylim(low - 0.08 * (high - low), high + 0.15 * (high - low))
    upper.set_ylabel("flux / norm")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower.plot(wave, (used - nucleus["model"]) / nucleus["sigma"], color=INK, lw=0.5)
    lower.set(ylim=(-6, 6), ylabel=r"residual / $\sigma$", xlabel=r"rest wavelength [$\mathrm{\AA}$]")
    lower.axhline(0, color=SERIES[1], lw=0.6)
    step = np.median(np.diff(wave)) / 2
    handles = [
        Line2D([], [], color=INK, lw=0.8, label="spectrum"),
        Line2D([], [], color=SERIES[1], lw=0.8, label="components"),
    ]
    for code, colour, words in (
        (SKY, SERIES[5], "sky line"),
        (BAD, SERIES[3], "bad sample"),
        (UNSEEN, "#b5b5b5", "not observed"),
    ):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], bad == code, [0]])))
        for start, stop in edges.reshape(-1, 2):
            for axes in (upper, lower):
                axes.axvspan(wave[start] - step, wave[stop - 1] + step, color=colour, alpha=0.35, lw=0)
        if edges.size:
            handles.append(Patch(color=colour, alpha=0.35, label=f"{words}: {(bad == code).sum()}"))
    upper.legend(handles=handles, loc="upper left", ncols=5, columnspacing=1.2)
    for axes in (upper, lower):
        axes.set_xlim(wave[0], wave[-1])
    upper.tick_params(labelbottom=False)


def _headline(figure, galaxy, verdict, facts):
    colour = SERIES[0] if verdict == "accepted" else SERIES[1]
    figure.suptitle(f"{galaxy}: {verdict}", x=0.01, ha="left", color=colour, weight="bold")
    figure.text(0.99, 0.995, facts, ha="right", va="top", fontsize=6, color=SOFT)


@styled
def draw_accepted(galaxy, maps):
    """Page of an accepted galaxy, from its maps (`cubespace.spectra.project.Maps`)."""
    figure = canvas(PAGE, HEIGHT)
    head, window = maps.header, _window(maps.mask)
    mask, pixel = maps.mask[window], float(head["PIXSCALE"])
    good = mask == 0
    grid = figure.add_gridspec(3, 3, height_ratios=(2.3, 1.0, 0.7))
    panels = [figure.add_subplot(grid[0, column]) for column in range(3)]
    light = np.where(good, maps.values[0][window], np.nan)
    _image(figure, panels[0], light, pixel, r"log luminosity [$\mathrm{L_\odot/\AA}$]")
    handles = _overlay(panels[0], np.where(mask & (OUTSIDE | PADDING), 0, mask), pixel)
    if handles:
        panels[0].legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0, -0.01),
            fontsize=5,
            facecolor="white",
            frameon=True,
            framealpha=0.8,
            edgecolor="none",
        )
    snr = np.where((mask & (OUTSIDE | PADDING) == 0) & (maps.snr[window] > 0), maps.snr[window], np.nan)
    top = np.nanmax(snr) if np.isfinite(snr).any() else 2.0
    _image(figure, panels[1], snr, pixel, "S/N", "magma", LogNorm(1, max(2.0, top)))
    error = np.where(good, 100 * maps.error_rate[window], np.nan)
    limits = robust_limits(error)
    _image(figure, panels[2], np.clip(error, *limits[:2]), pixel, "reconstruction error [%]", "cividis")
    for axes in panels[1:]:
        axes.tick_params(labelleft=False)
    upper, lower = figure.add_subplot(grid[1, :]), figure.add_subplot(grid[2, :])
    if maps.nucleus is None:
        say(upper, "no central spectrum in the file of maps")
    else:
        _spectrum(upper, lower, maps.nucleus)
    _headline(figure, galaxy, "accepted", f"z = {head['REDSHIFT']:.5f}    {head['NGOOD']} good spaxels    {100 * head['STARFRAC']:.1f} % of the field under stars    "
              f"{100 * head['BADFRAC']:.1f} % of samples bad")  # fmt: skip
    return figure


def _words(figure, words):
    axes = figure.subplots()
    axes.axis("off")
    say(axes, words)


@styled
def blank(words):
    """A page with words alone."""
    figure = canvas(PAGE, 26)
    _words(figure, words)
    return figure


@styled
def draw_rejected(galaxy, reason, detail, cube=None):
    """Page of a rejected galaxy: the reason, and what its cube shows if it can be read (`cube`, else None)."""
    figure = canvas(PAGE, HEIGHT if cube is not None else 26)
    _headline(figure, galaxy, f"rejected, {reason}", "")
    if cube is None:
        _words(figure, detail)
        return figure
    grid = figure.add_gridspec(2, 2, height_ratios=(2.0, 1.2))
    picture, errors, spectrum = (
        figure.add_subplot(grid[0, 0]),
        figure.add_subplot(grid[0, 1]),
        figure.add_subplot(grid[1, :]),
    )
    middle = slice(len(cube.wavelength) // 4, -len(cube.wavelength) // 4 or None, 8)
    flux = np.where(cube.bad[middle], np.nan, cube.flux[middle])
    seen = np.isfinite(flux).any(axis=0) & cube.field
    light, noise = np.full(cube.field.shape, np.nan), np.full(cube.field.shape, np.nan)
    light[seen] = np.nanmedian(flux[:, seen], axis=0)
    noise[seen] = np.nanmedian(np.where(cube.bad[middle], np.nan, cube.sigma[middle])[:, seen], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        _image(
            figure,
            picture,
            np.where(light > 0, np.log10(light), np.nan),
            cube.pixel_arcsec,
            r"log flux [$10^{-16}$ erg/s/cm$^2$/$\mathrm{\AA}$]",
        )
        _image(figure, errors, light / noise, cube.pixel_arcsec, "S/N per sample", "magma")
    _overlay(picture, np.where(cube.star, STAR, 0).astype(np.uint8), cube.pixel_arcsec)
    if seen.any():
        y, x = np.unravel_index(np.nanargmax(np.where(cube.star, -np.inf, light / noise)), light.shape)
        spectrum.plot(
            cube.wavelength, np.where(cube.bad[:, y, x], np.nan, cube.flux[:, y, x]), color=INK, lw=0.5
        )
        spectrum.set(
            xlabel=r"observed wavelength [$\mathrm{\AA}$]",
            ylabel="flux, brightest spaxel",
            xlim=cube.wavelength[[0, -1]],
        )
    else:
        say(spectrum, "no spaxel has data")
    spectrum.set_title(detail, loc="left", fontsize=6, color=SOFT, wrap=True)
    return figure


def picture(figure):
    """A figure as the text of an HTML image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": "cubespace"})
    return f'<img loading="lazy" alt="" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


STYLE = (
    "body{font:14px sans-serif;margin:1.5em;color:#222}table{border-collapse:collapse}td,th{padding:.25em .7em;text-align:left;"
    "vertical-align:top;border-bottom:1px solid #ddd}img{max-width:100%}section{margin:2em 0;border-top:2px solid #ccc}"
    ".rejected{color:#b04a00}.accepted{color:#0072b2}"
)


def index(table, pictures, title):
    """One HTML page, complete in itself: the table of verdicts, then the pages.

    Parameters
    ----------
    table : pandas.DataFrame of the verdicts
    pictures : dict galaxy -> text of an image (`picture`); those named in the table link to them
    """
    names = [
        name
        for name in (
            "galaxy",
            "verdict",
            "reason",
            "detail",
            "spaxels",
            "snr",
            "star_share",
            "bad_share",
            "offset",
            "notes",
        )
        if name in table
    ]

    def cell(name, value):
        if value is None or value != value:
            return ""
        if name == "galaxy" and value in pictures:
            return f'<a href="#{html.escape(value, quote=True)}">{html.escape(value)}</a>'
        return html.escape(
            f"{value:.3g}"
            if isinstance(value, float) and name != "spaxels"
            else f"{value:.0f}"
            if isinstance(value, float)
            else str(value)
        )

    rows = "".join(
        f'<tr class="{html.escape(str(row["verdict"]))}">'
        + "".join(f"<td>{cell(name, row[name])}</td>" for name in names)
        + "</tr>\n"
        for row in table.to_dict("records")
    )
    pages = "".join(
        f'<section id="{html.escape(name, quote=True)}">{image}</section>\n'
        for name, image in pictures.items()
    )
    titles = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in names)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n'
        f"<h1>{html.escape(title)}</h1>\n<p>{len(table)} galaxies, {int((table['verdict'] == 'rejected').sum())} rejected, {len(pictures)} with a page below.</p>\n"
        f"<table><tr>{titles}</tr>\n{rows}</table>\n{pages}</body></html>\n"
    )
