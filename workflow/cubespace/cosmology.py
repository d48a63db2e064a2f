"""Distances in a flat universe of matter and a cosmological constant.

Radiation and neutrino mass are left out: below z = 0.1 they change a distance by 1 part in 10^4 at most.
Every function is vectorised over redshift and takes the cosmology as plain arguments. The default is Planck
Collaboration 2020 (A&A 641, A6): H0 = 67.66 km/s/Mpc, Omega_m = 0.30966. With H0 = 100 lengths are in Mpc/h,
whatever the true H0.
"""

import numpy as np

from cubespace.errors import CubespaceError

SPEED_OF_LIGHT = 299792.458  # km/s, exact
H0 = 67.66  # km/s/Mpc
OM0 = 0.30966

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_ARCSEC = np.pi / 648000.0


def comoving_distance(z, h0=H0, om0=OM0):
    """Line-of-sight comoving distance [Mpc], same shape as `z`.

    Integral of c / (H0 sqrt(om0 (1+z)^3 + 1 - om0)) from 0 to z (Hogg 1999, astro-ph/9905116, eq. 15) with
    32-point Gauss-Legendre quadrature. A missing redshift (nan) gives nan; a negative one (a blueshifted
    neighbour has no Hubble distance) raises CubespaceError.
    """
    z = np.asarray(z, float)
    if np.any(z < 0):
        raise CubespaceError(f"comoving distance: found redshift {float(np.nanmin(z)):g}, expected 0 or more")
    steps = 0.5 * z[..., None] * (_NODES + 1.0)
    inverse_e = 1.0 / np.sqrt(om0 * (1.0 + steps) ** 3 + 1.0 - om0)
    # not a matrix product, whose last digit depends on the number of rows: with it one more galaxy would move the others
    return SPEED_OF_LIGHT / h0 * 0.5 * z * (inverse_e * _WEIGHTS).sum(-1)


def luminosity_distance(z, h0=H0, om0=OM0):
    """Luminosity distance (1+z) D_C [Mpc], same shape as `z`."""
    return (1.0 + np.asarray(z, float)) * comoving_distance(z, h0, om0)


def angular_distance(z, h0=H0, om0=OM0):
    """Angular-diameter distance D_C / (1+z) [Mpc], same shape as `z`."""
    return comoving_distance(z, h0, om0) / (1.0 + np.asarray(z, float))


def kpc_per_arcsec(z, h0=H0, om0=OM0):
    """Proper transverse length of one arcsecond [kpc], same shape as `z`."""
    return 1e3 * angular_distance(z, h0, om0) * _ARCSEC


def cmb_redshift(z, ra, dec):
    """Redshift in the frame of the microwave background of a heliocentric one, same shape as `z`; `ra`, `dec` in degrees.

    1 + z_cmb = (1 + z) (1 + v cos(angle) / c), with the Sun's 369.82 km/s towards (ra, dec) = (167.942, -6.944) deg (Planck
    Collaboration 2020, A&A 641, A1, table 3).
    """
    ra, dec = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    apex_ra, apex_dec = np.radians(167.942), np.radians(-6.944)
    cosine = np.sin(dec) * np.sin(apex_dec) + np.cos(dec) * np.cos(apex_dec) * np.cos(ra - apex_ra)
    return (1.0 + np.asarray(z, float)) * (1.0 + 369.82 * cosine / SPEED_OF_LIGHT) - 1.0
