"""Faults of workflows as real use brings them, one test a kind: killed and full, odd names and places, strays, devices, seeds."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import fake_maps
from conftest import ROOT
from cubespace.errors import CubespaceError
from cubespace.files import write_npz
from cubespace.network.data import load_maps
from cubespace.network.embedding import embed
from cubespace.network.encoder import Encoder, choose_device, load_weights, save_weights
from cubespace.network.presets import pair_from_settings
from cubespace.network.training import train
from cubespace.network.views import draw_pair
from cubespace.sample import build
from cubespace.spectra.moments import read_moments
from cubespace.tables import read_table, write_table

sys.path.append(str(ROOT / "tests/workflow"))
from survey import snakemake

COSMOLOGY = {"h0": 70.0, "om0": 0.3}
TYPES = str(ROOT / "resources/morphology.csv")
ODD = [
    "NGC0001",
    "NGC0001.V500",
    "NGC0001.pca",
    "MCG-01-01-012",
    "UGC+1.V500",
    "Abell(12)",
    "IC 10",
    "NGC0002",
]
STEMS = [
    "NGC0001",
    "NGC0001.V500",
    "NGC0001.pca",
    "MCG-01-01-012",
    "UGC+1.V500",
    "Abell%2812%29",
    "IC0010",
    "NGC0002",
]
STRAYS = [
    "NGC0001.V500.rscube.fits~",
    ".NGC0002.V500.rscube.fits.swp",
    "tmp/NGC0003.V500.rscube.fits",
    "NGC0004.V1200.rscube.fits",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Folder of a run over galaxies of odd names, in a path with a blank and an apostrophe; their cubes are no FITS files."""
    folder = tmp_path_factory.mktemp("run") / "my survey's run"
    data = folder / "my data"
    (data / "tmp").mkdir(parents=True)
    for i, name in enumerate([*(f"{stem}.V500.rscube.fits" for stem in STEMS), *STRAYS]):
        (data / name).write_text(f"not a cube, number {i}")
    rows = [f"{name},{'validation' if i % 2 else 'train'},{0.01 + i / 1000}" for i, name in enumerate(ODD)]
    (folder / "my sheet.csv").write_text("galaxy,role,redshift\n" + "\n".join(rows) + "\n")
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config |= {
        "mock": None,
        "sample": {"sheet": "my sheet.csv", "cubes": "my data/{galaxy}.V500.rscube.fits"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    snakemake(
        folder, "--", "results/sample/galaxies.parquet", *(f"results/moments/{stem}.npz" for stem in STEMS)
    )
    return folder


def test_d09_a_blank_and_an_apostrophe_in_the_path(odd):
    assert read_table(odd / "results/sample/galaxies.parquet")["galaxy"].tolist() == [
        name.replace("IC 10", "IC0010") for name in ODD
    ]


def test_d10_d11_dots_and_signs_in_names_are_that_galaxy_and_no_other(odd):
    for name, stem in zip(ODD, STEMS, strict=True):
        found = read_moments(odd / f"results/moments/{stem}.npz", ("galaxy", "verdict", "detail"))
        assert str(found["galaxy"]) == name.replace("IC 10", "IC0010") and found["verdict"] == "rejected"
        assert f"{stem}.V500.rscube.fits" in found["detail"]


def test_d12_strays_are_left_alone_and_listed_once(odd):
    notes = read_table(odd / "results/sample/notes.csv")
    listed = notes[notes["kind"] == "stray_files"]
    assert len(listed) == 1 and listed["detail"].iloc[0].startswith("4 files are no galaxy's cube")
    assert all(Path(name).name in listed["detail"].iloc[0] for name in STRAYS)


def test_d08_every_file_is_a_declared_output(odd):
    made = {str(path.relative_to(odd / "results")) for path in (odd / "results").rglob("*") if path.is_file()}
    declared = {f"moments/{stem}.npz" for stem in STEMS} | {
        "sample/galaxies.parquet",
        "sample/galaxies.fits",
        "sample/columns.csv",
        "sample/notes.csv",
    }
    assert {path for path in made if not path.startswith(("logs/", "benchmarks/", "provenance/"))} == declared
    profile = yaml.safe_load((ROOT / "slurm/config.yaml").read_text())
    assert profile["latency-wait"] >= 60


def test_d13_names_that_differ_in_case_only_are_refused_before_anything_runs(tmp_path):
    (tmp_path / "sheet.csv").write_text("galaxy\nArp118\nX\nARP118\n")
    with pytest.raises(
        CubespaceError, match=r"the same galaxy more than once: 'Arp118' \(row 1\), 'ARP118' \(row 3\)"
    ):
        build(str(tmp_path / "sheet.csv"), "{galaxy}.fits", [], COSMOLOGY, {"method": "sheet"}, TYPES)


SLOW = """
import sys, time
from cubespace.files import atomic
with atomic(sys.argv[1]) as temporary:
    with open(temporary, "w") as stream:
        stream.write("half")
        stream.flush()
        print("writing", flush=True)
        time.sleep(60)
"""


def step(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def test_d02_killed_in_the_middle_of_a_write(tmp_path):
    """The final name is absent, or has its old content whole; a second writer is not disturbed by what the first left."""
    target = tmp_path / "out.txt"
    for old in (None, "old"):
        if old:
            target.write_text(old)
        process = step("-c", SLOW, str(target))
        assert process.stdout.readline() == "writing\n"
        process.kill()
        process.wait()
        assert (target.read_text() if target.exists() else None) == old
    write_npz(tmp_path / "out.npz", a=np.ones(3))
    with np.load(tmp_path / "out.npz") as stored:
        assert stored["a"].sum() == 3


def test_d03_a_killed_run_goes_on_with_the_shipped_profile(odd, tmp_path):
    """SIGKILL to Snakemake and its jobs while the first jobs run: after --unlock, a rerun ends equal to the undisturbed run.

    A killed Snakemake leaves its lock, by which two runs in one folder are kept apart; it stays in force until it is cleared.
    (A training that is killed resumes from its checkpoint, to the last bit: tests/unit/test_training.py.)
    """
    folder = tmp_path / "run"
    shutil.copytree(odd, folder, ignore=shutil.ignore_patterns("results", ".snakemake"))
    targets = [f"results/moments/{stem}.npz" for stem in STEMS[:2]]
    profile = ["--profile", str(ROOT / "config/profiles/local")]
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-s",
        str(ROOT / "Snakefile"),
        "--configfile",
        "config.yaml",
        "--cores",
        "2",
        *profile,
    ]
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    }
    process = subprocess.Popen(
        [*command, "--", *targets],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(folder.glob("results/logs/moments/*.log")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list((folder / "results/logs/moments").iterdir()) and not any(
        (folder / target).exists() for target in targets
    )
    snakemake(folder, "--unlock")
    snakemake(folder, *profile, "--", *targets)
    for target in targets:
        assert (folder / target).read_bytes() == (odd / target).read_bytes()


def test_d04_a_damaged_intermediate_is_refused_by_name(tmp_path):
    write_npz(tmp_path / "G.npz", mean=np.ones(1000), verdict="accepted", reason="", detail="")
    whole = (tmp_path / "G.npz").read_bytes()
    (tmp_path / "G.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CubespaceError, match=r"G\.npz"):
        read_moments(tmp_path / "G.npz")
    (tmp_path / "G.fits").write_bytes(b"SIMPLE  =                    T" + b" " * 500)
    with pytest.raises(CubespaceError, match=r"G\.fits"):
        load_maps(tmp_path, pd.DataFrame({"galaxy": ["G"], "stem": ["G"]}))
    for suffix in ("parquet", "fits"):
        path = tmp_path / f"t.{suffix}"
        write_table(pd.DataFrame({"galaxy": ["A"] * 2000, "z": np.random.default_rng(0).random(2000)}), path)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CubespaceError, match=rf"t\.{suffix}"):
            read_table(path)


def test_d05_no_room_is_an_error_with_the_path_and_leaves_no_file(tmp_path):
    (tmp_path / "sheet.csv").write_text("galaxy,redshift\n" + "".join(f"G{i},0.01\n" for i in range(200)))
    settings = {
        "sheet": "sheet.csv",
        "cubes": "{galaxy}.fits",
        "tables": [],
        "cosmology": COSMOLOGY,
        "types": TYPES,
        "split": {"method": "sheet", "seed": 1},
    }
    arguments = ["-m", "cubespace.steps.sample", "--settings", json.dumps(settings), "--out", "g.parquet", "--fits", "g.fits",
                 "--audit", "a.csv", "--notes", "n.csv"]  # fmt: skip

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    process = step(*arguments, cwd=tmp_path, preexec_fn=small)
    output = process.communicate(timeout=60)[0]
    assert (
        process.returncode != 0
        and "g.parquet: cannot be written: File too large" in output
        and "Traceback" not in output
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sheet.csv"]
    process = step(*arguments, cwd=tmp_path)
    assert process.communicate(timeout=60)[0] and process.returncode == 0
    assert len(read_table(tmp_path / "g.parquet")) == 200


def test_d07_memory_grows_with_the_attempt():
    """Every rule states mem_mb and runtime (tests/workflow/test_rules.py); here: what these functions do, and that jobs are tried again."""
    text = (ROOT / "workflow/rules/common.smk").read_text()
    scope = {}
    for name in ("mem", "minutes"):
        exec(text[text.index(f"def {name}(") :].split("\n\n\n")[0], scope)
    assert [scope["mem"](1000)(None, attempt) for attempt in (1, 2, 3)] == [1000, 2000, 3000]
    assert [scope["minutes"](10)(None, attempt) for attempt in (1, 2)] == [10, 20]
    assert yaml.safe_load((ROOT / "slurm/config.yaml").read_text())["retries"] >= 1


def test_d15_weights_know_no_device(tmp_path, monkeypatch):
    network = Encoder(5, seed=3).eval()
    save_weights(tmp_path / "w.safetensors", network, {"variant": "full"})
    assert b"cuda" not in (tmp_path / "w.safetensors").read_bytes()
    back, _ = load_weights(tmp_path / "w.safetensors", "cpu")
    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), back.state_dict().values(), strict=True)
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CubespaceError, match="cuda asked for, but torch sees no GPU"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


def test_d15_a_checkpoint_with_the_tag_of_a_gpu_is_resumed_on_a_cpu(tmp_path, monkeypatch):
    maps, space, scaling, _ = fake_maps.prepared(8, (12, 12), 3)
    arguments = (
        maps[np.arange(5)],
        maps[np.arange(5, 8)],
        space,
        scaling,
        pair_from_settings({"second": {"resize": [1, 2], "shift": 1}}),
    )
    quick = {
        "steps_per_epoch": 1,
        "precision": "float32",
        "validation_realisations": 1,
        "require_learning": False,
        "epochs": 1,
    }
    whole = torch.load
    train(*arguments, quick, checkpoint=tmp_path / "c.pt", log=lambda line: None)
    content = whole(tmp_path / "c.pt", weights_only=True)
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    torch.save(content, tmp_path / "gpu.pt")
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="cuda"):
        whole(tmp_path / "gpu.pt", weights_only=True)
    lines = []
    train(*arguments, quick, checkpoint=tmp_path / "gpu.pt", log=lines.append)
    assert any("resumed from" in line for line in lines)


PAIR = pair_from_settings({"second": {"resize": [1, 2], "shift": 1}})


def test_d17_maps_are_in_memory_and_any_batch_gives_the_same_rows_in_the_same_order():
    """There are no loader workers to share a file or to hang: all maps are read before training, by one process."""
    code = "".join(path.read_text() for path in (ROOT / "workflow/cubespace/network").glob("*.py"))
    assert "DataLoader" not in code and "multiprocessing" not in code
    maps, space, scaling, _ = fake_maps.prepared(20, (12, 12), 3)
    network = Encoder(scaling.channels, 0).eval()
    found = [
        embed(network, maps, space, scaling, PAIR, realisations=2, batch=batch)[0] for batch in (1, 4, 20)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-6)


def test_d19_every_draw_is_of_one_seed_epoch_galaxy_and_realisation():
    maps, _, _, _ = fake_maps.prepared(8, (12, 12), 3)
    pair = pair_from_settings({})

    def draws(maps, seed=0, epochs=(0, 1), realisations=25):
        return [
            [view[1].snr.tolist() for view in draw_pair(pair, maps, seed, (epoch, number))]
            for epoch in epochs
            for number in range(1, realisations + 1)
        ]

    noise = np.array(draws(maps))  # (50 realisations, 2 views, 8 galaxies)
    assert all(len(set(noise[:, 1, galaxy])) == 50 for galaxy in range(8))
    assert all(len(set(noise[number, 1])) == 8 for number in range(50))
    np.testing.assert_array_equal(noise, draws(maps))
    np.testing.assert_array_equal(
        noise[:, :, [5, 2]], draws(maps[np.array([5, 2])])
    )  # whatever else is in the batch
    assert (noise != np.array(draws(maps, seed=1)))[:, 1].all()
