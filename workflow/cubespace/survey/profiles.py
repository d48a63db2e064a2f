"""Light profiles, projection of thick discs, and random fields: the formulas that mock galaxies are built
from."""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import gamma, gammainc, gammaincinv

DISC_THICKNESS = 0.2  # Hubble's q0
THICK = 0.15  # of a disc's light


def sersic(radius, n):
    """Sersic profile of unit total light in circular radius / Re (Graham & Driver 2005)."""
    b = gammaincinv(2 * n, 0.5)
    total = 2 * np.pi * n * b ** (-2 * n) * gamma(2 * n)
    return np.exp(-b * radius ** (1 / n)) / total


def sersic_within(radius, n):
    """Share of a Sersic profile's light within radius / Re (Graham & Driver 2005, eq. 2), no seeing."""
    return gammainc(2 * n, gammaincinv(2 * n, 0.5) * radius ** (1 / n))


def disc_length(bulge_fraction, n, bulge_over_length):
    """Scale length of the disc over the half-light radius of bulge + disc (both in elliptical radius)."""
    length = np.geomspace(0.15, 3.0, 400)
    x = 1 / length
    within = bulge_fraction * sersic_within(x / bulge_over_length, n) + (1 - bulge_fraction) * (
        1 - (1 + x) * np.exp(-x)
    )
    return float(np.exp(np.interp(0.5, within[::-1], np.log(length[::-1]))))


def inclination(axis_ratio, thickness=DISC_THICKNESS):
    """cos i of an oblate body of apparent axis_ratio (Hubble 1926)."""
    return float(np.sqrt(np.clip((axis_ratio**2 - thickness**2) / (1 - thickness**2), 0.0, 1.0)))


def rough(rng, shape, size):
    """Gaussian random field of unit variance, smooth over `size` pixels."""
    noise = gaussian_filter(rng.standard_normal(shape), max(size, 0.3), mode="wrap", truncate=3.0)
    return (noise - noise.mean()) / noise.std()


def thick_disc(u, v, cos_i, length, height, turn):
    """A disc of finite thickness, integrated along the line of sight.

    Stars exp(-R / length) sech^2(z / height) (van der Kruit & Searle 1981), THICK of them in a thick disc of
    three times the height (Yoachim & Dalcanton 2006); gas and dust 1.2 times as long and a quarter as thick
    (Xilouris et al. 1999 find 1.4 and a half). u, v: offsets [arcsec] along the major and the minor axis, any
    same shape; the side of positive v is the far one. turn: radius at which the rotation curve tanh(R / turn)
    flattens.

    Returns five maps: light (unit total per arcsec2); layer, the column of gas and dust (largest value 1);
    lane (0-1, the dust column in front of the mean star over its largest value); rotation, mean line-of-sight
    velocity, and its dispersion along the line of sight, in units of the flat velocity.
    """
    sin_i = np.sqrt(1 - cos_i**2)
    span_u, span_v = np.abs(u).max() + 1e-6, np.abs(v).max() + 1e-6
    x = span_u * np.linspace(0, 1, 36) ** 2
    node = np.linspace(-1, 1, 71)
    y = span_v * node * np.abs(node)
    # about the crossing of the plane; about the nearest point to the axis where the line of sight lies in the plane
    crossing = 4.5 * height / max(cos_i, 1e-3)
    reach = min(crossing, 8 * length)
    s = reach * np.sinh(2 * np.linspace(-1, 1, 51)) / np.sinh(2)
    step = np.gradient(s)
    middle = y * sin_i / cos_i if crossing < 8 * length else 0 * y
    along = middle[:, None] + s
    in_y, z = y[:, None] * cos_i + along * sin_i, y[:, None] * sin_i - along * cos_i
    radius = np.sqrt(x[:, None, None] ** 2 + in_y**2)
    above = np.minimum(np.abs(z) / height, 60)
    vertical = (1 - THICK) / np.cosh(above) ** 2 + THICK / 3 / np.cosh(above / 3) ** 2
    stars = np.exp(-radius / length) * (step * vertical)
    dust = np.exp(-radius / (1.2 * length)) * (step / np.cosh(4 * above) ** 2)
    light = stars.sum(-1)
    before = (stars * (np.cumsum(dust, axis=-1) - 0.5 * dust)).sum(-1) / np.maximum(light, 1e-300)
    speed = np.tanh(radius / turn) * x[:, None, None] / np.maximum(radius, 1e-6) * sin_i
    mean = (stars * speed).sum(-1) / np.maximum(light, 1e-300)
    spread = np.sqrt(np.maximum((stars * speed**2).sum(-1) / np.maximum(light, 1e-300) - mean**2, 0))
    at = 35 * np.sqrt(np.abs(u) / span_u), 35 + 35 * np.sign(v) * np.sqrt(np.abs(v) / span_v)
    column = dust.sum(-1)
    tables = (
        np.log(np.maximum(light, 1e-200)),
        np.log(np.maximum(column / column.max(), 1e-200)),
        before / before.max(),
    )
    seen = [map_coordinates(table, at, order=1) for table in (*tables, mean, spread)]
    total = 4 * np.pi * length**2 * height
    return np.exp(seen[0]) / total, np.exp(seen[1]), seen[2], np.sign(u) * seen[3], seen[4]
