"""Reading cubes: axes, units, masks, and every way a file can be wrong."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

import make_cubes
from cubespace.cubes import masks, quality
from cubespace.cubes.readers import read_cube
from cubespace.cubes.readers.container import read_hdus
from cubespace.errors import CubeRejected, CubespaceError

FLUX, SIGMA = make_cubes.base(ny=4, nx=5)


def small(path, head=None, **options):
    return make_cubes.write(path, make_cubes.hdus(FLUX.copy(), SIGMA.copy(), head=head, **options))


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_values_of_a_good_cube(tmp_path, name):
    gaia, flat, badpix = np.zeros((4, 5)), np.ones((4, 5), np.float32), np.zeros(FLUX.shape, np.uint8)
    gaia[1, 3], flat[2, 0], badpix[100, 3, 4] = 1, 0, 1
    cube = read_cube(small(tmp_path / name, gaia=gaia, flat=flat, badpix=badpix))
    assert np.array_equal(cube.flux, FLUX) and np.array_equal(cube.sigma, SIGMA)
    assert cube.flux.dtype == np.float32 and cube.flux.dtype.isnative
    assert np.argwhere(cube.bad).tolist() == [[100, 3, 4]]
    assert np.argwhere(cube.star).tolist() == [[1, 3]]
    assert np.argwhere(~cube.field).tolist() == [[2, 0]]
    assert cube.wavelength[[0, 100, 1876]].tolist() == [3749, 3949, 7501]
    assert cube.pixel_arcsec == pytest.approx(0.5) and cube.survey == "ecalifa"
    assert cube.reference == (150.0, 2.0, 5.0, 5.0) and cube.notes == []


def test_hdus_are_found_by_name_in_any_order(tmp_path):
    badpix = np.zeros(FLUX.shape, np.uint8)
    badpix[7] = 1
    units = make_cubes.hdus(FLUX, SIGMA, badpix=badpix)
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", [units[0], *units[:0:-1]]))
    assert np.array_equal(cube.sigma, SIGMA) and cube.bad.sum() == 20 and cube.bad[7].all()


def test_dr3_file_without_gaia_mask(tmp_path):
    head = make_cubes.header(BUNIT=None, CD1_1=-1 / 3600, CD2_2=1 / 3600)
    head["HIERARCH PIPE UNITS"] = "1e-16 erg/s/cm^2/A"
    units = make_cubes.hdus(FLUX, SIGMA, head=head)
    units = [*units[:4], fits.ImageHDU(np.ones(FLUX.shape, np.float32), name="FIBCOVER")]
    cube = read_cube(make_cubes.write(tmp_path / "a.fits.gz", units))
    assert cube.survey == "califa_dr3" and cube.pixel_arcsec == pytest.approx(1.0) and not cube.star.any()
    assert cube.unit_scale == 1.0 and len(cube.notes) == 1 and "GAIA_MASK" in cube.notes[0]


def test_unit_is_applied_to_flux_and_error(tmp_path):
    cube = read_cube(small(tmp_path / "a.fits", make_cubes.header(BUNIT="1E-17 erg/s/cm^2/A")))
    assert (
        np.allclose(cube.flux, FLUX / 10)
        and np.allclose(cube.sigma, SIGMA / 10)
        and cube.unit_scale == pytest.approx(0.1)
    )


def test_useless_errors_are_bad_and_unbounded_flux_too(tmp_path):
    flux, sigma = FLUX.copy(), SIGMA.copy()
    for spaxel, value in enumerate((0, np.inf, 1e20, np.nan, -1)):
        sigma[:, 0, spaxel] = value
    flux[5, 1, 1], flux[6, 1, 1] = np.nan, -np.inf
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, sigma)))
    assert cube.bad[:, 0].all() and cube.bad.sum() == 5 * 1877 + 2 and cube.bad[5:7, 1, 1].all()


def test_zero_flux_is_outside_the_field(tmp_path):
    flux = FLUX.copy()
    flux[:, 3, 3] = 0
    flux[:, 2, 2] = np.nan
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", make_cubes.hdus(flux, SIGMA)))
    assert np.argwhere(~cube.field).tolist() == [[2, 2], [3, 3]]


@pytest.mark.parametrize(("name", "value"), [("ERROR", 0.2), ("STAT", 0.04), ("IVAR", 25.0)])
def test_noise_planes_of_other_names(tmp_path, name, value):
    units = make_cubes.hdus(FLUX, np.full_like(SIGMA, value))
    units[1].name = name
    assert np.allclose(read_cube(make_cubes.write(tmp_path / "a.fits", units)).sigma, 0.2)


def test_scaled_integers_and_blank(tmp_path):
    counts = (np.arange(FLUX.size) % 1000).reshape(FLUX.shape).astype(np.int16)
    counts[0, 1, :2] = -32768
    units = make_cubes.hdus(FLUX, SIGMA)
    units[0] = fits.PrimaryHDU(counts, make_cubes.header())
    units[0].header["BLANK"] = -32768
    buffer = make_cubes.write(tmp_path / "a.fits", units).read_bytes()
    lead = buffer[:2880].replace(
        b"BLANK   =", b"BLANK   ="
    )  # scaling cards go in by hand: astropy would rescale
    extra = b"BSCALE  =                 0.01".ljust(80) + b"BZERO   =                  5.0".ljust(80)
    end = lead.index(b"END" + b" " * 77)
    lead = lead[:end] + extra + b"END".ljust(80)
    (tmp_path / "a.fits").write_bytes(lead.ljust(2880) + buffer[2880:])
    cube = read_cube(tmp_path / "a.fits")
    assert cube.flux[0, 0, :3] == pytest.approx([5.00, 5.01, 5.02])
    assert np.argwhere(cube.bad).tolist() == [[0, 1, 0], [0, 1, 1]]


def test_degenerate_fourth_axis(tmp_path):
    units = make_cubes.hdus(FLUX, SIGMA)
    units[0] = fits.PrimaryHDU(FLUX[None], make_cubes.header())
    assert np.array_equal(read_cube(make_cubes.write(tmp_path / "a.fits", units)).flux, FLUX)
    units[0] = fits.PrimaryHDU(np.stack([FLUX, FLUX]), make_cubes.header())
    units[1] = fits.ImageHDU(np.stack([SIGMA, SIGMA]), name="ERROR")
    with pytest.raises(CubeRejected, match=r"not_a_cube.*\(2, 1877, 4, 5\)"):
        read_cube(make_cubes.write(tmp_path / "b.fits", units))


def rejected(path, code, *words):
    with pytest.raises(CubeRejected) as caught:
        read_cube(path)
    assert caught.value.code == code
    for word in (str(path), *map(str, words)):
        assert word in caught.value.detail


def test_alien_file_lists_what_it_holds(tmp_path):
    units = make_cubes.hdus(FLUX, SIGMA)
    for unit, name in zip(units[1:], ["FOO", "BAR", "BAZ", "QUUX", "X"], strict=True):
        unit.name = name
    rejected(
        make_cubes.write(tmp_path / "a.fits", units),
        "unrecognised",
        "FOO (1877, 4, 5) float32",
        "BAR",
        "ERROR",
    )


def test_wrong_files(tmp_path):
    for name, content, word in (
        ("html.fits", b"<!DOCTYPE html><title>404 Not Found</title>" * 99, "not a FITS file"),
        ("empty.fits.gz", b"", "empty file (0 bytes)"),
        ("tar.fits", b"ustar".rjust(262, b"x") * 40, "not a FITS file"),
        ("gz.fits.gz", gzip.compress(b"hello" * 1000), "not a FITS file"),
    ):
        (tmp_path / name).write_bytes(content)
        rejected(tmp_path / name, "unreadable", word)
    rejected(tmp_path / "absent.fits", "unreadable", "No such file")


def test_truncated_files_tell_sizes(tmp_path):
    whole = small(tmp_path / "a.fits").read_bytes()
    cut = tmp_path / "cut.fits"
    for missing in (1000, 2880, len(whole) // 2):
        cut.write_bytes(whole[:-missing])
        rejected(cut, "truncated", len(whole) - missing)
    packed = gzip.compress(whole, 1)
    for size in (len(packed) - 8, len(packed) - 5000, len(packed) // 2, 40):
        cut.write_bytes(packed[:size])
        rejected(cut, "truncated", f"{size} bytes on disk")
    cut.write_bytes(gzip.compress(whole[: len(whole) // 2], 1))
    rejected(cut, "truncated", len(whole) // 2)
    cut.write_bytes(whole + bytes(2880))
    assert np.array_equal(read_cube(cut).flux, FLUX)


def test_damaged_gzip(tmp_path):
    packed = bytearray(gzip.compress(small(tmp_path / "a.fits").read_bytes(), 1))
    packed[-6] ^= 255  # the checksum
    (tmp_path / "b.fits.gz").write_bytes(packed)
    rejected(tmp_path / "b.fits.gz", "corrupt")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2879), st.binary(min_size=1, max_size=60))
def test_any_damage_to_a_header_is_told_or_harmless(tmp_path_factory, where, junk):
    folder = tmp_path_factory.mktemp("damage")
    whole = bytearray(small(folder / "a.fits").read_bytes())
    whole[where : where + len(junk)] = junk
    (folder / "b.fits").write_bytes(whole)
    try:
        cube = read_cube(folder / "b.fits")
    except CubeRejected as error:
        assert str(folder) in error.detail
    else:
        assert cube.flux.ndim == 3


def test_missing_end_card(tmp_path):
    whole = small(tmp_path / "a.fits").read_bytes()
    first = whole.index(b"END" + b" " * 77)
    second = whole.index(b"END" + b" " * 77, first + 80)
    for index, at in enumerate((first, second)):
        (tmp_path / "b.fits").write_bytes(whole[:at] + b"   " + whole[at + 3 :])
        rejected(tmp_path / "b.fits", "unreadable", f"HDU {index}", "END")


def test_names_of_cards_in_small_letters_are_told_from_a_missing_end(tmp_path):
    """Three are read over, four cannot be told from data; the sentence says what was found."""
    whole = small(tmp_path / "a.fits", make_cubes.header(**{f"EXTRA{i}": i for i in range(4)})).read_bytes()
    for count in (3, 4):
        changed = whole
        for i in range(count):
            changed = changed.replace(b"EXTRA%d  =" % i, b"extra%d  =" % i)
        (tmp_path / "b.fits").write_bytes(changed)
        if count == 3:
            assert np.array_equal(read_cube(tmp_path / "b.fits").flux, FLUX)
    rejected(tmp_path / "b.fits", "unreadable", "HDU 0", "4 cards in block 1 without a keyword of capitals", "extra0")


def test_malformed_cards(tmp_path):
    whole = small(tmp_path / "a.fits", make_cubes.header(DATE="2017")).read_bytes()
    harmless = whole.replace(b"OBJECT  = 'NGC0001 '", b"OBJECT  = NGC 1     ").replace(
        b"DATE    = '2017    '", b"DATE    = '2017/02  "
    )
    (tmp_path / "b.fits").write_bytes(harmless)
    assert np.array_equal(read_cube(tmp_path / "b.fits").flux, FLUX)
    (tmp_path / "b.fits").write_bytes(
        whole.replace(b"CRVAL3  =               3749.0", b"CRVAL3  =               3749,0")
    )
    rejected(tmp_path / "b.fits", "header_card", "CRVAL3")


def test_companion_plane_of_the_wrong_shape(tmp_path):
    rejected(
        small(tmp_path / "a.fits", gaia=np.zeros((5, 4))), "shape_mismatch", "GAIA_MASK", "(5, 4)", "(4, 5)"
    )


def test_only_wanted_hdus_are_loaded(tmp_path):
    units = read_hdus(small(tmp_path / "a.fits.gz"), lambda index, name: name == "FLAT")
    assert [u.name for u in units if u.data is not None] == ["FLAT"]
    assert [u.name for u in units] == ["PRIMARY", "ERROR", "ERRWEIGHT", "BADPIX", "FLAT", "GAIA_MASK"]


def test_manual_mask_codes():
    star = np.array([[True, True, False, False, False, True]])
    flags = np.array([[0, -1, 0, 1, -1, 5]])
    assert masks.manual_mask(star, flags).tolist() == [[True, False, False, True, False, True]]


def test_star_mask_on_the_nucleus_is_freed():
    y, x = np.indices((40, 40))
    nucleus, other = np.hypot(y - 20, x - 20.5) <= 5, np.hypot(y - 20, x - 31) <= 4
    freed, count = masks.spare_nucleus(nucleus | other, (20.2, 19.9), 3.0)
    assert np.array_equal(freed, other) and count == nucleus.sum()


@pytest.mark.parametrize("text", ["null", "", "-", "NaN", None, "none"])
def test_missing_redshift(text):
    with pytest.raises(CubeRejected, match="redshift_missing"):
        quality.check_redshift(quality.parse_number(text))


@pytest.mark.parametrize(
    ("z", "code"), [(-1, "missing"), (-9, "missing"), (-999.0, "missing"), (4521, "km/s"), (0.7, "0.7")]
)
def test_implausible_redshift(z, code):
    with pytest.raises(CubeRejected, match=code):
        quality.check_redshift(z)
    assert quality.check_redshift(0.015) == 0.015 and quality.check_redshift(-0.001) == -0.001


def test_redshift_that_is_no_number():
    with pytest.raises(CubespaceError, match="abc"):
        quality.parse_number("abc")


def test_stop_instead_of_reject():
    error = CubeRejected("truncated", "a.fits: ...")
    assert quality.judged(error) == quality.Verdict("rejected", "truncated", "a.fits: ...")
    with pytest.raises(CubespaceError, match=r"NGC1.*truncated.*a\.fits") as caught:
        quality.judged(error, "stop", "NGC1")
    assert not isinstance(caught.value, CubeRejected)


def test_many_files_leave_no_open_descriptor(tmp_path):
    from pathlib import Path

    path = small(tmp_path / "a.fits.gz")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        read_cube(path)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_every_reason_is_explained():
    import re
    from pathlib import Path

    import cubespace

    source = "".join(path.read_text() for path in Path(cubespace.__file__).parent.rglob("*.py"))
    raised = set(re.findall(r'CubeRejected\(\s*"(\w+)"', source))
    assert len(raised) > 10 and raised <= set(quality.REASONS)
