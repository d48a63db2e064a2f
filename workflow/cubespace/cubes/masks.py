"""Which samples and spaxels of a cube are to be left out."""

import numpy as np

SIGMA_FACTOR = 1e4


def bad_samples(flux, sigma, flagged=None, sigma_factor=SIGMA_FACTOR):
    """Samples that carry no information.

    Parameters
    ----------
    flux, sigma : float32 (n_wavelength, ny, nx)
    flagged : array of the same shape or None
        The survey's own flags; anything but 0 is bad.
    sigma_factor : float
        An error more than this many times the lower quartile of the cube marks a bad sample: pipelines write
        1e6 or 1e20 where
        they mean infinity.

    Returns
    -------
    bool array: flagged, flux or error not finite, error <= 0 or huge.
    """
    thinned = sigma[:: max(1, len(sigma) // 64)]
    thinned = thinned[np.isfinite(thinned) & (thinned > 0)]
    limit = sigma_factor * np.quantile(thinned, 0.25) if thinned.size else np.inf
    with np.errstate(invalid="ignore", over="ignore"):
        bad = ~(sigma > 0)  # also NaN
        bad |= ~(sigma <= np.float32(limit)) if np.isfinite(limit) else ~np.isfinite(sigma)
        bad |= ~np.isfinite(flux)
        if flagged is not None:
            bad |= flagged != 0
    return bad


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


def manual_mask(star, flags):
    """Apply hand-made corrections to a star mask.

    `flags` (ny, nx) int: 1 masks a spaxel, -1 frees one that the catalogue of stars hit (a nucleus, an HII
    region), 5 masks it
    whatever else is said; masked = (star + flag) >= 1, the convention of the eCALIFA masks of
    Martinez-Solaeche et al. 2024.
    """
    return (np.asarray(star, int) + np.asarray(flags, int)) >= 1


def spare_nucleus(star, centre, radius):
    """Free the blob of a star mask that sits on the galaxy's nucleus: star catalogues contain nuclei.

    Parameters
    ----------
    star : bool (ny, nx)
    centre : (y, x) of the galaxy [pixel]
    radius : float
        A connected blob is freed if its centroid lies within this many pixels of `centre`.

    Returns
    -------
    (bool (ny, nx), number of spaxels freed)
    """
    left, star = star.copy(), star.copy()
    freed = 0
    for seed in zip(*np.nonzero(star), strict=True):
        if not left[seed]:
            continue
        blob, waiting = [], [seed]
        left[seed] = False
        while waiting:
            y, x = waiting.pop()
            blob.append((y, x))
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= v < star.shape[0] and 0 <= u < star.shape[1] and left[v, u]:
                    left[v, u] = False
                    waiting.append((v, u))
        if np.hypot(*(np.mean(blob, axis=0) - np.asarray(centre))) <= radius:
            star[tuple(np.transpose(blob))] = False
            freed += len(blob)
    return star, freed
