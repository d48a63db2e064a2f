"""A montage of simulated galaxies, one row a type: colour picture, H-alpha equivalent width, stellar
velocity, three spectra."""

import numpy as np

from cubespace.cubes.cube import Cube
from cubespace.errors import CubespaceError
from cubespace.figures.style import DIVERGING, INK, PAGE, SEQUENTIAL, SOFT, canvas, styled, symmetric_limit
from cubespace.files import reading_fits

BANDS = ((6100.0, 6900.0), (5050.0, 6000.0), (4000.0, 4900.0))  # red, green, blue; rest frame [A]
WHITE = (
    0.93,
    1.0,
    0.97,
)  # flux density of a galaxy that is to look white, by band: a spiral of intermediate type
WINDOW = (5600.0, 5800.0)  # where spectra are normalised and S/N is measured [A]
SHOWN = (3760.0, 6860.0)
LINES = {
    "HK": 3951,
    "G": 4304,
    "H$\\beta$": 4861,
    "[OIII]": 5007,
    "Mg$b$": 5175,
    "NaD": 5893,
    "H$\\alpha$": 6563,
    "[SII]": 6724,
}
PLACES = (
    (0.0, "#7a0f1e"),
    (1.0, "#333333"),
    (2.0, "#2f62b0"),
)  # nucleus, Re, outskirts [Re], and their colours
SATURATION = 1.25  # colours are drawn this much stronger: the bands overlap less than those of a camera, and are nearer
SOFTENING = 30.0  # of the picture: ratio of the brightest spaxels to where the stretch turns from linear to logarithmic
FAINTEST = 3.0  # S/N of the spaxels whose equivalent width and velocity are shown
IMAGES = ("EW_HA", "VELOCITY", "RADIUS")
EW_RANGE = (-0.3, 2.2)  # log10 A


def read_truth(path):
    """Images of IMAGES (y, x) and the redshift and name of a truth file; CubespaceError if it lacks one."""
    with reading_fits(path, f"not a truth file with {', '.join(IMAGES)}") as hdus:
        images = {name: np.asarray(hdus[name].data, float) for name in IMAGES}
        return images | {"redshift": float(hdus[0].header["REDSHIFT"]), "galaxy": str(hdus[0].header["OBJECT"])}


def digest(cube: Cube, truth, kind):
    """What a row of the montage shows of one galaxy, as small arrays.

    truth: of `read_truth`, on the cube's pixels; kind: words for its type. Returns a dict: picture (y, x, 3);
    ew, velocity (y, x), nan where S/N < FAINTEST; spectra: list of (place, wavelength [A, rest frame],
    normalised flux); pixel_arcsec, kind, galaxy.
    """
    if truth["EW_HA"].shape != cube.field.shape:
        raise CubespaceError(
            f"{cube.path}: {cube.field.shape} spaxels, its truth has {truth['EW_HA'].shape}: not of the same run"
        )
    rest = cube.wavelength / (1 + truth["redshift"])
    window = (rest > WINDOW[0]) & (rest < WINDOW[1])
    good = ~cube.bad[window]
    noise = np.sqrt(np.where(good, cube.sigma[window], 0) ** 2).sum(0) / np.maximum(good.sum(0), 1)
    level = np.where(good, cube.flux[window], 0).sum(0) / np.maximum(good.sum(0), 1)
    snr = np.where(cube.usable & good.any(0), level / np.maximum(noise, 1e-9), 0)
    seen = snr > FAINTEST
    return {
        "galaxy": truth["galaxy"],
        "kind": kind,
        "pixel_arcsec": cube.pixel_arcsec,
        "field": cube.field,
        "picture": picture(cube, rest),
        "ew": np.where(seen, np.log10(np.maximum(truth["EW_HA"], 1e-3)), np.nan),
        "velocity": np.where(seen, truth["VELOCITY"], np.nan),
        "spectra": [spectrum(cube, rest, truth["RADIUS"], snr, radius, window) for radius, _ in PLACES],
    }


def picture(cube, rest):
    """(y, x, 3) in 0..1, red first: flux in three bands, asinh-stretched at constant colour (Lupton et al.
    2004)."""
    planes = []
    for (low, high), white in zip(BANDS, WHITE, strict=True):
        inside = (rest > low) & (rest < high)
        good = ~cube.bad[inside]
        total = np.where(good, cube.flux[inside], 0).sum(0, dtype=float) / np.maximum(good.sum(0), 1)
        planes.append(np.where(cube.field, np.maximum(total, 0), 0) / white)
    image = np.stack(planes, axis=-1)
    total = image.mean(axis=-1)
    bright = np.percentile(total[cube.usable], 99.7) if cube.usable.any() else 1.0
    image = np.maximum(total[..., None] + SATURATION * (image - total[..., None]), 0)
    stretch = np.arcsinh(SOFTENING * total / max(bright, 1e-12)) / np.arcsinh(SOFTENING)
    image = stretch[..., None] * image / np.maximum(total, 1e-12)[..., None]
    return image / np.maximum(1.0, image.max(axis=-1, keepdims=True))


def spectrum(cube, rest, radius, snr, wanted, window):
    """(words for the place, wavelength [A], flux over its median in the window, bad samples nan) of the
    spaxel of best S/N near a radius [Re], or near the largest one that has S/N > 5."""
    usable = snr > min(5.0, 0.5 * float(snr.max()))
    away = np.abs(radius - min(wanted, float(radius[usable].max()) if usable.any() else 0.0))
    near = usable & (away <= max(0.12, float(away[usable].min()) if usable.any() else 0.0))
    at = np.unravel_index(np.argmax(np.where(near, snr, -1)), snr.shape)
    flux = np.where(cube.bad[:, at[0], at[1]], np.nan, cube.flux[:, at[0], at[1]])
    shown = (rest > SHOWN[0]) & (rest < SHOWN[1])
    place = "nucleus" if wanted == 0 else rf"{radius[at]:.1f} $R_e$"
    return place, rest[shown], (flux / np.nanmedian(flux[window]))[shown]


@styled
def draw(digests):
    """The montage.

    digests : list of dict, from `digest`, one row each, in order.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = canvas(PAGE, 14 + 27 * len(digests))
    grid = figure.subplots(len(digests), 4, squeeze=False, gridspec_kw={"width_ratios": (1, 1, 1, 2.9)})
    for row, one in enumerate(digests):
        limit = _maps(figure, grid[row], one, row == 0)
        grid[row, 2].text(
            0.5,
            0.0,
            rf"$\pm${limit:.0f} km/s",
            transform=grid[row, 2].transAxes,
            fontsize=5.5,
            color=INK,
            ha="center",
        )
        _spectra(grid[row, 3], one, row == 0, row == len(digests) - 1)
    return figure


def _maps(figure, axes, one, first):
    ny, nx = one["field"].shape
    side = one["pixel_arcsec"]
    extent = (-nx * side / 2, nx * side / 2, -ny * side / 2, ny * side / 2)
    shown = {"origin": "lower", "extent": extent, "interpolation": "nearest"}
    rgba = np.dstack([one["picture"], one["field"].astype(float)])
    axes[0].imshow(rgba, **shown)
    ew = axes[1].imshow(one["ew"], cmap=SEQUENTIAL, vmin=EW_RANGE[0], vmax=EW_RANGE[1], **shown)
    limit = symmetric_limit(
        one["velocity"] - np.nanmedian(one["velocity"]) if np.isfinite(one["velocity"]).any() else [0.0]
    )
    axes[2].imshow(one["velocity"], cmap=DIVERGING, vmin=-limit, vmax=limit, **shown)
    for panel in axes[:3]:
        panel.contour(
            one["field"].astype(float),
            levels=[0.5],
            colors=SOFT,
            linewidths=0.4,
            extent=extent,
            origin="lower",
        )
        panel.set(xticks=[], yticks=[], xlim=(-40, 40), ylim=(-44, 35))
        panel.set_facecolor("white")
        for spine in panel.spines.values():
            spine.set_visible(False)
    axes[0].set_ylabel(one["kind"], rotation=0, ha="right", va="center", labelpad=8, fontsize=8)
    axes[0].plot((-38, -28), (-38, -38), color=INK, linewidth=1)
    axes[0].text(-26, -39.5, '10"', ha="left", fontsize=5.5, color=INK)
    if first:
        for panel, words in zip(
            axes, ("picture", r"log EW(H$\alpha$) [$\mathrm{\AA}$]", "stellar velocity"), strict=False
        ):
            panel.set_title(words)
        bar = axes[1].inset_axes((0.15, 0.06, 0.7, 0.03))
        figure.colorbar(ew, cax=bar, orientation="horizontal", extend="both")
        bar.tick_params(labelsize=5, pad=1, length=1.5)
        bar.set_xticks([0, 1, 2])
    return limit


def _spectra(axes, one, first, last):
    shift, top = 0.0, 0.0
    for (name, wavelength, flux), (_, colour) in reversed(list(zip(one["spectra"], PLACES, strict=True))):
        clipped = np.clip(flux, -0.2, 2.4)
        axes.plot(wavelength, clipped + shift, color=colour, linewidth=0.45)
        axes.text(SHOWN[1] + 15, shift + 1.0, name, fontsize=5.5, color=colour, va="center")
        top = shift + min(float(np.nanmax(clipped)), 2.4)
        shift += 1.15
    axes.set(xlim=SHOWN, ylim=(-0.1, top + 0.15), yticks=[])
    for name, rest in LINES.items():
        axes.axvline(rest, color=SOFT, linewidth=0.3, alpha=0.5, zorder=0)
        if first:
            axes.text(
                rest,
                1.02,
                name,
                transform=axes.get_xaxis_transform(),
                fontsize=5,
                color=SOFT,
                ha="center",
                va="bottom",
            )
    axes.tick_params(labelbottom=last)
    axes.set_title(one["galaxy"], loc="left", fontsize=5.5, color=SOFT, pad=7 if first else 2)
    if last:
        axes.set_xlabel(r"rest-frame wavelength [$\mathrm{\AA}$]")
