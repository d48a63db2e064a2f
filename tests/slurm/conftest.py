"""A private Slurm, and a small survey run on it to its end, for all tests of this folder."""

import os
import shutil
import subprocess

import pytest
import yaml
from clone import Clone
from loopback import Cluster, missing

from workflow.survey import ROOT, make, write_config


def pytest_collection_modifyitems(items):
    if lacking := missing():
        mark = pytest.mark.skip(reason=f"NO PRIVATE SLURM ON THIS MACHINE: it lacks {lacking} (tests/slurm/install.sh)")
        for item in items:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running
    assert running.left() == []


@pytest.fixture(scope="session")
def undisturbed(cluster, tmp_path_factory):
    """A fresh clone in which the command has been run to its end."""
    folder = tmp_path_factory.mktemp("site") / "cubespace"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if os.path.lexists(ROOT / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    miniature(folder)
    clone = Clone(folder, cluster)
    clone.finish(clone.start())
    return clone


def miniature(folder):
    """Ten small galaxies and two spoilt cubes, trained for four epochs of two steps."""
    make(folder, {"E": 2, "S0": 1, "Sa": 2, "Sb": 3, "Sc": 2})
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["basis"]["n_components"] = 8
    config["network"]["device"] = "cpu"
    config["network"]["training"]["epochs"] = 4
    config["space"]["correlations"] = {"n_permutations": 99, "n_folds": 3}
    config["populations"]["comparisons"] = {"n_permutations": 99, "n_trials": 2}
    config["figures"] = {"quality": "none"}
    write_config(folder, config)
