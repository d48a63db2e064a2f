"""How well central [NII]/H-alpha can be read from a mock survey's maps by a network that is taught it, beside the representation, which is not.

    python tests/benchmarks/ceiling.py [--results results]

Needs the results of a mock survey, the truth maps of its cubes among them. The taught network sees 30 numbers, those of one spaxel (log luminosity
and coefficients), and learns its true log [NII]/H-alpha from the spaxels of the galaxies of seven folds in eight; then it reads the light-weighted
mean of the central spaxels of the galaxies left out. Above it a ridge on that mean spectrum: what is there linearly. The folds are those of the probes' first deal.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np  # noqa: E402

REACH = (4.0, 8.0, 16.0)  # taught on spaxels this near to the nucleus [arcsec]
PENALTIES = (0.01, 0.1, 1.0)
APERTURE = 1.2  # sigma of the weights of the central mean [arcsec], an aperture of 3 arcsec after pixels of 2
SEEDS = 3


def read_galaxy(results, name):
    """Spaxels (n, channels), true log [NII]/Ha (n,), distances from the nucleus (n,) [arcsec], central mean (channels,)."""
    from astropy.io import fits

    from cubespace.spectra.project import read_maps

    maps = read_maps(results / f"maps/{name}.fits")
    head = maps.header
    y, x = np.nonzero(maps.mask == 0)
    with fits.open(results / f"mock/truth/{name}.fits") as truth:
        ratio, field = (truth[key].data[y - head["OFFSETY"], x - head["OFFSETX"]] for key in ("LOG_NII_HA", "HALPHA"))
        scale = truth[0].header["PIXSCALE"]
    y, x, ratio = y[field > 0], x[field > 0], ratio[field > 0]
    spaxels = maps.values[:, y, x].T
    distance = scale * np.hypot(y - head["CENTREY"], x - head["CENTREX"])
    weight = np.exp(-0.5 * (distance / APERTURE) ** 2) * 10.0 ** spaxels[:, 0]
    return spaxels, ratio, distance, weight @ spaxels / weight.sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"))
    args = parser.parse_args()
    from sklearn.neural_network import MLPRegressor

    from cubespace.realised import realised
    from cubespace.space.neighbours import pointing_codes, pointings_of, read_embedding
    from cubespace.space.probes import grouped_folds, r_squared, ridge_predictions
    from cubespace.tables import read_table

    embedding = read_embedding(str(args.results / "embedding/full.parquet"))
    table = realised(read_table(str(args.results / "mock/truth.parquet")))
    truth = table.set_index("galaxy")["log_nii_ha_cen"].reindex(embedding.galaxies).to_numpy(float)
    keep = np.isfinite(truth)
    names, truth, vectors = embedding.galaxies[keep], truth[keep], embedding.vectors[keep]
    seed = int(embedding.meta.get("seed", 0))
    folds = grouped_folds(pointing_codes(pointings_of(names, table)), 8, (seed, 0))
    spaxels, ratio, distance, central = zip(*(read_galaxy(args.results, name) for name in names), strict=True)
    fold = np.repeat(folds, [len(values) for values in ratio])
    spaxels, ratio, distance, central = *map(np.concatenate, (spaxels, ratio, distance)), np.array(central)
    spread = spaxels.std(axis=0)
    centre = spaxels.mean(axis=0)
    spaxels, central = (spaxels - centre) / spread, (central - centre) / spread

    def line(name, prediction):
        print(f"{name:60s}{r_squared(truth, prediction):7.3f}", flush=True)

    print(f"{len(names)} galaxies, {len(ratio)} spaxels; R2 of true central [NII]/Ha, 8 folds by pointing")
    line("representation, ridge", ridge_predictions(vectors, truth[:, None], folds)[:, 0])
    line("central spectrum, ridge", ridge_predictions(central, truth[:, None], folds)[:, 0])
    for reach in REACH:
        for penalty in PENALTIES:
            read = np.zeros((SEEDS, len(names)))
            for test in np.unique(folds):
                taught = (fold != test) & (distance < reach)
                for start in range(SEEDS):
                    network = MLPRegressor(hidden_layer_sizes=(64, 32), alpha=penalty, early_stopping=True, max_iter=100, random_state=start)
                    network.fit(spaxels[taught], ratio[taught])
                    read[start, folds == test] = network.predict(central[folds == test])
            line(f"central spectrum, taught on spaxels within {reach:g} arcsec, penalty {penalty:g}", read.mean(axis=0))


if __name__ == "__main__":
    main()
