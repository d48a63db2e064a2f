"""Time and peak memory of a dry run that plans everything, at 1,000, 3,000 and 10,000 galaxies, and of the plan of one galaxy among them.

    python tests/benchmarks/dag.py [--numbers 1000 3000 10000]

One galaxy in ten is fitted on, the others are embedded; cubes are empty files, which a plan does not open. Processor time is what
an idle machine would take; the time that passed stands beside it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def lay_out(folder, number):
    """Sheet, cubes and configuration of `number` galaxies."""
    (folder / "cubes").mkdir()
    rows = ["galaxy,role,redshift,ra,dec,morphology"]
    for i in range(number):
        role = "embed" if i % 10 else "train" if i % 50 else "validation"
        rows.append(f"G{i:05d},{role},{0.01 + i * 1e-6:.6f},{i * 0.031 % 360:.4f},{i * 0.007 % 60:.4f},{('E', 'S0', 'Sb', 'Sc')[i // 10 % 4]}")
        (folder / f"cubes/G{i:05d}.fits").touch()
    (folder / "sheet.csv").write_text("\n".join(rows) + "\n")
    config = {"survey": "plan", "sample": {"sheet": "sheet.csv", "cubes": "cubes/{galaxy}.fits"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def plan(folder, *targets):
    """(jobs, processor seconds, seconds, peak memory [MB]) of a dry run."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--configfile", "config.yaml", "--cores", "2", "-n", "--quiet", "rules"]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([*command, "--", *targets], cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        text = output.read().decode()
    if status:
        raise SystemExit(text)
    jobs = next(line.split()[1] for line in text.splitlines() if line.startswith("total"))
    return int(jobs), usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, nargs="+", default=(1000, 3000, 10000))
    args = parser.parse_args()
    print(f"{'galaxies':>9}{'plan of':>14}{'jobs':>8}{'processor':>12}{'passed':>10}{'memory':>10}")
    for number in args.numbers:
        with tempfile.TemporaryDirectory() as folder:
            lay_out(Path(folder), number)
            for name, targets in (("everything", ()), ("one galaxy", ("results/moments/G00001.npz",))):
                jobs, seconds, passed, memory = plan(folder, *targets)
                print(f"{number:9d}{name:>14}{jobs:8d}{seconds:10.1f} s{passed:8.1f} s{memory:7.0f} MB", flush=True)


if __name__ == "__main__":
    main()
