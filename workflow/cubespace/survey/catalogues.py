"""The mock survey's input tables, in the column names, units and bad habits of the real ones."""

import numpy as np
import pandas as pd

from cubespace.columns import Z_SUN
from cubespace.cosmology import angular_distance, luminosity_distance
from cubespace.survey.sky import apparent_r

_ERRORS = {  # typical errors of the real table
    "log_Mass": 0.09, "log_SFR_ssp": 1.5, "log_NII_Ha_cen": 0.08, "log_OIII_Hb_cen": 0.15, "Age_LW_Re_fit": 0.07,
    "Sigma_Mass_Re": 0.28,
}  # fmt: skip
# How many galaxies get which blemish; each galaxy gets one at most, none of them an AGN or of a shared
# pointing
_BLEMISHES = (
    ("type", "U", 2),
    ("log_Mass", (12.0708, 13.2460), 2),
    ("Age_LW_Re_fit", None, 1),
    ("log_OIII_Hb_cen", None, 2),
    ("log_NII_Ha_cen", -99.0, 1),
    ("Sigma_Mass_Re", -999.0, 1),
    ("log_SFR_ssp", -999.0, 1),
    ("EW_Ha_cen", 0.0, 2),
    ("EW_Ha_ALL", 0.0, 1),
)


def sheet(truth):
    """The sample sheet: galaxy, role; the role is empty, so that the pipeline splits the sample."""
    return pd.DataFrame({"galaxy": truth["galaxy"], "role": None})


def properties(truth, seed):
    """Property table in the layout of the eCALIFA table: the true values, with typical errors and planted
    blemishes.

    Conventions of the real table: EW in Angstrom and negative in emission; `ellip` = sqrt(1 - (b/a)^2), an
    eccentricity; Age_LW_Re_fit log10 yr; met_LW_int linear Z; DL, DA in Mpc; PA in -90 ... 90 deg.

    Parameters
    ----------
    truth : DataFrame of `population.draw`
    seed : int

    Returns
    -------
    pandas.DataFrame, one row a galaxy in the order of `truth`; nulls are nan or None.
    """
    rng = np.random.default_rng([seed, 21])
    z = truth["redshift"].to_numpy()
    n = len(truth)
    frame = pd.DataFrame({
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
        "Re_kpc": truth["re_kpc"],
        "log_Mass": truth["log_mass"],
        "log_SFR_ssp": truth["log_sfr"],
        "log_NII_Ha_cen": truth["log_nii_ha_cen"],
        "log_OIII_Hb_cen": truth["log_oiii_hb_cen"],
        "EW_Ha_cen": -(10.0 ** truth["log_ew_ha_cen"]),
        "Age_LW_Re_fit": truth["log_age_lw"],
        "log_NII_Ha_Re": truth["log_nii_ha"],
        "log_OIII_Hb_Re": truth["log_oiii_hb"],
        "EW_Ha_ALL": -(10.0 ** truth["log_ew_ha"]),
        "Sigma_Mass_Re": truth["log_sigma_mass"],
        "Av_gas_Re": truth["av_gas"],
        "met_LW_int": Z_SUN * 10.0 ** truth["metallicity_lw"],
    })  # fmt: skip
    for name, typical in _ERRORS.items():
        frame.insert(frame.columns.get_loc(name) + 1, f"e_{name}", typical * rng.uniform(0.7, 1.4, n))
    for name in ("EW_Ha_cen", "EW_Ha_ALL"):
        error = 0.1 + 0.15 * frame[name].abs() * rng.uniform(0.7, 1.4, n)
        frame.insert(frame.columns.get_loc(name) + 1, f"e_{name}", error)
    frame.insert(len(frame.columns), "e_met_LW_int", 0.03 * frame["met_LW_int"] * rng.uniform(0.7, 1.4, n))
    _blemish(frame, truth, rng)
    decimals = {
        "z": 6,
        "RA": 5,
        "DEC": 5,
        "met_LW_int": 6,
        "e_met_LW_int": 6,
        "EW_Ha_cen": 5,
        "EW_Ha_ALL": 5,
        "ellip": 6,
    }
    return frame.round({name: decimals.get(name, 4) for name in frame.select_dtypes(float)})


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
