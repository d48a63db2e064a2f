"""Flux units: every spelling of a survey, its factor, and what becomes of a unit that is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_readers_axis import ours

import make_cubes
from cubespace.cubes.readers import flux_units
from cubespace.errors import CubeRejected


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("10^-16 erg/s/cm^2/A", 1), ("1E-16 erg/s/cm^2/Ang/spaxel", 1), ("10**(-16) erg s-1 cm-2 Angstrom-1", 1),
        ("10^-16 ergs/s/cm^2/A", 1), ("1E-17 erg/s/cm^2/Ang/spaxel", 0.1), ("erg/s/cm2/A", 1e16),
        ("1e-16 erg/(s cm2 A)", 1), ("10**(-20)*erg/s/cm**2/Angstrom", 1e-4), ("10**-20 Angstrom-1 cm-2 erg s-1", 1e-4),
        ("10**(-16) erg /s /cm**2 /angstrom /pixel", 1), ("1E-16 erg/s/cm2/Angstrom", 1), ("1.0e-17 erg s^-1 cm^-2 AA^-1", 0.1),
        ("10-16 erg/s/cm2/A", 1), ("erg.s-1.cm-2.Angstrom-1", 1e16), ("1e-18 W/m2/um", 1e-3), ("W m-2 nm-1", 1e18),
        ("10^{-16} erg s^{-1} cm^{-2} A^{-1}", 1), ("x10^-16 erg/s/cm2/A", 1), ("1.5x10^-17 erg/s/cm2/A", 0.15),
        ("2 X 10**(-17) erg/s/cm2/A", 0.2), ("erg/s/cm2/A x 10^{-17}", 0.1), ("1e-16 FLAM", 1), ("1d-16 erg/sec/cm^2/angstroms", 1),
    ],
)  # fmt: skip
def test_flux_units(unit, scale):
    notes = []
    assert flux_units.flux_scale(ours(make_cubes.header(BUNIT=unit)), "a", notes) == pytest.approx(scale, rel=1e-9)
    assert notes == []


def test_surface_brightness_takes_the_pixel():
    assert flux_units.flux_density("1e-16 erg/s/cm2/A/arcsec2", 0.5) == pytest.approx(0.25e-16)
    assert flux_units.flux_density("1e-16 erg/s/cm2/A/arcsec2") is None


UNKNOWN = ["counts", "1e-16 erg/s/cm2/Hz", "1e-16 erg/s/cm2", "Jy", "erg/s cm2 A", "1e-16 erg/s/cm2/A)", "10**(-16 erg", "erg//s", "ADU",
           "50**(-16) erg/s/cm2/A", "flux10^-16 erg/s/cm2/A", "1e-16 x erg/s/cm2/A", "10^{-16 erg/s/cm2/A"]  # fmt: skip


@pytest.mark.parametrize("unit", UNKNOWN)
def test_a_unit_that_is_none_is_refused_or_noted(unit):
    head, notes = ours(make_cubes.header(BUNIT=unit)), []
    for policy in ("survey", "reject"):
        with pytest.raises(CubeRejected, match=r"unit_unknown: a\.fits.*BUNIT"):
            flux_units.flux_scale(head, "a.fits", [], policy, documented=1e-17)
    assert flux_units.flux_scale(head, "a.fits", notes, "assume") == 1
    assert len(notes) == 1 and unit in notes[0] and "a.fits" in notes[0]


@pytest.mark.parametrize("unit", [None, "", "Data Value"])
def test_a_unit_that_is_not_stated(unit):
    head, notes = ours(make_cubes.header(BUNIT=unit)), []
    assert flux_units.flux_scale(head, "a", notes, "survey", documented=1e-17) == pytest.approx(0.1)
    assert flux_units.flux_scale(head, "a", notes, "assume", documented=1e-17) == 1 and len(notes) == 2
    for policy, documented in (("survey", None), ("reject", 1e-17)):
        with pytest.raises(CubeRejected, match="unit_unknown"):
            flux_units.flux_scale(head, "a", [], policy, documented)


def test_two_cards_that_disagree():
    head = make_cubes.header(BUNIT="1e-17 erg/s/cm2/A")
    head["HIERARCH PIPE UNITS"] = "1e-16 erg/s/cm2/A"
    for policy in ("survey", "assume"):
        with pytest.raises(CubeRejected, match="two ways"):
            flux_units.flux_scale(ours(head), "a", [], policy)


@pytest.mark.parametrize("unit", ["Jy", "mJy/beam", "1e-16 erg/s/cm2/Hz", "W m-2 Hz-1"])
def test_two_cards_of_which_one_is_a_flux_density_per_frequency(unit):
    head = make_cubes.header(BUNIT=unit)
    head["HIERARCH PIPE UNITS"] = "1e-16 erg/s/cm2/A"
    for policy in ("survey", "assume"):
        with pytest.raises(CubeRejected, match=f"two ways .*BUNIT = '{unit}'"):
            flux_units.flux_scale(ours(head), "a", [], policy)


@pytest.mark.parametrize("unit", ["counts", "electrons", "adu", "1", "10^-16", "Flux", "unitless", "scaled flux", "erg/s/cm2"])
@pytest.mark.parametrize("policy", ["survey", "assume", "reject"])
def test_the_card_of_the_survey_goes_before_one_that_is_no_flux_density(unit, policy):
    head, notes = make_cubes.header(BUNIT=unit), []
    head["HIERARCH PIPE UNITS"] = "1e-17 erg/s/cm2/A"
    assert flux_units.flux_scale(ours(head), "a", notes, policy) == pytest.approx(0.1)
    both = f"PIPE UNITS = '1e-17 erg/s/cm2/A', BUNIT = '{unit}'"
    assert notes == [f"a: flux unit stated in two ways ({both}): BUNIT = '{unit}' is not used"]


@pytest.mark.parametrize("unit", ["counts", "1e-16"])
def test_a_flux_density_does_not_go_before_the_card_of_the_survey(unit):
    head = make_cubes.header()
    head["HIERARCH PIPE UNITS"] = unit
    with pytest.raises(CubeRejected, match=f"two ways .*PIPE UNITS = '{unit}'"):
        flux_units.flux_scale(ours(head), "a", [])


@pytest.mark.parametrize(
    ("unit", "kind", "root"),
    [
        ("(10**(-20)*erg/s/cm**2/Angstrom)**2", "variance", 1e-20), ("10**-40 Angstrom-2 cm-4 erg2 s-2", "variance", 1e-20),
        ("1E-17 erg/s/cm^2/Ang", "sigma", 1e-17), ("(1e-17 erg/s/cm2/A)^-2", "inverse variance", 1e-17),
        ("1e34 erg-2 s2 cm4 A2", "inverse variance", 1e-17),
    ],
)  # fmt: skip
def test_noise_units(unit, kind, root):
    found = flux_units.noise_unit(unit)
    assert found[0] == kind and found[1] == pytest.approx(root)


@given(st.text(alphabet="erg/scm2A^*-() 0.1Eang", max_size=40))
def test_any_text_is_parsed_or_is_none(text):
    found = flux_units.parse(text)
    assert found is None or (isinstance(found[0], float) and len(found[1]) == 4)


@given(exponent=st.integers(-20, -10), mantissa=st.sampled_from([1, 2, 5]), order=st.permutations(["erg", "s-1", "cm-2", "Angstrom-1"]))
def test_factor_and_order_do_not_matter(exponent, mantissa, order):
    found = flux_units.flux_density(f"{mantissa}E{exponent} " + " ".join(order))
    assert found == pytest.approx(mantissa * 10.0**exponent, rel=1e-12)
