"""Simple stellar populations (SSPs): the shipped basis, and interpolation in age and metallicity.

Source of the basis: resources/README.md (FASTAR on MILES and BaSTI, one MaStar spectrum for ionising stars).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cubespace.errors import CubespaceError

WINDOW = (5600.0, 5800.0)  # rest frame [A]; light fractions and luminosities refer to the mean flux here
HA_SIDES = ((6490.0, 6535.0), (6595.0, 6640.0))  # stellar continuum beside Halpha [A]
FIELDS = ("wavelength", "log_age", "metallicity", "shape", "scale", "remaining_mass", "fwhm")


@dataclass(frozen=True)
class Basis:
    """A grid of SSPs.

    wavelength (n_wave,) rest frame, air [A]; log_age (n_age,) [log10 yr]; metallicity (n_metal,) [log10
    Z/Zsun]; spectra (n_age, n_metal, n_wave) [1e30 erg/s/A per Msun formed]; remaining (n_age, n_metal):
    mass still in stars and remnants per mass formed; fwhm: resolution [A].
    """

    wavelength: np.ndarray
    log_age: np.ndarray
    metallicity: np.ndarray
    spectra: np.ndarray
    remaining: np.ndarray
    fwhm: float

    def band(self, *windows):
        """Mean luminosity in the union of windows [(low, high) A]: (n_age, n_metal) [1e30 erg/s/A per Msun
        formed]."""
        inside = np.any(
            [(self.wavelength >= low) & (self.wavelength <= high) for low, high in windows], axis=0
        )
        return self.spectra[..., inside].mean(axis=-1)

    @cached_property
    def window_light(self):
        """Luminosity at 5600-5800 A per Msun formed, (n_age, n_metal) [1e30 erg/s/A]."""
        return self.band(WINDOW)

    @cached_property
    def shapes(self):
        """Spectra over their mean in the window, (n_age, n_metal, n_wave)."""
        return self.spectra / self.window_light[..., None]

    @cached_property
    def mass_to_light(self):
        """Present stellar mass per window luminosity, (n_age, n_metal) [Msun / (1e30 erg/s/A)]."""
        return self.remaining / self.window_light

    def compressed(self, rank):
        """Factors (coefficients (n_age * n_metal, rank), components (rank, n_wave)) of `shapes`, least
        squares (SVD)."""
        left, values, right = np.linalg.svd(
            self.shapes.reshape(-1, self.wavelength.size), full_matrices=False
        )
        return left[:, :rank] * values[:rank], right[:rank]


def load_basis(path) -> Basis:
    """Read resources/ssp_basis.npz. Raises CubespaceError when the file or one of its arrays is missing."""
    path = Path(path)
    if not path.is_file():
        raise CubespaceError(f"{path}: SSP basis not found (expected an npz file with {', '.join(FIELDS)})")
    with np.load(path, allow_pickle=False) as arrays:
        missing = [name for name in FIELDS if name not in arrays.files]
        if missing:
            raise CubespaceError(
                f"{path}: SSP basis lacks {', '.join(missing)}; found {', '.join(arrays.files)}"
            )
        spectra = arrays["shape"].astype(float) * arrays["scale"][..., None]
        return Basis(
            arrays["wavelength"],
            arrays["log_age"],
            arrays["metallicity"],
            spectra,
            arrays["remaining_mass"],
            float(arrays["fwhm"]),
        )


def nodes(basis, log_age, metallicity):
    """Bilinear interpolation in (log age, [Z/H]), clamped at the edges of the grid.

    log_age, metallicity: any same shape. Returns (index, weight), each (4, *shape): index into the flattened
    (n_age * n_metal) grid; the four weights sum to one.
    """

    def bracket(axis, value):
        value = np.clip(value, axis[0], axis[-1])
        low = np.clip(np.searchsorted(axis, value, side="right") - 1, 0, axis.size - 2)
        return low, (value - axis[low]) / (axis[low + 1] - axis[low])

    i, s = bracket(basis.log_age, np.asarray(log_age, float))
    j, t = bracket(basis.metallicity, np.asarray(metallicity, float))
    first = i * basis.metallicity.size + j
    below = basis.metallicity.size
    index = np.stack([first, first + 1, first + below, first + below + 1])
    weight = np.stack([(1 - s) * (1 - t), (1 - s) * t, s * (1 - t), s * t])
    return index, weight


def lookup(table, at):
    """Interpolate a (n_age, n_metal) or (n_age, n_metal, k) table at nodes `at`: (*shape) or (*shape, k)."""
    index, weight = at
    values = np.einsum("q...,q...k->...k", weight, table.reshape(table.shape[0] * table.shape[1], -1)[index])
    return values[..., 0] if table.ndim == 2 else values


def spectrum(basis, log_age, metallicity):
    """SSP spectra (*shape, n_wave) [1e30 erg/s/A per Msun formed]: shape linear, window luminosity
    log-linear."""
    at = nodes(basis, log_age, metallicity)
    light = 10 ** lookup(np.log10(basis.window_light), at)
    return lookup(basis.shapes, at) * light[..., None]
