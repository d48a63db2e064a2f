"""Reading embeddings, cosine distances, and nearest neighbours that are never of the same pointing."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError
from cubespace.tables import read_table

_VECTOR_COLUMN = re.compile(r"r\d+")


class Embedding(NamedTuple):
    """One vector a galaxy. Nothing is normalised or dropped on reading."""

    galaxies: np.ndarray  # (n,) str
    roles: np.ndarray  # (n,) str: train, validation, embed
    vectors: np.ndarray  # (n, d) float64
    spread: np.ndarray  # (n,) float64; nan where the table has none
    meta: dict


def read_embedding(path):
    """Read ``results/embedding/*.parquet`` or a baseline of the same layout (columns ``r000``, ``r001``, ...).

    Returns
    -------
    Embedding

    Raises
    ------
    CubespaceError
        Missing columns, a galaxy twice, no row, or a vector that is not finite; the galaxy is named.
    """
    frame = read_table(path)
    axes = sorted((c for c in frame.columns if _VECTOR_COLUMN.fullmatch(str(c))), key=lambda c: int(c[1:]))
    missing = [name for name in ("galaxy", "role") if name not in frame.columns]
    if missing or not axes:
        wanted = ", ".join(missing + ([] if axes else ["r000 and on"]))
        raise CubespaceError(
            f"{path}: no column {wanted}; found {', '.join(map(str, frame.columns[:8]))}, ..."
        )
    if not len(frame):
        raise CubespaceError(f"{path}: the embedding has no galaxy")
    galaxies = frame["galaxy"].to_numpy(dtype=object).astype(str)
    names, counts = np.unique(galaxies, return_counts=True)
    if (counts > 1).any():
        raise CubespaceError(f"{path}: galaxy {str(names[counts > 1][0])!r} has more than one row")
    vectors = frame[axes].to_numpy(np.float64)
    broken = ~np.isfinite(vectors).all(axis=1)
    if broken.any():
        raise CubespaceError(f"{path}: the vector of galaxy {str(galaxies[broken][0])!r} is not finite")
    spread = frame["spread"].to_numpy(np.float64) if "spread" in frame else np.full(len(frame), np.nan)
    roles = frame["role"].to_numpy(dtype=object).astype(str)
    return Embedding(galaxies, roles, vectors, spread, dict(frame.attrs["meta"]))


def fitted(embedding, roles=("train", "validation")):
    """(n,) bool: galaxies that fits may see (the release). Others are projected, never fitted.

    Raises
    ------
    CubespaceError
        No galaxy has one of `roles`.
    """
    chosen = np.isin(embedding.roles, roles)
    if not chosen.any():
        raise CubespaceError(
            f"no galaxy of the embedding has role {' or '.join(roles)}; found {sorted(set(embedding.roles))}"
        )
    return chosen


def in_common(embeddings):
    """Galaxies that all embeddings have, in the order of the first, and each embedding's vectors of them.

    Parameters
    ----------
    embeddings : dict
        name -> Embedding

    Returns
    -------
    galaxies (n,) str, dict name -> (n, d)

    Raises
    ------
    CubespaceError
        No galaxy is in all of them.
    """
    rows = {key: {name: row for row, name in enumerate(e.galaxies)} for key, e in embeddings.items()}
    first = next(iter(embeddings.values()))
    common = [name for name in first.galaxies if all(name in row for row in rows.values())]
    if not common:
        raise CubespaceError(f"no galaxy is in all of {', '.join(embeddings)}")
    return np.array(common), {
        key: e.vectors[[rows[key][name] for name in common]] for key, e in embeddings.items()
    }


def unit_rows(vectors, galaxies=None):
    """Rows scaled to length one, float64 (n, d).

    Raises
    ------
    CubespaceError
        A row is zero or not finite: it has no direction, so no cosine distance. The galaxy is named.
    """
    vectors = np.asarray(vectors, np.float64)
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    bad = ~(np.isfinite(largest[:, 0]) & (largest[:, 0] > 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        name = f"row {row}" if galaxies is None else f"galaxy {galaxies[row]!r}"
        raise CubespaceError(
            f"the vector of {name} is zero or not finite, so it has no direction ({int(bad.sum())} of {len(bad)} so)"
        )
    scaled = vectors / largest  # first to order one, so that no square over- or underflows
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)


def cosine_distances(vectors, others=None, galaxies=None):
    """1 - cos, in [0, 2], shape (n, n) or (n, m): one matrix product in float64.

    With `others` left out the result is exactly symmetric with a zero diagonal.
    """
    unit = unit_rows(vectors, galaxies)
    if others is not None:
        return np.clip(1.0 - unit @ unit_rows(others).T, 0.0, 2.0)
    distances = np.clip(1.0 - unit @ unit.T, 0.0, 2.0)
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    return distances


def same_pointing(pointings):
    """(n, n) bool: pairs that must not be neighbours, a galaxy with itself included.

    Galaxies cut from one pointing share pixels. A null pointing is a pointing of its own.
    """
    codes = pointing_codes(pointings)
    return codes[:, None] == codes[None, :]


def pointing_codes(pointings):
    """(n,) int: equal for galaxies of one pointing; each null its own number."""
    codes = pd.factorize(np.asarray(pointings, dtype=object), use_na_sentinel=True)[0]
    codes = codes.astype(np.int64)
    missing = codes < 0
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(missing.sum())
    return codes


def pointings_of(galaxies, table):
    """(n,) object: the pointing of each galaxy, from a table with columns galaxy, pointing (roster or galaxies).

    Raises
    ------
    CubespaceError
        A galaxy is not in the table.
    """
    lookup = dict(zip(table["galaxy"].astype(str), table["pointing"], strict=True))
    absent = [name for name in galaxies if name not in lookup]
    if absent:
        raise CubespaceError(
            f"{len(absent)} galaxies have no row in the table of pointings, {str(absent[0])!r} first"
        )
    return np.array([None if pd.isna(lookup[name]) else str(lookup[name]) for name in galaxies], dtype=object)


def nearest(distances, k, excluded):
    """The k nearest columns of each row, nearest first; equal distances in order of the column.

    Parameters
    ----------
    distances : (n, m)
    excluded : (n, m) bool

    Returns
    -------
    indices (n, k) int, distances (n, k) float64

    Raises
    ------
    CubespaceError
        Some row has fewer than `k` allowed columns.
    """
    allowed = (~excluded).sum(axis=1).min()
    if not 1 <= k <= allowed:
        raise CubespaceError(f"{k} nearest neighbours asked, but only {allowed} are allowed for some galaxy")
    hidden = np.where(excluded, np.inf, distances)
    order = np.argsort(hidden, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(hidden, order, axis=1)


def neighbour_table(galaxies, vectors, pointings, k=10):
    """Table galaxy, rank (1..k), neighbour, cosine_distance; neither the galaxy itself nor one of its pointing.

    `k` is cut to the number of galaxies allowed for every row.

    Raises
    ------
    CubespaceError
        A zero vector, or all galaxies are of one pointing.
    """
    excluded = same_pointing(pointings)
    k = min(k, int((~excluded).sum(axis=1).min()))
    if k < 1:
        raise CubespaceError(
            f"no neighbours: some galaxy shares its pointing with all {len(galaxies)} galaxies"
        )
    indices, distances = nearest(cosine_distances(vectors, galaxies=galaxies), k, excluded)
    galaxies = np.asarray(galaxies, dtype=object)
    return pd.DataFrame(
        {
            "galaxy": np.repeat(galaxies, k),
            "rank": np.tile(np.arange(1, k + 1), len(galaxies)),
            "neighbour": galaxies[indices.ravel()],
            "cosine_distance": distances.ravel(),
        }
    )
