"""The mock population: true parameters of each galaxy, drawn from the statistics of the real survey.

Per Hubble type the logarithmic properties follow a Gaussian whose means and widths are the medians and
half-widths (16th to 84th percentile) of the 885 typed galaxies of the eCALIFA table, with one correlation
matrix for all types: that of the pooled deviations from the types' medians (from ranks; a few entries moved
by up to 0.1 so that the correlations over all types come out right as well). Sharing the matrix is the
shrinkage that the rare types need. Draws outside LIMITS are repeated, never clipped, so no value piles up at
a limit.

Order of the draw: type, mass | type, environment | mass and type, AGN | type and mass, everything else | mass
and type. So environment acts through mass and type alone, unless an effect is planted on purpose.
"""

import numpy as np
import pandas as pd
from scipy.special import gammainc, gammaincinv

from cubespace.cosmology import kpc_per_arcsec
from cubespace.errors import CubespaceError
from cubespace.morphology import bin_of
from cubespace.populations.emission import classify
from cubespace.survey.sky import place

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
    "log_nii_ha", "log_oiii_hb", "log_sfr", "log_sigma_mass", "log_re_kpc", "log_z", "g_r", "av_gas", "axis_ratio",
)  # fmt: skip
MEAN = np.array([  # rows as VARIABLES, columns as STRATA
    [10.92, 10.69, 10.66, 10.58, 10.38, 9.88, 9.45, 9.37, 8.59],
    [9.56, 9.54, 9.42, 9.29, 9.13, 8.93, 8.75, 8.64, 8.69],
    [0.02, -0.02, -0.07, -0.16, -0.23, -0.39, -0.45, -0.44, -0.64],
    [-0.26, 0.00, 0.62, 0.96, 1.16, 1.26, 1.34, 1.37, 1.26],
    [-0.11, 0.16, 0.50, 0.71, 1.04, 1.15, 1.30, 1.48, 1.36],
    [-0.02, -0.06, -0.05, -0.15, -0.30, -0.45, -0.55, -0.57, -0.76],
    [-0.05, 0.07, 0.13, -0.10, -0.25, -0.30, -0.10, -0.07, 0.14],
    [-0.34, -0.28, -0.29, -0.40, -0.45, -0.55, -0.68, -0.65, -0.76],
    [-0.16, -0.18, -0.18, -0.29, -0.37, -0.17, -0.03, 0.04, 0.09],
    [-0.65, -0.66, -0.34, -0.12, -0.10, -0.20, -0.33, -0.82, -1.17],
    [2.41, 2.42, 2.13, 1.93, 1.78, 1.57, 1.41, 1.36, 1.40],
    [0.46, 0.39, 0.55, 0.65, 0.67, 0.57, 0.46, 0.45, 0.14],
    [-1.75, -1.78, -1.79, -1.78, -1.83, -1.90, -2.00, -2.00, -2.32],
    [0.62, 0.62, 0.65, 0.61, 0.56, 0.46, 0.34, 0.30, 0.25],
    [0.40, 0.56, 1.01, 0.83, 0.84, 0.65, 0.43, 0.57, 0.11],
    [0.72, 0.52, 0.40, 0.47, 0.56, 0.46, 0.55, 0.65, 0.70],
])  # fmt: skip
WIDTH = np.array([
    [0.60, 0.38, 0.40, 0.41, 0.48, 0.65, 0.70, 0.83, 0.75],
    [0.13, 0.15, 0.19, 0.19, 0.22, 0.31, 0.39, 0.56, 0.25],
    [0.24, 0.19, 0.19, 0.20, 0.23, 0.35, 0.31, 0.35, 0.30],
    [0.29, 0.38, 0.38, 0.23, 0.19, 0.22, 0.26, 0.24, 0.36],
    [0.56, 0.56, 0.54, 0.64, 0.51, 0.44, 0.40, 0.76, 0.28],
    [0.23, 0.19, 0.22, 0.24, 0.23, 0.18, 0.21, 0.28, 0.32],
    [0.44, 0.45, 0.39, 0.50, 0.43, 0.39, 0.31, 0.47, 0.13],
    [0.23, 0.12, 0.12, 0.10, 0.07, 0.16, 0.18, 0.21, 0.29],
    [0.25, 0.21, 0.18, 0.17, 0.18, 0.23, 0.17, 0.24, 0.11],
    [0.49, 0.53, 0.44, 0.48, 0.54, 0.60, 0.65, 0.93, 0.76],
    [0.32, 0.41, 0.35, 0.27, 0.38, 0.33, 0.46, 0.51, 0.25],
    [0.31, 0.25, 0.23, 0.21, 0.23, 0.26, 0.32, 0.48, 0.42],
    [0.32, 0.21, 0.18, 0.21, 0.23, 0.24, 0.35, 0.39, 0.47],
    [0.06, 0.07, 0.06, 0.09, 0.08, 0.12, 0.10, 0.14, 0.05],
    [0.17, 0.53, 0.64, 0.59, 0.48, 0.54, 0.35, 0.36, 0.10],  # BCD: too few values in the table, our choice
    [0.14, 0.22, 0.18, 0.24, 0.22, 0.22, 0.24, 0.27, 0.16],
])  # fmt: skip
_UPPER = (  # within types; order of VARIABLES
    (0.34, 0.36, -0.17, -0.07, 0.51, 0.05, 0.42, -0.12, 0.74, 0.25, 0.66, 0.73, 0.27, 0.22, 0.00),
    (0.26, -0.43, -0.21, 0.33, 0.17, 0.32, 0.05, -0.21, 0.36, 0.02, 0.16, 0.53, 0.18, -0.14),
    (-0.28, -0.11, 0.29, 0.05, 0.24, -0.08, 0.10, 0.15, 0.19, 0.26, 0.14, 0.06, 0.06),
    (0.38, -0.24, -0.01, -0.19, 0.10, 0.19, -0.03, -0.09, -0.04, -0.26, 0.12, -0.01),
    (-0.26, -0.05, 0.03, 0.33, 0.14, 0.04, -0.02, -0.01, -0.07, 0.05, 0.00),
    (0.35, 0.53, -0.11, 0.24, 0.23, 0.24, 0.27, 0.30, 0.04, 0.12),
    (0.06, 0.36, -0.13, 0.03, -0.02, -0.05, 0.15, -0.11, -0.07),
    (-0.12, 0.22, 0.40, 0.03, 0.21, 0.35, 0.20, 0.01),
    (-0.17, -0.17, -0.01, -0.04, 0.08, -0.22, -0.21),
    (0.10, 0.53, 0.63, -0.07, 0.18, 0.05),
    (-0.50, 0.00, 0.22, 0.39, 0.26),
    (0.64, 0.08, -0.02, -0.27),
    (-0.14, 0.19, -0.05),
    (0.30, -0.22),
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
    "log_sfr": (-4.0, 2.0),
    "log_sigma_mass": (0.3, 3.6),
    "log_re_kpc": (-0.5, 1.3),
    "log_z": (np.log10(0.003), np.log10(0.08)),
    "g_r": (0.05, 0.95),
    "av_gas": (0.0, 2.5),
    "axis_ratio": (0.12, 1.0),
}
RE_ARCSEC = (3.0, 45.0)  # the survey is selected by diameter, to fill the field of view

# Multinomial logit against filament_wall: intercept, slope with type index - 3, slope with log_mass - 10.3
ENVIRONMENTS = ("filament_wall", "cluster", "void", "unclassified")
LOGIT = np.array([[0.0, 0.0, 0.0], [-2.29, -0.42, 0.35], [-1.39, 0.16, -0.55], [-2.00, 0.0, 0.0]])
AGN_FRACTION = np.array(
    [7 / 164, 6 / 108, 11 / 126, 14 / 135, 8 / 103, 8 / 154, 4 / 68, 0.0, 0.0]
)  # EW > 6 A, above Kewley
AGN_MEAN, AGN_WIDTH = (
    np.array([1.20, -0.02, 0.55]),
    np.array([0.35, 0.12, 0.25]),
)  # central EW, [NII]/Ha, [OIII]/Hb of those
COMPOSITE_KEPT = (
    0.5  # Gaussian ratios put twice as many nuclei between the BPT curves as there are; this halves them
)
PLANTED = {
    "void": 1.0,
    "cluster": -1.0,
}  # sign of the planted effect: void galaxies younger, with more H-alpha, bluer

# Our own choices, not in the table: light in the bulge, Sersic index of the bulge, bars, arms, rotation
BULGE = np.array([0.90, 0.50, 0.35, 0.22, 0.15, 0.08, 0.03, 0.02, 0.05])
SERSIC = np.array([4.0, 3.0, 2.8, 2.2, 1.8, 1.4, 1.1, 1.0, 1.2])
BAR = np.array([0.0, 0.25, 0.40, 0.50, 0.50, 0.45, 0.45, 0.30, 0.0])
ARMS = ((0,), (0,), (2,), (2,), (2, 3), (2, 3, 4), (2, 3, 4), (0,), (0,))
ROTATION = np.array([0.30, 0.80, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.7])  # of the Tully-Fisher velocity

DECIMALS = {
    "ra": 5,
    "dec": 5,
    "redshift": 6,
    "position_angle": 1,
    "vmax": 1,
    "sigma_cen": 1,
    "re_arcsec": 3,
    "re_kpc": 4,
}
COLUMNS = (
    "galaxy", "ra", "dec", "redshift", "morphology", "morphology_detail", "pointing", "log_mass", "log_age_lw",
    "metallicity_lw", "log_ew_ha", "log_ew_ha_cen", "log_nii_ha_cen", "log_oiii_hb_cen", "log_nii_ha", "log_oiii_hb",
    "log_sfr", "log_sigma_mass", "re_arcsec", "re_kpc", "axis_ratio", "position_angle", "g_r", "av_gas", "bulge_fraction",
    "sersic_n", "bar", "n_arms", "vmax", "sigma_cen", "agn", "environment", "seed",
)  # fmt: skip


def draw(n, seed, planted_environment_effect=0.0):
    """Draw a survey of `n` galaxies.

    Parameters
    ----------
    n : int, at least 1
    seed : int
    planted_environment_effect : float
        Shift, in units of the within-type scatter, of H-alpha EW (up) and age (down), and half of it in g - r
        (down), for void galaxies, and the opposite for cluster galaxies; SFR follows the EW along its
        regression. 0 = environment acts through mass and type only.

    Returns
    -------
    pandas.DataFrame
        (n, len(COLUMNS)), no missing values; units in resources/demo/README.md. Values are rounded, so a CSV
        holds the same. From n = 100 on every morphology bin has at least four galaxies, and three pairs share
        a pointing and a redshift.

    Raises
    ------
    CubespaceError
        `n` is below 1, or the sky has no place for a galaxy.
    """
    if n < 1:
        raise CubespaceError(f"mock population: found n = {n}, expected at least 1")
    rng = np.random.default_rng([seed, 1])
    stratum = rng.permutation(np.repeat(np.arange(len(STRATA)), stratum_counts(n)))
    mass = _truncated(rng, MEAN[0, stratum], WIDTH[0, stratum], *LIMITS["log_mass"])
    environment = _environment(rng, stratum, mass)
    agn = _agn(rng, stratum, mass)
    rows = [
        _galaxy([seed, 2, i], stratum[i], mass[i], environment[i], agn[i], planted_environment_effect)
        for i in range(n)
    ]
    frame = pd.DataFrame(rows)
    frame["log_mass"], frame["environment"], frame["agn"] = mass, environment, agn.astype(int)
    frame["redshift"] = 10.0 ** frame["log_z"]
    partner = _pairs(frame, 3 if n >= 100 else 1 if n >= 20 else 0)
    frame["galaxy"], frame["pointing"] = _names(n, partner)
    joined = partner >= 0
    frame.loc[joined, "redshift"] = frame["redshift"].to_numpy()[partner[joined]]
    frame["redshift"] = frame["redshift"].round(DECIMALS["redshift"])
    frame["re_kpc"] = 10.0 ** frame["log_re_kpc"]
    frame["re_arcsec"] = frame["re_kpc"] / kpc_per_arcsec(frame["redshift"].to_numpy())
    frame["ra"], frame["dec"] = place(environment, frame["redshift"].to_numpy(), partner, seed)
    frame["seed"] = np.random.default_rng([seed, 3]).permutation(10 * n)[:n] + 1
    frame = frame.round({name: DECIMALS.get(name, 4) for name in frame.select_dtypes(float)})
    return frame.sort_values("galaxy").reset_index(drop=True)[list(COLUMNS)]


def stratum_counts(n):
    """(9,) how many galaxies of each stratum: the real shares by largest remainder.

    No stratum gets fewer than 4 (n >= 100) or 1 (18 <= n < 100); those raised to the floor are taken out and
    the rest is shared anew. Ties go to the earlier stratum.
    """
    floor = 4 if n >= 100 else 1 if n >= 2 * len(STRATA) else 0
    share = np.array(COUNTS, float)
    fixed = np.zeros(len(share), bool)
    while True:
        quota = np.where(fixed, floor, (n - floor * fixed.sum()) * share / share[~fixed].sum())
        low = ~fixed & (quota < floor)
        if not low.any():
            break
        fixed |= low
    counts = np.floor(quota + 1e-9).astype(int)
    remainder = np.where(fixed, -1.0, quota - counts)
    counts[np.argsort(-remainder, kind="stable")[: n - counts.sum()]] += 1
    return counts


def _truncated(rng, mean, width, low, high):
    """Gaussian values within limits, by repetition."""
    values = rng.normal(mean, width)
    while np.any(bad := (values < low) | (values > high)):
        values[bad] = rng.normal(mean[bad], width[bad])
    return values


def environment_probabilities(stratum, mass):
    """(n, 4) probabilities, columns as ENVIRONMENTS, from the stratum's index (E 0 ... BCD 8) and log mass."""
    terms = np.stack([np.ones(len(mass)), stratum - 3.0, mass - 10.3], axis=1) @ LOGIT.T
    odds = np.exp(terms)
    return odds / odds.sum(axis=1, keepdims=True)


def _environment(rng, stratum, mass):
    """(n,) str. Along the list sorted by type and mass the uniform numbers are a golden-ratio sequence with a
    random start: each is uniform, and together they give each type the expected mixture to within one or two
    galaxies."""
    edges = np.cumsum(environment_probabilities(stratum, mass), axis=1)
    uniform = np.empty(len(mass))
    uniform[np.lexsort((mass, stratum))] = (
        rng.uniform() + np.arange(len(mass)) * (np.sqrt(5.0) - 1.0) / 2.0
    ) % 1.0
    chosen = (uniform[:, None] > edges[:, :-1]).sum(axis=1)
    return np.array(ENVIRONMENTS, dtype=object)[chosen]


def _agn(rng, stratum, mass):
    """(n,) bool: AGN hosts with the fraction of their type, mostly above 10^10.3 Msun.

    Systematic sampling along the list sorted by type and mass: the number of AGN is the expected one to
    within one.
    """
    weight = 1.0 / (1.0 + np.exp(-(mass - 10.3) / 0.25))
    probability = np.zeros(len(mass))
    for s in range(len(STRATA)):
        here = stratum == s
        if here.any():
            probability[here] = np.minimum(AGN_FRACTION[s] * weight[here] / weight[here].mean(), 1.0)
    order = np.lexsort((mass, stratum))
    steps = np.floor(np.cumsum(probability[order]) + rng.uniform())
    agn = np.zeros(len(mass), bool)
    agn[order] = np.diff(steps, prepend=np.floor(0.0)) > 0
    return agn


def central_light(sersic_n, re_arcsec, radius=1.5):
    """Share of a Sersic profile's light within `radius` arcsec (Graham & Driver 2005, eq. 2), no seeing."""
    b = gammaincinv(2.0 * sersic_n, 0.5)
    return gammainc(2.0 * sersic_n, b * (radius / re_arcsec) ** (1.0 / sersic_n))


def _galaxy(entropy, s, mass, environment, agn, planted):
    """One galaxy's parameters: the first of many candidates that is physical."""
    rng = np.random.default_rng(entropy)
    width = WIDTH[:, s]
    covariance = CORRELATION * np.outer(width, width)
    slope = covariance[1:, 0] / covariance[0, 0]
    conditional = covariance[1:, 1:] - np.outer(slope, covariance[0, 1:])
    mean = MEAN[1:, s] + slope * (mass - MEAN[0, s])
    shift = planted * PLANTED.get(environment, 0.0)
    names = VARIABLES[1:]
    for name, factor in (("log_ew_ha", 1.0), ("log_age_lw", -1.0), ("g_r", -0.5)):
        mean[names.index(name)] += factor * shift * width[VARIABLES.index(name)]
    by_ew = shift * width[VARIABLES.index("log_ew_ha")]
    mean[names.index("log_ew_ha_cen")] += by_ew  # keeps the profile of the EW
    mean[names.index("log_sfr")] += (
        0.43 * by_ew
    )  # slope of log SFR with log EW at fixed mass in the real table
    root = np.linalg.cholesky(conditional)
    bulge = float(np.clip(BULGE[s] * np.exp(rng.normal(0.0, 0.25)), 0.005, 0.98))
    sersic = float(np.clip(SERSIC[s] * np.exp(rng.normal(0.0, 0.12)), 0.8, 5.5))
    for _ in range(400):
        c = dict(zip(names, (mean + rng.normal(size=(128, len(names))) @ root.T).T, strict=True))
        if agn:
            nucleus = AGN_MEAN + AGN_WIDTH * rng.normal(size=(128, 3))
            c["log_ew_ha_cen"], c["log_nii_ha_cen"], c["log_oiii_hb_cen"] = nucleus.T
        re = 10.0 ** c["log_re_kpc"] / kpc_per_arcsec(10.0 ** np.clip(c["log_z"], *LIMITS["log_z"]))
        ok = (re > RE_ARCSEC[0]) & (re < RE_ARCSEC[1])
        for name, (low, high) in LIMITS.items():
            if name in c:
                ok &= (c[name] > low) & (c[name] < high)
        # the centre's own line flux cannot exceed that of the galaxy
        centre = central_light(1.0 + 3.0 * bulge, re)
        ok &= np.log10(centre) + c["log_ew_ha_cen"] < c["log_ew_ha"] - 0.05
        nuclear = _nuclear(c)
        ok &= (nuclear == "AGN") == agn
        ok &= (nuclear != "composite") | (rng.uniform(size=128) < COMPOSITE_KEPT)
        if ok.any():
            first = int(np.flatnonzero(ok)[0])
            row = {name: float(values[first]) for name, values in c.items()}
            break
    else:
        raise CubespaceError(
            f"mock population: no physical galaxy of type {STRATA[s]}, log mass {mass:.2f}, AGN {bool(agn)}"
        )
    row["morphology_detail"] = _detail(rng, s, row["axis_ratio"])
    row["morphology"] = bin_of(row["morphology_detail"])
    row["position_angle"] = rng.uniform(0.0, 180.0)
    row["bulge_fraction"], row["sersic_n"] = bulge, sersic
    row["bar"] = int(rng.uniform() < BAR[s])
    row["n_arms"] = int(rng.choice(ARMS[s]))
    tully_fisher = 10.0 ** (2.30 + 0.27 * (mass - 10.5) + rng.normal(0.0, 0.06))
    row["vmax"] = float(np.clip(ROTATION[s] * tully_fisher, 15.0, 380.0))
    row["sigma_cen"] = float(
        np.clip(10.0 ** (2.20 + 0.25 * (mass - 10.7) + 0.15 * (bulge - 0.5) + rng.normal(0, 0.06)), 35, 350)
    )
    return row


def _nuclear(c):
    frame = pd.DataFrame(
        {name: c[name] for name in ("log_ew_ha", "log_ew_ha_cen", "log_nii_ha_cen", "log_oiii_hb_cen")}
    )
    return classify(frame)["nuclear_class"].to_numpy()


def _detail(rng, s, axis_ratio):
    if STRATA[s] == "E":
        return f"E{int(np.clip(round(10.0 * (1.0 - axis_ratio)), 0, 7))}"
    kinds = DETAILS[STRATA[s]]
    weights = np.array(list(kinds.values()), float)
    return str(rng.choice(list(kinds), p=weights / weights.sum()))


def _pairs(frame, wanted):
    """(n,) index of the partner that lends its redshift and pointing, else -1.

    Pairs are the filament-and-wall galaxies without AGN that are closest in redshift.
    """
    partner = np.full(len(frame), -1)
    walls = frame.index[(frame["environment"] == "filament_wall") & (frame["agn"] == 0)]
    order = walls[np.argsort(frame.loc[walls, "log_z"], kind="stable")]
    gaps = np.diff(frame.loc[order, "log_z"].to_numpy())
    used = set()
    for at in np.argsort(gaps, kind="stable"):
        first, second = sorted((order[at], order[at + 1]))
        if wanted and not used & {first, second}:
            partner[second] = first
            used |= {first, second}
            wanted -= 1
    return partner


def _names(n, partner):
    """Names and pointings: MOCK0001 ... in order of the rows; two of a pointing are MOCK0042_0 and _1."""
    second = {int(first): i for i, first in enumerate(partner) if first >= 0}
    names, number = [None] * n, 0
    width = max(4, len(str(n)))
    for i in range(n):
        if partner[i] >= 0:
            continue
        number += 1
        name = f"MOCK{number:0{width}d}"
        names[i] = f"{name}_0" if i in second else name
        if i in second:
            names[second[i]] = f"{name}_1"
    return names, [name.split("_")[0] for name in names]
