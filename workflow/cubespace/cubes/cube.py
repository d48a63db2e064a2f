"""The one form in which the pipeline knows a data cube."""

import hashlib
import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Sky:
    """Where the pixels are on the sky: the gnomonic projection (TAN) of Calabretta & Greisen 2002, sec. 5.1.3.

    ra, dec : position [deg] of the reference pixel
    x, y : reference pixel, counted from 0
    matrix : ((a, b), (c, d)) [deg/pixel]; (a, b) along right ascension, (c, d) along declination, for (x, y)

    Every zenithal projection is the same as TAN to 1e-5 over the arcminute of an integral-field unit.
    """

    ra: float
    dec: float
    x: float
    y: float
    matrix: tuple

    def to_sky(self, x, y):
        """Right ascension (0 .. 360) and declination [deg] of pixels x, y, counted from 0."""
        (a, b), (c, d) = self.matrix
        dx, dy = np.asarray(x, float) - self.x, np.asarray(y, float) - self.y
        xi, eta = np.radians(a * dx + b * dy), np.radians(c * dx + d * dy)
        dec0 = math.radians(self.dec)
        below = math.cos(dec0) - eta * math.sin(dec0)
        ra = self.ra + np.degrees(np.arctan2(xi, below))
        dec = np.degrees(np.arctan2(math.sin(dec0) + eta * math.cos(dec0), np.hypot(xi, below)))
        return np.mod(ra, 360.0), dec

    def to_pixel(self, ra, dec):
        """Pixels x, y, counted from 0, of positions [deg]; NaN for those on the other side of the sky."""
        ra, dec = np.radians(np.asarray(ra, float) - self.ra), np.radians(np.asarray(dec, float))
        dec0 = math.radians(self.dec)
        depth = np.sin(dec) * math.sin(dec0) + np.cos(dec) * math.cos(dec0) * np.cos(ra)
        depth = np.where(depth > 0, depth, np.nan)
        xi = np.degrees(np.cos(dec) * np.sin(ra) / depth)
        eta = np.degrees((np.sin(dec) * math.cos(dec0) - np.cos(dec) * math.sin(dec0) * np.cos(ra)) / depth)
        (a, b), (c, d) = self.matrix
        area = a * d - b * c
        return self.x + (d * xi - b * eta) / area, self.y + (a * eta - c * xi) / area


def fingerprint(flux):
    """16 hexadecimal digits that are the same for one exposure under two names or packings: SHA-256 of every eighth slice
    of `flux` (n_wavelength, ny, nx)."""
    return hashlib.sha256(np.ascontiguousarray(flux[::8])).hexdigest()[:16]


@dataclass
class Cube:
    """A cube as observed.

    Attributes
    ----------
    flux, sigma : float32 (n_wavelength, ny, nx)
        Flux density and its 1-sigma error, in 1e-16 erg/s/cm2/A per spaxel. Meaningless (may be NaN) where `bad`.
    bad : bool (n_wavelength, ny, nx)
        Samples not to be used: flagged by the survey, not finite, or without a usable error.
    star : bool (ny, nx)
        Foreground star or companion.
    field : bool (ny, nx)
        Spaxels the instrument looked at.
    wavelength : float64 (n_wavelength,)
        Observed wavelength [A] in air, increasing; not always in equal steps.
    pixel_arcsec : float
        Side of a spaxel [arcsec].
    unit_scale : float
        Unit of the file in units of 1e-16 erg/s/cm2/A; already applied to `flux` and `sigma`.
    survey : str
        Name of the adapter that read the file.
    medium : str
        What the wavelengths of the file were in, "air" or "vacuum"; those of `wavelength` are in air.
    sky : `Sky` or None
        Pixels to sky and back; None if the header does not say.
    header : dict
        Facts of the headers worth keeping.
    provenance : dict
        Meaning (flux, noise, flags ...) -> the HDU it was taken from, in words.
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
    medium: str = "air"
    sky: Sky | None = None
    header: dict = field(default_factory=dict)
    provenance: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    @property
    def usable(self):
        """Bool (ny, nx): inside the field and not covered by a star or companion."""
        return self.field & ~self.star

    @property
    def reference(self):
        """(ra [deg], dec [deg], x, y): sky position and its pixel, counted from 0; None if not known."""
        return None if self.sky is None else (self.sky.ra, self.sky.dec, self.sky.x, self.sky.y)

    @property
    def position(self):
        """(ra, dec) [deg] of the middle of the field of view; None if not known or if there is no field."""
        if self.sky is None or not self.field.any():
            return None
        rows, columns = np.nonzero(self.field.any(axis=1))[0], np.nonzero(self.field.any(axis=0))[0]
        ra, dec = self.sky.to_sky((columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2)
        return float(ra), float(dec)
