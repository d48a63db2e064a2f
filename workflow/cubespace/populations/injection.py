"""Differences of stated physical size, planted in the maps of galaxies: an active nucleus, younger outskirts.

A spectrum normalised at 5600-5800 A is mean + c . components with orthonormal components, and neither change moves that
window, so adding a spectrum d to it adds components . d to c: exact up to what the basis leaves out (`basis_share`).
"""

from typing import NamedTuple

import numpy as np

from cubespace.errors import CubespaceError

# air wavelengths [A] and fluxes over H-alpha of a Seyfert nucleus: H-alpha/H-beta 3.1 (Gaskell & Ferland 1984),
# log [OIII]/H-beta 0.8, log [NII]/H-alpha 0, log [SII]/H-alpha -0.2, log [OI]/H-alpha -0.8, log [OII]/[OIII] -0.4, the
# middle of the Seyferts of Kewley et al. (2006, MNRAS 372, 961)
SEYFERT = {
    3727.5: 0.81, 4861.3: 0.32, 4958.9: 0.68, 5006.8: 2.04, 6300.3: 0.16, 6548.0: 0.33, 6562.8: 1.0, 6583.4: 1.0,
    6716.4: 0.33, 6730.8: 0.30,
}  # fmt: skip
H_ALPHA = 6562.8
SIDES = ((6490.0, 6535.0), (6595.0, 6640.0))  # continuum beside H-alpha [A]
FWHM = 6.5  # A, of the instrument (paper, sec. 2)


class Spectra(NamedTuple):
    """What must be known of the basis: wavelength (p,), mean (p,), components (K, p)."""

    wavelength: np.ndarray
    mean: np.ndarray
    components: np.ndarray

    @property
    def beside_h_alpha(self):
        """(p,) weights whose product with a spectrum is its continuum at H-alpha."""
        inside = np.any([(self.wavelength >= a) & (self.wavelength <= b) for a, b in SIDES], axis=0)
        return inside / inside.sum()


def lines(wavelength, ratios=SEYFERT, fwhm=FWHM):
    """(p,) spectrum of Gaussian lines, H-alpha of flux 1 [1/A]; lines beyond the ends of the grid add what reaches in."""
    sigma = fwhm / np.sqrt(8 * np.log(2))
    profile = np.zeros(len(wavelength))
    for centre, flux in ratios.items():
        profile += flux * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)
    return profile / (sigma * np.sqrt(2 * np.pi))


def distance_from_centre(header, shape):
    """(ny, nx) arcsec from the galaxy's centre, from the cards CENTREX, CENTREY, PIXSCALE of its maps."""
    missing = [card for card in ("CENTREX", "CENTREY", "PIXSCALE") if card not in header]
    if missing:
        raise CubespaceError(f"maps without header card {', '.join(missing)}: no centre to plant anything at")
    y, x = np.indices(shape)
    return np.hypot(y - header["CENTREY"], x - header["CENTREX"]) * header["PIXSCALE"]


def active_nucleus(values, good, header, spectra, ew, aperture=3.0):
    """Maps with the lines of a Seyfert nucleus added: H-alpha of `ew` [A] in the central `aperture` [arcsec, diameter].

    The equivalent width refers to the continuum of each spaxel beside H-alpha. Coarse spaxels: at least the good spaxel
    nearest the centre is changed.

    Parameters
    ----------
    values : (K + 1, ny, nx) log luminosity and coefficients
    good : (ny, nx) bool
    header : mapping with CENTREX, CENTREY [pixel], PIXSCALE [arcsec]

    Returns
    -------
    (K + 1, ny, nx)
    """
    offset = np.where(good, distance_from_centre(header, good.shape), np.inf)
    inside = good & (offset <= max(aperture / 2, offset.min()))
    beside = spectra.beside_h_alpha
    continuum = spectra.mean @ beside + np.tensordot(spectra.components @ beside, values[1:], axes=1)
    added = spectra.components @ lines(spectra.wavelength)
    planted = np.array(values, np.float64)
    planted[1:] += added[:, None, None] * (ew * np.clip(continuum, 0, None) * inside)
    return planted


def half_light_radius(luminosity, good, offset):
    """Radius [unit of `offset`] of the circle that holds half the luminosity of the good spaxels."""
    order = np.argsort(offset[good], kind="stable")
    light = np.cumsum(luminosity[good][order])
    return float(offset[good][order][np.searchsorted(light, light[-1] / 2)])


def younger_outskirts(values, good, header, spectra, fraction, young, beyond=1.0):
    """Maps in which a share of the light beyond `beyond` half-light radii comes from a young population.

    Each spectrum s there becomes (1 - fraction) s + fraction y with y = `young` (p,), 1 in the window, so that
    `fraction` is of the light at 5600-5800 A; the luminosity stays. A light-weighted log age t becomes
    t + fraction (log age of y - t).
    """
    offset = distance_from_centre(header, good.shape)
    radius = half_light_radius(10.0 ** np.asarray(values[0], np.float64), good, offset)
    outside = good & (offset > beyond * radius)
    target = spectra.components @ (young - spectra.mean)
    planted = np.array(values, np.float64)
    planted[1:] += np.where(outside, fraction, 0.0) * (target[:, None, None] - planted[1:])
    return planted


def basis_share(spectra, change):
    """Share of the sum of squares of a change of the spectrum that the basis passes on; 0 .. 1."""
    return float(np.square(spectra.components @ change).sum() / np.square(change).sum())


def on_grid(spectra, wavelength, spectrum, fwhm, window):
    """(p,) a model spectrum broadened to the instrument, on the grid of the basis, 1 (median) in the window.

    Parameters
    ----------
    wavelength, spectrum : (q,) equally spaced [A], any unit of flux
    fwhm : resolution of the model [A]
    window : (low, high) [A]
    """
    from scipy.ndimage import gaussian_filter1d

    sigma = np.sqrt(max(FWHM**2 - fwhm**2, 0) / (8 * np.log(2))) / (wavelength[1] - wavelength[0])
    seen = np.interp(spectra.wavelength, wavelength, gaussian_filter1d(np.asarray(spectrum, float), sigma))
    inside = (spectra.wavelength >= window[0]) & (spectra.wavelength <= window[1])
    return seen / np.median(seen[inside])
