"""One full-size cube on one core: time and peak memory of its steps, and ratios against plain ways of doing the same.

    make benchmark
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
GALAXY = "MOCK0001"


def step(name, *options):
    """Run a step in a process of its own; returns (seconds, peak memory [MB])."""
    environment = os.environ | ONE_CORE | {"PYTHONPATH": str(ROOT / "workflow")}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", f"cubespace.steps.{name}", *map(str, options)], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main():
    os.environ.update(ONE_CORE)
    sys.path.insert(0, str(ROOT / "workflow"))
    import numpy as np
    from astropy.io import fits
    from sklearn.decomposition import PCA, IncrementalPCA

    from cubespace.cosmology import luminosity_distance
    from cubespace.cubes.readers import read_cube
    from cubespace.sample import release
    from cubespace.spectra.moments import merge, moments
    from cubespace.tables import read_table, write_table

    truth = read_table(ROOT / "resources/demo/truth.csv").set_index("galaxy").loc[GALAXY]
    z, distance = float(truth["redshift"]), float(luminosity_distance(truth["redshift"]))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        cube = folder / f"{GALAXY}.V500.drscube.fits.gz"
        table = read_table(ROOT / "resources/demo/galaxies.csv").iloc[:1].assign(role="train", stem=GALAXY, pointing=GALAXY, redshift=z)
        write_table(release(table), folder / "release.csv")
        data = ROOT / "resources"
        same = ("--galaxy", GALAXY, "--cube", cube, "--redshift", z)
        rows = {
            "simulate": step("simulate", "--galaxy", GALAXY, "--truth", data / "demo/truth.csv", "--ssp", data / "ssp_basis.npz", "--cube", cube,
                             "--maps", folder / "truth.fits", "--settings", json.dumps({"pixel_arcsec": 0.5})),
            "moments": step("moments", *same, "--out", folder / f"{GALAXY}.npz", "--settings", json.dumps({"snr_min": 10})),
            "basis": step("basis", "--moments", folder, "--release", folder / "release.csv", "--out", folder / "basis.fits"),
            "maps": step("maps", *same, "--distance", distance, "--basis", folder / "basis.fits", "--moments", folder / f"{GALAXY}.npz",
                         "--out", folder / "maps.fits"),
        }  # fmt: skip
        shape = read_cube(cube).flux.shape
        print(f"\ncube {shape}, {cube.stat().st_size / 1e6:.0f} MB gzipped, one core")
        for name, (seconds, memory) in rows.items():
            print(f"  {name:10} {seconds:6.1f} s   peak {memory:6.0f} MB")
        total = rows["moments"][0] + rows["maps"][0]
        print(f"  moments + maps {total:.1f} s (budget: 20 s), peak {max(rows['moments'][1], rows['maps'][1]):.0f} MB (budget: 2000 MB)")

        def seconds(function):
            started = time.perf_counter()
            result = function()
            return time.perf_counter() - started, result

        def plain():
            with fits.open(cube) as hdus:
                return [np.asarray(hdus[i].data, np.float32) for i in (0, 1, 3)]  # the planes that our reader uses

        ours, _ = seconds(lambda: read_cube(cube))
        theirs, _ = seconds(plain)
        print(f"  reading: astropy takes {theirs / ours:.1f} times as long as our reader ({theirs:.1f} s, {ours:.1f} s)")

    rng = np.random.default_rng(1)
    spectra = (rng.normal(size=(20000, 30)) @ rng.normal(size=(30, 1533)) + rng.normal(size=(20000, 1533))).astype(np.float32)
    parts = np.array_split(spectra, 100)

    def merged():
        total = moments(parts[0])
        for part in parts[1:]:
            total = merge(total, moments(part))
        return np.linalg.eigh(total.scatter)

    ours, _ = seconds(merged)
    full, _ = seconds(lambda: PCA(29, svd_solver="covariance_eigh").fit(spectra))
    incremental, _ = seconds(lambda: IncrementalPCA(29, batch_size=2000).fit(spectra))
    print(f"  PCA of 20,000 x 1,533 in 100 parts: scikit-learn's IncrementalPCA takes {incremental / ours:.1f} times as long, "
          f"its PCA of all at once {full / ours:.2f} times ({ours:.1f} s here)")  # fmt: skip
    print(f"  peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
