"""The sample: conversions, nulls, roles, and errors that name file, row and column."""

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from cubespace.errors import CubespaceError
from cubespace.sample import build, check_cubes, check_ready, release, roster, rows_digest, stratified_split

COSMOLOGY = {"h0": 70.0, "om0": 0.3}
TYPES = str(ROOT / "resources/morphology.csv")


def make(tmp_path, sheet, tables=(), split=None, **more):
    (tmp_path / "sheet.csv").write_text(sheet)
    specs = []
    for i, (text, spec) in enumerate(tables):
        (tmp_path / f"t{i}.csv").write_text(text)
        specs.append({"path": str(tmp_path / f"t{i}.csv"), **spec})
    return build(
        sheet=str(tmp_path / "sheet.csv"), cubes="cubes/{galaxy}.fits.gz", tables=specs, cosmology=COSMOLOGY,
        split=split or {"method": "sheet"}, types=TYPES, **more,
    )  # fmt: skip


def test_join_converts_and_nulls(tmp_path):
    table = (
        "Name,z,EW,ell,age,Z,mass,type\n"
        "NGC1,0.03,-10,0.8,2.0,0.017,10.2,SAB(s)bc\n"
        "ic10,0.01,0,0.0,-999,0.0017,-99,U\n"
        "ARP 118,0.02,5,0.6,1.0,0.034,12.8,E4\n"
    )
    columns = {
        "redshift": "z",
        "log_ew_ha": {"column": "EW", "convert": "log10_negative"},
        "ellipticity": {"column": "ell", "convert": "eccentricity"},
        "log_age_lw": {"column": "age", "convert": "log10_gyr_to_yr"},
        "metallicity_lw": {"column": "Z", "convert": "log10_z_over_zsun"},
        "log_mass": {"column": "mass", "maximum": 12},
        "morphology": "type",
    }
    made = make(
        tmp_path,
        "galaxy,role\nNGC 0001,train\nIC0010,\nARP118_0,validation\n",
        [(table, {"key": "Name", "columns": columns})],
    )
    g = made.galaxies.set_index("galaxy")
    one = g.loc["NGC0001"]
    assert one["log_ew_ha"] == pytest.approx(1.0)  # -10 A of emission
    assert one["ellipticity"] == pytest.approx(0.4)  # e = 0.8 -> b/a = 0.6
    assert one["log_age_lw"] == pytest.approx(9.30103)
    assert one["metallicity_lw"] == pytest.approx(0.0)
    assert (one["morphology"], one["morphology_detail"]) == ("Sb", "Sbc")
    assert one["distance"] == pytest.approx(
        127.61 * 1.03, rel=1e-3
    )  # comoving 127.61 Mpc at z = 0.03 (H0 = 70)
    ten = g.loc["IC0010"]
    assert np.isnan(ten["log_ew_ha"]) and np.isnan(ten["log_age_lw"]) and np.isnan(ten["log_mass"])
    assert ten["morphology"] is None and ten["role"] == "embed"
    part = g.loc["ARP118_0"]
    assert part["table_row"] == "ARP118" and part["pointing"] == "ARP118" and part["redshift"] == 0.02
    assert np.isnan(part["log_ew_ha"])  # absorption has no log EW
    assert np.isnan(part["log_mass"])  # absurd
    audit = made.audit.set_index("property")
    assert audit.loc["log_mass", ["used", "sentinel", "out_of_range"]].tolist() == [1, 1, 1]
    assert audit.loc["log_ew_ha", ["used", "out_of_range"]].tolist() == [1, 2]
    assert made.unmatched == []


def test_the_sheet_has_its_lines_in_the_audit_and_among_the_notes(tmp_path):
    """A mass of 99 and one of -99 in the sheet itself, a row in a comment, equivalent widths that can be either."""
    made = make(tmp_path, "galaxy,log_mass,redshift\nA,10,0.01\nB,-99,0.02\n#C,9,0.01\nD,99,0.01\n")
    assert made.audit.iloc[0].tolist() == [str(tmp_path / "sheet.csv"), "log_mass", "log_mass", "", "none", 1, 0, 1, 1]
    assert made.audit["property"].tolist() == ["log_mass", "redshift"] and made.audit["used"].tolist() == [1, 3]
    assert [(note.kind, note.table) for note in made.notes] == [("table", str(tmp_path / "sheet.csv"))]
    assert "1 lines after the header start with # and were passed over, the first is '#C,9,0.01'" in made.notes[0].detail
    with pytest.raises(CubespaceError, match=r"t0\.csv: column 'EW' for log_ew_ha: 2 values within -1 \.\.\. 2 can be"):
        make(tmp_path, "galaxy\nA\nB\n", [("n,EW\nA,2\nB,-1\n", {"key": "n", "columns": {"log_ew_ha": "EW"}})])
    table = ("n,EW (Angstrom)\nA,2\nB,0.1\n", {"key": "n", "columns": {"log_ew_ha": "EW (Angstrom)"}})
    (note,) = make(tmp_path, "galaxy\nA\nB\n", [table]).notes
    assert note.table.endswith("t0.csv") and note.detail.startswith("column 'EW (Angstrom)': 2 values within 0.1 ... 2 can be logarithms or")


def test_columns_and_rows_that_are_passed_over_are_noted(tmp_path):
    made = make(tmp_path, "galaxy,Redshift,RA\nA,0.01,10\nB,0.02,20\n", [("n,m\n,10\nA,9\n-,8\n", {"key": "n", "columns": {"log_mass": "m"}})])
    assert [(note.kind, note.table[-6:], note.detail) for note in made.notes] == [
        ("column", "et.csv", "columns that are passed over, as their names are ours but for capitals or brackets: 'Redshift' (redshift), 'RA' (ra)"),
        ("rows", "t0.csv", "2 of 3 rows have no name in 'n' and are passed over"),
    ]
    made = make(tmp_path, "galaxy,redshift,Z\nA,0.01,10\nB,0.02,20\n")
    assert made.notes == []


def test_columns_of_the_sheet_with_a_unit_in_the_header(tmp_path):
    """2997.92458 km/s is z = 0.01, 10^10 Msun is 10 and 3000 pc are 3 kpc; what has a bracket and is not used is noted."""
    header = "galaxy,redshift (km/s),log_mass [Msun],re_kpc [pc],g_r,morphology (RC3)\n"
    made = make(tmp_path, header + "A,2997.92458,1e10,3000,0.5,Sb\nB,5995.84916,1e9,500,0.6,Sc\n".replace("1e10", "2e10"))
    g = made.galaxies
    np.testing.assert_allclose(g["redshift"], [0.01, 0.02], rtol=1e-9)
    np.testing.assert_allclose(g["log_mass"], [10.30103, 9.0], atol=1e-6)
    assert g["re_kpc"].tolist() == [3.0, 0.5] and g["g_r"].tolist() == [0.5, 0.6] and g["morphology"].isna().all()
    assert made.audit[["column", "property", "unit"]].values.tolist()[0] == ["log_mass [Msun]", "log_mass", "Msun"]
    assert [note.detail for note in made.notes if note.kind == "column"] == [
        "columns that are passed over, as their names are ours but for capitals or brackets: 'morphology (RC3)' (morphology)"
    ]
    made = make(tmp_path, "galaxy,log_mass [log10(Msun)],redshift,redshift (km/s)\nA,10.5,0.01,9\n")
    assert made.galaxies["log_mass"].tolist() == [10.5] and made.galaxies["redshift"].tolist() == [0.01] and made.notes == []


@pytest.mark.parametrize(
    ("columns", "cell", "name", "expected", "passed"),
    [
        ("log_mass (Salpeter)", "10", "log_mass", [9.0, 9.5], ["log_mass (Salpeter)"]),  # the values are those of the property table
        ("redshift (NSA)", "0.1", "redshift", [0.01, 0.02], ["redshift (NSA)"]),
        ("redshift (helio)", "0.1", "redshift", [0.01, 0.02], ["redshift (helio)"]),
        ("redshift (2)", "0.1", "redshift", [0.01, 0.02], ["redshift (2)"]),  # a footnote
        ("ra (J2000),dec (J2000)", "10", "ra", [20.0, 30.0], ["ra (J2000)", "dec (J2000)"]),
        ("log_mass [Msun],log_mass (Salpeter)", "1e11", "log_mass", [11.0, 11.0], ["log_mass (Salpeter)"]),
        ("redshift [z],redshift (%)", "10", "redshift", [0.1, 0.1], ["redshift [z]"]),
        ("log_mass (dex)", "10", "log_mass", [10.0, 10.0], []),
        ("ra (h)", "10", "ra", [150.0, 150.0], []),
        ("redshift (1)", "0.1", "redshift", [0.1, 0.1], []),  # FITS, of a number without a unit
    ],
)
def test_brackets_of_the_sheet_that_hold_no_unit(tmp_path, columns, cell, name, expected, passed):
    table = ("n,m,z,a,d\nA,9,0.01,20,1\nB,9.5,0.02,30,2\n", {"key": "n", "columns": {"log_mass": "m", "redshift": "z", "ra": "a", "dec": "d"}})
    cells = f",{cell}" * len(columns.split(","))
    made = make(tmp_path, f"galaxy,{columns}\nA{cells}\nB{cells}\n", [table])
    np.testing.assert_allclose(made.galaxies[name], expected, rtol=1e-12)
    words = ", ".join(f"{column!r} ({column.split()[0]})" for column in passed)
    assert [n.detail.split(": ")[1] for n in made.notes if n.kind == "column"] == [words] * bool(passed)


def test_two_columns_of_the_sheet_with_a_unit(tmp_path):
    words = r"sheet\.csv: columns 'redshift \(km/s\)', 'redshift \(m/s\)' are all redshift by their names; expected one of them, or one named 'redshift'"
    with pytest.raises(CubespaceError, match=words):
        make(tmp_path, "galaxy,redshift (km/s),redshift (m/s)\nA,3000,3000000\n")


def test_a_unit_of_the_sheet_that_is_not_understood(tmp_path):
    made = make(tmp_path, "galaxy\tlog_mass\tredshift\n\tfoo\t\n--------\t----\t----\nA\t10\t0.01\n")
    assert [n.detail for n in made.notes] == ["column 'log_mass': unit 'foo' is not understood and was passed over"]


def test_pointings_by_name(tmp_path):
    """Parts of one pointing, however spelled, share it, with one note; a survey whose names end in numbers has a pointing for each galaxy."""
    rows = ["Mrk_335", "Mrk_79", "CALIFA_001", "CALIFA_002", "ARP118_0", "Arp 118_1", "MCG-1-1-12_0", "MCG-01-01-012_1"]
    made = make(tmp_path, "galaxy\n" + "".join(f"{row}\n" for row in rows))
    assert made.galaxies["pointing"].tolist() == [*rows[:4], "ARP118", "ARP118", "MCG-1-1-12", "MCG-1-1-12"]
    (note,) = made.notes
    assert (note.kind, note.galaxies) == ("pointing", "ARP118_0 Arp118_1 MCG-1-1-12_0 MCG-01-01-012_1")
    assert note.detail.startswith("4 galaxies are parts of 2 pointings by their names")
    made = make(tmp_path, "galaxy,pointing\nA,NGC 1\nNGC0001,\nB_0,p1\nB_1,p2\nC1_0,p1\n")
    assert made.galaxies["pointing"].tolist() == ["NGC 1", "NGC 1", "p1", "p2", "p1"]
    assert [(note.kind, note.galaxies) for note in made.notes] == [("pointing", "NGC0001")]
    split = {"method": "stratified", "validation_fraction": 0.5, "seed": 1}
    made = make(tmp_path, "galaxy\n" + "".join(f"SAMI_90085{i:05d}\n" for i in range(10)), split=split)
    assert made.galaxies["role"].value_counts().to_dict() == {"train": 5, "validation": 5} and made.notes == []


def test_a_redshift_of_another_frame_is_noted(tmp_path):
    for column, noted in (("zcmb", True), ("z_CMB", True), ("VLG", True), ("z", False), ("zobs", False)):
        made = make(tmp_path, "galaxy\nA\n", [(f"n,{column}\nA,0.01\n", {"key": "n", "columns": {"redshift": column}})])
        assert bool(made.notes) is noted
        assert not noted or "frame that is not the Sun's" in made.notes[0].detail


def test_unmatched_and_missing_redshift_are_kept_and_named(tmp_path):
    rows = "".join(
        f"G{i},{z}\n" for i, z in enumerate(["-1", "-9", "-99", "-999.0", "-9999", "nan", "", "-", "0.5"])
    )
    made = make(
        tmp_path,
        "galaxy\n" + "".join(f"G{i}\n" for i in range(9)) + "LOST\n",
        [("n,z\n" + rows, {"key": "n", "columns": {"redshift": "z"}})],
    )
    assert made.galaxies["redshift"].isna().all() and len(made.galaxies) == 10
    assert made.unmatched == ["LOST"]


def test_velocities(tmp_path):
    def spec(**more):
        return {"key": "n", "columns": {"redshift": {"column": "cz", **more}}}

    made = make(tmp_path, "galaxy\nA\n", [("n,cz\nA,4521\n", spec(convert="km_s"))])
    assert made.galaxies["redshift"][0] == pytest.approx(0.015080, abs=1e-6)
    with pytest.raises(CubespaceError, match=r"t0.csv.*'cz'.*row 1.*4521.*km_s"):
        make(tmp_path, "galaxy\nA\n", [("n,cz\nA,4521\n", spec())])


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("name\nA\n", "no column 'galaxy'"),
        ("galaxy\n", "no rows"),
        ("galaxy,role\nA,train\nB,test\n", "row 2: 'test'; allowed: train, validation, embed"),
        ("galaxy\nNGC1\nngc 0001\n", r"more than once: 'NGC1' \(row 1\), 'ngc 0001' \(row 2\)"),
        ("galaxy,role\nA,train\n,train\n", "row.s. 2: the name"),
        ("galaxy,redshift\nA,0.1\nB,fast\n", "column 'redshift': row 2: found 'fast'; expected a number"),
    ],
)
def test_a_wrong_sheet_is_refused_by_row(tmp_path, sheet, words):
    with pytest.raises(CubespaceError, match=words):
        make(tmp_path, sheet)


def test_a_wrong_table_is_refused_by_column(tmp_path):
    columns = {"redshift": "z"}
    with pytest.raises(CubespaceError, match=r"t0.csv: no column.s. 'z'; found: n, q"):
        make(tmp_path, "galaxy\nA\n", [("n,q\nA,1\n", {"key": "n", "columns": columns})])
    with pytest.raises(
        CubespaceError, match=r"more than one row, with different values, for NGC0001 \(rows 1, 2\)"
    ):
        make(
            tmp_path, "galaxy\nNGC1\n", [("n,z\nNGC0001,0.1\nngc 1,0.2\n", {"key": "n", "columns": columns})]
        )
    with pytest.raises(CubespaceError, match="looks linear"):
        make(tmp_path, "galaxy\nA\n", [("n,m\nA,3.16e10\n", {"key": "n", "columns": {"log_mass": "m"}})])


def test_stratified_split_is_balanced_and_keeps_pointings_together():
    types = ["E"] * 40 + ["Sb"] * 100 + ["BCD"] * 1 + [None] * 9
    pointing = [f"P{i}" for i in range(148)] + ["pair", "pair"]
    roles = stratified_split(types, pointing, 0.15, seed=3)
    assert roles[-1] == roles[-2]
    validation = pd.Series(types)[roles == "validation"].value_counts()
    assert validation["E"] in (5, 6, 7) and validation["Sb"] in (14, 15, 16)
    assert (roles == "validation").sum() in range(21, 25)
    np.testing.assert_array_equal(roles, stratified_split(types, pointing, 0.15, seed=3))
    assert (roles != stratified_split(types, pointing, 0.15, seed=4)).any()


def test_a_colour_edited_does_not_change_what_fits_see(tmp_path):
    spec = {"key": "n", "columns": {"redshift": "z", "g_r": "c"}}
    sheet = "galaxy,role\nA,train\nB,validation\n"
    one = make(tmp_path, sheet, [("n,z,c\nA,0.01,0.5\nB,0.02,0.6\n", spec)]).galaxies
    two = make(tmp_path, sheet + "C,embed\n", [("n,z,c\nA,0.01,0.9\nB,0.02,0.6\nC,0.03,1\n", spec)]).galaxies
    assert rows_digest(release(one)) == rows_digest(release(two))
    assert rows_digest(roster(one)) != rows_digest(roster(two))


def test_the_real_tables_and_split(shared_data):
    """895 rows of the two public tables and the published split: 898 galaxies, 772 + 126."""
    made = build(
        sheet=str(shared_data / "cl_ecalifa/train_test_edr.npz"),
        sheet_columns={"galaxy": "ID", "train": "train_sample", "validation": "test_sample"},
        cubes="cubes/{galaxy}.V500.drscube.fits.gz",
        cosmology=COSMOLOGY,
        split={"method": "sheet"},
        types=TYPES,
        tables=[
            {
                "path": str(shared_data / "ecalifa/ecalifa_global.csv"),
                "key": "Name",
                "columns": {
                    "redshift": "z", "morphology": "type", "log_mass": {"column": "log_Mass", "maximum": 12},
                    "log_ew_ha": {"column": "EW_Ha_ALL", "convert": "log10_negative"},
                    "log_nii_ha_cen": "log_NII_Ha_cen", "log_oiii_hb_cen": "log_OIII_Hb_cen",
                    "ellipticity": {"column": "ellip", "convert": "eccentricity"},
                },
            },
            {
                "path": str(shared_data / "ecalifa/galaxies_properties.fits"),
                "key": "cubename",
                "columns": {"metallicity_lw": {"column": "met_LW_int", "convert": "log10_z_over_zsun"}},
            },
        ],
    )  # fmt: skip
    g = made.galaxies
    assert len(g) == 898 and made.unmatched == []
    assert g["role"].value_counts().to_dict() == {"train": 772, "validation": 126}
    cut = g[g["table_row"] != g["galaxy"]]
    assert sorted(set(cut["table_row"])) == [
        "ARP118",
        "Arp142",
        "NGC5421NED02",
        "NGC7436B",
        "SN2012fk",
        "SQbF1",
    ]
    assert len(cut) == 12 and cut["redshift"].notna().all()
    # 8 of the 895 rows are U; one of them (PTF11owc) is among the three galaxies that the paper excludes
    assert g["morphology"].isna().sum() == 7
    validation = g[g["role"] == "validation"]["morphology_detail"].value_counts()
    assert {k: int(validation[k]) for k in ("Sb", "Sbc", "Sc", "Scd", "Sab", "BCD")} == {
        "Sb": 19,
        "Sbc": 15,
        "Sc": 12,
        "Scd": 10,
        "Sab": 9,
        "BCD": 1,
    }
    audit = made.audit.set_index("property")
    assert audit.loc["log_mass", "out_of_range"] == 2  # two masses beyond 10^12
    assert audit.loc["log_nii_ha_cen", "missing"] == 48 and audit.loc["log_oiii_hb_cen", "missing"] == 89
    edge_on = g.set_index("galaxy").loc["IC5376"]
    assert edge_on["ellipticity"] == pytest.approx(1 - np.sqrt(1 - 0.949**2), abs=2e-3)
    assert edge_on["log_ew_ha"] > 0
    assert g["pointing"].duplicated(keep=False).sum() >= 12


def test_roles_and_flags_as_people_write_them(tmp_path):
    sheet = "name,Role\nA, Train\nB,VALIDATION \nC,embed\nD,\n"
    made = make(tmp_path, sheet, sheet_columns={"galaxy": "name", "role": "Role"})
    assert made.galaxies["role"].tolist() == ["train", "validation", "embed", "embed"]
    flags = "galaxy,t,v\nA,True,False\nB,no,yes\nC,0,1\nD,,\n"
    made = make(tmp_path, flags, sheet_columns={"train": "t", "validation": "v"})
    assert made.galaxies["role"].tolist() == ["train", "validation", "validation", "embed"]
    with pytest.raises(CubespaceError, match="column 't': row 2: found 'perhaps', expected true or false"):
        make(tmp_path, "galaxy,t\nA,true\nB,perhaps\n", sheet_columns={"train": "t"})
    with pytest.raises(CubespaceError, match=r"row\(s\) 1: two roles at once"):
        make(tmp_path, "galaxy,t,v\nA,1,1\n", sheet_columns={"train": "t", "validation": "v"})


def test_a_published_split_is_never_drawn_again_in_silence(tmp_path):
    split = {"method": "stratified", "validation_fraction": 0.3, "seed": 1}
    sheet = "galaxy,Split\nA,train\nB,validation\nC,train\n"
    with pytest.raises(CubespaceError, match=r"sheet\.csv: no column\(s\) 'split' \(did you mean 'Split'\?\); found: galaxy, Split"):
        make(tmp_path, sheet, split=split, sheet_columns={"role": "split"})
    made = make(tmp_path, sheet, split=split, sheet_columns={"role": "Split"})
    assert made.galaxies["role"].tolist() == ["train", "validation", "train"]
    with pytest.raises(CubespaceError, match=r"sheet\.csv: roles in column 'role' and, as sheet_columns says, in 'tr'; expected one of the two"):
        make(tmp_path, "galaxy,role,tr\nA,train,0\nB,,1\n", sheet_columns={"train": "tr"})
    assert make(tmp_path, "galaxy\nA\nB\n", sheet_columns={"role": "role"}).galaxies["role"].tolist() == ["embed"] * 2  # the schema's default


def test_a_cube_is_found_by_the_spelling_that_its_file_has(tmp_path):
    (tmp_path / "cubes").mkdir()
    for name in ("UGC6930", "NGC0001"):
        (tmp_path / "cubes" / f"{name}.fits").write_text(name)
    (tmp_path / "sheet.csv").write_text("galaxy\nUGC6930\nngc 1\nIC 10\n")
    pattern = str(tmp_path / "cubes/{galaxy}.fits")
    made = build(str(tmp_path / "sheet.csv"), pattern, [], COSMOLOGY, {"method": "sheet"}, TYPES)
    assert made.galaxies["galaxy"].tolist() == ["UGC06930", "NGC0001", "IC0010"]
    files = [path.rsplit("/", 1)[1] for path in made.galaxies["cube"]]
    assert files == ["UGC6930.fits", "NGC0001.fits", "IC0010.fits"]


def test_one_cube_for_two_galaxies_is_refused_by_path_and_by_content(tmp_path):
    for name, content in (("A", "one"), ("B", "one"), ("C", "two")):
        (tmp_path / f"{name}.fits").write_text(content)
    (tmp_path / "D.fits").symlink_to(tmp_path / "C.fits")
    sheet = "galaxy,role\nA,train\nB,train\nC,validation\nD,validation\n"
    (tmp_path / "sheet.csv").write_text(sheet)
    pattern = str(tmp_path / "{galaxy}.fits")
    made = build(str(tmp_path / "sheet.csv"), pattern, [], COSMOLOGY, {"method": "sheet"}, TYPES).galaxies
    with pytest.raises(CubespaceError, match=r"one cube for several galaxies: .*C\.fits of C, D"):
        check_ready(made)
    with pytest.raises(CubespaceError, match=r"the same cube under several names: .*A\.fits \(A\), .*B\.fits \(B\)"):
        check_cubes(made[made["galaxy"].isin(["A", "B"])], pattern)
    pair = made[made["galaxy"].isin(["A", "B"])].assign(pointing="A")  # parts of a pointing may be copies
    assert [note.kind for note in check_cubes(pair, pattern)] == ["stray_files"]  # C, the link and the sheet


def test_impossible_redshifts_are_noted(tmp_path):
    made = make(tmp_path, "galaxy,redshift\nA,0.01\nB,-0.001\nC,0.5\n")
    assert made.galaxies["redshift"].notna().tolist() == [True, False, False]
    assert [(note.kind, note.galaxies) for note in made.notes] == [("redshift", "B"), ("redshift", "C")]


def test_against_a_release_nothing_is_fitted_whatever_the_sheet_says(tmp_path):
    (tmp_path / "sheet.csv").write_text("galaxy,role\nA,train\nB,\n")
    (tmp_path / "A.fits").touch()
    pattern = str(tmp_path / "{galaxy}.fits")
    made = build(str(tmp_path / "sheet.csv"), pattern, [], COSMOLOGY, {"method": "release"}, TYPES).galaxies
    assert made["role"].tolist() == ["embed", "embed"] and release(made).empty
    with pytest.raises(CubespaceError, match="0 galaxies with role train"):
        check_ready(made)
    with pytest.raises(CubespaceError, match=r"1 of 2 cubes are not there: .*B\.fits"):
        check_ready(made, fitted=False)


@pytest.mark.parametrize("word", ["nan", "N/A", "--", "NULL", " none "])
def test_a_word_for_missing_is_no_name_and_no_class(tmp_path, word):
    """Nor a pointing that galaxies share, a file, a role, an environment."""
    with pytest.raises(CubespaceError, match=r"sheet\.csv: row\(s\) 2: the name in 'galaxy' is empty"):
        make(tmp_path, f"galaxy,role\nNGC 1,train\n{word},train\n")
    header = "galaxy,role,pointing,cube,environment,morphology\n"
    table = (f"n,c\nNGC 1,{word}\nNGC 2,AGN\n", {"key": "n", "columns": {"nuclear_class": "c"}})
    made = make(tmp_path, header + "".join(f"NGC {i},{','.join([word] * 5)}\n" for i in (1, 2)), [table])
    g = made.galaxies
    assert g["pointing"].tolist() == ["NGC0001", "NGC0002"] and g["role"].tolist() == ["embed", "embed"]
    assert g["cube"].tolist() == ["cubes/NGC0001.fits.gz", "cubes/NGC0002.fits.gz"]
    assert g["environment"].isna().all() and g["morphology"].isna().all()
    assert g["nuclear_class"].tolist() == [None, "AGN"] and made.notes == []
