"""Twins against exhaustive search, hand-worked pairs, order of the rows, and the step on hard cases."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cubespace.errors import CubespaceError
from cubespace.populations import twins
from cubespace.tables import read_table, write_table


def table(prefix, masses, types="Sb", **columns):
    n = len(masses)
    frame = pd.DataFrame({"galaxy": [f"{prefix}{i}" for i in range(n)], "log_mass": np.array(masses, float)})
    frame["morphology"] = list(types) if isinstance(types, (list, tuple)) else [types] * n
    return frame.assign(**columns)


def pairs_of(frame):
    return sorted(zip(frame["galaxy_a"], frame["galaxy_b"], strict=True))


@pytest.mark.parametrize(
    ("a", "b", "paired"),
    [(10.4, 10.2, True), (10.2, 10.4, True), (10.4, 10.1999, False), (10.0, 10.2001, False)],
)
def test_caliper_is_inclusive_although_floats_are_not(a, b, paired):
    assert 10.4 - 10.2 > 0.2
    assert len(twins.match(table("a", [a]), table("b", [b]))) == paired


def test_caliper_is_inclusive_in_single_precision_too():
    """As a table of 4-byte floats gives them: 10.6 - 10.4 is 0.20000076, and 0.2001 is still too far."""
    a, near, far = (float(np.float32(value)) for value in (10.6, 10.4, 10.3999))
    assert a - near > 0.2 + 5e-7
    assert len(twins.match(table("a", [a]), table("b", [near]))) == 1
    assert len(twins.match(table("a", [a]), table("b", [far]))) == 0


def test_most_pairs_come_before_least_difference():
    # greedy would take a0-b0 (difference 0) and leave a1 alone; optimal: a0-b1 (0.2), a1-b0 (0.2)
    result = twins.match(table("a", [10.0, 10.2]), table("b", [10.0, 9.8]))
    assert pairs_of(result) == [("a0", "b1"), ("a1", "b0")]
    assert result["delta_log_mass"].tolist() == pytest.approx([0.2, 0.2])


def test_least_difference_among_equally_many():
    result = twins.match(table("a", [10.0]), table("b", [10.1, 9.95, 10.06]))
    assert pairs_of(result) == [("a0", "b1")]
    assert result["delta_log_mass"][0] == pytest.approx(0.05)


def test_morphology_is_exact_and_null_never_matches():
    a = table("a", [10.0, 10.0, np.nan, 10.0], ["Sb", None, "Sb", "Sc"])
    b = table("b", [10.0, 10.0, 10.0, np.nan], ["Sa", None, "Sb", "Sc"])
    assert pairs_of(twins.match(a, b)) == [("a0", "b2")]


def test_further_limits_are_inclusive_in_single_precision():
    for low in np.arange(0.005, 0.08, 0.005):
        a, b = (table(name, [10.0], redshift=[np.float32(z)]) for name, z in (("a", low), ("b", low + 0.001)))
        assert len(twins.match(a, b, further={"redshift": 0.001})) == 1, low
        assert twins.match(a, b, further={"redshift": 0.00099}).empty


def test_further_covariates_must_agree_too():
    a = table("a", [10.0, 10.0], redshift=[0.010, 0.030], re_kpc=[3.0, 3.0])
    b = table("b", [10.0, 10.1, 10.0], redshift=[0.020, 0.010, np.nan], re_kpc=[3.0, 3.5, 3.0])
    assert len(twins.match(a, b)) == 2
    close = twins.match(a, b, further={"redshift": 0.01})
    assert pairs_of(close) == [("a0", "b1"), ("a1", "b0")]  # 0.030 - 0.020 is 0.009999999999999998, 0.010 inclusive
    assert pairs_of(twins.match(a, b, further={"redshift": 0.005})) == [("a0", "b1")]
    assert twins.match(a, b, further={"redshift": 0.005, "re_kpc": 0.4}).empty
    with pytest.raises(CubespaceError, match="match_also: no column 'snr'"):
        twins.match(a, b, further={"snr": 5})


def test_placebo_pairs_one_population_with_itself_whatever_the_order_of_rows():
    rng = np.random.default_rng(0)
    frame = table("g", rng.normal(10.4, 0.3, 40), [str(t) for t in rng.choice(["E", "Sb"], 40)])
    frame["pointing"] = frame["galaxy"].where(frame.index > 1, "one")  # g0 and g1 are cut from one cube
    pairs = twins.placebo(frame, seed=3)
    every = [*pairs["galaxy_a"], *pairs["galaxy_b"]]
    assert len(pairs) >= 15 and len(set(every)) == len(every)
    mass, kind = (frame.set_index("galaxy")[name] for name in ("log_mass", "morphology"))
    assert (np.abs(mass[pairs["galaxy_a"]].to_numpy() - mass[pairs["galaxy_b"]].to_numpy()) <= 0.2 + 1e-9).all()
    assert (kind[pairs["galaxy_a"]].to_numpy() == kind[pairs["galaxy_b"]].to_numpy()).all()
    assert not {("g0", "g1"), ("g1", "g0")} & set(pairs_of(pairs))
    again = twins.placebo(frame.sample(frac=1, random_state=1), seed=3)
    pd.testing.assert_frame_equal(pairs, again)
    assert pairs_of(twins.placebo(frame, seed=4)) != pairs_of(pairs)


def test_controls_are_made_for_the_larger_side_once():
    galaxies, classes = survey()
    wanted = [COMPARISONS[0], {"name": "again", "a": "SF", "b": "AGN", "by": "nuclear_class"}]
    pairs, report = twins.compare(galaxies, classes, wanted, controls=True)
    assert list(dict.fromkeys(pairs["comparison"])) == ["AGN-SF", "again", "SF-SF"]
    sf = set(classes.loc[classes["nuclear_class"] == "SF", "galaxy"])
    control = pairs[pairs["comparison"] == "SF-SF"]
    assert set(control["galaxy_a"]) | set(control["galaxy_b"]) <= sf and len(control) >= 5
    assert "SF-SF" in set(report["comparison"]) and "SF-SF" not in set(twins.compare(galaxies, classes, wanted)[0]["comparison"])


def test_two_missing_masses_are_not_twins():
    assert twins.match(table("a", [np.nan]), table("b", [np.nan])).empty
    assert twins.match(table("a", []), table("b", [10.0])).empty


def test_detail_instead_of_bin():
    a = table("a", [10.0], morphology_detail=["Sb"])
    b = table("b", [10.0, 10.1], morphology_detail=["Sbc", "Sb"])
    assert pairs_of(twins.match(a, b)) == [("a0", "b0")]
    result = twins.match(a, b, morphology="morphology_detail")
    assert pairs_of(result) == [("a0", "b1")]
    assert result["morphology"][0] == "Sb"


def test_same_pointing_is_never_paired():
    a = table("a", [10.0], pointing=["P1"])
    b = table("b", [10.0, 10.15], pointing=["P1", "P2"])
    assert pairs_of(twins.match(a, b)) == [("a0", "b1")]
    assert twins.match(a, b.iloc[:1]).empty


def test_a_galaxy_twice_is_an_error():
    with pytest.raises(CubespaceError, match="a0"):
        twins.match(table("a", [10.0]), table("a", [10.0]))


def exhaustive(a, b, caliper):
    """(pairs, total difference) of the best matching, by trying all subsets and permutations."""
    best = (0, 0.0)
    for k in range(1, min(len(a), len(b)) + 1):
        for left in itertools.combinations(range(len(a)), k):
            for right in itertools.permutations(range(len(b)), k):
                ok = all(
                    a["morphology"][i] == b["morphology"][j]
                    and abs(a["log_mass"][i] - b["log_mass"][j]) <= caliper + 1e-9
                    and a["pointing"][i] != b["pointing"][j]
                    for i, j in zip(left, right, strict=True)
                )
                if ok:
                    total = sum(
                        abs(a["log_mass"][i] - b["log_mass"][j]) for i, j in zip(left, right, strict=True)
                    )
                    best = max(best, (k, -total))
    return best[0], -best[1]


@pytest.mark.parametrize("seed", range(12))
def test_equals_exhaustive_search(seed):
    rng = np.random.default_rng(seed)

    def small(prefix, n):
        return table(
            prefix,
            rng.integers(0, 12, n) / 20 + 10,
            [str(t) for t in rng.choice(["Sa", "Sb"], n)],
            pointing=[f"P{p}" for p in rng.integers(0, 6, n)],
        )

    a, b = small("a", 4), small("b", 5)
    result = twins.match(a, b)
    count, total = exhaustive(a, b, 0.2)
    assert len(result) == count
    assert result["delta_log_mass"].abs().sum() == pytest.approx(total, abs=1e-12)
    assert result["galaxy_a"].is_unique
    assert result["galaxy_b"].is_unique


grid = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["E", "Sb", None])), min_size=0, max_size=12)


@settings(max_examples=60, deadline=None)
@given(grid, grid, st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(left, right, random):
    """Many ties on purpose: masses on a grid of 0.1 dex."""
    a = table("a", [10 + m / 10 for m, _ in left], [t for _, t in left])
    b = table("b", [10 + m / 10 for m, _ in right], [t for _, t in right])
    first = twins.match(a, b)
    shuffled = twins.match(
        a.iloc[random.sample(range(len(a)), len(a))],
        b.iloc[random.sample(range(len(b)), len(b))].reset_index(drop=True),
    )
    pd.testing.assert_frame_equal(first, shuffled)


def test_balance_by_hand():
    # means 11 and 9, variances 1 and 4: SMD = 2 / sqrt(2.5); pairs: means 10 and 10
    a, b = table("a", [10.0, 11.0, 12.0]), table("b", [7.0, 9.0, 11.0])
    pairs = pd.DataFrame({"galaxy_a": ["a0", "a1"], "galaxy_b": ["b1", "b2"]})
    row = twins.balance(a, b, pairs, ["log_mass", "not there"]).iloc[0]
    assert row["smd_before"] == pytest.approx(2.0 / np.sqrt(2.5))
    assert row["variance_ratio_before"] == pytest.approx(0.25)
    assert row["smd_after"] == pytest.approx((10.5 - 10.0) / np.sqrt(2.5))
    assert row["variance_ratio_after"] == pytest.approx(0.5 / 2.0)
    assert (row["n_a"], row["n_b"], row["n_pairs"]) == (3, 3, 2)


def test_balance_leaves_out_missing_values_and_has_no_scale_without_variance():
    a, b = table("a", [10.0, 10.0], redshift=[0.01, np.nan]), table("b", [10.0, 10.0], redshift=[0.02, 0.02])
    report = twins.balance(a, b, twins.match(a, b)).set_index("covariate")
    assert (
        report.loc[["log_mass", "morphology", "redshift"]]
        .drop(columns=["n_a", "n_b", "n_pairs"])
        .isna()
        .all(axis=None)
    )


def survey(n=60):
    rng = np.random.default_rng(4)
    galaxies = table(
        "g",
        rng.normal(10.4, 0.4, n),
        [str(t) for t in rng.choice(["E", "Sb", "Sc"], n)],
        redshift=rng.uniform(0.005, 0.03, n),
    )
    classes = pd.DataFrame({"galaxy": galaxies["galaxy"], "nuclear_class": "SF", "environment": "void"})
    classes.loc[:19, "nuclear_class"] = "AGN"
    classes.loc[20:21, "environment"] = "cluster"
    return galaxies, classes


COMPARISONS = [
    {"a": "AGN", "b": "SF", "by": "nuclear_class"},
    {"name": "few", "a": "cluster", "b": "void", "by": "environment"},
    {"name": "none", "a": "AGN", "b": "passive", "by": "nuclear_class"},
]


def test_comparisons_that_cannot_be_made_are_recorded(tmp_path):
    from cubespace.steps.twins import main

    galaxies, classes = survey()
    write_table(galaxies, tmp_path / "galaxies.parquet", meta={"release_digest": "abc"})
    write_table(classes, tmp_path / "classes.parquet")
    verdicts = pd.DataFrame({"galaxy": galaxies["galaxy"], "verdict": "accepted"})
    write_table(verdicts, tmp_path / "verdicts.csv")
    out, balance = tmp_path / "twins.csv", tmp_path / "balance.csv"
    main([
        "--verdicts", str(tmp_path / "verdicts.csv"),
        "--galaxies", str(tmp_path / "galaxies.parquet"), "--classes", str(tmp_path / "classes.parquet"), "--out", str(out),
        "--balance", str(balance), "--settings", json.dumps({"comparisons": COMPARISONS, "min_pairs": 5, "caliper": 0.2}),
    ])  # fmt: skip
    pairs, report = read_table(out), read_table(balance)
    assert list(pairs.columns[:5]) == list(twins.TWIN_COLUMNS)
    assert set(pairs["comparison"]) == {"AGN-SF"}
    assert len(pairs) >= 10
    assert (pairs["delta_log_mass"].abs() <= 0.2).all()
    assert list(report.columns) == list(twins.BALANCE_COLUMNS)
    status = report.groupby("comparison")[["status", "reason"]].first()
    assert status.loc["AGN-SF", "status"] == "matched"
    assert status.loc["few", "status"] == "not tested"
    assert "2 pairs, fewer than 5" in status.loc["few", "reason"]
    assert status.loc["none", "reason"] == "no galaxy of class passive"
    assert report.loc[report["comparison"] == "none", "smd_after"].isna().all()
    mass = report[(report["comparison"] == "AGN-SF") & (report["covariate"] == "log_mass")].iloc[0]
    assert abs(mass["smd_after"]) < 0.25
    assert "nan" not in balance.read_text().lower()
    assert '"release_digest": "abc"' in out.read_text()
    shuffled = twins.compare(galaxies.sample(frac=1, random_state=1), classes, COMPARISONS)[0]
    pd.testing.assert_frame_equal(pairs, shuffled, rtol=1e-9, check_dtype=False)

    # the S/N of the maps, which comes with the verdicts, can be matched too
    snr = np.random.default_rng(5).uniform(5, 60, len(galaxies))
    write_table(verdicts.assign(snr=snr), tmp_path / "verdicts.csv")
    main([
        "--verdicts", str(tmp_path / "verdicts.csv"),
        "--galaxies", str(tmp_path / "galaxies.parquet"), "--classes", str(tmp_path / "classes.parquet"), "--out", str(out),
        "--balance", str(balance), "--settings", json.dumps({"comparisons": COMPARISONS[:1], "match_also": {"snr": 10}}),
    ])  # fmt: skip
    value = pd.Series(snr, galaxies["galaxy"])
    alike = read_table(out)
    assert 5 <= len(alike) < len(pairs)
    assert (np.abs(value[alike["galaxy_a"]].to_numpy() - value[alike["galaxy_b"]].to_numpy()) <= 10).all()
    assert "snr" in set(read_table(balance)["covariate"])

    # a rejected galaxy has no place in the space, and so no twin
    first = pairs["galaxy_a"][0]
    verdicts.loc[verdicts["galaxy"] == first, "verdict"] = "rejected"
    write_table(verdicts, tmp_path / "verdicts.csv")
    main([
        "--verdicts", str(tmp_path / "verdicts.csv"),
        "--galaxies", str(tmp_path / "galaxies.parquet"), "--classes", str(tmp_path / "classes.parquet"), "--out", str(out),
        "--balance", str(balance), "--settings", json.dumps({"comparisons": COMPARISONS, "min_pairs": 5, "caliper": 0.2}),
    ])  # fmt: skip
    assert first not in set(read_table(out)["galaxy_a"])


def test_all_comparisons_empty_still_gives_tables():
    galaxies, classes = survey()
    pairs, report = twins.compare(galaxies, classes, COMPARISONS[1:])
    assert pairs.empty
    assert list(pairs.columns) == list(twins.TWIN_COLUMNS)
    assert set(report["status"]) == {"not tested"}


@pytest.mark.parametrize(
    ("comparisons", "words"),
    [
        ([{"a": "AGN", "b": "SF", "by": "colour"}], "by: found 'colour'"),
        ([{"a": "AGN", "b": "AGN", "by": "nuclear_class"}], "both 'AGN'"),
        ([COMPARISONS[0], COMPARISONS[0]], "each name once"),
    ],
)
def test_wrong_comparisons_are_refused(comparisons, words):
    with pytest.raises(CubespaceError, match=words):
        twins.compare(*survey(), comparisons)
