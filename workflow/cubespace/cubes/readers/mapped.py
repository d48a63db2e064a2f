"""A cube whose HDUs the configuration names (``cubes.mapping``): for surveys without an adapter."""

from cubespace.cubes.readers.assemble import IVAR, SIGMA, VARIANCE, Layout, named
from cubespace.errors import CubeRejected, CubespaceError

KINDS = {"sigma": SIGMA, "variance": VARIANCE, "ivar": IVAR}
ROLES = ("flux", *KINDS, "flags", "star", "flat", "wavelength")
OTHER = ("survey", "bad_bits", "unit", "medium", "pixel_arcsec")


def check(mapping):
    """CubespaceError unless `mapping` has known keys, a flux, and one of sigma, variance and ivar."""
    if unknown := sorted(set(mapping) - set(ROLES) - set(OTHER)):
        raise CubespaceError(f"cubes.mapping: {', '.join(unknown)} unknown; {', '.join(ROLES + OTHER)} are allowed")
    given = [kind for kind in KINDS if mapping.get(kind) is not None]
    if mapping.get("flux") is None or len(given) != 1:
        raise CubespaceError(
            f"cubes.mapping: flux and one of sigma, variance, ivar are expected, found {', '.join(mapping) or 'nothing'}"
        )
    return given[0]


def wants(mapping):
    """callable (index, name) -> bool: HDUs that the mapping names, by name or number."""
    asked = {item.upper() if isinstance(item, str) else item for role in ROLES if (item := mapping.get(role)) is not None}
    return lambda index, name: index in asked or name in asked


def layout(hdus, mapping):
    """`Layout` as the mapping says; CubeRejected (``hdu_missing``) if the file lacks an HDU of it,
    (``hdu_ambiguous``) if its flux or noise has another meaning, too."""
    kind = check(mapping)
    found = {role: _find(hdus, mapping[role], role) for role in ROLES if mapping.get(role) is not None}
    for role, unit in (("flux", found["flux"]), (kind, found[kind])):
        if other := next((name for name in found if name != role and found[name] is unit), None):
            raise CubeRejected("hdu_ambiguous", f"cubes.mapping: {role} and {other} are both HDU {unit.index} {unit}; one HDU for each is expected")
    return Layout(
        mapping.get("survey", "mapped"), found["flux"], found[kind], KINDS[kind], flags=found.get("flags"),
        bad_bits=tuple(mapping.get("bad_bits") or ()), star=found.get("star"), flat=found.get("flat"),
        wave=found.get("wavelength"), stated_unit=mapping.get("unit"), medium=mapping.get("medium"),
        overrule=mapping.get("medium") is not None, pixel_arcsec=mapping.get("pixel_arcsec"),
    )  # fmt: skip


def _find(hdus, asked, role):
    if isinstance(asked, str):
        unit = named(hdus, asked.upper())
    else:
        unit = next((unit for unit in hdus if unit.index == asked), None)
    if unit is None or unit.data is None:
        raise CubeRejected(
            "hdu_missing",
            f"cubes.mapping: {role} is HDU {asked!r}, of which there is no image; found: {'; '.join(map(str, hdus))}",
        )
    return unit
