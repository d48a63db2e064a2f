"""Sizes of spaxels and positions by the cards of a cube: every unit, each axis its own; what is no place in the sky of 2000."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from test_readers_axis import ours

import make_cubes
import make_surveys
from cubespace.cubes.readers import axis, read_cube
from cubespace.cubes.readers import header as cards
from cubespace.errors import CubeRejected

RAD = 0.5 / 206264.80624709636


@pytest.mark.parametrize(
    ("units", "steps"),
    [(("deg", "deg"), (0.5 / 3600, 0.5 / 3600)), (("Degrees", "degree"), (0.5 / 3600, 0.5 / 3600)), (("arcsec", "arcsec"), (0.5, 0.5)),
     (("deg", "arcsec"), (0.5 / 3600, 0.5)), (("arcmin", "deg"), (0.5 / 60, 0.5 / 3600)), (("mas", "mas"), (500.0, 500.0)),
     (("rad", "rad"), (RAD, RAD)), (("arcsec", None), (0.5, 0.5)), ((None, None), (0.5 / 3600, 0.5 / 3600))],
)  # fmt: skip
def test_spaxels_in_any_unit(units, steps):
    head = make_cubes.header(CUNIT1=units[0], CUNIT2=units[1], CD1_1=-steps[0], CD2_2=steps[1])
    notes = []
    assert cards.pixel_scale(ours(head), "a", notes) == pytest.approx(0.5, rel=1e-9) and notes == []
    ra, dec = cards.sky(ours(head), "a").to_sky(5.0, 6.0)  # one spaxel north of the reference
    assert (ra, dec) == pytest.approx((150.0, 2.0 + 0.5 / 3600), abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"CUNIT1": "hours"}, "CUNIT1 = 'hours'; deg, arcsec, arcmin, mas or rad is expected"), ({"CUNIT2": "pixel"}, "CUNIT2 = 'pixel'"),
     ({"CD1_1": -1e-6, "CD2_2": 1e-6}, "give pixels of 0.0036 arcsec; more than 0.005 is expected"),
     ({"CD1_1": -0.5}, "spaxels of 1800 by 0.5 arcsec; are CUNIT1 and CUNIT2 right")],
)  # fmt: skip
def test_spaxels_of_no_unit_or_no_size_are_refused(changes, words):
    with pytest.raises(CubeRejected, match=f"header_card: a: .*{words}"):
        cards.pixel_scale(ours(make_cubes.header(**changes)), "a")


def test_steps_of_one_pixel_state_nothing():
    head = make_cubes.header(CD1_1=1.0, CD2_2=1.0, CUNIT1="pixel", CUNIT2="pixel", CTYPE1="LINEAR", CTYPE2="LINEAR")
    assert cards.pixel_scale(ours(head), "a") is None and cards.sky(ours(head), "a") is None


ARCSEC = {"CUNIT1": "arcsec", "CUNIT2": "arcsec"}
NO_CD = {"CD1_1": None, "CD2_2": None}
ONES = {"CD1_1": 1.0, "CD2_2": 1.0}


@pytest.mark.parametrize(
    ("changes", "side"),
    [(ARCSEC | {"CD1_1": -1.0, "CD2_2": 1.0}, 1.0), (ARCSEC | NO_CD | {"CDELT1": -1.0, "CDELT2": 1.0}, 1.0),
     (ARCSEC | {"CD1_1": -0.5, "CD2_2": 2.0}, 1.0), (ARCSEC | {"CD1_1": -0.6, "CD1_2": 0.8, "CD2_1": 0.8, "CD2_2": 0.6}, 1.0),
     ({"CUNIT1": "arcsec", "CUNIT2": None, "CD1_1": -1.0, "CD2_2": 1.0}, 1.0), ({"CD1_1": -1.0, "CD2_2": 1.0}, None),
     ({"CUNIT1": None, "CUNIT2": None, "CD1_1": -1.0, "CD2_2": 1.0}, None), (NO_CD | {"CDELT1": -1.0, "CDELT2": 1.0}, None),
     ({"CD1_1": 1.0, "CD2_2": 1.0, "CDELT1": -0.4 / 3600, "CDELT2": 0.4 / 3600}, 0.4),
     (ARCSEC | {"CD1_1": 1.0, "CD2_2": 1.0, "CDELT1": -0.4, "CDELT2": 0.4}, 0.4), ({"CDELT1": 1.0, "CDELT2": 1.0}, 0.5),
     (ONES | {"CDELT1": 0.5, "CDELT2": 0.5}, None), (ONES | ARCSEC | {"CDELT1": 200.0, "CDELT2": 200.0}, 1.0),
     (ONES | {"CUNIT1": None, "CUNIT2": None, "CDELT1": -0.5, "CDELT2": 0.5}, None),
     (ONES | {"CUNIT1": "pixel", "CUNIT2": "pixel", "CDELT1": 0.5, "CDELT2": 0.5}, None)],
)  # fmt: skip
def test_a_step_of_one_is_a_size_where_its_unit_is_stated(changes, side):
    """The area of 1 arcsec2 is that of 0.5 x 2 arcsec and of 1 x 1 turned by arctan(0.8 / 0.6), too; 1 degree is nobody's spaxel."""
    notes = []
    assert cards.pixel_scale(ours(make_cubes.header(**changes)), "a", notes) == (None if side is None else pytest.approx(side, rel=1e-9))
    assert ["left over" in note for note in notes] == [True] * (side == 0.4) + [False] * (changes.get("CD2_2") == 2.0)


@pytest.mark.parametrize("changes", [{"CUNIT1": "rad", "CUNIT2": "rad"}, {"CUNIT1": "arcmin", "CUNIT2": "arcmin"}, {"CUNIT1": "mas", "CUNIT2": "mas"},
                                     {"CD1_1": -0.5, "CD2_2": 2.0}])  # fmt: skip
def test_a_step_of_one_that_is_no_spaxel_in_its_unit_is_refused(changes):
    with pytest.raises(CubeRejected, match=r"header_card: a: .*arcsec"):
        cards.pixel_scale(ours(make_cubes.header(**{"CD1_1": -1.0, "CD2_2": 1.0} | changes)), "a")


def test_fluxes_per_area_in_spaxels_of_one_arcsec(tmp_path):
    """1e-16 per arcsec2 is 1e-16 in a spaxel of 1 arcsec, not a quarter of it as in those of 0.5 that eCALIFA has."""
    hdus, flux, _ = make_surveys.ecalifa(**ARCSEC, CD1_1=-1.0, CD2_2=1.0, BUNIT="1e-16 erg/s/cm2/A/arcsec2")
    cube = read_cube(make_cubes.write(tmp_path / "a.fits", hdus))
    assert cube.pixel_arcsec == pytest.approx(1.0)
    np.testing.assert_allclose(cube.flux, flux, rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "per_degree"),
    [(("arcsec", "arcsec"), (3600, 3600)), (("arcmin", "arcmin"), (60, 60)), (("mas", "mas"), (3.6e6, 3.6e6)), (("rad", "rad"), (np.pi / 180,) * 2),
     (("deg", "arcsec"), (1, 3600)), (("arcsec", None), (3600, 3600)), (("deg", "deg"), (1, 1))],
)  # fmt: skip
@pytest.mark.parametrize("place", [(150.0, 2.0), (150.0, -0.05), (359.9, 89.0), (20.0, 1.0)])
@pytest.mark.parametrize("swapped", [False, True])
def test_places_in_the_unit_of_their_axis(units, per_degree, place, swapped):
    """As wcslib has it, by the standard."""
    steps = [-0.5 / 3600, 0.5 / 3600]
    values = [number * factor for number, factor in zip(place[::-1] if swapped else place, per_degree, strict=True)]
    changes = {"CRVAL1": values[0], "CRVAL2": values[1], "CD1_1": steps[swapped] * per_degree[0], "CD2_2": steps[not swapped] * per_degree[1]}
    kinds = {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN"} if swapped else {}
    notes, head = [], make_cubes.header(CUNIT1=units[0], CUNIT2=units[1], **changes, **kinds)
    sky = cards.sky(ours(head), "a", notes)
    assert (sky.ra, sky.dec) == pytest.approx(place, abs=1e-9) and notes == []
    head["CUNIT2"] = units[1] or units[0]
    theirs = [float(value) for value in WCS(head).celestial.wcs_pix2world([[3.0, 2.0]], 0)[0]]
    assert sky.to_sky(3.0, 2.0) == pytest.approx(theirs[::-1] if swapped else theirs, abs=1e-8)


@pytest.mark.parametrize("unit", ["arcsec", "arcmin", "mas", "rad"])
@pytest.mark.parametrize("place", [(150.0, 2.0), (359.9, -89.0), (0.5, 80.0)])
def test_places_in_degrees_beside_steps_in_another_unit(unit, place):
    """150 arcsec is 0.04 deg from 0h, and 150 rad no right ascension: degrees, with a note."""
    notes, side = [], {"arcsec": 0.5, "arcmin": 0.5 / 60, "mas": 500.0, "rad": RAD}[unit]
    head = make_cubes.header(CUNIT1=unit, CUNIT2=unit, CRVAL1=place[0], CRVAL2=place[1], CD1_1=-side, CD2_2=side)
    sky = cards.sky(ours(head), "a", notes)
    assert (sky.ra, sky.dec) == place
    assert notes == [f"a: CRVAL1 = {place[0]:g} and CRVAL2 = {place[1]:g} taken as degrees, though CUNIT says {unit!r}"]


@pytest.mark.parametrize("unit", ["arcsec", "deg", None])
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.0, 2.0), (150.0, 0.0)])
def test_zeros_in_arcsec_are_no_place(unit, place):
    notes, side, stated = [], 0.5 if unit == "arcsec" else 0.5 / 3600, unit != "arcsec" or any(place)
    head = make_cubes.header(CUNIT1=unit, CUNIT2=unit, CRVAL1=place[0], CRVAL2=place[1], CD1_1=-side, CD2_2=side)
    assert cards.pixel_scale(ours(head), "a", notes) == pytest.approx(0.5)
    sky = cards.sky(ours(head), "a", notes)
    assert (sky is not None and (sky.ra, sky.dec)) == (place if stated else False) and len(notes) == (stated and unit == "arcsec")


@pytest.mark.parametrize("changes", [{"RADESYS": "FK4"}, {"RADECSYS": "FK4-NO-E"}, {"EQUINOX": 1950.0}, {"EPOCH": "B1950"}])
def test_places_of_1950_are_not_used(changes):
    notes = []
    assert cards.sky(ours(make_cubes.header(**changes)), "a", notes) is None
    assert len(notes) == 1 and "half a degree from those of 2000: not used" in notes[0]


@pytest.mark.parametrize("changes", [{"RADESYS": "FK5", "EQUINOX": 2000.0}, {"RADESYS": "ICRS"}, {"EQUINOX": 2000.0}, {"EPOCH": 2012.3}, {}])
def test_places_of_2000_are_used(changes):
    notes = []
    assert cards.sky(ours(make_cubes.header(**changes)), "a", notes).ra == 150.0 and notes == []


def test_two_cards_of_the_medium():
    for air_or_vac, vacuum, expected in (("air", None, "air"), (None, True, "vacuum"), ("VAC", True, "vacuum"), ("air", False, "air")):
        head = make_cubes.header(CTYPE3="LINEAR", AIRORVAC=air_or_vac, VACUUM=vacuum)
        assert axis.medium(ours(head), "a", []) == expected
    with pytest.raises(CubeRejected, match="wavelength_axis: a: AIRORVAC says air, VACUUM vacuum"):
        axis.medium(ours(make_cubes.header(AIRORVAC="air", VACUUM=True)), "a", [])


def test_wavelengths_at_rest_are_refused():
    head = make_cubes.header(SPECSYS="SOURCE")
    with pytest.raises(CubeRejected, match="wavelength_axis: a: SPECSYS = 'SOURCE': wavelengths at rest"):
        axis.wavelengths(ours(head), 100, "a", [])
    head = make_cubes.header(SPECSYS="BARYCENT")
    assert axis.wavelengths(ours(head), 100, "a", [])[0] == 3749.0


STEPS = {"CD1_1": None, "CD2_2": None, "CD3_3": None, "CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600, "CDELT3": 2.0}
PREVIEW = {"CD1_1": -0.2 / 3600, "CD2_2": 0.2 / 3600}


def beside_a_primary_header(folder, primary, image=None, **changes):
    """A cube in the first extension, and the cards (and the image) of the primary HDU."""
    flux, sigma = make_surveys.truth()
    first = fits.PrimaryHDU(image)
    first.header.update({key: value for key, value in primary.items() if value is not None})
    units = [first, fits.ImageHDU(flux, make_cubes.header(**changes), name="FLUX"), fits.ImageHDU(sigma, name="ERR")]
    return make_cubes.write(folder / "a.fits", units)


@pytest.mark.parametrize("primary", [PREVIEW, {"CROTA2": 30.0}, {"PC1_2": 0.5}, {"CUNIT1": "arcsec", "CUNIT2": "arcsec"}, {"PC3_3": 2.0}, {"CD3_3": 2.5},
                                     {"CUNIT3": "nm"}, {"CTYPE3": "WAVE"}, {"DC-FLAG": 1}, {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN"}])  # fmt: skip
@pytest.mark.parametrize("image", [None, np.ones((4, 5), np.float32)])
def test_the_primary_header_adds_nothing_to_axes_that_the_flux_has(tmp_path, primary, image):
    """CDELT of 0.5 arcsec and 2 A of the flux are neither turned, stretched, nor replaced by the CD of a preview."""
    changes = STEPS | {key: None for key in primary if key[:5] in ("CUNIT", "CTYPE")}
    cube = read_cube(beside_a_primary_header(tmp_path, primary, image, **changes))
    assert cube.wavelength[[0, 59]].tolist() == [3749.0, 3867.0] and cube.medium == "air" and cube.pixel_arcsec == pytest.approx(0.5)
    assert (cube.sky is None) is ("CTYPE1" in primary)
    if cube.sky:
        assert np.ravel(cube.sky.matrix) == pytest.approx([-0.5 / 3600, 0, 0, 0.5 / 3600])


@pytest.mark.parametrize("image", [None, np.ones((60, 4, 5), np.float32)])
def test_the_axes_of_the_primary_header_are_those_of_a_flux_without(tmp_path, image):
    own = make_cubes.header(CD3_3=1.5)
    no_sky = {key: None for key in own if key[-1] in "12" and key != "CD3_3"}
    no_line = {key: None for key in own if key[-1] == "3"}
    cube = read_cube(beside_a_primary_header(tmp_path, own, image, **no_line | no_sky))
    assert cube.wavelength[[0, 59]].tolist() == [3749.0, 3837.5] and cube.pixel_arcsec == pytest.approx(0.5) and cube.sky.ra == 150.0
    cube = read_cube(beside_a_primary_header(tmp_path, own, image, **no_line))  # each kind of axis by itself
    assert cube.wavelength[[0, 59]].tolist() == [3749.0, 3837.5]
    cube = read_cube(beside_a_primary_header(tmp_path, own, image, **no_sky))
    assert cube.wavelength[[0, 59]].tolist() == [3749.0, 3867.0] and cube.pixel_arcsec == pytest.approx(0.5)


@pytest.mark.parametrize("own", [{"CUNIT3": "Angstrom"}, {"CTYPE3": "AWAV"}, {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}, {"CUNIT1": "deg", "CUNIT2": "deg"},
                                 {"CTYPE3": "AWAV", "CUNIT3": "Angstrom", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}])  # fmt: skip
@pytest.mark.parametrize("nanometres", [False, True])
def test_kinds_and_units_alone_are_no_axes(tmp_path, own, nanometres):
    """The numbers are the primary header's and in its unit (374.9 nm + 0.15 nm); what it does not say, the flux does."""
    first = make_cubes.header(CD3_3=1.5)
    if nanometres:
        first.update({"CUNIT3": "nm", "CRVAL3": 374.9, "CD3_3": 0.15})
    kinds = {key: value for key, value in first.items() if key not in own or nanometres}
    cube = read_cube(beside_a_primary_header(tmp_path, kinds, **dict.fromkeys(first) | own))
    assert cube.wavelength[[0, 59]] == pytest.approx([3749.0, 3837.5]) and cube.medium == "air"
    assert cube.pixel_arcsec == pytest.approx(0.5) and (cube.sky.ra, cube.sky.dec) == (150.0, 2.0)


def test_the_axes_of_another_image_are_not_those_of_the_flux(tmp_path):
    no_sky = {key: None for key in make_cubes.header() if key[-1] in "12"}
    with pytest.raises(CubeRejected, match=r"header_card: .* no pixel scale"):
        read_cube(beside_a_primary_header(tmp_path, PREVIEW, np.ones((4, 5), np.float32), **no_sky))
    with pytest.raises(CubeRejected, match=r"wavelength_axis: .*CRVAL3, CRPIX3, CD3_3 or CDELT3 expected, not found"):
        no_line = {key: None for key in make_cubes.header() if key[-1] == "3"}
        read_cube(beside_a_primary_header(tmp_path, make_cubes.header(), np.ones((9, 4, 5), np.float32), **no_line))
