"""What numbers and names of a column say about its convention, where they are not in the one that is expected."""

import re

import numpy as np

from cubespace.columns import PROPERTIES
from cubespace.errors import CubespaceError

BOUNDS = {"ra": (-360.0, 720.0), "dec": (-90.0, 90.0)} | {
    name: (p.low, p.high) for name, p in PROPERTIES.items()
}
_ENOUGH = 5  # values, to say something of all of them
_LOG_NAME = re.compile(
    r"^lo?g|^l_?(m|sfr|age|z|ew|sig|nii|n2|oiii|o3)|[_\s(\[]lo?g(10)?([_\s(\[)\]]|$)|^\[[a-z]+/h\]", re.IGNORECASE
)
_ECCENTRICITY, _AXIS_RATIO = (
    re.compile(r"ecc|(^|_)e$"),
    re.compile(r"axis_?ratio|^b_?/?_?a$|(^|_)ba(_|$)|^q$"),
)


def says_log(column):
    """True if a column's name says logarithm: logM, lg_sfr, lSFR, mass_log10, [Z/H]."""
    return bool(_LOG_NAME.search(str(column)))


def refuse_another_convention(kept, name, column, where):
    """CubespaceError if a column without unit and `convert` cannot be what it is mapped to."""
    present = kept[kept.notna()]
    if name == "redshift":
        refuse(present > 10, present, where, "cannot be a redshift; if it is in km/s, set convert: km_s")
    if name == "ellipticity":
        for pattern, convert in ((_ECCENTRICITY, "eccentricity"), (_AXIS_RATIO, "axis_ratio")):
            if pattern.search(str(column).casefold()):
                raise CubespaceError(
                    f"{where}: the name says {convert}; set convert: {convert}, or convert: none if it is 1 - b/a"
                )
    if name == "metallicity_lw" and len(present) >= 3 and present.between(0, 0.1, inclusive="right").all():
        refuse(present > 0, present, where, "looks like a mass fraction Z; set convert: log10_z_over_zsun")
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
    """Notes on numbers without unit that look like another quantity, though each is possible.

    CubespaceError where the quantity of no sample is like that, unless the column's name says that it is what is expected.
    """
    present = kept[kept.between(*BOUNDS[name])]
    if len(present) < _ENOUGH:
        return []
    low, median = present.min(), present.median()
    if name == "ra" and low >= 0 and present.max() <= 24:
        return [f"all {len(present)} values are within 0 ... 24 and were taken as degrees; hours need unit: hourangle"]
    looks = None
    if name in ("log_nii_ha_cen", "log_oiii_hb_cen", "log_sfr") and low >= 0:
        looks = "none is negative: looks linear; set convert: log10"
    elif name == "metallicity_lw" and low > 0 and median > 0.3:
        looks = f"all above 0, median {median:g}: looks linear; set unit: Z/Zsun"
    elif name == "log_mass" and median < 7:
        looks = f"median {median:g}: looks linear, in a large unit; set unit, such as 10^10 Msun"
    elif name == "log_age_lw" and median < 8:
        looks = f"median {median:g}: looks like ages in Gyr; set convert: log10_gyr_to_yr"
    if looks is None:
        return []
    may_be = name == "log_oiii_hb_cen"  # above 1 in every active galaxy
    if column == name or says_log(column) or may_be:
        return [f"{len(present)} values, {looks}, if they are no logarithms; they were taken as such"]
    raise CubespaceError(f"{where}: {len(present)} values, {looks}, or convert: none if they are logarithms")


def refuse(wrong, present, where, words):
    """CubespaceError of the first row that is wrong, with its value and how many more there are."""
    if wrong.any():
        row = present.index[wrong][0]
        more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
        raise CubespaceError(f"{where}: row {row + 1}: {present[row]:g}{more} {words}")
