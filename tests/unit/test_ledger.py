"""Each job of the workflow leaves a record: what it read, what it wrote, by content."""

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cubespace import ledger, steps
from cubespace.errors import CubespaceError
from cubespace.provenance import code_digest, commit

LIBRARY = Path(ledger.__file__).parents[1]


def sha(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def step(name, *words, folder="results/provenance", **more):
    """Run a step as the workflow does, in the working directory."""
    environment = os.environ | {"PYTHONPATH": str(LIBRARY), "CUBESPACE_COMMIT": "c0ffee"} | more
    environment.pop(ledger.FOLDER, None)
    if folder:
        environment[ledger.FOLDER] = folder
    return subprocess.run([sys.executable, "-m", f"cubespace.steps.{name}", *words], env=environment, capture_output=True, text=True)


@pytest.fixture
def stars(tmp_path, monkeypatch):
    """A working directory with a table of stars."""
    monkeypatch.chdir(tmp_path)
    Path("gaia.csv").write_text("ra,dec,phot_g_mean_mag\n10.5,-3.25,14\n11,4,15\n")


STARS = ("--table", "gaia.csv", "--settings", "{}", "--out", "results/sample/stars.npz")
RECORD = Path("results/provenance/sample/stars.npz.json")


def test_a_step_leaves_a_record_of_what_it_read_and_wrote(stars):
    assert step("stars", *STARS).returncode == 0
    text = RECORD.read_text()
    record = json.loads(text)
    assert record["inputs"] == {"gaia.csv": sha("gaia.csv")}
    assert record["outputs"] == {"results/sample/stars.npz": sha("results/sample/stars.npz")}
    assert record["command"] == ["python", "-m", "cubespace.steps.stars", *STARS]
    assert record["code_digest"] == code_digest("cubespace.steps.stars") and record["git_commit"] == "c0ffee"
    assert record["settings_digest"] == hashlib.sha256(b"{}").hexdigest()[:16]
    assert record["software"]["pandas"] == pd.__version__ and "torch" not in record["software"]
    with np.load("results/sample/stars.npz") as carried:
        assert str(carried["code_digest"]) == record["code_digest"] and str(carried["git_commit"]) == "c0ffee"
    step("stars", *STARS)
    assert RECORD.read_text() == text  # equal runs, equal bytes


def test_no_record_without_a_ledger_nor_of_a_step_that_failed(stars):
    assert step("stars", *STARS, folder=None).returncode == 0
    assert not Path("results/provenance").exists()
    Path("gaia.csv").write_text("name\nSirius\n")
    done = step("stars", *STARS)
    assert done.returncode == 1 and "gaia.csv: no column for ra" in done.stderr
    assert not Path("results/provenance").exists()


def test_the_lists_of_galaxies_stand_on_their_rows_alone(tmp_path, monkeypatch):
    """An edited colour makes no new list (`workflow/rules/sample.smk`), so that the record must not name the tables."""
    monkeypatch.chdir(tmp_path)
    Path("sheet.csv").write_text("galaxy,role,redshift\nNGC 1,train,0.01\nNGC 2,,0.02\n")
    settings = {"sheet": "sheet.csv", "cubes": "{galaxy}.fits", "tables": [], "cosmology": {"h0": 70.0, "om0": 0.3}}
    settings |= {"split": {"method": "sheet"}, "types": str(LIBRARY.parent / "resources/morphology.csv")}
    for kind, names in (("release", ["NGC0001"]), ("roster", ["NGC0001", "NGC0002"])):
        out = f"results/sample/{kind}.csv"
        done = step("roster", "--kind", kind, "--sample", json.dumps(settings), "--out", out)
        assert done.returncode == 0, done.stderr
        assert pd.read_csv(out, comment="#")["galaxy"].tolist() == names
        record = json.loads(Path(f"results/provenance/sample/{kind}.csv.json").read_text())
        assert record["inputs"] == {} and record["settings_digest"] == ledger.digest({})


def test_of_a_folder_only_what_was_opened_is_an_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("maps/A.fits", "maps/B.fits", "maps/deep/C.fits", "list.csv", "seen.csv", "catalogue.csv", "other.csv", "out.csv", "log.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    settings = json.dumps({"catalogues": [{"path": "catalogue.csv"}, {"path": "seen.csv"}], "survey": "x" * 5000, "odd": "a\0b"})
    words = ["--maps", "maps", "--roster", str(tmp_path / "list.csv"), "--settings", settings, "--out", "out.csv", "--device", "cpu"]
    read = [str(tmp_path / "maps/A.fits"), "maps/deep/C.fits", "catalogue.csv", "other.csv"]
    record = ledger.job("cubespace.steps.embed", words, read, ["out.csv", "log.txt"])
    # named: list.csv; opened in a named folder: A, C (not B); opened and named in the settings: catalogue (not seen)
    assert sorted(record["inputs"]) == ["catalogue.csv", "list.csv", "maps/A.fits", "maps/deep/C.fits"]
    assert list(record["outputs"]) == ["out.csv"]


@pytest.mark.parametrize("word", ["../cubes/A.fits", "cubes/A.fits", "/data/cubes/A.fits", "./cubes/A.fits"])
def test_the_digest_of_what_a_command_line_names(word):
    """Beside a mask of the same name, in the folder where the job ran or in another one."""
    inputs = {"masks/A.fits": "mask", "/data/cubes/A.fits": "cube", "/data/cubes/AA.fits": "another"}
    assert ledger.digest_of(inputs, word) == "cube"


def test_an_output_more_does_not_leave_the_old_record_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.csv", "a.csv"):
        Path(name).write_text(name)
    one, two = (ledger.job("cubespace.steps.truth", words, [], ["a.csv", "b.csv"]) for words in (["--out", "b.csv"], ["--out", "b.csv", "--more", "a.csv"]))
    assert list(one["outputs"]) == ["b.csv"] and list(two["outputs"]) == ["b.csv", "a.csv"]  # both records are b.csv.json


def test_places_of_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ledger.place("results/provenance", "results/maps/A.fits") == Path("results/provenance/maps/A.fits.json")
    assert ledger.place("results/provenance", "cubes/A.fits.gz") == Path("results/provenance/outside/cubes/A.fits.gz.json")
    assert ledger.portable(tmp_path / "a/../b.csv") == "b.csv" and ledger.portable("/elsewhere/c.csv") == "/elsewhere/c.csv"


def test_damaged_ledgers_are_refused(tmp_path):
    with pytest.raises(CubespaceError, match="no folder provenance"):
        ledger.read(tmp_path)
    (tmp_path / "provenance").mkdir()
    (tmp_path / "provenance/a.json").write_text("{")
    with pytest.raises(CubespaceError, match=r"a\.json: not JSON"):
        ledger.read(tmp_path)
    (tmp_path / "provenance/a.json").write_text('{"step": "x", "inputs": {}}')
    with pytest.raises(CubespaceError, match=r"a\.json: not a record of a job: outputs, settings_digest, code_digest missing"):
        ledger.read(tmp_path)


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)


def test_the_commit_says_whether_the_clone_was_edited(tmp_path, monkeypatch):
    from cubespace import provenance

    monkeypatch.delenv("CUBESPACE_COMMIT", raising=False)
    library = tmp_path / "clone/workflow/cubespace"
    library.mkdir(parents=True)
    (library / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(provenance, "_ROOT", library)

    def now():
        commit.cache_clear()
        return commit()

    try:
        assert now() == "none"
        git(tmp_path, "init", "-q")
        assert now() == "none"  # someone else's repository around it
        git(tmp_path / "clone", "init", "-q")
        git(tmp_path / "clone", "add", "-A")
        git(tmp_path / "clone", "commit", "-q", "-m", "first")
        head = subprocess.run(["git", "-C", str(tmp_path / "clone"), "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
        assert len(head) == 40 and now() == head
        (library / "new.py").write_text("")
        assert now() == head  # files that git does not know are no edit
        (library / "a.py").write_text("x = 2\n")
        assert now() == head + "+dirty"
        monkeypatch.setenv("CUBESPACE_COMMIT", "given")
        assert now() == "given"
    finally:
        commit.cache_clear()


def test_a_step_prints_to_a_stream_without_an_encoding(monkeypatch):
    """A notebook's, or one in memory: it cannot be told how to write names that are no UTF-8."""
    stream = io.StringIO()
    monkeypatch.delenv(ledger.FOLDER, raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    steps.run(lambda: print("done"))
    assert stream.getvalue() == "done\n"
