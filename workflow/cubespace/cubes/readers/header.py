"""FITS headers: cards parsed strictly, none repaired by guess, and the few that matter read in all their spellings."""

import math
import re

from cubespace.cubes.cube import Sky
from cubespace.errors import CubeRejected

CARD = 80
SMALLEST, LARGEST, LONGEST = 0.005, 60.0, 5  # sides of spaxels [arcsec], and how many times longer one of them may be
SQUARE = 0.99  # sides of a pixel, and the root of its area, that differ by less make a square
STRING = re.compile(r"'((?:[^']|'')*)' *(?:/.*)?$")
PLAIN = re.compile(r"([^/']*?) *(?:/.*)?$")
INTEGER = re.compile(r"[+-]?\d+$")
REAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?$")


class Header:
    """Cards of one HDU (FITS standard 4.0, sec. 4; HIERARCH and CONTINUE conventions included).

    A value is parsed when it is asked for, so that a malformed card does no harm unless it is needed.
    """

    def __init__(self, content):
        self.content = content
        cards, last = {}, None
        for start in range(0, len(content), CARD):
            card = content[start : start + CARD].decode("ascii")
            if card.startswith("CONTINUE") and last is not None:
                cards[last][-1].append(card[8:].strip())
                continue
            key, equals, value = card[:8], card[8:9], card[9:]
            if key == "HIERARCH":
                key, equals, value = card[8:].partition("=")
            last = " ".join(key.upper().split()) if equals == "=" else None
            if last:
                cards.setdefault(last, []).append([value.strip()])
        self._cards = {key: [_joined(*parts) for parts in found] for key, found in cards.items()}

    def __contains__(self, key):
        return key in self._cards

    def has(self, pattern):
        """True if a keyword matches a compiled `pattern`."""
        return any(map(pattern.fullmatch, self._cards))

    def values(self, key):
        """Values of all cards of this keyword; ValueError for one that does not parse, None for an empty one."""
        return [_parsed(raw) for raw in self._cards.get(key, [])]

    def raw(self, key):
        """The value of a card as it is written."""
        return self._cards[key][0]


def _joined(first, *more):
    """A long string and its continuations, each of which takes the place of an & at the end; what is no string is left out."""
    if not more or not STRING.match(first):
        return first
    parts = []
    for text in (match[1] for match in map(STRING.match, (first, *more)) if match):
        if parts:
            if not parts[-1].rstrip().endswith("&"):
                break
            parts[-1] = parts[-1].rstrip()[:-1]
        parts.append(text)
    return f"'{''.join(parts)}'"


def _parsed(raw):
    if raw.startswith("'"):
        match = STRING.match(raw)
        if match:
            return match[1].replace("''", "'").rstrip()
        raise ValueError(raw)
    match = PLAIN.match(raw)
    value = match[1].strip() if match else raw
    if value == "":
        return None
    if value in ("T", "F"):
        return value == "T"
    if INTEGER.match(value):
        return int(value)
    if REAL.match(value):
        return float(re.sub("[dD]", "e", value))
    raise ValueError(raw)


def number(header, key, path, default=None):
    """Value of a card as float; `default` if absent. A card that does not parse, or comes twice, is named."""
    if key not in header:
        return default
    try:
        values = {_as_float(value) for value in header.values(key)}
    except (ValueError, TypeError, OverflowError):
        raise CubeRejected(
            "header_card", f"{path}: card {key} is not a number: {header.raw(key)!r}"
        ) from None
    if len(values) > 1:
        raise CubeRejected("header_card", f"{path}: card {key} comes twice: {sorted(values)}")
    value = values.pop()
    if not math.isfinite(value):
        raise CubeRejected("header_card", f"{path}: card {key} is not finite: {header.raw(key)!r}")
    return value


def _as_float(value):
    if isinstance(value, bool):
        raise TypeError
    return float(value)  # of a string too: some writers quote numbers


def whole(header, key, default=None):
    """Value of a structural card (BITPIX, NAXISn ...) as int; ValueError if it is absent, twice, or none."""
    if key not in header:
        if default is None:
            raise ValueError(f"{key} is missing")
        return default
    values = set(header.values(key))
    value = values.pop()
    if values or type(value) is not int:
        raise ValueError(f"{key} = {header.raw(key)!r}")
    return value


def text(header, key, default=""):
    """Value of a card as stripped string; `default` if absent, empty, malformed or there twice (nothing depends on it)."""
    try:
        return required_text(header, key, "") if key in header else default
    except CubeRejected:
        return default


def required_text(header, key, path, placeholder=None):
    """Value of a card as stripped string, "" if absent or empty; one that is malformed or comes twice is named.

    `placeholder` is a value that states nothing where there is another.
    """
    try:
        values = {"" if value is None else str(value).strip() for value in header.values(key)} if key in header else {""}
    except ValueError:
        raise CubeRejected(
            "header_card", f"{path}: card {key} cannot be read: {header.raw(key)!r}"
        ) from None
    if len(values) > 1:
        values.discard(placeholder)
    if len(values) > 1:
        raise CubeRejected("header_card", f"{path}: card {key} comes twice: {sorted(values)}")
    return values.pop()


ANGLES = (("deg", 1.0), ("arcs", 1 / 3600), ("asec", 1 / 3600), ("arcm", 1 / 60), ("mas", 1 / 3.6e6), ("rad", 180 / math.pi))  # in degrees
CELLS = [(i, j) for i in (1, 2) for j in (1, 2)]


def _factors(header, path):
    """Degrees in the units of the two sky axes, by the beginning of CUNIT; degrees where none is stated, and on the second axis
    the unit of the first.

    CubeRejected for another one: its numbers would be taken for degrees.
    """
    found = []
    for axis in (1, 2):
        unit = required_text(header, f"CUNIT{axis}", path)
        factor = next((factor for name, factor in ANGLES if unit.lower().startswith(name)), None)
        if factor is None and unit:
            raise CubeRejected("header_card", f"{path}: CUNIT{axis} = {unit!r}; deg, arcsec, arcmin, mas or rad is expected")
        found.append(factor or (found[0] if found else 1.0))
    return found


def sky_matrix(header, path, notes=None):
    """((a, b), (c, d)): rows of the first and second axis [degree / pixel]; None if not stated. `notes` takes a remark on a leftover.

    ``CDi_j`` wins; else ``CDELTi PCi_j``, or ``CDELTi`` turned by ``CROTA2``. Steps of 1 that are leftovers of old tools: CDELT
    beside CD cards, CD beside CDELT cards that make a spaxel, and in degrees, or in no angle, either alone. Scaled to degrees by CUNIT of each axis
    (that of the first, where the second has none).
    """
    values = [number(header, f"CD{i}_{j}", path, 0.0) for i, j in CELLS]
    stepped = _stepped(header, path)
    if _area(values) == 0:
        values = stepped
    elif [abs(value) for value in values] == [1, 0, 0, 1] and not _ones(stepped) and _makes_spaxels(stepped, header, path):
        values = stepped
        if notes is not None:
            notes.append(f"{path}: CD1_1 and CD2_2 of 1 beside another CDELT1 and CDELT2: left over, the latter used")
    units = [required_text(header, f"CUNIT{i}", path).lower() for i in (1, 2)]
    said = any(unit.startswith(name) for unit in units for name, factor in ANGLES if factor != 1)
    if _area(values) == 0 or (_ones(values) and not said):
        return None
    first, second = _factors(header, path)
    return (first * values[0], first * values[1]), (second * values[2], second * values[3])


def _stepped(header, path):
    """The four elements of the matrix by CDELT and PC or CROTA2; 0 where there is no CDELT."""
    steps = [number(header, f"CDELT{i}", path, 0.0) for i in (1, 2)]
    turn = math.radians(number(header, "CROTA2", path, 0.0))
    if any(f"PC{i}_{j}" in header for i, j in CELLS) or turn == 0:
        return [steps[i - 1] * number(header, f"PC{i}_{j}", path, float(i == j)) for i, j in CELLS]
    return [steps[0] * math.cos(turn), -steps[1] * math.sin(turn),  # Calabretta & Greisen 2002, eq. 189
            steps[0] * math.sin(turn), steps[1] * math.cos(turn)]  # fmt: skip


def _area(values):
    return values[0] * values[3] - values[1] * values[2]


def _makes_spaxels(values, header, path):
    """True for a matrix with which, in the units of the header, a pixel has the size of a spaxel."""
    try:
        first, second = _factors(header, path)
    except CubeRejected:
        return False
    return SMALLEST < 3600 * math.sqrt(abs(first * second * _area(values))) < LARGEST


def _ones(values):
    """True for pixels of 1 by 1."""
    return all(abs(math.hypot(*side) - 1) < 1e-9 for side in (values[::2], values[1::2]))


def pixel_scale(header, path, notes=None):
    """Side of a pixel [arcsec], the square root of its area; None if not stated. `notes` takes a remark on one that is no square.

    A step of 1 is FITS's default and states nothing, unless CUNIT says arcsec or the like. CubeRejected for any other that is
    no size of a spaxel, as arcsec called degrees (taking the survey's own pixel then would hide a wrong scale), or whose sides
    are of two kinds.
    """
    matrix = sky_matrix(header, path, notes)
    if matrix is None:
        return None
    (a, b), (c, d) = matrix
    scale = math.sqrt(abs(a * d - b * c)) * 3600
    sides = math.hypot(a, c) * 3600, math.hypot(b, d) * 3600
    if not SMALLEST < scale < LARGEST:
        limit = f"less than {LARGEST:g}" if scale >= LARGEST else f"more than {SMALLEST:g}"
        raise CubeRejected(
            "header_card", f"{path}: CDi_j or CDELT1 and CDELT2 with CUNIT1 and CUNIT2 give pixels of {scale:g} arcsec; {limit} is expected"
        )
    if max(sides) > LONGEST * min(sides):
        raise CubeRejected("header_card", f"{path}: spaxels of {sides[0]:g} by {sides[1]:g} arcsec; are CUNIT1 and CUNIT2 right?")
    if notes is not None and min(*sides, scale) < SQUARE * max(sides):
        notes.append(f"{path}: spaxels of {sides[0]:.3g} by {sides[1]:.3g} arcsec: taken as squares of the same area, {scale:.3g} arcsec")
    return scale


def sky(header, path, notes=None):
    """The `Sky` of a header, whichever axis is right ascension; None if it does not say, as with CRVAL of exactly (0, 0) in another
    unit than degrees, which nobody set, or in coordinates of 1950 (noted).

    CRVAL is in CUNIT (Greisen & Calabretta 2002, sec. 2.1.2). Some write degrees beside CUNIT = arcsec for the steps: numbers
    that are a place in degrees are one, with a note, where in a smaller unit they would be next to (0, 0), or in radians no place.
    """
    values = [number(header, key, path) for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    matrix = sky_matrix(header, path)
    if None in values or matrix is None or pixel_scale(header, path) is None:
        return None
    first, second = _factors(header, path)
    if values[:2] == [0.0, 0.0] and (first, second) != (1.0, 1.0):
        return None
    (ra, dec, x, y), scaled = values, (values[0] * first, values[1] * second)
    kinds = [required_text(header, f"CTYPE{i}", path).upper() for i in (1, 2)]
    if kinds[0].startswith("DEC") and kinds[1].startswith("RA"):
        ra, dec, scaled, matrix = dec, ra, scaled[::-1], matrix[::-1]
    elif not (kinds[0].startswith("RA") and kinds[1].startswith("DEC")):
        return None
    frame, equinox = text(header, "RADESYS") or text(header, "RADECSYS"), text(header, "EQUINOX") or text(header, "EPOCH")
    if frame.upper().startswith("FK4") or (not frame and re.fullmatch(r"B?1[89]\d\d(\.\d*)?", equinox) and equinox.lstrip("B") < "1984"):
        if notes is not None:
            notes.append(f"{path}: positions of {frame or 'equinox'} {equinox}, half a degree from those of 2000: not used")
        return None
    if _is_place(ra, dec) and (min(first, second) < 1 or not _is_place(*scaled)):
        if notes is not None:
            unit = required_text(header, "CUNIT1", path) or required_text(header, "CUNIT2", path)
            notes.append(f"{path}: CRVAL1 = {values[0]:g} and CRVAL2 = {values[1]:g} taken as degrees, though CUNIT says {unit!r}")
    else:
        ra, dec = scaled
    return Sky(ra % 360.0, dec, x - 1, y - 1, matrix) if abs(dec) <= 90 else None


def _is_place(ra, dec):
    return abs(ra) <= 360 and abs(dec) <= 90
