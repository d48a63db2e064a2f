"""Shares of a number of trials or galaxies, and how well they are known."""

import numpy as np


def wilson(successes, n, z=1.959964):
    """95 % interval of a share (Wilson 1927): (low, high)."""
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)
