"""Tables of fixed places, and ECSV: a value that astropy would cut to another number is refused, and a quote that takes in rows."""

import numpy as np
import pytest
from astropy.table import Table

from cubespace.errors import CubespaceError
from cubespace.tables import read_table

BYTES = (
    "Title: x\nAuthors: y\nTable: z\n" + "=" * 80 + "\nByte-by-byte Description of file: t.txt\n" + "-" * 80 + "\n"
    "   Bytes Format Units   Label     Explanations\n" + "-" * 80 + "\n"
    "   1-  7 A7     ---     Name      name\n   9- 14 F6.3   [Msun]  logM      ? mass\n  16- 20 F5.3   ---     z         ? redshift\n"
    "      21 A1     ---     f         ? flag of z, right after it\n" + "-" * 80 + "\n"
)  # fmt: skip
BARS = "|name  |z     |\n|char  |double|\n|      |      |\n"
ECSV = "# %ECSV 1.0\n# ---\n{}# datatype:\n# - {{name: n, datatype: string}}\n# - {{name: t, datatype: string}}\n"


RULE, ROWS = "-" * 80 + "\n", ["NGC 1   10.512 0.015\n", "IC 10    9.000 0.020\n", "NGC 224  8.500 0.030\n"]


def read(tmp_path, content, name, **options):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(tmp_path / name, **options)


def test_values_that_fit(tmp_path):
    table = read(tmp_path, BYTES + "NGC 1   10.512 0.015:\nIC 10                \nNGC 224 -9.500 0.020\n", "t.mrt")
    assert table["z"].tolist()[::2] == [0.015, 0.02] and table["f"].tolist() == [":", None, None] and table["logM"].tolist()[2] == -9.5
    table = read(tmp_path, "\\k = 1\n" + BARS + " NGC 1  0.015  \n IC 10  0.0212\n NGC123 0.02\n", "t.tbl")
    assert table["z"].tolist() == [0.015, 0.0212, 0.02] and table["name"].tolist() == ["NGC 1", "IC 10", "NGC123"]


@pytest.mark.parametrize(
    "text",
    [
        "".join(ROWS) + RULE,
        ROWS[0] + RULE + ROWS[1] + ROWS[2],
        ROWS[0] + "=" * 80 + "\n\n" + ROWS[1] + RULE + ROWS[2] + RULE,
        "Note (1): of the survey.\n   and more\n" + RULE + "".join(ROWS),
        "Note (1) = of the survey\n" + RULE + "Global notes:\n  two\n" + RULE + ROWS[0] + RULE + "".join(ROWS[1:]) + RULE + "References: none\n",
        ROWS[0] + RULE + ROWS[1].replace("IC 10 ", "Leo A:") + ROWS[2],
        "\r\n".join(row.strip("\n") for row in ROWS),
    ],
)
def test_all_rows_of_a_machine_readable_table(tmp_path, text):
    table = read(tmp_path, BYTES + text, "t.mrt")
    assert table["Name"].tolist()[::2] == ["NGC 1", "NGC 224"] and table["z"].tolist() == [0.015, 0.02, 0.03]
    with pytest.raises(CubespaceError, match=r"t\.mrt: row [123]: found .* at bytes 7 and 8"):  # before a ruled line too
        read(tmp_path, BYTES + text.replace("NGC 1   1", "NGC 1234 "), "t.mrt")


@pytest.mark.parametrize(
    "heading",
    ["Note 1: of the survey.", "Notes.\n (1) of the survey", "Note (1,2): of the survey", "Notes on the columns:\n  some words", "Note on z: of 2011",
     "Flag (1): from 12 to 15", "Units: mag", "(1) Magnitudes of the survey, 0.015", "Abbreviations used: none", "Flags:", "(1) 10"],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", RULE])
def test_notes_above_the_rows_without_a_usual_heading(tmp_path, heading, end):
    table = read(tmp_path, BYTES + heading + "\n" + RULE + ROWS[0] + RULE + "".join(ROWS[1:]) + end, "t.mrt")
    assert table["Name"].tolist() == ["NGC 1", "IC 10", "NGC 224"] and table["z"].tolist() == [0.015, 0.02, 0.03]
    lines = heading.split("\n")
    words = f"{len(lines)} lines above a ruled line were taken for notes, as they do not fit the columns, the first is {lines[0]!r}"
    assert table.attrs["notes"] == [words]


def test_rows_beside_ruled_lines(tmp_path):
    """A section with a cell that is no number is left out, and noted; the last one is refused."""
    table = read(tmp_path, BYTES + ROWS[0] + "IC 10    9.000 n.a. \n" + RULE + ROWS[2], "t.mrt")
    assert table["Name"].tolist() == ["NGC 224"]
    assert table.attrs["notes"][0].startswith("2 lines above a ruled line were taken for notes") and "'NGC 1   10.512 0.015'" in table.attrs["notes"][0]
    with pytest.raises(CubespaceError, match=r"t\.mrt: row 2: column 'z': found 'n\.a\.'; expected a number"):
        read(tmp_path, BYTES + ROWS[0] + RULE + "IC 10    9.000 n.a. \n", "t.mrt")
    texts = "".join(BYTES.splitlines(True)[:8]) + "   1-  7 A7     ---     Name      name\n   9- 14 A6     ---     type      type\n" + RULE
    table = read(tmp_path, texts + "Note on types: of 1991\n" + RULE + "NGC 1   Sb\n" + RULE + "IC 10   Im\n", "t.mrt")
    assert table["type"].tolist() == ["Sb", "Im"] and len(table.attrs["notes"]) == 1


def test_machine_readable_tables_that_are_not_one(tmp_path):
    with pytest.raises(CubespaceError, match=r"t\.mrt: 'Byte-by-byte .*' found at the start of lines 5, 15; expected one, as for one table"):
        read(tmp_path, BYTES + ROWS[0] + BYTES.split("=\n")[1] + ROWS[1], "t.mrt")
    with pytest.raises(CubespaceError, match=r"t\.mrt: found 2 ruled lines after 'Byte-by-byte Description of file: t\.txt'; expected one above and two"):
        read(tmp_path, BYTES.removesuffix(RULE) + ROWS[0], "t.mrt")


@pytest.mark.parametrize("null", ["", "? ", '?="" ', "?=9.99 "])
def test_blank_cells_are_missing(tmp_path, null):
    table = read(tmp_path, BYTES.replace("? mass", null + "mass").replace("? redshift", null + "redshift") + ROWS[0] + "IC 10\n", "t.mrt")
    np.testing.assert_array_equal(table[["logM", "z"]], [[10.512, 0.015], [np.nan, np.nan]])
    np.testing.assert_array_equal(read(tmp_path, BARS + " NGC 1  0.015  \n        0.02   \n IC 10         \n", "t.tbl")["z"], [0.015, 0.02, np.nan])


def test_null_values_are_numbers(tmp_path):
    """9.990 is the null value 9.99, -01 is -1; in a column of names the text counts."""
    head = BYTES.replace("? mass", "?=9.99 mass").replace("? redshift", "?=-1 redshift").replace("name\n", "?=-1 name\n")
    table = read(tmp_path, head + "-1.0     9.990 -1.00\n-1      09.99  0.020\nNGC 1    9.991 -1\n", "t.mrt")
    assert table["Name"].tolist() == ["-1.0", None, "NGC 1"]
    np.testing.assert_array_equal(table["logM"], [np.nan, np.nan, 9.991])
    np.testing.assert_array_equal(table["z"], [np.nan, 0.02, np.nan])
    bars = "|name  |z      |k   |\n|char  |double |int |\n|      |       |    |\n|null  |-9.99  |-9  |\n"
    table = read(tmp_path, bars + " NGC 1  -9.990  4   \n null   -9.98   -09 \n", "t.tbl")
    assert table["name"].tolist() == ["NGC 1", None]
    np.testing.assert_array_equal(table[["z", "k"]], [[np.nan, 4], [-9.98, np.nan]])
    ids = read(tmp_path, bars + " NGC 1  -9.990  004 \n null   -9.98   -09 \n", "t.tbl", text=("k",))["k"]
    assert ids.tolist() == ["004", None]


WHOLE = BYTES.replace("9- 14 F6.3", "9- 14 I6  ")
INTEGERS = BARS.replace("|z     |", "|k     |").replace("double", "int   ")


@pytest.mark.parametrize("word", ["...", "---", "-", "N/A", "null", "NaN", "INDEF"])
def test_words_for_missing_among_numbers(tmp_path, word):
    """In columns of whole numbers too, with a null value of the table's own or without; in columns of text they are text."""
    for head in (BYTES, BYTES.replace("? redshift", "redshift"), BYTES.replace("? redshift", "?=-1 redshift")):
        table = read(tmp_path, head + f"NGC 1   10.512 0.015\n{word:7} 9.500  {word}\n", "t.mrt")
        assert table["Name"].tolist() == ["NGC 1", word] and table["logM"].tolist() == [10.512, 9.5]
        np.testing.assert_array_equal(table["z"], [0.015, np.nan])
    np.testing.assert_array_equal(read(tmp_path, WHOLE + f"NGC 1       12 0.015\nIC 10   {word:>6} 0.020\n", "t.mrt")["logM"], [12, np.nan])
    np.testing.assert_array_equal(read(tmp_path, BARS + f" NGC 1  0.015 \n IC 10  {word}\n", "t.tbl")["z"], [0.015, np.nan])
    np.testing.assert_array_equal(read(tmp_path, INTEGERS + f" NGC 1  12\n IC 10  {word}\n", "t.tbl")["k"], [12, np.nan])
    assert read(tmp_path, INTEGERS + f" NGC 1  012\n IC 10  {word}\n", "t.tbl", text=("k",))["k"].tolist() == ["012", None]


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (BYTES + ROWS[0] + "IC 10    9.000 0.02x\n", "t.mrt", "row 2: column 'z': found '0.02x'; expected a number"),
        (BYTES + ROWS[0] + "IC 10    1_000 0.020\n", "t.mrt", "row 2: column 'logM': found '1_000'; expected a number"),
        (WHOLE + "NGC 1     12.0 0.015\n", "t.mrt", "row 1: column 'logM': found '12.0'; expected a whole number"),
        (BARS + " NGC 1  0.015\n IC 10  <0.1\n", "t.tbl", "row 2: column 'z': found '<0.1'; expected a number"),
        (INTEGERS + " NGC 1  12\n IC 10  inf\n", "t.tbl", "row 2: column 'k': found 'inf'; expected a whole number"),
    ],
)
def test_cells_that_are_no_numbers(tmp_path, text, name, words):
    with pytest.raises(CubespaceError, match=rf"{name}: {words}"):
        read(tmp_path, text, name)


def test_other_spellings_of_numbers(tmp_path):
    table = read(tmp_path, WHOLE + "NGC 1      \u221212 1.D-2\nIC 10        7 .02\n", "t.mrt")
    assert table["logM"].tolist() == [-12, 7] and table["z"].tolist() == [0.01, 0.02]
    wide = "|id                   |\n|long                 |\n"
    assert read(tmp_path, wide + " 4611686018427387905  \n", "t.tbl")["id"].tolist() == [4611686018427387905]


def test_the_description_of_bytes_in_any_case(tmp_path):
    for words in ("Byte-by-byte Description of File", "BYTE-BY-BYTE DESCRIPTION OF FILE"):
        table = read(tmp_path, BYTES.replace("Byte-by-byte Description of file", words) + "".join(ROWS), "t.txt")
        assert table["z"].tolist() == [0.015, 0.02, 0.03]


@pytest.mark.parametrize("name", ["t.mrt", "t.tbl"])
def test_names_in_latin_1(tmp_path, name):
    text = {"t.mrt": BYTES + "Caf\u00e9 1   9.512 0.015\n", "t.tbl": BARS + " Caf\u00e9 1 0.015  \n"}[name]
    table = read(tmp_path, text.encode("latin-1"), name)
    assert table.iloc[0, 0] == "Caf\u00e9 1" and table["z"][0] == 0.015
    assert len(table.attrs["notes"]) == 1 and table.attrs["notes"][0].endswith("read as Latin-1")


@pytest.mark.parametrize(
    ("text", "name"),
    [(BYTES.replace("logM", "z   ") + ROWS[0], "t.mrt"), (BARS.replace("name  ", "z     ") + " NGC 1  0.015  \n", "t.tbl")],
)
def test_a_column_twice(tmp_path, text, name):
    with pytest.raises(CubespaceError, match=rf"{name}: column\(s\) more than once: z"):
        read(tmp_path, text, name)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("NGC 1   110.512 0.015", "110.512 0.015' at bytes 14 and 15"),  # 110.51 and 0.01
        ("NGC 1   10.5123 0.01", "at bytes 14 and 15"),
        ("NGC 12  10.512-0.015", "at bytes 14 and 15"),
        ("NGC 1234  9.512 0.015", "'NGC 1234  9.512 0.015' at bytes 7 and 8"),
    ],
)
def test_values_beyond_their_bytes(tmp_path, row, words):
    with pytest.raises(CubespaceError, match=r"t\.mrt: row 2: found .*" + words):
        read(tmp_path, BYTES + "NGC 1   10.512 0.015\n" + row + "\n", "t.mrt")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (" NGC 1  0.0123456", "across the bar at place 15"),  # 0.0123
        (" NGC 1  12345678.9", "across the bar at place 15"),
        (" NGC 12345  0.01", "'NGC 12345  0.01' across the bar at place 8"),
        (" NGC 1  0.01   x", "across the bar at place 15"),
        (" NGC 1\t0.01", "a tab, where columns have their places"),
    ],
)
def test_values_across_bars(tmp_path, row, words):
    with pytest.raises(CubespaceError, match=r"t\.tbl: row 2: .*" + words):
        read(tmp_path, BARS + " NGC 2  0.02  \n" + row + "\n", "t.tbl")


@pytest.mark.parametrize(("delimiter", "sign"), [("", " "), ("# delimiter: ','\n", ",")])
@pytest.mark.parametrize("rows", ['"N1_Sb\nN2"_Sc\nN3_E\n', 'N1_"Sb\nN2_Sc\nN3_E"\nN4_E\n', '"N1"_"Sb\n"N2"_"Sc"\n'])
def test_quotes_of_ecsv(tmp_path, delimiter, sign, rows):
    with pytest.raises(CubespaceError, match=r"t\.ecsv: row 1: a quote "):
        read(tmp_path, ECSV.format(delimiter) + ("n_t\n" + rows).replace("_", sign), "t.ecsv")


def test_ecsv_with_cells_of_several_lines(tmp_path):
    """With commas; where blanks part the columns such a cell cannot be told from rows that a quote took in."""
    table = Table({"n": ["A", "B 1", "C", "D"], "t": ["one\ntwo, three", 'the "inner" part', "", "plain"]})
    table.write(tmp_path / "t.ecsv", delimiter=",")
    assert read_table(tmp_path / "t.ecsv")["t"].tolist() == [*table["t"][:2], None, "plain"]
    table.write(tmp_path / "t.ecsv", delimiter=" ", overwrite=True)
    with pytest.raises(CubespaceError, match=r"t\.ecsv: row 1: a quote is opened in 'A \"one' and holds a further row"):
        read_table(tmp_path / "t.ecsv")
    table[1:].write(tmp_path / "t.ecsv", delimiter=" ", overwrite=True)
    assert read_table(tmp_path / "t.ecsv")["n"].tolist() == ["B 1", "C", "D"]
