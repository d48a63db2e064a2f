"""Readers of data cubes: one small adapter a survey, chosen by the content of the file, never by its name.

To add a survey: write a module with

* ``NAME`` and ``EXPECTED`` (what a file has, for messages),
* ``HDUS``: names of the HDUs to load beside the primary one,
* ``LAST``: names after which nothing more is needed, or () if that cannot be known,
* ``layout(hdus) -> Layout``: what they mean, or None if the file is not of this survey,

list it in `ADAPTERS`, and add a test with a file built from the survey's data model (docs/intake.md).
"""

from cubespace.cubes.readers import (
    califa_dr3,
    cavity,
    ecalifa,
    generic,
    manga,
    mapped,
    muse,
    sami,
)
from cubespace.cubes.readers.assemble import assemble
from cubespace.cubes.readers.container import read_hdus
from cubespace.errors import CubeRejected

ADAPTERS = (ecalifa, califa_dr3, cavity, manga, muse, sami, generic)


def read_cube(path, unknown_unit="survey", mapping=None, unstated_medium="air", checksum="reject", verify=True):
    """Read a data cube of any known survey.

    Parameters
    ----------
    path : path of the file, ``.fits`` or gzipped, tile-compressed or not
    unknown_unit : "survey", "assume" or "reject"
        What to do if the flux unit is not stated in a known way (see `flux_units.flux_scale`).
    mapping : dict, optional
        Which HDU is what, instead of the adapters (see `mapped`).
    unstated_medium : "air" or "vacuum"
        What the wavelengths are in where neither the file nor the survey's documents say.
    checksum : "reject", "note" or "ignore"
        What to do if an HDU contradicts its CHECKSUM card.
    verify : bool
        Read a gzipped file to its end, which checks its sum. False stops after the last HDU that is needed: for
        a second reading of the same file.

    Returns
    -------
    `Cube`, wavelengths in air, fluxes in 1e-16 erg/s/cm2/A

    Raises
    ------
    CubeRejected
        ``unreadable``, ``truncated``, ``corrupt``, ``unrecognised`` or ``not_a_cube`` (listing the HDUs found),
        ``hdu_missing``, ``hdu_ambiguous``, or what `assemble.assemble` finds wrong.
    """
    path, notes = str(path), []
    try:
        if mapping:
            mapped.check(mapping)
            hdus = read_hdus(path, mapped.wants(mapping), None, checksum, notes)
            found = mapped.layout(hdus, mapping)
        else:
            names = {name for adapter in ADAPTERS for name in adapter.HDUS}
            enough = None if verify else _enough
            hdus = read_hdus(path, lambda index, name: index == 0 or name in names or name == "PRIMARY", enough, checksum, notes)
            found = next(filter(None, (adapter.layout(hdus) for adapter in ADAPTERS)), None)
        if found is None:
            cubes = any(len(unit.shape) >= 3 for unit in hdus)
            raise CubeRejected("unrecognised" if cubes else "not_a_cube", _alien(hdus))
        cube = assemble(found, hdus, path, unknown_unit, unstated_medium)
    except CubeRejected as error:
        if path in error.detail:
            raise
        raise CubeRejected(error.code, f"{path}: {error.detail}") from None
    cube.notes[:0] = notes
    return cube


def _enough(hdus):
    """True if nothing that follows is needed: all names of a survey that knows its last HDU have been met."""
    names = {unit.name for unit in hdus}
    return any(adapter.LAST and names >= set(adapter.LAST) and _known(adapter, hdus) for adapter in ADAPTERS)


def _known(adapter, hdus):
    try:
        return adapter.layout(hdus) is not None
    except CubeRejected:
        return False


def _alien(hdus):
    return (
        f"no known survey has these HDUs: {'; '.join(map(str, hdus))}. "
        f"Expected: {'; '.join(adapter.EXPECTED for adapter in ADAPTERS)}; or name them in cubes.mapping"
    )
