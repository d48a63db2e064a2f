"""Correlate the axes of the representation with physical properties, and probe it against its baselines."""

from cubespace.steps import parse, run


def main(argv=None):
    args = parse(__doc__, argv, embedding=str, untrained=str, pooled=str, galaxies=str, out=str, variance=str, probes=str)
    import numpy as np

    from cubespace.errors import CubespaceError
    from cubespace.files import provenance
    from cubespace.space import correlations as c
    from cubespace.space.neighbours import fitted, pointing_codes, pointings_of, read_embedding, unit_rows
    from cubespace.space.probes import probe_table
    from cubespace.tables import read_table, write_table

    embedding, settings, galaxies = read_embedding(args.embedding), args.settings, read_table(args.galaxies)
    seed, names = settings.get("seed", 0), settings.get("properties", c.PROPERTIES_OF_INTEREST)
    share, fit = settings.get("variance_share", 0.9), fitted(embedding)
    unit = unit_rows(embedding.vectors, embedding.galaxies)
    variance = c.variance_table(unit[fit], share, settings.get("n_bootstrap", 200), seed)
    values = c.numeric_properties(galaxies, embedding.galaxies, names)
    table = c.correlation_table(
        c.principal_components(unit, fit).scores, values, settings.get("n_components", 7), settings.get("n_permutations", 9999), seed
    )
    tables = {"network": embedding, "untrained": read_embedding(args.untrained), "pooled_pca": read_embedding(args.pooled)}
    rows = [{name: row for row, name in enumerate(e.galaxies)} for e in tables.values()]
    common = [name for name in embedding.galaxies if all(name in row for row in rows)]
    if not common:
        raise CubespaceError(f"{args.embedding}, {args.untrained}, {args.pooled}: no galaxy in all three")
    chosen = {key: e.vectors[[row[n] for n in common]] for (key, e), row in zip(tables.items(), rows, strict=True)}
    groups = pointing_codes(pointings_of(np.array(common), galaxies))
    folds = settings.get("n_folds", 8)
    probes = probe_table(chosen, c.numeric_properties(galaxies, common, names), groups, folds, seed=seed)
    meta = provenance(settings, seed=seed, release=embedding.meta.get("release_digest"))
    for frame, path in ((table, args.out), (variance, args.variance), (probes, args.probes)):
        write_table(frame, path, meta=meta)
    print(f"{int(variance['within_share'].sum())} of {len(variance)} components hold {share:.0%} of the variance")
    print(f"{len(embedding.galaxies)} galaxies correlated, {len(common)} probed in {folds} folds by pointing")


if __name__ == "__main__":
    run(main)
