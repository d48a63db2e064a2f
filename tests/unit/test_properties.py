"""One column: units, conventions, sentinels, absurd values; and what looks like another convention is refused by row."""

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from cubespace.errors import CubespaceError
from cubespace.morphology import read_types
from cubespace.properties import NUMBERS, TEXT, canonical_values, join, known_numbers

TYPES = read_types(ROOT / "resources/morphology.csv")


def canonical(cells, name, table_unit="", **spec):
    column = pd.Series(cells, dtype=object if any(isinstance(c, str) for c in cells) else float)
    return canonical_values(column, name, {"column": "x", **spec}, table_unit, f"t: column 'x' for {name}")


@pytest.mark.parametrize(
    ("name", "cells", "unit", "spec", "expected"),
    [
        ("log_mass", [3.1622776602e10, 1e9], "Msun", {}, [10.5, 9.0]),
        ("log_mass", [10.5, 9.0], "dex(solMass)", {}, [10.5, 9.0]),
        ("log_mass", [10.5, 9.0], "", {}, [10.5, 9.0]),
        ("log_mass", [3.1622776602, 0.1], "", {"unit": "10^10 Msun"}, [10.5, 9.0]),
        ("log_age_lw", [2.0, 10.0], "Gyr", {}, [9.30103, 10.0]),
        ("metallicity_lw", [0.017, 0.0017], "", {"convert": "log10_z_over_zsun"}, [0.0, -1.0]),
        ("log_ew_ha", [-10.0, -0.1], "Angstrom", {"convert": "log10_negative"}, [1.0, -1.0]),
        ("log_ew_ha", [10.0, 0.1], "Angstrom", {}, [1.0, -1.0]),
        ("ellipticity", [0.8, 0.0], "", {"convert": "eccentricity"}, [0.4, 0.0]),
        ("ellipticity", [0.6, 1.0], "", {"convert": "axis_ratio"}, [0.4, 0.0]),
        ("redshift", [4521.0, 299792.458], "km/s", {}, [0.01508044, 1.0]),
        ("re_kpc", [3000.0, 500.0], "pc", {}, [3.0, 0.5]),
        ("ra", ["12:00:00", "00h00m01s"], "", {}, [180.0, 15 / 3600]),
        ("dec", ["-00:30:00", "+41 16 09"], "", {}, [-0.5, 41.269166667]),
        ("ra", [2.0, 23.0], "h", {}, [30.0, 345.0]),
        ("ra", ["01 00 00", "02:06:00", "12d30m00s", "2.0"], "hourangle", {}, [15.0, 31.5, 12.5, 30.0]),
        ("ra", ["01 00 00", "23h59m56s"], "hms", {}, [15.0, 359.98333333]),
        ("ra", ["01 00 00"], '"h:m:s"', {}, [15.0]),
        ("dec", ["-01 30 00", "30"], "arcmin", {}, [-1.5, 0.5]),
        ("dec", ["-01 30 00"], '"d:m:s"', {}, [-1.5]),
    ],
)  # fmt: skip
def test_conventions(name, cells, unit, spec, expected):
    values, _, counts, notes = canonical(cells, name, unit, **spec)
    np.testing.assert_allclose(values, expected, atol=1e-6)
    assert counts == {"missing": 0, "sentinel": 0, "out_of_range": 0} and notes == []


@pytest.mark.parametrize(
    ("name", "cells", "unit", "spec", "words"),
    [
        ("log_mass", [10.5, 3.16e10], "", {}, r"row 2: 3.16e\+10 looks linear; set convert: log10"),
        ("log_age_lw", [9.5, 2.5], "", {}, "row 2: 2.5 looks like an age in Gyr"),
        ("log_age_lw", [2.5e9, 9.0], "", {}, "row 1: 2.5e.09 looks linear"),
        ("log_ew_ha", [-0.5, -12.0], "", {}, "row 2: -12 looks linear and negative in emission; set convert: log10_negative"),
        ("log_ew_ha", [-0.5, -12.0], "Angstrom", {}, "most values are negative; .* needs convert: log10_negative"),
        ("log_ew_ha", [10.0, 5.0, 7.0], "", {"convert": "log10_negative"}, "3 of 3 values are outside"),
        ("metallicity_lw", [0.017, 0.008, 0.02], "", {}, "looks like a mass fraction Z; set convert: log10_z_over_zsun"),
        ("metallicity_lw", [9.5, 9.9], "log(yr)", {}, r"unit log10\(yr\) cannot be turned into log10\(Z/Zsun\); state convert"),
        ("redshift", [0.01, 4521.0], "", {}, "row 2: 4521 cannot be a redshift; if it is in km/s, set convert: km_s"),
        ("ellipticity", [0.8], "", {"column": "ecc"}, "the name says eccentricity; set convert: eccentricity"),
        ("ellipticity", [0.8], "", {"column": "SERSIC_BA"}, "the name says axis_ratio"),
        ("ellipticity", [40.0, 50.0, 60.0], "", {}, "3 of 3 values are outside 0 ... 1"),
        ("re_arcsec", [3.0], "kpc", {}, "unit kpc cannot be turned into arcsec"),
        ("log_mass", [10.0], "", {"unit": "stones"}, "unit 'stones' is not understood"),
        ("dec", [100.0, 200.0, 300.0], "", {}, "3 of 3 values are outside -90 ... 90"),
        ("ra", ["01:00:00", "25:00:00"], "", {}, "row 2: found '25:00:00'; expected a number"),
        ("dec", ["01:00:00", "00 75 00"], "", {}, "row 2: found '00 75 00'; expected a number"),
        ("log_sfr", [0.3, 0.8, -0.5], "Msun/yr", {}, r"row 3: -0.5 is negative and has no logarithm; .* set unit: log10\(Msun/yr\)"),
        ("log_sfr", [0.3, 0.8, -0.5], "", {"unit": "Msun/yr"}, "row 3: -0.5 is negative"),
        ("log_sfr", [0.3, 0.8, -9.0, -1.0], "Msun/yr", {"missing": [-9]}, "row 4: -1 .* if it stands for none, list it in `missing`"),
        ("metallicity_lw", [-0.3, 0.1], "Z/Zsun", {}, "row 1: -0.3 is negative"),
        ("log_sfr", [0.3, 0.8], "Msun/yr", {"column": "lSFR"}, r"the name says logarithm, .* unit: log10\(Msun/yr\), else convert: log10"),
        ("log_mass", [10.2, 9.5], "Msun", {"column": "logMass"}, "the name says logarithm"),
        ("log_ew_ha", [1.2, -0.5, 0.3], "Angstrom", {"column": "log_EW"}, "the name says logarithm"),
        ("log_sfr", [0.1, 2.3, 0.5, 4.9, 1.2], "", {"column": "SFR"}, "5 values, none is negative: looks linear; set convert: log10"),
        ("log_nii_ha_cen", [0.3, 0.4, 0.9, 1.2, 0.5], "", {}, "none is negative: looks linear"),
        ("metallicity_lw", [0.5, 1.1, 0.8, 0.9, 1.3], "", {}, "median 0.9: looks linear; set unit: Z/Zsun"),
        ("log_mass", [3.2, 5.1, 8.0, 12.0, 4.4], "", {}, "median 5.1: looks linear, in a large unit"),
        ("log_age_lw", [5.5, 8.1, 9.2, 10.0, 7.0, 6.0], "", {}, "median 7.55: looks like ages in Gyr; set convert: log10_gyr_to_yr"),
        ("g_r", ["0.5", "blue"], "", {}, "row 2: found 'blue'; expected a number"),
        ("log_ew_ha", [1.2, -0.5, 0.3], "", {"column": "EW_Ha"}, r"3 values within -0.5 \.\.\. 1.2 can be logarithms or .* in Angstrom: set convert"),
        ("log_ew_ha_cen", [0.5], "", {"column": "EWcen"}, "1 value within 0.5 .*log10_negative, if negative in emission.* convert: none for log"),
        ("log_ew_ha", [-3.9, -0.2, -1.5, -2.0, -0.8, -99.0], "", {"column": "EW_Ha_ALL"}, r"5 values within -3.9 \.\.\. -0.2"),
        ("log_ew_ha", [1.2, -0.5, 0.3], "stones", {"column": "EW_Ha"}, "3 values within"),
        ("g_r", [0.5, 0.6], "dex", {}, "unit dex, a logarithm, cannot be turned into mag"),
        ("ellipticity", [0.5, 0.6], "dex", {}, "unit dex, a logarithm, cannot be turned into a plain number"),
        ("log_sfr", [-10.0, -9.5, -11.0, -10.5, -9.9], "", {"column": "rate"}, "median -10: looks like specific rates"),
        ("metallicity_lw", [-1.8, -2.1, -1.7, -1.9, -1.6], "", {"column": "met"}, r"looks like logarithms of a mass fraction Z; set unit: log10\(Z\)"),
        ("re_kpc", [0.3, 0.8, 1.1], "", {"column": "logRe"}, r"the name says logarithm; set unit: log10\(kpc\), or convert: none"),
        ("re_arcsec", [0.3, 0.8], "arcsec", {"column": "Re_log"}, r"says logarithm, the table's unit does not; set unit: log10\(arcsec\), or arcsec"),
    ],
)  # fmt: skip
def test_another_convention_is_refused_by_row(name, cells, unit, spec, words):
    with pytest.raises(CubespaceError, match=words):
        canonical(cells, name, unit, **spec)


def test_sentinels_per_column_and_absurd_values():
    values, _, counts, _ = canonical(
        [10.2, -999.0, 9.8, np.float32(-99.9), np.inf, np.nan, 1e151, -9.0], "log_mass"
    )
    assert values[:3].tolist()[0::2] == [10.2, 9.8] and values.notna().sum() == 2
    assert counts == {"missing": 1, "sentinel": 3, "out_of_range": 2}
    assert values.mean() == pytest.approx(10.0)
    kept, _, counts, _ = canonical([-9.0, -99.0, 1.0], "log_sfr", missing=[-99, -999])
    assert (
        kept.tolist()[0] == -9.0 and np.isnan(kept[1]) and counts["sentinel"] == 1
    )  # -9 may be a value here
    own, _, counts, _ = canonical([10.0, 12.5, 13.0, 11.0, 10.5], "log_mass", minimum=5, maximum=12)
    assert own.notna().tolist() == [True, False, False, True, True] and counts["out_of_range"] == 2
    words, _, counts, _ = canonical(["10.5", "bad", "9"], "log_mass", missing=["bad"])
    assert words.notna().tolist() == [True, False, True]


def test_a_unit_that_is_not_understood_is_noted():
    values, how, _, notes = canonical([10.5], "log_mass", "dex (see paper)")
    assert values[0] == 10.5 and how == "none" and "'dex (see paper)' is not understood" in notes[0]


def test_what_may_be_right_is_noted():
    """Numbers that a logarithm's name vouches for, hours that may be degrees; and few values say nothing."""
    for name, cells, column in [
        ("log_sfr", [0.1, 2.3, 0.5, 4.9, 1.2], "logSFR"),
        ("log_sfr", [0.1, 2.3, 0.5, 4.9, 1.2], "log_sfr"),
        ("log_mass", [6.2, 6.5, 6.1, 7.0, 5.9], "lM"),
        ("metallicity_lw", [0.4, 0.5, 0.35, 0.4, 0.4], "[Z/H]"),
        ("log_oiii_hb_cen", [0.4, 0.5, 0.35, 0.4, 0.9], "o3"),
    ]:
        values, how, _, notes = canonical(cells, name, column=column)
        assert values.tolist() == cells and how == "none" and len(notes) == 1 and "taken as such" in notes[0]
    values, _, _, notes = canonical([0.5, 1.2, 12.3, 22.1, 5.0], "ra")
    assert values[2] == 12.3 and "5 values are within 0 ... 24 and were taken as degrees" in notes[0]
    assert canonical([0.5, 1.2, 12.3, 22.1, 25.0], "ra")[3] == []
    assert canonical(["01:00:00"] * 5, "ra")[3] == []
    assert canonical([0.1, 2.3, 0.5, 4.9], "log_sfr", column="logSFR")[3] == []
    assert canonical([0.1, 2.3, -0.5, 4.9, 1.2], "log_sfr")[3] == []
    assert canonical([0.1, 2.3, 0.5, 4.9, 1.2], "log_sfr", convert="none")[3] == []
    values, _, _, notes = canonical([3.2e10, 1e9], "log_mass", "Msun", column="logMass")  # linear whatever the name says
    np.testing.assert_allclose(values, [10.50515, 9.0], atol=1e-5)
    values, _, _, notes = canonical([2.0, -1.0], "log_sfr", "Msun/yr", missing=[-1])
    np.testing.assert_allclose(values, [0.30103, np.nan], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "cells", "unit", "spec", "expected", "words"),
    [
        # equivalent widths in Angstrom of quiescent galaxies have the range of logarithms
        ("log_ew_ha", [1.0, 0.1, 3.0], "", {"column": "EW", "convert": "log10"}, [0, -1, 0.477121], None),
        ("log_ew_ha", [-1.0, -0.1, -3.0], "", {"column": "EW", "convert": "log10_negative"}, [0, -1, 0.477121], None),
        ("log_ew_ha", [1.0, -0.1, 3.0], "", {"column": "EW", "convert": "none"}, [1.0, -0.1, 3.0], None),
        ("log_ew_ha", [1.0, -0.1, 3.0], "", {"column": "EW", "unit": "log(Angstrom)"}, [1.0, -0.1, 3.0], None),
        ("log_ew_ha", [1.0, -0.1, 3.0], "", {"column": "log_EW"}, [1.0, -0.1, 3.0], None),
        ("log_ew_ha", [1.0, 0.1, 3.0], "Angstrom", {"column": "EW", "unit": "Angstrom"}, [0, -1, 0.477121], None),
        ("log_ew_ha", [1.0, 0.1, 3.0], "Angstrom", {"column": "EW"}, [0, -1, 0.477121],
         "3 values within 0.1 ... 3 can be logarithms or linear, in Angstrom: taken as linear"),
        ("log_ew_ha", [1.0, 0.1, 3.0], "", {"column": "logEW", "convert": "log10"}, [0, -1, 0.477121],
         "can be logarithms, as the name says, or linear: taken as linear, as convert: log10 says"),
        ("log_age_lw", [9.5, 8.2], "Gyr", {"column": "age"}, [9.977724, 9.913814], "2 values within 8.2 ... 9.5 can be logarithms or linear, in Gyr"),
        ("log_age_lw", [9.5, 2.0], "Gyr", {"column": "age"}, [9.977724, 9.30103], None),
        ("log_sfr", [-10.0, -9.5, -11.0, -10.5, -9.9], "", {"column": "logSFR"}, [-10.0, -9.5, -11.0, -10.5, -9.9], "median -10: looks like specific rates"),
        ("metallicity_lw", [-1.8, -2.1, -1.7, -1.9, -1.6], "", {"column": "logZ"}, [-1.8, -2.1, -1.7, -1.9, -1.6], "set unit: log10(Z)"),
        ("metallicity_lw", [-1.769551, -0.769551], "", {"column": "logZ", "unit": "log10(Z)"}, [0.0, 1.0], None),
        ("log_mass", [99.0], "", {"column": "logM"}, [np.nan], "1 of 1 values became null"),
        ("log_sfr", [0.1, 2.0], "", {"column": "SFR"}, [0.1, 2.0],
         "2 values within 0.1 ... 2 can be logarithms or star formation rates in Msun/yr (convert: log10): taken as logarithms"),
        ("log_sfr", [0.1] * 9 + [2.0, 0.3, -0.01], "", {"column": "SFR"}, [0.1] * 9 + [2.0, 0.3, -0.01], "12 values within -0.01 ... 2 can be"),
        ("log_nii_ha_cen", [0.3, 0.6], "", {"column": "NII_Ha"}, [0.3, 0.6], "can be logarithms or ratios (convert: log10)"),
        ("metallicity_lw", [0.2, 0.15, 0.25, 0.3, 0.1], "", {"column": "met"}, [0.2, 0.15, 0.25, 0.3, 0.1], "(unit: Z/Zsun): taken as logarithms"),
        ("metallicity_lw", [0.2, -0.15, 0.25], "", {"column": "met"}, [0.2, -0.15, 0.25], None),
        ("log_sigma_mass", [0.2, 0.5], "", {"column": "Sigma"}, [0.2, 0.5], "can be logarithms or linear densities"),
        ("log_sigma_mass", [0.2, 2.5], "", {"column": "Sigma"}, [0.2, 2.5], None),
        ("e_log_nii_ha_cen", [0.2, 0.5], "", {"column": "e_NII"}, [0.2, 0.5], "2 values within 0.2 ... 0.5: taken as errors in dex"),
        ("e_log_nii_ha_cen", [0.2, 0.5], "", {"column": "e_log_NII"}, [0.2, 0.5], None),
        ("re_kpc", [0.0, 1.0], "", {"column": "logRe", "unit": "log10(kpc)"}, [1.0, 10.0], None),
        ("re_kpc", [0.5, 1.0], "", {"column": "logRe", "convert": "none"}, [0.5, 1.0], None),
    ],
)  # fmt: skip
def test_linear_or_logarithm_is_never_guessed_in_silence(name, cells, unit, spec, expected, words):
    """What is stated holds; where the numbers can be either, a note has their range, what they can be, and how they were taken."""
    values, _, _, notes = canonical(cells, name, unit, **spec)
    np.testing.assert_allclose(values, expected, atol=1e-6)
    assert (words is None and notes == []) or (len(notes) == 1 and words in notes[0])


def test_values_that_become_null_are_noted_if_they_are_many():
    cells = [10.0, 9.5, 11.0, 10.5, 99.0, 98.0, 0.5, 10.2]
    values, _, counts, notes = canonical(cells, "log_mass")
    assert values.isna().tolist() == [False] * 4 + [True] * 3 + [False] and counts["out_of_range"] == 3
    assert notes == ["3 of 8 values became null, being outside 3 ... 14 [log10(Msun)] after conversion (none); the first is 99 in row 5"]
    assert canonical([10.0 + 0.01 * i for i in range(40)] + cells[4:7], "log_mass")[3] == []  # three of 43; the audit counts them
    notes = canonical([200.0, 20.0, -3.0, 5.0, -1.0, -2.0], "log_ew_ha", "Angstrom")[3]
    assert len(notes) == 1 and "3 of 6 values became null" in notes[0] and "the first is -3 in row 3" in notes[0]


def test_a_number_far_from_the_others_may_be_a_code():
    """-9 and -1 are no default sentinels, as they may be values; several of them, apart from all others, are noted."""
    cells = [0.1, -0.5, 1.2, 0.4, -1.0]
    values, _, _, notes = canonical([*cells, -9.0, -9.0], "log_sfr")
    assert values.tolist()[-1] == -9 and len(notes) == 1
    assert "-9 comes 2 times, the other 5 values are within -1 ... 1.2: taken as a value" in notes[0] and "`missing`" in notes[0]
    assert canonical([*cells, -9.0, -9.0], "log_sfr", missing=[-9])[3] == []
    for others in ([-9.0], [-2.0, -2.0], [-9.0, -9.1]):
        assert canonical([*cells, *others], "log_sfr")[3] == []


def test_convert_none_takes_the_numbers_as_they_are():
    values, how, _, _ = canonical([2.0, 9.9], "log_age_lw", "log(Gyr)", convert="none", minimum=0)
    assert values.tolist() == [2.0, 9.9] and how == "none"


# --- joining ---------------------------------------------------------------------------------------------------------


def galaxies(names, ra=None, dec=None):
    n = len(names)
    frame = pd.DataFrame(
        {"galaxy": pd.Series(names, dtype=object), "pointing": [name.rsplit("_", 1)[0] for name in names]}
    )
    for name in NUMBERS:
        frame[name] = np.nan
    for name in (*TEXT, "table_row"):
        frame[name] = pd.Series([None] * n, dtype=object)
    if ra is not None:
        frame["ra"], frame["dec"] = np.array(ra, float), np.array(dec, float)
    return frame


def joined(tmp_path, frame, text, tolerance=30.0, on_mismatch="note", **table):
    (tmp_path / "t.csv").write_text(text)
    return join(frame, {"path": str(tmp_path / "t.csv"), **table}, TYPES, tolerance, on_mismatch)


def test_a_name_at_another_place_is_noted_or_refused(tmp_path):
    text = "n,RA,DE,z\nNGC 1,10.0,20.5,0.01\nNGC 2,11.0,20.0,0.02\n"
    columns = {"ra": "RA", "dec": "DE", "redshift": "z"}
    frame = galaxies(["NGC0001", "NGC0002"], [10.0, 371.0], [20.0, 20.001])
    _, _, notes = joined(tmp_path, frame, text, key="n", columns=columns)
    assert [(note.kind, note.galaxies) for note in notes] == [("position", "NGC0001")]
    assert (
        "NGC0001 is at (10.00000, 20.00000) deg before and 'NGC 1' at (10.00000, 20.50000) in row 1"
        in notes[0].detail
    )
    assert "1800.0 arcsec apart; the limit is 30" in notes[0].detail
    with pytest.raises(CubespaceError, match=r"t\.csv: same name, different place: NGC0001"):
        joined(
            tmp_path,
            galaxies(["NGC0001"], [10.0], [20.0]),
            text,
            on_mismatch="stop",
            key="n",
            columns=columns,
        )


def test_join_by_position(tmp_path):
    text = "RA,DE,m\n10.0005,20.0,9.5\n359.9999,0.0,10.5\n200.0,0.0,11\n"
    frame = galaxies(["A", "B", "C"], [10.0, 0.0001, 200.01], [20.0, 0.0, 0.0])
    matched, _, notes = joined(
        tmp_path, frame, text, match_radius=3, columns={"ra": "RA", "dec": "DE", "log_mass": "m"}
    )
    assert matched.tolist() == [True, True, False]
    assert frame["log_mass"].tolist()[:2] == [9.5, 10.5] and np.isnan(frame["log_mass"][2])
    assert [(note.kind, note.galaxies) for note in notes] == [("joined_by_position", "A B")]
    with pytest.raises(CubespaceError, match="match_radius needs the columns ra and dec"):
        joined(tmp_path, galaxies(["A"], [1.0], [1.0]), text, match_radius=3, columns={"log_mass": "m"})


def test_names_go_before_positions(tmp_path):
    text = "n,RA,DE,m\nA,50.0,0.0,9\nother,10.0,20.0,10\n"
    frame = galaxies(["A", "B"], [10.0, 10.0], [20.0, 20.0])
    joined(tmp_path, frame, text, key="n", match_radius=5, columns={"ra": "RA", "dec": "DE", "log_mass": "m"})
    assert frame["log_mass"].tolist() == [9, 10] and frame["table_row"].tolist() == ["A", "other"]


def test_rows_of_one_galaxy(tmp_path):
    columns = {"log_mass": "m"}
    with pytest.raises(
        CubespaceError, match=r"more than one row, with different values, for A \(rows 1, 3\)"
    ):
        joined(tmp_path, galaxies(["A"]), "n,m\nA,9\nB,10\na,11\n", key="n", columns=columns)
    frame = galaxies(["A"])
    _, _, notes = joined(
        tmp_path, frame, "n,m\nA,9\nX,1\nX,2\na,9\n", key="n", columns=columns
    )  # X is nobody's
    assert frame["log_mass"].tolist() == [9.0] and [note.kind for note in notes] == ["duplicate_row"]


def test_types_of_a_table(tmp_path):
    text = "n,t,T,a,b\nA,SB(s)bc pec,4.1,S,bc\nB,Sc+Sc,-5,E,4\nC,Sc+Sc,0,S,0\nD,?,99,I,\nE,zero,3,S,a\n"
    frame = galaxies(list("ABCD"))
    _, audit, notes = joined(tmp_path, frame, text, key="n", columns={"morphology": "t"})
    assert frame["morphology"].tolist() == ["Sbc", None, None, None]
    assert [(note.kind, note.galaxies) for note in notes] == [
        ("unmapped_type", "B C")
    ]  # E is not in the sample
    assert notes[0].detail == "morphological type 'Sc+Sc': 2 galaxies, not known" and audit[0].used == 1
    joined(tmp_path, frame, text, key="n", columns={"morphology": {"column": "T", "scheme": "rc3"}})
    assert frame["morphology"].tolist() == ["Sbc", "E", "S0a", None]  # the first table goes before
    frame = galaxies(list("ABCD"))
    joined(tmp_path, frame, text, key="n", columns={"morphology": {"column": ["a", "b"]}})
    assert frame["morphology"].tolist() == ["Sbc", "E4", "S0", "I"]
    with pytest.raises(CubespaceError, match="scheme 'rc4' of morphology: allowed: names, rc3, califa_dr3"):
        joined(tmp_path, frame, text, key="n", columns={"morphology": {"column": "T", "scheme": "rc4"}})


@pytest.mark.parametrize("missing", [[0], [0.0], ["0"], ["0.00", "bad"]])
def test_missing_values_of_texts_are_compared_as_numbers(tmp_path, missing):
    text = "n,t,c\nA,4.1,0.0\nB,0.0,AGN\nC,-5,0\nD,0,bad\n"
    frame = galaxies(list("ABCD"))
    columns = {"morphology": {"column": "t", "scheme": "rc3", "missing": missing}, "nuclear_class": {"column": "c", "missing": missing}}
    _, audit, notes = joined(tmp_path, frame, text, key="n", columns=columns)
    assert frame["morphology"].tolist() == ["Sbc", None, "E", None] and audit[0].sentinel == 2 and notes == []
    assert frame["nuclear_class"].tolist() == [None, "AGN", None, None if "bad" in missing else "bad"]


def test_numeric_names(tmp_path):
    frame = galaxies(["001", "1237649770260463687"])
    joined(
        tmp_path,
        frame,
        "id,m\n1,9\n001,10\n1237649770260463688,1\n1237649770260463687,11\n",
        key="id",
        columns={"log_mass": "m"},
    )
    assert frame["log_mass"].tolist() == [10, 11]


def test_plain_numbers_but_for_what_stands_for_missing():
    """Words and codes, also a code in quotes or gone through float32; an infinity always; zero and negative numbers stay."""
    column = pd.Series(["1.5", "-9", "none", None, "inf", "0", "-3"], dtype=object)
    values, counts = known_numbers(column, ["-9", "none"], "t.csv: column 'n'")
    np.testing.assert_array_equal(values, [1.5, np.nan, np.nan, np.nan, np.nan, 0, -3])
    assert counts == {"missing": 2, "sentinel": 2}  # the word and the empty cell; -9 and inf
    single = pd.Series([np.float32(-99.9), -99.8, 7])
    np.testing.assert_array_equal(known_numbers(single, [-99.9], "t")[0], [np.nan, -99.8, 7])
    with pytest.raises(CubespaceError, match=r"t.csv: column 'n'.*'x'"):
        known_numbers(pd.Series(["1", "x"], dtype=object), [], "t.csv: column 'n'")
