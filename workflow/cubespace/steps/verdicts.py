"""The verdict on every galaxy of the sheet: accepted, or rejected with a reason and a sentence; and notes on both."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Gather the verdicts of moments and maps into results/sample/verdicts.csv."""
    args = parse(__doc__, argv, roster=str, galaxies=(str, None), moments=str, maps=str, out=str)
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from cubespace.cubes.quality import REASONS
    from cubespace.spectra.verdicts import COLUMNS, verdict_row
    from cubespace.tables import read_table, write_table

    places = {}
    if args.galaxies:
        known = read_table(args.galaxies)
        places = {
            galaxy: (ra, dec)
            for galaxy, ra, dec in zip(known["galaxy"], known["ra"], known["dec"], strict=True)
        }
    roster, rows = read_table(args.roster), []
    for galaxy, stem in zip(roster["galaxy"], roster["stem"], strict=True):
        files = Path(args.moments) / f"{stem}.npz", Path(args.maps) / f"{stem}.fits"
        rows.append(verdict_row(galaxy, *files, *places.get(galaxy, (np.nan, np.nan)), **args.settings))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("spaxels", "spectra"):
        table[name] = table[name].astype("Int64")
    for verdict, n in table["verdict"].value_counts().items():
        print(f"{n} {verdict}", flush=True)
    for reason, n in table["reason"].value_counts().items():
        print(f"  {reason} ({REASONS.get(reason, reason)}): {n}", flush=True)
    print(f"{table['notes'].notna().sum()} with notes", flush=True)
    write_table(table, args.out, columns=COLUMNS, meta=sign(args))


if __name__ == "__main__":
    run(main)
