"""Statistics of the real survey that the mock population is drawn from.

Source: the public eCALIFA tables (Sanchez et al. 2023, 2024), 885 galaxies with a Hubble type. Per type the
medians (MEAN) and half-widths from the 16th to the 84th percentile (WIDTH), and one correlation matrix for all
types, that of the pooled deviations from the types' medians. Sharing the matrix is the shrinkage that the rare
types need. All three were then moved, by fixed-point iteration, until a mock *catalogue* of 9000 galaxies (limits,
selection and errors of measurement included) has the medians, widths and rank correlations of the real one; so
they describe the true values, a little narrower than the measured ones.

Only what physics leaves free is drawn: star formation rate, surface density and colour follow from the rest
(`derived`).
"""

import numpy as np

STRATA = ("E", "S0", "Sa", "Sb", "Sbc", "Sc", "Sd", "I", "BCD")
COUNTS = (164, 108, 126, 135, 103, 154, 68, 19, 10)  # in the real table
DETAILS = {  # subclasses with their real counts; ellipticals follow their axis ratio instead
    "S0": {"S0": 58, "S0a": 50},
    "Sa": {"Sa": 61, "Sab": 65},
    "Sb": {"Sb": 1},
    "Sbc": {"Sbc": 1},
    "Sc": {"Sc": 86, "Scd": 68},
    "Sd": {"Sd": 37, "Sdm": 31},
    "I": {"I": 1},
    "BCD": {"BCD": 1},
}

VARIABLES = (
    "log_mass", "log_age_lw", "metallicity_lw", "log_ew_ha", "log_ew_ha_cen", "log_nii_ha_cen", "log_oiii_hb_cen",
    "log_nii_ha", "log_oiii_hb", "log_re_kpc", "log_z", "av_gas", "axis_ratio",
)  # fmt: skip
MEAN = np.array([  # rows as VARIABLES, columns as STRATA
    [10.91, 10.63, 10.60, 10.52, 10.32, 9.82, 9.59, 9.55, 8.65],
    [9.56, 9.51, 9.39, 9.25, 9.10, 8.90, 8.63, 8.51, 8.73],
    [0.26, 0.05, -0.08, -0.15, -0.23, -0.39, -0.44, -0.49, -0.58],
    [-0.24, 0.01, 0.59, 0.96, 1.16, 1.24, 1.32, 1.36, 1.26],
    [0.61, 0.81, 0.76, 0.94, 1.00, 1.17, 1.32, 1.75, 1.33],
    [-0.04, -0.08, -0.09, -0.14, -0.25, -0.42, -0.50, -0.49, -0.64],
    [-0.12, -0.02, 0.04, -0.08, -0.20, -0.20, -0.06, 0.10, 0.20],
    [-0.21, -0.26, -0.27, -0.37, -0.44, -0.56, -0.62, -0.59, -0.69],
    [-0.14, -0.12, -0.13, -0.24, -0.32, -0.12, -0.02, 0.07, 0.08],
    [0.37, 0.35, 0.55, 0.63, 0.62, 0.57, 0.44, 0.39, 0.05],
    [-1.58, -1.77, -1.78, -1.77, -1.82, -1.93, -1.99, -2.01, -2.50],
    [0.40, 0.56, 1.01, 0.83, 0.84, 0.65, 0.43, 0.57, 0.11],
    [0.78, 0.61, 0.49, 0.54, 0.57, 0.51, 0.64, 0.78, 0.73],
])  # fmt: skip
WIDTH = np.array([
    [0.69, 0.37, 0.40, 0.40, 0.46, 0.64, 0.69, 0.86, 0.81],
    [0.14, 0.15, 0.19, 0.17, 0.22, 0.31, 0.39, 0.63, 0.25],
    [0.40, 0.24, 0.20, 0.21, 0.23, 0.39, 0.33, 0.40, 0.32],
    [0.30, 0.40, 0.38, 0.22, 0.17, 0.21, 0.26, 0.26, 0.38],
    [1.25, 0.98, 0.56, 0.62, 0.45, 0.43, 0.42, 0.85, 0.30],
    [0.16, 0.14, 0.19, 0.21, 0.19, 0.18, 0.23, 0.32, 0.37],
    [0.27, 0.34, 0.27, 0.38, 0.33, 0.36, 0.28, 0.56, 0.10],
    [0.25, 0.11, 0.11, 0.09, 0.05, 0.16, 0.19, 0.22, 0.32],
    [0.26, 0.21, 0.17, 0.16, 0.17, 0.22, 0.16, 0.25, 0.09],
    [0.35, 0.26, 0.24, 0.22, 0.24, 0.26, 0.34, 0.64, 0.51],
    [0.39, 0.21, 0.18, 0.21, 0.24, 0.25, 0.41, 0.43, 0.66],
    [0.17, 0.53, 0.64, 0.59, 0.48, 0.54, 0.35, 0.36, 0.10],
    [0.16, 0.25, 0.18, 0.31, 0.25, 0.25, 0.30, 0.39, 0.20],
])  # fmt: skip
_UPPER = (  # within types; order of VARIABLES
    (0.39, 0.46, -0.21, -0.09, 0.65, 0.04, 0.46, -0.13, 0.66, 0.72, 0.22, 0.02),
    (0.32, -0.49, -0.22, 0.42, 0.20, 0.37, 0.02, 0.04, 0.18, 0.18, -0.14),
    (-0.39, -0.11, 0.42, 0.02, 0.31, -0.09, 0.22, 0.33, 0.06, 0.12),
    (0.31, -0.35, -0.04, -0.29, 0.11, -0.16, -0.09, 0.12, -0.02),
    (-0.29, -0.06, 0.23, 0.43, -0.12, 0.03, 0.05, 0.01),
    (0.46, 0.69, -0.12, 0.27, 0.36, 0.05, 0.19),
    (0.18, 0.64, -0.09, -0.13, -0.12, -0.05),
    (-0.03, 0.04, 0.30, 0.19, 0.01),
    (-0.04, -0.08, -0.20, -0.26),
    (0.57, -0.03, -0.33),
    (0.19, -0.03),
    (-0.16,),
)
CORRELATION = np.eye(len(VARIABLES))
for _i, _row in enumerate(_UPPER):
    CORRELATION[_i, _i + 1 :] = CORRELATION[_i + 1 :, _i] = _row

LIMITS = {
    "log_mass": (7.5, 11.8),
    "log_age_lw": (7.8, 10.0),
    "metallicity_lw": (-1.2, 0.28),  # the range of the stellar spectra that the cubes are made of
    "log_ew_ha": (-0.9, 2.3),
    "log_ew_ha_cen": (-1.2, 2.5),
    "log_nii_ha_cen": (-1.6, 0.5),
    "log_oiii_hb_cen": (-1.2, 1.1),
    "log_nii_ha": (-1.6, 0.4),
    "log_oiii_hb": (-1.2, 1.0),
    "log_re_kpc": (-0.5, 1.3),
    "log_z": (np.log10(0.003), np.log10(0.08)),
    "av_gas": (0.0, 2.5),
    "axis_ratio": (0.12, 1.0),
}
RE_ARCSEC = (3.0, 45.0)  # the survey is selected by diameter, to fill the field of view


def derived(values):
    """log_sfr, log_sigma_mass, g_r of galaxies from the properties that are drawn.

    They are regressions on what the generator realises (260 galaxies of all types; rms 0.08, 0.05 dex and 0.04
    mag), so a row says what its cube will show:

    - SFR is the dereddened luminosity of H-alpha (Kennicutt & Evans 2012) = EW x stellar continuum, and that is
      mass over a mass-to-light ratio that rises with age and metallicity;
    - surface density at Re is mass / Re^2, less for a bulge, which has more of its mass inside;
    - the colour reddens with age, metallicity and dust.

    values : mapping of arrays (units of `population.COLUMNS`), with log_re_kpc and bulge_fraction.
    """
    v = values
    sfr = (
        -6.46
        + 0.99 * v["log_mass"]
        + 0.94 * v["log_ew_ha"]
        - 0.55 * v["log_age_lw"]
        - 0.21 * v["metallicity_lw"]
        + 0.26 * v["av_gas"]
    )
    sigma = v["log_mass"] - 2.0 * v["log_re_kpc"] - 6.0 - 1.09 - 0.15 * v["bulge_fraction"]
    colour = (
        -2.73
        + 0.35 * v["log_age_lw"]
        + 0.07 * v["metallicity_lw"]
        + 0.12 * v["av_gas"]
        - 0.07 * v["log_ew_ha"]
    )
    return {"log_sfr": sfr, "log_sigma_mass": sigma, "g_r": colour}
