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
    """Run a step in a process of its own; returns (processor seconds, peak memory [MB])."""
    environment = os.environ | ONE_CORE | {"PYTHONPATH": str(ROOT / "workflow")}
    process = subprocess.Popen([sys.executable, "-m", f"cubespace.steps.{name}", *map(str, options)], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    os.environ.update(ONE_CORE)
    sys.path.insert(0, str(ROOT / "workflow"))
    import numpy as np
    from astropy.io import fits

    from cubespace.cosmology import luminosity_distance
    from cubespace.cubes.readers import read_cube
    from cubespace.sample import release
    from cubespace.spectra.basis import read_basis
    from cubespace.spectra.moments import galaxy_moments
    from cubespace.spectra.project import galaxy_maps
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
        print(f"\ncube {shape}, {cube.stat().st_size / 1e6:.0f} MB gzipped, one core; processor time")
        for name, (seconds, memory) in rows.items():
            print(f"  {name:10} {seconds:6.1f} s   peak {memory:6.0f} MB")
        for name in (f"{GALAXY}.npz", "maps.fits"):
            print(f"  {name:14} {(folder / name).stat().st_size / 1e6:.1f} MB")
        total = rows["moments"][0] + rows["maps"][0]
        print(f"  moments + maps {total:.1f} s (budget: 20 s), peak {max(rows['moments'][1], rows['maps'][1]):.0f} MB (budget: 1500 MB)", flush=True)

        def seconds(function):
            started = time.perf_counter()
            result = function()
            return time.perf_counter() - started, result

        def plain():
            with fits.open(cube) as hdus:
                return [np.asarray(hdus[i].data, np.float32) for i in (0, 1, 3)]  # the planes that our reader uses

        ours, _ = seconds(lambda: read_cube(cube))
        theirs, _ = seconds(plain)
        def compute(function, *options, **more):
            """Process time of the best of three, on a cube read afresh (the first look changes its flags)."""
            best = np.inf
            for _ in range(3):
                fresh = read_cube(cube)
                started = time.process_time()
                function(fresh, *options, **more)
                best = min(best, time.process_time() - started)
            return best

        decode = np.inf
        for _ in range(3):
            started = time.process_time()
            read_cube(cube)
            decode = min(decode, time.process_time() - started)
        first = compute(galaxy_moments, z, snr_min=10)
        second = compute(galaxy_maps, z, distance, read_basis(folder / "basis.fits"))
        print(f"  decode {decode:.2f} s; compute: moments {first:.2f} s, maps {second:.2f} s; both over one decode "
              f"{(first + second) / decode:.2f}, over the two that they need {(first + second) / (2 * decode):.2f}")  # fmt: skip
        print(f"  reading: astropy takes {theirs / ours:.1f} times as long as our reader ({theirs:.1f} s, {ours:.1f} s)")

    print(f"  peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
