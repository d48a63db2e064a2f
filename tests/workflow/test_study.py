"""The scorecard study on a small scale: a survey through the workflow, a second training on it, planted effects, the record."""

import json

import numpy as np
import pytest
import yaml
from astropy.io import fits
from survey import planned, snakemake

from conftest import ROOT
from cubespace.steps import combine, figure, planted, record, trials, versions
from cubespace.tables import read_table

pytestmark = pytest.mark.slow
STUDY = {
    "galaxies": 20,
    "trials": [{"survey": 11, "seed": 1}, {"survey": 11, "seed": 2}],
    "base": "config/config.yaml",
    "changes": {
        "mock": {"keep_cubes": False},
        "basis": {"n_components": 8},
        "network": {
            "training": {"epochs": 1, "steps_per_epoch": 2, "validation_realisations": 1, "require_learning": False},
            "embedding": {"realisations": 2},
        },
        "space": {"correlations": {"n_permutations": 99, "n_folds": 4, "n_bootstrap": 20}, "clusters": {"n_init": 2, "n_seeds": 2}},
        "populations": {"comparisons": {"n_permutations": 99, "n_trials": 2, "n_bootstrap": 20}},
    },
    "planted": {"effects": [2], "null_catalogues": 20, "catalogues": 5, "n_permutations": 39, "tests": ["ks_10th", "energy"]},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(file of the study, its folder): laid out, and its first trial run."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # as `make scorecard`
        trials.main(["--study", str(folder / "study.yaml"), "--out", str(folder / "trials"), "--cores", "2"])
    assert (folder / "trials/trials.txt").read_text().split() == ["survey11_seed1", "survey11_seed2"]
    snakemake(folder / "trials/survey11_seed1", "results/scorecard.csv")
    return folder / "study.yaml", folder / "trials"


def test_a_trial_leaves_a_scorecard_and_no_cube(study):
    first = study[1] / "survey11_seed1"
    table = read_table(first / "results/scorecard.csv")
    assert set(table["verdict"]) <= {"recovered", "not recovered", "undecided"} and len(table) == 34
    assert not list(first.glob("results/mock/**/*.cube.fits.gz"))
    assert planned(first, "results/scorecard.csv") == {}


def test_a_second_training_uses_the_maps_of_the_first(study):
    jobs = planned(study[1] / "survey11_seed2", "results/scorecard.csv")
    assert jobs["train"] == 2 and jobs["scorecard"] == 1
    assert not {"simulate", "moments", "basis", "maps", "sample"} & set(jobs)


def test_what_is_drawn_stays(study, monkeypatch):
    monkeypatch.chdir(ROOT)
    truth = study[1] / "survey11_seed1/mock/truth.csv"
    before = truth.stat().st_mtime_ns
    trials.main(["--study", str(study[0]), "--out", str(study[1])])
    assert truth.stat().st_mtime_ns == before


def test_a_version_without_an_effect_has_the_maps_of_its_galaxy(study, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    first = study[1] / "survey11_seed1"
    galaxy = read_table(first / "results/embedding/full.parquet")["galaxy"][0]
    row = read_table(first / "results/sample/roster.csv").set_index("galaxy", drop=False).loc[galaxy]
    (tmp_path / "truth.csv").write_bytes((first / "mock/truth.csv").read_bytes())
    config = versions_config(first)
    versions.render(tmp_path, first / "results", config, {**row, "original": row["stem"]})
    for name in (0, "MASK", "SNR"):
        made, own = (fits.getdata(folder / f"maps/{row['stem']}.fits", name) for folder in (tmp_path, first / "results"))
        np.testing.assert_array_equal(made, own)


def versions_config(trial):
    from cubespace.config import check

    return check(yaml.safe_load((trial / "config.yaml").read_text()))


def test_planted_effects_to_the_record(study, monkeypatch):
    monkeypatch.chdir(ROOT)
    path, out = study
    alone = path.with_name("alone.yaml")  # without the second trial, which is not run here
    alone.write_text(yaml.safe_dump(STUDY | {"trials": STUDY["trials"][:1]}))
    first, made = str(out / "survey11_seed1"), str(out / "versions")
    versions.main(["--study", str(alone), "--trial", first, "--out", made, "--cores", "2"])
    n = len(read_table(out / "survey11_seed1/results/embedding/full.parquet"))
    maps = sorted((out / "versions/maps").glob("*.fits"))
    assert len(maps) == 2 * n == len(read_table(out / "versions/embedding.parquet")) and not list(out.glob("versions/tmp*"))
    before = [path.stat().st_mtime_ns for path in maps]
    versions.main(["--study", str(alone), "--trial", first, "--out", made, "--cores", "2"])
    assert [path.stat().st_mtime_ns for path in maps] == before
    tables = {name: str(out / f"{name}.csv") for name in ("planted", "scorecard")}
    planted.main(["--study", str(alone), "--trial", first, "--versions", made, "--out", tables["planted"]])
    combine.main(["--study", str(alone), "--trials", str(out), "--planted", tables["planted"], "--out", tables["scorecard"]])
    for name, table in tables.items():
        figure.main(["--name", name, f"--{name}", table, "--out", str(out / f"{name}.png"), "--pdf", str(out / f"{name}.pdf")])
    record.main(["--study", str(alone), "--scorecard", tables["scorecard"], "--planted", tables["planted"], "--out", str(out / "record.md")])
    text = (out / "record.md").read_text()
    assert "make scorecard" in text and all(claim.replace("|", "\\|") in text for claim in read_table(tables["scorecard"])["claim"])
    signed = json.loads((out / "planted.csv").read_text().splitlines()[0].removeprefix("# "))
    assert signed["n_galaxies"] == str(n)
