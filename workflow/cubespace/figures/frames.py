"""Taking columns out of tables for drawing: joins by galaxy, missing values, clear errors."""

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError


def need(frame, columns, what):
    """Raise `CubespaceError` unless `frame` has all `columns`; `what` names the table in the message."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise CubespaceError(
            f"{what}: no column {', '.join(map(repr, missing))}; found {', '.join(map(str, frame.columns)) or 'none'}"
        )


def numbers(frame, name):
    """Column as float array, missing = nan; all nan if the table has no such column (a survey without that property)."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    try:
        return pd.to_numeric(frame[name]).to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise CubespaceError(f"column {name!r}: expected numbers, found {error}") from None


def words(frame, name):
    """Column as object array of str, missing = None; all None if there is no such column."""
    if name not in frame.columns:
        return np.full(len(frame), None, dtype=object)
    return np.array([None if pd.isna(value) else str(value) for value in frame[name]] + [None], dtype=object)[
        :-1
    ]


def truths(frame, name):
    """Column as bool array, whether it holds booleans, 0/1 or the text 'True'/'False' (as a CSV gives it)."""
    allowed = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    found = [str(value).strip().lower() for value in frame[name]]
    wrong = sorted(set(found) - set(allowed))
    if wrong:
        raise CubespaceError(f"column {name!r}: expected true or false, found {', '.join(wrong)}")
    return np.array([allowed[value] for value in found], dtype=bool)


def join(left, *others):
    """`left` with the further columns of the other tables, one row a galaxy, in the order of `left`.

    A column that `left` has already is kept from `left`. Galaxies absent from another table get nulls there.
    """
    need(left, ["galaxy"], "table")
    for other in others:
        need(other, ["galaxy"], "table")
        repeated = other["galaxy"][other["galaxy"].duplicated()]
        if len(repeated):
            raise CubespaceError(
                f"galaxy {repeated.iloc[0]!r} has more than one row in a table that needs one a galaxy"
            )
        fresh = ["galaxy"] + [name for name in other.columns if name not in left.columns]
        left = left.merge(other[fresh], on="galaxy", how="left", validate="m:1")
    return left
