"""Where the mock galaxies are: footprint, voids, positions, and a group catalogue around them.

Positions follow from the environments, not the other way round: each galaxy is put where catalogues in the
layout of the real ones (Tempel et al. 2017, table 1; VoidFinder's maximal spheres, Douglass et al. 2023) say
what its environment is. Distances are comoving, in Mpc/h, flat LambdaCDM with Planck's Omega_m.
"""

import numpy as np
import pandas as pd

from cubespace.cosmology import OM0, SPEED_OF_LIGHT, comoving_distance
from cubespace.errors import CubespaceError
from cubespace.sphere import unit_vectors

# ra_min, ra_max, dec_min, dec_max [deg]; the second box crosses the meridian
FOOTPRINT = ((110.0, 250.0, 0.0, 60.0), (315.0, 45.0, -10.0, 20.0))
MAX_REDSHIFT = 0.085
CLUSTER_MEMBERS = 30
MIN_SEPARATION = 5.0 / 60.0  # deg, between galaxies that are not one pair
PAIR_SEPARATION = 25.0 / 3600.0  # deg, within a pair
VOID_MARGIN = 0.03  # of the radius: no galaxy sits closer to a void's edge, so rounding cannot move it across
N_VOIDS = 160
CLUSTER_SPREAD = 0.004  # largest range of redshift within one cluster


def distance_mpc_h(z):
    """Comoving distance [Mpc/h]."""
    return comoving_distance(z, h0=100.0, om0=OM0)


def in_footprint(ra, dec, margin=0.0):
    """Whether positions [deg] lie in a box of the footprint, shrunk (grown if negative) by `margin` deg."""
    inside = np.zeros(np.broadcast(ra, dec).shape, bool)
    for ra_min, ra_max, dec_min, dec_max in FOOTPRINT:
        width = (ra_max - ra_min) % 360.0
        from_edge = np.mod(ra - ra_min, 360.0)
        in_ra = (from_edge >= margin) & (from_edge <= width - margin)
        if margin < 0:
            in_ra |= from_edge >= 360.0 + margin
        inside |= in_ra & (dec >= dec_min + margin) & (dec <= dec_max - margin)
    return inside


def directions(rng, n):
    """`n` positions [deg], uniform on the sphere."""
    return rng.uniform(0.0, 360.0, n), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))


def beside(rng, ra, dec):
    """Position [deg] of the other galaxy of a pair, in a random direction from the one at (ra, dec)."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    return ra + PAIR_SEPARATION * np.cos(angle) / np.cos(np.radians(dec)), dec + PAIR_SEPARATION * np.sin(angle)


def draw_voids(seed):
    """The void catalogue: DataFrame with VoidFinder's columns x y z radius void edge r ra dec Reff (lengths
    in Mpc/h).

    `radius` is that of the maximal sphere, `Reff` that of the whole void (a tenth to a third larger). A few
    near, small voids come first, since the nearest mock galaxies lie within 20 Mpc/h.
    """
    rng = np.random.default_rng([seed, 11])
    rows, centres, radii = [], np.empty((0, 3)), np.empty(0)
    near = [(14.0, 9.0), (18.0, 9.0), (27.0, 11.0), (36.0, 12.0), (45.0, 12.0), (55.0, 13.0)]
    limit = float(distance_mpc_h(MAX_REDSHIFT))
    while len(rows) < N_VOIDS:
        if near:
            r, effective = near.pop(0)
        else:
            r = float(np.sqrt(rng.uniform(58.0**2, limit**2)))  # denser nearby, where the galaxies are
            effective = 10.0 + min(rng.gamma(3.0, 2.6), 20.0)
        while True:
            ra, dec = (float(v[0]) for v in directions(rng, 1))
            if in_footprint(ra, dec, margin=2.0):
                break
        centre = r * unit_vectors(ra, dec)
        apart = np.linalg.norm(centres - centre, axis=1) if len(rows) else np.empty(0)
        if r > 60.0 and np.any(apart < 0.8 * (radii + effective)):
            continue
        centres, radii = np.vstack([centres, centre]), np.append(radii, effective)
        sphere = effective / rng.uniform(1.1, 1.33)
        rows.append([*centre, sphere, len(rows), 0, r, ra, dec, effective])
    frame = pd.DataFrame(rows, columns=["x", "y", "z", "radius", "void", "edge", "r", "ra", "dec", "Reff"])
    return frame.astype({"void": int, "edge": int}).round(5)


def cluster_numbers(environment, redshift):
    """(n,) number of the cluster that each galaxy belongs to, -1 outside clusters.

    Cluster galaxies are taken in order of redshift; a new cluster starts where the range would exceed
    CLUSTER_SPREAD.
    """
    environment, redshift = np.asarray(environment, object), np.asarray(redshift, float)
    numbers, number, start = np.full(len(redshift), -1), -1, -np.inf
    members = np.flatnonzero(environment == "cluster")
    for index in members[np.argsort(redshift[members], kind="stable")]:
        if redshift[index] - start > CLUSTER_SPREAD:
            number, start = number + 1, redshift[index]
        numbers[index] = number
    return numbers


def place(environment, redshift, partner, seed):
    """Positions that agree with the environments.

    Parameters
    ----------
    environment : (n,) str; redshift : (n,) float
    partner : (n,) int, index of the galaxy of the same pointing that was placed first, else -1
    seed : int

    Returns
    -------
    ra, dec : (n,) deg

    Raises
    ------
    CubespaceError
        A galaxy has no place: its environment cannot be had at its redshift.
    """
    rng = np.random.default_rng([seed, 12])
    voids = draw_voids(seed)
    centres, radii = voids[["x", "y", "z"]].to_numpy(), voids["Reff"].to_numpy()
    n = len(environment)
    ra, dec = np.full(n, np.nan), np.full(n, np.nan)
    placed = np.empty((0, 3))

    def accept(index, candidates_ra, candidates_dec, ok):
        nonlocal placed
        vectors = unit_vectors(candidates_ra, candidates_dec)
        if len(placed):
            nearest = (vectors @ placed.T).max(axis=1)
            ok = ok & (nearest < np.cos(np.radians(MIN_SEPARATION)))
        hits = np.flatnonzero(ok)
        if not len(hits):
            return False
        ra[index], dec[index] = candidates_ra[hits[0]], candidates_dec[hits[0]]
        placed = np.vstack([placed, vectors[hits[0]]])
        return True

    def depth(index, candidates_ra, candidates_dec):
        """Smallest distance to a void's centre in units of its radius."""
        points = distance_mpc_h(redshift[index]) * unit_vectors(candidates_ra, candidates_dec)
        return (np.linalg.norm(points[:, None] - centres, axis=2) / radii).min(axis=1)

    cluster, centre = cluster_numbers(environment, redshift), None
    members = np.flatnonzero(cluster >= 0)
    for at, index in enumerate(members := members[np.argsort(redshift[members], kind="stable")]):
        if at == 0 or cluster[index] != cluster[members[at - 1]]:
            centre = None
        for _ in range(200):
            if centre is None:
                trial_ra, trial_dec = directions(rng, 64)
                good = in_footprint(trial_ra, trial_dec, 5.0) & (depth(index, trial_ra, trial_dec) > 1.2)
                if not good.any():
                    continue
                centre = trial_ra[good][0], trial_dec[good][0]
            trial_dec = centre[1] + rng.normal(0.0, 0.6, 64)
            trial_ra = centre[0] + rng.normal(0.0, 0.6, 64) / np.cos(np.radians(trial_dec))
            if accept(index, trial_ra % 360.0, trial_dec, np.ones(64, bool)):
                break
    for index in np.flatnonzero((environment != "cluster") & (partner < 0)):
        for _ in range(200):
            trial_ra, trial_dec = directions(rng, 256)
            if environment[index] == "unclassified":
                ok = ~in_footprint(trial_ra, trial_dec, -2.0)
            else:
                ok = in_footprint(trial_ra, trial_dec, 0.5)
                where = np.full(256, np.nan)
                where[ok] = depth(index, trial_ra[ok], trial_dec[ok])
                void = environment[index] == "void"
                ok &= where < 1.0 - VOID_MARGIN if void else where > 1.0 + VOID_MARGIN
            if accept(index, trial_ra, trial_dec, ok):
                break
    for index in np.flatnonzero(partner >= 0):
        ra[index], dec[index] = beside(rng, ra[partner[index]], dec[partner[index]])
    lost = np.flatnonzero(~np.isfinite(ra))
    if len(lost):
        what = ", ".join(f"{environment[i]} at z = {redshift[i]:.4f}" for i in lost[:5])
        raise CubespaceError(f"mock sky: no place for {len(lost)} galaxies ({what})")
    return ra % 360.0, dec


def draw_groups(truth, seed):
    """A galaxy and group catalogue in the layout of Tempel et al. (2017), table 1, around the mock galaxies.

    One row a galaxy: GroupID, Ngal, Rank (by luminosity within the group), zobs, Dist [Mpc, comoving],
    RAJ2000, DEJ2000 [deg], rmag, gmag. Every group has as many rows as its Ngal says. Survey galaxies are in
    it with offsets of an arcsecond and 30 km/s; cluster galaxies in groups of 30 to 90, the others in groups
    of 1 to 12; one filament-and-wall galaxy in twelve, and everything outside the footprint, is missing from
    it.

    Parameters
    ----------
    truth : DataFrame with ra, dec, redshift, environment, pointing, log_mass, g_r
    """
    rng = np.random.default_rng([seed, 13])
    rmag = apparent_r(truth["log_mass"], truth["g_r"], truth["redshift"])
    numbers = dict(zip(truth.index, cluster_numbers(truth["environment"], truth["redshift"]), strict=True))
    hosts = {}
    for index in truth.index[truth["environment"] != "unclassified"]:
        if truth["environment"][index] == "cluster":
            hosts.setdefault(f"cluster {numbers[index]}", []).append(index)
        else:
            hosts.setdefault(truth["pointing"][index], []).append(index)
    rows = []
    for number, (name, indices) in enumerate(hosts.items(), start=1):
        is_cluster = name.startswith("cluster")
        is_void = truth["environment"][indices[0]] == "void"
        if is_cluster:
            size = int(rng.integers(CLUSTER_MEMBERS, 91))
        else:
            size = int(rng.choice([1, 2, 3] if is_void else [1, 1, 1, 2, 2, 3, 4, 6, 9, 12]))
            absent = rng.uniform() < 1.0 / 12.0
            if absent and not is_void:
                continue
        size = max(size, len(indices))
        members = [
            [
                truth["redshift"][i] + np.clip(rng.normal(0.0, 1e-4), -3e-4, 3e-4),
                truth["ra"][i] + rng.normal(0.0, 0.5) / 3600.0,
                truth["dec"][i] + rng.normal(0.0, 0.5) / 3600.0,
                rmag[i],
                truth["g_r"][i],
            ]
            for i in indices
        ]
        z = float(np.mean([m[0] for m in members]))
        first = members[0][1]
        centre = (
            np.mean([first + (m[1] - first + 180.0) % 360.0 - 180.0 for m in members]),
            np.mean([m[2] for m in members]),
        )
        # 1 Mpc/h (cluster) or 0.2 Mpc/h on the sky, 500 or 150 km/s along the line of sight
        spread = np.degrees((1.0 if is_cluster else 0.2) / float(distance_mpc_h(z)))
        while len(members) < size:
            d = centre[1] + rng.normal(0.0, spread)
            a = centre[0] + rng.normal(0.0, spread) / np.cos(np.radians(d))
            apart = unit_vectors(a, d) @ unit_vectors(truth["ra"].to_numpy(), truth["dec"].to_numpy()).T
            if apart.max() > np.cos(np.radians(90.0 / 3600.0)):
                continue
            velocity = rng.normal(0.0, 500.0 if is_cluster else 150.0) / SPEED_OF_LIGHT
            members.append([max(z + velocity, 5e-4), a, d, rng.uniform(12.0, 17.7), rng.normal(0.6, 0.1)])
        order = np.argsort([m[3] for m in members], kind="stable")
        for rank, at in enumerate(order, start=1):
            zobs, a, d, r, colour = members[at]
            dist = float(comoving_distance(zobs))
            rows.append([number, size, rank, zobs, dist, a % 360.0, d, r, r + colour])
    columns = ["GroupID", "Ngal", "Rank", "zobs", "Dist", "RAJ2000", "DEJ2000", "rmag", "gmag"]
    decimals = {"zobs": 6, "Dist": 3, "RAJ2000": 6, "DEJ2000": 6, "rmag": 3, "gmag": 3}
    return pd.DataFrame(rows, columns=columns).round(decimals)


def apparent_r(log_mass, g_r, redshift):
    """Apparent r magnitude from mass and colour: M/L of Bell et al. (2003, table 7), Sun 4.65, no k-correction."""
    modulus = 25.0 + 5.0 * np.log10(comoving_distance(redshift) * (1.0 + redshift))
    return 4.65 - 2.5 * (log_mass + 0.306 - 1.097 * g_r) + modulus
