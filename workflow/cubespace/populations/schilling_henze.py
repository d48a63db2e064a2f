"""Nearest-neighbour test of two populations (Schilling 1986, JASA 81, 799; Henze 1988, Ann. Stat. 16, 772)."""

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.populations.nearest import CELLS, SortedNeighbours
from cubespace.populations.permutation import TwoSampleTest


class SchillingHenze(TwoSampleTest):
    """Share of the k nearest neighbours in the pooled sample that are of the galaxy's own population.

    Neighbours at the very distance of the k-th share the places that are left, so the statistic does not depend on the order
    of the rows. Effect: (share - chance) / (1 - chance): 0 = mixed, 1 = separate.
    """

    name, bounds = "schilling_henze", (-1.0, 1.0)

    def __init__(self, k=5):
        self.k = k

    def plan(self, distances, labels, groups, pairs):
        return _Plan(distances, groups, self.k)


class _Plan:
    scale, halves = 1.0, True

    def __init__(self, distances, groups, k):
        n = len(distances)
        blocked = groups[:, None] == groups[None, :]
        self.k = min(k, int((~blocked).sum(1).min()))
        if self.k < 1:
            raise CubespaceError("some galaxy shares its pointing with all others: it has no neighbour")
        self.sorted = SortedNeighbours(distances, groups)
        near, last = self.sorted.near, self.sorted.near[:, self.k - 1, None]
        closer, tied = near < last, near == last
        share = (self.k - closer.sum(axis=1, keepdims=True)) / tied.sum(axis=1, keepdims=True)
        kind = np.float32 if (share == 1).all() else np.float64  # without ties counts, which float32 adds exactly
        adjacency = np.zeros((n, n), kind)
        np.put_along_axis(adjacency, self.sorted.order, (closer + share * tied).astype(kind), axis=1)
        self.transposed = np.ascontiguousarray(adjacency.T)

    def _same(self, matrix):
        """(B, n) number of neighbours with the galaxy's own label."""
        of_b = matrix.astype(self.transposed.dtype) @ self.transposed
        return np.where(matrix, of_b, self.k - of_b)

    def statistics(self, matrix):
        step = max(1, CELLS // matrix.shape[1])
        parts = [
            self._same(matrix[i : i + step]).mean(axis=1, dtype=np.float64)
            for i in range(0, len(matrix), step)
        ]
        return np.concatenate(parts) / self.k

    def effects(self, labels, counts):
        kept, parts, step = counts > 0, [], max(1, CELLS // (len(labels) * self.k))
        for start in range(0, len(kept), step):
            chosen = kept[start : start + step]
            places = self.sorted.places(chosen, range(1, self.k + 1))
            there = (places < len(labels)) & chosen.T
            owner = np.take_along_axis(
                self.sorted.order, np.minimum(places, len(labels) - 1).transpose(1, 0, 2).reshape(len(labels), -1), axis=1
            )
            same = (labels[owner] == labels[:, None]).reshape(len(labels), self.k, -1).transpose(1, 0, 2)
            with np.errstate(invalid="ignore"):
                share = (same & there).sum(axis=(0, 1)) / there.sum(axis=(0, 1))
            parts.append(_beyond_chance(share, chosen.sum(axis=1), (chosen & labels).sum(axis=1)))
        return np.concatenate(parts)

    def effect(self, labels):
        return _beyond_chance(self.statistics(labels[None])[0], len(labels), labels.sum())


def _beyond_chance(share, n, n_b):
    chance = (n_b * (n_b - 1) + (n - n_b) * (n - n_b - 1)) / (n * (n - 1))
    return (share - chance) / (1 - chance)
