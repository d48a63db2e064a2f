"""Hubble types: the spellings of catalogues, the detailed classes, and the bins of the paper (Fig. 1)."""

import re

BINS = ("E", "S0", "Sa", "Sb", "Sc", "Sd", "I", "BCD")
_DETAIL_BIN = {
    **{f"E{n}": "E" for n in range(8)},
    "S0": "S0", "S0a": "S0",
    "Sa": "Sa", "Sab": "Sa",
    "Sb": "Sb", "Sbc": "Sb",
    "Sc": "Sc", "Scd": "Sc",
    "Sd": "Sd", "Sdm": "Sd", "Sm": "Sd",
    "I": "I", "BCD": "BCD",
}  # fmt: skip
DETAILS = tuple(_DETAIL_BIN)
UNKNOWN = frozenset({"", "u", "?", "unknown", "none", "nan", "-", "--", "n/a"})
_SPELLINGS = {"irr": "I", "im": "I", "i": "I", "ibm": "I", "bcd": "BCD", "e": "E", "de": "E", "s0/a": "S0a", "sdm": "Sdm"}
_SPIRAL = re.compile(r"^s(?:ab|a|b)?(?:\([a-z]+\))?(0/?a|0|ab|a|bc|b|cd|c|dm|d|m)$")


def detail_of(text):
    """Detailed class of a type string ('SAB(s)bc' -> 'Sbc', '(R)SB0+' -> 'S0', 'Irr' -> 'I'), or None if unknown.

    Bars, rings, 'pec', 'sp', ':' and '?' after a type are dropped. A bare 'E' has no subclass and stays 'E'.

    Raises
    ------
    ValueError
        The string is neither a known type nor a known word for "unknown".
    """
    original = "" if text is None else str(text).strip()
    if original.casefold() in UNKNOWN:
        return None
    plain = re.sub(r"^\([^)]*\)", "", original)  # outer ring
    plain = re.sub(r"\b(pec|sp)\b", "", plain, flags=re.IGNORECASE)
    plain = re.sub(r"[\s:?+^-]", "", plain)
    for detail in DETAILS:
        if plain.casefold() == detail.casefold():
            return detail
    folded = plain.casefold()
    if folded in _SPELLINGS:
        return _SPELLINGS[folded]
    for candidate in (folded, re.sub(r"\((?:r|s|rs|r'|l)+\)", "", folded)):
        match = _SPIRAL.match(candidate)
        if match:
            stage = match.group(1).replace("/", "")
            return {"0": "S0", "0a": "S0a"}.get(stage, f"S{stage}")
    raise ValueError(f"morphological type {original!r} is not known; allowed: {', '.join(DETAILS)} or one of their usual spellings")


def bin_of(text):
    """Bin of the paper (E S0 Sa Sb Sc Sd I BCD) of a type string, or None if unknown; ValueError as `detail_of`."""
    detail = detail_of(text)
    return detail if detail is None or (detail in BINS and detail not in _DETAIL_BIN) else _DETAIL_BIN[detail]


def bin_index(name):
    """0 (E) ... 7 (BCD); nan for None."""
    return float(BINS.index(name)) if name in BINS else float("nan")
