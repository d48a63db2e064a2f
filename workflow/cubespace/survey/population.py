"""The mock population: true parameters of each galaxy, drawn from the statistics of the real survey.

Per Hubble type the logarithmic properties follow a Gaussian (`survey.statistics`). Draws outside LIMITS are
repeated, never clipped, so no value piles up at a limit.

Order of the draw: type, mass | type, environment | mass and type, AGN | type and mass, everything else | mass
and type; then what physics ties to these: star formation rate, surface density, colour. So environment acts
through mass and type alone, unless an effect is planted on purpose.
"""

import numpy as np
import pandas as pd

from cubespace.cosmology import kpc_per_arcsec
from cubespace.errors import CubespaceError
from cubespace.morphology import bin_of
from cubespace.populations.emission import classify
from cubespace.survey.gas import CENTRE_ARCSEC
from cubespace.survey.profiles import sersic_within
from cubespace.survey.sky import place
from cubespace.survey.statistics import (
    CORRELATION,
    COUNTS,
    DETAILS,
    LIMITS,
    MEAN,
    RE_ARCSEC,
    STRATA,
    VARIABLES,
    WIDTH,
    derived,
)

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
# Gaussian ratios put more nuclei between the BPT curves than there are; this share of them is kept
COMPOSITE_KEPT = 0.3
# sign of the planted environment effect: void galaxies younger, with more H-alpha
PLANTED = {"void": 1.0, "cluster": -1.0}

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
    "sersic_n", "bar", "n_arms", "vmax", "sigma_cen", "agn", "environment", "seed", "planted_environment_effect",
    "planted_agn_effect",
)  # fmt: skip


def draw(n, seed, planted_environment_effect=0.0, planted_agn_effect=0.0):
    """Draw a survey of `n` galaxies.

    Parameters
    ----------
    n : int, at least 1
    seed : int
    planted_environment_effect : float
        Shift, in units of the within-type scatter, of H-alpha EW (up) and age (down) for void galaxies, and the
        opposite for cluster galaxies; SFR and colour follow. 0 = environment acts through mass and type only.
    planted_agn_effect : float
        The same shift for the hosts of AGN (their nuclear lines stay as they are). 0 = no change of the host; yet
        a nucleus with EW > 6 A lifts its galaxy's own EW, so hosts are the upper part of their type in EW, and with it
        a quarter of the scatter younger.

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
        _galaxy([seed, 2, i], stratum[i], mass[i], agn[i], shift)
        for i, shift in enumerate(planted_shift(environment, agn, planted_environment_effect, planted_agn_effect))
    ]
    frame = pd.DataFrame(rows).assign(log_mass=mass, environment=environment, agn=agn.astype(int))
    frame = frame.assign(**derived(frame))
    frame["planted_environment_effect"] = float(planted_environment_effect)
    frame["planted_agn_effect"] = float(planted_agn_effect)
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


def agn_probabilities(stratum, mass):
    """(n,) probability of an AGN: the fraction of each type in these galaxies, mostly of those above 10^10.3 Msun."""
    weight = 1.0 / (1.0 + np.exp(-(mass - 10.3) / 0.25))
    probability = np.zeros(len(mass))
    for s in range(len(STRATA)):
        here = stratum == s
        if here.any():
            probability[here] = np.minimum(AGN_FRACTION[s] * weight[here] / weight[here].mean(), 1.0)
    return probability


def _agn(rng, stratum, mass):
    """(n,) bool: AGN hosts.

    Systematic sampling along the list sorted by type and mass: the number of AGN is the expected one to
    within one.
    """
    probability = agn_probabilities(stratum, mass)
    order = np.lexsort((mass, stratum))
    steps = np.floor(np.cumsum(probability[order]) + rng.uniform())
    agn = np.zeros(len(mass), bool)
    agn[order] = np.diff(steps, prepend=np.floor(0.0)) > 0
    return agn


def planted_shift(environment, agn, environment_effect, agn_effect):
    """(n,) shift of each galaxy in units of the within-type scatter; the effects add up."""
    sign = np.array([PLANTED.get(name, 0.0) for name in environment])
    return environment_effect * sign + agn_effect * np.asarray(agn, float)


def _galaxy(entropy, s, mass, agn, shift):
    """One galaxy's parameters: the first of many candidates that is physical."""
    rng = np.random.default_rng(entropy)
    width = WIDTH[:, s]
    covariance = CORRELATION * np.outer(width, width)
    slope = covariance[1:, 0] / covariance[0, 0]
    conditional = covariance[1:, 1:] - np.outer(slope, covariance[0, 1:])
    mean = MEAN[1:, s] + slope * (mass - MEAN[0, s])
    names = VARIABLES[1:]
    by_ew = shift * width[VARIABLES.index("log_ew_ha")]
    mean[names.index("log_ew_ha")] += by_ew
    mean[names.index("log_ew_ha_cen")] += by_ew  # keeps the profile of the EW
    mean[names.index("log_age_lw")] -= shift * width[VARIABLES.index("log_age_lw")]
    root = np.linalg.cholesky(conditional)
    bulge_fraction, sersic = bulge(rng, s)
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
        centre = sersic_within(CENTRE_ARCSEC / re, 1.0 + 3.0 * bulge_fraction)
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
    row["morphology_detail"] = detail(rng, s, row["axis_ratio"])
    row["morphology"] = bin_of(row["morphology_detail"])
    row["position_angle"] = rng.uniform(0.0, 180.0)
    return row | {"bulge_fraction": bulge_fraction, "sersic_n": sersic} | structure(rng, s, mass, bulge_fraction)


def bulge(rng, s):
    """Share of the light in the bulge and its Sersic index."""
    share = float(np.clip(BULGE[s] * np.exp(rng.normal(0.0, 0.25)), 0.005, 0.98))
    return share, float(np.clip(SERSIC[s] * np.exp(rng.normal(0.0, 0.12)), 0.8, 5.5))


def structure(rng, s, mass, bulge_fraction):
    """Bar, arms, rotation [km/s] (Tully-Fisher) and central dispersion [km/s] (Faber-Jackson) of one galaxy of
    stratum `s`."""
    bar, arms = int(rng.uniform() < BAR[s]), int(rng.choice(ARMS[s]))
    vmax = ROTATION[s] * 10.0 ** (2.30 + 0.27 * (mass - 10.5) + rng.normal(0.0, 0.06))
    sigma = 10.0 ** (2.20 + 0.25 * (mass - 10.7) + 0.15 * (bulge_fraction - 0.5) + rng.normal(0, 0.06))
    return {
        "bar": bar,
        "n_arms": arms,
        "vmax": float(np.clip(vmax, 15.0, 380.0)),
        "sigma_cen": float(np.clip(sigma, 35, 350)),
    }


def _nuclear(c):
    frame = pd.DataFrame(
        {name: c[name] for name in ("log_ew_ha", "log_ew_ha_cen", "log_nii_ha_cen", "log_oiii_hb_cen")}
    )
    return classify(frame)["nuclear_class"].to_numpy()


def detail(rng, s, axis_ratio):
    """A subclass of stratum `s`; an elliptical's is 10 (1 - b/a)."""
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
