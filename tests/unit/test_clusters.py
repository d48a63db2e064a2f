"""Spherical k-means, Gaussian mixtures, order and matching of labels."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cubespace.errors import CubespaceError
from cubespace.space import clusters as c
from cubespace.space.neighbours import unit_rows
from cubespace.steps import cluster as step
from cubespace.tables import read_table, write_table
from fake_embeddings import embedding_table


def planted(k, n=30, d=20, noise=0.1, seed=0):
    """k groups of n about orthogonal directions, and the true labels."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(d, d)))[0][:k]
    truth = np.repeat(np.arange(k), n)
    return centres[truth] + noise * rng.normal(size=(k * n, d)), truth


def test_the_best_partition_of_all_is_found():
    """The optimum maximises the summed lengths of the cluster sums; eight vectors have 3^8 labellings to try."""
    unit = unit_rows(np.random.default_rng(5).normal(size=(8, 3)))
    best = max(
        sum(np.linalg.norm(unit[np.array(labels) == kind].sum(axis=0)) for kind in range(3))
        for labels in product(range(3), repeat=8)
        if len(set(labels)) == 3
    )
    found = c.spherical_kmeans(unit, 3, n_init=60, rng=0)[0]
    assert found.objective == pytest.approx(8 - best, abs=1e-12)
    assert np.allclose(np.linalg.norm(found.centroids, axis=1), 1)


def test_centroids_are_renormalised_means_and_labels_their_nearest():
    vectors, _ = planted(3)
    best = c.spherical_kmeans(vectors, 3, 5, rng=1)[0]
    unit = unit_rows(vectors)
    for kind in range(3):
        total = unit[best.labels == kind].sum(axis=0)
        assert np.allclose(best.centroids[kind], total / np.linalg.norm(total))
    assert np.array_equal(best.labels, (unit @ best.centroids.T).argmax(axis=1))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_labels_do_not_see_the_length_of_vectors(seed):
    vectors, _ = planted(2, n=30)
    scale = 10 ** np.random.default_rng(seed).uniform(-3, 3, size=(60, 1))
    one, other = (c.spherical_kmeans(v, 2, 4, rng=3)[0].labels for v in (vectors, vectors * scale))
    assert np.array_equal(one, other)


def test_zero_vector_is_an_error_that_names_the_galaxy():
    vectors, _ = planted(2)
    vectors = np.vstack([vectors, np.zeros(20)])
    names = [f"NGC{i:04d}" for i in range(61)]
    with pytest.raises(CubespaceError, match="NGC0060"):
        c.spherical_kmeans(vectors, 2, galaxies=names)
    with pytest.raises(CubespaceError, match="NGC0060"):
        c.cluster(names, vectors, np.ones(61, bool))


def test_fewer_distinct_vectors_than_clusters():
    vectors = np.repeat(np.eye(3), 4, axis=0) * np.arange(1, 13)[:, None]
    with pytest.raises(CubespaceError, match="only 3 distinct embeddings for k=5"):
        c.spherical_kmeans(vectors, 5)
    with pytest.raises(CubespaceError, match="only 3 distinct embeddings for k=5"):
        c.cluster(list("abcdefghijkl"), vectors, np.ones(12, bool), ks=(2, 5))
    for run in c.spherical_kmeans(vectors, 3, n_init=20, rng=0):  # seeds never fall on copies of one vector
        assert run.objective == pytest.approx(0, abs=1e-12) and len(set(run.labels)) == 3


def test_an_emptied_cluster_takes_the_worst_served_vector():
    labels = np.array([[0, 0, 0, 1]])
    cosine = np.zeros((1, 3, 4))
    cosine[0, 0] = [0.9, 0.2, 0.8, 0.0]
    cosine[0, 1, 3] = -1.0  # worse, but alone in its cluster
    c._reseed_empty(labels, cosine, 3)
    assert labels.tolist() == [[0, 2, 0, 1]]


def test_every_run_keeps_all_clusters():
    vectors = np.random.default_rng(7).normal(size=(25, 4))
    assert all(len(set(run.labels)) == 8 for run in c.spherical_kmeans(vectors, 8, n_init=40, rng=1))


def test_order_rule():
    labels, position = np.array([5, 5, 2, 2, 9]), np.array([3.0, 5.0, -1.0, 0.0, 10.0])
    new, old = c.ordered(labels, position)
    assert new.tolist() == [1, 1, 0, 0, 2] and old.tolist() == [2, 5, 9]
    assert c.ordered(np.array([7, 3]), np.array([1.0, 1.0]))[0].tolist() == [
        0,
        1,
    ]  # a tie: the first row's comes first


def test_matching_of_a_known_permutation():
    first = np.array([0, 0, 1, 1, 2, 2])
    relabelled, share = c.match_labels(first, np.array([2, 2, 0, 0, 1, 1]))
    assert share == 1 and np.array_equal(relabelled, first)
    # by hand: best matching 7->0, 4->1 keeps 2 + 1 of 4; label 5 is left over and gets a number above
    relabelled, share = c.match_labels(np.array([0, 0, 1, 1]), np.array([7, 7, 4, 5]))
    assert share == 0.75 and relabelled[:2].tolist() == [0, 0] and sorted(relabelled[2:]) == [1, 2]


def test_labels_are_the_same_for_all_seeds_and_both_methods():
    vectors, truth = planted(3, n=40, noise=0.05)
    names, fit = [str(i) for i in range(120)], np.ones(120, bool)
    runs = [c.cluster(names, vectors, fit, ks=(2, 3), n_init=5, n_seeds=3, seed=seed) for seed in range(5)]
    first = runs[0][0]
    for labels, _ in runs[1:]:
        assert (labels["kmeans_3"] == first["kmeans_3"]).mean() >= 0.99
        assert (labels["kmeans_2"] == first["kmeans_2"]).mean() >= 0.99
    assert (first["kmeans_3"] == first["gmm_3"]).mean() >= 0.99
    assert c.match_labels(truth, first["kmeans_3"])[1] == 1
    row = runs[0][1].set_index("k").loc[3]
    assert (
        row["ari_kmeans_gmm"] == 1
        and row["stability"] == 1
        and row["silhouette"] > 0.8
        and row["smallest"] == 40
    )


def test_structureless_vectors_do_not_count_as_agreement():
    """512 dimensions, 300 vectors: a full-covariance mixture would echo its k-means start with ARI 1."""
    vectors = np.random.default_rng(0).normal(size=(300, 512))
    _, summary = c.cluster(
        [str(i) for i in range(300)], vectors, np.ones(300, bool), ks=(4,), n_init=3, n_seeds=2
    )
    row = summary.iloc[0]
    assert row["gmm_covariance"] == "diag" and row["gmm_parameters"] < 300
    assert row["ari_kmeans_gmm"] < 0.2 and row["stability"] < 0.5 and abs(row["silhouette"]) < 0.05


def test_size_of_the_mixture():
    # 7 components, full: 7 + 28 = 35 parameters a Gaussian; two galaxies each need 70 galaxies a cluster
    assert c.mixture_size(898, 5, 512, 7) == ("full", 7, 5 * 35 + 4)
    assert c.mixture_size(349, 5, 512, 7) == ("diag", 7, 5 * 14 + 4)
    assert c.mixture_size(300, 4, 299, 200) == (
        "diag",
        18,
        4 * 36 + 3,
    )  # 75 galaxies carry 18 components of 2 parameters
    assert c.mixture_size(6, 3, 5, 4) == ("diag", 1, 3 * 2 + 2)


def test_projected_galaxies_do_not_move_the_fitted_ones():
    vectors, _ = planted(3, n=20)
    names = [str(i) for i in range(60)]
    fit = np.arange(60) % 3 != 0
    alone, _ = c.cluster(
        [n for n, f in zip(names, fit, strict=True) if f],
        vectors[fit],
        np.ones(fit.sum(), bool),
        ks=(3,),
        n_seeds=2,
    )
    both, _ = c.cluster(names, vectors, fit, ks=(3,), n_seeds=2)
    assert np.array_equal(both["kmeans_3"][fit], alone["kmeans_3"]) and np.array_equal(
        both["gmm_3"][fit], alone["gmm_3"]
    )
    assert (
        c.match_labels(np.repeat(np.arange(3), 20), both["kmeans_3"])[1] == 1
    )  # the projected ones land in their groups


def test_silhouette_by_hand():
    distances = np.array([[0, 1, 4], [1, 0, 3], [4, 3, 0.0]])
    # first: (4 - 1) / 4; second: (3 - 1) / 3; a cluster of one: 0
    assert c._silhouette(distances, np.array([0, 0, 1])) == pytest.approx((0.75 + 2 / 3) / 3)
    assert np.isnan(c._silhouette(distances, np.zeros(3, int)))


def test_step_gives_equal_bytes_twice(tmp_path):
    vectors, _ = planted(3, n=12)
    names = embedding_table(tmp_path / "e.parquet", vectors, ["train"] * 30 + ["embed"] * 6)["galaxy"]
    galaxies = pd.DataFrame({"galaxy": names, "pointing": names, "log_mass": 10.0, "log_sfr": np.repeat([-2.0, -1.1, 0], 12)})
    write_table(galaxies, tmp_path / "g.parquet")
    written = []
    for name in "ab":
        paths = tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv", tmp_path / f"{name}v.csv"
        step.main(["--embedding", str(tmp_path / "e.parquet"), "--out", str(paths[0]), "--summary", str(paths[1]),
                   "--galaxies", str(tmp_path / "g.parquet"), "--valley", str(paths[2]), "--settings", '{"k": [2, 3], "n_init": 3, "n_seeds": 2, "seed": 4}'])  # fmt: skip
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    labels, summary = read_table(tmp_path / "a.parquet"), read_table(tmp_path / "a.csv")
    assert list(labels.columns) == ["galaxy", "kmeans_2", "gmm_2", "kmeans_3", "gmm_3"] and len(labels) == 36
    assert labels.notna().all().all() and summary["n"].tolist() == [30, 30]
    valley = read_table(tmp_path / "av.csv").set_index("clusters")
    assert valley.loc["kmeans_3", ["completeness", "purity", "f1", "n_valley"]].tolist() == [1, 1, 1, 12]
    assert valley.loc["kmeans_2", "purity"] == 0.5 and valley.loc["kmeans_3", "p_permutation"] == 0.001
