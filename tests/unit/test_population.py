"""The mock population: counts, limits, correlations of the real table, environment, AGN, pairs, shipped files."""

import filecmp
import itertools

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from cubespace.cosmology import kpc_per_arcsec
from cubespace.errors import CubespaceError
from cubespace.morphology import BINS, bin_of
from cubespace.populations.emission import classify
from cubespace.survey import catalogues, population, sky
from cubespace.survey.profiles import sersic_within
from cubespace.tables import read_table

DEMO = ROOT / "resources" / "demo"
DEMO_OPTIONS = ("--n", "150", "--seed", "7", "--ssp", str(ROOT / "resources/ssp_basis.npz"))


@pytest.fixture(scope="module")
def survey():
    return population.draw(150, 7)


@pytest.fixture(scope="module")
def large():
    return population.draw(2000, 1)


def test_columns_and_nothing_missing(survey):
    assert list(survey.columns) == list(population.COLUMNS)
    assert not survey.isna().any(axis=None)
    assert survey["galaxy"].is_unique
    assert survey["seed"].is_unique
    assert set(survey["environment"]) == {"cluster", "filament_wall", "void", "unclassified"}
    assert survey["galaxy"].is_monotonic_increasing


def test_same_seed_same_survey_other_seed_other_survey(survey):
    pd.testing.assert_frame_equal(survey, population.draw(150, 7))
    assert (survey["log_mass"] != population.draw(150, 8)["log_mass"]).mean() > 0.9


@pytest.mark.parametrize("n", [100, 101, 150, 333, 895])
def test_counts_per_stratum(n):
    counts = population.stratum_counts(n)
    assert counts.sum() == n
    assert counts.min() >= 4
    if n == 895:  # 887 real galaxies with a type: within one of the scaled counts
        assert np.abs(counts - np.array(population.COUNTS) * 895 / 887).max() < 1.0


def test_counts_by_hand():
    # 150: I (3.21) and BCD (1.69) are raised to 4; 142 are shared by 858: 27.14 17.87 20.85 22.34 17.05 25.49
    # 11.25
    # floors 27 17 20 22 17 25 11 = 139; three more to the largest remainders .87 .85 .49
    assert population.stratum_counts(150).tolist() == [27, 18, 21, 22, 17, 26, 11, 4, 4]
    assert population.stratum_counts(1).tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert population.stratum_counts(20).min() == 1
    with pytest.raises(CubespaceError, match="n = 0"):
        population.draw(0, 1)


def test_every_bin_has_four_galaxies(survey):
    counts = survey["morphology"].value_counts()
    assert set(counts.index) == set(BINS)
    assert counts.min() >= 4
    assert (survey["morphology"] == survey["morphology_detail"].map(bin_of)).all()


@pytest.mark.parametrize("seed", [1, 7, 99])
@pytest.mark.parametrize("planted", [0.0, 2.0])
def test_everything_is_physical(seed, planted):
    frame = population.draw(120, seed, planted)
    for name, (low, high) in population.LIMITS.items():
        if name in frame:
            assert frame[name].between(low - 1e-4, high + 1e-4).all(), name
    assert frame["redshift"].between(0.003 - 1e-6, 0.08 + 1e-6).all()
    assert frame["log_mass"].between(7.5, 11.8).all()
    assert frame["axis_ratio"].between(0.1, 1.0).all()
    np.testing.assert_allclose(
        frame["re_arcsec"] * kpc_per_arcsec(frame["redshift"].to_numpy()), frame["re_kpc"], rtol=1e-3
    )
    # the centre cannot emit more H-alpha than the galaxy
    share = sersic_within(1.5 / frame["re_arcsec"], 1.0 + 3.0 * frame["bulge_fraction"])
    alone = ~frame["pointing"].duplicated(
        keep=False
    )  # a pair's second galaxy was moved to its partner's redshift
    assert (np.log10(share) + frame["log_ew_ha_cen"] < frame["log_ew_ha"])[alone].all()
    ellipticals = frame["morphology"] == "E"
    expected = np.clip(np.round(10 * (1 - frame["axis_ratio"][ellipticals])), 0, 7).astype(int)
    same = "E" + expected.astype(str) == frame["morphology_detail"][ellipticals]
    assert same.mean() > 0.95  # rounding of the axis ratio to four digits may move one across a half


def test_central_light_of_an_exponential_disc():
    # n = 1: b = 1.67835, share = 1 - exp(-b x)(1 + b x) with x = r / Re
    bx = 1.6783469900166605 * 0.3
    assert float(sersic_within(1.5 / 5.0, 1.0)) == pytest.approx(
        1.0 - np.exp(-bx) * (1.0 + bx), rel=1e-12
    )
    assert float(sersic_within(1.0, 4.0)) == pytest.approx(0.5, rel=1e-9)


def test_agn_is_what_the_emission_lines_say(large):
    assert ((classify(large)["nuclear_class"] == "AGN") == (large["agn"] == 1)).all()
    # number: sum of fraction x counts, by systematic sampling to within one of the expectation
    expected = (population.AGN_FRACTION * population.stratum_counts(2000)).sum()
    assert abs(large["agn"].sum() - expected) < 3
    assert large.loc[large["agn"] == 1, "log_mass"].median() > large["log_mass"].median()


def test_environment_acts_through_mass_and_type_as_stated(large):
    """Expected numbers from the logit, worked out here without the module's function."""
    index = {"E": 0, "S0": 1, "Sa": 2, "Sc": 5, "Sd": 6, "I": 7, "BCD": 8}
    t = np.array(
        [
            4 if d == "Sbc" else 3 if d == "Sb" else index[b]
            for d, b in zip(large["morphology_detail"], large["morphology"], strict=True)
        ]
    )
    m = large["log_mass"].to_numpy()
    odds = np.stack([
        np.ones(len(m)), np.exp(-2.29 - 0.42 * (t - 3) + 0.35 * (m - 10.3)), np.exp(-1.39 + 0.16 * (t - 3) - 0.55 * (m - 10.3)),
        np.full(len(m), np.exp(-2.0)),
    ])  # fmt: skip
    p = odds / odds.sum(axis=0)
    for name, row in zip(("filament_wall", "cluster", "void", "unclassified"), p, strict=True):
        found = (large["environment"] == name).to_numpy()
        assert abs(found.sum() - row.sum()) < 15, name
        for early in (True, False):  # in both halves of the type sequence
            half = (t <= 3) == early
            assert abs(found[half].sum() - row[half].sum()) < 15, (name, early)
    early_type = large["morphology"].isin(["E", "S0"])
    assert (
        early_type[large["environment"] == "cluster"].mean()
        > 0.5
        > 0.2
        > early_type[large["environment"] == "void"].mean()
    )


def test_a_planted_effect_shifts_what_it_says_and_nothing_else():
    """Differences between the two surveys, galaxy by galaxy, in units of the type's scatter: the draws are shared."""
    base, planted = population.draw(600, 5), population.draw(600, 5, 1.5)
    assert (base["galaxy"] == planted["galaxy"]).all()
    for name in ("environment", "log_mass", "morphology", "agn"):
        assert (base[name] == planted[name]).all()
    stratum = [
        population.STRATA.index("Sbc" if d == "Sbc" else b)
        for d, b in zip(base["morphology_detail"], base["morphology"], strict=True)
    ]
    for name, sign in (("log_ew_ha", 1.0), ("log_age_lw", -1.0)):
        shift = (planted[name] - base[name]) / population.WIDTH[population.VARIABLES.index(name), stratum]
        assert shift[base["environment"] == "void"].median() == pytest.approx(1.5 * sign, abs=0.02)
        assert shift[base["environment"] == "cluster"].median() == pytest.approx(-1.5 * sign, abs=0.02)
        assert (shift[base["environment"].isin(["filament_wall", "unclassified"])] == 0).all()
    void = base["environment"] == "void"
    assert (planted["log_sigma_mass"] - base["log_sigma_mass"])[void].median() == 0.0
    # physics follows: more H-alpha, more star formation; younger, bluer
    assert (planted["log_sfr"] - base["log_sfr"])[void].median() > 0.2
    assert (planted["g_r"] - base["g_r"])[void].median() < -0.03
    assert (planted["planted_environment_effect"] == 1.5).all() and (base["planted_environment_effect"] == 0).all()


def within_type(frame, name):
    """Deviations from the regression on mass within each type, in units of the type's scatter."""
    kind = frame["morphology_detail"].where(frame["morphology_detail"] == "Sbc", frame["morphology"])
    out = pd.Series(np.nan, index=frame.index)
    for stratum, members in frame.groupby(kind):
        if len(members) > 30:
            fit = np.polyfit(members["log_mass"], members[name], 1)
            width = population.WIDTH[population.VARIABLES.index(name), population.STRATA.index(stratum)]
            out[members.index] = (members[name] - np.polyval(fit, members["log_mass"])) / width
    return out


@pytest.mark.parametrize("size", [0.0, 1.0])
def test_planted_effects_are_recovered_from_the_rows_alone(size):
    """Mean difference within type and mass, in units of the within-type scatter: what was planted, 0 when it is 0.

    Standard error of a mean over n galaxies: 1 / sqrt(n). Limits and selection (a centre cannot outshine its galaxy in H-alpha)
    take up to a quarter of the effect away.
    """
    base = population.draw(2400, 21)
    frame = population.draw(2400, 21, planted_environment_effect=size, planted_agn_effect=size)

    def difference(rows, name, chosen):
        deviation = within_type(rows, name)
        other = (rows["environment"] == "filament_wall") & (rows["agn"] == 0)
        return deviation[chosen].mean() - deviation[other].mean()

    plain, hosts = frame["agn"] == 0, frame["agn"] == 1
    for name, sign in (("log_ew_ha", 1.0), ("log_age_lw", -1.0)):
        for environment, expected in (("void", size), ("cluster", -size)):
            chosen = (frame["environment"] == environment) & plain
            found = difference(frame, name, chosen)
            assert found == pytest.approx(sign * expected, abs=0.25 * size + 2.5 / np.sqrt(chosen.sum())), (name, environment)
        chosen = hosts & frame["environment"].isin(["filament_wall", "unclassified"])
        # hosts are not like others even with nothing planted: their nucleus is part of them
        found = difference(frame, name, chosen) - difference(base, name, chosen)
        assert found == pytest.approx(sign * size, abs=0.25 * size + 1e-9), name


def test_a_planted_agn_effect_touches_hosts_of_agn_only():
    base, planted = population.draw(400, 5), population.draw(400, 5, planted_agn_effect=1.0)
    hosts = base["agn"] == 1
    pd.testing.assert_frame_equal(
        base[~hosts].drop(columns="planted_agn_effect"), planted[~hosts].drop(columns="planted_agn_effect")
    )
    assert (planted["agn"] == base["agn"]).all()
    assert (planted["log_age_lw"] < base["log_age_lw"])[hosts].mean() > 0.9
    for name in ("log_nii_ha_cen", "log_oiii_hb_cen"):  # the nucleus is the same but where a host forced another draw
        assert (planted[name] == base[name])[hosts].mean() > 0.5


def test_positions_and_pairs(survey):
    points = sky.unit_vectors(survey["ra"], survey["dec"])
    apart = np.degrees(np.arccos(np.clip(points @ points.T, -1.0, 1.0))) * 3600.0
    np.fill_diagonal(apart, np.inf)
    mates = survey["pointing"].to_numpy()[:, None] == survey["pointing"].to_numpy()
    np.fill_diagonal(mates, False)
    assert mates.sum() == 6
    assert apart[~mates].min() > 5 * 60
    assert apart[mates].min() > 20 and apart[mates].max() < 30
    shared = survey[survey["pointing"].duplicated(keep=False)]
    assert sorted(shared["galaxy"].str[-2:]) == ["_0"] * 3 + ["_1"] * 3
    assert (shared["galaxy"].str[:-2] == shared["pointing"]).all()
    assert (shared.groupby("pointing")["redshift"].nunique() == 1).all()
    assert (survey["pointing"] == survey["galaxy"])[~survey["pointing"].duplicated(keep=False)].all()


def test_the_footprint_crosses_the_meridian_and_holds_the_classified(survey):
    inside = sky.in_footprint(survey["ra"].to_numpy(), survey["dec"].to_numpy())
    assert (inside == (survey["environment"] != "unclassified")).all()
    assert sky.in_footprint(np.array([0.0, 359.9, 44.9, 45.1, 314.9, 250.1]), np.zeros(6)).tolist() == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_property_table_has_the_conventions_of_the_real_one(survey):
    table = catalogues.properties(survey, 7)
    plain = [c for c in ("z", "RA", "DEC", "g-r", "Re") if c in table]
    for column, name in zip(plain, ("redshift", "ra", "dec", "g_r", "re_arcsec"), strict=True):
        np.testing.assert_allclose(table[column], survey[name], atol=1e-4)
    np.testing.assert_allclose(np.sqrt(1 - table["ellip"] ** 2), survey["axis_ratio"], atol=1e-4)
    np.testing.assert_allclose(table["PA"] % 180.0, survey["position_angle"] % 180.0, atol=1e-9)
    np.testing.assert_allclose(table["Re_kpc"], survey["re_kpc"], rtol=2e-3)
    assert (table["EW_Ha_ALL"] <= 0).all() and (table["EW_Ha_cen"] <= 0).all()
    assert not any(column.endswith("_realised") for column in table)


def test_errors_of_measurement_are_the_stated_ones(large):
    """(measured - true) / stated error has unit width, column by column."""
    table = catalogues.properties(large, 3)
    true = {
        "log_Mass": large["log_mass"],
        "log_SFR_Ha": large["log_sfr"],
        "Age_LW_Re_fit": large["log_age_lw"],
        "Sigma_Mass_Re": large["log_sigma_mass"],
        "log_NII_Ha_Re": large["log_nii_ha"],
        "EW_Ha_ALL": -(10 ** large["log_ew_ha"]),
        "EW_Ha_cen": -(10 ** large["log_ew_ha_cen"]),
        "met_LW_int": 0.017 * 10 ** large["metallicity_lw"],
    }
    for name, values in true.items():
        sound = table[name].notna() & (table[name] != 0) & (table[name] > -998) & (table["type"] != "U")
        if name == "EW_Ha_cen":
            sound &= large["log_ew_ha_cen"] > 0  # below, values that would be negative are cut off
        pull = ((table[name] - values) / table[f"e_{name}"])[sound]
        assert np.subtract(*pull.quantile([0.84, 0.16])) / 2 == pytest.approx(1.0, abs=0.07), name
        assert abs(pull.median()) < 0.08, name


def test_faint_central_lines_are_measured_worse(large, shared_data):
    """Median stated errors and shares of nuclei without a ratio, by EW(Ha), against the real table: within a factor of
    two, and a factor of three."""
    raw = read_table(shared_data / "ecalifa" / "ecalifa_global.csv")
    mock = catalogues.properties(large, 3)
    edges = (0.5, 2.0, 10.0, 60.0)
    for ratio in ("log_NII_Ha_cen", "log_OIII_Hb_cen"):
        errors = []
        for low, high in itertools.pairwise(edges):
            here, there = ((t[(-t["EW_Ha_cen"] > low) & (-t["EW_Ha_cen"] < high)])[f"e_{ratio}"].median() for t in (mock, raw))
            assert 0.5 < here / there < 2.0, (ratio, low, here, there)
            errors.append(here)
        assert errors == sorted(errors, reverse=True)
        assert 1 / 3 < mock[ratio].isna().mean() / raw[ratio].isna().mean() < 3, ratio


def test_realised_values_take_the_place_of_the_drawn_ones(survey):
    realised = pd.DataFrame({"log_sfr": survey["log_sfr"] + 1.0, "unknown": 0.0})
    shifted, plain = catalogues.properties(survey, 7, realised), catalogues.properties(survey, 7)
    sound = (plain["log_SFR_Ha"] > -90) & (survey["log_ew_ha"] > 0)
    np.testing.assert_allclose((shifted["log_SFR_Ha"] - plain["log_SFR_Ha"])[sound], 1.0, atol=2e-4)
    assert shifted["log_Mass"].equals(plain["log_Mass"])


def test_blemishes_are_the_stated_ones(survey, monkeypatch):
    table = catalogues.properties(survey, 7)
    monkeypatch.setattr(catalogues, "_BLEMISHES", ())
    clean = catalogues.properties(survey, 7)
    changed = {name: (table[name] != clean[name]) & ~(table[name].isna() & clean[name].isna()) for name in table}
    counts = {name: int(rows.sum()) for name, rows in changed.items() if rows.any() and not name.startswith("e_")}
    assert counts == {
        "type": 2, "log_Mass": 2, "Age_LW_Re_fit": 1, "log_OIII_Hb_cen": 4, "log_NII_Ha_cen": 3, "Sigma_Mass_Re": 1,
        "log_SFR_Ha": 1, "EW_Ha_cen": 2, "EW_Ha_ALL": 1,
    }  # fmt: skip
    assert (table.loc[changed["type"], "type"] == "U").all()
    assert sorted(table.loc[changed["log_Mass"], "log_Mass"]) == [12.0708, 13.246]
    assert (table["log_NII_Ha_cen"] == -99).sum() == 1
    assert (table["Sigma_Mass_Re"] == -999).sum() == (table["log_SFR_Ha"] == -999).sum() == 1
    assert (table.loc[changed["EW_Ha_cen"], ["EW_Ha_cen", "e_EW_Ha_cen"]] == 0).all(axis=None)
    assert table.loc[changed["EW_Ha_cen"], ["log_NII_Ha_cen", "log_OIII_Hb_cen"]].isna().all(axis=None)
    spoiled = pd.concat(changed, axis=1).any(axis=1)
    assert spoiled.sum() == 13 and not (survey["agn"][spoiled] == 1).any()
    small = catalogues.properties(survey.iloc[:20].reset_index(drop=True), 7)
    assert "U" not in set(small["type"])


def test_property_columns_exist_in_the_real_tables(shared_data, survey):
    real = set(read_table(shared_data / "ecalifa" / "ecalifa_global.csv").columns)
    real |= set(read_table(shared_data / "ecalifa" / "galaxies_properties.fits").columns)
    assert set(catalogues.properties(survey, 7).columns) <= real


def test_the_shipped_demo_is_a_fresh_draw(tmp_path):
    """resources/demo is made by the step and by nothing else."""
    from cubespace.steps.mock_survey import main

    main([*DEMO_OPTIONS, "--out", str(tmp_path)])
    names = ["galaxies.csv", "truth.csv", "properties.csv", "groups.csv", "voids.txt"]
    same, different, missing = filecmp.cmpfiles(DEMO, tmp_path, names, shallow=False)
    assert same == names, (
        f"differ: {different}, missing: {missing}; run python -m cubespace.steps.mock_survey --n 150 --seed 7 --ssp resources/ssp_basis.npz --out resources/demo"
    )
    assert (DEMO / "README.md").is_file()
    pd.testing.assert_frame_equal(
        pd.read_csv(DEMO / "truth.csv"), population.draw(150, 7), check_exact=True, check_dtype=False
    )
