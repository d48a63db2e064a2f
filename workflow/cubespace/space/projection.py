"""UMAP of the representation space, for looking at only (paper sec. 4.1, Figs. 3-6); no statistic is computed in it."""

import warnings
from typing import NamedTuple

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.space.neighbours import unit_rows

# In the fit a pair of neighbours pulls both its ends, in the transform it pulls the new galaxy alone: with half of the repulsion
# both are in the same balance, else the new ones are driven to the rim of their group.
TRANSFORM_REPULSION = 0.5


class Projection(NamedTuple):
    """Coordinates in the plane."""

    coordinates: np.ndarray  # (n, 2) float64
    n_neighbors: int  # used; smaller than asked if there are few galaxies


def umap_projection(galaxies, vectors, fit, n_neighbors=15, min_dist=0.1, seed=0):
    """Fit UMAP (McInnes et al. 2018, cosine metric) on the rows `fit`, then transform all others in one call.

    A transform of one galaxy differs from the same galaxy within a batch, so adding galaxies may move the projected
    ones (never the fitted ones). The transform has `TRANSFORM_REPULSION` of the fit's. With a seed UMAP runs on one thread
    and repeats exactly on one machine and set of versions.

    Parameters
    ----------
    galaxies : (n,) str
    vectors : (n, d)
    fit : (n,) bool
        Usually the training galaxies.

    Raises
    ------
    CubespaceError
        Fewer than 4 fitted galaxies, or a zero vector.
    """
    fit = np.asarray(fit, bool)
    n = int(fit.sum())
    if n <= 3:
        raise CubespaceError(f"UMAP needs at least 4 galaxies to fit, found {n}")
    from umap import UMAP

    unit = unit_rows(vectors, galaxies)
    used = min(n_neighbors, n - 1)
    # the spectral start needs more galaxies than the few eigenvectors it takes; below that a random one does
    model = UMAP(
        n_neighbors=used,
        min_dist=min_dist,
        metric="cosine",
        random_state=seed,
        n_jobs=1,
        init="spectral" if n > 10 else "random",
    )
    coordinates = np.empty((len(unit), 2))
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", category=UserWarning, module="umap"
        )  # few galaxies: several graph components
        coordinates[fit] = model.fit_transform(unit[fit])
        if not fit.all():
            model.repulsion_strength *= TRANSFORM_REPULSION
            coordinates[~fit] = model.transform(unit[~fit])
    if not np.isfinite(coordinates).all():
        raise CubespaceError(
            f"UMAP gave {int((~np.isfinite(coordinates)).sum())} coordinates that are not finite"
        )
    return Projection(coordinates, used)
