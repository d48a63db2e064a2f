"""Releases: basis, scaling and networks of a run, with all that is needed to embed further galaxies, frozen into one file.

A release is a zip file (or the folder that it unpacks to): ``release.json``, the manifest, and files by their paths under
``results/``. The manifest has the digest of each file; what does not agree with it is not used.
"""

import copy
import hashlib
import io
import json
import re
import zipfile
from itertools import pairwise
from pathlib import Path

from cubespace import audit, ledger
from cubespace.errors import CubespaceError
from cubespace.files import atomic

MANIFEST = "release.json"
# What a network was trained for: another value would make other vectors. The rest of a configuration is free.
FIXED = (
    "seed", "variants", "spectra", "basis", "maps", "sample.cosmology", "network.encoder", "network.training", "network.views",
    "network.embedding",
)  # fmt: skip


def needed(variants):
    """Paths under ``results/`` that a run against a release takes from it."""
    each = [f"network/{variant}/{name}" for variant in variants for name in ("weights.safetensors", "history.csv", "card.md")]
    return ["sample/release.csv", "basis/basis.fits", "basis/scaling.csv", *each]


def freeze(results, name, out):
    """Write the release of a run, ``{out}/{name}.zip``; equal results give equal bytes.

    Parameters
    ----------
    results : path of the folder of results
    name : str of letters, digits, '.', '_', '-'
    out : path of the folder for releases

    Returns
    -------
    path, digest : Path and str, SHA-256 of the manifest, which stands for the whole release

    Raises
    ------
    CubespaceError
        The name will not do, another release has it, or the results are not what their ledger says.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII):
        raise CubespaceError(f"release: name {name!r}: expected letters, digits, '.', '_' and '-'")
    variants = ledger.run_of(results)["config"]["variants"]
    files = [*needed(variants), *(f"embedding/{variant}.parquet" for variant in variants)]
    run, records, checked = audit.sound(results, [Path(results) / path for path in files])
    content = {path: (Path(results) / path).read_bytes() for path in files}
    content["README.md"] = _readme(name, run, variants).encode()
    for legal in ("LICENSE", "CITATION.cff"):
        content[legal] = (Path(__file__).parents[2] / legal).read_bytes()
    manifest = _manifest(name, run, records, checked.sources, files)
    manifest["files"] = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(content.items())}
    text = (json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in sorted({**content, MANIFEST: text}.items()):
            archive.writestr(zipfile.ZipInfo(f"{name}/{path}", (1980, 1, 1, 0, 0, 0)), data)
    target = Path(out) / f"{name}.zip"
    if target.exists() and target.read_bytes() != buffer.getvalue():
        raise CubespaceError(f"{target}: there is another release of this name: a release does not change, choose another name")
    with atomic(target) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return target, hashlib.sha256(text).hexdigest()


def _manifest(name, run, records, sources, files):
    """All but the digests of the files themselves."""
    makers = {path: record for record in records for path in record["outputs"]}
    jobs = audit.behind([f"results/{path}" for path in files], makers)
    software = {}
    for job in jobs:
        for package, version in {"python": job["python"], "platform": job["platform"], **job["software"]}.items():
            software.setdefault(package, set()).add(version)
    cubes = {}
    for job in jobs:
        if job["step"] == "cubespace.steps.moments":
            option = dict(pairwise(job["command"]))
            cubes[option["--galaxy"]] = ledger.digest_of(job["inputs"], option["--cube"])
    return {
        "name": name,
        "cubespace_version": run["cubespace_version"],
        "git_commits": sorted({job["git_commit"] for job in jobs}),
        "config": run["config"],
        "cubes": cubes,
        "inputs": {path: next(job["inputs"][path] for job in jobs if path in job["inputs"]) for path in sources},
        "software": {package: sorted(versions) for package, versions in sorted(software.items())},
    }


def _readme(name, run, variants):
    return "\n".join([
        f"# Release {name} of {run['config']['survey']}",
        "",
        f"Made by cubespace {run['cubespace_version']}. Principal components, channel scaling and networks ({', '.join(variants)}), frozen: galaxies",
        "embedded with it lie in the same space as the vectors in `embedding/`.",
        "",
        "- `release.json`: galaxies' cubes and inputs by SHA-256, configuration, software, digest of each file here",
        "- `sample/release.csv`: the galaxies that basis and networks were fitted on, with their roles",
        "- `network/<variant>/card.md`: what the network was trained on, how well, and where it is blind",
        "",
        f"To embed galaxies with it, without the cubes it was made from, name this file in the configuration (`release: {name}.zip`),",
        "with the sample sheet of the new galaxies and the path of their cubes, and run the workflow.",
        "",
        "Licence of the software: `LICENSE`; to cite it: `CITATION.cff`.",
        "",
    ])  # fmt: skip


class Release:
    """A release on disk, zip file or folder.

    Attributes
    ----------
    manifest : dict
    digest : str, SHA-256 of the manifest
    """

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.exists():
            raise CubespaceError(f"release: {path}: no such file or folder")
        self._root = "" if self.path.is_dir() else self._top()
        text = self._bytes(MANIFEST)
        try:
            self.manifest = json.loads(text)
        except ValueError as error:
            raise CubespaceError(f"release: {path}: {MANIFEST}: not JSON: {error}") from None
        lacking = [key for key in ("name", "config", "files") if key not in self.manifest]
        if lacking:
            raise CubespaceError(f"release: {path}: {MANIFEST}: {', '.join(lacking)} missing")
        self.digest = hashlib.sha256(text).hexdigest()

    def _top(self):
        """Folder of the manifest in the zip file."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                found = [name for name in archive.namelist() if name.rpartition("/")[2] == MANIFEST]
        except zipfile.BadZipFile as error:
            raise CubespaceError(f"release: {self.path}: not a zip file: {error}") from None
        if len(found) != 1:
            raise CubespaceError(f"release: {self.path}: found {len(found)} files {MANIFEST}, expected one")
        return found[0].removesuffix(MANIFEST)

    def _bytes(self, name):
        try:
            if self.path.is_dir():
                return (self.path / name).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self._root + name)
        except (KeyError, FileNotFoundError):
            raise CubespaceError(f"release: {self.path}: {name}: not there") from None
        except zipfile.BadZipFile as error:
            raise CubespaceError(f"release: {self.path}: {name}: damaged: {error}") from None

    def read(self, name):
        """Content of a file of the release, checked.

        Raises
        ------
        CubespaceError
            The file is not part of the release, is not there, or is not what was frozen.
        """
        if name not in self.manifest["files"]:
            raise CubespaceError(f"release: {self.path}: {name}: not in {MANIFEST}")
        content = self._bytes(name)
        found, wanted = hashlib.sha256(content).hexdigest(), self.manifest["files"][name]
        if found != wanted:
            raise CubespaceError(f"release: {self.path}: {name}: SHA-256 {found}, expected {wanted}: not the file that was frozen")
        return content

    def settle(self, given):
        """A configuration with the release's settings in it, for `cubespace.config.check`.

        Raises
        ------
        CubespaceError
            It states one of them (`FIXED`) otherwise.
        """
        settled, wrong = copy.deepcopy(given), []
        for key in FIXED:
            *parents, last = key.split(".")
            theirs, ours = self.manifest["config"], settled
            for parent in parents:
                theirs = theirs[parent]
                ours = ours.setdefault(parent, {})
                if not isinstance(ours, dict):
                    raise CubespaceError(f"config: {parent}: found {ours!r}, expected keys with values")
            if last in ours:
                wrong += [
                    f"{path}: found {mine!r}, expected {frozen!r}" for path, mine, frozen in audit.differences(ours[last], theirs[last], key, stated=True)
                ]
            ours[last] = copy.deepcopy(theirs[last])
        if wrong:
            raise CubespaceError(f"config: the release {self.manifest['name']} was made with other settings: {'; '.join(wrong)}")
        return settled
