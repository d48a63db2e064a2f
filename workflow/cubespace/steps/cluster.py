"""Cluster the representation: spherical k-means and a Gaussian mixture, their agreement and stability."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, embedding=str, galaxies=str, out=str, summary=str, valley=str)
    import numpy as np

    from cubespace.space.clusters import cluster
    from cubespace.space.correlations import numeric_properties
    from cubespace.space.green_valley import LIMITS, recovery
    from cubespace.space.neighbours import fitted, pointing_codes, pointings_of, read_embedding
    from cubespace.tables import read_table, write_table

    embedding, settings = read_embedding(args.embedding), args.settings
    seed, galaxies = settings.get("seed", 0), read_table(args.galaxies)
    groups = pointing_codes(pointings_of(embedding.galaxies, galaxies))
    labels, summary = cluster(
        embedding.galaxies,
        embedding.vectors,
        fitted(embedding),
        ks=settings.get("k", (2, 3, 4, 5)),
        n_init=settings.get("n_init", 10),
        n_seeds=settings.get("n_seeds", 10),
        share=settings.get("variance_share", 0.9),
        seed=seed,
        groups=groups,
        n_bootstrap=settings.get("n_bootstrap", 50),
    )
    rates = {"log_sfr": np.full(len(groups), np.nan), "log_mass": np.full(len(groups), np.nan)}
    rates |= numeric_properties(galaxies, embedding.galaxies, tuple(rates))
    clusters = {name: labels[name].to_numpy() for name in labels.columns if name != "galaxy"}
    valley = recovery(clusters, **rates, groups=groups, limits=settings.get("green_valley", LIMITS), seed=seed)
    meta = sign(args, seed=seed, release=embedding.meta.get("release_digest"))
    columns = {
        name: ("", f"cluster 0.. of {name}, by rising mean first principal component")
        for name in labels.columns
        if name != "galaxy"
    }
    write_table(labels, args.out, columns=columns, meta=meta)
    write_table(summary, args.summary, meta=meta)
    write_table(valley, args.valley, meta=meta)
    for row in summary.itertuples():
        print(
            f"k={row.k}: silhouette {row.silhouette:.3f}, stability {row.stability:.3f}; mixture ({row.gmm_covariance} covariance, "
            f"{row.gmm_components} components, {row.gmm_parameters} parameters, {row.n} galaxies, stability {row.gmm_stability:.3f}): "
            f"ARI {row.ari_kmeans_gmm:.3f}, share {row.share_kmeans_gmm:.3f}"
        )


if __name__ == "__main__":
    run(main)
