"""Units as tables spell them: what they mean, and a column's values in the unit that is wanted.

A unit is a linear unit or the logarithm of one: "Msun", "10^9 Msun", "log10(Msun)", "dex(solMass)", "[Msun]" (the
notation of the CDS for a logarithm), "dex" (a logarithm of whatever the column holds).
"""

import re
from typing import NamedTuple

import numpy as np

from cubespace.columns import Z_SUN
from cubespace.cosmology import SPEED_OF_LIGHT

NONE = frozenset({"", "-", "--", "---", "none", "null", "dimensionless", "unitless", "adim", "1", "redshift"})
_LOG = re.compile(
    r"(?:log_?10|log|lg|dex)\s*[\[(]\s*(.*?)\s*[\])]|\[(.*)\]|log(?:_?10)?[\s_]+(.+)", re.IGNORECASE
)
_SPELLINGS = (
    (r"\bm[_ ]?(?:sun|sol|\\odot)\b|\bsolmass\b|\bmsun\b|\bm☉|\bsolar[ _]mass(?:es)?\b", "solMass"),
    (r"\b(?:ang|angs|angstroms?|aa)\b|å|\u212b", "Angstrom"),
    (r"^a$", "Angstrom"),
    (r"\b(?:degrees?|degs)\b|°", "deg"),
    (r"\b(?:arcseconds?|arcsecs|asec)\b|^(?:\"|'')$", "arcsec"),
    (r"\b(?:arcminutes?|arcmins)\b|^'$", "arcmin"),
    (r"^h:m:s$", "hourangle"),
    (r"^(?:d:m:s|dms)$", "deg"),
    (r"\b(?:hours?|hms|hr|h)\b", "hourangle"),
    (r"\byears?\b", "yr"),
    (r"\bgyrs?\b", "Gyr"),
    (r"\bmyrs?\b", "Myr"),
    (r"\bkm/sec\b", "km/s"),
    (r"\bmags?\b|\bmagnitudes?\b", "mag"),
    (r"\bkiloparsecs?\b", "kpc"),
)  # fmt: skip
# 10^9, 10**9, 10{9}, 10+9, and 109, whose raised figures were lost; 100 and 1000 are numbers, as is 105.5
_POWER = re.compile(r"^10(?:(?:\*\*|\^)[({]?([+-]?\d+)[)}]?|[({]([+-]?\d+)[)}]|([+-]\d+)|([1-9]\d?)(?![\d.]))")
_LENGTHS_H = re.compile(
    r"(?:h\^?-1|h\^?\{-1\}|h⁻¹|hinv)\.?\*?([kM]?pc)|([kM]?pc)(?:\.|\*)?(?:/h(?:_?100)?|h\^?-1|h\^?\{-1\}|h⁻¹)"
)


class Unit(NamedTuple):
    """`log`: the values are log10 of something in `linear`: an astropy unit, "Z/Zsun" or "Z" (a metallicity over the solar
    one, a mass fraction), `DIMENSIONLESS`, or None for a logarithm of whatever is meant."""

    log: bool
    linear: object


def parse(text):
    """The unit that a text means; None for a text that states none.

    Raises
    ------
    ValueError
        The text is not understood.
    """
    plain = re.sub(r"\s+", " ", str(text)).strip().strip("'\"" if len(str(text).strip()) > 2 else "")
    if plain.casefold() in NONE:
        return None
    if plain.casefold() == "dex":
        return Unit(True, None)
    match = _LOG.fullmatch(plain)
    inner = next(group for group in match.groups() if group is not None) if match else plain
    if match and inner.casefold() in NONE:
        return Unit(True, None)
    try:
        return Unit(match is not None, _linear(inner))
    except (ValueError, TypeError) as error:
        raise ValueError(f"unit {text!r} is not understood") from error


def _linear(text):
    """What a text without a logarithm means; astropy's ValueError or TypeError if nothing."""
    import astropy.units as u

    squeezed = re.sub(r"[\s_]", "", text).casefold()
    if squeezed in ("z/zsun", "zsun", "z/h", "zsolar", "solarmetallicity"):
        return "Z/Zsun"
    if squeezed in ("z", "massfraction"):
        return "Z"
    plain = text
    for pattern, spelling in _SPELLINGS:
        plain = re.sub(pattern, spelling, plain, flags=re.IGNORECASE)
    plain = _POWER.sub(lambda match: "1e" + next(filter(None, match.groups())), re.sub(r"^[x×]\s*(?=1)", "", plain.strip()))
    plain = plain.replace("**", "^").replace("{", "(").replace("}", ")").replace("²", "2").replace("⁻¹", "-1")
    plain = re.sub(r"(?<=[A-Za-z0-9)])\.(?=[A-Za-z])", " ", plain)
    return u.Unit(plain)


DIMENSIONLESS = "1"


def convert(values, source, wanted):
    """Values of unit `source` in unit `wanted` (both `Unit`).

    A linear value without a logarithm (zero, negative) becomes nan. Velocities become redshifts, v / c, where a
    dimensionless number is wanted; ages, masses, lengths and angles go by their factor.

    Raises
    ------
    ValueError
        The units are of different kinds.
    """
    values = np.asarray(values, float)
    factor = 1.0 if source.linear is None else _factor(source, wanted)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if source.log and wanted.log:
            return values + np.log10(factor) if factor != 1.0 else values
        linear = 10.0**values if source.log else values
        linear = linear * factor if factor != 1.0 else linear
        return (
            np.where(linear > 0, np.log10(np.where(linear > 0, linear, 1.0)), np.nan)
            if wanted.log
            else linear
        )


def _factor(source, wanted):
    """What a linear value of `source` is multiplied by."""
    import astropy.units as u

    wrong = ValueError(f"unit {_name(source)} cannot be turned into {_name(wanted)}")
    metallicities = {"Z/Zsun": 1.0, "Z": 1.0 / Z_SUN}
    target = u.dimensionless_unscaled if wanted.linear in (None, DIMENSIONLESS) else wanted.linear
    if source.linear in metallicities:
        if target not in metallicities:
            raise wrong
        return metallicities[source.linear] / metallicities[target]
    if target in metallicities:
        target = u.dimensionless_unscaled
    try:
        if wanted.linear == DIMENSIONLESS and source.linear.is_equivalent(u.km / u.s):
            return float(source.linear.to(u.km / u.s)) / SPEED_OF_LIGHT
        factor = float(source.linear.to(target))
    except u.UnitConversionError as error:
        raise wrong from error
    return 1.0 if abs(factor - 1.0) < 1e-12 else factor


def _name(unit):
    inner = "" if unit.linear is None else str(unit.linear)
    return f"log10({inner})" if unit.log else inner or "none"


def length_in_mpc_per_h(text, h0):
    """Factor from a comoving length in this unit to Mpc/h, or None if the text states no known one.

    "Mpc/h", "h-1 Mpc", "Mpc h^-1", "kpc/h" need no Hubble constant; "Mpc" and "kpc" take `h0` [km/s/Mpc].
    """
    plain = re.sub(r"\s+", "", str(text or ""))
    prefix = {"k": 1e-3, "M": 1.0, "": 1e-6}
    match = _LENGTHS_H.fullmatch(plain)
    if match:
        return prefix[(match.group(1) or match.group(2))[:-2]]
    if plain in ("Mpc", "kpc", "pc"):
        return prefix[plain[:-2]] * h0 / 100.0
    return None
