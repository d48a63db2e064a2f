"""Large-scale environment of each galaxy from group and void catalogues (the paper, sec. 4.1).

cluster        a member of a group with at least `cluster_members` (30) members in any group catalogue; it
wins over a void void           within `void_fraction` (1.0) effective radii of a void's centre, edge
included, comoving filament_wall  otherwise, inside the footprint of any catalogue or matched in a group
catalogue unclassified   outside all footprints, or without position or redshift

Catalogues hold galaxies, matched on the sphere (right ascensions of -0.1, 359.9 and 360.1 degrees are what
they should be) and in redshift. Of several matches the one in the largest group counts. Lengths are in Mpc/h
inside this module; catalogues must say which unit they use.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from cubespace.cosmology import H0, OM0, comoving_distance
from cubespace.errors import CubespaceError
from cubespace.tables import read_table

ENVIRONMENTS = ("cluster", "filament_wall", "void", "unclassified")
_EDGE = 1e-9  # relative; the edge of a void and of a matching circle are inside


class Footprint(NamedTuple):
    """Where a catalogue knows the sky: boxes (ra_min, ra_max, dec_min, dec_max) in degrees, of which one may
    cross the meridian, or everything within `radius` degrees of one of its objects; and a range of
    redshift."""

    boxes: tuple = ()
    radius: float | None = None
    redshift: tuple = (0.0, np.inf)


class Groups(NamedTuple):
    """A galaxy catalogue with groups: arrays of one length; `members` is the size of the row's group."""

    name: str
    ra: np.ndarray  # deg
    dec: np.ndarray  # deg
    redshift: np.ndarray
    group: np.ndarray  # str
    members: np.ndarray  # int
    footprint: Footprint | None = None
    match_radius: float | None = None  # arcsec, instead of the general one
    match_dz: float | None = None


class Voids(NamedTuple):
    """Comoving centres (n, 3) and effective radii (n,) of voids in Mpc/h; x towards RA = 0, z to Dec = 90 deg."""

    name: str
    centre: np.ndarray
    radius: np.ndarray
    void: np.ndarray  # str
    footprint: Footprint | None = None


def unit_vectors(ra, dec):
    """(..., 3) unit vectors of positions in degrees."""
    ra, dec = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def _chord(degrees):
    """Distance of two unit vectors that are `degrees` apart, with a hair's breadth for rounding."""
    return 2.0 * np.sin(np.radians(min(degrees, 180.0)) / 2.0) * (1.0 + _EDGE)


def inside_boxes(ra, dec, boxes):
    """(n,) bool: positions [deg] in any box, edges included; ra_min > ra_max crosses the meridian."""
    ra, dec = np.asarray(ra, float), np.asarray(dec, float)
    inside = np.zeros(ra.shape, bool)
    for ra_min, ra_max, dec_min, dec_max in boxes:
        width = 360.0 if ra_max - ra_min >= 360.0 else (ra_max - ra_min) % 360.0
        offset = (ra - ra_min) % 360.0
        inside |= ((offset <= width) | (offset >= 360.0 - _EDGE)) & (dec >= dec_min) & (dec <= dec_max)
    return inside


def inside_footprint(ra, dec, redshift, footprint, objects=None):
    """(n,) bool: galaxies in a footprint; `objects` are unit vectors (m, 3) of the catalogue, for `radius`."""
    if footprint is None:
        return np.zeros(len(ra), bool)
    inside = inside_boxes(ra, dec, footprint.boxes)
    if footprint.radius is not None:
        nearest, _ = cKDTree(objects).query(unit_vectors(ra, dec))
        inside |= nearest <= _chord(footprint.radius)
    return inside & (redshift >= footprint.redshift[0]) & (redshift <= footprint.redshift[1])


def largest_group(ra, dec, redshift, groups, match_radius, match_dz):
    """(n,) row of the catalogue in whose group each galaxy is, -1 without a match.

    A row matches within `match_radius` arcsec on the sky and `match_dz` in redshift, limits included; the
    largest group wins, then the nearest row.
    """
    points, rows = unit_vectors(ra, dec), unit_vectors(groups.ra, groups.dec)
    near = cKDTree(rows).query_ball_point(points, _chord(match_radius / 3600.0))
    best = np.full(len(points), -1)
    for i, candidates in enumerate(near):
        candidates = np.array(sorted(candidates), int)
        candidates = candidates[
            np.abs(groups.redshift[candidates] - redshift[i]) <= match_dz * (1.0 + _EDGE) + 1e-12
        ]
        if len(candidates):
            apart = np.linalg.norm(rows[candidates] - points[i], axis=1)
            best[i] = candidates[np.lexsort((apart, -groups.members[candidates]))[0]]
    return best


def deepest_void(position, voids, chunk=2000):
    """Depth in the void in which each galaxy lies deepest.

    Parameters
    ----------
    position : (n, 3) comoving, Mpc/h

    Returns
    -------
    depth : (n,) smallest distance from a centre in units of that void's effective radius
    index : (n,) which void
    """
    depth, index = np.empty(len(position)), np.empty(len(position), int)
    for start in range(0, len(position), chunk):
        part = slice(start, start + chunk)
        ratio = np.linalg.norm(position[part, None] - voids.centre, axis=2) / voids.radius
        index[part] = ratio.argmin(axis=1)
        depth[part] = ratio.min(axis=1)
    return depth, index


def classify(
    galaxies,
    groups=(),
    voids=(),
    cluster_members=30,
    void_fraction=1.0,
    match_radius=15.0,
    match_dz=0.001,
    om0=OM0,
):
    """Environment of each galaxy, and what it was decided from.

    Parameters
    ----------
    galaxies : DataFrame with ra, dec [deg], redshift; nulls allowed
    groups, voids : sequences of `Groups`, `Voids`
    cluster_members : int
    void_fraction : float, of the effective radius
    match_radius : arcsec; match_dz : difference in redshift (0.001 = 300 km/s)
    om0 : float; distances in Mpc/h do not depend on H0

    Returns
    -------
    pandas.DataFrame, index of `galaxies`
        environment; group_catalogue, group, group_members of the largest group; void_catalogue, void,
        void_depth (distance over effective radius) of the deepest void, also where that is outside;
        footprints (names, space-separated); environment_from (sentence).
    """
    n = len(galaxies)
    values = {name: galaxies[name].to_numpy(float) for name in ("ra", "dec", "redshift")}
    known = np.isfinite(list(values.values())).all(axis=0) & (values["redshift"] > 0)
    ra, dec, redshift = (v[known] for v in values.values())
    m = int(known.sum())

    members, group_row, group_from = np.zeros(m, int), np.full(m, None, object), np.full(m, None, object)
    covered = [[] for _ in range(m)]
    for catalogue in groups:
        radius = match_radius if catalogue.match_radius is None else catalogue.match_radius
        dz = match_dz if catalogue.match_dz is None else catalogue.match_dz
        row = largest_group(ra, dec, redshift, catalogue, radius, dz)
        better = (row >= 0) & (catalogue.members[row] > members)
        members[better], group_row[better], group_from[better] = (
            catalogue.members[row[better]],
            catalogue.group[row[better]],
            catalogue.name,
        )
        inside = inside_footprint(
            ra, dec, redshift, catalogue.footprint, unit_vectors(catalogue.ra, catalogue.dec)
        )
        _note(covered, inside | (row >= 0), catalogue.name)

    depth, void, void_from = np.full(m, np.nan), np.full(m, None, object), np.full(m, None, object)
    position = comoving_distance(redshift, h0=100.0, om0=om0)[:, None] * unit_vectors(ra, dec)
    for catalogue in voids:
        d, index = deepest_void(position, catalogue)
        better = ~(depth <= d)
        depth[better], void[better], void_from[better] = (
            d[better],
            catalogue.void[index[better]],
            catalogue.name,
        )
        directions = catalogue.centre / np.linalg.norm(catalogue.centre, axis=1, keepdims=True)
        _note(covered, inside_footprint(ra, dec, redshift, catalogue.footprint, directions), catalogue.name)

    in_cluster = members >= cluster_members
    in_void = depth <= void_fraction * (1.0 + _EDGE)
    in_any = np.array([bool(c) for c in covered], bool)
    conditions = [in_cluster, in_void, in_any]
    environment = np.select(conditions, ["cluster", "void", "filament_wall"], "unclassified").astype(object)
    by = np.select(
        conditions,
        [
            f"group of {cluster_members} or more members",
            f"within {void_fraction:g} effective radii of a void",
            "inside a footprint, neither cluster nor void",
        ],
        "outside all footprints",
    )

    def spread(column, missing):
        whole = np.full(n, missing, dtype=object if missing is None or isinstance(missing, str) else float)
        whole[known] = column
        return whole

    return pd.DataFrame(
        {
            "environment": spread(environment, "unclassified"),
            "group_catalogue": spread(group_from, None),
            "group": spread(group_row, None),
            "group_members": spread(np.where(members > 0, members, np.nan), np.nan),
            "void_catalogue": spread(void_from, None),
            "void": spread(void, None),
            "void_depth": spread(depth, np.nan),
            "footprints": spread([" ".join(c) or None for c in covered], None),
            "environment_from": spread(by, "position or redshift missing"),
        },
        index=galaxies.index,
    )


def _note(covered, inside, name):
    for i in np.flatnonzero(inside):
        covered[i].append(name)


def prefer_stated(classes, galaxies, name, allowed, where):
    """`classes` with the values of its column `name` replaced where the galaxies' own table states one.

    Both tables have the same rows in the same order; the column `{name}_from` then says "stated in the
    property tables".

    Raises
    ------
    CubespaceError
        A stated class is none of `allowed`.
    """
    if name not in galaxies:
        return classes
    stated = galaxies[name].notna().to_numpy()
    wrong = stated & ~galaxies[name].isin(allowed).to_numpy()
    if wrong.any():
        row = galaxies[wrong].iloc[0]
        raise CubespaceError(
            f"{where}: {row['galaxy']}: {name}: found {row[name]!r}, expected one of {', '.join(allowed)}"
        )
    classes = classes.copy()
    classes[name] = classes[name].where(~stated, galaxies[name].to_numpy())
    classes[f"{name}_from"] = classes[f"{name}_from"].where(~stated, "stated in the property tables")
    return classes


def read_groups(path, columns, name=None, footprint=None, match_radius=None, match_dz=None):
    """A group catalogue from a table with one row a galaxy.

    Parameters
    ----------
    path : table; name : for messages and results, else the file's name
    columns : {ra, dec [deg], redshift, group, members}: the table's names of these; without `members` the
    rows of a group are
        counted. (Tempel et al. 2017, table 1: RAJ2000, DEJ2000, zobs, GroupID, Ngal.)
    footprint : {boxes: [[ra_min, ra_max, dec_min, dec_max], ...], radius: deg, redshift: [min, max]}, each
    part optional
    match_radius, match_dz : tolerances of this catalogue instead of the general ones

    Raises
    ------
    CubespaceError
        A column is not there or not a number; no row has a position and a redshift.
    """
    table = read_table(path)
    wanted = _columns(path, table, columns, ("ra", "dec", "redshift", "group"), ("members",))
    ra, dec, z = (_numbers(path, table, wanted[c]) for c in ("ra", "dec", "redshift"))
    group = np.array([_label(value) for value in table[wanted["group"]]], dtype=object)
    if "members" in wanted:
        members = _numbers(path, table, wanted["members"])
    else:
        members = pd.Series(group).map(pd.Series(group).value_counts()).to_numpy(float)
        members[group == None] = 1.0  # noqa: E711 (elementwise): a galaxy in no group
    good = np.isfinite(ra) & np.isfinite(dec) & np.isfinite(z) & np.isfinite(members)
    if not good.any():
        raise CubespaceError(f"{path}: no row has position, redshift and number of members")
    return Groups(
        _name(name, path),
        ra[good],
        dec[good],
        z[good],
        group[good],
        members[good].astype(int),
        _footprint(path, footprint),
        match_radius,
        match_dz,
    )


def read_voids(path, columns, length_unit=None, name=None, footprint=None, h0=H0, om0=OM0):
    """A void catalogue from a table with one row a void.

    Parameters
    ----------
    columns : {radius, and either x, y, z or ra, dec, distance or ra, dec, redshift; void (a label) optional}.
        `radius` is the effective radius. (VoidFinder, Douglass et al. 2023: Reff, x, y, z, void.)
    length_unit : "Mpc/h" or "Mpc" (comoving) of radius, distance, x, y, z; may be left out if the table gives
    the radius' unit h0, om0 : turn Mpc into Mpc/h, and redshifts into distances

    Raises
    ------
    CubespaceError
        As `read_groups`; or the unit of length is not stated.
    """
    table = read_table(path)
    ways = (("x", "y", "z"), ("ra", "dec", "distance"), ("ra", "dec", "redshift"))
    way = next((w for w in ways if all(c in columns for c in w)), None)
    if way is None:
        raise CubespaceError(
            f"{path}: columns: found {', '.join(columns)}; expected x, y, z or ra, dec, distance or ra, dec, redshift"
        )
    wanted = _columns(
        path, table, columns, (*way, "radius"), ("void", "ra", "dec", "distance", "redshift", "x", "y", "z")
    )
    unit = length_unit or str(table.attrs.get("units", {}).get(wanted["radius"], "")).replace(" ", "")
    scale = {"Mpc/h": 1.0, "h^-1Mpc": 1.0, "Mpc": h0 / 100.0}.get(unit)
    if scale is None:
        raise CubespaceError(f"{path}: length_unit: found {unit or 'none'!r}, expected 'Mpc/h' or 'Mpc'")
    first, second, third = (_numbers(path, table, wanted[c]) for c in way)
    if way == ways[0]:
        centre = scale * np.stack([first, second, third], axis=1)
    else:
        distance = scale * third if way == ways[1] else comoving_distance(third, h0=100.0, om0=om0)
        centre = distance[:, None] * unit_vectors(first, second)
    radius = scale * _numbers(path, table, wanted["radius"])
    label = table[wanted["void"]] if "void" in wanted else range(len(table))
    good = np.isfinite(centre).all(axis=1) & (np.linalg.norm(centre, axis=1) > 0) & (radius > 0)
    if not good.any():
        raise CubespaceError(f"{path}: no row has a position and a positive radius")
    labels = np.array([_label(value) for value in label], dtype=object)
    return Voids(_name(name, path), centre[good], radius[good], labels[good], _footprint(path, footprint))


def _columns(path, table, columns, needed, optional):
    unknown = [c for c in columns if c not in needed and c not in optional]
    lacking = [c for c in needed if c not in columns]
    if unknown or lacking:
        raise CubespaceError(
            f"{path}: columns: found {', '.join(columns)}; expected {', '.join(needed)}, optionally {', '.join(optional)}"
        )
    absent = [name for name in columns.values() if name not in table]
    if absent:
        raise CubespaceError(
            f"{path}: no column(s) {', '.join(map(repr, absent))}; found: {', '.join(map(str, table.columns))}"
        )
    return dict(columns)


def _numbers(path, table, name):
    values = pd.to_numeric(table[name], errors="coerce")
    wrong = values.isna() & table[name].notna()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise CubespaceError(
            f"{path}: column {name!r}: row {row + 1}: found {table[name].iloc[row]!r}, expected a number"
        )
    return values.to_numpy(float)


def _footprint(path, spec):
    if spec is None:
        return None
    unknown = set(spec) - {"boxes", "radius", "redshift"}
    if unknown:
        raise CubespaceError(
            f"{path}: footprint: found {', '.join(sorted(unknown))}; expected boxes, radius, redshift"
        )
    boxes = tuple(tuple(map(float, box)) for box in spec.get("boxes") or ())
    if any(len(box) != 4 or box[2] > box[3] for box in boxes):
        raise CubespaceError(
            f"{path}: footprint: boxes: found {spec['boxes']}, expected [ra_min, ra_max, dec_min, dec_max] each"
        )
    return Footprint(boxes, spec.get("radius"), tuple(spec.get("redshift") or (0.0, np.inf)))


def _label(value):
    """An identifier as text, None if missing; 12.0 read from a table with gaps is '12'."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return (
        str(int(value))
        if isinstance(value, (float, np.floating)) and float(value).is_integer()
        else str(value)
    )


def _name(name, path):
    return name or str(path).rsplit("/", 1)[-1].split(".")[0]
