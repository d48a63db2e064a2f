"""Does the luminosity map matter? Clusters with and without it (paper sec. 5.2, Table 1)."""

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError
from cubespace.space.clusters import common_share, match_labels, spherical_kmeans


def luminosity_ablation(full, no_luminosity, ks=(2, 3, 4), n_init=100, n_bootstrap=1000, seed=0, groups=None):
    """Table 1 of the paper, with intervals: k-means on each representation, Hungarian matching of labels, share in common.

    Parameters
    ----------
    full, no_luminosity : Embedding
        Galaxies of the release (train and validation) that are in both are compared.
    groups : (n,), optional
        Pointing codes of the galaxies of `full`, resampled together.

    Returns
    -------
    DataFrame
        clusters, n, common_percent, different_percent, ci_low, ci_high (of common_percent), and chance_percent: what
        labels shuffled among galaxies would have in common.

    Raises
    ------
    CubespaceError
        No common galaxy, or fewer distinct embeddings than clusters.
    """
    place = {name: row for row, name in enumerate(no_luminosity.galaxies)}
    rows = [
        (i, place[name])
        for i, (name, role) in enumerate(zip(full.galaxies, full.roles, strict=True))
        if role in ("train", "validation") and name in place
    ]
    if not rows:
        raise CubespaceError("the two representations have no galaxy of the release in common")
    left, right = np.array(rows).T
    names = full.galaxies[left]
    table = []
    for k in ks:
        labels = [
            spherical_kmeans(vectors, k, n_init, np.random.default_rng([seed, 33, k]), galaxies=names)[
                0
            ].labels
            for vectors in (full.vectors[left], no_luminosity.vectors[right])
        ]
        tied = None if groups is None else np.asarray(groups)[left]
        share, low, high = common_share(*labels, n_bootstrap, np.random.default_rng([seed, 34, k]), tied)
        shuffle = np.random.default_rng([seed, 35, k])
        chance = np.mean([match_labels(labels[0], shuffle.permutation(labels[1]))[1] for _ in range(100)])
        table.append(
            {
                "clusters": k, "common_percent": 100 * share, "different_percent": 100 * (1 - share),
                "ci_low": 100 * low, "ci_high": 100 * high, "n": len(names), "chance_percent": 100 * float(chance),
            }
        )  # fmt: skip
    return pd.DataFrame(table)
