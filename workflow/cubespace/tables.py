"""The one reader and the one writer of tables.

In memory a table is a pandas `DataFrame`: text columns hold str or None, numbers float or int (missing = nan),
units in ``frame.attrs["units"]``, metadata in ``frame.attrs["meta"]``.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from cubespace.columns import describe
from cubespace.errors import CubespaceError
from cubespace.files import atomic

FORMATS = (".csv", ".ecsv", ".fits", ".fit", ".vot", ".xml", ".parquet", ".npz", ".txt")


def read_table(path):
    """Read a table; the format follows from the ending: CSV, ECSV, FITS, VOTable, Parquet, NPZ or whitespace-separated text.

    Returns
    -------
    pandas.DataFrame
        Identifiers are kept as text where the file says text (and in CSV wherever a number has leading zeros or would
        lose digits as a float); masked values become None or nan; byte order is native.

    Raises
    ------
    CubespaceError
        The file is missing, empty, damaged, of another format, or has a column twice.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_file():
        raise CubespaceError(f"{path}: no such file")
    if suffix not in FORMATS:
        raise CubespaceError(f"{path}: ending {suffix!r} is not a table format; allowed: {', '.join(FORMATS)}")
    if path.stat().st_size == 0:
        raise CubespaceError(f"{path}: empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # astropy warns of unit spellings; units are checked where they are used
            frame = _READERS[suffix](path)
    except CubespaceError:
        raise
    except Exception as error:  # any reader, any damage: name the file in one line
        raise CubespaceError(f"{path}: cannot be read as {suffix[1:].upper()}: {type(error).__name__}: {error}") from error
    repeated = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if repeated:
        raise CubespaceError(f"{path}: column(s) more than once: {', '.join(repeated)}")
    return frame


def _tidy(frame, units=None, meta=None):
    """Text columns to str or None, pandas' own missing values to nan."""
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            frame[name] = pd.Series(
                [None if value is None or value is pd.NA or value != value else str(value).strip() for value in column],
                index=frame.index,
                dtype=object,
            )
        elif pd.api.types.is_extension_array_dtype(column.dtype):
            frame[name] = column.astype(object).where(column.notna(), np.nan).astype(float)
    frame.attrs = {"units": units or {}, "meta": meta or {}}
    return frame


def _exact(column):
    """A text column as numbers, if that loses nothing: no leading zeros, no integers beyond 2^53."""
    present = column[column.notna()]
    numbers = pd.to_numeric(present, errors="coerce")
    odd = numbers.isna() & ~present.str.casefold().isin(["nan"])
    if len(present) == 0 or odd.any():
        return column
    if present.str.fullmatch(r"[+-]?0\d+").any() or present.str.fullmatch(r"[+-]?\d{16,}").any():
        return column
    whole = present.str.fullmatch(r"[+-]?\d+").all() and len(present) == len(column)
    return numbers.astype("int64") if whole else pd.to_numeric(column, errors="coerce").astype(float)


def _csv(path):
    with open(path, "rb") as stream:
        first = stream.readline()
    if first.startswith(b"# %ECSV"):  # ECSV is often named .csv
        return _astropy(path, format="ascii.ecsv")
    meta = json.loads(first[2:]) if first.startswith(b'# {"') else {}  # as `write_table` puts it
    frame = pd.read_csv(
        path, dtype=str, keep_default_na=False, na_values=[""], comment="#", skipinitialspace=True, encoding="utf-8-sig"
    )
    return _tidy(frame.apply(_exact) if len(frame) else frame, meta=meta)


def _text(path):
    frame = pd.read_csv(path, dtype=str, sep=r"\s+", comment="#", keep_default_na=False, na_values=[""])
    return _tidy(frame.apply(_exact))


def _astropy(path, **options):
    from astropy.table import Table

    table = Table.read(path, **options)
    columns, units = {}, {}
    for name in table.colnames:
        column = table[name]
        if column.unit is not None:
            units[name] = str(column.unit)
        mask = np.asarray(getattr(column, "mask", np.zeros(len(table), bool)))
        values = np.asarray(column)
        if values.ndim > 1:
            for index in np.ndindex(values.shape[1:]):
                columns["_".join([name, *map(str, index)])] = values[(slice(None), *index)]
            continue
        if values.dtype.kind in "SUO":
            text = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values.tolist()]
            missing = mask | np.array([v is None for v in text], bool)
            columns[name] = pd.Series([None if m else str(v).strip() for v, m in zip(text, missing, strict=True)], dtype=object)
        elif values.dtype.kind in "iu" and mask.any():
            exact = [None if m else str(v) for v, m in zip(values.tolist(), mask, strict=True)]
            columns[name] = _exact(pd.Series(exact, dtype=object))
        elif values.dtype.kind in "fiub":
            native = values.astype(values.dtype.newbyteorder("="))
            columns[name] = np.where(mask, np.nan, native) if mask.any() else native
        else:
            raise CubespaceError(f"{path}: column {name!r} has type {values.dtype}, expected text or real numbers")
    return _tidy(pd.DataFrame(columns), units, {str(k): v for k, v in table.meta.items()})


def _parquet(path):
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    units = {f.name: f.metadata[b"unit"].decode() for f in table.schema if f.metadata and f.metadata.get(b"unit")}
    meta = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items() if not k.startswith(b"pandas")}
    return _tidy(table.to_pandas(ignore_metadata=True), units, meta)


def _npz(path):
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise CubespaceError(f"{path}: expected 1-D arrays of one length as columns, found {shapes}")
    return _tidy(pd.DataFrame({name: array.astype(object) if array.dtype.kind in "US" else array for name, array in arrays.items()}))


_READERS = {
    ".csv": _csv,
    ".txt": _text,
    ".ecsv": lambda path: _astropy(path, format="ascii.ecsv"),
    ".fits": lambda path: _astropy(path, format="fits"),
    ".fit": lambda path: _astropy(path, format="fits"),
    ".vot": lambda path: _astropy(path, format="votable"),
    ".xml": lambda path: _astropy(path, format="votable"),
    ".parquet": _parquet,
    ".npz": _npz,
}


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
                frame.to_csv(stream, index=False, na_rep="", lineterminator="\n", float_format="%.10g")
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
        if values.dtype == object and values.map(lambda v: isinstance(v, (bool, np.bool_)) or pd.isna(v)).all() and values.notna().any():
            values = values.map(lambda v: None if pd.isna(v) else str(bool(v)).lower())
        if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
            text = np.array(["" if pd.isna(value) else str(value) for value in values], dtype=str)
            width = max(1, *(len(t.encode()) for t in text)) if len(text) else 1
            columns.append(fits.Column(name, f"{width}A", array=np.char.encode(text, "utf-8")))
        elif values.dtype.kind == "f":
            columns.append(fits.Column(name, "D" if values.dtype.itemsize == 8 else "E", unit=unit, array=values.to_numpy()))
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
