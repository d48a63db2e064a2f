"""Damaged tables end as a table or as one named error: never a library's traceback, never a hang."""

import gzip
import os

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from cubespace.errors import CubespaceError
from cubespace.tables import read_table

KINDS = ("csv", "csv.gz", "tsv", "ecsv", "fits", "fits.gz", "vot", "parquet", "npz")
N_EACH = int(os.environ.get("DAMAGED_TABLES", 60))


def whole(kind, folder):
    """A sound table of a kind, as bytes."""
    frame = pd.DataFrame({"galaxy": [f"NGC {i}" for i in range(20)], "z": np.linspace(0.01, 0.03, 20), "n": range(20)})
    path = folder / f"whole.{kind}"
    inner = kind.removesuffix(".gz")
    if inner in ("csv", "tsv"):
        content = frame.to_csv(index=False, sep="," if inner == "csv" else "\t").encode()
    elif inner == "parquet":
        frame.to_parquet(path)
        content = path.read_bytes()
    elif inner == "npz":
        np.savez(path, **{name: frame[name].to_numpy(dtype="U8" if name == "galaxy" else None) for name in frame})
        content = path.read_bytes()
    else:
        plain = folder / f"plain.{inner}"
        Table.from_pandas(frame).write(plain, format={"ecsv": "ascii.ecsv", "fits": "fits", "vot": "votable"}[inner], overwrite=True)
        content = plain.read_bytes()
    return gzip.compress(content, mtime=0) if kind.endswith(".gz") else content


def damage(content, rng):
    """One of: cut short, flip bits, overwrite a stretch, drop a stretch, repeat a stretch."""
    raw = bytearray(content)
    at, length = int(rng.integers(len(raw))), int(rng.integers(1, 200))
    how = rng.integers(5)
    if how == 0:
        return bytes(raw[:at])
    if how == 1:
        for position in rng.integers(len(raw), size=int(rng.integers(1, 8))):
            raw[position] ^= 1 << int(rng.integers(8))
    elif how == 2:
        raw[at : at + length] = rng.bytes(len(raw[at : at + length]))
    elif how == 3:
        del raw[at : at + length]
    else:
        raw[at:at] = raw[at : at + length]
    return bytes(raw)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_tables(tmp_path, kind):
    content = whole(kind, tmp_path)
    rng = np.random.default_rng([5, KINDS.index(kind)])
    path = tmp_path / f"damaged.{kind}"
    for _ in range(N_EACH):
        path.write_bytes(damage(content, rng))
        try:
            table = read_table(path)
        except CubespaceError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert isinstance(table, pd.DataFrame) and set(table.attrs) >= {"units", "meta", "skipped", "columns"}
