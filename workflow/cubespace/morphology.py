"""Hubble types: the classes used here, the bins of the paper (Fig. 1), and the file that maps catalogues' spellings to them.

The mapping is explicit: every type of a catalogue is a row of the file or it is not known. Nothing is guessed.
"""

import re

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.tables import read_table

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


class Types:
    """A mapping of spellings to classes, as `read_types` makes it."""

    def __init__(self, drop, schemes):
        self._drop, self._schemes = [re.compile(pattern) for pattern in drop], schemes
        self._folded = {name: _unambiguous(mapping) for name, mapping in schemes.items()}

    @property
    def schemes(self):
        """Names of the ways to write a type: names, rc3, ..."""
        return tuple(self._schemes)

    def detail(self, text, scheme="names"):
        """(class or None, whether the mapping knows the text) of a type as a catalogue writes it.

        What the file lists under `drop` (rings, pec, marks of doubt) is taken out first, and blanks. Then the text is
        looked up as it is, then, if it is all in lower case, with a capital ('sbc'), then without regard to case where
        that leaves one class, and no blank was taken out or all is in capitals. In a scheme of numbers the text is rounded to a whole number first.
        """
        mapping, folded = self._schemes[scheme], self._folded[scheme]
        plain = "" if text is None or text != text else str(text).strip()
        if plain in mapping:
            return mapping[plain], True
        if scheme != "names":
            try:
                plain = str(int(np.floor(float(plain) + 0.5)))
            except (ValueError, OverflowError):
                return (None, True) if plain == "" else (None, False)
            return mapping.get(plain), plain in mapping
        for pattern in self._drop:
            plain = pattern.sub(" ", plain).strip()
        parted, plain = bool(re.search(r"\s", plain)), re.sub(r"\s+", "", plain)
        for candidate in (plain, plain[:1].upper() + plain[1:] if plain.islower() else plain):
            if candidate in mapping:
                return mapping[candidate], True
        known = plain.casefold() in folded and (plain.isupper() or not parted)  # 'SAB D' is SABd, 'Sab D' is not
        return (folded[plain.casefold()], True) if known else (None, False)


def _unambiguous(mapping):
    """folded spelling -> class, of those that are one class however the case."""
    found = {}
    for spelling, detail in mapping.items():
        found.setdefault(spelling.casefold(), set()).add(detail)
    return {folded: next(iter(details)) for folded, details in found.items() if len(details) == 1}


def read_types(path):
    """The mapping in a file with columns scheme, type, detail (`resources/morphology.csv` explains itself).

    Raises
    ------
    CubespaceError
        A column or the scheme `names` is not there, a class or an expression is wrong, or a type is there twice.
    """
    table = read_table(path, text=("scheme", "type", "detail"))
    for column in ("scheme", "type", "detail"):
        if column not in table:
            raise CubespaceError(f"{path}: no column {column!r}; found: {', '.join(map(str, table.columns))}")
    drop, schemes = [], {}
    for row, (scheme, spelling, detail) in enumerate(
        table[["scheme", "type", "detail"]].itertuples(index=False), 1
    ):
        if scheme is None:
            raise CubespaceError(f"{path}: row {row}: no scheme")
        if scheme == "drop":
            try:
                re.compile(spelling or "")
            except re.error as error:
                raise CubespaceError(
                    f"{path}: row {row}: {spelling!r} is not a regular expression: {error}"
                ) from None
            drop.append(spelling)
            continue
        mapping, spelling = schemes.setdefault(scheme, {}), spelling or ""
        if detail is not None and detail != "E" and detail not in DETAILS:
            raise CubespaceError(
                f"{path}: row {row}: class {detail!r}; allowed: E, {', '.join(DETAILS)} or empty for unknown"
            )
        if spelling in mapping:
            raise CubespaceError(f"{path}: row {row}: type {spelling!r} is there twice in scheme {scheme!r}")
        mapping[spelling] = detail
    if "names" not in schemes:
        raise CubespaceError(f"{path}: no rows of scheme 'names'")
    return Types(drop, schemes)


def bin_of(detail):
    """Bin of the paper (E S0 Sa Sb Sc Sd I BCD) of a class, None for None; ValueError for anything else."""
    if detail is None:
        return None
    if detail == "E":
        return "E"
    if detail not in _DETAIL_BIN:
        raise ValueError(f"class {detail!r} is none of E, {', '.join(DETAILS)}")
    return _DETAIL_BIN[detail]


def bin_index(name):
    """0 (E) ... 7 (BCD); nan for None."""
    return float(BINS.index(name)) if name in BINS else float("nan")
