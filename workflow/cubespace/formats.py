"""Formats of tables: which one a file is in, told by its content, and a reader of each into a pandas `DataFrame`.

`cubespace.tables.read_table` is the way in; it says what the frames hold and which errors are raised.
"""

import csv
import io
import re
import warnings
import zipfile

import numpy as np
import pandas as pd

from cubespace import parquet
from cubespace.delimited import (
    MISSING,
    check_quotes,
    comments_note,
    decode,
    parse_numbers,
    read_delimited,
    typed,
)
from cubespace.errors import CubespaceError
from cubespace.fixed_width import DESCRIPTION, check_ipac, check_numbers, rows_of_machine_readable

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".dat", ".asc", ".ascii", ".tbl", ".mrt", ".ecsv")
BINARY_ENDINGS = {
    ".fits": "FITS", ".fit": "FITS", ".vot": "VOTable", ".votable": "VOTable", ".xml": "VOTable", ".parquet": "Parquet", ".npz": "NPZ",
}  # fmt: skip
FORMATS = (*TEXT_ENDINGS, *BINARY_ENDINGS)
_IPAC_TYPES = (b"integer", b"long", b"double", b"float", b"real", b"char", b"date")  # or their first letters


def kind_of(path, raw):
    """Format of the content; CubespaceError if it is none, or not the one of the file's ending."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".bz2", ".xz")]
    ending = suffixes[-1] if suffixes else ""
    start = raw[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    shown = f"the file starts with {raw[:24]!r}"
    found = None
    if raw.startswith(b"SIMPLE  ="):
        found = "FITS"
    elif raw.startswith(b"PAR1"):
        found = "Parquet"
    elif raw.startswith(b"PK\x03\x04"):
        found = (
            "NPZ"
            if all(name.endswith(".npy") for name in zipfile.ZipFile(io.BytesIO(raw)).namelist())
            else "zip"
        )
    elif start[:5].lower() == b"<html" or (
        start[:9].lower() == b"<!doctype" and b"votable" not in start.lower()
    ):
        raise CubespaceError(
            f"{path}: not a table but a web page (HTML, not {BINARY_ENDINGS.get(ending, 'text')}); {shown}"
        )
    elif b"<VOTABLE" in raw[:8000] or b":VOTABLE" in raw[:8000]:
        found = "VOTable"
    if found == "zip" or raw.startswith((b"\x89HDF", b"%PDF")):
        raise CubespaceError(
            f"{path}: not a table that is understood; allowed: {', '.join(FORMATS)}; {shown}"
        )
    if found is None and ending in BINARY_ENDINGS:
        raise CubespaceError(f"{path}: not {BINARY_ENDINGS[ending]}, as the ending {ending} says; {shown}")
    if found:
        return found
    if ending not in TEXT_ENDINGS:
        raise CubespaceError(
            f"{path}: ending {ending!r} is not a table format; allowed: {', '.join(FORMATS)}"
        )
    if start.startswith(b"# %ECSV"):  # ECSV is often named .csv
        return "ECSV"
    if DESCRIPTION.search(raw[:50000].decode("latin-1")):
        return "machine-readable"
    lines = (line.strip() for line in raw[:100000].splitlines() if not line.startswith(b"\\"))
    first, second = [*filter(None, lines), b"", b""][:2]
    if first.startswith(b"|") and first.endswith(b"|"):
        types = [word.strip().lower() for word in second.strip(b"|").split(b"|")]
        if second.startswith(b"|") and not all(any(t.startswith(word) for t in _IPAC_TYPES) for word in types):
            raise CubespaceError(
                f"{path}: framed by bars, but not IPAC: found {second[:80].decode('latin-1')!r} where the columns' types are "
                "expected; save a table of Markdown as CSV"
            )
        return "IPAC"
    return "text"


def _tidy(frame, units=None, meta=None, skipped=None):
    """Text columns to str or None (empty text is None), pandas' own missing values to nan."""
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object or isinstance(column.dtype, (pd.StringDtype, pd.CategoricalDtype)):
            text = [
                None if value is None or value is pd.NA or value != value else _text(value)
                for value in column
            ]
            frame[name] = pd.Series([value or None for value in text], index=frame.index, dtype=object)
        elif pd.api.types.is_extension_array_dtype(column.dtype):
            frame[name] = column.astype(object).where(column.notna(), np.nan).astype(float)
    frame.attrs = {"units": units or {}, "meta": meta or {}, "skipped": skipped or {}, "notes": []}
    return frame


def _text(value):
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("latin-1")
    return str(value).split("\x00", 1)[0].strip()  # where a string of FITS ends (standard 4.0, sec. 7.3.3.1)


def _delimited(raw, where, options):
    columns, units, meta, header, notes = read_delimited(
        raw, where, **{key: options[key] for key in ("names", "skip", "text", "only", "short_rows")}
    )
    columns = {n: pd.Series(c, dtype=object) if isinstance(c, list) else c for n, c in columns.items()}
    frame = _tidy(pd.DataFrame(columns), units, meta)
    frame.attrs |= {"columns": header, "notes": notes}
    return frame


def _ecsv(raw, where, options):
    from astropy.table import Table

    lines = raw.decode("utf-8-sig").splitlines()
    stated = next((m[1] for line in lines if (m := re.fullmatch(r"# *delimiter: *['\"]?([ ,]).*", line))), " ")
    plain = [line for line in lines if line.strip() and not line.startswith("#")]
    check_quotes(plain, stated, where)
    _refuse_twice(next(csv.reader(plain[:1], delimiter=stated), []), where)
    frame = _from_astropy(Table.read(lines, format="ascii.ecsv"), options)
    frame.attrs["notes"] += comments_note([line for line in lines[lines.index(plain[0]) :] if line.startswith("#")])
    return frame


def _machine_readable(raw, where, options):
    from astropy.io import ascii as ascii_
    from astropy.io.ascii import InconsistentTableError

    lines, notes = _lines(raw, where)
    rows, more = rows_of_machine_readable(lines, where)
    try:
        frame = _at_places(ascii_.Mrt, lines, rows, where, options)
    except (InconsistentTableError, ValueError):
        frame = _at_places(ascii_.Cds, lines, rows, where, options)
    frame.attrs["notes"] += notes + more
    return frame


def _ipac(raw, where, options):
    from astropy.io import ascii as ascii_

    lines, notes = _lines(raw, where)
    check_ipac(lines, where)
    frame = _at_places(ascii_.Ipac, lines, None, where, options)
    frame.attrs["notes"] += notes
    return frame


def _lines(raw, where):
    text, notes = decode(raw, where)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), notes


def _at_places(kind, lines, rows, where, options):
    """A table of columns at fixed places, by one of astropy's readers; columns of `text` as they are written: -00, not 0.

    Null values are numbers in columns of numbers: 9.990 is the null value 9.99. `rows`: the lines that are rows, if not the reader says.
    """
    from astropy.io.ascii import FloatType, IntType, get_reader
    from astropy.table import MaskedColumn

    reader = get_reader(kind, fill_values=[("", "0")])  # a blank cell is missing
    if rows is not None:
        reader.data.process_lines = lambda _: rows
    mask_nulls = reader.data.masks

    def masks(columns):
        mask_nulls(columns)
        for column in columns:
            if issubclass(column.type, (FloatType, IntType)):
                check_numbers(column, issubclass(column.type, IntType), where)

    reader.data.masks = masks
    table = reader.read(lines)
    _refuse_twice(reader.header.names, where)
    nulls = [(name, null) for null, _, name, *_ in (fill for fill in reader.data.fill_values if len(fill) > 2)]
    for column in reader.cols:
        values = table[column.name]
        mask = np.array(np.broadcast_to(getattr(values, "mask", False), len(values)))
        if values.dtype.kind in "if":
            given, _ = parse_numbers([null for name, null in nulls if name == column.name])
            mask |= np.isin(values, given)
        if column.name in options["text"]:
            values = column.str_vals
        table[column.name] = MaskedColumn(values, mask=mask, unit=table[column.name].unit)
    return _from_astropy(table, options)


def _refuse_twice(names, where):
    twice = sorted({str(name) for name in names if name and names.count(name) > 1})
    if twice:
        raise CubespaceError(f"{where}: column(s) more than once: {', '.join(twice)}")


def _fits(raw, where, options):
    from astropy.io import fits

    with fits.open(io.BytesIO(raw), memmap=False, lazy_load_hdus=False) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))]
        wanted = options["hdu"]
        if wanted is not None:
            tables = [h for i, h in enumerate(hdus) if h in tables and wanted in (i, h.name)]
        if not tables:
            there = ", ".join(f"{i} {h.name or type(h).__name__}" for i, h in enumerate(hdus))
            raise CubespaceError(
                f"{where}: no table{'' if wanted is None else f' {wanted!r}'}; HDUs: {there}"
            )
        header = tables[0].header
        _refuse_twice([str(header.get(f"TTYPE{i}", "")).strip() for i in range(1, header["TFIELDS"] + 1)], where)
        frame = _from_astropy(_with_nulls(tables[0]), options)
        frame.attrs["notes"] += _first_of([hdu.name or "unnamed" for hdu in tables], len(frame))
        return frame


def _with_nulls(hdu):
    """The table of an HDU, nulls masked: TNULL is a number, or in an ASCII table a text, in the file, before TSCAL and TZERO (FITS
    standard 4.0, sec. 7.2.2 and 7.3.2); a logical null is a zero byte. A column of varying length has no nulls here."""
    from astropy.table import MaskedColumn, Table

    stored, nulls = hdu.data.view(np.ndarray), {}
    for column in hdu.columns:
        cells, null = stored[column.name], column.null
        if cells.dtype.kind == "S" and isinstance(null, (str, int)):
            nulls[column.name] = np.char.strip(cells) == str(null).strip().encode()
            hdu.data[column.name]  # turned into numbers while astropy knows what is none
        elif re.fullmatch(r"\d*L", str(column.format)):
            nulls[column.name] = cells == 0
        elif isinstance(null, int) and cells.dtype.kind in "iu" and not re.match(r"\d*[PQ]", str(column.format)):
            nulls[column.name] = cells == null
        column.null = None  # astropy compares it with the scaled numbers
    table = Table.read(hdu)
    for name, mask in nulls.items():
        if mask.any():
            table[name] = MaskedColumn(np.asarray(table[name]), mask=mask, unit=table[name].unit)
    return table


def _first_of(names, rows):
    """A note where a file has several tables and the first was taken."""
    if len(names) < 2:
        return []
    return [f"the first of {len(names)} tables was taken, of {rows} rows: {', '.join(map(str, names[:10]))}; `hdu` chooses another"]


def _votable(raw, where, options):
    from astropy.io.votable import exceptions, parse

    lossy = (exceptions.W30, exceptions.W46, exceptions.W51)  # no number, text cut to its field, integer cut to its bits
    words = "|".join(map(re.escape, MISSING))
    try:
        with warnings.catch_warnings(), exceptions.conf.set_temp("max_warnings", 2**31):
            for kind in lossy:
                warnings.simplefilter("error", kind)
            warnings.filterwarnings("ignore", f".*Invalid literal for float '\\s*({words})\\s*'", exceptions.W30)
            parsed = parse(io.BytesIO(raw), verify="warn")
    except lossy as error:
        raise CubespaceError(f"{where}: {_place_in_votable(error, raw)}") from None
    tables = [t for t in parsed.iter_tables() if len(t.fields)]
    wanted = options["hdu"]
    if wanted is not None:
        tables = [t for i, t in enumerate(tables) if wanted in (i, t.name, t.ID)]
    if not tables:
        raise CubespaceError(f"{where}: no table{'' if wanted is None else f' {wanted!r}'} in this VOTable")
    table = tables[0]
    _refuse_twice([field.name for field in table.fields], where)
    frame = _from_astropy(table.to_table(use_names_over_ids=True), options)
    frame.attrs["notes"] += _first_of([one.name or one.ID or "unnamed" for one in tables], len(frame))
    infos = [info for holder in (parsed, *parsed.resources) for info in holder.infos] + table.infos
    if any(info.name == "QUERY_STATUS" and (info.value or info.content or "").strip().upper() == "OVERFLOW" for info in infos):
        frame.attrs["notes"].append(f"cut short by the service that was asked (QUERY_STATUS OVERFLOW), after {len(frame)} rows")
    if (stated := re.search(rb"<([\w]+:)?TABLE\b[^>]*\bnrows\s*=\s*[\"'](\d+)", raw)) and len(tables) == 1 and int(stated[2]) != len(frame):
        frame.attrs["notes"].append(f"{len(frame)} rows, where nrows says {int(stated[2])}")
    return frame


def _place_in_votable(error, raw):
    """What astropy says of a cell, with what is written there."""
    place = re.fullmatch(r".*?:(\d+):(\d+): [WE]\d+: (.*)", str(error), re.DOTALL)
    if not place:
        return str(error)
    line, character = int(place[1]), int(place[2])
    cell = raw.splitlines()[line - 1][character:].split(b"<")[0].decode("utf-8", "replace").strip()[:40]
    return f"line {line}, character {character}, {cell!r}: {place[3]}"


def _from_astropy(table, options):
    from astropy.table import Column
    from astropy.units import Quantity

    columns, units, skipped = {}, {}, {}
    for name in table.colnames:
        column = table[name]
        if not isinstance(column, (Column, Quantity)):  # SkyCoord, Time ...
            skipped[name] = type(column).__name__
            continue
        if column.unit is not None:
            units[name] = str(column.unit)
        values = np.asarray(column)
        mask = np.broadcast_to(np.asarray(getattr(column, "mask", False)), values.shape)
        if values.ndim > 1:
            if values.dtype.kind in "fiub":
                for index in np.ndindex(values.shape[1:]):
                    part, element = (slice(None), *index), "_".join([name, *map(str, index)])
                    if element in table.colnames:
                        skipped[element] = f"a column and an element of {name!r} by one name"
                    else:
                        columns[element] = _plain(values[part], mask[part], options, name)
                continue
            skipped[name] = f"{values.shape[1:]} of {values.dtype}"
            continue
        plain = _plain(values, mask, options, name)
        if plain is None:
            skipped[name] = "array of varying length" if values.dtype == object else str(values.dtype)
        else:
            columns[name] = plain
    columns = {name: column for name, column in columns.items() if name not in skipped}
    return _tidy(pd.DataFrame(columns), units, {str(k): v for k, v in table.meta.items()}, skipped)


def _plain(values, mask, options, name):
    """A column as text (object) or native numbers; None for a type that no table of galaxies can use."""
    kind = values.dtype.kind
    if kind in "SUO":
        cells = [None if m else v for v, m in zip(values.tolist(), mask, strict=True)]
        if any(v is not None and not isinstance(v, (str, bytes, int, float, np.str_)) for v in cells):
            return None
        return pd.Series([None if v is None or v != v else _text(v) for v in cells], dtype=object)
    if kind in "iu" and (name in options["text"] or mask.any()):
        exact = [None if m else str(v) for v, m in zip(values.tolist(), mask, strict=True)]
        column = exact if name in options["text"] else typed(exact)
        return pd.Series(column, dtype=object) if isinstance(column, list) else column
    if kind == "u" and len(values) and values.max() <= np.iinfo(np.int64).max:
        return values.astype(np.int64)
    if kind in "fiub":
        native = values.astype(values.dtype.newbyteorder("="))
        return np.where(mask, np.nan, native) if mask.any() else native
    return None


def _parquet(raw, where, options):
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    # no threads: Arrow's pool now and then aborts a process that ends soon after it read a small table
    table = pq.ParquetFile(pa.BufferReader(raw), pre_buffer=False).read(use_threads=False)
    columns, skipped = {}, {}
    _refuse_twice(table.schema.names, where)
    try:
        units, masks, meta = parquet.stated(table.schema)
    except ValueError as error:
        raise CubespaceError(f"{where}: {error}") from error
    for field in table.schema:
        if field.name in masks.values():
            continue
        column, kind = table[field.name], field.type
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if field.name in masks and not pa.types.is_nested(kind):
            column = pc.if_else(table[masks[field.name]], pa.scalar(None, kind), column)
        decimal, integer, text = pa.types.is_decimal(kind), pa.types.is_integer(kind), field.name in options["text"]
        if (integer and (text or column.null_count)) or (decimal and (text or kind.scale == 0)):
            exact = [None if v is None else str(v) for v in column.to_pylist()]
            plain = exact if text else typed(exact)
            columns[field.name] = pd.Series(plain, dtype=object) if isinstance(plain, list) else plain
        elif (
            pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_binary(kind)
            or pa.types.is_null(kind)
        ):
            columns[field.name] = pd.Series(column.to_pylist(), dtype=object)
        elif decimal:
            columns[field.name] = column.cast(pa.float64()).to_numpy()
        elif integer or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            columns[field.name] = column.to_pandas()
        else:
            skipped[field.name] = str(kind)
    return _tidy(pd.DataFrame(columns), units, meta, skipped)


def _npz(raw, where, options):
    with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise CubespaceError(f"{where}: expected 1-D arrays of one length as columns, found {shapes}")
    columns = {
        name: _plain(array, np.zeros(array.shape, bool), options, name) for name, array in arrays.items()
    }
    skipped = {name: str(arrays[name].dtype) for name, column in columns.items() if column is None}
    return _tidy(pd.DataFrame({n: c for n, c in columns.items() if c is not None}), skipped=skipped)


READERS = {
    "text": _delimited,
    "ECSV": _ecsv,
    "machine-readable": _machine_readable,
    "IPAC": _ipac,
    "FITS": _fits,
    "VOTable": _votable,
    "Parquet": _parquet,
    "NPZ": _npz,
}
