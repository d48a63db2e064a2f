"""Maximum mean discrepancy of two populations (Gretton et al. 2012, JMLR 13, 723)."""

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.populations.permutation import TwoSampleTest
from cubespace.populations.quadratic import QuadraticPlan


def _discrepancy(aa, ab, bb):
    return aa + bb - 2 * ab


class MMD(TwoSampleTest):
    """Squared maximum mean discrepancy, unbiased, with a Gaussian kernel of the chord.

    The bandwidth is the median chord of the pooled galaxies, so it does not see labels and stays the same in every
    permutation. Effect: the statistic. Energy distance and MMD are one family: not independent evidence.
    """

    name, bounds = "mmd", (-2.0, 2.0)

    def plan(self, distances, labels, groups, pairs):
        allowed = groups[:, None] != groups[None, :]
        squared = 2 * np.clip(distances, 0, None)
        width = np.median(squared[allowed])  # median chord, squared
        if width <= 0:
            raise CubespaceError("more than half of the distances are zero: no bandwidth for the kernel")
        return QuadraticPlan(np.exp(-squared / (2 * width)), groups, _discrepancy, _discrepancy)
