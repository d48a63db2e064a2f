"""Mergeable moments of the bright spectra of a galaxy: what the survey-wide PCA needs, and nothing else.

Count, mean and scatter of disjoint samples merge exactly (Chan, Golub & LeVeque 1983, Am. Stat. 37, 242), so
the PCA of all
spectra of a survey streams over galaxies in O(n_wavelength^2) memory, and one more galaxy costs one merge.
"""

from dataclasses import dataclass

import numpy as np

from cubespace.cubes import quality, restframe
from cubespace.errors import CubespaceError

CHUNK = 2048


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


def moments(spectra):
    """Moments of spectra (n, p), finite; accumulated in float64, two passes."""
    spectra = np.asarray(spectra)
    total = Moments.empty(spectra.shape[1])
    for start in range(0, len(spectra), CHUNK):
        part = spectra[start : start + CHUNK].astype(np.float64)
        mean = part.mean(axis=0)
        part -= mean
        total = merge(total, Moments(len(part), mean, part.T @ part))
    return total


def merge(a, b):
    """Moments of the union of two disjoint samples, exact up to rounding whatever the order and grouping."""
    if a.count == 0 or b.count == 0:
        return b if a.count == 0 else a
    count = a.count + b.count
    delta = b.mean - a.mean
    scatter = np.outer(delta, delta * (a.count * b.count / count))
    scatter += a.scatter
    scatter += b.scatter
    return Moments(count, a.mean + delta * (b.count / count), scatter)


def fill_gaps(values, bad, max_gap, max_bad_fraction):
    """Fill short gaps by linear interpolation along wavelength.

    Parameters
    ----------
    values : float (n, p); bad : bool (n, p)
    max_gap : int
        Longest run of bad samples that may be filled. A run at either end has only one neighbour and is not
        filled.
    max_bad_fraction : float

    Returns
    -------
    (filled (n, p) float32, usable bool (n,)): rows that are not usable are to be thrown away.
    """
    p = values.shape[1]
    usable = (bad.mean(axis=1) <= max_bad_fraction) & ~bad[:, 0] & ~bad[:, -1]
    filled = np.array(values, dtype=np.float32)
    gappy = np.nonzero(usable & bad.any(axis=1))[0]
    if gappy.size == 0:
        return filled, usable
    position = np.broadcast_to(np.arange(p), (gappy.size, p))
    before = np.maximum.accumulate(np.where(bad[gappy], 0, position), axis=1)
    after = np.minimum.accumulate(np.where(bad[gappy], p - 1, position)[:, ::-1], axis=1)[:, ::-1]
    usable[gappy] = (after - before - 1).max(axis=1) <= max_gap
    row, column = np.nonzero(bad[gappy])
    low, high = before[row, column], after[row, column]
    source = values[gappy]
    share = (column - low) / (high - low)
    filled[gappy[row], column] = (1 - share) * source[row, low] + share * source[row, high]
    return filled, usable


def galaxy_moments(
    cube, redshift, *, grid=restframe.GRID, window=restframe.WINDOW, snr_min=30.0, max_gap=10, max_bad_fraction=0.1,
    snr_map=3.0, min_spaxels=30, min_good_window=0.5, min_good_fraction=0.7, canvas=None,
    redshift_range=(-0.005, 0.5), sample=24, seed=0,
):  # fmt: skip
    """Moments of the spectra of one galaxy with S/N > `snr_min`, complete or with gaps short enough to fill.

    Parameters
    ----------
    cube : `Cube`
    redshift : float or None
    grid : (first, last, step) [A]
    window : (low, high) [A], rest frame
    max_gap, max_bad_fraction : see `fill_gaps`; bright spaxels with longer gaps are not used
    snr_map, min_spaxels : the galaxy is rejected with fewer than `min_spaxels` spaxels of S/N >= `snr_map`
    canvas : (ny, nx) or None
        If given, a galaxy whose field does not fit is rejected already here, so that it does not enter the
        basis.
    sample : int
        Number of spectra kept, drawn with `seed`, for the reconstruction-error curve.

    Returns
    -------
    dict of arrays, ready for `files.write_npz`: count, mean, scatter, wavelength; n_spaxels (in the field,
    no star), n_usable, n_snr
        (S/N > snr_min), n_gap and n_norm (of those, not used for gaps or for their norm); sample,
        sample_sigma
        (m, n_wavelength), sample_snr (m,).

    Raises
    ------
    CubeRejected
    """
    redshift = quality.check_redshift(redshift, redshift_range)
    axis = restframe.wavelength_grid(*grid)
    quality.check_coverage(cube.wavelength, redshift, axis, window, min_good_fraction)
    if canvas is not None:
        quality.check_canvas(cube.field, canvas)
    snr, _ = restframe.window_snr(cube, redshift, window, min_good_window)
    quality.check_spaxels(int((cube.usable & (snr >= snr_map)).sum()), min_spaxels, snr_map)

    bright = np.nonzero((cube.usable & (snr > snr_min)).ravel())[0]
    total, kept, n_norm = Moments.empty(axis.size), [], 0
    for start in range(0, bright.size, CHUNK):
        index = bright[start : start + CHUNK]
        spectra = restframe.rest_spectra(cube, redshift, index, axis, window, min_good_window)
        filled, complete = fill_gaps(spectra.values, spectra.bad, max_gap, max_bad_fraction)
        n_norm += int((~spectra.ok).sum())
        complete &= spectra.ok
        total = merge(total, moments(filled[complete]))
        kept.append(index[complete])
    kept = np.concatenate(kept) if kept else bright
    return {
        "count": np.int64(total.count), "mean": total.mean, "scatter": total.scatter, "wavelength": axis,
        "n_spaxels": np.int64(cube.usable.sum()),
        "n_usable": np.int64((cube.usable & (snr >= snr_map)).sum()),
        "n_snr": np.int64(bright.size), "n_gap": np.int64(bright.size - n_norm - total.count),
        "n_norm": np.int64(n_norm),
        **_sample(cube, redshift, kept, axis, window, min_good_window, snr, max_gap, max_bad_fraction, sample, seed),
    }  # fmt: skip


def _sample(cube, redshift, kept, axis, window, min_good_window, snr, max_gap, max_bad_fraction, size, seed):
    """A few of the spectra used, with their errors; drawn without replacement, in the order of their position."""
    if kept.size > size:
        kept = np.sort(np.random.default_rng([seed, kept.size]).choice(kept, size, replace=False))
    spectra = restframe.rest_spectra(cube, redshift, kept, axis, window, min_good_window)
    filled, _ = fill_gaps(spectra.values, spectra.bad, max_gap, max_bad_fraction)
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
