"""Each job of the workflow leaves a record: what it read, what it wrote, by content."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cubespace import ledger
from cubespace.errors import CubespaceError
from cubespace.provenance import code_digest, commit
from cubespace.tables import write_table

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
def galaxies(tmp_path, monkeypatch):
    """results/sample/galaxies.parquet of two galaxies, in a working directory."""
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"galaxy": ["A", "B"], "stem": ["A", "B"], "role": ["train", "embed"], "pointing": ["A", "B"]})
    write_table(table.assign(redshift=0.01, distance=40.0, cube="x.fits"), "results/sample/galaxies.parquet")


ROSTER = ("--kind", "roster", "--galaxies", "results/sample/galaxies.parquet", "--out", "results/sample/roster.csv")


def test_a_step_leaves_a_record_of_what_it_read_and_wrote(galaxies):
    assert step("roster", *ROSTER).returncode == 0
    text = Path("results/provenance/sample/roster.csv.json").read_text()
    record = json.loads(text)
    assert record["inputs"] == {"results/sample/galaxies.parquet": sha("results/sample/galaxies.parquet")}
    assert record["outputs"] == {"results/sample/roster.csv": sha("results/sample/roster.csv")}
    assert record["command"] == ["python", "-m", "cubespace.steps.roster", *ROSTER]
    assert record["code_digest"] == code_digest("cubespace.steps.roster") and record["git_commit"] == "c0ffee"
    assert record["software"]["pandas"] == pd.__version__ and "torch" not in record["software"]
    carried = json.loads(Path("results/sample/roster.csv").read_text().splitlines()[0].removeprefix("# "))
    assert carried["code_digest"] == record["code_digest"] and carried["git_commit"] == "c0ffee"
    step("roster", *ROSTER)
    assert Path("results/provenance/sample/roster.csv.json").read_text() == text  # equal runs, equal bytes


def test_no_record_without_a_ledger_nor_of_a_step_that_failed(galaxies):
    assert step("roster", *ROSTER, folder=None).returncode == 0
    assert not Path("results/provenance").exists()
    done = step("roster", "--kind", "nothing", *ROSTER[2:])
    assert done.returncode == 1 and "--kind is roster or release" in done.stderr
    assert not Path("results/provenance").exists()


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
