"""Cluster the representation: spherical k-means and a Gaussian mixture, their agreement and stability."""

from cubespace.steps import parse, run


def main(argv=None):
    args = parse(__doc__, argv, embedding=str, out=str, summary=str)
    from cubespace.files import provenance
    from cubespace.space.clusters import cluster
    from cubespace.space.neighbours import fitted, read_embedding
    from cubespace.tables import write_table

    embedding, settings = read_embedding(args.embedding), args.settings
    seed = settings.get("seed", 0)
    labels, summary = cluster(
        embedding.galaxies,
        embedding.vectors,
        fitted(embedding),
        ks=settings.get("k", (2, 3, 4, 5)),
        n_init=settings.get("n_init", 10),
        n_seeds=settings.get("n_seeds", 10),
        share=settings.get("variance_share", 0.9),
        seed=seed,
    )
    meta = provenance(settings, seed=seed, release=embedding.meta.get("release_digest"))
    columns = {
        name: ("", f"cluster 0.. of {name}, by rising mean first principal component")
        for name in labels.columns
        if name != "galaxy"
    }
    write_table(labels, args.out, columns=columns, meta=meta)
    write_table(summary, args.summary, meta=meta)
    for row in summary.itertuples():
        print(
            f"k={row.k}: silhouette {row.silhouette:.3f}, stability {row.stability:.3f}; mixture ({row.gmm_covariance} covariance, "
            f"{row.gmm_components} components, {row.gmm_parameters} parameters, {row.n} galaxies, stability {row.gmm_stability:.3f}): "
            f"ARI {row.ari_kmeans_gmm:.3f}, share {row.share_kmeans_gmm:.3f}"
        )


if __name__ == "__main__":
    run(main)
