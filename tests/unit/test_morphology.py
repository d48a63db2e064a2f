"""Hubble types: every spelling lands in the right bin, or is refused by name."""

import pytest

from cubespace.morphology import BINS, DETAILS, bin_index, bin_of, detail_of


@pytest.mark.parametrize(
    ("text", "detail", "bin_"),
    [
        ("E4", "E4", "E"), ("E", "E", "E"), ("dE", "E", "E"),
        ("S0", "S0", "S0"), ("S0a", "S0a", "S0"), ("S0/a", "S0a", "S0"), ("(R)SB0+", "S0", "S0"), ("SAB0/a", "S0a", "S0"),
        ("Sa", "Sa", "Sa"), ("sab", "Sab", "Sa"), ("SBa", "Sa", "Sa"),
        ("sb", "Sb", "Sb"), ("Sb ", "Sb", "Sb"), ("Sbc pec", "Sbc", "Sb"), ("SAB(s)bc", "Sbc", "Sb"), ("SBb", "Sb", "Sb"),
        ("SA(rs)c", "Sc", "Sc"), ("Scd", "Scd", "Sc"),
        ("Sd", "Sd", "Sd"), ("Sdm", "Sdm", "Sd"), ("SBm", "Sm", "Sd"),
        ("I", "I", "I"), ("Irr", "I", "I"), ("Im", "I", "I"), ("BCD", "BCD", "BCD"),
    ],
)  # fmt: skip
def test_spellings(text, detail, bin_):
    assert detail_of(text) == detail
    assert bin_of(text) == bin_


@pytest.mark.parametrize("text", [None, "", "U", "?", " u ", "unknown", "nan"])
def test_unknown_is_none(text):
    assert detail_of(text) is None and bin_of(text) is None


@pytest.mark.parametrize("text", ["zero", "0", "Sx", "E/S0", "E9", "galaxy"])
def test_anything_else_is_refused_with_the_value(text):
    with pytest.raises(ValueError, match="allowed"):
        bin_of(text)


def test_order_is_early_to_late():
    assert [bin_index(name) for name in BINS] == list(range(8))
    assert DETAILS[0] == "E0" and DETAILS[-1] == "BCD" and len(DETAILS) == 21
    assert bin_index(None) != bin_index(None)  # nan
    indices = [bin_index(bin_of(detail)) for detail in DETAILS]
    assert indices == sorted(indices)
