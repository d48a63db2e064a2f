"""The wavelength axis and the sky axes: every customary way of writing them gives the analytic values."""

import math

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

import make_cubes
from cubespace.cubes.readers import axis, flux_units
from cubespace.cubes.readers import header as cards
from cubespace.errors import CubeRejected


def ours(head):
    """An astropy header as our own."""
    return cards.Header(head.tostring().encode("ascii"))


AXES = {
    "cd": ({}, [3749, 3949]),
    "cdelt": (
        {
            "CD3_3": None,
            "CDELT3": 2.0,
            "CD1_1": None,
            "CD2_2": None,
            "CDELT1": -0.5 / 3600,
            "CDELT2": 0.5 / 3600,
        },
        [3749, 3949],
    ),
    "cd_sky_cdelt_axis": ({"CD3_3": None, "CDELT3": 2.0}, [3749, 3949]),
    "stale_cdelt": ({"CDELT3": 1.0}, [3749, 3949]),
    "nm": ({"CUNIT3": "nm", "CRVAL3": 374.9, "CD3_3": 0.2}, [3749, 3949]),
    "um": ({"CUNIT3": "um", "CRVAL3": 0.3749, "CD3_3": 2e-4}, [3749, 3949]),
    "m": ({"CUNIT3": "m", "CRVAL3": 3.749e-7, "CD3_3": 2e-10}, [3749, 3949]),
    **{unit: ({"CUNIT3": unit}, [3749, 3949]) for unit in ("AA", "0.1 nm", "10^-10 m", "10**-10 m", "1E-10 m", "Angstroem")},
    "narrow": ({"CD3_3": 0.01}, [3749, 3750]),
    "crpix_10": ({"CRPIX3": 10.0}, [3731, 3931]),
    "crpix_half": ({"CRPIX3": 0.5}, [3750, 3950]),
    "log10": ({"CTYPE3": None, "CUNIT3": None, "CRVAL3": 3.55890, "CD3_3": 1e-4}, [3621.596, 3705.954]),
    "wave_log": ({"CTYPE3": "WAVE-LOG", "CRVAL3": 3621.6, "CD3_3": 0.833904}, [3621.6, 3705.958]),
    **{
        f"ctype_{t}": ({"CTYPE3": t}, [3749, 3949])
        for t in ("", "LINEAR", "LAMBDA", "WAVELENGTH", "ANGSTROMS")
    },
    "ctype_absent": ({"CTYPE3": None}, [3749, 3949]),
}


@pytest.mark.parametrize("case", AXES)
def test_wavelength_axis(case):
    changes, expected = AXES[case]
    head = make_cubes.header()
    for key, value in changes.items():
        if value is None:
            del head[key]
        else:
            head[key] = value
    notes = []
    found = axis.wavelengths(ours(head), 1877, "a.fits", notes)
    assert found[[0, 100]] == pytest.approx(expected, abs=1.5e-3)
    assert bool(notes) == (case in ("cd_sky_cdelt_axis", "stale_cdelt", "log10"))


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([475.0, 475.125], "nm", [4750, 4751.25]), ([1100.0, 1250.0], "nm", [11000, 12500]), ([1.0, 1.2], " um", [10000, 12000]),
        ([4.75e-7, 4.8e-7], "m", [4750, 4800]), ([4750.0, 4800.0], "", [4750, 4800]), ([4750.0, 4800.0], "0.1 nm", [4750, 4800]),
        ([3.5, 3.6], "log10(Angstrom)", [3162.2776602, 3981.0717055]), ([8.5, 8.6], "ln Angstrom", [4914.7688403, 5431.6595914]),
    ],
)  # fmt: skip
def test_a_table_of_wavelengths_in_any_unit(values, unit, expected):
    assert axis.tabulated(np.array(values), unit) == pytest.approx(expected, rel=1e-9)
    assert axis.tabulated(np.array(values), "Hz") is None


def test_wave_log_at_sample_1000_and_reference_in_the_middle():
    head = make_cubes.header(CTYPE3="WAVE-LOG", CRVAL3=3621.6, CD3_3=0.833904)
    assert axis.wavelengths(ours(head), 1877, "a", [])[1000] == pytest.approx(4559.32, abs=0.01)
    head = make_cubes.header(CRPIX3=939.0, CRVAL3=5625.0)
    assert axis.wavelengths(ours(head), 1877, "a", [])[938] == 5625


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"CUNIT3": "Hz"}, "hz"),
        ({"CRVAL3": 3.7}, "3.7"),
        ({"CD3_3": -2.0}, "-2"),
        ({"CRVAL3": None}, "CRVAL3"),
        ({"CRPIX3": None}, "CRPIX3"),  # 0 by the standard, 1 by custom: not to be guessed
        ({"CD3_3": None}, "CD3_3 or CDELT3"),
        ({"CD3_3": None, "CDELT3": 1.0}, "old tools"),
        ({"CDELT3": 1.8}, "contradict"),
        ({"CD3_3": 0.0}, "monotonic"),
        ({"CD3_1": 0.5}, "CD3_1"),
        ({"CTYPE3": "FREQ"}, "FREQ"),
        ({"CTYPE3": "WAVE-TAB"}, "WAVE-TAB"),
        ({"CTYPE3": "VELO-LSR"}, "VELO"),
        ({"CUNIT3": "nm"}, "37490"),  # 37490 .. 75010 A
        ({"CTYPE3": "LOGLAM", "CRVAL3": 3621.6, "CD3_3": 1e-4}, r"3621.600000 .. 3621.78\d+ A in steps of 0.0001 A.*in dex"),
        ({"CTYPE3": "WAVE-LOG", "CRVAL3": 3621.6, "CD3_3": 1e-4}, "in dex"),
        ({"CRVAL3": 3621.6, "CD3_3": 2.3e-4}, "in dex"),  # ln
        ({"CD3_3": 2e-10}, "or in metres"),
        ({"CD3_3": -2e-10, "CRVAL3": 7501.0}, "or in metres"),
        ({"CD3_3": 2e-4, "CRVAL3": 3749.0}, "steps of 0.0002 A"),  # um
        ({"CD3_3": 0.0099}, "steps of 0.0099 A"),
        ({"DC-FLAG": 1}, "inf .. inf"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_axis_that_makes_no_sense_is_refused(changes, word):
    with pytest.raises(CubeRejected, match=word) as caught:
        axis.wavelengths(ours(make_cubes.header(**changes)), 1877, "a.fits", [], (4, 5))
    assert caught.value.code == "wavelength_axis" and "a.fits" in caught.value.detail


def test_real_dr3_header(shared_data):
    head = fits.Header.fromtextfile(shared_data / "ngc2906" / "NGC2906.V500.rscube.DR3_header.txt")
    head["CRVAL3"], head["CRPIX3"] = 3749.0, 1.0  # lost when the map was cut out of the cube
    notes = []
    assert axis.wavelengths(ours(head), 1877, "a", notes)[-1] == 7501
    assert (
        flux_units.flux_scale(ours(head), "a", notes) == 1 and notes == []
    )  # PIPE UNITS goes before BUNIT = 'Data Value'
    assert cards.pixel_scale(ours(head), "a") == pytest.approx(1.0)
    sky = cards.sky(ours(head), "a")
    assert (sky.ra, sky.dec, sky.x, sky.y) == pytest.approx((143.02574, 8.44163, 37, 32), abs=1e-4)


CUNITS = {"Angstrom": 1.0, "angstrom": 1.0, "A": 1.0, "nm": 0.1, "um": 1e-4, "micron": 1e-4, "m": 1e-10, None: 1.0}
WAYS = ("CD", "CDELT", "PC", "CD sky, CDELT axis", "CDELT left over")


def spectral_cards(way, step):
    """The step of the third axis in one of the customary ways, and whether the reader is to remark on it."""
    sky = {"CD1_1": -0.5 / 3600, "CD2_2": 0.5 / 3600}
    old = {"CDELT1": -0.5 / 3600, "CDELT2": 0.5 / 3600}
    if way == "CD":
        return {**sky, "CD3_3": step}
    if way == "CDELT":
        return {**old, "CDELT3": step}
    if way == "PC":
        return {**old, "CDELT3": step * 4, "PC1_1": 1.0, "PC2_2": 1.0, "PC3_3": 0.25}
    if way == "CDELT left over":
        return {**sky, "CD3_3": step, "CDELT1": 1.0, "CDELT2": 1.0, "CDELT3": 1.0}
    return {**sky, "CDELT3": step}


@settings(max_examples=300, deadline=None)
@given(
    first=st.floats(2500, 9000), step=st.floats(0.02, 3), crpix=st.one_of(st.integers(-50, 2000), st.floats(-5, 2000)),
    n=st.integers(2, 2000), unit=st.sampled_from(list(CUNITS)), way=st.sampled_from(WAYS), down=st.booleans(),
    form=st.sampled_from(["linear", "WAVE-LOG", "log10", "DC-FLAG", "ln"]), kind=st.sampled_from(["AWAV", "WAVE", "LINEAR", "", None]),
)  # fmt: skip
def test_any_header_gives_the_analytic_wavelengths(first, step, crpix, n, unit, way, down, form, kind):
    """The axis is chosen, the cards are worked out for a reference pixel anywhere, and the axis is to come back."""
    index = np.arange(1, n + 1)
    if form == "linear":
        truth = first + step * (index - 1)
        at = first + step * (crpix - 1)
        start, delta, factor = at, step, CUNITS[unit]
        if at <= 0 or truth[-1] > 49000:
            return
    else:  # equal steps in the logarithm
        slope = step / first
        truth = first * np.exp(slope * (index - 1))
        at = first * math.exp(slope * (crpix - 1))
        if truth[-1] > 49000:
            return
        if form == "WAVE-LOG":
            start, delta, factor, kind = at, at * slope, CUNITS[unit], "AWAV-LOG"
        elif form == "ln":
            start, delta, factor, unit, kind = math.log(at), slope, 1.0, "ln(Angstrom)", "LAMBDA"
        else:
            start, delta, factor = math.log10(at), slope / math.log(10), 1.0
            unit, kind = ("log10(Angstrom)", "WAVE") if form == "log10" else ("Angstrom", "LINEAR")
    if down:  # the same axis from its other end
        if form == "linear":
            start, delta = first + step * (n - crpix), -step
            if start <= 0:
                return
        elif form == "WAVE-LOG":
            at = first * math.exp(slope * (n - crpix))
            start, delta = at, -at * slope
        else:
            at = first * math.exp(slope * (n - crpix))
            start, delta = (math.log(at), -slope) if form == "ln" else (math.log10(at), -slope / math.log(10))
        truth = truth[::-1]
    changes = {"CRVAL3": start * factor, "CRPIX3": float(crpix), "CUNIT3": unit, "CTYPE3": kind, "CD1_1": None, "CD2_2": None}
    head = make_cubes.header({}, **changes | spectral_cards(way, delta * factor))
    if form == "DC-FLAG":
        head["DC-FLAG"] = 1
    if way == "CD sky, CDELT axis" and delta * factor == 1.0:
        return
    found = axis.wavelengths(ours(head), n, "a.fits", [])
    np.testing.assert_allclose(found, truth, rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    ra=st.floats(0, 359.99), dec=st.floats(-80, 80), turn=st.floats(-180, 180), pixel=st.floats(0.1, 2), flip=st.booleans(),
    way=st.sampled_from(["CD", "PC", "CROTA2"]), x=st.floats(-100, 100), y=st.floats(-100, 100),
)  # fmt: skip
def test_sky_positions_are_those_of_wcslib(ra, dec, turn, pixel, flip, way, x, y):
    angle, step = math.radians(turn), pixel / 3600
    cosine, sine = math.cos(angle), math.sin(angle)
    head = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": ra, "CRVAL2": dec, "CRPIX1": 12.5, "CRPIX2": 20.0})
    left = step if flip else -step
    if way == "CD":
        head.update({"CD1_1": left * cosine, "CD1_2": -step * sine, "CD2_1": left * sine, "CD2_2": step * cosine})
    else:
        head.update({"CDELT1": left, "CDELT2": step})
        head.update({"CROTA2": turn} if way == "CROTA2" else {"PC1_1": cosine, "PC1_2": -sine, "PC2_1": sine, "PC2_2": cosine})
    sky = cards.sky(ours(head), "a")
    assert cards.pixel_scale(ours(head), "a") == pytest.approx(pixel, rel=1e-6)
    theirs = WCS(head).wcs_pix2world([[x, y]], 0)[0]
    found = sky.to_sky(x, y)
    assert (found[0] - theirs[0] + 180) % 360 - 180 == pytest.approx(0, abs=1e-7)
    assert found[1] == pytest.approx(theirs[1], abs=1e-8)
    assert sky.to_pixel(*found) == pytest.approx((x, y), abs=1e-5)


def test_right_ascension_on_the_second_axis_and_no_sky_at_all():
    head = make_cubes.header(CTYPE1="DEC--TAN", CTYPE2="RA---TAN", CRVAL1=2.0, CRVAL2=150.0, CD1_1=0.5 / 3600, CD2_2=-0.5 / 3600)
    sky = cards.sky(ours(head), "a")
    assert (sky.ra, sky.dec) == (150.0, 2.0)
    assert sky.to_sky(5.0, 15.0)[0] < 150 and sky.to_sky(15.0, 5.0)[1] == pytest.approx(2.0 + 5 / 3600, abs=1e-9)
    assert cards.sky(ours(make_cubes.header(CTYPE1="LINEAR", CTYPE2="LINEAR")), "a") is None
    assert cards.sky(ours(make_cubes.header(CRVAL1=None)), "a") is None


@pytest.mark.parametrize(
    ("matrix", "scale", "words"),
    [((-0.5, 0, 0, 2), 1, "spaxels of 0.5 by 2 arcsec: taken as squares of the same area, 1 arcsec"), ((0, 0.6, -0.3, 0), 0.18**0.5, "0.3 by 0.6 arcsec"),
     ((0.5, 0, 0.3, 0.4), 0.2**0.5, "0.583 by 0.4 arcsec"), ((0.5, 0.3, 0.3, 0.5), 0.4, "0.583 by 0.583 arcsec"),
     ((-0.5, 0, 0, 0.502), 0.251**0.5, None), ((-0.3, 0.4, 0.4, 0.3), 0.5, None)],
)  # fmt: skip
def test_pixels_that_are_no_squares_are_remarked_on(matrix, scale, words):
    """Sides are the lengths of the matrix's columns: (0.5, 0.3) and (0, 0.4) are 0.583 and 0.4 long; the area is the determinant."""
    head = make_cubes.header(**{f"CD{i}_{j}": value / 3600 for (i, j), value in zip([(1, 1), (1, 2), (2, 1), (2, 2)], matrix, strict=True)})
    notes = []
    assert cards.pixel_scale(ours(head), "a.fits", notes) == pytest.approx(scale)
    assert len(notes) == (words is not None) and all(words in note and note.startswith("a.fits: ") for note in notes)


def test_pixels_in_other_units():
    head = make_cubes.header(CUNIT1="arcsec", CUNIT2="arcsec", CD1_1=-0.5, CD2_2=0.5)
    assert cards.pixel_scale(ours(head), "a") == pytest.approx(0.5)
    assert cards.pixel_scale(ours(make_cubes.header(CD1_1=None, CD2_2=None, CDELT1=1.0, CDELT2=1.0)), "a") is None  # a leftover
    with pytest.raises(CubeRejected, match=r"a: CDi_j .* give pixels of 1800 arcsec; less than 60"):
        cards.pixel_scale(ours(make_cubes.header(CD1_1=-0.5, CD2_2=0.5)), "a")  # arcsec, called degrees


def test_vacuum_to_air_at_the_lines_of_the_tables():
    """[OII], H beta, [OIII], H alpha: vacuum (SDSS line list) and air (NIST) wavelengths."""
    pairs = [(3727.092, 3726.032), (4862.683, 4861.325), (5008.240, 5006.843), (6564.614, 6562.801)]
    for vacuum, air in pairs:
        assert axis.air(vacuum) == pytest.approx(air, abs=0.005)
    s2 = (1e4 / 5500.0) ** 2  # Morton 2000, eq. 8: another formula for the same air
    morton = 1 + 8.34254e-5 + 0.02406147 / (130 - s2) + 0.00015998 / (38.9 - s2)
    assert axis.air(5500.0) == pytest.approx(5500.0 / morton, rel=1e-7)


@pytest.mark.parametrize(
    ("changes", "documented", "unstated", "medium"),
    [
        ({"CTYPE3": "AWAV"}, None, "vacuum", "air"), ({"CTYPE3": "WAVE"}, None, "air", "vacuum"),
        ({"CTYPE3": "WAVE-LOG"}, "air", "air", "vacuum"), ({"CTYPE3": "WAVELENGTH"}, None, "vacuum", "vacuum"),
        ({"CTYPE3": "WAVELENGTH"}, "air", "vacuum", "air"), ({"CTYPE3": None}, None, "air", "air"),
        ({"CTYPE3": "WAVE", "AIRORVAC": "air"}, None, "vacuum", "air"), ({"CTYPE3": "AWAV", "VACUUM": True}, None, "air", "vacuum"),
    ],
)  # fmt: skip
def test_air_or_vacuum(changes, documented, unstated, medium):
    assert axis.medium(ours(make_cubes.header(**changes)), "a", [], documented, unstated) == medium


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("KEY     =                   12 / a comment", 12), ("KEY     = 12.5E-3", 0.0125), ("KEY     = -1.D+02 /x", -100.0),
        ("KEY     =                    T", True), ("KEY     = 'It''s / so'  / comment", "It's / so"), ("KEY     = ''", ""),
        ("KEY     =", None), ("KEY     =  .5", 0.5), ("HIERARCH key = 'long one'", "long one"),
    ],
)  # fmt: skip
def test_cards(card, value):
    (found,) = cards.Header(card.ljust(80).encode()).values("KEY")
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text", ["3749,0", "37 49.0", "3.749.0", "NGC 1", "'open", "'shut' junk", "1e", "0x10", "(1,2)", "TRUE", "NaN"])
def test_malformed_values_are_refused_not_repaired(text):
    head = cards.Header(f"CRVAL3  = {text}".ljust(80).encode())
    with pytest.raises(CubeRejected, match=r"header_card: a.fits: card CRVAL3"):
        cards.number(head, "CRVAL3", "a.fits")


def test_long_strings_and_doubled_cards():
    text = "".join(line.ljust(80) for line in ("NAME    = 'one &'", "CONTINUE  'two' / said", "STEP    = 1.0", "STEP    = 2.0"))
    head = cards.Header(text.encode())
    assert cards.text(head, "NAME") == "one two"
    with pytest.raises(CubeRejected, match="comes twice"):
        cards.number(head, "STEP", "a.fits")


@pytest.mark.parametrize(
    ("lines", "text"),
    [(("'one&'", "'two&'", "'three'"), "onetwothree"), (("'one&  '", "'&'", "' two' / said"), "one two"), (("'it''s &'", "'it&'"), "it's it&"),
     (("'one'", "'two'"), "one"), (("'one&'", "two", "'three'"), "onethree"), (("'one&'", "'two'", "'three'"), "onetwo"), (("12", "'two'"), "12")],
)  # fmt: skip
def test_continued_strings(lines, text):
    content = "".join(f"{start}{line}".ljust(80) for start, line in zip(["NAME    = ", *["CONTINUE  "] * 9], lines, strict=False))
    assert cards.text(cards.Header(content.encode()), "NAME") == text


def test_a_string_of_twenty_thousand_cards_takes_no_minutes():
    """1.2 MB of text; put together card by card it is copied 20,000 times."""
    import time

    content = "HISTORY_= 'x&'".ljust(80) + ("CONTINUE  '" + "x" * 60 + "&'").ljust(80) * 20_000 + "CONTINUE  'y'".ljust(80)
    start = time.process_time()
    assert cards.text(cards.Header(content.encode()), "HISTORY_") == "x" * 1_200_001 + "y"
    assert time.process_time() - start < 5
