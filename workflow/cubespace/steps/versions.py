"""Make the galaxies of a survey again with an effect of environment planted in them: cube -> maps -> frozen network."""

from cubespace.steps import parse, run


def main(argv=None):
    """--study, --trial folder of a finished trial, --out folder, --cores. Each cube is deleted as soon as it was read; maps that
    are there already, made by the same code from the same rows and basis, stay."""
    args = parse(__doc__, argv, study=str, trial=str, out=str, cores=(int, 1))
    import json
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from pathlib import Path

    import yaml

    from cubespace.config import check
    from cubespace.provenance import code_digest
    from cubespace.steps import embed
    from cubespace.tables import read_table, write_table
    from cubespace.trials import versions
    from cubespace.trials.study import read_study

    trial, out = Path(args.trial), Path(args.out)
    results, config = trial / "results", check(yaml.safe_load((trial / "config.yaml").read_text(encoding="utf-8")))
    truth, there = read_table(trial / "mock/truth.csv"), read_table(results / "embedding/full.parquet", only=["galaxy"])
    table = versions.versions(truth[truth["galaxy"].isin(there["galaxy"])], read_study(args.study).planted.effects)
    code = [code_digest(f"cubespace.steps.{step}") for step in ("simulate", "maps")]
    versions.start(out, table, [trial / "config.yaml", results / "basis/basis.fits"], code)
    rows = versions.rows_of(table, read_table(results / "sample/roster.csv"))
    write_table(rows.drop(columns="original"), out / "roster.csv")
    todo = rows[[not (out / f"maps/{name}.fits").is_file() for name in rows["stem"]]].to_dict("records")
    with ProcessPoolExecutor(args.cores) as pool:
        for number, _ in enumerate(pool.map(partial(render, out, results, config), todo), 1):
            if number % 50 == 0 or number == len(todo):
                print(f"== {number} of {len(todo)} versions", flush=True)
    network = config["network"]
    _call(
        embed, maps=out / "maps", roster=out / "roster.csv", basis=results / "basis/basis.fits", scaling=results / "basis/scaling.csv",
        weights=results / "network/full/weights.safetensors", variant="full", out=out / "embedding.parquet", fits=out / "embedding.fits",
        device=network["device"], seed=config["seed"], threads=args.cores,
        settings=json.dumps({name: network[name] for name in ("embedding", "views")}),
    )  # fmt: skip


def render(out, results, config, row):
    """Maps of one version, by the steps of the workflow; whether it is accepted was decided on the galaxy as it is."""
    import json
    import tempfile
    from pathlib import Path

    from cubespace.steps import maps, simulate

    settings = config["spectra"] | config["maps"] | config["cubes"] | {"on_bad_cube": config["on_bad_cube"]}
    with tempfile.TemporaryDirectory(dir=out) as folder:
        cube, galaxy = Path(folder) / "cube.fits.gz", row["galaxy"]
        mock = {"truth": out / "truth.csv", "ssp": config["mock"]["ssp"], "maps": Path(folder) / "truth.fits"}
        _call(simulate, galaxy=galaxy, cube=cube, settings=json.dumps({"pixel_arcsec": config["mock"]["pixel_arcsec"]}), **mock)
        _call(maps, galaxy=galaxy, cube=cube, redshift=row["redshift"], distance=row["distance"], basis=results / "basis/basis.fits",
              moments=results / f"moments/{row['original']}.npz", settings=json.dumps(settings), out=out / f"maps/{row['stem']}.fits")  # fmt: skip


def _call(step, **options):
    step.main([text for name, value in options.items() for text in (f"--{name}", str(value))])


if __name__ == "__main__":
    run(main)
