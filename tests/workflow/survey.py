"""A small real survey for tests of the workflow: simulated cubes, some of them spoilt, and quick settings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parents[2]
TYPES = {"E": 4, "S0": 2, "Sa": 4, "Sb": 5, "Sc": 5, "Sd": 2}


def choose(types):
    """Names of mock galaxies, so many of each type, bright enough to be accepted."""
    truth = pd.read_csv(ROOT / "resources/demo/truth.csv")
    truth = truth[(truth["log_mass"] > 10) & (truth["redshift"] > 0.005) & (truth["pointing"] == truth["galaxy"])]
    return [name for kind, n in types.items() for name in truth.loc[truth["morphology"] == kind, "galaxy"].head(n)]


def make(folder, types=TYPES):
    """Write sheet, spoilt cubes and configuration into `folder`; returns the names of the sound galaxies."""
    (folder / "bad").mkdir(parents=True)
    (folder / "bad" / "page.fits.gz").write_text("<html>404 not found</html>")
    (folder / "bad" / "empty.fits.gz").touch()
    sound = choose(types)
    rows = [{"galaxy": name, "role": "validation" if i % 4 == 3 else "train"} for i, name in enumerate(sound)]
    rows += [
        {"galaxy": "PAGE", "role": "train", "cube": "bad/page.fits.gz", "redshift": 0.01},
        {"galaxy": "EMPTY", "role": "embed", "cube": "bad/empty.fits.gz", "redshift": 0.02},
    ]
    pd.DataFrame(rows).to_csv(folder / "sheet.csv", index=False)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["sample"]["sheet"] = "sheet.csv"
    config["sample"]["split"] = {"method": "sheet"}
    config["basis"] = {"n_components": 12}
    config["network"]["training"] = {"epochs": 2, "steps_per_epoch": 2, "validation_realisations": 1, "require_learning": False}
    config["network"]["embedding"] = {"realisations": 3}
    config["space"] = {"correlations": {"n_permutations": 99, "n_folds": 4}, "clusters": {"n_init": 3, "n_seeds": 3}}
    config["populations"]["comparisons"] = {"n_permutations": 99, "n_trials": 4}
    write_config(folder, config)
    return sound


def clone(folder):
    """Put what a clone holds for a run into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Snakefile", "workflow", "config", "envs", "resources"):
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy2(path, folder / name)


def duplicate(folder, to):
    """A survey and all its results once more, with their dates; large files are links, which nothing writes into."""

    def copy(source, target):
        (os.link if Path(source).stat().st_size > 100_000 else shutil.copy2)(source, target)

    shutil.copytree(folder, to, copy_function=copy, symlinks=True)
    return to


def write_config(folder, config):
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def snakemake(folder, *options, check=True, cores=2):
    """Run Snakemake on the survey in `folder`, as `make run` does if it is a clone too; returns the process, its output in one text."""
    own = (folder / "Snakefile").exists()
    command = [sys.executable, "-m", "snakemake", "-s", str((folder if own else ROOT) / "Snakefile"), "--configfile", "config.yaml"]
    command += ["--profile", "config/profiles/local"] if own else []
    command += ["--cores", str(cores)] if cores else []  # none: the profile's
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # the steps' python is this one
    # one commit for all runs: the clone may be edited between two of them; UMAP of so few is done before it would be compiled
    environment = os.environ | {"PATH": path, "CUBESPACE_COMMIT": "under test", "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [*command, *options], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, stdin=subprocess.DEVNULL
    )
    if check and done.returncode:
        logs = "".join(f"\n== {path}\n{path.read_text()[-800:]}" for path in sorted(folder.glob("results/logs/**/*.log")) if "rror" in path.read_text())
        raise AssertionError(done.stdout[-4000:] + logs)
    return done


def planned(folder, *options):
    """rule -> number of jobs that a dry run plans."""
    text = snakemake(folder, "-n", *options).stdout
    if "Job stats" not in text:
        return {}
    counts = {}
    for line in text.split("Job stats:")[1].splitlines()[3:]:  # below the table's head
        parts = line.split()
        if len(parts) != 2 or parts[0] == "total":
            break
        counts[parts[0]] = int(parts[1])
    counts.pop("all", None)
    return counts
