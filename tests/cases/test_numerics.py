"""Faults of numerics and statistics as real use brings them, one test a kind: loss, training, clusters, KS, WHAN.

UMAP's (C17, C18, C19) are in tests/unit/test_projection.py: it takes half a minute to compile, once is enough."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

import fake_maps
from cubespace.errors import CubespaceError
from cubespace.network import training
from cubespace.network.data import GalaxyMaps
from cubespace.network.embedding import embed
from cubespace.network.loss import chance_level, nt_xent
from cubespace.network.presets import pair_from_settings
from cubespace.network.training import train
from cubespace.populations import emission
from cubespace.populations.ks import format_p, ks_2sample
from cubespace.properties import canonical_values
from cubespace.space.clusters import cluster, gaussian_mixture, mixture_size, ordered, spherical_kmeans

QUICK = {
    "epochs": 3,
    "steps_per_epoch": 1,
    "precision": "float32",
    "validation_realisations": 1,
    "require_learning": False,
}
PAIR = pair_from_settings({"second": {"resize": [1, 2], "shift": 1}})


@pytest.fixture(scope="module")
def data():
    maps, space, scaling, _ = fake_maps.prepared(14, (12, 12), 3)
    return maps[np.arange(9)], maps[np.arange(9, 14)], space, scaling


def names(n):
    return np.array([f"G{i:03d}" for i in range(n)])


def test_c10_the_loss_is_float32_under_mixed_precision():
    torch.manual_seed(0)
    z = torch.randn(2, 64, 512)
    weights = torch.eye(512).requires_grad_()
    full = nt_xent(*(v @ weights for v in z), temperature=0.05)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = nt_xent(*(v @ weights for v in z), temperature=0.05)
        assert half.dtype == torch.float32 and torch.equal(
            nt_xent(*z, temperature=0.05), nt_xent(*z, temperature=0.05)
        )
    assert torch.isfinite(half) and half.item() == pytest.approx(full.item(), rel=1e-2)
    (gradient,) = torch.autograd.grad(half, weights)
    assert torch.isfinite(gradient).all()


def test_c10_a_loss_that_is_not_finite_stops_with_epoch_step_and_galaxies(data, monkeypatch):
    monkeypatch.setattr(training, "nt_xent", lambda first, *args, **options: first.sum() * torch.nan)
    with pytest.raises(
        CubespaceError, match=r"training loss is nan in epoch 1, step 0, batch of 9 galaxies \(FAKE0000"
    ):
        train(*data, PAIR, QUICK, log=lambda line: None)


def test_c11_a_zero_vector_and_any_length_give_the_same_finite_loss():
    torch.manual_seed(1)
    first, second = torch.randn(8, 16), torch.randn(8, 16)
    torch.testing.assert_close(nt_xent(first, second), nt_xent(first * 1000, second * 1e-3))
    first[3] = 0
    first.requires_grad_()
    loss = nt_xent(first, second)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(first.grad).all()


def test_c14_no_batch_of_one_and_a_lone_galaxy_is_itself(data):
    """9 galaxies in batches of 4: parts of 3, never one left over. Alone or with 8 others, a galaxy has the same vector."""
    sizes = [len(training.batch_indices(9, 4, seed=0, step=step)) for step in range(9)]
    assert sizes == [3] * 9
    result = train(*data, PAIR, {**QUICK, "epochs": 1, "batch": 4}, log=lambda line: None)
    maps, _, space, scaling = data
    together, _ = embed(result.network, maps, space, scaling, PAIR, realisations=3)
    alone, _ = embed(result.network, maps[np.array([4])], space, scaling, PAIR, realisations=3)
    np.testing.assert_allclose(alone[0], together[4], atol=1e-6)


def test_c15_the_chance_level_is_said_and_a_network_that_learns_nothing_is_refused(data):
    """Identical maps for all galaxies leave nothing to learn: the loss stays at ln(2N - 1), and that is an error."""
    assert chance_level(range(4)) == pytest.approx(1.94591, abs=1e-5) and chance_level(
        range(772)
    ) == pytest.approx(7.34148, abs=1e-5)
    values, mask, limit, _ = fake_maps.survey(1, (12, 12), 3)
    same = [
        GalaxyMaps.from_arrays(
            values.repeat(n, 0),
            mask.repeat(n, 0),
            limit.repeat(n),
            np.full(n, 2.0),
            [f"G{i}" for i in range(n)],
        )
        for n in (9, 9)
    ]
    lines = []
    with pytest.raises(CubespaceError, match=r"training learned nothing|training collapsed"):
        train(
            *same,
            *data[2:],
            PAIR,
            {**QUICK, "require_learning": True, "validation_realisations": 4},
            log=lines.append,
        )
    assert f"(chance {math.log(2 * 9 - 1):.4f})" in lines[1]


def test_c16_a_validation_loss_of_nan_is_never_the_best(data, monkeypatch):
    true, seen = training.validate, []

    def validate(*args, **options):
        seen.append(true(*args, **options))
        return seen[-1] | ({"loss": math.nan} if len(seen) == 2 else {})

    monkeypatch.setattr(training, "validate", validate)
    result = train(*data, PAIR, {**QUICK, "epochs": 3}, log=lambda line: None)
    assert result.best_epoch != 2 and math.isfinite(result.best_loss)
    with pytest.raises(
        CubespaceError, match="validation set: expected accepted galaxies of two pointings or more, found 0"
    ):
        train(data[0], None, *data[2:], PAIR, QUICK, log=lambda line: None)


def test_c21_fewer_distinct_points_than_clusters():
    distinct = np.random.default_rng(2).standard_normal((3, 8))
    with pytest.raises(CubespaceError, match="only 3 distinct embeddings for k=5"):
        spherical_kmeans(np.repeat(distinct, 4, axis=0), 5)
    assert set(spherical_kmeans(np.repeat(distinct, 4, axis=0), 3)[0].labels) == {0, 1, 2}


def blobs(n, k, d=8, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.standard_normal((d, d)))[0][:k]
    truth = np.repeat(np.arange(k), n // k)
    return centres[truth] + 0.1 * rng.standard_normal((len(truth), d)), truth


def test_c22_spherical_kmeans_sees_directions_only_and_names_a_zero_vector():
    vectors, truth = blobs(60, 2)
    one = spherical_kmeans(vectors, 2, rng=0)[0].labels
    other = spherical_kmeans(vectors * np.random.default_rng(1).uniform(0.1, 10, (60, 1)), 2, rng=0)[0].labels
    np.testing.assert_array_equal(one, other)
    assert abs(np.corrcoef(one, truth)[0, 1]) == pytest.approx(1.0)
    np.testing.assert_allclose(np.linalg.norm(spherical_kmeans(vectors, 2)[0].centroids, axis=1), 1.0)
    vectors[17] = 0
    with pytest.raises(CubespaceError, match="G017"):
        spherical_kmeans(vectors, 2, galaxies=names(60))


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_c23_labels_have_one_order_whatever_the_seed(k):
    vectors, _ = blobs(60, k)
    axis = vectors @ np.linalg.svd(vectors - vectors.mean(axis=0))[2][0]
    found = [ordered(spherical_kmeans(vectors, k, rng=seed)[0].labels, axis)[0] for seed in range(5)]
    assert all((labels == found[0]).mean() >= 0.99 for labels in found)


def test_c24_a_mixture_is_no_larger_than_its_galaxies_can_carry():
    kind, m, parameters = mixture_size(300, 4, available=512, wanted=200)
    assert kind == "diag" and m <= 300 / 4 / 4 and parameters < 300
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((300, 512))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels, summary = cluster(
        names(300), vectors, np.ones(300, bool), ks=(4,), n_init=4, n_seeds=3, n_bootstrap=5
    )
    assert summary["ari_kmeans_gmm"][0] < 0.5  # no structure: no agreement to report
    assert len(labels) == 300
    scores, _ = np.linalg.qr(rng.standard_normal((300, 40)))
    assert gaussian_mixture(scores, np.full(40, 1 / 40), 4, np.ones(300, bool)).covariance == "diag"


@pytest.mark.parametrize(
    ("first", "second", "p"), [([0], [1], 1.0), ([0], [1, 2], 2 / 3), ([1, 2], [3, 4, 5, 6], 2 / 15)]
)
def test_c25_exact_ks_for_tiny_samples(first, second, p):
    assert ks_2sample(np.array(first, float), np.array(second, float)).p_value == pytest.approx(p)


def test_c27_p_values_are_never_zero_and_ties_are_counted():
    far = ks_2sample(np.arange(600.0), np.arange(600.0) + 1e4)
    assert format_p(far.p_value) == "< 1e-15" and far.method == "exact"
    rng = np.random.default_rng(4)
    same = ks_2sample(rng.normal(size=1000), rng.normal(size=701))
    assert 0 < same.p_value <= 1 and same.n_tied == 0
    tied = ks_2sample(np.repeat([1.0, 2.0], 50), np.repeat([1.0, 2.0, 3.0], 30))
    assert tied.n_tied == 190 and 0 < tied.p_value <= 1


def test_c29_what_is_no_line_is_undetermined_never_passive():
    """Negative, zero and missing lines give no ratio; boundaries belong to the upper side; EW positive in emission."""
    ratio, _, _, _ = canonical_values(
        pd.Series([-1.0, 0.0, np.nan, 0.5, 1.0, 2.0]),
        "log_nii_ha_cen",
        {"column": "r", "convert": "log10"},
        "",
        "t",
    )
    assert ratio.isna().tolist() == [True, True, True, False, False, False]
    assert emission.whan([1.0, 1.0, np.nan], [ratio[0], ratio[1], -0.5]).tolist() == ["undetermined"] * 3
    ew, _, _, _ = canonical_values(
        pd.Series([-3.0, -6.0, 2.0, -0.5]),
        "log_ew_ha_cen",
        {"column": "e", "convert": "log10_negative"},
        "",
        "t",
    )
    assert 10 ** ew[0] == pytest.approx(3.0) and np.isnan(ew[2])
    edge = [(3.0, 0.0, "wAGN"), (2.999, 0.0, "retired"), (6.0, 0.0, "sAGN"), (5.999, 0.0, "wAGN"), (10.0, -0.4, "sAGN"), (10.0, -0.4001, "SF"),
            (0.5, -1.0, "retired"), (0.499, -1.0, "passive")]  # fmt: skip
    for width, nii, expected in edge:
        assert emission.whan(np.log10(width), nii) == expected, (width, nii)
    uncertain = pd.DataFrame(
        {
            "log_ew_ha": [1.0],
            "log_ew_ha_cen": [1.0],
            "log_nii_ha_cen": [-0.5],
            "log_oiii_hb_cen": [0.1],
            "e_log_oiii_hb_cen": [0.9],
        }
    )
    assert emission.classify(uncertain)["nuclear_class"][0] == "undetermined"  # Hb at S/N 0.5
