"""One reader, one writer: the same table from every format, nothing lost, errors that name the file."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from cubespace.errors import CubespaceError
from cubespace.tables import read_table, write_table


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"galaxy": ["NGC0001", "IC0010", None], "log_mass": [10.5, np.nan, 9.0], "rank": [1, 2, 3], "umlaut": ["ä", "b", "c"]}
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
    import pyarrow.parquet as pq

    write_table(frame, tmp_path / "t.parquet")
    column = pq.read_table(tmp_path / "t.parquet").column("log_mass")
    assert column.null_count == 1 and column.to_pylist() == [10.5, None, 9.0]


def test_vectors_in_fits(tmp_path):
    block = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_table(pd.DataFrame({"galaxy": ["a", "b"]}), tmp_path / "e.fits", vectors={"representation": block})
    with fits.open(tmp_path / "e.fits") as hdus:
        np.testing.assert_array_equal(hdus[1].data["representation"], block)


def test_the_same_table_from_every_input_format(tmp_path):
    table = Table({"Name": ["NGC 1", "ic10"], "z": [0.015, 0.02], "n": MaskedColumn([3, 4], mask=[False, True])})
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
    for name, words in [("none.csv", "no such file"), ("empty.fits", "empty file"), ("page.fits", "FITS"), ("t.docx", "no such")]:
        with pytest.raises(CubespaceError, match=words) as caught:
            read_table(tmp_path / name)
        assert name in str(caught.value)
    (tmp_path / "t.docx").write_text("x")
    with pytest.raises(CubespaceError, match="allowed"):
        read_table(tmp_path / "t.docx")
    np.savez(tmp_path / "ragged.npz", a=np.zeros(2), b=np.zeros(3))
    with pytest.raises(CubespaceError, match="one length"):
        read_table(tmp_path / "ragged.npz")


def test_csv_has_ten_digits_so_that_the_last_bits_of_a_sum_do_not_show(tmp_path):
    for name, last in (("a", 0.0), ("b", 3e-17)):
        write_table(pd.DataFrame({"p": [0.1234567890123456 + last]}), tmp_path / f"{name}.csv")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text() == "p\n0.123456789\n"
