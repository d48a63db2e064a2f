"""Projection with gaps, canvas, masks, maps files, scaling and verdicts; and real spectra on the authors' basis."""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from scipy.ndimage import gaussian_filter1d

import make_cubes
from cubespace.cubes import restframe
from cubespace.cubes.cube import Cube
from cubespace.cubes.quality import Verdict
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected, CubespaceError
from cubespace.spectra.basis import fit_basis, write_basis
from cubespace.spectra.canvas import galaxy_centre, place, placement
from cubespace.spectra.project import Maps, galaxy_maps, project, read_maps, rejected_maps, write_maps
from cubespace.spectra.scaling import Scaling, release_scaling
from cubespace.steps import maps as maps_step
from cubespace.steps import moments as moments_step
from cubespace.steps import scaling as scaling_step
from cubespace.steps import verdicts as verdicts_step
from cubespace.tables import read_table

P, K = 300, 8


def smooth_basis(p=P, k=K, seed=0):
    rows = gaussian_filter1d(np.random.default_rng(seed).normal(size=(k, p)), 6, axis=1)
    return np.linalg.qr(rows.T)[0].T


def planted(n, noise, seed=1):
    rng, components = np.random.default_rng(seed), smooth_basis()
    mean = 1 + 0.2 * np.sin(np.arange(P) / 20)
    truth = rng.normal(0, 1, (n, K))
    return mean, components, truth, mean + truth @ components + rng.normal(0, noise, (n, P))


def gaps(n, length, seed=2):
    bad = np.zeros((n, P), bool)
    for row, start in enumerate(np.random.default_rng(seed).integers(5, P - length - 5, n)):
        bad[row, start : start + length] = True
    return bad


def test_without_gaps_it_is_the_plain_projection():
    mean, components, _, x = planted(50, 0.1)
    found = project(x, np.zeros(x.shape, bool), mean, components)
    assert np.allclose(found.coefficients, (x - mean) @ components.T, atol=1e-12) and found.ok.all()
    residual = x - mean - found.coefficients @ components
    assert found.error == pytest.approx(np.median(np.abs(residual), axis=1), rel=1e-5)


def test_with_gaps_it_is_least_squares_on_the_good_samples():
    mean, components, _, x = planted(20, 0.1)
    bad = gaps(20, 25)
    bad[3] = False
    found = project(np.where(bad, 1e5, x), bad, mean, components, max_gain=1e6)
    for row in range(20):
        good = ~bad[row]
        expected = np.linalg.lstsq(components[:, good].T, (x[row] - mean)[good], rcond=None)[0]
        assert found.coefficients[row] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("kind", "tolerance"), [(np.float64, 1e-8), (np.float32, 2e-5)])
def test_gaps_of_all_of_some_and_of_one_spectrum_are_treated_alike(kind, tolerance):
    """A sky line that all lack, a run that a third lacks, cosmic rays here and there: one answer, that of least squares."""
    n = 700  # more than one part
    mean, components, _, x = planted(n, 0.1)
    rng = np.random.default_rng(5)
    bad = np.zeros((n, P), bool)
    bad[:, 140:150] = True
    bad[rng.random(n) < 0.3, 30:50] = True
    bad[rng.integers(0, n, 400), rng.integers(0, P, 400)] = True
    bad[600] = False
    found = project(np.where(bad, 7, x).astype(kind), bad, mean, components, max_gain=1e6)
    expected = [np.linalg.lstsq(components[:, g].T, (s - mean)[g], rcond=None)[0] for g, s in zip(~bad, x, strict=True)]
    assert found.ok.all() and np.abs(found.coefficients - expected).max() < tolerance
    error = [np.median(np.abs(s - mean - a @ components)[g]) for g, s, a in zip(~bad, x, expected, strict=True)]
    assert found.error == pytest.approx(np.array(error), abs=tolerance)


def test_gappy_projection_beats_interpolation():
    mean, components, truth, x = planted(200, 0.02)
    bad = gaps(200, 30)
    found = project(x, bad, mean, components)
    ok = found.ok
    filled = np.array(
        [np.interp(np.arange(P), np.nonzero(~b)[0], s[~b]) for s, b in zip(x, bad, strict=True)]
    )
    error = np.abs(found.coefficients - truth)[ok].mean()
    assert ok.mean() > 0.9 and error < 0.3 * np.abs((filled - mean) @ components.T - truth)[ok].mean()
    assert error < 3 * 0.02  # close to the noise itself


def test_noise_stays_white_and_of_its_size():
    """White noise of sigma s gives white noise of sigma s on orthonormal coefficients."""
    mean, components, truth, x = planted(4000, 0.1)
    error = project(x, np.zeros(x.shape, bool), mean, components).coefficients - truth
    assert error.std(axis=0) == pytest.approx(np.full(K, 0.1), rel=0.05)
    assert np.abs(np.corrcoef(error.T) - np.eye(K)).max() < 0.06


def test_too_few_samples_or_undetermined_coefficients_are_not_ok():
    components = np.eye(P)[[10, 50, 90]]  # each component lives on one sample
    bad = np.zeros((3, P), bool)
    bad[0, 50], bad[1, 100:220] = True, True
    found = project(np.ones((3, P)), bad, np.zeros(P), components, min_good_fraction=0.7)
    assert found.ok.tolist() == [False, False, True] and np.isfinite(found.coefficients).all()
    assert found.coefficients[2].tolist() == [1, 1, 1] and not found.coefficients[:2].any()


def test_centre_and_placement():
    y, x = np.indices((30, 34))
    image = np.exp(-np.hypot(y - 17.3, x - 12.6) / 3)
    image += 5 * np.exp(-(np.hypot(y - 2, x - 31) ** 2))  # a brighter companion at the edge
    cy, cx = galaxy_centre(image, np.ones((30, 34), bool), 1.0)
    assert (cy, cx) == pytest.approx((17.3, 12.6), abs=0.15)
    field = np.ones((30, 34), bool)
    assert placement(field, (17.3, 12.6), (50, 60)) == (25 - 17, 30 - 13)
    assert placement(field, (29.0, 12.6), (40, 60)) == (0, 30 - 13)  # the least shift that keeps all
    field[:20] = False
    assert placement(field, (25, 17), (12, 34)) == (6 - 25, 0)  # empty rows fall off
    assert placement(field, (20, 17), (12, 34)) == (11 - 29, 0)
    with pytest.raises(CubeRejected, match=r"canvas_too_small.*10 x 34.*9 x 34"):
        placement(field, (25, 17), (9, 34))


def test_place():
    image = np.arange(6).reshape(2, 3)
    assert place(image, (1, 0), (4, 3), -1).tolist() == [[-1] * 3, [0, 1, 2], [3, 4, 5], [-1] * 3]
    assert place(image, (-1, 1), (2, 3), 9).tolist() == [[9, 3, 4], [9, 9, 9]]


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Moments, basis and release of three small galaxies, one of them broken."""
    folder = tmp_path_factory.mktemp("survey")
    names = ["NGC0001", "NGC0002", "NGC0003"]
    settings = {"snr_min": 20, "min_spaxels": 10}
    (folder / "moments").mkdir()
    for seed, name in enumerate(names):
        path = make_cubes.base_file(
            folder / f"{name}.fits", ny=12, nx=13 - seed, seed=seed + 5, redshift=0.01 + seed / 200
        )
        if seed == 2:
            path.write_bytes(path.read_bytes()[:-100000])
        moments_step.main([
            "--cube", str(path), "--redshift", str(0.01 + seed / 200), "--galaxy", name, "--settings", json.dumps(settings),
            "--out", str(folder / "moments" / f"{name}.npz"),
        ])  # fmt: skip
    basis = fit_basis({n: folder / "moments" / f"{n}.npz" for n in names}, n_components=6, curve_components=8)
    write_basis(folder / "basis.fits", basis, window=(5600, 5800), snr_min=20, cards=[("CSREL", "abc", "")])
    release = pd.DataFrame({"galaxy": names, "stem": names, "role": "train"})
    release.to_csv(folder / "release.csv", index=False)
    return folder, names, basis


def test_maps_of_a_planted_cube(survey, tmp_path):
    _, _, basis = survey
    flux, sigma = make_cubes.base(ny=12, nx=13, redshift=0.01, centre=(7, 4))
    gaia, flat, badpix = np.zeros((12, 13)), np.ones((12, 13), np.float32), np.zeros(flux.shape, np.uint8)
    gaia[9, 2], flat[:, 12] = 1, 0
    badpix[200:1200, 5, 5] = 1  # more than 30 %
    badpix[300:320, 8, 5] = 1
    flux[:, 6, 7] *= 1 + 2 * np.sin(make_cubes.axis() / 40)  # no spectrum of a galaxy
    flux[700, 7, 6] = 1e6  # a cosmic ray
    cube = read_cube(
        make_cubes.write(
            tmp_path / "a.fits", make_cubes.hdus(flux, sigma, badpix=badpix, flat=flat, gaia=gaia)
        )
    )
    maps = galaxy_maps(cube, 0.01, 43.2, basis, canvas=(20, 24), snr_map=5)
    dy, dx = 10 - 7, 12 - 4
    assert (
        maps.values.shape == (7, 20, 24) and maps.values.dtype == np.float32 and maps.mask.dtype == np.uint8
    )
    assert (maps.header["OFFSETY"][0], maps.header["OFFSETX"][0]) == (dy, dx)
    inside = np.zeros((20, 24), bool)
    inside[dy : dy + 12, dx : dx + 13] = True
    assert np.array_equal(maps.mask == 128, ~inside)
    assert maps.mask[9 + dy, 2 + dx] == 2 and (maps.mask[dy : dy + 12, dx + 12] == 1).all()
    assert maps.mask[5 + dy, 5 + dx] == 8 and maps.mask[6 + dy, 7 + dx] == 16
    assert (
        maps.mask[8 + dy, 5 + dx] == 0 and maps.mask[7 + dy, 6 + dx] == 0
    )  # gaps of 20 samples and of one are bridged
    low = (maps.mask & 4) > 0
    assert low.any() and (maps.snr[low] < 5).all() and (maps.snr[maps.mask == 0] >= 5).all()
    assert (maps.values[:, maps.mask != 0] == 0).all() and (maps.error_rate[maps.mask != 0] == 0).all()
    # luminosity: planted level exp(-r / 2.3) * 110 * 0.05, times the median of the planted shape in the window
    y, x = 8, 4
    rest = make_cubes.axis() / 1.01
    shape = make_cubes.spectrum(make_cubes.axis(), 0.01, slope=0.3 * np.sin(x + 0.3 * y) - 0.04)
    level = 0.05 * 110 * np.exp(-1 / 2.3) * np.median(shape[(rest > 5600) & (rest < 5800)])
    expected = np.log10(level * 1e-16 * 4 * np.pi * (43.2 * 3.0856776e24) ** 2 * 1.01 / 3.828e33)
    assert maps.values[0, y + dy, x + dx] == pytest.approx(expected, abs=0.01)
    limit = np.log10(0.05 * 1e-16 * 4 * np.pi * (43.2 * 3.0856776e24) ** 2 * 1.01 / 3.828e33)
    assert maps.header["LLIMIT"][0] == pytest.approx(limit, abs=1e-4)
    assert maps.header["KPCPIX"][0] == pytest.approx(0.5 * 43.2e3 / 1.0201 / 206264.806)
    angular = galaxy_maps(cube, 0.01, 43.2, basis, canvas=(20, 24), snr_map=5, distance_kind="angular")
    good = angular.mask == 0
    assert np.allclose(angular.values[0][good] - maps.values[0][good], -4 * np.log10(1.01), atol=1e-5)
    assert angular.header["LLIMIT"][0] == pytest.approx(limit - 4 * np.log10(1.01), abs=1e-4)
    # coefficients rebuild the planted spectrum
    rebuilt = basis.mean + maps.values[1:, y + dy, x + dx].astype(float) @ basis.components
    clean = np.interp(
        basis.wavelength * 1.01,
        make_cubes.axis(),
        make_cubes.spectrum(
            make_cubes.axis(),
            0.01,
            slope=0.3 * np.sin(x + 0.3 * y) - 0.04,
            lines=0.2 + ((3 * x + 5 * y) % 7) / 5,
        ),
    )
    clean /= np.median(clean[(basis.wavelength > 5600) & (basis.wavelength < 5800)])
    assert np.median(np.abs(rebuilt - clean)) < 0.02


def test_maps_are_not_transposed(tmp_path, survey):
    _, _, basis = survey
    flux, sigma = make_cubes.base(ny=12, nx=8, redshift=0.01)
    gaia = np.zeros((12, 8))
    gaia[9, 2] = 1
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma, gaia=gaia)))
    maps = galaxy_maps(cube, 0.01, 43.2, basis, canvas=(12, 8), snr_map=1)
    assert np.argwhere(maps.mask & 2).tolist() == [[9, 2]]
    good = maps.mask == 0
    level = np.median(flux[1000:1060], axis=0)
    assert np.corrcoef(maps.values[0][good], np.log10(level[good]))[0, 1] > 0.99


def test_maps_file_round_trip_and_repeat(survey, tmp_path):
    folder, names, _ = survey
    settings = json.dumps({"canvas": [16, 18], "min_spaxels": 10})
    (tmp_path / "maps").mkdir()
    for i, name in enumerate(names):
        for out in (tmp_path / "maps" / f"{name}.fits", tmp_path / f"again_{name}.fits"):
            maps_step.main([
                "--cube", str(folder / f"{name}.fits"), "--redshift", str(0.01 + i / 200), "--distance", "50", "--galaxy", name,
                "--basis", str(folder / "basis.fits"), "--moments", str(folder / "moments" / f"{name}.npz"),
                "--settings", settings, "--out", str(out),
            ])  # fmt: skip
        assert (tmp_path / "maps" / f"{name}.fits").read_bytes() == (
            tmp_path / f"again_{name}.fits"
        ).read_bytes()
    maps = read_maps(tmp_path / "maps" / "NGC0001.fits")
    assert maps.values.shape == (7, 16, 18) and maps.values.dtype == np.float32 and maps.values.dtype.isnative
    assert (
        maps.verdict == "accepted"
        and maps.header["CSREL"] == "abc"
        and (maps.mask == 0).sum() == maps.header["NGOOD"]
    )
    with fits.open(tmp_path / "maps" / "NGC0001.fits") as hdus:
        assert [h.name for h in hdus] == ["PRIMARY", "MASK", "SNR", "ERROR_RATE", "NUCLEUS"]
        assert hdus["MASK"].data.dtype == np.uint8 and hdus["MASK"].header["BIT2"].startswith(
            "foreground star"
        )
    broken = read_maps(tmp_path / "maps" / "NGC0003.fits")
    assert (broken.verdict, broken.reason) == ("rejected", "truncated") and broken.values is None
    assert "NGC0003.fits" in broken.detail and "found" in broken.detail  # a long sentence survives whole

    roster = pd.read_csv(folder / "release.csv")
    scaling_step.main([
        "--maps", str(tmp_path / "maps"), "--release", str(folder / "release.csv"), "--basis", str(folder / "basis.fits"),
        "--out", str(tmp_path / "scaling.csv"),
    ])  # fmt: skip
    table = read_table(tmp_path / "scaling.csv")
    stack = np.concatenate(
        [m.values[:, m.mask == 0] for m in (read_maps(tmp_path / "maps" / f"{n}.fits") for n in names[:2])],
        axis=1,
    )
    assert table["name"].tolist()[:2] == ["log_luminosity", "pca_01"] and (table["n"] == stack.shape[1]).all()
    assert table["mean"].to_numpy(float) == pytest.approx(stack.mean(axis=1, dtype=float), rel=1e-6, abs=1e-9)
    assert table["sigma"].to_numpy(float) == pytest.approx(stack.astype(float).std(axis=1), rel=1e-6)

    verdicts_step.main([
        "--roster", str(folder / "release.csv"), "--moments", str(folder / "moments"), "--maps", str(tmp_path / "maps"),
        "--out", str(tmp_path / "verdicts.csv"),
    ])  # fmt: skip
    verdicts = pd.read_csv(tmp_path / "verdicts.csv", comment="#")
    assert verdicts.columns.tolist()[:5] == ["galaxy", "stage", "verdict", "reason", "detail"]
    assert verdicts["galaxy"].tolist() == roster["galaxy"].tolist()
    assert verdicts["verdict"].tolist() == ["accepted", "accepted", "rejected"]
    assert verdicts["stage"].tolist() == ["maps", "maps", "moments"] and verdicts["reason"][2] == "truncated"
    assert verdicts["reason"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"canvas": (11, 30)}, "canvas_too_small"),
        ({"distance": None}, "distance_missing"),
        ({"redshift": None}, "redshift_missing"),
        ({"snr_map": 1e4}, "too_few_spaxels"),
    ],
)
def test_maps_rejections(survey, options, code):
    folder, _, basis = survey
    cube = read_cube(folder / "NGC0001.fits")
    with pytest.raises(CubeRejected, match=code):
        galaxy_maps(
            cube, **{"redshift": 0.01, "distance": 50.0, "basis": basis, "canvas": (20, 20), **options}
        )


def test_rejected_and_odd_text_in_headers(tmp_path):
    write_maps(
        tmp_path / "a.fits",
        rejected_maps(Verdict("rejected", "truncated", "a \n caf\u00e9 " + "x" * 200)),
        "NGC 1",
    )
    maps = read_maps(tmp_path / "a.fits")
    assert (
        maps.detail == "a \\n caf\\xe9 " + "x" * 200 and maps.values is None and "REDSHIFT" not in maps.header
    )


def test_damaged_maps_are_named(tmp_path):
    fits.PrimaryHDU(np.zeros((3, 4, 4), np.float32)).writeto(tmp_path / "a.fits")
    with pytest.raises(CubespaceError, match=r"a\.fits.*VERDICT"):
        read_maps(tmp_path / "a.fits")
    with pytest.raises(CubespaceError, match=r"b\.fits: no such file"):
        read_maps(tmp_path / "b.fits")


@pytest.mark.parametrize("card", ["VERDICT", "LLIMIT", "CRPIX1"])
def test_maps_with_a_card_that_is_no_card_are_named(tmp_path, card):
    """astropy's own error for it names no file."""
    path, plane = tmp_path / "a.fits", np.ones((4, 4), np.float32)
    head = {"LLIMIT": (4.0, ""), "CRPIX1": (3.0, "")}
    write_maps(path, Maps(np.ones((3, 4, 4), np.float32), 0 * plane.astype(np.uint8), plane, plane, None, head), "G")
    assert read_maps(path).header["LLIMIT"] == 4.0
    content = bytearray(path.read_bytes())
    value = content.index(card.ljust(8).encode() + b"=") + 10
    content[value : value + 20] = b"#" * 20
    path.write_bytes(content)
    with pytest.raises(CubespaceError, match=rf"a\.fits: not a complete file of maps: .*{card}"):
        read_maps(path)


def test_scaling_streams_without_cancellation():
    data = np.random.default_rng(0).normal([[1e6], [0.0]], [[1.0], [0.1]], (2, 9000))
    scaling = Scaling(2)
    for part in np.array_split(data, 7, axis=1):
        scaling.add(part)
    scaling.add(data[:, :0])
    assert scaling.count == 9000 and scaling.mean == pytest.approx(data.mean(axis=1), rel=1e-12)
    assert scaling.sigma == pytest.approx(data.std(axis=1), rel=1e-9)
    with pytest.raises(CubespaceError, match="no accepted galaxy"):
        release_scaling({})


def real_spectra(shared_data):
    axis = make_cubes.axis()
    flux = np.stack(
        [np.loadtxt(path)[:, 2] for path in sorted((shared_data / "ngc2906").glob("*.spec_*.txt"))], axis=1
    )
    return axis, flux[:, None, :].astype(np.float32)


def test_real_spectra_on_the_authors_basis(shared_data):
    """NGC 2906 through rest frame, norm and projection onto the published basis: median |residual| below 0.5 %."""
    axis, flux = real_spectra(shared_data)
    assert flux.shape == (1877, 1, 2)
    stored = np.load(shared_data / "cl_ecalifa" / "pca_model_r2n29_norm_3739_6803_SN30.npz")
    ones = np.ones((1, 2), bool)
    cube = Cube(flux, np.ones_like(flux), ~np.isfinite(flux), ~ones, ones, axis, 1.0, "NGC2906")
    spectra = restframe.rest_spectra(cube, 0.0071, np.arange(2), restframe.wavelength_grid())
    found = project(spectra.values, spectra.bad, stored["mean_"], stored["components_"])
    assert spectra.ok.all() and found.ok.all() and (found.error < 0.005).all()
    rebuilt = stored["mean_"] + found.coefficients @ stored["components_"]
    assert np.percentile(np.abs(rebuilt - spectra.values), 84) < 0.015
    # gaps of 20 samples all along the spectrum: least squares on the rest against interpolation, in coefficient space
    gappy, filled = [], []
    for start in range(20, 1500, 40):
        bad = np.zeros(1533, bool)
        bad[start : start + 20] = True
        bridged = project(spectra.values, np.stack([bad, bad]), stored["mean_"], stored["components_"])
        assert bridged.ok.all()
        gappy.append(bridged.coefficients - found.coefficients)
        values = [np.interp(np.arange(1533), np.nonzero(~bad)[0], x[~bad]) for x in spectra.values]
        filled.append((values - stored["mean_"]) @ stored["components_"].T - found.coefficients)
    assert np.linalg.norm(gappy, axis=2).mean() < 0.3 * np.linalg.norm(filled, axis=2).mean()


def test_real_spectrum_at_a_wrong_redshift_fits_worse(shared_data):
    axis, flux = real_spectra(shared_data)
    stored = np.load(shared_data / "cl_ecalifa" / "pca_model_r2n29_norm_3739_6803_SN30.npz")
    ones = np.ones((1, 2), bool)
    cube = Cube(flux, np.ones_like(flux), ~np.isfinite(flux), ~ones, ones, axis, 1.0, "NGC2906")
    errors = []
    for z in (0.0071, 0.0111):
        spectra = restframe.rest_spectra(cube, z, np.arange(2), restframe.wavelength_grid())
        errors.append(project(spectra.values, spectra.bad, stored["mean_"], stored["components_"]).error)
    assert (errors[1] > 1.3 * errors[0]).all()


def test_steps_that_run_for_each_galaxy_import_little(survey, tmp_path):
    import subprocess
    import sys

    folder, _, _ = survey
    code = (
        "import sys; from cubespace.steps import maps, moments\n"
        f"a = ['--cube', '{folder}/NGC0001.fits', '--redshift', '0.01', '--galaxy', 'a']\n"
        f"moments.main([*a, '--out', '{tmp_path}/a.npz'])\n"
        f"maps.main([*a, '--distance', '40', '--basis', '{folder}/basis.fits', '--moments', '{tmp_path}/a.npz', '--out', '{tmp_path}/a.fits'])\n"
        "print('heavy:', [m for m in ('pandas', 'scipy', 'torch', 'sklearn', 'astropy.cosmology', 'astropy.wcs') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: []"
