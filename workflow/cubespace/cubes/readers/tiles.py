"""Tile-compressed images (fpack, FITS standard 4.0, sec. 10): described by their own cards, unpacked by astropy."""

import io
import multiprocessing
import warnings

import numpy as np

from cubespace.cubes.readers.header import text, whole
from cubespace.errors import CubeRejected

BLOCK = 2880
KINDS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS")
SAFE = ("GZIP_1", "GZIP_2", "NOCOMPRESS")  # decoded by zlib, or not at all
TYPES = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
MAX_GAIN = 5000  # no real image packs so well: a larger claim is damage


def describe(header, size, where):
    """(shape, dtype) of the image in a table of `size` bytes; the dtype's name ends in ``tiles``."""
    try:
        naxis = whole(header, "ZNAXIS")
        shape = tuple(whole(header, f"ZNAXIS{i}") for i in range(naxis, 0, -1))
        dtype = TYPES[whole(header, "ZBITPIX")]
        kind = text(header, "ZCMPTYPE")
        tile = [whole(header, f"ZTILE{i}", 1) for i in range(1, naxis + 1)]
        if kind not in KINDS or min((*shape, *tile), default=0) < 1:
            raise ValueError(f"ZCMPTYPE = {kind!r}, shape {shape}, tiles {tile}")
    except (ValueError, KeyError) as error:
        raise CubeRejected("corrupt", f"{where}: no valid cards of a compressed image: {error}") from None
    if int(np.prod(shape, dtype=object)) > MAX_GAIN * size:
        raise CubeRejected("corrupt", f"{where} claims the shape {shape} in {size} bytes")
    return shape, f"{dtype} tiles"


def unpack(header, raw, where):
    """The image in the bytes of a compressed table, in native byte order and physical values.

    The decoders of astropy for RICE, PLIO and HCOMPRESS trust the stream: a damaged one can crash the process. They run
    in a process of their own.
    """
    try:
        from astropy.io import fits

        first = fits.PrimaryHDU().header.tostring().encode("ascii")
        content = first + header.content + raw.tobytes() + bytes(-len(raw) % BLOCK)
        decode = _decoded if text(header, "ZCMPTYPE") in SAFE else _decoded_apart
        return decode(content)
    except Exception as error:  # whatever the decoder of a damaged stream raises
        raise CubeRejected("corrupt", f"{where}: compressed image cannot be unpacked: {error!r}") from None


def _decoded(content):
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), memmap=False) as hdus:
            data = np.array(hdus[1].data)
    if data.dtype.kind not in "iuf":
        raise ValueError("no image")
    return data.astype(data.dtype.newbyteorder("="), copy=False)


def _decoded_apart(content):
    """The same in a forked process; ValueError if that dies."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(content, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        kind, shape = ours.recv()
        data = np.frombuffer(bytearray(ours.recv_bytes()), kind) if shape is not None else None
    except EOFError:
        raise ValueError("the decoder crashed on it") from None
    finally:
        ours.close()
        child.join()
    if data is None:
        raise ValueError(kind)
    return data.reshape(shape)


def _send(content, pipe):
    try:
        data = _decoded(content)
    except Exception as error:  # told to the other process
        pipe.send((repr(error), None))
        return
    pipe.send((data.dtype.str, data.shape))
    pipe.send_bytes(np.ascontiguousarray(data).reshape(-1).view(np.uint8))
