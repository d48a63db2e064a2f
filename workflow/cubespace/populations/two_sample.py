"""Are two populations drawn from one distribution? Six tests with one interface on one matrix of cosine distances.

Every test offers ``statistic(D, labels)`` and ``test(D, labels, n_permutations, rng, pairs=None)``. Labels are False for
population a and True for b. p-values come from permuting labels, within the pairs where the populations are matched, as
(1 + b) / (1 + B) (Phipson & Smyth 2010); permutations are products of a matrix of label vectors, not a loop over tests.

A cosine distance is half a squared chord, |x - y|^2 = 2 (1 - cos). The energy distance of squared distances sees means
only, so energy and MMD use the chord itself. Energy, MMD and their relatives are one family: not independent evidence.
"""

import numpy as np
from scipy import stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cubespace.errors import CubespaceError
from cubespace.populations.ks import KS, SMALLEST_P, ks_2sample
from cubespace.populations.permutation import TwoSampleTest, checked
from cubespace.space.correlations import components_for

_CELLS = 4_000_000  # array cells worked on at once


class _QuadraticPlan:
    """Means of a matrix over pairs within a, within b and between; a galaxy never meets itself or its own pointing."""

    halves = False

    def __init__(self, matrix, groups, combine, effect):
        allowed = groups[:, None] != groups[None, :]
        self.matrix, self.combine, self.as_effect = np.where(allowed, matrix, 0.0), combine, effect
        self.allowed = allowed.astype(np.float64) if allowed.sum() < len(groups) * (len(groups) - 1) else None
        self.rows = self.matrix.sum(axis=1)
        self.scale = float(self.matrix.sum() / allowed.sum())

    def means(self, a, b, complementary=False):
        """(aa, ab, bb) for weights a, b (B, n); `complementary`: a + b = 1, which saves a product."""
        right = b @ self.matrix
        left = self.rows - right if complementary else a @ self.matrix
        sums = (left * a).sum(1), (left * b).sum(1), (right * b).sum(1)
        if self.allowed is None:
            total_a, total_b = a.sum(1), b.sum(1)
            pairs = total_a**2 - (a**2).sum(1), total_a * total_b, total_b**2 - (b**2).sum(1)
        else:
            left, right = a @ self.allowed, b @ self.allowed
            pairs = (left * a).sum(1), (left * b).sum(1), (right * b).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return tuple(s / p for s, p in zip(sums, pairs, strict=True))

    def statistics(self, matrix):
        parts, step = [], max(1, _CELLS // matrix.shape[1])
        for start in range(0, len(matrix), step):
            b = matrix[start : start + step].astype(np.float64)
            parts.append(self.combine(*self.means(1 - b, b, complementary=True)))
        return np.concatenate(parts)

    def effects(self, labels, counts):
        return self.as_effect(*self.means(counts * ~labels, counts * labels))

    def effect(self, labels):
        return self.effects(labels, np.ones((1, len(labels))))[0]


class Energy(TwoSampleTest):
    """Energy distance (Szekely & Rizzo 2013) of the chords: 2 E|X-Y| - E|X-X'| - E|Y-Y'|, unbiased.

    Effect: that over 2 E|X-Y|, the energy coefficient: 0 = the same (slightly negative by chance), 1 = two points.
    """

    name, bounds = "energy", (-1.0, 1.0)

    def plan(self, distances, labels, groups, pairs):
        return _QuadraticPlan(
            np.sqrt(2 * np.clip(distances, 0, None)),
            groups,
            lambda aa, ab, bb: 2 * ab - aa - bb,
            lambda aa, ab, bb: 1 - (aa + bb) / (2 * ab),
        )


class MMD(TwoSampleTest):
    """Squared maximum mean discrepancy (Gretton et al. 2012), unbiased, Gaussian kernel of the chord.

    The bandwidth is the median chord of the pooled galaxies, so it does not see labels. Effect: the statistic.
    """

    name, bounds = "mmd", (-2.0, 2.0)

    def plan(self, distances, labels, groups, pairs):
        allowed = groups[:, None] != groups[None, :]
        squared = 2 * np.clip(distances, 0, None)
        width = np.median(squared[allowed])  # median chord, squared
        if width <= 0:
            raise CubespaceError("more than half of the distances are zero: no bandwidth for the kernel")
        kernel = np.exp(-squared / (2 * width))
        return _QuadraticPlan(
            kernel, groups, lambda aa, ab, bb: aa + bb - 2 * ab, lambda aa, ab, bb: aa + bb - 2 * ab
        )


class SchillingHenze(TwoSampleTest):
    """Share of the k nearest neighbours in the pooled sample that are of the galaxy's own population (Schilling 1986,
    Henze 1988). Effect: (share - chance) / (1 - chance): 0 = mixed, 1 = separate.
    """

    name, bounds = "schilling_henze", (-1.0, 1.0)

    def __init__(self, k=5):
        self.k = k

    def plan(self, distances, labels, groups, pairs):
        return _NeighbourPlan(distances, groups, self.k)


class _Sorted:
    """Neighbours of each galaxy in rising distance, those of its own pointing last and marked."""

    def __init__(self, distances, groups):
        hidden = np.where(groups[:, None] == groups[None, :], np.inf, distances)
        self.order = np.argsort(hidden, axis=1, kind="stable")
        self.near = np.take_along_axis(hidden, self.order, axis=1)

    def first(self, wanted, k, width, only_last=False):
        """(B, n, w) bool over the sorted neighbours: the first `k` (or only the k-th) of those `wanted` (B, n).

        w is `width` if that is enough for every galaxy, else n.
        """
        for w in (min(width, len(self.order)), len(self.order)):
            found = wanted[:, self.order[:, :w]] & np.isfinite(self.near[:, :w])
            count = np.cumsum(found, axis=2, dtype=np.int16)
            if w == len(self.order) or (count[:, :, -1] >= k).all():
                return found & ((count == k) if only_last else (count <= k))


class _NeighbourPlan:
    scale, halves = 1.0, True

    def __init__(self, distances, groups, k):
        n = len(distances)
        blocked = groups[:, None] == groups[None, :]
        self.k = min(k, int((~blocked).sum(1).min()))
        if self.k < 1:
            raise CubespaceError("some galaxy shares its pointing with all others: it has no neighbour")
        self.sorted = _Sorted(distances, groups)
        adjacency = np.zeros((n, n), np.float32)  # counts up to n are exact in float32
        np.put_along_axis(adjacency, self.sorted.order[:, : self.k], 1, axis=1)
        self.transposed = np.ascontiguousarray(adjacency.T)

    def _same(self, matrix):
        """(B, n) number of neighbours with the galaxy's own label."""
        of_b = matrix.astype(np.float32) @ self.transposed
        return np.where(matrix, of_b, self.k - of_b)

    def statistics(self, matrix):
        step = max(1, _CELLS // matrix.shape[1])
        parts = [
            self._same(matrix[i : i + step]).mean(axis=1, dtype=np.float64)
            for i in range(0, len(matrix), step)
        ]
        return np.concatenate(parts) / self.k

    def effects(self, labels, counts):
        kept, width = counts > 0, 4 * self.k + 30
        same = labels[self.sorted.order] == labels[:, None]
        parts, step = [], max(1, _CELLS // (len(labels) * width))
        for start in range(0, len(kept), step):
            chosen = kept[start : start + step]
            near = self.sorted.first(chosen, self.k, width)
            hits = (near & same[:, : near.shape[2]]).sum(axis=2)
            with np.errstate(invalid="ignore"):
                share = (hits * chosen).sum(axis=1) / (near.sum(axis=2) * chosen).sum(axis=1)
            n, n_b = chosen.sum(axis=1), (chosen & labels).sum(axis=1)
            chance = (n_b * (n_b - 1) + (n - n_b) * (n - n_b - 1)) / (n * (n - 1))
            parts.append((share - chance) / (1 - chance))
        return np.concatenate(parts)

    def effect(self, labels):
        return self.effects(labels, np.ones((1, len(labels))))[0]


class C2ST(TwoSampleTest):
    """Classifier two-sample test (Lopez-Paz & Oquab 2017): cross-validated AUC of ridge regression on leading components.

    Components (90 % of the variance, at most a fifth of the galaxies) come from the centred Gram matrix 1 - D. Held-out
    predictions of a ridge are linear in the labels, so each permutation refits all folds by one matrix product. Folds do
    not look at labels; pairs and galaxies of one pointing stay in one fold; the AUC counts pairs of galaxies of one fold
    only, where predictions are comparable. Effect: the AUC (0.5 = chance).
    """

    name, bounds = "c2st", (0.0, 1.0)

    def __init__(self, n_folds=5, share=0.9, penalty=0.1, seed=0):
        self.n_folds, self.share, self.penalty, self.seed = n_folds, share, penalty, seed

    def plan(self, distances, labels, groups, pairs):
        return _ClassifierPlan(distances, groups, pairs, self)


class _ClassifierPlan:
    scale, halves = 1.0, False

    def __init__(self, distances, groups, pairs, options):
        n = len(distances)
        gram = 1 - distances
        gram = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
        values, axes = np.linalg.eigh((gram + gram.T) / 2)
        values, axes = np.clip(values[::-1], 0, None), axes[:, ::-1]
        if values[0] <= 1e-12:
            raise CubespaceError("all distances are equal to zero: nothing to classify")
        m = max(1, min(components_for(values / values.sum(), options.share), n // 5))
        features = np.column_stack([np.ones(n), axes[:, :m] * np.sqrt(values[:m])])
        # the intercept carries no penalty, the components a tenth of their mean sum of squares
        ridge = np.diag(np.r_[0.0, np.full(m, options.penalty * values[:m].mean())])
        hat = features @ np.linalg.solve(features.T @ features + ridge, features.T)
        codes = np.unique(groups, return_inverse=True)[1]
        rows, columns = [np.arange(n)], [n + codes]
        if pairs is not None:
            rows, columns = [*rows, pairs[:, 0]], [*columns, pairs[:, 1]]
        rows, columns = np.concatenate(rows), np.concatenate(columns)
        size = n + codes.max() + 1
        unit = connected_components(
            coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size)), directed=False
        )[1][:n]
        kinds, unit = np.unique(unit, return_inverse=True)
        shuffled = np.random.default_rng([options.seed, 61]).permutation(len(kinds))
        fold = (shuffled % min(options.n_folds, len(kinds)))[unit]
        self.folds = [np.flatnonzero(fold == f) for f in np.unique(fold)]
        self.operator = np.zeros((n, n))
        for inside in self.folds:
            outside = np.setdiff1d(np.arange(n), inside)
            kernel = np.linalg.solve(
                np.eye(len(inside)) - hat[np.ix_(inside, inside)], hat[np.ix_(inside, outside)]
            )
            self.operator[np.ix_(inside, outside)] = kernel

    def scores(self, matrix):
        """Held-out predictions (B, n) for labels (B, n)."""
        return matrix.astype(np.float64) @ self.operator.T

    def statistics(self, matrix):
        parts, step = [], max(1, _CELLS // matrix.shape[1])
        for start in range(0, len(matrix), step):
            y = matrix[start : start + step]
            scores, won, pairs = self.scores(y), np.zeros(len(y)), np.zeros(len(y))
            for inside in self.folds:
                rank = stats.rankdata(scores[:, inside], axis=1)
                n_b = y[:, inside].sum(axis=1)
                won += (rank * y[:, inside]).sum(axis=1) - n_b * (n_b + 1) / 2
                pairs += n_b * (len(inside) - n_b)
            parts.append(np.where(pairs > 0, won / np.maximum(pairs, 1), 0.5))
        return np.concatenate(parts)

    def effects(self, labels, counts):
        score, won, pairs = self.scores(labels[None])[0], 0.0, 0.0
        for inside in self.folds:
            s = score[inside]
            wins = (s[:, None] > s[None, :]) + 0.5 * (s[:, None] == s[None, :])
            b, a = counts[:, inside] * labels[inside], counts[:, inside] * ~labels[inside]
            won, pairs = won + ((b @ wins) * a).sum(1), pairs + a.sum(1) * b.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(pairs > 0, won / pairs, 0.5)

    def effect(self, labels):
        return self.effects(labels, np.ones((1, len(labels))))[0]


class NeighbourKS(TwoSampleTest):
    """KS test on distances to the k nearest neighbours in the reference population (paper sec. 4.3).

    The reference is the larger population (a if equal). All galaxies of the smaller one, and as many drawn at random
    from the larger, are queries; the KS statistic is averaged over `n_subsamples` draws. `pooled`: all k distances of a
    galaxy count, as in the paper; the ten are not independent, so the paper's own p-value (`paper_p`) rejects a true
    null far too often, while the permutation p does not. Otherwise the k-th distance only. Effect: the KS statistic.
    k is cut to what the reference allows.
    """

    bounds = (0.0, 1.0)

    def __init__(self, name, k=10, pooled=True, n_subsamples=10, seed=0):
        self.name, self.k, self.pooled, self.n_subsamples, self.seed = name, k, pooled, n_subsamples, seed

    def plan(self, distances, labels, groups, pairs):
        return _KSPlan(distances, labels, groups, self)

    def paper_p(self, distances, labels, groups=None):
        """The KS test as the paper applies it: statistic and p averaged over the subsamples (`KS`)."""
        distances, labels, groups, _ = checked(distances, labels, groups, None)
        return self.plan(distances, labels, groups, None).paper(labels)

    def query_distances(self, distances, labels, groups=None):
        """(n, k) distances of every galaxy to its nearest of the reference population: the numbers behind Figs. 8 and 9."""
        distances, labels, groups, _ = checked(distances, labels, groups, None)
        return self.plan(distances, labels, groups, None).observed(labels)


class _KSPlan:
    scale, halves = 1.0, True

    def __init__(self, distances, labels, groups, options):
        n, n_b = len(labels), int(labels.sum())
        self.reference_is_b = n_b > n - n_b
        self.queries, self.pooled = min(n_b, n - n_b), options.pooled
        self.largest_group = int(np.unique(groups, return_counts=True)[1].max())
        self.k = min(options.k, n - self.queries - self.largest_group)
        if self.k < 1:
            raise CubespaceError("the reference population is too small for a nearest neighbour")
        self.subsamples = options.n_subsamples if self.queries < n - self.queries else 1
        self.start = [options.seed, 62]
        self.rng = np.random.default_rng(self.start)
        self.sorted = _Sorted(distances, groups)
        self.width = min(
            n, 2 * self.k + 30
        )  # the reference is at least half of all, so k of it are among these

    def _near(self, reference, k):
        """Distances to the reference (B, n) in rising order: their owners (B, s), and which is the last of a tie (B, s)."""
        selected = self.sorted.first(reference, k, self.width, not self.pooled)
        width = selected.shape[2]
        flat = self.sorted.near[:, :width].ravel()
        by_size = np.argsort(flat, kind="stable")
        columns = np.nonzero(selected.reshape(len(reference), -1)[:, by_size])[1].reshape(len(reference), -1)
        places = by_size[columns]
        values = flat[places]
        last = np.ones(values.shape, bool)
        last[:, :-1] = values[:, 1:] != values[:, :-1]
        return places // width, last

    def _reference(self, matrix):
        return matrix if self.reference_is_b else ~matrix

    def _drawn(self, reference):
        """(B, n) bool: as many members of the reference, drawn at random, as there are other galaxies."""
        keys = np.where(reference, self.rng.random(reference.shape), 2.0)
        chosen = np.zeros(reference.shape, bool)
        np.put_along_axis(
            chosen, np.argpartition(keys, self.queries - 1, axis=1)[:, : self.queries], True, axis=1
        )
        return chosen

    def _gap(self, reference, a, b, near):
        """KS statistic (B,) of the distances of queries `a` of the reference and `b` of the others: largest gap of ECDFs."""
        positive, negative = a & reference, b & ~reference
        with np.errstate(invalid="ignore"):
            weights = positive / positive.sum(1, keepdims=True) - negative / negative.sum(1, keepdims=True)
        owner, last, k = near
        gaps = np.cumsum(np.take_along_axis(weights, owner, axis=1), axis=1) / (k if self.pooled else 1)
        return np.minimum(np.abs(np.where(last, gaps, 0)).max(axis=1), 1.0)

    def statistics(self, matrix):
        parts, step = [], max(1, _CELLS // (matrix.shape[1] * self.width))
        for start in range(0, len(matrix), step):
            reference = self._reference(matrix[start : start + step])
            near, total, everyone = (
                (*self._near(reference, self.k), self.k),
                0.0,
                np.ones(reference.shape, bool),
            )
            for _ in range(self.subsamples):
                drawn = self._drawn(reference) if self.subsamples > 1 else everyone
                total = total + self._gap(reference, drawn, everyone, near)
            parts.append(total / self.subsamples)
        return np.concatenate(parts)

    def effects(self, labels, counts):
        kept, parts = counts > 0, []
        everyone = self._reference(labels[None])
        k = min(self.k, int((everyone & kept).sum(axis=1).min()) - self.largest_group)
        if k < 1:
            return np.full(len(kept), np.nan)
        step = max(1, _CELLS // (len(labels) * self.width))
        for start in range(0, len(kept), step):
            chosen = kept[start : start + step]
            near = (*self._near(everyone & chosen, k), k)
            parts.append(self._gap(np.broadcast_to(everyone, chosen.shape), chosen, chosen, near))
        return np.concatenate(parts)

    def effect(self, labels):
        self.rng = np.random.default_rng(self.start)  # the very subsamples of the observed statistic
        return self.statistics(labels[None])[0]

    def observed(self, labels):
        order, near = self.sorted.order, self.sorted.near
        hits = self._reference(labels)[order] & np.isfinite(near)
        return near[hits & (np.cumsum(hits, axis=1) <= self.k)].reshape(-1, self.k)

    def paper(self, labels):
        self.rng = np.random.default_rng(self.start)
        reference, values = self._reference(labels), self.observed(labels)
        values = values if self.pooled else values[:, -1:]
        results = []
        for _ in range(self.subsamples):
            drawn = self._drawn(reference[None])[0] if self.subsamples > 1 else reference
            results.append(ks_2sample(values[drawn].ravel(), values[~reference].ravel()))
        p = max(float(np.mean([r.p_value for r in results])), SMALLEST_P)
        return KS(
            float(np.mean([r.statistic for r in results])),
            p,
            results[0].method,
            max(r.n_tied for r in results),
        )


def all_tests(k=10, k_pooled=5, n_subsamples=10, seed=0):
    """dict name -> test, in the order of the tables. `k`: neighbours of the KS tests; `k_pooled`: of Schilling-Henze."""
    tests = (
        NeighbourKS("ks_paper", k, True, n_subsamples, seed),
        NeighbourKS("ks_10th", k, False, n_subsamples, seed),
        SchillingHenze(k_pooled),
        Energy(),
        MMD(),
        C2ST(seed=seed),
    )
    return {test.name: test for test in tests}
