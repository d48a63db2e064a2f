"""Principal components of the representation and correlations with properties."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cubespace.errors import CubespaceError
from cubespace.space import correlations as c
from cubespace.steps import correlate as step
from cubespace.tables import read_table, write_table
from fake_embeddings import embedding_table


def test_components_of_planted_variance_and_their_sign():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    raw = rng.normal(size=(500, 3))
    white = np.linalg.qr(raw - raw.mean(axis=0))[0]  # exactly uncorrelated, unit sums of squares, mean zero
    found = c.principal_components(white * [3, 2, 1] @ basis[:3] + 5)
    assert np.allclose(found.ratio, np.array([9, 4, 1]) / 14)
    assert np.allclose(np.abs(found.axes @ basis[:3].T), np.eye(3), atol=1e-8)
    assert (found.axes[range(3), np.abs(found.axes).argmax(axis=1)] > 0).all()
    assert np.allclose(found.scores.mean(axis=0), 0)


def test_axes_come_from_the_fitted_rows_only():
    vectors = np.random.default_rng(1).normal(size=(20, 5))
    vectors[15:] += 100
    fit = np.arange(20) < 15
    some, alone = c.principal_components(vectors, fit), c.principal_components(vectors[:15])
    assert np.allclose(some.axes, alone.axes) and np.allclose(some.scores[:15], alone.scores)
    assert np.allclose(some.scores[15:], (vectors[15:] - vectors[:15].mean(axis=0)) @ alone.axes.T)


def test_a_collapsed_representation_is_an_error():
    with pytest.raises(CubespaceError, match="all 7 vectors are equal"):
        c.principal_components(np.full((7, 4), 0.5))
    with pytest.raises(CubespaceError, match="at least 2"):
        c.principal_components(np.ones((1, 4)))


@pytest.mark.parametrize(
    ("ratio", "n"), [([0.5, 0.4, 0.1], 2), ([0.5, 0.39, 0.11], 3), ([1.0], 1), ([0.9, 0.1], 1)]
)
def test_number_of_components_for_90_per_cent(ratio, n):
    assert c.components_for(np.array(ratio)) == n


def test_variance_table():
    vectors = np.random.default_rng(2).normal(size=(80, 6)) * [5, 3, 1, 0.5, 0.2, 0.1]
    table = c.variance_table(vectors, n_bootstrap=100)
    values = np.sort(np.linalg.eigvalsh(np.cov(vectors.T)))[::-1]
    assert np.allclose(table["explained_variance_ratio"], values / values.sum())
    assert table["within_share"].sum() == c.components_for(values / values.sum())
    assert (table["cumulative_low"] <= table["cumulative"] + 1e-12).all() and (
        table["cumulative"] <= table["cumulative_high"] + 1e-12
    ).all()
    assert table["cumulative"].iloc[-1] == pytest.approx(1)


def test_benjamini_hochberg_by_hand():
    # sorted 0.01 0.02 0.04 0.5 of four: 0.04, 0.04, 0.16/3, 0.5
    q = c.benjamini_hochberg(np.array([0.04, np.nan, 0.01, 0.5, 0.02]))
    assert np.allclose(q, [0.16 / 3, np.nan, 0.04, 0.5, 0.04], equal_nan=True)
    assert np.isnan(c.benjamini_hochberg(np.array([np.nan]))).all()


def test_centred_interval():
    low, high = c.centred_interval(np.arange(101.0), 10.0)  # quantiles 2.5, 50, 97.5
    assert (low, high) == (10 - 47.5, 10 + 47.5)


def test_permutation_p_against_all_orders():
    """Of 6! = 720 orders, the exact p is the share with |r| at least as large; drawn permutations estimate it."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    exact = np.mean([[abs(np.corrcoef(x[:, j], order)[0, 1]) >= abs(np.corrcoef(x[:, j], y)[0, 1]) - 1e-12 for j in (0, 1)]
                     for order in permutations(y)], axis=0)  # fmt: skip
    assert np.allclose(c.permutation_p(x, y, 20000, np.random.default_rng(0)), exact, atol=0.012)


def test_permutation_p_never_zero():
    x = np.arange(50.0)[:, None]
    assert c.permutation_p(x, 3 - 2 * x[:, 0], 999, np.random.default_rng(0))[0] == 1 / 1000


def test_permutation_p_is_uniform_without_correlation():
    rng = np.random.default_rng(4)
    p = np.array(
        [c.permutation_p(rng.normal(size=(20, 1)), rng.normal(size=20), 99, rng)[0] for _ in range(400)]
    )
    assert abs((p <= 0.05).mean() - 0.05) < 0.03


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_partial_correlation_is_that_of_residuals(seed, n_controls):
    rng = np.random.default_rng(seed)
    controls = rng.normal(size=(30, n_controls)) * 10.0 ** rng.integers(-3, 4, n_controls) + 7
    x = rng.normal(size=(30, 2)) + controls[:, :1]
    y = rng.normal(size=30) - controls[:, 0]
    design = np.column_stack([np.ones(30), controls])
    residual = np.column_stack([v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (*x.T, y)])
    r, p = c.partial_correlation(x, y, controls, 199, np.random.default_rng(0))
    shuffled = np.random.default_rng(0).permuted(np.tile(residual[:, 2], (199, 1)), axis=1)
    again = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in shuffled]
    for j in (0, 1):
        expected = stats.pearsonr(residual[:, j], residual[:, 2]).statistic
        assert r[j] == pytest.approx(expected, abs=1e-8)
        reached = sum(abs(stats.pearsonr(residual[:, j], v).statistic) >= abs(expected) for v in again)
        assert p[j] == (1 + reached) / 200


def test_p_of_a_partial_correlation_is_that_of_students_t_for_normal_values():
    rng = np.random.default_rng(8)
    z = rng.normal(size=(80, 2))
    x, y = z @ [1, 2] + rng.normal(size=80), z @ [2, -1] + rng.normal(size=80)
    r, p = c.partial_correlation(x[:, None], y, z, 9999, rng)
    t = r[0] * np.sqrt((80 - 4) / (1 - r[0] ** 2))  # n - 2 - number of controls
    assert p[0] == pytest.approx(2 * stats.t.sf(abs(t), 76), abs=0.02)


def test_p_of_a_partial_correlation_keeps_pointings_together():
    """Twenty values, each four times: blocks give few false positives, rows taken for independent give many."""
    found = np.zeros(2)
    for trial in range(200):
        rng = np.random.default_rng([9, trial])
        groups = np.repeat(np.arange(20), 4)
        x, y, z = (rng.normal(size=20)[groups] for _ in range(3))
        for place, together in enumerate((groups, None)):
            found[place] += c.partial_correlation(x[:, None], y, z[:, None], 99, rng, together)[1][0] <= 0.05
    assert abs(found[0] / 200 - 0.05) < 0.05 and found[1] / 200 > 0.25


def test_variance_intervals_draw_pointings():
    """Each galaxy four times is as sure as one alone."""
    vectors = np.random.default_rng(10).normal(size=(30, 5)) * [4, 3, 2, 1, 1]
    alone = c.variance_table(vectors, n_bootstrap=300)
    fourfold, groups = np.repeat(vectors, 4, axis=0), np.repeat(np.arange(30), 4)
    together, apart = c.variance_table(fourfold, n_bootstrap=300, groups=groups), c.variance_table(fourfold, n_bootstrap=300)
    width = [(t["cumulative_high"] - t["cumulative_low"]).iloc[0] for t in (alone, together, apart)]
    assert width[1] == pytest.approx(width[0], rel=0.15) and width[2] < 0.65 * width[0]


def test_partial_correlation_by_hand():
    """One control: (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)); what the control explains alone vanishes."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=300)
    x, y = z + rng.normal(size=300), z + rng.normal(size=300)
    xy, xz, yz = (np.corrcoef(a, b)[0, 1] for a, b in ((x, y), (x, z), (y, z)))
    r, p = c.partial_correlation(x[:, None], y, z[:, None], 99, rng)
    assert r[0] == pytest.approx((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))
    assert xy > 0.4 and abs(r[0]) < 0.12 and p[0] > 0.05
    assert np.isnan(c.partial_correlation(x[:, None], 2 * z + 1, z[:, None], 9, rng)).all()  # nothing is left of y
    assert np.isnan(
        c.partial_correlation(x[:3, None], y[:3], rng.normal(size=(3, 2)), 9, rng)[1]
    ).all()  # no degree of freedom


def test_table_against_scipy_and_with_missing_values():
    rng = np.random.default_rng(6)
    scores = rng.normal(size=(60, 5))
    ew = scores[:, 0] + 0.3 * rng.normal(size=60)
    ew[:10] = np.nan
    properties = {
        "log_ew_ha": ew,
        "log_mass": rng.normal(size=60),
        "constant": np.ones(60),
        "rare": np.r_[1, 2, 3, np.full(57, np.nan)],
    }
    table = c.correlation_table(scores, properties, n_components=2, n_permutations=499).set_index(
        ["property", "component"]
    )
    assert len(table) == 8
    row = table.loc[("log_ew_ha", 1)]
    assert row["n"] == 50 and row["pearson_r"] == pytest.approx(
        stats.pearsonr(scores[10:, 0], ew[10:]).statistic
    )
    assert row["spearman_r"] == pytest.approx(stats.spearmanr(scores[10:, 0], ew[10:]).statistic)
    assert row["p_permutation"] == 1 / 500 and row["partial_n"] == 50
    r, _ = c.partial_correlation(scores[10:, :1], ew[10:], properties["log_mass"][10:, None], 9, rng)
    assert row["partial_r"] == pytest.approx(r[0])
    assert np.isnan(
        table.loc[("log_mass", 1)]["partial_r"]
    )  # it is the only control, and not held against itself
    assert table.loc[["constant", "rare"]][["pearson_r", "p_permutation", "q_bh"]].isna().all().all()
    assert table.loc[("rare", 1)]["n"] == 3
    known = table["p_permutation"].dropna()
    assert np.allclose(table["q_bh"].dropna(), stats.false_discovery_control(known))
    assert np.allclose(table["q_partial"].dropna(), stats.false_discovery_control(table["partial_p"].dropna()))


def test_properties_as_numbers():
    table = pd.DataFrame(
        {
            "galaxy": ["b", "a", "c"],
            "morphology": ["E", None, "Sb"],
            "log_mass": [9.0, np.inf, 11.0],
            "redshift": ["x", "1", "2"],
        }
    )
    values = c.numeric_properties(table, ["a", "b"], ("morphology", "log_mass", "not there"))
    assert list(values) == ["morphology", "log_mass"]
    assert np.array_equal(values["morphology"], [np.nan, 0], equal_nan=True) and np.array_equal(
        values["log_mass"], [np.nan, 9], equal_nan=True
    )
    with pytest.raises(CubespaceError, match="'d' first"):
        c.numeric_properties(table, ["d"])
    with pytest.raises(CubespaceError, match="redshift"):
        c.numeric_properties(table, ["b"], ("redshift",))


def test_step_writes_nulls_not_nan(tmp_path):
    rng = np.random.default_rng(7)
    hidden = rng.normal(size=(48, 3))
    vectors = hidden @ rng.normal(size=(3, 20)) * 0.2 + 2
    names = embedding_table(tmp_path / "e.parquet", vectors)["galaxy"]
    embedding_table(tmp_path / "u.parquet", rng.normal(size=(48, 20)))
    embedding_table(
        tmp_path / "p.parquet", hidden[:40] + rng.normal(size=(40, 3))
    )  # the baseline lacks eight galaxies
    galaxies = pd.DataFrame({"galaxy": names, "pointing": names, "log_mass": 10 + hidden[:, 0], "log_ew_ha": hidden[:, 1],
                             "redshift": 0.01 + 0.001 * rng.normal(size=48), "log_sfr": [1.0] * 3 + [np.nan] * 45})  # fmt: skip
    write_table(galaxies, tmp_path / "g.parquet")
    options = {"embedding": "e.parquet", "untrained": "u.parquet", "pooled": "p.parquet", "galaxies": "g.parquet", "out": "c.csv",
               "variance": "v.csv", "probes": "r.csv", "strengths": "s.csv"}  # fmt: skip
    step.main(
        [x for k, v in options.items() for x in (f"--{k}", str(tmp_path / v))]
        + ["--settings", '{"n_permutations": 199, "n_folds": 4}']
    )
    text = (
        (tmp_path / "s.csv").read_text() + (tmp_path / "c.csv").read_text() + (tmp_path / "r.csv").read_text() + (tmp_path / "v.csv").read_text()
    )
    assert "nan" not in text.lower()
    probes = read_table(tmp_path / "r.csv").set_index("property")
    assert (
        probes.loc["log_mass", "n"] == 40
        and probes.loc["log_mass", "network"] > 0.9 > probes.loc["log_mass", "untrained"]
    )
    assert np.isnan(probes.loc["log_sfr", "network"]) and probes.loc["log_sfr", "n"] == 3
    assert read_table(tmp_path / "c.csv")["property"].nunique() == 4
