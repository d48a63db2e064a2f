"""The paper's test: Kolmogorov-Smirnov on the distances to the nearest neighbours (sec. 4.3; Vega-Ferrero et al. 2024)."""

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.populations.ks import KS, SMALLEST_P, ks_2sample
from cubespace.populations.nearest import SortedNeighbours
from cubespace.populations.permutation import TwoSampleTest, checked

_CELLS = 200_000  # galaxies times permutations at once: small enough for the processor's cache


class NeighbourKS(TwoSampleTest):
    """KS test on distances to the k nearest neighbours in the reference population.

    The reference is the larger population (a if equal). All galaxies of the smaller one, and as many drawn at random
    from the larger, are queries; the KS statistic is averaged over `n_subsamples` draws. `pooled`: all k distances of a
    galaxy count, as the paper's text has it; the ten are not independent, so the paper's own p-value (`paper_p`) rejects
    a true null far too often, while the permutation p does not. Otherwise the k-th distance only, as the captions of
    Figs. 8 and 9 have it. Effect: the KS statistic. k is cut to what the reference allows.
    """

    bounds = (0.0, 1.0)

    def __init__(self, name, k=10, pooled=True, n_subsamples=10, seed=0):
        self.name, self.k, self.pooled, self.n_subsamples, self.seed = name, k, pooled, n_subsamples, seed

    def plan(self, distances, labels, groups, pairs):
        return _Plan(distances, labels, groups, self)

    def paper_p(self, distances, labels, groups=None):
        """The KS test as the paper applies it: statistic and p averaged over the subsamples (`KS`)."""
        distances, labels, groups, _ = checked(distances, labels, groups, None)
        return self.plan(distances, labels, groups, None).paper(labels)

    def query_distances(self, distances, labels, groups=None):
        """(n, k) distances of every galaxy to its nearest of the reference population: the numbers behind Figs. 8 and 9."""
        distances, labels, groups, _ = checked(distances, labels, groups, None)
        return self.plan(distances, labels, groups, None).observed(labels)


class _Plan:
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
        self.sorted = SortedNeighbours(distances, groups)
        largest = max((int(self.sorted.rank.max()) + 1) * n, options.k * n * n)
        self.kind = np.int32 if largest < 2**31 else np.int64

    def _near(self, reference, k):
        """Distances to the nearest of the reference (B, n) in rising order: their owners (B, s), and which is the last of a
        tie (B, s)."""
        n, numbers = len(self.sorted.order), range(1, k + 1) if self.pooled else (k,)
        places = np.minimum(self.sorted.places(reference, numbers), n - 1).transpose(1, 0, 2).reshape(n, -1)
        rank = np.take_along_axis(self.sorted.rank, places, axis=1).astype(self.kind)
        keys = rank * n + np.arange(n, dtype=self.kind)[:, None]
        keys = keys.reshape(n, len(numbers), -1).transpose(2, 1, 0).reshape(len(reference), -1)
        keys.sort(axis=1)
        rank, owner = np.divmod(keys, self.kind(n))
        last = np.ones(rank.shape, bool)
        last[:, :-1] = rank[:, 1:] != rank[:, :-1]
        return owner, last

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

    def _gap(self, reference, drawn, near, k):
        """KS statistic (B,) between the distances of the galaxies `drawn` of the reference and of those not of it.

        Counts instead of shares keep the sums exact, so that equal statistics of two permutations are equal.
        """
        owner, last = near
        first, second = drawn & reference, drawn & ~reference
        n_first, n_second = (x.sum(axis=1, keepdims=True, dtype=self.kind) for x in (first, second))
        weights = first * n_second - second * n_first
        gaps = np.abs(np.cumsum(np.take_along_axis(weights, owner, axis=1), axis=1, dtype=self.kind))
        size = n_first[:, 0].astype(float) * n_second[:, 0] * (k if self.pooled else 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.max(gaps, axis=1, where=last, initial=0) / size

    def statistics(self, matrix):
        parts, step = [], max(1, _CELLS // matrix.shape[1])
        for start in range(0, len(matrix), step):
            reference = self._reference(matrix[start : start + step])
            near, total, everyone = self._near(reference, self.k), 0.0, np.ones(reference.shape, bool)
            for _ in range(self.subsamples):
                drawn = everyone if self.subsamples == 1 else self._drawn(reference) | ~reference
                total = total + self._gap(reference, drawn, near, self.k)
            parts.append(total / self.subsamples)
        return np.concatenate(parts)

    def effects(self, labels, counts):
        kept, parts = counts > 0, []
        everyone = self._reference(labels[None])
        k = min(self.k, int((everyone & kept).sum(axis=1).min()) - self.largest_group)
        if k < 1:
            return np.full(len(kept), np.nan)
        step = max(1, _CELLS // len(labels))
        for start in range(0, len(kept), step):
            chosen = kept[start : start + step]
            near = self._near(everyone & chosen, k)
            parts.append(self._gap(np.broadcast_to(everyone, chosen.shape), chosen, near, k))
        return np.concatenate(parts)

    def effect(self, labels):
        self.rng = np.random.default_rng(self.start)  # the very subsamples of the observed statistic
        return self.statistics(labels[None])[0]

    def observed(self, labels):
        order, near = self.sorted.order, self.sorted.near
        hits = self._reference(labels)[order] & self.sorted.known
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
