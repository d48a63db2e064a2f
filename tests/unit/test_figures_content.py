"""What each figure shows is what its tables say: counts, shares, colours and words worked out independently."""

import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.contour import ContourSet
from scipy.stats import gaussian_kde

from cubespace.columns import PROPERTIES
from cubespace.errors import CubespaceError
from cubespace.figures import basis as basis_figures
from cubespace.figures import clusters as cluster_figures
from cubespace.figures import comparisons as comparison_figures
from cubespace.figures import correlations as correlation_figures
from cubespace.figures import maps, registry, sample, style, training, umap, verdicts
from cubespace.morphology import BINS
from cubespace.spectra.basis import Basis
from figure_tables import N, drawn_points, make_basis, make_tables, texts


@pytest.fixture(scope="module")
def tables():
    return make_tables()


# figures, one by one --------------------------------------------------------------------------------------------------------


def test_sample_counts_every_galaxy_once(tables):
    figure = sample.draw(tables["galaxies"])
    bars = [patch for patch in figure.axes[1].patches if patch.get_height() > 0]
    by_type = {}
    for bar in bars:
        index = round(bar.get_x() + bar.get_width() / 2)
        by_type[index] = by_type.get(index, 0) + bar.get_height()
    assert by_type == {
        0: 14,
        1: 8,
        2: 10,
        3: 14,
        4: 12,
        5: 6,
        6: 3,
        8: 5,
    }  # by construction; 7 = BCD has none, 8 = unknown
    assert f"{N - 3} of {N}; others without a value (3)" in texts(figure)
    assert (
        sum(
            len(item.get_offsets())
            for item in figure.axes[0].collections
            if hasattr(item, "get_offsets") and "(" in str(item.get_label())
        )
        == N - 3
    )


def test_density_contours_enclose_the_stated_shares():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 400))
    table = pd.DataFrame({"galaxy": np.arange(400).astype(str), "role": "train", "morphology": "Sb", "log_mass": x, "g_r": y})
    (contours,) = [item for item in sample.draw(table).axes[0].collections if isinstance(item, ContourSet)]
    density = gaussian_kde([x, y])(np.vstack([axis.ravel() for axis in np.meshgrid(*[np.linspace(-5, 5, 201)] * 2)]))
    inside = [density[density >= level].sum() / density.sum() for level in np.sort(contours.levels)]
    np.testing.assert_allclose(inside, [0.9, 0.7, 0.5, 0.3, 0.1], atol=0.01)


def test_sample_without_colours_falls_back_to_emission(tables):
    figure = sample.draw(tables["galaxies"].drop(columns="g_r"))
    assert figure.axes[0].get_ylabel() == PROPERTIES["log_ew_ha"].label


def test_missing_values_are_grey_and_counted(tables):
    figure = umap.draw_emission(tables["galaxies"], tables["classes"], tables["umap"])
    panel = next(
        axes for axes in figure.axes if axes.get_title(loc="left") == PROPERTIES["log_nii_ha_cen"].label
    )
    points = drawn_points(panel)
    grey = {(x, y) for x, y, colour in points if colour == style.GREY}
    missing = tables["galaxies"]["log_nii_ha_cen"].isna().to_numpy()
    expected = tables["umap"].loc[missing, ["umap_1", "umap_2"]]
    assert len(points) == N and missing.sum() == 11
    np.testing.assert_allclose(sorted(grey), sorted(map(tuple, expected.to_numpy())))
    assert panel.get_title(loc="right") == "grey: no value (11)"


def test_classes_have_their_fixed_colours_and_counts(tables):
    figure = umap.draw_emission(tables["galaxies"], tables["classes"], tables["umap"])
    panel = next(axes for axes in figure.axes if axes.get_title(loc="left") == "ionisation class")
    found = pd.Series([colour for *_, colour in drawn_points(panel)]).value_counts().to_dict()
    counts = tables["classes"]["nuclear_class"].value_counts()
    assert found == {style.NUCLEAR[name]: count for name, count in counts.items()}
    words = texts(figure)
    assert "AGN (3)" in words and "LINER (0)" in words and "grey: undetermined (12)" in words


def test_roles_have_their_markers(tables):
    figure = umap.draw_geometry(tables["galaxies"], tables["umap"])
    sizes = [len(item.get_offsets()) for item in figure.axes[0].collections]
    roles = tables["umap"]["role"].value_counts()
    assert sizes == [roles["train"], roles["embed"], roles["validation"]]
    vertices = [len(item.get_paths()[0].vertices) for item in figure.axes[0].collections]
    assert vertices[2] == 11 and vertices[1] == 5 and vertices[0] > 20  # star, diamond, circle
    assert f"validation ({roles['validation']})" in texts(figure)


def test_unknown_role_is_refused(tables):
    with pytest.raises(CubespaceError, match="role test; allowed: train, validation, embed"):
        umap.draw_geometry(tables["galaxies"], tables["umap"].assign(role="test"))


def test_environment_shares_are_those_of_each_environment(tables):
    figure = umap.draw_environment(tables["galaxies"], tables["classes"], tables["umap"])
    below = figure.axes[3]  # make-up of clusters
    heights = [patch.get_height() for patch in below.patches]
    types = tables["galaxies"].loc[
        (tables["classes"]["environment"] == "cluster") & tables["galaxies"]["morphology"].notna(),
        "morphology",
    ]
    np.testing.assert_allclose(heights, [100 * (types == kind).mean() for kind in BINS])
    words = texts(figure)
    assert "no void galaxy" in words
    elsewhere = tables["classes"]["environment"].isna() | (tables["classes"]["environment"] == "unclassified")
    untyped = tables["galaxies"]["morphology"].isna() & ~elsewhere
    assert f"of these {elsewhere.sum()} of unclassified environment" in words and f"{untyped.sum()} without type" in words


def test_clusters_are_ordered_from_least_to_most_emission():
    labels = np.array([0, 0, 1, 1, 2, 2, np.nan])
    emission = np.array([2.0, 2.0, 0.0, np.nan, 1.0, 1.0, -5.0])
    stage = np.zeros(7)
    assert cluster_figures.by_emission(labels, emission, stage) == [1, 2, 0]
    unknown = np.full(7, np.nan)
    assert cluster_figures.by_emission(labels, unknown, np.array([5, 5, 1, 1, 3, 3, 0.0])) == [1, 2, 0]


def test_cluster_shares_of_a_type_add_up(tables):
    figure = cluster_figures.draw(tables["galaxies"], tables["umap"], tables["clusters"])
    panels = [axes for axes in figure.axes if axes.get_xlabel().startswith("morphological type")]
    assert len(panels) == 3
    for k, axes in zip((2, 3, 4), panels, strict=True):
        total = np.zeros(len(BINS))
        for bar in axes.patches:
            total[round(bar.get_x() + bar.get_width() / 2)] += bar.get_height()
        np.testing.assert_allclose(total, [100, 100, 100, 100, 100, 100, 100, 0])  # BCD has no galaxy
        shown = {to_hex(bar.get_facecolor()) for bar in axes.patches}
        assert shown == set(style.CLUSTERS[k])
    # of two clusters the first holds E..Sa (least emission): red; by hand, all of its 14 E
    first = [bar for bar in panels[0].patches if round(bar.get_x() + bar.get_width() / 2) == 0]
    assert {to_hex(bar.get_facecolor()): bar.get_height() for bar in first}[style.CLUSTERS[2][0]] == 100


def test_cluster_panels_say_whom_they_do_not_show(tables):
    galaxies = tables["galaxies"].copy()
    galaxies.loc[:4, "log_sfr"] = np.nan
    galaxies.loc[5, "log_sfr"] = 40.0  # beyond the limits of the panel
    figure = cluster_figures.draw(galaxies, tables["umap"], tables["clusters"])
    panel = next(axes for axes in figure.axes if axes.get_xlabel() == PROPERTIES["log_mass"].label)
    x, y = (galaxies[name].to_numpy(float) for name in ("log_mass", "log_sfr"))
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    inside = (x >= left) & (x <= right) & (y >= low) & (y <= high)
    known = np.isfinite(x) & np.isfinite(y)
    words = panel.get_title(loc="right")
    assert words == f"{inside.sum()} of {N}; no value ({(~known).sum()}); outside ({(known & ~inside).sum()})"
    assert inside.sum() < known.sum() < N


def test_notes_say_of_how_many_galaxies(tables):
    comparisons = tables["comparisons"].assign(n_embedded=150)
    for figure in (comparison_figures.draw_neighbours(comparisons, tables["distances"]),
                   correlation_figures.draw(tables["correlations"].assign(n_embedded=150)),
                   correlation_figures.draw_order(tables["strengths"].assign(n_embedded=150)),
                   correlation_figures.draw_probes(tables["probes"].assign(n_embedded=150))):  # fmt: skip
        assert "of 150 in the representation" in texts(figure)


def test_clusters_show_what_the_table_has(tables):
    only = pd.DataFrame({"galaxy": ["A"], "kmeans_7": [1], "kmeans_6": [0], "gmm_2": [1]})
    assert cluster_figures.shown_numbers(only) == [6, 7]
    assert cluster_figures.shown_numbers(tables["clusters"]) == [2, 3, 4]
    assert len(set(style.cluster_colours(7))) == 7
    with pytest.raises(CubespaceError, match="no column 'kmeans_2' or alike; found galaxy"):
        cluster_figures.shown_numbers(only[["galaxy"]])


def test_untested_comparison_says_why(tables):
    words = texts(comparison_figures.draw_neighbours(tables["comparisons"], tables["distances"]))
    assert "not tested:\n3 AGN, 30 SF" in words
    assert "KS = 0.25, $p$ = 3$\\times$10$^{-7}$ (uncalibrated)" in words
    assert "$p_\\mathrm{perm}$ = 0.012, $q$ = 0.03" in words
    silent = tables["comparisons"].assign(note=None)
    assert "3 AGN, 30 SF" in texts(comparison_figures.draw_twins(silent, tables["distances"]))
    gone = silent[silent["a"] != "AGN"]
    assert "no such comparison in the table" in texts(
        comparison_figures.draw_twins(gone, tables["distances"])
    )


def test_figures_are_of_all_galaxies_not_of_those_of_one_role(tables):
    both = {
        name: pd.concat([tables[name].assign(among="train", **change), tables[name].assign(among=None)], ignore_index=True)
        for name, change in (("comparisons", {"p_value": 0.5, "n_a": 7}), ("distances", {"tenth_distance": 9.0}), ("power", {"power": 0.0}))
    }
    for draw in (comparison_figures.draw_neighbours, comparison_figures.draw_twins):
        one, two = (draw(given["comparisons"], given["distances"]) for given in (both, tables))
        assert texts(one) == texts(two) and [axes.get_xlim() for axes in one.axes] == [axes.get_xlim() for axes in two.axes]
    one, two = (comparison_figures.draw_power(given["power"], given["comparisons"]) for given in (both, tables))
    assert texts(one) == texts(two)
    for first, second in zip(one.axes[0].lines, two.axes[0].lines, strict=True):
        np.testing.assert_array_equal(first.get_ydata(), second.get_ydata())


def test_histograms_are_densities_of_all_galaxies(tables):
    figure = comparison_figures.draw_twins(tables["comparisons"], tables["distances"])
    axes = figure.axes[1]  # F&W and cluster
    outlines = [patch for patch in axes.patches if patch.get_label() in ("F&W (20 of 20)", "cluster (30 of 30)")]
    assert len(outlines) == 2
    for patch in outlines:
        density, edges, _ = patch.get_data()
        assert np.sum(density * np.diff(edges)) == pytest.approx(1)
        assert axes.get_ylim()[1] > 1.3 * density.max()  # the legend has its own room
    rows = tables["distances"].query(
        "comparison == 'filament_wall-cluster' and matched and population == 'cluster'"
    )
    medians = {float(line.get_xdata()[0]): to_hex(line.get_color()) for line in axes.lines}
    assert medians[float(rows["tenth_distance"].median())] == style.ENVIRONMENT["cluster"]


def test_csv_truth_values_and_either_order_of_a_pair_are_understood(tables):
    swapped = tables["comparisons"].rename(columns={"a": "b", "b": "a", "n_a": "n_b", "n_b": "n_a"})
    swapped["matched"] = swapped["matched"].astype(str)
    assert "KS = 0.25" in texts(
        comparison_figures.draw_twins(
            swapped, tables["distances"].assign(matched=tables["distances"]["matched"].astype(str))
        )
    )


def test_love_plot_shows_absolute_differences(tables):
    figure = comparison_figures.draw_balance(tables["balance"])
    before, after = (
        np.asarray(item.get_offsets())
        for item in figure.axes[1].collections
        if isinstance(item, matplotlib.collections.PathCollection)
    )
    np.testing.assert_allclose(
        before[:, 0], [0.8, 0.3, np.nan]
    )  # an infinite difference has no place on the axis
    np.testing.assert_allclose(after[:, 0], [0.04, 0.0, 0.15])
    assert "not tested: 3 pairs" in texts(figure)


def test_power_curves_are_those_of_the_table(tables):
    figure = comparison_figures.draw_power(tables["power"], tables["comparisons"])
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert titles == ["F&W vs. cluster (20 twins)", "void vs. F&W (20 twins)"]
    curves = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 4]
    assert len(curves) == len(style.TEST)
    np.testing.assert_allclose(curves[0].get_ydata(), [0.05, 0.275, 0.5, 0.95])
    assert sum(
        line.get_marker() == "^" and list(line.get_xdata()) == [0.8] for line in figure.axes[0].lines
    ) == len(style.TEST)


def test_placebo_pairs_are_in_no_love_plot(tables):
    placebo = tables["balance"].assign(comparison="SF-SF")
    assert "no populations were matched" in texts(comparison_figures.draw_balance(placebo))


def test_power_in_maps_has_zero_apart_and_says_what_was_not_tried(tables):
    figure = registry.draw("map_power", map_power=tables["map_power"])
    outskirts, nuclei = figure.axes[:2]
    line = outskirts.lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0.05, 0.15, 0.35, 0.85])
    x = line.get_xdata()
    assert x[0] < 0.05 and (np.diff(x) > 0).all() and np.allclose(x[1:], [0.05, 0.15, 0.4], rtol=0.05)
    assert [label.get_text() for label in outskirts.get_xticklabels()] == ["0", "0.05", "0.15", "0.4"]
    assert "20 placebo pairs of F&W" in outskirts.get_title(loc="left")
    assert "not tried:\n3 pairs" in "\n".join(item.get_text() for item in nuclei.texts)


def test_order_of_strengths_is_that_of_the_table(tables):
    figure = registry.draw("order", strengths=tables["strengths"])
    ranks = np.asarray(figure.axes[1].collections[1].get_offsets())
    np.testing.assert_allclose(ranks, [[1, 0], [2, 1], [3, 2], [4, 3]])
    assert figure.axes[0].get_yticklabels()[1].get_text().endswith("(67)")


def test_umap_figures_say_how_many_galaxies_have_no_place(tables):
    words = texts(registry.draw("fig05_umap_geometry", galaxies=tables["galaxies"], umap=tables["umap"].iloc[:-2]))
    assert f"{N - 2} of {N} galaxies; 2 rejected" in words


def test_correlations_strongest_first_with_marks(tables):
    figure = correlation_figures.draw(tables["correlations"], tables["variance"])
    left, right = figure.axes[:2]
    labels = [item.get_text() for item in left.get_yticklabels()]
    assert labels[:3] == style.bare(["log_ew_ha", "morphology", "log_mass"])
    assert labels[3:] == [PROPERTIES["re_arcsec"].label, PROPERTIES["re_kpc"].label]
    cells = [item.get_text() for item in left.texts]
    assert cells[0] == "\u22120.90*" and cells[1] == "0.45*" and cells[16:20] == ["\u2013"] * 4
    q = tables["correlations"].query("component <= 4")["q_bh"]
    assert sum("*" in cell for cell in cells) == (q < 0.05).sum()
    assert not any("*" in item.get_text() for item in right.texts)  # no q of theirs in the table
    sure = tables["correlations"].assign(q_partial=np.where(tables["correlations"]["component"] == 2, 0.04, 0.2))
    stars = [item.get_text().endswith("*") for item in correlation_figures.draw(sure).axes[1].texts]
    assert sum(stars) == np.isfinite(sure.query("component == 2")["partial_r"]).sum() > 0
    assert [item.get_text() for item in left.get_xticklabels()] == [
        "PC 1\n50 %",
        "PC 2\n20 %",
        "PC 3\n10 %",
        "PC 4",
    ]
    assert (
        len(correlation_figures.draw(tables["correlations"].drop(columns="partial_r")).axes) == 2
    )  # one panel and its scale


def test_probe_diamonds_are_neighbours(tables):
    values = {f"{name}_knn": np.linspace(0.6, 0.1, len(tables["probes"])) + shift
              for name, shift in (("network", 0.0), ("untrained", 0.1), ("pooled_pca", 0.2))}  # fmt: skip
    figure = correlation_figures.draw_probes(tables["probes"].assign(**values))
    drawn = np.concatenate([np.asarray(c.get_offsets()) for c in figure.axes[0].collections if isinstance(c, PathCollection)])
    shown = tables["probes"]["network"].notna() | tables["probes"]["untrained"].notna() | tables["probes"]["pooled_pca"].notna()
    expected = np.sort(np.concatenate([np.clip(v[shown.to_numpy()], -0.12, None) for v in values.values()]))
    np.testing.assert_allclose(np.sort(drawn[:, 0]), expected)
    assert "nearest neighbours" in texts(figure)


def test_probe_bars(tables):
    figure = correlation_figures.draw_probes(tables["probes"])
    widths = [round(bar.get_width(), 3) for bar in figure.axes[0].patches]
    assert widths[:4] == [0.95, 0.8, 0.7, -0.12]  # sorted by the network; the worst is cut
    words = texts(figure)
    assert "\u22120.40" in words and "no value" in words and "(67)" in words and "re_kpc" not in words
    with pytest.raises(CubespaceError, match=r"R2 of 1\.2, expected at most 1"):
        correlation_figures.draw_probes(tables["probes"].assign(network=1.2))


def test_training_shows_chance_and_the_kept_epoch(tables):
    figure = training.draw(tables["histories"])
    top = figure.axes[0]
    levels = {round(float(line.get_ydata()[0]), 4) for line in top.lines if line.get_linestyle() == "--"}
    assert levels == {round(np.log(1543), 4), round(np.log(251), 4)}
    assert top.get_title(loc="right") == "lowest validation loss: epoch 9"
    assert figure.axes[1].get_title(loc="right") == "lowest validation loss: epoch 7"
    assert "variant: no luminosity" in texts(figure)
    without = {
        "full": tables["histories"]["full"]
        .drop(columns=["effective_rank", "validation_loss"])
        .assign(validation_loss=np.nan)
    }
    lone = training.draw(without)
    assert "not recorded" in texts(lone)
    assert (
        len(lone.axes[0].get_xticks()) > 2
    )  # a panel without data takes no ticks from those that share its axis


def test_a_galaxy_rejected_twice_counts_once():
    table = pd.DataFrame(
        {"galaxy": ["A", "A", "B", "C", "D"], "stage": ["moments", "maps", "maps", "moments", "maps"],
         "verdict": ["rejected", "rejected", "accepted", "rejected", "accepted"], "reason": ["truncated", "empty", None, "truncated", None]}
    )  # fmt: skip
    assert verdicts.reasons(table) == [("accepted", ["B", "D"]), ("moments: truncated", ["A", "C"])]
    with pytest.raises(CubespaceError, match="verdict maybe; allowed: accepted, rejected"):
        verdicts.reasons(table.assign(verdict="maybe"))


def test_verdict_bars_name_galaxies(tables):
    words = texts(verdicts.draw(tables["verdicts"]))
    assert "2  GAL004, GAL008" in words and "maps: low signal" in words and "69" in words
    assert "no galaxy was rejected" in texts(verdicts.draw(tables["verdicts"].query("verdict == 'accepted'")))


def test_components_of_both_figures_are_all_there(tables):
    first = texts(basis_figures.draw_components(tables["basis"], 1, 14))
    second = texts(basis_figures.draw_components(tables["basis"], 15, 29))
    assert sorted(map(int, re.findall(r"PC (\d+) ", first))) == list(range(1, 15))
    assert sorted(map(int, re.findall(r"PC (\d+) ", second))) == list(range(15, 30))
    assert "mean spectrum" in second and "mean spectrum" not in first
    assert "PC 1  (50 %)" in first  # eigenvalues 1, 1/2, 1/4, ...
    assert "the basis has 5 components: none from 15 on" in texts(
        basis_figures.draw_components(make_basis(5), 15, 29)
    )


def test_reconstruction_curves_are_those_of_the_basis(tables):
    figure = basis_figures.draw_reconstruction(tables["basis"])
    curve = tables["basis"].reconstruction
    lines = {line.get_label(): line for line in figure.axes[2].lines}
    np.testing.assert_allclose(lines["relative $L_2$"].get_ydata(), 100 * curve["relative_l2_share"])
    np.testing.assert_allclose(figure.axes[0].lines[1].get_ydata()[:3], [50, 25, 12.5], rtol=1e-6)
    assert "in use: 29" in texts(figure)


def test_colour_image_by_hand():
    wavelength = np.arange(3739, 6804, 2.0)
    red = np.where(wavelength > 6000, 1.0, 0.0)
    basis = Basis(wavelength, np.ones_like(wavelength), (red / np.linalg.norm(red))[None], np.ones(1))
    values = np.zeros((2, 2, 2))
    values[0] = [[2, 2], [1, 2]]
    values[1, 0, 1] = np.linalg.norm(red)  # twice the flux in the red band
    good = np.array([[True, True], [True, False]])
    image = maps.colour_image(values, good, basis)
    np.testing.assert_allclose(image[0, 0], image[0, 0, 0])  # the mean spectrum is grey
    np.testing.assert_allclose(image[0, 1] / image[0, 1, 0], [1, 0.5, 0.5])
    assert image[1, 0, 0] < image[0, 0, 0]  # ten times fainter
    np.testing.assert_allclose(image[1, 1], to_rgb(maps.NO_DATA))
    assert image.min() >= 0 and image.max() <= 1
    with pytest.raises(CubespaceError, match="2 coefficients, the basis 1 components"):
        maps.colour_image(np.zeros((3, 2, 2)), good, basis)


def test_maps_hide_what_is_masked(tables):
    views = {**tables["views"], "original": tables["views"]["original"].copy()}
    views["original"][:, :, ~views["good_original"][0]] = 1e6  # sky
    figure = maps.draw_maps(views)
    image = figure.axes[0].images[0]
    assert np.nanmax(image.get_array().filled(np.nan)) < 10
    assert image.get_extent()[1] == image.get_array().shape[1] * 2.0 / 2  # 2 arcsec pixels
    assert len([axes for axes in figure.axes if axes.images]) == 15


def test_incomplete_views_are_refused(tables, tmp_path):
    with pytest.raises(CubespaceError, match="views: no array pixel_scale; found names"):
        maps.draw_maps({key: value for key, value in tables["views"].items() if key != "pixel_scale"})
    with pytest.raises(CubespaceError, match="views: transformed has 2 galaxies, names 3"):
        maps.draw_views(
            {**tables["views"], "transformed": tables["views"]["transformed"][:2]}, tables["basis"]
        )
    (tmp_path / "views.npz").write_bytes(b"not an archive")
    with pytest.raises(CubespaceError, match=r"views\.npz: cannot be read"):
        maps.read_views(tmp_path / "views.npz")
