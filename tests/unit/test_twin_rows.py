"""Twins of real galaxies: what is known stays, what is not is drawn given it."""

import numpy as np
import pandas as pd
import pytest

from cubespace.errors import CubespaceError
from cubespace.morphology import BINS
from cubespace.survey import population, twin
from cubespace.survey.pointing import in_one_field


@pytest.fixture(scope="module")
def survey():
    """A mock population in the names of the sample, as if it were real."""
    rows = population.draw(600, 4)
    return rows.assign(ellipticity=1 - rows["axis_ratio"]).drop(columns=["axis_ratio", "environment"])


def test_known_values_stay_and_missing_ones_are_filled(survey):
    spoiled = survey.copy()
    spoiled.loc[::3, "log_age_lw"] = np.nan
    spoiled.loc[::5, ["log_nii_ha_cen", "log_oiii_hb_cen"]] = np.nan
    spoiled.loc[7, "log_mass"] = 13.2  # absurd
    spoiled.loc[8, "re_kpc"] = np.nan
    rows = twin.rows_from_table(spoiled, 9)
    assert not rows.isna().any(axis=None) and rows["galaxy"].tolist() == survey["galaxy"].tolist()
    kept = spoiled["log_age_lw"].notna()
    assert rows.loc[kept, "log_age_lw"].equals(spoiled.loc[kept, "log_age_lw"])
    assert 7.5 < rows["log_mass"][7] < 11.8
    assert rows["re_kpc"][8] == pytest.approx(survey["re_kpc"][8], rel=2e-3)  # from arcsec and redshift
    assert rows["re_arcsec"].equals(survey["re_arcsec"])


def test_what_is_drawn_depends_on_what_is_known(survey):
    """Ages drawn given everything else correlate with the true ones; scatter as the conditional Gaussian says."""
    spoiled = survey.assign(log_age_lw=np.nan)
    rows = twin.rows_from_table(spoiled, 9)
    of_type = rows["morphology"] == "Sb"
    index = population.VARIABLES.index("log_age_lw")
    width = population.WIDTH[index, population.STRATA.index("Sb")]
    off = (rows["log_age_lw"] - survey["log_age_lw"])[of_type]
    known = [i for i, name in enumerate(population.VARIABLES) if name not in ("log_age_lw",)]
    c = population.CORRELATION
    explained = c[index, known] @ np.linalg.solve(c[np.ix_(known, known)], c[known, index])
    assert 0.3 < explained < 0.9
    assert off.std() == pytest.approx(np.sqrt(2 * (1 - explained)) * width, rel=0.25)
    assert abs(off.mean()) < 0.5 * width


def test_unknown_types_are_drawn_from_what_the_values_say(survey):
    unknown = survey.assign(morphology=None, morphology_detail=None)
    rows = twin.rows_from_table(unknown, 2)
    order = {name: i for i, name in enumerate(BINS)}
    drawn, true = rows["morphology"].map(order), survey["morphology"].map(order)
    assert np.corrcoef(drawn, true)[0, 1] > 0.7
    assert abs(drawn.mean() - true.mean()) < 0.4


@pytest.mark.parametrize("known", [(), (0,), (1,), (0, 1)])
def test_a_pair_without_positions_is_beside_each_other(known):
    """25 arcsec apart, wherever the position of one is known or neither; two known ones stay."""
    table = pd.DataFrame({"galaxy": ["NGC1_0", "NGC1_1", "NEW"], "ra": np.nan, "dec": np.nan})
    for i in known:
        table.loc[i, ["ra", "dec"]] = 10.0, 60.0 + 0.01 * i
    rows = twin.rows_from_table(table, 2)
    for i in known:
        assert (rows["ra"][i], rows["dec"][i]) == (10.0, 60.0 + 0.01 * i)
    ra, dec = np.radians(rows["ra"].to_numpy()), np.radians(rows["dec"].to_numpy())
    apart = np.degrees(np.hypot((ra[1] - ra[0]) * np.cos(dec[0]), dec[1] - dec[0])) * 3600
    assert apart == pytest.approx(36.0 if len(known) == 2 else 25.0, abs=0.1)
    assert in_one_field(rows.iloc[0], rows.iloc[1])


def test_a_rate_from_stars_does_not_move_the_cube(survey):
    """A mock galaxy's H-alpha is given by EW and mass: a rate of another kind in the table cannot be met too."""
    rows = [twin.rows_from_table(survey.assign(log_sfr=survey["log_sfr"] + d), 9)["log_sfr"] for d in (0, -1.5)]
    assert rows[0].equals(rows[1])


def test_companions_share_a_redshift_and_a_name_without_values_gets_all():
    table = pd.DataFrame({"galaxy": ["NGC1_0", "NGC1_1", "NEW"], "redshift": [0.012, np.nan, np.nan]})
    rows = twin.rows_from_table(table, 1)
    assert rows["redshift"].tolist()[:2] == [0.012, 0.012] and rows["pointing"].tolist() == ["NGC1", "NGC1", "NEW"]
    assert not rows.isna().any(axis=None)
    low, high = population.LIMITS["log_mass"]
    assert rows["log_mass"].between(low, high).all()


def test_values_that_leave_no_room_are_clipped_not_lost():
    """An age far below what goes with these lines and this mass: the rest is drawn at its limits."""
    table = pd.DataFrame({"galaxy": ["ODD"], "morphology": ["E"], "log_mass": [6.1], "log_ew_ha": [3.1], "log_nii_ha_cen": [-2.4]})
    rows = twin.rows_from_table(table, 1)
    assert rows["log_mass"][0] == 6.1 and not rows.isna().any(axis=None)
    assert rows["log_age_lw"].between(*population.LIMITS["log_age_lw"]).all()


@pytest.mark.parametrize("table", [pd.DataFrame({"name": ["a"]}), pd.DataFrame({"galaxy": []})])
def test_no_galaxies_is_an_error(table):
    with pytest.raises(CubespaceError, match="twin survey: found"):
        twin.rows_from_table(table, 1)
