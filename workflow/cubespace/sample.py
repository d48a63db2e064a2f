"""The sample: the sheet joined with the property tables, in canonical names and units, with roles.

Runs before any job starts (the list of galaxies, their redshifts and roles shape the workflow), so that every
mistake in a sheet or table is refused at once.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from cubespace import cubefiles, names
from cubespace.columns import PROPERTIES
from cubespace.cosmology import luminosity_distance
from cubespace.errors import CubespaceError
from cubespace.files import digest
from cubespace.headings import headed
from cubespace.morphology import bin_of, read_types
from cubespace.notes import UNIT_GOES_BEFORE, Audit, Note, reader_notes, unused_note
from cubespace.properties import NUMBERS, TEXT, canonical_values, join, some, types_of, unmapped_notes
from cubespace.sphere import chord, unit_vectors
from cubespace.tables import label, need_columns, read_table

ROLES = ("train", "validation", "embed")
POSITIONS = {"tolerance": 30.0, "on_mismatch": "note", "duplicates": 10.0, "on_duplicate": "group"}
_SAME_REDSHIFT = 0.002  # 600 km/s: two entries of one galaxy, not a chance pair
_UNMAPPED_SHARE = 0.2


class Sample(NamedTuple):
    """`galaxies`: one row a galaxy, columns of `results/sample/galaxies.parquet`; `audit`: what became of each column;
    `unmatched`: names in the sheet that no property table has; `notes`: list of `Note`, what was found and settled."""

    galaxies: pd.DataFrame
    audit: pd.DataFrame
    unmatched: list
    notes: list


def build(
    sheet, cubes, tables, cosmology, split, types, sheet_columns=None, max_redshift=0.3, positions=None, on_unmapped_type="note"
):  # fmt: skip
    """Read and join everything.

    Parameters
    ----------
    sheet : path of the sample sheet: one row a galaxy, a column of names, optionally role, pointing, cube and any property.
    cubes : pattern of the cubes' paths with ``{galaxy}`` for the file-safe name; a `cube` cell of the sheet goes before.
    tables : list of {path, key, columns, match_radius, hdu, names, skip, short_rows}, where columns maps a canonical name to a column
        name or to {column, convert, unit, missing, minimum, maximum, scheme}; the first table that has a value wins.
    cosmology : {h0 [km/s/Mpc], om0}
    split : {method: sheet | stratified, validation_fraction, seed}
    types : path of the file that maps type strings to classes (`cubespace.morphology.read_types`)
    sheet_columns : {galaxy, role, train, validation}: names of the sheet's columns where they differ; `train` and
        `validation` name boolean columns that give the role.
    max_redshift : larger ones are refused as missing.
    positions : {tolerance [arcsec], on_mismatch: note | stop, duplicates [arcsec], on_duplicate: group | note | stop}
    on_unmapped_type : note | stop

    Raises
    ------
    CubespaceError
        Naming file, row and column, with all problems of a kind in one message.
    """
    mapping, places = read_types(types), POSITIONS | (positions or {})
    frame, audit, notes = _sheet(sheet, sheet_columns or {}, cubes, mapping)
    matched_anywhere = np.zeros(len(frame), bool)
    for name in TEXT:
        if name not in frame:
            frame[name] = None
    for name in NUMBERS:
        if name not in frame:
            frame[name] = np.nan
    frame["table_row"] = None
    for table in tables:
        matched, lines, more = join(frame, table, mapping, places["tolerance"], places["on_mismatch"])
        matched_anywhere |= matched
        audit, notes = audit + lines, notes + more
    wrong = [note for note in notes if note.kind == "unmapped_type"]
    if wrong and on_unmapped_type == "stop":
        raise CubespaceError(
            "; ".join(f"{n.table}: {n.detail}: {n.galaxies}" for n in wrong[:10]) + f"; add them to {types}"
        )
    frame["ra"] = frame["ra"] % 360.0
    notes += _redshifts(frame, max_redshift)
    frame["morphology_detail"] = frame["morphology"]
    frame["morphology"] = pd.Series(
        [bin_of(detail) for detail in frame["morphology_detail"]], index=frame.index, dtype=object
    )
    notes += _type_warnings(frame, wrong)
    notes += _duplicates(frame, places["duplicates"], places["on_duplicate"])
    frame["role"] = _roles(frame, split)
    known = frame["redshift"].notna() & (frame["redshift"] > 0)
    frame["distance"] = np.nan
    frame.loc[known, "distance"] = luminosity_distance(frame.loc[known, "redshift"].to_numpy(), **cosmology)
    first = [
        "galaxy",
        "stem",
        "cube",
        "ra",
        "dec",
        "redshift",
        "distance",
        "morphology",
        "morphology_detail",
        "role",
    ]
    first += ["pointing", "table_row"]
    order = first + [name for name in PROPERTIES if name not in first] + ["nuclear_class", "environment"]
    unmatched = sorted(frame["galaxy"][~matched_anywhere])
    return Sample(frame[order], pd.DataFrame(audit, columns=Audit._fields), unmatched, notes)


def _sheet(path, renames, pattern, types):
    """The sheet with canonical names, file stems, cube paths, pointings and the roles that it states; its audit; and notes."""
    name_column = renames.get("galaxy", "galaxy")
    text = (name_column, "cube", "pointing", "morphology")
    raw = read_table(path, text=text)
    if name_column not in raw:
        raise CubespaceError(
            f"{path}: no column {name_column!r} with the galaxies' names; found: {', '.join(map(str, raw.columns))}"
        )
    if raw.empty:
        raise CubespaceError(f"{path}: no rows")
    written = [label(value) for value in raw[name_column]]
    blank = [i + 1 for i, name in enumerate(written) if name is None or not names.canonical(name)]
    if blank:
        raise CubespaceError(
            f"{path}: row(s) {', '.join(map(str, blank))}: the name in {name_column!r} is empty"
        )
    frame = pd.DataFrame({"galaxy": [names.canonical(value) for value in written]}, dtype=object)
    folded = frame["galaxy"].map(names.key)
    if folded.duplicated().any():
        twice = sorted(frame.index[folded.duplicated(keep=False)], key=lambda i: (folded[i], i))
        rows = [f"{written[i]!r} (row {i + 1})" for i in twice[:20]]
        raise CubespaceError(
            f"{path}: the same galaxy more than once: {', '.join(rows)}; names count as equal without regard to case, blanks and zeros"
        )
    frame["stem"] = frame["galaxy"].map(names.stem)
    long = frame["stem"][frame["stem"].str.len() > 180]
    if len(long):
        raise CubespaceError(
            f"{path}: row {long.index[0] + 1}: the name is too long for a file: {frame['galaxy'][long.index[0]]!r}"
        )
    frame["cube"] = cubefiles.locate(written, pattern)
    frame["pointing"] = frame["galaxy"].map(names.parent)
    for column in ("cube", "pointing"):
        if column in raw:
            stated = raw[column].map(label)
            frame[column] = stated.where(stated.notna(), frame[column])
    frame["pointing"] = names.one_spelling(frame["pointing"])
    frame["role"] = _stated_roles(path, raw, renames)
    own = headed(raw, path)
    used = {column for column, _ in own.values()}
    notes = reader_notes(raw, path) + unused_note(raw, (*NUMBERS, *TEXT, "role", "pointing", "cube"), used, path)
    audit, notes = [], notes + _shared_pointings(frame, raw, path)
    for name, (column, unit) in own.items():
        frame[name], how, counts, words = canonical_values(raw[column], name, {"column": column}, unit, f"{path}: column {column!r}")
        audit.append(Audit(path, column, name, unit, how, int(frame[name].notna().sum()), *counts.values()))
        words = [text.removesuffix(UNIT_GOES_BEFORE) for text in words]  # which a sheet cannot say
        notes += [Note("unit", path, "", f"column {column!r}: {text}") for text in words]
    for column in TEXT:
        if column in raw:
            frame[column] = pd.Series([label(value) for value in raw[column]], dtype=object)
    if "morphology" in raw:
        details, unmapped = types_of(frame["morphology"], types, "names")
        frame["morphology"] = pd.Series(details, index=frame.index, dtype=object)
        notes += unmapped_notes(frame["galaxy"], unmapped, path)
    return frame, audit, notes


def _shared_pointings(frame, raw, path):
    """A note on galaxies that are parts of one pointing by their names alone."""
    by_name = raw["pointing"].map(label).isna() if "pointing" in raw else True
    shared = frame[frame["pointing"].duplicated(keep=False) & by_name]
    words = f"{len(shared)} galaxies are parts of {shared['pointing'].nunique()} pointings by their names; a column `pointing` in the sheet would go before"
    return [Note("pointing", path, some(shared["galaxy"]), words)] if len(shared) else []


def _stated_roles(path, raw, renames):
    role_column, flags = renames.get("role", "role"), [renames[role] for role in ("train", "validation") if role in renames]
    stated = pd.Series([None] * len(raw), dtype=object)
    need_columns(raw, [role_column] * (role_column != "role"), path)  # `role` is what the configuration has if nothing is said
    if role_column in raw and flags:
        raise CubespaceError(f"{path}: roles in column {role_column!r} and, as sheet_columns says, in {', '.join(map(repr, flags))}; expected one of the two")
    if role_column in raw:
        plain = [label(value) for value in raw[role_column]]
        stated[:] = [None if value is None else value.strip().casefold() for value in plain]
        wrong = [(i, value) for i, value in enumerate(plain) if stated[i] is not None and stated[i] not in ROLES]
        if wrong:
            rows = "; ".join(f"row {i + 1}: {value!r}" for i, value in wrong[:10])
            raise CubespaceError(f"{path}: column {role_column!r}: {rows}; allowed: {', '.join(ROLES)} or empty")
        return stated
    for role in ("train", "validation"):
        if role in renames:
            need_columns(raw, [renames[role]], path)
            chosen = _flags(raw[renames[role]], f"{path}: column {renames[role]!r}")
            both = stated.notna() & chosen
            if both.any():
                raise CubespaceError(
                    f"{path}: row(s) {', '.join(str(i + 1) for i in raw.index[both])}: two roles at once"
                )
            stated[chosen] = role
    return stated


def _flags(column, where):
    """Truth values, written as words too; empty is false."""
    words = {"true": True, "t": True, "yes": True, "y": True, "1": True, "1.0": True}
    words |= {"false": False, "f": False, "no": False, "n": False, "0": False, "0.0": False}
    found = [words.get(str(v).strip().casefold()) if v is not None and v == v else False for v in column]
    wrong = [i for i, value in enumerate(found) if value is None]
    if wrong:
        raise CubespaceError(
            f"{where}: row {wrong[0] + 1}: found {column.iloc[wrong[0]]!r}, expected true or false"
        )
    return pd.Series(found, index=column.index, dtype=bool)


def _redshifts(frame, maximum):
    """Impossible redshifts become missing; such galaxies are rejected later, by name."""
    z = frame["redshift"]
    impossible = z.notna() & ~((z > 0) & (z <= maximum))
    frame["redshift"] = z.mask(impossible)
    return [
        Note(
            "redshift",
            "",
            galaxy,
            f"redshift {value:g} is not between 0 and {maximum:g} and counts as missing",
        )
        for galaxy, value in zip(frame["galaxy"][impossible], z[impossible], strict=True)
    ]


def _type_warnings(frame, unmapped):
    """Types that cannot balance a split or find twins: one class for all, or too many that the mapping does not know."""
    notes, stated = [], frame["morphology"].dropna()
    if len(stated) > 2 and stated.nunique() == 1:
        notes.append(
            Note(
                "one_type",
                "",
                "",
                f"all {len(stated)} galaxies with a type are {stated.iloc[0]}: no split by type, no twins",
            )
        )
    lost = sum(int(note.detail.split(": ")[1].split()[0]) for note in unmapped)
    if lost > _UNMAPPED_SHARE * len(frame):
        notes.append(
            Note(
                "many_unmapped_types",
                "",
                "",
                f"{lost} of {len(frame)} galaxies have a type that the mapping does not know",
            )
        )
    return notes


def _duplicates(frame, radius, action):
    """Galaxies of different pointings within `radius` arcsec and at one redshift, or without one, are one galaxy under two names.

    With action "group" they get one pointing, in place: one side of the split, never each other's negative or neighbour.
    """
    placed = np.flatnonzero((frame["ra"].notna() & frame["dec"].notna()).to_numpy())
    tree = cKDTree(unit_vectors(frame["ra"].iloc[placed], frame["dec"].iloc[placed]))
    notes = []
    for a, b in sorted(tree.query_pairs(chord(radius / 3600.0))):
        i, j = frame.index[placed[a]], frame.index[placed[b]]
        one, other = sorted((frame.at[i, "pointing"], frame.at[j, "pointing"]))
        if one == other or abs(frame.at[i, "redshift"] - frame.at[j, "redshift"]) > _SAME_REDSHIFT:
            continue
        pair = f"{frame.at[i, 'galaxy']} {frame.at[j, 'galaxy']}"
        alike = "one redshift" if frame.loc[[i, j], "redshift"].notna().all() else "with a redshift missing"
        words = f"at one place and {alike}: one galaxy under two names"
        if {frame.at[i, "role"], frame.at[j, "role"]} == {"train", "validation"}:
            words += ", on both sides of the sheet's split"
        if action == "group":
            frame.loc[frame["pointing"] == other, "pointing"] = one
            words += f"; both count as pointing {one}"
        notes.append(Note("duplicate", "", pair, words))
    if notes and action == "stop":
        raise CubespaceError(
            "; ".join(f"{note.galaxies.replace(' ', ' and ')} are {note.detail}" for note in notes[:10])
        )
    return notes


def _roles(frame, split):
    """Roles of the sheet; empty ones are `embed`, or drawn by `stratified_split` if that is the method.

    With method `release` nothing is fitted, and all are `embed`.
    """
    roles = frame["role"].copy()
    if split["method"] == "release":
        roles[:] = "embed"
        return roles
    empty = roles.isna()
    if split["method"] == "sheet":
        roles[empty] = "embed"
    else:
        roles[empty] = stratified_split(
            frame.loc[empty, "morphology"],
            frame.loc[empty, "pointing"],
            split["validation_fraction"],
            split["seed"],
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
    groups, first, inverse = np.unique(
        np.asarray(pointing, dtype=str), return_index=True, return_inverse=True
    )
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


def check_ready(galaxies, made=None, fitted=True):
    """Refuse a sample that nothing can be fitted on, or whose cubes are not there (but those that the pattern `made` names).

    fitted : whether something is to be fitted; not so against a frozen release

    Raises
    ------
    CubespaceError
    """
    counts = galaxies["role"].value_counts()
    for role, least in (("train", 2), ("validation", 2)):
        if fitted and counts.get(role, 0) < least:
            raise CubespaceError(
                f"the sample has {counts.get(role, 0)} galaxies with role {role}, at least {least} are needed; "
                "give roles in the sheet, or set sample.split.method: stratified"
            )
    paths = galaxies["cube"].map(lambda path: str(Path(path).resolve()))
    shared = galaxies[paths.duplicated(keep=False)].groupby(paths)["galaxy"].agg(", ".join)
    if len(shared):
        files = "; ".join(f"{path} of {whose}" for path, whose in shared.head(5).items())
        raise CubespaceError(f"one cube for several galaxies: {files}; each galaxy needs its own file")
    coming = {made.format(galaxy=stem) for stem in galaxies["stem"]} if made else set()
    absent = [path for path in galaxies["cube"] if path not in coming and not Path(path).exists()]
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise CubespaceError(
            f"{len(absent)} of {len(galaxies)} cubes are not there: {', '.join(absent[:5])}{more}"
        )


def check_cubes(galaxies, pattern):
    """Look into the cubes' files: the same content under two names is refused, files that are nobody's are noted.

    Parts of one pointing may be copies of one cube.

    Returns
    -------
    list of `Note`

    Raises
    ------
    CubespaceError
    """
    owner = galaxies.set_index("cube")[["galaxy", "pointing"]]
    for group in cubefiles.identical(galaxies["cube"]):
        if owner.loc[group, "pointing"].nunique() > 1:
            whose = ", ".join(f"{path} ({owner.at[path, 'galaxy']})" for path in group)
            raise CubespaceError(f"the same cube under several names: {whose}; a galaxy must not count twice")
    others = cubefiles.strays(galaxies["cube"], pattern)
    if not others:
        return []
    more = f" and {len(others) - 20} more" if len(others) > 20 else ""
    return [
        Note(
            "stray_files",
            str(Path(pattern).parent),
            "",
            f"{len(others)} files are no galaxy's cube: {', '.join(others[:20])}{more}",
        )
    ]


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
    picked = [
        name for group in groups for name in ranked.loc[ranked["morphology"].isin(group), "galaxy"].head(1)
    ]
    rest = ranked.loc[~ranked["galaxy"].isin(picked), "galaxy"]
    return list(wanted) or [*picked, *rest.head(3 - len(picked))]


def roster(galaxies):
    """The columns that per-galaxy jobs and fits need, for all galaxies."""
    return galaxies[["galaxy", "stem", "role", "pointing", "redshift", "distance", "cube"]].reset_index(
        drop=True
    )


def release(galaxies):
    """The frozen list that the fits see: galaxies with role train or validation, sorted by name."""
    fitted = galaxies[galaxies["role"].isin(["train", "validation"])]
    return (
        fitted[["galaxy", "stem", "role", "pointing", "redshift"]]
        .sort_values("galaxy")
        .reset_index(drop=True)
    )


def rows_digest(rows):
    """Digest of the content of a table, whatever the order of its rows."""
    return digest(
        sorted(["" if pd.isna(cell) else str(cell) for cell in row] for row in rows.itertuples(index=False))
    )
