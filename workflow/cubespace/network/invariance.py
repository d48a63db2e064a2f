"""Invariance report: how far views move a galaxy, and whether it is recognised in a degraded view.

The one thing that contrastive learning is for. Each galaxy as it is stands in a gallery; the same galaxy, degraded by
one view at one strength, is the query. Reported are its displacement in units of the distance to the nearest other
galaxy, and how often the galaxy itself is the nearest one of the gallery (recall@1) or among the ten nearest
(recall@10): for the representation, the contrastive space, the untrained network, and pooled PCA.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError
from cubespace.network.encoder import mixed_precision
from cubespace.network.training import encode
from cubespace.network.views import draw_pair, original, render, scaled_input

TEST = 3  # first number of a realisation: other views than in training (0), validation (1), embedding (2)
COLUMNS = {
    "view": ("", "what was done to the galaxies"),
    "strength": ("", "how much of it, in the unit of the view; all: drawn as in training"),
    "unit": ("", "unit of the strength"),
    "method": ("", "network (512-d), contrastive (64-d), untrained (512-d), pooled_pca"),
    "n": ("", "number of galaxies"),
    "displacement": ("", "median of (distance moved) / (distance of the nearest other galaxy)"),
    "displacement_90": ("", "90 per cent of galaxies move less than this, in the same unit"),
    "recall_1": ("", "share of galaxies that are the nearest one to their own degraded view"),
    "recall_10": ("", "share of galaxies that are among the ten nearest to it"),
    "n_unseen": ("", "number of galaxies that the network was not trained on"),
    "recall_1_unseen": ("", "recall@1 of these, among all galaxies"),
}


def graded_views(pair):
    """(name, strength, unit, View) of each view that the second one of `pair` switches on, alone, at several strengths.

    The strongest of each is the strongest of the survey's own range; for blur, beyond the range, twice its sigma too.
    Last comes the second view itself, with all of it.
    """
    base, full = original(pair.second), pair.second
    graded = []
    if full.noise is not None:
        low, high = full.noise
        for snr in dict.fromkeys((high, (low * high) ** 0.5, low)):
            graded.append(("noise", float(snr), "S/N", replace(base, noise=(snr, snr))))
    if full.rotate or full.flip != "none":
        graded.append(("rotation", 180.0, "deg at most", replace(base, rotate=full.rotate, flip=full.flip)))
    if full.blur:
        graded += [("blur", k * full.blur, "px", replace(base, blur=k * full.blur)) for k in (1, 2)]
    if full.stars:
        fields = {f: getattr(full, f) for f in ("star_counts", "star_distances", "star_radii")}
        mean = float(np.average(np.arange(len(full.star_counts)), weights=full.star_counts))
        graded.append(("stars", round(mean, 2), "in the mean", replace(base, stars=True, **fields)))
    graded += [
        ("resize", float(k), "times smaller", replace(base, resize=(k, k)))
        for k in range(max(2, full.resize[0]), full.resize[1] + 1)
    ]
    if full.shift:
        for reach in dict.fromkeys((max(1, full.shift // 2), full.shift)):
            view = replace(base, shift=reach, shift_shape=full.shift_shape)
            graded.append(("shift", float(reach), "px at most", view))
    return [*graded, ("all", 1.0, "as in training", full)]


def pooled_view(values, valid, scaling):
    """Mean of each scaled channel over the galaxy's spaxels: (N, channels) numpy; a view without any: over all."""
    weight = valid | ~valid.any(dim=2, keepdim=True).any(dim=1, keepdim=True)
    weight = weight[:, None].float()
    mean = (scaling(values) * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))
    return mean.cpu().numpy()


def vectors_of(networks, maps, view, draws, space, scaling, precision="float32", batch=64):
    """dict name -> (N, d) of one view: for each network its 512-d under its name, for the first also its 64-d.

    networks : dict name -> Encoder, all in evaluation mode. `pooled_pca` is added: the pooled maps of the same view.
    """
    autocast, _ = mixed_precision(maps.device, precision)
    parts = []
    for start in range(0, len(maps), batch):
        some = maps[start : start + batch]
        one = type(draws)(**{name: value[start : start + batch] for name, value in vars(draws).items()})
        values, valid = render(some, view, one, space)
        found = {"pooled_pca": pooled_view(values, valid, scaling)}
        for number, (name, network) in enumerate(networks.items()):
            h, z = encode(network, scaled_input(values, valid, scaling, network.mask), autocast)
            found[name] = h.cpu().numpy()
            if number == 0:
                found["contrastive"] = z.cpu().numpy()
        parts.append(found)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def retrieval(gallery, queries, groups, cosine=True, rows=None):
    """Displacement and rank of galaxies: each row of `queries` is the degraded view of one row of `gallery`.

    Galaxies of one pointing share pixels and are nobody's competitors.

    Parameters
    ----------
    gallery : (n, d)
    queries : (m, d)
    groups : (n,) pointings
    cosine : bool
        Compare directions (chords between unit vectors), as the embedding does; else Euclidean.
    rows : (m,) int, optional
        Rows of the gallery that the queries belong to; all of it, in order, unless given.

    Returns
    -------
    displacement : (m,)
        Distance between the two views of a galaxy over that between it and the nearest other one of the gallery;
        inf where another one lies upon it.
    rank : (m,) int
        How many others of the gallery are at most as far from the query as the galaxy itself: 0 = recognised.
    """
    a, b = (np.asarray(v, np.float64) for v in (gallery, queries))
    if cosine:
        a, b = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300) for v in (a, b))
    groups, rows = np.asarray(groups), slice(None) if rows is None else rows
    other = groups[rows][:, None] != groups[None, :]

    def distances(x, y):
        square = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None, :] - 2 * x @ y.T
        return np.sqrt(np.maximum(square, 0))

    own = np.linalg.norm(b - a[rows], axis=1)
    nearest = np.where(other, distances(a[rows], a), np.inf).min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        displacement = np.where(own == 0, 0.0, own / nearest)
    rank = (other & (distances(b, a) <= own[:, None])).sum(axis=1)
    return displacement, rank


def invariance_table(networks, parts, unseen, space, scaling, pair, seed=0, precision="float32", views=None):
    """The report as a data frame, columns `COLUMNS`; one row for each view, strength and method.

    Parameters
    ----------
    networks : dict of Encoder, in evaluation mode; the first, `network`, also gives the contrastive space
    parts : iterable of GalaxyMaps, gone through twice
        `MapFiles`, or a list of one; `groups` of all parts number the same pointings. Of the galaxies themselves only the
        gallery's vectors are held.
    unseen : names of galaxies that the networks were not trained on
    space, scaling, pair : as in training
    seed : int
    views : list as of `graded_views`, optional; in place of those of `pair`

    Raises
    ------
    CubespaceError
        All galaxies are of one pointing: none has a competitor.
    """
    base, unseen = original(pair.second), set(unseen)
    views = views or graded_views(pair)

    def seen_as(maps, view, number):
        one = draw_pair(replace(pair, second=view, blur_one=False), maps, seed, (TEST, number))[1]
        return vectors_of(networks, maps, *one, space, scaling, precision)

    found, groups, names = [], [], []
    for maps in parts:
        found.append(seen_as(maps, base, 0))
        groups.append(maps.groups.cpu().numpy())
        names += maps.names
    groups, new = np.concatenate(groups), np.array([name in unseen for name in names])
    if len(np.unique(groups)) < 2:
        raise CubespaceError(f"invariance: all {len(names)} galaxies with accepted maps are of one pointing, expected two or more")
    gallery = {method: np.concatenate([one[method] for one in found]) for method in found[0]}

    results, start = {}, 0  # (number of the view, method) -> parts of (displacement, rank)
    for maps in parts:
        rows = np.arange(start, start + len(maps))
        start += len(maps)
        for number, (*_, view) in enumerate(views):
            queries = seen_as(maps, view, 1)
            for method, vectors in queries.items():
                one = retrieval(gallery[method], vectors, groups, method != "pooled_pca", rows)
                results.setdefault((number, method), []).append(one)

    table = []
    for number, (name, strength, unit, _) in enumerate(views):
        for method in (next(iter(networks)), "contrastive", *list(networks)[1:], "pooled_pca"):
            displacement, rank = (np.concatenate(part) for part in zip(*results[number, method], strict=True))
            table.append({
                "view": name, "strength": strength, "unit": unit, "method": method, "n": len(names),
                "displacement": np.median(displacement), "displacement_90": np.quantile(displacement, 0.9),
                "recall_1": (rank == 0).mean(), "recall_10": (rank < 10).mean(), "n_unseen": int(new.sum()),
                "recall_1_unseen": (rank[new] == 0).mean() if new.any() else np.nan,
            })  # fmt: skip
    return pd.DataFrame(table, columns=list(COLUMNS))
