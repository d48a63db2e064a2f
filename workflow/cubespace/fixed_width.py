"""Tables of columns at fixed places: a value that does not fit into its place would be cut, to another number."""

import itertools
import re

import numpy as np

from cubespace.delimited import MISSING, parse_numbers
from cubespace.errors import CubespaceError

_BYTES = re.compile(r"\s*(\d+)(?:\s*-\s*(\d+))?\s+([AIFELDX])\d*", re.IGNORECASE)
DESCRIPTION = re.compile("Byte-by-byte Description of file", re.IGNORECASE)
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
    """(rows, notes) of a table of the CDS or the AAS: the lines that are rows, and notes on others without a heading of notes.

    Rows are all lines below the description of the columns, but ruled lines and notes: what starts with a heading of notes, or stands
    above a ruled line and does not fit the columns (`_are_rows`). The last section without such a heading is rows.

    Raises
    ------
    CubespaceError
        The file describes several tables, the description has no end, or a value goes on beyond the bytes that it states.
    """
    starts = [i for i, line in enumerate(lines) if DESCRIPTION.match(line)]
    if len(starts) != 1:
        there = ", ".join(str(i + 1) for i in starts) or "none"
        raise CubespaceError(f"{where}: {DESCRIPTION.pattern!r} found at the start of lines {there}; expected one, as for one table")
    ruled = [i for i, line in enumerate(lines) if _RULED.fullmatch(line) and i > starts[0]]
    if len(ruled) < 3:
        found = f"{len(ruled)} ruled lines after {lines[starts[0]].strip()!r}"
        raise CubespaceError(f"{where}: found {found}; expected one above and two below the heads of the columns")
    ends = [*ruled[2:], len(lines)]
    sections = [[line for line in lines[first + 1 : last] if line.strip()] for first, last in itertools.pairwise(ends)]
    sections = [section for section in sections if section]
    *above, last = [section for section in sections if not _HEADING.match(section[0])] or [*sections, []][-1:]
    described = [m.groups() for line in lines[ruled[1] : ruled[2]] if (m := _BYTES.match(line))]
    places = [(int(first) - 1, int(last or first)) for first, last, _ in described]
    numeric = [place for place, (_, _, kind) in zip(places, described, strict=True) if kind.upper() in "IFED"]
    declared = {place for first, last in places for place in range(first, last)}
    edges = [(inside, outside) for first, last in places for inside, outside in ((first, first - 1), (last - 1, last))
             if outside >= 0 and outside not in declared]  # fmt: skip
    rows, notes = [], []
    for section in above:
        if _are_rows(section, numeric, declared):
            rows += section
        else:
            words = f"{len(section)} lines above a ruled line were taken for notes, as they do not fit the columns"
            notes.append(f"{words}, the first is {section[0].strip()[:80]!r}")
    rows += last
    for row, line in enumerate(rows, 1):
        if beyond := _beyond(line, edges):
            raise CubespaceError(
                f"{where}: row {row}: found {_around(line, beyond[1])!r} at bytes {min(beyond) + 1} and {max(beyond) + 1}, of which "
                "one is in a column and one in none: the value does not fit its bytes"
            )
    return rows, notes


def check_numbers(column, whole, where):
    """Numbers of a column of astropy's reader, before it converts them: words for "missing" are masked; CubespaceError for any other cell.

    Whole numbers stay with astropy, which keeps all their digits.
    """
    values, wrong = parse_numbers(column.str_vals)
    plain = [cell.replace("\u2212", "-") for cell in column.str_vals]
    if whole:
        wrong += [i for i, value in enumerate(values) if not np.isnan(value) and not re.fullmatch(r"[+-]?\d+", plain[i])]
    if wrong:
        row, kind = min(wrong), "whole number" if whole else "number"
        raise CubespaceError(f"{where}: row {row + 1}: column {column.name!r}: found {column.str_vals[row]!r}; expected a {kind}")
    missing = [cell.casefold() in MISSING for cell in plain]
    column.mask |= np.array(missing, bool)
    column.str_vals = ["0" if gap else cell for gap, cell in zip(missing, plain, strict=True)]
    if not whole:
        column.data = values


def _are_rows(lines, numeric, declared):
    """Whether all lines have numbers or nothing at the places of numbers, and some a number; where there are none, whether all is within columns."""
    if not numeric:
        return all(place in declared for line in lines for place, sign in enumerate(line) if sign.strip())
    known = False
    for line in lines:
        values, wrong = parse_numbers([line[first:last] for first, last in numeric])
        if wrong:
            return False
        known = known or bool(np.isfinite(values).any())
    return known


def _beyond(line, edges):
    """(place in a column, place in none) of a line's first value that goes on beyond its bytes; None if all fit."""
    return next((edge for edge in edges if all(_PART_OF_A_VALUE.match(line[place : place + 1]) for place in edge)), None)


def _around(line, place):
    return line[max(0, place - 20) : place + 20].strip()
