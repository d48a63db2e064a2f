"""Read the sample sheet and the property tables; write the table of galaxies, what became of each column, and what was found."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, out=str, fits=str, audit=str, notes=str, look_into_cubes=(str, "yes"))
    import pandas as pd

    from cubespace.notes import NOTES
    from cubespace.provenance import release_digest
    from cubespace.sample import build, check_cubes
    from cubespace.tables import write_table

    sample = build(**args.settings)
    galaxies = sample.galaxies
    notes = sample.notes + (
        check_cubes(galaxies, args.settings["cubes"]) if args.look_into_cubes == "yes" else []
    )
    release = release_digest(zip(galaxies["galaxy"], galaxies["role"], strict=True))
    meta = sign(args, seed=args.settings["split"]["seed"], release=release)
    write_table(galaxies, args.out, meta=meta)
    write_table(galaxies, args.fits, meta=meta)
    write_table(sample.audit, args.audit, meta=meta)
    write_table(pd.DataFrame(notes, columns=list(NOTES)), args.notes, columns=NOTES, meta=meta)
    print(
        f"{len(galaxies)} galaxies: "
        + ", ".join(f"{n} {role}" for role, n in galaxies["role"].value_counts().items())
    )
    print(
        "types: "
        + ", ".join(f"{k} {n}" for k, n in galaxies["morphology"].value_counts(dropna=False).items())
    )
    for row in sample.audit.itertuples():
        print(f"{row.property}: {row.used} of {len(galaxies)} from {row.table}:{row.column} ({row.convert}); "
              f"missing {row.missing}, sentinels {row.sentinel}, out of range {row.out_of_range}")  # fmt: skip
    for note in notes:
        print(f"note: {note.kind}: {note.table}: {note.detail} {note.galaxies}".rstrip())
    if sample.unmatched:
        print(f"in no property table ({len(sample.unmatched)}): {', '.join(sample.unmatched)}")


if __name__ == "__main__":
    run(main)
