"""Verdicts with their notes, and the quality pages: which galaxies, what they show, rejected ones too."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import make_cubes
from cubespace.cubes.quality import noise_ratio, remarks
from cubespace.cubes.readers import read_cube
from cubespace.figures import quality
from cubespace.spectra.basis import fit_basis, write_basis
from cubespace.spectra.project import BAD, GOOD, SKY, read_maps
from cubespace.spectra.verdicts import COLUMNS, verdict_row
from cubespace.steps import maps as maps_step
from cubespace.steps import moments as moments_step
from cubespace.steps import quality as quality_step
from cubespace.steps import verdicts as verdicts_step
from cubespace.tables import read_table

NAMES = ["NGC0001", "NGC0002", "NGC0003", "NGC0004"]
Z = 0.015


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Two sound galaxies (the second with a star, a wrong MED_VEL and far from its place), a faint one, a broken one."""
    folder = tmp_path_factory.mktemp("quality")
    for sub in ("moments", "maps"):
        (folder / sub).mkdir()
    gaia, badpix = np.zeros((14, 14)), np.zeros((1877, 14, 14), np.uint8)
    gaia[:4, :6] = 1
    badpix[400:406, 6:8, 6:8] = 1
    heads = [make_cubes.header(MED_VEL=4500.0), make_cubes.header(MED_VEL=8731.0, CRVAL1=150.01), make_cubes.header(), make_cubes.header()]
    for name, head, peak in zip(NAMES, heads, (110, 110, 2, 110), strict=True):
        flux, sigma = make_cubes.base(ny=14, nx=14, redshift=Z, peak=peak)
        planes = {"gaia": gaia} if name == "NGC0002" else {"badpix": badpix}
        make_cubes.write(folder / f"{name}.fits", make_cubes.hdus(flux, sigma, head=head, **planes))
    (folder / "NGC0004.fits").write_text("<html>404</html>")
    settings = json.dumps({"snr_min": 20, "canvas": [16, 18]})
    for name in NAMES:
        moments_step.main(["--cube", str(folder / f"{name}.fits"), "--redshift", str(Z), "--galaxy", name, "--settings", settings,
                           "--out", str(folder / "moments" / f"{name}.npz")])  # fmt: skip
    basis = fit_basis({n: folder / "moments" / f"{n}.npz" for n in NAMES}, n_components=5, curve_components=6)
    write_basis(folder / "basis.fits", basis, window=(5600, 5800), snr_min=20, cards=[("CSREL", "abc", "")])
    for name in NAMES:
        maps_step.main(["--cube", str(folder / f"{name}.fits"), "--redshift", str(Z), "--distance", "60", "--galaxy", name, "--settings", settings,
                        "--basis", str(folder / "basis.fits"), "--moments", str(folder / "moments" / f"{name}.npz"),
                        "--out", str(folder / "maps" / f"{name}.fits")])  # fmt: skip
    # reference pixel 6 (from 1) is at (150, 2); the galaxy's centre is pixel 6.5 (from 0): 0.75 arcsec west and north
    table = pd.DataFrame({"galaxy": NAMES, "stem": NAMES, "ra": [150.0, 150.0, 150.0, 150.0], "dec": 2.0,
                          "cube": [str(folder / f"{n}.fits") for n in NAMES]})  # fmt: skip
    table.to_csv(folder / "galaxies.csv", index=False)
    verdicts_step.main(["--roster", str(folder / "galaxies.csv"), "--galaxies", str(folder / "galaxies.csv"), "--moments", str(folder / "moments"),
                        "--maps", str(folder / "maps"), "--out", str(folder / "verdicts.csv")])  # fmt: skip
    return folder


def test_verdicts_say_what_was_found_and_what_looks_odd(survey):
    table = read_table(survey / "verdicts.csv").set_index("galaxy")
    assert list(read_table(survey / "verdicts.csv").columns) == list(COLUMNS)
    assert table["verdict"].tolist() == ["accepted", "accepted", "rejected", "rejected"]
    assert table["stage"].tolist() == ["maps", "maps", "moments", "moments"]
    assert table["reason"].tolist()[2:] == ["too_few_spaxels", "unreadable"] and "404" in table.loc["NGC0004", "detail"]
    one, two = table.loc["NGC0001"], table.loc["NGC0002"]
    assert one["star_share"] == 0 and two["star_share"] == pytest.approx(24 / 196)
    sky = 9 * 4 + 8 + 11  # samples of the windows: 8 or 9 of 16 A each, 11 or 12 of the 22 A of Na D
    assert one["bad_share"] == pytest.approx((sky + 24 / 196) / 1877, abs=4 / 1877)
    assert one["offset"] == pytest.approx(1.5 * 0.5 * 2**0.5, abs=0.06) and two["offset"] == pytest.approx(36, abs=1)
    assert one["notes"] is None or "MED_VEL" not in one["notes"]
    assert "MED_VEL 8731 km/s in the header, 4497 km/s by the table's redshift" in two["notes"]
    assert "35." in two["notes"] and "is it another one?" in two["notes"] and "12 % of the field is masked" in two["notes"]
    assert one["spaxels"] > 60 and one["spectra"] > 20 and table.loc["NGC0004", "notes"] is None
    maps = read_maps(survey / "maps/NGC0001.fits")
    good = sorted(maps.snr[maps.mask == 0])
    assert one["snr"] == pytest.approx((good[(len(good) - 1) // 2] + good[len(good) // 2]) / 2) and np.isnan(table.loc["NGC0004", "snr"])


def test_a_row_without_a_position_has_no_offset(survey):
    row = verdict_row("NGC0001", survey / "moments/NGC0001.npz", survey / "maps/NGC0001.fits")
    assert row["offset"] is None


@pytest.mark.parametrize("value", ["", "fast", "nan", "-5", None])
def test_a_velocity_that_is_none_is_no_remark(survey, value):
    cube = read_cube(survey / "NGC0001.fits")
    cube.notes, cube.header = [], {} if value is None else {"MED_VEL": value}
    assert remarks(cube, Z) == []


def noisy(sigma, slope=0.0, spaxels=200):
    """A cube of known noise 0.05 on a slope, with `sigma` for its errors, one spaxel without data."""
    flux = np.random.default_rng(2).normal(1, 0.05, (300, 1, spaxels)).astype(np.float32)
    flux += slope * np.arange(300, dtype=np.float32)[:, None, None]
    bad = np.zeros(flux.shape, bool)
    bad[:, 0, 0] = True
    return SimpleNamespace(flux=flux, sigma=np.full_like(flux, sigma), bad=bad, notes=[], header={}, path="a.fits")


@pytest.mark.parametrize(("sigma", "ratio"), [(0.05, 1), (0.0025, 20), (0.5, 0.1)])
def test_errors_are_held_against_the_scatter_from_channel_to_channel(sigma, ratio):
    """Right errors; their squares, as where a variance goes by the name ERROR; a tenth of them. A slope is no scatter."""
    assert noise_ratio(noisy(sigma)) == pytest.approx(ratio, rel=0.02)
    assert noise_ratio(noisy(sigma, slope=0.5)) == pytest.approx(ratio, rel=0.02)
    said = remarks(noisy(sigma), Z)
    assert bool(said) == (ratio != 1) and all("variances, or in another unit?" in text for text in said)


def test_a_cube_without_data_says_nothing_about_its_errors():
    cube = noisy(0.05)
    cube.bad[:] = True
    assert np.isnan(noise_ratio(cube)) and remarks(cube, Z) == []


def test_the_central_spectrum_is_kept_with_what_was_not_used(survey):
    nucleus = read_maps(survey / "maps/NGC0001.fits").nucleus
    rest = nucleus["wavelength"]
    bad = rest[nucleus["bad"] == BAD] * (1 + Z)
    assert 6 <= bad.size <= 8 and bad.min() > 4549 - 2.1 and bad.max() < 4559 + 2.1  # samples 400 .. 405: 4549 .. 4559 A
    near = np.abs(rest - 5577 / (1 + Z)) < 7
    assert (nucleus["bad"][near] == SKY).all() and (nucleus["bad"] == GOOD).sum() > 1400
    residual = (nucleus["flux"] - nucleus["model"])[nucleus["bad"] == GOOD] / nucleus["sigma"][nucleus["bad"] == GOOD]
    assert 0.8 < residual.std() < 1.2


def test_chosen_galaxies(survey):
    verdicts = read_table(survey / "verdicts.csv")
    assert quality_step.chosen(verdicts, "none", []) == []
    assert quality_step.chosen(verdicts, "all", []) == NAMES
    assert quality_step.chosen(verdicts, "rejected", ["NGC0002"]) == NAMES[1:]
    assert quality_step.chosen(verdicts, "rejected", []) == NAMES  # and the first three accepted


def pages(folder, out, **settings):
    quality_step.main(["--verdicts", str(folder / "verdicts.csv"), "--galaxies", str(folder / "galaxies.csv"), "--roster", str(folder / "galaxies.csv"),
                       "--maps", str(folder / "maps"), "--settings", json.dumps(settings), "--out", str(out / "i.html"), "--pdf", str(out / "p.pdf")])  # fmt: skip
    return (out / "i.html").read_text(), (out / "p.pdf").read_bytes()


def test_pages_of_all_and_the_same_twice(survey, tmp_path):
    html, pdf = pages(survey, tmp_path, quality="all", survey="A <survey>")
    assert html.count("<img") == 4 and html.count("<section id=") == 4 and pdf.count(b"/Type /Page ") == 4
    assert "A &lt;survey&gt;" in html and "&lt;html&gt;404" in html and "too_few_spaxels" in html
    (tmp_path / "again").mkdir()
    assert pages(survey, tmp_path / "again", quality="all", survey="A <survey>") == (html, pdf)


def test_pages_of_the_rejected(survey, tmp_path):
    html, _ = pages(survey, tmp_path, quality="rejected", examples=["NGC0002"])
    assert html.count("<img") == 3 and 'href="#NGC0003"' in html and 'href="#NGC0001"' not in html


def test_without_any_page_there_is_still_a_file(survey, tmp_path):
    html, pdf = pages(survey, tmp_path, quality="none")
    assert "0 with a page" in html and pdf.count(b"/Type /Page ") == 1


def test_a_page_shows_masks_in_colour_and_counts_them(survey):
    figure = quality.draw_accepted("NGC0002", read_maps(survey / "maps/NGC0002.fits"))
    words = [text.get_text() for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()]
    assert "star or companion: 24" in words and any(word.startswith("sky line: ") for word in words)
    maps = read_maps(survey / "maps/NGC0002.fits")
    maps.nucleus = None  # a file of an older version
    assert quality.draw_accepted("NGC0002", maps) is not None


def test_a_rejected_galaxy_shows_its_cube_if_it_has_one(survey):
    with_cube = quality.draw_rejected("NGC0003", "too_few_spaxels", "few", read_cube(survey / "NGC0003.fits"))
    without = quality.draw_rejected("NGC0004", "unreadable", "not FITS")
    assert len(with_cube.axes) == 5 and len(without.axes) == 1  # three panels and two bars; a sentence
