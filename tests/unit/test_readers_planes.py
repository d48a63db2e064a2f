"""Planes of flags, fluxes and errors of every FITS type: no bit of a mask and no digit of a scaled number is lost."""

import io

import numpy as np
import pytest
from astropy.io import fits

import make_cubes
import make_surveys
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected

WHOLE = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
FLUX, SIGMA = make_surveys.truth()


def generic(folder, *more, flux=FLUX, noise=SIGMA, name="ERR", **cards):
    """A FLUX and its noise with more HDUs, written."""
    units = [fits.PrimaryHDU(), fits.ImageHDU(flux, make_cubes.header(**cards), name="FLUX"), fits.ImageHDU(noise, name=name)]
    return make_cubes.write(folder / "a.fits", [*units, *more])


def scaled(name, counts, bitpix, scale, zero, head=None):
    """An image HDU of integers with BSCALE and BZERO, in bytes; astropy would scale them back."""
    counts = counts.astype("u1" if bitpix == 8 else f">i{bitpix // 8}")
    text = fits.ImageHDU(counts, head, name=name).header.tostring(sep="", endcard=False, padding=False)
    for key, value in (("BSCALE", f"{scale:.12E}"), ("BZERO", f"{zero:.12E}")):
        text += f"{key:8}= {value:>20}".ljust(80)
    text = f"{text}{'END':80}"
    return text.ljust(-(-len(text) // 2880) * 2880).encode() + counts.tobytes() + bytes(-counts.nbytes % 2880)


def joined(folder, *parts):
    """The path of a file of an empty primary HDU, and HDUs in bytes or of astropy."""
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *[part for part in parts if not isinstance(part, bytes)]]).writeto(content)
    (folder / "a.fits").write_bytes(content.getvalue() + b"".join(part for part in parts if isinstance(part, bytes)))
    return folder / "a.fits"


def at(kind, value, *places, shape=FLUX.shape):
    plane = np.zeros(shape, kind)
    for place in places:
        plane[place] = value
    return plane


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("packed", [False, True])
def test_masks_of_every_whole_type(tmp_path, kind, packed):
    """1, the low bit, beside the greatest number of the type: 2^63 and 2^63 + 1 are one number to a float64."""
    mask = at(kind, 1, (3, 2, 1))
    mask[7, 1, 1] = np.iinfo(kind).max
    units = fits.HDUList(fits.open(generic(tmp_path, fits.ImageHDU(mask, name="MASK"))))
    cube = read_cube(make_cubes.write(tmp_path / "b.fits", make_surveys.packed(units) if packed else units))
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1], [7, 1, 1]]
    mapping = {"flux": "FLUX", "sigma": "ERR", "flags": "MASK", "bad_bits": [0]}
    assert np.argwhere(read_cube(tmp_path / "b.fits", mapping=mapping).bad).tolist() == [[3, 2, 1], [7, 1, 1]]
    assert np.argwhere(read_cube(tmp_path / "b.fits", mapping=mapping | {"bad_bits": [1]}).bad).tolist() == [[7, 1, 1]]


@pytest.mark.parametrize("kind", WHOLE)
def test_masks_of_the_surveys_of_every_whole_type(tmp_path, kind):
    hdus = make_surveys.manga()[0]
    hdus["MASK"].data = at(kind, 4, (3, 1, 1)) + at(kind, 8, (slice(None), 2, 2))  # a dead fibre, a star
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", hdus))
    assert np.argwhere(cube.bad).tolist() == [[3, 1, 1]] and np.argwhere(cube.star).tolist() == [[2, 2]]
    hdus = make_surveys.muse()[0]
    hdus.append(fits.ImageHDU(at(kind, 4, (2, 1, 3)), name="DQ"))
    assert np.argwhere(read_cube(make_cubes.write(tmp_path / "b.fits", hdus)).bad).tolist() == [[2, 1, 3]]
    planes = at(kind, 1, (7, 1, 2)), 1 - at(kind, 1, (0, 0), shape=(4, 5)), at(kind, 1, (3, 4), shape=(4, 5))
    cube = read_cube(make_cubes.write(tmp_path / "c.fits", make_cubes.hdus(FLUX, SIGMA, *planes)))
    assert np.argwhere(cube.bad).tolist() == [[7, 1, 2]]
    assert np.argwhere(~cube.field).tolist() == [[0, 0]] and np.argwhere(cube.star).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("kind", "value", "bits", "bad"),
    [("i2", -(2**15), [15], 1), ("i4", -(2**31), [31], 1), ("i8", -(2**63), [63], 1), ("u1", 128, [7], 1), ("u8", 2**40, [40], 1),
     ("i2", -(2**15), [14], 0), ("u1", 255, [8], 0), ("u1", 255, [10, 40], 0), ("i2", -1, [16], 0), ("u4", 2, [1, 64], 1)],
)  # fmt: skip
def test_bits_up_to_the_sign_and_beyond_the_type(tmp_path, kind, value, bits, bad):
    path = generic(tmp_path, fits.ImageHDU(at(kind, value, (3, 2, 1)), name="BITS"))
    cube = read_cube(path, mapping={"flux": "FLUX", "sigma": "ERR", "flags": "BITS", "bad_bits": bits})
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1]] * bad


@pytest.mark.parametrize("bits", [{}, {"bad_bits": [0]}])
def test_a_blank_flag_is_a_bad_sample_and_no_star(tmp_path, bits):
    flags = at("i2", 1, (7, 1, 1)) + at("i2", -32768, (3, 2, 1))
    plane = fits.ImageHDU(flags, name="BITS")
    plane.header["BLANK"] = -32768
    cube = read_cube(generic(tmp_path, plane), mapping={"flux": "FLUX", "sigma": "ERR", "flags": "BITS", **bits})
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1], [7, 1, 1]]
    hdus = make_surveys.manga()[0]
    hdus["MASK"].data = at("i4", 4, (3, 1, 1)) + at("i4", 8, (slice(None), 2, 2)) + at("i4", -1, (5, 0, 3))
    hdus["MASK"].header["BLANK"] = -1  # all bits, of a star too
    cube = read_cube(make_cubes.write(tmp_path / "m.fits", hdus))
    assert np.argwhere(cube.bad).tolist() == [[3, 1, 1], [5, 0, 3]] and np.argwhere(cube.star).tolist() == [[2, 2]]


@pytest.mark.parametrize("bitpix", [16, 32, 64])
@pytest.mark.parametrize("times", [0, 1, 3])
def test_whole_fluxes_with_a_scale_of_one_and_a_code_for_missing(tmp_path, bitpix, times):
    counts = (np.arange(FLUX.size) % 1000 + 1).reshape(FLUX.shape)
    counts[:times, 0, 0] = -999
    cube = read_cube(joined(tmp_path, fits.ImageHDU(SIGMA, name="ERR"), scaled("FLUX", counts, bitpix, 1, 0, make_cubes.header())))
    bad = [[i, 0, 0] for i in range(times)] if times > 1 else []  # once, it may be a flux
    assert np.argwhere(cube.bad).tolist() == bad
    np.testing.assert_array_equal(cube.flux[~cube.bad], counts[~cube.bad])


@pytest.mark.parametrize("exponent", [-17, -18, -20, -21])
@pytest.mark.parametrize("bitpix", [8, 16, 32])
def test_scaled_variances_in_absolute_units(tmp_path, exponent, bitpix):
    """(1e-21 erg/s/cm2/A)^2 over 32000 counts is a BSCALE of 1e-47, which float32 has not; one of 1e-44 it has with one digit."""
    variance = (SIGMA.astype(float) * 10.0**exponent) ** 2
    scale = float(f"{variance.max() / {8: 250, 16: 32000, 32: 2e9}[bitpix]:.12E}")
    counts = np.round(variance / scale)
    flux = fits.ImageHDU((FLUX * 10.0**exponent).astype(np.float32), make_cubes.header(BUNIT="erg/s/cm2/A"), name="FLUX")
    cube = read_cube(joined(tmp_path, flux, scaled("VAR", counts, bitpix, scale, 0)))
    assert not cube.bad.any()
    np.testing.assert_allclose(cube.sigma, np.sqrt(counts * scale) * 1e16, rtol=1e-6)


@pytest.mark.parametrize("bitpix", [8, 16, 32, 64])
def test_whole_variances_with_a_scale_of_one(tmp_path, bitpix):
    """The root of 200 in half precision, which numpy takes for eight bits, is off by 2e-4."""
    counts = np.arange(FLUX.size).reshape(FLUX.shape) % 200 + 50
    cube = read_cube(joined(tmp_path, fits.ImageHDU(FLUX, make_cubes.header(), name="FLUX"), scaled("VAR", counts, bitpix, 1, 0)))
    np.testing.assert_allclose(cube.sigma, np.sqrt(counts.astype(float)), rtol=1e-7)


def test_a_scale_and_a_zero_that_nearly_cancel(tmp_path):
    """-32768 counts of 0.01 and a BZERO of 327.681 are 0.001: single precision has 327.68 to 3e-5 only."""
    counts = np.full(FLUX.shape, -32768)
    cube = read_cube(joined(tmp_path, fits.ImageHDU(SIGMA, name="ERR"), scaled("FLUX", counts, 16, 0.01, 327.681, make_cubes.header())))
    np.testing.assert_allclose(cube.flux, 0.001, rtol=1e-6)


MASKS = ("BADPIX", "MASK", "DQ", "FLAGS", "QUALITY")


@pytest.mark.parametrize("survey", ["muse", "sami"])
@pytest.mark.parametrize("name", [*MASKS, "GAIA_MASK", "FLAT"])
def test_masks_that_were_added_to_a_cube_of_a_survey(tmp_path, survey, name):
    hdus = getattr(make_surveys, survey)()[0]
    plane = {"GAIA_MASK": at("u1", 1, (3, 4), shape=(4, 5)), "FLAT": 1 - at("u1", 1, (2, 1), shape=(4, 5))}.get(name, at("u1", 4, (3, 2, 1)))
    hdus.append(fits.ImageHDU(plane, name=name))
    path = make_cubes.write(tmp_path / "a.fits.gz", hdus)
    for verify in (True, False):
        cube = read_cube(path, verify=verify)
        assert cube.survey == survey and cube.notes == []
        cube.bad[:, 0, 0], cube.field[0, 0] = False, True  # no data, in SAMI's
        assert np.argwhere(cube.bad).tolist() == [[3, 2, 1]] * (name in MASKS)
        assert np.argwhere(cube.star).tolist() == [[3, 4]] * (name == "GAIA_MASK")
        assert np.argwhere(~cube.field).tolist() == [[2, 1]] * (name == "FLAT")


TABLE = fits.BinTableHDU.from_columns([fits.Column("flag", "J", array=[1, 2, 3])], name="QUALITY")
MISFITS = {
    "table": (TABLE, "QUALITY"), "mask of spaxels": (fits.ImageHDU(at("u1", 1, (1, 1), shape=(4, 5)), name="MASK"), "MASK (4, 5) uint8"),
    "small mask": (fits.ImageHDU(np.ones((3, 3), "i2"), name="BADPIX"), "BADPIX (3, 3) int16"),
    "line of flags": (fits.ImageHDU(np.ones(60, "i2"), name="DQ"), "DQ (60,) int16"),
    "flat field": (fits.ImageHDU(np.zeros(FLUX.shape, "f4"), name="FLAT"), "FLAT (60, 4, 5) float32"),
    "line of flats": (fits.ImageHDU(np.zeros(60, "f4"), name="FLAT"), "FLAT (60,) float32"),
    "stars of another field": (fits.ImageHDU(np.ones((5, 4), "u1"), name="GAIA_MASK"), "GAIA_MASK (5, 4) uint8"),
}  # fmt: skip


@pytest.mark.parametrize("survey", ["muse", "sami", "generic"])
@pytest.mark.parametrize("kind", MISFITS)
@pytest.mark.parametrize("beside", [False, True])
def test_a_plane_with_the_name_of_a_mask_and_another_shape_is_noted(tmp_path, survey, kind, beside):
    """It masks nothing, and hides no mask of the cube's shape under another name."""
    unit, listed = MISFITS[kind]
    hdus = fits.HDUList(fits.open(generic(tmp_path))) if survey == "generic" else getattr(make_surveys, survey)()[0]
    hdus.append(unit)
    if beside:
        hdus.append(fits.ImageHDU(at("u1", 4, (3, 2, 1)), name="FLAGS"))
    cube = read_cube(make_cubes.write(tmp_path / "b.fits", hdus))
    (note,) = [note for note in cube.notes if "HDUs that are not used" in note]
    assert cube.survey == survey and f" {listed}" in note and "FLAGS" not in note
    cube.bad[:, 0, 0], cube.field[0, 0] = False, True  # no data, in SAMI's
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1]] * beside and cube.field.all() and not cube.star.any()


@pytest.mark.parametrize(("survey", "own", "other"), [("muse", "DQ", "BADPIX"), ("ecalifa", "BADPIX", "DQ"),
                                                      ("manga", "MASK", "DQ"), ("sami", "MASK", "DQ")])  # fmt: skip
def test_a_mask_beside_the_one_that_is_used_is_noted(tmp_path, survey, own, other):
    hdus = getattr(make_surveys, survey)()[0]
    if own not in hdus:
        hdus.append(fits.ImageHDU(at("i4", 4, (3, 2, 1)), name=own))
    hdus.append(fits.ImageHDU(at("i4", 4, (5, 2, 1)), name=other))
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", hdus))
    assert cube.survey == survey and not cube.bad[5, 2, 1]
    assert [note for note in cube.notes if "not used" in note] == [f"{cube.path}: HDUs that are not used: {len(hdus) - 1} {other} (60, 4, 5) int32"]


@pytest.mark.parametrize(("name", "power"), [("ERR", 1), ("VARIANCE", 2)])
def test_a_weight_alone_makes_no_cube_of_sami(tmp_path, name, power):
    units = [fits.PrimaryHDU(FLUX, make_cubes.header()), fits.ImageHDU(SIGMA**power, name=name),
             fits.ImageHDU(np.ones_like(FLUX), name="WEIGHT"), fits.ImageHDU(at("i2", 4, (3, 2, 1)), name="DQ")]  # fmt: skip
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", units))
    assert cube.survey == "generic" and np.argwhere(cube.bad).tolist() == [[3, 2, 1]]
    np.testing.assert_allclose(cube.sigma, SIGMA, rtol=1e-6)
    units[0].header["INSTRUME"] = "AAOMEGA-SAMI"
    make_cubes.write(tmp_path / "a.fits", units)
    if name == "VARIANCE":
        assert read_cube(tmp_path / "a.fits").survey == "sami"
    else:
        with pytest.raises(CubeRejected, match="a SAMI cube without VARIANCE"):
            read_cube(tmp_path / "a.fits")


def test_a_cube_that_does_not_say_manga_is_noted(tmp_path):
    hdus = make_surveys.manga()[0]
    hdus["MASK"].data = at("i4", 16, (3, 2, 1))
    said = [note for note in read_cube(make_cubes.write(tmp_path / "a.fits", hdus)).notes if "MaNGA" in note]
    for card in ("MANGAID", "PLATEIFU", "DRP3QUAL"):
        del hdus[0].header[card]
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", hdus))
    (note,) = [note for note in cube.notes if "MaNGA" in note]
    assert said == [] and not cube.bad.any() and cube.survey == "manga"
    assert "no MANGAID, PLATEIFU, DRP3QUAL: taken for MaNGA by FLUX, IVAR, MASK, WAVE: bits 0, 1, 2, 10 of MASK taken as bad" in note


AXIS = 3749.0 + 2.0 * np.arange(len(FLUX))
BARE = {key: None for key in ("CRVAL3", "CRPIX3", "CD3_3", "CUNIT3")}


@pytest.mark.parametrize("name", ["WAVE", "WAVELENGTH", "WAVELENGTHS", "LAMBDA", "LAM"])
def test_wavelengths_beside_a_cube_of_no_survey(tmp_path, name):
    """They are instead of the header's, or have to agree with them: those of 2 A more, or of nm in no unit, do not."""
    line = fits.ImageHDU(AXIS / 10, fits.Header({"BUNIT": "nm"}), name=name)
    for cards in ({}, BARE):
        cube = read_cube(generic(tmp_path, line, **cards))
        np.testing.assert_allclose(cube.wavelength, AXIS, rtol=1e-12)
        assert cube.provenance["wave"].startswith(f"HDU 3 {name}")
    for values, found in ((AXIS + 2, "3751.0000"), (AXIS / 3, "1289.0000")):
        with pytest.raises(CubeRejected, match=rf"wavelength_axis: .*the header gives 3\d+\.\d+ A for sample \d+, HDU 3 {name} {found} A"):
            read_cube(generic(tmp_path, fits.ImageHDU(values, name=name)))


def test_a_line_of_wavelengths_of_another_length_is_noted(tmp_path):
    cube = read_cube(generic(tmp_path, fits.ImageHDU(AXIS[:-1], name="WAVE")))
    assert cube.wavelength.tolist() == AXIS.tolist()
    assert any("HDU 3 WAVE (59,) float64: not the wavelengths of FLUX (60, 4, 5) float32" in note for note in cube.notes)


LONG = 15000.0 + 1.5 * np.arange(len(FLUX))  # in nm or um of no stated unit: 1500 .. 1588.5, which could be Angstrom, and 1.5 .. 1.6


@pytest.mark.parametrize(
    ("cards", "values", "unit"),
    [({}, AXIS / 10, None), ({}, AXIS / 1e4, None), ({}, np.log10(AXIS), None), ({}, np.arange(60.0), None), ({}, np.zeros(60), "nm"),
     ({}, np.full(60, np.nan), "Angstrom"), ({}, np.arange(60.0), "pixel"), ({}, AXIS, "nm"), ({"CRVAL3": 15000.0, "CD3_3": 1.5}, LONG / 10, None),
     ({"CRVAL3": 15000.0, "CD3_3": 1.5}, (LONG / 10).astype("f4"), "Angstrom"), ({"CRVAL3": 15000.0, "CD3_3": 1.5}, LONG, "um")],
)  # fmt: skip
def test_what_is_no_axis_in_angstrom_gives_way_to_the_header(tmp_path, cards, values, unit):
    line = fits.ImageHDU(values, fits.Header({"BUNIT": unit} if unit else {}), name="WAVE")
    cube = read_cube(generic(tmp_path, line, **cards))
    assert cube.wavelength.tolist() == (LONG if cards else AXIS).tolist() and "wave" not in cube.provenance
    (note,) = [note for note in cube.notes if "HDU 3 WAVE" in note]
    assert note.endswith(f", BUNIT = {unit or ''!r}) is no axis in Angstrom, or the header's in another unit: not used")
    with pytest.raises(CubeRejected, match="wavelength_axis"):  # where the mapping names it, it is one
        read_cube(cube.path, mapping={"flux": "FLUX", "sigma": "ERR", "wavelength": "WAVE"})
    if not cards and unit not in ("Angstrom", "nm"):
        with pytest.raises(CubeRejected, match="wavelength_axis"):  # the header has none
            read_cube(generic(tmp_path, line, **BARE))


def test_wavelengths_that_agree_with_the_header_leave_its_digits(tmp_path):
    """4000.1 + 2.1 i in float32 is off by 1e-4 A."""
    axis = 4000.1 + 2.1 * np.arange(len(FLUX))
    path = generic(tmp_path, fits.ImageHDU(axis.astype("f4"), name="WAVE"), CRVAL3=4000.1, CD3_3=2.1)
    for mapping in (None, {"flux": "FLUX", "sigma": "ERR", "wavelength": "WAVE"}):
        cube = read_cube(path, mapping=mapping)
        np.testing.assert_allclose(cube.wavelength, axis, rtol=1e-14)
        assert cube.provenance["wave"].startswith("HDU 3 WAVE")
