"""Patterns in the plane of a mock galaxy's disc: spiral arms, spurs and flocculence, rings, bars.

Arms are logarithmic spirals (pitch by type, Savchenko & Reshetnikov 2013), each with a pitch, strength, width
and length of its own: no two arms of a galaxy are alike.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import i0e

from cubespace.survey.profiles import rough

RING_CHANCE = {
    "S0": (0.30, 0.15),
    "Sa": (0.35, 0.20),
    "Sb": (0.30, 0.15),
    "Sbc": (0.15, 0.08),
}  # inner, outer; doubled / as is in bars


@dataclass
class Pattern:
    """Maps (ny, nx): young and old, density of young and of old stars over the smooth disc's, each about 1 on
    average; lanes, extra dust on the inner side of the arms; bar, light of a bar (peak 1), or None; rings:
    radii [Re] of the inner and the outer ring, 0 where there is none; arms: for each arm its (strength, pitch
    [deg])."""

    young: np.ndarray
    old: np.ndarray
    lanes: np.ndarray
    bar: np.ndarray | None
    rings: tuple
    arms: list


def pattern(kind, row, plane, re, fine, shape, rng):
    """Draw the pattern of one disc. kind: `structure.Kind`; plane: (x, y) in the disc [arcsec]; fine: pixel
    [arcsec]."""
    radius, angle = np.hypot(*plane), np.arctan2(plane[1], plane[0])
    log_r = np.log(np.maximum(radius, 0.05 * re) / re)
    sense = float(rng.choice((-1.0, 1.0)))
    bar_length = float(rng.uniform(0.45, 0.85)) * re
    bar_angle = float(rng.uniform(0, np.pi))
    bar, barred = _bar(plane, bar_length, bar_angle) if int(row["bar"]) else (None, None)
    flocculent = _sheared(rng, angle * sense, log_r, kind.pitch or 30.0)
    young, lanes, arms = np.ones(shape), np.zeros(shape), []
    if kind.contrast and int(row["n_arms"]):
        inner = bar_length if bar is not None else 0.25 * re
        start = bar_angle * sense if bar is not None else float(rng.uniform(0, 2 * np.pi))
        young, lanes, arms = _spiral(
            kind, int(row["n_arms"]), angle * sense, log_r, inner / re, start, rng, (shape, re / fine)
        )
        young = young * np.exp(0.40 * flocculent - 0.08)
    elif kind.contrast:
        young = np.exp(1.0 * flocculent - 0.5)
    else:
        young = np.exp(0.3 * rough(rng, shape, max(0.10 * re, 0.8) / fine))
    young = young * np.clip(
        1 + rng.normal(0, 0.18) * np.cos(angle - rng.uniform(0, 6.28)) * np.minimum(radius / re, 2), 0.3, 2
    )
    old = np.maximum(1 + 0.28 * (np.minimum(young, 4) - 1), 0.4) if kind.contrast else np.ones(shape)
    rings = []
    for chance, low, high in zip(RING_CHANCE.get(kind.name, (0, 0)), (0.6, 1.8), (1.0, 2.4), strict=True):
        has = rng.uniform() < chance * (1.5 if bar is not None else 1.0)
        size = bar_length / re if low < 1 and bar is not None else float(rng.uniform(low, high))
        width, boost, oval = rng.uniform(0.08, 0.14), rng.uniform(2.5, 6.0), rng.uniform(0.8, 1.0)
        rings.append(size if has else 0.0)
        if has:
            x, y = _turned(plane, bar_angle)
            ring = np.exp(-0.5 * ((np.hypot(x, y / oval) / re - size) / (width * size)) ** 2)
            patchy = np.exp(0.4 * flocculent)
            young, old = young * (1 + boost * ring * patchy), old * (1 + 0.35 * ring)
    if bar is not None:  # the bar has swept its region; gas flows along lanes on its leading sides
        young = young * (1 - 0.75 * barred)
        x, y = _turned(plane, bar_angle)
        lane = np.exp(
            -0.5
            * ((y - sense * 0.12 * bar_length * np.tanh(4 * x / bar_length)) / (0.05 * bar_length + 0.3)) ** 2
        )
        lanes = lanes + 1.2 * lane * (np.abs(x) < bar_length) * np.minimum(np.abs(x) / (0.2 * bar_length), 1)
    return Pattern(np.maximum(young, 0.03), old, lanes, bar, tuple(rings), arms)


def _turned(plane, angle):
    return plane[0] * np.cos(angle) + plane[1] * np.sin(angle), -plane[0] * np.sin(angle) + plane[1] * np.cos(
        angle
    )


def _bar(plane, length, angle):
    """Light of the bar (boxy ellipse with a flat profile, Freeman 1966) and the region it sweeps."""
    x, y = _turned(plane, angle)
    box = ((np.abs(x) / length) ** 2.5 + (np.abs(y) / (0.30 * length)) ** 2.5) ** (1 / 2.5)
    return np.sqrt(np.clip(1 - box**2, 0, 1)) * np.exp(-0.5 * box), np.exp(
        -((np.hypot(x, y / 0.75) / (0.9 * length)) ** 6)
    )


def _spiral(kind, number, angle, log_r, inner, start, rng, scales):
    """Young stars, dust lanes and (strength, pitch) of each arm."""
    shape, re_pixels = scales
    wiggle = 0.16 * rough(rng, shape, 0.45 * re_pixels)
    young, lanes, arms = np.zeros(shape), np.zeros(shape), []
    main = kind.pitch * np.exp(rng.normal(0, 0.18))
    fork = np.sin(
        rng.uniform(8, 16) * log_r + 7.0 * angle + rng.uniform(0, 6.28)
    )  # spurs: fast-winding feathers
    for k in range(number):
        pitch = float(np.clip(main * np.exp(rng.normal(0, 0.12)), 6, 45))
        strength = float(np.exp(rng.normal(0, 0.30)))
        kappa = 0.75 * kind.contrast * number**2 * np.exp(rng.normal(0, 0.25))
        begin, end = np.log(inner) + rng.normal(0, 0.08), np.log(rng.uniform(1.5, 3.0))
        phase = (
            angle
            - log_r / np.tan(np.deg2rad(pitch))
            - start
            - 2 * np.pi * k / number
            - rng.normal(0, 0.18)
            + wiggle
        )
        extent = 1 / (1 + np.exp(-(log_r - begin) / 0.10)) / (1 + np.exp((log_r - end) / 0.20))
        crest = np.exp(kappa * (np.cos(phase) - 1)) / i0e(kappa)
        spur = np.exp(3 * (np.cos(phase - 0.55) - 1)) * np.clip(fork, 0, 1) ** 2
        young += strength * extent * (crest / number + 0.9 * spur)
        lanes += strength * extent * np.exp(2 * kappa * (np.cos(phase + 0.6 / np.sqrt(kappa)) - 1))
        arms.append((strength, pitch))
    # outside the arms' reach the disc is smooth; between them a fifth of the mean is left
    there = 1 / (1 + np.exp(-(log_r - np.log(inner)) / 0.10))
    return (1 - there) + there * (0.15 + young), lanes, arms


def _sheared(rng, angle, log_r, pitch):
    """Random patches drawn out along spirals, unit variance: differential rotation shears what
    self-propagating star formation lights up."""
    turns, rings = 96, 80
    table = gaussian_filter(rng.standard_normal((rings, turns)), (1.3, 1.6), mode="wrap")
    table = (table - table.mean()) / table.std()
    wound = angle - log_r / np.tan(np.deg2rad(min(1.3 * pitch, 50.0)))
    return map_coordinates(
        table, (12 * log_r % rings, wound / (2 * np.pi) * turns % turns), order=1, mode="grid-wrap"
    )
