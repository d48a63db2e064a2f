"""Catalogues of groups and voids from files: presets for the published ones, a mapping of columns for any other."""

import re

import numpy as np
import pandas as pd

from cubespace.conventions import are_parts_of_angle
from cubespace.cosmology import H0, OM0, angular_distance, comoving_distance
from cubespace.errors import CubespaceError
from cubespace.notes import Note, reader_notes
from cubespace.populations.environment import Footprint, Groups, Voids
from cubespace.properties import SENTINELS, known_numbers, numbers_of
from cubespace.sphere import unit_vectors
from cubespace.tables import label, need_columns, read_table
from cubespace.units import length_in_mpc_per_h

# Each names our columns and the names that they have in the catalogue's editions; what the user states goes before.
PRESETS = {
    "tempel2017": {  # Tempel et al. 2017, A&A 602, A100, table 1: galaxies; GroupID 0 is no group
        "kind": "groups",
        "columns": {"ra": ["RAJ2000", "RAdeg", "ra"], "dec": ["DEJ2000", "DEdeg", "dec"], "redshift": ["zobs"],
                    "group": ["GroupID", "groupid"], "members": ["Ngal", "ngal"]},
    },
    "tempel2017-groups": {  # the same, table 2: groups, with R200 [Mpc] in H0 = 67.8, Omega_m = 0.308
        "kind": "groups",
        "columns": {"ra": ["RAJ2000", "RAdeg", "ra"], "dec": ["DEJ2000", "DEdeg", "dec"], "redshift": ["zcmb"],
                    "group": ["GroupID", "groupid"], "members": ["Ngal", "ngal"], "radius": ["R200", "r200"]},
        "frame": "cmb", "length_unit": "Mpc", "match_dz": 0.0033, "h0": 67.8, "om0": 0.308,
    },
    "lim2017": {  # Lim et al. 2017, MNRAS 470, 2982: "<survey> galaxy.dat", no header; members are counted
        "kind": "groups",
        "names": ["galaxy_id", "survey_id", "group_id", "ra", "dec", "l", "b", "z_cmb", "z_edd", "z_comp", "z_source", "dist_nn",
                  "log_luminosity", "log_mass", "colour"],
        "columns": {"ra": ["ra"], "dec": ["dec"], "redshift": ["z_cmb"], "group": ["group_id"]},
        "frame": "cmb",
    },
    "douglass2023": {  # Douglass et al. 2023, ApJS 265, 7, VoidFinder: maximal spheres, Planck 2018
        "kind": "voids",
        "columns": {"x": ["x", "X"], "y": ["y", "Y"], "z": ["z", "Z"], "radius": ["Reff", "R_EFF", "REFF", "r_eff"], "void": ["void", "VOID"]},
        "length_unit": "Mpc/h", "om0": 0.315,
    },
    "douglass2023-holes": {  # the same: all holes, whose union is the voids
        "kind": "voids",
        "columns": {"x": ["x", "X"], "y": ["y", "Y"], "z": ["z", "Z"], "radius": ["radius", "RADIUS", "R"], "void": ["void", "VOID"]},
        "length_unit": "Mpc/h", "om0": 0.315,
    },
    "pan2012": {  # Pan et al. 2012, MNRAS 421, 926: VoidFinder on SDSS DR7, void centres and effective radii
        "kind": "voids",
        "columns": {"ra": ["ra", "RA", "RAJ2000", "RAdeg"], "dec": ["dec", "DEC", "DEJ2000", "DEdeg"],
                    "distance": ["r", "dist", "distance", "R", "Dist", "comoving_distance"],
                    "radius": ["Reff", "reff", "r_eff", "R_eff", "effective_radius", "radius"], "void": ["void", "id", "ID"]},
        "length_unit": "Mpc/h", "om0": 0.26,
    },
}  # fmt: skip
_WAYS = (("x", "y", "z"), ("ra", "dec", "distance"), ("ra", "dec", "redshift"))
_READING = ("hdu", "names", "skip", "short_rows")
NO_GROUP = ("0", "-1", "-9", *(f"{value:.0f}" for value in SENTINELS if value.is_integer()))
_WHOLE = re.compile(r"([+-]?\d+)(?:\.0*)?(?:[eE][+-]?0+)?")  # a column of whole numbers with a gap is often written as 12.0
_MOST_MEMBERS = 1e6
# Smallest median, and largest, of the radii of groups [Mpc], of voids [Mpc/h], and of the distances of voids [Mpc/h]
_GROUP, _VOID, _FAR = (0.01, 30.0), (0.5, 500.0), (2.0, 2e4)


def expand(spec, kind):
    """A catalogue's settings with those of its preset filled in.

    Raises
    ------
    CubespaceError
        There is no such preset, it is of the other kind, or there is neither preset nor columns.
    """
    name = spec.get("preset")
    there = [preset for preset, settings in PRESETS.items() if settings["kind"] == kind]
    if name is not None and name not in there:
        raise CubespaceError(f"{spec.get('path')}: preset {name!r} of {kind}: allowed: {', '.join(there)}")
    if name is None and "columns" not in spec:
        raise CubespaceError(f"{spec.get('path')}: needs columns, or a preset: {', '.join(there)}")
    preset = {key: value for key, value in PRESETS.get(name, {}).items() if key != "kind"}
    columns = preset.get("columns", {}) | spec.get("columns", {})
    ours = {key: value for key, value in spec.items() if key != "preset"}
    return {"name": name} | preset | ours | {"columns": columns}


def read_groups(path, columns, name=None, footprint=None, match_radius=None, match_dz=None, length_unit=None, groups=None,
                no_group=NO_GROUP, frame="heliocentric", h0=H0, om0=OM0, **reading):  # fmt: skip
    """A group catalogue from a table with one row a galaxy, or one row a group.

    Parameters
    ----------
    path : table; name : for messages and results, else the file's name
    columns : {ra, dec, redshift, group, members, radius}: the table's names of these (a list: the first that is there; of
        the parts of an angle, such as [RAh, RAm, RAs] or [DE-, DEd, DEm, DEs], all), or {column, unit, convert, missing} as
        for property tables (`cubespace.properties.canonical_values`): units are the table's own, else degrees and z.
        Without `members` the rows of a group are counted. With `radius` the rows are groups, and a galaxy within that
        length of the centre on the sky is a member.
    footprint : {boxes: [[ra_min, ra_max, dec_min, dec_max], ...], radius: deg, redshift: [min, max]}, each part optional
    match_radius [arcsec], match_dz : tolerances of this catalogue instead of the general ones
    length_unit : "Mpc" or "Mpc/h" of `radius`; may be left out if the table gives it
    groups : {path, columns: {group, members}}: a second table with the groups' sizes
    no_group : values of `group` that say "in no group", besides words for missing; 12.0 is 12
    frame : of the redshifts, "heliocentric" or "cmb"
    h0, om0 : cosmology in which `radius` becomes an angle
    reading : hdu, names, skip, short_rows of `cubespace.tables.read_table`

    Raises
    ------
    CubespaceError
        A column is not there, not a number or of another kind (velocities without a unit, half a member ...); no row has a
        position and a redshift; a length has no unit, or two.
    """
    table, wanted, notes = _read(path, columns, ("ra", "dec", "redshift", "group"), ("members", "radius"), reading)
    if frame not in ("heliocentric", "cmb"):
        raise CubespaceError(f"{path}: frame: found {frame!r}, expected heliocentric or cmb")
    ra, dec, z = (_canonical(path, table, wanted, c, notes) for c in ("ra", "dec", "redshift"))
    outside = frozenset(map(_group, [*no_group, *wanted["group"].get("missing", ())]))
    group = [_group(value) for value in table[wanted["group"]["column"]]]
    group = np.array([None if text in outside else text for text in group], dtype=object)
    members = _members(path, table, wanted, group, groups, notes)
    good = np.isfinite(ra) & np.isfinite(dec) & np.isfinite(z) & np.isfinite(members)
    reach = None
    if "radius" in wanted:
        length = _lengths(path, table, wanted, "radius", length_unit, h0, notes) / (h0 / 100.0)  # Mpc
        _check_size(path, wanted["radius"], length, _GROUP, "Mpc")
        good &= (length > 0) & (z > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.degrees(length / angular_distance(np.where(z > 0, z, np.nan), h0, om0))
    if not good.any():
        raise CubespaceError(f"{path}: no row has position, redshift and number of members")
    lacking = "no position, redshift or number of members" + ("" if reach is None else ", or no radius")
    _passed_over(path, good, lacking, notes)
    return Groups(
        _name(name, path), ra[good], dec[good], z[good], group[good], members[good].astype(int),
        _footprint(path, footprint), match_radius, match_dz, None if reach is None else reach[good], frame, tuple(notes),
    )  # fmt: skip


def _passed_over(path, good, lacking, notes):
    """Add a note on the rows that are not used."""
    rows = np.flatnonzero(~good)
    if len(rows):
        first = ", ".join(str(row + 1) for row in rows[:5])
        notes.append(Note("rows", str(path), "", f"{len(rows)} of {len(good)} rows are passed over: {lacking}; the first: {first}"))


def _members(path, table, wanted, group, groups, notes):
    """(n,) size of each row's group: stated, from a second table, or counted; 1 for a galaxy in no group."""
    if "members" in wanted:
        members = _sizes(path, table, wanted["members"], notes)
    elif groups is not None:
        reading = {key: groups[key] for key in _READING if key in groups}
        second, names, more = _read(groups["path"], groups["columns"], ("group", "members"), (), reading)
        notes += more
        sizes = pd.Series(
            _sizes(groups["path"], second, names["members"], notes),
            index=[_group(value) for value in second[names["group"]["column"]]],
        )
        if sizes.index.duplicated().any():
            raise CubespaceError(
                f"{groups['path']}: group {sizes.index[sizes.index.duplicated()][0]!r} is there more than once"
            )
        members = pd.Series(group).map(sizes).to_numpy(float)
        alone = sorted({text for text, size in zip(group, members, strict=True) if text is not None and text not in sizes.index})
        if alone:
            words = f"{len(alone)} groups are not in {groups['path']}, and their galaxies are passed over: {', '.join(alone[:10])}"
            notes.append(Note("rows", str(path), "", words))
    else:
        members = pd.Series(group).map(pd.Series(group).value_counts()).to_numpy(float)
    return np.where(pd.isna(group) & ~np.isfinite(members), 1.0, members)


def _sizes(path, table, spec, notes):
    """Numbers of members; nan where a negative number or 0 says that it is not known."""
    sizes = _numbers(path, table, spec, notes)
    wrong = np.flatnonzero(np.isfinite(sizes) & ((sizes % 1 != 0) | (sizes > _MOST_MEMBERS)))
    if len(wrong):
        raise CubespaceError(
            f"{path}: column {spec['column']!r}: row {wrong[0] + 1}: found {sizes[wrong[0]]:g}, expected a number of members"
        )
    return np.where(sizes >= 1, sizes, np.nan)


def _group(value):
    """A group's identifier as text, None if missing; a whole number without its zeros."""
    text = label(value)
    whole = _WHOLE.fullmatch(text.strip()) if text else None
    return str(int(whole.group(1))) if whole else text


def read_voids(path, columns, length_unit=None, name=None, footprint=None, h0=H0, om0=OM0, **reading):
    """A void catalogue from a table with one row a void.

    Parameters
    ----------
    columns : {radius, and either x, y, z or ra, dec, distance or ra, dec, redshift; void (a label) optional}. `radius` is the
        effective radius. Names, lists or mappings as in `read_groups`.
    length_unit : "Mpc/h" or "Mpc" (comoving) of radius, distance, x, y, z; may be left out if the table gives it (the
        radius' unit stands for those that have none)
    h0, om0 : of the catalogue: turn Mpc into Mpc/h, and redshifts into distances

    Raises
    ------
    CubespaceError
        As `read_groups`; or the unit of length is not stated.
    """
    optional = ("void", "ra", "dec", "distance", "redshift", "x", "y", "z")
    table, wanted, notes = _read(path, columns, ("radius",), optional, reading)
    way = next((w for w in _WAYS if all(c in wanted for c in w)), None)
    if way is None:
        raise CubespaceError(
            f"{path}: columns: found {', '.join(columns)}; expected x, y, z or ra, dec, distance or ra, dec, redshift"
        )
    if way == _WAYS[0]:
        centre = np.stack([_lengths(path, table, wanted, c, length_unit, h0, notes) for c in way], axis=1)
        _check_size(path, wanted["x"], np.linalg.norm(centre, axis=1), _FAR, "Mpc/h", "distances of x, y, z")
    else:
        if way == _WAYS[1]:
            distance = _lengths(path, table, wanted, "distance", length_unit, h0, notes)
            _check_size(path, wanted["distance"], distance, _FAR, "Mpc/h", "distances")
        else:
            distance = comoving_distance(_canonical(path, table, wanted, "redshift", notes), h0=100.0, om0=om0)
        ra, dec = (_canonical(path, table, wanted, c, notes) for c in way[:2])
        centre = np.where(distance > 0, distance, np.nan)[:, None] * unit_vectors(ra, dec)
    radius = _lengths(path, table, wanted, "radius", length_unit, h0, notes)
    _check_size(path, wanted["radius"], radius, _VOID, "Mpc/h")
    names = table[wanted["void"]["column"]] if "void" in wanted else range(len(table))
    good = (
        np.isfinite(centre).all(axis=1)
        & (np.linalg.norm(centre, axis=1) > 0)
        & (radius > 0)
        & np.isfinite(radius)
    )
    if not good.any():
        raise CubespaceError(f"{path}: no row has a position and a positive radius")
    _passed_over(path, good, "no position or no positive radius", notes)
    labels = np.array([label(value) for value in names], dtype=object)
    return Voids(_name(name, path), centre[good], radius[good], labels[good], _footprint(path, footprint), om0, tuple(notes))


def _read(path, columns, needed, optional, reading):
    """The table with the wanted columns, our name -> {column: its name, and what else is stated of it}, and the reader's notes.

    Of a list of names the first that is there is taken, but of the parts of an angle all are.
    """
    wrong = sorted(set(reading) - set(_READING))
    if wrong:
        raise CubespaceError(f"{path}: unknown {', '.join(wrong)}; allowed: {', '.join(_READING)}")
    unknown = [c for c in columns if c not in needed and c not in optional]
    lacking = [c for c in needed if c not in columns]
    if unknown or lacking:
        raise CubespaceError(
            f"{path}: columns: found {', '.join(columns)}; expected {', '.join(needed)}, optionally {', '.join(optional)}"
        )
    specs = {ours: value if isinstance(value, dict) else {"column": value} for ours, value in columns.items()}
    choices = {
        ours: [spec["column"]] if isinstance(spec["column"], str) else list(spec["column"])
        for ours, spec in specs.items()
    }
    angles = {ours for ours, names in choices.items() if are_parts_of_angle(ours, names)}
    text = {name for ours in ("group", "void") for name in choices.get(ours, ())}
    text |= {name for ours in angles & {"dec"} for name in choices[ours][:-1]}  # "-00" as a number has no sign
    table = read_table(path, only={name for names in choices.values() for name in names}, text=text, **reading)
    wanted, notes = {}, reader_notes(table, path)
    for ours, there in choices.items():
        if ours in angles and any(name in table for name in there):
            need_columns(table, there, path)
            wanted[ours] = specs[ours] | {"column": there}
            continue
        found = next((name for name in there if name in table), None)
        if found is None and (ours in needed or isinstance(specs[ours]["column"], str)):
            need_columns(table, there[:1], path)
        if found is not None:
            wanted[ours] = specs[ours] | {"column": found}
            if others := [name for name in there if name in table and name != found]:
                words = f"column {found!r} is taken for {ours}; {', '.join(map(repr, others))} could be it as well"
                notes.append(Note("column", str(path), "", words))
    return table, wanted, notes


def _numbers(path, table, spec, notes, codes=()):
    """(n,) a column of numbers; nan where it is missing or one of `spec["missing"]`, else of `codes`, which is noted."""
    if "convert" in spec:
        raise CubespaceError(f"{path}: column {spec['column']!r}: convert is for ra, dec and redshift; here `unit` is expected")
    values, counts = known_numbers(table[spec["column"]], spec.get("missing", codes), f"{path}: column {spec['column']!r}")
    _count(path, spec, **counts, notes=notes)
    return values.to_numpy(float)


def _count(path, spec, missing, sentinel, notes, out_of_range=0):
    """Add a note on what became null in a column, if anything did."""
    if missing or sentinel or out_of_range:
        words = f"column {spec['column']!r}: {missing} missing, {sentinel} sentinels, {out_of_range} out of range"
        notes.append(Note("column", str(path), "", words))


def _canonical(path, table, wanted, name, notes):
    """(n,) ra or dec [deg] or redshift, from whatever unit is stated; nan where missing or impossible."""
    spec = wanted[name]
    values, _, counts, words = numbers_of(table, name, spec, path)
    notes += [Note("unit", str(path), "", f"column {spec['column']!r}: {text}") for text in words]
    _count(path, spec, **counts, notes=notes)
    return values.to_numpy(float)


def _check_size(path, spec, sizes, limits, unit, what="radii"):
    """CubespaceError unless radii are those of groups, or of voids, and distances theirs: another unit would lose all, or take in all."""
    known = sizes[np.isfinite(sizes) & (sizes > 0)]
    if known.size and not (limits[0] <= np.median(known) and known.max() <= limits[1]):
        raise CubespaceError(
            f"{path}: column {spec['column']!r}: {what} of {known.min():g} ... {known.max():g} {unit}, median {np.median(known):g}: "
            f"{limits[0]:g} (median) to {limits[1]:g} are expected; is the unit right?"
        )


def _lengths(path, table, wanted, name, stated, h0, notes):
    """(n,) lengths [Mpc/h], comoving: by the unit in the mapping, else `stated`, the column's own, the radius' own."""
    spec = wanted[name]
    where = f"{path}: column {spec['column']!r}"
    own, of_radius = (table.attrs["units"].get(wanted[c]["column"]) for c in (name, "radius"))
    factors = [length_in_mpc_per_h(unit, h0) for unit in (own, stated)]
    if "unit" not in spec and None not in factors and not np.isclose(*factors):
        raise CubespaceError(
            f"{where}: the table's unit is {own!r}, length_unit is {stated!r}; "
            f"`{name}: {{column: {spec['column']}, unit: ...}}` says which holds"
        )
    unit = spec.get("unit") or stated or own or wanted["radius"].get("unit") or of_radius
    factor = length_in_mpc_per_h(unit, h0)
    if factor is None:
        raise CubespaceError(f"{where}: length_unit: found {unit or 'none'!r}, expected 'Mpc/h' or 'Mpc'")
    return factor * _numbers(path, table, spec, notes, () if name in _WAYS[0] else SENTINELS)


def _footprint(path, spec):
    if spec is None:
        return None
    unknown = set(spec) - {"boxes", "radius", "redshift"}
    if unknown:
        raise CubespaceError(
            f"{path}: footprint: found {', '.join(sorted(unknown))}; expected boxes, radius, redshift"
        )
    try:
        boxes = tuple(tuple(map(float, box)) for box in spec.get("boxes") or ())
        radius, redshift = spec.get("radius"), tuple(map(float, spec.get("redshift") or (0.0, np.inf)))
        radius = radius if radius is None else float(radius)
    except (TypeError, ValueError):
        raise CubespaceError(
            f"{path}: footprint: found {spec}, expected boxes [[ra_min, ra_max, dec_min, dec_max], ...], radius and redshift [min, max] of numbers"
        ) from None
    if any(len(box) != 4 or box[2] > box[3] for box in boxes):
        raise CubespaceError(
            f"{path}: footprint: boxes: found {spec['boxes']}, expected [ra_min, ra_max, dec_min, dec_max] each"
        )
    if any(abs(limit) > 90 for box in boxes for limit in box[2:]) or (radius is not None and not 0 < radius <= 180):
        raise CubespaceError(f"{path}: footprint: found {spec}, expected declinations within -90 ... 90 and a radius of up to 180 degrees")
    if len(redshift) != 2 or not redshift[0] < redshift[1]:
        raise CubespaceError(f"{path}: footprint: redshift: found {spec['redshift']}, expected [min, max]")
    return Footprint(boxes, radius, redshift)


def _name(name, path):
    return name or str(path).rsplit("/", 1)[-1].split(".")[0]
