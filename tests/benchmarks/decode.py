"""Reading a full-size cube on one core: time against the bare inflation of the same bytes, and against astropy.

    python tests/benchmarks/decode.py
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
sys.path.insert(0, str(ROOT / "workflow"))
REPEATS = 3


def best(function):
    """Median processor time [s] of `REPEATS` runs after a first one that fills the caches; other programs do not disturb it."""
    function()
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return statistics.median(times)


def build(path, shape=(1877, 150, 160), trailing=0):
    """A cube with the layout, the size and the compressibility of eCALIFA; `trailing` more cubes after the last HDU."""
    import numpy as np
    from astropy.io import fits
    from isal import igzip

    from cubespace.survey.instrument import KEPT_BITS, rounded

    rng = np.random.default_rng(1)
    y, x = np.indices(shape[1:])
    inside = np.hypot(y - shape[1] / 2, x - shape[2] / 2) < shape[1] / 2
    level = (np.exp(-np.hypot(y - shape[1] / 2, x - shape[2] / 2) / 20) * inside).astype(np.float32)
    flux = np.empty(shape, np.float32)
    for plane in flux:
        plane[:] = level + inside * rng.normal(0, 0.02, shape[1:]).astype(np.float32)
    error = (0.02 * inside * (1 + level)).astype(np.float32) * np.ones(shape, np.float32)
    header = fits.Header()
    header.update({"BUNIT": "1E-16 erg/s/cm2/Angstrom", "CTYPE3": "AWAV", "CUNIT3": "Angstrom", "CRVAL3": 3749.0, "CRPIX3": 1.0,
                   "CD3_3": 2.0, "CD1_1": -0.5 / 3600, "CD2_2": 0.5 / 3600})  # fmt: skip
    weight = np.broadcast_to(inside.astype(np.float32), shape)
    hdus = [
        fits.PrimaryHDU(rounded(flux, KEPT_BITS["flux"]), header),
        fits.ImageHDU(rounded(error, KEPT_BITS["error"]), name="ERROR"),
        fits.ImageHDU(np.ascontiguousarray(weight), name="ERRWEIGHT"),
        fits.ImageHDU(np.broadcast_to(~inside, shape).astype(np.uint8), name="BADPIX"),
        fits.ImageHDU(inside.astype(np.float32), name="FLAT"),
        fits.ImageHDU(np.zeros(shape[1:], np.float32), name="GAIA_MASK"),
        *(fits.ImageHDU(rounded(flux, KEPT_BITS["flux"]), name=f"MODEL{i}") for i in range(trailing)),
    ]
    with igzip.open(path, "wb", compresslevel=1) as packed:
        fits.HDUList(hdus).writeto(packed)


def inflate(path, size=460_000_000):
    """Bare inflation of the whole stream into memory of its own, in pieces."""
    import numpy as np
    from isal import igzip

    memory = np.empty(size, np.uint8)
    with igzip.open(path, "rb") as stream:
        place = 0
        while n := stream.readinto(memoryview(memory)[place : place + 2**20]):
            place += n
    return place


def discard(path):
    """The same into one small buffer: nothing is kept."""
    from isal import igzip

    buffer = bytearray(2**20)
    with igzip.open(path, "rb") as stream:
        while stream.readinto(buffer):
            pass


def main():
    import numpy as np
    from astropy.io import fits

    from cubespace.cubes.readers import ADAPTERS, read_cube
    from cubespace.cubes.readers.container import read_hdus

    names = {name for adapter in ADAPTERS for name in adapter.HDUS}

    def ours(path):
        return read_hdus(path, lambda index, name: index == 0 or name in names)

    def astropy_open(path):
        with fits.open(path) as hdus:
            return [np.asarray(hdus[name].data) for name in (0, "ERROR", "BADPIX", "FLAT", "GAIA_MASK")]

    with tempfile.TemporaryDirectory() as folder:
        path, more = Path(folder) / "cube.fits.gz", Path(folder) / "more.fits.gz"
        build(path)
        thrown, bare, decode, cube, theirs = (best(lambda f=f: f(path)) for f in (discard, inflate, ours, read_cube, astropy_open))
        print(f"full-size cube, {path.stat().st_size / 1e6:.0f} MB gzipped, one core, processor time, median of {REPEATS}")
        print(f"  inflation alone (isal), into memory    {bare:5.2f} s ({thrown:.2f} s if thrown away)")
        print(f"  decode (the arrays that are needed)    {decode:5.2f} s = {decode / bare:.2f} x inflation (budget: 1.3)")
        print(f"  read_cube (decode, checks, masks)      {cube:5.2f} s = {cube / bare:.2f} x inflation")
        print(f"  astropy.io.fits.open, same arrays      {theirs:5.2f} s = {theirs / decode:.2f} x decode (budget: 2 or more)")
        build(more, trailing=3)
        whole, stopped, full = (best(lambda f=f: f(more)) for f in (discard, lambda p: read_cube(p, verify=False), read_cube))
        print("  with three more cubes behind the last HDU that is needed:")
        print(f"    inflation of all, thrown away        {whole:5.2f} s")
        print(f"    read_cube(verify=False), stops early {stopped:5.2f} s = {stopped / cube:.2f} x the time without them")
        print(f"    read_cube, to the end for the sum    {full:5.2f} s = {full / whole:.2f} x inflation of all")


if __name__ == "__main__":
    main()
