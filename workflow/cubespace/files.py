"""Writing files: whole or not at all, the same bytes for the same content, and signed with their provenance."""

import contextlib
import errno
import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

from cubespace import __version__
from cubespace.errors import CubespaceError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_CARDS = {
    "cubespace_version": ("CSVERS", "cubespace version"),
    "git_commit": ("CSCOMMIT", "commit of the code"),
    "code_digest": ("CSCODE", "digest of the code that made this file"),
    "config_digest": ("CSCONF", "digest of the settings that made this file"),
    "release_digest": ("CSREL", "digest of the frozen list of galaxies"),
    "seed": ("CSSEED", "random seed"),
}


@contextlib.contextmanager
def atomic(path):
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on any error.

    The temporary name keeps all suffixes of `path`, since writers choose formats by them.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".partial-", suffix="-" + path.name, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())  # before the new name: a full network disk may show only now, a dying node later
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes private files; results are to be shared in a group
        temporary.replace(path)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise CubespaceError(f"{path}: cannot be written: {os.strerror(error.errno)}") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def reading_fits(path, fault):
    """HDUs of a FITS file that the project wrote; CubespaceError ``{path}: {fault}: ...`` for whatever is wrong with it.

    To be read inside: astropy finds much of what is damaged only when it is asked for.
    """
    from astropy.io import fits

    try:
        with fits.open(path, memmap=False) as hdus:
            yield hdus
    except FileNotFoundError:
        raise CubespaceError(f"{path}: no such file") from None
    except (OSError, LookupError, TypeError, ValueError, AttributeError, fits.VerifyError) as error:
        raise CubespaceError(f"{path}: {fault}: {error}") from None


def write_text(path, text):
    """Write `text` in UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")



def write_npz(path, **arrays):
    """Write arrays as an ``.npz`` that `numpy.load` reads; no time stamps, so equal content gives equal bytes."""
    import numpy as np

    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, value in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asanyarray(value), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue())


def write_fits(path, hdulist):
    """Write an astropy `HDUList`."""
    with atomic(path) as temporary:
        hdulist.writeto(temporary, overwrite=True)


def digest(content):
    """First 16 hexadecimal digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path):
    """SHA-256 of the content of a file, 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def provenance(settings, seed=None, release=None, code=None, commit=None):
    """What every file carries: version, commit, digests of the code and settings that made it, release digest, seed; no date.

    Parameters
    ----------
    settings : dict
        The configuration section(s) that the step was given.
    seed : int, optional
    release : str, optional
        Digest of the release (`cubespace.provenance.release_digest`); absent for files made before there is one.
    code, commit : str, optional
        `cubespace.provenance.code_digest` of the step, and `cubespace.provenance.commit`.
    """
    signed = {"cubespace_version": __version__, "config_digest": digest(settings)}
    if commit is not None:
        signed["git_commit"] = commit
    if code is not None:
        signed["code_digest"] = code
    if release is not None:
        signed["release_digest"] = str(release)
    if seed is not None:
        signed["seed"] = str(seed)
    return signed


def header_cards(signed):
    """The same as FITS cards: list of (keyword, value, comment)."""
    return [(_CARDS[key][0], value, _CARDS[key][1]) for key, value in signed.items()]
