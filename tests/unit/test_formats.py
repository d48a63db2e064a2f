"""Formats written by other libraries: nulls of every kind, objects of astropy, names twice, rows and strings that end early."""

import decimal

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.utils.masked import Masked

from cubespace.errors import CubespaceError
from cubespace.tables import need_columns, read_table

NAMES = np.array(["NGC 1", "IC 10"])


@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_objects_of_astropy_are_left_out_and_the_rest_is_read(tmp_path, ending):
    path = tmp_path / f"t.{ending}"
    QTable({"n": NAMES, "at": SkyCoord([10.5, 20.0] * u.deg, [-1.0, 2.0] * u.deg), "d": [1, 2] * u.kpc}).write(path)
    table = read_table(path)
    assert table["n"].tolist() == list(NAMES) and table["d"].tolist() == [1, 2] and table.attrs["units"] == {"d": "kpc"}
    with pytest.raises(CubespaceError, match=r"'at' \(its type, SkyCoord, is of no use here\)"):
        need_columns(table, ["at"], "t")
    Table({"n": NAMES, "t": Time([2450000.0, 2450001.0], format="jd"), "z": [0.1, 0.2]}).write(path, overwrite=True)
    assert read_table(path)["z"].tolist() == [0.1, 0.2]


def test_nulls_of_an_ascii_table_in_fits(tmp_path):
    columns = [fits.Column("n", "A5", ascii=True, array=NAMES), fits.Column("z", "F8.4", null="****", ascii=True, array=[0.1, 0.2]),
               fits.Column("k", "I6", null="-99", ascii=True, array=[1, 2])]  # fmt: skip
    path = tmp_path / "t.fits"
    fits.TableHDU.from_columns(columns).writeto(path)
    assert read_table(path)[["z", "k"]].values.tolist() == [[0.1, 1], [0.2, 2]]
    raw, row = path.read_bytes(), b"IC 10  0.2000     2"
    assert raw.count(row) == 1
    path.write_bytes(raw.replace(row, b"IC 10   ****    -99"))
    np.testing.assert_array_equal(read_table(path)[["z", "k"]], [[0.1, 1], [np.nan, np.nan]])


def test_nulls_of_other_columns_in_fits(tmp_path):
    """TNULL of a column of varying length says nothing of its places in the file; a logical is null if its byte is zero."""
    varying = np.array([np.array([1, 2], np.int32), np.array([3], np.int32)], dtype=object)
    columns = [fits.Column("n", "5A", array=NAMES), fits.Column("v", "PJ()", null=-9, array=varying), fits.Column("t", "L", array=[True, False]),
               fits.Column("k", "J", null=-9, array=[-9, 2])]  # fmt: skip
    path = tmp_path / "t.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)
    table = read_table(path)
    assert table["t"].tolist() == [True, False] and set(table.attrs["skipped"]) == {"v"}
    np.testing.assert_array_equal(table["k"], [np.nan, 2])
    raw = path.read_bytes()
    at = raw.rindex(b"F\x00\x00\x00\x02")
    path.write_bytes(raw[:at] + b"\x00" + raw[at + 1 :])
    np.testing.assert_array_equal(read_table(path)["t"], [1, np.nan])


def test_a_string_of_fits_ends_at_its_first_zero_byte(tmp_path):
    path = tmp_path / "t.fits"
    fits.BinTableHDU.from_columns([fits.Column("n", "12A", array=np.array([b"NGC1_0123456", b" IC 10"])), fits.Column("z", "D", array=[0.1, 0.2])]).writeto(path)
    path.write_bytes(path.read_bytes().replace(b"NGC1_0123456", b"NGC1 \x00junk\x00\x00"))
    assert read_table(path)["n"].tolist() == ["NGC1", "IC 10"]


def test_a_scalar_with_the_name_of_an_element(tmp_path):
    columns = [fits.Column("n", "5A", array=NAMES), fits.Column("m_0", "D", array=[1.0, 2.0]), fits.Column("m", "2D", array=[[10.0, 11.0], [20.0, 21.0]])]
    for order in (columns, columns[::-1]):
        fits.BinTableHDU.from_columns(order).writeto(tmp_path / "t.fits", overwrite=True)
        table = read_table(tmp_path / "t.fits")
        assert table["m_1"].tolist() == [11, 21] and "m_0" not in table
        with pytest.raises(CubespaceError, match=r"'m_0' \(its type, a column and an element of 'm' by one name, is of no use here\)"):
            need_columns(table, ["m_0"], "t")


ECSV = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: n, datatype: string}\n# - {name: z, datatype: float64}\n# - {name: k, datatype: float64}\nn z k\n"


def test_ecsv_with_a_column_twice_or_rows_in_comments(tmp_path):
    path = tmp_path / "t.ecsv"
    path.write_text(ECSV.replace("name: k", "name: z").replace("n z k", "n z z") + "A 1 2\n")
    with pytest.raises(CubespaceError, match=r"t\.ecsv: column\(s\) more than once: z"):
        read_table(path)
    path.write_text(ECSV + "A 1 2\n#1 3 4\nB 5 6\n")
    table = read_table(path)
    assert table["n"].tolist() == ["A", "B"]
    assert table.attrs["notes"] == ["1 lines after the header start with # and were passed over, the first is '#1 3 4'"]


@pytest.mark.parametrize(
    ("table", "infos", "note"),
    [
        ("<TABLE>", "", None),
        ('<TABLE nrows="1">', '<INFO name="QUERY_STATUS" value="OK"/>', None),
        ("<TABLE>", '<INFO name="QUERY_STATUS" value="OVERFLOW"/>', "cut short by the service that was asked (QUERY_STATUS OVERFLOW), after 1 rows"),
        ("<TABLE>", '<INFO name="QUERY_STATUS"/><INFO name="q"/>', None),
        ("<TABLE>", '<INFO name="QUERY_STATUS">OVERFLOW</INFO>', "cut short by the service that was asked (QUERY_STATUS OVERFLOW), after 1 rows"),
        ('<TABLE name="t" nrows="5">', "", "1 rows, where nrows says 5"),
    ],
)
def test_a_votable_that_was_cut_short_is_noted(tmp_path, table, infos, note):
    fields = '<FIELD name="n" datatype="char" arraysize="*"/><FIELD name="z" datatype="double"/>'
    rows = "<DATA><TABLEDATA><TR><TD>NGC 1</TD><TD>0.01</TD></TR></TABLEDATA></DATA></TABLE>"
    path = tmp_path / "t.vot"
    path.write_text(f'<VOTABLE version="1.3"><RESOURCE type="results">{table}{fields}{rows}{infos}</RESOURCE></VOTABLE>')
    found = read_table(path)
    assert found["z"].tolist() == [0.01] and found.attrs["notes"] == ([note] if note else [])


def test_decimals_of_parquet_keep_their_digits(tmp_path):
    numbers = [1237649770260463687, 1237649770260463688]
    whole, part = pa.decimal128(38, 0), pa.decimal128(10, 3)
    columns = {"id": pa.array([decimal.Decimal(n) for n in numbers], whole), "n": pa.array([decimal.Decimal(3), None], whole),
               "z": pa.array([decimal.Decimal("0.015"), None], part)}  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    for text in ((), ("id",)):
        table = read_table(tmp_path / "t.parquet", text=text)
        assert table["id"].tolist() == [str(n) for n in numbers]
        np.testing.assert_array_equal(table[["n", "z"]], [[3, 0.015], [np.nan, np.nan]])
    assert read_table(tmp_path / "t.parquet", text=("n", "z"))[["n", "z"]].values.tolist() == [["3", "0.015"], [None, None]]


BIG = 2**62 + 1


def test_masks_and_units_of_astropy_in_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    masked = {"n": MaskedColumn(["NGC 1", "IC 10", "M 31"], mask=[0, 0, 1]), "z": MaskedColumn([0.1, 0.2, 0.3], mask=[0, 1, 0]),
              "id": MaskedColumn([BIG, 3, BIG - 1], mask=[0, 1, 0]), "k": MaskedColumn([1, 2, 3], mask=[1, 0, 0])}  # fmt: skip
    units = {"r": MaskedColumn([1.0, 2.0, 3.0], unit="arcmin"), "ra": [1.0, 2.0, 23.0] * u.hourangle, "m": MaskedColumn([9.0, 10.0, -99.0], mask=[0, 0, 1], unit="Msun"),
             "v": Masked([5.0, 6.0, 7.0], mask=[False, True, False]) * (u.km / u.s), "v.mask?": [True, False, True]}  # fmt: skip
    QTable({**masked, **units}, meta={"by": "hand"}).write(path)
    table = read_table(path, text=("id",))
    assert table.columns.tolist() == ["n", "z", "id", "k", "r", "ra", "m", "v", "v.mask?"] == table.attrs["columns"]
    assert table["n"].tolist() == ["NGC 1", "IC 10", None] and table["id"].tolist() == [str(BIG), None, str(BIG - 1)]
    np.testing.assert_array_equal(table[["z", "k", "m", "v"]], [[0.1, np.nan, 9, 5], [np.nan, 2, 10, np.nan], [0.3, 3, np.nan, 7]])
    assert table["ra"].tolist() == [1, 2, 23] and table["v.mask?"].tolist() == [True, False, True]
    assert table.attrs["units"] == {"r": "arcmin", "ra": "hourangle", "m": "solMass", "v": "km / s"} and table.attrs["meta"] == {"by": "hand"}
    times = Time(Masked([2450000.0, 2450001.0], mask=[False, True]), format="jd")
    QTable({"n": NAMES, "z": MaskedColumn([0.1, 0.2], mask=[0, 1]), "t": times, "at": SkyCoord([1, 2], [3, 4], unit="deg"), "m": [[1, 2], [3, 4]]}).write(path, overwrite=True)
    table = read_table(path)
    np.testing.assert_array_equal(table["z"], [0.1, np.nan])
    assert table["n"].tolist() == list(NAMES) and not [name for name in table if name.endswith("mask")]


def test_parquet_of_others_with_columns_called_mask(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"z": [0.1, 0.2], "z.mask": [False, True]}), path)
    assert read_table(path).to_dict("list") == {"z": [0.1, 0.2], "z.mask": [False, True]}


def test_units_of_a_votable_in_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    fields = {"n": "", "r": "arcmin"}
    Table({"n": NAMES, "r": MaskedColumn([1.0, 2.0], mask=[0, 1])}).write(
        path, format="parquet.votable", metadata={name: {"unit": unit, "ucd": "", "utype": "", "description": ""} for name, unit in fields.items()}
    )
    table = read_table(path)
    assert table["n"].tolist() == list(NAMES) and table.attrs["units"] == {"r": "arcmin"} and table.attrs["meta"] == {}
    np.testing.assert_array_equal(table["r"], [1, np.nan])


@pytest.mark.parametrize(
    ("key", "text"),
    [("table_meta_yaml", "datatype: ["), ("table_meta_yaml", "- 1"), ("table_meta_yaml", "\udcff"), ("IVOA.VOTable-Parquet.content", "<VOTABLE>")],
)
def test_metadata_of_parquet_that_cannot_be_parsed(tmp_path, key, text):
    pq.write_table(pa.table({"z": [0.1]}).replace_schema_metadata({key: text.encode("utf-8", "surrogateescape")}), tmp_path / "t.parquet")
    with pytest.raises(CubespaceError, match=rf"t\.parquet: metadata '{key}' cannot be parsed: \S"):
        read_table(tmp_path / "t.parquet")


def test_parquet_without_the_mask_that_its_metadata_name(tmp_path):
    path = tmp_path / "t.parquet"
    Table({"n": NAMES, "z": MaskedColumn([0.1, 0.2], mask=[0, 1])}).write(path)
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns("z.mask"), path)
    with pytest.raises(CubespaceError, match=r"t\.parquet: no column 'z\.mask' of 'z', which tells what is masked"):
        read_table(path)
    pq.write_table(whole.drop_columns(["z", "z.mask"]), path)
    assert read_table(path).to_dict("list") == {"n": list(NAMES)}
