"""The survey's own foreground stars, as its masks show them: how many, how far from the centre, how large."""

import numpy as np
from scipy import ndimage

from cubespace.spectra.project import STAR

LEVELS = np.linspace(0, 1, 11)  # of the quantiles that are kept


def star_regions(mask, pixel_scale):
    """Masked stars of one galaxy: (k, 2) distance of the middle from that of the canvas, radius of the circle of equal area.

    mask : (ny, nx) bit flags; pixel_scale [arcsec]. Spaxels that touch, by a corner too, are one star: overlapping stars
    count as one, and so does a masked companion.
    """
    regions, number = ndimage.label((np.asarray(mask) & STAR) != 0, structure=np.ones((3, 3)))
    index = np.arange(1, number + 1)
    area = ndimage.sum_labels(np.ones(regions.shape), regions, index)
    middle = np.array(ndimage.center_of_mass(np.ones(regions.shape), regions, index)).reshape(number, 2)
    offset = np.hypot(*(middle - (np.array(regions.shape) - 1) / 2).T)
    return np.column_stack([offset, np.sqrt(area / np.pi)]) * pixel_scale


def star_statistics(regions):
    """What views are told of stars, from `star_regions` of each galaxy: settings of `cubespace.network.presets.View`.

    Returns
    -------
    dict
        star_counts: share of galaxies with 0, 1, 2, ... stars; star_distances, star_radii: deciles [arcsec].
    """
    stars = np.concatenate([np.empty((0, 2)), *regions])
    counts = np.bincount([len(one) for one in regions], minlength=1) / max(1, len(regions))
    if not len(stars):
        stars = np.zeros((1, 2))  # of no star: none is drawn
    distances, radii = np.quantile(stars, LEVELS, axis=0).T
    return {
        "star_counts": counts.round(6).tolist(), "star_distances": distances.round(3).tolist(), "star_radii": radii.round(3).tolist(),
    }  # fmt: skip
