"""Twin survey: mock galaxies with the measured properties of real ones, one for each row of a property table.

What is known of a galaxy is kept as it is. What is missing (or absurd) is drawn from the population's Gaussian of
its type, conditioned on what is known, and within the population's limits; an unknown type is drawn first, from how
likely each type makes the known values. Structure, rotation and environment, which no such table has, follow from
type and mass as in the mock population.
"""

import numpy as np
import pandas as pd

from cubespace import names
from cubespace.cosmology import kpc_per_arcsec
from cubespace.errors import CubespaceError
from cubespace.morphology import bin_of
from cubespace.populations.emission import classify
from cubespace.survey import population
from cubespace.survey.sky import beside, directions
from cubespace.survey.statistics import (
    CORRELATION,
    COUNTS,
    LIMITS,
    MEAN,
    RE_ARCSEC,
    STRATA,
    VARIABLES,
    WIDTH,
    derived,
)

# beyond these a value says that its measurement failed: it counts as missing
PLAUSIBLE = {
    "log_mass": (6.0, 12.0),
    "log_age_lw": (7.0, 10.2),
    "metallicity_lw": (-2.5, 0.6),
    "log_ew_ha": (-2.0, 3.2),
    "log_ew_ha_cen": (-3.0, 3.5),
    "log_nii_ha_cen": (-2.5, 1.0),
    "log_oiii_hb_cen": (-2.0, 1.5),
    "log_nii_ha": (-2.5, 1.0),
    "log_oiii_hb": (-2.0, 1.5),
    "log_sfr": (-6.0, 3.0),
    "log_sigma_mass": (-1.0, 5.0),
    "re_arcsec": (0.5, 120.0),
    "re_kpc": (0.02, 100.0),
    "redshift": (1e-4, 0.3),
    "g_r": (-0.5, 1.5),
    "av_gas": (0.0, 6.0),
    "axis_ratio": (0.05, 1.0),
    "ra": (0.0, 360.0),
    "dec": (-90.0, 90.0),
}
TRIES = 8  # batches of 128 candidates; a galaxy whose known values leave none within the limits is clipped to them
TABLE = (
    "redshift", "ra", "dec", "morphology", "log_mass", "log_age_lw", "metallicity_lw", "log_ew_ha", "log_ew_ha_cen",
    "log_nii_ha_cen", "log_oiii_hb_cen", "e_log_ew_ha_cen", "e_log_nii_ha_cen", "e_log_oiii_hb_cen", "log_sfr",
    "log_sigma_mass", "re_arcsec", "re_kpc", "ellipticity", "g_r",
)  # fmt: skip


def rows_from_table(properties, seed):
    """Rows of a truth table, one for each galaxy of a real property table.

    Parameters
    ----------
    properties : DataFrame
        Canonical names and units (`cubespace.sample.build`): galaxy, and any of redshift, ra, dec [deg], morphology,
        morphology_detail, pointing, environment, log_mass, log_age_lw, metallicity_lw, log_ew_ha, log_ew_ha_cen,
        log_nii_ha_cen, log_oiii_hb_cen, log_sfr, log_sigma_mass, re_arcsec, re_kpc, ellipticity (1 - b/a), g_r.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Columns `population.COLUMNS`, rows in the given order, no missing values, known values unrounded.

    Raises
    ------
    CubespaceError
        No column of names, or no rows.
    """
    if "galaxy" not in properties or properties.empty:
        raise CubespaceError(f"twin survey: found {len(properties)} rows with columns {', '.join(properties)}; expected `galaxy`")
    frame = properties.reset_index(drop=True)
    known = known_values(frame)
    rows = []
    for i, galaxy in enumerate(frame["galaxy"]):
        rng = np.random.default_rng([seed, 31, i])
        here = {name: value for name, value in known.loc[i].items() if np.isfinite(value)}
        s = _stratum(rng, _text(frame, "morphology_detail", i) or _text(frame, "morphology", i), here)
        row = _complete(rng, s, here)
        row["galaxy"] = str(galaxy)
        row["morphology_detail"] = _text(frame, "morphology_detail", i) or population.detail(rng, s, row["axis_ratio"])
        row["morphology"] = bin_of(row["morphology_detail"])
        row["pointing"] = _text(frame, "pointing", i) or names.parent(str(galaxy))
        chance = population.environment_probabilities(np.array([s]), np.array([row["log_mass"]]))[0]
        row["environment"] = _text(frame, "environment", i) or str(rng.choice(population.ENVIRONMENTS, p=chance))
        rows.append(row)
    out = pd.DataFrame(rows)
    _place_companions(out, frame, seed)
    out["agn"] = (classify(out)["nuclear_class"] == "AGN").astype(int).to_numpy()
    for name, values in derived(out.assign(log_re_kpc=np.log10(out["re_kpc"]))).items():
        # a mock galaxy's rate is that of its H-alpha; a table's may be that of its stars, which need not agree
        out[name] = values if name == "log_sfr" else known[name].where(known[name].notna(), values)
    out["planted_environment_effect"] = out["planted_agn_effect"] = 0.0
    out["seed"] = np.random.default_rng([seed, 3]).permutation(10 * len(out))[: len(out)] + 1
    return out[list(population.COLUMNS)]


def _place_companions(out, frame, seed):
    """A galaxy of a pair without a position of its own goes beside the other one, in place."""
    own = out["galaxy"].notna()
    for name in ("ra", "dec"):
        own &= pd.to_numeric(frame[name]).between(*PLAUSIBLE[name]) if name in frame else False
    for _, pair in out.groupby("pointing"):
        first = pair.index[own[pair.index].argmax()]
        for i in pair.index:
            if i != first and not own[i]:
                ra, dec = beside(np.random.default_rng([seed, 32, i]), out["ra"][first], out["dec"][first])
                out.loc[i, ["ra", "dec"]] = ra % 360.0, dec


def known_values(frame):
    """What the table knows, as numbers (nan = missing or absurd): one column for each name in PLAUSIBLE.

    Galaxies of one pointing are at one redshift: a missing one is its companion's.
    """
    known = pd.DataFrame(index=frame.index)
    for name, (low, high) in PLAUSIBLE.items():
        if name == "axis_ratio" and "ellipticity" in frame:
            values = 1.0 - pd.to_numeric(frame["ellipticity"])
        else:
            values = pd.to_numeric(frame[name]) if name in frame else pd.Series(np.nan, index=frame.index)
        known[name] = values.astype(float).where(values.between(low, high))
    pointing = frame["pointing"] if "pointing" in frame else frame["galaxy"].map(names.parent)
    for name in ("redshift", "ra", "dec"):
        known[name] = known[name].fillna(known[name].groupby(pointing).transform("first"))
    return known


def _text(frame, column, i):
    value = frame[column][i] if column in frame else None
    return None if value is None or value != value else str(value)


def _stratum(rng, kind, known):
    """Index into STRATA of a type, drawn where it is unknown."""
    if kind == "Sbc":
        return STRATA.index("Sbc")
    if kind is not None:
        return STRATA.index(bin_of(kind) or kind)
    at, values = _given(known)
    log_p = np.log(np.array(COUNTS, float))
    for s in range(len(STRATA)):
        pull = (values - MEAN[at, s]) / WIDTH[at, s]
        log_p[s] -= 0.5 * pull @ np.linalg.solve(CORRELATION[np.ix_(at, at)], pull) + np.log(WIDTH[at, s]).sum()
    p = np.exp(log_p - log_p.max())
    return int(rng.choice(len(STRATA), p=p / p.sum()))


def _given(known):
    """Indices into VARIABLES of what is known, and the values."""
    values = dict(known)
    for name, source in (("log_z", "redshift"), ("log_re_kpc", "re_kpc")):
        if source in known:
            values[name] = np.log10(known[source])
    if "log_re_kpc" not in values and {"re_arcsec", "redshift"} <= set(known):
        values["log_re_kpc"] = np.log10(known["re_arcsec"] * kpc_per_arcsec(known["redshift"]))
    at = [i for i, name in enumerate(VARIABLES) if name in values]
    return np.array(at, int), np.array([values[VARIABLES[i]] for i in at])


def _complete(rng, s, known):
    """All parameters of one galaxy of stratum `s`: known ones as they are, the others drawn given them."""
    at, values = _given(known)
    free = np.setdiff1d(np.arange(len(VARIABLES)), at)
    covariance = CORRELATION * np.outer(WIDTH[:, s], WIDTH[:, s])
    slope = np.linalg.solve(covariance[np.ix_(at, at)], covariance[np.ix_(at, free)]).T
    mean = MEAN[free, s] + slope @ (values - MEAN[at, s])
    spread = covariance[np.ix_(free, free)] - slope @ covariance[np.ix_(at, free)]
    low, high = np.array([LIMITS[VARIABLES[i]] for i in free]).reshape(-1, 2).T
    root = np.linalg.cholesky(spread) if free.size else spread
    for _ in range(TRIES):
        trial = mean + rng.normal(size=(128, free.size)) @ root.T
        ok = ((trial >= low) & (trial <= high)).all(axis=1)
        if ok.any():
            drawn = trial[int(np.flatnonzero(ok)[0])]
            break
    else:
        drawn = np.clip(trial[0], low, high)
    row = dict(zip([VARIABLES[i] for i in [*at, *free]], map(float, [*values, *drawn]), strict=True)) | known
    row.setdefault("redshift", 10.0 ** row["log_z"])
    scale = float(kpc_per_arcsec(row["redshift"]))
    if "re_arcsec" not in row:
        row["re_arcsec"] = row["re_kpc"] / scale if "re_kpc" in row else float(np.clip(10.0 ** row["log_re_kpc"] / scale, *RE_ARCSEC))
    row.setdefault("re_kpc", row["re_arcsec"] * scale)
    if "ra" not in row or "dec" not in row:
        row["ra"], row["dec"] = (float(value[0]) for value in directions(rng, 1))
    row["position_angle"] = round(rng.uniform(0.0, 180.0), 1)
    row["bulge_fraction"], row["sersic_n"] = population.bulge(rng, s)
    return row | population.structure(rng, s, row["log_mass"], row["bulge_fraction"])


def tables(galaxies, seed):
    """The files of a twin survey: name -> DataFrame.

    galaxies : of `cubespace.sample.build`. `galaxies.csv` is the sheet with the real roles; `truth.csv` what the cubes
    are made from; `properties.csv` what the real table knows, nulls and all, in canonical names and units, and the
    environments that were drawn.
    """
    truth = rows_from_table(galaxies, seed)
    known = galaxies.reset_index(drop=True)
    properties = known[["galaxy", *(name for name in TABLE if name in known)]].assign(environment=truth["environment"])
    if "morphology_detail" in known:
        properties["morphology"] = known["morphology_detail"]
    return {
        "galaxies.csv": known[["galaxy", *(name for name in ("role", "pointing") if name in known)]],
        "truth.csv": truth,
        "properties.csv": properties,
    }


def configuration(survey, folder, properties, seed, ssp="resources/ssp_basis.npz"):
    """A configuration (dict) that runs the twin survey whose tables lie in `folder`, cubes not kept."""
    columns = [name for name in properties.columns if name != "galaxy" and properties[name].notna().any()]
    return {
        "survey": f"mock twin of {survey}",
        "seed": seed,
        "mock": {"truth": f"{folder}/truth.csv", "ssp": ssp, "pixel_arcsec": 0.5, "keep_cubes": False},
        "sample": {
            "sheet": f"{folder}/galaxies.csv",
            "cubes": "results/mock/cubes/{galaxy}.V500.drscube.fits.gz",
            "tables": [{"path": f"{folder}/properties.csv", "key": "galaxy", "columns": {name: name for name in columns}}],
        },
    }
