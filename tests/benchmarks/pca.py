"""Streaming PCA of 60,000 spectra of 1,533 samples in 60 blocks, on one core: time, accuracy, share of the machine's speed.

    python tests/benchmarks/pca.py [--rounds 3] [--incremental]

Process times, the best of several rounds in which the candidates take turns.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
sys.path.insert(0, str(Path(__file__).parents[2] / "workflow"))

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA

from cubespace.spectra.basis import principal_components
from cubespace.spectra.moments import Pool

N, P, BLOCKS, K = 60_000, 1533, 60, 29


def spectra(seed=1, rank=60, noise=0.02):
    """Float32 spectra around 1 whose variances fall as those of galaxies do (0.70, 0.15, 0.06, ... of the total)."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(P, rank)))[0].T
    scale = np.sqrt(40.0 * np.arange(1, rank + 1) ** -2.2)
    data = np.empty((N, P), np.float32)
    for part in np.array_split(data, BLOCKS):
        part[:] = 1 + (rng.normal(size=(len(part), rank)) * scale) @ directions + rng.normal(0, noise, part.shape)
    return data


def pooled(data):
    pool = Pool(P)
    for block in np.array_split(data, BLOCKS):
        pool.take(block)
    return pool.moments()


def streamed(data):
    return principal_components(pooled(data), K, 45)


def seconds(function):
    started = time.process_time()
    result = function()
    return time.process_time() - started, result


def reference(data):
    """All eigenvectors of the float64 covariance about the float64 mean."""
    mean, scatter = data.mean(axis=0, dtype=float), np.zeros((P, P))
    for block in np.array_split(data, BLOCKS):
        centred = block - mean
        scatter += centred.T @ centred
    return np.linalg.eigh(scatter)[1][:, ::-1].T


def off(components, true):
    """Largest difference of a loading, signs aligned; and sine of the largest angle between the subspaces."""
    true = true[: len(components)]
    sign = np.sign((components * true).sum(axis=1))
    cosines = np.linalg.svd(np.asarray(components, float) @ true.T, compute_uv=False)
    return np.abs(components * sign[:, None] - true).max(), np.sqrt(max(0.0, 1 - cosines.min() ** 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--incremental", action="store_true", help="also scikit-learn's IncrementalPCA (half a minute)")
    args = parser.parse_args()
    data = spectra()
    part = data[:8192]
    other = part.copy()
    ways = {
        "sgemm": lambda: part.T @ other,
        "ssyrk": lambda: part.T @ part,
        "moments of 60 blocks": lambda: pooled(data),
        "ours": lambda: streamed(data)[0],
        "covariance_eigh": lambda: PCA(K, svd_solver="covariance_eigh").fit(data).components_,
    }
    best, result = dict.fromkeys(ways, np.inf), {}
    for _ in range(args.rounds):
        for name, way in ways.items():
            taken, result[name] = seconds(way)
            best[name] = min(best[name], taken)
    best["covariance_eigh, float64"], result["covariance_eigh, float64"] = seconds(
        lambda: PCA(K, svd_solver="covariance_eigh").fit(data.astype(float)).components_
    )
    if args.incremental:
        best["IncrementalPCA"], result["IncrementalPCA"] = seconds(
            lambda: IncrementalPCA(K, batch_size=1000).fit(data).components_
        )
    true = reference(data)
    work = 2 * P * P / 1e9
    rate = {name: len(part) * work / best[name] for name in ("sgemm", "ssyrk")}
    ours = N * work / best["moments of 60 blocks"]
    print(f"{N:,} x {P:,} float32 in {BLOCKS} blocks, one core")
    print(f"  sgemm {rate['sgemm']:.0f} Gflop/s, ssyrk {rate['ssyrk']:.0f} (counted as a full product)")
    print(f"  moments: {best['moments of 60 blocks']:.2f} s, {ours:.0f} Gflop/s counted so: {100 * ours / rate['sgemm']:.0f} % of sgemm")
    for name in ("ours", "covariance_eigh", "covariance_eigh, float64", "IncrementalPCA"):
        if name in result:
            largest, angle = off(result[name][:K], true)
            print(f"  {name:25} {best[name]:6.2f} s = {best[name] / best['ours']:5.2f} x ours; loadings off by {largest:.1e}, subspace by {angle:.1e}")


if __name__ == "__main__":
    main()
