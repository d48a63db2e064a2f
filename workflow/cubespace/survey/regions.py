"""Where the stars form in a mock galaxy: diffuse emission and HII regions.

HII regions are Poisson sources on the density of young stars, with the luminosity function N(L) ~ L^-1.8 of
Kennicutt, Edgar & Hodge (1989), in the plane of the disc.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

LF_SLOPE, LF_RANGE = 1.8, 150.0
SIZES = ((0.0, 5.0), (5.0, 40.0), (40.0, np.inf))  # larger regions are brighter (about 50 pc L^0.3)


def luminosities(rng, number):
    """Luminosities in units of the faintest, p(L) ~ L^-LF_SLOPE from 1 to LF_RANGE."""
    power = 1 - LF_SLOPE
    return (1 + rng.uniform(size=number) * (LF_RANGE**power - 1)) ** (1 / power)


def star_formation(kind, frame, young, length, layer, per_arcsec, rng):
    """Star formation (ny, nx), unit sum.

    kind: `structure.Kind`; frame: `structure.Frame`; young: density of young stars over the smooth disc;
    length: scale length of star formation [arcsec]; layer: (weight, light) of an edge-on layer; per_arcsec:
    kpc. Returns (map, luminosities of the regions in the field).
    """
    shape, radius = young.shape, np.hypot(*frame.plane)
    kept = 1 - np.exp(-((radius / (kind.hole * frame.re)) ** 2)) if kind.hole else np.ones(shape)
    edge, side_on = layer
    smooth = np.exp(-radius / length) * young * kept
    smooth = (1 - edge) * smooth / smooth.sum() + edge * side_on / max(side_on.sum(), 1e-12)
    number = int(rng.poisson(kind.regions))
    x, y = _places(kind.name, number, length, frame.re, rng)
    layer_height = 0.05 * length * np.sqrt(1 - frame.thin**2) + 0.05
    row, column = frame.pixels(x, y * frame.thin + rng.normal(0, layer_height, x.size))
    inside = (row > 0) & (row < shape[0] - 1) & (column > 0) & (column < shape[1] - 1)
    at = np.rint(row[inside]).astype(int), np.rint(column[inside]).astype(int)
    density = (young * kept)[at]
    likely = density / max(np.quantile(density, 0.98), 1e-9) if density.size else density
    chosen = np.flatnonzero(rng.uniform(size=density.size) < likely)[:number]
    bright = luminosities(rng, number)[: chosen.size]
    regions = np.zeros(shape)
    for low, high in SIZES:
        these = (bright >= low) & (bright < high)
        if these.any():
            points = np.zeros(shape)
            np.add.at(points, (at[0][chosen[these]], at[1][chosen[these]]), bright[these])
            size = min(0.05 * float(np.median(bright[these])) ** 0.3 / per_arcsec, 5.0)
            regions += gaussian_filter(points, size / frame.fine)
    diffuse = kind.diffuse if regions.sum() > 0 else 1.0
    return diffuse * smooth / smooth.sum() + (1 - diffuse) * regions / max(regions.sum(), 1e-12), bright


def _places(name, number, length, re, rng):
    """Candidates in the plane, more than needed: an exponential disc; off-centre and compact in a BCD;
    associations around a few seeds in an irregular."""
    distance = rng.gamma(2.0, length, 6 * number + 60)
    turn = rng.uniform(0, 2 * np.pi, distance.size)
    x, y = distance * np.cos(turn), distance * np.sin(turn)
    if name == "BCD":
        away = rng.normal(0, 0.25 * re, 2)
        x, y = 0.6 * x + away[0], 0.6 * y + away[1]
    elif name == "I":
        seeds = rng.integers(0, 7, x.size)
        x, y = 0.45 * x + x[seeds] * 0.9, 0.45 * y + y[seeds] * 0.9
    return x, y
