"""The adapters of the surveys: files built from their data models, and the real ones there are."""

import numpy as np
import pytest
from astropy.io import fits

import make_cubes
import make_surveys
from cubespace.cubes.quality import noise_ratio
from cubespace.cubes.readers import ADAPTERS, read_cube
from cubespace.cubes.readers.axis import air
from cubespace.errors import CubeRejected, CubespaceError

BUILDERS = {"manga": make_surveys.manga, "muse": make_surveys.muse, "sami": make_surveys.sami,
            "califa_dr3": make_surveys.califa_dr3, "ecalifa": make_surveys.ecalifa}  # fmt: skip
SCALES = {"manga": 0.1, "muse": 1e-4, "sami": 1.0, "califa_dr3": 1.0, "ecalifa": 1.0}
PIXELS = {"manga": 0.5, "muse": 0.2, "sami": 0.5, "califa_dr3": 1.0, "ecalifa": 0.5}


def written(tmp_path, hdus, name="a.fits"):
    return make_cubes.write(tmp_path / name, hdus)


def reject(tmp_path, hdus, code, *words, **options):
    path = written(tmp_path, hdus)
    with pytest.raises(CubeRejected) as caught:
        read_cube(path, **options)
    assert caught.value.code == code
    for word in (str(path), *words):
        assert word in caught.value.detail
    path.unlink()


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("form", ["plain", "gzipped", "tiles"])
def test_flux_sigma_unit_and_pixel_of_every_survey(tmp_path, name, form):
    hdus, flux, sigma, *_ = BUILDERS[name]()
    if form == "tiles":
        hdus = make_surveys.packed(hdus)
    cube = read_cube(written(tmp_path, hdus, "NGC0001" + (".fits.gz" if form == "gzipped" else ".fits")))
    assert cube.survey == name and cube.pixel_arcsec == pytest.approx(PIXELS[name])
    assert cube.unit_scale == SCALES[name]
    good = ~cube.bad
    np.testing.assert_allclose(cube.flux[good], SCALES[name] * flux[good], rtol=1e-6)
    np.testing.assert_allclose(cube.sigma[good], SCALES[name] * sigma[good], rtol=1e-6)
    assert cube.flux.dtype == cube.sigma.dtype == np.float32 and cube.flux.dtype.isnative and cube.flux.flags.c_contiguous
    assert cube.provenance["flux"].startswith("HDU ") and cube.medium in ("air", "vacuum")


@pytest.mark.parametrize("name", BUILDERS)
def test_recognised_by_content_and_by_one_adapter_only(tmp_path, name):
    from cubespace.cubes.readers.container import read_hdus

    path = written(tmp_path, BUILDERS[name]()[0], "some_other_name.dat")
    assert read_cube(path).survey == name
    claims = [a.NAME for a in ADAPTERS[:-1] if a.layout(read_hdus(path)) is not None]  # the last is the generic one
    assert claims == [name]


def test_manga_bits_vacuum_and_log_axis(tmp_path):
    mask = np.zeros((make_surveys.N, make_surveys.NY, make_surveys.NX), np.int32)
    mask[3, 1, 1], mask[4, 1, 1], mask[5, 1, 1] = 1 << 10, 1 << 2, 1 << 20  # do not use; dead fibre; not a bad bit
    mask[:, 2, 2] = 1 << 3  # foreground star
    mask[0, 0, 0], mask[0, 0, 1] = 1, 3  # no coverage; and low
    hdus, flux, _, wave = make_surveys.manga(mask)
    flux[7, 3, 3] = np.nan
    cube = read_cube(written(tmp_path, hdus))
    assert np.argwhere(cube.bad).tolist() == [[0, 0, 0], [0, 0, 1], [3, 1, 1], [4, 1, 1], [7, 3, 3]]
    assert np.argwhere(cube.star).tolist() == [[2, 2]]
    np.testing.assert_allclose(cube.wavelength, air(wave), rtol=1e-9)
    assert cube.medium == "vacuum" and any("vacuum" in note for note in cube.notes)
    assert cube.wavelength[0] == pytest.approx(3620.56, abs=0.01)  # 1.03 A bluer than in vacuum


def test_manga_without_uncertainty_weight_or_flagged_by_the_survey(tmp_path):
    hdus, *_ = make_surveys.manga()
    hdus["IVAR"].data[4, 1, 2] = 0
    assert np.argwhere(read_cube(written(tmp_path, hdus)).bad).tolist() == [[4, 1, 2]]
    (tmp_path / "a.fits").unlink()
    reject(tmp_path, make_surveys.manga(quality=1 << 30)[0], "flagged_by_survey", "CRITICAL", str(1 << 30))
    reject(tmp_path, make_surveys.manga(VERSDAP="3.1.0")[0], "unrecognised", "DAP")
    assert read_cube(written(tmp_path, make_surveys.manga(quality=1 << 4)[0])).survey == "manga"


def test_manga_whose_header_and_table_of_wavelengths_disagree(tmp_path):
    reject(tmp_path, make_surveys.manga(CRVAL3=3622.0)[0], "wavelength_axis", "WAVE", "3621.5960 A")
    reject(tmp_path, make_surveys.manga(CTYPE3="WAVE")[0], "wavelength_axis", "WAVE")  # linear by its header
    hdus, *_, wave = make_surveys.manga(CRVAL3=None, CD3_3=None)
    np.testing.assert_allclose(read_cube(written(tmp_path, hdus)).wavelength, air(wave), rtol=1e-9)


@pytest.mark.parametrize("axis", [{"CUNIT3": "nm", "CRVAL3": 475.0, "CD3_3": 0.125}, {"CUNIT3": "m", "CRVAL3": 4.75e-7, "CD3_3": 1.25e-10}])
def test_muse_axis_in_other_units(tmp_path, axis):
    hdus, *_ = make_surveys.muse(axis)
    assert read_cube(written(tmp_path, hdus)).wavelength[[0, 59]] == pytest.approx([4750.0, 4823.75], rel=1e-9)


def test_muse_in_vacuum_and_with_quality_flags(tmp_path):
    hdus, *_ = make_surveys.muse(CTYPE3="WAVE")
    quality = np.zeros(hdus["DATA"].data.shape, np.int32)
    quality[2, 1, 3] = 4
    hdus.append(fits.ImageHDU(quality, name="DQ"))
    cube = read_cube(written(tmp_path, hdus))
    assert cube.wavelength[0] == pytest.approx(air(4750.0)) and np.argwhere(cube.bad).tolist() == [[2, 1, 3]]


def test_real_muse_cube(shared_data):
    path = shared_data / "ifu" / "subcub_mosaic.fits"
    cube = read_cube(path)
    with fits.open(path) as hdus:
        data, stat = hdus["DATA"].data, hdus["STAT"].data
    assert cube.survey == "muse" and cube.unit_scale == 1e-4 and cube.medium == "air" and cube.notes == []
    np.testing.assert_allclose(cube.flux, data * 1e-4, rtol=1e-6)
    np.testing.assert_allclose(cube.sigma, np.sqrt(stat) * 1e-4, rtol=1e-6)
    assert noise_ratio(cube) == pytest.approx(1, abs=0.1)  # a variance taken for an error would be far off
    assert cube.wavelength[[0, -1]].tolist() == [4750.0, 5373.75] and cube.pixel_arcsec == pytest.approx(0.2, rel=1e-6)
    assert not cube.bad.any() and cube.field.all()
    from astropy.wcs import WCS

    head = fits.getheader(path, "DATA")
    expected = WCS(head).celestial.pixel_to_world_values(14.5, 14.5)
    assert cube.position == pytest.approx([float(v) for v in expected], abs=1e-9)


def test_real_axis_of_a_dr3_cube(shared_data, tmp_path):
    """The header of NGC 2906 with the noise of its sky fibres as a cube: the axis of its published spectra."""
    head = fits.Header.fromtextfile(shared_data / "ngc2906" / "NGC2906.V500.rscube.DR3_header.txt")
    with fits.open(shared_data / "ngc2906" / "NGC2906_p1.sky_res.fits") as hdus:
        flux, error, bad = (hdus[i].data.T.reshape(1877, 6, 6) for i in range(3))
    head["CRVAL3"], head["CRPIX3"] = 3749.0, 1.0  # lost when the map was cut out of the cube
    for key in ("NAXIS1", "NAXIS2", "NAXIS", "BITPIX"):
        del head[key]
    units = [fits.PrimaryHDU(flux, head), fits.ImageHDU(error, name="ERROR"), fits.ImageHDU(bad.astype(np.uint8), name="BADPIX"),
             fits.ImageHDU(np.ones((1877, 6, 6), np.uint8), name="FIBCOVER")]  # fmt: skip
    cube = read_cube(written(tmp_path, units))
    spectrum = np.loadtxt(shared_data / "ngc2906" / "NGC2906.NC.V500.spec_30.txt")
    np.testing.assert_allclose(cube.wavelength, spectrum[:, 1], rtol=1e-6)
    assert cube.survey == "califa_dr3" and cube.pixel_arcsec == pytest.approx(1.0) and cube.header["MED_VEL"]
    assert (cube.bad >= (bad != 0)).all() and cube.bad.mean() < 0.08
    np.testing.assert_array_equal(cube.flux[~cube.bad], flux[~cube.bad])


def test_an_axis_that_no_setup_of_califa_has_is_remarked_on(tmp_path):
    cube = read_cube(written(tmp_path, make_surveys.ecalifa(CRVAL3=3748.0)[0]))
    assert len(cube.notes) == 1 and "3748.00 A in steps of 2 A" in cube.notes[0]


def test_cavity_says_so_in_its_header(tmp_path):
    hdus, flux, _ = make_surveys.califa_dr3(OBJECT="CAVITY16769")
    cube = read_cube(written(tmp_path, hdus))
    assert cube.survey == "cavity" and np.array_equal(cube.flux, flux)


def test_a_survey_without_a_plane_that_it_promises(tmp_path):
    for builder, name in ((make_surveys.ecalifa, "BADPIX"), (make_surveys.ecalifa, "GAIA_MASK"), (make_surveys.ecalifa, "ERROR"),
                          (make_surveys.califa_dr3, "BADPIX"), (make_surveys.muse, "STAT"), (make_surveys.manga, "MASK"),
                          (make_surveys.manga, "IVAR"), (make_surveys.sami, "VARIANCE")):  # fmt: skip
        hdus = builder()[0]
        del hdus[name]
        reject(tmp_path, hdus, "hdu_missing", f"without {name}")
    hdus = make_surveys.ecalifa()[0]
    hdus["FLAT"].name = "FLAU"  # the one that is missing may be the one that is strange
    reject(tmp_path, hdus, "hdu_missing", "FLAT", "FLAU is not known")
    hdus["FLAU"].name = "IVAR"
    reject(tmp_path, hdus, "hdu_missing", "FLAT", "IVAR is not known")


def test_two_hdus_of_one_name(tmp_path):
    hdus = make_surveys.ecalifa()[0]
    hdus["ERRWEIGHT"].name = "ERROR"
    reject(tmp_path, hdus, "hdu_ambiguous", "HDU 1 ERROR", "HDU 2 ERROR")


def test_a_name_and_a_unit_that_contradict_each_other(tmp_path):
    hdus = make_surveys.ecalifa()[0]
    hdus["ERROR"].header["BUNIT"] = "(1E-16 erg/s/cm2/Angstrom)**2"
    reject(tmp_path, hdus, "hdu_ambiguous", "sigma by its name and variance by its unit")


@pytest.mark.parametrize(
    ("name", "card", "value", "power"),
    [("ERROR", "HDUCLAS3", "MSE", 2), ("ERR", "HDUCLAS3", "INVMSE", -2), ("NOISE", "HDUCLAS3", "RMSE", 1), ("STAT", "HDUCLAS3", "MSE", 2),
     ("UNCERT", "UTYPE", "StdDevUncertainty", 1), ("UNCERT", "UTYPE", "VarianceUncertainty", 2), ("UNCERT", "UTYPE", "InverseVariance", -2),
     ("IVAR", "HDUCLAS3", "INVMSE", -2), ("ERR", "UTYPE", "spec:Data.FluxAxis.Accuracy.StatError", 1)],
)  # fmt: skip
def test_a_card_says_in_which_form_the_noise_is(tmp_path, name, card, value, power):
    """Sigma of 0.2 stored as 0.2, 0.04 or 25, with a card that says so, comes back as 0.2."""
    flux, _ = make_surveys.truth()
    noise = fits.ImageHDU(np.full(flux.shape, 0.2**power, np.float32), fits.Header({card: value}), name=name)
    cube = read_cube(written(tmp_path, [fits.PrimaryHDU(), fits.ImageHDU(flux, make_cubes.header(), name="FLUX"), noise]))
    np.testing.assert_allclose(cube.sigma, 0.2, rtol=1e-6)
    assert any(f"{name} holds the" in note for note in cube.notes) is (power != {"STAT": 2, "IVAR": -2}.get(name, 1))


def test_a_card_of_the_noise_that_contradicts_name_unit_or_other_card(tmp_path):
    squared = "(1E-16 erg/s/cm2/Angstrom)**2"
    for builder, name, changes, words in (
        (make_surveys.muse, "STAT", {"HDUCLAS3": "RMSE"}, "variance by its name and sigma by HDUCLAS3 = 'RMSE'"),
        (make_surveys.manga, "IVAR", {"HDUCLAS3": "MSE"}, "inverse variance by its name and variance by HDUCLAS3"),
        (make_surveys.sami, "VARIANCE", {"UTYPE": "InverseVariance"}, "variance by its name and inverse variance by UTYPE"),
        (make_surveys.ecalifa, "ERROR", {"HDUCLAS3": "INVRMSE"}, "sigma by its name and inverse sigma by HDUCLAS3"),
        (make_surveys.ecalifa, "ERROR", {"HDUCLAS3": "RMSE", "UTYPE": "VarianceUncertainty"}, "variance by UTYPE"),
        (make_surveys.ecalifa, "ERROR", {"HDUCLAS3": "INVMSE", "BUNIT": squared}, "inverse variance by its card and variance by its unit"),
        (make_surveys.muse, "STAT", {"BUNIT": "(1E-20 erg/s/cm2/Angstrom)**(-2)"}, "variance by its name and inverse variance by its unit"),
    ):
        hdus = builder()[0]
        hdus[name].header.update(changes)
        reject(tmp_path, hdus, "hdu_ambiguous", name, words, "cubes.mapping")


def test_the_mapping_overrules_a_card_of_the_noise(tmp_path):
    hdus, _, sigma = make_surveys.ecalifa()
    hdus["ERROR"].header["HDUCLAS3"] = "INVRMSE"
    cube = read_cube(written(tmp_path, hdus), mapping={"flux": "PRIMARY", "sigma": "ERROR"})
    np.testing.assert_array_equal(cube.sigma, sigma)


def test_noise_in_another_scale_than_the_flux(tmp_path):
    hdus, _, sigma = make_surveys.ecalifa()
    hdus["ERROR"].header["BUNIT"] = "1E-17 erg/s/cm2/Angstrom"
    cube = read_cube(written(tmp_path, hdus))
    np.testing.assert_allclose(cube.sigma, sigma / 10, rtol=1e-6)
    assert any("another unit" in note for note in cube.notes)
    hdus["ERROR"].header["BUNIT"] = "1E-26 erg/s/cm2/Angstrom"
    (tmp_path / "a.fits").unlink()
    reject(tmp_path, hdus, "unit_unknown", "one of the units is wrong")


def test_a_cube_of_no_survey_by_customary_names(tmp_path):
    flux, sigma = make_surveys.truth()
    units = [fits.PrimaryHDU(), fits.ImageHDU(flux, make_cubes.header(), name="SCI"), fits.ImageHDU(sigma, name="ERR")]
    cube = read_cube(written(tmp_path, units))
    assert cube.survey == "generic" and np.array_equal(cube.flux, flux) and np.array_equal(cube.sigma, sigma)
    assert len(cube.notes) == 3 and all(str(tmp_path) in note for note in cube.notes)


MAPPING = {"flux": "SPAXELS", "ivar": 3, "flags": "BITS", "bad_bits": [2, 5], "wavelength": "LAM", "unit": "1e-17 erg/s/cm2/A",
           "medium": "vacuum", "pixel_arcsec": 0.7, "survey": "mine"}  # fmt: skip


def strange():
    flux, sigma = make_surveys.truth()
    bits = np.zeros(flux.shape, np.int16)
    bits[1, 1, 1], bits[2, 2, 2], bits[3, 3, 3] = 4, 32, 64
    wave = np.linspace(4000, 4100, len(flux)) ** 1.0
    return [fits.PrimaryHDU(), fits.ImageHDU(bits, name="BITS"), fits.ImageHDU(flux, name="SPAXELS"), fits.ImageHDU(sigma**-2),
            fits.ImageHDU(wave, name="LAM")], flux, sigma, wave  # fmt: skip


def test_a_mapping_in_the_configuration(tmp_path):
    units, flux, sigma, wave = strange()
    path = written(tmp_path, units)
    with pytest.raises(CubeRejected, match=r"unrecognised.*SPAXELS.*cubes\.mapping"):
        read_cube(path)
    cube = read_cube(path, mapping=MAPPING)
    np.testing.assert_allclose(cube.flux, flux / 10, rtol=1e-6)
    np.testing.assert_allclose(cube.sigma, sigma / 10, rtol=1e-5)
    np.testing.assert_allclose(cube.wavelength, air(wave))
    assert np.argwhere(cube.bad).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert cube.survey == "mine" and cube.pixel_arcsec == 0.7 and cube.sky is None and cube.position is None


def test_a_mapping_that_does_not_fit(tmp_path):
    units, *_ = strange()
    reject(tmp_path, units, "hdu_missing", "'NOISE'", "SPAXELS", mapping={"flux": "SPAXELS", "sigma": "NOISE"})
    reject(tmp_path, units, "unit_unknown", "counts", mapping=MAPPING | {"unit": "counts"})
    reject(tmp_path, units, "shape_mismatch", "BITS", mapping=MAPPING | {"star": "BITS"})
    path = written(tmp_path, units)
    for wrong in ({"flux": "A"}, {"flux": "A", "sigma": "B", "ivar": "C"}, {"sigma": "B"}, {**MAPPING, "fluxx": "A"}):
        with pytest.raises(CubespaceError, match=r"cubes\.mapping") as caught:
            read_cube(path, mapping=wrong)
        assert not isinstance(caught.value, CubeRejected)


def test_a_mapping_of_two_meanings_for_one_hdu(tmp_path):
    units, *_ = strange()
    for wrong in ({"ivar": 2}, {"ivar": 3, "flags": "spaxels"}, {"ivar": 3, "flags": 3}):
        words = "are both HDU"
        reject(tmp_path, units, "hdu_ambiguous", "cubes.mapping", words, mapping={"flux": "SPAXELS", "wavelength": "LAM"} | wrong)


def test_a_mapping_is_also_valid_configuration():
    import jsonschema
    import yaml

    from conftest import ROOT

    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())["properties"]["cubes"]["properties"]["mapping"]
    jsonschema.validate(MAPPING, schema)
    from cubespace.cubes.readers import mapped

    assert set(schema["properties"]) == set(mapped.ROLES + mapped.OTHER)


def test_the_unit_of_the_hdu_of_wavelengths_is_heeded(tmp_path):
    """1100 .. 1250 nm would pass for ultraviolet Angstroms; with an axis in the header the two are compared, whatever the unit."""
    units, *_ = strange()
    for unit, values in (("nm", np.linspace(1100, 1250, 60)), ("um", np.linspace(1.1, 1.25, 60)), (None, np.linspace(11000, 12500, 60))):
        units[4] = fits.ImageHDU(values, name="LAM", header=fits.Header() if unit is None else fits.Header({"BUNIT": unit}))
        cube = read_cube(written(tmp_path, units), mapping=MAPPING | {"medium": "air"})
        assert cube.wavelength[[0, 59]] == pytest.approx([11000, 12500], rel=1e-12)
    units[4].header["BUNIT"] = "1E-17 erg/s/cm2/A"
    reject(tmp_path, units, "wavelength_axis", "HDU 4 LAM", "'1E-17 erg/s/cm2/A' is not a known unit of length", mapping=MAPPING)
    hdus, *_, wave = make_surveys.manga()
    for factor, unit in ((1, "1E-17 erg/s/cm^2/Ang/spaxel"), (1, "Angstrom"), (0.1, "nm")):
        hdus["WAVE"].data, hdus["WAVE"].header["BUNIT"] = wave * factor, unit
        np.testing.assert_allclose(read_cube(written(tmp_path, hdus)).wavelength, air(wave), rtol=1e-9)
    hdus["WAVE"].data = wave
    reject(tmp_path, hdus, "wavelength_axis", "header gives 3671.1320 A", "36711.3200 A")


def test_decreasing_axis_is_turned_round(tmp_path):
    hdus, flux, _ = make_surveys.ecalifa(CRVAL3=3867.0, CD3_3=-2.0, CDELT3=None)
    cube = read_cube(written(tmp_path, hdus))
    assert cube.wavelength[[0, -1]].tolist() == [3749.0, 3867.0]
    np.testing.assert_array_equal(cube.flux, flux[::-1])
    assert np.argwhere(cube.bad).tolist() == [[52, 1, 2]]  # was sample 7 of 60
    assert any("turned round" in note for note in cube.notes)


def test_double_precision_in_absolute_units_does_not_underflow(tmp_path):
    """Variances of 1e-40 (erg/s/cm2/A)^2 are below the range of float32."""
    hdus, flux, sigma = make_surveys.sami(BUNIT="erg/s/cm2/A")
    hdus[0].data = hdus[0].data * 1e-20
    hdus["VARIANCE"].data = hdus["VARIANCE"].data * 1e-40
    cube = read_cube(written(tmp_path, hdus))
    good = ~cube.bad
    assert good.sum() == good.size - 60
    np.testing.assert_allclose(cube.flux[good], flux[good] * 1e-4, rtol=1e-6)
    np.testing.assert_allclose(cube.sigma[good], sigma[good] * 1e-4, rtol=1e-6)


def test_checksum_cards_are_believed(tmp_path):
    import io

    hdus, flux, _ = make_surveys.ecalifa()
    buffer = io.BytesIO()
    hdus.writeto(buffer, checksum=True)
    path, content = tmp_path / "a.fits", bytearray(buffer.getvalue())
    path.write_bytes(content)
    assert np.array_equal(read_cube(path).flux, flux)
    content[2880 + 4003] ^= 1
    path.write_bytes(content)
    with pytest.raises(CubeRejected, match=r"corrupt.*HDU 0 PRIMARY contradicts its CHECKSUM"):
        read_cube(path)
    cube = read_cube(path, checksum="note")
    assert (cube.flux != flux).sum() == 1 and any("CHECKSUM" in note for note in cube.notes)
    assert not read_cube(path, checksum="ignore").notes


def test_whole_numbers_are_no_fluxes(tmp_path):
    flux, _ = make_surveys.truth()
    hdus = make_surveys.ecalifa()[0]
    hdus[0] = fits.PrimaryHDU(flux.view(np.int32), hdus[0].header)
    reject(tmp_path, hdus, "wrong_dtype", "PRIMARY", "int32")
    hdus = make_surveys.manga()[0]
    hdus["MASK"].data = hdus["MASK"].data + 0.5
    reject(tmp_path, hdus, "wrong_dtype", "MASK")


def test_second_reading_stops_at_the_last_hdu_that_is_needed(tmp_path):
    """With verify=False a file may end in rubbish after the last needed HDU; with it, it may not."""
    import gzip

    hdus, flux, _ = make_surveys.ecalifa()
    whole = gzip.decompress(written(tmp_path, hdus, "a.fits.gz").read_bytes())
    path = tmp_path / "b.fits.gz"
    path.write_bytes(gzip.compress(whole + b"x" * 2880))
    assert np.array_equal(read_cube(path, verify=False).flux, flux)
    with pytest.raises(CubeRejected, match=r"corrupt.*HDU 6 expected"):
        read_cube(path)


def test_gzip_in_several_members_or_padded_with_zeros(tmp_path):
    import gzip

    hdus, flux, _ = make_surveys.ecalifa()
    whole = written(tmp_path, hdus).read_bytes()
    path = tmp_path / "b.fits.gz"
    path.write_bytes(gzip.compress(whole[:9000]) + gzip.compress(whole[9000:]) + bytes(512))
    assert np.array_equal(read_cube(path).flux, flux)


def blocks(language):
    import re

    from conftest import ROOT

    text = (ROOT / "docs/intake.md").read_text()
    return text, re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_adapter_in_the_docs_reads_its_survey(tmp_path, monkeypatch):
    import types

    from cubespace.cubes import readers

    mine = types.ModuleType("mine")
    exec(blocks("python")[1][0], mine.__dict__)
    monkeypatch.setattr(readers, "ADAPTERS", (mine, *ADAPTERS))
    flux, sigma = make_surveys.truth()
    units = [fits.PrimaryHDU(), fits.ImageHDU(flux, make_cubes.header(BUNIT=None), name="SCI"), fits.ImageHDU(sigma**2, name="ERR2")]
    cube = read_cube(written(tmp_path, units))
    assert cube.survey == "mine"
    np.testing.assert_allclose(cube.flux, flux / 100, rtol=1e-6)
    np.testing.assert_allclose(cube.sigma, sigma / 100, rtol=1e-6)


def test_the_docs_name_every_reason_of_the_readers_and_a_valid_mapping():
    import re
    from pathlib import Path

    import yaml

    from cubespace.cubes import readers
    from cubespace.cubes.readers import mapped

    text, (mapping,) = blocks("yaml")
    mapped.check(yaml.safe_load(mapping)["cubes"]["mapping"])
    source = "".join(path.read_text() for path in Path(readers.__file__).parent.glob("*.py"))
    raised = set(re.findall(r'CubeRejected\(\s*"(\w+)"', source)) | {"unrecognised", "not_a_cube"}
    assert len(raised) > 10 and all(f"| `{code}` |" in text for code in raised)
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) >= raised


def test_a_damaged_rice_stream_cannot_crash_the_reader(tmp_path, capfd):
    """The decoder in C trusts its input: 100 damaged streams end in a rejection or in numbers, the process lives on."""
    content = bytearray(written(tmp_path, make_surveys.packed(make_surveys.ecalifa()[0], "RICE_1")).read_bytes())
    path, rng, codes = tmp_path / "b.fits", np.random.default_rng(4), set()
    with fits.open(tmp_path / "a.fits", disable_image_compression=True) as hdus:
        heap = range(hdus[4].fileinfo()["datLoc"], hdus[4].fileinfo()["datLoc"] + 400)  # BADPIX: integers
    for _ in range(100):
        damaged = bytearray(content)
        for at in rng.choice(heap, 20):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_cube(path)
        except CubeRejected as error:
            codes.add(error.code)
    assert codes == {"corrupt"} and "Traceback" not in capfd.readouterr().err
