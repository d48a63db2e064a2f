"""The ledger: what each job read and wrote, by content. One JSON a job, kept among the results and copied with them.

The step runner writes it, no step takes part: Python says which files are opened and renamed (`sys.addaudithook`), and
the command line says which of them count. A record holds no date, so that equal runs leave equal ledgers.
"""

import contextlib
import json
import os
import platform
import sys
from pathlib import Path

from cubespace import __version__
from cubespace.errors import CubespaceError
from cubespace.files import digest, file_digest, write_text
from cubespace.provenance import code_digest, commit

FOLDER = "CUBESPACE_LEDGER"  # environment: folder of the ledger; no record is written where it is not set
RUN = "run.json"  # the record of the run as a whole
_PACKAGES = (
    "astropy", "isal", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "safetensors", "scipy", "seaborn", "sklearn",
    "torch", "umap",
)  # fmt: skip


class _Watch:
    """Paths that this process opened for reading and renamed to: an audit hook."""

    def __init__(self):
        self.read, self.written = set(), set()

    def __call__(self, event, args):
        if event == "open" and isinstance(args[0], (str, os.PathLike)) and args[2] & os.O_ACCMODE == os.O_RDONLY:
            self.read.add(os.fspath(args[0]))
        elif event == "os.rename":
            self.written.add(os.fspath(args[1]))


@contextlib.contextmanager
def recorded(step):
    """Run a step's work inside; then write its record into the folder that the environment names, if it names one."""
    folder = os.environ.get(FOLDER)
    if not folder:
        yield
        return
    watch = _Watch()
    sys.addaudithook(watch)
    yield
    record = job(step, sys.argv[1:], watch.read, watch.written)
    if record["outputs"]:
        write_text(place(folder, next(iter(record["outputs"]))), as_text(record))


def job(step, argv, read, written):
    """The record of a job.

    Outputs are the files named on the command line that were written. Inputs are the others named there, and of the
    folders named there, and of the files named in the settings, those that were opened.

    Parameters
    ----------
    step : str, module
    argv : list of str, its command line
    read, written : iterables of paths that were opened for reading, and renamed to when whole
    """
    settings = _settings(argv)
    read, written = ({portable(path) for path in paths if isinstance(path, str)} for paths in (read, written))
    # os.path, not pathlib: most words are no paths, some no possible ones
    named = dict.fromkeys(portable(word) for word in argv if os.path.isfile(word))  # noqa: PTH113 (in their order)
    folders = {portable(word) for word in argv if os.path.isdir(word)}  # noqa: PTH112
    mentioned = {portable(text) for text in _texts(settings) if os.path.isfile(text)}  # noqa: PTH113
    opened = {path for path in read if path in mentioned or any(path.startswith(folder + os.sep) for folder in folders)}
    outputs = [path for path in named if path in written]  # the first names the record
    inputs = sorted(path for path in (named.keys() | opened) - written if Path(path).is_file())
    return {
        "step": step,
        "command": ["python", "-m", step, *argv],
        "inputs": {path: file_digest(path) for path in inputs},
        "outputs": {path: file_digest(path) for path in outputs},
        "settings_digest": digest(settings),
        "code_digest": code_digest(step),
        "cubespace_version": __version__,
        "git_commit": commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "software": {name: sys.modules[name].__version__ for name in _PACKAGES if hasattr(sys.modules.get(name), "__version__")},
    }


def _settings(argv):
    return json.loads(argv[argv.index("--settings") + 1]) if "--settings" in argv else {}


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def portable(path):
    """A path as the ledger has it: relative to the working directory inside of it, else absolute; links are not followed."""
    full = os.path.abspath(path)  # noqa: PTH100 (resolve() would follow links)
    here = Path.cwd()
    return str(Path(full).relative_to(here)) if Path(full).is_relative_to(here) else full


def digest_of(inputs, word):
    """Digest, among the inputs of a record, of the file that its command line calls `word`, wherever it ran."""
    tail = str(Path(*(part for part in Path(word).parts if part not in ("..", os.sep))))
    return next(digest for path, digest in inputs.items() if (os.sep + path).endswith(os.sep + tail))


def place(folder, output):
    """File of the record of the job that made `output`: results/provenance/maps/A.fits.json for results/maps/A.fits."""
    inside = os.path.relpath(output, Path(folder).parent)
    return Path(folder) / f"{inside.replace('..' + os.sep, 'outside' + os.sep)}.json"


def as_text(record):
    """A record as the file has it; equal records are equal bytes."""
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def read(results):
    """The ledger of a folder of results.

    Returns
    -------
    run : dict, the record of the last run; {} where there is none
    records : list of dict, one a job, in the order of their files

    Raises
    ------
    CubespaceError
        There is no ledger, or a record is damaged.
    """
    folder = Path(results) / "provenance"
    if not folder.is_dir():
        raise CubespaceError(f"{results}: no folder provenance: expected the results of a run of this version")
    run, records = {}, []
    for path in sorted(folder.rglob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CubespaceError(f"{path}: not JSON: {error}") from None
        if path == folder / RUN:
            run = record
            continue
        lacking = [key for key in ("step", "inputs", "outputs", "settings_digest", "code_digest") if key not in record]
        if lacking:
            raise CubespaceError(f"{path}: not a record of a job: {', '.join(lacking)} missing")
        records.append(record)
    return run, records


def run_of(results):
    """The record of the last run; CubespaceError where there is none."""
    run, _ = read(results)
    if not run:
        raise CubespaceError(f"{results}/provenance/{RUN}: no such file: expected the record of a run")
    return run


def write_run(folder, config, files, overrides, settings, temporary):
    """Write the record of a run.

    Parameters
    ----------
    folder : path of the ledger
    config : dict, checked and complete
    files : list of str, the configuration files it was read from
    overrides : dict of what was set on the command line instead
    settings : dict, step -> digests of the settings that its rules give it
    temporary : list of patterns (fnmatch) of files that are deleted once they were read
    """
    record = {"cubespace_version": __version__, "git_commit": commit(), "config": config, "config_files": files}
    record |= {"overrides": overrides, "settings": settings, "temporary": temporary}
    write_text(Path(folder) / RUN, json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
