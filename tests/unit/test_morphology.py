"""Hubble types: every spelling is a row of the mapping file, or it is not known; nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from cubespace.errors import CubespaceError
from cubespace.morphology import BINS, DETAILS, bin_index, bin_of, read_types

TYPES = read_types(ROOT / "resources/morphology.csv")


@pytest.mark.parametrize(
    ("text", "detail", "bin_"),
    [
        ("E4", "E4", "E"), ("E", "E", "E"), ("dE", "E", "E"), ("cD", "E", "E"), ("E?", "E", "E"), ("E+ pec", "E", "E"),
        ("S0", "S0", "S0"), ("S0a", "S0a", "S0"), ("S0/a", "S0a", "S0"), ("(R)SB0+", "S0", "S0"), ("SAB0/a", "S0a", "S0"),
        ("E/S0", "S0", "S0"), ("(R)SA(r)0^+^?", "S0", "S0"), ("SAB(rs)0/a:", "S0a", "S0"),
        ("Sa", "Sa", "Sa"), ("sab", "Sab", "Sa"), ("SBa", "Sa", "Sa"), ("SAb", "Sb", "Sb"),
        ("sb", "Sb", "Sb"), ("Sb ", "Sb", "Sb"), ("Sbc pec", "Sbc", "Sb"), ("SAB(s)bc", "Sbc", "Sb"), ("SBb", "Sb", "Sb"),
        ("(R')SB(r)ab pec", "Sab", "Sa"), ("SA(rs)c", "Sc", "Sc"), ("SA(s)c? edge-on", "Sc", "Sc"), ("Scd", "Scd", "Sc"),
        ("Sd", "Sd", "Sd"), ("Sdm", "Sdm", "Sd"), ("SBm", "Sm", "Sd"), ("Sd sp", "Sd", "Sd"),
        ("I", "I", "I"), ("Irr", "I", "I"), ("Im", "I", "I"), ("IB(s)m", "I", "I"), ("cI", "BCD", "BCD"), ("bcd", "BCD", "BCD"),
        ("SB B", "Sb", "Sb"), ("SAB BC", "Sbc", "Sb"), ("SBB C", "Sbc", "Sb"), ("S0 A", "S0a", "S0"), ("IB M", "I", "I"), ("SAB D", "Sd", "Sd"),
    ],
)  # fmt: skip
def test_spellings(text, detail, bin_):
    assert TYPES.detail(text) == (detail, True)
    assert bin_of(detail) == bin_


@pytest.mark.parametrize(
    "text", [None, float("nan"), "", "U", "?", " u ", "unknown", "nan", "S", "S?", "SAB", "-999"]
)
def test_known_to_be_unknown(text):
    assert TYPES.detail(text) == (None, True)


@pytest.mark.parametrize("text", ["zero", "0", "4", "E9", "Sc+Sc", "SBC", "S BC", "Sab D", "Sab B", "sab d", "Q"])
def test_anything_else_is_not_known_and_not_guessed(text):
    """'SBC' is Sbc in capitals or a barred Sc; a number needs its scheme."""
    assert TYPES.detail(text) == (None, False)


@pytest.mark.parametrize(
    ("scheme", "text", "detail"),
    [("rc3", "-5", "E"), ("rc3", "0", "S0a"), ("rc3", "3.1", "Sb"), ("rc3", "4.5", "Sc"), ("rc3", "10", "I"), ("rc3", "-2.6", "S0"),
     ("califa_dr3", "0", "E0"), ("califa_dr3", "12", "Sb"), ("califa_dr3", "-1", None), ("califa_dr3", "19.0", "I")],
)  # fmt: skip
def test_numbers_by_their_scheme(scheme, text, detail):
    assert TYPES.detail(text, scheme) == (detail, True)


@given(st.text(max_size=12))
def test_any_text_is_a_class_or_unknown(text):
    detail, known = TYPES.detail(text)
    assert detail is None or (known and bin_of(detail) in BINS)


def test_every_class_and_its_lower_case_is_in_the_shipped_file():
    for detail in (*DETAILS, "E"):
        assert TYPES.detail(detail) == TYPES.detail(detail.lower()) == (detail, True)


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "types.csv"
    path.write_text("scheme,type,detail\nnames,spirale,Sb\nnames,?,\nours,1,E\n")
    own = read_types(path)
    assert (
        own.detail("Spirale") == ("Sb", True)
        and own.detail("Sb") == (None, False)
        and own.detail("1", "ours") == ("E", True)
    )
    for text, words in [
        ("scheme,type,detail\nnames,a,Sq\n", "row 1: class 'Sq'"),
        ("scheme,type,detail\nnames,a,Sb\nnames,a,Sc\n", "row 2: type 'a' is there twice"),
        ("scheme,type\nnames,a\n", "no column 'detail'"),
        ("scheme,type,detail\nrc3,1,Sa\n", "no rows of scheme 'names'"),
        ("scheme,type,detail\ndrop,(,\nnames,a,\n", "row 1: .* not a regular expression"),
    ]:
        path.write_text(text)
        with pytest.raises(CubespaceError, match=words):
            read_types(path)


def test_order_is_early_to_late():
    assert [bin_index(name) for name in BINS] == list(range(8))
    assert DETAILS[0] == "E0" and DETAILS[-1] == "BCD" and len(DETAILS) == 21
    assert bin_index(None) != bin_index(None)  # nan
    indices = [bin_index(bin_of(detail)) for detail in DETAILS]
    assert indices == sorted(indices)
    assert bin_of(None) is None
    with pytest.raises(ValueError, match="'SAB' is none of"):
        bin_of("SAB")


def test_codes_and_strings_of_the_real_tables_agree(shared_data):
    """DR3 integer codes against eCALIFA strings, joined by name: 97 % the same class (some were revised)."""
    from cubespace.names import key
    from cubespace.tables import read_table

    codes = read_table(
        shared_data / "califa_dr3/CALIFA_3_joint_classnum_new_update.csv",
        names=["id", "name", "real", "ra", "dec", "hubble", "a", "b"],
    )
    strings = read_table(shared_data / "ecalifa/ecalifa_global.csv")
    one = {
        key(name): TYPES.detail(code, "califa_dr3")
        for name, code in zip(codes["name"], codes["hubble"], strict=True)
    }
    two = {key(name): TYPES.detail(text) for name, text in zip(strings["Name"], strings["type"], strict=True)}
    assert all(known for _, known in [*one.values(), *two.values()])
    both = sorted(set(one) & set(two))
    assert len(both) > 700 and sum(one[k] == two[k] for k in both) > 0.96 * len(both)
