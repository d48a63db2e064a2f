"""The simulated file: layout, noise against ERROR, masks, equal bytes."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from cubespace.errors import CubespaceError
from cubespace.steps.simulate import main
from cubespace.steps.truth import main as gather
from cubespace.survey import instrument, mock, ssp
from cubespace.survey.spectrum import spectra
from cubespace.tables import read_table
from unit.test_survey_galaxy import SPIRAL

RESOURCES = Path(__file__).parents[2] / "resources"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A truth table, one cube and its truth, as the step writes them."""
    path = tmp_path_factory.mktemp("mock")
    (path / "truth.csv").write_text(
        ",".join(SPIRAL) + "\n" + ",".join(str(value) for value in SPIRAL.values()) + "\n"
    )
    simulate(path, "a.fits.gz", "MOCK9001.fits")
    return path


def simulate(path, cube, maps):
    main([
        "--galaxy", "MOCK9001", "--truth", str(path / "truth.csv"), "--ssp", str(RESOURCES / "ssp_basis.npz"),
        "--cube", str(path / cube), "--maps", str(path / maps), "--settings", '{"pixel_arcsec": 2.0}',
    ])  # fmt: skip


@pytest.fixture(scope="module")
def hdus(folder):
    with fits.open(folder / "a.fits.gz") as opened:
        return [(unit.name, unit.data.copy(), unit.header.copy()) for unit in opened]


@pytest.fixture(scope="module")
def parts(folder):
    """The noiseless model of the same galaxy."""
    basis = ssp.load_basis(RESOURCES / "ssp_basis.npz")
    seen, _, maps, realised = mock.make(mock.read_row(folder / "truth.csv", "MOCK9001"), basis, 2.0)
    return seen, maps, spectra(maps, basis, instrument.WAVELENGTH, 6.5), realised


def test_layout(hdus):
    assert [name for name, _, _ in hdus] == ["PRIMARY", "ERROR", "ERRWEIGHT", "BADPIX", "FLAT", "GAIA_MASK"]
    shape = hdus[0][1].shape
    assert shape[0] == 1877 and 34 <= shape[1] <= 40 and 38 <= shape[2] <= 42
    for name, data, _ in hdus:
        assert data.shape == (shape[1:] if name in ("FLAT", "GAIA_MASK") else shape)
        assert data.dtype.newbyteorder("=") == (np.uint8 if name == "BADPIX" else np.float32), name
        assert np.isfinite(data).all()


def test_header(hdus):
    head = hdus[0][2]
    assert (head["CTYPE3"], head["CUNIT3"], head["CRVAL3"], head["CRPIX3"]) == (
        "WAVELENGTH",
        "Angstrom",
        3749.0,
        1.0,
    )
    assert head["CDELT3"] == head["CD3_3"] == 2.0
    assert head["CD1_1"] == pytest.approx(-2 / 3600) and head["CD2_2"] == pytest.approx(2 / 3600)
    assert head["PIPE VERS"] == 2.3 and head["PIPE UNITS"] == "1e-16 erg/s/cm^2/A"
    assert head["OBJECT"] == "MOCK9001" and head["AIRORVAC"] == "air"
    wcs = WCS(head, naxis=2)
    ra, dec = wcs.wcs_pix2world(head["CRPIX1"], head["CRPIX2"], 1)
    assert (ra, dec) == (pytest.approx(SPIRAL["ra"]), pytest.approx(SPIRAL["dec"]))
    east, _ = wcs.wcs_pix2world(head["CRPIX1"] - 1, head["CRPIX2"], 1)
    assert east > ra  # east is at smaller x


def test_hexagon(hdus, parts):
    """Zero outside, six-fold outline: the area of a regular hexagon of 38.5 arcsec side to a few per cent."""
    flux, error, bad, flat = hdus[0][1], hdus[1][1], hdus[3][1], hdus[4][1]
    outside = flat == 0
    assert np.all(flux[:, outside] == 0) and np.all(error[:, outside] == 0) and np.all(bad[:, outside] == 1)
    assert (~outside).sum() * 4 == pytest.approx(1.5 * np.sqrt(3) * 38.5**2, rel=0.04)
    assert np.array_equal(~outside, parts[1].inside)
    y, x = np.array([0.0, 33.2, 33.5, 0.0]), np.array([38.4, 0.0, 0.0, -38.6])
    assert instrument.hexagon(x, y).tolist() == [True, True, False, False]


def test_bad_pixels_are_flagged_and_few(hdus):
    error, bad, flat = hdus[1][1], hdus[3][1], hdus[4][1]
    inside = flat > 0
    odd = (error <= 0) | (error > 1e5)
    assert np.all(bad[odd] == 1)
    assert set(np.unique(error[(bad == 1) & odd]).tolist()) <= {
        0.0,
        float(instrument.rounded(np.float32([2.4e6]), 8)[0]),
    }
    assert np.any(error > 1e5)
    assert 2e-4 < bad[5:-5, inside].mean() < 5e-3


def test_noise_is_what_error_says(hdus, parts):
    """Pulls about the noiseless model: unit width in every tenth of the range; no sky lines, stars, warp."""
    flux, error, bad, star = hdus[0][1], hdus[1][1], hdus[3][1], hdus[5][1]
    _, maps, model, _ = parts
    mask = maps.inside & (star == 0)
    keep = (star == 0)[maps.inside]
    data, sigma, good = flux[:, mask], error[:, mask], bad[:, mask] == 0
    truth = model.T[:, keep]
    faint = truth < 4 * sigma  # where the 1.5 % flux calibration is far below the noise
    sky = np.zeros(1877, bool)
    for centre, _ in instrument.SKY_LINES:
        sky |= np.abs(instrument.WAVELENGTH - centre) < 14
    for first in range(10, 1860, 185):
        part = np.zeros(1877, bool)
        part[first : first + 185] = True
        use = good & faint & (part & ~sky)[:, None]
        pull = (data[use] - truth[use]) / sigma[use]
        assert use.sum() > 5000
        assert 0.96 < pull.std() < 1.04
        assert abs(pull.mean()) < 0.1


def test_depth():
    """At 0.5 arcsec: 3 sigma / 1.5 is 23.6 mag/arcsec2 (AB, r); more noise in the blue and on sky lines."""
    level = instrument.noise_level(0.5)
    at = {wave: level[np.argmin(np.abs(instrument.WAVELENGTH - wave))] for wave in (3801, 5577, 6171, 5001)}
    surface = 3 * at[6171] / 1.5 / 0.25 * 1e-16
    magnitude = -2.5 * np.log10(surface * 6170.0**2 / 2.998e18) - 48.6
    assert magnitude == pytest.approx(23.6, abs=0.15)
    assert at[3801] > 2.5 * at[5001] and at[5577] > 5 * at[5001]


def test_neighbouring_pixels_share_noise():
    noise = instrument._correlated(np.random.default_rng(5), (300, 40, 40), 0.46)
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    expected = 2 * 0.46 / (1 + 2 * 0.46**2)  # of the kernel (b, 1, b) with itself shifted by one
    assert (noise[:, :, 1:] * noise[:, :, :-1]).mean() == pytest.approx(expected, abs=0.02)


def test_h_alpha_of_the_field_comes_back_from_the_noisy_cube(hdus, parts):
    """Ha + [NII] of the whole field above the stars (their noiseless spectrum, no lines), in erg/s/cm2."""
    flux, bad, star = hdus[0][1], hdus[3][1], hdus[5][1]
    _, maps, _, _ = parts
    use = maps.inside & (star == 0)
    no_gas = replace(maps, lines={name: np.zeros_like(value) for name, value in maps.lines.items()})
    basis = ssp.load_basis(RESOURCES / "ssp_basis.npz")
    stars = spectra(no_gas, basis, instrument.WAVELENGTH, 6.5)[(star == 0)[maps.inside]].T
    good = bad[:, use] == 0
    total, stars = np.where(good, flux[:, use], 0).sum(1), np.where(good, stars, 0).sum(1)
    rest = instrument.WAVELENGTH / (1 + SPIRAL["redshift"])
    line = (rest > 6525) & (rest < 6605)
    side = ((rest > 6480) & (rest < 6520)) | ((rest > 6610) & (rest < 6650))
    excess = total - stars * total[side].sum() / stars[side].sum()
    distance = 3.8 / 12 * 206.264806 * 1.015**2 * 3.0856775814913673e24
    lines = sum(maps.lines[name][use].sum() for name in ("Halpha", "NII6583", "NII6548"))
    expected = lines * 1e30 / (4 * np.pi * distance**2) / 1e-16
    assert excess[line].sum() * 2.0 == pytest.approx(expected, rel=0.05)


def test_star_mask():
    inside = np.ones((20, 30), bool)
    mask = instrument.star_mask([(10, 12)], inside, 0.5)
    y, x = np.indices(mask.shape)
    assert np.array_equal(mask > 0, np.hypot(y - 10, x - 12) <= 5)  # 2.5 arcsec = 5 pixels
    assert instrument.star_mask([], inside, 0.5).sum() == 0


def test_gaia_list_misses_stars_and_marks_nuclei():
    """Shares over 3000 galaxies: one star in ten has no circle; 37 galaxies of 898 have one on the nucleus."""
    field = instrument.frame(2.0, np.random.default_rng(1))
    stars = circles = nuclei = 0
    for seed in range(3000):
        rng = np.random.default_rng(seed)
        positions, _, _ = instrument.draw_stars(field, rng)
        listed = instrument.draw_circles(positions, field, rng)
        on_nucleus = np.any(np.all(listed == field.centre, axis=1)) if len(listed) else False
        known = {tuple(position) for position in positions}
        assert all(tuple(place) in known for place in listed[: len(listed) - on_nucleus])
        stars, circles, nuclei = stars + len(positions), circles + len(listed) - on_nucleus, nuclei + on_nucleus
    assert 1 - circles / stars == pytest.approx(instrument.UNLISTED, abs=0.012)
    assert nuclei / 3000 == pytest.approx(37 / 898, abs=0.011)


def plain(seed, corner_light=0.3):
    """A flat sky of constant light through the instrument."""
    field = instrument.frame(2.0, np.random.default_rng(0))
    inside = instrument.binned_field(field)
    light = np.full((int(inside.sum()), 1877), corner_light, np.float32)
    return inside, instrument.observe(light, inside, 2.0, np.random.default_rng(seed))


def test_vignetted_corner():
    """One corner of six; both ends of the spectrum; noisier, then flagged and zero; nothing elsewhere."""
    near, loss = instrument.vignetting(np.ones((200, 200), bool), 0.5, 1)
    y, x = np.unravel_index(near.argmax(), near.shape)
    # corner 1 is 60 degrees from west: 38.5 arcsec x (sin 60, cos 60) from the middle (99.5, 99.5)
    assert (y, x) == (round(99.5 + 77 * np.sin(np.pi / 3)), round(99.5 + 77 * np.cos(np.pi / 3)))
    distance = np.hypot(*(np.indices(near.shape) - np.array([y, x])[:, None, None])) * 0.5
    assert near.max() > 0.95 and not near[distance > 14.5].any()
    wave = instrument.WAVELENGTH
    assert not loss[(wave > 3900) & (wave < 7150)].any() and loss[wave > 7352].all() and loss[wave < 3760].min() > 0.6

    inside, seen = plain(3)
    vignetted = [instrument.vignetting(inside, 2.0, corner)[0] > 0.1 for corner in range(6)]
    red, middle = wave > 7350, (wave > 5000) & (wave < 6800)
    flagged = [seen.bad[2:-1][red[2:-1]][:, part].mean() for part in vignetted]
    worst = int(np.argmax(flagged))
    assert flagged[worst] > 0.1 and max(flagged[:worst] + flagged[worst + 1 :]) < 0.01
    lost = (seen.bad == 1) & inside & (seen.error == 0)
    assert not seen.flux[lost].any()
    rise = [np.median(seen.error[red][:, part]) / np.median(seen.error[middle][:, part]) for part in vignetted]
    assert rise[worst] > 1.15 * np.median(rise)
    corners = {int(np.argmax([plain(seed)[1].bad[1860, p].mean() for p in vignetted])) for seed in range(12)}
    assert len(corners) >= 3  # drawn anew for each galaxy


def test_cosmic_rays_and_their_errors():
    """1.2e-4 hits a sample, 1-3 channels long (mean 2), of 1 or 2 pixels (mean 5/3): 4e-4 flagged; half leave a spike with a
    huge ERROR, half a zero with ERROR 0."""
    inside, seen = plain(5)
    middle = (instrument.WAVELENGTH > 4000) & (instrument.WAVELENGTH < 7000)
    bad = (seen.bad[middle] == 1) & inside
    assert bad[:, inside].mean() == pytest.approx(4e-4, rel=0.15)
    huge, zero = seen.error[middle][bad] == np.float32(instrument.BAD_ERROR), seen.error[middle][bad] == 0
    assert (huge | zero).all() and huge.mean() == pytest.approx(0.5, abs=0.06)
    assert (seen.flux[middle][bad][huge] > 0.3).mean() > 0.95 and not seen.flux[middle][bad][zero].any()


def test_sizes_and_centres_vary():
    frames = [instrument.frame(0.5, np.random.default_rng(seed)) for seed in range(40)]
    assert len({frame.shape for frame in frames}) >= 6
    assert all(140 <= ny <= 152 and 156 <= nx <= 164 for ny, nx in (frame.shape for frame in frames))
    off = [np.hypot(*(np.array(f.centre) - (np.array(f.shape) - 1) / 2)) * 0.5 for f in frames]
    assert 0.4 < np.median(off) < 2.0  # arcsec


def test_med_vel_is_wrong_in_some_headers():
    """15 % say another galaxy's velocity; the others are right to 60 km/s."""
    row = SPIRAL | {"redshift": 0.0137}
    found = [
        instrument.header(row, (37, 40), 2.0, (18, 20), np.random.default_rng(seed))["MED_VEL"] for seed in range(600)
    ]
    off = np.abs(np.array(found) - 299792.458 * 0.0137)
    assert (off > 300).mean() == pytest.approx(instrument.WRONG_MED_VEL, abs=0.04)
    assert off[off < 300].std() < 60


def test_star_numbers_follow_the_survey():
    field = instrument.frame(2.0, np.random.default_rng(1))
    counts = [len(instrument.draw_stars(field, np.random.default_rng(seed))[0]) for seed in range(600)]
    assert np.mean(np.array(counts) == 0) == pytest.approx(290 / 898, abs=0.06)
    assert np.mean(np.array(counts) == 1) == pytest.approx(247 / 898, abs=0.06)


def test_equal_input_gives_equal_bytes(folder):
    simulate(folder, "b.fits.gz", "b_truth.fits")
    one, two = (
        hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("a.fits.gz", "b.fits.gz")
    )
    assert one == two
    assert (folder / "MOCK9001.fits").read_bytes() == (folder / "b_truth.fits").read_bytes()
    raw = (folder / "a.fits.gz").read_bytes()
    assert raw[3] & 0x08 == 0 and raw[4:8] == bytes(4)  # no file name, no time (RFC 1952)
    with gzip.open(folder / "a.fits.gz") as opened:
        assert opened.read(6) == b"SIMPLE"


def test_rounding_of_the_mantissa():
    values = np.float32([1.0, -3.0, 0.0, 2.4e6, 1.2345678])
    kept = instrument.rounded(values, 12)
    assert kept[:3].tolist() == [1.0, -3.0, 0.0]
    assert np.all(np.abs(kept / np.where(values == 0, 1, values) - (values != 0)) < 2**-13)
    assert np.all(kept.view(np.uint32) & 0x7FF == 0)


def test_pixel_sizes():
    with pytest.raises(CubespaceError, match=r"allowed: 0\.5, 1\.0, 2\.0"):
        instrument.frame(0.7, np.random.default_rng(0))
    half, two = (instrument.frame(size, np.random.default_rng(4)) for size in (0.5, 2.0))
    assert half.shape == two.shape and half.centre == two.centre
    assert instrument.binned_field(half).sum() == pytest.approx(
        16 * instrument.binned_field(two).sum(), rel=0.02
    )


def test_truth_file_and_table(folder, parts):
    with fits.open(folder / "MOCK9001.fits") as opened:
        assert opened[0].header["LOGEWHA"] == pytest.approx(SPIRAL["log_ew_ha"], abs=0.02)
        assert opened["VELOCITY"].header["BUNIT"] == "km/s"
        assert np.allclose(opened["VELOCITY"].data, parts[1].velocity, atol=1e-3)
    only = folder / "maps"
    only.mkdir()
    (folder / "MOCK9001.fits").rename(only / "MOCK9001.fits")
    (folder / "roster.csv").write_text("galaxy\nMOCK9001\nOWNCUBE\n")
    options = ["--truth", str(folder / "truth.csv"), "--roster", str(folder / "roster.csv"), "--maps", str(only)]
    gather([*options, "--out", str(folder / "truth.parquet")])
    table = read_table(folder / "truth.parquet")
    assert table["log_mass_realised"][0] == pytest.approx(10.5, abs=0.01)
    (only / "MOCK9001.fits").unlink()
    with pytest.raises(CubespaceError, match="no truth maps of any galaxy"):
        gather([*options, "--out", str(folder / "t.parquet")])
