"""Linear probes: folds, closed-form ridge, R2."""

import numpy as np
import pandas as pd
import pytest

from cubespace.errors import CubespaceError
from cubespace.space import probes as p


def test_folds_keep_pointings_together_and_even():
    groups = np.array([0, 0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8])
    folds = p.grouped_folds(groups, 4, seed=1)
    for group in set(groups):
        assert len(set(folds[groups == group])) == 1
    assert sorted(np.bincount(folds)) == [3, 3, 3, 3]
    assert np.array_equal(folds, p.grouped_folds(groups, 4, seed=1))
    with pytest.raises(CubespaceError, match="at least 8 pointings, found 3"):
        p.grouped_folds(np.array([0, 0, 1, 2]), 8)


def test_ridge_against_a_loop_over_left_out_rows():
    """Penalty by brute-force leave-one-out inside each training set; normal equations instead of the SVD."""
    rng = np.random.default_rng(0)
    x, folds = rng.normal(size=(24, 5)), np.arange(24) % 3
    y = np.column_stack([x @ [1, -2, 0, 0, 1] + 0.5 * rng.normal(size=24), rng.normal(size=24)])
    alphas = np.array([0.1, 3.0, 100.0, 1e4])
    got = p.ridge_predictions(x, y, folds, alphas)
    for fold in range(3):
        train, test = folds != fold, folds == fold
        centre = x[train].mean(axis=0)
        spread = np.sqrt(((x[train] - centre) ** 2).mean())  # one number for all features
        a, b = (x[train] - centre) / spread, (x[test] - centre) / spread
        for target in (0, 1):
            t = y[train, target]

            def fit(features, values, alpha):  # the mean is fitted without a penalty, by centring
                m, v = features.mean(axis=0), values.mean()
                w = np.linalg.solve(
                    (features - m).T @ (features - m) + alpha * np.eye(5), (features - m).T @ (values - v)
                )
                return lambda z: v + (z - m) @ w

            errors = [
                sum(
                    (t[i] - fit(np.delete(a, i, 0), np.delete(t, i), alpha)(a[i])) ** 2 for i in range(len(t))
                )
                for alpha in alphas
            ]
            expected = fit(a, t, alphas[np.argmin(errors)])(b)
            assert np.allclose(got[test, target], expected, atol=1e-9)


def test_neighbour_means_against_a_loop():
    """k chosen by brute force inside each training set; neighbours of the own pointing never count."""
    rng = np.random.default_rng(4)
    groups, ks = np.repeat(np.arange(20), 2), (1, 3, 6)
    x = np.repeat(rng.normal(size=(20, 3)), 2, axis=0) + 0.01 * rng.normal(size=(40, 3))
    y = np.column_stack([x[:, 0] + 0.1 * rng.normal(size=40), rng.normal(size=40)])
    folds = p.grouped_folds(groups, 4)
    got, chosen = p.knn_predictions(x, y, folds, groups, ks), set()
    for fold in range(4):
        rows = [i for i in range(40) if folds[i] != fold]

        def mean(i, k, column, rows=rows):
            near = sorted((j for j in rows if groups[j] != groups[i]), key=lambda j: np.linalg.norm(x[i] - x[j]))
            return np.mean([y[j, column] for j in near[:k]])

        for column in (0, 1):
            best = min(ks, key=lambda k: sum((y[i, column] - mean(i, k, column)) ** 2 for i in rows))
            chosen.add(best)
            for i in np.flatnonzero(folds == fold):
                assert got[i, column] == pytest.approx(mean(i, best, column))
    assert len(chosen) > 1


def test_neighbours_against_sklearn():
    from sklearn.neighbors import KNeighborsRegressor

    rng = np.random.default_rng(5)
    x, y, folds = rng.normal(size=(60, 4)), rng.normal(size=(60, 1)), np.arange(60) % 3
    got = p.knn_predictions(x, y, folds, np.arange(60), (5,))
    for fold in range(3):
        model = KNeighborsRegressor(5).fit(x[folds != fold], y[folds != fold])
        assert np.allclose(got[folds == fold], model.predict(x[folds == fold]))


def test_r_squared_by_hand():
    truth = np.array([1.0, 2, 3, 4])
    assert p.r_squared(truth, truth) == 1
    assert p.r_squared(truth, np.full(4, 2.5)) == 0
    assert p.r_squared(truth, np.array([1.0, 2, 3, 2])) == pytest.approx(1 - 4 / 5)
    assert np.isnan(p.r_squared(np.ones(4), truth))
    weighted = p.r_squared(truth, np.array([1.0, 2, 3, 2]), np.array([[2, 1, 1, 0], [0, 0, 0, 2]]))
    assert weighted[0] == 1 and np.isnan(
        weighted[1]
    )  # the wrong one left out; one galaxy alone has no variance


def test_table_finds_the_planted_difference():
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(160, 2))
    clear = hidden @ rng.normal(size=(2, 30))
    representations = {"network": clear + 0.05 * rng.normal(size=clear.shape), "untrained": clear + 3 * rng.normal(size=clear.shape),
                       "pooled_pca": rng.normal(size=(160, 4))}  # fmt: skip
    mass = hidden[:, 0].copy()
    mass[:20] = np.nan
    table = p.probe_table(
        representations,
        {"log_mass": mass, "noise": rng.normal(size=160), "constant": np.ones(160)},
        np.arange(160),
    ).set_index("property")
    row = table.loc["log_mass"]
    assert (
        row["n"] == 140 and row["network"] > 0.97 and 0 < row["untrained"] < 0.9 and row["pooled_pca"] < 0.15
    )
    assert row["gain_over_untrained"] == pytest.approx(row["network"] - row["untrained"])
    assert (
        row["gain_over_untrained_low"] > 0.05 and row["network_low"] <= row["network"] <= row["network_high"]
    )
    assert table.loc["noise", ["network", "untrained", "pooled_pca"]].max() < 0.1
    assert table.loc["constant", ["network", "gain_over_untrained", "network_knn"]].isna().all()
    assert row["network_knn"] > 0.9 > row["untrained_knn"] > row["pooled_pca_knn"]
    assert row["network_knn_low"] <= row["network_knn"] <= row["network_knn_high"]


def test_pairs_of_one_pointing_do_not_help_each_other():
    """Copies in other folds would let a wide enough representation recall noise; by pointing it cannot."""
    rng = np.random.default_rng(2)
    base, noise = rng.normal(size=(40, 200)), rng.normal(size=40)
    x, y = np.vstack([base, base + 1e-3 * rng.normal(size=base.shape)]), np.tile(noise, 2)
    apart = p.probe_table({"network": x}, {"y": y}, np.tile(np.arange(40), 2))["network"].iloc[0]
    leaked = p.probe_table({"network": x}, {"y": y}, np.arange(80))["network"].iloc[0]
    assert apart < 0.1 and leaked > 0.5
    knn = p.probe_table({"network": x}, {"y": y}, np.tile(np.arange(40), 2))["network_knn"].iloc[0]
    assert knn < 0.1


def test_too_few_galaxies_are_null():
    table = p.probe_table({"network": np.eye(12)}, {"y": np.arange(12.0)}, np.arange(12))
    assert table["n"].iloc[0] == 12 and np.isnan(table["network"].iloc[0])


def test_repeated_folds_average_their_squared_residuals():
    """By hand for R2; and a table of three deals is the mean of three tables of one deal each."""
    truth = np.array([1.0, 2, 3, 4])
    twice = np.array([[1.0, 2, 3, 2], [1.0, 2, 3, 4]])
    assert p.r_squared(truth, twice) == pytest.approx(1 - (4 + 0) / 2 / 5)
    rng = np.random.default_rng(6)
    x, groups = rng.normal(size=(48, 40)), np.arange(48)
    y = x @ rng.normal(size=40) + rng.normal(size=48)
    (both,) = p.probe_table({"it": x}, {"y": y}, groups, n_repeats=3, n_bootstrap=2, seed=4)["it"]
    deals = [p.grouped_folds(groups, 8, (4, deal)) for deal in range(3)]
    single = [p.r_squared(y, p.ridge_predictions(x, y[:, None], folds)[:, 0]) for folds in deals]
    assert both == pytest.approx(np.mean(single)) and np.ptp(single) > 0.01


def test_a_galaxy_without_a_row_is_refused_and_one_without_a_value_is_counted():
    from cubespace.space.neighbours import Embedding

    rng = np.random.default_rng(7)
    names = np.array([f"G{i:02d}" for i in range(40)])
    embedding = Embedding(names, np.array(["train"] * 40), rng.normal(size=(40, 3)), np.zeros(40), {})
    table = pd.DataFrame({"galaxy": names, "pointing": names, "log_mass": embedding.vectors[:, 0]})
    table.loc[3, "log_mass"] = np.nan
    common, probes = p.probes_of({"network": embedding}, table, ["log_mass"])
    assert list(common) == list(names) and probes["n"].iloc[0] == 39 and probes["n_embedded"].iloc[0] == 40
    assert probes["network"].iloc[0] > 0.99
    with pytest.raises(CubespaceError, match="no row in the table of pointings, 'G00' first"):
        p.probes_of({"network": embedding}, table[1:], ["log_mass"])
