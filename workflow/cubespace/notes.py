"""What is found and settled while tables are read: notes, and the audit of columns."""

from typing import NamedTuple

from cubespace.delimited import without_unit

UNIT_GOES_BEFORE = "; `unit` in the configuration goes before"  # advice at the end of a note on a property table


class Note(NamedTuple):
    """Something that was found and settled: `kind` (unmapped_type, position, pointing, duplicate, ...), where, whom it concerns."""

    kind: str
    table: str
    galaxies: str
    detail: str


NOTES = {  # columns of a table of notes
    "kind": ("", "table, column, unit, rows, unmapped_type, position, pointing, duplicate, duplicate_row, shared_row, joined_by_position, redshift, stray_files ..."),
    "table": ("", "file that it was found in"),
    "galaxies": ("", "galaxies that it concerns"),
    "detail": ("", "what was found, and what was done about it"),
}  # fmt: skip


class Audit(NamedTuple):
    """What became of one column."""

    table: str
    column: str
    property: str
    unit: str
    convert: str
    used: int
    missing: int
    sentinel: int
    out_of_range: int


def reader_notes(table, path):
    """What the reader of a table settled (`cubespace.tables`), as notes."""
    return [Note("table", str(path), "", words) for words in table.attrs.get("notes", ())]


def unused_note(table, ours, used, path):
    """Notes on columns that are not used, and are ours but for capitals or a bracket: Redshift, RA, morphology (RC3)."""
    there = table.attrs.get("columns", list(table.columns))
    known = {name.casefold(): name for name in ours}
    alike = [(name, known.get(without_unit(name)[0].casefold())) for name in there if name not in used]
    alike = [f"{name!r} ({own})" for name, own in alike if own is not None and own not in there]
    words = f"columns that are passed over, as their names are ours but for capitals or brackets: {', '.join(alike)}"
    return [Note("column", str(path), "", words)] if alike else []
