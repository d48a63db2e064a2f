"""Reading the few cards that matter, whichever of the customary ways they are written in."""

import math
import re

import numpy as np

from cubespace.errors import CubeRejected

ANGSTROM = {
    "": 1.0, "angstrom": 1.0, "angstroms": 1.0, "ang": 1.0, "a": 1.0, "0.1nm": 1.0, "nm": 10.0, "nanometer": 10.0,
    "um": 1e4, "micron": 1e4, "microns": 1e4, "micrometer": 1e4, "mm": 1e7, "cm": 1e8, "m": 1e10, "meter": 1e10,
}  # fmt: skip
PLAUSIBLE = (1000.0, 50000.0)  # optical and near infrared [A]: outside, an axis was misread


def number(header, key, path, default=None):
    """Value of a card as float; `default` if absent. A card that does not parse is named."""
    if key not in header:
        return default
    try:
        value = float(header[key])
    except Exception:  # astropy's VerifyError on a malformed card, TypeError or ValueError on a string
        raise CubeRejected(
            "header_card", f"{path}: card {key} is not a number: {_raw(header, key)!r}"
        ) from None
    if not math.isfinite(value):
        raise CubeRejected("header_card", f"{path}: card {key} is not finite: {_raw(header, key)!r}")
    return value


def text(header, key, default=""):
    """Value of a card as stripped string; `default` if absent or malformed (for cards nothing depends on)."""
    try:
        return str(header.get(key, default)).strip()
    except Exception:  # VerifyError: a malformed card that is not needed does no harm
        return default


def _raw(header, key):
    try:
        return header.cards[key].image.strip()
    except Exception:
        return "unreadable card"


def wavelengths(header, n, path, notes):
    """Observed wavelength [A], float64 (n,), from the third FITS axis.

    ``CDn_n`` wins over ``CDELTn``; CTYPE3 may be anything (many surveys write private names); WAVE-LOG
    follows Greisen et al. 2006 (FITS
    paper III), lambda = CRVAL exp(CD (i - CRPIX) / CRVAL); an axis of 3 to 4.7 without unit is log10 of
    Angstrom.

    Raises
    ------
    CubeRejected
        ``wavelength_axis`` naming the cards, if they are missing or give no plausible increasing axis.
    """
    start, step = number(header, "CRVAL3", path), number(header, "CD3_3", path)
    delta, pixel = number(header, "CDELT3", path), number(header, "CRPIX3", path, 1.0)
    if step is None or (step == 0 and delta):
        step = delta
        if step is not None and "CD1_1" in header:
            notes.append(
                f"{path}: CD1_1 but no CD3_3: step of the wavelength axis taken from CDELT3 = {delta}"
            )
    elif delta is not None and not math.isclose(delta, step, rel_tol=1e-6):
        notes.append(f"{path}: CD3_3 = {step} and CDELT3 = {delta} differ: CD3_3 used")
    if start is None or step is None:
        raise CubeRejected("wavelength_axis", f"{path}: CRVAL3 with CD3_3 or CDELT3 expected, not found")
    unit = text(header, "CUNIT3").lower()
    if unit not in ANGSTROM:
        raise CubeRejected("wavelength_axis", f"{path}: CUNIT3 = {unit!r} is not a known unit of length")
    offset = np.arange(1, n + 1) - pixel
    ctype = text(header, "CTYPE3").upper()
    if ctype.endswith("-LOG"):
        axis = start * np.exp(step * offset / start) * ANGSTROM[unit]
    elif ctype[:4] not in ("WAVE", "AWAV") and unit == "" and 3.0 < start < 4.7 and step < 0.01:
        axis = 10.0 ** (start + step * offset)
        notes.append(f"{path}: CRVAL3 = {start} without unit: axis taken as log10(wavelength / Angstrom)")
    else:
        axis = (start + step * offset) * ANGSTROM[unit]
    if not unit:
        notes.append(f"{path}: no CUNIT3: Angstrom assumed")
    if not (step > 0 and PLAUSIBLE[0] <= axis[0] < axis[-1] <= PLAUSIBLE[1]):
        raise CubeRejected(
            "wavelength_axis",
            f"{path}: CRVAL3 = {start}, step = {step}, CUNIT3 = {unit!r}, CTYPE3 = {ctype!r} give "
            f"{axis[0]:.6g} .. {axis[-1]:.6g} A; an increasing axis within "
            f"{PLAUSIBLE[0]:.0f} .. {PLAUSIBLE[1]:.0f} A is expected",
        )
    return axis


def pixel_scale(header, path):
    """Side of a pixel [arcsec] from the determinant of the CD matrix, or from CDELT; None if not stated.

    CDELT = 1 beside a sky CTYPE is a leftover of old tools, not a degree.
    """
    unit = text(header, "CUNIT1").lower()
    factor = 1.0 if unit.startswith("arcsec") else 3600.0
    cd = [number(header, f"CD{i}_{j}", path, 0.0) for i in (1, 2) for j in (1, 2)]
    area = abs(cd[0] * cd[3] - cd[1] * cd[2])
    if area == 0:
        area = abs(number(header, "CDELT1", path, 0.0) * number(header, "CDELT2", path, 0.0))
    scale = math.sqrt(area) * factor
    return scale if 0 < scale < 60 else None


def sky_reference(header, path):
    """(ra, dec, x, y): CRVAL1, CRVAL2 [deg] and CRPIX1, CRPIX2 counted from 0; None if not stated."""
    values = [number(header, key, path) for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    if None in values:
        return None
    return values[0], values[1], values[2] - 1, values[3] - 1


def flux_scale(header, path, notes, unknown="assume"):
    """Flux unit of the file in units of 1e-16 erg/s/cm2/A.

    ``BUNIT`` or CALIFA's ``PIPE UNITS``, in any of the survey spellings (1E-16 erg/s/cm^2/Ang/spaxel,
    10**(-16) erg s-1 cm-2 Angstrom-1...).
    If neither can be read: 1e-16 erg/s/cm2/A with a note, or, with ``unknown="reject"``, CubeRejected.
    """
    seen = []
    for key in ("PIPE UNITS", "BUNIT"):
        value = text(header, key)
        if value:
            seen.append(f"{key} = {value!r}")
            scale = _flux_unit(value)
            if scale is not None:
                return scale / 1e-16
    message = f"{path}: flux unit not stated in a known way ({', '.join(seen) or 'no BUNIT'})"
    if unknown == "reject":
        raise CubeRejected("unit_unknown", message)
    notes.append(f"{message}: 1e-16 erg/s/cm2/A assumed")
    return 1.0


def _flux_unit(value):
    """Value of a flux-density unit in erg/s/cm2/A, or None."""
    compact = value.lower().replace(" ", "")
    match = re.match(r"(?:10(?:\*\*|\^)\(?(-?\d+)\)?|(\d+(?:\.\d+)?)e([+-]?\d+))[*.]?", compact)
    rest = re.sub("[()]", "", compact[match.end() :] if match else compact)
    if not re.match(r"ergs?[/.*]?s(-1|\^-1|\*\*-1)?[/.*]?cm", rest) or not re.search(
        r"cm[\^*]*-?2[/.*]?(a|ang|angstrom)(-1|\^-1|\*\*-1)?(/|$)", rest
    ):
        return None
    if not match:
        return 1.0
    return 10.0 ** int(match[1]) if match[1] else float(f"{match[2]}e{match[3]}")
