"""MUSE: DATA and STAT (variance), perhaps DQ or another mask (not 0 = bad), of the ESO pipeline and of MPDAF (Weilbacher et al. 2020).

Wavelengths in air (CTYPE3 = AWAV), usually in Angstrom, fluxes in 1e-20 erg/s/cm2/A; NaN where there are no data.
"""

from cubespace.cubes.readers import header as cards
from cubespace.cubes.readers.assemble import (
    PLANES,
    VARIANCE,
    Layout,
    is_cube,
    named,
    noise_kind,
    planes_of,
    unused_planes_note,
)
from cubespace.errors import CubeRejected

NAME = "muse"
EXPECTED = "MUSE: DATA (3-D), STAT"
HDUS = ("DATA", "STAT", *PLANES)
LAST = ()  # masks may be anywhere or nowhere


def layout(hdus):
    """`Layout` of a MUSE cube, or None."""
    data, stat = named(hdus, "DATA"), named(hdus, "STAT")
    says = any("MUSE" in cards.text(unit.header, "INSTRUME").upper() for unit in hdus)
    if not is_cube(data) or (stat is None and not says):
        return None
    if stat is None:
        raise CubeRejected("hdu_missing", f"a MUSE cube without STAT; it has {'; '.join(map(str, hdus))}")
    planes = planes_of(hdus, data, "DQ")
    notes = () if says else ("INSTRUME does not say MUSE: taken for it by DATA and STAT",)
    return Layout(
        NAME, data, stat, noise_kind(stat, VARIANCE), unit=1e-20, medium="air", pixel_arcsec=0.2,
        expected=notes + unused_planes_note(hdus, *planes.values()), **planes,
    )  # fmt: skip
