"""The basis against scikit-learn's full PCA, its guards, and the reconstruction curve against planted truth."""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from sklearn.decomposition import PCA

from cubespace.errors import CubespaceError
from cubespace.files import provenance, write_npz
from cubespace.spectra.basis import (
    SIGN_RULE,
    apply_sign_rule,
    fit_basis,
    principal_components,
    read_basis,
    reconstruction_curve,
    write_basis,
)
from cubespace.spectra.moments import Moments, merge, moments, rejected_moments
from cubespace.steps import basis as step

P = 60


def spectra(n, seed=0, rank=12, noise=0.01):
    """Correlated spectra around 1, eigenvalues well apart."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(np.random.default_rng(99).normal(size=(P, rank)))[0].T
    return 1 + rng.normal(size=(n, rank)) * 0.6 ** np.arange(rank) @ directions + rng.normal(0, noise, (n, P))


def test_equals_scikit_learn_on_the_concatenated_sample():
    parts = [spectra(n, seed) for seed, n in enumerate((40, 3, 0, 120, 77))]
    total = Moments.empty(P)
    for part in parts:
        total = merge(total, moments(part))
    components, eigenvalues = principal_components(total, 10)
    reference = PCA(10, svd_solver="full").fit(np.concatenate(parts))
    assert np.allclose(eigenvalues[:10], reference.explained_variance_, rtol=1e-10)
    assert eigenvalues.sum() == pytest.approx(np.concatenate(parts).var(axis=0, ddof=1).sum())
    assert np.allclose(components.T @ components, reference.components_.T @ reference.components_, atol=1e-8)
    assert np.allclose(np.abs((components * reference.components_).sum(axis=1)), 1, atol=1e-8)
    assert np.allclose(total.mean, reference.mean_) and np.allclose(
        components @ components.T, np.eye(10), atol=1e-12
    )


def test_sign_rule_and_independence_of_row_order():
    data = spectra(300)
    first, _ = principal_components(moments(data), 10)
    second, _ = principal_components(moments(data[np.random.default_rng(5).permutation(300)]), 10)
    assert np.abs(first - second).max() < 1e-8
    assert (first[np.arange(10), np.abs(first).argmax(axis=1)] > 0).all()
    assert apply_sign_rule(np.array([[0.6, -0.8], [0.8, 0.6]])).tolist() == [[-0.6, 0.8], [0.8, 0.6]]


def test_too_few_spectra_are_named():
    with pytest.raises(CubespaceError, match=r"29 components need .*found 20"):
        principal_components(moments(spectra(20)), 29)


def test_no_variance_is_named():
    with pytest.raises(CubespaceError, match="zero variance"):
        principal_components(moments(np.tile(spectra(1), (50, 1))), 5)
    with pytest.raises(CubespaceError, match="only 3 directions"):
        principal_components(moments(spectra(50, rank=3, noise=0)), 5)


def test_constant_columns_do_no_harm():
    data = spectra(200)
    data[:, 20:30] = 1.0
    components, eigenvalues = principal_components(moments(data), 8)
    rest, expected = principal_components(moments(np.delete(data, range(20, 30), axis=1)), 8)
    assert np.allclose(eigenvalues[:8], expected[:8]) and np.abs(components[:, 20:30]).max() < 1e-9
    assert np.allclose(np.delete(components, range(20, 30), axis=1), rest, atol=1e-8)


def test_curve_on_noise_free_spectra_by_hand():
    """x = 1 + 0.2 e1 + 0.1 e2 with e = unit vectors along single samples: errors are known exactly."""
    mean, components = np.ones(4), np.eye(4)[:3]
    x = np.array([[1.2, 1.1, 1.0, 1.0]])
    table = reconstruction_curve(mean, components, np.array([4.0, 1.0, 0.5, 0.0]), x, np.zeros((1, 4)), 0.03)
    assert table["n_components"].tolist() == [1, 2, 3]
    assert table["explained_variance"] == pytest.approx([4 / 5.5, 5 / 5.5, 1])
    assert table["mean_abs_median"] == pytest.approx([0.025, 0, 0], abs=1e-15)
    assert table["median_abs_median"] == pytest.approx([0, 0, 0], abs=1e-15)
    assert table["relative_l2_median"] == pytest.approx([0.1 / np.sqrt(1.44 + 1.21 + 2), 0, 0], abs=1e-15)
    assert table["relative_l2_share"].tolist() == [0, 1, 1] and table["mean_abs_share"].tolist() == [1, 1, 1]


def test_noise_correction_removes_planted_noise():
    """Noise of 1/30 alone keeps the raw L2 error above 3 %; corrected, the planted 2 % model error appears."""
    rng, n, p = np.random.default_rng(3), 400, 1500
    component = np.full((1, p), p**-0.5)
    wrong = 0.02 * np.where(np.arange(p) % 2, 1.0, -1.0)  # orthogonal to the component
    clean = 1 + rng.normal(0, 3, (n, 1)) * component + wrong
    sigma = np.full((n, p), 1 / 30)
    table = reconstruction_curve(
        np.ones(p), component, np.array([9.0, 1.0]), clean + rng.normal(0, sigma), sigma, 0.03
    )
    row = table[0]
    assert row["relative_l2_share"] == 0 and row["relative_l2_corrected_share"] > 0.99
    assert row["relative_l2_corrected_median"] == pytest.approx(0.02, rel=0.03)
    assert row["relative_l2_median"] == pytest.approx(np.hypot(0.02, 1 / 30), rel=0.03)
    quiet = reconstruction_curve(
        np.ones(p), component, np.array([9.0, 1.0]), clean - wrong + rng.normal(0, sigma), sigma
    )[0]
    assert quiet["median_abs_median"] == pytest.approx(0.6745 / 30, rel=0.02)
    assert quiet["mean_abs_median"] == pytest.approx(0.7979 / 30, rel=0.02)
    assert quiet["median_abs_corrected_median"] < 0.005 and quiet["mean_abs_corrected_median"] < 0.005


def store(path, data, verdict="accepted", wavelength=None):
    arrays = rejected_moments((0, P - 1, 1))
    if len(data):
        part = moments(data)
        arrays |= {
            "count": np.int64(part.count), "mean": part.mean, "scatter": part.scatter,
            "sample": data[:9].astype(np.float32), "sample_sigma": np.full((len(data[:9]), P), 0.01, np.float32),
        }  # fmt: skip
    if wavelength is not None:
        arrays["wavelength"] = wavelength
    write_npz(path, **arrays, verdict=verdict, reason="" if verdict == "accepted" else "truncated", detail="", fingerprint="")
    return path


def test_release_basis_and_its_file(tmp_path):
    data = [spectra(60, 1), spectra(0, 2), spectra(90, 3)]
    for name, part in zip("abc", data, strict=True):
        store(tmp_path / f"{name}.npz", part)
    store(tmp_path / "d.npz", spectra(0), "rejected")
    release = pd.DataFrame(
        {"galaxy": list("abcd"), "stem": list("abcd"), "role": ["train", "train", "validation", "train"]}
    )
    release.to_csv(tmp_path / "release.csv", index=False)
    settings = {"n_components": 6, "curve_components": 9, "window": [5600, 5800], "snr_min": 30}
    for name in ("x.fits", "y.fits"):
        step.main(
            [
                "--moments",
                str(tmp_path),
                "--release",
                str(tmp_path / "release.csv"),
                "--out",
                str(tmp_path / name),
                "--settings",
                json.dumps(settings),
            ]
        )
    assert (tmp_path / "x.fits").read_bytes() == (tmp_path / "y.fits").read_bytes()
    basis = read_basis(tmp_path / "x.fits")
    reference = PCA(6, svd_solver="full").fit(np.concatenate(data))
    assert np.allclose(
        basis.components.T @ basis.components, reference.components_.T @ reference.components_, atol=1e-8
    )
    assert basis.eigenvalues.shape == basis.wavelength.shape == (P,) and basis.components.shape == (6, P)
    assert len(basis.reconstruction) == 9 and basis.reconstruction["n_components"][-1] == 9
    head = basis.header
    assert (head["NSPEC"], head["NGAL"], head["NREJ"], head["NCURVE"], head["NCOMP"]) == (150, 2, 1, 18, 6)
    assert (head["WINLO"], head["WINHI"], head["SNRCUT"], head["SIGNRULE"]) == (5600, 5800, 30, SIGN_RULE)
    assert head["CSCONF"] == provenance(settings)["config_digest"] and len(head["CSREL"]) == 16
    with fits.open(tmp_path / "x.fits") as hdus:
        assert [h.name for h in hdus] == [
            "PRIMARY",
            "WAVELENGTH",
            "MEAN",
            "COMPONENTS",
            "EIGENVALUES",
            "RECONSTRUCTION",
        ]
        assert hdus["COMPONENTS"].header["BITPIX"] == -64


def test_faults_of_a_release_are_named(tmp_path):
    store(tmp_path / "a.npz", spectra(60))
    store(tmp_path / "b.npz", spectra(60), wavelength=np.arange(P) + 0.5)
    with pytest.raises(CubespaceError, match=r"b\.npz: wavelength grid of B"):
        fit_basis({"A": tmp_path / "a.npz", "B": tmp_path / "b.npz"}, n_components=4)
    store(tmp_path / "c.npz", spectra(0), "rejected")
    with pytest.raises(CubespaceError, match="no galaxy of the release was accepted"):
        fit_basis({"C": tmp_path / "c.npz"}, n_components=4)


def test_damaged_basis_is_refused(tmp_path):
    store(tmp_path / "a.npz", spectra(60))
    basis = fit_basis({"A": tmp_path / "a.npz"}, n_components=4)
    basis.components[1] *= 1.001
    write_basis(tmp_path / "x.fits", basis, window=(5600, 5800), snr_min=30)
    with pytest.raises(CubespaceError, match=r"x\.fits.*orthonormal"):
        read_basis(tmp_path / "x.fits")
    (tmp_path / "y.fits").write_bytes((tmp_path / "x.fits").read_bytes()[:9000])
    with pytest.raises(CubespaceError, match=r"y\.fits"):
        read_basis(tmp_path / "y.fits")
