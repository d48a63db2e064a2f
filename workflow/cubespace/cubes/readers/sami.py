"""SAMI: one cube an arm, PRIMARY flux [1e-16 erg/s/cm2/A per pixel], VARIANCE, WEIGHT, COVAR (Croom et al. 2021, DR3).

Reference pixel in the middle of the axis, wavelengths in air, NaN where there are no data. The covariance between
neighbouring pixels is not used: the error is that of single pixels.
"""

from cubespace.cubes.readers.assemble import VARIANCE, Layout, is_cube, named, noise_kind
from cubespace.errors import CubeRejected

NAME = "sami"
EXPECTED = "SAMI: PRIMARY (3-D), VARIANCE, WEIGHT"
HDUS = ("VARIANCE",)
LAST = ("VARIANCE", "WEIGHT")


def layout(hdus):
    """`Layout` of a SAMI cube, or None."""
    names = {unit.name for unit in hdus}
    if not hdus or hdus[0].name != "PRIMARY" or not is_cube(hdus[0]) or not names & {"WEIGHT", "COVAR"}:
        return None
    variance = named(hdus, "VARIANCE")
    if variance is None:
        raise CubeRejected("hdu_missing", f"a SAMI cube without VARIANCE; it has {'; '.join(map(str, hdus))}")
    return Layout(NAME, hdus[0], variance, noise_kind(variance, VARIANCE), unit=1e-16, medium="air", pixel_arcsec=0.5)
