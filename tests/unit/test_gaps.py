"""Samples that a galaxy has not observed: sky lines and the ends of the grid, in the basis and in the maps."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

import make_cubes
from cubespace.cubes import masks, restframe
from cubespace.cubes.readers import read_cube
from cubespace.files import write_npz
from cubespace.spectra.basis import bridge, fit_basis, leading_eigenvectors
from cubespace.spectra.moments import Pool, fill_gaps, galaxy_moments, moments
from cubespace.spectra.project import SKY, UNSEEN, galaxy_maps

P, K, NOISE = 240, 4, 0.02
GRID = restframe.wavelength_grid()


def planted(seed, n):
    """Spectra in K directions, two of them with narrow lines as galaxies have, and white noise."""
    rng = np.random.default_rng(99)
    rows = gaussian_filter1d(rng.normal(size=(K, P)), 15, axis=1) * 6
    for row, centre in ((1, 60), (2, 100), (2, 150), (3, 152)):
        rows[row] += 2 * np.exp(-0.5 * ((np.arange(P) - centre) / 1.6) ** 2)
    rng = np.random.default_rng(seed)
    mean = 1 + 0.5 * np.exp(-0.5 * ((np.arange(P) - 100) / 2) ** 2)
    return mean + rng.normal(size=(n, K)) @ rows + rng.normal(0, NOISE, (n, P))


def store(path, x, gap, interpolate=True):
    bad = np.broadcast_to(gap, x.shape)
    filled = fill_gaps(np.where(bad, 1e6, x), bad, 10, 0.1, gap)[0] if interpolate else x.astype(np.float32)
    part = moments(filled)
    write_npz(
        path, count=np.int64(part.count), mean=part.mean, scatter=part.scatter, wavelength=np.arange(P, dtype=float), gap=gap,
        sample=filled[:5], sample_sigma=np.full((min(5, len(x)), P), NOISE, np.float32), verdict="accepted", reason="", detail="",
    )  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """30 galaxies whose gap wanders over the lines as redshift moves a sky line; and the same without gaps."""
    folder = tmp_path_factory.mktemp("gaps")
    paths = {"gaps": {}, "whole": {}}
    for i in range(30):
        x, gap = planted(i, 40), np.zeros(P, bool)
        gap[30 + 5 * i : 40 + 5 * i] = True
        gap[:i % 3] = True
        for kind in paths:
            paths[kind][f"G{i}"] = folder / f"{kind}{i}.npz"
            store(paths[kind][f"G{i}"], x, gap if kind == "gaps" else np.zeros(P, bool))
    return paths


def angle(a, b):
    """Sine of the largest angle between two subspaces."""
    return np.sqrt(1 - np.linalg.svd(a @ b.T, compute_uv=False).min() ** 2)


def test_gaps_filled_from_the_basis_beat_interpolation(release):
    whole = fit_basis(release["whole"], n_components=K)
    plain = fit_basis(release["gaps"], n_components=K, gap_passes=0)
    bridged = fit_basis(release["gaps"], n_components=K)
    assert bridged.header["NGAP"] == 30 and whole.header["NGAP"] == 0
    assert angle(bridged.components, whole.components) < 0.1 * angle(plain.components, whole.components)
    assert angle(bridged.components, whole.components) < 0.01
    assert np.abs(bridged.mean - whole.mean).max() < 0.1 * np.abs(plain.mean - whole.mean).max()


def test_stated_bias_the_noise_of_a_gap_is_not_put_back(release):
    """Variance beside the components falls short by the share of galaxies with the gap, at that sample, and no more."""
    whole, bridged = (fit_basis(release[kind], n_components=K, curve_components=K) for kind in ("whole", "gaps"))
    left = [basis.eigenvalues[K:].sum() for basis in (whole, bridged)]
    missing = np.mean([np.load(path)["gap"].mean() for path in release["gaps"].values()])
    assert left[1] / left[0] == pytest.approx(1 - missing, abs=0.005)


def test_more_passes_change_little(release):
    three, nine = (fit_basis(release["gaps"], n_components=K, gap_passes=n) for n in (3, 9))
    assert angle(three.components, nine.components) < 2e-3


def test_without_gaps_nothing_is_repeated(release):
    once, often = (fit_basis(release["whole"], n_components=K, gap_passes=n) for n in (0, 3))
    assert np.array_equal(once.components, often.components)


def test_bridging_moments_is_bridging_spectra():
    x = planted(3, 50)
    gap = np.zeros(P, bool)
    gap[[0, 1, 70, 71, 72, 100]] = True
    whole = moments(planted(5, 4000))
    values, components = leading_eigenvectors(whole.scatter / 3999, K)
    holed = x.copy()
    holed[:, gap] = -77  # what is in the gap must not matter
    part, fill = bridge(moments(holed), gap, whole.mean, components, values)
    direct = moments(fill(holed))
    assert np.allclose(part.mean, direct.mean, atol=1e-10) and np.allclose(part.scatter, direct.scatter, atol=1e-8)
    assert np.array_equal(fill(holed)[:, ~gap], x[:, ~gap])
    assert np.abs(fill(holed) - x)[:, gap].max() < 6 * NOISE  # noise of the sample and of its estimate


def test_leading_eigenvectors_are_those_of_numpy():
    x = planted(1, 500)
    scatter = moments(x).scatter
    values, vectors = leading_eigenvectors(scatter, 7)
    expected, all_vectors = np.linalg.eigh(scatter)
    assert np.allclose(values, expected[::-1], atol=1e-10 * expected[-1])
    assert np.allclose(np.abs((vectors * all_vectors[:, ::-1].T[:7]).sum(axis=1)), 1, atol=1e-10)
    assert np.allclose(vectors @ vectors.T, np.eye(7), atol=1e-12)


def test_streaming_in_float32_gives_the_components_of_a_float64_pca():
    x = planted(8, 6000).astype(np.float32)
    pool = Pool(P)
    for block in np.array_split(x, 60):
        pool.take(block)
    _, ours = leading_eigenvectors(pool.moments().scatter, K)
    centred = x.astype(float) - x.mean(axis=0, dtype=float)
    true = np.linalg.eigh(centred.T @ centred)[1][:, ::-1].T[:K]
    assert np.abs(ours * np.sign((ours * true).sum(axis=1))[:, None] - true).max() < 1e-5


def test_common_gaps_are_filled_and_not_counted():
    x = np.arange(30.0)
    values, bad, common = np.stack([2 * x + 1] * 4), np.zeros((4, 30), bool), np.zeros(30, bool)
    common[[0, 1, 10, 11, 12, 13, 28, 29]] = True
    bad |= common
    bad[1, 14:16] = True  # beside the common gap: a run of two of its own
    bad[2, 20:24] = True  # too long
    bad[3, 2] = True  # beside the common gap at the end: still has no good neighbour on that side, but one of the gap's
    values[bad] = -99
    filled, usable = fill_gaps(values, bad, max_gap=3, max_bad_fraction=0.1, common=common)
    assert usable.tolist() == [True, True, False, True]
    inner = np.r_[3:28]
    assert np.allclose(filled[[0, 1, 3]][:, inner], (2 * x + 1)[inner])
    assert filled[0, :2].tolist() == [5, 5] and filled[0, 28:].tolist() == [55, 55]  # the nearest good sample


def test_sky_windows_in_the_rest_frame():
    """Axis 3749, 3751 ...; a window 5569-5585 holds 5569 .. 5585, and every grid sample made of one of these is lost."""
    axis = make_cubes.axis()
    sky = masks.in_windows(axis, [(5569, 5585)])
    assert axis[sky].tolist() == [5569, 5571, 5573, 5575, 5577, 5579, 5581, 5583, 5585]
    gap = restframe.common_gap(axis, 0.0, GRID, sky)
    assert np.isin(GRID[gap], np.r_[3739.0:3749:2, 5569.0:5586:2]).all() and gap.sum() == 5 + 9
    z = 0.01
    gap = restframe.common_gap(axis, z, GRID, sky)
    observed = GRID * (1 + z)
    assert np.array_equal(gap, (observed > 5567) & (observed < 5587))


def spoilt(tmp_path, redshift, line=0.0):
    """A cube with a residual of `line` x the continuum on [OI] 5577, the same in all spaxels."""
    flux, sigma = make_cubes.base(redshift=redshift)
    away = np.abs(make_cubes.axis() - 5577.3)
    flux *= 1 + np.where(away < 8, line * np.exp(-0.5 * (away / 2.6) ** 2), 0).astype(np.float32)[:, None, None]
    return read_cube(make_cubes.write(tmp_path / f"{redshift}{line}.fits", make_cubes.hdus(flux, sigma)))


def test_a_sky_residual_reaches_neither_moments_nor_maps(tmp_path):
    z = 0.015
    clean, dirty = (galaxy_moments(spoilt(tmp_path, z, line), z, snr_min=20) for line in (0, 3.0))
    assert clean["count"] == dirty["count"] == clean["n_snr"] and clean["gap"].sum() > 40
    assert np.array_equal(clean["scatter"], dirty["scatter"])
    open_window = galaxy_moments(spoilt(tmp_path, z, 3.0), z, snr_min=20, sky_windows=())
    near = np.abs(GRID - 5577.3 / (1 + z)) < 4
    assert open_window["mean"][near].max() > 3 and dirty["mean"][near].max() < 1.2
    paths = {}
    for i, redshift in enumerate((0.008, 0.012, 0.02)):
        paths[str(i)] = tmp_path / f"{i}.npz"
        found = galaxy_moments(spoilt(tmp_path, redshift), redshift, snr_min=20)
        write_npz(paths[str(i)], **found, verdict="accepted", reason="", detail="")
    basis = fit_basis(paths, n_components=5, curve_components=6)
    pair = [galaxy_maps(spoilt(tmp_path, z, line), z, 60.0, basis, canvas=(20, 20)) for line in (0, 3.0)]
    assert np.array_equal(pair[0].values, pair[1].values) and (pair[0].mask == 0).sum() > 60
    assert (pair[1].nucleus["bad"] == SKY).sum() == found_gap(z)


def found_gap(z):
    sky = masks.in_windows(make_cubes.axis(), restframe.SKY_WINDOWS)
    return restframe.common_gap(make_cubes.axis(), z, GRID, sky).sum()


def test_the_blue_end_of_the_nearest_galaxies_is_a_gap_not_a_rejection(tmp_path):
    """At z < 0.0027 the grid begins before the cube does: the galaxy is used, its spectra too."""
    z = 0.0006
    cube = spoilt(tmp_path, z)
    found = galaxy_moments(cube, z, snr_min=20)
    lost = int(((GRID * (1 + z)) < 3749).sum())
    assert lost == 4 and found["gap"][:lost].all() and not found["gap"][lost]
    assert found["count"] == found["n_snr"] > 30 and np.isfinite(found["scatter"]).all()
    write_npz(tmp_path / "a.npz", **found, verdict="accepted", reason="", detail="")
    basis = fit_basis({"a": tmp_path / "a.npz"}, n_components=4, curve_components=5)
    maps = galaxy_maps(cube, z, 3.0, basis, canvas=(20, 20))
    assert (maps.mask == 0).sum() > 60 and (maps.nucleus["bad"][:lost] == UNSEEN).all()


def test_a_galaxy_with_too_much_of_the_grid_missing_stays_out_of_the_basis_but_has_maps(tmp_path):
    axis = make_cubes.axis()
    keep = (axis >= 4200)  # 12 % of the grid is blue of that
    flux, sigma = make_cubes.base(redshift=0.01, wavelength=axis[keep])
    cards = {"CTYPE3": "AWAV", "CUNIT3": "Angstrom", "CRVAL3": axis[keep][0], "CRPIX3": 1.0, "CD3_3": 2.0}
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma, head=make_cubes.header(cards))))
    found = galaxy_moments(cube, 0.01, snr_min=20)
    assert found["count"] == 0 and found["n_gap"] == found["n_snr"] > 0
    assert found["sample"].shape == (0, 1533)
