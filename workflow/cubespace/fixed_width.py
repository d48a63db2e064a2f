"""Tables of columns at fixed places: a value that does not fit into its place would be cut, to another number."""

import itertools
import re

from cubespace.errors import CubespaceError

_BYTES = re.compile(r"\s*(\d+)(?:\s*-\s*(\d+))?\s+[AIFELDX]\d*", re.IGNORECASE)
_DESCRIPTION = re.compile("Byte-by-byte Description of file", re.IGNORECASE)
_RULED = re.compile(r"(-{6,}|={6,})\s*")
_HEADING = re.compile(  # of notes, between the description and the rows, or after them
    r"\s*(((global )?note|remark|reference|source|author|abbreviation|acknowledge?ment|description|see also|history)s?\s*(\(\w+\))?\s*[:=]|\(end\))",
    re.IGNORECASE,
)
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


def rows_of_machine_readable(lines, where):
    """The lines of a table of the CDS or the AAS that are rows: all below the description of its columns, but ruled lines and notes.

    Raises
    ------
    CubespaceError
        The file describes several tables, the description has no end, or a value goes on beyond the bytes that it states.
    """
    starts = [i for i, line in enumerate(lines) if _DESCRIPTION.match(line)]
    if len(starts) != 1:
        there = ", ".join(str(i + 1) for i in starts) or "none"
        raise CubespaceError(f"{where}: {_DESCRIPTION.pattern!r} found at the start of lines {there}; expected one, as for one table")
    ruled = [i for i, line in enumerate(lines) if _RULED.fullmatch(line) and i > starts[0]]
    if len(ruled) < 3:
        found = f"{len(ruled)} ruled lines after {lines[starts[0]].strip()!r}"
        raise CubespaceError(f"{where}: found {found}; expected one above and two below the heads of the columns")
    ends = [*ruled[2:], len(lines)]
    sections = [[line for line in lines[first + 1 : last] if line.strip()] for first, last in itertools.pairwise(ends)]
    sections = [section for section in sections if section]
    rows = [line for section in sections if not _HEADING.match(section[0]) for line in section] or [*sections, []][-1]
    _check_bytes([m.groups() for line in lines[ruled[1] : ruled[2]] if (m := _BYTES.match(line))], rows, where)
    return rows


def _check_bytes(described, rows, where):
    places = [(int(first) - 1, int(last or first)) for first, last in described]
    declared = {place for first, last in places for place in range(first, last)}
    edges = [(inside, outside) for first, last in places for inside, outside in ((first, first - 1), (last - 1, last))
             if outside >= 0 and outside not in declared]  # fmt: skip
    for row, line in enumerate(rows, 1):
        for inside, outside in edges:
            if all(_PART_OF_A_VALUE.match(line[place : place + 1]) for place in (inside, outside)):
                raise CubespaceError(
                    f"{where}: row {row}: found {_around(line, outside)!r} at bytes {min(inside, outside) + 1} and {max(inside, outside) + 1}, of which "
                    "one is in a column and one in none: the value does not fit its bytes"
                )


def _around(line, place):
    return line[max(0, place - 20) : place + 20].strip()
