"""Published catalogues by preset, in small files built after their layouts; two-table catalogues; frames and cosmologies."""

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from cubespace.cosmology import angular_distance, cmb_redshift, comoving_distance
from cubespace.errors import CubespaceError
from cubespace.populations import catalogues as cat
from cubespace.populations import environment as env

COSMOLOGY = {"h0": 70.0, "om0": 0.3}
FOOTPRINT = {"boxes": [[0, 90, -10, 50]]}


def groups(path, **spec):
    return cat.read_groups(**COSMOLOGY | cat.expand({"path": path, **spec}, "groups"))


def voids(path, **spec):
    return cat.read_voids(**COSMOLOGY | cat.expand({"path": path, **spec}, "voids"))


def galaxies(*rows):
    return pd.DataFrame(rows, columns=["ra", "dec", "redshift"]).astype(float)


def tempel(folder):
    """Table 1 as VizieR gives it: 30 members of group 7, a pair, two galaxies in no group (GroupID 0)."""
    lines = [
        "#RESOURCE=yCat_36020100",
        "#Name: J/A+A/602/A100/table1",
        "",
        "GalID\tGroupID\tNgal\tzobs\tzcmb\tRAJ2000\tDEJ2000",
        " \t \t \t \t \tdeg\tdeg",
    ]
    lines.append("---\t---\t---\t---\t---\t---\t---")
    rows = [(7, 30, 0.02, 10 + 0.01 * i, 5.0) for i in range(30)]
    rows += [
        (8, 2, 0.03, 40.0, 5.0),
        (8, 2, 0.03, 40.1, 5.0),
        (0, 1, 0.02, 60.0, 5.0),
        (0, 1, 0.02, 70.0, 5.0),
    ]
    lines += [
        f"{i}\t{g:>6}\t{n:>3}\t{z:.5f}\t{z + 0.001:.5f}\t{ra:.5f}\t{dec:.5f}"
        for i, (g, n, z, ra, dec) in enumerate(rows)
    ]
    (folder / "table1.tsv").write_text("\n".join(lines) + "\n")
    return folder / "table1.tsv"


def test_tempel_table_1(tmp_path):
    path = tempel(tmp_path)
    catalogue = groups(path, preset="tempel2017", footprint=FOOTPRINT)
    assert catalogue.name == "tempel2017" and len(catalogue.ra) == 34 and catalogue.frame == "heliocentric"
    where = galaxies((10.1, 5, 0.02), (40, 5, 0.03), (60, 5, 0.02), (80, 5, 0.02), (200, 5, 0.02))
    found = env.classify(where, [catalogue])
    assert found["environment"].tolist() == [
        "cluster",
        "filament_wall",
        "filament_wall",
        "filament_wall",
        "unclassified",
    ]
    assert found["group"].fillna("-").tolist() == ["7", "8", "-", "-", "-"]


def test_a_group_of_those_in_no_group_is_no_cluster(tmp_path):
    """Without a column of members the rows of a group are counted; GroupID 0 is not a group of thousands."""
    rows = "".join(f"0,{i},0,0.02\n" for i in range(40)) + "5,100,0,0.02\n5,101,0,0.02\n"
    (tmp_path / "t.csv").write_text("g,ra,dec,z\n" + rows)
    columns = {"group": "g", "ra": "ra", "dec": "dec", "redshift": "z"}
    assert set(groups(tmp_path / "t.csv", columns=columns).members[:40]) == {1}
    assert groups(tmp_path / "t.csv", columns=columns).members[40:].tolist() == [2, 2]
    assert groups(tmp_path / "t.csv", columns=columns, no_group=["-"]).members[0] == 40


@pytest.mark.parametrize(
    "word",
    ["0.0", "0.", "00", "-0", "0.0E+00", "-1.0", "-1", "-9", "-99", "-999.0", "nan", "NaN", "--", "-", "N/A", "null", "None", ""],
)
def test_no_group_however_it_is_written(tmp_path, word):
    """pandas writes 0.0 wherever a column of whole numbers has a gap; 12 and 12.0 are one group."""
    rows = "".join(f"{word},{i},0,0.02\n" for i in range(41)) + "12,100,0,0.02\n12.0,101,0,0.02\nA7,102,0,0.02\n"
    (tmp_path / "t.csv").write_text("g,ra,dec,z\n" + rows)
    columns = {"group": "g", "ra": "ra", "dec": "dec", "redshift": "z"}
    catalogue = groups(tmp_path / "t.csv", columns=columns)
    assert catalogue.members.tolist() == [1] * 41 + [2, 2, 1]
    assert catalogue.group.tolist() == [None] * 41 + ["12", "12", "A7"]
    (tmp_path / "sizes.csv").write_text("g,n\n12.0,35\nA7,3\n")
    second = {"path": tmp_path / "sizes.csv", "columns": {"group": "g", "members": "n"}}
    assert groups(tmp_path / "t.csv", columns=columns, groups=second).members.tolist() == [1] * 41 + [35, 35, 3]


def test_numbers_of_members_that_are_none(tmp_path):
    columns = {"group": "g", "ra": "ra", "dec": "dec", "redshift": "z", "members": "n"}
    (tmp_path / "t.csv").write_text("g,ra,dec,z,n\n7,1,0,0.02,31\n8,2,0,0.02,-1\n0,3,0,0.02,-1\n0,4,0,0.02,0\n")
    catalogue = groups(tmp_path / "t.csv", columns=columns)
    assert catalogue.ra.tolist() == [1, 3, 4] and catalogue.members.tolist() == [31, 1, 1]
    for size in ("1e30", "2.5"):
        (tmp_path / "t.csv").write_text(f"g,ra,dec,z,n\n7,1,0,0.02,31\n8,2,0,0.02,{size}\n")
        with pytest.raises(CubespaceError, match=r"t\.csv: column 'n': row 2: found .*, expected a number of members"):
            groups(tmp_path / "t.csv", columns=columns)


def test_tempel_table_2_by_radius(tmp_path):
    """R200 = 1 Mpc at z = 0.02 (H0 = 67.8): members within that angle and 1000 km/s, in the frame of the CMB."""
    Table(
        {
            "GroupID": [7, 9],
            "Ngal": [45, 3],
            "RAJ2000": [10.0, 30.0],
            "DEJ2000": [5.0, 5.0],
            "zcmb": [0.02, 0.02],
            "R200": [1.0, 0.3],
        }
    ).write(tmp_path / "table2.fits")
    catalogue = groups(tmp_path / "table2.fits", preset="tempel2017-groups")
    angle = np.degrees(1.0 / float(angular_distance(0.02, 67.8, 0.308)))
    np.testing.assert_allclose(catalogue.reach, [angle, 0.3 * angle])
    z = 0.02 - (
        float(cmb_redshift(0.02, 10.0, 5.0)) - 0.02
    )  # heliocentric redshift of a galaxy at rest in the group
    inside = galaxies(
        (10.0, 5 + 0.99 * angle, z),
        (10.0, 5 + 1.01 * angle, z),
        (10.0, 5.0, z + 0.0034),
        (10.0, 5.0, z + 0.0032),
        (30.0, 5.0, z),
    )
    found = env.classify(inside, [catalogue])
    assert found["environment"].tolist() == [
        "cluster",
        "unclassified",
        "unclassified",
        "cluster",
        "filament_wall",
    ]
    assert found["group"].fillna("-").tolist() == ["7", "-", "-", "7", "9"]


def test_lim_two_files_without_headers(tmp_path):
    """Galaxies without a header, redshifts in the frame of the CMB, sizes counted or from the groups' file with its free text."""
    lines = ["# galaxy catalogue, Lim et al. 2017"]
    rows = [(1, 7, 10 + 0.01 * i) for i in range(31)] + [(1, 8, 60.0)]
    for i, (_, group, ra) in enumerate(rows):
        lines.append(
            f"{i} {1237648720693755918 + i} {group} {ra:.4f} 5.0 120.0 -57.0 0.02000 0.0201 0.02 1 0.5 10.1 10.5 0.7"
        )
    (tmp_path / "SDSS(L) galaxy.dat").write_text("\n".join(lines) + "\n")
    catalogue = groups(tmp_path / "SDSS(L) galaxy.dat", preset="lim2017", name="Lim2017 SDSS")
    assert catalogue.frame == "cmb" and catalogue.members.tolist() == [31] * 31 + [1]
    z = 0.02 - (float(cmb_redshift(0.02, 10.1, 5.0)) - 0.02)
    assert abs(z - 0.02) > 0.001  # a heliocentric redshift would miss the match
    assert env.classify(galaxies((10.1, 5, z)), [catalogue])["environment"][0] == "cluster"
    (tmp_path / "group.dat").write_text(
        "# groups\nand a line of the header that has no mark\n7 3 10.1 5.0 0.02 14.2 29 1.0 1 Abell 1367\n8 31 60.0 5.0 0.02 12.0 1 1.0 1 -\n"
    )
    second = {"path": tmp_path / "group.dat", "columns": {"group": "id", "members": "n"}, "skip": 2,
              "names": ["id", "central", "ra", "dec", "z", "log_mh", "n", "edge", "io", "known_as"]}  # fmt: skip
    stated = groups(tmp_path / "SDSS(L) galaxy.dat", preset="lim2017", groups=second)
    assert set(stated.members[:31]) == {29} and stated.members[31] == 1


def maximal(folder, name="maximal.txt", mark="#"):
    distance = float(comoving_distance(0.03, 100.0, 0.315))
    x, y, z = distance * env.unit_vectors(40.0, 20.0)
    text = f"{mark}x y z radius void edge r ra dec Reff\n{x} {y} {z} 8.0 0 0 {distance} 40.0 20.0 10.0\n"
    (folder / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    return folder / name


def at(fraction, om0=0.315):
    grid = np.linspace(0.02, 0.05, 300001)
    target = float(comoving_distance(0.03, 100.0, om0)) + 10.0 * fraction
    return galaxies((40.0, 20.0, np.interp(target, comoving_distance(grid, 100.0, om0), grid)))


@pytest.mark.parametrize("mark", ["", "# "])
@pytest.mark.parametrize(("fraction", "expected"), [(0.99, "void"), (1.0, "void"), (1.01, "filament_wall")])
def test_douglass_maximal_spheres(tmp_path, mark, fraction, expected):
    """The distributed text, with and without a mark before its header; distances in the catalogue's own cosmology."""
    catalogue = voids(maximal(tmp_path, mark=mark), preset="douglass2023", footprint=FOOTPRINT)
    assert catalogue.radius.tolist() == [10.0] and catalogue.void.tolist() == ["0"] and catalogue.om0 == 0.315
    assert env.classify(at(fraction), voids=[catalogue])["environment"][0] == expected


def test_douglass_holes_and_fits(tmp_path):
    holes = voids(maximal(tmp_path), preset="douglass2023-holes")
    assert holes.radius.tolist() == [8.0]
    distance = float(comoving_distance(0.03, 100.0, 0.315))
    x, y, z = distance * env.unit_vectors(40.0, 20.0)
    Table({"X": [x], "Y": [y], "Z": [z], "VOID": [3], "R_EFF": [10.0]}).write(tmp_path / "v.fits")
    catalogue = voids(tmp_path / "v.fits", preset="douglass2023")
    np.testing.assert_allclose(catalogue.centre, [[x, y, z]])
    assert catalogue.void.tolist() == ["3"]


@pytest.mark.parametrize(
    ("name", "content", "more"),
    [
        ("v.txt", "ra dec r Reff\n40.0 20.0 {d} 10.0\n", {}),
        ("v.csv", "RAJ2000,DEJ2000,Dist,reff\n40.0,20.0,{d},10.0\n", {}),
        ("v.dat", "1 40.0 20.0 {d} 10.0\n", {"names": ["id", "ra", "dec", "r", "Reff"]}),
        ("m.txt", "ra dec r Reff\n40.0 20.0 {mpc} 14.285714285714286\n", {"length_unit": "Mpc", "h0": 70.0}),
        ("s.csv", "ra,dec,r,Reff\n02:40:00,+20:00:00,{d},10.0\n", {}),
    ],
)
def test_pan_in_several_layouts(tmp_path, name, content, more):
    """Void centres and effective radii, whatever the file looks like; Omega_m = 0.26 as in that paper."""
    distance = float(comoving_distance(0.03, 100.0, 0.26))
    (tmp_path / name).write_text(content.format(d=distance, mpc=distance / 0.7))
    catalogue = voids(tmp_path / name, preset="pan2012", footprint=FOOTPRINT, **more)
    assert catalogue.om0 == 0.26
    np.testing.assert_allclose(catalogue.centre, distance * env.unit_vectors([40.0], [20.0]), rtol=1e-9)
    assert catalogue.radius == pytest.approx([10.0])
    for fraction, expected in ((0.99, "void"), (1.01, "filament_wall")):
        assert env.classify(at(fraction, 0.26), voids=[catalogue])["environment"][0] == expected


def test_what_is_stated_goes_before_the_preset(tmp_path):
    (tmp_path / "t.csv").write_text("GroupID,Ngal,zobs,my_ra,DEJ2000\n7,2,0.02,10,1\n")
    assert groups(tmp_path / "t.csv", preset="tempel2017", columns={"ra": "my_ra"}).ra.tolist() == [10.0]
    with pytest.raises(CubespaceError, match=r"t\.csv: no column\(s\) 'RAJ2000'.*my_ra"):
        groups(tmp_path / "t.csv", preset="tempel2017")
    with pytest.raises(
        CubespaceError, match="preset 'pan2012' of groups: allowed: tempel2017, tempel2017-groups, lim2017"
    ):
        groups(tmp_path / "t.csv", preset="pan2012")
    with pytest.raises(CubespaceError, match="needs columns, or a preset"):
        groups(tmp_path / "t.csv")
    with pytest.raises(CubespaceError, match="frame: found 'lg'"):
        groups(tmp_path / "t.csv", preset="tempel2017", columns={"ra": "my_ra"}, frame="lg")


def test_the_unit_of_a_radius_may_come_from_the_table(tmp_path):
    for unit, factor in (("Mpc/h", 1.0), ("h-1 Mpc", 1.0), ("Mpc", 0.7)):
        (tmp_path / "v.csv").write_text(f"ra,dec,z,R [{unit}]\n40,20,0.03,10\n")
        columns = {"ra": "ra", "dec": "dec", "redshift": "z", "radius": f"R [{unit}]"}
        assert voids(tmp_path / "v.csv", columns=columns).radius == pytest.approx([10.0 * factor])
    (tmp_path / "v.csv").write_text("ra,dec,z,R\n40,20,0.03,10\n")
    with pytest.raises(CubespaceError, match="length_unit: found 'none', expected 'Mpc/h' or 'Mpc'"):
        voids(tmp_path / "v.csv", columns={"ra": "ra", "dec": "dec", "redshift": "z", "radius": "R"})


def test_units_of_positions_and_redshifts_count(tmp_path):
    """4500 km/s are z = 0.015010; 2 hours are 30 degrees, in a number and in a text; velocities without a unit are refused."""
    (tmp_path / "t.csv").write_text("g,RA [h],DE,cz [km/s]\n7,2.0,1,4500\n7,02:00:00,1,4500\n")
    columns = {"group": "g", "ra": "RA [h]", "dec": "DE", "redshift": "cz [km/s]"}
    catalogue = groups(tmp_path / "t.csv", columns=columns)
    assert catalogue.redshift == pytest.approx([0.01501038] * 2, abs=1e-8) and catalogue.ra == pytest.approx([30.0, 30.0])
    (tmp_path / "t.csv").write_text("g,RA,DE,cz\n7,30,1,4500\n7,31,1,-99\n")
    columns = {"group": "g", "ra": "RA", "dec": "DE", "redshift": "cz"}
    with pytest.raises(CubespaceError, match=r"'cz' for redshift: row 1: 4500 cannot be a redshift; .* convert: km_s"):
        groups(tmp_path / "t.csv", columns=columns)
    for more in ({"convert": "km_s"}, {"unit": "km/s"}):
        catalogue = groups(tmp_path / "t.csv", columns=columns | {"redshift": {"column": "cz", **more}})
        assert catalogue.redshift == pytest.approx([0.01501038], abs=1e-8)
    (tmp_path / "v.csv").write_text("ra,dec,z,R\n40,20,9000,10\n")
    columns = {"ra": "ra", "dec": "dec", "redshift": "z", "radius": "R"}
    with pytest.raises(CubespaceError, match=r"v\.csv: .* 9000 cannot be a redshift"):
        voids(tmp_path / "v.csv", columns=columns, length_unit="Mpc/h")


@pytest.mark.parametrize(
    ("distance", "radius", "rows"), [("Mpc", "Mpc/h", "100,7"), ("Mpc", "kpc", "100,10000"), ("Mpc/h", "Mpc", "70,10")]
)
def test_every_length_has_its_own_unit(tmp_path, distance, radius, rows):
    """With h = 0.7, 100 Mpc are 70 Mpc/h and 10 Mpc are 7."""
    (tmp_path / "v.csv").write_text(f"ra,dec,d [{distance}],R [{radius}]\n40,20,{rows}\n")
    columns = {"ra": "ra", "dec": "dec", "distance": f"d [{distance}]", "radius": f"R [{radius}]"}
    catalogue = voids(tmp_path / "v.csv", columns=columns)
    assert np.linalg.norm(catalogue.centre) == pytest.approx(70.0) and catalogue.radius == pytest.approx([7.0])


def test_two_units_of_a_length_are_refused(tmp_path):
    """The preset says Mpc/h, the table Mpc: the mapping decides."""
    Table({"ra": [40.0], "dec": [20.0], "r": [100.0], "Reff": [10.0]}, units={"Reff": "Mpc"}).write(tmp_path / "v.fits")
    with pytest.raises(
        CubespaceError, match=r"v\.fits: column 'Reff': the table's unit is 'Mpc', length_unit is 'Mpc/h'"
    ):
        voids(tmp_path / "v.fits", preset="pan2012")
    for unit, radius in (("Mpc", 7.0), ("Mpc/h", 10.0)):
        columns = {"radius": {"column": "Reff", "unit": unit}}
        catalogue = voids(tmp_path / "v.fits", preset="pan2012", columns=columns, h0=70.0)
        assert catalogue.radius == pytest.approx([radius]) and np.linalg.norm(catalogue.centre) == pytest.approx(100)


def test_impossible_places_are_no_voids(tmp_path):
    rows = ["40,20,80,9", "41,20,-999,9", "42,-99,80,9", "999,20,80,9", "43,20,80,-1", "44,21,80,9", "45,22,80,9"]
    (tmp_path / "v.csv").write_text("ra,dec,r,Reff\n" + "\n".join(rows) + "\n")
    catalogue = voids(tmp_path / "v.csv", preset="pan2012")
    expected = 80 * env.unit_vectors([40.0, 44.0, 45.0], [20.0, 21.0, 22.0])
    np.testing.assert_allclose(catalogue.centre, expected)


def test_the_frame_of_the_microwave_background():
    """At the apex of the Sun's motion 369.82 km/s are added, opposite taken away, across nothing; checked by hand."""
    beta = 369.82 / 299792.458
    assert cmb_redshift(0.0, 167.942, -6.944) == pytest.approx(beta)
    assert cmb_redshift(0.0, 347.942, 6.944) == pytest.approx(-beta)
    assert cmb_redshift(0.02, 167.942, 83.056) == pytest.approx(0.02, abs=1e-12)
    assert cmb_redshift(0.02, 167.942, -6.944) == pytest.approx(1.02 * (1 + beta) - 1)


def test_the_frame_against_astropy():
    from astropy.coordinates import SkyCoord

    apex = SkyCoord(l=264.021, b=48.253, unit="deg", frame="galactic").icrs
    assert (apex.ra.deg, apex.dec.deg) == pytest.approx((167.942, -6.944), abs=2e-3)


def test_real_galaxies_of_the_void_sample_are_read(shared_data):
    """The volume-limited galaxies behind the Pan voids as a catalogue of 120606 groups of one: footprint by nearest object."""
    path = shared_data / "environment/vollim_dr7_cbp_102709.fits"
    columns = {"ra": "ra", "dec": "dec", "redshift": "z", "group": "z"}
    catalogue = groups(
        path, columns=columns, no_group=[], footprint={"radius": 1.0, "redshift": [0.0, 0.107]}
    )
    assert len(catalogue.ra) == 120606
    found = env.classify(galaxies((180.0, 30.0, 0.02), (180.0, -40.0, 0.02), (30.0, 30.0, 0.02)), [catalogue])
    assert found["environment"].tolist() == ["filament_wall", "unclassified", "unclassified"]
