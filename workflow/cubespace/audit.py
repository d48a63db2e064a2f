"""The audit: are the results what their jobs wrote, made from the inputs that are there, by the code and settings that are there?

It walks the ledger (`cubespace.ledger`) from files back to the cubes and tables that they stand on, and compares digests of
content. What it cannot see: a result that was exchanged together with its record, and what a job read beside its inputs.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from cubespace import ledger
from cubespace.errors import CubespaceError
from cubespace.files import file_digest
from cubespace.provenance import code_digest

VERDICTS = {
    "missing": "a file of the ledger is not there",
    "changed": "a result is not what its job wrote",
    "replaced": "an input from outside is not what was read",
    "stale": "made from another state of a result than the one there is",
    "unrecorded": "a file among the results that no job wrote",
    "code": "the code of a step is not what it was",
    "settings": "the settings of a step are not those of the last run",
    "configuration": "the configuration is not that of the last run",
}
_OURS = ("report.zip", "report.html", "ro-crate-metadata.json")  # written beside the jobs


class Finding(NamedTuple):
    """One thing that does not match: its kind (`VERDICTS`), the file or step, what was found, and how many results follow from it."""

    verdict: str
    what: str
    detail: str
    affects: int


class Audit(NamedTuple):
    """What was looked at, and what does not match."""

    jobs: int
    results: int
    sources: list
    findings: list
    notes: list


def audit(results, targets=(), inside=False, config=None):
    """Compare results with their ledger.

    Parameters
    ----------
    results : path of the folder
    targets : paths of results to start from; without any, all are looked at
    inside : bool
        Leave alone what lies outside of the results: where they were copied to, cubes need not be.
    config : dict, optional
        The configuration as it is now, checked; compared with that of the last run.

    Raises
    ------
    CubespaceError
        There is no ledger, or a target is not one of its results.
    """
    run, records = ledger.read(results)
    makers = {path: record for record in records for path in record["outputs"]}
    jobs = records if not targets else behind([_recorded(target, results, makers) for target in targets], makers)
    read = {path for record in jobs for path in record["inputs"]}
    made = {path for record in jobs for path in record["outputs"]}
    sources = sorted(path for path in read if path not in makers and not is_result(path))
    here = _digests([*made, *read], results, inside)
    dependents = _Dependents(records)
    found, notes = [], []

    def say(verdict, what, detail, files):
        found.append(Finding(verdict, what, detail, len(dependents.of(files))))

    for path in sorted(made):
        wanted = makers[path]["outputs"][path]
        if here[path] is None and is_temporary(path, run):
            continue
        if here[path] != wanted:
            verdict = "missing" if here[path] is None else "changed"
            say(verdict, path, f"{_short(here[path])}, {_name(makers[path]['step'])} wrote {_short(wanted)}", [path])
    unrecorded = [path for path in read if path not in makers and is_result(path)]
    unrecorded += [] if targets else _strangers(results, makers)
    for path in sorted(set(unrecorded)):
        say("unrecorded", path, "no record says who wrote it", [path])
    for path in sources if not inside else []:
        readers = [job for job in jobs if job["inputs"].get(path, here[path]) != here[path]]
        if readers:
            who = ", ".join(sorted({_name(job["step"]) for job in readers}))
            verdict = "missing" if here[path] is None else "replaced"
            say(verdict, path, f"{_short(here[path])}, {who} read {_short(readers[0]['inputs'][path])}", [path])
    for job in jobs:
        older = [path for path, digest in job["inputs"].items() if path in makers and makers[path]["outputs"][path] != digest]
        if older:
            first, one = next(iter(job["outputs"])), older[0]
            others = f" (and {len(older) - 1} more)" if len(older) > 1 else ""
            now = _short(makers[one]["outputs"][one])
            say("stale", first, f"made from {one} of {_short(job['inputs'][one])}, which is now {now}{others}", job["outputs"])
    for verdict, step, detail, files in _steps(jobs, run):
        say(verdict, step, detail, files)
    for key, then, now in differences(run["config"], config) if config is not None and run else ():
        found.append(Finding("configuration", key, f"{now!r}, in the last run {then!r}", 0))
    if inside:
        notes.append(f"{len(sources)} files outside of the results were not looked at")
    return Audit(len(jobs), len(made), sources, found, notes)


def sound(results, targets=()):
    """(run, records, Audit) of results that agree with their ledger, whatever lies outside of them; to be handed on.

    Raises
    ------
    CubespaceError
        There is no record of a run, or something does not match.
    """
    run, records = ledger.run_of(results), ledger.read(results)[1]
    checked = audit(results, targets, inside=True)
    if checked.findings:
        raise CubespaceError(
            f"{results}: not to be handed on as it is: run the workflow, with the code that made it, to its end first\n{as_table(checked)}"
        )
    return run, records, checked


def _steps(jobs, run):
    """Steps whose code or settings are others now: (verdict, step, detail, files)."""
    for step in sorted({job["step"] for job in jobs}):
        mine = [job for job in jobs if job["step"] == step]
        try:
            now = code_digest(step)
        except ValueError:
            now = None
        edited = [job for job in mine if job["code_digest"] != now]
        if edited:
            files = [path for job in edited for path in job["outputs"]]
            yield "code", _name(step), f"{_short(now)}, {len(edited)} of {len(mine)} jobs ran {_short(edited[0]['code_digest'])}", files
        allowed = run.get("settings", {}).get(step)
        other = [job for job in mine if allowed is not None and job["settings_digest"] not in allowed]
        if other:
            files = [path for job in other for path in job["outputs"]]
            yield (
                "settings", _name(step), f"{', '.join(map(_short, allowed))} in the last run, {len(other)} of {len(mine)} jobs had "
                f"{_short(other[0]['settings_digest'])}", files,
            )  # fmt: skip


def behind(paths, makers):
    """Records of all jobs behind some results (paths as in the ledger), each once; makers : path -> record."""
    jobs, seen, waiting = [], set(), list(paths)
    while waiting:
        record = makers.get(waiting.pop())
        if record is None or id(record) in seen:
            continue
        seen.add(id(record))
        jobs.append(record)
        waiting.extend(record["inputs"])
    return jobs


class _Dependents:
    """Which results follow from which files, one step or many away."""

    def __init__(self, records):
        self.next = {}
        for record in records:
            for path in record["inputs"]:
                self.next.setdefault(path, set()).update(record["outputs"])

    def of(self, paths):
        found, waiting = set(), list(paths)
        while waiting:
            for path in self.next.get(waiting.pop(), ()):
                if path not in found:
                    found.add(path)
                    waiting.append(path)
        return found - set(paths)


def locate(path, results):
    """Where a path of the ledger is now: results may have been moved or copied."""
    if is_result(path):
        return Path(results) / Path(path).relative_to("results")
    return Path(results).parent / path


def is_result(path):
    """Whether a path of the ledger is among the results."""
    return Path(path).parts[:1] == ("results",)


def is_temporary(path, run):
    """Whether the workflow deletes a result once it was read."""
    return any(fnmatchcase(path, pattern) for pattern in run.get("temporary", ()))


def _digests(paths, results, inside):
    """Digest of each file, None where it is not there; each is read once, several at a time."""
    paths = sorted({path for path in paths if is_result(path) or not inside})
    files = [locate(path, results) for path in paths]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing lets other threads run
        found = pool.map(lambda file: file_digest(file) if file.is_file() else None, files)
        return dict(zip(paths, found, strict=True))


def _recorded(target, results, makers):
    """The ledger's name of a file among the results."""
    path = Path(os.path.abspath(target))  # noqa: PTH100 (links are not followed)
    root = Path(os.path.abspath(results))  # noqa: PTH100
    if not path.is_relative_to(root):
        raise CubespaceError(f"{target}: not in {results}")
    name = str(Path("results") / path.relative_to(root))
    if name not in makers:
        raise CubespaceError(f"{target}: no record says who wrote it: expected a file that a job of the workflow made")
    return name


def _strangers(results, makers):
    """Files that lie among recorded ones and have no record."""
    folders = {Path(path).parent for path in makers if is_result(path)} | {Path("results")}
    found = []
    for folder in folders:
        where = locate(folder, results)
        names = [file.name for file in where.iterdir() if file.is_file()] if where.is_dir() else []
        found += [str(folder / name) for name in names if not name.startswith(".") and name not in _OURS]
    return [path for path in found if path not in makers]


def differences(one, other, path="", stated=False):
    """(key, value in `one`, value in `other`) of all leaves that differ; with `stated`, of those that `one` has."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one if stated else {*one, *other}):
            yield from differences(one.get(key), other.get(key), f"{path}.{key}" if path else key, stated)
    elif one != other:
        yield path, one, other


def _short(digest):
    return "not there" if digest is None else digest[:12]


def _name(step):
    return step.rpartition(".")[2]


def as_table(result):
    """What an audit found, for people."""
    lines = [f"{result.jobs} jobs, {result.results} results, from {len(result.sources)} files from outside"]
    if result.findings:
        head = ("verdict", "file, step or key", "results", "found")
        rows = [head, *((f.verdict, f.what, str(f.affects), f.detail) for f in result.findings)]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines += ["", *("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows), ""]
        lines += [f"{verdict}: {VERDICTS[verdict]}" for verdict in dict.fromkeys(f.verdict for f in result.findings)]
        lines.append("results: how many were made from it, directly or not")
    lines += [f"note: {note}" for note in dict.fromkeys(result.notes)]
    kinds = "sound: all digests match" if not result.findings else f"not sound: {len(result.findings)} findings"
    return "\n".join([*lines, kinds]) + "\n"
