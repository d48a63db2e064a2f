"""The one form in which the pipeline knows a data cube."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Cube:
    """A cube as observed.

    Attributes
    ----------
    flux, sigma : float32 (n_wavelength, ny, nx)
        Flux density and its 1-sigma error, in 1e-16 erg/s/cm2/A. Meaningless (may be NaN) where `bad`.
    bad : bool (n_wavelength, ny, nx)
        Samples not to be used: flagged by the survey, not finite, or without a usable error.
    star : bool (ny, nx)
        Foreground star or companion.
    field : bool (ny, nx)
        Spaxels the instrument looked at.
    wavelength : float64 (n_wavelength,)
        Observed wavelength [A], increasing.
    pixel_arcsec : float
        Side of a spaxel [arcsec].
    unit_scale : float
        Unit of the file in units of 1e-16 erg/s/cm2/A; already applied to `flux` and `sigma`.
    survey : str
        Name of the adapter that read the file.
    reference : tuple or None
        (ra [deg], dec [deg], x, y): sky position and its pixel, counted from 0.
    header : dict
        Facts of the primary header worth keeping.
    notes : list of str
        What was assumed or repaired while reading, for the log.
    """

    flux: np.ndarray
    sigma: np.ndarray
    bad: np.ndarray
    star: np.ndarray
    field: np.ndarray
    wavelength: np.ndarray
    pixel_arcsec: float
    path: str
    unit_scale: float = 1.0
    survey: str = ""
    reference: tuple | None = None
    header: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    @property
    def usable(self):
        """Bool (ny, nx): inside the field and not covered by a star or companion."""
        return self.field & ~self.star
