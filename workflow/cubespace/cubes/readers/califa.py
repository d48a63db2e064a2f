"""The CALIFA family: eCALIFA (drscube, v2.3), CALIFA DR3 (rscube, v2.2) and CAVITY, from one instrument and pipeline.

HDUs by name, in any order: PRIMARY flux, ERROR, BADPIX (not 0 = bad), FLAT (0 = outside the field), GAIA_MASK
(> 0 = foreground star; eCALIFA only); ERRWEIGHT and FIBCOVER are not needed. Layout: Sanchez et al. 2023
(eCALIFA), Sanchez et al. 2016 (DR3), Garcia-Benito et al. 2024 (CAVITY). The noise plane may also have one of the
other customary names. Fluxes in 1e-16 erg/s/cm2/A; whether wavelengths are in air is not written in the files.
"""

from cubespace.cubes.readers import header as cards
from cubespace.cubes.readers.assemble import NOISE, Layout, is_cube, named, noise_of, unused_planes_note
from cubespace.errors import CubeRejected

HDUS = (*NOISE, "BADPIX", "FLAT", "GAIA_MASK")
COMPANIONS = ("ERRWEIGHT", "BADPIX", "FLAT", "FIBCOVER", "GAIA_MASK")
KNOWN = ("PRIMARY", "SELECT_REG", "ORG_HDR", *COMPANIONS)
UNIT = 1e-16
AXES = ((3749.0, 2.0), (3650.0, 0.7), (3701.0, 2.0))  # V500, V1200, COMB


def recognises(hdus):
    """A primary cube with two or more of the companions that only this pipeline writes."""
    return bool(hdus) and hdus[0].name == "PRIMARY" and is_cube(hdus[0]) and (
        sum(unit.name in COMPANIONS for unit in hdus) >= 2
    )  # fmt: skip


def layout(survey, hdus, pixel_arcsec, required, optional=("FLAT",)):
    """The `Layout` of a file of the family.

    CubeRejected (``hdu_missing``) if a required HDU is not there; or an optional one is not, but one of a name that the
    pipeline does not write is, which may be it.
    """
    noise, kind = noise_of(hdus)
    missing = [name for name in required if named(hdus, name) is None]
    if strange := [unit for unit in hdus if unit.name not in KNOWN and unit is not noise]:
        missing += [name for name in optional if named(hdus, name) is None and name not in missing]
    if noise is None:
        missing.insert(0, "ERROR")
    if missing:
        raise CubeRejected(
            "hdu_missing",
            f"a {survey} file without {' and '.join(missing)}; it has {'; '.join(map(str, hdus))}"
            + (f" ({strange[0].name or 'the unnamed one'} is not known)" if strange else ""),
        )
    flags, flat, star = named(hdus, "BADPIX"), named(hdus, "FLAT"), named(hdus, "GAIA_MASK")
    notes = () if star else ("no GAIA_MASK: no foreground stars masked",)
    return Layout(
        survey, hdus[0], noise, kind, flags=flags, flat=flat, star=star, unit=UNIT,
        pixel_arcsec=pixel_arcsec, axes=AXES,
        expected=notes + unused_planes_note(hdus, flags, flat, star),
    )  # fmt: skip


def is_ecalifa(hdus):
    """Only eCALIFA has a GAIA_MASK; it has a FLAT and no FIBCOVER, or names its pipeline 2.3."""
    names = {unit.name for unit in hdus}
    version = cards.text(hdus[0].header, "PIPE VERS")
    return "GAIA_MASK" in names or ("FLAT" in names and "FIBCOVER" not in names) or version.startswith("2.3")


def is_cavity(hdus):
    """The void galaxies of CAVITY say so in OBJECT or SURVEY."""
    return any("CAVITY" in cards.text(hdus[0].header, key).upper() for key in ("OBJECT", "SURVEY", "PROJECT"))
