"""Names: one spelling, one key, one file name."""

import re

from hypothesis import given
from hypothesis import strategies as st

from cubespace.names import canonical, key, parent, stem


def test_spellings_of_catalogues_meet():
    for spelling in ("NGC0001", "NGC 1", "ngc1", "NGC_001", "NGC-1", " NGC 0001 "):
        assert canonical(spelling) == "NGC0001"
    assert canonical("ic10") == "IC0010"
    assert canonical("UGC 5") == "UGC00005"
    assert canonical("MCG -01-01-012") == "MCG-01-01-012"
    assert canonical("NGC5421NED02_0") == "NGC5421NED02_0"
    assert canonical("2MASXJ09065870") == "2MASXJ09065870"
    assert canonical("ICARUS") == "ICARUS"


def test_key_ignores_case():
    assert key("Arp118") == key("ARP 118")
    assert key("NGC1") != key("NGC10")


def test_parent_is_the_pointing():
    assert parent("NGC6027_0") == "NGC6027"
    assert parent("NGC6027") == "NGC6027"
    assert parent("2MASXJ0906_5870x") == "2MASXJ0906_5870x"


def test_stem_is_safe_in_file_names():
    assert stem("MCG-01-01-012") == "MCG-01-01-012"
    assert stem("UGC+1.V500") == "UGC+1.V500"
    assert stem("Abell(12)") == "Abell%2812%29"
    assert stem("NGC 5907:[IDD2022]/X026") == "NGC5907%3A%5BIDD2022%5D%2FX026"


@given(st.text(min_size=1))
def test_any_name_gives_a_safe_stem_and_canonical_is_idempotent(name):
    assert re.fullmatch(r"[A-Za-z0-9._+%-]*", stem(name))
    assert canonical(canonical(name)) == canonical(name)
