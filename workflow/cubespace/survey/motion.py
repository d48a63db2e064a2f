"""Motions of stars and gas in a mock galaxy: line-of-sight velocities and dispersions."""

import numpy as np

from cubespace.survey.profiles import rough

STREAMING = {
    "E": 6.0,
    "S0": 6.0,
    "I": 9.0,
    "BCD": 9.0,
}  # [km/s] random motions of the gas over 0.25 Re; 5 elsewhere


def slow_rotator(row, rng):
    """Is this elliptical a slow rotator? Round and massive ones mostly are (Emsellem et al. 2011; Cappellari
    2016)."""
    round_one = float(row["axis_ratio"]) > 0.6
    chance = 0.05 + 0.75 / (1 + np.exp(-(float(row["log_mass"]) - 11.1) / 0.15))
    return bool(rng.uniform() < chance and round_one)


def turn_radius(re, rng):
    """Radius at which the rotation curve flattens [arcsec]."""
    return float(rng.uniform(0.2, 0.45)) * re


def motions(kind, row, frame, scale, turn, rng, slow=False, edge=0.0, side_on=None):
    """Velocities and dispersions (ny, nx) [km/s]: stars, gas, their dispersions.

    Rotation is vmax tanh(R / turn) (Andersen & Bershady 2013), rising on in low-mass discs and falling in
    massive ones; the stars lag by the asymmetric drift, v*^2 = v^2 - sigma^2 R / h (Binney & Tremaine 2008,
    eq. 4.228, constant thickness and anisotropy). The kinematic axis is twisted outwards (warp) and the disc
    lopsided a little; gas of early types may be tilted against the stars or counter-rotate. Where the disc is
    seen edge-on, what is seen is the mean along the line of sight (side_on: rotation and its spread in units
    of vmax). Fast rotating ellipticals follow V / sigma = 0.8 sqrt(e / (1 - e)); slow rotators have next to
    no rotation, and two in five a core that turns on its own.
    """
    vmax, sigma0, re = float(row["vmax"]), float(row["sigma_cen"]), frame.re
    u, v, plane = frame.u, frame.v, frame.plane
    spheroid, early = kind.name == "E", kind.name in ("E", "S0")
    sin_i = np.sqrt(1 - frame.cos_i**2)
    offset = np.hypot(u, v)
    in_plane = np.maximum(offset if spheroid else np.hypot(*plane), 1e-6)
    floor = np.clip(0.22 * vmax, 12, 60) * np.exp(-in_plane / (4 * re))
    if early:
        slope = -0.06 if spheroid else -0.2
        dispersion = sigma0 * (np.maximum(offset, 0.1 * re) / (0.2 * re)) ** slope
    else:
        dispersion = np.sqrt(floor**2 + np.maximum(sigma0**2 - floor**2, 100) * np.exp(-2.5 * offset / re))
    twist = np.deg2rad(rng.normal(0, 7)) * np.clip(in_plane / re - 1, 0, 2)
    tilt = float(rng.normal(0, 12 if early else 2.5))
    if early and rng.uniform() < 0.25:
        tilt += float(rng.uniform(40, 180))
    sense = float(rng.choice((-1.0, 1.0)))
    outwards = 1 + np.clip(0.06 * (10.3 - float(row["log_mass"])), -0.05, 0.12) * (
        np.minimum(in_plane / re, 3) - 1.5
    )
    lopsided = 1 + rng.normal(0, 0.04) * np.cos(
        np.arctan2(plane[1], plane[0]) - rng.uniform(0, 6.28)
    ) * np.minimum(in_plane / re, 2)
    curve = np.tanh(in_plane / turn) * outwards * lopsided

    def project(speed, angle):
        cosine = (plane[0] * np.cos(angle) + plane[1] * np.sin(angle)) / np.maximum(np.hypot(*plane), 1e-6)
        return speed * sin_i * cosine

    circular = vmax * curve
    gas = project(circular, twist + np.deg2rad(tilt))
    if spheroid:
        flat = 1 - float(row["axis_ratio"])
        ordered = (
            0.04 * sigma0
            if slow
            else float(np.clip(0.8 * sigma0 * np.sqrt(flat / (1 - flat)), 0.12 * sigma0, 260))
        )
        angle = np.arctan2(v, u) - (float(rng.uniform(0, 6.28)) if slow else 0.0) - twist
        stars = ordered * np.tanh(offset / turn) * np.cos(angle)
        core, apart = rng.uniform(0.2, 0.4) * re, rng.uniform(0, 6.28)
        if slow and rng.uniform() < 0.4:
            stars = stars + 0.24 * sigma0 * (offset / core) * np.exp(
                0.5 - 0.5 * (offset / core) ** 2
            ) * np.cos(np.arctan2(v, u) - apart)
    else:
        lag = (
            0.5 * np.minimum(dispersion, 0.5 * vmax) ** 2 * in_plane / scale * np.exp(-in_plane / (3 * scale))
        )
        stars = project(np.sqrt(np.maximum(circular**2 - lag, (0.5 * circular) ** 2)), twist)
    if edge and side_on is not None:
        mean, spread = side_on
        drift = 0.93 if not early else 0.85
        gas, stars = (1 - edge) * gas + edge * vmax * mean, (1 - edge) * stars + edge * drift * vmax * mean
        dispersion = np.hypot(dispersion, edge * vmax * spread)
    stars = sense * stars + 3 * rough(rng, u.shape, 0.5 * re / frame.fine)
    gas = sense * gas + STREAMING.get(kind.name, 5.0) * rough(rng, u.shape, 0.25 * re / frame.fine)
    gas_dispersion = np.full(u.shape, float(rng.uniform(18, 30))) + 0.35 * sigma0 * np.exp(
        -offset / (0.3 * re)
    )
    if edge and side_on is not None:
        gas_dispersion = np.hypot(gas_dispersion, 0.6 * edge * vmax * side_on[1])
    if int(row["agn"]):
        gas_dispersion = gas_dispersion + 120 * np.exp(-0.5 * (offset / 1.5) ** 2)
    return stars, gas, np.clip(dispersion, 15, 400), np.clip(gas_dispersion, 15, 350)
