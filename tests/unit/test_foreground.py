"""Foreground stars and companions: radii, circles, mask files on any grid, hand edits, and what they change."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

import make_cubes
from cubespace.cubes import foreground
from cubespace.cubes.intake import open_cube
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected, CubespaceError
from cubespace.spectra.canvas import survey_field
from cubespace.spectra.moments import galaxy_moments, read_moments
from cubespace.steps import moments as moments_step
from cubespace.steps import stars as stars_step


@pytest.fixture
def cube(tmp_path):
    flux, sigma = make_cubes.base(ny=14, nx=12)
    return read_cube(make_cubes.write(tmp_path / "NGC0001.fits", make_cubes.hdus(flux, sigma)))


def test_radius_is_where_a_moffat_star_meets_the_limit():
    """At the radius of the mask a Moffat profile (FWHM 2.5 arcsec, beta 2) of that magnitude has 23.6 mag/arcsec2."""
    for magnitude in (12.0, 15.2655, 17.0):
        radius = float(foreground.star_radius(magnitude))
        core = 2.5 / 2 / (2**0.5 - 1) ** 0.5
        r = np.linspace(0, 4000, 2_000_001)
        total = np.trapezoid(2 * np.pi * r * (1 + (r / core) ** 2) ** -2, r)  # normalisation, numerically
        brightness = magnitude - 2.5 * np.log10((1 + (radius / core) ** 2) ** -2 / total)
        assert brightness == pytest.approx(23.6, abs=0.01)
    assert foreground.star_radius([20.0, np.nan, 3.0]).tolist() == [2.5, 2.5, 30.0]
    assert (np.diff(foreground.star_radius(np.arange(8.0, 22, 0.5))) <= 0).all()


def test_circles_are_where_the_stars_are(cube):
    """Reference pixel (5, 5) at RA 150, Dec 2; 0.5 arcsec pixels, north up, east left."""
    step = 0.5 / 3600
    ra = np.array([150 - 3 * step / np.cos(np.radians(2)), np.nan, 150.0, 330.0])  # 3 px west; unknown; far; antipode
    dec = np.array([2 + 6 * step, 2.0, 2.3, -2.0])
    star = foreground.star_circles(cube, ra, dec, np.array([19.0, 10, 10, 5]))
    y, x = np.indices((14, 12))
    away = np.hypot(x - 8, y - 11)  # 2.5 arcsec are 5 pixels
    assert star[away < 4.99].all() and not star[away > 5.01].any()
    cube.sky = None
    assert not foreground.star_circles(cube, ra, dec, ra).any() and "no sky coordinates" in cube.notes[-1]


def flags_of(cube):
    rng = np.random.default_rng(3)
    return rng.choice([0, 1, -1, 5], size=cube.field.shape).astype(np.int16)


def test_the_same_flags_from_every_kind_of_file(cube, tmp_path):
    flags = flags_of(cube)
    fits.PrimaryHDU(flags).writeto(tmp_path / "a.fits")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(flags[None].astype(float))]).writeto(tmp_path / "b.fits.gz")
    np.savez(tmp_path / "c.npz", flag=flags.astype(np.int8))
    rows = [f"{y} {x} {flags[y, x]}" for y, x in np.ndindex(flags.shape) if flags[y, x]]
    (tmp_path / "d.txt").write_text("\n".join(["pix_x pix_y Flag", *rows, "99 99 1", "# end"]))
    wide = np.zeros((2, 15, 13), np.int8)
    wide[1, :14, :12] = flags  # one array for all galaxies, larger than the cube
    np.savez(tmp_path / "e.npz", name=np.array(["NGC9999", "ngc 1"]), flag=wide)
    np.save(tmp_path / "f.npy", flags)
    for name in ("d.TXT", "d.csv", "d.reg", "d"):  # the content says what it is
        (tmp_path / name).write_text((tmp_path / "d.txt").read_text())
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress((tmp_path / "d.txt").read_bytes()))
    (tmp_path / "a.mask").write_bytes((tmp_path / "a.fits").read_bytes())
    for name in ("a.fits", "a.mask", "b.fits.gz", "c.npz", "d.txt", "d.TXT", "d.csv", "d.reg", "d", "d.txt.gz", "e.npz", "f.npy"):
        assert np.array_equal(foreground.read_flags(tmp_path / name, "NGC0001", cube), flags), name
    assert not foreground.read_flags(tmp_path / "e.npz", "UGC00005", cube).any()  # not named there


def test_a_companion_mask_on_pixels_twice_as_large(cube, tmp_path):
    coarse = np.zeros((7, 6), bool)
    coarse[5, 1] = True
    np.savez(tmp_path / "a.npz", gal_mask=coarse)
    found = foreground.read_flags(tmp_path / "a.npz", "NGC0001", cube)
    assert np.argwhere(found).tolist() == [[10, 2], [10, 3], [11, 2], [11, 3]]
    assert "(7, 6)" in cube.notes[-1] and "by its scale (0.50)" in cube.notes[-1]


def test_a_mask_with_its_own_coordinates(cube, tmp_path):
    """1 arcsec pixels, turned by 90 degrees: a spaxel is masked if its sky position falls on a masked pixel."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.0], [10.2, 12.1]  # no spaxel on an edge
    wcs.wcs.cd = np.array([[0, 1], [1, 0]]) / 3600
    image = (np.random.default_rng(0).uniform(size=(20, 20)) > 0.7).astype(np.uint8)
    fits.PrimaryHDU(image, wcs.to_header()).writeto(tmp_path / "a.fits")
    found = foreground.read_flags(tmp_path / "a.fits", "NGC0001", cube)
    y, x = np.indices((14, 12))
    ra, dec = cube.sky.to_sky(x, y)
    u, v = wcs.all_world2pix(ra, dec, 0)
    assert np.array_equal(found, image[np.rint(v).astype(int), np.rint(u).astype(int)]) and found.any()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (np.full((14, 12), 3, np.int16), "flags 3; allowed: -1, 0, 1, 5"),
        (np.zeros((3, 14, 12), np.int16), "2-D image is expected"),
        (np.zeros((7, 12), np.int16), "not the same field"),
        (None, "cannot be read as a mask"),
    ],
)
def test_a_mask_that_cannot_be_used_is_named(cube, tmp_path, content, words):
    path = tmp_path / "bad.fits"
    if content is None:
        path.write_text("not FITS")
    else:
        fits.PrimaryHDU(content).writeto(path)
    with pytest.raises(CubeRejected, match=r"mask_unusable.*bad\.fits") as caught:
        foreground.read_flags(path, "NGC0001", cube)
    assert words in caught.value.detail


@pytest.mark.parametrize("line", ["3 x 1", "3 4", "3 4 1 1", "3.5 4 1", "3 4.5 1", "3 4 nan", "3 inf 1", "-1 4 1"])
def test_a_bad_line_of_text_is_named(cube, tmp_path, line):
    (tmp_path / "a.txt").write_text(f"row column flag\n1 2 1\n{line}\n")
    with pytest.raises(CubeRejected, match=rf"^mask_unusable: \S+a\.txt: line 3: 'row column flag'.*{line}'"):
        foreground.read_flags(tmp_path / "a.txt", "NGC0001", cube)
    (tmp_path / "b.txt").write_text("1 2 300\n")
    with pytest.raises(CubeRejected, match=r"b\.txt: flags 0, 300; allowed"):
        foreground.read_flags(tmp_path / "b.txt", "NGC0001", cube)


TITLES = ["NGC 5000\n", "NGC 1\n", "mask of NGC 5000\n", "row column flag (1 masks)\n", "row[0] col[0] flag\n", "row col flag, 1 = masked\n", "\ufeffIC 10, by hand\n"]


@pytest.mark.parametrize("start", [*TITLES, "", "\ufeff", "\ufeffrow,column,flag\n", "x1 y1 NGC0001_flag\n", "# by hand\n", "row column flag\n", "# by hand\n\npix_x pix_y Flag\n"])
def test_the_first_row_of_a_text_mask_is_a_row_if_it_has_two_numbers(cube, tmp_path, start):
    expected = [[3, 4], [5, 6], [7, 8]]
    np.savetxt(tmp_path / "a.txt", [[*place, 1] for place in expected])  # 3.000000000000000000e+00 ...
    (tmp_path / "a.txt").write_text(start + (tmp_path / "a.txt").read_text())
    (tmp_path / "b.txt").write_text(start + "3.0 4.0 1\n5.0 6.0 1\n7 8 1\n14 0 1\n0 12 1\n")
    (tmp_path / "c.txt").write_text(start + "3,4,1\n5, 6, 1\n7 8 1\n")
    for name in ("a.txt", "c.txt", "b.txt"):
        found = foreground.read_flags(tmp_path / name, "NGC0001", cube)
        assert np.argwhere(found == 1).tolist() == expected and np.count_nonzero(found) == 3
    assert cube.notes[-1].endswith("b.txt: 2 spaxels outside the cube's (14, 12) left out")


@pytest.mark.parametrize("line", ["l 2 1", "x 3 1", "1,l,1", "(1 2 1)", "'1 2 1'", "1;2;1", "nan 2 1", "NGC 1 2", "5000"])
def test_a_first_line_with_two_numbers_or_nothing_else_is_no_title(cube, tmp_path, line):
    (tmp_path / "a.txt").write_text(f"{line}\n3 3 1\n")
    with pytest.raises(CubeRejected, match=r"^mask_unusable: \S+a\.txt: line 1: 'row column flag'") as caught:
        foreground.read_flags(tmp_path / "a.txt", "NGC0001", cube)
    assert line in caught.value.detail


@pytest.mark.parametrize(("encoding", "noted"), [("latin-1", 1), ("utf-16", 0), ("utf-8", 0)])
def test_a_text_mask_in_any_encoding(cube, tmp_path, encoding, noted):
    (tmp_path / "a.txt").write_bytes("# máscara\n1 2 1\n3 3 5\n".encode(encoding))
    found = foreground.read_flags(tmp_path / "a.txt", "NGC0001", cube)
    assert (found[1, 2], found[3, 3], np.count_nonzero(found)) == (1, 5, 2)
    assert ["read as Latin-1" in note for note in cube.notes] == [True] * noted


@pytest.mark.parametrize("content", ["", "# no stars\n", "row column flag\n"])
def test_a_text_mask_without_a_row_is_noted(cube, tmp_path, content):
    (tmp_path / "a.txt").write_text(content)
    assert not foreground.read_flags(tmp_path / "a.txt", "NGC0001", cube).any()
    assert cube.notes == [f"{tmp_path}/a.txt: no line 'row column flag' in it: nothing masked or freed by it"]


@pytest.mark.parametrize(
    ("names", "flag", "words"),
    [
        (["NGC 1"], np.ones(1, np.int8), r"found \(1,\) and \(1,\)"), (["NGC 1"], np.ones((14, 12), np.int8), r"found \(1,\) and \(14, 12\)"),
        (["NGC 1", "NGC 2"], np.ones((1, 14, 12), np.int8), r"found \(2,\) and \(1, 14, 12\)"), ("NGC 1", np.ones((1, 14, 12), np.int8), "found"),
        (["NGC 1", "NGC 2", "ngc1"], np.ones((3, 14, 12), np.int8), "NGC0001 is named 2 times, in rows 0, 2"),
        (["NGC 1"], np.full((1, 14, 12), np.inf), "flags inf; allowed"),
    ],
)  # fmt: skip
def test_one_array_for_all_galaxies_that_does_not_say_which_is_whose(cube, tmp_path, names, flag, words):
    np.savez(tmp_path / "a.npz", name=np.array(names), flag=flag)
    with pytest.raises(CubeRejected, match=rf"^mask_unusable: \S+a\.npz: .*{words}"):
        foreground.read_flags(tmp_path / "a.npz", "NGC0001", cube)


def sky_of(cube, **changes):
    """Cards of the cube's own sky."""
    head = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 6.0, "CRPIX2": 6.0,
            "CD1_1": -0.5 / 3600, "CD2_2": 0.5 / 3600}  # fmt: skip
    return fits.Header(head | changes)


def test_a_mask_of_the_cube_s_shape_is_where_its_header_puts_it(cube, tmp_path):
    mask = np.zeros((14, 12), np.int16)
    mask[9, 2] = 1
    for name, changes, places in (("same", {"CRPIX1": 6.4}, [[9, 2]]), ("shifted", {"CRPIX1": 9.0, "CRPIX2": 5.0}, [[10, -1]]),
                                  ("shifted", {"CRPIX1": 4.0, "CRPIX2": 5.0}, [[10, 4]])):  # fmt: skip
        fits.PrimaryHDU(mask, sky_of(cube, **changes)).writeto(tmp_path / "a.fits", overwrite=True)
        cube.notes.clear()
        found = foreground.read_flags(tmp_path / "a.fits", "NGC0001", cube)
        assert np.argwhere(found).tolist() == [place for place in places if min(place) >= 0]
        assert [note.endswith("by its coordinates") for note in cube.notes] == [True] * (name == "shifted")


def without(head, *cards):
    for card in cards:
        del head[card]
    return head


@pytest.mark.parametrize(
    "slip",
    [
        lambda head: without(head, "CD1_1", "CD2_2"),  # a place without a scale
        lambda head: head | {"CUNIT1": "arcsec", "CUNIT2": "arcsec", "CD1_1": -0.5, "CD2_2": 0.5},  # CRVAL in degrees beside it
        lambda head: head | {"CUNIT1": "arcsec", "CUNIT2": "arcsec", "CD1_1": -0.5, "CD2_2": 0.5, "CRVAL1": 0.0, "CRVAL2": 0.0},  # never set
        lambda head: head | {"CD1_1": 1.0, "CD2_2": 1.0, "CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600},  # left over
        lambda head: head | {"CUNIT1": "arcseconds", "CUNIT2": "arcseconds", "CD1_1": -0.5, "CD2_2": 0.5, "CRVAL1": 540000.0, "CRVAL2": 7200.0},
        lambda head: head | {"CTYPE2": "LINEAR"},
    ],
)
def test_slips_in_the_coordinates_of_a_mask_are_read_as_those_of_a_cube(cube, tmp_path, slip):
    """A mask of the cube's shape, with coordinates as reduction tools garble them, has the cube's pixels."""
    mask = np.zeros((14, 12), np.int16)
    mask[9, 2] = 1
    fits.PrimaryHDU(mask, fits.Header(slip(dict(sky_of(cube))))).writeto(tmp_path / "a.fits")
    assert np.argwhere(foreground.read_flags(tmp_path / "a.fits", "NGC0001", cube)).tolist() == [[9, 2]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.fits", b"<html>404 not found</html>", r"no \.fits file.*<html>404"),
        ("a.fits", b"", r"no \.fits file"),
        ("a.txt", b"<html>404 not found</html>", "a web page"),
        ("a.fits.gz", b"1 2 1\n", r"no \.fits file"),
    ],
)
def test_a_mask_that_is_something_else_than_its_name_says(cube, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CubeRejected, match=rf"^mask_unusable: \S+{name}.*{words}"):
        foreground.read_flags(tmp_path / name, "NGC0001", cube)


@pytest.mark.parametrize(
    ("shape", "changes", "words"),
    [((14, 12), {"CRVAL2": 3.0}, "another part of the sky"), ((40, 40), {"CRVAL2": 3.0}, "another part of the sky"),
     ((14, 12), {"CRVAL1": 330.0, "CRVAL2": -2.0}, "another part of the sky"), ((14, 12), {"CUNIT1": "furlong"}, "the coordinates in its header cannot be used: CUNIT1 = 'furlong'")],
)  # fmt: skip
def test_a_mask_of_another_part_of_the_sky(cube, tmp_path, shape, changes, words):
    fits.PrimaryHDU(np.ones(shape, np.int16), sky_of(cube, **changes)).writeto(tmp_path / "a.fits")
    with pytest.raises(CubeRejected, match=rf"mask_unusable.*a\.fits.*{words}"):
        foreground.read_flags(tmp_path / "a.fits", "NGC0001", cube)


def test_a_mask_with_rows_for_columns(tmp_path):
    """16 x 15 on 15 x 16 is as near in size as one that is to be cropped, and would lose or move its flags."""
    flux, sigma = make_cubes.base(ny=15, nx=16)
    cube = read_cube(make_cubes.write(tmp_path / "NGC0001.fits", make_cubes.hdus(flux, sigma)))
    mask = np.zeros((16, 15), np.int16)
    mask[15, 2] = 1
    fits.PrimaryHDU(mask).writeto(tmp_path / "a.fits")
    with pytest.raises(CubeRejected, match=r"mask_unusable.*\(16, 15\), the cube \(15, 16\): rows and columns are swapped"):
        foreground.read_flags(tmp_path / "a.fits", "NGC0001", cube)
    turned = {"CD1_1": 0.0, "CD2_2": 0.0, "CD1_2": -0.5 / 3600, "CD2_1": 0.5 / 3600}  # but a header may say that they are
    fits.PrimaryHDU(mask, sky_of(cube, **turned)).writeto(tmp_path / "a.fits", overwrite=True)
    assert np.argwhere(foreground.read_flags(tmp_path / "a.fits", "NGC0001", cube)).tolist() == [[2, 15]]


def test_a_star_beside_the_nucleus_is_not_taken_for_it():
    """Discs of light with a circular mask: on the nucleus it goes, on its flank it stays, whatever the width."""
    from cubespace.cubes import masks
    from cubespace.spectra.canvas import galaxy_centre

    y, x = np.indices((60, 60))
    light = np.exp(-np.hypot(y - 30, x - 30) / 6)
    for away, freed in ((0, True), (1, True), (7, False), (9, False), (14, False)):
        star = np.hypot(y - 30, x - 30 - away) <= 5
        centre = galaxy_centre(light, ~star, 0.5)
        assert (masks.spare_nucleus(star, centre, 3.0, light)[1] > 0) is freed, away


def test_hand_flags_have_the_last_word(cube):
    """Catalogue on the nucleus: spared. Flag 1 adds, -1 frees, 5 masks even the spared nucleus; twice changes nothing."""
    cube.star[6:8, 5:7] = True  # the nucleus
    cube.star[12, 2:4] = True
    hand = np.zeros((14, 12), np.int8)
    hand[12, 2], hand[1, 1], hand[6, 5] = -1, 1, 5
    expected = np.zeros((14, 12), bool)
    expected[12, 3] = expected[1, 1] = expected[6, 5] = True
    for _ in range(2):
        survey_field(cube, make_cubes.Z, (5600, 5800), 0.5, (), 0.6, hand)
        assert np.array_equal(cube.star, expected)
    assert any("star mask on the nucleus freed (4 spaxels)" in note for note in cube.notes)


def test_too_many_stars_is_a_verdict(cube):
    cube.star[:12] = True
    with pytest.raises(CubeRejected, match=r"too_many_stars: 85\.7 % of the field is masked; at most 80 %"):
        galaxy_moments(cube, make_cubes.Z, spare_nucleus_arcsec=0)


def test_steps_take_masks_and_stars(tmp_path):
    path = make_cubes.base_file(tmp_path / "NGC0001.fits")
    step = 0.5 / 3600
    gaia = pd.DataFrame({"source_id": ["1", "2"], "ra": [150 + 5 * step, None], "dec": [2 - 5 * step, 2.0], "phot_g_mean_mag": [18.5, 14]})
    gaia.to_csv(tmp_path / "gaia.csv", index=False)
    stars_step.main(["--table", str(tmp_path / "gaia.csv"), "--out", str(tmp_path / "stars.npz")])
    mask = np.zeros((12, 12), np.uint8)
    mask[11, 11] = 1
    fits.PrimaryHDU(mask).writeto(tmp_path / "mask.fits")
    cube, hand = open_cube(path, "NGC0001", {}, tmp_path / "mask.fits", tmp_path / "stars.npz")
    y, x = np.indices((12, 12))
    corner = np.hypot(x - 0, y - 0) <= float(foreground.star_radius(18.5)) / 0.5
    assert np.array_equal(cube.star, corner) and np.array_equal(hand, mask)
    options = ["--cube", str(path), "--redshift", str(make_cubes.Z), "--galaxy", "NGC0001", "--settings", json.dumps({"snr_min": 20})]
    moments_step.main([*options, "--out", str(tmp_path / "a.npz")])
    moments_step.main([*options, "--out", str(tmp_path / "b.npz"), "--mask", str(tmp_path / "mask.fits"), "--stars", str(tmp_path / "stars.npz")])
    without, found = read_moments(tmp_path / "a.npz"), read_moments(tmp_path / "b.npz")
    assert without["n_spaxels"] - found["n_spaxels"] == corner.sum() + 1
    (tmp_path / "mask.fits").write_text("damaged")
    moments_step.main([*options, "--out", str(tmp_path / "c.npz"), "--mask", str(tmp_path / "mask.fits")])
    assert read_moments(tmp_path / "c.npz", ("reason",))["reason"] == "mask_unusable"


def test_a_table_of_stars_without_the_columns_is_named(tmp_path):
    pd.DataFrame({"ra": [1.0], "declination": [2.0]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(CubespaceError, match=r"a\.csv: no column for dec.*declination"):
        stars_step.main(["--table", str(tmp_path / "a.csv"), "--out", str(tmp_path / "x.npz")])


@pytest.mark.parametrize(("ra", "unit"), [(10.0, "hourangle"), (9000.0, "arcmin"), (150.0, "deg"), ("10:00:00", None)])
def test_stars_in_any_unit_and_codes_for_missing(tmp_path, capsys, ra, unit):
    """10h = 150 deg = 9000'; 95 degrees of declination are no place, 99 and -999 no magnitudes."""
    table = Table({"ra": [ra] * 4, "dec": [2.0, 95, 2, 2], "G": [18.5, 14, 99, -999]}, units={"ra": unit} if unit else None)
    table.write(tmp_path / "s.ecsv")
    stars_step.main(["--table", str(tmp_path / "s.ecsv"), "--out", str(tmp_path / "s.npz")])
    ra, dec, magnitude = foreground.read_stars(tmp_path / "s.npz")
    np.testing.assert_allclose(ra, 150.0)
    np.testing.assert_allclose(dec, 2.0)
    np.testing.assert_array_equal(magnitude, [18.5, np.nan, np.nan])
    printed = capsys.readouterr().out
    assert "3 stars, 1 rows without a position left out" in printed and "'dec': 1 values are sentinels or out of range" in printed
    assert "'G': 2 values are no magnitudes" in printed


def test_masks_that_could_be_read_in_two_ways(tmp_path, cube):
    """Names as bytes are names; of two images the first is taken and noted; a spaxel with two flags in a text is refused."""
    flag = np.zeros((2, 14, 12), np.int8)
    flag[1, 3, 4] = 1
    np.savez(tmp_path / "all.npz", name=np.array([b"NGC 2", b"NGC 1"]), flag=flag)
    assert np.argwhere(foreground.read_flags(tmp_path / "all.npz", "NGC0001", cube)).tolist() == [[3, 4]]
    fits.HDUList([fits.PrimaryHDU(flag[1]), fits.ImageHDU(flag[0])]).writeto(tmp_path / "a.fits")
    assert np.argwhere(foreground.read_flags(tmp_path / "a.fits", "NGC0001", cube)).tolist() == [[3, 4]]
    assert any("the first of 2 images was taken as the mask" in note for note in cube.notes)
    (tmp_path / "a.txt").write_text("3 4 1\n3 4 1\n")
    assert np.argwhere(foreground.read_flags(tmp_path / "a.txt", "NGC0001", cube)).tolist() == [[3, 4]]
    (tmp_path / "a.txt").write_text("3 4 1\n5 5 1\n3 4 -1\n")
    with pytest.raises(CubeRejected, match=r"mask_unusable: .*a\.txt: line 3: flag -1 for a spaxel that has 1 in line 1"):
        foreground.read_flags(tmp_path / "a.txt", "NGC0001", cube)


def test_the_authors_hand_masks(shared_data, cube):
    """All 485 arrays are laid on a cube of their survey's size, flag by flag; NGC 6027's companion masks are smaller."""
    path = shared_data / "cl_ecalifa" / "antimasks_edr.npz"
    with np.load(path) as stored:
        names, flag = stored["name"], stored["flag"]
    big = read_cube_like(150, 160)
    for row in np.linspace(0, len(names) - 1, 6).astype(int):
        found = foreground.read_flags(path, str(names[row]), big)
        assert found.shape == (150, 160) and np.array_equal(found, flag[row][:150, :160]), names[row]
    assert not foreground.read_flags(path, "NGC99999", big).any()


def read_cube_like(ny, nx):
    from cubespace.cubes.cube import Cube

    ones = np.ones((ny, nx), bool)
    flat = np.zeros((2, ny, nx), np.float32)
    return Cube(flat, flat, flat > 0, ~ones, ones, np.array([4000.0, 4002.0]), 0.5, "NGC.fits")
