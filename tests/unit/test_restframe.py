"""Rest frame, S/N, norm and luminosity, against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_cubes
from cubespace.cubes import quality, restframe
from cubespace.cubes.cube import Cube
from cubespace.errors import CubeRejected

GRID = restframe.wavelength_grid()


def cube_of(flux, sigma, bad=None, wavelength=None):
    flux, sigma = np.asarray(flux, np.float32), np.asarray(sigma, np.float32)
    ones = np.ones(flux.shape[1:], bool)
    return Cube(
        flux, sigma, np.zeros(flux.shape, bool) if bad is None else bad, ~ones, ones,
        make_cubes.axis() if wavelength is None else wavelength, 0.5, "test",
    )  # fmt: skip


def test_grid():
    assert GRID.size == 1533 and GRID[0] == 3739 and GRID[-1] == 6803


def test_line_at_6661_24_lands_at_6562_80():
    axis = make_cubes.axis()
    line = np.exp(-0.5 * ((axis - 6661.24) / 4) ** 2)[:, None].astype(np.float32)
    fine = restframe.wavelength_grid(6540, 6586, 0.5)
    flux, bad = restframe.resample(line, np.zeros(line.shape, bool), axis, 0.015, fine)
    assert not bad.any()
    assert (flux[:, 0] * fine).sum() / flux.sum() == pytest.approx(6562.80, abs=0.02)


def test_interpolation_by_hand():
    """Grid 4000, 4002, 4004 at z = 0.00025 is observed at 4001.0, 4003.0005, 4005.001."""
    axis = np.array([4000.0, 4002.0, 4004.0, 4006.0])
    flux = np.array([[1.0], [3.0], [7.0], [5.0]], np.float32)
    bad = np.zeros((4, 1), bool)
    out, lost = restframe.resample(flux, bad, axis, 0.00025, np.array([4000.0, 4002.0, 4004.0]))
    assert out[:, 0] == pytest.approx([2.0, 3 + 4 * 0.50025, 7 - 2 * 0.5005], rel=1e-6) and not lost.any()
    bad[1] = True
    out, lost = restframe.resample(flux, bad, axis, 0.00025, np.array([4000.0, 4002.0, 4004.0]))
    assert lost[:, 0].tolist() == [True, True, False] and out[:2, 0].tolist() == [0, 0]


def test_coinciding_samples_ignore_their_neighbours_and_nan_does_not_leak():
    axis = make_cubes.axis()
    flux = np.arange(1877, dtype=np.float32)[:, None].copy()
    bad = np.zeros((1877, 1), bool)
    flux[500], bad[500] = np.nan, True
    out, lost = restframe.resample(flux, bad, axis, 0.0, axis)
    assert np.nonzero(lost)[0].tolist() == [500] and np.isfinite(out).all()
    assert np.array_equal(np.delete(out, 500), np.delete(flux, 500))


def test_blue_end_is_a_gap_for_the_nearest_galaxies():
    """z = 0.001: the axis begins at 3749 / 1.001 = 3745.25, so 3739 .. 3745 are not observed."""
    _, bad = restframe.resample(
        np.ones((1877, 1), np.float32), np.zeros((1877, 1), bool), make_cubes.axis(), 0.001, GRID
    )
    assert np.nonzero(bad)[0].tolist() == [0, 1, 2, 3]
    _, bad = restframe.resample(
        np.ones((1877, 1), np.float32), np.zeros((1877, 1), bool), make_cubes.axis(), 0.0027, GRID
    )
    assert not bad.any()


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 0.1), st.floats(-3, 3), st.floats(-1, 1))
def test_straight_lines_are_resampled_exactly(z, a, b):
    axis = make_cubes.axis()
    flux = (a + b * (axis - 5000) / 1000).astype(np.float32)[:, None]
    out, bad = restframe.resample(flux, np.zeros(flux.shape, bool), axis, z, GRID)
    expected = a + b * (GRID * (1 + z) - 5000) / 1000
    good = ~bad[:, 0]
    assert good.sum() > 1400 and np.allclose(out[good, 0], expected[good], atol=2e-6)


@given(
    st.lists(
        st.lists(st.tuples(st.floats(-1e6, 1e6), st.booleans()), min_size=5, max_size=5),
        min_size=1,
        max_size=6,
    )
)
def test_masked_median_is_the_median_of_the_good(rows):
    values, good = np.array([[v for v, _ in r] for r in rows]), np.array([[g for _, g in r] for r in rows])
    expected = [np.median(v[g]) if g.any() else np.nan for v, g in zip(values, good, strict=True)]
    assert restframe.masked_median(values, good) == pytest.approx(expected, nan_ok=True)


def test_snr_is_the_median_ratio_in_the_window_before_interpolation():
    flux, sigma = np.full((1877, 1, 2), 2.0), np.full((1877, 1, 2), 0.1)
    axis, z = make_cubes.axis(), 0.02
    inside = (axis / 1.02 >= 5600) & (axis / 1.02 <= 5800)
    sigma[~inside] = 1e-3  # must not count
    flux[:, 0, 1], bad = 4.0, np.zeros(flux.shape, bool)
    bad[np.nonzero(inside)[0][:60], 0, 1] = True  # more than half of the window
    snr, noise = restframe.window_snr(cube_of(flux, sigma, bad), z)
    assert snr[0, 0] == pytest.approx(20) and noise[0, 0] == pytest.approx(0.1)
    assert snr[0, 1] == 0 and np.isnan(noise[0, 1])


def test_normalisation_and_its_failures():
    """Spaxels: flat 2; window median 0; -0.01; window all bad; a cosmic ray of 1e6 in the window."""
    flux = np.full((1877, 1, 5), 2.0)
    flux[:, 0, 1], flux[:, 0, 2] = 0.0, -0.01
    flux[700:, 0, 1] += 1e-30  # not empty
    axis = make_cubes.axis()
    bad = np.zeros(flux.shape, bool)
    bad[(axis > 5650) & (axis < 5900), 0, 3] = True
    cosmic = int(np.argmin(abs(axis - 5700 * 1.015)))
    flux[cosmic, 0, 4] = 1e6
    flux[(axis > 5600) & (axis < 6000), 0, 1] = 0
    spectra = restframe.rest_spectra(cube_of(flux, np.ones_like(flux), bad), 0.015, np.arange(5), GRID)
    assert spectra.ok.tolist() == [True, False, False, False, True]
    assert spectra.norm[[0, 4]] == pytest.approx([2, 2]) and np.isnan(spectra.norm[1:4]).all()
    assert np.isfinite(spectra.values).all() and spectra.bad[1:4].all()
    assert np.allclose(spectra.values[[0, 4]][~spectra.bad[[0, 4]]], 1)
    assert 1 <= spectra.bad[4].sum() <= 2 and not spectra.bad[0].any()  # the cosmic ray is a gap


def test_flux_density_is_not_multiplied_by_one_plus_z():
    flux = np.ones((1877, 1, 1))
    spectra = restframe.rest_spectra(cube_of(flux, flux), 0.015, np.arange(1), GRID)
    assert spectra.norm[0] == pytest.approx(1.0)


def test_luminosity_by_hand():
    """1e-16 erg/s/cm2/A at 100 Mpc: 4 pi (3.0856776e26 cm)^2 = 1.19649518e54 cm2, over 3.828e33 erg/s."""
    assert restframe.luminosity(1.0, 100.0, 0.0) == pytest.approx(1.19649518e54 * 1e-16 / 3.828e33, rel=1e-6)
    assert restframe.luminosity(3.0, 200.0, 0.02) == pytest.approx(
        12 * 1.02 * restframe.luminosity(1.0, 100.0, 0.0)
    )


def test_angular_scale_by_hand():
    """At d_L = 103.02 Mpc and z = 0.01, d_A = 100.99 Mpc, and one arcsec is 100.99 Mpc / 206264.806."""
    assert restframe.kpc_per_arcsec(103.02, 0.01) == pytest.approx(103.02e3 / 1.0201 / 206264.806)


def test_errors_of_interpolated_samples():
    axis = np.array([4000.0, 4002.0, 4004.0])
    sigma = np.array([3.0, 4.0, 1.0]).reshape(3, 1, 1)
    out = restframe.rest_sigma(
        cube_of(sigma, sigma, wavelength=axis), 0.0, np.arange(1), np.array([4001.0, 4002.0, 4010.0])
    )
    assert out[0, :2] == pytest.approx([2.5, 4.0]) and np.isnan(out[0, 2])


def test_coverage():
    axis = make_cubes.axis()
    quality.check_coverage(axis, 0.08, GRID, restframe.WINDOW, 0.7)
    with pytest.raises(CubeRejected, match="window_not_covered") as caught:
        quality.check_coverage(axis[axis < 5500], 0.0, GRID, restframe.WINDOW, 0.7)
    assert "5499.0" in caught.value.detail and "5800" in caught.value.detail
    with pytest.raises(CubeRejected, match="grid_not_covered"):
        quality.check_coverage(axis[axis > 5000], 0.0, GRID, restframe.WINDOW, 0.7)
