"""The sample: the sheet joined with the property tables, in canonical names and units, with roles.

Runs before any job starts (the list of galaxies, their redshifts and roles shape the workflow), so that every
mistake in a sheet or table is refused at once.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cubespace import names
from cubespace.columns import PROPERTIES, Z_SUN
from cubespace.cosmology import SPEED_OF_LIGHT, luminosity_distance
from cubespace.errors import CubespaceError
from cubespace.files import digest
from cubespace.morphology import bin_of, detail_of
from cubespace.tables import read_table

ROLES = ("train", "validation", "embed")
SENTINELS = (-99.0, -99.9, -999.0, -999.9, -9999.0)

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


class Sample(NamedTuple):
    """`galaxies`: one row a galaxy, columns of `results/sample/galaxies.parquet`; `audit`: what became of each column;
    `unmatched`: names in the sheet that no property table has."""

    galaxies: pd.DataFrame
    audit: pd.DataFrame
    unmatched: list


def build(sheet, cubes, tables, cosmology, split, sheet_columns=None, max_redshift=0.3):
    """Read and join everything.

    Parameters
    ----------
    sheet : path of the sample sheet: one row a galaxy, a column of names, optionally role, pointing, cube and any property.
    cubes : pattern of the cubes' paths with ``{galaxy}`` for the file-safe name; a `cube` cell of the sheet goes before.
    tables : list of {path, key, columns}, where columns maps a canonical name to a column name or to
        {column, convert, missing, minimum, maximum}; the first table that has a value wins.
    cosmology : {h0 [km/s/Mpc], om0}
    split : {method: sheet | stratified, validation_fraction, seed}
    sheet_columns : {galaxy, role, train, validation}: names of the sheet's columns where they differ; `train` and
        `validation` name boolean columns that give the role.
    max_redshift : larger ones are refused as missing.

    Raises
    ------
    CubespaceError
        Naming file, row and column, with all problems of a kind in one message.
    """
    frame = _sheet(sheet, sheet_columns or {}, cubes)
    audit, unmatched = [], set(frame["galaxy"])
    for name in TEXT:
        if name not in frame:
            frame[name] = None
    for name in NUMBERS:
        if name not in frame:
            frame[name] = np.nan
    frame["table_row"] = None
    for table in tables:
        audit += _join(frame, table, unmatched)
    frame["ra"] = frame["ra"] % 360.0
    _redshifts(frame, max_redshift)
    _types(frame)
    frame["role"] = _roles(frame, split)
    known = frame["redshift"].notna() & (frame["redshift"] > 0)
    frame["distance"] = np.nan
    frame.loc[known, "distance"] = luminosity_distance(frame.loc[known, "redshift"].to_numpy(), **cosmology)
    first = ["galaxy", "stem", "cube", "ra", "dec", "redshift", "distance", "morphology", "morphology_detail", "role"]
    first += ["pointing", "table_row"]
    order = first + [name for name in PROPERTIES if name not in first] + ["nuclear_class", "environment"]
    return Sample(frame[order], pd.DataFrame(audit, columns=_AUDIT), sorted(unmatched))


_AUDIT = ["table", "column", "property", "used", "missing", "sentinel", "out_of_range"]


def _sheet(path, renames, pattern):
    """The sheet with canonical names, file stems, cube paths, pointings and the roles that it states."""
    raw = read_table(path)
    name_column = renames.get("galaxy", "galaxy")
    if name_column not in raw:
        raise CubespaceError(f"{path}: no column {name_column!r} with the galaxies' names; found: {', '.join(map(str, raw.columns))}")
    if raw.empty:
        raise CubespaceError(f"{path}: no rows")
    blank = raw.index[raw[name_column].isna()]
    if len(blank):
        raise CubespaceError(f"{path}: row(s) {', '.join(str(i + 1) for i in blank)}: the name in {name_column!r} is empty")
    frame = pd.DataFrame({"galaxy": [names.canonical(value) for value in raw[name_column]]}, dtype=object)
    folded = frame["galaxy"].map(names.key)
    if folded.duplicated().any():
        rows = [
            f"{frame['galaxy'][i]!r} (row {i + 1})" for i in frame.index[folded.duplicated(keep=False)]
        ]
        raise CubespaceError(f"{path}: the same galaxy more than once: {', '.join(rows)}; names count as equal without regard to case and zeros")
    frame["stem"] = frame["galaxy"].map(names.stem)
    frame["cube"] = [pattern.format(galaxy=stem) for stem in frame["stem"]]
    frame["pointing"] = frame["galaxy"].map(names.parent)
    for column in ("cube", "pointing"):
        if column in raw:
            frame[column] = raw[column].where(raw[column].notna(), frame[column])
    frame["role"] = _stated_roles(path, raw, renames)
    for column in (*TEXT, *NUMBERS):
        if column in raw:
            frame[column] = raw[column] if column in TEXT else _numbers(raw[column], f"{path}: column {column!r}")
    return frame


def _stated_roles(path, raw, renames):
    role_column = renames.get("role", "role")
    if role_column in raw:
        stated = raw[role_column].astype(object).where(raw[role_column].notna(), None)
        wrong = [(i, value) for i, value in stated.items() if value is not None and value not in ROLES]
        if wrong:
            rows = "; ".join(f"row {i + 1}: {value!r}" for i, value in wrong[:10])
            raise CubespaceError(f"{path}: column {role_column!r}: {rows}; allowed: {', '.join(ROLES)} or empty")
        return stated
    stated = pd.Series([None] * len(raw), dtype=object)
    for role in ("train", "validation"):
        if role in renames:
            if renames[role] not in raw:
                raise CubespaceError(f"{path}: no column {renames[role]!r}; found: {', '.join(map(str, raw.columns))}")
            chosen = raw[renames[role]].astype(bool)
            both = stated.notna() & chosen
            if both.any():
                raise CubespaceError(f"{path}: row(s) {', '.join(str(i + 1) for i in raw.index[both])}: two roles at once")
            stated[chosen] = role
    return stated


def _numbers(column, where):
    """As float; a cell that is not a number is an error that names its row."""
    if column.dtype != object:
        return column.astype(float)
    values = pd.to_numeric(column, errors="coerce")
    words = {"", "nan", "null", "none", "-", "--", "n/a"}
    wrong = [(i, v) for i, v in column.items() if v is not None and pd.isna(values[i]) and str(v).casefold() not in words]
    if wrong:
        raise CubespaceError(f"{where}: " + "; ".join(f"row {i + 1}: {v!r}" for i, v in wrong[:5]) + "; expected a number")
    return values.astype(float)


def _join(frame, table, unmatched):
    """Fill `frame` in place from one property table; returns its audit rows."""
    path, key_column = table["path"], table["key"]
    raw = read_table(path)
    wanted = {name: spec if isinstance(spec, dict) else {"column": spec} for name, spec in table["columns"].items()}
    absent = [c for c in [key_column, *(spec["column"] for spec in wanted.values())] if c not in raw]
    if absent:
        raise CubespaceError(f"{path}: no column(s) {', '.join(map(repr, absent))}; found: {', '.join(map(str, raw.columns))}")
    rows, repeated = {}, []
    for index, name in raw[key_column].items():
        if pd.isna(name):
            continue
        key = names.key(name)
        if key in rows:
            repeated.append(str(name))
        rows[key] = index
    if repeated:
        raise CubespaceError(f"{path}: column {key_column!r}: more than one row for {', '.join(repeated[:10])}")
    here = []
    for galaxy in frame["galaxy"]:
        own = rows.get(names.key(galaxy))
        here.append(own if own is not None else rows.get(names.key(names.parent(galaxy))))
    matched = np.array([index is not None for index in here])
    unmatched -= set(frame["galaxy"][matched])
    take = [index for index in here if index is not None]
    frame.loc[matched, "table_row"] = [names.canonical(name) for name in raw.loc[take, key_column]]
    audit = []
    for name, spec in wanted.items():
        column = raw[spec["column"]]
        values = pd.Series([None] * len(frame) if name in TEXT else np.nan, index=frame.index, dtype=object if name in TEXT else float)
        counts = {"missing": 0, "sentinel": 0, "out_of_range": 0}
        if name in TEXT:
            values[matched] = column[take].to_numpy()
        else:
            unit = raw.attrs["units"].get(spec["column"], "")
            converted, counts = _convert(_numbers(column, f"{path}: column {spec['column']!r}"), spec, name, unit, path)
            values[matched] = converted[take].to_numpy()
        empty = frame[name].isna()
        frame.loc[empty, name] = values[empty]
        audit.append([path, spec["column"], name, int(values.notna().sum()), *counts.values()])
    return audit


def _convert(values, spec, name, unit, path):
    """A column in canonical units, nulls for sentinels and absurd values; returns (values, counts)."""
    where = f"{path}: column {spec['column']!r} for {name}"
    sentinel = values.isin(spec.get("missing", SENTINELS)) | ~np.isfinite(values.fillna(0.0))
    missing = values.isna()
    kept = values.mask(sentinel)
    convert = spec.get("convert", "none")
    if name == "redshift" and unit.replace(" ", "") in ("km/s", "kms-1", "kms^-1") and convert == "none":
        convert = "km_s"
    if name == "redshift" and convert == "none" and (kept > 10).any():
        row = int(kept[kept > 10].index[0])
        raise CubespaceError(f"{where}: row {row + 1}: {kept[row]:g} cannot be a redshift; if it is in km/s, set convert: km_s")
    if name.startswith("log_") and convert == "none" and (kept > 100).any():
        row = int(kept[kept > 100].index[0])
        raise CubespaceError(f"{where}: row {row + 1}: {kept[row]:g} looks linear; set convert: log10")
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = CONVERSIONS[convert](kept)
    low, high = spec.get("minimum", -np.inf), spec.get("maximum", np.inf)
    outside = kept.notna() & ~((kept >= low) & (kept <= high) & np.isfinite(kept))
    outside |= kept.isna() & ~missing & ~sentinel  # a logarithm that does not exist
    kept = kept.mask(outside)
    return kept, {"missing": int(missing.sum()), "sentinel": int((sentinel & ~missing).sum()), "out_of_range": int(outside.sum())}


def _redshifts(frame, maximum):
    """Impossible redshifts become missing; such galaxies are rejected later, by name."""
    z = frame["redshift"]
    frame["redshift"] = z.where((z > 0) & (z <= maximum))


def _types(frame):
    details, wrong = [], []
    for galaxy, text in zip(frame["galaxy"], frame["morphology"], strict=True):
        try:
            details.append(detail_of(text))
        except ValueError as error:
            wrong.append(f"{galaxy}: {error}")
    if wrong:
        raise CubespaceError("; ".join(wrong[:10]))
    frame["morphology_detail"] = pd.Series(details, index=frame.index, dtype=object)
    frame["morphology"] = pd.Series([bin_of(detail) for detail in details], index=frame.index, dtype=object)


def _roles(frame, split):
    """Roles of the sheet; empty ones are `embed`, or drawn by `stratified_split` if that is the method."""
    roles = frame["role"].copy()
    empty = roles.isna()
    if split["method"] == "sheet":
        roles[empty] = "embed"
    else:
        roles[empty] = stratified_split(
            frame.loc[empty, "morphology"], frame.loc[empty, "pointing"], split["validation_fraction"], split["seed"]
        )
    return roles


def stratified_split(morphology, pointing, validation_fraction, seed):
    """Roles train / validation, balanced by morphology, whole pointings on one side.

    Pointings are shuffled within the class of their first galaxy (unknown is a class too), lined up class by class,
    and every (1/fraction)-th one along that line goes to validation: each class gets its share to within one.

    Returns
    -------
    numpy.ndarray of str, in the order of the input.
    """
    morphology = np.array(["" if pd.isna(m) else m for m in morphology], dtype=object)
    groups, first, inverse = np.unique(np.asarray(pointing, dtype=str), return_index=True, return_inverse=True)
    rng = np.random.default_rng([seed, 20])
    line = []
    for kind in sorted(set(morphology)):
        members = [g for g in range(len(groups)) if morphology[first[g]] == kind]
        line += list(rng.permutation(members))
    place = np.arange(1, len(line) + 1) * validation_fraction
    chosen = np.floor(place + 0.5) > np.floor(place - validation_fraction + 0.5)
    validation = np.zeros(len(groups), bool)
    validation[np.array(line, int)[chosen]] = True
    return np.where(validation[inverse], "validation", "train")


def check_ready(galaxies, made=None):
    """Refuse a sample that nothing can be fitted on, or whose cubes are not there (but those that the pattern `made` names).

    Raises
    ------
    CubespaceError
    """
    counts = galaxies["role"].value_counts()
    for role, least in (("train", 2), ("validation", 2)):
        if counts.get(role, 0) < least:
            raise CubespaceError(
                f"the sample has {counts.get(role, 0)} galaxies with role {role}, at least {least} are needed; "
                "give roles in the sheet, or set sample.split.method: stratified"
            )
    paths = galaxies["cube"].value_counts()
    if (paths > 1).any():
        raise CubespaceError(f"one cube for several galaxies: {', '.join(paths.index[paths > 1][:5])}; each galaxy needs its own file")
    coming = {made.format(galaxy=stem) for stem in galaxies["stem"]} if made else set()
    absent = [path for path in galaxies["cube"] if path not in coming and not Path(path).exists()]
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise CubespaceError(f"{len(absent)} of {len(galaxies)} cubes are not there: {', '.join(absent[:5])}{more}")


def choose_examples(galaxies, wanted=()):
    """Names of the galaxies that figures show: those asked for, else the apparently largest late, spiral and early type.

    Parameters
    ----------
    galaxies : DataFrame with galaxy, morphology, re_arcsec: only those that may be shown
    wanted : sequence of str, in the order to be shown

    Raises
    ------
    CubespaceError
        A wanted galaxy is not there.
    """
    absent = sorted(set(wanted) - set(galaxies["galaxy"]))
    if absent:
        raise CubespaceError(f"figures.examples: {', '.join(absent)}: not in the sample, or rejected")
    ranked = galaxies.sort_values(["re_arcsec", "galaxy"], ascending=[False, True], na_position="last")
    groups = (("Sc", "Sd", "I", "BCD"), ("Sa", "Sb"), ("E", "S0"))
    picked = [name for group in groups for name in ranked.loc[ranked["morphology"].isin(group), "galaxy"].head(1)]
    rest = ranked.loc[~ranked["galaxy"].isin(picked), "galaxy"]
    return list(wanted) or [*picked, *rest.head(3 - len(picked))]


def roster(galaxies):
    """The columns that per-galaxy jobs and fits need, for all galaxies."""
    return galaxies[["galaxy", "stem", "role", "pointing", "redshift", "distance", "cube"]].reset_index(drop=True)


def release(galaxies):
    """The frozen list that the fits see: galaxies with role train or validation, sorted by name."""
    fitted = galaxies[galaxies["role"].isin(["train", "validation"])]
    return fitted[["galaxy", "stem", "role", "pointing", "redshift"]].sort_values("galaxy").reset_index(drop=True)


def rows_digest(rows):
    """Digest of the content of a table, whatever the order of its rows."""
    return digest(sorted(["" if pd.isna(cell) else str(cell) for cell in row] for row in rows.itertuples(index=False)))
