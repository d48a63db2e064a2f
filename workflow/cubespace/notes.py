"""What is found and settled while tables are read: notes, and the audit of columns."""

from typing import NamedTuple


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


def unused_note(table, ours, path):
    """Notes on columns that are ours but for capitals, and so are passed over: Redshift, RA."""
    there = table.attrs.get("columns", list(table.columns))
    known = {name.casefold(): name for name in ours}
    alike = [f"{name!r} ({known[name.casefold()]})" for name in there if name.casefold() in known and known[name.casefold()] not in there]
    words = f"columns that are passed over, as names here have no capitals: {', '.join(alike)}"
    return [Note("column", str(path), "", words)] if alike else []
