"""The paper's claims about the representation: its dimension, and what it correlates with (sec. 5.1)."""

import numpy as np
from scipy.stats import spearmanr

from cubespace.claims import claim
from cubespace.space.correlations import numeric_properties, principal_components

ORDER = (
    "log_ew_ha",
    "morphology",
    "metallicity_lw",
    "log_age_lw",
    "log_sigma_mass",
    "log_nii_ha_cen",
    "log_mass",
)
ABSENT = {
    "log_oiii_hb_cen": "[OIII]/Hb",
    "ellipticity": "ellipticity",
    "re_arcsec": "effective radius",
    "redshift": "redshift",
}
FIRST = 4  # components in Fig. 10
WEAK = 0.3  # largest |r| that counts as minimal correlation


def components(variance):
    """Seven components hold 90 % of the variance of the representation."""

    def count(name):
        below = variance[name].to_numpy(float) < 0.9 * (1 - 1e-12)
        return float(min(below.sum() + 1, len(below)))

    n = count("cumulative")
    interval = (count("cumulative_high"), count("cumulative_low"))
    return claim(
        "seven principal components hold 90 % of the variance of the representation",
        "number within 2 of 7",
        "7",
        recovered=n,
        interval=interval,
        verdict=abs(n - 7) <= 2,
    )


def strengths(correlations, first=FIRST):
    """property -> (largest |Pearson r| over the leading components, galaxies); Fig. 10 shows four."""
    leading = correlations[correlations["component"] <= first].dropna(subset=["pearson_r"])
    groups = leading.groupby("property", sort=False)
    return {name: (float(rows["pearson_r"].abs().max()), int(rows["n"].iloc[0])) for name, rows in groups}


def true_strengths(truth):
    """|r| of each true property with the first principal component of the standardised true properties of `ORDER`.

    What an ideal, unsupervised view of the mock would give; empty if a property is missing or constant.
    """
    if "axis_ratio" in truth and "ellipticity" not in truth:
        truth = truth.assign(ellipticity=1 - truth["axis_ratio"])
    values = numeric_properties(truth, truth["galaxy"].astype(str), (*ORDER, *ABSENT))
    if not set(ORDER) <= set(values):
        return {}
    known = np.all([np.isfinite(values[name]) for name in ORDER], axis=0)
    matrix = np.column_stack([values[name][known] for name in ORDER])
    if len(matrix) < 10 or (matrix.std(axis=0) == 0).any():
        return {}
    axis = principal_components((matrix - matrix.mean(axis=0)) / matrix.std(axis=0)).scores[:, 0]
    result = {}
    for name, value in values.items():
        there = np.isfinite(value[known])
        if there.sum() >= 10 and value[known][there].std() > 0:
            result[name] = abs(float(np.corrcoef(axis[there], value[known][there])[0, 1]))
    return result


def _ranks(values):
    return float(spearmanr(-np.arange(len(values)), values).statistic)


def correlation_claims(correlations, truth, n_bootstrap, seed):
    """The order in which properties correlate with the representation, and those that do not."""
    found = strengths(correlations)
    real = true_strengths(truth) if truth is not None else {}
    rows = correlation_order(found, real, n_bootstrap, seed)
    rows += [no_correlation(name, label, found, real) for name, label in ABSENT.items()]
    return [*rows, no_partial_correlation("redshift", correlations)]


def correlation_order(found, real, n_bootstrap, seed):
    """Interval: strengths redrawn with the standard error of Fisher's z."""
    head = {
        "text": "correlations weaken in the order EW(Ha), type, metallicity, age, surface density, [NII]/Ha, mass",
        "criterion": "Spearman correlation with that order >= 0.71 (one-sided p < 0.05 for seven)",
        "paper": "1",
    }
    first = {
        "text": "EW(Ha) has the strongest correlation of these seven",
        "criterion": "rank of EW(Ha) is 1; undecided if it is not and the interval of the rank holds 1",
        "paper": "1",
    }
    if missing := [name for name in ORDER if name not in found]:
        return [claim(**each, note=f"no correlation for {', '.join(missing)}") for each in (head, first)]
    r, n = np.array([found[name] for name in ORDER]).T
    error = 1 / np.sqrt(np.maximum(n - 3, 1))
    noise = error * np.random.default_rng([seed, 84]).standard_normal((n_bootstrap, len(r)))
    drawn = np.arctanh(np.clip(r, 0, 1 - 1e-9)) + noise
    value, rank = _ranks(r), 1 + int((r[1:] > r[0]).sum())
    low, high = np.quantile(1 + (drawn[:, 1:] > drawn[:, :1]).sum(axis=1), [0.025, 0.975])
    note = "largest |r| with the first four components: "
    note += ", ".join(f"{name} {found[name][0]:.2f}" for name in ORDER)
    axis = "in the first axis of the true properties"
    exact = [real[name] for name in ORDER] if real else []
    return [
        claim(
            **head,
            truth=f"{_ranks(exact):.2f} {axis}" if real else "",
            recovered=value,
            interval=tuple(np.quantile([_ranks(row) for row in drawn], [0.025, 0.975])),
            verdict=value >= 0.71,
            note=note,
        ),
        claim(
            **first,
            truth=f"{1 + sum(each > exact[0] for each in exact):d} {axis}" if real else "",
            recovered=rank,
            interval=(min(low, rank), max(high, rank)),
            verdict=True if rank == 1 else None if low <= 1 else False,
            note=note,
        ),
    ]


def no_correlation(name, label, found, real):
    """Interval: Fisher's z."""
    head = {
        "text": f"no or minimal correlation with {label}",
        "criterion": f"largest |Pearson r| with the first four components < {WEAK}",
        "paper": "minimal",
    }
    if name not in found:
        return claim(**head, note=f"no property {name}")
    r, n = found[name]
    return claim(
        **head,
        truth=f"{real[name]:.2f} with the first axis of the true properties" if name in real else "",
        recovered=r,
        interval=_fisher(r, n - 3),
        verdict=r < WEAK,
        note=f"{n} galaxies",
    )


def no_partial_correlation(name, correlations):
    """Redshift, mass and size are coupled by the selection of the survey: what is left when mass and type are held."""
    head = {
        "text": f"no or minimal correlation with {name} at fixed mass and type",
        "criterion": f"largest |partial r| with the first four components < {WEAK}",
        "paper": "attributed to dwarf galaxies",
    }
    rows = correlations[(correlations["property"] == name) & (correlations["component"] <= FIRST)]
    if not rows["partial_r"].notna().any():
        return claim(**head, note=f"no partial correlation of {name}")
    r, n = float(rows["partial_r"].abs().max()), int(rows["partial_n"].iloc[0])
    return claim(**head, recovered=r, interval=_fisher(r, n - 5), verdict=r < WEAK, note=f"{n} galaxies")


def _fisher(r, freedom):
    """95 % interval of a correlation's size, from Fisher's z with 1 / `freedom` for its variance."""
    z, half = np.arctanh(min(r, 1 - 1e-9)), 1.96 / np.sqrt(max(freedom, 1))
    return float(np.tanh(max(0.0, z - half))), float(np.tanh(z + half))
