"""Positions on the sky."""

import re

import numpy as np

EDGE = 1e-9  # relative; a limit on a separation is inside
_PARTS = re.compile(r"([+-]?)\s*(\d+)\s*[:hd°\s]\s*(\d+)\s*(?:[:m'′\s]\s*(\d+(?:\.\d*)?)\s*[s\"″]?)?")


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


def sexagesimal(text, hours):
    """Degrees of '12 34 56.7', '12:34:56.7' or '12h34m56.7s' (hours for a right ascension), or None if it is not such a text."""
    match = _PARTS.fullmatch(str(text).strip().replace("\u2212", "-"))
    if not match:
        return None
    sign, first, minutes, seconds = match.groups()
    value = int(first) + int(minutes) / 60.0 + float(seconds or 0.0) / 3600.0
    return (-1.0 if sign == "-" else 1.0) * value * (15.0 if hours else 1.0)
