"""Table 1: clusters with and without luminosity."""

import numpy as np
import pandas as pd
import pytest

from cubespace.errors import CubespaceError
from cubespace.populations.ablation import luminosity_ablation
from cubespace.space.clusters import common_share
from cubespace.space.neighbours import read_embedding
from cubespace.steps import ablation as step
from cubespace.tables import read_table, write_table
from fake_embeddings import embedding_table


def test_share_by_hand_and_its_interval():
    first = np.repeat([0, 1], 50)
    second = 1 - first
    second[:10] = 0  # ten of a hundred changed sides; names swapped
    share, low, high = common_share(first, second, 2000)
    assert share == 0.9
    assert (low, high) == pytest.approx((0.84, 0.95), abs=0.011)  # binomial quantiles of 100 draws at 0.9


def test_identical_clusters():
    assert common_share(np.arange(30) % 3, (np.arange(30) + 1) % 3, 50) == (1, 1, 1)


def two_variants(tmp_path, moved):
    """Two groups; in the second variant `moved` galaxies of the first group join the other."""
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 2
    other = truth.copy()
    other[np.flatnonzero(truth == 0)[:moved]] = 1
    roles = ["train"] * 40 + ["validation"] * 10 + ["embed"] * 10
    embedding_table(tmp_path / "full.parquet", np.eye(10)[truth] + 0.05 * rng.normal(size=(60, 10)), roles)
    order = rng.permutation(58)  # another order, two galaxies missing
    names = [f"G{i:03d}" for i in range(60)]
    embedding_table(
        tmp_path / "without.parquet",
        (np.eye(7)[1 - other] + 0.05 * rng.normal(size=(60, 7)))[order],
        [roles[i] for i in order],
        [names[i] for i in order],
    )
    return tmp_path / "full.parquet", tmp_path / "without.parquet"


def test_planted_exchange_is_recovered_and_only_the_release_counts(tmp_path):
    paths = two_variants(tmp_path, 5)
    table = luminosity_ablation(*map(read_embedding, paths), ks=(2,), n_init=10).iloc[0]
    assert (
        table["n"] == 50
        and table["common_percent"] == pytest.approx(90)
        and table["different_percent"] == pytest.approx(10)
    )
    assert table["ci_low"] < 90 < table["ci_high"] and 50 <= table["chance_percent"] < 62


def test_step(tmp_path):
    full, without = two_variants(tmp_path, 0)
    names = read_embedding(full).galaxies
    write_table(pd.DataFrame({"galaxy": names, "pointing": names}), tmp_path / "g.parquet")
    step.main(["--full", str(full), "--no-luminosity", str(without), "--galaxies", str(tmp_path / "g.parquet"), "--out", str(tmp_path / "t.csv"),
               "--settings", '{"k": [2, 3, 4, 5], "n_init": 2, "n_seeds": 2}'])  # fmt: skip
    table = read_table(tmp_path / "t.csv")
    assert table["clusters"].tolist() == [2, 3, 4] and table["common_percent"].iloc[0] == 100


def test_nothing_in_common(tmp_path):
    embedding_table(tmp_path / "a.parquet", np.eye(4), ["embed"] * 4)
    a = read_embedding(tmp_path / "a.parquet")
    with pytest.raises(CubespaceError, match="no galaxy of the release in common"):
        luminosity_ablation(a, a)
