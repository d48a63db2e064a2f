"""The one reader and the one writer of tables.

In memory a table is a pandas `DataFrame`: text columns hold str or None, numbers float or int (missing = nan),
units in ``frame.attrs["units"]``, metadata in ``frame.attrs["meta"]``, columns that no table of galaxies can use (arrays
of varying length, complex numbers ...) by name and kind in ``frame.attrs["skipped"]``, the names of all columns of the
file in ``frame.attrs["columns"]``, what the reader settled without an error, in words, in ``frame.attrs["notes"]``.
"""

import csv
import difflib
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from cubespace.columns import describe
from cubespace.delimited import MISSING, parse_numbers
from cubespace.errors import CubespaceError
from cubespace.files import atomic
from cubespace.formats import READERS, kind_of
from cubespace.packed import unpacked


def read_table(path, hdu=None, names=None, skip=0, text=(), only=None, short_rows="refuse"):
    """Read a table, of whatever format; the file's content decides, packed by gzip, bzip2 or xz or not.

    Parameters
    ----------
    path : CSV and its relatives (`cubespace.delimited`), ECSV, CDS/AAS machine-readable, IPAC, FITS, VOTable, Parquet, NPZ
    hdu : int or str, optional
        Which table of a file with several; else the first.
    names, skip : for a text without a header: the columns' names, and how many lines to pass over
    text : columns of identifiers, which stay text: '001' is '001', and 2^62 + 1 keeps its digits
    only : keep these columns alone (for large catalogues)
    short_rows : "refuse" rows of a text that end before the header does, or "fill" them

    Returns
    -------
    pandas.DataFrame
        Identifiers are kept as text where the file says text (and in CSV wherever a number has leading zeros or would
        lose digits as a float); masked and empty values become None or nan; byte order is native.

    Raises
    ------
    CubespaceError
        The file is missing, empty, damaged, not a table, or has a column twice.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise CubespaceError(f"{path}: no such file")
        raw = path.read_bytes()
    except OSError as error:
        raise CubespaceError(f"{path}: cannot be read: {error.strerror}") from None
    if not raw:
        raise CubespaceError(f"{path}: empty file")
    options = {"hdu": hdu, "text": set(text), "only": set(only) if only is not None else None}
    options |= {"names": names, "skip": skip, "short_rows": short_rows}
    kind = path.suffix[1:].upper()
    try:
        raw = unpacked(raw)
        kind = kind_of(path, raw)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter(
                "always"
            )  # astropy warns of unit spellings too; units are checked where they are used
            frame = READERS[kind](raw, str(path), options)
    except CubespaceError:
        raise
    except Exception as error:  # any reader, any damage: name the file in one line
        reason = " ".join(str(error).split())[:300]
        raise CubespaceError(f"{path}: cannot be read as {kind}: {type(error).__name__}: {reason}") from error
    if any("truncated" in str(warning.message).lower() for warning in caught):
        raise CubespaceError(
            f"{path}: cut short: {next(str(w.message) for w in caught if 'truncated' in str(w.message).lower())}"
        )
    repeated = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if repeated:
        raise CubespaceError(f"{path}: column(s) more than once: {', '.join(repeated)}")
    frame.attrs.setdefault("columns", list(map(str, frame.columns)))
    if only is not None:
        attrs = frame.attrs
        frame = frame[[name for name in frame.columns if name in options["only"]]].copy()
        frame.attrs = attrs
    return frame


def need_columns(frame, wanted, where):
    """Refuse a table that lacks a column, with what is there and what comes close.

    Raises
    ------
    CubespaceError
    """
    skipped, there = frame.attrs.get("skipped", {}), frame.attrs.get("columns", list(map(str, frame.columns)))
    words = []
    for name in [name for name in wanted if name not in frame]:
        close = difflib.get_close_matches(str(name), there, 1, 0.7)
        close = close or [c for c in there if c.casefold() == str(name).casefold()]
        reason = f" (its type, {skipped[name]}, is of no use here)" if name in skipped else ""
        words.append(repr(name) + reason + (f" (did you mean {close[0]!r}?)" if close and not reason else ""))
    if words:
        raise CubespaceError(f"{where}: no column(s) {', '.join(words)}; found: {', '.join(there)}")


def numbers(column, where):
    """A column as float64, nan where it is empty or a word for that (-, null, N/A ...).

    Raises
    ------
    CubespaceError
        A cell is not a number; `where`, the rows and what was found are named.
    """
    if column.dtype == bool:
        raise CubespaceError(f"{where}: true and false; expected numbers")
    if column.dtype != object:
        return column.astype(float)
    values, wrong = parse_numbers(column.tolist())
    if wrong:
        rows = "; ".join(f"row {i + 1}: found {column.iloc[i]!r}" for i in wrong[:5])
        raise CubespaceError(f"{where}: {rows}; expected a number")
    return pd.Series(values, index=column.index)


def label(value):
    """An identifier as text, None if missing (-, null, N/A ... too); 12.0, from a column of numbers with gaps, is '12'."""
    if value is None or value != value or (isinstance(value, str) and value.strip().casefold() in MISSING):
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def write_table(frame, path, columns=None, meta=None, vectors=None):
    """Write a table as Parquet, FITS or CSV (by the ending), whole or not at all.

    Parameters
    ----------
    frame : pandas.DataFrame
    path : path
    columns : dict, optional
        name -> (unit, description), for columns that `cubespace.columns` does not know.
    meta : dict, optional
        str -> str, as from `cubespace.files.provenance`; in CSV it goes to a comment line at the top.
        CSV has ten significant digits; Parquet and FITS have all.
    vectors : dict, optional
        name -> array (n_rows, n): further columns of vectors (FITS only).
    """
    path, meta = Path(path), dict(meta or {})
    described = {name: (columns or {}).get(name, describe(name)) for name in frame.columns}
    frame = frame.reset_index(drop=True)
    with atomic(path) as temporary:
        if path.suffix == ".parquet":
            _write_parquet(frame, temporary, described, meta)
        elif path.suffix == ".fits":
            _write_fits(frame, temporary, described, meta, vectors or {})
        elif path.suffix == ".csv":
            with open(temporary, "w", encoding="utf-8", newline="") as stream:
                if meta:
                    stream.write("# " + json.dumps(meta, sort_keys=True) + "\n")
                # ten digits: beyond them, sums in linear algebra libraries depend on where in memory the data lie
                looks_like_comment = any(
                    str(cell).lstrip().startswith("#") for cell in [frame.columns[0], *frame.iloc[:, 0]]
                )
                quoting = csv.QUOTE_NONNUMERIC if looks_like_comment else csv.QUOTE_MINIMAL
                frame.to_csv(
                    stream, index=False, na_rep="", lineterminator="\n", float_format="%.10g", quoting=quoting
                )
        else:
            raise CubespaceError(f"{path}: tables are written as .parquet, .fits or .csv")


def _write_parquet(frame, path, described, meta):
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields, arrays = [], []
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            array = pa.array([None if pd.isna(value) else value for value in column])
            if pa.types.is_null(array.type):
                array = array.cast(pa.string())
        else:
            array = pa.array(column, from_pandas=True)
        unit, description = described[name]
        fields.append(pa.field(name, array.type, metadata={"unit": unit, "description": description}))
        arrays.append(array)
    pq.write_table(pa.table(arrays, schema=pa.schema(fields, metadata=meta)), path, compression="zstd")


def _write_fits(frame, path, described, meta, vectors):
    from astropy.io import fits

    kinds = {"i": "K", "u": "K", "b": "L"}
    columns = []
    for name in frame.columns:
        values = frame[name]
        unit = described[name][0] or None
        if (
            values.dtype == object
            and values.map(lambda v: isinstance(v, (bool, np.bool_)) or pd.isna(v)).all()
            and values.notna().any()
        ):
            values = values.map(lambda v: None if pd.isna(v) else str(bool(v)).lower())
        if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
            text = np.array(["" if pd.isna(value) else str(value) for value in values], dtype=str)
            width = max(1, *(len(t.encode()) for t in text)) if len(text) else 1
            columns.append(fits.Column(name, f"{width}A", array=np.char.encode(text, "utf-8")))
        elif values.dtype.kind == "f":
            columns.append(
                fits.Column(
                    name, "D" if values.dtype.itemsize == 8 else "E", unit=unit, array=values.to_numpy()
                )
            )
        else:
            columns.append(fits.Column(name, kinds[values.dtype.kind], unit=unit, array=values.to_numpy()))
    for name, block in vectors.items():
        columns.append(fits.Column(name, f"{block.shape[1]}E", array=np.asarray(block, np.float32)))
    table = fits.BinTableHDU.from_columns(columns)
    for number, name in enumerate(frame.columns, 1):
        if described[name][1]:
            table.header[f"TCOMM{number}"] = described[name][1]
    for key, value in meta.items():
        table.header[f"HIERARCH {key}"] = value
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)
