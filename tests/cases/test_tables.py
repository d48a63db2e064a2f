"""Faults of tables as real use brings them, one test a kind: missing values, keys, types, units, positions, formats."""

import numpy as np
import pandas as pd
import pytest
from astropy.table import MaskedColumn, Table

from conftest import ROOT
from cubespace.cosmology import comoving_distance
from cubespace.errors import CubespaceError
from cubespace.populations import catalogues, environment, twins
from cubespace.sample import build, check_ready
from cubespace.tables import read_table

COSMOLOGY = {"h0": 70.0, "om0": 0.3}
STRATIFIED = {"method": "stratified", "validation_fraction": 0.2, "seed": 7}


def sample(folder, sheet, *tables, split=None, **more):
    """Sample of a sheet (CSV text) and tables, each (file name or CSV text, settings)."""
    (folder / "sheet.csv").write_text(sheet)
    specs = []
    for i, (content, spec) in enumerate(tables):
        path = folder / (content if (folder / content[:60]).is_file() else f"table{i}.csv")
        if not path.is_file():
            path.write_text(content)
        specs.append({"path": str(path), **spec})
    return build(
        str(folder / "sheet.csv"),
        "cubes/{galaxy}.fits",
        specs,
        COSMOLOGY,
        split or {"method": "sheet"},
        str(ROOT / "resources/morphology.csv"),
        **more,
    )


def mapped(**columns):
    return {"key": "n", "columns": columns}


@pytest.mark.parametrize("kind", ["fits", "ecsv", "vot", "parquet", "csv"])
def test_b02_masked_integer_identifiers_keep_every_digit(tmp_path, kind):
    one, two = 4611686018427387905, 4611686018427387904
    table = Table(
        {"id": MaskedColumn([one, two, 5], mask=[False, False, True], dtype="i8"), "m": [10.0, 11.0, 9.0]}
    )
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        table.to_pandas().astype({"id": "Int64"}).to_parquet(path)
    elif kind == "csv":
        path.write_text(f"id,m\n{one},10\n{two},11\n,9\n")
    else:
        table.write(path, format={"fits": "fits", "ecsv": "ascii.ecsv", "vot": "votable"}[kind])
    made = sample(
        tmp_path, f"galaxy\n{two}\n{one}\n", (path.name, {"key": "id", "columns": {"log_mass": "m"}})
    )
    assert made.galaxies["galaxy"].tolist() == [str(two), str(one)]
    assert made.galaxies["log_mass"].tolist() == [11.0, 10.0] and made.unmatched == []


def test_b04_sentinels_are_missing_before_any_statistic_and_are_no_twins(tmp_path):
    text = "n,m,s,z,t\nA,10.2,-9,0.01,Sb\nB,-999,-99,0.01,Sb\nC,9.8,-999,-9999,Sb\nD,-99,0.5,0.01,Sb\nE,-9,0.1,-9,Sb\n"
    columns = {
        "log_mass": "m",
        "log_sfr": {"column": "s", "missing": [-99, -999]},
        "redshift": "z",
        "morphology": "t",
    }
    g = sample(tmp_path, "galaxy\nA\nB\nC\nD\nE\n", (text, mapped(**columns))).galaxies.set_index("galaxy")
    assert g["log_mass"].mean() == pytest.approx(10.0) and g["log_mass"].count() == 2
    assert g["log_sfr"].dropna().tolist() == [-9.0, 0.5, 0.1]  # there -9 is a value
    assert g["redshift"].isna().tolist() == [False, False, True, False, True]
    g = g.reset_index()
    assert twins.match(g[g["galaxy"] == "B"], g[g["galaxy"] == "D"]).empty


def test_b06_a_key_twice_is_refused_and_a_join_multiplies_no_rows(tmp_path):
    with pytest.raises(
        CubespaceError,
        match=r"column 'n': more than one row, with different values, for NGC0001 \(rows 1, 2\)",
    ):
        sample(tmp_path, "galaxy\nNGC0001\n", ("n,m\nNGC0001,10\nNGC 1,11\n", mapped(log_mass="m")))
    for path in tmp_path.iterdir():
        path.unlink()
    made = sample(tmp_path, "galaxy\nA\nB\n", ("n,m\nA,10\nA,10\nB,9\nC,1\nC,2\n", mapped(log_mass="m")))
    assert len(made.galaxies) == 2 and [note.kind for note in made.notes] == ["duplicate_row"]
    with pytest.raises(CubespaceError, match=r"the same galaxy more than once: 'A' \(row 1\), 'a' \(row 3\)"):
        sample(tmp_path, "galaxy\nA\nB\na\n")
    rows = "".join(f"{group},{size},0.02,10.0,5.0\n" for group, size in (("small", 3), ("large", 40)))
    (tmp_path / "groups.csv").write_text("GroupID,Ngal,zobs,RAJ2000,DEJ2000\n" + rows)
    groups = catalogues.read_groups(
        **catalogues.expand({"path": tmp_path / "groups.csv", "preset": "tempel2017"}, "groups")
    )
    found = environment.classify(pd.DataFrame({"ra": [10.0], "dec": [5.0], "redshift": [0.02]}), [groups])
    assert found["group"].tolist() == ["large"] and len(found) == 1  # there a galaxy may be in two groups


def test_b08_identifiers_are_text(tmp_path):
    made = sample(tmp_path, "galaxy\n001\n1237649770260463687\nK0001\n010\n",
                  ("n,m\n1,7\n001,8\n1237649770260463600,9\n1237649770260463687,10\nK0001,11\n1e1,12\n", mapped(log_mass="m")))  # fmt: skip
    assert made.galaxies["galaxy"].tolist() == ["001", "1237649770260463687", "K0001", "010"]
    assert made.galaxies["log_mass"].tolist()[:3] == [8, 10, 11] and made.unmatched == ["010"]


TYPES = {
    "E0": "E", "E7": "E", "S0": "S0", "S0a": "S0", "(R)SB0+": "S0", "E/S0": "S0", "Sa": "Sa", "Sab": "Sa", "sb": "Sb", "Sb ": "Sb", "Sbc pec": "Sb",
    "SAB(s)bc": "Sb", "Sc": "Sc", "Scd": "Sc", "Sd": "Sd", "Sdm": "Sd", "Sm": "Sd", "I": "I", "Irr": "I", "BCD": "BCD", "dE": "E", "cI": "BCD",
    "?": None, "": None,
}  # fmt: skip


def test_b09_types_by_an_explicit_file_and_what_it_lacks_is_listed(tmp_path):
    """Better than an error on the first odd type: it is unknown, and listed with its count and galaxies; `stop` is a choice."""
    rows = [f'G{i},"{text}"' for i, text in enumerate([*TYPES, "Sc+Sc", "Sc+Sc", "zz"])]
    sheet = "galaxy\n" + "".join(f"G{i}\n" for i in range(len(rows)))
    table = ("n,t\n" + "\n".join(rows) + "\n", mapped(morphology="t"))
    made = sample(tmp_path, sheet, table)
    assert made.galaxies["morphology"].tolist() == [*TYPES.values(), None, None, None]
    listed = {note.detail: note.galaxies for note in made.notes if note.kind == "unmapped_type"}
    assert listed == {
        "morphological type 'Sc+Sc': 2 galaxies, not known": "G24 G25",
        "morphological type 'zz': 1 galaxies, not known": "G26",
    }
    with pytest.raises(
        CubespaceError,
        match=r"'Sc\+Sc': 2 galaxies, not known: G24 G25; .*'zz'.*G26; add them to .*morphology\.csv",
    ):
        sample(tmp_path, sheet, table, on_unmapped_type="stop")
    own = tmp_path / "own.csv"
    own.write_text((ROOT / "resources/morphology.csv").read_text() + "names,Sc+Sc,Sc,\n")
    (tmp_path / "t.csv").write_text(table[0])
    again = build(
        str(tmp_path / "sheet.csv"),
        "{galaxy}.fits",
        [{"path": str(tmp_path / "t.csv"), **table[1]}],
        COSMOLOGY,
        {"method": "sheet"},
        str(own),
    )
    assert again.galaxies["morphology"].tolist()[24:26] == ["Sc", "Sc"]


@pytest.mark.parametrize("text", ["0", "zero", "Sb"])
def test_b10_a_column_of_one_type_is_noted_before_the_split(tmp_path, text):
    sheet = "galaxy,morphology\n" + "".join(f"G{i},{text}\n" for i in range(30))
    made = sample(tmp_path, sheet, split=STRATIFIED)
    kinds = {note.kind for note in made.notes}
    assert kinds == ({"one_type"} if text == "Sb" else {"unmapped_type", "many_unmapped_types"})
    assert made.galaxies["role"].value_counts().to_dict() == {"train": 24, "validation": 6}
    check_ready(made.galaxies, made="cubes/{galaxy}.fits")


def test_b10_a_class_of_one_does_not_break_the_split(tmp_path):
    sheet = "galaxy,morphology\nG0,BCD\n" + "".join(f"G{i},{'Sb' if i % 2 else 'E3'}\n" for i in range(1, 30))
    roles = sample(tmp_path, sheet, split=STRATIFIED).galaxies.groupby("morphology")["role"].value_counts()
    assert (
        roles[("Sb", "validation")] == 3 and roles[("E", "validation")] in (2, 3) and roles["BCD"].sum() == 1
    )


def test_b11_masses_in_any_form_are_the_same_and_a_caliper_is_inclusive(tmp_path):
    values = np.array([10.5, 10.2, 10.4, 9.0])
    forms = {
        "log.csv": ("log10(Msun)", values),
        "dex.csv": ("dex(Msun)", values),
        "linear.csv": ("Msun", 10**values),
        "tens.csv": ("10^9 Msun", 10 ** (values - 9)),
    }
    for name, (unit, numbers) in forms.items():
        (tmp_path / name).write_text(
            f"n,m [{unit}]\n" + "".join(f"G{i},{v!r}\n" for i, v in enumerate(numbers.tolist()))
        )
        made = sample(
            tmp_path,
            "galaxy,morphology\n" + "".join(f"G{i},Sb\n" for i in range(4)),
            (name, mapped(log_mass=f"m [{unit}]")),
        )
        np.testing.assert_allclose(made.galaxies["log_mass"], values, atol=1e-9, err_msg=name)
    g = made.galaxies
    assert len(twins.match(g[g["galaxy"] == "G1"], g[g["galaxy"] == "G2"], caliper=0.2)) == 1
    with pytest.raises(
        CubespaceError,
        match=r"column 'm' for log_mass: row 1: 3.16228e\+10 .*looks linear; set convert: log10",
    ):
        sample(
            tmp_path,
            "galaxy\nG0\n",
            ("n,m\n" + "".join(f"G{i},{10**v}\n" for i, v in enumerate(values)), mapped(log_mass="m")),
        )


@pytest.mark.parametrize("other", [359.9995, -0.0005, 360.0005 - 360.001])
def test_b13_the_meridian(tmp_path, other):
    (tmp_path / "groups.csv").write_text(f"GroupID,Ngal,zobs,RAJ2000,DEJ2000\n1,40,0.02,{other},0.0\n")
    groups = catalogues.read_groups(
        **catalogues.expand({"path": tmp_path / "groups.csv", "preset": "tempel2017"}, "groups")
    )
    for own in (0.0005, 360.0005):
        g = sample(tmp_path, f"galaxy,ra,dec,redshift\nA,{own},0.0,0.02\n").galaxies
        assert g["ra"][0] == pytest.approx(0.0005)
        for radius, expected in ((3.61, "cluster"), (3.59, "unclassified")):
            assert environment.classify(g, [groups], match_radius=radius)["environment"][0] == expected
    assert sample(tmp_path, "galaxy,ra,dec\nA,-0.1,0\nB,360.1,0\n").galaxies["ra"].tolist() == pytest.approx(
        [359.9, 0.1]
    )


@pytest.mark.parametrize(("unit", "factor"), [("Mpc/h", 1.0), ("Mpc", 1 / 0.7)])
def test_b14_void_radii_with_their_h_and_comoving_distances(tmp_path, unit, factor):
    distance = float(comoving_distance(0.03, **COSMOLOGY))
    assert distance == pytest.approx(127.61, abs=0.005) and distance * 0.7 == pytest.approx(89.33, abs=0.005)
    (tmp_path / "v.csv").write_text(f"ra,dec,z,R [{unit}]\n40,20,0.03,{10 * factor}\n")
    columns = {"ra": "ra", "dec": "dec", "redshift": "z", "radius": f"R [{unit}]"}
    voids = catalogues.read_voids(
        tmp_path / "v.csv", columns, **COSMOLOGY, footprint={"boxes": [[0, 90, 0, 90]]}
    )
    grid = np.linspace(0.02, 0.05, 300001)
    depths = np.interp(
        distance * 0.7 + 10 * np.array([0.99, 1.0, 1.01]), comoving_distance(grid, 100.0, 0.3), grid
    )
    found = environment.classify(
        pd.DataFrame({"ra": 40.0, "dec": 20.0, "redshift": depths}), voids=[voids], om0=0.3
    )
    assert found["environment"].tolist() == ["void", "void", "filament_wall"]  # the edge is inside, as stated
    (tmp_path / "v.csv").write_text("ra,dec,z,R\n40,20,0.03,10\n")
    with pytest.raises(CubespaceError, match="length_unit: found 'none', expected 'Mpc/h' or 'Mpc'"):
        catalogues.read_voids(tmp_path / "v.csv", columns | {"radius": "R"}, **COSMOLOGY)


VOTABLE = (
    '<?xml version="1.0"?><VOTABLE version="1.1" xmlns="http://www.ivoa.net/xml/VOTable/v1.1"><RESOURCE><TABLE>'
    '<FIELD name="n" datatype="char" arraysize="*"/><FIELD name="ngal" datatype="int"><VALUES null="-9"/></FIELD>'
    '<FIELD name="z" datatype="{}" unit="km/s"/><DATA><TABLEDATA><TR><TD>NGC 1</TD><TD>-9</TD><TD>4521</TD></TR>'
    "<TR><TD>ic10</TD><TD>3</TD><TD>6000</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
)


def test_b15_one_table_in_three_formats_joins_alike(tmp_path):
    (tmp_path / "t.vot").write_text(VOTABLE.format("unsignedInt"))
    (tmp_path / "t.csv").write_text("n,ngal,z [km/s]\nNGC 1,,4521\nic10,3,6000\n")
    table = Table(
        {
            "n": np.array(["NGC 1", "ic10"], "S6"),
            "ngal": MaskedColumn([-9, 3], mask=[True, False]),
            "z": np.array([4521, 6000], ">i4"),
        }
    )
    table["z"].unit = "km/s"
    table.write(tmp_path / "t.fits")
    made = [
        sample(
            tmp_path,
            "galaxy\nNGC0001\nIC0010\n",
            (name, mapped(redshift="z [km/s]" if name == "t.csv" else "z")),
        ).galaxies
        for name in ("t.vot", "t.csv", "t.fits")
    ]
    assert made[0]["redshift"].tolist() == pytest.approx([0.0150804, 0.0200138], abs=1e-7)
    for other in made[1:]:
        pd.testing.assert_frame_equal(made[0], other)
    (tmp_path / "bad.vot").write_text(VOTABLE.format("quad"))
    with pytest.raises(CubespaceError, match=r"bad\.vot: .*'quad' on field 'z'"):
        read_table(tmp_path / "bad.vot")


def test_one_galaxy_under_two_names_shares_a_pointing(tmp_path):
    """The table's part of a cube that is there twice: at one place and redshift, never on both sides nor a negative."""
    sheet = "galaxy,ra,dec,redshift\nNGC0001,10,20,0.015\nUGC00057,10.0005,20,0.0151\nbehind,10.0005,20,0.08\nfar,11,20,0.015\n"
    made = sample(tmp_path, sheet)
    assert made.galaxies["pointing"].tolist() == ["NGC0001", "NGC0001", "behind", "far"]
    assert [(note.kind, note.galaxies) for note in made.notes] == [("duplicate", "NGC0001 UGC00057")]
    unknown = sample(tmp_path, sheet.replace("0.0151", "").replace("0.08", "")).notes
    assert unknown[0].detail == "at one place and with a redshift missing: one galaxy under two names; both count as pointing NGC0001"
    with pytest.raises(CubespaceError, match="NGC0001 and UGC00057 are at one place and one redshift"):
        sample(tmp_path, sheet, positions={"on_duplicate": "stop"})


def test_the_published_sample_has_three_galaxies_twice(shared_data):
    """NGC7457 and NGC7457NW, UGC09391 and SN2003du, NGC2445 and Arp143; the first pair is on both sides of the split."""
    columns = {"redshift": "z", "ra": "RA", "dec": "DEC"}
    made = build(
        str(shared_data / "cl_ecalifa/train_test_edr.npz"), "{galaxy}.fits", [{"path": str(shared_data / "ecalifa/ecalifa_global.csv"), "key": "Name", "columns": columns}],
        COSMOLOGY, {"method": "sheet"}, str(ROOT / "resources/morphology.csv"), {"galaxy": "ID", "train": "train_sample", "validation": "test_sample"},
    )  # fmt: skip
    pairs = {note.galaxies: note.detail for note in made.notes if note.kind == "duplicate"}
    assert {frozenset(pair.split()) for pair in pairs} == {
        frozenset(p) for p in (("NGC7457", "NGC7457NW"), ("UGC09391", "SN2003du"), ("NGC2445", "Arp143"))
    }
    assert ["both sides" in text for pair, text in pairs.items() if "NGC7457" in pair] == [True]
    assert sum("both sides" in text for text in pairs.values()) == 1
