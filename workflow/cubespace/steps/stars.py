"""The list of stars as the steps that run for each galaxy read it: positions and magnitudes, nothing else."""

from cubespace.steps import parse, run, sign

NAMES = {
    "ra": ("ra", "RA_ICRS", "RAJ2000", "ra_icrs"),
    "dec": ("dec", "DE_ICRS", "DEJ2000", "de_icrs"),
    "magnitude": ("phot_g_mean_mag", "Gmag", "G", "mag", "magnitude"),
}

MAGNITUDES = (-5.0, 40.0)  # others are codes for missing


def main(argv=None):
    """Read a table of stars (Gaia), write results/sample/stars.npz."""
    args = parse(__doc__, argv, table=str, out=str)
    import numpy as np

    from cubespace.errors import CubespaceError
    from cubespace.files import write_npz
    from cubespace.properties import numbers_of
    from cubespace.tables import numbers, read_table

    table = read_table(args.table)
    notes, columns = list(table.attrs["notes"]), {}
    for ours, names in NAMES.items():
        theirs = next((name for name in names if name in table.columns), None)
        if theirs is None:
            raise CubespaceError(
                f"{args.table}: no column for {ours}: one of {', '.join(names)} is expected, found {', '.join(table.columns)}"
            )
        if ours == "magnitude":
            values = numbers(table[theirs], f"{args.table}: column {theirs!r}").to_numpy(float)
            possible = (values > MAGNITUDES[0]) & (values < MAGNITUDES[1])
            if lost := int((~possible & ~np.isnan(values)).sum()):
                notes.append(f"column {theirs!r}: {lost} values are no magnitudes, as if missing: these stars get the smallest mask")
            columns[ours] = np.where(possible, values, np.nan)
        else:
            found, _, counts, words = numbers_of(table, ours, {"column": theirs}, args.table)
            columns[ours] = found.to_numpy(float)
            notes += [f"column {theirs!r}: {word}" for word in words]
            if lost := counts["sentinel"] + counts["out_of_range"]:
                notes.append(f"column {theirs!r}: {lost} values are sentinels or out of range")
    for note in notes:
        print(f"note: {args.table}: {note}")
    known = np.isfinite(columns["ra"]) & np.isfinite(columns["dec"])
    print(f"{known.sum()} stars, {(~known).sum()} rows without a position left out", flush=True)
    write_npz(
        args.out, **{name: values[known] for name, values in columns.items()}, **sign(args)
    )


if __name__ == "__main__":
    run(main)
