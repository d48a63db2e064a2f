"""Readers of data cubes: one small adapter a survey, chosen by the content of the file, never by its name.

To add a survey: write a module with ``NAME``, ``wants(name) -> bool`` (HDUs to load), ``recognises(hdus) ->
bool`` and
``read(hdus, path, unknown_unit) -> Cube``, and list it in `ADAPTERS`.
"""

from cubespace.cubes.readers import ecalifa
from cubespace.cubes.readers.container import read_hdus
from cubespace.errors import CubeRejected

ADAPTERS = (ecalifa,)


def read_cube(path, unknown_unit="assume"):
    """Read a data cube of any known survey.

    Parameters
    ----------
    path : path of the file, ``.fits`` or gzipped
    unknown_unit : "assume" or "reject"
        What to do if the flux unit is not stated in a known way (see `header.flux_scale`).

    Returns
    -------
    `Cube`

    Raises
    ------
    CubeRejected
        ``unreadable``, ``truncated``, ``corrupt``, ``unrecognised`` (listing the HDUs found), or what the
        adapter finds wrong.
    """
    hdus = read_hdus(path, lambda index, name: index == 0 or any(a.wants(name) for a in ADAPTERS))
    for adapter in ADAPTERS:
        if adapter.recognises(hdus):
            return adapter.read(hdus, str(path), unknown_unit)
    raise CubeRejected(
        "unrecognised",
        f"{path}: no known survey has these HDUs: {'; '.join(map(str, hdus))}. "
        f"Expected: {'; '.join(adapter.EXPECTED for adapter in ADAPTERS)}",
    )
