"""Kinds of fault that people met with in masks, S/N, NaN, gaps and principal components; each test named after its case."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

import make_cubes
from cubespace.cubes import foreground, masks, restframe
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected, CubespaceError
from cubespace.files import write_npz
from cubespace.spectra.basis import fit_basis, principal_components
from cubespace.spectra.canvas import placement, survey_field
from cubespace.spectra.moments import Pool, galaxy_moments, merge, moments
from cubespace.spectra.project import galaxy_maps

Z = make_cubes.Z
OPTIONS = {"snr_min": 20, "spare_nucleus_arcsec": 0}


def cube_of(tmp_path, flux, sigma, **planes):
    return read_cube(make_cubes.write(tmp_path / "NGC0001.fits", make_cubes.hdus(flux, sigma, **planes)))


@pytest.mark.parametrize("wrong", [0, np.inf, np.nan, 1e20, -1.0, 1e-30])
def test_a13_an_impossible_error_gives_no_signal_to_noise(tmp_path, wrong):
    """An error of 0, inf, nan, 1e20, or absurdly small on an outskirts spaxel: it can't enter the sample by its S/N."""
    flux, sigma = make_cubes.base()
    clean = galaxy_moments(cube_of(tmp_path, flux, sigma), Z, **OPTIONS)
    sigma = sigma.copy()
    sigma[:, 0, 0] = wrong
    cube = cube_of(tmp_path, flux, sigma)
    _, snr, _, _ = survey_field(cube, Z, (5600, 5800), 0.5, (), 0)
    assert np.isfinite(snr).all()
    found = galaxy_moments(cube, Z, **OPTIONS)
    assert found["count"] == clean["count"] and np.array_equal(found["scatter"], clean["scatter"])


def test_a30_the_rest_frame_is_bluer_and_signal_to_noise_is_that_of_the_data(tmp_path):
    """A line at 6661.24 A, z = 0.015, lands at 6562.80; luminosity carries (1 + z); S/N stays as observed."""
    flux, sigma = make_cubes.base()
    cube = cube_of(tmp_path, flux, sigma)
    grid = restframe.wavelength_grid()
    spectra = restframe.rest_spectra(cube, Z, np.array([5 * 12 + 5]), grid)
    near = (grid > 6550) & (grid < 6576)
    line = spectra.values[0, near] - 1
    assert (line * grid[near]).sum() / line.sum() == pytest.approx(6562.8, abs=0.6)
    inside = (cube.wavelength / (1 + Z) >= 5600) & (cube.wavelength / (1 + Z) <= 5800)
    expected = np.median(flux[inside, 5, 5] / sigma[inside, 5, 5])
    assert restframe.window_snr(cube, Z)[0][5, 5] == pytest.approx(expected, rel=1e-6)
    assert restframe.luminosity(1.0, 10.0, 0.015) / restframe.luminosity(1.0, 10.0, 0.0) == pytest.approx(1.015)


def test_a34_a_star_by_its_sky_position_is_masked_there_and_nowhere_else(tmp_path):
    flux, sigma = make_cubes.base(ny=12, nx=8)
    cube = cube_of(tmp_path, flux, sigma)
    ra, dec = cube.sky.to_sky(2, 9)
    star = foreground.star_circles(cube, np.array([ra]), np.array([dec]), np.array([19.0]))
    y, x = np.argwhere(star).mean(axis=0)
    assert star[9, 2] and star.shape == (12, 8) and abs(y - 8) < 1.2 and abs(x - 3) < 1.3  # cut off at two edges
    assert not star[2, 6] and not star[3].any()


def test_a36_resampling_spreads_neither_bad_samples_nor_zeros():
    """[3, 5, 13] with [2.5, 4.5, 8.5] on [2, 6, 10]: 2 is not covered; interpolated 5.0 and 7.0; constants stay."""
    axis, flux = np.array([3.0, 5.0, 13.0]), np.array([[2.5], [4.5], [8.5]], np.float32)
    none = np.zeros((3, 1), bool)
    out, lost = restframe.resample(flux, none, axis, 0.0, np.array([2.0, 6.0, 10.0]))
    assert lost[:, 0].tolist() == [True, False, False] and out[:, 0].tolist() == [0.0, 5.0, 7.0]
    out, lost = restframe.resample(np.ones((3, 1), np.float32), none, axis, 0.0, np.array([3.0, 4.0, 12.9, 13.0]))
    assert out[:, 0].tolist() == [1, 1, 1, 1] and not lost.any()


def test_a37_what_is_not_covered_is_a_gap_never_zeros(tmp_path):
    """A galaxy whose cube ends in the window is rejected; one that lacks the blue end has no zeros in its moments."""
    axis = make_cubes.axis()
    short = axis[axis <= 5700]
    flux, sigma = make_cubes.base(wavelength=short)
    with pytest.raises(CubeRejected, match="window_not_covered"):
        galaxy_moments(cube_of(tmp_path, flux, sigma), Z)
    flux, sigma = make_cubes.base(redshift=0.0)
    found = galaxy_moments(cube_of(tmp_path, flux, sigma), 0.0, **OPTIONS)
    assert found["gap"][:5].all() and (found["mean"] > 0.3).all()


def test_a38_a_map_of_another_size_is_placed_and_a_larger_one_rejected():
    for ny, nx in ((12, 12), (11, 13)):
        dy, dx = placement(np.ones((ny, nx), bool), (5, 6), (16, 16))
        assert (5 + dy, 6 + dx) == (8, 8) or (dy + ny == 16 or dx + nx == 16)  # the centre, unless that cuts
    with pytest.raises(CubeRejected, match=r"canvas_too_small.*40 x 40.*16 x 16"):
        placement(np.ones((40, 40), bool), (20, 20), (16, 16))


def test_a39_a_star_on_the_nucleus_is_the_nucleus(tmp_path):
    """One true star at the edge, one entry on the nucleus, one outside the field, one without coordinates."""
    flux, sigma = make_cubes.base(ny=24, nx=24)
    cube = cube_of(tmp_path, flux, sigma)
    ra, dec = cube.sky.to_sky(np.array([3.0, 11.9, 300.0, np.nan]), np.array([20.0, 11.2, 5.0, 5.0]))
    cube.star |= foreground.star_circles(cube, ra, dec, np.full(4, 19.0))
    assert cube.star[20, 3] and cube.star[11, 12]
    survey_field(cube, Z, (5600, 5800), 0.5, (), 1.5)
    assert cube.star[20, 3] and not cube.star[11, 12] and "freed" in " ".join(cube.notes)
    cube.star[:] = True
    with pytest.raises(CubeRejected, match="too_many_stars"):
        galaxy_moments(cube, Z, spare_nucleus_arcsec=0)


def test_c02_nan_spectra_are_counted_and_left_out_single_nans_filled(tmp_path):
    flux, sigma = make_cubes.base()
    clean = galaxy_moments(cube_of(tmp_path, flux, sigma), Z, **OPTIONS)
    flux = flux.copy()
    flux[:, 5, 5], flux[1000, 6, 6] = np.nan, np.nan
    flux[900:960, 6, 5] = np.nan
    found = galaxy_moments(cube_of(tmp_path, flux, sigma), Z, **OPTIONS)
    assert found["n_snr"] == clean["n_snr"] - 1 and found["n_gap"] == 1 and found["count"] == clean["count"] - 2
    assert all(np.isfinite(found[name]).all() for name in ("mean", "scatter", "sample", "sample_sigma"))


def bright(n, seed=0, p=50, rank=12, noise=0.01):
    rng = np.random.default_rng(seed)
    rows = np.linalg.qr(np.random.default_rng(9).normal(size=(p, rank)))[0].T
    return 1 + rng.normal(size=(n, rank)) * 0.7 ** np.arange(rank) @ rows + rng.normal(0, noise, (n, p))


def test_c03_too_few_spectra_say_how_many_are_needed():
    with pytest.raises(CubespaceError, match=r"29 components need at least 30 spectra .*found 20"):
        principal_components(moments(bright(20)), 29)
    components, _ = principal_components(moments(bright(200)), 10)
    assert components.shape == (10, 50)


def test_c04_no_variance_is_an_error_and_constant_columns_poison_nothing():
    with pytest.raises(CubespaceError, match="zero variance"):
        principal_components(moments(np.ones((60, 50))), 5)
    data = bright(300)
    data[:, 7:17] = 1.0
    components, values = principal_components(moments(data), 8)
    assert np.isfinite(components).all() and np.isfinite(values).all() and np.abs(components[:, 7:17]).max() < 1e-9


def test_c05_signs_do_not_depend_on_order_grouping_or_library():
    data = bright(600)
    first, _ = principal_components(moments(data), 8)
    pool = Pool(50)
    for part in np.array_split(data[np.random.default_rng(1).permutation(600)], 7):
        pool.take(part)
    second, _ = principal_components(pool.moments(), 8)
    assert np.abs(first - second).max() < 1e-7
    theirs = PCA(8, svd_solver="full").fit(data).components_
    theirs *= np.sign(theirs[np.arange(8), np.abs(theirs).argmax(axis=1)])[:, None]
    assert np.abs(first - theirs).max() < 1e-7


def test_c06_float32_data_far_from_zero_keep_their_variance():
    data = np.random.default_rng(1).normal(1e4, 1, (100_000, 5)).astype(np.float32)
    pool, total = Pool(5), moments(data[:0])
    for part in np.array_split(data, 4):
        pool.take(part)
        total = merge(total, moments(part))
    for found in (pool.moments(), total, moments(data)):
        assert np.diag(found.scatter) / found.count == pytest.approx(np.ones(5), abs=0.02)
        assert found.scatter == pytest.approx(moments(data.astype(float)).scatter, rel=1e-4, abs=1e-4 * len(data))


def test_c08_a_norm_that_is_zero_negative_or_unknown_masks_the_spaxel(tmp_path):
    """Window median 0, -0.01, all bad, and a cosmic ray of 1e6 in the window: masked or repaired, never inf or flipped."""
    flux, sigma = make_cubes.base()
    axis = make_cubes.axis() / (1 + Z)
    window = (axis >= 5590) & (axis <= 5810)
    badpix = np.zeros(flux.shape, np.uint8)
    flux = flux.copy()
    flux[window, 0, 0], flux[window, 0, 1] = 0.0, -0.01
    badpix[window, 0, 2] = 1
    flux[np.nonzero(window)[0][40], 5, 6] = 1e6
    cube = cube_of(tmp_path, flux, sigma, badpix=badpix)
    spectra = restframe.rest_spectra(cube, Z, np.array([0, 1, 2, 5 * 12 + 6]), restframe.wavelength_grid())
    assert spectra.ok.tolist() == [False, False, False, True] and np.isfinite(spectra.values).all()
    assert np.abs(spectra.values).max() < 10 and (spectra.values[3][~spectra.bad[3]] > 0).mean() > 0.99
    found = galaxy_moments(cube, Z, **OPTIONS)
    write_npz(tmp_path / "a.npz", **found, verdict="accepted", reason="", detail="")
    basis = fit_basis({"a": tmp_path / "a.npz"}, n_components=4, curve_components=5)
    maps = galaxy_maps(cube, Z, 60.0, basis, canvas=(12, 12), snr_map=0, spare_nucleus_arcsec=0)
    assert (maps.mask[0, :3] > 0).all() and maps.mask[5, 6] == 0 and np.isfinite(maps.values).all()


def test_sky_windows_given_twice_or_empty_do_no_harm():
    axis = make_cubes.axis()
    once, twice = masks.in_windows(axis, [(5569, 5585)]), masks.in_windows(axis, [(5569, 5585), (5569, 5585)])
    assert np.array_equal(once, twice) and not masks.in_windows(axis, []).any()
