"""The list of stars as the steps that run for each galaxy read it: positions and magnitudes, nothing else."""

from cubespace.steps import parse, run, sign

NAMES = {
    "ra": ("ra", "RA_ICRS", "RAJ2000", "ra_icrs"),
    "dec": ("dec", "DE_ICRS", "DEJ2000", "de_icrs"),
    "magnitude": ("phot_g_mean_mag", "Gmag", "G", "mag", "magnitude"),
}


def main(argv=None):
    """Read a table of stars (Gaia), write results/sample/stars.npz."""
    args = parse(__doc__, argv, table=str, out=str)
    import numpy as np

    from cubespace.errors import CubespaceError
    from cubespace.files import write_npz
    from cubespace.tables import read_table

    table = read_table(args.table)
    columns = {}
    for ours, names in NAMES.items():
        theirs = next((name for name in names if name in table.columns), None)
        if theirs is None:
            raise CubespaceError(
                f"{args.table}: no column for {ours}: one of {', '.join(names)} is expected, found {', '.join(table.columns)}"
            )
        if table[theirs].dtype.kind not in "fiu":
            raise CubespaceError(f"{args.table}: column {theirs!r} is not a column of numbers")
        columns[ours] = table[theirs].to_numpy(float)
    known = np.isfinite(columns["ra"]) & np.isfinite(columns["dec"])
    print(f"{known.sum()} stars, {(~known).sum()} rows without a position left out", flush=True)
    write_npz(
        args.out, **{name: values[known] for name, values in columns.items()}, **sign(args)
    )


if __name__ == "__main__":
    run(main)
