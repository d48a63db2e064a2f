"""One scorecard from those of all trials of the study, and from its planted effects."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """--study, --trials folder, --planted table, --out."""
    args = parse(__doc__, argv, study=str, trials=str, planted=str, out=str)
    from pathlib import Path

    import pandas as pd

    from cubespace.tables import read_table, write_table
    from cubespace.trials.combine import combine, planted_claims
    from cubespace.trials.study import read_study

    study = read_study(args.study)
    tables = {trial.name: read_table(Path(args.trials) / trial.name / "results/scorecard.csv") for trial in study.trials}
    table = pd.concat([combine(tables), planted_claims(read_table(args.planted))], ignore_index=True)
    for name in table.columns[table.columns.str.startswith("n_")]:
        table[name] = table[name].astype("Int64")
    settings = {"trials": list(tables), "galaxies": study.galaxies, "planted": study.planted._asdict()}
    write_table(table, args.out, meta=sign(args, also=settings))
    for row in table.itertuples():
        print(f"{row.verdict:>13}: {row.claim}")


if __name__ == "__main__":
    run(main)
