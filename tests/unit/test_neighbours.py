"""Embeddings, cosine distances and neighbours."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cubespace.errors import CubespaceError
from cubespace.space.neighbours import (
    cosine_distances,
    fitted,
    nearest,
    neighbour_table,
    pointing_codes,
    pointings_of,
    read_embedding,
    unit_rows,
)
from cubespace.steps import neighbours as step
from cubespace.tables import read_table, write_table
from fake_embeddings import embedding_table


def test_reads_what_was_written_in_order_of_the_axes(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)
    embedding_table(tmp_path / "e.parquet", vectors, ["train", "train", "validation", "embed", "train"])
    e = read_embedding(tmp_path / "e.parquet")
    assert np.array_equal(e.vectors, vectors.astype(np.float64)) and e.vectors.dtype == np.float64
    assert e.meta["release_digest"] == "abc" and list(e.galaxies[:2]) == ["G000", "G001"]
    assert fitted(e).tolist() == [True, True, True, False, True]
    assert fitted(e, ("validation",)).sum() == 1
    with pytest.raises(CubespaceError, match="no galaxy of the embedding has role nobody"):
        fitted(e, ("nobody",))


@pytest.mark.parametrize("fault", ["twice", "nan", "no axis", "no role"])
def test_a_faulty_embedding_is_named(tmp_path, fault):
    frame = embedding_table(tmp_path / "e.parquet", np.eye(3))
    if fault == "twice":
        frame.loc[2, "galaxy"] = "G001"
    elif fault == "nan":
        frame.loc[1, "r001"] = np.nan
    elif fault == "no axis":
        frame = frame[["galaxy", "role"]]
    else:
        frame = frame.drop(columns="role")
    write_table(frame, tmp_path / "bad.parquet")
    words = {"twice": "G001", "nan": "G001", "no axis": "r000", "no role": "role"}[fault]
    with pytest.raises(CubespaceError, match=words):
        read_embedding(tmp_path / "bad.parquet")


def test_hand_worked_distances():
    d = cosine_distances(np.array([[1.0, 0], [0, 2], [3, 3], [-5, 0]]))
    half = 1 - np.sqrt(0.5)
    expected = [
        [0, 1, half, 2],
        [1, 0, half, 1],
        [half, half, 0, 1 + np.sqrt(0.5)],
        [2, 1, 1 + np.sqrt(0.5), 0],
    ]
    assert np.allclose(d, expected, atol=1e-15) and np.array_equal(d, d.T) and not np.diag(d).any()
    assert np.allclose(cosine_distances(np.eye(2), np.array([[1.0, 1.0]])), half)


def test_zero_vector_names_the_galaxy():
    with pytest.raises(CubespaceError, match="NGC7"):
        unit_rows(np.array([[1.0, 0], [0, 0]]), ["NGC1", "NGC7"])


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_distances_do_not_see_the_length_of_vectors(seed, n, d):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d))
    scaled = vectors * 10 ** rng.uniform(-200, 200, size=(n, 1))  # squares of these would over- and underflow
    assert np.allclose(cosine_distances(vectors), cosine_distances(scaled), atol=1e-12)


def test_neighbours_against_a_loop_and_never_of_the_same_pointing():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(12, 5))
    vectors[3] = vectors[2] * 4  # the two halves of a pair: distance zero
    pointings = [f"P{i}" for i in range(12)]
    pointings[3] = "P2"
    names = [f"G{i}" for i in range(12)]
    table = neighbour_table(names, vectors, pointings, k=4)
    assert len(table) == 48 and table["rank"].tolist() == [1, 2, 3, 4] * 12
    d = 1 - (vectors @ vectors.T) / np.outer(np.linalg.norm(vectors, axis=1), np.linalg.norm(vectors, axis=1))
    for i, name in enumerate(names):
        allowed = sorted((d[i, j], names[j]) for j in range(12) if pointings[j] != pointings[i])[:4]
        mine = table[table["galaxy"] == name]
        assert mine["neighbour"].tolist() == [other for _, other in allowed]
        assert np.allclose(mine["cosine_distance"], [value for value, _ in allowed])
    assert not (table[table.galaxy == "G2"].neighbour == "G3").any()


def test_k_is_cut_to_what_is_allowed_and_asking_more_is_an_error():
    vectors = np.random.default_rng(2).normal(size=(4, 3))
    assert neighbour_table(list("abcd"), vectors, ["p", "p", "q", "r"], 10)["rank"].max() == 2
    with pytest.raises(CubespaceError, match="shares its pointing with all"):
        neighbour_table(list("abcd"), vectors, ["p"] * 4, 10)
    with pytest.raises(CubespaceError, match="5 nearest neighbours asked, but only 3"):
        nearest(np.ones((4, 4)), 5, np.eye(4, dtype=bool))
    assert nearest(np.zeros((4, 4)), 2, np.eye(4, dtype=bool))[0][3].tolist() == [0, 1]  # ties by column


def test_pointing_codes_and_lookup():
    codes = pointing_codes(np.array(["a", None, "b", "a", None], dtype=object))
    assert codes[0] == codes[3] and len(set(codes)) == 4
    table = pd.DataFrame({"galaxy": ["x", "y"], "pointing": ["p", None]})
    assert pointings_of(["y", "x"], table).tolist() == [None, "p"]
    with pytest.raises(CubespaceError, match="'z' first"):
        pointings_of(["z"], table)


def test_step(tmp_path):
    vectors = np.random.default_rng(3).normal(size=(6, 4))
    names = embedding_table(tmp_path / "e.parquet", vectors)["galaxy"]
    pd.DataFrame({"galaxy": names, "pointing": ["A", "A", *"BCDE"]}).to_csv(
        tmp_path / "roster.csv", index=False
    )
    out = tmp_path / "n.parquet"
    step.main(
        [
            "--embedding",
            str(tmp_path / "e.parquet"),
            "--roster",
            str(tmp_path / "roster.csv"),
            "--out",
            str(out),
            "--settings",
            '{"k": 3}',
        ]
    )
    table = read_table(out)
    assert list(table.columns) == ["galaxy", "rank", "neighbour", "cosine_distance"] and len(table) == 18
    assert table.attrs["meta"]["release_digest"] == "abc"
    assert set(table[table.galaxy == "G000"].neighbour).isdisjoint({"G000", "G001"})
