"""SAMI: one cube an arm, PRIMARY flux [1e-16 erg/s/cm2/A per pixel], VARIANCE, WEIGHT, COVAR (Croom et al. 2021, DR3).

Reference pixel in the middle of the axis, wavelengths in air, NaN where there are no data; masks that were added are used. The
covariance between neighbouring pixels is not used: the error is that of single pixels.
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

NAME = "sami"
EXPECTED = "SAMI: PRIMARY (3-D), VARIANCE, COVAR (or WEIGHT, and SAMI in INSTRUME)"
HDUS = ("VARIANCE", *PLANES)
LAST = ()  # masks may be anywhere or nowhere


def layout(hdus):
    """`Layout` of a SAMI cube, or None."""
    names = {unit.name for unit in hdus}
    if not hdus or hdus[0].name != "PRIMARY" or not is_cube(hdus[0]):
        return None
    if "COVAR" not in names and not ("WEIGHT" in names and "SAMI" in cards.text(hdus[0].header, "INSTRUME").upper()):
        return None
    variance = named(hdus, "VARIANCE")
    if variance is None:
        raise CubeRejected("hdu_missing", f"a SAMI cube without VARIANCE; it has {'; '.join(map(str, hdus))}")
    planes = planes_of(hdus, hdus[0])
    return Layout(
        NAME, hdus[0], variance, noise_kind(variance, VARIANCE), unit=1e-16, medium="air", pixel_arcsec=0.5,
        expected=unused_planes_note(hdus, *planes.values()), **planes,
    )  # fmt: skip
