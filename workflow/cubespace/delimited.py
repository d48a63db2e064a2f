"""Tables as text, whatever the delimiter, the encoding and the decimal sign: comma, semicolon, tab, bar, blanks.

Understood: byte order marks, UTF-8, UTF-16 and Latin-1; comment lines; quoted fields; a header in the last comment
line; the rows of units and dashes below the header of a VizieR table; units in brackets after a name; decimal commas;
Fortran exponents; the minus sign of typographers. Identifiers keep every character.
"""

import csv
import io
import itertools
import json
import re

import numpy as np

from cubespace.errors import CubespaceError

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eEdD][+-]?\d+)?")
_IDENTIFIER = re.compile(r"[+-]?0\d+|[+-]?\d{16,}")  # would lose zeros or digits as a number
_WHOLE = re.compile(r"[+-]?\d+")
_SEPARATOR = re.compile(r'"?sep=.?"?', re.IGNORECASE)  # the first line by which spreadsheets tell each other the delimiter
_UNIT_IN_NAME = re.compile(r".*\S\s*(?:\[([^\[\]]+)\]|\(((?:[^()\[\]]|\([^()\[\]]*\))+)\))\s*$")
MISSING = frozenset({"", "-", "--", "---", "...", "nan", "null", "none", "n/a", "na", "masked", "indef", "#n/a", "<na>"})


def read_delimited(raw, where, names=None, skip=0, text=(), only=None, short_rows="refuse"):
    """Columns of a delimited text.

    Parameters
    ----------
    raw : bytes
    where : str, the file, for messages
    names : sequence of str, optional
        Names of the columns of a file without a header; in a blank-separated one the last takes the rest of the line.
    skip : int, lines to pass over at the top
    text : columns whose cells stay as they are written, numbers too
    only : set of str, optional; keep these columns alone
    short_rows : "refuse" or "fill" rows that end before the header does, with missing values

    Returns
    -------
    columns : dict of name -> list of str or None, or array of numbers
    units : dict of name -> str
    meta : dict, of a first comment line that holds a JSON object
    header : list of str, the names of all columns
    notes : list of str, what was settled: rows filled, lines between the rows passed over, bytes that are no UTF-8

    Raises
    ------
    CubespaceError
        No header, a name twice, a row with more or fewer fields than the header, a quote that holds further rows, or
        commas that may part thousands.
    """
    text_of_file, notes = decode(raw, where)
    lines = list(io.StringIO(text_of_file, newline=""))[skip:]
    fields = len(names) if names else None
    plain = [line for line in lines if line.strip() and not _is_comment(line)]
    if plain and _SEPARATOR.fullmatch(plain[0].strip()):
        lines.remove(plain.pop(0))
    if not plain:
        raise CubespaceError(f"{where}: no header and no rows")
    delimiter = _delimiter(plain[:60], where, fields)
    comments, body, between = _split(lines, delimiter, fields)
    notes += comments_note(between)
    meta = _meta(comments)
    records = _records(body, delimiter, fields)
    first = next(records)
    header = [str(name) for name in names] if names else _header(first, comments, body, delimiter, {*text, *(only or ())}, where)
    rows = [first] if names or header != first else []
    if delimiter != " " or not names:
        _refuse_open_quotes(body, delimiter, len(header), len(rows), where)
    header = [name.strip() or f"column{i + 1}" for i, name in enumerate(header)]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise CubespaceError(f"{where}: column(s) more than once: {', '.join(twice)}")
    found = {name: match for name in header if (match := _UNIT_IN_NAME.fullmatch(name))}
    units = {name: (match[1] or match[2]).strip() for name, match in found.items()}
    kept = [i for i, name in enumerate(header) if only is None or name in only]
    cells, top, filled, surplus, full = [[] for _ in kept], [], [], [], 0
    for number, record in enumerate(itertools.chain(rows, records), 1):
        full += len(record) == len(header)
        if len(record) == len(header) + 1 and not record[-1].strip():
            surplus.append(number)
            record = record[:-1]
        if len(record) < len(header) and short_rows == "fill":
            record = [*record, *[""] * (len(header) - len(record))]
            filled.append(number)
        if len(record) != len(header):
            cure = "; `short_rows: fill` leaves the rest empty" if len(record) < len(header) else ""
            raise CubespaceError(
                f"{where}: row {number}: {len(record)} fields, expected {len(header)} as in the header{cure}"
            )
        if len(top) < 4:
            top.append([cell.strip() for cell in record])
        for column, i in zip(cells, kept, strict=True):
            column.append(record[i].strip() or None)
    if surplus:
        if full:
            _refuse_parted_cells(list(_records(body, delimiter, fields))[not rows :], len(header), delimiter, where)
        which = f"{len(surplus)} rows, the first is row {surplus[0]}," if full else "all rows"
        notes.append(f"{which} have a cell more than the header, an empty one at their end, which was left out; the header: {delimiter.join(header)[:80]!r}")
    if filled:
        notes.append(f"{len(filled)} rows have fewer cells than the header and were filled, the first is row {filled[0]}")
    if not names:
        stated, passed = _unit_rows(top, header)
        units |= {header[i]: stated[header[i]] for i in kept if header[i] in stated}
        cells = [column[passed:] for column in cells]
    commas = _decimal_commas(cells, where) if delimiter != "," else False
    columns = {}
    for column, i in zip(cells, kept, strict=True):
        columns[header[i]] = column if header[i] in text else typed(column, commas)
    return columns, units, meta, header, notes


def comments_note(lines):
    """A note on lines between the rows that were taken for comments."""
    return [f"{len(lines)} lines after the header start with # and were passed over, the first is {lines[0].strip()[:80]!r}"] if lines else []


def decode(raw, where):
    """(text, notes) of the bytes of a file; without the mark that DOS sets at the end of a text."""
    raw = re.sub(rb"\x1a\s*\Z", b"", raw)
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            decoded = raw.decode(encoding, "replace")
            lost = decoded.count("\ufffd")
            return decoded, [f"{lost} characters are no {encoding.upper()} and were read as \ufffd"] if lost else []
    if b"\x00" in raw[:4096]:
        raise CubespaceError(f"{where}: not a text; the file starts with {raw[:16]!r}")
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError as error:
        odd = raw[max(0, error.start - 20) : error.start + 20]
        return raw.decode("latin-1"), [f"not UTF-8 (byte {error.start}: {odd!r}): read as Latin-1"]


def _is_comment(line, delimiter=" "):
    """Whether a line is a comment; an indented one has a blank after the sign where blanks part no columns: ' #1,0.2' is a row of a galaxy #1."""
    return line.startswith("#") or bool(re.match(" +#" if delimiter == " " else r" +#+(\s|$)", line))


def _split(lines, delimiter, fields):
    """(comment lines before the first record, the lines that hold records, comment lines after it); in a quoted cell is neither comment nor blank line."""
    comments, body, between, whole = [], [], [], True

    def to_reader():
        nonlocal whole
        for line in lines:
            if whole and _is_comment(line, delimiter):
                between.append(line) if body else comments.append(line.strip()[1:])
            elif not whole or line.strip():
                body.append(line)
                whole = False  # until the reader hands out the record
                yield line

    for _ in _records(to_reader(), delimiter, fields) if any('"' in line for line in lines) else to_reader():
        whole = True
    return comments, body, between


def _meta(comments):
    if comments and comments[0].lstrip().startswith("{"):
        try:
            meta = json.loads(comments[0])
        except json.JSONDecodeError:
            return {}
        return meta if isinstance(meta, dict) else {}
    return {}


def _records(lines, delimiter, fields=None, strict=False):
    if delimiter == " " and fields:  # a last field of several words, as a name
        return (line.strip().split(maxsplit=fields - 1) for line in lines)
    if delimiter == " ":
        lines = (line.strip().replace("\t", " ") for line in lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


def check_quotes(lines, delimiter, where):
    """CubespaceError if a quote in a delimited text with a header (its lines, without comments) takes in cells or rows."""
    lines = [line for line in lines if line.strip()]
    if lines:
        _refuse_open_quotes(lines, delimiter, len(next(_records(lines, delimiter))), 0, where)


def _refuse_open_quotes(lines, delimiter, fields, first, where):
    """CubespaceError for a quote that is never closed, or closed only after it took in further cells or rows.

    A quoted cell may have several lines and hold delimiters, but no text after its end, and no line that is a row itself:
    one with as many fields as the header, where the line that opens the quote has as many without it, and written as the
    rows are (no blank after its delimiters, if the rows have none: "near, M31" is prose), or with a number among its cells.
    A table of one column, or of columns parted by blanks, has no cells of several lines. `first` is the number of the first record: 0 for a header.
    """
    if not any('"' in line for line in lines):
        return
    reader, spans, start = _records(lines, delimiter), [], 0
    for _ in reader:
        spans.append(lines[start : reader.line_num])
        start = reader.line_num
    odd = _text_after_quotes(lines, delimiter)
    tight = delimiter in ",;" and not any(f"{delimiter} " in span[0] for span in spans if len(span) == 1)
    for row, span in enumerate(spans, first):
        if len(span) == 1 and '"' not in span[0] and row < first + len(spans) - 1:
            continue
        shown, at = span[0].strip()[:80], f"{where}: {f'row {row}' if row else 'header'}"
        last = row == first + len(spans) - 1
        if (len(span) > 1 or last) and len(list(_records([*span, "end"], delimiter))) == 1:
            raise CubespaceError(f"{at}: a quote is opened and never closed: {shown}")
        if odd and (torn := _torn_cell("".join(span), delimiter)):
            raise CubespaceError(f"{at}: a quote holds {torn[0][:80]!r} and is followed by {torn[1][:20]!r}: is one missing, or one too many?")
        opening = len(span) > 1 and _is_row(_without_quote(span[0], delimiter), fields)
        for line in filter(str.strip, span[1:]):
            cells = next(iter(_records([line], delimiter)), [])
            number = any(_NUMBER.fullmatch(cell.strip()) for cell in cells)
            prose = tight and f"{delimiter} " in line
            row_itself = _is_row(cells, fields) and (opening or (number and line is not span[-1])) and (number or not prose)
            if fields == 1 or row_itself:
                raise CubespaceError(f"{at}: a quote is opened in {shown!r} and holds a further row, {line.strip()[:80]!r}")


def _refuse_parted_cells(records, fields, delimiter, where):
    """CubespaceError for a record with an empty cell too many at its end, where others have none, if two of its cells can be parts of one.

    That is so of 10,5 and of dE,N, if what follows, moved one place to the left, fits its columns: numbers among numbers, words among words.
    """
    others = [record for record in records if len(record) == fields]
    kinds = [{_is_number(record[i]) for record in others} - {None} for i in range(fields)]
    for row, record in enumerate(records, 1):
        if len(record) != fields + 1 or record[-1].strip():
            continue
        own = [_is_number(cell) for cell in record]
        for i in range(fields - 1):
            words = own[i] is own[i + 1] is False
            decimal = delimiter == "," and _COMMA_NUMBER.fullmatch(",".join(cell.strip() for cell in record[i : i + 2]))
            moved = all(own[j + 1] is None or not kinds[j] or own[j + 1] in kinds[j] for j in range(i + 1, fields))
            if (words or decimal) and moved:
                raise CubespaceError(
                    f"{where}: row {row}: {len(record)} fields, other rows have {fields}, as the header: a delimiter at the end of some rows only, "
                    f"or one within a cell? found {delimiter.join(record).strip()[:80]!r}"
                )


def _is_number(cell):
    """True, False, or None of a cell that is empty or says "missing"."""
    plain = cell.strip()
    return None if plain.casefold() in MISSING else bool(_NUMBER.fullmatch(plain))


def _is_row(cells, fields):
    """True for cells of a row of so many fields, or with an empty one at its end."""
    return fields > 1 and (len(cells) == fields or (len(cells) == fields + 1 and not cells[-1].strip()))


def _without_quote(line, delimiter):
    """Cells of a line that opens a quote and does not close it, as if the quote were not there."""
    cells = next(iter(_records([line], delimiter)), [""])
    return cells[:-1] + (next(iter(_records([cells[-1]], delimiter)), None) or [""])


def _text_after_quotes(lines, delimiter):
    """True if anything but a delimiter follows the end of a quote, or a quote has no end."""
    try:
        for _ in _records(lines, delimiter, strict=True):
            pass
    except csv.Error:
        return True
    return False


def _torn_cell(record, delimiter):
    """(what a quote holds, what follows) of the first quoted cell with delimiters or lines in it and text after it; else None."""
    mark = r" \t" if delimiter == " " else re.escape(delimiter)
    for match in re.finditer(rf'(?:^|[{mark}])[ ]*"((?:[^"]|"")*)"(?!")(?=([^{mark}\r\n]*))', record):
        if match[2].strip() and re.search(rf"[{mark}\n]", match[1]):
            return match[1], match[2]
    return None


def without_unit(name):
    """(name of a column, what the brackets after it hold, or ''): 'log_mass [Msun]' -> 'log_mass', 'Msun'."""
    match = _UNIT_IN_NAME.fullmatch(name)
    return (name[: match.start(match.lastindex) - 1].strip(), match[match.lastindex].strip()) if match else (name, "")


def _delimiter(lines, where, fields):
    """The delimiter by which the first lines have equally many fields, at least two; blanks if none of the signs has."""
    best, ragged = (0, None), None
    for sign in "\t;|,":
        counts = [len(record) for record in _records(lines, sign)]
        wanted = fields or counts[0]
        if wanted > 1 and all(n in (wanted, wanted + 1) for n in counts):
            best = max(best, (wanted, sign), key=lambda pair: pair[0])
        elif wanted > 1 and counts[0] == wanted:
            ragged = ragged or sign
    if best[1]:
        return best[1]
    counts = [len(record) for record in _records(lines, " ", fields)]
    by_commas = where.lower().endswith((".csv", ".tsv", ".csv.gz", ".tsv.gz"))
    if counts[0] > 1 and (fields or not by_commas) and (ragged is None or len(set(counts)) == 1):
        return " "
    return ragged or "\x1f"  # one column: a delimiter that does not occur


def _header(first, comments, body, delimiter, wanted, where):
    """The first line, or the last comment where that names its columns and the first line is a row; names that are `wanted` tell which."""
    numbers = [_is_written_number(cell, delimiter) for cell in first]
    comment = comments[-1] if comments else ""
    commented = next(iter(_records([comment.strip()], delimiter)), [])
    named = len(commented) == len(first) and not any(_NUMBER.fullmatch(name.strip()) for name in commented)
    if named and not comment.lstrip().startswith("{"):
        if any(numbers):
            return commented
        above, below = (not wanted.isdisjoint(cell.strip() for cell in line) for line in (commented, first))
        if above != below:
            return commented if above else first
        if _names_in_comment(first, comment, commented, list(_records(body, delimiter))[1:], delimiter, where):
            return commented
    if sum(numbers) * 2 > len(first) or (any(numbers) and len(set(first)) < len(first)):
        shown = delimiter.join(cell.strip() for cell in first[:8])
        raise CubespaceError(
            f"{where}: the first row holds numbers ({shown} ...), expected a header; a file without one needs `names`"
        )
    return first


def _names_in_comment(first, comment, commented, below, delimiter, where):
    """Whether a comment with as many words as the first line has cells is the header; CubespaceError if both can be.

    The first line is the header if it stands above units, or has a word above numbers, or says the same. Else a cell that is missing makes
    it a row, and a comment without a blank after its sign is a header, unless the first line has a cell without digits above cells that
    all have some, as "name" above NGC 1 and NGC 2. Any other comment is one if that is so, or if it has more than two words a cell.
    """
    if _unit_rows([[cell.strip() for cell in row] for row in below[:4] if len(row) == len(first)], first)[1]:
        return False
    columns = [[row[i].strip() for row in below if i < len(row) and _is_number(row[i]) is not None] for i in range(len(first))]
    words = [(cell, column) for cell, column in zip(first, columns, strict=True) if _is_number(cell) is not None and column]
    if any(all(_is_written_number(cell, delimiter) for cell in column) for _, column in words):
        return False
    missing = any(_is_number(cell) is None for cell in first)
    prose = not missing and any(len(name.split()) > 2 for name in commented)
    if prose or [name.strip().casefold() for name in commented] == [cell.strip().casefold() for cell in first]:
        return False
    a_row = missing or not comment[:1].isspace()
    titles = any(not re.search(r"\d", word) and all(re.search(r"\d", cell) for cell in column) for word, column in words)
    if a_row == titles:
        shown = [delimiter.join(cell.strip() for cell in line)[:80] for line in (commented, first)]
        raise CubespaceError(
            f"{where}: the header may be the comment {shown[0]!r} or the first line {shown[1]!r}; remove one of them, or state the columns by `names`"
        )
    return a_row


def _is_written_number(cell, delimiter):
    """Whether a cell is a number as files write them, with the typographer's minus or a decimal comma."""
    plain = cell.strip().replace("\u2212", "-")
    return bool(_NUMBER.fullmatch(plain) or (delimiter != "," and _COMMA_NUMBER.fullmatch(plain)))


def _unit_rows(top, header):
    """(units by column, how many rows to pass over) of the rows of units and of dashes below the header (VizieR), from the first four rows.

    A row of single dashes may be one of missing values, one of two or three below a row without a gap as well, unless there are but
    numbers below; rows with numbers above are data.
    """
    for at, dashes in enumerate(top[:3]):
        above = [cell for row in top[:at] for cell in row]
        if all(re.fullmatch(r"-+", cell) for cell in dashes) and not any(map(_NUMBER.fullmatch, above)):
            longest, blank = max(map(len, dashes)), "" in top[at - 1]
            numbers = at + 1 < len(top) and {_is_number(cell) for cell in top[at + 1]} in ({True}, {True, None})
            if at and (longest < 2 or (longest < 4 and not blank and not numbers)):  # a name in each of the cells above: no units
                continue
            return {name: unit for name, unit in zip(header, top[0], strict=True) if at and unit}, at + 1
    return {}, 0


def _decimal_commas(cells, where):
    """True if the file has numbers with commas and none with points; CubespaceError if all may be thousands."""
    commas = []
    for column in cells:
        for cell in column:
            if cell is None:
                continue
            if "." in cell and _NUMBER.fullmatch(cell):
                return False
            if _COMMA_NUMBER.fullmatch(cell):
                commas.append(cell)
    if commas and all(_THOUSANDS.fullmatch(cell) for cell in commas):
        raise CubespaceError(
            f"{where}: {commas[0]!r}: the comma may part thousands or be the decimal sign, as in all numbers with commas in the columns that are read; "
            "write them with points, or without commas"
        )
    return bool(commas)


def typed(column, commas=False):
    """A list of str or None as numbers if that loses nothing, else as it is.

    Words for "missing" (-, null, N/A ...) among numbers count as missing. Numbers with leading zeros or of 16 digits
    and more stay text; whole numbers without gaps become int64, others float64 with nan.
    """
    plain = [None if cell is None else cell.replace("\u2212", "-") for cell in column]
    if commas:
        plain = [c.replace(",", ".") if c is not None and _COMMA_NUMBER.fullmatch(c) else c for c in plain]
    numbers = [c for c in plain if c is not None and c.casefold() not in MISSING]
    if not numbers or any(not _NUMBER.fullmatch(c) or _IDENTIFIER.fullmatch(c) for c in numbers):
        return column
    if len(numbers) == len(plain) and all(_WHOLE.fullmatch(c) for c in numbers):
        return np.array([int(c) for c in numbers], np.int64)
    return np.array([_float(c) for c in plain])


def _float(cell):
    if cell is None or cell.casefold() in MISSING:
        return np.nan
    return float(re.sub("[dD](?=[+-]?[0-9])", "e", cell))


def parse_numbers(column):
    """Cells of any kind as float64, and the rows (0-based) that are neither numbers nor words for "missing"."""
    values, wrong = np.full(len(column), np.nan), []
    for i, cell in enumerate(column):
        if cell is None or cell != cell:
            continue
        if not isinstance(cell, str):
            values[i] = float(cell)
            continue
        plain = cell.strip().replace("\u2212", "-")
        if plain.casefold() not in MISSING and not _NUMBER.fullmatch(plain):
            wrong.append(i)
            continue
        values[i] = _float(plain)
    return values, wrong
