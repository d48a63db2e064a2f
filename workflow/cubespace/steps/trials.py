"""Lay out the scorecard study: a folder for each trial, with the survey drawn for it and its configuration."""

from cubespace.steps import parse, run


def main(argv=None):
    """--study, --out folder, --cores. Writes {out}/trials.txt, the names in the order they are to be run. What is there already,
    drawn by the same code, stays."""
    args = parse(__doc__, argv, study=str, out=str, cores=(int, 1))
    import os
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path

    import yaml

    from cubespace.config import check
    from cubespace.files import write_text
    from cubespace.trials import study as layout

    study, out = layout.read_study(args.study), Path(args.out)
    base = yaml.safe_load(Path(study.base).read_text(encoding="utf-8"))
    drawing = []
    for trial in study.trials:
        config, folder = layout.configuration(base, study.changes, trial.seed), out / trial.name
        settings = check(config, f"{args.study}: {trial.name}")
        write_text(folder / "config.yaml", yaml.safe_dump(config, sort_keys=False))
        if not trial.shares:
            fraction = settings["sample"]["split"]["validation_fraction"]
            drawing.append((folder / "mock", study.galaxies, trial.survey, settings["mock"]["ssp"], fraction))
            continue
        for name in layout.SHARED:
            link = folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(os.path.relpath(out / trial.shares / name, link.parent))
    with ProcessPoolExecutor(args.cores) as pool:
        for said in pool.map(draw, *zip(*drawing, strict=True)):
            print(said, flush=True)
    write_text(out / "trials.txt", "".join(f"{trial.name}\n" for trial in study.trials))


def draw(folder, n, seed, ssp, validation_fraction):
    """Tables of one survey, with roles in its sheet; says what it did."""
    import json

    import pandas as pd

    from cubespace.files import write_text
    from cubespace.provenance import code_digest
    from cubespace.steps import mock_survey
    from cubespace.trials.study import sheet

    key = json.dumps({"n": n, "seed": seed, "validation_fraction": validation_fraction, "code": code_digest("cubespace.steps.mock_survey")})
    if (folder / "drawn.json").is_file() and (folder / "drawn.json").read_text() == key:
        return f"{folder}: there already"
    mock_survey.main(["--n", str(n), "--seed", str(seed), "--out", str(folder), "--ssp", str(ssp)])
    roles = sheet(pd.read_csv(folder / "truth.csv"), validation_fraction, seed)
    write_text(folder / "galaxies.csv", roles.to_csv(index=False, lineterminator="\n"))
    write_text(folder / "drawn.json", key)
    return f"{folder}: {n} galaxies, {(roles['role'] == 'validation').sum()} for validation"


if __name__ == "__main__":
    run(main)
