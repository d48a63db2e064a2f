"""Positions on the sky."""

import re

import numpy as np

EDGE = 1e-9  # relative; a limit on a separation is inside
_PARTS = re.compile(r"([+-]?)\s*(\d+)\s*([:hd°\s])\s*(\d+)\s*(?:[:m'′\s]\s*(\d+(?:\.\d*)?)\s*[s\"″]?)?")


def unit_vectors(ra, dec):
    """(..., 3) unit vectors of positions in degrees."""
    ra, dec = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def chord(degrees):
    """Distance of two unit vectors that are `degrees` apart, with a hair's breadth for rounding."""
    return 2.0 * np.sin(np.radians(np.minimum(degrees, 180.0)) / 2.0) * (1.0 + EDGE)


def separation(ra1, dec1, ra2, dec2):
    """Angle between positions in degrees [arcsec], same shape as the input; nan where a position is missing."""
    apart = np.linalg.norm(unit_vectors(ra1, dec1) - unit_vectors(ra2, dec2), axis=-1)
    return np.degrees(2.0 * np.arcsin(np.clip(apart / 2.0, 0.0, 1.0))) * 3600.0


def sexagesimal(text, right_ascension):
    """Degrees of '12 34 56.7', '12:34:56.7', '12h34m56.7s' or '12d34m56.7s'; None of a text that is no such angle.

    The first number of a right ascension is hours, unless a mark says degrees. 60 minutes, more than 60 seconds (60.0 comes
    by rounding), 24 hours, and a declination in hours or beyond a pole are no angles.
    """
    match = _PARTS.fullmatch(str(text).strip().replace("\u2212", "-"))
    if not match:
        return None
    sign, first, mark, minutes, seconds = match.groups()
    minutes, seconds = int(minutes), float(seconds or 0.0)
    value = int(first) + minutes / 60.0 + seconds / 3600.0
    hours = right_ascension and mark not in "d°"
    possible = int(first) < (24 if hours else 360) if right_ascension else value <= 90.0 and mark != "h"
    if minutes >= 60 or seconds > 60 or not possible:
        return None
    return (-1.0 if sign == "-" else 1.0) * value * (15.0 if hours else 1.0)


def degrees(column, right_ascension):
    """The sexagesimal cells of a `Series` as numbers in degrees, and a `Series` that is true there; others as they are."""
    parsed = column.map(lambda cell: sexagesimal(cell, right_ascension) if isinstance(cell, str) else None)
    found = parsed.notna()
    return column.where(~found, parsed), found


def joined(parts):
    """List of texts 'sign first minutes seconds', None where one lacks, from a frame of the parts: RAh RAm RAs, or DE- DEd DEm DEs."""
    rows = [[None if cell is None or cell != cell else _plain(cell) for cell in row] for row in parts.astype(object).to_numpy().tolist()]
    signed = len(parts.columns) == 4 or any(row[0] in ("-", "+") for row in rows)
    signs = [(row[0] or "") if signed else "" for row in rows]
    numbers = [row[1:] if signed else row for row in rows]
    return [None if None in cells else sign + " ".join(cells) for sign, cells in zip(signs, numbers, strict=True)]


def _plain(cell):
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip().replace("\u2212", "-")
