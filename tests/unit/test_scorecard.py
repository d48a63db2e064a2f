"""Verdicts on the paper's claims, from tables made by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cubespace import scorecard as s
from cubespace.space.claims import ABSENT, ORDER
from cubespace.steps import scorecard as step
from cubespace.tables import read_table, write_table

TESTS = ("ks_paper", "ks_10th", "schilling_henze", "energy", "mmd", "c2st")
PAIRS = [
    ("train", "validation", False), ("passive", "SF", False), ("AGN", "SF", False), ("filament_wall", "cluster", False),
    ("filament_wall", "void", False), ("void", "cluster", False), ("AGN", "SF", True), ("filament_wall", "cluster", True),
    ("void", "filament_wall", True),
]  # fmt: skip
DIFFER = {PAIRS[i] for i in (1, 2, 3, 4, 5)}


def basis(share=0.97, limit=0.03, n=29):
    curve = np.zeros(
        n,
        dtype=[
            ("n_components", "i4"),
            ("median_abs_share", "f8"),
            ("mean_abs_share", "f8"),
            ("relative_l2_share", "f8"),
        ],
    )
    curve["n_components"] = np.arange(1, n + 1)
    curve["median_abs_share"][-1] = share
    return SimpleNamespace(reconstruction=curve, header={"ERRLIM": limit, "NCURVE": 1000})


def comparisons(q=None, mde=0.5):
    rows = []
    for a, b, matched in PAIRS:
        value = (q or {}).get((a, b, matched), 0.001 if (a, b, matched) in DIFFER else 0.4)
        effect = {("void", "cluster", False): 0.3}.get((a, b, matched), 0.1)
        for test in TESTS:
            rows.append({"a": a, "b": b, "matched": matched, "test": test, "n_a": 30, "n_b": 40, "statistic": 0.1, "p_value": value, "q_bh": value,
                         "p_ks_paper": 0.2, "effect": 0.95 if test == "c2st" else effect, "ci_low": 0.0, "ci_high": 0.99,
                         "minimum_detectable_effect": mde, "note": None})  # fmt: skip
    return pd.DataFrame(rows)


def tables(seed=0):
    """A survey in which every claim of the paper is true: 40 red, 30 green, 50 blue galaxies."""
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1, 2], [40, 30, 50])
    names = [f"G{i:03d}" for i in range(120)]
    mass = 10 + 0.3 * rng.normal(size=120)
    galaxies = pd.DataFrame({
        "galaxy": names, "log_ew_ha": np.array([0.0, 0.9, 1.4])[kind] + 0.05 * rng.normal(size=120), "log_mass": mass,
        "log_sfr": mass + np.array([-12.0, -11.0, -10.0])[kind] + 0.1 * rng.normal(size=120),
        "morphology": np.array(["E", "Sb", "Sc"], dtype=object)[kind],
    })  # fmt: skip
    active = np.where(kind == 1, np.arange(120) % 2 == 0, np.arange(120) % 20 == 0)
    classes = pd.DataFrame(
        {"galaxy": names, "nuclear_class": np.where(active, "LINER", "SF"), "environment": "cluster"}
    )
    two, five = np.minimum(kind, 1), kind.copy()
    five[:20], five[100:] = 3, 4
    mixed = five.copy()
    mixed[40:70] = 0
    clusters = pd.DataFrame({"galaxy": names, **{f"{m}_2": two for m in ("kmeans", "gmm")}, **{f"{m}_{k}": kind for m in ("kmeans", "gmm") for k in (3, 4)},
                             "kmeans_5": five, "gmm_5": mixed})  # fmt: skip
    strength = dict(zip(ORDER, (0.9, 0.85, 0.8, 0.75, 0.6, 0.55, 0.5), strict=True)) | dict.fromkeys(
        ABSENT, 0.1
    )
    correlations = pd.DataFrame(
        [
            {"component": k, "property": name, "n": 120, "pearson_r": -r / k, "partial_r": 0.05}
            for name, r in strength.items()
            for k in (1, 2)
        ]
    )
    cumulative = np.r_[np.linspace(0.4, 0.89, 6), 0.91, 1.0]
    variance = pd.DataFrame(
        {
            "cumulative": cumulative,
            "cumulative_low": cumulative - 0.015,
            "cumulative_high": np.minimum(cumulative + 0.015, 1),
        }
    )
    ablation = pd.DataFrame(
        {
            "clusters": [2, 3, 4],
            "common_percent": [93.0, 80.0, 88.0],
            "ci_low": 75.0,
            "ci_high": 95.0,
            "n": 120,
            "chance_percent": 50.0,
        }
    )
    return {"basis": basis(), "variance": variance, "clusters": clusters, "correlations": correlations,
            "comparisons": comparisons(), "ablation": ablation, "galaxies": galaxies, "classes": classes}  # fmt: skip


def verdicts(**changes):
    table = s.scorecard(**{**tables(), **changes}, n_bootstrap=50)
    assert list(table.columns) == list(s.COLUMNS) and set(table["verdict"]) <= {
        "agrees",
        "disagrees",
        "not tested",
    }
    assert table["claim"].is_unique and table["criterion"].str.len().min() > 10
    assert (table["recovered"].notna() | (table["verdict"] == "not tested")).all()
    known = table[table["ci_low"].notna() & (table["claim"].str.contains("diverge|largest contrast") == 0)]
    assert (known["ci_low"] <= known["recovered"] + 1e-9).all() and (
        known["recovered"] <= known["ci_high"] + 1e-9
    ).all()
    return table.set_index("claim")


def only(table, verdict, *words):
    chosen = table[[all(w in c for w in words) for c in table.index]]
    assert len(chosen) == 1, list(chosen.index)
    assert chosen["verdict"].iloc[0] == verdict, chosen.iloc[0].to_dict()
    return chosen.iloc[0]


def test_a_survey_as_in_the_paper_agrees_with_every_claim():
    table = verdicts()
    assert (table["verdict"] == "agrees").all(), table[table["verdict"] != "agrees"]
    assert len(table) >= 25
    row = only(table, "agrees", "seven principal components")
    assert row["recovered"] == 7 and (row["ci_low"], row["ci_high"]) == (6, 8)
    assert only(table, "agrees", "in the order")["recovered"] == 1
    assert only(table, "agrees", "red sequence and the blue cloud", "two")["recovered"] == pytest.approx(1)
    assert only(table, "agrees", "diverge")["recovered"] == pytest.approx(
        100 / 120 - 1
    )  # the 30 green joined 20 red
    assert only(table, "agrees", "between the red")["recovered"] == pytest.approx(0.5, abs=0.1)
    assert only(table, "agrees", "largest share of AGN")["recovered"] == pytest.approx(0.5 - 5 / 90, abs=0.02)


def test_a_blind_test_is_not_agreement():
    """Nothing found, and a shift of one standard deviation would not have been found either."""
    table = verdicts(comparisons=comparisons(mde=1.4))
    for words in (("train",), ("AGN", "twins"), ("twins of filaments",)):
        assert "1.4 standard deviations" in only(table, "not tested", *words)["note"]
    only(verdicts(comparisons=comparisons(mde=np.nan)), "not tested", "train")
    missed = {(a, b, m): 0.3 for a, b, m in DIFFER}
    only(verdicts(comparisons=comparisons(missed, 1.4)), "not tested", "galaxies of filaments", "clusters")
    only(verdicts(comparisons=comparisons(missed, 0.5)), "disagrees", "galaxies of filaments", "clusters")


def test_found_differences_disagree():
    table = verdicts(
        comparisons=comparisons({("AGN", "SF", True): 0.01, ("train", "validation", False): 0.04})
    )
    only(table, "disagrees", "AGN", "twins")
    only(table, "disagrees", "train")


def test_a_comparison_that_was_not_made():
    table = comparisons()
    void = (table["a"] == "void") | (table["b"] == "void")
    table.loc[
        void,
        [
            "statistic",
            "p_value",
            "q_bh",
            "effect",
            "ci_low",
            "ci_high",
            "p_ks_paper",
            "minimum_detectable_effect",
        ],
    ] = np.nan
    table.loc[void, "note"] = "not tested: 2 void"
    found = verdicts(comparisons=table)
    assert only(found, "not tested", "galaxies of voids and of clusters")["note"] == "not tested: 2 void"
    only(found, "not tested", "largest contrast")
    assert only(verdicts(comparisons=table.iloc[:0]), "not tested", "passive")["note"] == "no such comparison"


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({"basis": basis(0.9)}, "disagrees", ("29 components",)),
        ({"basis": basis(0.99, limit=0.05)}, "not tested", ("29 components",)),
        ({"basis": basis(0.99, n=20)}, "not tested", ("29 components",)),
        ({"variance": pd.DataFrame({c: [0.7, 0.95, 1.0] for c in ("cumulative", "cumulative_low", "cumulative_high")})}, "disagrees", ("seven",)),
        ({"clusters": tables()["clusters"].assign(gmm_3=np.repeat([0, 1], 60))}, "disagrees", ("Gaussian mixture agree",)),
        ({"clusters": tables()["clusters"].drop(columns="gmm_4")}, "not tested", ("Gaussian mixture agree",)),
        ({"clusters": tables()["clusters"].drop(columns="gmm_5")}, "not tested", ("diverge",)),
        ({"ablation": pd.DataFrame({"clusters": [3], "common_percent": [70.0], "ci_low": [60.0], "ci_high": [80.0], "n": [9], "chance_percent": [50.0]})},
         "disagrees", ("3 clusters keep",)),
    ],
)  # fmt: skip
def test_each_criterion(change, verdict, words):
    only(verdicts(**change), verdict, *words)


def test_correlations_out_of_order_or_present():
    table = tables()["correlations"]
    table.loc[table["property"] == "redshift", "pearson_r"] = 0.5
    swapped = table.copy()
    reverse = dict(zip(ORDER, ORDER[::-1], strict=True))
    swapped["property"] = [reverse.get(name, name) for name in swapped["property"]]
    found = verdicts(correlations=swapped)
    assert only(found, "disagrees", "in the order")["recovered"] == pytest.approx(-1)
    row = only(found, "disagrees", "redshift")
    half = 1.96 / np.sqrt(117)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        (np.tanh(np.arctanh(0.5) - half), np.tanh(np.arctanh(0.5) + half))
    )
    assert "given mass, type and redshift: 0.05" in row["note"]
    only(verdicts(correlations=table[table["property"] != "log_age_lw"]), "not tested", "in the order")


def test_missing_properties_are_not_tested():
    data = tables()
    poor = data["galaxies"][["galaxy", "log_mass"]]
    found = verdicts(galaxies=poor)
    only(found, "not tested", "two clusters")
    only(found, "not tested", "three clusters")
    only(
        verdicts(classes=data["classes"].assign(nuclear_class="undetermined")),
        "not tested",
        "largest share of AGN",
    )


def test_truth_of_the_mock_is_reported():
    data = tables()
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=120)
    truth = data["galaxies"][["galaxy", "morphology"]].assign(
        axis_ratio=rng.uniform(0.2, 1, 120), agn=np.arange(120) % 10 == 0, redshift=0.02 + 0.001 * rng.normal(size=120),
        **{name: hidden + (0.2 + 0.2 * i) * rng.normal(size=120) for i, name in enumerate(ORDER) if name != "morphology"},
    )  # fmt: skip
    found = verdicts(truth=truth, planted=0.0)
    assert (
        found.loc["AGN and star-forming twins are indistinguishable", "truth"]
        == "nuclear lines planted in 12 galaxies"
    )
    assert only(found, "agrees", "twins of voids")["truth"] == "no difference at fixed mass and type"
    assert "0.5" in only(verdicts(truth=truth, planted=0.5), "agrees", "twins of voids")["truth"]
    assert (
        "first axis" in only(found, "agrees", "in the order")["truth"]
        and "with the first axis" in only(found, "agrees", "ellipticity")["truth"]
    )
    assert "with the true EW" in only(found, "agrees", "two clusters")["truth"]


def test_step_reads_what_the_other_steps_write(tmp_path):
    from cubespace.spectra.basis import Basis, write_basis

    data = tables()
    rng = np.random.default_rng(0)
    curve = np.zeros(
        29,
        dtype=[
            (n, "f8") for n in ("n_components", "median_abs_share", "mean_abs_share", "relative_l2_share")
        ],
    )
    curve["n_components"], curve["median_abs_share"] = np.arange(1, 30), 0.96
    axes = np.linalg.qr(rng.normal(size=(40, 40)))[0][:29]
    write_basis(
        tmp_path / "b.fits",
        Basis(np.arange(40.0), np.zeros(40), axes, np.ones(40), curve, {"NCURVE": 500}),
        window=(1, 2),
        snr_min=30,
    )
    options = {"basis": tmp_path / "b.fits"}
    for name, frame in data.items():
        if name != "basis":
            options[name] = (
                tmp_path / f"{name}.{'parquet' if name in ('clusters', 'galaxies', 'classes') else 'csv'}"
            )
            write_table(frame, options[name])
    for out in "ab":
        step.main(
            [x for k, v in options.items() for x in (f"--{k}", str(v))]
            + ["--out", str(tmp_path / f"{out}.csv"), "--settings", '{"seed": 1}']
        )
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    table = read_table(tmp_path / "a.csv")
    assert list(table.columns) == list(s.COLUMNS) and (table["verdict"] == "agrees").all()
    assert "nan" not in (tmp_path / "a.csv").read_text().lower()
