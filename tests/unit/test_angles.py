"""Positions in several columns or in hours, redshifts of another frame, and what stands for missing in quotes."""

import numpy as np
import pandas as pd
import pytest

from cubespace.errors import CubespaceError
from cubespace.populations import catalogues as cat
from cubespace.properties import canonical_values, numbers_of
from cubespace.sphere import joined

PARTS = pd.DataFrame(
    {"RAh": [0, 23, 12], "RAm": [30, 59, 0], "RAs": [36.0, 56.5, 7.25], "DE-": ["-", "+", None], "DEd": [0, 41, 89], "DEm": [30, 16, 59], "DEs": [0, 9, 59.5]}
)
RA, DEC = ["RAh", "RAm", "RAs"], ["DE-", "DEd", "DEm", "DEs"]


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
    assert joined(gap[RA]) == ["0 30 36", None, "12 0 7.25"] and joined(gap[DEC]) == ["-0 30 0", None, "89 59 59.5"]
    north = PARTS.assign(**{"DE-": [None, None, None]})
    assert joined(north[DEC]) == ["0 30 0", "41 16 9", "89 59 59.5"]


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
