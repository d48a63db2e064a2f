"""Mask files and lists of stars as inputs of the rules: declared, per galaxy, and never silently absent."""

import os
import re

import numpy as np
import pytest
import yaml
from survey import ROOT, snakemake, write_config

NAMES = [f"G{i}" for i in range(6)]


@pytest.fixture
def survey(tmp_path):
    """A sheet of six galaxies with (empty) cubes, masks for two of them; moments of all are there and up to date."""
    for folder in ("cubes", "masks", "results/moments"):
        (tmp_path / folder).mkdir(parents=True)
    rows = [f"{name},{'validation' if i < 2 else 'train'},0.01,10.0,20.0" for i, name in enumerate(NAMES)]
    (tmp_path / "sheet.csv").write_text("\n".join(["galaxy,role,redshift,ra,dec", *rows]) + "\n")
    for name in NAMES:
        (tmp_path / f"cubes/{name}.fits").touch()
    for name in NAMES[:2]:
        np.savez(tmp_path / f"masks/{name}.npz", flag=np.ones((3, 3), np.int8))
    for path in (tmp_path / "cubes").iterdir():
        os.utime(path, (1e9, 1e9))
    for path in (tmp_path / "masks").iterdir():
        os.utime(path, (1e9, 1e9))
    for name in NAMES:
        (tmp_path / f"results/moments/{name}.npz").touch()
    config = {
        "survey": "masks",
        "sample": {"sheet": "sheet.csv", "cubes": "cubes/{galaxy}.fits"},
        "cubes": {"masks": "masks/{galaxy}.npz"},
    }
    write_config(tmp_path, config)
    return tmp_path


def plan(folder, *options, check=True):
    """(galaxies whose moments are planned, text of the dry run)."""
    targets = [f"results/moments/{name}.npz" for name in NAMES]
    done = snakemake(folder, "-n", "-p", *options, "--", *targets, check=check)
    return sorted(set(re.findall(r"output: results/moments/(\w+)\.npz", done.stdout))), done.stdout


def change(folder, **cubes):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    write_config(folder, config | {"cubes": config["cubes"] | cubes})


def test_an_edited_mask_reruns_its_galaxy_alone(survey):
    assert plan(survey)[0] == []
    np.savez(survey / "masks/G1.npz", flag=np.zeros((3, 3), np.int8))
    planned, text = plan(survey)
    assert planned == ["G1"] and "--mask masks/G1.npz" in text
    np.savez(survey / "masks/G4.npz", flag=np.zeros((3, 3), np.int8))  # a galaxy that had none
    assert plan(survey)[0] == ["G1", "G4"]


def test_a_galaxy_without_a_mask_has_no_such_option(survey):
    planned, text = plan(survey, "--forceall")
    assert planned == NAMES
    commands = re.findall(r"steps\.moments --galaxy (\w+) .*", text)
    with_mask = re.findall(r"steps\.moments --galaxy (\w+) .*--mask masks/\1\.npz", text)
    assert sorted(commands) == NAMES and sorted(with_mask) == NAMES[:2]


def test_a_pattern_that_no_galaxy_matches_is_refused(survey):
    change(survey, masks="mask/{galaxy}.npz")
    text = plan(survey, check=False)[1]
    assert "cubes.masks: no galaxy of the sample has a file mask/{galaxy}.npz" in text and "Traceback" not in text


def test_a_list_of_stars_is_an_input_of_all(survey):
    (survey / "gaia.csv").write_text("ra,dec,phot_g_mean_mag\n10,20,15\n")
    change(survey, gaia="gaia.csv")
    planned, text = plan(survey)
    assert planned == NAMES and "rule stars" in text and "--stars results/sample/stars.npz" in text


def test_shipped_configurations_name_only_masks_that_can_be(survey):
    for path in (ROOT / "config").glob("*.yaml"):
        pattern = (yaml.safe_load(path.read_text()).get("cubes") or {}).get("masks")
        assert pattern is None or "{galaxy}" in pattern or pattern.endswith(".npz"), path
