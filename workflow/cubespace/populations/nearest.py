"""Nearest neighbours among changing subsets of one set of galaxies: sorted once, then read off for many subsets."""

import numpy as np

CELLS = 8_000_000  # array cells worked on at once


class SortedNeighbours:
    """Neighbours of each galaxy in rising distance, those of its own pointing last and marked by an infinite distance.

    Distances that differ by less than rounding (1e-12) are equal. Which of equal ones comes first is drawn once: the order of
    the rows would not do, since populations are stacked one after the other and it knows the labels.

    Attributes
    ----------
    order, near : (n, n) int and float
        Rows of the neighbours and their distances.
    rank : (n, n) int32
        Place of each distance among all distances, equal ones alike.
    """

    def __init__(self, distances, groups):
        hidden = np.where(groups[:, None] == groups[None, :], np.inf, np.round(distances, 12))
        shuffled = np.random.default_rng(len(hidden)).permutation(len(hidden))
        self.order = shuffled[np.argsort(hidden[:, shuffled], axis=1, kind="stable")]
        self.near = np.take_along_axis(hidden, self.order, axis=1)
        self.known = np.isfinite(self.near)
        self.rank = np.unique(self.near, return_inverse=True)[1].reshape(self.near.shape).astype(np.int32)

    def places(self, wanted, numbers):
        """Where in `order` the neighbours with the given numbers lie, counted among those `wanted` only.

        Parameters
        ----------
        wanted : (B, n) bool
        numbers : sequence of int, 1 = the nearest

        Returns
        -------
        (len(numbers), n, B) int16; n where a galaxy has fewer wanted neighbours. Galaxies come before subsets, so that a
        step along the neighbours copies whole rows.
        """
        n, columns = len(self.order), np.ascontiguousarray(wanted.T.astype(np.uint8))
        found = np.zeros((n, len(wanted)), np.uint16)
        places = np.zeros((len(numbers), n, len(wanted)), np.int16)
        for j in range(n):
            found += columns[self.order[:, j]] * self.known[:, j, None]
            for place, number in zip(places, numbers, strict=True):
                place += found < number
            if (found >= numbers[-1]).all():
                break
        return places
