"""Sizes of spaxels and positions by the cards of a cube: every unit, each axis its own; what is no place in the sky of 2000."""

import pytest
from test_readers_axis import ours

import make_cubes
from cubespace.cubes.readers import axis
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
