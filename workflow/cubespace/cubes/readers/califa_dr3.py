"""CALIFA DR3: ``rscube``, pipeline v2.2, pixels of 1 arcsec, no mask of stars."""

from cubespace.cubes.readers import califa

NAME = "califa_dr3"
EXPECTED = "CALIFA DR3: PRIMARY (3-D), ERROR, BADPIX, ERRWEIGHT or FIBCOVER"
HDUS = califa.HDUS
LAST = ()  # FLAT may be anywhere or nowhere


def layout(hdus):
    """`Layout` of a DR3 file, or None."""
    if not califa.recognises(hdus) or califa.is_cavity(hdus) or califa.is_ecalifa(hdus):
        return None
    return califa.layout(NAME, hdus, 1.0, ("BADPIX",))
