"""Hold the paper's claims against this run: one row a claim, with criterion, interval and verdict."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    tables = {
        name: str
        for name in ("variance", "clusters", "correlations", "comparisons", "ablation", "galaxies", "classes")
    }
    args = parse(__doc__, argv, basis=str, **tables, truth=(str, None), out=str)
    from cubespace.scorecard import scorecard
    from cubespace.spectra.basis import read_basis
    from cubespace.tables import read_table, write_table

    settings = args.settings
    read = {name: read_table(getattr(args, name)) for name in tables}
    table = scorecard(
        read_basis(args.basis),
        **read,
        truth=read_table(args.truth) if args.truth else None,
        planted=settings.get("planted_environment_effect"),
        planted_agn=settings.get("planted_agn_effect"),
        seed=settings.get("seed", 0),
    )
    release = read["galaxies"].attrs["meta"].get("release_digest")
    write_table(table, args.out, meta=sign(args, seed=settings.get("seed", 0), release=release))
    for row in table.itertuples():
        print(f"{row.verdict:>13}: {row.claim}")


if __name__ == "__main__":
    run(main)
