"""Draw many catalogues of environments on a survey with planted effects, and count what the tests find."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """--study, --trial folder, --versions folder of `versions`, --out table, --cores."""
    args = parse(__doc__, argv, study=str, trial=str, versions=str, out=str, cores=(int, 1))
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path

    import yaml

    from cubespace.config import check
    from cubespace.space.neighbours import read_embedding
    from cubespace.tables import read_table, write_table
    from cubespace.trials.planted import rejections, survey_of
    from cubespace.trials.study import read_study
    from cubespace.trials.versions import SIGNS, version_name

    settings, trial = read_study(args.study).planted, Path(args.trial)
    config = check(yaml.safe_load((trial / "config.yaml").read_text(encoding="utf-8")))
    plain, moved = read_embedding(trial / "results/embedding/full.parquet"), read_embedding(Path(args.versions) / "embedding.parquet")
    shifts = [sign * size for size in settings.effects for sign in SIGNS]
    place = {name: row for row, name in enumerate(moved.galaxies)}
    rows = {name: [place.get(version_name(name, shift)) for shift in shifts] for name in plain.galaxies}
    whole = [i for i, name in enumerate(plain.galaxies) if None not in rows[name]]
    names = plain.galaxies[whole]
    planted = {shift: moved.vectors[[rows[name][k] for name in names]] for k, shift in enumerate(shifts)}
    truth = read_table(trial / "mock/truth.csv").set_index("galaxy", drop=False).loc[list(names)].reset_index(drop=True)
    survey = survey_of(truth, plain.vectors[whole], planted)
    with ProcessPoolExecutor(args.cores) as pool:
        table = rejections(survey, settings, config["populations"]["twins"]["caliper"], pool.map, args.cores)
    meta = sign(args, also={**settings._asdict(), "trial": trial.name}, seed=settings.seed, release=plain.meta.get("release_digest"))
    write_table(table, args.out, meta=meta | {"n_galaxies": str(len(names))})
    for row in table[table["test"].eq("energy")].itertuples():
        print(f"{row.comparison}{' twins' if row.matched else ''}, {row.effect:g} sigma: {row.rate:.3f} ({row.rate_low:.3f} to {row.rate_high:.3f})")


if __name__ == "__main__":
    run(main)
