"""Draw a mock survey: its sample sheet, truth, property table, group and void catalogues; or the twin of a real one."""

from cubespace.steps import parse, run


def main(argv=None):
    """--n galaxies, --seed, --out folder, [--ssp stellar spectra: the property table then measures what the galaxies
    realise, not what was drawn], [--planted-environment-effect, --planted-agn-effect in units of the within-type
    scatter]; or --from-config a configuration of a real survey, instead of --n."""
    args = parse(
        __doc__, argv, n=(int, 0), seed=int, out=str, ssp=(str, None), from_config=(str, None),
        planted_environment_effect=(float, 0.0), planted_agn_effect=(float, 0.0),
    )  # fmt: skip
    from pathlib import Path

    from cubespace.errors import CubespaceError
    from cubespace.files import write_text

    out = Path(args.out)
    given = [name for name in ("n", "ssp", "planted_environment_effect", "planted_agn_effect") if getattr(args, name)]
    if args.from_config and given:
        raise CubespaceError(f"--from-config makes the twins of a table: found --{given[0].replace('_', '-')} too, expected neither")
    if args.from_config:
        import yaml

        from cubespace import config, sample
        from cubespace.survey import twin

        real = config.check(yaml.safe_load(Path(args.from_config).read_text(encoding="utf-8")), args.from_config)
        section = real["sample"] | {"split": real["sample"]["split"] | {"seed": args.seed}}
        files = twin.tables(sample.build(**section).galaxies, args.seed)
        settings = twin.configuration(real["survey"], args.out, files["properties.csv"], args.seed)
        write_text(out / "config.yaml", yaml.safe_dump(settings, sort_keys=False))
        said = f"{len(files['truth.csv'])} galaxies, twins of {real['survey']}; run them with --configfile {out}/config.yaml"
    else:
        from cubespace.survey import catalogues, population, sky

        truth = population.draw(args.n, args.seed, args.planted_environment_effect, args.planted_agn_effect)
        realised = catalogues.realised(truth, args.ssp) if args.ssp else None
        groups, voids = sky.draw_groups(truth, args.seed), sky.draw_voids(args.seed)
        files = {
            "galaxies.csv": catalogues.sheet(truth),
            "truth.csv": truth,
            "properties.csv": catalogues.properties(truth, args.seed, realised),
            "groups.csv": groups,
        }
        write_text(out / "voids.txt", voids.to_csv(index=False, sep=" ", lineterminator="\n"))
        said = f"{args.n} galaxies, {len(groups)} rows of groups, {len(voids)} voids -> {out}"
    for name, frame in files.items():
        write_text(out / name, frame.to_csv(index=False, lineterminator="\n"))
    print(said, flush=True)


if __name__ == "__main__":
    run(main)
