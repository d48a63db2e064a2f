"""What of a representation is the survey's and what the chance of its start: agreement between networks of other seeds.

Each member of an ensemble is one network, trained on the same galaxies with the same settings from another seed. Two
members have no axes in common, so that clusters, neighbours and what a probe reads are compared, never vectors.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError
from cubespace.space.clusters import pairwise_ari
from cubespace.space.neighbours import cosine_distances, nearest, same_pointing

COLUMNS = {
    "variant": ("", "variant of the network"),
    "quantity": ("", "kmeans_ari, gmm_ari (agreement of clusters), neighbours (shared ones), r2 (probes), recall_1 (invariance)"),
    "of": ("", "number of clusters, number of neighbours, property, or view and strength"),
    "n": ("", "number of galaxies"),
    "n_seeds": ("", "number of networks"),
    "network": ("", "mean over networks, or over pairs of networks where it is an agreement"),
    "network_spread": ("", "standard deviation over the same"),
    "network_lowest": ("", "lowest of the same"),
    "untrained": ("", "as network, for networks before training"),
    "untrained_spread": ("", "as network_spread, for networks before training"),
    "untrained_lowest": ("", "as network_lowest, for networks before training"),
    "pooled_pca": ("", "of the mean of the maps, which has no seed"),
    "chance": ("", "mean agreement of networks that know nothing"),
}


class Member(NamedTuple):
    """What one seed left behind, for the same galaxies in the same order in every member."""

    vectors: dict  # network, untrained -> (n, d)
    labels: dict  # network, untrained -> DataFrame of one column a clustering (kmeans_2, gmm_2, ...), one row a fitted galaxy
    probes: pd.DataFrame  # property, n, network, untrained, pooled_pca
    invariance: pd.DataFrame  # view, strength, unit, method, n, recall_1


def neighbour_agreement(neighbours):
    """Share of nearest neighbours (n, k) that two networks have in common, mean over galaxies, for each pair."""
    return np.array([(a[:, :, None] == b[:, None, :]).any(axis=2).mean() for a, b in combinations(neighbours, 2)])


def neighbour_chance(excluded, k):
    """Share that lists of k neighbours drawn blindly from those allowed have in common; excluded (n, n) bool."""
    return float((k / (~excluded).sum(axis=1)).mean())


def _cells(name, values):
    values = np.asarray(values, float)
    spread = values.std(ddof=1) if len(values) > 1 else np.nan
    return {name: values.mean(), f"{name}_spread": spread, f"{name}_lowest": values.min()}


def stability_table(variant, members, pointings, k=10):
    """The table of one variant, columns `COLUMNS`: agreement between seeds, and mean and spread over them.

    Parameters
    ----------
    variant : str
    members : list of Member, two or more
    pointings : (n,) of the galaxies; those of one pointing are never neighbours
    k : int, number of neighbours compared (fewer where pointings leave fewer)

    Raises
    ------
    CubespaceError
        Fewer than two members, or their tables differ in clusterings, properties or views.
    """
    if len(members) < 2:
        raise CubespaceError(f"stability of {variant}: expected two seeds or more, found {len(members)}")
    kinds, rows = ("network", "untrained"), []
    head = {"variant": variant, "n_seeds": len(members)}
    _same(variant, "clusterings", [tuple(m.labels[kind].columns) for m in members for kind in kinds])
    for name in members[0].labels["network"]:
        method, number = name.split("_")
        row = {**head, "quantity": f"{method}_ari", "of": f"k = {number}", "n": len(members[0].labels["network"]), "chance": 0.0}
        for kind in kinds:
            row |= _cells(kind, pairwise_ari([member.labels[kind][name] for member in members]))
        rows.append(row)

    excluded = same_pointing(pointings)
    k = min(k, int((~excluded).sum(axis=1).min()))
    row = {**head, "quantity": "neighbours", "of": f"{k} nearest", "n": len(pointings), "chance": neighbour_chance(excluded, k)}
    for kind in kinds:
        found = [nearest(cosine_distances(member.vectors[kind]), k, excluded)[0] for member in members]
        row |= _cells(kind, neighbour_agreement(found))
    rows.append(row)

    _same(variant, "properties", [tuple(member.probes["property"]) for member in members])
    probes = [member.probes.set_index("property") for member in members]
    for name, first in probes[0].iterrows():
        row = {**head, "quantity": "r2", "of": name, "n": int(first["n"]), "pooled_pca": first["pooled_pca"]}
        for kind in kinds:
            row |= _cells(kind, [table.at[name, kind] for table in probes])
        rows.append(row)

    views = [m.invariance.pivot(index=["view", "strength", "unit", "n"], columns="method", values="recall_1") for m in members]
    _same(variant, "views", [tuple(table.index) for table in views])
    for place in members[0].invariance[["view", "strength", "unit", "n"]].drop_duplicates().itertuples(index=False):
        view, strength, unit, n = place
        what = "all" if view == "all" else f"{view} {strength:.3g} {unit}"
        row = {**head, "quantity": "recall_1", "of": what, "n": int(n)}
        row["pooled_pca"] = np.mean([table.at[tuple(place), "pooled_pca"] for table in views])
        for kind in kinds:
            row |= _cells(kind, [table.at[tuple(place), kind] for table in views])
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _same(variant, what, found):
    if len(set(found)) != 1:
        raise CubespaceError(f"stability of {variant}: the seeds differ in their {what}; they are of different runs")
