"""Read the sample sheet and the property tables; write the table of galaxies and what became of each column."""

from cubespace.steps import parse, run


def main(argv=None):
    args = parse(__doc__, argv, out=str, fits=str, audit=str)
    from cubespace.files import provenance
    from cubespace.provenance import release_digest
    from cubespace.sample import build
    from cubespace.tables import write_table

    sample = build(**args.settings)
    galaxies = sample.galaxies
    release = release_digest(zip(galaxies["galaxy"], galaxies["role"], strict=True))
    meta = provenance(args.settings, seed=args.settings["split"]["seed"], release=release)
    write_table(galaxies, args.out, meta=meta)
    write_table(galaxies, args.fits, meta=meta)
    write_table(sample.audit, args.audit, meta=meta)
    print(f"{len(galaxies)} galaxies: " + ", ".join(f"{n} {role}" for role, n in galaxies["role"].value_counts().items()))
    print("types: " + ", ".join(f"{k} {n}" for k, n in galaxies["morphology"].value_counts(dropna=False).items()))
    for row in sample.audit.itertuples():
        print(f"{row.property}: {row.used} of {len(galaxies)} from {row.table}:{row.column}; "
              f"missing {row.missing}, sentinels {row.sentinel}, out of range {row.out_of_range}")  # fmt: skip
    if sample.unmatched:
        print(f"in no property table ({len(sample.unmatched)}): {', '.join(sample.unmatched)}")


if __name__ == "__main__":
    run(main)
