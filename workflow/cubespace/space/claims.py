"""The paper's claims about the representation: its dimension, clusters, and correlations (sec. 4.2 and 5.1)."""

import numpy as np
import pandas as pd

from cubespace.claims import claim
from cubespace.morphology import bin_index
from cubespace.space.clusters import common_share
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
EW_SPLIT = 6.0  # Angstrom; galaxies with more are star-forming
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


def _joined(clusters, galaxies, classes):
    frame = clusters.merge(
        galaxies[[c for c in galaxies if c == "galaxy" or c not in clusters]], on="galaxy", how="left"
    )
    return frame.merge(classes[["galaxy", *[c for c in classes if c not in frame]]], on="galaxy", how="left")


def _column(frame, name):
    return pd.to_numeric(frame[name]).to_numpy(float) if name in frame else np.full(len(frame), np.nan)


def cluster_claims(clusters, galaxies, classes, truth, n_bootstrap, seed):
    """Two clusters are the red sequence and the blue cloud; three add a green valley, rich in AGN."""
    frame = _joined(clusters, galaxies, classes)
    exact = None
    if truth is not None and "log_ew_ha" in truth:
        both = frame[["galaxy"]].merge(truth[["galaxy", "log_ew_ha"]], on="galaxy", how="left")
        exact = _column(both, "log_ew_ha")
    rows = [two_clusters(_column(frame, "kmeans_2"), _column(frame, "log_ew_ha"), exact, n_bootstrap, seed)]
    members, note = three_clusters(frame)
    rows.append(green_valley(frame, members, note, n_bootstrap, seed))
    rows.append(active_valley(frame, members, note, n_bootstrap, seed))
    return rows


def two_clusters(label, ew, exact, n_bootstrap, seed):
    """`label`, `ew` and the true `ew` (or None): (n,) arrays, nan = missing."""
    head = {
        "text": "two clusters are the red sequence and the blue cloud",
        "criterion": f"share of galaxies on the same side of EW(Ha) = {EW_SPLIT:g} A after matching >= 0.85, "
        "and its interval above what one cluster alone would reach",
        "paper": "natural division",
    }
    known, limit = np.isfinite(ew) & np.isfinite(label), np.log10(EW_SPLIT)
    if known.sum() < 10 or len(set(ew[known] > limit)) < 2:
        return claim(**head, note=f"{int(known.sum())} galaxies with EW(Ha), or all on one side")
    rng = np.random.default_rng([seed, 81])
    share, low, high = common_share(label[known], ew[known] > limit, n_bootstrap, rng)
    alone = max(np.mean(ew[known] > limit), np.mean(ew[known] <= limit))
    real = ""
    if exact is not None and (there := known & np.isfinite(exact)).any():
        real = f"{common_share(label[there], exact[there] > limit, 0)[0]:.3f} with the true EW"
    return claim(
        **head,
        truth=real,
        recovered=share,
        interval=(low, high),
        verdict=share >= 0.85 and low > alone,
        note=f"{int(known.sum())} galaxies; one cluster alone would reach {alone:.2f}",
    )


def three_clusters(frame):
    """Rows of the three k-means clusters by rising median EW(Ha), or None and the reason."""
    label, ew = _column(frame, "kmeans_3"), _column(frame, "log_ew_ha")
    known = np.isfinite(
        np.column_stack([label, ew, _column(frame, "log_sfr"), _column(frame, "log_mass"), _types(frame)])
    )
    label = np.where(known.all(axis=1), label, np.nan)
    kinds, counts = np.unique(label[np.isfinite(label)], return_counts=True)
    if len(kinds) < 3 or counts.min() < 5:
        smallest = int(counts.min(initial=0))
        return (
            None,
            f"{len(kinds)} clusters with EW(Ha), SFR, mass and type, the smallest of {smallest} galaxies",
        )
    order = sorted(kinds, key=lambda kind: np.median(ew[label == kind]))
    return [np.flatnonzero(label == kind) for kind in order], ""


def _types(frame):
    if "morphology" not in frame:
        return np.full(len(frame), np.nan)
    return np.array([bin_index(None if pd.isna(v) else v) for v in frame["morphology"]], float)


def green_valley(frame, members, note, n_bootstrap, seed):
    """`members`, `note` as from `three_clusters`."""
    head = {
        "text": "three clusters add a population between the red sequence and the blue cloud",
        "criterion": "median sSFR of the cluster of middle EW(Ha) 10 to 90 % of the way between the other two, "
        "and its median type not outside theirs",
        "paper": "green valley",
    }
    if members is None:
        return claim(**head, note=note)
    ssfr, types = _column(frame, "log_sfr") - _column(frame, "log_mass"), _types(frame)
    red, green, blue = (np.median(ssfr[rows]) for rows in members)
    kind = [float(np.median(types[rows])) for rows in members]
    note = "by EW(Ha): median types {:g}, {:g}, {:g} (E = 0 .. BCD = 7)".format(*kind)
    note += ", sizes " + ", ".join(str(len(rows)) for rows in members)
    if not blue > red:
        return claim(
            **head, recovered=blue - red, verdict=False, note="sSFR does not rise with EW(Ha); " + note
        )
    rng, draws = np.random.default_rng([seed, 82]), []
    for _ in range(n_bootstrap):
        low, middle, high = (np.median(ssfr[rng.choice(rows, len(rows))]) for rows in members)
        draws.append((middle - low) / (high - low) if high > low else np.nan)
    value = (green - red) / (blue - red)
    inside = min(kind[0], kind[2]) <= kind[1] <= max(kind[0], kind[2])
    interval = tuple(np.nanquantile(draws, [0.025, 0.975]))
    return claim(
        **head, recovered=value, interval=interval, verdict=0.1 <= value <= 0.9 and inside, note=note
    )


def active_valley(frame, members, note, n_bootstrap, seed):
    """`members`, `note` as from `three_clusters`."""
    head = {
        "text": "the intermediate cluster holds the largest share of AGN and LINERs",
        "criterion": "share of AGN and LINERs there minus that elsewhere > 0; not tested if the interval holds 0",
        "paper": "significant proportion",
    }
    if members is None:
        return claim(**head, note=note)
    kind = frame["nuclear_class"] if "nuclear_class" in frame else pd.Series(None, frame.index, dtype=object)
    active = kind.isin(["AGN", "LINER"]).to_numpy(float)
    decided = (kind.notna() & (kind != "undetermined")).to_numpy()
    own = [active[rows[decided[rows]]] for rows in members]
    middle, rest = own[1], np.concatenate([own[0], own[2]])
    if min(len(middle), len(rest)) < 5:
        return claim(**head, note="fewer than 5 galaxies with a nuclear class on a side")
    rng = np.random.default_rng([seed, 85])
    draws = [
        np.mean(rng.choice(middle, len(middle))) - np.mean(rng.choice(rest, len(rest)))
        for _ in range(n_bootstrap)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    gap = middle.mean() - rest.mean()
    shares = ", ".join(f"{part.mean():.2f}" if len(part) else "-" for part in own)
    verdict = None if low <= 0 <= high else gap > 0
    return claim(
        **head, recovered=gap, interval=(low, high), verdict=verdict, note=f"shares by EW(Ha): {shares}"
    )


def agreement(clusters, galaxies, n_bootstrap, seed):
    """k-means and the mixture agree for two to four clusters and less for five (galaxies of the release)."""
    head = {
        "text": "k-means and a Gaussian mixture agree for two to four clusters",
        "criterion": "smallest share in common for k = 2, 3, 4 >= 0.8",
        "paper": "strikingly similar",
    }
    head_5 = {
        "text": "k-means and a Gaussian mixture diverge for five clusters",
        "criterion": "share in common for k = 5 less than the smallest for k = 2, 3, 4",
        "paper": "different composition",
    }
    release = galaxies[galaxies["role"] != "embed"] if "role" in galaxies else galaxies
    own = clusters[clusters["galaxy"].isin(release["galaxy"])]
    found = {}
    for k in (2, 3, 4, 5):
        if {f"kmeans_{k}", f"gmm_{k}"} <= set(own.columns) and len(own):
            rng = np.random.default_rng([seed, 83, k])
            found[k] = common_share(own[f"kmeans_{k}"], own[f"gmm_{k}"], n_bootstrap, rng)
    if not {2, 3, 4} <= set(found):
        return [claim(**each, note="k = 2, 3, 4 not all in the table of clusters") for each in (head, head_5)]
    worst = min((2, 3, 4), key=lambda k: found[k][0])
    least, low, high = found[worst]
    note = ", ".join(f"k={k}: {share:.2f}" for k, (share, _, _) in found.items())
    rows = [claim(**head, recovered=least, interval=(low, high), verdict=least >= 0.8, note=note)]
    if 5 not in found:
        return [*rows, claim(**head_5, note="k = 5 not in the table of clusters")]
    drop, low, high = (value - least for value in found[5])
    return [*rows, claim(**head_5, recovered=drop, interval=(low, high), verdict=drop < 0, note=note)]


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
    from scipy.stats import spearmanr

    return float(spearmanr(-np.arange(len(values)), values).statistic)


def correlation_claims(correlations, truth, n_bootstrap, seed):
    """The order in which properties correlate with the representation, and those that do not."""
    found = strengths(correlations)
    real = true_strengths(truth) if truth is not None else {}
    rows = [correlation_order(found, real, n_bootstrap, seed)]
    return rows + [no_correlation(name, label, found, real, correlations) for name, label in ABSENT.items()]


def correlation_order(found, real, n_bootstrap, seed):
    """Interval: strengths redrawn with the standard error of Fisher's z."""
    head = {
        "text": "correlations weaken in the order EW(Ha), type, metallicity, age, surface density, [NII]/Ha, mass",
        "criterion": "Spearman correlation with that order >= 0.71 (one-sided p < 0.05 for seven)",
        "paper": "1",
    }
    if missing := [name for name in ORDER if name not in found]:
        return claim(**head, note=f"no correlation for {', '.join(missing)}")
    r, n = np.array([found[name] for name in ORDER]).T
    error = 1 / np.sqrt(np.maximum(n - 3, 1))
    noise = error * np.random.default_rng([seed, 84]).standard_normal((n_bootstrap, len(r)))
    draws = [_ranks(row) for row in np.arctanh(np.clip(r, 0, 1 - 1e-9)) + noise]
    value = _ranks(r)
    return claim(
        **head,
        truth=f"{_ranks([real[name] for name in ORDER]):.2f} in the first axis of the true properties"
        if real
        else "",
        recovered=value,
        interval=tuple(np.quantile(draws, [0.025, 0.975])),
        verdict=value >= 0.71,
        note="largest |r| with the first four components: "
        + ", ".join(f"{name} {found[name][0]:.2f}" for name in ORDER),
    )


def no_correlation(name, label, found, real, correlations):
    """Interval: Fisher's z. The note has the partial correlation, since redshift, mass and size are coupled."""
    head = {
        "text": f"no or minimal correlation with {label}",
        "criterion": f"largest |Pearson r| with the first four components < {WEAK}",
        "paper": "minimal",
    }
    if name not in found:
        return claim(**head, note=f"no property {name}")
    r, n = found[name]
    z, half = np.arctanh(min(r, 1 - 1e-9)), 1.96 / np.sqrt(max(n - 3, 1))
    rows = correlations[(correlations["property"] == name) & (correlations["component"] <= FIRST)]
    partial = rows["partial_r"].abs().max()
    note = f"{n} galaxies" + (
        f"; given mass, type and redshift: {partial:.2f}" if np.isfinite(partial) else ""
    )
    return claim(
        **head,
        truth=f"{real[name]:.2f} with the first axis of the true properties" if name in real else "",
        recovered=r,
        interval=(np.tanh(max(0.0, z - half)), np.tanh(z + half)),
        verdict=r < WEAK,
        note=note,
    )
