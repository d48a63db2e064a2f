"""Large-scale environment of each galaxy from group and void catalogues (the paper, sec. 4.1).

cluster        a member of a group with at least `cluster_members` (30) members in any group catalogue; it wins over a void
void           within `void_fraction` (1.0) effective radii of a void's centre, edge included, comoving
filament_wall  otherwise, inside the footprint of any catalogue or matched in a group catalogue
unclassified   outside all footprints, or without position or redshift

Catalogues list galaxies with their groups, matched on the sphere and in redshift, or groups with a radius, within which a
galaxy is a member. Right ascensions of -0.1, 359.9 and 360.1 degrees are what they should be. Of several matches the
largest group counts. Lengths are in Mpc/h inside this module. `cubespace.populations.catalogues` reads the files.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from cubespace.cosmology import OM0, cmb_redshift, comoving_distance
from cubespace.errors import CubespaceError
from cubespace.sphere import EDGE, chord, unit_vectors

_EDGE_DZ = 1e-8  # 3 m/s: what single precision does to a redshift
ENVIRONMENTS = ("cluster", "filament_wall", "void", "unclassified")


class Footprint(NamedTuple):
    """Where a catalogue knows the sky: boxes (ra_min, ra_max, dec_min, dec_max) in degrees, of which one may
    cross the meridian, or everything within `radius` degrees of one of its objects; and a range of
    redshift."""

    boxes: tuple = ()
    radius: float | None = None
    redshift: tuple = (0.0, np.inf)


class Groups(NamedTuple):
    """A catalogue of galaxies with the groups they are in, or of groups: arrays of one length; `members` is the size of the
    row's group. `reach` is the angle within which a galaxy belongs to a row that is a group; None for rows of galaxies."""

    name: str
    ra: np.ndarray  # deg
    dec: np.ndarray  # deg
    redshift: np.ndarray
    group: np.ndarray  # str
    members: np.ndarray  # int
    footprint: Footprint | None = None
    match_radius: float | None = None  # arcsec, instead of the general one
    match_dz: float | None = None
    reach: np.ndarray | None = None  # deg
    frame: str = "heliocentric"  # of the redshifts: or "cmb"
    notes: tuple = ()  # of `cubespace.notes.Note`: what was found and settled when the file was read


class Voids(NamedTuple):
    """Comoving centres (n, 3) and effective radii (n,) of voids in Mpc/h; x towards RA = 0, z to Dec = 90 deg."""

    name: str
    centre: np.ndarray
    radius: np.ndarray
    void: np.ndarray  # str
    footprint: Footprint | None = None
    om0: float | None = None  # of the cosmology that the centres were computed with, instead of the general one
    notes: tuple = ()  # as of `Groups`


def inside_boxes(ra, dec, boxes):
    """(n,) bool: positions [deg] in any box, edges included; ra_min > ra_max crosses the meridian."""
    ra, dec = np.asarray(ra, float), np.asarray(dec, float)
    inside = np.zeros(ra.shape, bool)
    for ra_min, ra_max, dec_min, dec_max in boxes:
        width = 360.0 if ra_max - ra_min >= 360.0 else (ra_max - ra_min) % 360.0
        offset = (ra - ra_min) % 360.0
        inside |= ((offset <= width) | (offset >= 360.0 - EDGE)) & (dec >= dec_min) & (dec <= dec_max)
    return inside


def inside_footprint(ra, dec, redshift, footprint, objects=None):
    """(n,) bool: galaxies in a footprint; `objects` are unit vectors (m, 3) of the catalogue, for `radius`."""
    if footprint is None:
        return np.zeros(len(ra), bool)
    inside = inside_boxes(ra, dec, footprint.boxes)
    if footprint.radius is not None:
        nearest, _ = cKDTree(objects).query(unit_vectors(ra, dec))
        inside |= nearest <= chord(footprint.radius)
    return inside & (redshift >= footprint.redshift[0]) & (redshift <= footprint.redshift[1])


def largest_group(ra, dec, redshift, groups, match_radius, match_dz):
    """(n,) row of the catalogue in whose group each galaxy is, -1 without a match.

    A row matches within `match_radius` arcsec on the sky (its own `reach`, if it is a group) and `match_dz` in redshift,
    limits included; the largest group wins, then the nearest row. Redshifts of galaxies are heliocentric and are put into
    the catalogue's frame.
    """
    if groups.frame == "cmb":
        redshift = cmb_redshift(redshift, ra, dec)
    points, rows = unit_vectors(ra, dec), unit_vectors(groups.ra, groups.dec)
    if groups.reach is None:
        near = cKDTree(rows).query_ball_point(points, chord(match_radius / 3600.0))
    else:
        near = [[] for _ in points]
        for row, galaxies in enumerate(
            cKDTree(points).query_ball_point(rows, chord(groups.reach)) if len(points) else ()
        ):
            for i in galaxies:
                near[i].append(row)
    best = np.full(len(points), -1)
    for i, candidates in enumerate(near):
        candidates = np.array(sorted(candidates), int)
        dz = np.abs(groups.redshift[candidates] - redshift[i])
        candidates = candidates[dz <= match_dz + _EDGE_DZ]
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
    om0 : float; distances in Mpc/h do not depend on H0. A void catalogue's own goes before: its centres are where they
        are in its cosmology

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
    for catalogue in voids:
        distance = comoving_distance(redshift, h0=100.0, om0=om0 if catalogue.om0 is None else catalogue.om0)
        position = distance[:, None] * unit_vectors(ra, dec)
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
    in_void = depth <= void_fraction * (1.0 + EDGE)
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


def check_stated(galaxies, name, allowed, where):
    """CubespaceError if a galaxy's class in the column `name` is none of `allowed`; null is no class."""
    wrong = galaxies[galaxies[name].notna() & ~galaxies[name].isin(allowed)]
    if len(wrong):
        found = "; ".join(f"{galaxy}: {name}: found {value!r}" for galaxy, value in zip(wrong["galaxy"][:5], wrong[name][:5], strict=True))
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise CubespaceError(f"{where}: {found}{more}; expected one of {', '.join(allowed)}, or an empty cell")


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
    check_stated(galaxies, name, allowed, where)
    stated = galaxies[name].notna().to_numpy()
    classes = classes.copy()
    classes[name] = classes[name].where(~stated, galaxies[name].to_numpy())
    classes[f"{name}_from"] = classes[f"{name}_from"].where(~stated, "stated in the property tables")
    return classes
