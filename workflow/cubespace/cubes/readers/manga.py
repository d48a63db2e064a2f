"""MaNGA: LOGCUBE and LINCUBE of the DRP (Law et al. 2016; SDSS DR17 data model).

FLUX [1e-17 erg/s/cm2/A per spaxel], IVAR, MASK (bits of MANGA_DRP3PIXMASK: 0 no coverage, 1 low coverage, 2 dead
fibre, 3 foreground star, 10 do not use), WAVE [A, vacuum]. A file whose DRP3QUAL has bit 30 (CRITICAL) is refused,
and so are the model cubes of the DAP.
"""

from cubespace.cubes.readers import header as cards
from cubespace.cubes.readers.assemble import IVAR, Layout, is_cube, named, noise_kind, unused_planes_note
from cubespace.errors import CubeRejected

NAME = "manga"
EXPECTED = "MaNGA: FLUX (3-D), IVAR, MASK, WAVE"
HDUS = ("FLUX", "IVAR", "MASK", "WAVE")
LAST = HDUS
BAD_BITS = (0, 1, 2, 10)
STAR_BIT = 3
CRITICAL = 30
OWN = ("MANGAID", "PLATEIFU", "DRP3QUAL")
DAP = ("VERSDAP", "DAPFRMT", "DAPTYPE")


def layout(hdus):
    """`Layout` of a MaNGA cube, or None."""
    flux = named(hdus, "FLUX")
    says = any(key in unit.header for unit in hdus if unit.index == 0 or unit is flux for key in OWN)
    if not is_cube(flux) or not (says or {u.name for u in hdus} >= set(HDUS)):
        return None
    if any(key in head for head in (hdus[0].header, flux.header) for key in DAP):
        raise CubeRejected("unrecognised", "a MaNGA product of the DAP (binned spectra, other mask bits); the DRP's LOGCUBE is expected")
    if missing := [name for name in HDUS if named(hdus, name) is None]:
        raise CubeRejected(
            "hdu_missing", f"a MaNGA cube without {' and '.join(missing)}; it has {'; '.join(map(str, hdus))}"
        )
    for head in (hdus[0].header, flux.header):
        quality = int(cards.number(head, "DRP3QUAL", "MaNGA", 0))
        if quality >> CRITICAL & 1:
            raise CubeRejected(
                "flagged_by_survey", f"DRP3QUAL = {quality} has bit {CRITICAL} (CRITICAL): not to be used"
            )
    noise, mask = named(hdus, "IVAR"), named(hdus, "MASK")
    bits = f"bits {', '.join(map(str, BAD_BITS))} of MASK taken as bad, bit {STAR_BIT} as a star, no other"
    notes = () if says else (f"no {', '.join(OWN)}: taken for MaNGA by {', '.join(HDUS)}: {bits}; wavelengths in vacuum unless a card says air",)
    return Layout(
        NAME, flux, noise, noise_kind(noise, IVAR), flags=mask, bad_bits=BAD_BITS, star_bit=STAR_BIT,
        wave=named(hdus, "WAVE"), unit=1e-17, medium="vacuum", pixel_arcsec=0.5,
        expected=notes + unused_planes_note(hdus, mask),
    )  # fmt: skip
