"""Spherical k-means and Gaussian mixtures in the representation space (paper sec. 4.2).

k-means with the cosine distance is spherical k-means: unit vectors, centroids scaled back to unit length at each step
(Dhillon & Modha 2001). The mixture is fitted to the leading principal components, with its own start, so that its
agreement with k-means is a finding and not an echo of a shared start.
"""

import warnings
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from cubespace.errors import CubespaceError
from cubespace.space.correlations import components_for, principal_components
from cubespace.space.neighbours import cosine_distances, unit_rows
from cubespace.space.resampling import resampled_groups

_GAUSSIANS_PER_PARAMETER = 2  # galaxies that a component must have on average for each of its free parameters


class Spherical(NamedTuple):
    """A solution of spherical k-means."""

    labels: np.ndarray  # (n,) int
    centroids: np.ndarray  # (k, d) unit length
    objective: float  # sum of cosine distances to the own centroid


class Mixture(NamedTuple):
    """A Gaussian mixture on leading principal components."""

    labels: np.ndarray  # (n_all,) int
    covariance: str  # full or diag
    n_components: int  # principal components used
    n_parameters: int
    bound: float  # mean log-likelihood bound of the fit


def _plus_plus(unit, k, restarts, rng):
    """k-means++ seeds (Arthur & Vassilvitskii 2007) for all restarts at once: (restarts, k, d).

    On the sphere the squared chord is twice the cosine distance, so the weight is 1 - cos.
    """
    n = len(unit)
    chosen = np.empty((restarts, k), int)
    chosen[:, 0] = rng.integers(n, size=restarts)
    weight = np.full((restarts, n), np.inf)
    for step in range(1, k):
        weight = np.minimum(weight, np.clip(1 - unit[chosen[:, step - 1]] @ unit.T, 0, None))
        weight[weight < 1e-14] = 0  # copies of a seed
        cumulative = np.cumsum(weight, axis=1)
        # all weights zero would need fewer distinct vectors than k, which the caller has ruled out
        draw = rng.random(restarts) * cumulative[:, -1]
        chosen[:, step] = np.minimum((cumulative <= draw[:, None]).sum(axis=1), n - 1)
    return unit[chosen]


def _distinct(unit):
    return len(np.unique(np.round(unit, 12), axis=0))


def spherical_kmeans(vectors, k, n_init=10, rng=0, max_iter=300, galaxies=None):
    """All restarts of spherical k-means, advanced together by matrix products.

    A cluster that loses all members is seeded again at the vector worst served by its own centroid (of a cluster with
    other members), so all k clusters of the result have members. A centroid whose members cancel exactly keeps its place.

    Parameters
    ----------
    vectors : (n, d)
        Any length; only the direction counts.
    rng : numpy Generator or seed

    Returns
    -------
    list of Spherical
        One a restart, best (smallest objective) first.

    Raises
    ------
    CubespaceError
        Zero vector (the galaxy is named), or fewer distinct directions than k.
    """
    rng = np.random.default_rng(rng)
    unit = unit_rows(vectors, galaxies)
    distinct = _distinct(unit)
    if k < 1 or distinct < k:
        raise CubespaceError(f"only {distinct} distinct embeddings for k={k}")
    centroids = _plus_plus(unit, k, n_init, rng)
    labels = np.full((n_init, len(unit)), -1)
    active = np.arange(n_init)
    for _ in range(max_iter):
        cosine = (centroids[active].reshape(-1, unit.shape[1]) @ unit.T).reshape(len(active), k, -1)
        fresh = cosine.argmax(axis=1)
        _reseed_empty(fresh, cosine, k)
        moving = (fresh != labels[active]).any(axis=1)
        labels[active] = fresh
        active = active[moving]
        if not len(active):
            break
        member = (labels[active][:, None, :] == np.arange(k)[None, :, None]).astype(np.float64)
        sums = (member.reshape(-1, len(unit)) @ unit).reshape(len(active), k, -1)
        length = np.linalg.norm(sums, axis=2, keepdims=True)
        centroids[active] = np.where(length > 1e-12, sums / np.maximum(length, 1e-300), centroids[active])
    solutions = []
    for centre, label in zip(centroids, labels, strict=True):
        objective = float((1 - np.einsum("nd,nd->n", unit, centre[label])).sum())
        solutions.append(Spherical(label.copy(), centre.copy(), objective))
    return sorted(solutions, key=lambda solution: solution.objective)


def _reseed_empty(labels, cosine, k):
    """Give each empty cluster of each restart the worst-served vector of a cluster with at least two members, in place."""
    counts = (labels[:, :, None] == np.arange(k)).sum(axis=1)
    for restart, cluster in zip(*np.nonzero(counts == 0), strict=True):
        own = labels[restart]
        served = cosine[restart, own, np.arange(labels.shape[1])].copy()
        served[np.bincount(own, minlength=k)[own] < 2] = np.inf
        own[served.argmin()] = cluster


def ordered(labels, position):
    """Labels renumbered by the mean of `position` (n,) over the members, ascending; ties by the first member's row.

    Returns the new labels (n,) and the old label of each new number.

    The rule of this project: position = first principal component of the fitted unit vectors, whose sign is fixed by
    its largest loading. It needs the embedding only, and does not depend on seed or method.
    """
    kinds = np.unique(labels)
    means = [
        (round(float(position[labels == kind].mean()), 10), int(np.flatnonzero(labels == kind)[0]))
        for kind in kinds
    ]
    order = np.array(sorted(range(len(kinds)), key=lambda i: means[i]))
    rank = np.empty(len(kinds), int)
    rank[order] = np.arange(len(kinds))
    return rank[np.searchsorted(kinds, labels)], kinds[order]


def match_labels(first, second):
    """Best one-to-one matching of the labels of `second` to those of `first` (Hungarian method).

    Returns
    -------
    relabelled : (n,) int
        `second` in the numbers of `first`; clusters without a partner get numbers above.
    share : float
        Share of galaxies with equal labels after matching.
    """
    first, second = np.asarray(first), np.asarray(second)
    kinds_1, a = np.unique(first, return_inverse=True)
    kinds_2, b = np.unique(second, return_inverse=True)
    table = np.zeros((len(kinds_1), len(kinds_2)), int)
    np.add.at(table, (a, b), 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    names = np.full(len(kinds_2), -1, dtype=np.int64)
    names[columns] = kinds_1[rows]
    names[names < 0] = int(kinds_1.max()) + 1 + np.arange((names < 0).sum())
    return names[b], float(table[rows, columns].sum() / len(first))


def common_share(first, second, n_bootstrap=1000, rng=0, groups=None):
    """Share of galaxies in the same cluster after the best matching of labels, with a 95 % interval.

    Each bootstrap sample of galaxies (of `groups`, where given) is matched anew, since the matching is part of the number.

    Returns
    -------
    share, low, high : float in [0, 1]
    """
    rng = np.random.default_rng(rng)
    first, second = np.unique(first, return_inverse=True)[1], np.unique(second, return_inverse=True)[1]
    table = np.zeros((len(first), first.max() + 1, second.max() + 1))
    table[np.arange(len(first)), first, second] = 1
    counts = resampled_groups(np.arange(len(first)) if groups is None else groups, n_bootstrap, rng)
    draws = []
    for cross, total in zip(np.tensordot(counts, table, axes=1), counts.sum(axis=1), strict=True):
        rows, columns = linear_sum_assignment(cross, maximize=True)
        draws.append(cross[rows, columns].sum() / total)
    low, high = np.quantile(draws, [0.025, 0.975]) if n_bootstrap else (np.nan, np.nan)
    return match_labels(first, second)[1], float(low), float(high)


def mixture_size(n, k, available, wanted):
    """Covariance type and number of components that n galaxies can carry: ('full' | 'diag', m, free parameters).

    Full covariance on all `wanted` components if each Gaussian has, on average, two galaxies for each of its
    m + m (m + 1) / 2 parameters; else diagonal (2 m parameters); and if even that is too much, fewer components.
    """
    share, m = n / k, min(wanted, available)
    if share >= _GAUSSIANS_PER_PARAMETER * (m + m * (m + 1) // 2):
        return "full", m, k * (m + m * (m + 1) // 2) + k - 1
    m = max(1, min(m, int(share // (2 * _GAUSSIANS_PER_PARAMETER))))
    return "diag", m, k * 2 * m + k - 1


def gaussian_mixture(scores, ratio, k, fit, share=0.9, n_init=10, seed=0):
    """Mixture of k Gaussians on the leading components that hold `share` of the variance (`mixture_size` says how many).

    Started from k-means++ seeds, not from a k-means partition. `scores` (n, m) all galaxies, `fit` (n,) bool. A Gaussian
    may end up the likeliest for no galaxy; the labels then have fewer than k values.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    kind, m, parameters = mixture_size(int(fit.sum()), k, scores.shape[1], components_for(ratio, share))
    used = (
        scores[:, :m] / scores[fit, 0].std()
    )  # one common factor: the floor on variances is relative to the first axis
    state = int(np.random.default_rng(seed).integers(2**31))
    model = GaussianMixture(
        k, covariance_type=kind, init_params="k-means++", n_init=n_init, max_iter=500, random_state=state
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # the best of n_init starts is kept; stability reports the rest
        model.fit(used[fit])
    return Mixture(model.predict(used), kind, m, parameters, float(model.lower_bound_))


def pairwise_ari(labellings):
    """Adjusted Rand index of each pair of labellings (n,): 1 for the same partition, 0 in the mean for unrelated ones."""
    from sklearn.metrics import adjusted_rand_score

    return np.array([adjusted_rand_score(a, b) for a, b in combinations(labellings, 2)])


def _mean_ari(labellings):
    return float(pairwise_ari(labellings).mean()) if len(labellings) > 1 else np.nan


def _silhouette(distances, labels):
    """Mean silhouette (Rousseeuw 1987) from a distance matrix; nan unless 2 <= clusters < n."""
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(labels)) < len(labels):
        return np.nan
    return float(silhouette_score(distances, labels, metric="precomputed"))


def bootstrap_stability(unit, labels, k, groups, n_bootstrap=50, n_init=3, rng=0):
    """Mean adjusted Rand index, with a 95 % interval, of `labels` (n,) with those of resampled galaxies.

    Each bootstrap draws pointings, clusters the galaxies drawn (once each: copies only weigh), and gives all galaxies to
    the nearest of its centroids: would other galaxies of the same kind have given these clusters? (Hennig 2007)

    Returns
    -------
    mean, low, high : float; nan if no resample had enough galaxies
    """
    from sklearn.metrics import adjusted_rand_score

    rng, found = np.random.default_rng(rng), []
    for counts in resampled_groups(groups, n_bootstrap, rng):
        drawn = counts > 0
        if _distinct(unit[drawn]) < k:
            continue
        best = spherical_kmeans(unit[drawn], k, n_init, rng)[0]
        found.append(adjusted_rand_score(labels, (unit @ best.centroids.T).argmax(axis=1)))
    if not found:
        return np.nan, np.nan, np.nan
    return float(np.mean(found)), *(float(q) for q in np.quantile(found, [0.025, 0.975]))


def cluster(
    galaxies, vectors, fit, ks=(2, 3, 4, 5), n_init=10, n_seeds=10, share=0.9, seed=0, groups=None, n_bootstrap=50
):
    """Clusters of the fitted galaxies, others assigned to the nearest centroid or likeliest Gaussian.

    Parameters
    ----------
    galaxies : (n,) str
    vectors : (n, d)
    fit : (n,) bool
        The release: train and validation.
    n_init, n_seeds : int
        Restarts of a run (a quarter as many for the mixture), and independent runs; the best of all is kept, the runs'
        agreement is the stability.
    groups : (n,), optional
        Pointing codes, resampled together.

    Returns
    -------
    labels : DataFrame
        galaxy, kmeans_k..., gmm_k... (int; label 0 has the smallest mean first principal component, see `ordered`).
    summary : DataFrame
        One row a k, statistics over fitted galaxies: k, n, silhouette, ari_kmeans_gmm and share_kmeans_gmm (adjusted
        Rand index of k-means against the mixture, share of equal labels after the best matching, with its 95 % interval
        share_low, share_high), stability and gmm_stability (mean adjusted Rand index over pairs of runs),
        bootstrap_stability with its interval (`bootstrap_stability`), smallest cluster of each, and the mixture's
        covariance, components and parameters.

    Raises
    ------
    CubespaceError
        Zero vector, collapsed representation, or too few distinct embeddings for a k.
    """
    from sklearn.metrics import adjusted_rand_score

    unit = unit_rows(vectors, galaxies)
    fit = np.asarray(fit, bool)
    for k in ks:
        if (distinct := _distinct(unit[fit])) < k:
            raise CubespaceError(f"only {distinct} distinct embeddings for k={k}")
    components = principal_components(unit, fit)
    axis = components.scores[:, 0]
    distances = cosine_distances(unit[fit])
    groups = np.arange(len(unit)) if groups is None else np.asarray(groups)
    labels, rows = {"galaxy": np.asarray(galaxies, dtype=object)}, []
    for k in ks:
        runs = [
            spherical_kmeans(unit[fit], k, n_init, np.random.default_rng([seed, 31, k, run]))
            for run in range(n_seeds)
        ]
        best = min((run[0] for run in runs), key=lambda solution: solution.objective)
        _, order = ordered(best.labels, axis[fit])
        kmeans = (unit @ best.centroids[order].T).argmax(axis=1)
        kmeans[fit] = ordered(best.labels, axis[fit])[0]
        mixtures = [
            gaussian_mixture(components.scores, components.ratio, k, fit, share, max(1, n_init // 4), [seed, 32, k, run])
            for run in range(n_seeds)
        ]
        # of the fits that use all k Gaussians (if any does) the likeliest
        mixture = max(mixtures, key=lambda each: (len(np.unique(each.labels[fit])), each.bound))
        gmm = _order_like_fit(mixture.labels, fit, axis)
        labels[f"kmeans_{k}"], labels[f"gmm_{k}"] = kmeans, gmm
        common = common_share(kmeans[fit], gmm[fit], 200, np.random.default_rng([seed, 36, k]), groups[fit])
        resampled = bootstrap_stability(
            unit[fit], kmeans[fit], k, groups[fit], n_bootstrap, rng=np.random.default_rng([seed, 37, k])
        )
        rows.append(
            {
                "k": k,
                "n": int(fit.sum()),
                "silhouette": _silhouette(distances, kmeans[fit]),
                "gmm_silhouette": _silhouette(distances, gmm[fit]),
                "ari_kmeans_gmm": float(adjusted_rand_score(kmeans[fit], gmm[fit])),
                **dict(zip(("share_kmeans_gmm", "share_low", "share_high"), common, strict=True)),
                "stability": _mean_ari([run[0].labels for run in runs]),
                **dict(zip(("bootstrap_stability", "bootstrap_low", "bootstrap_high"), resampled, strict=True)),
                "gmm_stability": _mean_ari([each.labels[fit] for each in mixtures]),
                "smallest": int(np.bincount(kmeans[fit], minlength=k).min()),
                "gmm_smallest": int(np.bincount(gmm[fit], minlength=k).min()),
                "gmm_covariance": mixture.covariance,
                "gmm_components": mixture.n_components,
                "gmm_parameters": mixture.n_parameters,
            }
        )
    return pd.DataFrame(labels), pd.DataFrame(rows)


def _order_like_fit(labels, fit, axis):
    """Number clusters by the fitted members' mean on the axis; clusters without a fitted member come after."""
    kinds, order = np.unique(labels), {}
    for rank, kind in enumerate(ordered(labels[fit], axis[fit])[1]):
        order[kind] = rank
    for kind in kinds:
        order.setdefault(kind, len(order))
    return np.array([order[label] for label in labels])
