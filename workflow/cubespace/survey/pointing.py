"""Two galaxies in one pointing: both cubes are cut from the same observation, so each shows the light of the
other."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.survey.instrument import frame
from cubespace.survey.spectrum import luminosity_distance
from cubespace.survey.structure import FINE

# [arcsec] between the nuclei: nearer ones are no two galaxies, farther ones do not fit into one field
NEAREST, FARTHEST = 3.0, 55.0


def companion_name(path, row):
    """Name of the other galaxy of the pointing of `row` in a truth table (CSV), or None.

    Raises CubespaceError: more than two galaxies share the pointing.
    """
    with Path(path).open(newline="", encoding="utf-8") as lines:
        names = [r["galaxy"] for r in csv.DictReader(lines) if r["pointing"] == row["pointing"]]
    others = [name for name in names if name != row["galaxy"]]
    if len(others) > 1:
        raise CubespaceError(
            f"{path}: pointing {row['pointing']}: found {len(names)} galaxies, at most 2 can share a field"
        )
    return others[0] if others else None


def offset(row, companion):
    """(y, x) of the companion from the galaxy, in fine pixels: north is up, east is at smaller x."""
    east = (float(companion["ra"]) - float(row["ra"]) + 180.0) % 360.0 - 180.0
    x = -east * np.cos(np.radians(float(row["dec"]))) * 3600.0 / FINE
    return (float(companion["dec"]) - float(row["dec"])) * 3600.0 / FINE, x


def in_one_field(row, companion):
    """Whether the two fit into one field; CubespaceError if they are at the same place."""
    apart = float(np.hypot(*offset(row, companion))) * FINE
    if apart < NEAREST:
        raise CubespaceError(
            f"{row['galaxy']} and {companion['galaxy']}: found {apart:.1f} arcsec between them, expected at least {NEAREST:g}"
        )
    return apart <= FARTHEST


def fields(row, companion, pixel_arcsec):
    """The frame of the pointing, with its centre on the nucleus of `row`, and with its centre on that of
    `companion` (None: the galaxy is alone; returns its frame and None). Two galaxies lie to both sides of the
    middle of a field, which is drawn with the seed of the first one by name."""
    one = frame(pixel_arcsec, np.random.default_rng([observer(row, companion), 0]))
    if companion is None:
        return one, None
    first, second = sorted((row, companion), key=lambda r: r["galaxy"])
    half = np.array(offset(first, second)) / 2
    if row is second:
        half = -half
    return replace(one, centre=tuple(np.array(one.centre) - half)), replace(
        one, centre=tuple(np.array(one.centre) + half)
    )


def observer(row, companion):
    """The seed of the observation: that of the first galaxy by name."""
    return int(min((row, companion or row), key=lambda r: r["galaxy"])["seed"])


def outshone(maps, other):
    """Bool (ny, nx): pixels where the galaxy of `other` is brighter at 5600-5800 A than that of `maps`; both
    in the same frame."""

    def flux(one):
        z, scale = one.header["redshift"], one.header["kpc_arcsec"]
        return one.observed_light / (luminosity_distance(z, scale) ** 2 * (1 + z))

    return maps.inside & (flux(other) > flux(maps))
