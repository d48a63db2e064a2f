"""The scorecard study: its layout, planted versions and catalogues, the rule that combines trials, and the record."""

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import ROOT
from cubespace.config import check
from cubespace.errors import CubespaceError
from cubespace.figures import registry, style
from cubespace.shares import wilson
from cubespace.survey.population import environment_probabilities
from cubespace.trials import planted, study, versions
from cubespace.trials.combine import combine, overall, planted_claims, together
from cubespace.trials.record import record

TRUTH = pd.read_csv(ROOT / "resources/demo/truth.csv")


def write(path, **changes):
    content = {"galaxies": 30, "trials": [{"survey": 5, "seed": 1}, {"survey": 5, "seed": 2}, {"survey": 6, "seed": 1}], "base": "config/config.yaml"}
    path.write_text(yaml.safe_dump(content | changes))
    return path


# the layout -----------------------------------------------------------------------------------------------------------------


def test_the_shipped_study_is_what_the_record_promises():
    found = study.read_study(ROOT / "config/scorecard.yaml")
    assert found.galaxies >= 300 and len({trial.survey for trial in found.trials}) >= 2 and len({trial.seed for trial in found.trials}) >= 3
    assert found.planted.effects == (0.5, 1, 2) and found.planted.null_catalogues >= 500 and found.planted.catalogues >= 200
    assert "energy" in found.planted.tests
    base = yaml.safe_load((ROOT / found.base).read_text())
    for trial in found.trials:
        config = check(study.configuration(base, found.changes, trial.seed))
        assert config["seed"] == trial.seed


def test_later_trainings_share_the_maps_of_the_first(tmp_path):
    trials = study.read_study(write(tmp_path / "s.yaml")).trials
    assert [trial.shares for trial in trials] == [None, "survey5_seed1", None]
    assert [trial.name for trial in trials] == ["survey5_seed1", "survey5_seed2", "survey6_seed1"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"galaxies": 3}, "galaxies: found 3"),
        ({"trails": []}, "unknown key trails"),
        ({"trials": [{"survey": 5}]}, "missing key seed"),
        ({"trials": [{"survey": 5, "seed": 1}] * 2}, "survey5_seed1 is there twice"),
        ({"trials": []}, "no trials"),
        ({"planted": {"effect": [1]}}, "unknown key effect"),
    ],
)
def test_a_wrong_study_is_refused(tmp_path, change, words):
    with pytest.raises(CubespaceError, match=words):
        study.read_study(write(tmp_path / "s.yaml", **change))


def test_a_trial_is_the_base_on_tables_of_its_own():
    base = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    before = yaml.safe_dump(base)
    config = study.configuration(base, {"network": {"training": {"epochs": 1}}}, 9)
    assert "resources/demo" not in yaml.safe_dump(config) and config["mock"]["truth"] == "mock/truth.csv"
    assert config["populations"]["environment"]["voids"][0]["path"] == "mock/voids.txt"
    assert config["mock"]["ssp"] == base["mock"]["ssp"]
    assert config["network"]["training"] == base["network"]["training"] | {"epochs": 1}
    assert config["seed"] == 9 and config["sample"]["split"] == {"method": "sheet"}
    assert yaml.safe_dump(base) == before


def test_roles_belong_to_the_survey_and_pointings_stay_together():
    rows = study.sheet(TRUTH, 0.14, 4)
    assert rows.equals(study.sheet(TRUTH, 0.14, 4)) and not rows.equals(study.sheet(TRUTH, 0.14, 5))
    assert rows["role"].eq("validation").sum() == pytest.approx(0.14 * len(TRUTH), abs=3)
    assert rows.groupby(TRUTH["pointing"])["role"].nunique().max() == 1


# planted versions -----------------------------------------------------------------------------------------------------------


def test_a_version_differs_by_the_planted_effect_alone():
    one = TRUTH[(TRUTH["morphology_detail"] == "Sb") & TRUTH["log_ew_ha"].between(0.7, 1.2)].head(3).reset_index(drop=True)
    new = versions.shifted(one, -2.0)  # like a cluster galaxy: two times 0.22 dex of EW, 0.17 dex of age for an Sb
    np.testing.assert_allclose(new["log_ew_ha"] - one["log_ew_ha"], -0.44, atol=1e-3)
    np.testing.assert_allclose(new["log_ew_ha_cen"] - one["log_ew_ha_cen"], -0.44, atol=1e-3)
    np.testing.assert_allclose(new["log_age_lw"] - one["log_age_lw"], 0.34, atol=1e-3)
    np.testing.assert_allclose(new["log_sfr"] - one["log_sfr"], 0.94 * -0.44 - 0.55 * 0.34, atol=1e-3)
    np.testing.assert_allclose(new["g_r"] - one["g_r"], 0.35 * 0.34 + 0.07 * 0.44, atol=1e-3)
    moved = {"galaxy", "log_ew_ha", "log_ew_ha_cen", "log_age_lw", "log_sfr", "g_r"}
    rest = [name for name in one if name not in moved]
    pd.testing.assert_frame_equal(new[rest], one[rest])
    assert new["galaxy"].tolist() == [f"{name}-2" for name in one["galaxy"]]


def test_an_effect_beyond_the_limits_is_cut():
    one = TRUTH.head(1).assign(log_ew_ha=2.2, log_ew_ha_cen=1.0, log_age_lw=7.9, morphology_detail="Sc")
    new = versions.shifted(one, 2.0).iloc[0]
    assert (new["log_ew_ha"], new["log_age_lw"]) == (2.3, 7.8) and new["log_ew_ha_cen"] == pytest.approx(1.1)


def test_every_galaxy_has_both_signs_of_every_size():
    table = versions.versions(TRUTH, (0.5, 1))
    assert len(table) == 4 * len(TRUTH) and table["galaxy"].is_unique
    mine = table.loc[table["version_of"] == TRUTH["galaxy"][0], "galaxy"].tolist()
    assert mine == [f"{TRUTH['galaxy'][0]}{end}" for end in ("-0.5", "+0.5", "-1", "+1")]


def test_strata_of_all_types_and_of_none():
    kinds = ["E0", "E7", "S0a", "Sab", "Sb", "Sbc", "Scd", "Sdm", "I", "BCD"]
    assert versions.stratum_of(pd.DataFrame({"morphology_detail": kinds})).tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    with pytest.raises(CubespaceError, match="'cD'"):
        versions.stratum_of(pd.DataFrame({"morphology_detail": ["cD"]}))


# catalogues -----------------------------------------------------------------------------------------------------------------


def small_survey(size=1.5, n=150):
    """Vectors that hold mass, type and one more property; a version is moved along that one."""
    truth = TRUTH.head(n).reset_index(drop=True)
    rng = np.random.default_rng(3)
    own = np.column_stack([truth["log_mass"] - 10, versions.stratum_of(truth) - 3.0, rng.normal(size=n), np.full(n, 4.0)])
    step = np.array([0, 0, 1.0, 0])
    return planted.survey_of(truth, own, {sign * size: own + sign * size * step for sign in versions.SIGNS})


def test_labels_follow_the_probabilities_of_mass_and_type():
    survey = small_survey()
    expected = environment_probabilities(versions.stratum_of(TRUTH), TRUTH["log_mass"].to_numpy())
    np.testing.assert_allclose(survey.probabilities, expected)
    drawn = np.array([planted.draw_labels(survey.probabilities, np.random.default_rng(i)) for i in range(400)])
    for column, name in enumerate(planted.ENVIRONMENTS):
        share = (drawn == name).mean(axis=0)
        assert np.abs(share - expected[:, column]).max() < 5 * np.sqrt(0.25 / 400)
        assert (drawn == name).mean() == pytest.approx(expected[:, column].mean(), abs=0.01)


def test_hosts_are_drawn_among_galaxies_without_an_agn():
    survey = small_survey()
    drawn = np.array([planted.draw_hosts(survey.hosts, np.random.default_rng(i)) for i in range(300)])
    real = TRUTH["agn"].to_numpy() > 0
    assert real.sum() > 3 and (drawn[:, real] == None).all()  # noqa: E711
    share = (drawn == "AGN").mean(axis=0)[~real]
    assert np.abs(share - survey.hosts[~real]).max() < 5 * np.sqrt(0.25 / 300) and 0.03 < share.mean() < 0.12


def test_twins_rarely_differ_with_nothing_planted_and_nearly_always_with_much():
    settings = study.Planted(effects=(1.5,), null_catalogues=120, catalogues=20, n_permutations=99, tests=("ks_10th", "energy"))
    table = planted.rejections(small_survey(), settings)
    again = planted.rejections(small_survey(), settings, parts=3)
    pd.testing.assert_frame_equal(table, again)  # the same in however many parts
    assert set(table["test"]) == {"ks_10th", "ks_10th_naive", "energy"}
    assert set(table.loc[table["matched"], "comparison"]) == {"filament_wall-cluster", "void-filament_wall", "AGN-other"}
    energy = table[table["matched"] & (table["test"] == "energy")].set_index(["comparison", "effect"])
    for name in ("filament_wall-cluster", "void-filament_wall"):
        none, much = energy.loc[(name, 0.0)], energy.loc[(name, 1.5)]
        assert none["n_catalogues"] > 80 and none["rate"] < 0.13 and (none["rate_low"], none["rate_high"]) == wilson(none["n_rejected"], none["n_catalogues"])
        assert much["rate"] > none["rate"] + 0.4
    whole = table[~table["matched"] & (table["test"] == "energy")].set_index(["comparison", "effect"])
    assert whole.loc[("void-cluster", 0.0), "rate"] > 0.5  # populations differ in mass and type


# one scorecard of all -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["recovered"] * 4, "recovered"),
        (["not recovered"] * 4, "not recovered"),
        (["recovered"] * 3 + ["not recovered"], "undecided"),
        (["recovered"] * 3 + ["undecided"], "recovered"),
        (["recovered"] * 2 + ["undecided"] * 2, "undecided"),
        (["not recovered"] * 2 + ["undecided"], "not recovered"),
        (["undecided"], "undecided"),
    ],
)
def test_the_rule_for_all_trials(verdicts, expected):
    assert overall(verdicts) == expected


def test_texts_with_other_numbers_become_ranges():
    assert together(["0.9 with the true EW", "0.85 with the true EW"]) == "0.85 to 0.9 with the true EW"
    assert together(["lines in 12 of 40", "lines in 9 of 40"]) == "lines in 9 to 12 of 40"
    assert together(["a", None, "b", "a"]) == "a; b" and together([None, np.nan]) == ""


def trial(value, verdict, claim="seven"):
    row = {"claim": claim, "paper": "7", "truth": "", "recovered": value, "ci_low": 0, "ci_high": 9, "verdict": verdict, "criterion": "near 7", "note": None}
    return pd.DataFrame([row])


def test_value_and_interval_are_those_of_the_trials():
    row = combine({"a": trial(6, "recovered"), "b": trial(9, "recovered"), "c": trial(np.nan, "undecided")}).iloc[0]
    assert (row["recovered"], row["ci_low"], row["ci_high"], row["verdict"]) == (7.5, 6, 9, "recovered")
    assert (row["n_trials"], row["n_recovered"], row["n_not_recovered"], row["n_undecided"]) == (3, 2, 0, 1)
    assert row["note"] == "a: 6; b: 9; c: - (undecided)"
    with pytest.raises(CubespaceError, match="different claims"):
        combine({"a": trial(6, "recovered"), "b": trial(6, "recovered", "eight")})


def power_table(rates, n=500):
    rows = []
    for matched in (True, False):
        for test in ("energy", "ks_paper", "ks_paper_naive"):
            for effect, rate in zip((0.0, 0.5, 1.0, 2.0), rates, strict=True):
                rows.append(["void-filament_wall", "void", "filament_wall", matched, test, effect, n, round(rate * n), rate, *wilson(rate * n, n), 50.0, 50.0])
    return pd.DataFrame(rows, columns=list(planted.COLUMNS))


def test_verdicts_on_planted_effects():
    rows = planted_claims(power_table([0.05, 0.4, 0.81, 1.0]))
    assert rows["verdict"].tolist() == ["recovered", "not recovered", "undecided", "recovered", "recovered"]
    assert rows["recovered"].tolist() == pytest.approx([0.05, 0.4, 0.81, 1.0, 0.95]) and rows["claim"].is_unique
    assert planted_claims(power_table([0.08, 0.9, 0.9, 0.9]))["verdict"].tolist() == ["not recovered"] + ["recovered"] * 4
    assert planted_claims(power_table([0.02, 0.3, 0.2, 0.9]))["verdict"].iloc[-1] == "not recovered"  # it falls
    assert not len(planted_claims(power_table([0.05, 0.4, 0.81, 1.0]).iloc[:0]))


def test_the_record_shows_what_the_tables_hold(tmp_path):
    table = power_table([0.05, 0.4, 0.81, 1.0])
    card = pd.concat([combine({"a": trial(6, "recovered"), "b": trial(9, "recovered")}), planted_claims(table)], ignore_index=True)
    for name in card.columns[card.columns.str.startswith("n_")]:
        card[name] = card[name].astype("Int64")
    meta = {"cubespace_version": "1.2.3", "config_digest": "abc", "n_galaxies": "29"}
    text = record(card, table, study.read_study(write(tmp_path / "s.yaml")), "config/s.yaml", meta)
    assert "| seven | 7 |  | 7.5 (6 to 9) | **recovered** | 2 / 0 / 0 | near 7 |" in text
    assert "make scorecard STUDY=config/s.yaml" in text and "Version 1.2.3" in text and "The 29 galaxies" in text
    assert "| void-filament_wall | twins | energy (verdicts rest on it) | 0.050 (0.034 to 0.073) |" in text
    assert "4 claims recovered, 1 claims not recovered, 1 claims undecided" in text and "nan" not in text.lower()
    assert text.index("| twins |") < text.index("| populations |")


def test_the_power_figure_shows_every_test(tmp_path):
    table = power_table([0.05, 0.4, 0.81, 1.0])
    figure = registry.draw("planted", planted=table)
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in panels] == ["void vs. F&W: twins, 50 pairs", "void vs. F&W: 50 and 50 galaxies"]
    lines = [container.lines[0] for container in panels[0].containers]
    assert len(lines) == 3 and all(line.get_ydata().tolist() == [0.05, 0.4, 0.81, 1.0] for line in lines)
    assert any("p as in the paper" in text.get_text() for legend in figure.legends for text in legend.get_texts())
    style.save(figure, tmp_path / "p.png")
    empty = registry.draw("planted", planted=table.iloc[:0])
    assert "no comparison was made" in empty.axes[0].texts[0].get_text()


def test_the_page_of_verdicts_shows_shares_on_a_scale_and_counts_as_numbers():
    rows = [
        ["a share", "0.98", 0.9, 0.8, 0.95, "recovered", "share >= 0.85"],
        ["per cents", "92.8", 80.0, 75.0, 85.0, "not recovered", "per cent in common >= 82.8"],
        ["a count", "29", 1.0, 1.0, 1.0, "not recovered", "fewest components"],
        ["nothing", None, np.nan, np.nan, np.nan, "undecided", "share"],
    ]
    table = pd.DataFrame(rows, columns=["claim", "paper", "recovered", "ci_low", "ci_high", "verdict", "criterion"])
    figure = registry.draw("scorecard", scorecard=table)
    left, right = figure.axes
    marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in right.lines if len(line.get_xdata()) == 1]
    assert marks == [(0.9, 0), (0.8, 1)]
    words = [text.get_text() for text in left.texts]
    assert "0.9 [0.8, 0.95]" in words and "80 [75, 85]" in words and "1" in words and "-" in words
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["recovered (1)", "not recovered (2)", "undecided (1)"]
    with pytest.raises(CubespaceError, match="agrees"):
        registry.draw("scorecard", scorecard=table.assign(verdict="agrees"))
    with pytest.raises(CubespaceError, match="claim"):
        registry.draw("scorecard", scorecard=table.drop(columns="claim"))
