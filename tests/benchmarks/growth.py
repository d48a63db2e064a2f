"""Surveys of 100, 300 and 900 small galaxies through the whole workflow: what Snakemake takes beside the jobs, and what each global rule takes.

    python tests/benchmarks/growth.py [--numbers 100 300 900] [--folder build/growth] [--keep] [--maps]

Real cubes of 46 x 48 pixels, simulated; first the galaxies' own jobs (cubes to maps), then, without --maps, all the rest, to the report's files.
`scheduling` is the share of Snakemake's own processor time in its and the jobs' together, `waiting` the share of the cores'
time in which no job ran. Times and memory of the rules are those of their benchmark files. What is there is kept and not
measured again: stopped, it goes on with the next survey.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import yaml

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
OWN = ("simulate", "simulate_again", "moments", "maps")  # rules with a job for each galaxy


def lay_out(folder, galaxies, seed, *, measured=False, keep=False):
    """Tables and configuration of a mock survey like the demo's.

    measured : bool, its property table holds what the cubes realise, not what was drawn
    keep : bool, each cube is simulated once and kept
    """
    tables = folder / "tables"
    command = [sys.executable, "-m", "cubespace.steps.mock_survey", "--n", str(galaxies), "--seed", str(seed), "--out", str(tables)]
    subprocess.run(command + (["--ssp", str(ROOT / "resources/ssp_basis.npz")] if measured else []), check=True, env=ENVIRONMENT)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    config["mock"].update(truth=str(tables / "truth.csv"), ssp=str(ROOT / "resources/ssp_basis.npz"), keep_cubes=keep)
    config["sample"]["sheet"] = str(tables / "galaxies.csv")
    config["sample"]["tables"][0]["path"] = str(tables / "properties.csv")
    for catalogue in (entry for kind in config["populations"]["environment"].values() for entry in kind):
        catalogue["path"] = str(tables / Path(catalogue["path"]).name)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def snakemake(folder, cores, *targets, environment=ENVIRONMENT):
    """Run the workflow in a folder; (seconds that passed, Snakemake's own processor seconds, its peak memory [MB])."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--configfile", "config.yaml", "--cores", str(cores)]
    command += ["--profile", str(ROOT / "config/profiles/local"), "--quiet", "all", "--", *targets]
    started = time.perf_counter()
    process, seconds, memory = psutil.Popen(command, cwd=folder, env=environment), 0.0, 0.0
    while process.poll() is None:
        try:
            times = process.cpu_times()
            seconds, memory = max(seconds, times.user + times.system), max(memory, process.memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.2)
    if process.wait():
        raise SystemExit("snakemake failed")
    return time.perf_counter() - started, seconds, memory


def rules(folder):
    """Benchmarks of all jobs that were run in a folder: rule, s, cpu_time, max_rss."""
    here = folder / "results/benchmarks"
    files = sorted(here.rglob("*.tsv"))
    tables = [pd.read_csv(path, sep="\t", na_values="-").assign(rule="/".join(path.relative_to(here).with_suffix("").parts)) for path in files]
    table = pd.concat(tables, ignore_index=True)
    own = table["rule"].str.split("/").str[0].isin(OWN)
    table.loc[own, "rule"] = table.loc[own, "rule"].str.split("/").str[0]
    return table


def own_jobs(folder, galaxies, args):
    """Dict of numbers of the galaxies' own jobs, from cubes to maps, and of what waits for them alone."""
    folder.mkdir(parents=True, exist_ok=True)
    lay_out(folder, galaxies, args.seed, keep=args.keep)
    passed, own, memory = snakemake(folder, args.cores, "results/basis/scaling.csv", "results/sample/verdicts.csv")
    jobs = rules(folder)
    return {
        "galaxies": galaxies, "jobs": len(jobs), "passed": passed, "of jobs": jobs["s"].sum(), "processor": jobs["cpu_time"].sum(), "snakemake": own,
        "scheduling": own / (own + jobs["cpu_time"].sum()), "waiting": 1 - jobs["s"].sum() / (passed * args.cores), "memory": memory,
    }  # fmt: skip


def behind(folder, galaxies, args):
    """Dict of numbers of all that follows the maps."""
    before = len(rules(folder))
    passed, own, memory = snakemake(folder, args.cores)
    return {"jobs behind": len(rules(folder)) - before, "passed behind": passed, "snakemake behind": own, "memory behind": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=int, nargs="+", default=(100, 300, 900))
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", default="build/growth")
    parser.add_argument("--keep", action="store_true", help="cubes are kept, not simulated again where they are read again")
    parser.add_argument("--maps", action="store_true", help="the galaxies' own jobs alone")
    args = parser.parse_args()
    rows, tables = [], {}
    for number in args.numbers:
        folder = (Path(args.folder) / str(number)).resolve()
        parts = []
        for part in (own_jobs,) if args.maps else (own_jobs, behind):
            done = folder / f"{part.__name__}.csv"
            if not done.exists():
                row = part(folder, number, args)
                pd.DataFrame([row]).to_csv(done, index=False)
            parts.append(pd.read_csv(done))
        rows.append(pd.concat(parts, axis=1))
        tables[number] = rules(folder).groupby("rule", sort=False).agg(jobs=("s", "size"), s=("s", "sum"), cpu=("cpu_time", "sum"), memory=("max_rss", "max"))
    print(pd.concat(rows).T.to_string(float_format="{:.3g}".format, header=False))
    print(pd.concat(tables, axis=1).to_string(float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
