"""CAVITY: galaxies of voids with the instrument and the file layout of CALIFA DR3; OBJECT names the survey."""

from cubespace.cubes.readers import califa

NAME = "cavity"
EXPECTED = "CAVITY: as CALIFA, OBJECT or SURVEY says CAVITY"
HDUS = califa.HDUS
LAST = ()


def layout(hdus):
    """`Layout` of a CAVITY file, or None."""
    if not califa.recognises(hdus) or not califa.is_cavity(hdus):
        return None
    return califa.layout(NAME, hdus, 1.0, ("BADPIX",))
