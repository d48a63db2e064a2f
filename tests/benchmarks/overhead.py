"""What Snakemake itself takes to run the per-galaxy jobs of 100, 300 and 900 galaxies: its own processor time, a job.

    python tests/benchmarks/overhead.py [--numbers 100 300 900]

The steps do nothing here but write their output, so that the time of the real ones, which the file benchmarks/*.tsv of any run has,
can be held against it on a machine that is busy with other things. Processor time is Snakemake's own process, from its start to its
end, the steps and their shells not counted; the plan is made within it.
"""

import argparse
import os
import tempfile
from pathlib import Path

from dag import lay_out
from growth import snakemake

STEP = """#!/bin/sh
while [ $# -gt 0 ]; do
  if [ "$1" = --out ]; then : > "$2"; fi
  shift
done
"""


def run(folder, number):
    """(jobs, processor seconds of Snakemake, seconds that passed, peak memory [MB])."""
    (folder / "bin").mkdir()
    (folder / "bin/python").write_text(STEP)
    (folder / "bin/python").chmod(0o755)
    targets = [f"results/maps/G{i:05d}.fits" for i in range(number)]
    environment = os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    passed, seconds, memory = snakemake(folder, 2, *targets, environment=environment)
    return 2 * number + 2, seconds, passed, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, nargs="+", default=(100, 300, 900))
    args = parser.parse_args()
    print(f"{'galaxies':>9}{'jobs':>7}{'Snakemake':>12}{'a job':>10}{'passed':>10}{'memory':>10}")
    for number in args.numbers:
        with tempfile.TemporaryDirectory() as folder:
            lay_out(Path(folder), number)
            jobs, seconds, passed, memory = run(Path(folder), number)
        print(f"{number:9d}{jobs:7d}{seconds:10.1f} s{1000 * seconds / jobs:7.1f} ms{passed:8.1f} s{memory:7.0f} MB", flush=True)


if __name__ == "__main__":
    main()
