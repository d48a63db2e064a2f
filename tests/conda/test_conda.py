"""The environments of envs/ by a real solver, and through Snakemake's own conda path: `make test-conda`.

The channel is a local one made of the lock's packages (channel.py), the command `conda` a stand-in (conda.py).
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from conftest import ROOT

sys.path.append(str(ROOT / "tests/workflow"))
from survey import clone, planned, snakemake

HERE = Path(__file__).parent
RATTLER = Path(os.environ.get("RATTLER", ROOT / ".venv-conda")) / "bin/python"
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
FILES = {"tables": ["numpy", "scipy", "pandas", "pyarrow", "astropy", "jsonschema", "pyyaml"], "cubes": ["isal"]}  # those that are installed


@pytest.fixture(scope="module")
def conda(tmp_path_factory):
    """Folder with bin/conda, bin/activate and the channel; the environment variables that lead there are set."""
    if not RATTLER.is_file() or subprocess.run([RATTLER, "-c", "import rattler, zstandard"], capture_output=True).returncode:
        pytest.skip("RATTLER ABSENT: the environments are not solved nor installed here; `make test-conda` gets it from PyPI")
    base = tmp_path_factory.mktemp("conda")
    (base / "bin").mkdir()
    (base / "bin/conda").write_text(f'#!/bin/sh\nexec "{RATTLER}" "{HERE / "conda.py"}" "$@"\n')
    (base / "bin/conda").chmod(0o755)
    (base / "bin/activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    site = sysconfig.get_path("purelib")
    subprocess.run([RATTLER, HERE / "channel.py", base / "channel", site, HERE / "names.json", *FILES["tables"], *FILES["cubes"]], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDA_STANDIN", str(base))
        patch.setenv("PATH", f"{base / 'bin'}{os.pathsep}{os.environ['PATH']}")
        yield base


def solve(path):
    return subprocess.run([RATTLER, HERE / "conda.py", "solve", str(path)], capture_output=True, text=True)


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_each_environment_solves_to_the_versions_of_the_lock(conda, path):
    done = solve(path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    renamed = {conda_name: name for name, conda_name in json.loads((HERE / "names.json").read_text()).items()}
    lock = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    lock = {name.lower().replace("_", "-"): version for name, version in lock.items()}
    for spec in yaml.safe_load(path.read_text())["dependencies"]:
        assert spec.split()[0] in found
    for name, version in found.items():
        if name not in ("python", "pytorch-gpu", "setuptools"):  # none of the lock's
            assert version.split("+")[0] == lock[renamed.get(name, name)], name


@pytest.mark.parametrize(("spec", "words"), [("numpy =99.1", "99.1"), ("numpy ==2.x.", "version"), ("no-such-package =1", "no-such-package")])
def test_an_environment_that_cannot_be_is_refused(conda, tmp_path, spec, words):
    (tmp_path / "wrong.yaml").write_text(f"channels: [conda-forge]\ndependencies: ['{spec}']\n")
    done = solve(tmp_path / "wrong.yaml")
    assert done.returncode != 0 and words in done.stderr


@pytest.fixture(scope="module")
def run(conda, tmp_path_factory):
    """A clone in which the sample and the moments of one (damaged) cube were made by `snakemake --sdm conda`."""
    folder = tmp_path_factory.mktemp("run") / "clone"
    clone(folder)
    (folder / "cubes").mkdir()
    rows = [f"NGC {i},{'validation' if i < 3 else 'train'},0.01" for i in range(1, 5)]
    (folder / "sheet.csv").write_text("galaxy,role,redshift\n" + "\n".join(rows) + "\n")
    for i in range(1, 5):
        (folder / f"cubes/NGC000{i}.fits").write_text("not a cube")
    config = {"survey": "environments", "sample": {"sheet": "sheet.csv", "cubes": "cubes/{galaxy}.fits"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder, snakemake(folder, "--sdm", "conda", "--", *TARGETS).stdout


TARGETS = ("results/sample/release.csv", "results/moments/NGC0001.npz")
SDM = ("--sdm", "conda", "--", *TARGETS)


def test_rules_run_in_their_own_environments(run):
    folder, text = run
    assert all((folder / target).is_file() for target in TARGETS)
    assert text.count("Creating conda environment") == 2
    pythons = list((folder / ".snakemake/conda").glob("*/bin/python"))
    assert len(pythons) == 2
    for target, packages in (("sample/release.csv", {"numpy", "pandas", "scipy", "pyarrow"}), ("moments/NGC0001.npz", {"numpy"})):
        record = json.loads((folder / f"results/provenance/{target}.json").read_text())
        assert packages <= set(record["software"]) and "torch" not in record["software"]
    held = {python: _importable(python, ("numpy", "isal", "pandas", "torch", "matplotlib")) for python in pythons}
    assert sorted(held.values()) == [("numpy", "isal"), ("numpy", "pandas")]  # cubes.yaml; tables.yaml


def _importable(python, names):
    code = f"from importlib.util import find_spec; print(*[name for name in {names!r} if find_spec(name)])"
    return tuple(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_an_edited_environment_reruns_its_rules_and_no_others(run):
    folder, _ = run
    assert planned(folder, *SDM) == {}
    path = folder / "envs/tables.yaml"
    before = path.read_text()
    path.write_text(before.replace("pandas =3.1.1", "pandas =3.1"))
    try:
        assert planned(folder, *SDM) == {"release": 1}
        assert planned(folder, "--", *TARGETS) == {"moments": 1, "release": 1}  # without --sdm conda: another software
    finally:
        path.write_text(before)


def test_the_dockerfile_is_what_snakemake_writes(conda, tmp_path):
    clone(tmp_path)
    done = subprocess.run([sys.executable, "-m", "snakemake", "--containerize"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (ROOT / "envs/Dockerfile").read_text().endswith(done.stdout), "write it anew: `snakemake --containerize`"
