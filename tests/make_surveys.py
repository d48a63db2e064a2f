"""Small cubes in the file formats of surveys, built from their published data models: known flux, error and flags.

No public file of these surveys is small enough to be kept beside the tests, except MUSE's. Sources of the layouts:
MaNGA: SDSS DR17 data model, MANGA_DRP3PIXMASK bits. SAMI: Croom et al. 2021, and the survey's own cube writer.
MUSE: Weilbacher et al. 2020. CAVITY: Garcia-Benito et al. 2024. CALIFA: see `make_cubes`.
"""

import numpy as np
from astropy.io import fits

import make_cubes

N, NY, NX = 60, 4, 5


def truth(n=N, ny=NY, nx=NX, seed=5):
    """Flux and sigma (n, ny, nx), float32, about 1, all good."""
    rng = np.random.default_rng(seed)
    flux = (1 + rng.uniform(0, 1, (n, ny, nx))).astype(np.float32)
    return flux, (0.1 + rng.uniform(0, 0.1, flux.shape)).astype(np.float32)


def sky(pixel_arcsec, **more):
    """Cards of the sky axes."""
    return {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg", "CRVAL1": 150.0, "CRVAL2": 2.0,
        "CRPIX1": 3.0, "CRPIX2": 2.5, "CD1_1": -pixel_arcsec / 3600, "CD2_2": pixel_arcsec / 3600, **more,
    }  # fmt: skip


def _header(cards):
    head = fits.Header()
    for key, value in cards.items():
        if value is not None:
            head[f"HIERARCH {key}" if len(key) > 8 or " " in key else key] = value
    return head


def manga(mask=None, quality=0, **cards):
    """MaNGA LOGCUBE, DR17: axis of 10^-4 dex from 3621.596 A in vacuum, 1e-17 erg/s/cm2/A."""
    flux, sigma = truth()
    wave = 10 ** (np.log10(3621.5959848601933) + 1e-4 * np.arange(N))
    spectral = {"CTYPE3": "WAVE-LOG", "CUNIT3": "Angstrom", "CRVAL3": wave[0], "CRPIX3": 1,
                "CD3_3": wave[0] * 1e-4 * np.log(10), "BUNIT": "1E-17 erg/s/cm^2/Ang/spaxel"}  # fmt: skip
    head = _header({**sky(0.5), **spectral, **cards})
    primary = fits.PrimaryHDU(header=_header({"MANGAID": "1-209232", "PLATEIFU": "8485-1901", "DRP3QUAL": quality}))
    return fits.HDUList([
        primary, fits.ImageHDU(flux, head, name="FLUX"), fits.ImageHDU(sigma**-2, head, name="IVAR"),
        fits.ImageHDU(np.zeros(flux.shape, np.int32) if mask is None else mask, head, name="MASK"),
        fits.ImageHDU(np.ones_like(flux), name="LSFPOST"), fits.ImageHDU(wave, name="WAVE"),
        fits.BinTableHDU.from_columns([fits.Column("MJD", "J", array=np.arange(3))], name="OBSINFO"),
        fits.ImageHDU(np.ones(flux.shape[1:], np.float32), name="GIMG"),
    ]), flux, sigma, wave  # fmt: skip


def muse(axis=None, **cards):
    """MUSE: DATA and STAT, 1e-20 erg/s/cm2/A, air."""
    flux, sigma = truth()
    axis = axis or {"CUNIT3": "Angstrom", "CRVAL3": 4750.0, "CD3_3": 1.25}
    head = {**sky(0.2), "CTYPE3": "AWAV", "CRPIX3": 1.0, **axis, **cards}
    unit = "10**(-20)*erg/s/cm**2/Angstrom"
    return fits.HDUList([
        fits.PrimaryHDU(header=_header({"INSTRUME": "MUSE", "OBJECT": "NGC0001"})),
        fits.ImageHDU(flux, _header({**head, "BUNIT": unit}), name="DATA"),
        fits.ImageHDU(sigma**2, _header({**head, "BUNIT": f"({unit})**2"}), name="STAT"),
    ]), flux, sigma  # fmt: skip


def sami(**cards):
    """SAMI DR3, blue arm: reference pixel in the middle, CDELT, double precision, NaN outside."""
    flux, sigma = truth()
    flux, sigma = flux.astype(float), sigma.astype(float)
    flux[:, 0, 0] = sigma[:, 0, 0] = np.nan
    spectral = {"CTYPE3": "Wavelength", "CUNIT3": "Angstrom", "CRVAL3": 4724.2, "CRPIX3": 30.0, "CDELT3": 1.05,
                "BUNIT": "10**(-16) erg /s /cm**2 /angstrom /pixel"}  # fmt: skip
    place = {**sky(0.5, CDELT1=-0.5 / 3600, CDELT2=0.5 / 3600), "CD1_1": None, "CD2_2": None}
    head = _header({**place, **spectral, "INSTRUME": "AAOMEGA-SAMI", **cards})
    return fits.HDUList([
        fits.PrimaryHDU(flux, head), fits.ImageHDU(sigma**2, name="VARIANCE"),
        fits.ImageHDU(np.ones_like(flux), name="WEIGHT"), fits.ImageHDU(np.ones((3, 5, 5, NY, NX)), name="COVAR"),
    ]), flux, sigma  # fmt: skip


def califa_dr3(**cards):
    """CALIFA DR3 (and CAVITY, whose OBJECT says so): 1 arcsec, the unit in PIPE UNITS, the axis in CD3_3."""
    flux, sigma = truth()
    spectral = {"CTYPE3": "WAVELENGTH", "CUNIT3": "Angstrom", "CRVAL3": 3749.0, "CRPIX3": 1.0, "CD3_3": 2.0,
                "CDELT1": 1.0, "CDELT2": 1.0, "BUNIT": "Data Value", "PIPE UNITS": "1e-16 erg/s/cm^2/A", "OBJECT": "NGC2906"}  # fmt: skip
    badpix = np.zeros(flux.shape, np.uint8)
    badpix[7, 1, 2] = 1
    return fits.HDUList([
        fits.PrimaryHDU(flux, _header({**sky(1.0), **spectral, **cards})), fits.ImageHDU(sigma, name="ERROR"),
        fits.ImageHDU(np.ones_like(flux), name="ERRWEIGHT"), fits.ImageHDU(badpix, name="BADPIX"),
        fits.ImageHDU(np.full(flux.shape, 3, np.uint8), name="FIBCOVER"),
    ]), flux, sigma  # fmt: skip


def ecalifa(**cards):
    """eCALIFA at a size that costs nothing: HDUs as `make_cubes.hdus`; one bad sample, one star, one spaxel outside."""
    flux, sigma = truth()
    badpix, gaia, flat = np.zeros(flux.shape, np.uint8), np.zeros(flux.shape[1:]), np.ones(flux.shape[1:], np.float32)
    badpix[7, 1, 2], gaia[3, 4], flat[0, 0] = 1, 1, 0
    head = make_cubes.header(**{"CDELT3": 2.0, **cards})
    return make_cubes.hdus(flux, sigma, badpix, flat, gaia, head), flux, sigma


def packed(hdus, method="GZIP_2"):
    """The same file tile-compressed without loss, as fpack does it: the primary image moves to an extension."""
    units = [hdus[0] if hdus[0].data is None else fits.PrimaryHDU()]
    for unit in hdus[1:] if hdus[0].data is None else hdus:
        if isinstance(unit, fits.BinTableHDU):
            units.append(unit)
        else:
            name = {} if isinstance(unit, fits.PrimaryHDU) else {"name": unit.name}
            units.append(
                fits.CompImageHDU(unit.data, unit.header, compression_type=method, quantize_level=0, **name)
            )
    return fits.HDUList(units)
