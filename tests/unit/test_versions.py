"""The version has one place, and what repeats it agrees."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import cubespace

ROOT = Path(__file__).parents[2]


def test_one_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", cubespace.__version__)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "cubespace.__version__"}
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == cubespace.__version__
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == cubespace.__version__
    said = subprocess.run([sys.executable, "-m", "cubespace", "--version"], capture_output=True, text=True, cwd=ROOT / "workflow")
    assert said.stdout.strip() == cubespace.__version__


def test_the_catalogue_is_told_what_works():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["report"] is True and usage["software-stack-deployment"]["conda"] is True
    assert (ROOT / "config/README.md").is_file()  # what the catalogue shows as configuration
