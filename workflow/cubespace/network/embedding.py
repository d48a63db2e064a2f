"""From a trained network to one vector a galaxy; and the two baselines that it must beat."""

import numpy as np
import pandas as pd
import torch

from cubespace.errors import CubespaceError
from cubespace.network.data import MapFiles
from cubespace.network.encoder import mixed_precision
from cubespace.network.training import encode
from cubespace.network.views import Pair, draw_pair, network_input, original
from cubespace.tables import write_table

EMBED = 2  # first number of a realisation: other views than in training (0) and validation (1)


def embed(network, maps, space, scaling, pair, realisations=10, seed=0, batch=64, precision="float32"):
    """Vectors of galaxies in the representation space, and how far single realisations lie from them.

    Realisation 0 is the galaxy as it is, the others are fresh draws of the pair's second view. Each gives a
    vector of 512, normalised to length 1; the galaxy's vector is their median, element by element, normalised
    again (as the authors' code does). It depends on the galaxy, the network and the seed, not on what else is
    in the batch.

    Parameters
    ----------
    network : Encoder, in evaluation mode
    maps : GalaxyMaps of N galaxies
    realisations : int >= 1
    batch : int
        Galaxies at a time, by memory alone.
    precision : str
        See `mixed_precision`. Only float32 keeps a lone galaxy's vector equal to its vector in a batch, to
        1e-6.

    Returns
    -------
    vectors : float32 array (N, 512), length 1
    spread : float32 array (N,)
        Mean cosine distance of the single realisations to the vector.

    Raises
    ------
    CubespaceError
        The network is in training mode or made for other channels, or a galaxy's vector is zero.
    """
    if network.training:
        raise CubespaceError("embedding: the network must be in evaluation mode")
    if network.channels != scaling.channels:
        raise CubespaceError(
            f"embedding: the network takes {network.channels} channels, the scaling gives {scaling.channels}"
        )
    if not (isinstance(realisations, int) and realisations >= 1):
        raise CubespaceError(f"embedding.realisations: expected a whole number >= 1, found {realisations!r}")
    autocast, _ = mixed_precision(maps.device, precision)
    views = Pair(original(pair.second), pair.second)
    vectors, spreads = [], []
    for start in range(0, len(maps), batch):
        some = maps[start : start + batch]
        single = []
        for number in range(realisations):
            view, draws = draw_pair(views, some, seed, (EMBED, number))[min(number, 1)]
            h, _ = encode(network, network_input(some, view, draws, space, scaling, network.mask), autocast)
            single.append(h.cpu().numpy())
        vector, spread = combine(np.stack(single), some.names)
        vectors.append(vector)
        spreads.append(spread)
    return np.concatenate(vectors), np.concatenate(spreads)


def combine(single, names):
    """Median of normalised realisations, normalised again, and their mean cosine distance to it.

    single : array (realisations, N, D); returns float32 arrays (N, D) and (N,). CubespaceError for a zero vector.
    """
    single = single.astype(np.float64)
    length = np.linalg.norm(single, axis=2, keepdims=True)
    unit = single / np.where(length > 0, length, 1)
    vector = np.median(unit, axis=0)
    norm = np.linalg.norm(vector, axis=1, keepdims=True)
    bad = ~(np.isfinite(norm[:, 0]) & (norm[:, 0] > 1e-8))
    if bad.any():
        raise CubespaceError(
            f"embedding of {names[int(np.flatnonzero(bad)[0])]}: the median vector is zero or not finite"
        )
    vector /= norm
    spread = 1.0 - np.einsum("rnd,nd->rn", unit, vector).mean(axis=0)
    return vector.astype(np.float32), np.maximum(spread, 0).astype(np.float32)


def refuse_collapsed(vectors):
    """CubespaceError if the galaxies of an embedding cannot be told apart (mean cosine distance below 1e-6)."""
    n = len(vectors)
    if n < 2:
        return
    v = np.asarray(vectors, np.float64)
    mean_distance = (n**2 - np.square(v.sum(axis=0)).sum()) / (n * (n - 1))
    if mean_distance < 1e-6:
        raise CubespaceError(
            f"embedding collapsed: the mean cosine distance between {n} galaxies is {mean_distance:.1e}"
        )


def pooled_pca(maps, scaling, by_luminosity=False):
    """Baseline without a network: the mean of each scaled channel over a galaxy's good spaxels.

    by_luminosity weights spaxels by their luminosity (channel 0, a logarithm, too). Returns float32 (N,
    channels), not normalised.
    """
    result = []
    for start in range(0, len(maps), 64):
        some = maps[start : start + 64]
        values = some.values.float()
        weight = some.good.float()
        if by_luminosity:
            weight = weight * torch.pow(10.0, values[:, 0])
        values[:, 0] += some.limit[:, None, None]
        mean = (scaling(values) * weight[:, None]).sum(dim=(2, 3)) / weight.sum(dim=(1, 2))[:, None]
        result.append(mean.cpu().numpy())
    return np.concatenate(result)


def embed_files(
    network,
    folder,
    rows,
    space,
    scaling,
    pair,
    device,
    release=None,
    seed=0,
    realisations=10,
    batch=64,
    precision="float32",
):
    """`embed` for galaxies on disk, streaming: the memory does not grow with their number.

    rows : data frame with galaxy, stem, role, pointing. Returns (names, roles, vectors, spread, rejected).
    CubespaceError also if no galaxy was accepted.
    """
    files, names, vectors, spreads = MapFiles(folder, rows, device, release, batch), [], [], []
    for maps in files:
        vector, spread = embed(network, maps, space, scaling, pair, realisations, seed, batch, precision)
        names += maps.names
        vectors.append(vector)
        spreads.append(spread)
    return names, _roles(rows, names), np.concatenate(vectors), np.concatenate(spreads), files.rejected


def _roles(rows, names):
    role = dict(zip(rows["galaxy"], rows["role"], strict=True))
    return [role[name] for name in names]


def pool_files(folder, rows, scaling, device, release=None, by_luminosity=False, batch=64):
    """`pooled_pca` for galaxies on disk, streaming. Returns (names, roles, pooled)."""
    names, pooled = [], []
    for maps in MapFiles(folder, rows, device, release, batch):
        names += maps.names
        pooled.append(pooled_pca(maps, scaling, by_luminosity))
    return names, _roles(rows, names), np.concatenate(pooled)


def embedding_table(galaxies, roles, vectors, spread, realisations):
    """Data frame: galaxy, role, r000 ..., spread, n_realisations; and its column descriptions."""
    vectors = np.asarray(vectors, np.float32)
    names = [f"r{i:03d}" for i in range(vectors.shape[1])]
    head = pd.DataFrame({"galaxy": list(galaxies), "role": list(roles)})
    tail = pd.DataFrame(
        {
            "spread": np.asarray(spread, np.float32),
            "n_realisations": np.full(len(head), realisations, np.int64),
        }
    )
    frame = pd.concat([head, pd.DataFrame(vectors, columns=names), tail], axis=1)
    return frame, {name: ("", f"component {i} of the representation") for i, name in enumerate(names)}


def write_embedding(path, galaxies, roles, vectors, spread, realisations, meta, fits=None):
    """Write an embedding as Parquet (scalar columns) and, if `fits` is a path, as FITS with one vector column."""
    frame, columns = embedding_table(galaxies, roles, vectors, spread, realisations)
    write_table(frame, path, columns=columns, meta=meta)
    if fits is not None:
        short = frame[["galaxy", "role", "spread", "n_realisations"]]
        write_table(short, fits, meta=meta, vectors={"representation": np.asarray(vectors, np.float32)})
