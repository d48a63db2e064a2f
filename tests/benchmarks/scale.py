"""Time and peak memory of the steps that see all galaxies, at 100, 300 and 900 small galaxies, each step in a process of its own.

    python tests/benchmarks/scale.py [--grid 3739 6803 8]

Files of moments and maps are made for the purpose: a basis of smooth spectra, gaps of sky lines, canvas 46 x 48.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {"PYTHONPATH": str(ROOT / "workflow")}
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from cubespace.cubes import masks, restframe  # noqa: E402
from cubespace.files import write_npz  # noqa: E402
from cubespace.spectra.moments import moments, rejected_moments  # noqa: E402
from cubespace.spectra.project import Maps, write_maps  # noqa: E402


def step(name, *options):
    """(process seconds, peak memory [MB]) of a step."""
    command = [sys.executable, "-m", f"cubespace.steps.{name}", *map(str, options)]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def make(folder, number, grid, n_components=12):
    """Files of `number` galaxies of 60 bright spectra and 800 good spaxels."""
    rng = np.random.default_rng(1)
    axis = restframe.wavelength_grid(*grid)
    rows = np.sin(np.arange(1, 31)[:, None] * axis / 900 + np.arange(30)[:, None]) / np.arange(1, 31)[:, None] ** 1.2
    observed = restframe.wavelength_grid(3749, 7501, 2)
    sky = masks.in_windows(observed, restframe.SKY_WINDOWS)
    (folder / "moments").mkdir()
    (folder / "maps").mkdir()
    names = [f"G{i:04d}" for i in range(number)]
    mask = np.full((46, 48), 4, np.uint8)
    mask[8:38, 10:37] = 0
    for name in names:
        z = rng.uniform(0.003, 0.08)
        x = (1 + rng.normal(size=(60, 30)) @ rows * 0.2 + rng.normal(0, 0.02, (60, axis.size))).astype(np.float32)
        part = moments(x)
        found = rejected_moments(grid) | {
            "count": np.int64(60), "mean": part.mean, "scatter": part.scatter, "sample": x[:24], "bad_fraction": 0.04,
            "sample_sigma": np.full((24, axis.size), 0.02, np.float32), "gap": restframe.common_gap(observed, z, axis, sky),
        }  # fmt: skip
        write_npz(folder / "moments" / f"{name}.npz", **found, fingerprint=name, verdict="accepted", reason="", detail="", notes="", position=(1.0, 2.0))
        values = np.where(mask == 0, rng.normal(size=(1 + n_components, 46, 48)), 0).astype(np.float32)
        head = {"LLIMIT": (4.0, ""), "NGOOD": (int((mask == 0).sum()), ""), "STARFRAC": (0.0, ""), "BADFRAC": (0.04, ""), "PIXSCALE": (2.0, "")}
        write_maps(folder / "maps" / f"{name}.fits", Maps(values, mask, mask.astype(np.float32), values[0], None, head), name)
    pd.DataFrame({"galaxy": names, "stem": names, "role": "train", "pointing": names, "ra": 1.0, "dec": 2.0}).to_csv(folder / "all.csv", index=False)
    return n_components


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grid", type=float, nargs=3, default=(3739, 6803, 8), help="coarser than the survey's, to save disk")
    parser.add_argument("--numbers", type=int, nargs="+", default=(100, 300, 900))
    args = parser.parse_args()
    print(f"{'galaxies':>9}" + "".join(f"{name:>24}" for name in ("basis", "scaling", "verdicts")))
    for number in args.numbers:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            started = time.perf_counter()
            n_components = make(folder, number, args.grid)
            made = time.perf_counter() - started
            results = [
                step("basis", "--moments", folder / "moments", "--release", folder / "all.csv", "--out", folder / "basis.fits",
                     "--settings", json.dumps({"n_components": n_components})),
                step("scaling", "--maps", folder / "maps", "--release", folder / "all.csv", "--basis", folder / "basis.fits", "--out", folder / "scaling.csv"),
                step("verdicts", "--roster", folder / "all.csv", "--galaxies", folder / "all.csv", "--moments", folder / "moments", "--maps", folder / "maps",
                     "--out", folder / "verdicts.csv"),
            ]  # fmt: skip
        print(f"{number:9d}" + "".join(f"{seconds:12.1f} s {memory:6.0f} MB" for seconds, memory in results) + f"   (made in {made:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
