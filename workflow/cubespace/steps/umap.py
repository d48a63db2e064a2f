"""Project the representation to a plane for looking at: UMAP fitted on the training galaxies, all others in one call."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, embedding=str, out=str)
    import numba
    import pandas as pd
    import umap

    from cubespace.space.neighbours import fitted, read_embedding
    from cubespace.space.projection import TRANSFORM_REPULSION, umap_projection
    from cubespace.tables import write_table

    embedding, settings = read_embedding(args.embedding), args.settings
    fit = fitted(embedding, ("train",))
    wanted, seed = settings.get("n_neighbors", 15), settings.get("seed", 0)
    found = umap_projection(
        embedding.galaxies, embedding.vectors, fit, wanted, settings.get("min_dist", 0.1), seed
    )
    table = pd.DataFrame(
        {
            "galaxy": embedding.galaxies.astype(object),
            "role": embedding.roles.astype(object),
            "umap_1": found.coordinates[:, 0],
            "umap_2": found.coordinates[:, 1],
        }
    )
    meta = sign(args, seed=seed, release=embedding.meta.get("release_digest"))
    meta |= {"n_neighbors": str(found.n_neighbors), "transform_repulsion": str(TRANSFORM_REPULSION), "umap": umap.__version__, "numba": numba.__version__}
    write_table(table, args.out, meta=meta)
    cut = f" (asked: {wanted}; cut to the galaxies there are)" if found.n_neighbors != wanted else ""
    print(
        f"fitted on {fit.sum()} galaxies, {(~fit).sum()} projected; seed {seed}; n_neighbors {found.n_neighbors}{cut}"
    )
    print(
        f"umap-learn {umap.__version__}, numba {numba.__version__}; no statistic is computed from these coordinates"
    )


if __name__ == "__main__":
    run(main)
