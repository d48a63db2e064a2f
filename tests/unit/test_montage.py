"""The montage: which galaxies it shows, what it takes from a cube, and the step from files to picture."""

import csv

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from cubespace.cubes.cube import Cube
from cubespace.errors import CubespaceError
from cubespace.figures import montage
from cubespace.steps import montage as step
from cubespace.steps import simulate
from cubespace.survey.showcase import AXIS_RATIO, showcase

FIELDS = ("galaxy", "pointing", "morphology", "morphology_detail", "axis_ratio", "re_arcsec", "agn")
ROWS = [
    ("A", "A", "E", "E2", 0.75, 14.0, 0),
    ("B", "B", "E", "E5", 0.5, 14.0, 0),  # too flat
    ("C", "C", "Sb", "Sb", 0.21, 13.0, 1),  # an AGN
    ("D", "D", "Sb", "Sb", 0.6, 13.0, 0),
    ("F_0", "F", "Sc", "Sc", 0.7, 14.0, 0),  # not alone
    ("F_1", "F", "Sc", "Sc", 0.7, 14.0, 0),
    ("G", "G", "Sb", "Sbc", 0.75, 30.0, 0),
    ("H", "H", "BCD", "BCD", 0.75, 14.0, 0),  # not made
]


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([FIELDS, *rows])
    return path


def test_showcase_takes_the_best_of_each_type(tmp_path):
    path = write(tmp_path / "truth.csv", ROWS)
    among = {row[0]: f"file of {row[0]}" for row in ROWS if row[0] != "H"}
    assert showcase(path, among) == [("E", "file of A"), ("Sb", "file of D"), ("Sbc", "file of G")]
    assert list(AXIS_RATIO) == ["E", "S0", "Sa", "Sb", "Sbc", "Sc", "Sd", "I", "BCD"]
    with pytest.raises(CubespaceError, match="not found"):
        showcase(tmp_path / "none.csv", among)
    (tmp_path / "short.csv").write_text("galaxy,agn\nA,0\n")
    with pytest.raises(CubespaceError, match="lacks columns axis_ratio"):
        showcase(tmp_path / "short.csv", among)


def made(red=1.0, blue=1.0):
    """A cube of 8 x 8 spaxels at z = 0: flat spectra, brighter to the centre, of planted colour; one bad
    spaxel, one star."""
    wavelength = np.arange(3749.0, 7501.0, 2.0)
    y, x = np.indices((8, 8))
    light = 10 * np.exp(-np.hypot(y - 4, x - 4) / 3).astype(np.float32)
    slope = np.where(
        wavelength < 5000,
        blue * montage.WHITE[2],
        np.where(wavelength > 6050, red * montage.WHITE[0], montage.WHITE[1]),
    )
    flux = (slope[:, None, None] * light).astype(np.float32)
    bad = np.zeros(flux.shape, bool)
    bad[:, 0, 0] = True
    star = np.zeros((8, 8), bool)
    star[1, 6] = True
    field = np.ones((8, 8), bool)
    field[:, 0] = False
    return Cube(flux, np.full_like(flux, 0.5), bad, star, field, wavelength, 2.0, "made")


def test_white_is_grey_and_colours_keep_their_side():
    for red, blue, sign in ((1.0, 1.0, 0), (1.4, 0.7, 1), (0.7, 1.4, -1)):
        cube = made(red, blue)
        image = montage.picture(cube, cube.wavelength)
        assert image.shape == (8, 8, 3) and image.min() >= 0 and image.max() <= 1
        r, _, b = image[5, 5]
        assert np.sign(round(r - b, 3)) == sign
        assert image[4, 4].sum() > image[7, 7].sum() > 0 and image[3, 0].sum() == 0


def test_digest_shows_what_has_signal_and_takes_spectra_where_it_says():
    cube = made()
    y, x = np.indices((8, 8))
    cube.sigma[:, x > 5] = 100.0
    radius = np.hypot(y - 4, x - 4) / 2.0
    truth = {
        "galaxy": "G",
        "redshift": 0.0,
        "EW_HA": np.full((8, 8), 10.0),
        "VELOCITY": x * 10.0,
        "RADIUS": radius,
    }
    one = montage.digest(cube, truth, "Sb")
    assert np.isnan(one["ew"][4, 6]) and np.isnan(one["velocity"][1, 6]) and np.isnan(one["ew"][4, 0])
    assert one["ew"][4, 4] == pytest.approx(1.0) and one["velocity"][4, 3] == 30
    assert [words for words, *_ in one["spectra"]] == ["nucleus", r"1.0 $R_e$", r"2.0 $R_e$"]
    assert all(np.nanmedian(flux) == pytest.approx(1.0, abs=0.1) for _, _, flux in one["spectra"])
    with pytest.raises(CubespaceError, match="not of the same run"):
        montage.digest(cube, truth | {"EW_HA": np.zeros((9, 8))}, "Sb")


def test_from_files_to_picture(tmp_path, capsys):
    truth = ROOT / "resources/demo/truth.csv"
    common = [
        "--truth",
        str(truth),
        "--ssp",
        str(ROOT / "resources/ssp_basis.npz"),
        "--settings",
        '{"pixel_arcsec": 2.0}',
    ]
    files = [tmp_path / name for name in ("c.fits.gz", "t.fits", "m.fits")]
    where = [f"--{name}={path}" for name, path in zip(("cube", "maps", "mask"), files, strict=True)]
    simulate.main(["--galaxy", "MOCK0001", *common, *where])
    step.main(
        [
            "--cubes",
            str(files[0]),
            "--truths",
            str(files[1]),
            "--kinds",
            "Sc",
            "--out",
            str(tmp_path / "m.png"),
            "--pdf",
            str(tmp_path / "m.pdf"),
        ]
    )
    image = Image.open(tmp_path / "m.png")
    assert image.width / 200 * 25.4 <= 180.5
    assert np.asarray(image.convert("RGB")).std(axis=2).max() > 30  # there is colour
    assert (tmp_path / "m.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(CubespaceError, match="1 cubes, 1 truth files, 2 types"):
        step.main(["--cubes", "a", "--truths", "b", "--kinds", "E", "S0", "--out", "m.png", "--pdf", "m.pdf"])
    with pytest.raises(CubespaceError, match="not a truth file with EW_HA"):
        montage.read_truth(files[2])
