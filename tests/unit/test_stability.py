"""Stability over seeds: agreements worked out by hand, planted stable and unstable members, the step, the figure."""

import json

import numpy as np
import pandas as pd
import pytest

from cubespace.errors import CubespaceError
from cubespace.figures import registry
from cubespace.space.clusters import pairwise_ari
from cubespace.space.stability import (
    Member,
    neighbour_agreement,
    neighbour_chance,
    stability_table,
)
from cubespace.steps import stability as step
from cubespace.tables import read_table, write_table
from fake_embeddings import embedding_table

N = 60


def test_agreements_by_hand():
    # 3 pairs in common; a has 6 pairs within clusters, b 4, of 15: expected 6*4/15 = 1.6, greatest (6+4)/2 = 5
    a, b = [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 2]
    assert pairwise_ari([a, b]) == pytest.approx([(4 - 1.6) / (5 - 1.6)])
    assert pairwise_ari([a, [5, 5, 5, 2, 2, 2], b])[0] == 1  # names of clusters mean nothing
    first = np.array([[1, 2], [0, 2], [0, 1]])
    second = np.array([[2, 3], [2, 0], [3, 1]])  # 1, 2 and 1 of two in common
    assert neighbour_agreement([first, second, first]) == pytest.approx([2 / 3, 1, 2 / 3])


def test_chance_is_the_share_that_blind_lists_have_in_common():
    excluded = np.eye(21, dtype=bool)
    excluded[0, 1] = excluded[1, 0] = True
    rng, k = np.random.default_rng(0), 5
    blind = [np.array([rng.choice(np.flatnonzero(~row), k, replace=False) for row in excluded]) for _ in range(60)]
    assert neighbour_chance(excluded, k) == pytest.approx((19 * 5 / 20 + 2 * 5 / 19) / 21)
    assert neighbour_agreement(blind).mean() == pytest.approx(neighbour_chance(excluded, k), abs=0.005)


def member(seed, r2=0.8, recall=1.0):
    """Vectors that turn with the seed but keep their distances; untrained ones that are of each seed alone."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(N, 6))
    turn = np.linalg.qr(np.random.default_rng([2, seed]).normal(size=(6, 6)))[0]
    other = np.random.default_rng([3, seed])
    names = [f"G{i:03d}" for i in range(N)]
    same = np.arange(N) % 2
    labels = {
        "network": pd.DataFrame({"kmeans_2": (same + seed) % 2, "gmm_2": same}, index=names),
        "untrained": pd.DataFrame({"kmeans_2": other.integers(2, size=N), "gmm_2": other.integers(2, size=N)}, index=names),
    }
    probes = pd.DataFrame({"property": ["log_mass", "g_r"], "n": [N, 3], "network": [r2, np.nan], "untrained": [0.5, np.nan], "pooled_pca": [0.6, np.nan]})
    methods = {"network": recall, "contrastive": 1.0, "untrained": 0.5, "pooled_pca": 0.9}
    views = (("noise", 4.0, "S/N"), ("all", 1.0, "as in training"))
    rows = [(*view, method, N, value) for view in views for method, value in methods.items()]
    invariance = pd.DataFrame(rows, columns=["view", "strength", "unit", "method", "n", "recall_1"])
    return Member({"network": vectors @ turn, "untrained": other.normal(size=(N, 6))}, labels, probes, invariance)


def test_planted_stability_is_found():
    members = [member(1, 0.8, 1.0), member(2, 0.9, 0.9), member(3, 0.7, 0.95)]
    table = stability_table("full", members, [None] * N, k=10)
    assert table["quantity"].tolist() == ["kmeans_ari", "gmm_ari", "neighbours", "r2", "r2", "recall_1", "recall_1"]
    assert table["of"].tolist() == ["k = 2", "k = 2", "10 nearest", "log_mass", "g_r", "noise 4 S/N", "all"]
    rows = table.set_index(["quantity", "of"])
    agree = table[:3]
    assert np.allclose(agree["network"], 1) and np.allclose(agree["network_spread"], 0)
    assert (agree["untrained"] - agree["chance"]).abs().max() < 0.06
    assert rows.loc[("neighbours", "10 nearest"), "chance"] == pytest.approx(10 / 59)
    mass = rows.loc[("r2", "log_mass")]
    assert mass["network"] == pytest.approx(0.8) and mass["network_spread"] == pytest.approx(0.1) and mass["network_lowest"] == 0.7
    assert (mass["untrained"], mass["pooled_pca"], mass["n_seeds"]) == (0.5, 0.6, 3)
    assert rows.loc[("r2", "g_r"), ["network", "untrained", "pooled_pca"]].isna().all()
    assert rows.loc[("recall_1", "all"), "network"] == pytest.approx(0.95) and rows.loc[("recall_1", "all"), "pooled_pca"] == 0.9


def test_two_seeds_have_one_agreement_and_no_spread_of_it():
    table = stability_table("full", [member(1), member(2)], [None] * N).set_index("quantity")
    assert np.isnan(table.loc["neighbours", "network_spread"]) and table.loc["neighbours", "network"] == 1


def test_members_of_different_runs_are_refused():
    other = member(2)
    with pytest.raises(CubespaceError, match="two seeds or more, found 1"):
        stability_table("full", [other], [None] * N)
    with pytest.raises(CubespaceError, match="full: the seeds differ in their properties"):
        stability_table("full", [member(1), other._replace(probes=other.probes[:1])], [None] * N)
    with pytest.raises(CubespaceError, match="differ in their views"):
        stability_table("full", [member(1), other._replace(invariance=other.invariance[:4])], [None] * N)


def test_step_and_figure(tmp_path):
    names, settings = [f"G{i:03d}" for i in range(N)], []
    for variant, seed in (("full", 7), ("full", 1), ("no_luminosity", 7), ("no_luminosity", 1)):
        one = member(seed)
        folder = tmp_path / variant / str(seed)
        files = {name: str(folder / f"{name}.parquet") for name in ("network", "untrained")}
        for name in ("network", "untrained"):
            order = np.arange(N) if seed == 7 else np.arange(N)[::-1]
            embedding_table(files[name], one.vectors[name][order], None, [names[i] for i in order])
            files[f"{name}_clusters"] = str(folder / f"{name}_clusters.parquet")
            write_table(one.labels[name].rename_axis("galaxy").reset_index(), files[f"{name}_clusters"])
        for name in ("probes", "invariance"):
            files[name] = str(folder / f"{name}.csv")
            write_table(getattr(one, name), files[name])
        settings.append({"variant": variant, "seed": seed, **files})
    write_table(pd.DataFrame({"galaxy": names, "pointing": names}), tmp_path / "roster.csv")
    out = tmp_path / "stability.csv"
    step.main(["--roster", str(tmp_path / "roster.csv"), "--out", str(out), "--settings", json.dumps({"members": settings, "neighbours": {"k": 5}})])
    table = read_table(out)
    assert table.attrs["meta"]["seed"] == "7,1" and table.attrs["meta"]["release_digest"] == "abc"
    assert table["variant"].tolist() == ["full"] * 7 + ["no_luminosity"] * 7
    shared = table[table["quantity"] == "neighbours"]
    assert np.allclose(shared["network"], 1) and shared["of"].eq("5 nearest").all()
    figure = registry.draw("stability", stability=table)
    assert len(figure.axes) == 6
    shown = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert shown == ["k-means, k = 2", "mixture, k = 2", "5 nearest neighbours"]
    figure.savefig(tmp_path / "stability.png")
