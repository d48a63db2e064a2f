"""Emission-line classes on both sides of every boundary, with missing and uncertain lines; the real table."""

import numpy as np
import pandas as pd
import pytest

from cubespace.populations import emission
from cubespace.tables import read_table

LOG = np.log10


def one(ew=None, ew_cen=None, nii=None, oiii=None, **errors):
    """Nuclear class of one galaxy, EW in Angstrom, ratios in dex; None is missing."""
    frame = pd.DataFrame({
        "log_ew_ha": [np.nan if ew is None else LOG(ew)],
        "log_ew_ha_cen": [np.nan if ew_cen is None else LOG(ew_cen)],
        "log_nii_ha_cen": [np.nan if nii is None else nii],
        "log_oiii_hb_cen": [np.nan if oiii is None else oiii],
        **{name: [value] for name, value in errors.items()},
    })  # fmt: skip
    return emission.classify(frame).iloc[0]


def test_curves_at_hand_worked_points():
    # 0.61 / (-0.5 - 0.05) + 1.3 and 0.61 / (-0.5 - 0.47) + 1.19
    assert float(emission.kauffmann(-0.5)) == pytest.approx(0.190909, abs=1e-6)
    assert float(emission.kewley(-0.5)) == pytest.approx(0.561134, abs=1e-6)
    assert float(emission.kauffmann(-0.2)) == pytest.approx(-1.14, abs=1e-12)
    assert float(emission.kewley(0.0)) == pytest.approx(-0.107872, abs=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (-0.5, 0.190, "SF"), (-0.5, 0.192, "composite"), (-0.5, 0.561, "composite"), (-0.5, 0.562, "AGN"),
        (-0.2, -1.15, "SF"), (-0.2, -1.13, "composite"), (0.05, -1.2, "composite"), (0.3, 0.0, "AGN"),
        (0.47, -5.0, "AGN"), (1.0, -5.0, "AGN"),  # right of the asymptote the other branch of the hyperbola must not count
        (0.04, -70.0, "SF"), (0.06, -70.0, "composite"),
        (np.nan, 0.0, "undetermined"), (0.0, np.nan, "undetermined"), (-np.inf, 0.0, "undetermined"), (0.0, np.inf, "undetermined"),
    ],
)  # fmt: skip
def test_bpt(x, y, expected):
    assert emission.bpt([x], [y])[0] == expected


def test_a_point_on_a_curve_belongs_below_it():
    x = np.linspace(-1.2, 0.0, 31)
    assert set(emission.bpt(x, emission.kauffmann(x))) == {"SF"}
    assert set(emission.bpt(x, emission.kewley(x))) == {"composite"}


def test_left_of_where_the_curves_cross_kauffmann_decides():
    # at -1.5: Kauffmann 0.906, Kewley 0.880
    assert emission.bpt([-1.5, -1.5, -1.5], [0.87, 0.89, 0.91]).tolist() == ["SF", "SF", "AGN"]


@pytest.mark.parametrize(
    ("ew", "nii", "expected"),
    [
        (3.0, -0.41, "SF"), (2.999, -0.41, "retired"), (100.0, -0.4001, "SF"), (100.0, -0.4, "sAGN"), (6.0, -0.4, "sAGN"),
        (5.999, -0.39, "wAGN"), (3.0, 0.0, "wAGN"), (2.999, 0.0, "retired"), (0.5, -0.5, "retired"), (0.499, -0.5, "passive"),
        (0.4, 0.05, "passive"), (0.4, 0.15, "retired"),  # EW([NII]) = 0.449 and 0.565 A
        (0.5, np.nan, "retired"), (0.4, np.nan, "undetermined"), (3.0, np.nan, "undetermined"), (np.nan, 0.0, "undetermined"),
    ],
)  # fmt: skip
def test_whan(ew, nii, expected):
    assert emission.whan([LOG(ew)], [nii])[0] == expected


@pytest.mark.parametrize("exact", [3.0, 6.0, 0.5])
def test_boundaries_survive_the_logarithm(exact):
    """A value that came from linear Angstrom through log10 and back is on the upper side still."""
    for noise in (0.0, 1e-13, -1e-13):
        above = emission.whan([LOG(exact) + noise], [0.0])[0]
        assert above == {3.0: "wAGN", 6.0: "sAGN", 0.5: "retired"}[exact]


def test_boundaries_survive_single_precision():
    """-0.4 as a 4-byte float is -0.400000006, 0.5 A is 1.4e-8 dex too low: both are on the upper side still."""
    single = [float(np.float32(value)) for value in (-0.4, np.log10(0.5), np.log10(3.0), np.log10(6.0))]
    assert single[0] < -0.4 and single[1] < np.log10(0.5)
    assert emission.whan([2.0], [single[0]])[0] == "sAGN"
    assert [emission.whan([ew], [0.0])[0] for ew in single[1:]] == ["retired", "wAGN", "sAGN"]
    on = float(np.float32(0.61 / (-0.5 - 0.05) + 1.3))
    assert emission.bpt([-0.5], [on])[0] == "SF"


@pytest.mark.parametrize(
    ("ew", "ew_cen", "nii", "oiii", "expected"),
    [
        (1.0, 1.0, 0.0, 0.3, "passive"),  # whatever the ratios are
        (2.999, 2.999, None, None, "passive"),  # no ratio is needed
        (3.0, 1.0, 0.0, 0.3, "SF"),  # quenched bulge in a star-forming galaxy
        (None, 1.0, 0.0, 0.3, "undetermined"),
        (20.0, None, 0.0, 0.3, "undetermined"),
        (1.0, None, None, None, "undetermined"),  # never passive by what is not known
        (20.0, 3.0, -0.6, -0.3, "SF"),
        (20.0, 3.0, -0.3, -0.3, "composite"),
        (1.0, 3.0, 0.1, 0.3, "LINER"),
        (1.0, 5.999, 0.1, 0.3, "LINER"),
        (1.0, 6.0, 0.1, 0.3, "AGN"),
        (20.0, 30.0, -0.2, 0.9, "AGN"),
        (20.0, 30.0, None, 0.9, "undetermined"),
        (20.0, 30.0, -0.2, None, "undetermined"),
        (20.0, 30.0, -1.0, None, "undetermined"),
    ],
)
def test_nuclear_class(ew, ew_cen, nii, oiii, expected):
    assert one(ew, ew_cen, nii, oiii)["nuclear_class"] == expected


def test_what_decided_is_recorded():
    assert one(1.0, 1.0, 0.0, 0.3)["nuclear_class_from"] == "log_ew_ha_cen log_ew_ha"
    assert one(None, 1.0, 0.0, 0.3)["nuclear_class_from"] == "log_ew_ha missing"
    assert one(9.0, None, 0.0, 0.3)["nuclear_class_from"] == "log_ew_ha_cen missing or uncertain"
    assert one(9.0, 9.0, 0.0, None)["nuclear_class_from"] == "log_oiii_hb_cen missing or uncertain"
    assert one(9.0, 9.0, 0.0, 0.3)["nuclear_class_from"] == "log_ew_ha_cen log_nii_ha_cen log_oiii_hb_cen"


def test_uncertain_lines_are_undetermined():
    assert one(20.0, 30.0, -0.6, -0.3, e_log_oiii_hb_cen=0.30)["nuclear_class"] == "SF"
    assert (
        one(20.0, 30.0, -0.6, -0.3, e_log_oiii_hb_cen=0.87)["nuclear_class"] == "undetermined"
    )  # S/N(Hb) = 0.5
    assert one(20.0, 30.0, -0.6, -0.3, e_log_nii_ha_cen=0.32)["nuclear_class"] == "undetermined"
    assert (
        one(20.0, 30.0, -0.6, -0.3, e_log_oiii_hb_cen=np.nan)["nuclear_class"] == "SF"
    )  # an unknown error is no objection
    # EW 1 +- 2.9 A is a limit below the cut, 1 +- 3.1 A is not; 10 +- 9 A is a line, 10 +- 11 A is not
    for ew, error, expected in [
        (1.0, 2.9, "passive"),
        (1.0, 3.1, "undetermined"),
        (10.0, 9.0, "SF"),
        (10.0, 11.0, "undetermined"),
    ]:
        dex = error / ew / np.log(10.0)
        assert one(2.0, ew, -0.6, -0.3, e_log_ew_ha_cen=dex)["nuclear_class"] == expected


def test_infinities_count_as_missing_and_a_missing_column_too():
    frame = pd.DataFrame({"log_ew_ha": [-np.inf, 1.0], "log_ew_ha_cen": [0.0, -np.inf]}, index=[7, 3])
    result = emission.classify(frame)
    assert result["nuclear_class"].tolist() == ["undetermined", "undetermined"]
    assert result.index.tolist() == [7, 3]
    assert emission.classify(frame.iloc[:0]).empty


def test_whan_reading_of_the_paper():
    """A metal-rich star-forming nucleus: below Kauffmann, right of -0.4."""
    frame = pd.DataFrame(
        {"log_ew_ha": [1.3], "log_ew_ha_cen": [1.3], "log_nii_ha_cen": [-0.35], "log_oiii_hb_cen": [-0.8]}
    )
    assert emission.classify(frame)["nuclear_class"][0] == "SF"
    assert emission.classify(frame, agn_from="whan")["nuclear_class"][0] == "AGN"
    assert (
        emission.classify(frame.assign(log_oiii_hb_cen=0.0), agn_from="whan")["nuclear_class"][0]
        == "composite"
    )
    with pytest.raises(ValueError, match="agn_from"):
        emission.classify(frame, agn_from="both")


def test_real_table(shared_data):
    """Counts of the 895 real galaxies, counted by hand-written conditions on the raw columns."""
    raw = read_table(shared_data / "ecalifa" / "ecalifa_global.csv").set_index("Name")
    with np.errstate(divide="ignore", invalid="ignore"):
        frame = pd.DataFrame({
            "log_ew_ha": np.log10(-raw["EW_Ha_ALL"]), "log_ew_ha_cen": np.log10(-raw["EW_Ha_cen"]),
            "log_nii_ha_cen": raw["log_NII_Ha_cen"], "log_oiii_hb_cen": raw["log_OIII_Hb_cen"],
        })  # fmt: skip
    counts = emission.classify(frame)["nuclear_class"].value_counts()
    ew, everywhere, x, y = -raw["EW_Ha_cen"], -raw["EW_Ha_ALL"], raw["log_NII_Ha_cen"], raw["log_OIII_Hb_cen"]
    agn = y > 0.61 / (x.where(x < 0.47) - 0.47) + 1.19
    assert counts["AGN"] == ((ew >= 6) & y.notna() & (agn | (x >= 0.47))).sum() == 59
    assert counts["passive"] == ((ew > 0) & (ew < 3) & (everywhere > 0) & (everywhere < 3)).sum()
    assert counts["undetermined"] == 895 - counts.drop("undetermined").sum()
    assert counts["undetermined"] < 25
    strict = emission.classify(frame, agn_from="whan")["nuclear_class"].value_counts()
    assert strict["AGN"] > 2 * counts["AGN"]  # why the choice is a setting
