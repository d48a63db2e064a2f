"""Moments of bright spectra: exact merging, what is selected, and verdicts."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_cubes
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected, CubespaceError
from cubespace.files import write_npz
from cubespace.spectra.moments import Moments, fill_gaps, galaxy_moments, merge, moments, read_moments
from cubespace.steps import moments as step


def agree(a, b, tolerance=1e-10):
    assert a.count == b.count
    assert np.abs(a.mean - b.mean).max() <= tolerance * np.abs(b.mean).max()
    assert np.abs(a.scatter - b.scatter).max() <= tolerance * np.abs(b.scatter).max()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 40), min_size=1, max_size=8), st.floats(0, 1e4))
def test_merging_in_any_order_and_grouping(seed, sizes, offset):
    rng = np.random.default_rng(seed)
    parts = [rng.normal(offset, 1, (n, 7)) for n in sizes]
    whole = np.concatenate(parts)
    direct = Moments.empty(7)
    if len(whole):
        centred = whole - whole.mean(axis=0)
        direct = Moments(len(whole), whole.mean(axis=0), centred.T @ centred)
    pieces = [moments(p) for p in parts]
    rng.shuffle(pieces)
    while len(pieces) > 1:  # a random tree
        i = rng.integers(len(pieces) - 1)
        pieces[i : i + 2] = [merge(pieces[i], pieces[i + 1])]
    agree(pieces[0], direct)


def test_float32_input_far_from_zero():
    """Mean 1e4, sigma 1: E[x^2] - E[x]^2 in float32 gives nonsense; here 1.00, whole or in four parts."""
    data = np.random.default_rng(1).normal(1e4, 1, (100_000, 5)).astype(np.float32)
    whole = moments(data)
    assert np.diag(whole.scatter) / whole.count == pytest.approx(np.ones(5), abs=0.02)
    parts = Moments.empty(5)
    for part in np.array_split(data, 4):
        parts = merge(parts, moments(part))
    agree(parts, whole, 1e-6)  # products of float32 spectra are made in float32, sums in float64
    assert np.allclose(whole.scatter / (whole.count - 1), np.cov(data.astype(float).T), rtol=1e-6, atol=1e-6)
    double = moments(data.astype(float))
    assert np.allclose(double.scatter / (double.count - 1), np.cov(data.astype(float).T), rtol=1e-9, atol=1e-12)


def test_gaps_are_filled_linearly_or_refused():
    x = np.arange(20.0)
    values, bad = np.stack([2 * x + 1] * 6), np.zeros((6, 20), bool)
    bad[1, 5:8] = True  # filled
    bad[2, 5:9] = True  # too long
    bad[3, 0] = True  # no neighbour on the left
    bad[4, [3, 6, 9, 12]] = True  # too many in all
    bad[5, [3, 4, 8]] = True
    values[bad] = -99
    filled, usable = fill_gaps(values, bad, max_gap=3, max_bad_fraction=0.16)
    assert usable.tolist() == [True, True, False, False, False, True]
    assert np.allclose(filled[usable], 2 * x + 1)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_cubes.base_file(tmp_path_factory.mktemp("base") / "NGC0001.V500.drscube.fits.gz")


def test_bright_spectra_of_the_base_cube(base):
    cube = read_cube(base)
    found = galaxy_moments(cube, make_cubes.Z, sample=5)
    y, x = np.indices((12, 12))
    expected = (110 * np.exp(-np.hypot(y - 5.5, x - 5.5) / 2.3) > 30).sum()  # planted S/N at 5700 A
    assert found["count"] == found["n_snr"] == pytest.approx(expected, abs=4) and found["count"] > 20
    assert found["n_spaxels"] == 144 and found["n_gap"] == found["n_norm"] == 0
    assert found["mean"].shape == (1533,) and found["scatter"].shape == (1533, 1533)
    assert found["mean"].dtype == found["scatter"].dtype == np.float64
    line, continuum = (
        found["mean"][abs(found["wavelength"] - 6562.8) < 3].max(),
        np.median(found["mean"][-30:]),
    )
    assert line > 3 * continuum  # H alpha is where it belongs
    assert found["sample"].shape == (5, 1533) and (found["sample_snr"] > 30).all()
    noise = (
        found["sample_sigma"] * found["sample_snr"][:, None]
    )  # 1 per sample, less what interpolation averages out
    assert 0.7 < np.median(noise) < 1.0


def test_bad_errors_never_enter_through_an_infinite_snr(tmp_path):
    flux, sigma = make_cubes.base()
    clean = galaxy_moments(
        read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma))), make_cubes.Z
    )
    sigma = sigma.copy()
    sigma[:, 0, 0], sigma[:, 0, 11], sigma[:, 11, 0] = 0, np.inf, 1e20
    found = galaxy_moments(
        read_cube(make_cubes.write(tmp_path / "b.fits", make_cubes.hdus(flux, sigma))), make_cubes.Z
    )
    assert found["count"] == clean["count"] and np.array_equal(found["scatter"], clean["scatter"])


def test_nan_spectrum_is_left_out_and_nan_sample_filled(tmp_path):
    flux, sigma = make_cubes.base()
    clean = galaxy_moments(
        read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma))), make_cubes.Z
    )
    flux = flux.copy()
    flux[:, 5, 5] = np.nan
    flux[1000, 6, 6] = np.nan
    found = galaxy_moments(
        read_cube(make_cubes.write(tmp_path / "b.fits", make_cubes.hdus(flux, sigma))), make_cubes.Z
    )
    assert found["count"] == clean["count"] - 1
    assert all(np.isfinite(found[key]).all() for key in ("mean", "scatter", "sample", "sample_sigma"))


def test_long_gaps_and_cosmic_rays(tmp_path):
    flux, sigma = make_cubes.base()
    badpix = np.zeros(flux.shape, np.uint8)
    badpix[300:320, 5, 5] = 1
    flux[[400, 900], 6, 6] = 1e6
    found = galaxy_moments(
        read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma, badpix=badpix))),
        make_cubes.Z,
    )
    assert found["n_gap"] == 1 and found["count"] == found["n_snr"] - 1
    assert found["scatter"].max() < 100 * found["count"]


def test_stars_are_not_used_but_a_nucleus_is(tmp_path):
    flux, sigma = make_cubes.base()
    plain = galaxy_moments(read_cube(make_cubes.base_file(tmp_path / "b.fits")), make_cubes.Z, snr_min=20)
    for place, lost in ((slice(8, 10), 4), (slice(5, 7), 0)):  # beside the centre, and on it
        gaia = np.zeros((12, 12))
        gaia[5:7, place] = 1
        cube = read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma, gaia=gaia)))
        found = galaxy_moments(cube, make_cubes.Z, snr_min=20, spare_nucleus_arcsec=0.4)
        assert found["n_spaxels"] == 144 - lost and found["n_snr"] == plain["n_snr"] - lost
        assert found["star_fraction"] == lost / 144


@pytest.mark.parametrize(
    ("options", "code"),
    [({"min_spaxels": 1000}, "too_few_spaxels"), ({"canvas": (11, 30)}, "canvas_too_small")],
)
def test_rejections(base, options, code):
    with pytest.raises(CubeRejected, match=code):
        galaxy_moments(read_cube(base), make_cubes.Z, **options)


def test_a_cube_whose_flags_are_turned_round_is_rejected_with_the_share_of_them(tmp_path):
    flux, sigma = make_cubes.base()
    for name, units in {"flags": make_cubes.hdus(flux, sigma, badpix=np.ones(flux.shape, np.uint8)), "errors": make_cubes.hdus(flux, -sigma)}.items():
        cube = read_cube(make_cubes.write(tmp_path / f"{name}.fits", units))
        with pytest.raises(CubeRejected, match=r"too_few_spaxels: 0 spaxels .* 100\.0 % of the samples are flagged"):
            galaxy_moments(cube, make_cubes.Z)


def run_step(cube, redshift, out, **settings):
    step.main(
        [
            "--cube",
            str(cube),
            "--redshift",
            str(redshift),
            "--galaxy",
            "NGC 1",
            "--out",
            str(out),
            "--settings",
            json.dumps(settings),
        ]
    )
    return read_moments(out)


def test_step_accepts_and_repeats_to_the_byte(base, tmp_path):
    found = run_step(base, make_cubes.Z, tmp_path / "a.npz", snr_min=20)
    run_step(base, make_cubes.Z, tmp_path / "b.npz", snr_min=20)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert (found["verdict"], found["reason"], found["galaxy"]) == ("accepted", "", "NGC 1")
    assert found["count"] > 10 and found["redshift"] == make_cubes.Z and len(found["config_digest"]) == 16


@pytest.mark.parametrize(
    ("redshift", "reason"),
    [("null", "redshift_missing"), ("-9", "redshift_missing"), ("4521", "redshift_implausible")],
)
def test_step_rejects_a_redshift_without_reading(tmp_path, redshift, reason):
    found = run_step("no such file", redshift, tmp_path / "a.npz")
    assert (found["verdict"], found["reason"], int(found["count"])) == ("rejected", reason, 0)
    assert found["scatter"].shape == (1533, 1533) and not found["scatter"].any()


def test_step_rejects_or_stops_on_a_broken_file(base, tmp_path):
    broken = tmp_path / "c.fits.gz"
    broken.write_bytes(base.read_bytes()[:5000])
    found = run_step(broken, 0.015, tmp_path / "a.npz")
    assert found["reason"] == "truncated" and "5000 bytes on disk" in found["detail"]
    with pytest.raises(CubespaceError, match=r"NGC 1.*truncated"):
        run_step(broken, 0.015, tmp_path / "b.npz", on_bad_cube="stop")
    assert not (tmp_path / "b.npz").exists()


def test_damaged_moments_are_named(tmp_path):
    write_npz(tmp_path / "a.npz", count=1)
    with pytest.raises(CubespaceError, match=r"a\.npz.*mean"):
        read_moments(tmp_path / "a.npz", ("count", "mean"))
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:60])
    with pytest.raises(CubespaceError, match=r"b\.npz"):
        read_moments(tmp_path / "b.npz")
    with pytest.raises(CubespaceError, match=r"c\.npz: no such file"):
        read_moments(tmp_path / "c.npz")
