"""The audit finds each planted fault, and nothing else."""

import copy
import json
import shutil
from pathlib import Path

import pytest
import yaml

import fake_results
from cubespace import audit as module
from cubespace import ledger
from cubespace.__main__ import main
from cubespace.audit import as_table, audit
from cubespace.errors import CubespaceError

FIGURE = "results/figures/umap.png"


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fake_results.make(temporary=["results/moments/*.npz"])
    return Path("results")


def verdicts(*targets, **options):
    return [(f.verdict, f.what) for f in audit("results", targets, **options).findings]


def test_sound_results(results):
    found = audit(results)
    assert found.findings == [] and found.notes == []
    # jobs: 3 tables, 2 moments, basis, 2 maps, scaling, 2 trainings, 2 embeddings, umap, 2 figures
    # 3 tables, 2 moments, basis, 2 maps, scaling, 2 x 3 of networks, 2 embeddings, umap, 3 figures
    assert (found.jobs, found.results) == (16, 21)
    assert found.sources == ["cubes/A.fits", "cubes/B.fits", "sheet.csv"]
    assert as_table(found).splitlines()[-1] == "sound: all digests match"


def test_a_figure_leads_back_to_the_cubes(results):
    found = audit(results, [FIGURE])
    assert found.sources == ["cubes/A.fits", "cubes/B.fits", "sheet.csv"]
    assert found.jobs == 13  # not the other figure, the other variant's training and embedding, nor what only they need
    assert audit(results, ["results/figures/sample.png"]).sources == ["sheet.csv"]


def test_an_edited_table(results):
    Path("results/space/full/umap.parquet").write_text("prettier\n")
    found = audit(results)
    assert [(f.verdict, f.what, f.affects) for f in found.findings] == [("changed", "results/space/full/umap.parquet", 2)]
    assert verdicts(FIGURE) and not verdicts("results/embedding/full.parquet") and not verdicts("results/figures/sample.png")


def test_an_edited_figure(results):
    Path(FIGURE).write_text("prettier\n")
    assert verdicts() == [("changed", FIGURE)]


def test_a_replaced_and_a_missing_cube(results):
    Path("cubes/A.fits").write_text("another observation\n")
    found = audit(results)
    # moments, basis, 2 maps, scaling, 6 of networks, 2 embeddings, umap, 2 figures
    assert [(f.verdict, f.what, f.affects) for f in found.findings] == [("replaced", "cubes/A.fits", 16)]
    assert "maps, moments read" in found.findings[0].detail
    Path("cubes/A.fits").unlink()
    assert verdicts(FIGURE) == [("missing", "cubes/A.fits")]
    assert verdicts(inside=True) == []


def test_missing_results(results):
    Path("results/maps/B.fits").unlink()
    Path("results/moments/B.npz").unlink()  # deleted by the workflow itself once it was read
    assert verdicts() == [("missing", "results/maps/B.fits")]


def test_a_file_of_nobody(results):
    Path("results/figures/better.png").write_text("drawn by hand\n")
    Path("results/figures/.partial-x").write_text("half\n")
    (results / "mynotes").mkdir()
    (results / "mynotes/a.txt").write_text("not among recorded files\n")
    (results / "report.zip").write_text("written by snakemake\n")
    assert verdicts() == [("unrecorded", "results/figures/better.png")]
    Path("results/provenance/space/full/umap.parquet.json").unlink()
    assert ("unrecorded", "results/space/full/umap.parquet") in verdicts(FIGURE)
    with pytest.raises(CubespaceError, match="no record says who wrote it"):
        audit(results, ["results/figures/better.png"])
    with pytest.raises(CubespaceError, match="not in results"):
        audit(results, ["cubes/A.fits"])


def test_a_result_made_again_without_what_follows_from_it(results):
    fake_results.job("umap", ["results/embedding/full.parquet"], ["results/space/full/umap.parquet"], salt=" again")
    # made from the earlier map: the figure (one job, named by the first of its outputs)
    assert verdicts() == [("stale", "results/figures/umap.png")]
    for stem in "AB":
        inputs = [f"cubes/{stem}.fits", f"results/moments/{stem}.npz", "results/basis/basis.fits"]
        fake_results.job("maps", inputs, [f"results/maps/{stem}.fits"], salt=" again")
    found = {f.what: f for f in audit("results").findings}
    # one line a job, however many of its inputs are others: scaling, two trainings, two embeddings, and the figure
    assert len(found) == 6 and "made from results/maps/A.fits of " in found["results/basis/scaling.csv"].detail
    assert found["results/basis/scaling.csv"].detail.endswith("(and 1 more)")


def test_code_and_settings_that_changed_since(results, monkeypatch):
    now = module.code_digest
    monkeypatch.setattr(module, "code_digest", lambda step: "0" * 16 if step.endswith(".basis") else now(step))
    run = json.loads((results / "provenance/run.json").read_text())
    run["settings"]["cubespace.steps.moments"] = [ledger.digest({"snr_min": 20})]
    (results / "provenance/run.json").write_text(json.dumps(run))
    assert verdicts() == [("code", "basis"), ("settings", "moments")]
    assert verdicts("results/figures/sample.png") == []


def test_a_step_that_is_gone(results):
    fake_results.ledger.code_digest, kept = (lambda step: "1" * 16), fake_results.ledger.code_digest
    try:
        fake_results.job("gone", ["sheet.csv"], ["results/sample/gone.csv"])
    finally:
        fake_results.ledger.code_digest = kept
    assert verdicts() == [("code", "gone")]


def test_the_configuration_as_it_is_now(results):
    config = copy.deepcopy(fake_results.CONFIG)
    assert verdicts(config=config) == []
    config["maps"]["canvas"] = [8, 8]
    del config["seed"]
    assert verdicts(config=config) == [("configuration", "maps.canvas"), ("configuration", "seed")]


def test_results_may_be_copied_elsewhere(results, tmp_path_factory):
    copied = tmp_path_factory.mktemp("elsewhere") / "copy of results"
    shutil.copytree(results, copied)
    assert audit(copied, inside=True).findings == []
    assert {f.verdict for f in audit(copied).findings} == {"missing"}  # the cubes and the sheet
    (copied / "figures/umap.png").write_text("prettier\n")
    assert [f.verdict for f in audit(copied, [copied / "figures/umap.png"], inside=True).findings] == ["changed"]


@pytest.mark.parametrize(("here", "words"), [(".", ["results", "results/figures/umap.png"]), ("results", ["."]), ("results/figures", ["umap.png"])])
def test_it_may_be_asked_from_anywhere(results, monkeypatch, capsys, here, words):
    monkeypatch.chdir(here)
    with pytest.raises(SystemExit) as ended:
        main(["audit", *words])
    assert ended.value.code == 0, capsys.readouterr()


@pytest.mark.parametrize("words", [["audit", "results"], ["audit", FIGURE], ["audit", "results/figures/umap.png", "results/maps/A.fits"]])
def test_command_line(results, capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0 and capsys.readouterr().out.endswith("sound: all digests match\n")
    Path("results/maps/A.fits").write_text("touched up\n")
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().out
    assert ended.value.code == 1 and "changed  results/maps/A.fits" in said and said.endswith("not sound: 1 findings\n")


def test_command_line_compares_the_configuration(results, capsys, tmp_path):
    config = {"survey": "two galaxies", "sample": {"sheet": "sheet.csv", "cubes": "{galaxy}.fits"}}
    from cubespace.config import check

    run = json.loads((results / "provenance/run.json").read_text())
    (results / "provenance/run.json").write_text(json.dumps(run | {"config": check(config | {"seed": 3}), "overrides": {"seed": 3}}))
    Path("config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(SystemExit) as ended:
        main(["audit", "results"])
    assert ended.value.code == 0, capsys.readouterr().out  # the seed was set on the command line
    Path("config.yaml").write_text(yaml.safe_dump(config | {"on_bad_cube": "stop"}))
    with pytest.raises(SystemExit) as ended:
        main(["audit", "results"])
    assert ended.value.code == 1 and "on_bad_cube" in capsys.readouterr().out


def test_what_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"error: results: not among results with a ledger"):
        main(["audit", "results"])
