"""Correlate the axes of the representation with physical properties, and probe it against its baselines."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    files = dict.fromkeys(("embedding", "untrained", "pooled", "galaxies", "out", "variance", "probes", "strengths"), str)
    args = parse(__doc__, argv, **files)
    from cubespace.space import correlations as c
    from cubespace.space.neighbours import (
        cosine_distances,
        fitted,
        pointing_codes,
        pointings_of,
        read_embedding,
        unit_rows,
    )
    from cubespace.space.probes import probes_of
    from cubespace.space.strengths import strength_table
    from cubespace.tables import read_table, write_table

    embedding, settings, galaxies = read_embedding(args.embedding), args.settings, read_table(args.galaxies)
    seed, names = settings.get("seed", 0), settings.get("properties", c.PROPERTIES_OF_INTEREST)
    share, fit = settings.get("variance_share", 0.9), fitted(embedding)
    unit = unit_rows(embedding.vectors, embedding.galaxies)
    pointings = pointing_codes(pointings_of(embedding.galaxies, galaxies))
    variance = c.variance_table(unit[fit], share, settings.get("n_bootstrap", 200), seed, pointings[fit])
    scores = c.principal_components(unit, fit).scores
    values = c.numeric_properties(galaxies, embedding.galaxies, names)
    m, permutations = settings.get("n_components", 7), settings.get("n_permutations", 9999)
    table = c.correlation_table(scores, values, m, permutations, seed, groups=pointings)
    chords = (2 * cosine_distances(unit)) ** 0.5
    strengths = strength_table(scores, chords, values, pointings, n_bootstrap=settings.get("n_bootstrap", 200), seed=seed)
    probed = {"network": embedding, "untrained": read_embedding(args.untrained), "pooled_pca": read_embedding(args.pooled)}
    dealt = {name: settings[name] for name in ("n_folds", "n_repeats") if name in settings}
    common, probes = probes_of(probed, galaxies, names, seed=seed, **dealt)
    meta = sign(args, seed=seed, release=embedding.meta.get("release_digest"))
    for frame, path in ((table, args.out), (variance, args.variance), (probes, args.probes), (strengths, args.strengths)):
        write_table(frame, path, meta=meta)
    needed = int(variance["within_share"].sum())
    print(f"{needed} of {len(variance)} components hold {share:.0%} of the variance")
    print(f"{len(embedding.galaxies)} galaxies correlated, {len(common)} probed in folds by pointing")


if __name__ == "__main__":
    run(main)
