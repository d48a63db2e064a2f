"""Which file is which galaxy's cube: by the pattern of the configuration, whatever spelling of the name the file has."""

from pathlib import Path
from urllib.parse import unquote

from cubespace import names
from cubespace.errors import CubespaceError
from cubespace.files import file_digest


def locate(written, pattern):
    """Path of each galaxy's cube.

    Tried in order: the canonical name in the pattern, the name as the sheet writes it ('UGC6930' beside 'UGC06930'), both
    with and without ``.gz``, then any file of the folder that fits the pattern with a spelling of the name. Where there
    is none (yet), the canonical name.

    Parameters
    ----------
    written : sequence of str, names as the sheet has them
    pattern : str with ``{galaxy}``

    Raises
    ------
    CubespaceError
        Several files with spellings of one name, none of which is the sheet's.
    """
    listed, paths = None, []
    for name in written:
        canonical = pattern.format(galaxy=names.stem(name))
        plain = pattern.format(galaxy=names.file_safe("".join(str(name).split())))
        found = next((path for path in _packed_or_not(canonical, plain) if Path(path).is_file()), None)
        if found is None:
            listed = _spellings(pattern) if listed is None else listed
            others = listed.get(names.key(name), [])
            if len(others) > 1:
                raise CubespaceError(
                    f"{name}: several cubes are spellings of this name: {', '.join(others)}; keep one, or name it in the sheet"
                )
            found = others[0] if others else canonical
        paths.append(found)
    return paths


def _packed_or_not(*paths):
    for path in dict.fromkeys(paths):
        yield path
        yield path[:-3] if path.endswith(".gz") else path + ".gz"


def _spellings(pattern):
    """key of the name -> files of the pattern's folder that fit it; {} where the folder itself depends on the name."""
    folder, last = Path(pattern).parent, Path(pattern).name
    if "{" in str(folder) or last.count("{galaxy}") != 1 or not folder.is_dir():
        return {}
    before, after = last.split("{galaxy}")
    found = {}
    for path in sorted(folder.iterdir()):
        if (
            path.name.startswith(before)
            and path.name.endswith(after)
            and len(path.name) > len(before) + len(after)
        ):
            spelling = unquote(path.name[len(before) : len(path.name) - len(after)])
            found.setdefault(names.key(spelling), []).append(str(path))
    return found


def strays(paths, pattern):
    """Files in the pattern's folder that are no galaxy's cube: other spellings, copies, half-written and hidden files."""
    folder = Path(pattern).parent
    if "{" in str(folder) or not folder.is_dir():
        return []
    used = {Path(path).resolve() for path in paths}
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.resolve() not in used)


def identical(paths):
    """Groups of different paths with the same content, or that are one file; paths that do not exist are left out.

    Only files of equal size are looked into, and wholly only if their first and last 64 kB agree.
    """
    groups = {}
    for path in dict.fromkeys(map(str, paths)):
        if Path(path).is_file():
            groups.setdefault(Path(path).stat().st_size, []).append(path)
    for digest in (_ends, file_digest):
        finer = {}
        for size, group in groups.items():
            if len(group) > 1:
                for path in group:
                    finer.setdefault((size, digest(path)), []).append(path)
        groups = finer
    return [group for group in groups.values() if len(group) > 1]


def _ends(path, length=65536):
    with open(path, "rb") as stream:
        first = stream.read(length)
        stream.seek(max(0, Path(path).stat().st_size - length))
        return first + stream.read(length)
