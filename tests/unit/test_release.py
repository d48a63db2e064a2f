"""Releases: equal results freeze to equal bytes, what was tampered with is refused by name, other settings are refused by key."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

import fake_results
from cubespace.__main__ import main
from cubespace.errors import CubespaceError
from cubespace.files import file_digest
from cubespace.release import Release, freeze, needed
from cubespace.steps import thaw

FILES = needed(["full", "no_luminosity"])


@pytest.fixture
def frozen(tmp_path, monkeypatch):
    """releases/dr1.zip of made-up results."""
    monkeypatch.chdir(tmp_path)
    fake_results.make()
    return freeze("results", "dr1", "releases")


def rewrite(path, name, content):
    """Exchange one file of a zip file."""
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    parts[name] = content
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in parts.items():
            if data is not None:
                archive.writestr(entry, data)


def test_what_a_release_holds(frozen):
    path, digest = frozen
    release = Release(path)
    assert path == Path("releases/dr1.zip") and release.digest == digest
    with zipfile.ZipFile(path) as archive:
        names = {name.removeprefix("dr1/") for name in archive.namelist()}
    assert names == {*FILES, "release.json", "README.md", "LICENSE", "CITATION.cff", "embedding/full.parquet", "embedding/no_luminosity.parquet"}
    manifest = release.manifest
    assert manifest["cubes"] == {"NGC A": file_digest("cubes/A.fits"), "NGC B": file_digest("cubes/B.fits")}
    assert manifest["inputs"] == {name: file_digest(name) for name in ("cubes/A.fits", "cubes/B.fits", "sheet.csv")}
    assert manifest["files"]["basis/basis.fits"] == file_digest("results/basis/basis.fits")
    assert manifest["config"] == fake_results.CONFIG and manifest["software"]["python"]
    assert all(release.read(name) == Path(f"results/{name}").read_bytes() for name in FILES)


def test_equal_results_freeze_to_equal_bytes_and_a_release_does_not_change(frozen):
    path, _ = frozen
    before = path.read_bytes()
    assert freeze("results", "dr1", "again")[0].read_bytes() == before
    freeze("results", "dr1", "releases")
    fake_results.job("umap", ["results/embedding/full.parquet"], ["results/space/full/umap.parquet"], salt="!")  # no part of it
    freeze("results", "dr1", "releases")
    Path("cubes/A.fits").write_text("observed again\n")
    shutil.rmtree("results")
    fake_results.make()
    fake_results.job("scaling", ["results/basis/basis.fits", *(f"results/maps/{s}.fits" for s in "AB")], ["results/basis/scaling.csv"], salt="!")
    for variant in ("full", "no_luminosity"):
        fake_results.job("train", ["results/basis/basis.fits", "results/basis/scaling.csv", *(f"results/maps/{s}.fits" for s in "AB")],
                         [f"results/network/{variant}/{name}" for name in fake_results.NETWORK])  # fmt: skip
        fake_results.job("embed", ["results/sample/roster.csv", "results/basis/basis.fits", "results/basis/scaling.csv",
                                   f"results/network/{variant}/weights.safetensors", *(f"results/maps/{s}.fits" for s in "AB")],
                         [f"results/embedding/{variant}.parquet"])  # fmt: skip
    with pytest.raises(CubespaceError, match=r"dr1\.zip: there is another release of this name"):
        freeze("results", "dr1", "releases")
    assert path.read_bytes() == before


def test_only_sound_results_are_frozen(frozen):
    Path("results/basis/scaling.csv").write_text("rounded by hand\n")
    with pytest.raises(CubespaceError, match=r"not to be handed on as it is(.|\n)*changed +results/basis/scaling\.csv"):
        freeze("results", "dr2", "releases")
    assert not Path("releases/dr2.zip").exists()


def test_it_may_be_frozen_from_another_folder(frozen, monkeypatch):
    before = frozen[0].read_bytes()
    results = Path("results").absolute()
    monkeypatch.chdir("/")
    assert freeze(results, "dr1", results.parent / "again")[0].read_bytes() == before


def test_cubes_need_not_be_there_any_more(frozen):
    shutil.rmtree("cubes")
    assert freeze("results", "dr1", "again")[0].read_bytes() == frozen[0].read_bytes()


@pytest.mark.parametrize("name", ["", "../dr1", "dr 1", ".hidden", "a/b"])
def test_names(frozen, name):
    with pytest.raises(CubespaceError, match="expected letters, digits"):
        freeze("results", name, "releases")


def unpacked(path):
    with zipfile.ZipFile(path) as archive:
        archive.extractall("unpacked")
    return Path("unpacked/dr1")


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_thawing_gives_the_files_back(frozen, kind):
    path = frozen[0] if kind == "zip" else unpacked(frozen[0])
    before = {name: Path(f"results/{name}").read_bytes() for name in FILES}
    shutil.rmtree("results")
    thaw.main(["--release", str(path), "--out", *(f"results/{name}" for name in FILES)])
    assert {name: Path(f"results/{name}").read_bytes() for name in FILES} == before


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_a_release_that_was_tampered_with_is_refused(frozen, kind):
    path = frozen[0]
    wanted = file_digest("results/network/full/weights.safetensors")
    if kind == "zip":
        rewrite(path, "dr1/network/full/weights.safetensors", b"better weights")
    else:
        path = unpacked(path)
        (path / "network/full/weights.safetensors").write_bytes(b"better weights")
    shutil.rmtree("results")
    found = hashlib.sha256(b"better weights").hexdigest()
    with pytest.raises(CubespaceError, match=rf"{path}: network/full/weights\.safetensors: SHA-256 {found}, expected {wanted}"):
        thaw.main(["--release", str(path), "--out", *(f"results/{name}" for name in FILES)])
    assert not Path("results/network/full/weights.safetensors").exists()


def test_damaged_releases_are_named(frozen, tmp_path):
    path = frozen[0]
    with pytest.raises(CubespaceError, match=r"release: nowhere\.zip: no such file"):
        Release("nowhere.zip")
    Path("page.zip").write_text("<html>404</html>")
    with pytest.raises(CubespaceError, match=r"page\.zip: not a zip file"):
        Release("page.zip")
    raw = bytearray(path.read_bytes())
    place = raw.index(b"results/basis/scaling.csv of scaling")
    raw[place] ^= 1
    Path("flipped.zip").write_bytes(raw)
    with pytest.raises(CubespaceError, match=r"flipped\.zip: basis/scaling\.csv: damaged"):
        Release("flipped.zip").read("basis/scaling.csv")
    shutil.copy(path, "short.zip")
    rewrite("short.zip", "dr1/basis/basis.fits", None)
    with pytest.raises(CubespaceError, match=r"short\.zip: basis/basis\.fits: not there"):
        Release("short.zip").read("basis/basis.fits")
    with pytest.raises(CubespaceError, match=r"evil\.txt: not in release\.json"):
        Release(path).read("evil.txt")
    rewrite("short.zip", "dr1/release.json", b"{")
    with pytest.raises(CubespaceError, match=r"release\.json: not JSON"):
        Release("short.zip")
    rewrite("short.zip", "dr1/release.json", None)
    with pytest.raises(CubespaceError, match=r"found 0 files release\.json, expected one"):
        Release("short.zip")


def test_a_release_brings_its_settings(frozen):
    release = Release(frozen[0])
    given = {"survey": "new", "sample": {"sheet": "new.csv"}, "network": {"device": "cuda"}, "maps": {"canvas": [4, 4]}}
    settled = release.settle(given)
    assert settled["survey"] == "new" and settled["sample"] == {"sheet": "new.csv", "cosmology": {"h0": 70.0}}
    assert settled["network"]["device"] == "cuda" and settled["network"]["encoder"] == {"preset": "paper"}
    assert settled["seed"] == 7 and settled["spectra"] == {"snr_min": 30} and "seed" not in given
    with pytest.raises(CubespaceError, match=r"made with other settings: seed: found 8, expected 7; maps\.canvas: found \[8, 8\], expected \[4, 4\]"):
        release.settle({**given, "seed": 8, "maps": {"canvas": [8, 8]}})
    with pytest.raises(CubespaceError, match="config: network: found None, expected keys with values"):
        release.settle({**given, "network": None})


def test_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="error: results: no folder provenance"):
        main(["freeze", "dr1"])
    fake_results.make()
    main(["freeze", "dr1"])
    first, second = capsys.readouterr().out.splitlines()
    assert first == "releases/dr1.zip" and second == f"SHA-256 of its manifest: {Release('releases/dr1.zip').digest}"
    assert json.loads(zipfile.ZipFile("releases/dr1.zip").read("dr1/release.json"))["name"] == "dr1"
