"""The noise plane of a cube under the names that are in use: sigma, variance or inverse variance, and what says so."""

import numpy as np
import pytest
from astropy.io import fits

import make_cubes
import make_surveys
from cubespace.cubes import masks
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected

SQUARED = "(1E-16 erg/s/cm2/Angstrom)**2"
VAGUE = ["ERROR", "ERR", "ERRORS", "NOISE", "UNCERT", "UNCERTAINTY", "UNCERTAINTIES", "Uncertainty", "UNC", "E_FLUX", "EFLUX", "ERR_FLUX",
         "FLUX_ERR", "FLUX_ERROR", "FLUXERR", "SCI_ERR", "DATA ERROR", "FLUX-UNCERTAINTY"]  # fmt: skip
CLEAR = [("SIGMA", 1), ("SIGMA_FLUX", 1), ("FLUX_SIGMA", 1), ("STDDEV", 1), ("STD_DEV", 1), ("FLUX_STD", 1), ("RMS", 1),
         ("VAR", 2), ("FLUX_VAR", 2), ("VAR_FLUX", 2), ("FLUX_VARIANCE", 2), ("SCI-VAR", 2), ("IVAR", -2), ("FLUX_IVAR", -2),
         ("INVVAR", -2), ("INV_VAR", -2), ("INVERSE_VARIANCE", -2)]  # fmt: skip


def written(folder, name, power, *more, **cards):
    """A cube with sigma = 0.2 under a name, as its 1st, 2nd or -2nd power."""
    flux, _ = make_surveys.truth()
    noise = fits.ImageHDU(np.full(flux.shape, 0.2**power, np.float32), fits.Header(cards), name=name)
    return make_cubes.write(folder / "a.fits", [fits.PrimaryHDU(), fits.ImageHDU(flux, make_cubes.header(), name="FLUX"), noise, *more])


@pytest.mark.parametrize(("name", "power"), [(name, 1) for name in VAGUE] + CLEAR)
def test_names_of_errors(tmp_path, name, power):
    cube = read_cube(written(tmp_path, name, power))
    assert cube.survey == "generic" and cube.provenance["noise"].startswith("HDU 2 ")
    np.testing.assert_allclose(cube.sigma, 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("card", "value", "power"),
    [("HDUCLAS3", "MSE", 2), ("HDUCLAS3", "RMSE", 1), ("HDUCLAS3", "INVMSE", -2), ("UTYPE", "VarianceUncertainty", 2),
     ("UTYPE", "InverseVariance", -2), ("UTYPE", "StdDevUncertainty", 1), ("UTYPE", "var", 2), ("UTYPE", "ivar", -2), ("UTYPE", "std", 1)],
)  # fmt: skip
@pytest.mark.parametrize("name", VAGUE)
def test_a_vague_name_holds_what_a_card_says(tmp_path, name, card, value, power):
    cube = read_cube(written(tmp_path, name, power, **{card: value}))
    np.testing.assert_allclose(cube.sigma, 0.2, rtol=1e-6)
    assert any("holds the" in note for note in cube.notes) is (power != 1)


@pytest.mark.parametrize("name", VAGUE)
def test_a_vague_name_against_its_unit_is_refused_unless_a_card_agrees(tmp_path, name):
    with pytest.raises(CubeRejected, match="sigma by its name and variance by its unit") as caught:
        read_cube(written(tmp_path, name, 2, BUNIT=SQUARED))
    assert caught.value.code == "hdu_ambiguous"
    (tmp_path / "a.fits").unlink()
    np.testing.assert_allclose(read_cube(written(tmp_path, name, 2, BUNIT=SQUARED, HDUCLAS3="MSE")).sigma, 0.2, rtol=1e-6)


@pytest.mark.parametrize(("name", "power"), CLEAR)
def test_a_clear_name_against_a_card_is_refused(tmp_path, name, power):
    card = "MSE" if power != 2 else "RMSE"
    with pytest.raises(CubeRejected, match=f"{name} is .* by its name and .* by HDUCLAS3 = '{card}'"):
        read_cube(written(tmp_path, name, power, HDUCLAS3=card))


def test_a_card_that_is_not_understood_is_noted(tmp_path):
    cube = read_cube(written(tmp_path, "UNCERTAINTY", 1, UTYPE="poisson"))
    assert any("HDU 2 UNCERTAINTY: UTYPE = 'poisson' is not understood: sigma" in note for note in cube.notes)


@pytest.mark.parametrize("name", ["ERRWEIGHT", "SKY_ERR", "SKY_IVAR", "ERR_COUNT", "VAR_POISSON", "E", "DATA_STAT", "FLUX_E", "UNCERTAIN", "QUUX"])
def test_names_that_are_no_errors_of_the_flux(tmp_path, name):
    with pytest.raises(CubeRejected, match=rf"unrecognised.*{name}"):
        read_cube(written(tmp_path, name, 1))


PER_AREA = "1E-16 erg/s/cm2/Angstrom/arcsec2"


@pytest.mark.parametrize(
    ("name", "unit", "power", "sigma"),
    [
        ("ERR", PER_AREA, 1, 0.2 * 0.25),  # spaxels of 0.5 arcsec
        ("VAR", f"({PER_AREA})**2", 2, 0.2 * 0.25),
        ("IVAR", f"({PER_AREA})**(-2)", -2, 0.2 * 0.25),
        ("VAR", SQUARED, 2, 0.2),
        ("ERR", "", 1, 0.2),
        ("ERR", "unknown", 1, 0.2),
    ],
)
def test_units_of_the_noise(tmp_path, name, unit, power, sigma):
    np.testing.assert_allclose(read_cube(written(tmp_path, name, power, BUNIT=unit)).sigma, sigma, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "unit", "code", "words"),
    [
        ("ERR", f"({PER_AREA})**2", "hdu_ambiguous", "sigma by its name and variance by its unit"),
        ("ERR", "counts", "unit_unknown", "BUNIT = 'counts' is no unit of the error of a flux density"),
        ("ERR", "percent", "unit_unknown", "BUNIT = 'percent' is no unit"),
        ("UNCERT", "1e-16 erg/s/cm2/Hz", "unit_unknown", "HDU 2 UNCERT: BUNIT = '1e-16 erg/s/cm2/Hz'"),
        ("STAT", "electron2", "unit_unknown", "BUNIT = 'electron2'"),
        ("ERR", "1e-16", "unit_unknown", "BUNIT = '1e-16'"),
    ],
)
def test_a_unit_of_the_noise_that_is_of_another_kind(tmp_path, name, unit, code, words):
    with pytest.raises(CubeRejected, match=words) as caught:
        read_cube(written(tmp_path, name, 1, BUNIT=unit))
    assert caught.value.code == code


def test_a_mapping_against_the_unit_of_the_noise_is_noted(tmp_path):
    path = written(tmp_path, "ERR", 1, BUNIT=SQUARED)
    cube = read_cube(path, mapping={"flux": "FLUX", "sigma": "ERR"})
    np.testing.assert_allclose(cube.sigma, 0.2, rtol=1e-6)
    assert any(f"HDU 2 ERR: variance by its unit '{SQUARED}', sigma by cubes.mapping" in note for note in cube.notes)
    assert not any("by its unit" in note for note in read_cube(path, mapping={"flux": "FLUX", "variance": "ERR"}).notes)


def test_a_unit_of_the_noise_that_is_not_understood_is_noted(tmp_path):
    cube = read_cube(written(tmp_path, "ERR", 1, BUNIT="as the flux"))
    np.testing.assert_allclose(cube.sigma, 0.2, rtol=1e-6)
    assert any("HDU 2 ERR: BUNIT = 'as the flux' is not understood: the unit of the flux taken" in note for note in cube.notes)


@pytest.mark.parametrize("code", [-99.0, -999.0, -999.9, -9999.0, 1e20, 9.96921e36, -1e30])
def test_codes_for_missing_values_in_the_flux(tmp_path, code):
    """Samples that hold the code are bad, with a note; not one that is like it by chance, nor what only repeats."""
    path = written(tmp_path, "ERR", 1)
    with fits.open(path, mode="update") as hdus:
        hdus["FLUX"].data[3:5, 2, 1] = code
        hdus["FLUX"].data[7:9, 0, 0] = 0.25
    cube = read_cube(path)
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1], [4, 2, 1]] and np.isnan(cube.flux[3, 2, 1])
    assert any(f"{np.float32(code):g} stands in 2 of 1200 samples, for a missing value: bad" in note for note in cube.notes)
    with fits.open(path, mode="update") as hdus:
        hdus["FLUX"].data[4, 2, 1] = 1.0
    cube = read_cube(path)
    assert not cube.bad.any() and not any("missing value" in note for note in cube.notes)


@pytest.mark.parametrize(
    ("codes", "bad"),
    [((-99, -99, -999, -999), 4), ((-np.inf, -999, -999, -999), 4), ((np.inf, 1e20, 1e20, 1e20), 4), ((-999, -999, 1e20, 1e20), 4),
     ((-np.inf, np.inf, -999, -999), 4), ((-1e30, -999, -999, -99), 2), ((-99, -99, -999.9, -999.9), 4), ((np.nan, -np.inf, -99, -99), 4)],
)  # fmt: skip
def test_codes_for_missing_values_beside_others(tmp_path, codes, bad):
    """Infinities are bad by themselves; what stands there once is no code; every other number is found behind them."""
    path = written(tmp_path, "ERR", 1)
    with fits.open(path, mode="update") as hdus:
        hdus["FLUX"].data[:4, 2, 1] = codes
    cube = read_cube(path)
    times = [list(codes).count(code) for code in codes]
    expected = [not np.isfinite(code) or n > 1 for code, n in zip(codes, times, strict=True)]
    assert cube.bad[:4, 2, 1].tolist() == expected and cube.bad.sum() == bad
    assert sum("for a missing value" in note for note in cube.notes) == len({code for code, n in zip(codes, times, strict=True) if n > 1})


def test_fluxes_that_are_all_like_codes_are_looked_through_a_few_times(monkeypatch):
    """1200 values from 1e15 on, each another."""
    passes = []
    monkeypatch.setattr(masks.np, "count_nonzero", lambda values: passes.append(1) or int(values.sum()))
    assert masks.codes_for_missing(np.linspace(1e15, 2e15, 1200).reshape(12, 10, 10)) == [] and len(passes) <= 2 * masks.MOST_CODES


def test_a_mask_of_the_good_samples_is_noted(tmp_path):
    good = np.ones(make_surveys.truth()[0].shape, np.uint8)
    good[3, 2, 1] = 0
    cube = read_cube(written(tmp_path, "ERR", 1, fits.ImageHDU(good, name="MASK")))
    assert any("HDU 3 MASK flags 99.9 % of the samples: is 1 good in it?" in note for note in cube.notes)


def test_images_that_are_not_used_are_noted(tmp_path):
    shape = make_surveys.truth()[0].shape
    more = [fits.ImageHDU(np.ones(shape, np.float32), name=name) for name in ("VAR", "WEIGHT")]
    cube = read_cube(written(tmp_path, "ERR", 1, *more))
    np.testing.assert_allclose(cube.sigma, 0.2, rtol=1e-6)
    (note,) = [note for note in cube.notes if "not used" in note]
    assert "3 VAR (60, 4, 5) float32; 4 WEIGHT (60, 4, 5) float32" in note and "ERR" not in note.split("not used")[1]


@pytest.mark.parametrize("name", ["BADPIX", "MASK", "DQ", "BAD", "FLAGS", "FLAG", "BPM", "BADPIXELS", "QUALITY", "QUAL"])
def test_names_of_flags(tmp_path, name):
    flags = np.zeros(make_surveys.truth()[0].shape, np.uint8)
    flags[3, 2, 1] = 4
    cube = read_cube(written(tmp_path, "ERR", 1, fits.ImageHDU(flags, name=name)))
    assert np.argwhere(cube.bad).tolist() == [[3, 2, 1]]
