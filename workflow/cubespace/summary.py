"""What a run found, in some ten lines that an astronomer can read."""

from collections import Counter

import pandas as pd

LABELS = {
    "log_mass": "mass",
    "log_age_lw": "age",
    "metallicity_lw": "metallicity",
    "log_ew_ha": "EW(Ha)",
    "log_nii_ha_cen": "[NII]/Ha",
    "log_oiii_hb_cen": "[OIII]/Hb",
    "log_sigma_mass": "surface density",
    "log_sfr": "SFR",
    "re_kpc": "Re [kpc]",
    "re_arcsec": "Re [arcsec]",
    "ellipticity": "ellipticity",
    "redshift": "redshift",
    "morphology": "type",
}
PROBED = ("log_ew_ha", "log_age_lw", "log_nii_ha_cen", "log_mass", "morphology")


def _number(value, digits=2):
    return "-" if pd.isna(value) else f"{value:.{digits}f}"


def _p(value):
    return "p -" if pd.isna(value) else ("p < 0.001" if value < 0.001 else f"p = {value:.3f}")


def sample_line(survey, galaxies, verdicts):
    """Who is in, and who was rejected and why."""
    roles = galaxies["role"].value_counts()
    rejected = verdicts[verdicts["verdict"] == "rejected"]
    text = f"{survey}: {len(galaxies)} galaxies (" + ", ".join(f"{n} {role}" for role, n in roles.items()) + ")"
    if rejected.empty:
        return text + ", all accepted"
    reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(Counter(rejected["reason"]).items()))
    return f"{text}; {len(rejected)} rejected ({reasons}): {', '.join(rejected['galaxy'].head(5))}" + (" ..." if len(rejected) > 5 else "")


def basis_line(basis):
    """How well the components rebuild the spectra."""
    return (
        f"basis: {basis['n_components']} components from {basis['n_spectra']} spectra (S/N > {basis['snr_min']:g}) of {basis['n_galaxies']} galaxies; "
        f"{basis['explained']:.1%} of the variance"
    )


def training_line(histories):
    """Best validation loss of each variant beside the loss of a network that knows nothing."""
    parts = []
    for variant, history in histories.items():
        best = history.loc[history["validation_loss"].idxmin()]
        parts.append(f"{variant} {len(history)} epochs, best validation loss {best['validation_loss']:.2f} (chance {best['chance_validation']:.2f})")
    return "network: " + "; ".join(parts)


def variance_line(variance):
    """How many components hold 90 % of the variance of the representation."""
    n = int((variance["cumulative"] < 0.9).sum()) + 1
    return f"representation: {n} principal components hold 90 % of its variance (paper: 7)"


def probes_line(probes, of="the table"):
    """Cross-validated R2 of the probes: network / untrained / pooled maps."""
    table = probes.set_index("property")
    parts = [
        f"{LABELS[name]} {_number(table.at[name, 'network'])} ({_number(table.at[name, 'untrained'])}, {_number(table.at[name, 'pooled_pca'])})"
        for name in PROBED
        if name in table.index
    ]
    return f"ridge R2 of {of}, network (untrained, pooled PCA): " + ", ".join(parts)


def correlation_line(correlations):
    """Properties by the strength of their strongest correlation with the leading four components."""
    leading = correlations[correlations["component"] <= 4].dropna(subset=["pearson_r"])
    strongest = leading["pearson_r"].abs().groupby(leading["property"]).max().sort_values(ascending=False)
    return "strongest |r| with a leading component: " + ", ".join(f"{LABELS.get(name, name)} {r:.2f}" for name, r in strongest.items())


def clusters_line(clusters):
    """Agreement of spherical k-means with the Gaussian mixture, and silhouette."""
    parts = [f"k={int(r.k)} {_number(r.ari_kmeans_gmm)} ({_number(r.silhouette)})" for r in clusters.itertuples()]
    return "clusters, ARI of k-means and GMM (silhouette): " + ", ".join(parts)


def ablation_line(ablation):
    """Table 1 of the paper."""
    parts = [f"k={int(r.clusters)} {_number(r.common_percent, 1)} %" for r in ablation.itertuples()]
    return "same cluster without the luminosity map: " + ", ".join(parts) + " (paper: 92.8, 84.2, 90.4)"


def comparison_lines(comparisons, test="energy"):
    """Two lines: populations as they are, and twins of equal mass and type."""
    chosen = comparisons[comparisons["test"] == test]
    chosen = chosen[chosen["among"].isna()] if "among" in chosen else chosen  # all galaxies, not those of one role
    lines = []
    for matched, title in ((False, "populations"), (True, "twins in mass and type")):
        parts = []
        for row in chosen[chosen["matched"].astype(str).str.lower() == str(matched).lower()].itertuples():
            name = f"{row.a} - {row.b}".replace("filament_wall", "F&W")
            count = f"{int(row.n_a)} pairs" if matched and not pd.isna(row.n_a) else f"{_count(row.n_a)}, {_count(row.n_b)}"
            verdict = "not tested" if pd.isna(row.p_value) else _p(row.p_value)
            limit = row.minimum_detectable_effect
            if not pd.isna(row.p_value) and row.p_value > 0.05 and not pd.isna(limit):
                verdict += f", blind below {limit:.2g} sd"
            parts.append(f"{name} ({count}) {verdict}")
        lines.append(f"{title} ({test} test): " + "; ".join(parts))
    return lines


def _count(n):
    return "-" if pd.isna(n) else str(int(n))


def scorecard_line(scorecard):
    """How many claims of the paper hold here."""
    counts = scorecard["verdict"].value_counts()
    return "claims of the paper: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) + " (results/scorecard.csv)"


def summarise(
    survey, galaxies, verdicts, basis, histories, variance, probes, correlations, clusters, comparisons, ablation, scorecard, probes_truth=None
):
    """All lines as one text; tables as in `results/`, `basis` a dict, `histories` a dict variant -> table."""
    lines = [
        sample_line(survey, galaxies, verdicts),
        basis_line(basis),
        training_line(histories),
        variance_line(variance),
        probes_line(probes),
        *([probes_line(probes_truth, "the truth")] if probes_truth is not None else []),
        correlation_line(correlations),
        clusters_line(clusters),
        ablation_line(ablation),
        *comparison_lines(comparisons),
        scorecard_line(scorecard),
        "report: results/report.zip    figures: results/figures/    embedding: results/embedding/full.parquet",
        "tables: results/sample/, results/space/full/, results/populations/",
    ]
    return "\n".join(lines) + "\n"
