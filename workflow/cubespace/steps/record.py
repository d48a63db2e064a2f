"""Write the record of the scorecard study, docs/scorecard.md, from its tables."""

from cubespace.steps import parse, run


def main(argv=None):
    args = parse(__doc__, argv, study=str, scorecard=str, planted=str, out=str)
    from cubespace.files import write_text
    from cubespace.tables import read_table
    from cubespace.trials.record import record
    from cubespace.trials.study import read_study

    table, planted = read_table(args.scorecard), read_table(args.planted)
    for name in table.columns[table.columns.str.startswith("n_")]:
        table[name] = table[name].astype("Int64")
    meta = table.attrs["meta"] | {"n_galaxies": planted.attrs["meta"]["n_galaxies"]}
    write_text(args.out, record(table, planted, read_study(args.study), args.study, meta))


if __name__ == "__main__":
    run(main)
