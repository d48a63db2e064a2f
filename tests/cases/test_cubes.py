"""Kinds of fault that people met with in cubes; each test is named after its case.

Cases of masks, S/N, the rest frame and the canvas (a13, a30, a34, a36 .. a39) are in `test_spectra`, too.
"""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

import make_cubes
import make_surveys
from cases.base import FLUX, SIGMA, N, cards, file, refused, wavelength
from conftest import ROOT
from cubespace import sphere
from cubespace.cubes.readers import read_cube
from cubespace.cubes.readers.axis import air
from cubespace.errors import CubespaceError
from cubespace.steps import moments as moments_step

CDELT = {"CD1_1": None, "CD2_2": None, "CD3_3": None, "CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600, "CDELT3": 2.0}
PC = CDELT | {"CDELT3": 1.0, "PC1_1": 1.0, "PC2_2": 1.0, "PC3_3": 2.0}


@pytest.mark.parametrize("changes", [{}, CDELT, PC, CDELT | {"CROTA2": 30.0}], ids=["CD", "CDELT", "PC", "CROTA2"])
def test_a01_step_by_cd_cdelt_or_pc(tmp_path, changes):
    cube = wavelength(tmp_path, **changes)
    assert cube.wavelength[[0, 100, 1876]].tolist() == [3749, 3949, 7501]
    assert cube.pixel_arcsec == pytest.approx(0.5) and cube.notes == []


def test_a02_sky_by_cd_and_axis_by_cdelt(tmp_path):
    cube = wavelength(tmp_path, CD3_3=None, CDELT3=2.0)
    assert cube.wavelength[100] == 3949
    assert len(cube.notes) == 1 and all(word in cube.notes[0] for word in (str(tmp_path), "CD3_3", "CDELT3"))
    path = file(tmp_path / "b.fits", cards(CD3_3=None, CDELT3=1.0))  # the value that is left when nobody set one
    refused(path, "wavelength_axis", "CDELT3 = 1.0")
    refused(file(tmp_path / "c.fits", cards(CDELT3=2.5)), "wavelength_axis", "CD3_3 = 2.0", "CDELT3 = 2.5")


@pytest.mark.parametrize(
    ("unit", "start", "step"),
    [("Angstrom", 3749.0, 2.0), ("angstroms", 3749.0, 2.0), ("A", 3749.0, 2.0), (None, 3749.0, 2.0), ("nm", 374.9, 0.2),
     ("um", 0.3749, 2e-4), ("micron", 0.3749, 2e-4), ("mm", 3.749e-4, 2e-7), ("m", 3.749e-7, 2e-10)],
)  # fmt: skip
def test_a03_any_unit_of_length_becomes_angstrom(tmp_path, unit, start, step):
    cube = wavelength(tmp_path, CUNIT3=unit, CRVAL3=start, CD3_3=step)
    assert cube.wavelength[[0, 1876]] == pytest.approx([3749, 7501], abs=1e-3)


@pytest.mark.parametrize(("unit", "start", "step"), [(None, 374.9, 0.2), ("Hz", 8e14, -1e10), ("nm", 3749.0, 2.0), ("km/s", 0.0, 100.0)])
def test_a03_a_unit_that_is_none_of_length_or_gives_no_optical_axis(tmp_path, unit, start, step):
    refused(file(tmp_path / "a.fits", cards(CUNIT3=unit, CRVAL3=start, CD3_3=step)), "wavelength_axis", "CUNIT3")


def test_a05_log_sampled_axis(tmp_path):
    """WAVE-LOG is in vacuum by the standard: 4559.32 A at sample 1000 in the file, 4558.04 A in the air that all cubes have."""
    log = {"CTYPE3": "WAVE-LOG", "CRVAL3": 3621.6, "CD3_3": 0.833904}
    cube = wavelength(tmp_path, **log)
    assert cube.wavelength[1000] == pytest.approx(air(4559.32), abs=0.01) == pytest.approx(4558.04, abs=0.02)
    assert cube.medium == "vacuum"
    (tmp_path / "NGC0001.fits").unlink()
    cube = wavelength(tmp_path, **log, AIRORVAC="air")
    assert cube.wavelength[1000] == pytest.approx(4559.32, abs=0.01) and cube.medium == "air"
    (tmp_path / "NGC0001.fits").unlink()
    for more in ({}, {"CUNIT3": None}, {"CTYPE3": "LOGLAM"}, {"CUNIT3": "log10(Angstrom)"}, {"DC-FLAG": 1}):
        changes = {"CTYPE3": None, "CRVAL3": 3.55890, "CD3_3": 1e-4, **more}
        cube = wavelength(tmp_path, **changes)
        assert cube.wavelength[[0, 1000]] == pytest.approx([3621.59, 4559.31], abs=0.02)
        assert any("log10" in note for note in cube.notes)
        (tmp_path / "NGC0001.fits").unlink()
    cube = wavelength(tmp_path, CTYPE3=None, CRVAL3=float(np.log(3621.6)), CD3_3=2e-4)
    assert cube.wavelength[1000] == pytest.approx(3621.6 * np.exp(0.2), abs=0.01)


def test_a05_a_line_in_a_log_sampled_cube_is_found_where_it_is(tmp_path):
    wave = 3621.6 * np.exp(0.833904 / 3621.6 * np.arange(N))
    line = np.exp(-0.5 * ((wave - 5008.240) / 2) ** 2)  # [OIII], vacuum, z = 0
    flux = (1 + line)[:, None, None] * np.ones((1, 4, 5), np.float32)
    head = cards(CTYPE3="WAVE-LOG", CRVAL3=3621.6, CD3_3=0.833904)
    cube = read_cube(file(tmp_path / "a.fits", head, flux.astype(np.float32)))
    weight = cube.flux[:, 0, 0] - 1
    assert (weight * cube.wavelength).sum() / weight.sum() == pytest.approx(5006.843, abs=0.02)


@pytest.mark.parametrize("kind", [None, "", "LINEAR", "LAMBDA", "WAVELENGTH", "ANGSTROMS", "Wavelength"])
def test_a06_missing_or_private_name_of_the_axis(tmp_path, kind):
    assert wavelength(tmp_path, CTYPE3=kind).wavelength[[0, 100, 1876]].tolist() == [3749, 3949, 7501]


@pytest.mark.parametrize("kind", ["FREQ", "VELO", "WAVE-TAB", "WAVE-GRI", "STOKES", "MULTISPE"])
def test_a06_an_axis_of_something_else(tmp_path, kind):
    refused(file(tmp_path / "a.fits", cards(CTYPE3=kind)), "wavelength_axis", f"CTYPE3 = '{kind}'")


def test_a07_nothing_recognised_leaves_no_output_but_a_list_of_what_is_there(tmp_path):
    units = make_cubes.hdus(FLUX, SIGMA)
    for unit, name in zip(units[1:], ["FOO", "BAR", "BAZ", "QUUX", "X"], strict=True):
        unit.name = name
    path = make_cubes.write(tmp_path / "a.fits", units)
    detail = refused(path, "unrecognised", "FOO (1877, 4, 5) float32", "BAZ (1877, 4, 5) uint8", "X (4, 5) float64")
    for name in ("ERROR", "STAT", "IVAR", "cubes.mapping"):
        assert name in detail
    out = tmp_path / "a.npz"
    moments_step.main(["--cube", str(path), "--redshift", "0.015", "--galaxy", "NGC0001", "--out", str(out)])
    with np.load(out) as stored:
        assert stored["verdict"] == "rejected" and stored["reason"] == "unrecognised" and stored["count"] == 0
    arguments = ["--cube", str(path), "--redshift", "0.015", "--galaxy", "NGC0001", "--out", str(tmp_path / "b.npz")]
    with pytest.raises(CubespaceError, match="unrecognised"):
        moments_step.main([*arguments, "--settings", json.dumps({"on_bad_cube": "stop"})])
    assert not (tmp_path / "b.npz").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("ERROR", 0.2), ("ERR", 0.2), ("STDDEV", 0.2), ("STAT", 0.04), ("VAR", 0.04), ("VARIANCE", 0.04), ("IVAR", 25.0)]
)
def test_a08_sigma_variance_and_inverse_variance_by_name(tmp_path, name, value):
    units = make_cubes.hdus(FLUX, np.full_like(SIGMA, value))
    units[1].name = name
    for order in (units, [units[0], *units[:0:-1]], [units[0], units[3], *units[1:3], *units[4:]]):
        path = make_cubes.write(tmp_path / "a.fits", order)
        np.testing.assert_allclose(read_cube(path).sigma, 0.2, rtol=1e-6)
    units[1].name = "QUUX"
    refused(make_cubes.write(tmp_path / "a.fits", units), "hdu_missing", "QUUX", "ERROR")


SPELLINGS = ["10^-16 erg/s/cm^2/A", "1E-16 erg/s/cm^2/Ang/spaxel", "10**(-16) erg s-1 cm-2 Angstrom-1", "10^-16 ergs/s/cm^2/A"]


def test_a10_spellings_of_one_unit_and_its_factor(tmp_path):
    for unit in SPELLINGS:
        cube = read_cube(file(tmp_path / "a.fits", cards(BUNIT=unit)))
        assert np.array_equal(cube.flux, FLUX) and cube.unit_scale == 1
    tenth = read_cube(file(tmp_path / "a.fits", cards(BUNIT="1E-17 erg/s/cm^2/Ang/spaxel")))
    np.testing.assert_allclose(tenth.flux * 10, FLUX, rtol=1e-6)
    np.testing.assert_allclose(tenth.sigma * 10, SIGMA, rtol=1e-6)


@pytest.mark.parametrize("unit", ["counts", "Jy", "1E-16 erg/s/cm2", "1E-16 erg/s/cm2/Hz"])
def test_a10_a_unit_that_is_no_flux_density(tmp_path, unit):
    path = file(tmp_path / "a.fits", cards(BUNIT=unit))
    refused(path, "unit_unknown", unit)
    cube = read_cube(path, unknown_unit="assume")
    assert cube.unit_scale == 1 and any(unit in note for note in cube.notes)


@pytest.mark.parametrize(
    ("unit", "factor", "median"),
    [("1E+16 erg/s/cm2/A", 1, "1e+32"), ("erg/s/cm2/A", 1, "1e+16"), ("1E-26 erg/s/cm2/A", 1, "1e-10"), ("1E-16 erg/s/cm2/A", 1e-16, "1e-16"),
     ("1e300 erg/s/cm2/A", 1, "none"), ("1e-300 erg/s/cm2/A", 1, "none"), ("W/m2/A", 1, "1e+19")],
)  # fmt: skip
def test_a10_a_factor_that_no_galaxy_has(tmp_path, unit, factor, median):
    """Numbers of about 1 in 1E+16 (a lost sign), or in erg/s/cm2/A as they are, are no fluxes of a galaxy."""
    flux = np.full_like(FLUX, factor)
    flux[:, :, 0] = 0  # outside the field
    path = file(tmp_path / "a.fits", cards(BUNIT=unit), flux, SIGMA * np.float32(factor))
    refused(path, "unit_unknown", f"the median |flux| is {median} x 1e-16; 1e-08 to 1e+06 are expected")


@pytest.mark.parametrize(("unit", "factor"), [("erg/s/cm2/A", 1e-16), ("1E-20 erg/s/cm2/A", 1e4), ("1E-20 erg/s/cm2/A", 1e-3), ("W m-2 nm-1", 1e-18)])
def test_a10_faint_and_bright_galaxies_in_any_unit_are_read(tmp_path, unit, factor):
    cube = read_cube(file(tmp_path / "a.fits", cards(BUNIT=unit), np.full_like(FLUX, factor), SIGMA * np.float32(factor)))
    np.testing.assert_allclose(cube.flux, factor * {"e": 1e16, "1": 1e-4, "W": 1e18}[unit[0]], rtol=1e-6)


def test_a10_no_unit_is_that_of_the_survey_or_an_error(tmp_path):
    path = file(tmp_path / "a.fits", cards(BUNIT=""))
    assert any("the survey's" in note for note in read_cube(path).notes)
    refused(path, "unit_unknown", "no BUNIT", unknown_unit="reject")
    units = [fits.PrimaryHDU(FLUX, cards(BUNIT=None)), fits.ImageHDU(SIGMA, name="ERROR")]  # of no known survey
    refused(make_cubes.write(tmp_path / "b.fits", units), "unit_unknown")


def test_a13_errors_without_meaning_are_bad_samples(tmp_path):
    sigma = SIGMA.copy()
    for spaxel, value in enumerate((0, np.inf, 1e20, np.nan, -1)):
        sigma[:, 0, spaxel] = value
    cube = read_cube(file(tmp_path / "a.fits", sigma=sigma))
    assert cube.bad[:, 0].all() and cube.bad.sum() == 5 * N


def integers(bitpix, counts, blank):
    """A primary HDU of integers with BSCALE 0.01, BZERO 5 and BLANK, written by hand: astropy would rescale."""
    head = fits.PrimaryHDU(np.zeros(counts.shape, f">i{bitpix // 8}"), cards()).header
    text = head.tostring(sep="", endcard=False, padding=False)
    for key, value in (("BSCALE", "0.01"), ("BZERO", "5.0"), ("BLANK", str(blank))):
        text += f"{key:8}= {value:>20}".ljust(80)
    text += "END".ljust(80)
    data = counts.astype(f">i{bitpix // 8}").tobytes()
    return text.ljust(-(-len(text) // 2880) * 2880).encode() + data + bytes(-len(data) % 2880)


@pytest.mark.parametrize("bitpix", [16, 32, 64])
def test_a15_scaled_integers_and_blank(tmp_path, bitpix):
    counts = (np.arange(FLUX.size) % 1000).reshape(FLUX.shape)
    blank = -32768
    counts[0, 1, :2] = blank
    buffer = io.BytesIO()
    make_cubes.hdus(FLUX, SIGMA).writeto(buffer)
    rest = buffer.getvalue()
    rest = rest[rest.index(b"XTENSION=") :]
    (tmp_path / "a.fits").write_bytes(integers(bitpix, counts, blank) + rest)
    cube = read_cube(tmp_path / "a.fits")
    assert cube.flux[0, 0, :3] == pytest.approx([5.00, 5.01, 5.02], rel=1e-6)
    assert np.argwhere(cube.bad).tolist() == [[0, 1, 0], [0, 1, 1]]
    with fits.open(tmp_path / "a.fits") as hdus:
        np.testing.assert_allclose(cube.flux[~cube.bad], hdus[0].data[~cube.bad], rtol=1e-6)


@pytest.mark.parametrize("name", ["PRIMARY", "ERROR"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.int64])
def test_a15_whole_numbers_without_a_scale(tmp_path, name, kind):
    units = make_cubes.hdus(FLUX, SIGMA)
    units[name].data = np.full(FLUX.shape, 3, kind)
    refused(make_cubes.write(tmp_path / "a.fits", units), "wrong_dtype", f"{name} holds {kind.__name__} without BSCALE")
    if kind is not np.uint8:  # nor does BLANK make reals of them
        units[name].header["BLANK"] = -1
        refused(make_cubes.write(tmp_path / "a.fits", units), "wrong_dtype", f"{name} holds {kind.__name__} without BSCALE")
    units = make_surveys.packed(make_cubes.hdus(np.full(FLUX.shape, 3, np.int16), SIGMA))
    refused(make_cubes.write(tmp_path / "b.fits", units), "wrong_dtype", "PRIMARY holds int16 tiles without BSCALE")


def test_a21_degenerate_fourth_axis_and_what_is_no_cube(tmp_path):
    units = make_cubes.hdus(FLUX, SIGMA)
    units[0] = fits.PrimaryHDU(FLUX[None], cards())
    units[1] = fits.ImageHDU(SIGMA[None], name="ERROR")
    assert np.array_equal(read_cube(make_cubes.write(tmp_path / "a.fits", units)).flux, FLUX)
    units[0] = fits.PrimaryHDU(np.stack([FLUX, FLUX]), cards())
    units[1] = fits.ImageHDU(np.stack([SIGMA, SIGMA]), name="ERROR")
    refused(make_cubes.write(tmp_path / "b.fits", units), "not_a_cube", "(2, 1877, 4, 5)")
    units[0] = fits.PrimaryHDU(FLUX[0], cards())
    refused(make_cubes.write(tmp_path / "c.fits", units[:1]), "not_a_cube", "PRIMARY (4, 5)")
    units[0] = fits.PrimaryHDU(FLUX[:1], cards())  # one wavelength is no spectrum
    units[1] = fits.ImageHDU(SIGMA[:1], name="ERROR")
    refused(make_cubes.write(tmp_path / "d.fits", units), "wavelength_axis")


@pytest.mark.parametrize("name", ["ERROR", "BADPIX", "FLAT", "GAIA_MASK"])
def test_a21_planes_of_another_shape(tmp_path, name):
    units = make_cubes.hdus(FLUX, SIGMA)
    data = units[name].data
    units[name].data = data[..., :-1].copy()
    refused(make_cubes.write(tmp_path / "a.fits", units), "shape_mismatch", name, str(units[name].data.shape), str(data.shape))
    units[name].data = data.swapaxes(-1, -2).copy()
    refused(make_cubes.write(tmp_path / "b.fits", units), "shape_mismatch", name)


def test_a23_two_hundred_cubes_with_few_descriptors(tmp_path):
    """Reading 200 cubes, 200 moments and their basis in one process that may have 64 files open."""
    short = make_cubes.axis(60, 5650.0, 5.0)
    file(tmp_path / "cube.fits.gz", cards(CRVAL3=5650.0, CD3_3=5.0), *make_cubes.base(ny=7, nx=7, wavelength=short))
    code = f"""
import resource
from pathlib import Path
import numpy as np
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from cubespace.cubes.readers import read_cube
from cubespace.files import write_npz
from cubespace.spectra.basis import fit_basis
from cubespace.spectra.moments import galaxy_moments
folder = Path({str(tmp_path)!r})
arrays = galaxy_moments(read_cube(folder / "cube.fits.gz"), 0.015, grid=(5590, 5810, 10), snr_min=5, min_spaxels=5)
paths = {{}}
for i in range(200):
    read_cube(folder / "cube.fits.gz")
    paths[f"G{{i}}"] = folder / f"{{i}}.npz"
    write_npz(paths[f"G{{i}}"], **arrays, verdict="accepted", reason="", detail="", galaxy=f"G{{i}}")
print(len(fit_basis(paths, n_components=3).components))
"""
    environment = {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "3", done.stderr[-2000:]


def test_a24_position_of_the_cube_against_the_table(tmp_path):
    """The middle of the field, from the header; the verdicts compare it with the table's and remark on 30 arcmin."""
    cube = read_cube(file(tmp_path / "a.fits", cards(CRPIX1=3.0, CRPIX2=2.5)))
    assert cube.position == pytest.approx((150.0, 2.0), abs=1e-9)
    assert sphere.separation(*cube.position, 150.0, 2.5) == pytest.approx(1800, abs=1e-3)
    flat = np.ones((4, 5), np.float32)
    flat[:, :2] = 0  # the field is the eastern part: x = 2 .. 4
    cube = read_cube(file(tmp_path / "b.fits", cards(CRPIX1=4.0, CRPIX2=2.5), flat=flat))
    assert cube.position == pytest.approx((150.0, 2.0), abs=1e-9)


@pytest.mark.parametrize(("crpix", "start", "first"), [(10.0, 3749.0, 3731.0), (939.0, 5625.0, 3749.0), (0.5, 3749.0, 3750.0), (-3.0, 3749.0, 3757.0)])
def test_a32_reference_pixel_counted_from_one(tmp_path, crpix, start, first):
    cube = wavelength(tmp_path, CRPIX3=crpix, CRVAL3=start)
    assert cube.wavelength[0] == first and cube.wavelength[100] == first + 200


def test_a32_no_reference_pixel_is_not_guessed(tmp_path):
    refused(file(tmp_path / "a.fits", cards(CRPIX3=None)), "wavelength_axis", "CRPIX3")


def test_a34_x_and_y_are_not_swapped(tmp_path):
    """12 rows, 8 columns, a star at y = 9, x = 2: there on the sky and there in the array."""
    flux, sigma = make_cubes.base(ny=12, nx=8)
    gaia = np.zeros((12, 8))
    gaia[9, 2] = 1
    flux[:, 9, 2] = 1000
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma, gaia=gaia)))
    assert cube.flux.shape == (N, 12, 8) and np.argwhere(cube.star).tolist() == [[9, 2]]
    assert np.unravel_index(cube.flux[1000].argmax(), (12, 8)) == (9, 2)
    ra, dec = cube.sky.to_sky(2, 9)
    assert (ra - 150) * 3600 == pytest.approx(3 * 0.5 / np.cos(np.radians(2)), rel=1e-3)  # x = 5 is the reference; east is left
    assert (dec - 2) * 3600 == pytest.approx(4 * 0.5, rel=1e-3)
    assert cube.sky.to_pixel(ra, dec) == pytest.approx((2, 9), abs=1e-6)
