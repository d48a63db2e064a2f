"""Classifier two-sample test (Lopez-Paz & Oquab 2017, ICLR): can a classifier tell the populations apart?"""

import numpy as np
from scipy import stats

from cubespace.errors import CubespaceError
from cubespace.populations.permutation import TwoSampleTest, units_of
from cubespace.populations.quadratic import CELLS
from cubespace.space.correlations import components_for


class C2ST(TwoSampleTest):
    """Cross-validated AUC of ridge regression on leading components.

    Components (90 % of the variance, at most a fifth of the galaxies) come from the centred Gram matrix 1 - D. Held-out
    predictions of a ridge are linear in the labels, so each permutation refits all folds by one matrix product. Folds do
    not look at labels; pairs and galaxies of one pointing stay in one fold; the AUC counts pairs of galaxies of one fold
    only, where predictions are comparable. Effect: the AUC (0.5 = chance).
    """

    name, bounds = "c2st", (0.0, 1.0)

    def __init__(self, n_folds=5, share=0.9, penalty=0.1, seed=0):
        self.n_folds, self.share, self.penalty, self.seed = n_folds, share, penalty, seed

    def plan(self, distances, labels, groups, pairs):
        return _Plan(distances, groups, pairs, self)


class _Plan:
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
        self.features = features = np.column_stack([np.ones(n), axes[:, :m] * np.sqrt(values[:m])])
        # the intercept carries no penalty, the components a tenth of their mean sum of squares
        self.ridge = ridge = np.diag(np.r_[0.0, np.full(m, options.penalty * values[:m].mean())])
        hat = features @ np.linalg.solve(features.T @ features + ridge, features.T)
        unit = units_of(groups, pairs)
        kinds = int(unit.max()) + 1
        shuffled = np.random.default_rng([options.seed, 61]).permutation(kinds)
        fold = (shuffled % min(options.n_folds, kinds))[unit]
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
        parts, step = [], max(1, CELLS // matrix.shape[1])
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
        """AUC of each resample with all folds refitted to it: which galaxies taught the classifier is part of the scatter.

        Copies of a galaxy are in one fold, so none is held out from its own copy.
        """
        return np.array([self._refitted(labels, drawn) for drawn in counts])

    def _refitted(self, labels, count):
        won = pairs = 0.0
        weighted = self.features * count[:, None]
        products, sums = self.features.T @ weighted + self.ridge, labels @ weighted
        for inside in self.folds:
            if count[inside].sum() == count.sum():
                continue  # nobody is left to learn from
            x, wx, y = self.features[inside], weighted[inside], labels[inside]
            score = x @ np.linalg.solve(products - x.T @ wx, sums - y @ wx)
            wins = (score[y, None] > score[~y]) + 0.5 * (score[y, None] == score[~y])
            b, a = count[inside][y], count[inside][~y]
            won, pairs = won + b @ wins @ a, pairs + b.sum() * a.sum()
        return won / pairs if pairs else 0.5

    def effect(self, labels):
        return self.statistics(labels[None])[0]
