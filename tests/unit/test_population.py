"""The mock population: counts, limits, correlations of the real table, environment, AGN, pairs, shipped files."""

import filecmp

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from conftest import ROOT
from cubespace.cosmology import kpc_per_arcsec
from cubespace.errors import CubespaceError
from cubespace.morphology import BINS, bin_of
from cubespace.populations.emission import classify
from cubespace.survey import catalogues, population, sky
from cubespace.tables import read_table

DEMO = ROOT / "resources" / "demo"
PROPERTY_COLUMNS = [
    "log_mass", "log_age_lw", "metallicity_lw", "log_ew_ha", "log_ew_ha_cen", "log_nii_ha_cen", "log_oiii_hb_cen", "log_nii_ha",
    "log_oiii_hb", "log_sfr", "log_sigma_mass", "re_arcsec", "re_kpc", "redshift", "g_r", "axis_ratio",
]  # fmt: skip


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
    share = population.central_light(1.0 + 3.0 * frame["bulge_fraction"], frame["re_arcsec"])
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
    assert float(population.central_light(1.0, 5.0)) == pytest.approx(
        1.0 - np.exp(-bx) * (1.0 + bx), rel=1e-12
    )
    assert float(population.central_light(4.0, 1.5)) == pytest.approx(0.5, rel=1e-9)


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
    for name, sign in (("log_ew_ha", 1.0), ("log_age_lw", -1.0), ("g_r", -0.5)):
        width = population.WIDTH[population.VARIABLES.index(name), stratum]
        shift = (planted[name] - base[name]) / width
        assert shift[base["environment"] == "void"].median() == pytest.approx(1.5 * sign, abs=0.02)
        assert shift[base["environment"] == "cluster"].median() == pytest.approx(-1.5 * sign, abs=0.02)
        assert (shift[base["environment"].isin(["filament_wall", "unclassified"])] == 0).all()
    unshifted = (planted["log_sigma_mass"] - base["log_sigma_mass"])[base["environment"] == "void"]
    assert unshifted.median() == 0.0


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


def test_rank_correlations_of_the_real_table(shared_data, large):
    """Every pair of properties within 0.1 of the real survey, type and morphology included."""
    raw = read_table(shared_data / "ecalifa" / "ecalifa_global.csv")
    more = read_table(shared_data / "ecalifa" / "galaxies_properties.fits").set_index("cubename")
    raw = raw[(raw["type"] != "U") & raw["log_Mass"].between(6, 12)]
    with np.errstate(divide="ignore", invalid="ignore"):
        real = pd.DataFrame({
            "log_mass": raw["log_Mass"], "log_age_lw": raw["Age_LW_Re_fit"], "metallicity_lw": more["met_LW_int"].reindex(raw["Name"]).to_numpy(),
            "log_ew_ha": -raw["EW_Ha_ALL"], "log_ew_ha_cen": (-raw["EW_Ha_cen"]).where(raw["EW_Ha_cen"] < 0),
            "log_nii_ha_cen": raw["log_NII_Ha_cen"], "log_oiii_hb_cen": raw["log_OIII_Hb_cen"], "log_nii_ha": raw["log_NII_Ha_Re"],
            "log_oiii_hb": raw["log_OIII_Hb_Re"], "log_sfr": raw["log_SFR_ssp"], "log_sigma_mass": raw["Sigma_Mass_Re"],
            "re_arcsec": raw["Re"], "re_kpc": raw["Re_kpc"], "redshift": raw["z"], "g_r": raw["g-r"],
            "axis_ratio": np.sqrt(1 - raw["ellip"] ** 2),
        })  # fmt: skip
    real["type"] = [BINS.index(bin_of(t)) for t in raw["type"]]
    mock = large[PROPERTY_COLUMNS].assign(type=[BINS.index(b) for b in large["morphology"]])
    for i, first in enumerate(mock.columns):
        for second in mock.columns[i + 1 :]:
            expected = spearmanr(real[first], real[second], nan_policy="omit").statistic
            found = spearmanr(mock[first], mock[second]).statistic
            assert found == pytest.approx(expected, abs=0.1), (first, second)
    classes = classify(large)["nuclear_class"].value_counts(normalize=True)
    for name, share in {
        "SF": 0.454,
        "passive": 0.277,
        "composite": 0.12,
        "AGN": 0.067,
        "LINER": 0.061,
    }.items():
        assert classes[name] == pytest.approx(share, abs=0.03)


def test_main_sequence(large):
    """Real table, EW > 6 A: log SFR = 0.652 log M - 6.80 (SFR of the stellar populations), rms 0.36; the
    mock's is a little flatter and wider, since one correlation matrix serves all types."""
    forming = large[large["log_ew_ha"] > np.log10(6.0)]
    slope, intercept = np.polyfit(forming["log_mass"], forming["log_sfr"], 1)
    assert slope == pytest.approx(0.652, abs=0.12)
    assert slope * 10.3 + intercept == pytest.approx(0.652 * 10.3 - 6.80, abs=0.1)
    assert np.std(forming["log_sfr"] - slope * forming["log_mass"] - intercept) == pytest.approx(
        0.36, abs=0.1
    )


def test_property_table_has_the_conventions_of_the_real_one(survey):
    table = catalogues.properties(survey, 7)
    sound = (table["type"] != "U") & (table["EW_Ha_ALL"] != 0) & (table["EW_Ha_cen"] != 0)
    sound &= (
        (table["log_Mass"] < 12)
        & (table["log_NII_Ha_cen"] > -90)
        & (table["Sigma_Mass_Re"] > -90)
        & (table["log_SFR_ssp"] > -90)
    )
    sound &= table["Age_LW_Re_fit"].notna() & table["log_OIII_Hb_cen"].notna()
    assert (~sound).sum() == 13
    s, t = table[sound], survey[sound]
    np.testing.assert_allclose(np.log10(-s["EW_Ha_ALL"]), t["log_ew_ha"], atol=1e-4)
    np.testing.assert_allclose(np.log10(-s["EW_Ha_cen"]), t["log_ew_ha_cen"], atol=1e-4)
    np.testing.assert_allclose(np.sqrt(1 - s["ellip"] ** 2), t["axis_ratio"], atol=1e-4)
    np.testing.assert_allclose(np.log10(s["met_LW_int"] / 0.017), t["metallicity_lw"], atol=2e-3)
    np.testing.assert_allclose(s["PA"] % 180.0, t["position_angle"] % 180.0, atol=1e-9)
    for column, name in {
        "log_Mass": "log_mass",
        "Age_LW_Re_fit": "log_age_lw",
        "Sigma_Mass_Re": "log_sigma_mass",
        "Re": "re_arcsec",
        "z": "redshift",
    }.items():
        np.testing.assert_array_equal(s[column], t[name])


def test_blemishes_are_the_stated_ones(survey):
    table = catalogues.properties(survey, 7)
    assert (table["type"] == "U").sum() == 2
    assert sorted(table.loc[table["log_Mass"] > 12, "log_Mass"]) == [12.0708, 13.246]
    assert table["Age_LW_Re_fit"].isna().sum() == 1
    assert (table["log_NII_Ha_cen"] == -99).sum() == 1
    assert (table["Sigma_Mass_Re"] == -999).sum() == (table["log_SFR_ssp"] == -999).sum() == 1
    assert (table["EW_Ha_ALL"] == 0).sum() == 1
    zero = table[table["EW_Ha_cen"] == 0]
    assert len(zero) == 2 and zero[["log_NII_Ha_cen", "log_OIII_Hb_cen"]].isna().all(axis=None)
    assert table["log_OIII_Hb_cen"].isna().sum() == 4
    small = catalogues.properties(survey.iloc[:20].reset_index(drop=True), 7)
    assert "U" not in set(small["type"])


def test_property_columns_exist_in_the_real_tables(shared_data, survey):
    real = set(read_table(shared_data / "ecalifa" / "ecalifa_global.csv").columns)
    real |= set(read_table(shared_data / "ecalifa" / "galaxies_properties.fits").columns)
    assert set(catalogues.properties(survey, 7).columns) <= real


def test_the_shipped_demo_is_a_fresh_draw(tmp_path):
    """resources/demo is made by the step and by nothing else."""
    from cubespace.steps.mock_survey import main

    main(["--n", "150", "--seed", "7", "--out", str(tmp_path)])
    names = ["galaxies.csv", "truth.csv", "properties.csv", "groups.csv", "voids.txt"]
    same, different, missing = filecmp.cmpfiles(DEMO, tmp_path, names, shallow=False)
    assert same == names, (
        f"differ: {different}, missing: {missing}; run python -m cubespace.steps.mock_survey --n 150 --seed 7 --out resources/demo"
    )
    assert (DEMO / "README.md").is_file()
    pd.testing.assert_frame_equal(
        pd.read_csv(DEMO / "truth.csv"), population.draw(150, 7), check_exact=True, check_dtype=False
    )
