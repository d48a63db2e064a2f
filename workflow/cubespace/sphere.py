"""Positions on the sky."""

import re

import numpy as np

from cubespace.delimited import MISSING

EDGE = 1e-9  # relative; a limit on a separation is inside
_PARTS = re.compile(r"([+-]?)\s*(\d+)\s*([:hd°\s])\s*(\d+)\s*(?:[:m'′\s]\s*(\d+(?:\.\d*)?)\s*[s\"″]?)?")

SIGN_NAME = re.compile(r"(-|sgn|sign)$", re.IGNORECASE)
_SIGNS = {"": "", "+": "+", "-": "-", "1": "+", "+1": "+", "-1": "-"}


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


def joined(parts, right_ascension=False):
    """(texts, unsigned) from a frame of the parts of an angle, such as RAh RAm RAs, or DE- DEd DEm DEs; a right ascension has no sign.

    texts : list of 'sign first minutes seconds', None where a part lacks; what is no angle stays none (`sexagesimal`)
    unsigned : list of rows (0-based) whose first part is 0 without a sign. Where some row has -0, the others are positive; else the
        sign may have been lost, as in a column of whole numbers: they are listed.
    """
    first, *others = ([_plain(cell) for cell in parts.iloc[:, i]] for i in range(len(parts.columns)))
    missing = [any(cell is None or cell.casefold() in MISSING for cell in row) for row in zip(*others, strict=True)]
    if not right_ascension and _is_sign(first, parts.columns):
        signs, others = [_SIGNS.get(cell or "", f"sign {cell}: ") for cell in first], list(zip(*others, strict=True))
        unsigned = []
    else:
        missing = [gap or cell is None or cell.casefold() in MISSING for gap, cell in zip(missing, first, strict=True)]
        signs, others = [""] * len(first), list(zip(first, *others, strict=True))
        zeros = [i for i, cell in enumerate(first) if not missing[i] and re.fullmatch("0+", cell)]
        unsigned = [] if any(re.fullmatch("-0+", cell or "") for cell in first) else zeros
    return [None if gap else sign + " ".join(row) for gap, sign, row in zip(missing, signs, others, strict=True)], unsigned


def _is_sign(first, names):
    """Whether the first of the columns is the sign: of four it is; of three, if the names say so or it holds + and - alone."""
    if len(names) == 4 or (len(names) == 3 and (SIGN_NAME.search(names[0]) or re.search(r"(d|deg|degrees)$", names[1], re.IGNORECASE))):
        return True
    return len(names) == 3 and any(cell in ("+", "-") for cell in first) and all(cell in ("+", "-", "", None) for cell in first)


def _plain(cell):
    """A part as text: 5 of 5.0, -0 of -0.0 (whose sign is all that says that 30 arcmin are south); None where missing."""
    if cell is None or cell != cell:
        return None
    text = str(cell).strip().replace("\u2212", "-")
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)e[+-]?\d+", text, re.IGNORECASE):  # 1e-05 seconds
        text = np.format_float_positional(float(text))
    return re.sub(r"(?<=\d)\.0*$", "", text)
