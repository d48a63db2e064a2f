"""UMAP: clipping, determinism, one transform."""

import warnings

import numpy as np
import pytest

from cubespace.errors import CubespaceError
from cubespace.space.projection import umap_projection
from cubespace.steps import umap as step
from cubespace.tables import read_table
from fake_embeddings import embedding_table


def names(n):
    return [f"G{i:03d}" for i in range(n)]


def test_c17_three_galaxies_are_too_few():
    with pytest.raises(CubespaceError, match="at least 4 galaxies to fit, found 3"):
        umap_projection(names(3), np.eye(3), np.ones(3, bool))


@pytest.mark.parametrize(("n", "used"), [(4, 3), (8, 7), (20, 15)])
def test_c17_neighbours_are_cut_to_the_galaxies_there_are(n, used):
    vectors = np.random.default_rng(n).normal(size=(n, 16))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # no truncation behind our back
        found = umap_projection(names(n), vectors, np.ones(n, bool), n_neighbors=15)
    assert (
        found.n_neighbors == used
        and found.coordinates.shape == (n, 2)
        and np.isfinite(found.coordinates).all()
    )


def test_c18_c19_planted_groups_stay_apart_and_projection_leaves_the_fit_alone(tmp_path, capsys):
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 2
    vectors = np.eye(8)[truth] + 0.05 * rng.normal(size=(60, 8))
    fit = np.arange(60) < 40
    found = umap_projection(names(60), vectors, fit, n_neighbors=10, seed=3)
    fitted_alone = umap_projection(names(40), vectors[:40], np.ones(40, bool), n_neighbors=10, seed=3)
    assert np.array_equal(found.coordinates[:40], fitted_alone.coordinates)
    centre = np.array([found.coordinates[:40][truth[:40] == kind].mean(axis=0) for kind in (0, 1)])
    nearer = np.linalg.norm(found.coordinates[:, None] - centre, axis=2).argmin(axis=1)
    assert np.array_equal(nearer, truth)

    embedding_table(tmp_path / "e.parquet", vectors, ["train"] * 40 + ["validation"] * 10 + ["embed"] * 10)
    for out in "ab":
        step.main(["--embedding", str(tmp_path / "e.parquet"), "--out", str(tmp_path / f"{out}.parquet"),
                   "--settings", '{"n_neighbors": 50, "seed": 3}'])  # fmt: skip
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    table = read_table(tmp_path / "a.parquet")
    assert (
        list(table.columns) == ["galaxy", "role", "umap_1", "umap_2"]
        and table.attrs["meta"]["n_neighbors"] == "39"
    )
    assert "n_neighbors 39 (asked: 50" in capsys.readouterr().out


def test_projected_galaxies_lie_as_near_to_their_neighbours_as_fitted_ones():
    """One population, a quarter of it projected: not at its rim, where UMAP's own transform has them (twice as far)."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 12)) + np.r_[9.0, np.zeros(11)]
    fit = np.arange(200) % 4 > 0
    plane = umap_projection(names(200), vectors, fit, seed=3).coordinates
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    apart = 1 - unit @ unit[fit].T
    apart[np.flatnonzero(fit), np.arange(fit.sum())] = np.inf
    near = plane[fit][np.argsort(apart, axis=1)[:, :5]].mean(axis=1)
    off = np.linalg.norm(plane - near, axis=1)
    assert 0.7 < np.median(off[~fit]) / np.median(off[fit]) < 1.5


def test_zero_vector_is_named():
    vectors = np.eye(6)
    vectors[4] = 0
    with pytest.raises(CubespaceError, match="G004"):
        umap_projection(names(6), vectors, np.ones(6, bool))
