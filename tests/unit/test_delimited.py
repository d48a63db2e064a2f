"""Tables as text: delimiters, encodings, headers, units, decimal commas; a row that does not fit is named."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubespace.delimited import parse_numbers, typed
from cubespace.errors import CubespaceError
from cubespace.tables import read_table

PLAIN = {"galaxy": ["NGC 1", "IC 10"], "z": [0.015, 0.02]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", b"galaxy,z\nNGC 1,0.015\nIC 10,0.02\n"),
        ("bom.csv", b"\xef\xbb\xbfgalaxy,z\nNGC 1,0.015\nIC 10,0.02\n"),
        ("utf16.csv", "galaxy,z\nNGC 1,0.015\nIC 10,0.02\n".encode("utf-16")),
        ("semicolons_and_commas.csv", b"galaxy;z\nNGC 1;0,015\nIC 10;2,0e-2\n"),
        ("tabs.txt", b"galaxy\tz\nNGC 1\t0.015\nIC 10\t0.02\n"),
        ("bars.txt", b"galaxy|z\nNGC 1|0.015\nIC 10|0.02\n"),
        ("blanks.txt", b'  galaxy   z\n "NGC 1"  0.015\n\n"IC 10"\t1.5D-2\n'.replace(b"1.5D-2", b"2.0D-2")),
        ("spaced.csv", b"galaxy , z\nNGC 1 , 0.015 \nIC 10, 0.02\n"),
        ("comments.csv", b"# made by hand\n#\ngalaxy,z\n# half-way\nNGC 1,0.015\nIC 10,0.02\n"),
        ("commented_header.txt", b"# made by hand\n# galaxy\tz\nNGC 1\t0.015\nIC 10\t0.02\n"),
        ("dos.csv", b"galaxy,z\r\nNGC 1,0.015\r\nIC 10,0.02\r\n\x0a"),
        ("dos_end.csv", b"galaxy,z\r\nNGC 1,0.015\r\nIC 10,0.02\r\n\x1a"),
        ("dos_end_of_row.csv", b"galaxy,z\r\nNGC 1,0.015\r\nIC 10,0.02\x1a\r\n"),
        ("old_mac.csv", b"galaxy,z\rNGC 1,0.015\rIC 10,0.02\r"),
        ("quoted.csv", b'"galaxy","z"\n"NGC 1","0.015"\n"IC 10","0.02"\n'),
        ("trailing.csv", b"galaxy,z\nNGC 1,0.015,\nIC 10,0.02,\n"),
        ("packed.csv.gz", gzip.compress(b"galaxy,z\nNGC 1,0.015\nIC 10,0.02\n", mtime=0)),
        ("spreadsheet.csv", b"sep=;\r\ngalaxy;z\r\nNGC 1;0,015\r\nIC 10;0,02\r\n"),
        ("typographer.csv", b"galaxy,z\nNGC 1,0.015\nIC 10,+0.02\n"),
        (
            "vizier.tsv",
            b"#RESOURCE=x\n#Name: y\n\ngalaxy\tz\n \tkm/s\n-----\t---\nNGC 1\t0.015\nIC 10\t0.02\n\n",
        ),
    ],
)
def test_the_same_table_in_every_dialect(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    table = read_table(tmp_path / name)
    assert table.to_dict("list") == PLAIN
    assert table.attrs["units"] == ({"z": "km/s"} if name == "vizier.tsv" else {})


def read(tmp_path, content, name="t.csv", **options):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(tmp_path / name, **options)


def test_what_text_keeps(tmp_path):
    table = read(tmp_path, 'id,note\n001,"a, b\nc"\n010,VV#1\n1237649770260463687,"5"" x"\n')
    assert table["id"].tolist() == ["001", "010", "1237649770260463687"]
    assert table["note"].tolist() == ["a, b\nc", "VV#1", '5" x']
    assert read(tmp_path, "galaxy\nNGC 1\nIC 10\n", "one.txt")["galaxy"].tolist() == ["NGC 1", "IC 10"]
    assert read(tmp_path, "galaxy,n\ncaf\u00e9,1\n".encode("latin-1"))["galaxy"][0] == "caf\u00e9"
    assert read(tmp_path, "id,n\n1,1\n1e5,2\n", text=["id"])["id"].tolist() == ["1", "1e5"]
    units = read(tmp_path, "galaxy,m [Msun],cz (km/s)\nA,3e10,4521\n").attrs["units"]
    assert units == {"m [Msun]": "Msun", "cz (km/s)": "km/s"}


def test_numbers_and_gaps(tmp_path):
    table = read(tmp_path, "a,b,c,d\n1,1,-,x\n2,,2,\u22122\n3,N/A,INDEF,3\n")
    assert table["a"].dtype == np.int64
    np.testing.assert_array_equal(table["b"], [1, np.nan, np.nan])
    np.testing.assert_array_equal(table["c"], [np.nan, 2, np.nan])
    assert table["d"].tolist() == ["x", "\u22122", "3"]
    assert read(tmp_path, "a,b\n\u22121.5,1\n1_0,2\n")["a"].tolist() == [
        "\u22121.5",
        "1_0",
    ]  # no number in any table
    mixed = read(tmp_path, "a;b\n1,5;0.5\n2,5;1.5\n")  # commas beside points: not decimal
    assert mixed["a"].tolist() == ["1,5", "2,5"] and mixed["b"].tolist() == [0.5, 1.5]


def test_without_a_header(tmp_path):
    text = "# id ra dec known-as\nwrapped comment without a mark\n1 10.5 -1.0 Coma cluster\n2 11.5 -2.0 -\n"
    table = read(tmp_path, text, "group.dat", names=["id", "ra", "dec", "known_as"], skip=2)
    assert table["known_as"].tolist() == ["Coma cluster", "-"] and table["ra"].tolist() == [10.5, 11.5]
    with pytest.raises(
        CubespaceError,
        match=r"first row holds numbers \(1 10.5 -1.0 ...\), expected a header; .* needs `names`",
    ):
        read(tmp_path, "1 10.5 -1.0\n2 11.5 -2.0\n", "n.txt")
    with pytest.raises(CubespaceError, match=r"first row holds numbers \(NGC1;0,01;0,02 ...\)"):
        read(tmp_path, "NGC1;0,01;0,02\nNGC2;0,03;0,04\n")


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("# name z\nNGC1 --\nNGC2 0.1\n", ["NGC1", "NGC2"], [None, 0.1]),
        ("#name,z\nNGC1,\nNGC2,0.1\n", ["NGC1", "NGC2"], [None, 0.1]),
        ("# name, z\nNGC1,N/A\nNGC2,0.1\n", ["NGC1", "NGC2"], [None, 0.1]),
        ("#name,z\nNGC1,\n", ["NGC1"], [None]),
        ("#name,z\nNGC1,Sb\nNGC2,Sc", ["NGC1", "NGC2"], ["Sb", "Sc"]),
        ("#name;z\nNGC1;0,01\nNGC2;0,02\n", ["NGC1", "NGC2"], [0.01, 0.02]),
        ("# name z\nNGC1 \u22121.5\nNGC2 2.5\n", ["NGC1", "NGC2"], [-1.5, 2.5]),
        # what stands below the comment is the header
        ("# made by X\nname,z\nNGC1,\nNGC2,0.1\n", ["NGC1", "NGC2"], [None, 0.1]),
        ("#name,redshift\nname,z\nNGC1,\nNGC2,0.1\n", ["NGC1", "NGC2"], [None, 0.1]),  # z above a number
        ("# by hand, checked\nname,z\nNGC1,Sb\nNGC2,Sc\n", ["NGC1", "NGC2"], ["Sb", "Sc"]),  # "name" above digits
        ("# this list was made by hand, mostly\nname,z\nMalin,Sb\nNGC2,Sc\n", ["Malin", "NGC2"], ["Sb", "Sc"]),
        ("#name,Z\nname,z\nMalin,Sb\nNGC2,Sc\n", ["Malin", "NGC2"], ["Sb", "Sc"]),
        ('# {"a": "b", "c": "d"}\nname,z\nMalin,Sb\nNGC2,Sc\n', ["Malin", "NGC2"], ["Sb", "Sc"]),
        ("#Column\tF8.5\nname\tz\n\tkm/s\n----\t----\nNGC1\t\nNGC2\t15\n", ["NGC1", "NGC2"], [None, 15.0]),
    ],
)
def test_a_header_in_the_last_comment_or_below_it(tmp_path, text, first, second):
    table = read(tmp_path, text, "t.txt")
    assert table.columns.tolist() == ["name", "z"] and table["name"].tolist() == first
    assert [None if cell != cell else cell for cell in table["z"]] == second


@pytest.mark.parametrize(
    ("text", "comment", "line"),
    [
        ("# name,type\nNGC1,Sb\nNGC2,Sc\n", "name,type", "NGC1,Sb"),
        ("# galaxy\nNGC 1\nMalin\n", "galaxy", "NGC 1"),
        ("#by hand,checked\nname,type\nNGC1,Sb\nNGC2,Sc\n", "by hand,checked", "name,type"),
        ("#name,type\nMalin,Sb\nNGC2,Sc\n", "name,type", "Malin,Sb"),
        ("# by X, at Y, of Z\n,name,type\n0,A1,Sb\n1,B2,Sc\n", "by X,at Y,of Z", ",name,type"),
    ],
)
def test_a_comment_and_a_line_that_may_both_be_the_header(tmp_path, text, comment, line):
    with pytest.raises(CubespaceError, match=rf"t\.csv: the header may be the comment '{comment}' or the first line '{line}'; .* by `names`"):
        read(tmp_path, text)
    names = ["a", "b", "c"][: line.count(",") + 1]
    assert read(tmp_path, text, names=names).columns.tolist() == names


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b,c\n1,2,3\n4,5\n", "row 2: 2 fields, expected 3 as in the header; `short_rows: fill`"),
        ("a,b\n1,2\n3,4,5\n", "row 2: 3 fields, expected 2 as in the header"),
        ("a,b,a\n1,2,3\n", "more than once: a"),
        ('a,b,c\n1,2,3\n4,5,"x\n6,7,y\n8,9,z\n', 'row 2: a quote is opened and never closed: 4,5,"x'),
        ('a,b,c\n1,2,3\n"4,5,x\n6,7,y\n', 'row 2: a quote is opened and never closed: "4,5,x'),
        ('a,b,c\n1,2,3\n4,5,"', 'row 2: a quote is opened and never closed: 4,5,"'),
        ('a,"b,c\n1,2,3\n', 'header: a quote is opened and never closed: a,"b,c'),
        ('a,b,c\n1,2,"x\n3,4,y\n5,6,z"\n', "row 1: a quote is opened in .* and holds a further row, '3,4,y'"),
        ('a,b,c\n"N1,2,x\nN3,4,y\nN5",6,z\n', "row 1: a quote is opened in .* and holds a further row, 'N3,4,y'"),
        ("n\tcz\nA\t4,521\nB\t12,345\n", "'4,521': the comma may part thousands or be the decimal sign, as in all numbers with commas in the columns that are read"),
        ("n;m\nA;10,512\nB;9,871\n", "'10,512': the comma may part thousands"),
        ("| a | b |\n| 1 | 2 |\n", r"framed by bars, but not IPAC: found '\| 1 \| 2 \|'"),
        ("| a | b |\n|---|---|\n| x | 2 |\n", "framed by bars, but not IPAC.*Markdown as CSV"),
        ("# only\n# comments\n", "no header and no rows"),
        (bytes(range(256)), "not a text; the file starts with"),
        ("<!DOCTYPE html><html>404</html>", "web page"),
        (gzip.compress(b"a,b\n1,2\n" * 999, mtime=0)[:-20], "cannot be read as .*EOFError"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, content, words):
    with pytest.raises(CubespaceError, match=r"t\.csv: " + ".*" + words):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("n,logM,logSFR\nA,10,5,\nB,9,8\n", 1),  # 10,5 is one number, the rate is missing
        ("n,logM,logSFR\nB,9,8\nA,10,5,\n", 2),
        ("n,logM,logSFR\nA,10,5,\nB,9.8,0.2\n", 1),
        ("n,logM,logSFR\nB,9.8,0.2\nC,9.7,0.1,\nA,-10,5,\n", 3),
        ("n,type,note\nA,E,x\nB,Sb,\nC,dE,N,\n", 3),
        ("n,type,logM\nA,E,9.5\nC,dE,N,\n", 2),
        ("n;type;note\nA;E;x\nB;dE;N;\n", 2),
    ],
)
def test_an_empty_cell_too_many_in_some_rows(tmp_path, text, row):
    words = rf"t\.csv: row {row}: 4 fields, other rows have 3, as the header: a delimiter at the end of some rows only, or one within a cell\?"
    with pytest.raises(CubespaceError, match=words):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "second", "third", "first"),
    [
        ("galaxy,z,notes\nA,0.1,x\nB,0.2,y,\n", [0.1, 0.2], ["x", "y"], 2),
        ("galaxy,z,notes\nA,0.1,x,\nB,0.2,y\n", [0.1, 0.2], ["x", "y"], 1),
        ("galaxy,z,m\nA,0.1,9.5,\nB,0.2,10\n", [0.1, 0.2], [9.5, 10], 1),
        ("galaxy,type,z\nA,Sb,0.1,\nB,E,0.2\n", ["Sb", "E"], [0.1, 0.2], 1),
        ("galaxy;z;n\nA;10;5;\nB;9;8\n", [10, 9], [5, 8], 1),  # a decimal comma parts no cells here
    ],
)
def test_a_delimiter_at_the_end_of_some_rows(tmp_path, text, second, third, first):
    table = read(tmp_path, text)
    assert table.iloc[:, 0].tolist() == ["A", "B"] and table.iloc[:, 1].tolist() == second and table.iloc[:, 2].tolist() == third
    words = f"1 rows, the first is row {first}, have a cell more than the header, an empty one at their end, which was left out; the header: "
    assert table.attrs["notes"] == [words + repr(text.split("\n")[0])]


def test_a_delimiter_at_the_end_of_all_rows(tmp_path):
    rows = [line + ("," if line.count(",") == 2 else "") for line in "A,10,5\nB,9,8".splitlines()]
    table = read(tmp_path, "n,logM,logSFR\n" + "\n".join(rows))
    assert table["logM"].tolist() == [10, 9] and table["logSFR"].tolist() == [5, 8]
    assert table.attrs["notes"] == ["all rows have a cell more than the header, an empty one at their end, which was left out; the header: 'n,logM,logSFR'"]


SWALLOWED = [
    # a pair of stray quotes in each of the columns
    '"N1,Sb,SF\nN2,Sc,AGN\nN3",E,LINER\nN4,E,SF\n',
    'N1,"Sb,SF\nN2,Sc,AGN\nN3,E",LINER\n',
    'N1,Sb,"SF\nN2,Sc,AGN\nN3,E,LINER"\n',
    'N1,Sb,"SF\nN2,Sc,AGN"\n',
    '"N1,Sb,SF\n\nN2,Sc,AGN\nN3",E,LINER\n',
    # and with empty cells beside them, or a delimiter at the end of the rows
    'N1,Sb,"\nN2,Sc,\nN3,E,"\n',
    '"N1,Sb,\nN2,,\nN3",E,LINER\n',
    '"N1,Sb,SF,\nN2,Sc,AGN,\nN3",E,LINER,\n',
    # one quote lost where all names, or all types, have a pair
    '"N1,Sb,SF\n"N2",Sc,AGN\n"N4",E,SF\n',
    'N1,"Sb,SF\nN2,"Sc",AGN\nN4,"E",SF\n',
    # cells swallowed within a row, and the others moved to their place
    'N1,"Sb,"a,b"\nN2,Sc,x\n',
    '"N1","Sb,a"x,b\nN2,Sc,x\n',
]


@pytest.mark.parametrize(
    ("rows", "delimiter"),
    [(rows, d) for rows in SWALLOWED for d in (",", ";", "\t", "|", ", ", " ") if d != " " or (",," not in rows and ",\n" not in rows)],
)  # blanks part no empty cells
def test_a_quote_that_swallows_rows_or_cells_without_numbers(tmp_path, rows, delimiter):
    with pytest.raises(CubespaceError, match=r"t\.txt: row 1: a quote (is opened in .* and holds a further row,|holds .* and is followed by) '"):
        read(tmp_path, ("n,type,class\n" + rows).replace(",", delimiter), "t.txt")


@pytest.mark.parametrize("text", ['n\n"NGC 1\nNGC 2\nNGC 3"\nNGC 4\n', '"n\nNGC 1"\nNGC 2\n', '"n,type\nNGC 1",Sb\nNGC 2,Sc\n'])
def test_a_quote_that_swallows_rows_of_one_column_or_of_the_header(tmp_path, text):
    with pytest.raises(CubespaceError, match=r"t\.csv: (row 1|header): a quote is opened in .* and holds a further row, 'NGC [12]"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "name", "cell"),
    [
        ('n,note\nA,"bright galaxy\nnear M31, blue"\nB,x\n', "note", "bright galaxy\nnear M31, blue"),
        ('note,a,b\n"two\nlines",x,y\n"one",x,y\n', "note", "two\nlines"),
        ('note,a,b\n"two\nlines",1,2\n"one",3,4\n', "note", "two\nlines"),
        ('n,a,note\nA,1,"one\nthree, four, five\nsix"\nB,2,x\n', "note", "one\nthree, four, five\nsix"),
        ('n,a,note\nA,1,"one, two\nthree, four, five\nsix"\nB,2,x\n', "note", "one, two\nthree, four, five\nsix"),
        ('n,"mass\n(Msun)",z\nA,3,4\n', "mass\n(Msun)", 3),
        ('"galaxy\nname",z\nA,3\n', "galaxy\nname", "A"),
        ('n,note,z\nA,"a ""b, c"" d",1\n', "note", 'a "b, c" d'),
        ('n,note,z\nA,"a, b" ,1\n', "note", "a, b"),
    ],
)
def test_cells_of_several_lines(tmp_path, text, name, cell):
    assert read(tmp_path, text)[name][0] == cell


@pytest.mark.parametrize(
    ("text", "expected", "comments"),
    [
        ('n,Re (")\nA,5\nB,6\n\n', {"n": ["A", "B"], 'Re (")': [5, 6]}, 0),
        ('n,note\nA,5" disc\n# c\n\nB,x\n', {"n": ["A", "B"], "note": ['5" disc', "x"]}, 1),
        ('galaxy\nA 5"\n# B\n\nC', {"galaxy": ['A 5"', "C"]}, 1),
        ("n,dec\nA,+12d34'56\"\n\n#B,x\nC,1\n\n", {"n": ["A", "C"], "dec": ["+12d34'56\"", "1"]}, 1),
        ('n,note\nA,"two\n\n# lines"\n# c\nB,x\n', {"n": ["A", "B"], "note": ["two\n\n# lines", "x"]}, 1),
        ("n,z\nA,0.1\n  # B,0.2\nC,0.3\n", {"n": ["A", "C"], "z": [0.1, 0.3]}, 1),
        (" n  z\n A  0.1\n # B  0.2\n C  0.3\n", {"n": ["A", "C"], "z": [0.1, 0.3]}, 1),
        ("  # made by hand\n  # n,z\nA,0.1\nC,0.3\n", {"n": ["A", "C"], "z": [0.1, 0.3]}, 0),
    ],
)
def test_comments_and_blank_lines_beside_quotes(tmp_path, text, expected, comments):
    """A quote within a cell opens nothing; blank lines and comments, indented too, are none of a cell's."""
    table = read(tmp_path, text, "t.txt")
    assert table.to_dict("list") == expected
    assert [note.split(" lines")[0] for note in table.attrs["notes"]] == ["1"] * comments


def test_quotes_that_are_no_mistake(tmp_path):
    """Cells of several lines, blanks after a quote, inches; and three decimals beside others are no thousands."""
    table = read(tmp_path, 'n,z,note\n"NGC 1" ,1,"a, b\nc, 3\n"\nVV,2,5" x\n"X",3,"end, really"')
    assert table["n"].tolist() == ["NGC 1", "VV", "X"] and table["z"].tolist() == [1, 2, 3]
    assert table["note"].tolist() == ["a, b\nc, 3", '5" x', "end, really"]
    table = read(tmp_path, "n;m;z\nA;10,512;0,01\nB;9,871;0,02\n")
    assert table["m"].tolist() == [10.512, 9.871] and table["z"].tolist() == [0.01, 0.02]


@pytest.mark.parametrize(
    ("name", "unit"),
    [("age [log(Gyr)]", "log(Gyr)"), ("SFR (log(Msun/yr))", "log(Msun/yr)"), ("M [log10(1e10 Msun)]", "log10(1e10 Msun)"),
     ("EW(Ha) [A]", "A"), ("M (10^10 Msun)", "10^10 Msun"), ("[Z/H] (dex)", "dex"), ("log([NII]/Ha)", None), ("[NII]", None)],
)  # fmt: skip
def test_units_in_names(tmp_path, name, unit):
    assert read(tmp_path, f"n;{name}\nA;1.5\n").attrs["units"] == ({name: unit} if unit else {})


def test_short_rows_can_be_filled(tmp_path):
    table = read(tmp_path, "a,b,c\n1,2,3\n4,5\n", short_rows="fill")
    assert table["c"][0] == 3 and np.isnan(table["c"][1]) and table["b"].tolist() == [2, 5]


def test_a_row_of_missing_values_is_no_row_of_dashes(tmp_path):
    """VizieR writes dashes as wide as its columns below the units; what stands above a row of nothing stays."""
    for rows in ("NGC 1,0.01\n-,-\nNGC 2,0.02\n", "NGC 1,0.01\n---,---\nNGC 2,0.02\n"):
        table = read(tmp_path, "n,z\n" + rows)
        assert table["n"].tolist()[::2] == ["NGC 1", "NGC 2"] and table["z"].tolist()[::2] == [0.01, 0.02] and table.attrs["units"] == {}
    table = read(tmp_path, "n,t\nNGC 1,Sb\n-,-\nNGC 2,Sc\n")
    assert table["n"].tolist() == ["NGC 1", "-", "NGC 2"]
    for dashes in ("--", "---"):
        assert read(tmp_path, f"n,t\nNGC 1,Sb\n{dashes},{dashes}\nNGC 2,Sc\n")["t"].tolist() == ["Sb", dashes, "Sc"]
    table = read(tmp_path, "n\tz\n\tkm/s\n---\t-\nNGC 1\t4500\n", "t.tsv")
    assert table["z"].tolist() == [4500] and table.attrs["units"] == {"z": "km/s"}
    assert np.isnan(read(tmp_path, "n,z\nA,#N/A\nB,0.02\n")["z"][0])


@pytest.mark.parametrize("only", [None, ("a",), ("b",)])
def test_units_above_short_dashes(tmp_path, only):
    """Numbers below tell them from a row of missing values; all columns of the file are judged by, whichever are kept."""
    table = read(tmp_path, "a\tb\nkm/s\tmag\n---\t---\n1\t2\n3\t4\n", "t.tsv", only=only)
    expected = {"a": [1, 3], "b": [2, 4]}
    assert table.to_dict("list") == {name: expected[name] for name in only or "ab"}
    assert table.attrs["units"] == {name: unit for name, unit in {"a": "km/s", "b": "mag"}.items() if name in (only or "ab")}
    table = read(tmp_path, "a,b\nE,Sb\n--,--\nSc,3\n", only=only)
    assert len(table) == 3 and table.attrs["units"] == {}
    table = read(tmp_path, "a,b,c\nNGC 1,Sb,\n--,--,x\nNGC 2,Sc,\n", only=only)
    assert len(table) == 3


def test_indented_comments(tmp_path):
    """Without a blank after the sign such a line is a row, unless blanks part the columns."""
    table = read(tmp_path, "galaxy,z\n #1,0.2\nA,0.1\n")
    assert table["galaxy"].tolist() == ["#1", "A"] and table["z"].tolist() == [0.2, 0.1] and table.attrs["notes"] == []
    table = read(tmp_path, "  # by hand\n  galaxy z\n  A 0.1\n  #B 0.3\n", "t.txt")
    assert table["galaxy"].tolist() == ["A"] and table.attrs["notes"] == ["1 lines after the header start with # and were passed over, the first is '#B 0.3'"]


def test_what_is_settled_is_noted(tmp_path):
    assert read(tmp_path, "# by hand\na,b,c\n1,2,3\n").attrs["notes"] == []
    (note,) = read(tmp_path, "a,b,c\n1,2,3\n4,5\n6\n", short_rows="fill").attrs["notes"]
    assert note == "2 rows have fewer cells than the header and were filled, the first is row 2"
    (note,) = read(tmp_path, "a,b\n1,2\n#3,4\n5,6\n# end\n").attrs["notes"]
    assert note == "2 lines after the header start with # and were passed over, the first is '#3,4'"
    (note,) = read(tmp_path, "galaxy,n\ncaf\u00e9,1\n".encode("latin-1")).attrs["notes"]
    assert note.startswith("not UTF-8 (byte 12: ") and note.endswith("read as Latin-1")
    (note,) = read(tmp_path, "a,b\nx,1\n".encode("utf-16").replace(b"x\x00", b"\x00\xdc")).attrs["notes"]
    assert "1 characters are no UTF-16" in note


def test_only_wanted_columns_are_kept(tmp_path):
    table = read(tmp_path, "a,b,c\n1,2,3\n", only=["c"])
    assert table.columns.tolist() == ["c"] and table.attrs["columns"] == ["a", "b", "c"]


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_numbers_come_back(values):
    column = [None if value is None else repr(value) for value in values]
    back, wrong = parse_numbers(column)
    assert wrong == []
    np.testing.assert_array_equal(back, [np.nan if value is None else value for value in values])


@given(st.lists(st.one_of(st.none(), st.text(alphabet="0123456789.eE+-, dDxN", max_size=24)), min_size=1))
def test_typed_loses_nothing(cells):
    """Either the cells themselves, or numbers that say the same as every cell."""
    found = typed(cells)
    if isinstance(found, list):
        assert found == cells
    for cell, value in zip(cells, found, strict=True):
        if (
            not isinstance(found, list)
            and cell is not None
            and cell.strip("+-0123456789") == ""
            and cell.strip("+-")
        ):
            assert int(value) == int(cell) and not (
                cell.lstrip("+-").startswith("0") and len(cell.lstrip("+-")) > 1
            )


@pytest.mark.parametrize("comment", ["# v1, final", "#made by, me", "# note 1, note 2", "# name,type"])
def test_columns_that_are_asked_for_tell_a_header_from_a_comment(tmp_path, comment):
    """A sheet is all words, and a remark with a comma has as many parts as it has columns."""
    path = tmp_path / "s.csv"
    path.write_text(f"{comment}\ngalaxy,role\nAndromeda,train\nWhirlpool,embed\n")
    assert read_table(path, text=("galaxy", "cube")).to_dict("list") == {"galaxy": ["Andromeda", "Whirlpool"], "role": ["train", "embed"]}
    path.write_text("# galaxy,role\nAndromeda,train\nWhirlpool,embed\n")
    assert read_table(path, text=("galaxy", "cube")).to_dict("list") == {"galaxy": ["Andromeda", "Whirlpool"], "role": ["train", "embed"]}
