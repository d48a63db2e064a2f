"""Test whether populations differ in the representation, as they are and as twins, and what would have been found."""

from cubespace.steps import parse, run


def main(argv=None):
    args = parse(
        __doc__, argv, embedding=str, galaxies=str, classes=str, twins=str, out=str, power=str, distances=str
    )
    from cubespace.files import provenance
    from cubespace.populations.comparisons import classes_of, compare
    from cubespace.populations.ks import format_p
    from cubespace.space.neighbours import pointing_codes, pointings_of, read_embedding
    from cubespace.tables import read_table, write_table

    embedding, settings = read_embedding(args.embedding), args.settings
    groups = pointing_codes(pointings_of(embedding.galaxies, read_table(args.galaxies)))
    classes = classes_of(read_table(args.classes), embedding.galaxies, embedding.roles)
    tables = compare(
        embedding.galaxies, embedding.vectors, groups, classes, read_table(args.twins), **settings
    )
    meta = provenance(settings, seed=settings.get("seed", 0), release=embedding.meta.get("release_digest"))
    write_table(tables.comparisons, args.out, meta=meta)
    write_table(tables.power, args.power, meta=meta)
    write_table(tables.distances, args.distances, meta=meta)
    for row in tables.comparisons.itertuples():
        twins = " twins" if row.matched else ""
        print(f"{row.a} ({row.n_a}) - {row.b} ({row.n_b}){twins}, {row.test}: p {format_p(row.p_value)}"
              + (f" ({row.note})" if isinstance(row.note, str) else ""))  # fmt: skip


if __name__ == "__main__":
    run(main)
