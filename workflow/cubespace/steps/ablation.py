"""Compare the clusters of the representation with and without the luminosity map (Table 1 of the paper)."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, full=str, no_luminosity=str, galaxies=str, out=str)
    from cubespace.populations.ablation import luminosity_ablation
    from cubespace.space.neighbours import pointing_codes, pointings_of, read_embedding
    from cubespace.tables import read_table, write_table

    full, without, settings = read_embedding(args.full), read_embedding(args.no_luminosity), args.settings
    seed = settings.get("seed", 0)
    ks = [k for k in settings.get("k", (2, 3, 4)) if k in (2, 3, 4)] or [2, 3, 4]
    restarts = settings.get("n_init", 10) * settings.get(
        "n_seeds", 10
    )  # as many as the clusters of one variant get
    groups = pointing_codes(pointings_of(full.galaxies, read_table(args.galaxies)))
    table = luminosity_ablation(full, without, ks, restarts, seed=seed, groups=groups)
    write_table(
        table, args.out, meta=sign(args, seed=seed, release=full.meta.get("release_digest"))
    )
    for row in table.itertuples():
        print(
            f"{row.clusters} clusters: {row.common_percent:.1f} % in common ({row.ci_low:.1f} - {row.ci_high:.1f}), {row.n} galaxies"
        )


if __name__ == "__main__":
    run(main)
