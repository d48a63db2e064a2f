"""A small survey with all that goes wrong in real ones (nulls, empty classes, untested populations), and how to read figures."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from cubespace.figures import comparisons as comparison_figures
from cubespace.figures import registry, style
from cubespace.morphology import BINS
from cubespace.spectra.basis import Basis, reconstruction_curve

N = 72


def make_galaxies():
    rng = np.random.default_rng([1, 2])
    kinds = (
        ["E"] * 14
        + ["S0"] * 8
        + ["Sa"] * 10
        + ["Sb"] * 14
        + ["Sc"] * 12
        + ["Sd"] * 6
        + ["I"] * 3
        + [None] * 5
    )  # no BCD
    stage = np.array([BINS.index(kind) if kind else 3 for kind in kinds], float)
    table = pd.DataFrame(
        {"galaxy": [f"GAL{i:03d}" for i in range(N)], "morphology": pd.Series(kinds, dtype=object)}
    )
    table["role"] = [
        "validation" if i % 7 == 3 and kinds[i] != "I" else "embed" if i % 12 == 5 else "train"
        for i in range(N)
    ]
    table["redshift"] = 0.016 * np.exp(0.5 * rng.normal(size=N))
    table["ellipticity"] = rng.uniform(0, 0.8, N)
    table["log_mass"] = 11 - 0.25 * stage + 0.4 * rng.normal(size=N)
    table["g_r"] = 0.65 - 0.05 * stage + 0.05 * rng.normal(size=N)
    table["log_age_lw"] = 9.6 - 0.12 * stage + 0.1 * rng.normal(size=N)
    table["metallicity_lw"] = 0.1 - 0.1 * stage + 0.1 * rng.normal(size=N)
    table["log_ew_ha"] = -0.3 + 0.3 * stage + 0.2 * rng.normal(size=N)
    table["log_ew_ha_cen"] = table["log_ew_ha"] + 0.3 * rng.normal(size=N)
    table["log_nii_ha_cen"] = -0.1 * stage + 0.1 * rng.normal(size=N)
    table["log_oiii_hb_cen"] = 0.4 * rng.normal(size=N)
    table["log_sfr"] = table["log_mass"] - 11 + 0.2 * stage
    table["re_arcsec"] = 5 + 10 * rng.random(N)
    table.loc[[3, 17, 40], "log_mass"] = np.nan
    table.loc[5:15, "log_nii_ha_cen"] = np.nan
    table.loc[0, ["log_sfr", "log_ew_ha", "log_age_lw"]] = np.nan
    return table


def make_invariance():
    """Of three views; untrained never recognises anything, and stars leave pooled maps where they are."""
    rows = []
    for view, strength, unit in (("noise", 4.0, "S/N"), ("stars", 1.8, "in the mean"), ("all", 1.0, "as in training")):
        for method, moved, recall in (("network", 0.2, 1.0), ("contrastive", 0.1, 0.98), ("untrained", 1.5, 0.0),
                                      ("pooled_pca", 0.0 if view == "stars" else 0.4, 0.93)):  # fmt: skip
            rows.append((view, strength, unit, method, N, moved, 2 * moved, recall, 1.0, 12, recall))
    names = ("view", "strength", "unit", "method", "n", "displacement", "displacement_90", "recall_1", "recall_10")
    return pd.DataFrame(rows, columns=[*names, "n_unseen", "recall_1_unseen"])


def make_basis(n_components=29):
    rng = np.random.default_rng(5)
    wavelength = 3739 + 20.0 * np.arange(154)
    components = np.linalg.qr(rng.normal(size=(154, n_components)))[0].T
    eigenvalues = 2.0 ** -np.arange(154.0)
    spectra = 1 + (rng.normal(size=(50, n_components)) * np.sqrt(eigenvalues[:n_components])) @ components
    curve = reconstruction_curve(np.ones(154), components, eigenvalues, spectra, np.full(spectra.shape, 0.02))
    return Basis(wavelength, np.ones(154), components, eigenvalues, curve, {"ERRLIM": 0.03, "CSREL": "abcd"})


def make_views(n=3, size=24, channels=30):
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:size, :size] - size / 2
    good = np.broadcast_to(np.hypot(x, y) < 10, (n, size, size)).copy()
    values = 0.1 * rng.normal(size=(n, channels, size, size))
    values[:, 0] = 5 - np.hypot(x, y) / 5
    small = np.broadcast_to(np.hypot(x, y) < 4, (n, size, size)).copy()
    return {
        "names": np.array([f"GAL{i:03d}" for i in range(n)]), "original": values, "transformed": values[:, :, ::-1],
        "good_original": good, "good_transformed": small, "pixel_scale": np.array(2.0),
        "description": np.array(["S/N 2.1, rotated by 33 deg, resized by 3"] * n),
    }  # fmt: skip


def make_comparisons(galaxies, classes):
    """AGN are too few to be tested; the other comparisons have numbers."""
    rng, rows, distances, power = np.random.default_rng(7), [], [], []
    every = [(*pair, False) for pair in comparison_figures.ALL] + [
        (*pair, True) for pair in comparison_figures.TWINS
    ]
    for a, b, matched in every:
        tested = a != "AGN"
        for test in style.TEST:
            rows.append(
                {
                    "a": a, "b": b, "matched": matched, "test": test, "n_a": 20 if tested else 3, "n_b": 30,
                    "statistic": 0.25 if tested else np.nan, "p_value": 0.012 if tested else np.nan, "q_bh": 0.03 if tested else np.nan,
                    "p_ks_paper": 3e-7 if tested else np.nan, "minimum_detectable_effect": 0.8 if tested else np.nan,
                    "note": None if tested else "not tested: 3 AGN, 30 SF; at least 5 galaxies a side needed",
                }
            )  # fmt: skip
            for effect in (0, 0.5, 1, 2) if tested and matched else ():
                power.append({"comparison": f"{a}-{b}", "a": a, "b": b, "matched": matched, "test": test, "effect": effect,
                              "power": 0.05 + 0.45 * effect, "power_low": 0.4 * effect, "power_high": min(1, 0.1 + 0.5 * effect)})  # fmt: skip
        for name, n in ((a, 20), (b, 30)) if tested else ():
            for value in rng.gamma(4, 0.05, n):
                distances.append(
                    {
                        "comparison": f"{a}-{b}",
                        "matched": matched,
                        "population": name,
                        "galaxy": "GAL000",
                        "tenth_distance": value,
                    }
                )
    return pd.DataFrame(rows), pd.DataFrame(distances), pd.DataFrame(power)


def make_map_power():
    """AGN could not be tried; outskirts were, with two tests."""
    head = {"population": "filament_wall", "kind": "younger_outskirts", "unit": "share of light", "n_pairs": 20}
    rows = [
        {**head, "comparison": "void-filament_wall", "test": test, "effect": effect, "power": 0.05 + 2 * effect,
         "power_low": 1.5 * effect, "power_high": 0.1 + 2.2 * effect, "n_trials": 20}
        for test in ("ks_paper", "energy")
        for effect in (0, 0.05, 0.15, 0.4)
    ]  # fmt: skip
    rows.append({"comparison": "AGN-SF", "population": "SF", "kind": "active_nucleus", "unit": "A",
                 "note": "not tried: 3 pairs, 9 placebo pairs; at least 5 needed"})  # fmt: skip
    return pd.DataFrame(rows)


def make_scorecard():
    """Shares, a percentage, a number, a negative correlation, an untested claim."""
    return pd.DataFrame(
        [
            ["two clusters are the red sequence and the blue cloud", "natural division", 0.91, 0.88, 0.94, "recovered", "share >= 0.85"],
            ["correlations weaken in the order of the paper", "1", -0.2, -0.6, 0.3, "not recovered", "Spearman >= 0.71"],
            ["3 clusters keep most members", "84.2", 80.0, 75.0, 85.0, "recovered", "per cent in common >= 74.2"],
            ["29 components are needed", "29", 12.0, 11.0, 14.0, "not recovered", "within a factor of 1.5"],
            ["twins of AGN and of star-forming galaxies are indistinguishable", "KS p > 0.05", np.nan, np.nan, np.nan, "undecided", "energy test"],
        ],
        columns=["claim", "paper", "recovered", "ci_low", "ci_high", "verdict", "criterion"],
    )


def make_tables():
    """What every figure is drawn from, by the name of the input."""
    galaxies = make_galaxies()
    rng = np.random.default_rng(8)
    classes = galaxies[["galaxy"]].assign(
        nuclear_class=[
            "passive" if i < 20 else "AGN" if i in (30, 40, 50) else "SF" if i < 60 else "undetermined"
            for i in range(N)
        ],
        environment=[
            "filament_wall" if i % 3 else "cluster" if i < 40 else "unclassified" for i in range(N)
        ],  # no void
    )
    plane = galaxies[["galaxy", "role"]].assign(umap_1=rng.normal(size=N), umap_2=rng.normal(size=N))
    clusters = galaxies[["galaxy"]].assign(**{f"kmeans_{k}": np.arange(N) * k // N for k in (2, 3, 4, 5)})
    comparisons, distances, power = make_comparisons(galaxies, classes)
    properties = ["log_ew_ha", "morphology", "log_mass", "re_arcsec", "re_kpc"]
    correlations = pd.DataFrame(
        [
            {"component": c, "property": p, "pearson_r": (0.9 - 0.2 * i) / c * (-1) ** c, "q_bh": 0.01 * c * (i + 1), "partial_r": 0.1 * i if p != "log_mass" else np.nan}
            for c in range(1, 6)
            for i, p in enumerate(properties)
        ]
    )  # fmt: skip
    correlations.loc[correlations["property"] == "re_kpc", ["pearson_r", "q_bh", "partial_r"]] = np.nan
    probes = pd.DataFrame(
        {"property": properties, "n": [72, 67, 69, 72, 0], "network": [0.95, 0.8, 0.7, -0.4, np.nan], "untrained": [0.7, 0.6, 0.5, 0.1, np.nan],
         "pooled_pca": [0.9, np.nan, 0.72, 0.0, np.nan], "network_low": [0.9, 0.7, 0.6, -0.6, np.nan], "network_high": [0.97, 0.85, 0.75, 0.0, np.nan]}
    )  # fmt: skip
    epochs = np.arange(1, 13)
    history = pd.DataFrame(
        {"epoch": epochs, "train_loss": 7.3 - 0.1 * epochs, "validation_loss": 5 + 0.01 * (epochs - 9) ** 2, "effective_rank": 4 + 0.5 * epochs,
         "alignment": 1 / epochs, "uniformity": -0.2 * epochs, "chance_train": np.log(2 * 772 - 1), "chance_validation": np.log(2 * 126 - 1)}
    )  # fmt: skip
    balance = pd.DataFrame(
        [("AGN-SF", "log_mass", 0.5, np.nan, "3 pairs; at least 5 are needed"), ("void-filament_wall", "log_mass", -0.8, 0.04, None),
         ("void-filament_wall", "morphology", 0.3, 0.0, None), ("void-filament_wall", "redshift", np.inf, -0.15, None)],
        columns=["comparison", "covariate", "smd_before", "smd_after", "reason"],
    )  # fmt: skip
    quality = pd.DataFrame(
        {"k": [2, 3, 4], "silhouette": [0.4, 0.3, 0.2], "gmm_silhouette": [0.4, np.nan, 0.1], "stability": [1, 0.9, 0.8],
         "gmm_stability": [1, 0.8, 0.7], "bootstrap_stability": [0.9, 0.8, 0.6], "bootstrap_low": [0.8, 0.6, 0.3],
         "bootstrap_high": [1, 0.9, 0.8], "ari_kmeans_gmm": [0.9, 0.5, 0.4], "share_kmeans_gmm": [0.95, 0.8, 0.7],
         "share_low": [0.9, 0.7, 0.6], "share_high": [1, 0.9, 0.8]}
    )  # fmt: skip
    strengths = pd.DataFrame(
        {"property": properties[:4], "n": [72, 67, 69, 72], "strength": [0.9, 0.7, 0.5, 0.1], "strength_low": [0.8, 0.6, 0.4, 0.0],
         "strength_high": [0.95, 0.8, 0.6, 0.3], "rank": [1, 2, 3, 4], "rank_low": [1, 1, 2, 3], "rank_high": [2, 3, 4, 4],
         "space_distance_r": [0.8, 0.7, 0.6, -0.05]}
    )  # fmt: skip
    ledger = galaxies[["galaxy"]].assign(
        stage="maps", verdict="accepted", reason=pd.Series([None] * N, dtype=object)
    )
    ledger.loc[[4, 8], ["stage", "verdict", "reason"]] = ["moments", "rejected", "truncated"]
    ledger.loc[9, ["verdict", "reason"]] = ["rejected", "low_signal"]
    return {
        "galaxies": galaxies, "classes": classes, "umap": plane, "clusters": clusters, "comparisons": comparisons, "distances": distances,
        "power": power, "correlations": correlations, "variance": pd.DataFrame({"component": [1.0, 2, 3], "explained_variance_ratio": [0.5, 0.2, 0.1]}),
        "probes": probes, "invariance": make_invariance(), "histories": {"full": history, "no_luminosity": history.iloc[:7]}, "balance": balance, "verdicts": ledger,
        "basis": make_basis(), "views": make_views(), "map_power": make_map_power(), "strengths": strengths, "quality": quality,
        "scorecard": make_scorecard(),
    }  # fmt: skip


def inputs_of(name, tables):
    found = registry.entry(name)
    return {key: tables[key] for key in (*found.needs, *found.optional)}


def texts(figure):
    """All words on a figure, joined."""
    return "\n".join(item.get_text() for item in figure.findobj(matplotlib.text.Text) if item.get_text())


def drawn_points(axes):
    """(x, y, colour) of every marker of the scatters of a panel."""
    rows = []
    for item in axes.collections:
        if isinstance(item, matplotlib.collections.PathCollection):
            item.update_scalarmappable()
            offsets, faces = np.asarray(item.get_offsets()), item.get_facecolors()
            rows += [
                (x, y, to_hex(face))
                for (x, y), face in zip(offsets, np.broadcast_to(faces, (len(offsets), 4)), strict=True)
            ]
    return rows
