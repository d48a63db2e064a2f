"""Columns of a sheet by their headings: our names, and a unit in brackets after them."""

import pandas as pd

from cubespace import units
from cubespace.delimited import without_unit
from cubespace.errors import CubespaceError
from cubespace.properties import NUMBERS, by_unit


def headed(sheet, where):
    """Name of ours -> (column, unit) of a sheet: the column of that name, else one with a unit that it can have in brackets after it.

    redshift (km/s) is our redshift; redshift (NSA) is not. CubespaceError if two are.
    """
    found, stated = {}, sheet.attrs["units"]
    for name in NUMBERS:
        brackets = {column: bracket for column in sheet for plain, bracket in [without_unit(column)] if plain == name and bracket}
        fit = [column for column, bracket in brackets.items() if _can_be_in(name, bracket)]
        if name in sheet:
            found[name] = name, stated.get(name, "")
        elif len(fit) > 1:
            raise CubespaceError(f"{where}: columns {', '.join(map(repr, fit))} are all {name} by their names; expected one of them, or one named {name!r}")
        elif fit:
            found[name] = fit[0], stated.get(fit[0]) or brackets[fit[0]]
    return found


def _can_be_in(name, text):
    """Whether a text is a unit of property `name`, or says that there is none; a bare number is that of a footnote."""
    try:
        unit = units.parse(text)
        if unit is not None:
            by_unit(pd.Series(dtype=float), unit, name, False, "")
    except (ValueError, CubespaceError):
        return False
    return unit is None or not text.isdigit()
