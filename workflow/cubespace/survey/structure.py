"""Where the light, the star formation, the dust and the motions of a mock galaxy are: pure geometry, before
populations.

Maps are on the fine grid (FINE arcsec), axes (y, x) = (north, west), before the seeing. Light is that at
5600-5800 A without dust. Discs are exponential and of finite thickness, bulges are Sersic spheroids; arms,
rings and bars are those of `arms`, HII regions those of `regions`, velocities those of `motion`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cubespace.survey.arms import pattern
from cubespace.survey.motion import motions, slow_rotator, turn_radius
from cubespace.survey.profiles import disc_length, inclination, rough, sersic, thick_disc
from cubespace.survey.regions import star_formation

FINE = 0.5  # [arcsec]
BULGE_THICKNESS = 0.65


class Kind(NamedTuple):
    """What distinguishes a type: bulge Re over disc scale length; pitch angle [deg]; mean number of HII
    regions; share of star formation that is diffuse (0.59 +- 0.19 of Ha, less in starbursts: Oey et al. 2007,
    ApJ 661, 801); contrast of the arms (von Mises kappa); star formation missing within this radius [Re];
    thickness of the disc, height of sech^2 over length (Comeron et al. 2011: thicker at both ends of the
    sequence); length of star formation over that of the disc; share of the disc's light in knots of young
    stars."""

    name: str
    bulge: float
    pitch: float
    regions: float
    diffuse: float
    contrast: float
    hole: float
    thickness: float
    young: float
    knots: float


KINDS = {
    kind.name: kind
    for kind in (
        Kind("E", 1.00, 0, 0, 1.00, 0.0, 0.0, 0.30, 0.60, 0),
        Kind("S0", 0.55, 0, 25, 0.75, 0.0, 0.0, 0.26, 0.70, 0),
        Kind("Sa", 0.45, 10, 150, 0.65, 1.6, 0.5, 0.22, 1.25, 0.01),
        Kind("Sb", 0.35, 14, 240, 0.60, 2.1, 0.35, 0.18, 1.15, 0.02),
        Kind("Sbc", 0.32, 17, 320, 0.57, 2.4, 0.25, 0.16, 1.10, 0.03),
        Kind("Sc", 0.30, 20, 380, 0.55, 2.4, 0.1, 0.14, 1.05, 0.04),
        Kind("Sd", 0.25, 26, 300, 0.55, 1.8, 0.0, 0.13, 1.00, 0.07),
        Kind("I", 0.40, 0, 100, 0.50, 0.0, 0.0, 0.25, 0.90, 0.15),
        Kind("BCD", 0.40, 0, 35, 0.40, 0.0, 0.0, 0.35, 0.45, 0.30),
    )
}


def kind_of(row):
    """The `Kind` of a row: its bin, but Sbc where the detailed type says so."""
    return KINDS["Sbc" if row.get("morphology_detail") == "Sbc" else row["morphology"]]


@dataclass
class Frame:
    """Offsets [arcsec] of the pixels along the major (u) and the minor axis (v), deprojected ones (plane),
    and the geometry: cos_i, thin (scale of v in the plane), re, fine [arcsec], centre (y, x) [pixels]."""

    u: np.ndarray
    v: np.ndarray
    plane: tuple
    cos_i: float
    thin: float
    re: float
    fine: float
    centre: tuple

    def pixels(self, along, across):
        """Row and column of offsets [arcsec] along the two axes."""
        u, v = self.u, self.v  # orthonormal: rows of the rotation
        column = self.centre[1] + (along * (u[0, 1] - u[0, 0]) + across * (v[0, 1] - v[0, 0])) / self.fine**2
        row = self.centre[0] + (along * (u[1, 0] - u[0, 0]) + across * (v[1, 0] - v[0, 0])) / self.fine**2
        return row, column


@dataclass
class Structure:
    """Maps (ny, nx) on the fine grid, before the seeing.

    light: relative luminosity; star_formation: relative; dust: Av over its value near Re; mixed: weight of
    the edge-on dust lane, in which part of the stars lie in front; radius: elliptical [Re]; offset: distance
    from the nucleus [arcsec]; velocity, gas_velocity, dispersion, gas_dispersion [km/s]; outside: share of
    the model's light beyond the grid; notes: what was drawn (kind, disc_length, bulge_re, edge, cos_i,
    height, slow_rotator, rings, arms, regions).
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


def build(row, shape, centre, seed, stretch=1.0, moving=True):
    """Lay out one galaxy.

    row: mapping with the columns of the truth table (re_arcsec, axis_ratio, position_angle, bulge_fraction,
    sersic_n, bar, n_arms, vmax, sigma_cen, log_mass, morphology, morphology_detail, re_kpc, agn); shape (ny,
    nx) of the fine grid; centre (y, x) of the nucleus in fine pixels; seed: for np.random.default_rng;
    stretch: factor on the sizes of bulge and disc, to correct Re; moving: False leaves all velocities zero,
    the rest is the same. Returns `Structure`.
    """
    rng = np.random.default_rng(seed)
    kind = kind_of(row)
    spheroid, re = kind.name == "E", float(row["re_arcsec"])
    q, n = float(np.clip(row["axis_ratio"], 0.08, 1)), float(np.clip(row["sersic_n"], 0.5, 6))
    share = float(np.clip(row["bulge_fraction"], 0, 1))
    scale = disc_length(share, n, kind.bulge) * re * stretch
    slow = spheroid and slow_rotator(row, rng)
    cos_i = q if spheroid else inclination(q, kind.thickness)
    # how far the disc is from an inclined sheet: fully a thick disc seen through where q < 0.33
    edge = 0.0 if spheroid else float(np.clip((0.45 - q) / 0.12, 0, 1))
    thin = max(cos_i, 0.08)
    u, v = _along_axes(shape, centre, float(row["position_angle"]))
    frame = Frame(u, v, (u, v / thin), 0.0 if spheroid else cos_i, thin, re, FINE, centre)
    radius = np.hypot(u, v / q)
    turn, height = turn_radius(re, rng), max(kind.thickness * scale, 0.3)
    drawn = pattern(kind, row, frame.plane, re, FINE, shape, rng)

    disc = np.exp(-radius / scale) / (2 * np.pi * scale**2 * q)
    lane, layer, side_on = np.zeros(shape), np.zeros(shape), None
    if edge:
        slab, layer, lane, *side_on = thick_disc(u, v, cos_i, scale, height, turn)
        layer = layer / (1 + (radius / (2.2 * re)) ** 4)  # stars form in the inner disc
        disc = (1 - edge) * disc + edge * slab
        lane = edge * np.minimum(1.5 * lane, 1.0) if kind.name not in ("I", "BCD") else np.zeros(shape)
    seen_through = (1 - edge) if edge else 1.0  # arms of an edge-on disc lie behind one another
    old = drawn.old
    if kind.name in ("I", "BCD"):
        old = old * _lopsided(frame, rng)
        seen_through = 1 - 0.5 * edge
    disc = disc * (seen_through * old + 1 - seen_through)
    if drawn.bar is not None:
        part = float(rng.uniform(0.10, 0.22)) * (1 - edge)
        disc = disc * (1 - part) + drawn.bar * (part * disc.sum() / max(drawn.bar.sum(), 1e-9))
    per_arcsec = float(row["re_kpc"]) / re
    forming, regions = star_formation(
        kind, frame, drawn.young, kind.young * scale, (edge, layer), per_arcsec, rng
    )
    if kind.knots:  # star clusters in the smooth light
        disc = disc * (1 - kind.knots) + forming * (kind.knots * disc.sum())
    light, bulge_re = _with_bulge(
        kind, disc, frame, (q, n, share, scale, cos_i), (slow, edge, drawn.bar is not None), rng
    )
    reach = max(np.abs(u).max(), np.abs(v).max())
    outside = float(np.clip(1 - light.sum(), 0.0, 0.6)) if reach < 12 * re else 0.0

    dust = np.exp(-0.3 * (np.minimum(radius / re, 3) - 1)) * np.exp(0.20 * rough(rng, shape, 1.2 / FINE))
    if kind.contrast:  # arms, their lanes, and the near side in front of the bulge
        sin_i = np.sqrt(1 - cos_i**2)
        near = 1 + 0.35 * sin_i * np.tanh(v / (0.5 * re * thin + 1))
        dust = dust * (
            (1 - edge) * np.clip(0.7 + 0.25 * drawn.young + 0.5 * drawn.lanes, 0.5, 2.5) * near + edge
        )
    if edge and kind.name not in ("I", "BCD"):
        dust = dust * (1 - 0.75 * edge + 3.5 * lane)
    velocities = np.zeros((4, *shape))
    if moving:
        velocities = motions(kind, row, frame, scale, turn, rng, slow, edge, side_on)
    notes = {
        "kind": kind.name, "disc_length": scale, "bulge_re": bulge_re, "edge": edge, "cos_i": cos_i, "height": height, "slow_rotator": slow,
        "rings": drawn.rings, "arms": drawn.arms, "regions": regions,
    }  # fmt: skip
    return Structure(light, forming, dust, lane, radius / re, np.hypot(u, v), *velocities, outside, notes)


def _along_axes(shape, centre, position_angle):
    """Offsets [arcsec] along the major and the minor axis; east is at smaller x, position angle from north
    to east."""
    y, x = np.indices(shape, dtype=float)
    north, east = (y - centre[0]) * FINE, -(x - centre[1]) * FINE
    pa = np.deg2rad(position_angle)
    return north * np.cos(pa) + east * np.sin(pa), -north * np.sin(pa) + east * np.cos(pa)


def _with_bulge(kind, disc, frame, geometry, shape_of, rng):
    """Disc + bulge, light per pixel: an oblate spheroid seen at the disc's inclination, boxy in edge-on bars;
    ellipticals carry their own axis ratio, slow rotators boxy and fast ones discy (Bender et al. 1989)."""
    q, n, share, scale, cos_i = geometry
    slow, edge, barred = shape_of
    spheroid = kind.name == "E"
    q_bulge = q if spheroid else np.sqrt(BULGE_THICKNESS**2 + (1 - BULGE_THICKNESS**2) * cos_i**2)
    power = 2 + ((0.12 if slow else -0.08) + rng.normal(0, 0.05) if spheroid else 0.7 * edge * barred)
    # same area within Re as an ellipse of axis ratio q
    bulge_re = kind.bulge * scale * np.sqrt(q / q_bulge)
    soft = (np.abs(frame.u) ** power + np.abs(frame.v / q_bulge) ** power + 0.2**power) ** (1 / power)
    bulge = sersic(soft / bulge_re, n) / (bulge_re**2 * q_bulge)
    return (share * bulge + (1 - share) * disc) * FINE**2, bulge_re


def _lopsided(frame, rng):
    """Irregulars and BCDs: one side brighter than the other, patches of 0.2 Re."""
    turn = rng.uniform(0, 6.28)
    side = 1 + 0.4 * np.tanh((frame.plane[0] * np.cos(turn) + frame.plane[1] * np.sin(turn)) / frame.re)
    patches = rough(rng, frame.u.shape, 0.20 * frame.re / FINE) + rough(
        rng, frame.u.shape, 0.08 * frame.re / FINE
    )
    return np.clip(side * np.exp(0.25 * patches), 0.2, 4)
