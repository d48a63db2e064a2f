"""Names: one spelling, one key, one file name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubespace.names import canonical, key, one_spelling, parent, stem


def test_spellings_of_catalogues_meet():
    for spelling in ("NGC0001", "NGC 1", "ngc1", "NGC_001", "NGC-1", " NGC 0001 "):
        assert canonical(spelling) == "NGC0001"
    assert canonical("ic10") == "IC0010"
    assert canonical("UGC 5") == "UGC00005"
    assert canonical("MCG -01-01-012") == "MCG-01-01-012"
    assert canonical("NGC5421NED02_0") == "NGC5421NED02_0"
    assert canonical("2MASXJ09065870") == "2MASXJ09065870"
    assert canonical("ICARUS") == "ICARUS"


def test_blanks_and_dashes_of_every_kind():
    for spelling in (
        "NGC\u00a00001",
        "NGC\u20091",
        "\ufeffNGC 1",
        "NGC0001\x00\x00",
        "NGC\u20131",
        "\uff2e\uff27\uff231",
        "NGC\u200b0001 ",
    ):
        assert canonical(spelling) == "NGC0001"
    assert canonical("MCG \u221201\u201301\u2013012") == "MCG-01-01-012"


def test_key_ignores_case():
    assert key("Arp118") == key("ARP 118")
    assert key("NGC1") != key("NGC10")


def test_spellings_of_other_catalogues_meet_in_the_key_and_keep_their_own_in_file_names():
    same = [
        ("MCG-01-01-012", "MCG -1-1-12"), ("MCG+05-01-001", "MCG 5-1-1"), ("ESO 540-G003", "ESO540-003"), ("ESO540-G 003", "eso 540-3"),
        ("Markarian 335", "Mrk0335"), ("LEDA 10652", "PGC 0010652"), ("CGCG 536-030", "CGCG536-30"), ("UGC 05A", "UGC5A"),
        ("UGC6930", "UGC06930"), ("HCG 079b", "Hickson 79b"), ("ARP118_0", "Arp 118_0"),
    ]  # fmt: skip
    for one, other in same:
        assert key(one) == key(other), (one, other)
    different = [("MCG-01-01-012", "MCG+01-01-012"), ("ESO 540-003", "ESO 54-003"), ("ARP118_0", "ARP118_1"), ("NGC7436A", "NGC7436B"),
                 ("KUG 0210-078", "KUG 210-078"), ("Mrk 1", "Mrk 10"), ("UGC 5", "UGCA 5")]  # fmt: skip
    for one, other in different:
        assert key(one) != key(other), (one, other)
    assert canonical("MCG -1-1-12") == "MCG-1-1-12"


def test_real_names_are_different_galaxies(shared_data):
    import numpy as np

    with np.load(shared_data / "cl_ecalifa/train_test_edr.npz") as archive:
        names = [str(name) for name in archive["ID"]]
    assert len({key(name) for name in names}) == len(names) == 898
    assert all(key(canonical(name)) == key(name) for name in names)


def test_parent_is_the_pointing():
    assert parent("NGC6027_0") == "NGC6027"
    assert parent("NGC6027") == "NGC6027"
    assert parent("2MASXJ0906_5870x") == "2MASXJ0906_5870x"


@pytest.mark.parametrize("name", ["Mrk_335", "Mrk_79", "Mrk_1", "CALIFA_001", "CAVITY_32112", "SAMI_9008500001", "MaNGA_8485_1901", "NGC1_335"])
def test_a_number_that_is_the_name_is_no_part(name):
    assert parent(name) == name


def test_one_spelling_of_equal_names():
    assert one_spelling(["Arp118", "NGC 1", "ARP118", "NGC0001", "MCG-1-1-12", "MCG-01-01-012"]) == [
        "Arp118", "NGC 1", "Arp118", "NGC 1", "MCG-1-1-12", "MCG-1-1-12",
    ]  # fmt: skip


def test_stem_is_safe_in_file_names():
    assert stem("MCG-01-01-012") == "MCG-01-01-012"
    assert stem("UGC+1.V500") == "UGC+1.V500"
    assert stem("Abell(12)") == "Abell%2812%29"
    assert stem("NGC 5907:[IDD2022]/X026") == "NGC5907%3A%5BIDD2022%5D%2FX026"


@given(st.text(min_size=1))
def test_any_name_gives_a_safe_stem_and_canonical_is_idempotent(name):
    assert re.fullmatch(r"[A-Za-z0-9._+%-]*", stem(name))
    assert canonical(canonical(name)) == canonical(name)
    assert key(canonical(name)) == key(name) == key(f" {name} ")
