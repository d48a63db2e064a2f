"""Tables of columns at fixed places: a value that does not fit into its place would be cut, to another number."""

import re

from cubespace.errors import CubespaceError

_BYTES = re.compile(r"\s*(\d+)(?:\s*-\s*(\d+))?\s+[AIFELDX]\d*", re.IGNORECASE)
_PART_OF_A_VALUE = re.compile(r"[\w.+-]")


def check_ipac(lines, where):
    """CubespaceError if a row of an IPAC table has anything under a bar of its header, or beyond the last one.

    Astropy would read 0.0153, in a column of five places, as 0.015; the format leaves the places of the bars blank.
    """
    bars, row = [], 0
    for line in lines:
        if line.startswith("|"):
            bars = bars or [place for place, sign in enumerate(line) if sign == "|"]
        elif bars and line.strip() and not line.startswith("\\"):
            row += 1
            if "\t" in line:
                raise CubespaceError(f"{where}: row {row}: a tab, where columns have their places: {line.strip()[:80]!r}")
            under = [place for place in bars if line[place : place + 1].strip()] or bars[-1:] * bool(line[bars[-1] :].strip())
            if under:
                raise CubespaceError(
                    f"{where}: row {row}: found {_around(line, under[0])!r} across the bar at place {under[0] + 1} of the header; expected the "
                    "columns between the bars"
                )


def check_machine_readable(lines, where):
    """CubespaceError if a value in a table of the CDS or the AAS goes on beyond the bytes that its description states."""
    ruled = [i for i, line in enumerate(lines) if line.startswith(("------", "======"))]
    described = [m.groups() for line in lines[: ruled[-1] if ruled else 0] if (m := _BYTES.match(line))]
    places = [(int(first) - 1, int(last or first)) for first, last in described]
    if not places:
        return
    declared = {place for first, last in places for place in range(first, last)}
    edges = [(inside, outside) for first, last in places for inside, outside in ((first, first - 1), (last - 1, last))
             if outside >= 0 and outside not in declared]  # fmt: skip
    for row, line in enumerate(filter(str.strip, lines[ruled[-1] + 1 :]), 1):
        for inside, outside in edges:
            if all(_PART_OF_A_VALUE.match(line[place : place + 1]) for place in (inside, outside)):
                raise CubespaceError(
                    f"{where}: row {row}: found {_around(line, outside)!r} at bytes {min(inside, outside) + 1} and {max(inside, outside) + 1}, of which "
                    "one is in a column and one in none: the value does not fit its bytes"
                )


def _around(line, place):
    return line[max(0, place - 20) : place + 20].strip()
