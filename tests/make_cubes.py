"""Small synthetic cubes in the real file format, for tests: known spectra, known errors, fixed seed."""

import gzip
import io

import numpy as np
from astropy.io import fits

Z = 0.015
LINES = (
    (6562.80, 60.0),
    (6583.45, 20.0),
    (5006.84, 15.0),
    (4861.33, 20.0),
)  # rest wavelength [A], flux / continuum [A]


def axis(n=1877, start=3749.0, step=2.0):
    """The wavelength axis of the survey [A]."""
    return start + step * np.arange(n)


def spectrum(wavelength, redshift=Z, slope=0.0, lines=1.0):
    """A smooth continuum with emission lines (Gaussian, sigma 2.6 A), about 1 at 5700 A rest."""
    rest = wavelength / (1 + redshift)
    flux = 1 + slope * (rest - 5700) / 2000 + 0.05 * np.sin(rest / 300) - 0.05 * np.sin(5700 / 300)
    for centre, width in LINES:
        flux = flux + lines * width / (2.6 * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((rest - centre) / 2.6) ** 2)
    return flux


def base(ny=12, nx=12, redshift=Z, centre=None, seed=1, peak=110.0, scale=2.3, noise=0.05, wavelength=None):
    """Flux and sigma (n_wavelength, ny, nx): exponential disc, S/N of `peak` at the very centre, 4 in the corners.

    Slope of the continuum and strength of the lines run across the disc, so that spectra differ.
    """
    wavelength = axis() if wavelength is None else wavelength
    cy, cx = centre or ((ny - 1) / 2, (nx - 1) / 2)
    y, x = np.indices((ny, nx))
    radius = np.hypot(y - cy, x - cx)
    level = noise * peak * np.exp(-radius / scale)
    flux = np.empty((len(wavelength), ny, nx))
    for j, i in np.ndindex(ny, nx):
        flux[:, j, i] = level[j, i] * spectrum(
            wavelength,
            redshift,
            slope=0.3 * np.sin(i + 0.3 * j) - 0.04 * radius[j, i],
            lines=0.2 + ((3 * i + 5 * j) % 7) / 5,
        )
    flux += np.random.default_rng(seed).normal(0, noise, flux.shape)
    return flux.astype(np.float32), np.full(flux.shape, noise, np.float32)


def header(wavelength_cards=None, **cards):
    """A primary header as the survey's, with any card replaced (None removes it)."""
    head = fits.Header()
    first = {"OBJECT": "NGC0001", "BUNIT": "1E-16 erg/s/cm2/Angstrom", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN",
             "CUNIT1": "deg", "CUNIT2": "deg", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 6.0, "CRPIX2": 6.0,
             "CD1_1": -0.5 / 3600, "CD2_2": 0.5 / 3600}  # fmt: skip
    spectral = {"CTYPE3": "AWAV", "CUNIT3": "Angstrom", "CRVAL3": 3749.0, "CRPIX3": 1.0, "CD3_3": 2.0}
    for key, value in {
        **first,
        **(spectral if wavelength_cards is None else wavelength_cards),
        **cards,
    }.items():
        if value is not None:
            head[key] = value
    return head


def hdus(flux, sigma, badpix=None, flat=None, gaia=None, head=None, extra=()):
    """The HDU list of an eCALIFA file."""
    shape = flux.shape[-3:]
    badpix = np.zeros(shape, np.uint8) if badpix is None else badpix
    units = [
        fits.PrimaryHDU(flux, head if head is not None else header()),
        fits.ImageHDU(sigma, name="ERROR"),
        fits.ImageHDU(np.ones(shape, np.float32), name="ERRWEIGHT"),
        fits.ImageHDU(badpix, name="BADPIX"),
        fits.ImageHDU(np.ones(shape[1:], np.float32) if flat is None else flat, name="FLAT"),
        fits.ImageHDU(np.zeros(shape[1:], np.float64) if gaia is None else gaia, name="GAIA_MASK"),
    ]
    return fits.HDUList([*units, *extra])


def write(path, units):
    """Write an HDU list, gzipped if the name ends in .gz."""
    buffer = io.BytesIO()
    fits.HDUList(units).writeto(buffer)
    content = buffer.getvalue()
    path.write_bytes(gzip.compress(content, 1, mtime=0) if path.suffix == ".gz" else content)
    return path


def base_file(path, head=None, **options):
    """Write the BASE cube; returns the path."""
    flux, sigma = base(**options)
    return write(path, hdus(flux, sigma, head=head))
