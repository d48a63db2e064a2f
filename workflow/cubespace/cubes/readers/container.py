"""Reading a FITS file, gzipped or not, in one pass, with every fault told in words.

The file is decoded as a stream (ISA-L for gzip, three times as fast as zlib) straight into the arrays that
are wanted; the others
are skipped, so the peak memory is that of the wanted arrays. Headers are parsed by astropy.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubespace.errors import CubeRejected

BLOCK = 2880
CARD = 80
MAX_HEADER_BLOCKS = 2000
MAX_BYTES = 64 * 2**30
TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


@dataclass
class Hdu:
    """One header-data unit; `data` is None where it was not wanted or is not an image."""

    name: str
    header: object
    shape: tuple
    dtype: str
    data: np.ndarray | None = None

    def __str__(self):
        return f"{self.name} {self.shape} {self.dtype}"


def read_hdus(path, wanted=lambda index, name: True):
    """Read all headers and the wanted images of a FITS file.

    Parameters
    ----------
    path : path of a ``.fits`` or gzipped FITS file; recognised by content, not by name.
    wanted : callable (index, name) -> bool

    Returns
    -------
    list of `Hdu`, arrays in native byte order, scaled (BSCALE, BZERO), BLANK as NaN.

    Raises
    ------
    CubeRejected
        ``unreadable`` (no such file, empty, not FITS, no END card), ``truncated`` or ``corrupt``, with the
        sizes
        expected and found.
    """
    path = str(path)
    try:
        size = Path(path).stat().st_size
        with open(path, "rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CubeRejected("unreadable", f"{path}: {error.strerror}") from None
    if size == 0:
        raise CubeRejected("unreadable", f"{path}: empty file (0 bytes)")
    with _open(path, start) as stream:
        return _Reader(path, size, stream, gzipped=start[:2] == b"\x1f\x8b").hdus(wanted)


@contextlib.contextmanager
def _open(path, start):
    if start[:2] == b"\x1f\x8b":
        from isal import igzip

        with igzip.open(path, "rb") as stream:
            yield stream
    else:
        with open(path, "rb") as stream:
            yield stream


class _Reader:
    def __init__(self, path, size, stream, gzipped):
        self.path, self.size, self.stream, self.gzipped = path, size, stream, gzipped
        self.position = 0

    def hdus(self, wanted):
        found = []
        while (header := self._header(len(found))) is not None:
            found.append(self._unit(len(found), header, wanted))
        return found

    def _fill(self, buffer):
        """Read into `buffer` until it is full or the file ends; the number of bytes read."""
        view, done = memoryview(buffer).cast("B"), 0
        try:
            while done < len(view) and (n := self.stream.readinto(view[done : done + 2**24])):
                done += n
        except EOFError:
            raise CubeRejected(
                "truncated",
                f"{self.path}: gzip stream ends early ({self.size} bytes on disk, "
                f"{self.position + done} or more bytes decoded, end marker missing)",
            ) from None
        except Exception as error:  # isal raises its own classes beside OSError and zlib.error
            raise CubeRejected(
                "corrupt",
                f"{self.path}: damaged after {self.position + done} bytes of content "
                f"({self.size} bytes on disk): {error}",
            ) from None
        self.position += done
        return done

    def _header(self, index):
        """Header of the next unit, or None at the end of the file."""
        where, cards = self.position, []
        for _ in range(MAX_HEADER_BLOCKS):
            block = bytearray(BLOCK)
            n = self._fill(block)
            if not cards:
                if not block[:n].strip(b"\0 "):  # end of file, or blocks of padding after the last unit
                    if index == 0:
                        raise CubeRejected("unreadable", f"{self.path}: no content")
                    if n == 0:
                        return None
                    continue
                if not block.startswith(b"SIMPLE  =" if index == 0 else b"XTENSION="):
                    if index == 0:
                        raise CubeRejected(
                            "unreadable",
                            f"{self.path}: not a FITS file, it starts with {bytes(block[:24])!r}",
                        )
                    raise CubeRejected(
                        "corrupt",
                        f"{self.path}: HDU {index} expected at byte {where}, found {bytes(block[:16])!r}",
                    )
            if n < BLOCK:
                self._short(index, "header", self.position - n + BLOCK)
            if any(byte < 32 or byte > 126 for byte in block):
                break  # data already: the END card is missing
            cards.append(bytes(block))
            if any(block[i : i + CARD].rstrip() == b"END" for i in range(0, BLOCK, CARD)):
                return self._parse(b"".join(cards), index)
        raise CubeRejected("unreadable", f"{self.path}: header of HDU {index} (byte {where}) has no END card")

    def _parse(self, text, index):
        from astropy.io.fits import Header

        return Header.fromstring(text.decode("ascii"))

    def _unit(self, index, header, wanted):
        try:
            bitpix, naxis = int(header["BITPIX"]), int(header["NAXIS"])
            shape = tuple(int(header[f"NAXIS{i}"]) for i in range(naxis, 0, -1))
            name = str(header.get("EXTNAME", "PRIMARY" if index == 0 else "")).strip().upper()
            kind = str(header.get("XTENSION", "IMAGE")).strip()
            extra, groups = int(header.get("PCOUNT", 0)), int(header.get("GCOUNT", 1))
            dtype = np.dtype(TYPES[bitpix])
        except Exception as error:  # astropy's VerifyError for a malformed card, KeyError for a missing one
            raise CubeRejected(
                "corrupt", f"{self.path}: HDU {index} has no valid structure cards (BITPIX, NAXISn): {error}"
            ) from None
        size = dtype.itemsize * groups * (extra + int(np.prod(shape, dtype=object))) if naxis else 0
        limit = MAX_BYTES if self.gzipped else self.size - self.position
        if size > limit or size < 0:
            self._short(index, name, self.position + size, self.size if not self.gzipped else None)
        unit = Hdu(name, header, shape, dtype.name)
        if kind == "IMAGE" and naxis and size and wanted(index, name):
            try:
                data = np.empty(shape, dtype)
            except MemoryError:
                raise CubeRejected(
                    "corrupt", f"{self.path}: HDU {index} {name} claims {size} bytes: no memory"
                ) from None
            if (n := self._fill(data)) < size:
                self._short(index, name, self.position - n + size)
            unit.data = _native(data, header, f"{self.path}: HDU {index} {name}")
        else:
            self._skip(size, index, name)
        self._skip(-size % BLOCK, index, name)
        return unit

    def _skip(self, size, index, name):
        buffer = bytearray(min(size, 2**22))
        while size > 0:
            part = memoryview(buffer)[: min(size, len(buffer))]
            if (n := self._fill(part)) < len(part):
                self._short(index, name, self.position - n + size)
            size -= len(part)

    def _short(self, index, name, expected, found=None):
        found = self.position if found is None else found
        content = "bytes of content" if self.gzipped else "bytes"
        raise CubeRejected(
            "truncated",
            f"{self.path}: HDU {index} {name} needs at least {expected} {content}, found {found}",
        )


def _native(data, header, where):
    """Native byte order and physical values; BLANK of an integer image becomes NaN."""
    if data.dtype.itemsize > 1:
        data = data.byteswap(inplace=True).view(data.dtype.newbyteorder("="))
    try:
        scale, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
        blank = int(header["BLANK"]) if "BLANK" in header and data.dtype.kind in "iu" else None
    except Exception as error:
        raise CubeRejected("corrupt", f"{where}: BSCALE, BZERO or BLANK is not a number: {error}") from None
    if (scale, zero) == (1, 0) and blank is None:
        return data
    wide = np.float32 if data.dtype.itemsize <= 2 or data.dtype == np.float32 else np.float64
    missing = data == blank if blank is not None else None
    data = data.astype(wide) * wide(scale) + wide(zero)
    if missing is not None:
        data[missing] = np.nan
    return data
