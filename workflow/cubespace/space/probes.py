"""How well properties can be read off a representation: cross-validated ridge regression, and means of nearest neighbours.

Ridge says what is there linearly, the neighbours what closeness in the space means. Both see the whole space, so neither
depends on the axes that describe it. The same galaxies, folds and nested choices for the network, an untrained network of
the same shape, and pooled PCA maps, so that their difference is that of the representations.
"""

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError
from cubespace.space.correlations import numeric_properties
from cubespace.space.neighbours import in_common, pointing_codes, pointings_of
from cubespace.space.resampling import resampled_groups

ALPHAS = np.logspace(-4, 5, 19)  # penalty, in units where features have variance 1 in the mean
NEIGHBOURS = (1, 2, 3, 5, 8, 12, 20, 32)


def grouped_folds(groups, n_folds=8, seed=0):
    """(n,) int fold of each galaxy; galaxies of one group (pointing) in one fold, fold sizes as even as groups allow.

    Raises
    ------
    CubespaceError
        Fewer groups than folds.
    """
    kinds, code, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(kinds) < n_folds:
        raise CubespaceError(f"{n_folds} folds need at least {n_folds} pointings, found {len(kinds)}")
    order = np.random.default_rng([*np.atleast_1d(seed), 51]).permutation(len(kinds))
    order = order[np.argsort(-sizes[order], kind="stable")]  # large groups first, each into the emptiest fold
    filled, fold = np.zeros(n_folds, int), np.empty(len(kinds), int)
    for kind in order:
        fold[kind] = filled.argmin()
        filled[fold[kind]] += sizes[kind]
    return fold[code]


def ridge_predictions(features, targets, folds, alphas=ALPHAS):
    """Out-of-fold predictions of ridge regression with the penalty chosen inside each training set.

    Features and targets are centred by the training rows. The features are divided by one common number, not each by its
    own spread: those of a representation share a unit, and a feature that is nearly constant in the training rows would
    be blown up out of all proportion in the others. The penalty of each target is the one of least leave-one-out error
    within the training rows, in closed form from one SVD.

    Parameters
    ----------
    features : (n, d)
    targets : (n, t)
    folds : (n,) int

    Returns
    -------
    (n, t) predictions
    """
    features, targets = np.asarray(features, np.float64), np.asarray(targets, np.float64)
    predictions = np.empty(targets.shape)
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        centre = features[train].mean(axis=0)
        x = features - centre
        x /= max(np.sqrt((x[train] ** 2).mean()), 1e-300)
        middle = targets[train].mean(axis=0)
        y = targets[train] - middle
        u, s, vt = np.linalg.svd(x[train], full_matrices=False)
        solid = s > s.max(initial=0) * 1e-10
        u, s, vt = u[:, solid], s[solid], vt[solid]
        rotated, squares = u.T @ y, u**2
        errors, shrinks = [], []
        for alpha in alphas:
            shrink = s**2 / (s**2 + alpha)
            leverage = squares @ shrink + 1 / len(y)  # the mean is fitted too
            residual = (y - u @ (shrink[:, None] * rotated)) / np.maximum(1 - leverage, 1e-10)[:, None]
            errors.append((residual**2).mean(axis=0))
            shrinks.append(shrink)
        best = np.argmin(errors, axis=0)
        weights = np.array(shrinks)[best].T / s[:, None]  # (rank, t)
        predictions[test] = middle + x[test] @ (vt.T @ (weights * rotated))
    return predictions


def knn_predictions(features, targets, folds, groups, ks=NEIGHBOURS):
    """Out-of-fold means of the k nearest training rows (Euclidean; for unit vectors the order of cosine distances).

    k of each target is the one of least error within the training rows, each predicted from those of other pointings.

    Parameters
    ----------
    features : (n, d); targets : (n, t); folds, groups : (n,) int

    Returns
    -------
    (n, t) predictions
    """
    features, targets, groups = np.asarray(features, np.float64), np.asarray(targets, np.float64), np.asarray(groups)
    square = np.square(features).sum(axis=1)
    distances = square[:, None] + square - 2 * features @ features.T
    predictions = np.empty(targets.shape)
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        inside = distances[np.ix_(train, train)]
        apart = groups[train][:, None] != groups[train]
        inside[~apart] = np.inf
        sizes = np.array([k for k in ks if k <= apart.sum(axis=1).min()] or [1])
        guess = _neighbour_means(inside, targets[train], sizes)
        best = np.square(guess - targets[train]).mean(axis=1).argmin(axis=0)
        found = _neighbour_means(distances[np.ix_(test, train)], targets[train], sizes)
        predictions[test] = np.take_along_axis(found, best[None, None, :], axis=0)[0]
    return predictions


def _neighbour_means(distances, targets, sizes):
    """(len(sizes), n, t): means of `targets` (m, t) over the nearest columns of `distances` (n, m)."""
    order = np.argsort(distances, axis=1, kind="stable")[:, : sizes.max()]
    sums = np.cumsum(targets[order], axis=1)
    return np.stack([sums[:, k - 1] / k for k in sizes])


def r_squared(truth, prediction, counts=None):
    """1 - residual / total sum of squares of `truth` (n,); `counts` (B, n) gives B weighted values. Constant truth: nan.

    `prediction` is (n,), or (repeats, n), of which the mean residual is taken.
    """
    residual = np.square(truth - np.atleast_2d(prediction)).mean(axis=0)
    weights = np.ones((1, len(truth))) if counts is None else np.asarray(counts, np.float64)
    total = weights.sum(axis=1)
    mean = weights @ truth / total
    spread = weights @ truth**2 - total * mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(
            spread > 1e-12 * np.maximum(weights @ truth**2, 1e-300),
            1 - weights @ residual / spread,
            np.nan,
        )
    return value if counts is not None else float(value[0])


def probe_table(representations, properties, groups, n_folds=8, n_repeats=5, n_bootstrap=500, seed=0, min_size=20):
    """Cross-validated R2 of each property from each representation.

    Which galaxies share a fold is chance, and with few galaxies R2 hangs on it (by 0.05 and more, where one galaxy lies
    outside of all others): the galaxies are dealt into folds `n_repeats` times, and squared residuals averaged.

    Parameters
    ----------
    representations : dict
        name -> (n, d) features of the same galaxies in the same order; the first is the one judged against the others.
    properties : dict
        name -> (n,) float, nan = missing.
    groups : (n,)
        Pointing codes.

    Returns
    -------
    DataFrame
        property, n (galaxies that have it), n_embedded (of so many), one column of the R2 of ridge for each representation with ``_low``, ``_high`` (95 %, bootstrap over
        pointings of the out-of-fold predictions), ``gain_over_<other>`` with its paired interval, and ``<name>_knn`` with its
        interval. nan where fewer than `min_size` galaxies have the property, or it is constant.
    """
    names = list(representations)
    groups = np.asarray(groups)
    results = {}
    by_mask = {}  # properties known for the same galaxies share their decompositions
    for name, values in properties.items():
        by_mask.setdefault(np.isfinite(values).tobytes(), []).append(name)
    for mask, members in by_mask.items():
        known = np.frombuffer(mask, dtype=bool)
        n = int(known.sum())
        enough = n >= min_size and len(np.unique(groups[known])) >= n_folds
        row = {"n": n}
        if not enough:
            results.update({name: dict(row) for name in members})
            continue
        deals = [grouped_folds(groups[known], n_folds, (seed, deal)) for deal in range(n_repeats)]
        targets = np.column_stack([properties[name][known] for name in members])
        counts = resampled_groups(groups[known], n_bootstrap, np.random.default_rng([seed, 52]))
        predictions, near = {}, {}  # (repeats, n, t)
        for r in names:
            vectors = representations[r][known]
            predictions[r] = np.stack([ridge_predictions(vectors, targets, folds) for folds in deals])
            near[r] = np.stack([knn_predictions(vectors, targets, folds, groups[known]) for folds in deals])
        for column, name in enumerate(members):
            truth = targets[:, column]
            row, draws = {"n": n}, {}
            for r in names:
                prediction = predictions[r][:, :, column]
                row[r] = r_squared(truth, prediction)
                draws[r] = r_squared(truth, prediction, counts)
                row[f"{r}_low"], row[f"{r}_high"] = _interval(draws[r])
                row[f"{r}_knn"] = r_squared(truth, near[r][:, :, column])
                row[f"{r}_knn_low"], row[f"{r}_knn_high"] = _interval(r_squared(truth, near[r][:, :, column], counts))
            for r in names[1:]:
                row[f"gain_over_{r}"] = row[names[0]] - row[r]
                row[f"gain_over_{r}_low"], row[f"gain_over_{r}_high"] = _interval(draws[names[0]] - draws[r])
            results[name] = row
    columns = ["n"] + [c for r in names for c in (r, f"{r}_low", f"{r}_high")]
    columns += [c for r in names[1:] for c in (f"gain_over_{r}", f"gain_over_{r}_low", f"gain_over_{r}_high")]
    columns += [c for r in names for c in (f"{r}_knn", f"{r}_knn_low", f"{r}_knn_high")]
    table = pd.DataFrame(
        [{column: results[name].get(column, np.nan) for column in columns} for name in properties],
        columns=columns,
    )
    table.insert(0, "property", list(properties))
    table["n"] = table["n"].astype(int)
    table.insert(2, "n_embedded", len(groups))
    return table


def probes_of(embeddings, table, names, **settings):
    """`probe_table` of the galaxies that all embeddings have: (galaxies, DataFrame).

    Parameters
    ----------
    embeddings : dict, name -> Embedding
    table : DataFrame with galaxy, pointing and the properties, see `numeric_properties`
    names : of the properties
    settings : of `probe_table`
    """
    common, vectors = in_common(embeddings)
    groups = pointing_codes(pointings_of(common, table))
    return common, probe_table(vectors, numeric_properties(table, common, names), groups, **settings)


def _interval(draws):
    draws = draws[np.isfinite(draws)]
    return tuple(np.quantile(draws, [0.025, 0.975])) if len(draws) else (np.nan, np.nan)

