"""Test whether populations differ in the representation, as they are and as twins, and what would have been found."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    files = ("embedding", "galaxies", "classes", "twins", "out", "power", "distances", "controls")
    args = parse(__doc__, argv, **dict.fromkeys(files, str))
    from cubespace.populations.comparisons import DEFAULT, classes_of, compare
    from cubespace.populations.ks import format_p
    from cubespace.space.neighbours import pointing_codes, pointings_of, read_embedding
    from cubespace.tables import read_table, write_table

    embedding, settings = read_embedding(args.embedding), args.settings
    groups = pointing_codes(pointings_of(embedding.galaxies, read_table(args.galaxies)))
    classes = classes_of(read_table(args.classes), embedding.galaxies, embedding.roles)
    given = (embedding.galaxies, embedding.vectors, groups, classes, read_table(args.twins))
    tables = compare(*given, **settings)
    # the network was not fitted to validation galaxies: the same comparisons on them alone
    unseen = [{**c, "among": "validation"} for c in settings.get("comparisons", DEFAULT)
              if not c.get("matched") and not c.get("among") and c["a"] not in ("train", "validation")]  # fmt: skip
    controls = compare(*given, **{**settings, "comparisons": unseen, "power": False}).comparisons
    meta = sign(args, seed=settings.get("seed", 0), release=embedding.meta.get("release_digest"))
    write_table(tables.comparisons, args.out, meta=meta)
    write_table(tables.power, args.power, meta=meta)
    write_table(tables.distances, args.distances, meta=meta)
    write_table(controls, args.controls, meta=meta)
    for row in tables.comparisons.itertuples():
        twins = " twins" if row.matched else ""
        print(f"{row.a} ({row.n_a}) - {row.b} ({row.n_b}){twins}, {row.test}: p {format_p(row.p_value)}"
              + (f" ({row.note})" if isinstance(row.note, str) else ""))  # fmt: skip


if __name__ == "__main__":
    run(main)
