"""Which samples and spaxels of a cube are to be left out."""

import re

import numpy as np

SIGMA_FACTOR = 1e4
HUGE = 1e15
MOST_CODES = 6  # at either end, an infinity among them
NINES = re.compile(r"-9{2,6}(\.9+)?")


def bad_samples(flux, sigma, flagged=None, sigma_factor=SIGMA_FACTOR):
    """Samples that carry no information.

    Parameters
    ----------
    flux, sigma : float32 (n_wavelength, ny, nx)
    flagged : array of the same shape or None
        The survey's own flags; anything but 0 is bad.
    sigma_factor : float
        An error more than this many times the lower quartile of the cube, or less than that quartile over this,
        marks a bad sample: pipelines write 1e6 or 1e20 where they mean infinity, and next to nothing for zero.

    Returns
    -------
    bool array: flagged, flux or error not finite, error <= 0, huge or minute.
    """
    thinned = sigma[:: max(1, len(sigma) // 64)]
    thinned = thinned[np.isfinite(thinned) & (thinned > 0)]
    usual = np.quantile(thinned, 0.25) if thinned.size else 0.0
    largest = float(np.finfo(np.float32).max)
    least, most = np.float32(usual / sigma_factor), np.float32(min(sigma_factor * usual, largest) if usual else largest)
    bad = np.empty(flux.shape, bool)
    for i, (values, errors) in enumerate(zip(flux, sigma, strict=True)):  # plane by plane: in the processor's cache
        good = (errors > least) & (errors <= most) & np.isfinite(values)  # NaN is neither more nor less
        if flagged is not None:
            good &= flagged[i] == 0
        np.logical_not(good, out=bad[i])
    return bad


def codes_for_missing(flux):
    """Numbers in a flux that stand for none: its least values as long as they are -99, -999, -999.9 ..., its largest from 1e15 on,
    if they repeat; infinities, which are bad anyway, hide none.

    Parameters
    ----------
    flux : float (n_wavelength, ny, nx), as the file has it, in whatever unit

    Returns
    -------
    list of (value, number of samples)
    """
    found = []
    for extreme, beyond, end in ((np.fmin, np.greater, np.inf), (np.fmax, np.less, -np.inf)):
        value = extreme.reduce(flux, axis=None)
        for _ in range(MOST_CODES):
            if not (abs(value) >= HUGE or NINES.fullmatch(f"{value:.7g}")):
                break
            times = int(np.count_nonzero(flux == value)) if np.isfinite(value) else 0
            if times > 1:
                found.append((float(value), times))
            value = extreme.reduce(flux, axis=None, initial=end, where=beyond(flux, value))
    return found


def field_of_view(flux, bad, flat=None):
    """Bool (ny, nx): spaxels the instrument looked at.

    Outside are those with FLAT = 0, and those whose flux is zero (or not a number) at all wavelengths: the
    survey's
    pipeline multiplies the flux by a flat that is 0 outside the hexagon.
    """
    inside = np.zeros(flux.shape[1:], bool)
    for plane in flux:  # plane by plane: no second cube in memory
        inside |= (plane != 0) & ~np.isnan(plane)
    if flat is not None:
        inside &= np.isfinite(flat) & (flat != 0)
    return inside


def in_windows(wavelength, windows):
    """Bool (n,): samples inside one of the windows [low, high], ends included; with the same unit as `wavelength`."""
    inside = np.zeros(len(wavelength), bool)
    for low, high in windows:
        inside |= (wavelength >= low) & (wavelength <= high)
    return inside


def manual_mask(star, flags):
    """Apply hand-made corrections to a star mask.

    `flags` (ny, nx) int: 1 masks a spaxel, -1 frees one that the catalogue of stars hit (a nucleus, an HII
    region), 5 masks it
    whatever else is said; masked = (star + flag) >= 1, the convention of the eCALIFA masks of
    Martinez-Solaeche et al. 2024.
    """
    return (np.asarray(star, int) + np.asarray(flags, int)) >= 1


def spare_nucleus(star, centre, radius, light=None):
    """Free the blob of a star mask that sits on the galaxy's nucleus: star catalogues contain nuclei.

    Parameters
    ----------
    star : bool (ny, nx)
    centre : (y, x) of the galaxy [pixel], as well as it can be told with the blob masked
    radius : float
        A connected blob is freed if its centroid is nearer to `centre` than this many pixels.
    light : float (ny, nx) or None
        Flux, NaN or 0 where there is none. With it, a blob so large that it displaces `centre` is freed too if `centre`
        is beside it and the light around it, to twice its own radius, has its centroid within half of `radius` of the
        blob's: the galaxy lies around its nucleus, but to one side of a star.

    Returns
    -------
    (bool (ny, nx), number of spaxels freed)
    """
    left, free, freed = star.copy(), star.copy(), 0
    for seed in zip(*np.nonzero(star), strict=True):
        if not left[seed]:
            continue
        blob = np.transpose(_blob(left, seed))
        middle = blob.mean(axis=1)
        away, size = np.hypot(*(middle - np.asarray(centre))), np.sqrt(blob.shape[1] / np.pi)
        inside = away < radius
        if not inside and light is not None and size > radius and away <= size + 2 * radius:
            inside = np.hypot(*(_light_centroid(light, star, middle, 2 * size) - middle)) < radius / 2
        if inside:
            free[tuple(blob)] = False
            freed += blob.shape[1]
    return free, freed


def _blob(left, seed):
    """Pixels connected with `seed` along rows and columns, taken out of `left`."""
    blob, waiting = [], [seed]
    left[seed] = False
    while waiting:
        y, x = waiting.pop()
        blob.append((y, x))
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < left.shape[0] and 0 <= u < left.shape[1] and left[v, u]:
                left[v, u] = False
                waiting.append((v, u))
    return blob


def _light_centroid(light, star, middle, radius):
    """(y, x) of the light within `radius` pixels of `middle`, stars left out; infinitely far if there is none."""
    rows, columns = np.indices(light.shape)
    weight = np.where((np.hypot(rows - middle[0], columns - middle[1]) <= radius) & ~star, np.nan_to_num(light), 0)
    weight = np.maximum(weight, 0)
    if weight.sum() <= 0:
        return np.array([np.inf, np.inf])
    return np.array([(weight * rows).sum(), (weight * columns).sum()]) / weight.sum()
