"""Reading a FITS file, gzipped or not, in one pass, with every fault told in words.

The file is decoded as a stream (ISA-L for gzip, three times as fast as zlib) straight into the arrays that
are wanted, in pieces that stay in the processor's cache; the others are skipped, so the peak memory is that of the
wanted arrays. A plain file is not read where nothing is wanted.
"""

import contextlib
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubespace.cubes.readers.header import CARD, Header, number, required_text, text, whole
from cubespace.errors import CubeRejected

BLOCK = 2880
PIECE = 2**20  # bytes: a multiple of every sample's size
MAX_HEADER_BLOCKS = 2000
MAX_ALIEN = 3  # cards without a lawful keyword in a block of 36: more, and it is data (the END card is missing)
MAX_BYTES = 64 * 2**30
MAX_GAIN = 1100  # deflate packs 1032 times at most
TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_HALF = {1: -128, 2: 2**15, 4: 2**31, 8: 2**63}  # BZERO of integers of the other sign (FITS standard 4.0, sec. 5.2.5), by bytes
KEYWORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ ")
TILED = "COMPRESSED_IMAGE"  # the EXTNAME that fpack gives; some writers leave it beside the image's own
OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip", b"\x1f\x9d": "compress (.Z)", b"\x89HDF": "HDF5",
          b"(\xb5/\xfd": "zstandard"}  # fmt: skip
GZIP = b"\x1f\x8b"


@dataclass
class Hdu:
    """One header-data unit; `data` is None where it was not wanted or is not an image."""

    name: str
    header: object
    shape: tuple
    dtype: str
    data: np.ndarray | None = None
    index: int = 0

    def __str__(self):
        return f"{self.name or 'unnamed'} {self.shape} {self.dtype}"


def read_hdus(path, wanted=lambda index, name: True, enough=None, checksum="reject", notes=None):
    """Read all headers and the wanted images of a FITS file.

    Parameters
    ----------
    path : path of a ``.fits`` or gzipped FITS file, tile-compressed (fpack) or not; recognised by content, not by name.
    wanted : callable (index, name) -> bool
    enough : callable (list of `Hdu`) -> bool, optional
        Asked after each HDU; what follows is left unread, and the checksum of a gzipped file unchecked.
    checksum : "reject", "note" or "ignore"
        What to do if an HDU contradicts its own CHECKSUM or DATASUM card.
    notes : list, optional
        Takes what was found odd but harmless.

    Returns
    -------
    list of `Hdu`, arrays in native byte order, scaled (BSCALE, BZERO), BLANK as NaN. The primary image of an
    fpacked file has the name PRIMARY.

    Raises
    ------
    CubeRejected
        ``unreadable`` (no such file, empty, not FITS, no END card), ``truncated`` or ``corrupt``, with the
        sizes expected and found.
    """
    path = str(path)
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            raise CubeRejected("unreadable", f"{path}: not a file")
        with open(path, "rb") as file:
            start = file.read(BLOCK)
    except OSError as error:
        raise CubeRejected("unreadable", f"{path}: {error.strerror}") from None
    except ValueError as error:  # a NUL in the name
        raise CubeRejected("unreadable", f"{path!r}: {error}") from None
    if found.st_size == 0:
        raise CubeRejected("unreadable", f"{path}: empty file (0 bytes)")
    _refuse_other_formats(path, start)
    gzipped = start[:2] == GZIP
    with _open(path, gzipped) as stream:
        reader = _Reader(path, found.st_size, stream, gzipped, checksum, [] if notes is None else notes)
        return reader.hdus(wanted, enough)


def _refuse_other_formats(path, start, where=""):
    """CubeRejected if content that starts like `start` (2,880 bytes, or all there is) is of another known format."""
    kind = next((kind for magic, kind in OTHERS.items() if start.startswith(magic)), None)
    kind = "a tar archive" if start[257:262] == b"ustar" and not start.startswith(b"SIMPLE") else kind
    if kind is not None:
        raise CubeRejected("unreadable", f"{path}: not a FITS file but {kind}{where}; plain or gzipped FITS is expected")


@contextlib.contextmanager
def _open(path, gzipped):
    if gzipped:
        from isal import igzip

        with igzip.open(path, "rb") as stream:
            yield stream
    else:
        with open(path, "rb") as stream:
            yield stream


class _Reader:
    def __init__(self, path, size, stream, gzipped, checksum, notes):
        self.path, self.size, self.stream, self.gzipped = path, size, stream, gzipped
        self.checksum, self.notes = checksum, notes
        self.position = 0

    def hdus(self, wanted, enough):
        found = []
        while (header := self._header(len(found))) is not None:
            found.append(self._unit(len(found), *header, wanted))
            if enough is not None and enough(found):
                break
        first = found[0]
        packed = next((unit for unit in found[1:] if unit.dtype.endswith("tiles")), None)
        if first.data is None and not first.shape and packed is not None and _is_packed_primary(packed):
            packed.name = "PRIMARY"
            found = found[1:]
        return found

    def _fill(self, buffer):
        """Read into `buffer` until it is full or the file ends; the number of bytes read."""
        view, done = memoryview(buffer).cast("B"), 0
        try:
            while done < len(view) and (n := self.stream.readinto(view[done:])):
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
        """(header, sum of its bytes) of the next unit, or None at the end of the file."""
        where, blocks, found = self.position, [], "no END card"
        for _ in range(MAX_HEADER_BLOCKS):
            block = bytearray(BLOCK)
            n = self._fill(block)
            if not blocks:
                if not block[:n].strip(b"\0 "):  # end of file, or blocks of padding after the last unit
                    if index == 0:
                        raise CubeRejected("unreadable", f"{self.path}: no content")
                    if n == 0:
                        return None
                    continue
                self._check_start(block, index, where)
            elif block.startswith((b"XTENSION=", b"SIMPLE  =")):
                break  # the next unit already
            if n < BLOCK:
                self._short(index, "header", self.position - n + BLOCK)
            blocks.append(bytes(block))
            cards = [block[i : i + CARD] for i in range(0, BLOCK, CARD)]
            end = next((i for i, card in enumerate(cards) if card[:8] == b"END     " and card[8:10] != b"= "), None)
            alien = [bytes(card) for card in cards[:end] if not KEYWORD.issuperset(card[:8])]
            if len(alien) > MAX_ALIEN:  # data already
                found = f"{len(alien)} cards in block {len(blocks)} without a keyword of capitals, digits, - and _, as {alien[0][:20]!r}"
                found += ": data without an END card before it, damage, or names in small letters"
                break
            if end is not None:
                return self._parse(b"".join(blocks)), _sum32(np.frombuffer(b"".join(blocks), ">u4"))
        raise CubeRejected("unreadable", f"{self.path}: header of HDU {index} (byte {where}) has {found}")

    def _check_start(self, block, index, where):
        if index == 0 and not block.startswith(b"SIMPLE  ="):
            if self.gzipped:
                _refuse_other_formats(self.path, block, " inside gzip")
                if block.startswith(GZIP):
                    raise CubeRejected("unreadable", f"{self.path}: gzipped twice; plain or gzipped FITS is expected")
            raise CubeRejected("unreadable", f"{self.path}: not a FITS file, it starts with {bytes(block[:24])!r}")
        if index > 0 and not block.startswith(b"XTENSION="):
            raise CubeRejected(
                "corrupt",
                f"{self.path}: HDU {index} expected at byte {where}, found {bytes(block[:16])!r}: data that no header "
                "accounts for, or a damaged header before",
            )

    def _parse(self, content):
        if bad := sum(byte < 32 or byte > 126 for byte in content):
            self.notes.append(f"{self.path}: {bad} bytes in a header that are no text: read as '?'")
            content = bytes(byte if 32 <= byte <= 126 else 63 for byte in content)
        return Header(content)

    def _unit(self, index, header, total, wanted):
        where = f"{self.path}: HDU {index}"
        kind = required_text(header, "XTENSION", where) or "IMAGE"
        name = required_text(header, "EXTNAME", where, TILED).upper() or ("" if index else "PRIMARY")
        where = f"{where} {name}"
        try:
            bitpix, naxis = whole(header, "BITPIX"), whole(header, "NAXIS")
            shape = tuple(whole(header, f"NAXIS{i}") for i in range(naxis, 0, -1))
            extra, groups = whole(header, "PCOUNT", 0), whole(header, "GCOUNT", 1)
            dtype = np.dtype(TYPES[bitpix])
            if min(*shape, naxis, extra, groups) < 0 or groups != 1 or (kind == "IMAGE" and extra):
                raise ValueError(f"NAXIS = {naxis}, shape {shape}, PCOUNT = {extra}, GCOUNT = {groups}")
        except (ValueError, KeyError) as error:
            raise CubeRejected(
                "corrupt", f"{self.path}: HDU {index} has no valid structure cards (BITPIX, NAXISn): {error}"
            ) from None
        size = dtype.itemsize * groups * (extra + int(np.prod(shape, dtype=object))) if naxis else 0
        limit = min(MAX_BYTES, MAX_GAIN * self.size) if self.gzipped else self.size - self.position
        if size > limit:
            self._short(index, name, self.position + size, None if self.gzipped else self.size)
        unit = Hdu(name, header, shape, dtype.name, index=index)
        tiles = kind == "BINTABLE" and required_text(header, "ZIMAGE", where) == "True"
        if tiles:
            from cubespace.cubes.readers import tiles as packing

            unit.shape, unit.dtype = packing.describe(header, size, where)
            if unit.name == TILED or (not unit.name and text(header, "ZSIMPLE") == "True"):
                unit.name = "PRIMARY"
        sums = self.checksum != "ignore" and "CHECKSUM" in header and bool(text(header, "CHECKSUM", "damaged").strip("0"))
        take = size > 0 and (kind == "IMAGE" or tiles) and wanted(index, unit.name)
        if take:
            raw = np.empty(size, np.uint8) if tiles else self._empty(shape, dtype, where)
            total += self._load(raw, index, name, sums)
        else:
            self._skip(size, index, name)
        total += self._skip(-size % BLOCK, index, name, take)
        if sums and (take or not size):
            self._check_sum(total, where)
        if take:
            unit.data = packing.unpack(header, raw, where) if tiles else _scaled(raw, header, where)
            raw = None
        return unit

    def _empty(self, shape, dtype, where):
        try:
            return np.empty(shape, dtype)
        except (MemoryError, ValueError):
            raise CubeRejected("corrupt", f"{where} claims the shape {shape}: no memory") from None

    def _load(self, data, index, name, sums):
        """Fill an array from the stream, to native byte order piece by piece; the sum of its 32-bit words if wanted."""
        flat = data.reshape(-1)
        step, total, size = PIECE // data.itemsize, 0, data.nbytes
        for start in range(0, flat.size, step):
            piece = flat[start : start + step]
            if (n := self._fill(piece)) < piece.nbytes:
                self._short(index, name, self.position - n + size - start * data.itemsize)
            if sums:
                words = piece.view(np.uint8)
                if len(words) % 4:
                    words = np.concatenate([words, np.zeros(-len(words) % 4, np.uint8)])
                total += _sum32(words.view(">u4"))
            if data.itemsize > 1:
                piece.byteswap(inplace=True)
        return total

    def _skip(self, size, index, name, read=False):
        """Pass over bytes; their sum if they are to be read."""
        if not (self.gzipped or read):
            if self.position + size > self.size:
                self._short(index, name, self.position + size, self.size)
            self.stream.seek(size, 1)
            self.position += size
            return 0
        buffer, total = bytearray(min(size, PIECE)), 0
        while size > 0:
            part = memoryview(buffer)[: min(size, len(buffer))]
            if (n := self._fill(part)) < len(part):
                self._short(index, name, self.position - n + size)
            if read and len(part) % 4 == 0:
                total += _sum32(np.frombuffer(part, ">u4"))
            size -= len(part)
        return total

    def _check_sum(self, total, where):
        """CHECKSUM makes the words of a whole HDU add up to all ones (FITS standard 4.0, sec. 4.4.2.7)."""
        while total >> 32:
            total = (total & 0xFFFFFFFF) + (total >> 32)
        if total in (0, 0xFFFFFFFF):
            return
        message = f"{where} contradicts its CHECKSUM: damaged, or changed without a new one"
        if self.checksum == "reject":
            raise CubeRejected("corrupt", message)
        self.notes.append(message)

    def _short(self, index, name, expected, found=None):
        found = self.position if found is None else found
        content = "bytes of content" if self.gzipped else "bytes"
        raise CubeRejected(
            "truncated",
            f"{self.path}: HDU {index} {name} needs at least {expected} {content}, found {found}",
        )


def _is_packed_primary(unit):
    return unit.name == "PRIMARY" or text(unit.header, "ZSIMPLE") == "True"


def _sum32(words):
    return int(words.sum(dtype=np.uint64))


def _scaled(data, header, where):
    """Physical values of native samples: whole numbers as such, also by FITS's convention for unsigned ones (BZERO of half
    their range); float64 for any other BSCALE and BZERO, or where an integer image has BLANK samples, which become NaN."""
    data = data.view(data.dtype.newbyteorder("="))
    try:
        blank = whole(header, "BLANK") if "BLANK" in header and data.dtype.kind in "iu" else None
    except ValueError as error:
        raise CubeRejected("header_card", f"{where}: not a whole number: {error}") from None
    scale, zero = number(header, "BSCALE", where, 1.0), number(header, "BZERO", where, 0.0)
    if scale == 0:
        raise CubeRejected("header_card", f"{where}: BSCALE = 0")
    missing = data == blank if blank is not None else None
    if data.dtype.kind in "iu" and (scale, zero) == (1, _HALF[data.dtype.itemsize]):
        bits = data.view(f"u{data.dtype.itemsize}")
        bits ^= bits.dtype.type(1 << 8 * data.dtype.itemsize - 1)  # adds half of the range: float64 would lose the low bits
        data, zero = data.view("i1") if data.dtype.itemsize == 1 else bits, 0.0
    if (scale, zero) != (1, 0):
        data = data.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            data *= scale
            data += zero
    if missing is not None and missing.any():
        data = data.astype(np.float64, copy=False)
        data[missing] = np.nan
    return data
