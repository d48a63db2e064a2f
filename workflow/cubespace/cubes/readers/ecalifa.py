"""eCALIFA: ``drscube``, pipeline v2.3, pixels of 0.5 arcsec, with a mask of foreground stars."""

from cubespace.cubes.readers import califa

NAME = "ecalifa"
EXPECTED = "eCALIFA: PRIMARY (3-D), ERROR, BADPIX, FLAT, GAIA_MASK"
HDUS = califa.HDUS
LAST = ("ERROR", "BADPIX", "FLAT", "GAIA_MASK")


def layout(hdus):
    """`Layout` of an eCALIFA file, or None."""
    if not califa.recognises(hdus) or califa.is_cavity(hdus) or not califa.is_ecalifa(hdus):
        return None
    return califa.layout(NAME, hdus, 0.5, ("BADPIX", "GAIA_MASK"))
