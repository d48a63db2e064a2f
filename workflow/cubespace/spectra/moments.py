"""Mergeable moments of the bright spectra of a galaxy: what the survey-wide PCA needs, and nothing else.

Count, mean and scatter of disjoint samples merge exactly (Chan, Golub & LeVeque 1983, Am. Stat. 37, 242), so
the PCA of all
spectra of a survey streams over galaxies in O(n_wavelength^2) memory, and one more galaxy costs one merge.
"""

from dataclasses import dataclass

import numpy as np

from cubespace.cubes import quality, restframe
from cubespace.errors import CubespaceError
from cubespace.spectra.canvas import survey_field

CHUNK = 1024
BETWEEN = 64
TOGETHER = 4096  # spectra in one product: fewer, larger ones are faster


@dataclass
class Moments:
    """count : int; mean : float64 (p,); scatter : float64 (p, p), sum of outer products about the mean."""

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def empty(cls, size):
        """Moments of no spectra of `size` samples."""
        return cls(0, np.zeros(size), np.zeros((size, size)))


class Pool:
    """The union of disjoint samples, one added after the other, in the memory of two scatter matrices and `TOGETHER` spectra.

    Between samples, the scatter grows by n_a n_b / n times the outer product of the difference of the means (Chan et
    al.); these rows are kept and multiplied out `BETWEEN` at a time, as one matrix product instead of many.
    """

    def __init__(self, size):
        self.count, self.mean, self._scatter, self._rows = 0, np.zeros(size), np.zeros((size, size)), []
        self._centred, self._filled = np.empty((0, size)), 0  # spectra about the means of their own samples

    def add(self, part):
        """Take in `Moments`."""
        if part.count:
            self._scatter += part.scatter
            self._shift(part.count, part.mean)

    def take(self, spectra):
        """Take in spectra (n, p), finite.

        Products of `TOGETHER` spectra about their mean are made in the precision of the input, and summed in float64: for
        float32 spectra that takes half the time and costs less than 1e-6 in the components, far below their noise.
        The product of an array with itself is a symmetric rank-k update (BLAS syrk), half the work of a general one.
        """
        spectra = np.asarray(spectra)
        if spectra.dtype != np.float32:
            spectra = spectra.astype(np.float64, copy=False)
        if len(spectra) == 0:
            return
        mean = spectra.mean(axis=0, dtype=np.float64)
        rounded = mean.astype(spectra.dtype)
        if len(self._centred) == 0 or self._centred.dtype != spectra.dtype:
            self._settle()
            self._centred = np.empty((TOGETHER, mean.size), spectra.dtype)
        start = 0
        while start < len(spectra):
            part = spectra[start : start + TOGETHER - self._filled]
            np.subtract(part, rounded, out=self._centred[self._filled : self._filled + len(part)])
            start, self._filled = start + len(part), self._filled + len(part)
            if self._filled == TOGETHER:
                self._settle()
        self._shift(len(spectra), mean)

    def _shift(self, count, mean):
        """Count and mean with `count` more of mean `mean`; what their distance adds to the scatter is put on the list."""
        total = self.count + count
        delta = mean - self.mean
        if self.count:
            self._rows.append(delta * np.sqrt(self.count * count / total))
        self.mean = self.mean + delta * (count / total)
        self.count = total
        if len(self._rows) == BETWEEN:
            self._settle()

    def _settle(self):
        if self._filled:
            part, self._filled = self._centred[: self._filled], 0
            self._scatter += part.T @ part
        if self._rows:
            rows = np.stack(self._rows)
            self._scatter += rows.T @ rows
            self._rows = []

    def moments(self):
        """`Moments` of all that was added; not a copy."""
        self._settle()
        return Moments(self.count, self.mean, self._scatter)


def moments(spectra):
    """Moments of spectra (n, p), finite; see `Pool.take`."""
    pool = Pool(np.shape(spectra)[1])
    pool.take(spectra)
    return pool.moments()


def merge(a, b):
    """Moments of the union of two disjoint samples, exact up to rounding whatever the order and grouping."""
    pool = Pool(a.mean.size)
    pool.add(a)
    pool.add(b)
    return pool.moments()


def fill_gaps(values, bad, max_gap, max_bad_fraction, common=None):
    """Fill gaps by linear interpolation along wavelength, at the ends by the nearest good sample.

    Parameters
    ----------
    values : float (n, p); bad : bool (n, p)
    max_gap : int
        Longest run of bad samples of a spectrum's own. Such a run at either end has only one neighbour and is not
        allowed.
    max_bad_fraction : float
        Largest share of them.
    common : bool (p,), optional
        Samples that no spectrum of the cube has, see `restframe.common_gap`; they are filled, and not counted.

    Returns
    -------
    (filled (n, p) float32, usable bool (n,)): rows that are not usable are to be thrown away.
    """
    p = values.shape[1]
    own = bad if common is None else bad & ~common
    usable = (own.mean(axis=1) <= max_bad_fraction) & ~own[:, 0] & ~own[:, -1] & ~bad.all(axis=1)
    filled = np.array(values, dtype=np.float32)
    holed = np.nonzero(usable & own.any(axis=1))[0]
    if holed.size:
        before, after = _good_neighbours(own[holed])
        usable[holed] = (after - before - 1).max(axis=1) <= max_gap
    gappy = np.nonzero(usable & bad.any(axis=1))[0]
    before, after = _good_neighbours(bad[gappy])
    row, column = np.nonzero(bad[gappy])
    low, high = before[row, column], after[row, column]
    low, high = np.where(low < 0, high, low), np.where(high >= p, low, high)  # beyond the ends
    source = values[gappy]
    share = (column - low) / np.maximum(high - low, 1)
    filled[gappy[row], column] = (1 - share) * source[row, low] + share * source[row, high]
    return filled, usable


def _good_neighbours(bad):
    """Index of the last good sample before (-1: none) and of the first one after (p: none) each sample."""
    p = bad.shape[1]
    position = np.broadcast_to(np.arange(p), bad.shape)
    before = np.maximum.accumulate(np.where(bad, -1, position), axis=1)
    after = np.minimum.accumulate(np.where(bad, p, position)[:, ::-1], axis=1)[:, ::-1]
    return before, after


def galaxy_moments(
    cube, redshift, *, grid=restframe.GRID, window=restframe.WINDOW, snr_min=30.0, max_gap=10, max_bad_fraction=0.1,
    snr_map=3.0, min_spaxels=30, min_good_window=0.5, min_good_fraction=0.7, canvas=None,
    redshift_range=(-0.005, 0.5), sky_windows=restframe.SKY_WINDOWS, spare_nucleus_arcsec=1.5, max_star_fraction=0.8,
    hand=None, sample=24, seed=0,
):  # fmt: skip
    """Moments of the spectra of one galaxy with S/N > `snr_min`, complete or with gaps short enough to fill.

    Parameters
    ----------
    cube : `Cube`
    redshift : float or None
    grid : (first, last, step) [A]
    window : (low, high) [A], rest frame
    max_gap, max_bad_fraction : see `fill_gaps`; bright spaxels with longer gaps are not used, and none of a galaxy
        whose common gaps (not observed, or a sky line) are more than `max_bad_fraction` of the grid
    snr_map, min_spaxels : the galaxy is rejected with fewer than `min_spaxels` spaxels of S/N >= `snr_map`
    canvas : (ny, nx) or None
        If given, a galaxy whose field does not fit is rejected already here, so that it does not enter the
        basis.
    sky_windows, spare_nucleus_arcsec, hand : see `canvas.survey_field`
    max_star_fraction : the galaxy is rejected if more of its field is masked
    sample : int
        Number of spectra kept, drawn with `seed`, for the reconstruction-error curve.

    Returns
    -------
    dict of arrays, ready for `files.write_npz`: count, mean, scatter, wavelength; gap, bool (n_wavelength,), samples
        that no spectrum of the galaxy has, filled by interpolation (`basis.fit_basis` does better); n_spaxels (in the
        field, no star), n_usable, n_snr (S/N > snr_min), n_gap and n_norm (of those, not used for gaps or for their
        norm); sample, sample_sigma (m, n_wavelength), sample_snr (m,); star_fraction, bad_fraction (shares of the
        field and of its samples; sky lines count as bad).

    Raises
    ------
    CubeRejected
    """
    redshift = quality.check_redshift(redshift, redshift_range)
    axis = restframe.wavelength_grid(*grid)
    quality.check_coverage(cube.wavelength, redshift, axis, window, min_good_fraction)
    if canvas is not None:
        quality.check_canvas(cube.field, canvas)
    sky, snr, _, _ = survey_field(cube, redshift, window, min_good_window, sky_windows, spare_nucleus_arcsec, hand)
    star_fraction = quality.check_stars(cube, max_star_fraction)
    quality.check_spaxels(cube, int((cube.usable & (snr >= snr_map)).sum()), min_spaxels, snr_map)

    gap = restframe.common_gap(cube.wavelength, redshift, axis, sky)
    n_snr = int((cube.usable & (snr > snr_min)).sum())
    bright = np.nonzero((cube.usable & (snr > snr_min)).ravel())[0]
    if gap.mean() > max_bad_fraction:
        bright = bright[:0]
    pool, kept, n_norm = Pool(axis.size), [bright[:0]], 0
    for start in range(0, bright.size, CHUNK):
        index = bright[start : start + CHUNK]
        spectra = restframe.rest_spectra(cube, redshift, index, axis, window, min_good_window)
        filled, complete = fill_gaps(spectra.values, spectra.bad, max_gap, max_bad_fraction, gap)
        n_norm += int((~spectra.ok).sum())
        complete &= spectra.ok
        pool.take(filled[complete])
        kept.append(index[complete])
    total = pool.moments()
    return {
        "count": np.int64(total.count), "mean": total.mean, "scatter": total.scatter, "wavelength": axis, "gap": gap,
        "n_spaxels": np.int64(cube.usable.sum()),
        "n_usable": np.int64((cube.usable & (snr >= snr_map)).sum()),
        "n_snr": np.int64(n_snr), "n_gap": np.int64(n_snr - n_norm - total.count), "n_norm": np.int64(n_norm),
        "star_fraction": np.float64(star_fraction), "bad_fraction": np.float64(bad_share(cube)),
        **_sample(cube, redshift, np.concatenate(kept), axis, window, min_good_window, snr,
                  (max_gap, max_bad_fraction, gap), sample, seed),
    }  # fmt: skip


def bad_share(cube):
    """Share of bad samples inside the field."""
    return sum(np.count_nonzero(plane & cube.field) for plane in cube.bad) / max(1, cube.field.sum() * len(cube.bad))


def _sample(cube, redshift, kept, axis, window, min_good_window, snr, gaps, size, seed):
    """A few of the spectra used, with their errors; drawn without replacement, in the order of their position."""
    if kept.size > size:
        kept = np.sort(np.random.default_rng([seed, kept.size]).choice(kept, size, replace=False))
    spectra = restframe.rest_spectra(cube, redshift, kept, axis, window, min_good_window)
    filled, _ = fill_gaps(spectra.values, spectra.bad, *gaps)
    sigma = restframe.rest_sigma(cube, redshift, kept, axis) / spectra.norm[:, None].astype(np.float32)
    for row in sigma:  # a filled sample has the typical error of its spectrum
        row[~np.isfinite(row)] = np.median(row[np.isfinite(row)])
    return {"sample": filled, "sample_sigma": sigma, "sample_snr": snr.ravel()[kept]}


def rejected_moments(grid=restframe.GRID):
    """The same arrays for a galaxy that is not used: no spectra."""
    axis = restframe.wavelength_grid(*grid)
    none = Moments.empty(axis.size)
    zero = np.int64(0)
    return {
        "count": zero, "mean": none.mean, "scatter": none.scatter, "wavelength": axis,
        "gap": np.zeros(axis.size, bool), "star_fraction": np.float64(0), "bad_fraction": np.float64(0),
        "n_spaxels": zero, "n_usable": zero, "n_snr": zero, "n_gap": zero, "n_norm": zero,
        "sample": np.zeros((0, axis.size), np.float32), "sample_sigma": np.zeros((0, axis.size), np.float32),
        "sample_snr": np.zeros(0, np.float32),
    }  # fmt: skip


def read_moments(path, keys=None):
    """Arrays of a moments file as a dict (only `keys`, if given); verdict, reason and detail as str.

    Raises
    ------
    CubespaceError
        If the file is damaged or lacks a key.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {key: stored[key] for key in (keys or stored.files)}
    except FileNotFoundError:
        raise CubespaceError(f"{path}: no such file") from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise CubespaceError(f"{path}: not a complete moments file: {error}") from None
    except Exception as error:  # zipfile.BadZipFile, zlib.error
        raise CubespaceError(f"{path}: damaged moments file: {error}") from None
    return {
        key: str(value) if value.dtype.kind == "U" and value.ndim == 0 else value
        for key, value in found.items()
    }
