"""What is settled when a catalogue of groups or voids is read comes with it, and the step writes and prints it."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from cubespace.errors import CubespaceError
from cubespace.populations import catalogues as cat
from cubespace.steps import classify
from cubespace.tables import read_table, write_table

COLUMNS = {"group": "g", "ra": "ra", "dec": "dec", "redshift": "z", "members": "n"}
GROUPS = "g,ra,dec,z,n\n7,1,0,0.02,31\n# 8,2,0,0.02,5\n9,-999,0,0.02,4\n9,3,0,,4\n9,4,95,0.02,4\n0,5,0,0.02\n"
VOIDS = "ra,dec,r,Reff\n10,20,80,9\n11,20,-999,9\n12,20,81,-1\n13,20,82,inf\n"


def groups(path, **more):
    return cat.read_groups(**{"h0": 70.0, "om0": 0.3} | cat.expand({"path": path, "columns": COLUMNS, **more}, "groups"))


def voids(path, **more):
    return cat.read_voids(**{"h0": 70.0} | cat.expand({"path": path, "preset": "pan2012", **more}, "voids"))


def said(catalogue):
    assert all(note.table.endswith(("csv", "fits", "parquet")) and note.galaxies == "" for note in catalogue.notes)
    return [(note.kind, note.detail) for note in catalogue.notes]


def test_rows_and_numbers_of_groups(tmp_path):
    """Of six rows one is a comment, one lacks its end, three have no place: one is left that is in a group, one that is in none."""
    (tmp_path / "g.csv").write_text(GROUPS)
    catalogue = groups(tmp_path / "g.csv", short_rows="fill")
    assert catalogue.ra.tolist() == [1, 5] and catalogue.members.tolist() == [31, 1]
    assert said(catalogue) == [
        ("table", "1 lines after the header start with # and were passed over, the first is '# 8,2,0,0.02,5'"),
        ("table", "1 rows have fewer cells than the header and were filled, the first is row 5"),
        ("column", "column 'ra': 0 missing, 1 sentinels, 0 out of range"),
        ("column", "column 'dec': 0 missing, 0 sentinels, 1 out of range"),
        ("column", "column 'z': 1 missing, 0 sentinels, 0 out of range"),
        ("column", "column 'n': 1 missing, 0 sentinels, 0 out of range"),
        ("rows", "3 of 5 rows are passed over: no position, redshift or number of members; the first: 2, 3, 4"),
    ]
    (tmp_path / "clean.csv").write_text("g,ra,dec,z,n\n7,1,0,0.02,31\n")
    assert said(groups(tmp_path / "clean.csv")) == []


def test_rows_and_numbers_of_voids(tmp_path):
    (tmp_path / "v.csv").write_text(VOIDS)
    catalogue = voids(tmp_path / "v.csv")
    assert catalogue.radius.tolist() == [9]
    assert said(catalogue) == [
        ("column", "column 'r': 0 missing, 1 sentinels, 0 out of range"),
        ("column", "column 'Reff': 0 missing, 1 sentinels, 0 out of range"),
        ("rows", "3 of 4 rows are passed over: no position or no positive radius; the first: 2, 3, 4"),
    ]


def test_hours_taken_for_degrees_are_said(tmp_path):
    (tmp_path / "g.csv").write_text("g,ra,dec,z,n\n" + "".join(f"7,{2 * i}.5,0,0.02,31\n" for i in range(11)))
    ((kind, words),) = said(groups(tmp_path / "g.csv"))
    assert kind == "unit" and words.startswith("column 'ra': all 11 values are within 0 ... 24 and were taken as degrees")


def test_a_column_or_table_that_could_have_been_another(tmp_path):
    (tmp_path / "v.csv").write_text("ra,dec,r,R,Reff,radius\n10,20,80,81,9,8\n")
    assert [words for _, words in said(voids(tmp_path / "v.csv"))] == [
        "column 'r' is taken for distance; 'R' could be it as well",
        "column 'Reff' is taken for radius; 'radius' could be it as well",
    ]
    one, two = (
        fits.table_to_hdu(Table({"g": [7], "ra": [ra], "dec": [0.0], "z": [0.02], "n": [2]})) for ra in (1.0, 2.0)
    )
    one.name, two.name = "NORTH", "SOUTH"
    fits.HDUList([fits.PrimaryHDU(), one, two]).writeto(tmp_path / "g.fits")
    assert said(groups(tmp_path / "g.fits")) == [
        ("table", "the first of 2 tables was taken, of 1 rows: NORTH, SOUTH; `hdu` chooses another")
    ]
    south = groups(tmp_path / "g.fits", hdu="SOUTH")
    assert south.ra.tolist() == [2.0] and said(south) == []


def test_groups_that_the_second_table_lacks(tmp_path):
    (tmp_path / "g.csv").write_text("g,ra,dec,z\n7,1,0,0.02\n8,2,0,0.02\n0,3,0,0.02\n")
    (tmp_path / "sizes.csv").write_text("g,n\n7,31\n9,-1\n")
    columns = {name: column for name, column in COLUMNS.items() if name != "members"}
    second = {"path": tmp_path / "sizes.csv", "columns": {"group": "g", "members": "n"}}
    catalogue = groups(tmp_path / "g.csv", columns=columns, groups=second)
    assert catalogue.members.tolist() == [31, 1]
    words = [words for _, words in said(catalogue)]
    assert words[0].startswith("1 groups are not in ") and words[0].endswith("sizes.csv, and their galaxies are passed over: 8")
    assert words[1].startswith("1 of 3 rows are passed over") and words[1].endswith("the first: 2")


def test_what_stands_for_missing_in_lengths_and_sizes(tmp_path):
    """-1 as a distance, 999 as a number of members: `missing` holds for every column; `convert` is none for lengths."""
    (tmp_path / "g.csv").write_text("g,ra,dec,z,n\n7,1,0,0.02,31\n8,2,0,0.02,999\n")
    assert groups(tmp_path / "g.csv").members.tolist() == [31, 999]
    catalogue = groups(tmp_path / "g.csv", columns=COLUMNS | {"members": {"column": "n", "missing": [999]}})
    assert catalogue.members.tolist() == [31] and ("column", "column 'n': 0 missing, 1 sentinels, 0 out of range") in said(catalogue)
    (tmp_path / "v.csv").write_text("x,y,z,R\n10,20,80,9\n7,7,7,9\n-99,20,80,9\n")
    xyz = {"x": {"column": "x", "missing": [7]}, "y": "y", "z": "z", "radius": "R"}
    catalogue = cat.read_voids(tmp_path / "v.csv", xyz, "Mpc/h")
    np.testing.assert_array_equal(catalogue.centre, [[10, 20, 80], [-99, 20, 80]])  # a place, not a code
    assert cat.read_voids(tmp_path / "v.csv", xyz | {"z": {"column": "z", "missing": ["7"]}}, "Mpc/h").radius.tolist() == [9, 9]
    with pytest.raises(CubespaceError, match=r"v\.csv: column 'R': convert is for ra, dec and redshift; here `unit`"):
        cat.read_voids(tmp_path / "v.csv", xyz | {"radius": {"column": "R", "convert": "none"}}, "Mpc/h")


@pytest.mark.parametrize("missing", [[99.9], ["99.9"], ["n.a.", "9.99e1"]])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_codes_are_found_in_single_precision_and_in_quotes(tmp_path, kind, missing):
    """99.9 went through float32 in a binary file, where it is 99.9000015."""
    table = Table({"x": [10.0, 20.0], "y": [20.0, 30.0], "z": [80.0, 90.0], "R": np.array([9, 99.9], "f4")}).to_pandas()
    path = tmp_path / f"v.{kind}"
    table.to_parquet(path) if kind == "parquet" else table.to_csv(path, index=False)
    catalogue = cat.read_voids(path, {"x": "x", "y": "y", "z": "z", "radius": {"column": "R", "missing": missing}}, "Mpc/h")
    assert catalogue.radius.tolist() == [9] and catalogue.centre.tolist() == [[10, 20, 80]]
    assert said(catalogue)[0] == ("column", "column 'R': 0 missing, 1 sentinels, 0 out of range")


def test_what_stands_for_missing_in_groups(tmp_path):
    (tmp_path / "g.csv").write_text("g,ra,dec,z,n\n7,1,0,0.02,31\n555,2,0,0.02,31\nfield,3,0,0.02,31\n")
    catalogue = groups(tmp_path / "g.csv", columns=COLUMNS | {"group": {"column": "g", "missing": [555, "field"]}})
    assert catalogue.group.tolist() == ["7", None, None]


def test_radii_in_another_unit_are_refused(tmp_path):
    """kpc called Mpc make every galaxy a member; Mpc called kpc none; voids likewise."""
    columns = {"group": "g", "ra": "ra", "dec": "dec", "redshift": "z", "radius": "R"}
    for radius, unit, words in ((1500, "Mpc", "1500 Mpc"), (1.5, "kpc", "0.0015"), ("inf", "Mpc", "no row has")):
        (tmp_path / "g.csv").write_text(f"g,ra,dec,z,R\n7,1,0,0.02,{radius}\n")
        with pytest.raises(CubespaceError, match=r"g\.csv: .*" + words):
            groups(tmp_path / "g.csv", columns=columns, length_unit=unit)
    for radius, unit in ((10000, "Mpc/h"), (10, "kpc/h")):
        (tmp_path / "v.csv").write_text(f"ra,dec,r,Reff\n10,20,80,{radius}\n")
        with pytest.raises(CubespaceError, match=r"v\.csv: column '(Reff|r)': (radii|distances) of .*is the unit right"):
            voids(tmp_path / "v.csv", length_unit=unit)


def test_distances_in_another_unit_are_refused(tmp_path):
    """A redshift called a distance, kpc called Mpc: no galaxy would be in a void."""
    (tmp_path / "v.csv").write_text("ra,dec,r,Reff\n10,20,0.03,9\n")
    with pytest.raises(CubespaceError, match=r"v\.csv: column 'r': distances of 0.03 .*is the unit right"):
        voids(tmp_path / "v.csv")
    (tmp_path / "v.csv").write_text("x,y,z,R\n40000,20000,80000,9\n")
    with pytest.raises(CubespaceError, match=r"v\.csv: column 'x': distances of x, y, z of 91651"):
        cat.read_voids(tmp_path / "v.csv", {"x": "x", "y": "y", "z": "z", "radius": "R"}, "Mpc/h")


@pytest.mark.parametrize(
    ("footprint", "words"),
    [({"redshift": [0.2, 0.0]}, r"redshift: found \[0.2, 0.0\], expected \[min, max\]"), ({"boxes": [[0, 90, 0, 100]]}, "declinations"),
     ({"radius": -1.0}, "a radius of up to 180 degrees"), ({"redshift": [0.1]}, r"expected \[min, max\]"),
     ({"boxes": [0, 90, -10, 50]}, r"found .*'boxes': \[0, 90, -10, 50\].*, expected boxes \[\[ra_min,"), ({"redshift": [0.01, None]}, "expected boxes"),
     ({"radius": "wide"}, "expected boxes")],
)  # fmt: skip
def test_a_footprint_that_holds_nothing_is_refused(tmp_path, footprint, words):
    (tmp_path / "v.csv").write_text(VOIDS)
    with pytest.raises(CubespaceError, match=r"v\.csv: footprint: .*" + words):
        voids(tmp_path / "v.csv", footprint=footprint)


def test_the_step_prints_and_writes_them(tmp_path, capsys):
    (tmp_path / "g.csv").write_text(GROUPS)
    (tmp_path / "v.csv").write_text(VOIDS)
    table = {"galaxy": ["A"], "ra": [1.0], "dec": [0.0], "redshift": [0.02]}
    lines = ("log_ew_ha", "log_ew_ha_cen", "log_nii_ha_cen", "log_oiii_hb_cen", "e_log_ew_ha_cen", "e_log_nii_ha_cen", "e_log_oiii_hb_cen")
    write_table(Table(table | {name: [np.nan] for name in lines}).to_pandas(), tmp_path / "galaxies.parquet")
    around = {"groups": [{"path": str(tmp_path / "g.csv"), "columns": COLUMNS, "short_rows": "fill"}],
              "voids": [{"path": str(tmp_path / "v.csv"), "preset": "pan2012"}]}  # fmt: skip
    files = {name: str(tmp_path / file) for name, file in (("galaxies", "galaxies.parquet"), ("out", "c.parquet"), ("notes", "n.csv"))}
    classify.main([*(word for name, file in files.items() for word in (f"--{name}", file)), "--settings", json.dumps({"environment": around})])
    expected = [*groups(tmp_path / "g.csv", short_rows="fill").notes, *voids(tmp_path / "v.csv").notes]
    notes = read_table(files["notes"])
    assert len(expected) == 10 and notes.columns.tolist() == ["kind", "table", "galaxies", "detail"]
    assert notes["detail"].tolist() == [note.detail for note in expected] and set(notes["kind"]) == {"table", "column", "rows"}
    printed = capsys.readouterr().out
    assert all(f"note: {note.kind}: {note.table}: {note.detail}\n" in printed for note in expected)
