"""Energy distance of two populations (Szekely & Rizzo 2013, J. Stat. Plan. Inference 143, 1249)."""

import numpy as np

from cubespace.populations.permutation import TwoSampleTest
from cubespace.populations.quadratic import QuadraticPlan


class Energy(TwoSampleTest):
    """Energy distance of the chords: 2 E|X-Y| - E|X-X'| - E|Y-Y'|, unbiased.

    A cosine distance is half a squared chord, |x - y|^2 = 2 (1 - cos); the energy distance of squared distances would see
    means only, so the chord itself is used. Effect: the statistic over 2 E|X-Y|, the energy coefficient: 0 = the same
    (slightly negative by chance), 1 = two points.
    """

    name, bounds = "energy", (-1.0, 1.0)

    def plan(self, distances, labels, groups, pairs):
        return QuadraticPlan(
            np.sqrt(2 * np.clip(distances, 0, None)),
            groups,
            lambda aa, ab, bb: 2 * ab - aa - bb,
            lambda aa, ab, bb: 1 - (aa + bb) / (2 * ab),
        )
