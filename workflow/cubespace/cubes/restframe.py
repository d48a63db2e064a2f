"""From observed spectra to normalised spectra on the common rest-frame grid.

Definitions (Martinez-Solaeche et al. 2024, sec. 3.2):

* rest wavelength = observed / (1 + z); linear interpolation onto the grid. A grid sample is bad if one of
  the observed samples it is made of
  is, or if it lies outside the observed range.
* S/N of a spaxel = median of flux / sigma over the good *observed* samples inside the window: interpolation,
  which
  correlates and averages noise, does not enter it.
* norm of a spaxel = median of the flux over the good grid samples inside the window, ends included.
* luminosity = 4 pi d_L^2 F (1 + z) [L_sun/A in the rest frame, per spaxel], F = norm.
"""

import math
from dataclasses import dataclass

import numpy as np

GRID = (3739.0, 6803.0, 2.0)
WINDOW = (5600.0, 5800.0)
MAX_NORMALISED = 1000.0
# Observed wavelengths [A] where the residual of the sky subtraction is at least twice the noise beside it, in the sky
# fibres of a CALIFA V500 pointing (NGC 2906): Hg 4358, Hg 5461, [OI] 5577, Na D, [OI] 6300 and 6364; the line +- 8 A,
# three sigma of the spectral resolution. Weaker ones (Hg 4047, [NI] 5199, Na 5683) stay below that.
SKY_WINDOWS = ((4350, 4366), (5453, 5469), (5569, 5585), (5882, 5904), (6292, 6308), (6356, 6372))

CM_PER_MPC = 3.0856775814913673e24  # IAU 2012 astronomical unit, IAU 2015 parsec
ERG_S_PER_LSUN = 3.828e33  # nominal solar luminosity, IAU 2015 resolution B3
FLUX_UNIT = 1e-16  # erg/s/cm2/A, the unit of Cube.flux
RAD_PER_ARCSEC = math.pi / 648000.0


@dataclass
class RestSpectra:
    """Spectra of n spaxels.

    values : float32 (n, n_wavelength), flux / norm, 0 where bad
    bad : bool (n, n_wavelength)
    norm : float64 (n,), flux in the window [1e-16 erg/s/cm2/A]; NaN where `ok` is False
    ok : bool (n,), False where the window has too few good samples or its median is not positive
    """

    values: np.ndarray
    bad: np.ndarray
    norm: np.ndarray
    ok: np.ndarray


def wavelength_grid(first=GRID[0], last=GRID[1], step=GRID[2]):
    """The common rest-frame grid [A], float64, both ends included: 1533 samples by default."""
    return first + step * np.arange(round((last - first) / step) + 1)


def neighbours(wavelength, redshift, grid):
    """Where grid samples fall between observed ones.

    Returns
    -------
    lower : int (n_grid,), index of the observed sample at or below
    weight : float64 (n_grid,), weight of sample lower + 1, in [0, 1]
    covered : bool (n_grid,)
    """
    observed = np.asarray(grid, float) * (1 + redshift)
    lower = np.clip(np.searchsorted(wavelength, observed, side="right") - 1, 0, len(wavelength) - 2)
    weight = (observed - wavelength[lower]) / (wavelength[lower + 1] - wavelength[lower])
    tolerance = 1e-9  # so that an end of the grid on an end of the axis counts as covered
    covered = (weight >= -tolerance) & (weight <= 1 + tolerance)
    weight = np.clip(weight, 0, 1)
    weight[weight < 1e-6] = 0  # a coincidence up to rounding is one: the other neighbour must not matter
    weight[weight > 1 - 1e-6] = 1
    return lower, weight, covered


def resample(flux, bad, wavelength, redshift, grid):
    """Linear interpolation of many spectra onto a rest-frame grid, as operations on whole planes.

    Parameters
    ----------
    flux : float (n_wavelength, n); bad : bool (n_wavelength, n)
    wavelength : float64 (n_wavelength,), observed [A]

    Returns
    -------
    (float32 (n_grid, n), bool (n_grid, n)): flux, 0 where bad, and bad. The flux density is not multiplied
    by (1 + z);
    that factor is in the luminosity.
    """
    lower, weight, covered = neighbours(wavelength, redshift, grid)
    flux = np.array(flux, np.float32)
    flux[bad] = np.nan
    w = weight.astype(np.float32)[:, None]
    out = flux[np.where(weight < 1, lower, lower + 1)]  # a sample on a channel is made of that one alone
    out *= 1 - w
    other = flux[np.where(weight > 0, lower + 1, lower)]
    other *= w
    out += other
    out[~covered] = np.nan
    lost = np.isnan(out)
    out[lost] = 0
    return out, lost


def common_gap(wavelength, redshift, grid, sky):
    """Bool (n_grid,): grid samples that no spectrum of a cube has: not observed, or made of a sky line's samples.

    `sky` : bool (n_wavelength,), see `masks.in_windows`.
    """
    lower, weight, covered = neighbours(wavelength, redshift, grid)
    return ~covered | (sky[lower] & (weight < 1)) | (sky[lower + 1] & (weight > 0))


def masked_median(values, good):
    """Median of each row over its good samples; NaN for rows without any. Shapes (n, m) -> float64 (n,)."""
    ordered = np.sort(np.where(good, values, np.inf), axis=1)
    count = good.sum(axis=1)
    rows, top = np.arange(len(values)), values.shape[1] - 1
    low = ordered[rows, np.clip((count - 1) // 2, 0, top)].astype(float)
    high = ordered[rows, np.clip(count // 2, 0, top)].astype(float)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, (low + high) / 2, np.nan)


def window_snr(cube, redshift, window=WINDOW, min_good_window=0.5):
    """S/N of all spaxels, as defined at the head of this module.

    Returns
    -------
    snr, noise : float32 (ny, nx)
        Median of flux / sigma, and median sigma [1e-16 erg/s/cm2/A], over the good observed samples in the
        window; 0
        and NaN outside the field or where fewer than `min_good_window` of them are good.
    """
    shape = cube.field.shape
    rest = cube.wavelength / (1 + redshift)
    inside = np.nonzero((rest >= window[0]) & (rest <= window[1]))[0]
    snr, noise = np.zeros(shape, np.float32), np.full(shape, np.nan, np.float32)
    if inside.size == 0:
        return snr, noise
    part = slice(inside[0], inside[-1] + 1)
    flux, sigma = cube.flux[part][:, cube.field].T, cube.sigma[part][:, cube.field].T
    good = ~cube.bad[part][:, cube.field].T
    enough = good.mean(axis=1) >= min_good_window
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = masked_median(flux / sigma, good)
    snr[cube.field] = np.where(enough, ratio, 0)
    noise[cube.field] = np.where(enough, masked_median(sigma, good), np.nan)
    return snr, noise


def rest_spectra(
    cube, redshift, index, grid, window=WINDOW, min_good_window=0.5, max_normalised=MAX_NORMALISED
):
    """Normalised rest-frame spectra of chosen spaxels.

    Parameters
    ----------
    index : int (n,), flat indices into (ny, nx)
    grid : float64 (n_wavelength,)
    min_good_window : float
        Least share of good grid samples inside the window for a spaxel to have a norm.
    max_normalised : float
        A sample beyond this many times the norm is no spectrum of a galaxy (a cosmic ray) and becomes bad;
        the strongest
        emission lines (EW 1000 A) reach 200.

    Returns
    -------
    `RestSpectra`
    """
    plane = (len(cube.wavelength), -1)
    flux, bad = resample(
        cube.flux.reshape(plane)[:, index], cube.bad.reshape(plane)[:, index], cube.wavelength, redshift, grid
    )
    flux, bad = np.ascontiguousarray(flux.T), np.ascontiguousarray(bad.T)
    inside = (grid >= window[0]) & (grid <= window[1])
    good = ~bad[:, inside]
    norm = masked_median(flux[:, inside], good)
    ok = (good.mean(axis=1) >= min_good_window) & np.isfinite(norm) & (norm > 0)
    norm[~ok] = np.nan
    with np.errstate(over="ignore"):
        flux /= np.where(ok, norm, 1.0).astype(np.float32)[:, None]
        bad |= ~(np.abs(flux) <= max_normalised) | ~ok[:, None]
    flux[bad] = 0
    return RestSpectra(flux, bad, norm, ok)


def rest_sigma(cube, redshift, index, grid):
    """Error of the interpolated flux, sqrt((1-w)^2 s1^2 + w^2 s2^2): float32 (n, n_wavelength), NaN where bad."""
    plane = (len(cube.wavelength), -1)
    sigma, bad = cube.sigma.reshape(plane)[:, index], cube.bad.reshape(plane)[:, index]
    lower, weight, covered = neighbours(cube.wavelength, redshift, grid)
    w = weight[:, None]
    out = np.hypot((1 - w) * np.where(bad, np.nan, sigma)[lower], w * np.where(bad, np.nan, sigma)[lower + 1])
    out[~covered] = np.nan
    return out.T.astype(np.float32)


def luminosity(flux, distance_mpc, redshift):
    """4 pi d_L^2 F (1 + z) [L_sun/A] of a flux density [1e-16 erg/s/cm2/A] at luminosity distance [Mpc]."""
    area = 4 * math.pi * (distance_mpc * CM_PER_MPC) ** 2
    return np.asarray(flux, float) * (FLUX_UNIT * area * (1 + redshift) / ERG_S_PER_LSUN)


def kpc_per_arcsec(distance_mpc, redshift):
    """Angular scale from the luminosity distance: d_A = d_L / (1 + z)^2."""
    return 1000 * distance_mpc / (1 + redshift) ** 2 * RAD_PER_ARCSEC
