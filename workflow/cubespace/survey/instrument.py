"""PMAS/PPAK as eCALIFA delivers it: field, seeing, noise, bad pixels, foreground stars, and the file
`<galaxy>.V500.drscube.fits.gz`.

Layout of the file as written by the survey's own reduction (v2.3; Sanchez et al. 2023): flux, ERROR,
ERRWEIGHT, BADPIX, FLAT, GAIA_MASK in this order, 1877 channels of 2 A from 3749 A, wavelengths in air, flux
in 1e-16 erg/s/cm2/A per pixel, zeros outside the hexagonal field. Noise level and its run with wavelength: 3
sigma at r = 23.6 mag/arcsec2 (Sanchez et al. 2016), shape and sky residuals like those of the sky fibres of
NGC 2906 (DR3).
"""

from dataclasses import dataclass

import numpy as np

from cubespace.cosmology import SPEED_OF_LIGHT
from cubespace.errors import CubespaceError
from cubespace.files import atomic
from cubespace.survey.structure import FINE

N_WAVE, FIRST, STEP = 1877, 3749.0, 2.0
WAVELENGTH = FIRST + STEP * np.arange(N_WAVE)
LSF_FWHM = 6.5  # [A]
SEEING_FWHM = 1.5  # [arcsec], of the reconstructed cubes
HEXAGON = 38.5  # centre to corner [arcsec]; corners east and west
STAR_RADIUS = 2.5  # [arcsec]
DEPTH = (
    1.5 * 1.038e-2 / 3
)  # 1 sigma at 6170 A in a 0.5 arcsec pixel, [1e-16 erg/s/cm2/A/arcsec2]: r = 23.6 AB at 3 sigma, x 1.5
FLOOR = 0.008  # multiplicative error
BAD_ERROR = 2.4e6
KEPT_BITS = {
    "flux": 12,
    "error": 8,
}  # of the mantissa in the file (relative rounding 1e-4, 2e-3): noise that says nothing does not compress
# noise over that at 5000-6900 A: blue and red rise; and residuals of sky lines: (wavelength [A], height over
# the continuum's noise)
RISE = (
    (3749, 3.9), (3790, 3.0), (3900, 2.1), (4050, 1.9), (4250, 1.7), (4500, 1.28), (4700, 1.15), (5000, 1.02),
    (5400, 0.98), (5900, 1.1), (6400, 0.90), (6900, 0.98), (7150, 1.05), (7250, 1.3), (7400, 1.45), (7501, 1.25),
)  # fmt: skip
SKY_LINES = (
    (4046.6, 1.2), (4358.3, 1.8), (5460.7, 0.8), (5577.3, 8.0), (5683.5, 0.5), (5891.5, 2.2), (6300.3, 2.6),
    (6363.8, 0.9), (6949.0, 1.0), (7242.0, 2.8), (7276.0, 4.2), (7317.0, 2.0), (7340.5, 3.0), (7370.0, 1.8),
    (7402.0, 1.6),
)  # fmt: skip
# 898 galaxies: how many have 0, 1, 2, ... foreground stars
STAR_COUNTS = np.array([290, 247, 139, 79, 56, 29, 20, 14, 9, 6, 4, 3, 2])
NEIGHBOUR = {1: 0.46, 2: 0.25, 4: 0.10}  # weight of the next pixel in the noise kernel, by pixels of 0.5 arcsec
CHANNELS = 32  # worked on at once: small enough for the processor's cache
# The corners of the spectrograph's CCD are vignetted at both ends of the spectrum (Sanchez et al. 2012). Here that is
# one corner of the hexagon: transmission falls outside CLEAR [A], over a range of VIGNETTE [A], more towards the corner
VIGNETTE_RADIUS = 14.0  # [arcsec] from the corner
CLEAR, VIGNETTE = (3900.0, 7150.0), 200.0
DARK = 0.35  # transmission below which a sample is flagged
# Gaia's list against the stars that there are: one in ten is missing (our choice; the survey's hand-made masks add
# some in half of the galaxies), and 37 of 898 galaxies have a source on the nucleus or a knot
UNLISTED, ON_NUCLEUS = 0.10, 37 / 898
WRONG_MED_VEL = 0.15  # share of headers whose systemic velocity is not the galaxy's (NGC 2906: 8731 for 2140 km/s)


COMPRESSION = 1  # of gzip


@dataclass
class Field:
    """Pixel frame of one pointing at 0.5 arcsec: shape (ny, nx), nucleus centre (y, x), inside (hexagon),
    factor to the final pixel."""

    shape: tuple
    centre: tuple
    inside: np.ndarray
    factor: int


@dataclass
class Observation:
    """A simulated cube, arrays as in the file: flux, error, bad (n_wave, ny, nx); flat, star (ny, nx)."""

    flux: np.ndarray
    error: np.ndarray
    bad: np.ndarray
    flat: np.ndarray
    star: np.ndarray


def frame(pixel_arcsec, rng):
    """Draw the frame: the size varies a little from galaxy to galaxy, as in the survey, and the nucleus is
    off by about an arcsec.

    Raises CubespaceError unless pixel_arcsec is 0.5, 1.0 or 2.0.
    """
    factor = round(pixel_arcsec / FINE)
    if factor not in NEIGHBOUR or abs(factor * FINE - pixel_arcsec) > 1e-9:
        allowed = ", ".join(str(f * FINE) for f in NEIGHBOUR)
        raise CubespaceError(f"pixel_arcsec: found {pixel_arcsec}, allowed: {allowed}")
    ny, nx = 4 * int(rng.integers(35, 39)), 4 * int(rng.integers(39, 42))
    middle = np.array([(ny - 1) / 2, (nx - 1) / 2]) + rng.normal(0, 0.5, 2)
    y, x = np.indices((ny, nx), dtype=float)
    inside = hexagon((x - middle[1]) * FINE, (y - middle[0]) * FINE)
    return Field((ny, nx), tuple(middle + rng.normal(0, 1.0, 2) / FINE), inside, factor)


def hexagon(x, y):
    """Inside the field? x (west), y (north) from its centre [arcsec]."""
    height = HEXAGON * np.sqrt(3) / 2
    return (np.abs(y) <= height) & (np.abs(x) * np.sqrt(3) / 2 + np.abs(y) / 2 <= height)


def noise_level(pixel_arcsec):
    """1 sigma of the sky-limited noise per pixel and channel, (n_wave,) [1e-16 erg/s/cm2/A].

    Pixels larger than 0.5 arcsec average correlated neighbours: the variance falls slower than the number of
    pixels.
    """
    factor = round(pixel_arcsec / FINE)
    side = NEIGHBOUR[1]
    correlated = ((1 + 2 * side) ** 2 / (1 + 2 * side**2)) ** 2 if factor > 1 else 1.0
    averaged = min(np.sqrt(correlated) / factor, 1.0)
    level = np.interp(WAVELENGTH, *zip(*RISE, strict=True))
    for centre, height in SKY_LINES:
        level = level * (1 + height * np.exp(-0.5 * ((WAVELENGTH - centre) / 3.2) ** 2))
    return DEPTH * averaged * pixel_arcsec**2 * level


def observe(spectra, inside, pixel_arcsec, rng, circles=(), star_spectra=None):
    """Noise, sky residuals, cosmic rays, the vignetted corner and masks for noiseless spectra.

    spectra: float32 (n_inside, n_wave) in the order of np.flatnonzero(inside); inside: bool (ny, nx).
    circles: (n, 2) positions (y, x) [pixels] that GAIA_MASK marks. star_spectra is added to `spectra` if given
    (same shape). Returns `Observation`. ERROR is the true sigma of the noise: sky and object noise and the floor,
    not the flux calibration.
    """
    ny, nx = inside.shape
    where = np.flatnonzero(inside)
    # relative flux calibration: one smooth warp for the cube, 1.5 % rms, not in ERROR
    phase = (WAVELENGTH - FIRST) / (STEP * N_WAVE)
    warp = 1 + sum(
        rng.normal(0, 0.012 / k) * np.cos(np.pi * k * phase + rng.uniform(0, 6.28)) for k in (1, 2, 3, 4)
    )
    warp = warp.astype(np.float32)[:, None]
    sky = noise_level(pixel_arcsec)
    variance = (sky**2).astype(np.float32)[:, None]
    depth = np.exp(rng.normal(0, 0.08)) * (1 + 0.25 * _edge(inside))  # fewer dithered fibres at the rim
    depth = (depth[inside] ** 2).astype(np.float32)
    # photon noise of the object, in units of the sky's: a sky of 21 mag/arcsec2 is 0.11 in these units
    per_sky = np.float32(1 / (0.11 * pixel_arcsec**2))
    flat = np.where(inside, np.clip(1 + 0.01 * _rough(rng, inside.shape, 3), 0.9, 1.1), 0).astype(np.float32)
    near, loss = vignetting(inside, pixel_arcsec, int(rng.integers(6)))
    near = near[inside]

    flux, error = np.zeros((N_WAVE, ny * nx), np.float32), np.zeros((N_WAVE, ny * nx), np.float32)
    bad = np.ones((N_WAVE, ny * nx), np.uint8)
    bad[:, where] = 0
    dark = near > 0
    for start in range(0, N_WAVE, CHANNELS):
        part = slice(start, start + CHANNELS)
        model = spectra[:, part].T * warp[part]
        if star_spectra is not None:
            model += star_spectra[:, part].T * warp[part]
        sigma = np.maximum(model, 0)
        sigma *= per_sky
        sigma += 1
        sigma *= variance[part]
        sigma *= depth
        sigma += np.square(np.float32(FLOOR) * model)
        np.sqrt(sigma, out=sigma)
        noise = _correlated(rng, (len(sigma), ny, nx), NEIGHBOUR[round(pixel_arcsec / FINE)])
        if loss[part].any():
            transmission = 1 - loss[part, None] * near[dark]
            sigma[:, dark] /= np.maximum(transmission, DARK)
        model += sigma * noise.reshape(len(sigma), -1)[:, where]
        flux[part, where], error[part, where] = model, sigma
        if loss[part].any():
            lost, at = np.nonzero(transmission < DARK)
            lost, at = lost + start, where[dark][at]
            flux[lost, at], error[lost, at], bad[lost, at] = 0, 0, 1
    _sky_residual(flux, sky, where, rng)
    _cosmic_rays(flux, error, bad, where, nx, sky, rng)
    flux[bad.view(bool) & (error == 0)] = 0
    for end in (0, 1, -1):
        flux[end], error[end], bad[end] = 0, 0, 1
    shape = (N_WAVE, ny, nx)
    return Observation(
        flux.reshape(shape),
        error.reshape(shape),
        bad.reshape(shape),
        flat,
        star_mask(circles, inside, pixel_arcsec),
    )


def vignetting(inside, pixel_arcsec, corner):
    """How much light the vignetted corner loses: a map (ny, nx), 1 at the corner and 0 beyond VIGNETTE_RADIUS, and
    a spectrum (n_wave,), 0 within CLEAR; the loss is their product. corner: 0 (west) ... 5, by 60 degrees."""
    y, x = np.indices(inside.shape)
    middle = [axis[inside].mean() for axis in (y, x)]
    angle = np.pi / 3 * corner
    away = np.hypot(
        (y - middle[0]) * pixel_arcsec - HEXAGON * np.sin(angle),
        (x - middle[1]) * pixel_arcsec - HEXAGON * np.cos(angle),
    )
    outside = np.maximum(CLEAR[0] - WAVELENGTH, WAVELENGTH - CLEAR[1])
    return np.clip(1 - away / VIGNETTE_RADIUS, 0, 1) * inside, np.clip(outside / VIGNETTE, 0, 1)


def _edge(inside):
    from scipy.ndimage import distance_transform_edt

    return np.exp(-distance_transform_edt(inside) / 2.0)


def _rough(rng, shape, size):
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.standard_normal(shape), size)
    return noise / noise.std()


def _correlated(rng, shape, side):
    """Unit normal deviates, correlated between neighbouring pixels of a channel: kernel (side, 1, side)
    along both axes."""
    n_wave, ny, nx = shape
    noise = rng.standard_normal((n_wave, ny + 2, nx + 2), dtype=np.float32)
    for first, middle, last in (
        (np.s_[:, :, :-2], np.s_[:, :, 1:-1], np.s_[:, :, 2:]),
        (np.s_[:, :-2], np.s_[:, 1:-1], np.s_[:, 2:]),
    ):
        pair = noise[first] + noise[last]
        pair *= np.float32(side)
        pair += noise[middle]
        noise = pair
    noise *= np.float32(1 / (1 + 2 * side**2))
    return noise


def _sky_residual(flux, sky, where, rng):
    """Wrong subtraction of sky lines, the same in all spaxels of a cube up to 30 %."""
    for centre, _ in SKY_LINES:
        near = np.flatnonzero(np.abs(WAVELENGTH - centre) < 8)
        profile = np.exp(-0.5 * ((WAVELENGTH[near] - centre) / 2.8) ** 2) * sky[near] * rng.normal(0, 0.35)
        flux[np.ix_(near, where)] += (profile[:, None] * (1 + 0.3 * rng.standard_normal(where.size))).astype(
            np.float32
        )


def _cosmic_rays(flux, error, bad, where, nx, sky, rng):
    """Hits over 1-3 channels and up to 4 pixels, about 0.05 % of the samples, flagged; ERROR 0 or 2.4e6;
    half leave a spike."""
    number = int(rng.poisson(1.2e-4 * where.size * N_WAVE))
    channel, pixel = rng.integers(0, N_WAVE - 3, number), rng.choice(where, number)
    length, spread, kind, height = (
        rng.integers(1, 4, number),
        rng.integers(0, 3, number),
        rng.uniform(size=number),
        rng.pareto(1.5, number),
    )
    allowed = np.zeros(flux.shape[1], bool)
    allowed[where] = True
    for depth in range(3):
        for step in (0, 1, nx):
            chosen = (depth < length) & ((step == 0) | (spread == (1 if step == 1 else 2)))
            at = np.minimum(pixel[chosen] + step, flux.shape[1] - 1)
            good = allowed[at]
            line, at = channel[chosen][good] + depth, at[good]
            spike = kind[chosen][good] < 0.5
            bad[line, at] = 1
            flux[line, at] = np.where(spike, flux[line, at] + sky[line] * 20 * (1 + height[chosen][good]), 0)
            error[line, at] = np.where(spike, BAD_ERROR, 0)


def draw_stars(field, rng):
    """Foreground stars: positions (n, 2) [fine pixels, y x] inside the field, r magnitudes (n,), log age of
    the spectrum that stands in (n,)."""
    number = int(rng.choice(STAR_COUNTS.size, p=STAR_COUNTS / STAR_COUNTS.sum()))
    candidates = np.argwhere(field.inside).astype(float)
    distance = np.hypot(*(candidates - field.centre).T) * FINE
    candidates = candidates[distance > 4.0]  # Gaia hits on nuclei are un-masked by hand in the survey
    positions = candidates[rng.integers(0, len(candidates), number)] + rng.uniform(-0.5, 0.5, (number, 2))
    magnitude = np.minimum(20.5 + np.log10(np.maximum(rng.uniform(size=number), 1e-6)) / 0.25, 20.5)
    return positions, np.maximum(magnitude, 13.5), rng.choice((8.65, 9.6, 9.9, 10.0), number)


def draw_circles(positions, field, rng):
    """Where Gaia's list has a source, (n, 2) [fine pixels, y x]: most of the stars, and now and then the nucleus."""
    listed = np.asarray(positions, float).reshape(-1, 2)[rng.uniform(size=len(positions)) >= UNLISTED]
    if rng.uniform() < ON_NUCLEUS:
        listed = np.vstack([listed, field.centre])
    return listed


def star_mask(positions, inside, pixel_arcsec):
    """1 within 2.5 arcsec of a star (y, x in pixels), float32 (ny, nx)."""
    mask = np.zeros(inside.shape, np.float32)
    y, x = np.indices(inside.shape)
    for py, px in np.asarray(positions, float).reshape(-1, 2):
        mask[np.hypot(y - py, x - px) * pixel_arcsec <= STAR_RADIUS] = 1
    return mask


def star_light(positions, magnitudes, log_age, field, basis, seeing_arcsec):
    """Spectra of stars at the final pixels, float32 (n_inside, n_wave) [1e-16 erg/s/cm2/A] or None;
    populations of solar metallicity stand in."""
    from cubespace.survey import ssp

    if not len(positions):
        return None
    factor = field.factor
    y, x = np.indices(field.shape, dtype=float)
    sigma = seeing_arcsec / 2.3548 / FINE
    inside = binned_field(field)
    total = np.zeros((int(inside.sum()), N_WAVE), np.float32)
    for (py, px), magnitude, age in zip(positions, magnitudes, log_age, strict=True):
        image = np.exp(-0.5 * ((y - py) ** 2 + (x - px) ** 2) / sigma**2) / (2 * np.pi * sigma**2)
        ny, nx = field.shape
        image = image.reshape(ny // factor, factor, nx // factor, factor).sum(axis=(1, 3))[inside]
        shape = np.interp(WAVELENGTH, basis.wavelength, ssp.spectrum(basis, age, 0.0))
        shape *= (
            10 ** (-0.4 * (magnitude + 48.6))
            * SPEED_OF_LIGHT * 1e13  # [A/s]
            / 6170.0**2
            / 1e-16
            / np.interp(6170.0, WAVELENGTH, shape)
        )
        near = np.flatnonzero(image > 1e-7)
        total[near] += (image[near, None] * shape).astype(np.float32)
    return total


def binned_field(field):
    """The hexagon at the final pixel: at least half of the fine pixels inside."""
    (ny, nx), f = field.shape, field.factor
    return field.inside.reshape(ny // f, f, nx // f, f).mean(axis=(1, 3)) >= 0.5


def header(row, shape, pixel_arcsec, centre, rng):
    """FITS header of the primary HDU; centre (y, x) of the nucleus in final pixels. MED_VEL is unreliable on
    purpose, as in the survey."""
    from astropy.io import fits

    velocity = SPEED_OF_LIGHT * float(row["redshift"])
    wrong = rng.uniform() < WRONG_MED_VEL
    med_vel = float(rng.uniform(1500, 9000)) if wrong else velocity + float(rng.normal(0, 60))
    cards = [
        ("OBJECT", str(row["galaxy"]), "Target object"),
        ("PIPE VERS", 2.3, "Pipeline version"),
        ("PIPE UNITS", "1e-16 erg/s/cm^2/A", "flux unit"),
        ("PIPE FWHM_g", SEEING_FWHM, "[arcsec] PSF in g"),
        ("PIPE FWHM_r", SEEING_FWHM, "[arcsec] PSF in r"),
        ("PIPE RAT_PS", round(float(rng.normal(1, 0.03)), 4), "flux over imaging"),
        ("PIPE FLUX_SCALED", 1, "scaled to imaging"),
        ("PIPE SPEC RES", LSF_FWHM, "FWHM in A of spectral resolution"),
        ("V500 PIPE GALEXT COR", 1, "Galactic extinction corrected"),
        ("AIRORVAC", "air", "wavelength convention"),
        ("BUNIT", "1e-16 erg/s/cm^2/A", "per pixel"),
        ("WCSAXES", 3, ""),
        ("RADESYS", "ICRS", ""),
        ("EQUINOX", 2000.0, ""),
        ("CTYPE1", "RA---TAN", ""),
        ("CTYPE2", "DEC--TAN", ""),
        ("CTYPE3", "WAVELENGTH", ""),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CUNIT3", "Angstrom", ""),
        ("CRVAL1", float(row["ra"]), "[deg]"),
        ("CRVAL2", float(row["dec"]), "[deg]"),
        ("CRVAL3", FIRST, "[Angstrom]"),
        ("CRPIX1", round(centre[1] + 1, 3), ""),
        ("CRPIX2", round(centre[0] + 1, 3), ""),
        ("CRPIX3", 1.0, ""),
        ("CDELT1", -pixel_arcsec / 3600, ""),
        ("CDELT2", pixel_arcsec / 3600, ""),
        ("CDELT3", STEP, ""),
    ]
    for i in (1, 2, 3):
        cards += [
            (f"CD{i}_{j}", 0.0 if i != j else (-pixel_arcsec / 3600, pixel_arcsec / 3600, STEP)[i - 1], "")
            for j in (1, 2, 3)
        ]
    cards += [
        ("MED_VEL", round(med_vel, 2), "measured systemic velocity (km/s)"),
        ("SIMULATD", True, "mock galaxy of known truth"),
    ]
    result = fits.Header()
    for key, value, comment in cards:
        result.append((f"HIERARCH {key}" if " " in key else key, value, comment))
    return result


def rounded(values, bits):
    """float32 `values` rounded to `bits` bits of mantissa (half away from zero); non-negative powers of two
    stay exact."""
    drop = 23 - bits
    raw = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((raw + np.uint32(1 << (drop - 1))) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)).view(np.float32)


def write_cube(path, observation, head):
    """Write the drscube, gzipped; equal input gives equal bytes (no name and no time in the gzip header)."""
    from astropy.io import fits
    from isal import igzip

    weight = np.where(observation.flat > 0, 1.0, 0.0).astype(">f4")
    hdus = fits.HDUList(
        [
            fits.PrimaryHDU(_stored(observation.flux, KEPT_BITS["flux"]), head),
            fits.ImageHDU(_stored(observation.error, KEPT_BITS["error"]), name="ERROR"),
            fits.ImageHDU(np.ascontiguousarray(np.broadcast_to(weight, observation.flux.shape)), name="ERRWEIGHT"),
            fits.ImageHDU(observation.bad, name="BADPIX"),
            fits.ImageHDU(observation.flat, name="FLAT"),
            fits.ImageHDU(observation.star, name="GAIA_MASK"),
        ]
    )
    with (
        atomic(path) as temporary,
        temporary.open("wb") as raw,
        igzip.IGzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=raw, mtime=0) as packed,
    ):
        hdus.writeto(packed)


def _stored(values, bits):
    """`rounded`, in the byte order of FITS."""
    return rounded(values, bits).byteswap(inplace=True).view(">f4")
