"""Flux units in the spellings of the surveys, with their factor."""

import re

from cubespace.cubes.readers.header import required_text
from cubespace.errors import CubeRejected

OURS = 1e-16  # erg/s/cm2/A: the unit of `Cube.flux`
# Value in cgs, and powers of (erg, s, cm, arcsec). A is the Angstrom: nobody gives a flux in amperes.
UNITS = {
    "erg": (1.0, (1, 0, 0, 0)), "j": (1e7, (1, 0, 0, 0)), "w": (1e7, (1, -1, 0, 0)), "mw": (1e4, (1, -1, 0, 0)),
    "s": (1.0, (0, 1, 0, 0)), "hz": (1.0, (0, -1, 0, 0)), "cm": (1.0, (0, 0, 1, 0)), "m": (1e2, (0, 0, 1, 0)),
    "mm": (0.1, (0, 0, 1, 0)), "um": (1e-4, (0, 0, 1, 0)), "nm": (1e-7, (0, 0, 1, 0)),
    "angstrom": (1e-8, (0, 0, 1, 0)), "flam": (1e8, (1, -1, -3, 0)), "arcsec": (1.0, (0, 0, 0, 1)),
    "spaxel": (1.0, (0, 0, 0, 0)),
}  # fmt: skip
SPELLINGS = {
    "ergs": "erg", "joule": "j", "watt": "w", "sec": "s", "second": "s", "seconds": "s", "a": "angstrom", "aa": "angstrom",
    "ang": "angstrom", "angstroms": "angstrom", "micron": "um", "microns": "um", "spaxels": "spaxel", "pix": "spaxel",
    "pixel": "spaxel", "voxel": "spaxel", "fiber": "spaxel", "arcseconds": "arcsec", "asec": "arcsec",
}  # fmt: skip
FLUX_DENSITY = (1, -1, -3, 0)
JANSKY = frozenset({"jy", "mjy", "ujy"})
COUNTS = frozenset({"count", "counts", "ct", "cts", "adu", "dn", "electron", "electrons", "photon", "photons", "%", "percent", "dex", "mag"}) | JANSKY
PLACEHOLDERS = ("", "data value", "none", "unknown", "null", "n/a")
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d+|\.(?=[ed][+-]?\d))?|\.\d+)(?:[ed][+-]?\d+)?)|(?P<name>[a-z]+)|(?P<sign>\*\*|[\^*/.()+-]))"
)

TIMES = re.compile(r"(?<![a-z])x *(?=10 *(?:\*\*|[\^+-]))")  # 1.5x10^-17, x10-16


def parse(value):
    """(factor, powers of erg, s, cm, arcsec) of a unit in cgs, or None if it cannot be read.

    Understands 1E-17 erg/s/cm^2/Ang/spaxel, 10**(-20)*erg/s/cm**2/Angstrom, 10^-16 ergs s-1 cm-2 A-1, 10^{-16} erg s^{-1},
    1.5x10^-17 erg, (10**-20 erg/(s cm2 A))**2, W m-2 um-1 ... A `/` binds what follows it only, up to the next operator or blank.
    """
    tokens, at, lowered = [], 0, value.lower().rstrip().replace("{", "(").replace("}", ")")
    lowered = TIMES.sub("*", lowered)
    while at < len(lowered):
        match = TOKEN.match(lowered, at)
        if match is None:
            return None
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    try:
        product, rest = _product(tokens)
        return None if rest else product
    except (ValueError, IndexError, KeyError, OverflowError, ZeroDivisionError):
        return None


def _product(tokens):
    """Factors up to the end or a closing bracket."""
    scale, powers, sign = 1.0, (0, 0, 0, 0), 1
    while tokens and tokens[0] != ("sign", ")"):
        kind, item = tokens[0]
        if kind == "sign" and item in "*./":
            if len(tokens) < 2:
                raise ValueError
            sign, tokens = (-1 if item == "/" else 1), tokens[1:]
        (factor, dims), tokens = _factor(tokens)
        scale *= factor**sign
        powers = tuple(p + sign * d for p, d in zip(powers, dims, strict=True))
        sign = 1
    return (scale, powers), tokens


def _factor(tokens):
    """One number, unit or bracket with its power."""
    kind, item = tokens[0]
    tokens = tokens[1:]
    if kind == "number":
        base = (float(item.replace("d", "e")), (0, 0, 0, 0))
    elif kind == "name":
        base = UNITS[SPELLINGS.get(item, item)]
    elif item == "(":
        base, tokens = _product(tokens)
        if tokens[:1] != [("sign", ")")]:
            raise ValueError
        tokens = tokens[1:]
    else:
        raise ValueError
    power, tokens = _power(tokens, explicit=kind == "number")
    if kind == "number" and power != 1 and base[0] != 10:
        raise ValueError  # a damaged or misprinted factor: all surveys write powers of ten
    return (base[0] ** power, tuple(power * p for p in base[1])), tokens


def _power(tokens, explicit):
    """The integer after a factor: ^2, **(-2), -2 or, after a unit only, 2."""
    marked = tokens[:1] in ([("sign", "^")], [("sign", "**")])
    rest = tokens[1:] if marked else tokens
    bracket = marked and rest[:1] == [("sign", "(")]
    rest = rest[1:] if bracket else rest
    sign = 1
    if rest[:1] in ([("sign", "-")], [("sign", "+")]):
        sign, rest = (-1 if rest[0][1] == "-" else 1), rest[1:]
        signed = True
    else:
        signed = False
    if rest and rest[0][0] == "number" and (marked or signed or not explicit):
        power = sign * int(rest[0][1])
        rest = rest[1:]
        if bracket:
            if rest[:1] != [("sign", ")")]:
                raise ValueError
            rest = rest[1:]
        return power, rest
    if marked or signed:
        raise ValueError
    return 1, tokens


def flux_density(value, pixel_arcsec=None):
    """A flux-density unit in erg/s/cm2/A per spaxel, or None; per arcsec2 needs the pixel's side."""
    found = parse(value)
    if found is None:
        return None
    scale, powers = found
    if powers == (*FLUX_DENSITY[:3], -2) and pixel_arcsec:
        return scale * 1e-8 * pixel_arcsec**2
    return scale * 1e-8 if powers == FLUX_DENSITY and scale > 0 else None


def noise_unit(value, pixel_arcsec=1.0):
    """("variance" | "inverse variance" | "sigma", its root in erg/s/cm2/A per spaxel) of the unit of a noise plane, or None."""
    found = parse(value)
    if found is None or found[0] <= 0:
        return None
    scale, powers = found
    for kind, n in (("sigma", 1), ("variance", 2), ("inverse variance", -2)):
        if powers[:3] == tuple(n * p for p in FLUX_DENSITY[:3]) and powers[3] in (0, -2 * n):
            return kind, scale ** (1 / n) * 1e-8 * (pixel_arcsec**2 if powers[3] else 1.0)
    return None


def is_no_flux(value):
    """True for a unit that is understood and is none of a flux density, its square or inverse square: counts, percent, per Hz."""
    words = set(re.findall(r"[a-z%]+", value.lower()))
    return bool(words & COUNTS) or (parse(value) is not None and noise_unit(value) is None)


def _is_per_frequency(value):
    """True for a flux density per frequency: Jy, erg/s/cm2/Hz."""
    found = parse(value)
    return bool(set(re.findall(r"[a-z]+", value.lower())) & JANSKY) or (found is not None and found[1][:3] == (1, 0, -2))


def flux_scale(headers, path, notes, unknown="survey", documented=None, pixel_arcsec=None):
    """Flux unit of a file in units of 1e-16 erg/s/cm2/A.

    Parameters
    ----------
    headers : header, or list of headers searched in turn
        ``PIPE UNITS`` (CALIFA) and ``BUNIT`` are looked at. Beside the former a BUNIT that is no flux density is noted.
    unknown : "survey", "assume" or "reject"
        If no unit is stated: the documented one of the survey with a note ("survey", rejected if there is none),
        1e-16 with a note ("assume"; also for a unit that cannot be read), or a rejection ("reject").
    documented : float, optional
        The survey's unit [erg/s/cm2/A].

    Raises
    ------
    CubeRejected
        ``unit_unknown`` with the cards found; ``header_card`` for one that is malformed.
    """
    headers = headers if isinstance(headers, list) else [headers]
    seen, scales, others, left_over = [], [], [], []
    for key in ("PIPE UNITS", "BUNIT"):
        for header in headers:
            value = required_text(header, key, path)
            if value.lower() not in PLACEHOLDERS:
                seen.append(f"{key} = {value!r}")
                if (scale := flux_density(value, pixel_arcsec)) is not None:
                    scales.append(scale)
                else:  # PIPE UNITS, the survey's own, goes before a BUNIT that is no flux density of another kind
                    refused = is_no_flux(value) and (not scales or _is_per_frequency(value))
                    (others if refused else left_over).append(seen[-1])
                break
    if scales and not others and max(scales) <= min(scales) * 1.000001:
        notes += [f"{path}: flux unit stated in two ways ({', '.join(seen)}): {card} is not used" for card in left_over]
        return float(f"{scales[0] / OURS:.12g}")
    what = "stated in two ways" if scales else "not stated in a known way"
    message = f"{path}: flux unit {what} ({', '.join(seen) or 'no BUNIT'})"
    if unknown == "assume" and not scales:
        notes.append(f"{message}: 1e-16 erg/s/cm2/A assumed")
        return 1.0
    if unknown == "survey" and not seen and documented is not None:
        notes.append(f"{message}: {documented:g} erg/s/cm2/A, the survey's, taken")
        return float(f"{documented / OURS:.12g}")
    raise CubeRejected(
        "unit_unknown", f"{message}; a flux density such as '1E-16 erg/s/cm2/Angstrom' is expected"
    )
