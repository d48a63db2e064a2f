"""What numbers and names of a column say about its convention, where they are not in the one that is expected."""

import re

import numpy as np

from cubespace.columns import PROPERTIES
from cubespace.errors import CubespaceError
from cubespace.sphere import SIGN_NAME

BOUNDS = {"ra": (-360.0, 720.0), "dec": (-90.0, 90.0)} | {
    name: (p.low, p.high) for name, p in PROPERTIES.items()
}
LENGTHS = {name: PROPERTIES[name].unit for name in ("re_arcsec", "re_kpc")}  # linear, and often given as logarithms
_AGES = (8.0, 10.3)  # 9.5 is an age in Gyr, and the logarithm of one in years
_ENOUGH = 5  # values, to say something of all of them
_REPEATED = 2  # times that a number far from the others comes, to be a code
_LOG_NAME = re.compile(
    r"^lo?g|^l_?(m|sfr|age|z|ew|sig|nii|n2|oiii|o3|r_?(e|eff|50)\b)|[_\s(\[]lo?g(10)?([_\s(\[)\]]|$)|^\[[a-z]+/h\]", re.IGNORECASE
)
_ECCENTRICITY, _AXIS_RATIO = (
    re.compile(r"ecc|(^|_)e$"),
    re.compile(r"axis_?ratio|^b_?/?_?a$|(^|_)ba(_|$)|^q$"),
)


_HOURS = re.compile(r"hour|^ra_?h(r|rs|ms)?$|_h(r|rs)?$|^h(r|rs|ms)?$", re.IGNORECASE)
_CMB = re.compile(r"cmb|3k|_?lg$|_gsr", re.IGNORECASE)


def refuse_part_of_angle(name, column, there, where):
    """CubespaceError for one of several columns that hold an angle together: hours without their minutes are 15 degrees off."""
    if name not in ("ra", "dec") or not re.fullmatch(r"(ra|de|dec|alpha|delta)[^a-z]*[hd]", column, re.IGNORECASE):
        return
    parts = [other for other in there if other[:-1] == column[:-1] and other[-1:] in "hdmsHDMS-" and other != column]
    if any(other[-1] in "mM" for other in parts):
        raise CubespaceError(
            f"{where}: one part of an angle, beside {', '.join(map(repr, parts))}; expected the list of its columns, such as "
            "[RAh, RAm, RAs] or [DE-, DEd, DEm, DEs]"
        )


def are_parts_of_angle(name, columns):
    """True for a list of columns that hold a right ascension or declination together, by degrees or hours, and minutes, among their names."""
    ends = (r"(h|d|hr|hours?|deg|degrees)$", r"(m|min|minutes?)$")
    return name in ("ra", "dec") and all(any(re.search(end, str(column), re.IGNORECASE) for column in columns) for end in ends)


def refuse_compact_angles(column, where):
    """CubespaceError for a text such as -000030, which is 30 degrees as a number and 30 arcsec as it is meant."""
    for row, cell in enumerate(column, 1):
        if isinstance(cell, str) and re.fullmatch(r"[+-]?0\d{5}(\.\d*)?", cell.strip()):
            raise CubespaceError(f"{where}: row {row}: found {cell!r}, an angle without marks between its parts? expected degrees, or such as 00:00:30")


def angle_notes(name, columns, there, unsigned, where):
    """Notes on the parts of an angle whose sign is not known; CubespaceError if the table has a column of signs that the list leaves out."""
    if name != "dec" or len(columns) == 4 or SIGN_NAME.search(columns[0]):
        return []
    stem = re.escape(columns[0][:-1].rstrip("_"))
    left_out = [other for other in there if re.fullmatch(rf"{stem}_?(-|sgn|sign)", other, re.IGNORECASE) and other not in columns]
    if left_out:
        raise CubespaceError(f"{where}: without the column of the sign, {left_out[0]!r}; expected {[left_out[0], *columns]}")
    if not unsigned:
        return []
    first = f"{len(unsigned)} rows have 0 degrees without a sign, the first is row {unsigned[0] + 1}"
    return [f"{first}: taken as north; they are south if the sign was lost, as in a column of whole numbers"]


def frame_note(column):
    """A note on a redshift whose column's name says another frame than that of the observed wavelengths."""
    if not _CMB.search(str(column)):
        return []
    return ["the name says a frame that is not the Sun's: taken as it is; cubes need the observed redshift (a difference of 370 km/s is 8 A at H-alpha)"]


def says_log(column):
    """True if a column's name says logarithm: logM, lg_sfr, lSFR, mass_log10, [Z/H]."""
    return bool(_LOG_NAME.search(str(column)))


def refuse_another_convention(kept, name, column, where):
    """CubespaceError if a column without unit and `convert` cannot be what it is mapped to."""
    present = kept[kept.notna()]
    if name == "redshift":
        refuse(present > 10, present, where, "cannot be a redshift; if it is in km/s, set convert: km_s")
    if name == "ra" and _HOURS.search(str(column)) and present.between(-24, 24).all() and len(present):
        raise CubespaceError(f"{where}: the name says hours; set unit: hourangle, or unit: deg")
    if name == "ellipticity":
        for pattern, convert in ((_ECCENTRICITY, "eccentricity"), (_AXIS_RATIO, "axis_ratio")):
            if pattern.search(str(column).casefold()):
                raise CubespaceError(
                    f"{where}: the name says {convert}; set convert: {convert}, or convert: none if it is 1 - b/a"
                )
    if name == "metallicity_lw" and len(present) >= 3 and present.between(0, 0.1, inclusive="right").all():
        refuse(present > 0, present, where, "looks like a mass fraction Z; set convert: log10_z_over_zsun")
    if name in LENGTHS and says_log(column):
        raise CubespaceError(f"{where}: the name says logarithm; set unit: log10({LENGTHS[name]}), or convert: none if it is none")
    if not name.startswith("log_"):
        return
    low, high = BOUNDS[name]
    outside = (present < low) | (present > high)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log10(present.abs())
    if name == "log_age_lw":
        refuse(
            outside & (present > 0) & (present < 14) & (logarithm + 9 >= low), present, where,
            "looks like an age in Gyr; set convert: log10_gyr_to_yr",
        )  # fmt: skip
    linear = outside & logarithm.between(low, high)
    if name.startswith("log_ew"):
        refuse(
            linear & (present < 0),
            present,
            where,
            "looks linear and negative in emission; set convert: log10_negative",
        )
    refuse(linear & (present > 0), present, where, "looks linear; set convert: log10")


def linear_within_bounds(kept, name, column, where):
    """Notes on numbers without unit that can be another quantity, though each is possible as what it is mapped to.

    CubespaceError where the quantity of no sample is like that, or where nothing tells (equivalent widths: those of quiescent
    galaxies in Angstrom and logarithms of any have one range), unless the column's name says that it is what is expected.
    """
    present = kept[kept.between(*BOUNDS[name])]
    if present.empty:
        return []
    enough, low, median, high = len(present) >= _ENOUGH, present.min(), present.median(), present.max()
    if name == "ra":
        if not enough or low < 0 or high > 24:
            return []
        return [f"all {len(present)} values are within 0 ... 24 and were taken as degrees; hours need unit: hourangle"]
    vouched = column == name or says_log(column)
    if name.startswith("e_log_") and not vouched:
        return [f"{_range(present)}: taken as errors in dex; errors of linear values are {_UNITS[name[2:]]} or relative and need another column"]
    if name.startswith("log_ew") and not vouched:
        raise CubespaceError(
            f"{where}: {_range(present)} can be logarithms or equivalent widths in Angstrom: set convert: log10 (log10_negative, if "
            "negative in emission) for widths, convert: none for logarithms"
        )
    looks = None
    if not enough:
        pass
    elif name in ("log_nii_ha_cen", "log_oiii_hb_cen", "log_sfr") and low >= 0:
        looks = "none is negative: looks linear; set convert: log10"
    elif name == "log_sfr" and median < -6:
        looks = f"median {median:g}: looks like specific rates, per year and solar mass; set another column"
    elif name == "metallicity_lw" and median < -1.3:
        looks = f"median {median:g}: looks like logarithms of a mass fraction Z; set unit: log10(Z)"
    elif name == "metallicity_lw" and low > 0 and median > 0.3:
        looks = f"all above 0, median {median:g}: looks linear; set unit: Z/Zsun"
    elif name == "log_mass" and median < 7:
        looks = f"median {median:g}: looks linear, in a large unit; set unit, such as 10^10 Msun"
    elif name == "log_age_lw" and median < 8:
        looks = f"median {median:g}: looks like ages in Gyr; set convert: log10_gyr_to_yr"
    if looks is None:
        return [] if vouched else _either(present, name)
    may_be = name == "log_oiii_hb_cen"  # above 1 in every active galaxy
    if vouched or may_be:
        return [f"{_range(present)}, {looks}, if they are no logarithms; they were taken as such"]
    raise CubespaceError(f"{where}: {len(present)} values, {looks}, or convert: none if they are logarithms")


_UNITS = {"log_ew_ha_cen": "in Angstrom", "log_nii_ha_cen": "of a ratio", "log_oiii_hb_cen": "of a ratio"}
_LINEAR = {  # what numbers of a logarithm's range may be as well, and what is to be set then
    "log_sfr": "star formation rates in Msun/yr (convert: log10)",
    "log_nii_ha_cen": "ratios (convert: log10)",
    "log_oiii_hb_cen": "ratios (convert: log10)",
    "metallicity_lw": "metallicities over the solar one (unit: Z/Zsun)",
    "log_mass": "masses in a large unit (unit, such as 10^10 Msun)",
    "log_age_lw": "ages in Gyr (convert: log10_gyr_to_yr)",
    "log_sigma_mass": "linear densities (convert: log10)",
}
_NOISE = 0.1  # share of the values, and of the largest of them, that a linear quantity may be below zero


def _either(present, name):
    """A note where few or special values can be either: none tells, but they count as logarithms."""
    positive = (present >= 0).mean() >= 1 - _NOISE and present.min() >= -_NOISE * present.max()
    can_be = {"log_mass": present.median() < 7, "log_age_lw": present.median() < 8, "log_sigma_mass": positive and present.max() < 1}
    if name not in _LINEAR or not can_be.get(name, positive):
        return []
    return [f"{_range(present)} can be logarithms or {_LINEAR[name]}: taken as logarithms; convert: none says that they are"]


def logarithms_converted(kept, name, column, convert):
    """A note where `convert` takes the logarithm of a column whose name says logarithm and whose numbers can be some."""
    present = kept.dropna()
    if not convert.startswith("log10") or not says_log(column) or present.empty or not present.between(*BOUNDS[name]).all():
        return []
    return [f"{_range(present)} can be logarithms, as the name says, or linear: taken as linear, as convert: {convert} says"]


def linear_by_unit(kept, name, unit):
    """A note where widths or ages have a linear unit, by the table alone, and a range that logarithms have, too."""
    present = kept.dropna()
    low, high = _AGES if name == "log_age_lw" else BOUNDS[name]
    if not name.startswith(("log_ew", "log_age")) or present.empty or not present.between(low, high).all():
        return []
    return [
        f"{_range(present)} can be logarithms or linear, in {unit}: taken as linear, as the table's unit says (null where not positive); "
        f"for logarithms set unit: {PROPERTIES[name].unit}"
    ]


def unlisted_sentinels(kept):
    """Notes on a number that comes several times, apart from all others by more than these spread: a code for "missing"?"""
    present = np.sort(kept.dropna().to_numpy())
    notes = []
    for extreme in {present[0], present[-1]} if len(present) else ():
        others = present[present != extreme]
        if len(others) >= _ENOUGH and (times := len(present) - len(others)) >= _REPEATED:
            apart = np.abs(others - extreme).min()
            if apart > others[-1] - others[0]:
                notes.append(
                    f"{extreme:g} comes {times} times, the other {len(others)} values are within {others[0]:g} ... {others[-1]:g}: taken as a "
                    "value; if it stands for none, list it in `missing`"
                )
    return notes


def _range(present):
    return f"{len(present)} value{'s' if len(present) > 1 else ''} within {present.min():g} ... {present.max():g}"


def refuse(wrong, present, where, words):
    """CubespaceError of the first row that is wrong, with its value and how many more there are."""
    if wrong.any():
        row = present.index[wrong][0]
        more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
        raise CubespaceError(f"{where}: row {row + 1}: {present[row]:g}{more} {words}")
