"""Time of every two-sample test with 9,999 permutations of 900 galaxies, on one matrix of cosine distances.

    python tests/benchmarks/two_sample.py [galaxies] [permutations]
"""

import sys
import time

import numpy as np

from cubespace.populations.two_sample import all_tests
from cubespace.space.neighbours import cosine_distances


def main(n=900, permutations=9999):
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(n, 12)) * 0.7 ** np.arange(12)) @ rng.normal(size=(12, 512)) + 2
    began = time.perf_counter()
    distances, labels = cosine_distances(vectors), np.arange(n) >= n // 2
    print(f"{n} x 512: distances {time.perf_counter() - began:.2f} s")
    total = 0.0
    for name, test in all_tests().items():
        began = time.perf_counter()
        p = test.test(distances, labels, permutations, 0, n_bootstrap=200).p_value
        total += (spent := time.perf_counter() - began)
        print(f"{name:16s} {permutations} permutations, 200 resamples: {spent:6.2f} s (p = {p:.4f})")
    print(f"all six: {total:.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
