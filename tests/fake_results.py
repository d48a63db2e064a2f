"""A small folder of results with its ledger, made by hand: two cubes to a figure, and what a release is made of."""

import json
from pathlib import Path

from cubespace import ledger

CONFIG = {
    "survey": "two galaxies",
    "seed": 7,
    "variants": ["full", "no_luminosity"],
    "release": None,
    "spectra": {"snr_min": 30},
    "basis": {"n_components": 2},
    "maps": {"canvas": [4, 4]},
    "sample": {"sheet": "sheet.csv", "cosmology": {"h0": 70.0}},
    "network": {"encoder": {"preset": "paper"}, "training": {"epochs": 1}, "views": {"preset": "paper"}, "embedding": {"realisations": 1}, "device": "cpu"},
}
SETTINGS = {"moments": {"snr_min": 30}, "embed": {"realisations": 1}}
NETWORK = {"weights.safetensors": "weights", "history.csv": "history", "card.md": "card"}


def job(step, inputs, outputs, salt="", **options):
    """Write the outputs of a job, each of its own content, and its record."""
    for path in outputs:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f"{path} of {step}{salt}\n")
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    words += ["--settings", json.dumps(SETTINGS.get(step, {})), *inputs, *outputs]
    record = ledger.job(f"cubespace.steps.{step}", words, inputs, outputs)
    place = ledger.place("results/provenance", next(iter(record["outputs"])))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(ledger.as_text(record))
    return record


def make(temporary=()):
    """Results in the working directory, from sheet.csv and cubes/*.fits."""
    for path in ("sheet.csv", "cubes/A.fits", "cubes/B.fits"):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(f"observed {path}\n")
    job("sample", ["sheet.csv"], ["results/sample/galaxies.parquet"])
    for kind in ("release", "roster"):
        job("roster", ["results/sample/galaxies.parquet"], [f"results/sample/{kind}.csv"], kind=kind)
    for stem in "AB":
        job("moments", [f"cubes/{stem}.fits"], [f"results/moments/{stem}.npz"], galaxy=f"NGC {stem}", cube=f"cubes/{stem}.fits")
    moments = [f"results/moments/{stem}.npz" for stem in "AB"]
    job("basis", ["results/sample/release.csv", *moments], ["results/basis/basis.fits"])
    for stem in "AB":
        job("maps", [f"cubes/{stem}.fits", f"results/moments/{stem}.npz", "results/basis/basis.fits"], [f"results/maps/{stem}.fits"])
    maps = [f"results/maps/{stem}.fits" for stem in "AB"]
    job("scaling", ["results/basis/basis.fits", *maps], ["results/basis/scaling.csv"])
    space = ["results/basis/basis.fits", "results/basis/scaling.csv"]
    for variant in CONFIG["variants"]:
        folder = f"results/network/{variant}"
        job("train", [*space, *maps], [f"{folder}/{name}" for name in NETWORK])
        job("embed", ["results/sample/roster.csv", *space, f"{folder}/weights.safetensors", *maps], [f"results/embedding/{variant}.parquet"])
    job("umap", ["results/embedding/full.parquet"], ["results/space/full/umap.parquet"])
    job("figure", ["results/space/full/umap.parquet"], ["results/figures/umap.png", "results/figures/umap.pdf"])
    job("figure", ["results/sample/galaxies.parquet"], ["results/figures/sample.png"])
    settings = {record["step"]: [record["settings_digest"]] for record in ledger.read("results")[1]}
    ledger.write_run("results/provenance", CONFIG, ["config.yaml"], {}, settings, list(temporary))
