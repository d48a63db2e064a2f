"""Draw the mock survey: its sample sheet, truth, property table, group and void catalogues."""

from cubespace.steps import parse, run


def main(argv=None):
    """--n galaxies, --seed, --out folder, [--planted-environment-effect in units of the within-type scatter]."""
    args = parse(__doc__, argv, n=int, seed=int, out=str, planted_environment_effect=(float, 0.0))

    from pathlib import Path

    from cubespace.files import write_text
    from cubespace.survey import catalogues, population, sky

    truth = population.draw(args.n, args.seed, args.planted_environment_effect)
    voids = sky.draw_voids(args.seed)
    files = {
        "galaxies.csv": catalogues.sheet(truth),
        "truth.csv": truth,
        "properties.csv": catalogues.properties(truth, args.seed),
        "groups.csv": sky.draw_groups(truth, args.seed),
    }
    out = Path(args.out)
    for name, frame in files.items():
        write_text(out / name, frame.to_csv(index=False, lineterminator="\n"))
    write_text(out / "voids.txt", voids.to_csv(index=False, sep=" ", lineterminator="\n"))
    print(
        f"{args.n} galaxies, {len(files['groups.csv'])} rows of groups, {len(voids)} voids -> {out}",
        flush=True,
    )


if __name__ == "__main__":
    run(main)
