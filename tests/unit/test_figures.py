"""Every figure, drawn from a small survey with all that goes wrong in real ones; style, joins, and the step."""

import itertools
import re
import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from conftest import ROOT
from cubespace.columns import PROPERTIES
from cubespace.errors import CubespaceError
from cubespace.figures import frames, registry, style, umap
from cubespace.files import write_npz
from cubespace.morphology import BINS
from cubespace.spectra.basis import Basis, write_basis
from cubespace.steps import figure as figure_step
from cubespace.tables import write_table
from figure_tables import inputs_of, make_tables, texts

NAMES = [
    "fig01_sample", "fig02_views", "fig03_umap_stellar", "fig04_umap_emission", "fig05_umap_geometry", "fig06_umap_environment",
    "fig07_clusters", "fig08_neighbours", "fig09_twins", "fig10_correlations", "figB1_components", "figB2_components", "figC1_maps",
    "training", "invariance", "reconstruction", "verdicts", "balance", "probes", "power", "map_power", "order", "cluster_number", "scorecard",
]  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return make_tables()


# every figure ---------------------------------------------------------------------------------------------------------------


def test_registry_has_the_figures_of_the_contract_and_a_caption_for_each():
    assert list(registry.FIGURES) == NAMES
    assert all((ROOT / "workflow" / "report" / f"{name}.rst").is_file() for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_draws_without_a_warning_and_with_the_same_bytes_twice(name, tables, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for take in "ab":
            figure = registry.draw(name, **inputs_of(name, tables))
            style.save(figure, tmp_path / f"{take}.png")
        style.save(figure, tmp_path / "a.pdf")
    image = Image.open(tmp_path / "a.png")
    width_mm = image.width / 200 * 25.4
    assert width_mm <= 180.5  # a page of the journal, not more
    assert np.asarray(image.convert("L")).std() > 1  # something is drawn
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF") and not list(tmp_path.glob(".partial*"))


def test_pdf_has_the_same_bytes_twice_and_no_date(tables, tmp_path):
    for take in "ab":
        style.save(
            registry.draw("fig07_clusters", **inputs_of("fig07_clusters", tables)),
            tmp_path / f"{take}.pdf",
            {"seed": 7},
        )
    content = (tmp_path / "a.pdf").read_bytes()
    assert content == (tmp_path / "b.pdf").read_bytes()
    assert b"CreationDate" not in content and b"seed=7" in content


def test_the_callers_matplotlib_settings_change_nothing(tables, tmp_path):
    def drawn(path):
        style.save(registry.draw("fig01_sample", galaxies=tables["galaxies"]), path)
        return path.read_bytes()

    plain = drawn(tmp_path / "plain.png")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "savefig.dpi": 50}):
        assert drawn(tmp_path / "styled.png") == plain
        assert matplotlib.rcParams["font.size"] == 20


def test_unknown_figure_missing_input_and_useless_input_are_named(tables):
    with pytest.raises(CubespaceError, match="'fig99' is not known; allowed: fig01_sample, "):
        registry.draw("fig99")
    with pytest.raises(CubespaceError, match="fig04_umap_emission: needs classes, umap, which"):
        registry.draw("fig04_umap_emission", galaxies=tables["galaxies"])
    with pytest.raises(CubespaceError, match="fig01_sample: has no use for umap"):
        registry.draw("fig01_sample", galaxies=tables["galaxies"], umap=tables["umap"])


def test_only_png_and_pdf_are_written(tables, tmp_path):
    with pytest.raises(CubespaceError, match=r"x.svg: figures are written as .png or .pdf"):
        style.save(registry.draw("verdicts", verdicts=tables["verdicts"]), tmp_path / "x.svg")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fig01_sample", [PROPERTIES["log_mass"].label, PROPERTIES["g_r"].label]),
        ("fig03_umap_stellar", [PROPERTIES[p].label for p in ("log_mass", "log_age_lw", "metallicity_lw")]),
        (
            "fig04_umap_emission",
            [PROPERTIES[p].label for p in ("log_ew_ha", "log_nii_ha_cen", "log_oiii_hb_cen")],
        ),
        ("fig05_umap_geometry", [PROPERTIES["redshift"].label, PROPERTIES["ellipticity"].label]),
        (
            "fig07_clusters",
            [PROPERTIES[p].label for p in ("log_mass", "log_sfr", "log_ew_ha_cen")]
            + ["galaxies of that type [%]"],
        ),
        ("figB1_components", [r"rest-frame wavelength [$\mathrm{\AA}$]"]),
        ("figC1_maps", [r"$\log\,L\ [\mathrm{L}_\odot\,\mathrm{\AA}^{-1}]$", r"$\Delta x$ [arcsec]"]),
        ("training", ["NT-Xent loss [nat]"]),
        ("reconstruction", ["median error of the spectra [%]"]),
    ],
)
def test_labels_carry_units(name, expected, tables):
    found = texts(registry.draw(name, **inputs_of(name, tables)))
    assert [words for words in expected if words not in found] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_survey_with_nothing_to_show_says_so_in_words(name, tables, tmp_path):
    empty = {key: value.iloc[:0] for key, value in tables.items() if isinstance(value, pd.DataFrame)}
    views = {key: value[:0] if np.ndim(value) else value for key, value in tables["views"].items()}
    bare = Basis(
        tables["basis"].wavelength,
        tables["basis"].mean,
        tables["basis"].components[:3],
        tables["basis"].eigenvalues,
    )
    empty |= {"views": views, "histories": {"full": tables["histories"]["full"].iloc[:0]}, "basis": bare}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = registry.draw(name, **inputs_of(name, empty))
        style.save(figure, tmp_path / "empty.png")
    found = texts(figure)
    if name == "figB1_components":
        assert "PC 3" in found and "PC 4" not in found and "mean spectrum" in found
    else:
        assert re.search(r"\bno |\bnot |none|nothing", found), found


# style ----------------------------------------------------------------------------------------------------------------------

# Machado, Oliveira & Fernandes (2009, IEEE TVCG 15, 1291), severity 1, linear RGB
_BLINDNESS = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


def _lab(colour, matrix):
    c = np.array(to_rgb(colour))
    linear = np.clip(np.array(matrix) @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.where((t := xyz / [0.9505, 1, 1.089]) > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", _BLINDNESS)
@pytest.mark.parametrize(
    "palette", ["MORPHOLOGY", "NUCLEAR", "ENVIRONMENT", "ROLE", "TEST", "BASELINE"]
)
def test_classes_stay_apart_for_the_colour_blind(palette, blindness):
    colours = list(getattr(style, palette).values())
    apart = [
        np.linalg.norm(_lab(a, _BLINDNESS[blindness]) - _lab(b, _BLINDNESS[blindness]))
        for a, b in itertools.combinations(colours, 2)
    ]
    assert min(apart) > 14  # CIELAB units; 2.3 is just noticeable


def test_morphology_runs_from_red_to_blue():
    red_minus_blue = [np.subtract(*np.array(to_rgb(colour))[[0, 2]]) for colour in style.MORPHOLOGY.values()]
    assert tuple(style.MORPHOLOGY) == BINS
    assert min(red_minus_blue[:4]) > 0.3 and max(red_minus_blue[4:]) < 0


def test_robust_limits():
    assert style.robust_limits([np.nan, np.nan]) is None
    assert style.robust_limits(np.arange(101.0)) == (2.0, 98.0, "both")
    assert style.robust_limits([3.0, 3.0, np.nan]) == (2.5, 3.5, "neither")
    assert style.robust_limits([0.0, 1.0], 0, 100) == (0.0, 1.0, "neither")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.5, "$p$ = 0.5"),
        (0.0123, "$p$ = 0.012"),
        (3.2e-7, r"$p$ = 3$\times$10$^{-7}$"),
        (0.0, "$p$ < 10$^{-300}$"),
        (np.nan, "p not computed"),
    ],
)
def test_p_text(value, words):
    assert style.p_text(value) == words


def test_bare_labels_keep_the_unit_only_where_two_would_read_the_same():
    assert style.bare(["log_mass", "re_kpc"]) == [r"$\log\,M_\star$", r"$R_\mathrm{e}$"]
    assert style.bare(["re_arcsec", "re_kpc"]) == [PROPERTIES["re_arcsec"].label, PROPERTIES["re_kpc"].label]


# tables ---------------------------------------------------------------------------------------------------------------------


def test_columns_of_all_kinds_become_plain_arrays():
    table = pd.DataFrame(
        {"a": pd.array([1, None], "Int64"), "b": pd.Series(["x", None], dtype=object), "c": [np.nan, 2.0], "yes": ["True", "false"], "no": ["1", "maybe"]}
    )  # fmt: skip
    np.testing.assert_array_equal(frames.numbers(table, "a"), [1, np.nan])
    np.testing.assert_array_equal(frames.numbers(table, "absent"), [np.nan, np.nan])
    assert frames.words(table, "b").tolist() == ["x", None] and frames.words(table, "absent").tolist() == [
        None,
        None,
    ]
    assert frames.truths(table, "yes").tolist() == [True, False]
    with pytest.raises(CubespaceError, match="'no': expected true or false, found maybe"):
        frames.truths(table, "no")
    with pytest.raises(CubespaceError, match="'b': expected numbers"):
        frames.numbers(table, "b")


def test_join_keeps_rows_and_refuses_a_galaxy_twice():
    left = pd.DataFrame({"galaxy": ["B", "A", "C"], "role": ["train"] * 3})
    joined = frames.join(
        left, pd.DataFrame({"galaxy": ["A", "B"], "role": ["embed"] * 2, "mass": [1.0, 2.0]})
    )
    assert joined["galaxy"].tolist() == ["B", "A", "C"] and set(joined["role"]) == {"train"}
    np.testing.assert_array_equal(frames.numbers(joined, "mass"), [2, 1, np.nan])
    with pytest.raises(CubespaceError, match="'A' has more than one row"):
        frames.join(left, pd.DataFrame({"galaxy": ["A", "A"], "mass": [1.0, 2.0]}))
    with pytest.raises(CubespaceError, match="no column 'galaxy'; found role"):
        frames.join(left.drop(columns="galaxy"))


# the step and the captions --------------------------------------------------------------------------------------------------


def test_step_draws_from_files(tables, tmp_path):
    meta = {"release_digest": "abcd"}
    write_table(tables["galaxies"], tmp_path / "galaxies.parquet", meta=meta)
    write_table(tables["umap"], tmp_path / "umap.parquet", meta=meta)
    write_table(tables["comparisons"], tmp_path / "comparisons.csv", meta=meta)
    write_table(tables["distances"], tmp_path / "distances.csv", meta=meta)
    for variant, history in tables["histories"].items():
        write_table(history, tmp_path / variant / "history.csv")
    write_npz(tmp_path / "views.npz", **tables["views"])
    write_basis(tmp_path / "basis.fits", tables["basis"], window=(5600, 5800), snr_min=30)

    def run(name, **options):
        words = [
            "--name",
            name,
            "--out",
            str(tmp_path / f"{name}.png"),
            "--pdf",
            str(tmp_path / f"{name}.pdf"),
        ]
        for option, value in options.items():
            words += [f"--{option}", *([value] if isinstance(value, str) else value)]
        figure_step.main(words)
        return tmp_path / f"{name}.png"

    path = run(
        "fig03_umap_stellar", galaxies=str(tmp_path / "galaxies.parquet"), umap=str(tmp_path / "umap.parquet")
    )
    image = Image.open(path)
    assert image.text["release_digest"] == "abcd" and image.text["cubespace_version"]
    style.save(umap.draw_stellar(tables["galaxies"], tables["umap"]), tmp_path / "direct.png")
    np.testing.assert_array_equal(np.asarray(image), np.asarray(Image.open(tmp_path / "direct.png")))
    assert path.with_suffix(".pdf").stat().st_size > 1000
    assert run(
        "fig09_twins",
        comparisons=str(tmp_path / "comparisons.csv"),
        distances=str(tmp_path / "distances.csv"),
    ).is_file()
    assert run(
        "training", histories=[str(tmp_path / v / "history.csv") for v in tables["histories"]]
    ).is_file()
    assert run("fig02_views", views=str(tmp_path / "views.npz"), basis=str(tmp_path / "basis.fits")).is_file()


def test_step_names_the_missing_input(tmp_path, capsys):
    words = [
        "--name",
        "fig05_umap_geometry",
        "--out",
        str(tmp_path / "a.png"),
        "--pdf",
        str(tmp_path / "a.pdf"),
        "--umap",
        "u.parquet",
    ]
    with pytest.raises(SystemExit) as stop:
        figure_step.main(words)
    assert stop.value.code == 2 and "required: --galaxies" in capsys.readouterr().err
    with pytest.raises(CubespaceError, match=r"u\.parquet: no such file"):
        figure_step.main([*words, "--galaxies", "u.parquet"])
    with pytest.raises(CubespaceError, match="'fig5' is not known"):
        figure_step.main(["--name", "fig5"])
