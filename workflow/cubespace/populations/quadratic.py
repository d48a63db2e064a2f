"""Means of a matrix over pairs of galaxies within and between populations: what the energy distance and MMD share."""

import numpy as np

CELLS = 4_000_000  # array cells worked on at once


class QuadraticPlan:
    """Statistic and effect from the means of `matrix` over pairs (aa, ab, bb); a galaxy never meets its own pointing.

    Parameters
    ----------
    matrix : (n, n) symmetric
    groups : (n,) pointing codes
    combine, effect : functions of the three means
    """

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
        parts, step = [], max(1, CELLS // matrix.shape[1])
        for start in range(0, len(matrix), step):
            b = matrix[start : start + step].astype(np.float64)
            parts.append(self.combine(*self.means(1 - b, b, complementary=True)))
        return np.concatenate(parts)

    def effects(self, labels, counts):
        return self.as_effect(*self.means(counts * ~labels, counts * labels))

    def effect(self, labels):
        return self.effects(labels, np.ones((1, len(labels))))[0]
