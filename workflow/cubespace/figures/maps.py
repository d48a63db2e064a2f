"""Figs. 2 and C.1: three galaxies as the network sees them, before and after a random transformation, and channel by channel."""

import textwrap
from zipfile import BadZipFile

import numpy as np
from matplotlib.colors import to_rgb

from cubespace.errors import CubespaceError
from cubespace.figures.style import (
    DIVERGING,
    PAGE,
    SEQUENTIAL,
    SOFT,
    canvas,
    robust_limits,
    say,
    styled,
    symmetric_limit,
)

BANDS = ((3900.0, 4800.0), (5000.0, 5900.0), (6000.0, 6800.0))  # Angstrom, blue to red
NO_DATA = "#3c3c3c"
_SOFTENING = 12.0  # ratio of the brightest spaxels to where the stretch turns from linear to logarithmic
_SHOWN = 4  # components of Fig. C.1


def colour_image(values, good, basis, bands=BANDS):
    """A colour picture of maps: flux in three bands of the spectra rebuilt from the components, asinh-stretched.

    Parameters
    ----------
    values : (channel, y, x)
        Channel 0 log10 luminosity, then coefficients, in the units of the maps (not standardised).
    good : (y, x) bool
    basis : cubespace.spectra.basis.Basis
        Its mean and components; as many components are used as `values` has.

    Returns
    -------
    (y, x, 3) float array in 0..1, red first; dark grey where not good. The mean spectrum of the basis comes out grey;
    the stretch keeps colours as that of Lupton et al. (2004, PASP 116, 133).
    """
    number = len(values) - 1
    if number > len(basis.components):
        raise CubespaceError(f"maps have {number} coefficients, the basis {len(basis.components)} components")
    light = np.where(good, 10.0 ** np.where(good, values[0], 0.0), 0.0)
    planes = []
    for low, high in bands[::-1]:
        inside = (basis.wavelength >= low) & (basis.wavelength <= high)
        if not inside.any():
            raise CubespaceError(f"the basis has no wavelength between {low:g} and {high:g} Angstrom")
        weights = basis.components[:number, inside].mean(axis=1)
        white = basis.mean[inside].mean()
        planes.append(light * (1 + np.tensordot(weights, values[1:], axes=1) / white))
    image = np.clip(np.stack(planes, axis=-1), 0, None)
    total = image.mean(axis=-1)
    lit = good & (total > 0)
    bright = np.percentile(total[lit], 99.5) if lit.any() else 1.0
    stretched = np.arcsinh(_SOFTENING * total / bright) / np.arcsinh(_SOFTENING)
    image = stretched[..., None] * image / np.where(total > 0, total, 1.0)[..., None]
    image /= np.maximum(1.0, image.max(axis=-1, keepdims=True))  # keep the hue of saturated pixels
    image[~good] = to_rgb(NO_DATA)
    return image


def _window(*goods, pad=2):
    """Slices (y, x) of a square that holds all good spaxels of the masks given, and a rim."""
    together = np.logical_or.reduce(goods)
    if not together.any():
        return slice(None), slice(None)
    ys, xs = np.nonzero(together)
    half = max(np.ptp(ys), np.ptp(xs)) / 2 + pad
    centres = ((ys.min() + ys.max()) / 2, (xs.min() + xs.max()) / 2)
    return tuple(
        slice(max(0, int(np.floor(c - half))), min(n, int(np.ceil(c + half)) + 1))
        for c, n in zip(centres, together.shape, strict=True)
    )


def _show(axes, image, scale, **options):
    """An image with y upwards and offsets from its centre in arcsec on both axes."""
    ny, nx = image.shape[:2]
    extent = (-nx * scale / 2, nx * scale / 2, -ny * scale / 2, ny * scale / 2)
    axes.set_facecolor(NO_DATA)
    axes.tick_params(direction="out")
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_major_locator().set_params(nbins=5)
    return axes.imshow(image, origin="lower", extent=extent, interpolation="nearest", **options)


def read_views(path):
    """Read an ``.npz`` of views as a dict of arrays, as `draw_views` takes them; CubespaceError if it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise CubespaceError(f"{path}: cannot be read as an archive of views: {error}") from error


def _checked(views):
    """(names, pixel scale) of a set of views, its arrays checked."""
    wanted = ("names", "original", "transformed", "good_original", "good_transformed", "pixel_scale")
    missing = [name for name in wanted if name not in views]
    if missing:
        raise CubespaceError(f"views: no array {', '.join(missing)}; found {', '.join(views)}")
    names = [str(name) for name in views["names"]]
    for name in wanted[1:5]:
        if len(views[name]) != len(names):
            raise CubespaceError(f"views: {name} has {len(views[name])} galaxies, names {len(names)}")
    return names, np.broadcast_to(np.asarray(views["pixel_scale"], float), len(names))


@styled
def draw_views(views, basis):
    """Fig. 2: originals and transformed views, as colour pictures and as the first component.

    Parameters
    ----------
    views : mapping
        ``names`` (n,) str; ``original``, ``transformed`` (n, channel, y, x) in the units of the maps;
        ``good_original``, ``good_transformed`` (n, y, x) bool; ``pixel_scale`` [arcsec], one or (n,);
        optional ``description`` (n,) str: what was done to each.
    basis : cubespace.spectra.basis.Basis
    """
    names, scale = _checked(views)
    figure = canvas(PAGE, 12 + 44 * max(1, len(names)))
    if not names:
        say(figure.subplots(), "no accepted galaxy to show")
        return figure
    grid = figure.subplots(len(names), 4, squeeze=False)
    headings = ("original", "transformed", "original, PC 1", "transformed, PC 1")
    for row, name in enumerate(names):
        good = [np.asarray(views[f"good_{which}"][row], bool) for which in ("original", "transformed")]
        values = [np.asarray(views[which][row], float) for which in ("original", "transformed")]
        window = _window(*good)
        limit = symmetric_limit(values[0][1][good[0]])
        for column in (0, 1):
            _show(grid[row, column], colour_image(values[column], good[column], basis)[window], scale[row])
            plane = np.where(good[column], values[column][1], np.nan)[window]
            mapped = _show(grid[row, 2 + column], plane, scale[row], cmap=DIVERGING, vmin=-limit, vmax=limit)
        bar = figure.colorbar(mapped, ax=grid[row, 3], pad=0.02, aspect=25, extend="both", fraction=0.05)
        bar.set_label("PC 1 [normalised flux]")
        bar.outline.set_linewidth(0.4)
        grid[row, 0].set_ylabel(f"{name}\n" + r"$\Delta y$ [arcsec]")
        done = textwrap.fill(str(views["description"][row]), 38) if "description" in views else ""
        for column, heading in enumerate(headings):
            grid[row, column].set_title(heading if row == 0 else "", loc="left")
            grid[row, column].tick_params(labelleft=column == 0)
        if done:
            grid[row, 1].set_xlabel(done, fontsize=5.8, color=SOFT, loc="left")
    for column in (0, 2, 3):
        grid[-1, column].set_xlabel(r"$\Delta x$ [arcsec]")
    return figure


@styled
def draw_maps(views):
    """Fig. C.1: luminosity in the normalisation window and the first four components, one column a galaxy.

    Parameters
    ----------
    views : mapping
        As for `draw_views`; the originals are drawn. One colour scale a row, so that galaxies can be compared.
    """
    names, scale = _checked(views)
    if not names:
        figure = canvas(PAGE, 40)
        say(figure.subplots(), "no accepted galaxy to show")
        return figure
    good = np.asarray(views["good_original"], bool)
    values = np.where(good[:, None], np.asarray(views["original"], float), np.nan)
    rows = min(1 + _SHOWN, values.shape[1])
    figure = canvas(22 + 40 * len(names), 12 + 39 * rows)
    grid = figure.subplots(rows, len(names), squeeze=False)
    for row in range(rows):
        if row == 0:
            low, high, extend = robust_limits(values[:, 0], 1, 99.9) or (0.0, 1.0, "neither")
            options, words = {"cmap": SEQUENTIAL}, r"$\log\,L\ [\mathrm{L}_\odot\,\mathrm{\AA}^{-1}]$"
        else:
            high = symmetric_limit(values[:, row])
            low, extend, options, words = -high, "both", {"cmap": DIVERGING}, f"PC {row} [normalised flux]"
        for column, name in enumerate(names):
            axes = grid[row, column]
            plane = values[column, row][_window(good[column])]
            picture = _show(axes, plane, scale[column], vmin=low, vmax=high, **options)
            axes.tick_params(labelbottom=row == rows - 1)
            if row == 0:
                axes.set_title(name)
        bar = figure.colorbar(picture, ax=list(grid[row]), pad=0.01, aspect=22, extend=extend)
        bar.set_label(words)
        bar.outline.set_linewidth(0.4)
        grid[row, 0].set_ylabel(r"$\Delta y$ [arcsec]")
    for axes in grid[-1]:
        axes.set_xlabel(r"$\Delta x$ [arcsec]")
    return figure
