"""From truth maps to noiseless spectra: populations, dust, motions and lines at the instrument's
resolution."""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr

from cubespace.cosmology import SPEED_OF_LIGHT
from cubespace.survey import ssp
from cubespace.survey.gas import BROAD_DECREMENT, LINES, extinction
from cubespace.survey.maps import Maps

MPC = 3.0856775814913673e24  # [cm]
LOG_STEP = 1e-4  # 30 km/s, a fifth of the resolution's FWHM at 6000 A
RANK = 32  # of the SSP shapes: largest error 0.1 %, see tests
CHUNK = 4096


def luminosity_distance(redshift, kpc_per_arcsec):
    """Luminosity distance [Mpc] of a galaxy whose angular scale is known: d_L = d_A (1 + z)^2."""
    return kpc_per_arcsec * 206264.806 / 1e3 * (1 + redshift) ** 2


def spectra(maps: Maps, basis: ssp.Basis, wavelength, lsf_fwhm):
    """Noiseless observed spectra of the spaxels inside the field, in the order of
    np.flatnonzero(maps.inside).

    wavelength (n_wave,) observed, air [A], equal steps; lsf_fwhm [A], constant in observed wavelength.
    Returns float32 (n_spaxel, n_wave) [1e-16 erg/s/cm2/A per pixel].

    The line-of-sight velocity distribution is a Gaussian: dispersion by interpolating between basis spectra
    broadened to a ladder of dispersions, shift by interpolating each spectrum on a grid of log wavelength.
    Flux per observed wavelength: L / (4 pi d_L^2 (1 + z)).
    """
    inside, redshift = maps.inside, maps.header["redshift"]
    distance = luminosity_distance(redshift, maps.header["kpc_arcsec"]) * MPC
    to_flux = 1e30 / (4 * np.pi * distance**2) / 1e-16
    grid = np.arange(np.log(wavelength[0] * 0.99), np.log(wavelength[-1] * 1.01), LOG_STEP)
    factors, components = _at_instrument(basis, grid, redshift, lsf_fwhm)
    index, weight = ssp.nodes(basis, maps.log_age[:, inside], maps.metallicity[:, inside])
    luminosity = maps.light[:, inside] / (1 + redshift) * to_flux
    mixed = sum(np.einsum("pn,pnk->nk", luminosity * weight[q], factors[index[q]]) for q in range(4)).astype(
        np.float32
    )

    dispersion, velocity = maps.dispersion[inside], maps.velocity[inside]
    ladder = _ladder(dispersion)
    broad = np.stack(
        [gaussian_filter1d(components, s / SPEED_OF_LIGHT / LOG_STEP, axis=1, mode="nearest") for s in ladder]
    )
    broad = broad.astype(np.float32)
    out = np.empty((velocity.size, wavelength.size), np.float32)
    place = (np.log(wavelength) - grid[0]) / LOG_STEP
    shift = np.log1p(velocity / SPEED_OF_LIGHT) / LOG_STEP
    curve = (-0.4 * np.log(10) * extinction(wavelength / (1 + redshift))).astype(np.float32)
    av = maps.av_stars[inside].astype(np.float32)
    rung = np.clip(np.searchsorted(ladder, dispersion, side="right") - 1, 0, ladder.size - 2)
    part = np.clip(
        (dispersion**2 - ladder[rung] ** 2) / (ladder[rung + 1] ** 2 - ladder[rung] ** 2), 0, 1
    ).astype(np.float32)
    for step in range(ladder.size - 1):
        members = np.flatnonzero(rung == step)
        pair = np.concatenate([broad[step], broad[step + 1]])
        for start in range(0, members.size, CHUNK):
            few = members[start : start + CHUNK]
            share = part[few, None]
            rest = np.concatenate([mixed[few] * (1 - share), mixed[few] * share], axis=1) @ pair
            position = place[None, :] - shift[few, None]
            low = position.astype(np.int32)
            fraction = (position - low).astype(np.float32)
            flat = low + (np.arange(few.size, dtype=np.int32) * grid.size)[:, None]
            rest = rest.ravel()
            first = rest[flat]
            out[few] = (first + fraction * (rest[flat + 1] - first)) * np.exp(av[few, None] * curve)
    _add_lines(out, maps, wavelength, lsf_fwhm, to_flux)
    return out


def _at_instrument(basis, grid, redshift, lsf_fwhm):
    """Factorised SSP shapes on the observed log grid at the instrument's resolution: (n_ssp, rank), (rank,
    n_grid)."""
    factors, components = basis.compressed(RANK)
    step = 1.0
    line = np.arange(np.exp(grid[0]) - 30, np.exp(grid[-1]) + 30, step)
    sigma = np.sqrt(max(lsf_fwhm**2 - (basis.fwhm * (1 + redshift)) ** 2, 0.01)) / 2.3548 / step
    observed = np.stack([np.interp(line / (1 + redshift), basis.wavelength, c) for c in components])
    observed = gaussian_filter1d(observed, sigma, axis=1, mode="nearest")
    wave = np.exp(grid)
    return factors, np.stack([np.interp(wave, line, c) for c in observed])


def _ladder(dispersion):
    """Dispersions [km/s] that bracket the given ones, at most 25 km/s or 15 % apart."""
    rungs = [max(float(dispersion.min()) - 1e-3, 1.0)]
    while rungs[-1] < dispersion.max() or len(rungs) < 2:
        rungs.append(rungs[-1] + max(25.0, 0.15 * rungs[-1]))
    return np.array(rungs)


def _add_lines(out, maps, wavelength, lsf_fwhm, to_flux):
    """Add Gaussian lines, averaged over each channel, so that their sum times the step is the flux."""
    inside, redshift = maps.inside, maps.header["redshift"]
    step = wavelength[1] - wavelength[0]
    doppler = (1 + redshift) * (1 + maps.gas_velocity[inside] / SPEED_OF_LIGHT)
    lines = [(rest, maps.gas_dispersion[inside], maps.lines[name][inside]) for name, rest in LINES.items()]
    if maps.broad.any():
        broad = maps.broad[inside]
        lines += [
            (LINES["Halpha"], maps.header["broad_sigma"], broad),
            (LINES["Hbeta"], maps.header["broad_sigma"], broad / BROAD_DECREMENT),
        ]
    for rest, dispersion, luminosity in lines:
        centre = rest * doppler
        sigma = np.hypot(lsf_fwhm / 2.3548, centre * dispersion / SPEED_OF_LIGHT)
        reach = 5 * sigma.max() + 2 * step
        low, high = np.searchsorted(wavelength, (centre.min() - reach, centre.max() + reach))
        if low >= high:
            continue
        edges = np.append(wavelength[low:high] - step / 2, wavelength[high - 1] + step / 2)
        share = np.diff(ndtr((edges - centre[:, None]) / sigma[:, None]), axis=1) / step
        out[:, low:high] += (luminosity * to_flux)[:, None] * share
