"""Reads thousands of damaged cubes and counts what comes of it; see `fuzzing`.

    python tests/benchmarks/fuzz_cubes.py [number of files, default 10000] [seed]
"""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests")]


def main():
    import fuzzing

    n, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(sys.argv[2]) if len(sys.argv) > 2 else 20240
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        count = fuzzing.run(n, seed, folder)
    print(f"{n} damaged files, seed {seed}, {time.perf_counter() - started:.0f} s")
    for outcome, number in sorted(count.outcomes.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {number:6}  {outcome}")
    print(*count.faults[:40], sep="\n")
    return 1 if count.faults else 0


if __name__ == "__main__":
    sys.exit(main())
