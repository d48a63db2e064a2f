"""The mock survey's input tables, in the column names, units and bad habits of the real ones."""

import numpy as np
import pandas as pd

from cubespace.columns import Z_SUN
from cubespace.cosmology import angular_distance, kpc_per_arcsec, luminosity_distance
from cubespace.errors import CubespaceError
from cubespace.survey.gas import BALMER, H_ALPHA, LINES, dim, extinction
from cubespace.survey.sky import apparent_r

# 1 sigma of the measurements, from the errors that the real table states and its scatter (a surface density scatters
# less about mass / Re^2 than its stated 0.28 dex)
ERRORS = {
    "log_Mass": 0.09, "log_SFR_Ha": 0.08, "Sigma_Mass_Re": 0.15, "log_NII_Ha_Re": 0.05, "log_OIII_Hb_Re": 0.08,
}  # fmt: skip
AGE_ERROR = (0.04, 0.02)  # at EW(Ha) <= 1 A, and more per dex of EW: the real table's 0.03 ... 0.08
EW_ERROR = (0.1, 0.15)  # of the whole galaxy: [A] and share of the value, in quadrature
# the same of the central lines, red (Ha, [NII]) and blue (Hb, [OIII]). From the real table: errors of [NII]/Ha 0.03
# to 0.2 dex and of [OIII]/Hb 0.08 to 0.4, and the share of nuclei without a ratio, 9 % of [OIII]/Hb
RED_ERROR, BLUE_ERROR = (0.15, 0.07), (0.15, 0.20)
SFR_PER_DECREMENT = extinction(H_ALPHA) / (extinction(LINES["Hbeta"]) - extinction(H_ALPHA))  # dex of SFR per dex of Ha/Hb
HB_NOISE = 0.06  # of a whole galaxy's Hb [A]
DEPTH_SCATTER = 0.35  # of the ln of a galaxy's own noise over the typical one
HB_CONTINUUM = 1.05  # stellar continuum at Hb over that at Ha, typical of the mock

# How many galaxies get which blemish; each galaxy gets one at most, none of them an AGN or of a shared
# pointing
_BLEMISHES = (
    ("type", "U", 2),
    ("log_Mass", (12.0708, 13.2460), 2),
    ("Age_LW_Re_fit", None, 1),
    ("log_OIII_Hb_cen", None, 2),
    ("log_NII_Ha_cen", -99.0, 1),
    ("Sigma_Mass_Re", -999.0, 1),
    ("log_SFR_Ha", -999.0, 1),
    ("EW_Ha_cen", 0.0, 2),
    ("EW_Ha_ALL", 0.0, 1),
)


def sheet(truth):
    """The sample sheet: galaxy, role; the role is empty, so that the pipeline splits the sample."""
    return pd.DataFrame({"galaxy": truth["galaxy"], "role": None})


def realised(truth, ssp):
    """What the galaxies of `truth` become, measured in their maps: DataFrame, columns as `truth` (those of
    `mock.CARDS`); `ssp` is the path of the stellar spectra."""
    from cubespace.survey.mock import realise
    from cubespace.survey.ssp import load_basis

    basis = load_basis(ssp)
    frame = pd.DataFrame([realise(row, basis) for row in truth.to_dict("records")])
    lost = ~np.isfinite(frame).all(axis=1).to_numpy()
    if lost.any():
        raise CubespaceError(f"mock survey: no finite values realised for {', '.join(truth['galaxy'][lost][:5])}")
    return frame


def properties(truth, seed, realised=None):
    """Property table in the layout of the eCALIFA table: true values with errors of measurement and planted
    blemishes.

    Conventions of the real table: EW in Angstrom and negative in emission; `ellip` = sqrt(1 - (b/a)^2), an
    eccentricity; Age_LW_Re_fit log10 yr; met_LW_int linear Z; DL, DA in Mpc; PA in -90 ... 90 deg. Stated errors
    are the ones that the values have. Lines of the nucleus are measured with a noise in equivalent width, so the
    error of a ratio grows as the lines fade; a ratio whose line came out below zero is null, and an EW below zero
    is exactly 0, as in the real table.

    Parameters
    ----------
    truth : DataFrame of `population.draw`
    seed : int
    realised : DataFrame, optional
        What the cubes really hold, columns and rows as `truth`; columns that it lacks come from `truth`.

    Returns
    -------
    pandas.DataFrame, one row a galaxy in the order of `truth`; nulls are nan or None.
    """
    rng = np.random.default_rng([seed, 21])
    drawn = truth
    if realised is not None:
        shared = [name for name in realised.columns if name in truth]
        truth = truth.assign(**{name: realised[name].to_numpy() for name in shared})
    z = truth["redshift"].to_numpy()
    n = len(truth)
    values = {
        "log_Mass": truth["log_mass"],
        "log_SFR_Ha": truth["log_sfr"],
        "Sigma_Mass_Re": truth["log_sigma_mass"],
        "log_NII_Ha_Re": truth["log_nii_ha"],
        "log_OIII_Hb_Re": truth["log_oiii_hb"],
        "Age_LW_Re_fit": truth["log_age_lw"],
        "EW_Ha_ALL": -(10.0 ** truth["log_ew_ha"]),
        "met_LW_int": Z_SUN * 10.0 ** truth["metallicity_lw"],
    }
    depth = np.exp(rng.normal(0.0, DEPTH_SCATTER, n))
    errors = {name: typical * depth for name, typical in ERRORS.items()}
    errors["Age_LW_Re_fit"] = (AGE_ERROR[0] + AGE_ERROR[1] * np.maximum(truth["log_ew_ha"], 0.0)) * depth
    hb = 10.0 ** truth["log_ew_ha"] / 3.0  # the dust correction is as good as Hb
    errors["log_SFR_Ha"] = np.hypot(errors["log_SFR_Ha"], SFR_PER_DECREMENT * HB_NOISE / np.log(10.0) / hb * depth)
    errors["EW_Ha_ALL"] = np.hypot(EW_ERROR[0], EW_ERROR[1] * values["EW_Ha_ALL"]) * depth
    errors["met_LW_int"] = 0.03 * values["met_LW_int"] * depth
    measured = {name: values[name] + errors[name] * rng.normal(size=n) for name in values}
    measured["EW_Ha_ALL"] = np.minimum(measured["EW_Ha_ALL"], 0.0)
    centre, centre_errors = _nuclear_lines(truth, depth, rng)
    measured, errors = measured | centre, errors | centre_errors
    columns = {
        "ID": np.arange(1, n + 1),
        "Name": truth["galaxy"].astype(object),
        "RA": truth["ra"],
        "DEC": truth["dec"],
        "z": z,
        "type": truth["morphology_detail"].astype(object),
        "r_band_abs_mag": apparent_r(truth["log_mass"], truth["g_r"], z) - 5.0 * np.log10(luminosity_distance(z)) - 25.0,
        "g-r": truth["g_r"],
        "Re": truth["re_arcsec"],
        "QC_flag": rng.choice([0, 2], n, p=[498 / 895, 397 / 895]),
        "multiple": truth["pointing"].duplicated(keep=False).astype(int),
        "DL": luminosity_distance(z),
        "DA": angular_distance(z),
        "PA": np.where(truth["position_angle"] > 90.0, truth["position_angle"] - 180.0, truth["position_angle"]),
        "ellip": np.sqrt(1.0 - truth["axis_ratio"] ** 2),
        "Re_kpc": truth["re_arcsec"] * kpc_per_arcsec(z),
        "Av_gas_Re": truth["av_gas"],
    }  # fmt: skip
    for name in _MEASURED:
        columns |= {name: measured[name], f"e_{name}": errors[name]}
    frame = pd.DataFrame({name: np.asarray(value) for name, value in columns.items()})
    _blemish(frame, drawn, rng)
    decimals = {"z": 6, "RA": 5, "DEC": 5, "met_LW_int": 6, "e_met_LW_int": 6, "EW_Ha_cen": 5, "EW_Ha_ALL": 5, "ellip": 6}
    return frame.round({name: decimals.get(name, 4) for name in frame.select_dtypes(float)})


_MEASURED = (
    "log_Mass", "log_SFR_Ha", "log_NII_Ha_cen", "log_OIII_Hb_cen", "EW_Ha_cen", "Age_LW_Re_fit", "log_NII_Ha_Re",
    "log_OIII_Hb_Re", "EW_Ha_ALL", "Sigma_Mass_Re", "met_LW_int",
)  # fmt: skip


def _nuclear_lines(truth, depth, rng):
    """Measured EW(Ha) and line ratios of the centre with their errors: two dicts of (n,) arrays.

    Equivalent widths of the four lines follow from the true EW and ratios (case B and the galaxy's dust for Hb);
    each is measured with its own noise.
    """
    ha = 10.0 ** truth["log_ew_ha_cen"].to_numpy(float)
    hb = ha * BALMER["Hbeta"] / HB_CONTINUUM * dim(truth["av_gas"].to_numpy(float), LINES["Hbeta"]) / dim(truth["av_gas"], H_ALPHA)
    true = {
        "ha": ha,
        "nii": ha * 10.0 ** truth["log_nii_ha_cen"].to_numpy(float),
        "hb": hb,
        "oiii": hb * 10.0 ** truth["log_oiii_hb_cen"].to_numpy(float),
    }
    sigma = {
        name: depth * np.hypot(constant, share * value)
        for (name, value), (constant, share) in zip(
            true.items(), (RED_ERROR, RED_ERROR, BLUE_ERROR, BLUE_ERROR), strict=True
        )
    }
    seen = {name: value + sigma[name] * rng.normal(size=len(ha)) for name, value in true.items()}

    def ratio(above, below):
        good = (seen[above] > 0) & (seen[below] > 0)
        high, low = (np.where(good, seen[name], 1.0) for name in (above, below))
        error = np.hypot(sigma[above] / high, sigma[below] / low) / np.log(10.0)
        return np.where(good, np.log10(high / low), np.nan), np.where(good, error, np.nan)

    nii, e_nii = ratio("nii", "ha")
    oiii, e_oiii = ratio("oiii", "hb")
    values = {"EW_Ha_cen": -np.maximum(seen["ha"], 0.0), "log_NII_Ha_cen": nii, "log_OIII_Hb_cen": oiii}
    return values, {"EW_Ha_cen": sigma["ha"], "log_NII_Ha_cen": e_nii, "log_OIII_Hb_cen": e_oiii}


def _blemish(frame, truth, rng):
    """Plant, in place, what the real table has too: unknown types, absurd masses, nulls, sentinels, exact
    zeros.

    An exact-zero central EW takes the central line ratios and the errors with it, as in the real table.
    """
    sound = frame.index[(truth["agn"] == 0).to_numpy() & (frame["multiple"] == 0)]
    total = sum(count for _, _, count in _BLEMISHES)
    if len(frame) < 4 * total:
        return  # too small a survey to spoil
    rows = iter(rng.permutation(sound)[:total])
    for name, value, count in _BLEMISHES:
        for k in range(count):
            row = next(rows)
            spoiled = value[k] if isinstance(value, tuple) else value
            frame.loc[row, name] = np.nan if spoiled is None else spoiled
            if spoiled is None or spoiled == 0.0:
                frame.loc[row, f"e_{name}"] = np.nan if spoiled is None else 0.0
            if name == "EW_Ha_cen":
                ratios = [
                    c for c in frame.columns if c.removeprefix("e_") in ("log_NII_Ha_cen", "log_OIII_Hb_cen")
                ]
                frame.loc[row, ratios] = np.nan
