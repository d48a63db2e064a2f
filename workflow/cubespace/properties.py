"""Columns of property tables in our names, units and conventions: every number converted, nulled or refused for a reason."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from cubespace import names, units
from cubespace.columns import PROPERTIES, Z_SUN
from cubespace.conventions import (
    BOUNDS,
    LENGTHS,
    angle_notes,
    frame_note,
    linear_by_unit,
    linear_within_bounds,
    logarithms_converted,
    refuse,
    refuse_another_convention,
    refuse_compact_angles,
    refuse_part_of_angle,
    says_log,
    unlisted_sentinels,
)
from cubespace.cosmology import SPEED_OF_LIGHT
from cubespace.delimited import parse_numbers
from cubespace.errors import CubespaceError
from cubespace.notes import UNIT_GOES_BEFORE, Audit, Note, reader_notes
from cubespace.sphere import chord, degrees, joined, separation, unit_vectors
from cubespace.tables import label, need_columns, numbers, read_table

SENTINELS = (-99.0, -99.9, -99.99, -999.0, -999.9, -999.99, -9999.0, -9999.9, -99999.0)

CONVERSIONS = {
    "none": lambda x: x,
    "log10": np.log10,
    "log10_negative": lambda x: np.log10(-x),  # equivalent widths that are negative in emission
    "log10_gyr_to_yr": lambda x: np.log10(x) + 9.0,
    "log10_z_over_zsun": lambda x: np.log10(x / Z_SUN),
    "eccentricity": lambda x: 1.0 - np.sqrt(1.0 - x**2),  # e = sqrt(1 - (b/a)^2)  ->  1 - b/a
    "axis_ratio": lambda x: 1.0 - x,
    "km_s": lambda x: x / SPEED_OF_LIGHT,
}

TEXT = ("morphology", "nuclear_class", "environment")
NUMBERS = ("ra", "dec", *PROPERTIES)
_FEW, _MANY = 2, 0.1  # number and share of values that become null: more is worth a note
_UNITS = {"ra": "deg", "dec": "deg"} | {name: entry.unit for name, entry in PROPERTIES.items()}


def canonical_values(column, name, spec, unit, where):
    """A column of numbers in the unit and convention of property `name`.

    Parameters
    ----------
    column : Series as read
    name : one of `NUMBERS`
    spec : {convert, unit, missing, minimum, maximum}, all optional. `convert` (a key of `CONVERSIONS`) goes before
        units; else the values are converted from `spec["unit"]` or the table's own unit; where neither is stated, a
        column that looks like another convention is refused.
    unit : str, the table's own unit
    where : str, for messages

    Returns
    -------
    values : Series of float, nan where null
    how : str, the conversion that was made
    counts : dict of missing, sentinel, out_of_range
    notes : list of str

    Raises
    ------
    CubespaceError
        A cell is not a number; the unit is of another kind; the column looks like another convention (linear for
        logarithmic, km/s, eccentricity ...), or more than half of its values are impossible.
    """
    words, codes = _stated_missing(spec.get("missing", SENTINELS))
    column = column.where(~column.isin(words), None) if words else column
    in_degrees = pd.Series(False, index=column.index)
    if name in ("ra", "dec") and column.dtype == object:
        refuse_compact_angles(column, where)
        column, in_degrees = degrees(column, name == "ra")
    kept, counts = _without(codes, numbers(column, where))
    stated, notes = None, []
    if "convert" not in spec:
        stated, notes = _unit(spec.get("unit"), unit, where)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if "convert" in spec:
            how, new = spec["convert"], CONVERSIONS[spec["convert"]](kept)
            notes += logarithms_converted(kept, name, spec["column"], how)
        elif stated is not None:
            named_log = "unit" not in spec and says_log(spec["column"])
            how, new = f"unit {spec.get('unit') or unit}", by_unit(kept, stated, name, named_log, where)
            if "unit" not in spec and not stated.log:
                notes += linear_by_unit(kept, name, unit)
        else:
            refuse_another_convention(kept[~in_degrees], name, spec["column"], where)
            how, new = "none", kept
            notes += linear_within_bounds(kept[~in_degrees], name, spec["column"], where)
    new = new.where(~in_degrees, kept)  # sexagesimal, whatever unit the numbers beside them have
    low, high = spec.get("minimum", BOUNDS[name][0]), spec.get("maximum", BOUNDS[name][1])
    outside = kept.notna() & ~((new >= low) & (new <= high) & np.isfinite(new))
    present = kept.notna() & (kept != 0)
    if present.sum() >= 3 and (outside & present).sum() > 0.5 * present.sum():
        row = int(np.flatnonzero((outside & present).to_numpy())[0])
        raise CubespaceError(
            f"{where}: {int((outside & present).sum())} of {int(present.sum())} values are outside {low:g} ... {high:g} "
            f"[{_UNITS[name] or 'no unit'}] after conversion ({how}); row {row + 1}: {kept.iloc[row]:g}. "
            f"State unit or convert ({', '.join(CONVERSIONS)}), or minimum and maximum"
        )
    lost = outside & present
    if lost.sum() > max(_FEW, _MANY * present.sum()) or (lost.any() and outside.sum() == kept.notna().sum()):
        row = int(np.flatnonzero(lost.to_numpy())[0])
        notes.append(
            f"{int(lost.sum())} of {int(present.sum())} values became null, being outside {low:g} ... {high:g} "
            f"[{_UNITS[name] or 'no unit'}] after conversion ({how}); the first is {kept.iloc[row]:g} in row {row + 1}"
        )
    notes += unlisted_sentinels(kept.mask(outside))
    return new.mask(outside), how, counts | {"out_of_range": int(outside.sum())}, notes


def known_numbers(column, missing, where):
    """A column of plain numbers as it is, but for what stands for missing: (Series of float, nan where null; dict of missing, sentinel).

    Parameters
    ----------
    column : Series as read
    missing : values, numbers or words, that stand for missing, as in a column's ``missing``; infinities do in any case
    where : str, for messages

    Raises
    ------
    CubespaceError
        A cell is not a number.
    """
    words, codes = _stated_missing(missing)
    return _without(codes, numbers(column.where(~column.isin(words), None) if words else column, where))


def _stated_missing(missing):
    """Words and numbers among values that stand for missing; a number in quotes is one, "-9" is -9."""
    words, codes = set(), []
    for value in missing:
        found, wrong = parse_numbers([value])
        if not (wrong or np.isnan(found[0])):
            codes.append(float(found[0]))
        elif isinstance(value, str):
            words.add(value)
    return words, codes


def _without(codes, values):
    """(values, nan where they are infinite or one of `codes`; how many were missing, and how many such)."""
    sentinel = pd.Series(np.isinf(values.to_numpy()), index=values.index)
    for code in codes:  # one that went through float32 is -99.9000015
        sentinel |= (values - code).abs() <= 1e-6 * max(1.0, abs(code))
    missing = values.isna()
    return values.mask(sentinel), {"missing": int(missing.sum()), "sentinel": int((sentinel & ~missing).sum())}


def _unit(own, table, where):
    """The stated unit, or None; a unit of the configuration must be understood, one of a table is noted if it is not."""
    try:
        return units.parse(own or table), []
    except ValueError as error:
        if own:
            raise CubespaceError(f"{where}: {error}") from None
        return None, [f"{error} and was passed over{UNIT_GOES_BEFORE}"]


def by_unit(kept, stated, name, named_log, where):
    """A Series in unit `stated` as values of property `name`; CubespaceError if that cannot be."""
    wanted = units.parse(_UNITS[name]) or units.Unit(False, units.DIMENSIONLESS)
    if name.startswith("log_ew") and not stated.log and (kept < 0).sum() > (kept > 0).sum():
        raise CubespaceError(
            f"{where}: most values are negative; an equivalent width that is negative in emission needs convert: log10_negative"
        )
    if name in LENGTHS and named_log and not stated.log:
        raise CubespaceError(f"{where}: the name says logarithm, the table's unit does not; set unit: log10({LENGTHS[name]}), or {LENGTHS[name]}")
    if stated == units.Unit(True, None) and not wanted.log and name not in LENGTHS:
        raise CubespaceError(f"{where}: unit dex, a logarithm, cannot be turned into {_UNITS[name] or 'a plain number'}; state convert, or convert: none")
    if wanted.log and not stated.log:
        cure = f"if these are logarithms, set unit: {_UNITS[name]}"
        if not name.startswith("log_ew"):
            refuse(kept < 0, kept, where, f"is negative and has no logarithm; {cure}; if it stands for none, list it in `missing`")
        present = kept.dropna()
        if named_log and len(present) and present.between(*BOUNDS[name]).all():
            raise CubespaceError(f"{where}: the name says logarithm, the table's unit does not; {cure}, else convert: log10")
    try:
        return pd.Series(units.convert(kept, stated, wanted), index=kept.index)
    except ValueError as error:
        raise CubespaceError(
            f"{where}: {error}; state convert, or convert: none if the table's unit is wrong"
        ) from None


def types_of(column, types, scheme, missing=()):
    """Classes of a column of type strings.

    Returns
    -------
    details : list of class or None
    unmapped : list of str or None; the text, stripped, where the mapping does not know it
    """
    found = [(None, True) if text in missing else types.detail(text, scheme) for text in column]
    unmapped = [None if known else str(text).strip() for text, (_, known) in zip(column, found, strict=True)]
    return [detail for detail, _ in found], unmapped


def unmapped_notes(galaxies, unmapped, table):
    """One note for each spelling that the mapping does not know, with how often and whose it is."""
    notes = []
    for text in sorted({text for text in unmapped if text is not None}):
        whose = [galaxy for galaxy, other in zip(galaxies, unmapped, strict=True) if other == text]
        notes.append(
            Note(
                "unmapped_type",
                table,
                some(whose),
                f"morphological type {text!r}: {len(whose)} galaxies, not known",
            )
        )
    return notes


def some(galaxies, most=10):
    """The first names of a list, and how many more there are."""
    galaxies = list(galaxies)
    return " ".join(galaxies[:most]) + (f" and {len(galaxies) - most} more" if len(galaxies) > most else "")


def join(frame, table, types, tolerance, on_mismatch):
    """Fill `frame`, in place, from one property table.

    Parameters
    ----------
    frame : DataFrame of galaxies with all of `TEXT` and `NUMBERS`, table_row
    table : {path, key, columns} and optionally match_radius [arcsec], hdu, names, skip, short_rows
    types : `cubespace.morphology.Types`
    tolerance : arcsec; a row with a galaxy's name that lies farther from its position is a mismatch
    on_mismatch : "note" or "stop"

    Returns
    -------
    matched : array of bool
    audit : list of `Audit`
    notes : list of `Note`

    Raises
    ------
    CubespaceError
    """
    path, key = table["path"], table.get("key")
    wanted = {
        name: spec if isinstance(spec, dict) else {"column": spec} for name, spec in table["columns"].items()
    }
    sources = [c for spec in wanted.values() for c in _listed(spec["column"])]
    text = {key, *(c for name, spec in wanted.items() if name in TEXT for c in _listed(spec["column"]))} - {None}
    text |= {c for name, spec in wanted.items() if name == "dec" for c in _listed(spec["column"])[:-1]}  # "-00" as a number has no sign
    how_to_read = {
        option: table[option] for option in ("hdu", "names", "skip", "short_rows") if option in table
    }
    raw = read_table(path, text=text, only={*text, *sources}, **how_to_read)
    need_columns(raw, [*([key] if key else []), *sources], path)
    columns, audit, notes, unmapped = {}, [], reader_notes(raw, path), {}
    for name, spec in wanted.items():
        columns[name], how, counts, more = _column(raw, name, spec, path, types)
        more = more + (frame_note(spec["column"]) if name == "redshift" else [])
        notes += [Note("unit", path, "", f"column {spec['column']!r}: {words}") for words in more]
        if name == "morphology":
            columns[name], unmapped = columns[name]
        unit = spec.get("unit") or raw.attrs["units"].get(
            spec["column"] if isinstance(spec["column"], str) else "", ""
        )
        audit.append([path, ", ".join(_listed(spec["column"])), name, unit, how, 0, *counts.values()])
    rows, own = _rows(frame, raw, key, columns, path, notes, by_name=table.get("match_radius") is None)
    if table.get("match_radius") is not None:
        _rows_by_position(frame, columns, rows, table["match_radius"], path, notes)
    if {"ra", "dec"} <= set(columns):
        notes += _position_mismatches(
            frame, columns, rows, own, path, raw[key] if key else None, tolerance, on_mismatch
        )
    matched = rows >= 0
    take = rows[matched]
    shown = raw[key] if key else pd.Series([f"row {i + 1}" for i in range(len(raw))])
    frame.loc[matched, "table_row"] = [
        names.canonical(label(name)) if key else name for name in shown.iloc[take]
    ]
    for line, (name, values) in zip(audit, columns.items(), strict=True):
        here = pd.Series(
            [None] * len(frame) if name in TEXT else np.nan,
            index=frame.index,
            dtype=object if name in TEXT else float,
        )
        here[matched] = values.iloc[take].to_numpy()
        line[5] = int(here.notna().sum())
        filled = frame[name].where(frame[name].notna(), here)
        frame[name] = filled.astype(object).where(filled.notna(), None) if name in TEXT else filled
    if unmapped:
        mine = [unmapped[i] if i >= 0 else None for i in rows]
        notes += unmapped_notes(frame["galaxy"], mine, path)
    return matched, [Audit(*line) for line in audit], notes


def _listed(column):
    return [column] if isinstance(column, str) else list(column)


def numbers_of(table, name, spec, path):
    """`canonical_values` of a mapped column of a table; of a list of columns, if they are the parts of a right ascension or declination."""
    where, there, more = f"{path}: column {spec['column']!r} for {name}", table.attrs.get("columns", ()), []
    if isinstance(spec["column"], str):
        refuse_part_of_angle(name, spec["column"], there, where)
        column, unit = table[spec["column"]], table.attrs["units"].get(spec["column"], "")
    elif name in ("ra", "dec"):
        texts, unsigned = joined(table[spec["column"]], name == "ra")
        column, unit = pd.Series(texts, index=table.index, dtype=object), ""
        more = angle_notes(name, spec["column"], there, unsigned, where)
    else:
        raise CubespaceError(f"{where}: expected one column; only right ascension, declination and texts may be in several")
    values, how, counts, notes = canonical_values(column, name, spec, unit, where)
    notes = more + notes
    if "unit" in spec and "convert" in spec:
        notes.append(f"unit: {spec['unit']} is not used, as convert: {spec['convert']} goes before it")
    return values, how, counts, notes


def _column(raw, name, spec, path, types):
    """(values, how, counts, notes) of one mapped column, for all rows of the table."""
    if name not in TEXT:
        return numbers_of(raw, name, spec, path)
    column = raw[_listed(spec["column"])[0]]
    parts = raw[_listed(spec["column"])]
    column = (
        parts.apply(lambda row: "".join(label(part) or "" for part in row) or None, axis=1)
        if len(raw)
        else column
    )
    column = column.astype(object).where(column.notna(), None)
    counts = {"missing": int(column.isna().sum()), "sentinel": 0, "out_of_range": 0}
    missing = _missing_among(column, spec.get("missing", ()))
    if name == "morphology":
        scheme = spec.get("scheme", "names")
        if scheme not in types.schemes:
            raise CubespaceError(
                f"{path}: scheme {scheme!r} of morphology: allowed: {', '.join(types.schemes)}"
            )
        details, unmapped = types_of(column, types, scheme, missing)
        counts["sentinel"] = sum(d is None and c is not None for d, c in zip(details, column, strict=True))
        return (pd.Series(details, index=raw.index, dtype=object), unmapped), scheme, counts, []
    return column.where(~column.isin(missing), None), "none", counts, []


def _missing_among(column, given):
    """The cells of a column of text that are among the values given, as text or as numbers: 0.0 is 0."""
    cells = [cell for cell in dict.fromkeys(column) if cell is not None]
    values, numeric = parse_numbers(cells)[0], parse_numbers(list(given))[0]
    words = {label(value) for value in given}
    return {cell for cell, value in zip(cells, values, strict=True) if cell in words or (numeric == value).any()}


def _rows(frame, raw, key, columns, path, notes, by_name):
    """Row of the table for each galaxy by name, -1 without; and whether it is the galaxy's own, not its parent's."""
    found = {}
    if key:
        for index, name in enumerate(raw[key]):
            text = label(name)
            if text is not None and text.strip():
                found.setdefault(names.key(text), []).append(index)
    if key and (blank := len(raw) - sum(map(len, found.values()))):
        notes.append(Note("rows", path, "", f"{blank} of {len(raw)} rows have no name in {key!r}" + (" and are passed over" if by_name else "")))
    rows, own = np.full(len(frame), -1), np.zeros(len(frame), bool)
    several = {}
    for i, galaxy in enumerate(frame["galaxy"]):
        for candidate in (galaxy, names.parent(galaxy)):
            there = found.get(names.key(candidate))
            if there:
                rows[i], own[i] = there[0], candidate == galaxy
                if len(there) > 1:
                    several[candidate] = there
                break
    different = []
    for name, there in several.items():
        same = all(values.iloc[there].nunique(dropna=False) == 1 for values in columns.values())
        words = f"{name} (rows {', '.join(str(i + 1) for i in there)})"
        if same:
            notes.append(Note("duplicate_row", path, name, f"{words}: the same values in all, one was taken"))
        else:
            different.append(words)
    if different:
        raise CubespaceError(
            f"{path}: column {key!r}: more than one row, with different values, for {'; '.join(different[:10])}"
        )
    return rows, own


def _rows_by_position(frame, columns, rows, radius, path, notes):
    """Give galaxies without a row the nearest one within `radius` arcsec, in place."""
    if not {"ra", "dec"} <= set(columns):
        raise CubespaceError(f"{path}: match_radius needs the columns ra and dec of the table")
    there = np.flatnonzero((columns["ra"].notna() & columns["dec"].notna()).to_numpy())
    here = np.flatnonzero((rows < 0) & (frame["ra"].notna() & frame["dec"].notna()).to_numpy())
    if not len(there) or not len(here):
        return
    tree = cKDTree(unit_vectors(columns["ra"].iloc[there], columns["dec"].iloc[there]))
    apart, nearest = tree.query(unit_vectors(frame["ra"].iloc[here], frame["dec"].iloc[here]))
    close = apart <= chord(radius / 3600.0)
    rows[here[close]] = there[nearest[close]]
    if close.any():
        notes.append(
            Note(
                "joined_by_position",
                path,
                some(frame["galaxy"].iloc[here[close]]),
                f"within {radius:g} arcsec",
            )
        )
    for row in sorted(set(rows[rows >= 0])):
        sharing = frame.loc[rows == row]
        if sharing["pointing"].nunique() > 1:
            words = f"row {row + 1} is the match of several galaxies"
            notes.append(Note("shared_row", path, some(sharing["galaxy"]), words))


def _position_mismatches(frame, columns, rows, own, path, key, tolerance, on_mismatch):
    """Notes on rows that have a galaxy's name and lie elsewhere; CubespaceError if `on_mismatch` is "stop"."""
    at = np.flatnonzero(own & frame["ra"].notna().to_numpy() & frame["dec"].notna().to_numpy())
    ra, dec = (columns[name].iloc[rows[at]].to_numpy() for name in ("ra", "dec"))
    apart = separation(frame["ra"].iloc[at], frame["dec"].iloc[at], ra, dec)
    notes = []
    for i, r, d, arcsec in zip(at, ra, dec, apart, strict=True):
        if arcsec > tolerance:
            galaxy, f = frame["galaxy"].iloc[i], frame.iloc[i]
            words = (
                f"{galaxy} is at ({f['ra']:.5f}, {f['dec']:.5f}) deg before and {label(key.iloc[rows[i]])!r} at ({r:.5f}, {d:.5f}) in row "
                f"{rows[i] + 1} of this table, {arcsec:.1f} arcsec apart; the limit is {tolerance:g}"
            )
            notes.append(Note("position", path, galaxy, words))
    if notes and on_mismatch == "stop":
        raise CubespaceError(
            f"{path}: same name, different place: " + "; ".join(note.detail for note in notes[:5])
        )
    return notes
