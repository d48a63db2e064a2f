"""Memory of embedding very many galaxies, on small maps: python tests/benchmarks/embedding.py --galaxies 100000

Each galaxy is read from disk, seen in its views and embedded as in the workflow, a batch at a time; 64 files stand for all
galaxies, each read as often as there are galaxies of its number. Printed are the memory of the process as galaxies go by, and
the slope: the vectors themselves, 512 x 4 bytes a galaxy and twice that while they are joined at the end, are all that may grow.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("MALLOC_ARENA_MAX", "1")
ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402

FILES, SHAPE, CHANNELS = 64, (12, 12), 3


def memory():
    """Resident memory of this process [MB], now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--galaxies", type=int, default=10000)
    parser.add_argument("--realisations", type=int, default=2)
    args = parser.parse_args()
    import fake_maps
    from cubespace.network import embedding
    from cubespace.network.encoder import Encoder
    from cubespace.network.views import pair_from_settings
    from cubespace.spectra.project import Maps, write_maps

    torch.set_num_threads(1)
    _, space, scaling, _ = fake_maps.prepared(2, SHAPE, CHANNELS)
    values, mask, limit, _ = fake_maps.survey(FILES, SHAPE, CHANNELS)
    pair = pair_from_settings({"second": {"resize": [1, 2], "shift": 2}})
    network = Encoder(scaling.channels, 0, {"preset": "best"}, scaling.luminosity).eval()
    rows = pd.DataFrame({"galaxy": [f"MADE{i:06d}" for i in range(args.galaxies)], "role": "embed", "pointing": None})
    rows["stem"] = [f"F{i % FILES:02d}" for i in range(args.galaxies)]
    seen, every = [], max(1, args.galaxies // 64 // 8)

    def watched(*given, **named):
        result = one_batch(*given, **named)
        watched.batches += 1
        if watched.batches % every == 0:
            seen.append((watched.batches * 64, memory()))
            print(f"{seen[-1][0]:8d} galaxies {seen[-1][1]:8.0f} MB {time.perf_counter() - started:8.0f} s", flush=True)
        return result

    watched.batches, one_batch = 0, embedding.embed
    embedding.embed = watched
    with tempfile.TemporaryDirectory() as folder:
        for i in range(FILES):
            snr = np.where(mask[i] == 0, 20.0, 0.0).astype(np.float32)
            header = {"LLIMIT": (float(limit[i]), ""), "PIXSCALE": (2.0, "")}
            write_maps(Path(folder) / f"F{i:02d}.fits", Maps(values[i], mask[i], snr, 0 * snr, header=header), f"F{i:02d}")
        started = time.perf_counter()
        names, *_ = embedding.embed_files(network, folder, rows, space, scaling, pair, torch.device("cpu"), realisations=args.realisations)
    number, taken = np.array(seen[1:]).T
    slope = np.polyfit(number, taken, 1)[0] * 1e3
    print(f"{len(names)} galaxies in {time.perf_counter() - started:.0f} s; memory grows by {slope:.2f} kB a galaxy, its vector is {512 * 4 / 1e3:.2f} kB")
    if slope > 3 * 512 * 4 / 1e3:
        raise SystemExit("memory grows by more than the vectors")


if __name__ == "__main__":
    main()
