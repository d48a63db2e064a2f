"""One reader, one writer: the same table from every format, nothing lost, errors that name the file."""

import errno
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from cubespace.errors import CubespaceError
from cubespace.tables import label, need_columns, numbers, read_table, write_table


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "galaxy": ["NGC0001", "IC0010", None],
            "log_mass": [10.5, np.nan, 9.0],
            "rank": [1, 2, 3],
            "umlaut": ["ä", "b", "c"],
        }
    )


@pytest.mark.parametrize("suffix", ["parquet", "fits", "csv"])
def test_round_trip(frame, tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    write_table(frame, path, meta={"seed": "7"})
    back = read_table(path)
    assert list(back["galaxy"][:2]) == ["NGC0001", "IC0010"] and back["galaxy"][2] in (None, "")
    assert back["log_mass"][0] == 10.5 and np.isnan(back["log_mass"][1])
    assert back["rank"].dtype.kind == "i" and list(back["umlaut"]) == ["ä", "b", "c"]
    assert back.attrs["meta"]["seed"] == "7"
    if suffix != "csv":
        assert back.attrs["units"]["log_mass"] == "log10(Msun)"


@pytest.mark.parametrize("suffix", ["parquet", "fits", "csv"])
def test_equal_tables_give_equal_bytes(frame, tmp_path, suffix):
    for name in "ab":
        write_table(frame, tmp_path / f"{name}.{suffix}", meta={"seed": "7"})
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_parquet_holds_null_not_nan(frame, tmp_path):
    write_table(frame, tmp_path / "t.parquet")
    column = pq.read_table(tmp_path / "t.parquet").column("log_mass")
    assert column.null_count == 1 and column.to_pylist() == [10.5, None, 9.0]


def test_vectors_in_fits(tmp_path):
    block = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_table(pd.DataFrame({"galaxy": ["a", "b"]}), tmp_path / "e.fits", vectors={"representation": block})
    with fits.open(tmp_path / "e.fits") as hdus:
        np.testing.assert_array_equal(hdus[1].data["representation"], block)


def test_the_same_table_from_every_input_format(tmp_path):
    table = Table(
        {"Name": ["NGC 1", "ic10"], "z": [0.015, 0.02], "n": MaskedColumn([3, 4], mask=[False, True])}
    )
    table["z"].unit = "km/s"
    table.write(tmp_path / "t.fits")
    table.write(tmp_path / "t.ecsv")
    table.write(tmp_path / "t.vot", format="votable")
    table.write(tmp_path / "ecsv_in_disguise.csv", format="ascii.ecsv")
    for name in ("t.fits", "t.ecsv", "t.vot", "ecsv_in_disguise.csv"):
        back = read_table(tmp_path / name)
        assert list(back["Name"]) == ["NGC 1", "ic10"], name
        assert list(back["z"]) == [0.015, 0.02] and back.attrs["units"]["z"] == "km / s"
        assert back["n"][0] == 3 and pd.isna(back["n"][1])


def test_large_integers_survive_a_mask(tmp_path):
    big = 2**62 + 1
    table = Table({"id": MaskedColumn([big, big - 1, 5], mask=[False, False, True], dtype="int64")})
    table.write(tmp_path / "t.fits")
    assert list(read_table(tmp_path / "t.fits")["id"])[:2] == [str(big), str(big - 1)]


def test_csv_identifiers_stay_text(tmp_path):
    (tmp_path / "t.csv").write_text("id,plain,long\n001,1,1237649770260463687\n010,2,1237649770260463688\n")
    back = read_table(tmp_path / "t.csv")
    assert list(back["id"]) == ["001", "010"]
    assert list(back["plain"]) == [1, 2]
    assert list(back["long"]) == ["1237649770260463687", "1237649770260463688"]


def test_errors_name_the_file(tmp_path):
    (tmp_path / "empty.fits").touch()
    (tmp_path / "page.fits").write_text("<html>404</html>" * 300)
    (tmp_path / "twice.csv").write_text("a,b\n1,2\n")
    for name, words in [
        ("none.csv", "no such file"),
        ("empty.fits", "empty file"),
        ("page.fits", "FITS"),
        ("t.docx", "no such"),
    ]:
        with pytest.raises(CubespaceError, match=words) as caught:
            read_table(tmp_path / name)
        assert name in str(caught.value)
    (tmp_path / "t.docx").write_text("x")
    with pytest.raises(CubespaceError, match="allowed"):
        read_table(tmp_path / "t.docx")
    np.savez(tmp_path / "ragged.npz", a=np.zeros(2), b=np.zeros(3))
    with pytest.raises(CubespaceError, match="one length"):
        read_table(tmp_path / "ragged.npz")


@pytest.mark.parametrize("step", ["stat", "read_bytes"])
def test_a_file_that_may_not_be_read(tmp_path, monkeypatch, step):
    def refused(self, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr(Path, step, refused)
    with pytest.raises(CubespaceError, match=r"t\.csv: cannot be read: Permission denied$"):
        read_table(tmp_path / "t.csv")


def test_csv_has_ten_digits_so_that_the_last_bits_of_a_sum_do_not_show(tmp_path):
    for name, last in (("a", 0.0), ("b", 3e-17)):
        write_table(pd.DataFrame({"p": [0.1234567890123456 + last]}), tmp_path / f"{name}.csv")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text() == "p\n0.123456789\n"


# --- what every format must give back -------------------------------------------------------------------------------

BIG = 2**62 + 1
# no blanks at the ends (padding in fixed-width formats), no control characters, and no '#' first: astropy writes that in ECSV
# without quotes, and its row is then a comment to any reader
WORDS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp")), min_size=1, max_size=12
).map(str.strip)
NAMES = WORDS.filter(lambda word: word and not word.startswith(("\ufeff", "#")))
FRAMES = st.lists(
    st.tuples(
        st.one_of(st.none(), NAMES),
        st.one_of(st.none(), st.sampled_from([-999.0, -99.9, 0.0, 1e151]), st.floats(-1e6, 1e6, width=32)),
        st.integers(-(2**31), 2**31 - 1),
        st.one_of(st.none(), st.integers(-(2**62), 2**62)),
    ),
    min_size=1,
    max_size=6,
)


def astropy_table(rows):
    text, floats, whole, gappy = zip(*rows, strict=True)
    gaps = [value is None for value in gappy]
    return Table({
        "text": MaskedColumn([value or "x" for value in text], mask=[value is None for value in text]),
        "floats": MaskedColumn([0.0 if value is None else value for value in floats], mask=[value is None for value in floats], unit="km/s"),
        "whole": np.array(whole, "<i4"),
        "gappy": MaskedColumn([7 if value is None else value for value in gappy], mask=gaps, dtype="i8"),
    })  # fmt: skip


def written(rows, kind, folder):
    """The rows in a file of a kind, written by other libraries."""
    path, table = folder / f"t.{kind}", astropy_table(rows)
    if kind == "csv":
        table.to_pandas().astype(object).to_csv(path, index=False, quoting=2)
    elif kind == "fits":
        table["text"] = MaskedColumn(np.char.encode(table["text"].filled(""), "utf-8"))
        table.write(path, overwrite=True)
    elif kind == "parquet":
        text, floats, whole, gappy = zip(*rows, strict=True)
        fields = [pa.field("floats", pa.float64(), metadata={"unit": "km/s"})]
        schema = pa.schema([("text", pa.string()), *fields, ("whole", pa.int32()), ("gappy", pa.int64())])
        pq.write_table(pa.table([list(text), list(floats), list(whole), list(gappy)], schema=schema), path)
    else:
        table.write(path, format={"ecsv": "ascii.ecsv", "vot": "votable"}[kind], overwrite=True)
    return path


@pytest.mark.parametrize("kind", ["csv", "ecsv", "fits", "vot", "parquet"])
@settings(max_examples=25, deadline=None)
@given(rows=FRAMES)
def test_random_tables_come_back_from_every_format(tmp_path_factory, kind, rows):
    """Unicode, nulls, sentinels and integers beyond 2^53, each in a file written by another library."""
    back = read_table(written(rows, kind, tmp_path_factory.mktemp("t")), text=("text", "gappy"))
    text, floats, whole, gappy = zip(*rows, strict=True)
    assert back["text"].tolist() == list(text)
    np.testing.assert_array_equal(
        back["floats"].astype(float), [np.nan if value is None else value for value in floats]
    )
    assert back["whole"].tolist() == list(whole)
    assert (
        back["gappy"].tolist() == [None if value is None else str(value) for value in gappy] or kind == "csv"
    )
    assert kind == "csv" or back.attrs["units"]["floats"].replace(" ", "") == "km/s"


@pytest.mark.parametrize("suffix", ["csv", "fits", "parquet"])
@settings(max_examples=25, deadline=None)
@given(rows=FRAMES)
def test_our_own_tables_come_back(tmp_path_factory, suffix, rows):
    text, floats, whole, _ = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {"text": pd.Series(text, dtype=object), "floats": pd.Series(floats, dtype=float), "whole": whole}
    )
    path = tmp_path_factory.mktemp("t") / f"t.{suffix}"
    write_table(frame, path, meta={"seed": "7"})
    back = read_table(path, text=("text",))
    assert back["text"].tolist() == list(text) and back["whole"].tolist() == list(whole)
    np.testing.assert_allclose(back["floats"].astype(float), frame["floats"], rtol=1e-9)


def test_large_integers_with_gaps_in_parquet(tmp_path):
    pq.write_table(pa.table({"id": pa.array([BIG, BIG - 1, None], pa.int64())}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["id"].tolist() == [str(BIG), str(BIG - 1), None]


VOTABLE = (
    '<?xml version="1.0"?><VOTABLE version="1.1" xmlns="http://www.ivoa.net/xml/VOTable/v1.1"><RESOURCE><TABLE>'
    '<FIELD name="Name" datatype="char" arraysize="*"/><FIELD name="n" datatype="int"><VALUES null="-9"/></FIELD>'
    '<FIELD name="u" datatype="{}"/><FIELD name="{}" datatype="double" unit="km/s"/>'
    "<DATA><TABLEDATA><TR><TD>NGC 1</TD><TD>-9</TD><TD>7</TD><TD>4521</TD></TR>"
    "<TR><TD>ic10</TD><TD>3</TD><TD>8</TD><TD/></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
)


@pytest.mark.parametrize(
    ("field", "kind", "cell", "words"),
    [
        ('arraysize="*"', "double", "abc", "line 1, character .*, 'abc': Invalid literal for float"),
        ('arraysize="*"', "float", "0,015", "'0,015': Invalid literal for float"),
        ('arraysize="*"', "double", "4521 km/s", "'4521 km/s': Invalid literal"),
        ('arraysize="*"', "short", "40000", "'40000': Value '40000' is out of range for a 16-bit integer"),
        ("", "double", "1", "'NGC 1': char value is too long for specified length of 1"),
        ('arraysize="3"', "double", "1", "'NGC 1': char value is too long for specified length of 3"),
    ],
)
def test_a_votable_that_would_lose_a_cell_is_refused(tmp_path, field, kind, cell, words):
    path = tmp_path / "t.vot"
    text = (
        f'<VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="n" datatype="char" {field}/><FIELD name="z" datatype="{kind}"/>'
        "<DATA><TABLEDATA>{}<TR><TD>NGC 1</TD><TD>{}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    missing = "".join(f"<TR><TD>N</TD><TD>{word}</TD></TR>" for word in ("N/A", "-", "null", "")) * 4
    path.write_text(text.format(missing if kind == "double" else "", cell))
    with pytest.raises(CubespaceError, match=r"t\.vot: .*" + words):
        read_table(path)
    path.write_text(text.format("", "15").replace("NGC 1", "N"))
    assert read_table(path).values.tolist() == [["N", 15.0]]


def test_old_votables(tmp_path):
    path = tmp_path / "t.xml"
    for kind in ("unsignedInt", "unsignedShort", "short", "long"):
        path.write_text(VOTABLE.format(kind, "cz"))
        table = read_table(path)
        assert table["Name"].tolist() == ["NGC 1", "ic10"] and table["u"].tolist() == [7, 8]
        assert np.isnan(table["n"][0]) and table["n"][1] == 3 and np.isnan(table["cz"][1])
        assert table.attrs["units"] == {"cz": "km / s"}
    path.write_text(VOTABLE.format("quad", "cz"))
    with pytest.raises(CubespaceError, match=r"t\.xml: .*'quad' on field 'u'"):
        read_table(path)
    path.write_text(VOTABLE.format("int", "n"))
    with pytest.raises(CubespaceError, match="more than once: n"):
        read_table(path)


def test_fits_nulls_byte_order_and_columns_of_no_use(tmp_path):
    columns = [
        fits.Column("name", "6A", array=np.array([b"NGC 1", "caf\u00e9".encode("latin-1"), b""])),
        fits.Column("null", "J", null=999999, array=[1, 999999, 3]),
        fits.Column("scaled", "I", array=[0, 1, 2]),
        fits.Column("pair", "2E", array=np.arange(6.0).reshape(3, 2)),
        fits.Column("varying", "PD()", array=np.array([[1.0], [1.0, 2.0], []], dtype=object)),
        fits.Column("complex", "C", array=np.ones(3, complex)),
        fits.Column("flag", "L", array=[True, False, True]),
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="ONE"),
                  fits.BinTableHDU.from_columns(columns[:2], name="TWO")]).writeto(tmp_path / "t.fits")  # fmt: skip
    for card, value in (("TSCAL3", 0.01), ("TZERO3", 5.0)):
        fits.setval(tmp_path / "t.fits", card, value=value, ext=1)
    table = read_table(tmp_path / "t.fits")
    assert table["name"].tolist() == ["NGC 1", "caf\u00e9", None]
    assert table["null"][0] == 1 and np.isnan(table["null"][1])
    np.testing.assert_allclose(table["scaled"], [5.0, 5.01, 5.02])
    assert table["pair_1"].tolist() == [1, 3, 5] and table["flag"].tolist() == [True, False, True]
    assert set(table.attrs["skipped"]) == {"varying", "complex"}
    assert all(table[name].dtype.isnative for name in table.columns if table[name].dtype != object)
    with pytest.raises(CubespaceError, match=r"t: no column\(s\) 'varying' \(its type"):
        need_columns(table, ["varying"], "t")
    assert (
        read_table(tmp_path / "t.fits", hdu="TWO").columns.tolist()
        == read_table(tmp_path / "t.fits", hdu=2).columns.tolist()
        == ["name", "null"]
    )
    with pytest.raises(CubespaceError, match="no table 'THREE'; HDUs: 0 PRIMARY, 1 ONE, 2 TWO"):
        read_table(tmp_path / "t.fits", hdu="THREE")


def test_fits_with_a_column_twice_or_cut_short_or_without_a_table(tmp_path):
    hdu = fits.BinTableHDU.from_columns(
        [fits.Column("a", "K", array=np.arange(5000)), fits.Column("b", "K", array=np.arange(5000))]
    )
    hdu.writeto(tmp_path / "t.fits")
    raw = (tmp_path / "t.fits").read_bytes()
    (tmp_path / "twice.fits").write_bytes(raw.replace(b"TTYPE2  = 'b  ", b"TTYPE2  = 'a  "))
    with pytest.raises(CubespaceError, match="more than once: a"):
        read_table(tmp_path / "twice.fits")
    for cut in (1000, 2880, 40_000):
        (tmp_path / "short.fits").write_bytes(raw[:-cut])
        with pytest.raises(CubespaceError, match=r"short\.fits"):
            read_table(tmp_path / "short.fits")
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(tmp_path / "image.fits")
    with pytest.raises(CubespaceError, match="no table; HDUs: 0 PRIMARY"):
        read_table(tmp_path / "image.fits")


def test_nulls_of_fits_are_numbers_in_the_file(tmp_path):
    """TNULL goes before TSCAL and TZERO: -99 is null where 5 + 0.1 x -99 would be -4.9, and -4.9 is none where it is not."""
    column = fits.Column("a", "I", array=np.array([1, -99, 3], np.int16))
    hdu = fits.BinTableHDU.from_columns([column, fits.Column("b", "I", bzero=32768, array=np.array([0, 7, 65535], np.uint16))])
    hdu.header.update({"TSCAL1": 0.1, "TZERO1": 5.0, "TNULL1": -99, "TNULL2": -32768})
    hdu.writeto(tmp_path / "t.fits")
    table = read_table(tmp_path / "t.fits")
    np.testing.assert_allclose(table["a"], [5.1, np.nan, 5.3])
    np.testing.assert_allclose(table["b"], [np.nan, 7, 65535])
    hdu.header["TNULL1"], hdu.header["TNULL2"] = 5, 7
    hdu.writeto(tmp_path / "t.fits", overwrite=True)
    table = read_table(tmp_path / "t.fits")
    np.testing.assert_allclose(table["a"], [5.1, -4.9, 5.3])
    np.testing.assert_allclose(table["b"], [0, 7, 65535])


def test_machine_readable_and_ipac(tmp_path):
    mrt = (
        "Title: x\nAuthors: y\nTable: z\n" + "=" * 80 + "\nByte-by-byte Description of file: t.txt\n" + "-" * 80 + "\n"
        "   Bytes Format Units   Label     Explanations\n" + "-" * 80 + "\n"
        "   1-  7 A7     ---     Name      name\n   9- 14 F6.4   ---     z         redshift\n  16- 20 F5.2   [Msun]  logM  ? mass\n"
        + "-" * 80 + "\nNGC 1   0.0150 10.20\nIC 10   0.0200      \n"
    )  # fmt: skip
    (tmp_path / "t.mrt").write_text(mrt)
    table = read_table(tmp_path / "t.mrt")
    assert (
        table["Name"].tolist() == ["NGC 1", "IC 10"]
        and table["z"].tolist() == [0.015, 0.02]
        and np.isnan(table["logM"][1])
    )
    (tmp_path / "t.tbl").write_text(
        "\\k = 1\n|name  |z     |\n|char  |double|\n|      |      |\n NGC 1  0.015  \n IC 10  0.02   \n"
    )
    assert read_table(tmp_path / "t.tbl")["z"].tolist() == [0.015, 0.02]


def test_the_content_decides_not_the_ending(tmp_path):
    Table({"a": [1]}).write(tmp_path / "t.fits")
    (tmp_path / "t.csv").write_bytes((tmp_path / "t.fits").read_bytes())
    assert read_table(tmp_path / "t.csv")["a"].tolist() == [1]
    (tmp_path / "text.fits").write_text("a,b\n1,2\n")
    with pytest.raises(
        CubespaceError, match=r"not FITS, as the ending \.fits says; the file starts with b'a,b"
    ):
        read_table(tmp_path / "text.fits")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("xl/workbook.xml", "x")
    (tmp_path / "t.xlsx").write_bytes(archive.getvalue())
    with pytest.raises(CubespaceError, match="not a table that is understood"):
        read_table(tmp_path / "t.xlsx")


def test_numbers_and_labels():
    column = pd.Series(["1", "-", None, "2.5D0", "n/a"], dtype=object)
    np.testing.assert_array_equal(numbers(column, "t"), [1, np.nan, np.nan, 2.5, np.nan])
    with pytest.raises(
        CubespaceError, match=r"t: row 2: found 'fast'; row 3: found '1,5'; expected a number"
    ):
        numbers(pd.Series(["1", "fast", "1,5"], dtype=object), "t")
    assert [label(value) for value in (None, np.nan, 12.0, 12, "012", 0.5)] == [
        None,
        None,
        "12",
        "12",
        "012",
        "0.5",
    ]


def test_a_cell_that_looks_like_a_comment(tmp_path):
    for name in ("#1", " #1"):
        write_table(pd.DataFrame({"galaxy": [name, "B"], "z": [0.1, 0.2]}), tmp_path / "t.csv", meta={"a": "b"})
        assert read_table(tmp_path / "t.csv")["galaxy"].tolist() == ["#1", "B"]


def test_missing_columns_come_with_the_nearest_name(tmp_path):
    (tmp_path / "t.csv").write_text("log_Mass,RA\n1,2\n")
    with pytest.raises(
        CubespaceError, match=r"'log_mass' \(did you mean 'log_Mass'\?\), 'q'; found: log_Mass, RA"
    ):
        need_columns(read_table(tmp_path / "t.csv"), ["log_mass", "q"], "t")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc, which this system lacks")
def test_reading_parquet_starts_no_thread(tmp_path):
    """A pool that Arrow started for a small table aborts, now and then, a process that ends soon after."""
    write_table(pd.DataFrame({"galaxy": [f"G{i}" for i in range(50)], "log_mass": np.linspace(8, 11, 50)}), tmp_path / "t.parquet")
    code = (
        "import os, sys, pyarrow.parquet\n"
        "from cubespace.tables import read_table\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "assert len(read_table(sys.argv[1])) == 50\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "workflow"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(tmp_path / "t.parquet")]
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip() == "0"
