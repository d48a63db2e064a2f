"""The content of a file, packed or not: the content says so, not the file's name."""

import bz2
import gzip
import lzma

_PACKED = ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress))


def unpacked(raw):
    """The content of a file packed by gzip, bzip2 or xz; of any other, as it is."""
    for mark, unpack in _PACKED:
        if raw.startswith(mark):
            return unpack(raw)
    return raw
