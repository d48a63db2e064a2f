"""Positions in several columns or in hours, redshifts of another frame, and what stands for missing in quotes."""

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from conftest import ROOT
from cubespace.errors import CubespaceError
from cubespace.morphology import read_types
from cubespace.populations import catalogues as cat
from cubespace.properties import NUMBERS, TEXT, canonical_values, join, numbers_of
from cubespace.sphere import joined

TYPES = read_types(ROOT / "resources/morphology.csv")
PARTS = pd.DataFrame(
    {"RAh": [0, 23, 12], "RAm": [30, 59, 0], "RAs": [36.0, 56.5, 7.25], "DE-": ["-", "+", None], "DEd": [0, 41, 89], "DEm": [30, 16, 59], "DEs": [0, 9, 59.5]}
)
RA, DEC = ["RAh", "RAm", "RAs"], ["DE-", "DEd", "DEm", "DEs"]


def galaxies(names):
    """Galaxies of which nothing but the name is known."""
    frame = pd.DataFrame({"galaxy": pd.Series(names, dtype=object), "pointing": names, **dict.fromkeys(NUMBERS, np.nan)})
    return frame.assign(**{name: pd.Series([None] * len(names), dtype=object) for name in (*TEXT, "table_row")})


def test_parts_of_angles():
    """0h30m36s is 7.65 deg, -0d30m is -0.5: the sign stands before a zero."""
    PARTS.attrs["units"] = {"RAh": "h"}
    ra, _, counts, notes = numbers_of(PARTS, "ra", {"column": RA}, "t")
    np.testing.assert_allclose(ra, [7.65, 359.98541666667, 180.03020833333], atol=1e-9)
    dec = numbers_of(PARTS, "dec", {"column": DEC}, "t")[0]
    np.testing.assert_allclose(dec, [-0.5, 41.26916666667, 89.99986111111], atol=1e-9)
    assert counts == {"missing": 0, "sentinel": 0, "out_of_range": 0} and notes == []
    gap = PARTS.astype(object)
    gap.iloc[1] = None
    assert joined(gap[RA])[0] == ["0 30 36", None, "12 0 7.25"] and joined(gap[DEC])[0] == ["-0 30 0", None, "89 59 59.5"]
    north = PARTS.assign(**{"DE-": [None, None, None]})
    assert joined(north[DEC]) == (["0 30 0", "41 16 9", "89 59 59.5"], [])


def test_a_right_ascension_has_no_sign():
    """1h 3m 5s, whatever its columns are named; as a declination 'deg' would say that the first column is the sign."""
    table = pd.DataFrame({"RA_hour": ["1", "2"], "RA_deg": ["3", "0"], "s": ["5", "0"]})
    table.attrs["units"] = {}
    ra = numbers_of(table, "ra", {"column": list(table)}, "t")[0]
    np.testing.assert_allclose(ra, [15 + 45 / 60 + 75 / 3600, 30], rtol=1e-12)


SOUTH = -(30 / 60 + 15 / 3600)  # -0d30m15s
ZERO = "1 rows have 0 degrees without a sign, the first is row 1: taken as north"
RULES = (
    "Title: x\nAuthors: y\nTable: z\n" + "=" * 80 + "\nByte-by-byte Description of file: t.txt\n" + "-" * 80 + "\n"
    "   Bytes Format Units   Label     Explanations\n" + "-" * 80 + "\n"
    "   1-  1 A1     ---     n         name\n   3-  5 I3     deg     DEd       degrees\n   7-  8 I2     arcmin  DEm       minutes\n"
    "  10- 13 F4.1   arcsec  DEs       seconds\n" + "-" * 80 + "\n"
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "columns", "expected", "note"),
    [
        ("n,DEd,DEm,DEs\nA,-0,30,15\nB,0,30,15\nC,5,30,0\n", None, [SOUTH, -SOUTH, 5.5], None),
        ("n,DEd,DEm,DEs\nA,-00,30,15.0\nB,+00,30,15\nC,+05,30,0\n", None, [SOUTH, -SOUTH, 5.5], None),
        ("n,DEd,DEm,DEs\nA,-0.0,30.0,15.0\nB,-5.0,30,0\nC,,,\n", None, [SOUTH, -5.5, np.nan], None),
        ("n,DEd,DEm\nA,-0,30\nB,N/A,-\nC,-5,30\n", ["DEd", "DEm"], [-0.5, np.nan, -5.5], None),
        ("n;DEd;DEm;DEs\nA;-0;30;15,0\nB;0;30;15,0\nC;5;30;1,8\n", None, [SOUTH, -SOUTH, 5.5005], None),
        ("n,DEd,DEm,DEs\nA,0,30,15\nB,-5,30,0\nC,5,30,0\n", None, [-SOUTH, -5.5, 5.5], ZERO),
        ("n,DEsgn,DEd,DEm,DEs\nA,-1,0,30,15\nB,1,5,30,0\nC,,5,30,0\n", ["DEsgn", "DEd", "DEm", "DEs"], [SOUTH, 5.5, 5.5], None),
        ("n,s,DEd,DEm,DEs\nA,-1.0,0,30,15\nB,+1,5,30,0\nC,-,5,30,0\n", ["s", "DEd", "DEm", "DEs"], [SOUTH, 5.5, -5.5], None),
        ("n,sign,deg,m\nA,-1,0,30\nB,1,5,30\nC,1,0,30\n", ["sign", "deg", "m"], [-0.5, 5.5, 0.5], None),
        ("n,sign,x,m\nA,-1,0,30\nB,1,5,30\nC,1,0,30\n", ["sign", "x", "m"], [-0.5, 5.5, 0.5], None),
        ("n,s,DEd,DEm\nA,-1,0,30\nB,1,5,30\nC,1,0,30\n", ["s", "DEd", "DEm"], [-0.5, 5.5, 0.5], None),
        ("n,s,DEd,DEm\nA,-,0,30\nB,+,5,30\nC,,0,30\n", ["s", "DEd", "DEm"], [-0.5, 5.5, 0.5], None),
        ("n,a,b,c\nA,1,30,0\nB,-1,30,0\nC,1,0,36\n", ["a", "b", "c"], [1.5, -1.5, 1.01], None),  # degrees, not signs
        (RULES + "A -00 30 15.0\nB   0 30 15.0\nC  -5 30  0.0\n", None, [SOUTH, -SOUTH, -5.5], None),
        ("|n |DEd|DEm|DEs |\n|char|int|int|double|\n".replace("|n |DEd|DEm|DEs |", "|n   |DEd|DEm|DEs   |")
         + " A    -00 30  15.0  \n B    00  30  15.0  \n C    -5  30  0.0   \n", None, [SOUTH, -SOUTH, -5.5], None),
    ],
)  # fmt: skip
def test_the_sign_of_declinations_near_the_equator(tmp_path, text, columns, expected, note):
    """Between 0 and -1 deg the sign is all that parts south from north, and a number has none of a zero."""
    (tmp_path / "t.dat").write_text(text)
    frame = galaxies(["A", "B", "C"])
    table = {"path": str(tmp_path / "t.dat"), "key": "n", "columns": {"dec": {"column": columns or ["DEd", "DEm", "DEs"]}}}
    notes = join(frame, table, TYPES, 30.0, "note")[2]
    np.testing.assert_allclose(frame["dec"], expected, atol=1e-9)
    assert [words.detail.split(": ", 1)[1][: len(ZERO)] for words in notes] == ([note] if note else [])


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("n,s,d,m\nA,2,0,30\n", ["s", "d", "m", "m"], "row 1: found 'sign 2: 0 30 30'; expected a number"),
        ("n,DEsgn,d,m\nA,S,0,30\n", ["DEsgn", "d", "m"], "row 1: found 'sign S: 0 30'"),
        ("n,DEsgn,d,m\nA,-,-5,30\n", ["DEsgn", "d", "m"], "row 1: found '--5 30'"),
        ("n,DE-,DEd,DEm\nA,-,5,30\n", ["DEd", "DEm"], r"without the column of the sign, 'DE-'; expected \['DE-', 'DEd', 'DEm'\]"),
    ],
)
def test_signs_that_are_none_or_left_out(tmp_path, text, columns, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(CubespaceError, match=words):
        join(galaxies(["A"]), {"path": str(tmp_path / "t.csv"), "key": "n", "columns": {"dec": {"column": columns}}}, TYPES, 30.0, "note")


def test_whole_degrees_of_a_binary_table_have_no_minus_zero(tmp_path):
    Table({"n": ["A", "B"], "DEd": [0, -5], "DEm": [30, 30]}).write(tmp_path / "t.fits")
    frame = galaxies(["A", "B"])
    (note,) = join(frame, {"path": str(tmp_path / "t.fits"), "key": "n", "columns": {"dec": {"column": ["DEd", "DEm"]}}}, TYPES, 30.0, "note")[2]
    assert frame["dec"].tolist() == [0.5, -5.5] and ZERO in note.detail


@pytest.mark.parametrize(("name", "column"), [("ra", "RAh"), ("dec", "DEd")])
def test_a_part_alone_is_refused(name, column):
    PARTS.attrs |= {"units": {}, "columns": list(PARTS)}
    with pytest.raises(CubespaceError, match=rf"t: column '{column}' for {name}: one part of an angle, beside 'RAm'|'DE-', 'DEm', 'DEs'"):
        numbers_of(PARTS, name, {"column": column}, "t")
    alone = PARTS[[column]].copy()
    alone.attrs = {"units": {column: "hourangle" if name == "ra" else "deg"}, "columns": [column]}
    assert numbers_of(alone, name, {"column": column}, "t")[0].tolist() == pytest.approx([0.0, 345.0, 180.0] if name == "ra" else [0.0, 41.0, 89.0])
    other = pd.DataFrame({"d": [1.0], "m": [10.0]})
    other.attrs = {"units": {}, "columns": ["d", "m"]}
    assert numbers_of(other, "dec", {"column": "d"}, "t")[0].tolist() == [1.0]  # m is a mass


def test_a_list_of_columns_that_is_no_angle():
    with pytest.raises(CubespaceError, match=r"t: column \['RAh', 'RAm'\] for log_mass: expected one column"):
        numbers_of(PARTS, "log_mass", {"column": ["RAh", "RAm"]}, "t")


def test_a_part_of_an_angle_in_a_catalogue(tmp_path):
    (tmp_path / "g.csv").write_text("g,RAh,RAm,dec,z\n7,2,30,1,0.02\n")
    columns = {"group": "g", "ra": "RAh", "dec": "dec", "redshift": "z"}
    with pytest.raises(CubespaceError, match=r"g\.csv: column 'RAh' for ra: one part of an angle"):
        cat.read_groups(tmp_path / "g.csv", columns)


def canonical(cells, name, column, unit="", **spec):
    cells = pd.Series(cells, dtype=object if any(isinstance(c, str) for c in cells) else float)
    return canonical_values(cells, name, {"column": column, **spec}, unit, "t")


@pytest.mark.parametrize("column", ["ra_hours", "RA_h", "RAh", "ra_hr", "hms"])
def test_hours_by_the_name_of_the_column(column):
    with pytest.raises(CubespaceError, match="the name says hours; set unit: hourangle, or unit: deg"):
        canonical([1.5, 23.0], "ra", column)
    assert canonical([1.5, 23.0], "ra", column, unit="deg")[0].tolist() == [1.5, 23.0]
    assert canonical([1.5, 23.0], "ra", column, **{"unit": "hourangle"})[0].tolist() == pytest.approx([22.5, 345.0])
    assert canonical([150.5, 23.0], "ra", column)[0].tolist() == [150.5, 23.0]
    assert canonical(["00:30:00", "1h 0m 0s"], "ra", column)[0].tolist() == [7.5, 15.0]


@pytest.mark.parametrize("cells", [["-000030", "123456"], ["10.5", "+003015.5"]])
def test_an_angle_without_marks(cells):
    row = [cell.lstrip("+-").startswith("00") for cell in cells].index(True) + 1
    for name in ("ra", "dec"):
        with pytest.raises(CubespaceError, match=rf"t: row {row}: found '[+-]00\d+(\.5)?', an angle without marks between its parts\?"):
            canonical(cells, name, name)
    assert canonical(["-00.5", "010.684700"], "dec", "dec")[0].tolist() == [-0.5, 10.6847]


def test_a_number_in_quotes_stands_for_missing():
    for missing in (["-9"], [-9], ["-9.0", "bad"], ["\u22129"]):
        values, _, counts, _ = canonical([0.1, -9.0, -0.3], "log_sfr", "log_sfr", missing=missing)
        assert np.isnan(values[1]) and counts["sentinel"] == 1
    values = canonical(["0.1", "bad", "-9"], "log_sfr", "log_sfr", missing=["-9.0", "bad"])[0]
    assert values.notna().tolist() == [True, False, False]


def test_true_and_false_are_no_numbers():
    with pytest.raises(CubespaceError, match="t: true and false; expected numbers"):
        canonical_values(pd.Series([True, False]), "ellipticity", {"column": "q"}, "", "t")


def test_a_unit_beside_convert_is_noted():
    table = pd.DataFrame({"m": [10.0, 9.0]})
    table.attrs = {"units": {}}
    notes = numbers_of(table, "log_mass", {"column": "m", "unit": "Msun", "convert": "none"}, "t")[3]
    assert notes == ["unit: Msun is not used, as convert: none goes before it"]


@pytest.mark.parametrize("listed", [lambda parts: parts, lambda parts: {"column": parts}])
def test_parts_of_angles_in_a_catalogue(tmp_path, listed):
    """As in a property table: 12h 30m 0.00001s; 30 deg 59' 59" south, and 0 deg 30' south, whose sign is all that says so."""
    (tmp_path / "g.csv").write_text("RAh,RAm,RAs,DE-,DEd,DEm,DEs,d_deg,d_min,d_sec,z,g\n12,30,1e-05,-,30,59,59,-30,59,59,0.02,A\n0,0,0,-,00,30,0,-0,30,0,0.02,A\n")
    ra = [187.5 + 1e-5 / 240, 0]
    for dec in (["DE-", "DEd", "DEm", "DEs"], ["d_deg", "d_min", "d_sec"]):
        found = cat.read_groups(tmp_path / "g.csv", {"ra": listed(RA), "dec": listed(dec), "redshift": "z", "group": "g"})
        np.testing.assert_allclose(found.ra, ra, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.dec, [-(30 + 59 / 60 + 59 / 3600), -0.5], rtol=0, atol=1e-10)
        assert found.notes == ()
    with pytest.raises(CubespaceError, match=r"g\.csv.*'d_sek'"):
        cat.read_groups(tmp_path / "g.csv", {"ra": RA, "dec": listed(["d_deg", "d_min", "d_sek"]), "redshift": "z", "group": "g"})


def test_small_seconds_are_seconds():
    parts = pd.DataFrame({"RAh": [0, 1], "RAm": [7, 0], "RAs": [3e-07, 1.5e1]})
    assert joined(parts, right_ascension=True)[0] == ["0 7 0.0000003", "1 0 15"]
    assert joined(parts.astype(str), right_ascension=True)[0] == ["0 7 0.0000003", "1 0 15"]
