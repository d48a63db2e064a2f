"""Where the light, the star formation, the dust and the motions of a mock galaxy are: pure geometry, before
populations.

Maps are on the fine grid (FINE arcsec), axes (y, x) = (north, west), before the seeing. Light is that at
5600-5800 A without dust. Discs are exponential with a thickness of a fifth of their length (Hubble's q0 =
0.2), bulges are Sersic spheroids, arms are logarithmic spirals (pitch by type, Savchenko & Reshetnikov
2013), HII regions are Poisson sources with the luminosity function N(L) ~ L^-1.8 of Kennicutt, Edgar & Hodge
(1989).
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import gamma, gammainc, gammaincinv, i0, k1

FINE = 0.5  # [arcsec]
DISC_THICKNESS, BULGE_THICKNESS = 0.2, 0.65
LF_SLOPE, LF_RANGE = 1.8, 150.0
# by type: bulge Re over disc scale length; pitch angle [deg]; number of HII regions; share of star formation
# that is diffuse (0.59 +- 0.19 of Ha, less in starbursts: Oey et al. 2007, ApJ 661, 801); contrast of the
# arms (von Mises kappa); rotation of stars over that of gas; star formation missing within this radius [Re]
TYPES = {
    "E": (1.00, 0, 0, 1.00, 0.0, 1.00, 0.0),
    "S0": (0.55, 0, 25, 0.75, 0.0, 0.85, 0.0),
    "Sa": (0.45, 10, 150, 0.65, 1.6, 0.88, 0.5),
    "Sb": (0.35, 15, 240, 0.60, 2.2, 0.92, 0.35),
    "Sc": (0.30, 20, 380, 0.55, 2.4, 0.95, 0.1),
    "Sd": (0.25, 26, 300, 0.55, 1.8, 0.97, 0.0),
    "I": (0.40, 0, 100, 0.50, 0.0, 0.95, 0.0),
    "BCD": (0.40, 0, 35, 0.40, 0.0, 0.95, 0.0),
}


@dataclass
class Structure:
    """Maps (ny, nx) on the fine grid, before the seeing.

    light: relative luminosity; star_formation: relative; dust: Av over its value near Re; mixed: weight of
    the edge-on dust lane, in which part of the stars lie in front; radius: elliptical [Re]; offset: distance
    from the nucleus [arcsec]; velocity, gas_velocity, dispersion, gas_dispersion [km/s]; outside: share of
    the model's light beyond the grid.
    """

    light: np.ndarray
    star_formation: np.ndarray
    dust: np.ndarray
    mixed: np.ndarray
    radius: np.ndarray
    offset: np.ndarray
    velocity: np.ndarray
    gas_velocity: np.ndarray
    dispersion: np.ndarray
    gas_dispersion: np.ndarray
    outside: float
    notes: dict = field(default_factory=dict)


def sersic(radius, n):
    """Sersic profile of unit total light in circular radius / Re (Graham & Driver 2005)."""
    b = gammaincinv(2 * n, 0.5)
    total = 2 * np.pi * n * b ** (-2 * n) * gamma(2 * n)
    return np.exp(-b * radius ** (1 / n)) / total


def sersic_within(radius, n):
    """Share of a Sersic profile's light within radius / Re."""
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
    noise = gaussian_filter(rng.standard_normal(shape), max(size, 0.3), mode="wrap")
    return (noise - noise.mean()) / noise.std()


def build(row, shape, centre, seed, stretch=1.0):
    """Lay out one galaxy.

    row: mapping with the columns of the truth table (re_arcsec, axis_ratio, position_angle, bulge_fraction,
    sersic_n, bar, n_arms, vmax, sigma_cen, morphology, re_kpc, agn); shape (ny, nx) of the fine grid; centre
    (y, x) of the nucleus in fine pixels; seed: for np.random.default_rng; stretch: factor on the sizes of
    bulge and disc, to correct Re. Returns `Structure`.
    """
    rng = np.random.default_rng(seed)
    kind = row["morphology"]
    bulge_over_length, pitch, n_regions, diffuse, contrast, drift, hole = TYPES[kind]
    re, q, n = (
        float(row["re_arcsec"]),
        float(np.clip(row["axis_ratio"], 0.08, 1)),
        float(np.clip(row["sersic_n"], 0.5, 6)),
    )
    share = float(np.clip(row["bulge_fraction"], 0, 1))
    u, v = _along_axes(shape, centre, float(row["position_angle"]))
    spheroid = kind == "E"
    cos_i = inclination(q) if not spheroid else q
    sin_i = np.sqrt(1 - cos_i**2)
    radius = np.hypot(u, v / q)
    scale = disc_length(share, n, bulge_over_length) * re * stretch

    # bulge: an oblate spheroid seen at the disc's inclination; ellipticals carry their own axis ratio,
    # slightly boxy or discy
    q_bulge = q if spheroid else np.sqrt(BULGE_THICKNESS**2 + (1 - BULGE_THICKNESS**2) * cos_i**2)
    power = 2 + (rng.normal(0, 0.12) if spheroid else 0.0)
    bulge_re = (
        bulge_over_length * scale * np.sqrt(q / q_bulge)
    )  # same area within Re as an ellipse of axis ratio q
    soft = (np.abs(u) ** power + np.abs(v / q_bulge) ** power + 0.2**power) ** (1 / power)
    bulge = sersic(soft / bulge_re, n) / (bulge_re**2 * q_bulge)

    # disc, in the plane (x, y): inclined sheet blending into an edge-on one (van der Kruit & Searle 1981)
    edge = float(np.clip((0.34 - q) / 0.12, 0, 1)) if not spheroid else 0.0
    height = max(0.8 * q * scale, 0.35)
    sheet = np.exp(-radius / scale) / (2 * np.pi * scale**2 * q)
    x = np.maximum(np.abs(u), 0.25) / scale
    slab = x * k1(x) / np.cosh(v / height) ** 2 / (2 * np.pi * scale * height)
    disc = (1 - edge) * sheet + edge * slab
    thin = max(cos_i, 0.08)
    plane = (u, v / thin)
    bar_length = float(rng.uniform(0.45, 0.85)) * re
    arms, old_arms = _arms(row, plane, scale, re, pitch, contrast, bar_length, rng, shape)
    if kind in ("I", "BCD"):  # lopsided, patchy
        lop = 1 + 0.35 * np.tanh((plane[0] * np.cos(t := rng.uniform(0, 6.28)) + plane[1] * np.sin(t)) / re)
        old_arms = old_arms * np.clip(lop * np.exp(0.30 * rough(rng, shape, 0.20 * re / FINE)), 0.2, 4)
    arms_seen = (1 - edge) * old_arms + edge
    disc = disc * arms_seen
    if int(row["bar"]):
        angle = rng.uniform(0, np.pi)
        bar_u = plane[0] * np.cos(angle) + plane[1] * np.sin(angle)
        bar_v = -plane[0] * np.sin(angle) + plane[1] * np.cos(angle)
        bar = np.exp(-((bar_u / bar_length) ** 4) - 0.5 * (bar_v / (0.22 * bar_length)) ** 2)
        total = disc.sum()
        disc = (
            disc * (1 - 0.12) + bar * (0.12 * total / max(bar.sum(), 1e-9)) * (1 - edge) + disc * 0.12 * edge
        )
    light = (share * bulge + (1 - share) * disc) * FINE**2
    reach = max(np.abs(u).max(), np.abs(v).max())
    outside = float(np.clip(1 - light.sum(), 0.0, 0.6)) if reach < 12 * re else 0.0

    layer = np.exp(-np.abs(u) / scale) / np.cosh(v / (0.45 * height)) ** 2
    sf = _star_formation(
        row, plane, u, v, thin, arms, scale, re, n_regions, diffuse, hole, (edge, layer), centre, rng
    )
    dust = np.exp(-0.3 * (np.minimum(radius / re, 3) - 1)) * np.exp(0.20 * rough(rng, shape, 1.2 / FINE))
    if contrast:
        pattern = np.clip(0.75 + 0.25 * arms, 0.5, 2.0) * (
            1 + 0.35 * sin_i * np.tanh(v / (0.5 * re * thin + 1))
        )
        dust *= (1 - edge) * pattern + edge
    lane = np.zeros(shape)
    if edge and kind not in ("E", "I", "BCD"):  # a thin mid-plane lane, a little off the ridge
        lane = (
            edge
            * np.exp(-0.5 * ((v - 0.15 * height) / (0.28 * height + 0.40)) ** 2)
            * np.exp(-np.abs(u) / (2.2 * scale))
        )
        dust = dust * (1 - 0.6 * edge + 4.0 * lane)
    motion = _motion(row, u, v, plane, re, cos_i if not spheroid else 0.0, drift, rng, shape)
    offset = np.hypot(u, v)
    notes = {"disc_length": scale, "bulge_re": bulge_re, "edge": edge, "cos_i": cos_i, "height": height}
    return Structure(light, sf, dust, lane, radius / re, offset, *motion, outside, notes)


def _along_axes(shape, centre, position_angle):
    """Offsets [arcsec] along the major and the minor axis; east is at smaller x, position angle from north
    to east."""
    y, x = np.indices(shape, dtype=float)
    north, east = (y - centre[0]) * FINE, -(x - centre[1]) * FINE
    pa = np.deg2rad(position_angle)
    return north * np.cos(pa) + east * np.sin(pa), -north * np.sin(pa) + east * np.cos(pa)


def _arms(row, plane, scale, re, pitch, contrast, bar_length, rng, shape):
    """Density of young (first) and old (second) stars over the smooth disc's; each about 1 on average."""
    flocculent = rough(rng, shape, max(0.10 * re, 0.8) / FINE)
    if not contrast:
        return np.exp(0.3 * flocculent), np.ones(shape)
    number, radius, angle = int(row["n_arms"]), np.hypot(*plane), np.arctan2(plane[1], plane[0])
    young = np.ones(shape)
    if number:
        wound = np.log(np.maximum(radius, 0.05 * re) / re) / np.tan(
            np.deg2rad(pitch * np.exp(rng.normal(0, 0.2)))
        )
        wiggle = 0.35 * rough(rng, shape, 0.5 * re / FINE)
        phase = number * (rng.choice((-1, 1)) * angle - wound) + rng.uniform(0, 6.28) + wiggle
        inner = 1 / (1 + np.exp(-(radius - (bar_length if int(row["bar"]) else 0.3 * re)) / (0.12 * re)))
        lopsided = np.clip(1 + rng.normal(0, 0.25) * np.cos(angle - rng.uniform(0, 6.28)), 0.3, 1.8)
        wave = np.exp(contrast * np.cos(phase)) / i0(contrast)
        young = 1 + inner * (wave * lopsided - 1)
    else:
        flocculent = 1.6 * flocculent
    young = young * np.exp(0.45 * flocculent - 0.1)
    return np.maximum(young, 0.03), np.maximum(1 + 0.28 * (np.minimum(young, 4) - 1), 0.4)


def _star_formation(row, plane, u, v, thin, arms, scale, re, n_regions, diffuse, hole, side_on, centre, rng):
    """Diffuse + HII regions, unit sum; regions are drawn in the plane of the disc and projected with a thin
    layer's height."""
    kind, shape = row["morphology"], u.shape
    length = (
        scale
        * {"E": 0.6, "S0": 0.7, "Sa": 1.25, "Sb": 1.15, "Sc": 1.05, "Sd": 1.0, "I": 0.9, "BCD": 0.45}[kind]
    )
    radius = np.hypot(*plane)
    smooth = np.exp(-radius / length) * arms
    kept = 1 - np.exp(-((radius / (hole * re)) ** 2)) if hole else np.ones(shape)
    edge, layer = side_on
    smooth = smooth * kept
    smooth = (1 - edge) * smooth / smooth.sum() + edge * layer / layer.sum()
    number = int(rng.poisson(n_regions))
    if kind == "BCD":
        away = rng.normal(0, 0.25 * re, 2)
    x = rng.gamma(2.0, length, 6 * number + 60)
    turn = rng.uniform(0, 2 * np.pi, x.size)
    px, py = x * np.cos(turn), x * np.sin(turn)
    if kind == "BCD":
        px, py = 0.6 * px + away[0], 0.6 * py + away[1]
    elif kind == "I":  # associations: regions gather around a few seeds
        seeds = rng.integers(0, 7, x.size)
        px, py = 0.45 * px + px[seeds] * 0.9, 0.45 * py + py[seeds] * 0.9
    qu, qv = px, py * thin + rng.normal(0, 0.05 * scale * np.sqrt(1 - thin**2) + 0.05, x.size)
    along, across = (
        (u[0, 1] - u[0, 0]) / FINE,
        (v[0, 1] - v[0, 0]) / FINE,
    )  # orthonormal: rows of the rotation
    up, upv = (u[1, 0] - u[0, 0]) / FINE, (v[1, 0] - v[0, 0]) / FINE
    col = centre[1] + (qu * along + qv * across) / FINE
    line = centre[0] + (qu * up + qv * upv) / FINE
    inside = (line > 0) & (line < shape[0] - 1) & (col > 0) & (col < shape[1] - 1)
    at = np.rint(line[inside]).astype(int), np.rint(col[inside]).astype(int)
    density = (arms * kept)[at]
    accepted = np.flatnonzero(
        rng.uniform(size=density.size) < density / max(np.quantile(density, 0.98), 1e-9)
    )[:number]
    power = 1 - LF_SLOPE
    luminosity = (1 + rng.uniform(size=number) * (LF_RANGE**power - 1)) ** (1 / power)
    regions = np.zeros(shape)
    per_arcsec = float(row["re_kpc"]) / re
    for low, high in (
        (0.0, 5.0),
        (5.0, 40.0),
        (40.0, np.inf),
    ):  # larger regions are brighter (about 50 pc L^0.3)
        chosen = (luminosity[: accepted.size] >= low) & (luminosity[: accepted.size] < high)
        if chosen.any():
            points = np.zeros(shape)
            np.add.at(
                points,
                (at[0][accepted[chosen]], at[1][accepted[chosen]]),
                luminosity[: accepted.size][chosen],
            )
            size = min(0.05 * float(np.median(luminosity[: accepted.size][chosen])) ** 0.3 / per_arcsec, 5.0)
            regions += gaussian_filter(points, size / FINE)
    if regions.sum() == 0:
        diffuse = 1.0
    return diffuse * smooth / smooth.sum() + (1 - diffuse) * regions / max(regions.sum(), 1e-12)


def _motion(row, u, v, plane, re, cos_i, drift, rng, shape):
    """Line-of-sight velocities and dispersions of stars and gas [km/s].

    Rotation vmax tanh(R / r_t) (Andersen & Bershady 2013) seen at inclination i; stars lag the gas
    (asymmetric drift), the kinematic axis may be twisted, gas in early types may be tilted against the
    stars, and both have small random streaming.
    """
    kind, vmax, sigma0 = row["morphology"], float(row["vmax"]), float(row["sigma_cen"])
    turn = float(rng.uniform(0.2, 0.45)) * re
    sin_i = np.sqrt(1 - cos_i**2)
    in_plane = np.hypot(*plane) if kind != "E" else np.hypot(u, v)
    twist = np.deg2rad(rng.normal(0, 6)) * np.clip(in_plane / re - 1, 0, 2)

    def rotation(speed, tilt):
        cosine = (plane[0] * np.cos(tilt) + plane[1] * np.sin(tilt)) / np.maximum(np.hypot(*plane), 1e-6)
        return speed * np.tanh(in_plane / turn) * sin_i * cosine

    early = kind in ("E", "S0")
    tilt = rng.normal(0, 12 if early else 2.5) + (
        rng.uniform(40, 180) if early and rng.uniform() < 0.25 else 0
    )
    sense = rng.choice((-1.0, 1.0))
    streaming = {"E": 6, "S0": 6, "I": 9, "BCD": 9}.get(kind, 5)
    stars = sense * rotation(vmax * drift, twist) + 3 * rough(rng, shape, 0.5 * re / FINE)
    gas = sense * rotation(vmax, twist + np.deg2rad(tilt)) + streaming * rough(rng, shape, 0.25 * re / FINE)
    floor = np.clip(0.22 * vmax, 15, 70) * np.exp(-in_plane / (4 * re))
    if early:
        dispersion = sigma0 * (np.maximum(np.hypot(u, v), 0.1 * re) / (0.2 * re)) ** (
            -0.08 if kind == "E" else -0.25
        )
    else:
        dispersion = np.sqrt(
            floor**2 + np.maximum(sigma0**2 - floor**2, 100) * np.exp(-2.5 * np.hypot(u, v) / re)
        )
    gas_dispersion = np.full(shape, float(rng.uniform(18, 30))) + 0.35 * sigma0 * np.exp(
        -np.hypot(u, v) / (0.3 * re)
    )
    if int(row["agn"]):
        gas_dispersion += 120 * np.exp(-0.5 * (np.hypot(u, v) / 1.5) ** 2)
    return stars, gas, np.clip(dispersion, 15, 400), np.clip(gas_dispersion, 15, 350)
