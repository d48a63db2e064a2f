"""Digests that decide what is rerun: of the code behind a step, and of the galaxies behind a fit; and the commit."""

import functools
import hashlib
import os
import re
import subprocess
from pathlib import Path

from cubespace.files import digest

_ROOT = Path(__file__).parent


def _path(module):
    """File of a module of this package, or None."""
    inside = _ROOT.joinpath(*module.split(".")[1:])
    for candidate in (inside / "__init__.py", inside.parent / f"{inside.name}.py"):
        if candidate.is_file():
            return candidate
    return None


_IMPORT = re.compile(r"(?:^|[;:])[ \t]*(?:from\b[ \t]*(\.*)[ \t]*([\w.]*?)[ \t]*)?\bimport\b[ \t]*(\([^)]*\)|[^\n;]+)", re.MULTILINE)
_NAME = re.compile(r"(?:^|,)\s*([\w.]+)")
_NO_CODE = re.compile(r"#.*|\\\n")  # comments, and the ends of lines that go on


@functools.cache
def _imports(module):
    """Modules of this package that `module` imports, at its top or inside functions.

    Each job asks for it, so by expressions: a syntax tree takes as long as reading a small cube.
    """
    path = _path(module)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = set()
    for dots, base, names in _IMPORT.findall(_NO_CODE.sub("", path.read_text("utf-8"))):
        names = _NAME.findall(names.strip("() \t\n"))
        if dots:
            base = ".".join([*package[: len(package) - len(dots) + 1], *filter(None, [base])])
        if base:
            names = [base, *(f"{base}.{name}" for name in names)]
        found.update(name for name in names if name.split(".")[0] == "cubespace" and _path(name))
    return frozenset(found)


def import_closure(module):
    """Names of all modules of this package that run when `module` runs, itself and their packages included."""
    closure, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in closure:
            continue
        if _path(name) is None:
            raise ValueError(f"{name} is not a module of cubespace")
        closure.add(name)
        waiting.extend(_imports(name))
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return sorted(closure)


@functools.cache
def code_digest(module):
    """SHA-256 over the files of `import_closure(module)`, 16 digits: changes when any code behind a step changes.

    Snakemake does not look into imported modules; each rule carries this as a parameter, so that an edit reruns
    exactly the rules whose code it is, and a mere touch or a fresh clone reruns nothing. The ledger is left out: it
    keeps records of what steps do and has no part in it.
    """
    total = hashlib.sha256()
    for name in import_closure(module):
        if name == "cubespace.ledger":
            continue
        total.update(name.encode() + b"\0" + _path(name).read_bytes() + b"\0")
    return total.hexdigest()[:16]


def release_digest(rows):
    """Digest of the galaxies a fit sees: (galaxy, role) of all rows with role train or validation, any order; None without any."""
    fitted = sorted((str(galaxy), str(role)) for galaxy, role in rows if role in ("train", "validation"))
    return digest(fitted) if fitted else None


@functools.cache
def commit():
    """Git commit that the library is at, with ``+dirty`` after it where a tracked file differs; ``none`` outside of a clone.

    CUBESPACE_COMMIT in the environment goes before: the workflow sets it once, so that all jobs of a run say the same.
    """
    if "CUBESPACE_COMMIT" in os.environ:
        return os.environ["CUBESPACE_COMMIT"]
    clone = _ROOT.parents[1]
    try:
        top = Path(_git(clone, "rev-parse", "--show-toplevel"))
        if not top.samefile(clone):
            return "none"
        dirty = "+dirty" if _git(clone, "status", "--porcelain", "--untracked-files=no") else ""
        return _git(clone, "rev-parse", "HEAD") + dirty
    except (OSError, subprocess.CalledProcessError):  # no git, no clone, or a clone of someone else
        return "none"


def _git(clone, *words):
    return subprocess.run(["git", "-C", str(clone), *words], capture_output=True, text=True, check=True).stdout.strip()
