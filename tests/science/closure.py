"""Closure: measure a simulated cube as an astronomer would, to be held against the truth it was made from.

Stars are fitted with a non-negative mixture of the SSP templates behind three screens of dust, lines masked
(as pPXF, Cappellari & Emsellem 2004, with fixed kinematics); the emission lines are Gaussians fitted to what is left,
with the doublets tied; indices are the usual bands. Nothing here knows how the cube was made, except the library of
stellar spectra.

Wavelengths are in air [A]; `redshift` is the galaxy's; spectra are (n_wave,) on the cube's axis.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import nnls

from cubespace.cosmology import SPEED_OF_LIGHT
from cubespace.survey import ssp
from cubespace.survey.gas import LINES, dim

WINDOW = (5600.0, 5800.0)
FIT_RANGE = (3800.0, 6900.0)
MASK = 900.0  # [km/s] to either side of each line
# lines fitted, each with the ones tied to it: (name of a doublet's weaker line, ratio weaker / stronger)
FITTED = {
    "Hbeta": None,
    "OIII5007": ("OIII4959", 1 / 2.98),
    "Halpha": None,
    "NII6583": ("NII6548", 1 / 3.05),
}
# HdA of Worthey & Ottaviani (1997): blue side, feature, red side
HDELTA = (4041.60, 4081.00), (4083.50, 4122.25), (4128.50, 4161.00)
D4000 = (3850.0, 3950.0), (4000.0, 4100.0)  # narrow; Balogh et al. (1999)
KINEMATIC = (4800.0, 6500.0)  # stellar velocities: Mgb, Fe, NaD
CONTINUUM = 40  # [channels] sigma of the smoothing that takes the continuum out


def window_flux(flux, good, wavelength, redshift):
    """Median flux in the rest-frame window 5600-5800 A."""
    rest = wavelength / (1 + redshift)
    use = good & (rest >= WINDOW[0]) & (rest <= WINDOW[1])
    return float(np.median(flux[use]))


def templates(basis, wavelength, redshift, lsf_fwhm, dispersion):
    """(n_template, n_wave): SSPs of ten ages and four metallicities behind Av = 0, 0.6, 1.8 mag, unit light in the
    window, at the galaxy's redshift and dispersion [km/s] and the instrument's resolution."""
    ages = np.linspace(basis.log_age[0], basis.log_age[-1], 10)
    age, metal = (grid.ravel() for grid in np.meshgrid(ages, (-0.9, -0.3, 0.0, basis.metallicity[-1])))
    spectra = ssp.spectrum(basis, age, metal)
    spectra = spectra / spectra[:, _between(basis.wavelength, WINDOW)].mean(axis=1, keepdims=True)
    spectra = _observe(spectra, basis, wavelength, redshift, lsf_fwhm, dispersion)
    rest = wavelength / (1 + redshift)
    return np.concatenate([spectra * dim(av, rest) / dim(av, 5700.0) for av in (0.0, 0.6, 1.8)])


def _observe(spectra, basis, wavelength, redshift, lsf_fwhm, dispersion):
    step = basis.wavelength[1] - basis.wavelength[0]
    sigma2 = (lsf_fwhm**2 / (1 + redshift) ** 2 - basis.fwhm**2) / 2.3548**2 + (5500 * dispersion / SPEED_OF_LIGHT) ** 2
    broad = gaussian_filter1d(spectra, np.sqrt(max(sigma2, 0.0)) / step, axis=-1, mode="nearest")
    rest = wavelength / (1 + redshift)
    return np.stack([np.interp(rest, basis.wavelength, s) for s in np.atleast_2d(broad)])


def stars(flux, error, good, models, wavelength, redshift):
    """Starlight of a spectrum: fitted at the galaxy's redshift, its velocity found, fitted again there.

    models: list of sets of templates (`templates`), one for each dispersion. Returns ((n_wave,) without lines and
    noise, velocity [km/s], index of the set).
    """
    first, best = fit_stars(flux, error, good, models, wavelength, redshift)
    velocity = stellar_velocity(flux, good, first, wavelength, redshift)
    place = wavelength / (1 + velocity / SPEED_OF_LIGHT)
    moved = np.stack([np.interp(place, wavelength, one) for one in models[best]])
    return fit_stars(flux, error, good, [moved], wavelength, redshift)[0], velocity, best


def fit_stars(flux, error, good, models, wavelength, redshift):
    """The best mixture of one of several sets of templates: ((n_wave,), index of the set)."""
    rest = wavelength / (1 + redshift)
    use = good & (error > 0) & _between(rest, FIT_RANGE)
    for centre in LINES.values():
        use &= np.abs(rest / centre - 1) > MASK / SPEED_OF_LIGHT
    scale = float(np.median(flux[use]))
    fits = [nnls((some[:, use] / error[use]).T * scale, flux[use] / error[use], maxiter=2000) for some in models]
    best = int(np.argmin([misfit for _, misfit in fits]))
    return scale * fits[best][0] @ models[best], best


def fit_lines(residual, error, good, wavelength, redshift, lsf_fwhm, reach=450.0):
    """Fluxes, errors and the common velocity [km/s] of the lines of FITTED in a spectrum without stars.

    Velocity and width are found on a grid (all lines together), the velocity then by a parabola through its
    three best points; the fluxes are linear. Returns (dict name -> flux, dict name -> error, velocity).
    """
    low, high = 4800 * (1 + redshift), 6680 * (1 + redshift)
    near = good & (error > 0) & (wavelength > low) & (wavelength < high)
    rest = wavelength / (1 + redshift)
    near &= np.any([np.abs(rest - LINES[name]) < 40 for name in FITTED], axis=0)
    wave, values, sigma = wavelength[near], residual[near], error[near]

    def solve(velocity, dispersion):
        design = np.stack([_profile(name, wave, redshift, velocity, dispersion, lsf_fwhm) for name in FITTED], axis=1)
        normal = design.T @ (design / sigma[:, None] ** 2)
        covariance = np.linalg.inv(normal + 1e-9 * np.diag(np.diag(normal)))
        fluxes = covariance @ (design.T @ (values / sigma**2))
        return float((((values - design @ fluxes) / sigma) ** 2).sum()), fluxes, np.sqrt(np.diag(covariance))

    velocities = np.arange(-reach, reach + 1, 30.0)
    widths = (20.0, 60.0, 110.0, 180.0)
    chi = np.array([[solve(v, s)[0] for v in velocities] for s in widths])
    row, column = np.unravel_index(chi.argmin(), chi.shape)
    velocity = _vertex(velocities, -chi[row], column)
    _, fluxes, errors = solve(velocity, widths[row])
    return dict(zip(FITTED, fluxes, strict=True)), dict(zip(FITTED, errors, strict=True)), velocity


def _profile(name, wave, redshift, velocity, dispersion, lsf_fwhm):
    """Unit flux in `name`, plus its tied line."""
    total = np.zeros(wave.size)
    for line, ratio in ((name, 1.0), FITTED[name] or (name, 0.0)):
        centre = LINES[line] * (1 + redshift) * (1 + velocity / SPEED_OF_LIGHT)
        sigma = np.hypot(lsf_fwhm / 2.3548, centre * dispersion / SPEED_OF_LIGHT)
        total += ratio * np.exp(-0.5 * ((wave - centre) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return total


def _vertex(x, y, at):
    """Position of the maximum by a parabola through the three points about index `at`."""
    at = int(np.clip(at, 1, len(x) - 2))
    below, middle, above = y[at - 1 : at + 2]
    curve = below - 2 * middle + above
    return float(x[at] + (0.5 * (below - above) / curve if curve < 0 else 0.0) * (x[1] - x[0]))


def stellar_velocity(flux, good, star, wavelength, redshift, reach=450.0):
    """Velocity [km/s] of a spectrum against the model `star` (at velocity zero) by cross-correlation of what is left
    of both when their continua are divided out; emission lines masked."""
    rest = wavelength / (1 + redshift)
    use = good & _between(rest, KINEMATIC)
    for centre in LINES.values():
        use &= np.abs(rest / centre - 1) > MASK / SPEED_OF_LIGHT
    filled = np.where(good, flux, star * np.median(flux[use]) / np.median(star[use]))
    data = filled / gaussian_filter1d(filled, CONTINUUM, mode="nearest") - 1
    model = star / gaussian_filter1d(star, CONTINUUM, mode="nearest") - 1
    velocities = np.arange(-reach, reach + 1, 20.0)
    match = [
        np.corrcoef(data[use], np.interp(wavelength[use] / (1 + v / SPEED_OF_LIGHT), wavelength, model))[0, 1]
        for v in velocities
    ]
    return _vertex(velocities, np.array(match), int(np.argmax(match)))


def ew_ha(ha_flux, star, wavelength, redshift):
    """Rest-frame EW(Ha) [A], emission positive: line flux over the stars' continuum beside the line."""
    rest = wavelength / (1 + redshift)
    sides = np.any([_between(rest, side) for side in ssp.HA_SIDES], axis=0)
    return float(ha_flux / star[sides].mean() / (1 + redshift))


def break_4000(flux, good, wavelength, redshift):
    """Narrow 4000 A break: ratio of mean F_nu above and below."""
    rest = wavelength / (1 + redshift)
    below, above = (
        np.mean(flux[good & _between(rest, band)] * rest[good & _between(rest, band)] ** 2) for band in D4000
    )
    return float(above / below)


def hdelta(flux, good, wavelength, redshift):
    """HdA [A], absorption positive."""
    rest = wavelength / (1 + redshift)
    blue, feature, red = (good & _between(rest, band) for band in HDELTA)
    middles = [np.mean(band) for band in (HDELTA[0], HDELTA[2])]
    line = np.polyfit(middles, [flux[blue].mean(), flux[red].mean()], 1)
    depth = 1 - flux[feature] / np.polyval(line, rest[feature])
    return float(depth.mean() * (HDELTA[1][1] - HDELTA[1][0]))


def truth_stars(maps, basis, where, wavelength, redshift, lsf_fwhm):
    """Starlight of the spaxels `where` from the truth maps: populations behind their dust, on the cube's axis and at
    its resolution, arbitrary unit; motions only as a mean broadening."""
    at = ssp.nodes(basis, maps.log_age[:, where], maps.metallicity[:, where])
    total = np.zeros(basis.wavelength.size)
    shapes = basis.shapes.reshape(-1, basis.wavelength.size)
    for light, index, weight in zip(maps.light[:, where], np.moveaxis(at[0], 1, 0), np.moveaxis(at[1], 1, 0), strict=True):
        for av, share, i, w in zip(maps.av_stars[where], light, index.T, weight.T, strict=True):
            total += share * (w @ shapes[i]) * dim(av, basis.wavelength)
    seen = maps.observed_light[where]
    velocity = maps.velocity[where] - np.average(maps.velocity[where], weights=seen)
    broadening = np.sqrt(np.average(maps.dispersion[where] ** 2 + velocity**2, weights=seen))
    return _observe(total[None], basis, wavelength, redshift, lsf_fwhm, broadening)[0]


def _between(values, limits):
    return (values >= limits[0]) & (values <= limits[1])
