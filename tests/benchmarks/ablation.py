"""Ablation of the network: what each choice does to recognising a galaxy in a degraded view, and to linear probes.

    python tests/benchmarks/ablation.py --survey build/ablation --galaxies 300 --seeds 3 --docs docs/network.md

Simulates a survey (once), makes its maps by the workflow, trains each network of CHOICES with each seed, and prints two
Markdown tables: one row a choice, and recall@1 of `paper` and `best` beside their baselines; with --docs into the page,
between the marks made for them. Choices are made by the columns ahead of the R2 columns; the latter, which use true
properties, are a report. `--results results` takes the maps of a run that is there, e.g. of the demo. Stopped, it goes on
where it was.
"""

import argparse
import itertools
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: threads that wait sleep
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

import growth  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import yaml  # noqa: E402

PAPER, BEST = {"preset": "paper"}, {"preset": "best"}
SLOWER = {"learning_rate": 8e-4}  # the paper's
MASKED = {"pooling": ["max", "mean"], "mask": True}
CHOICES = {  # name -> (encoder, training, second view), each over that of the configuration
    "paper": (PAPER, SLOWER, {}),
    "best": (BEST, {}, {}),
    "best, T = 0.2": (BEST, {"temperature": 0.2}, {}),
    "best, heads start even": ({**BEST, "light": [0, 0]}, {}, {}),
    "best, biases start at zero": ({**BEST, "bias": 0.0}, {}, {}),
    "best, decoupled loss": (BEST, {"decoupled": True}, {}),
    "best, the paper's learning rate": (BEST, SLOWER, {}),
    "best, 16 heads": ({**BEST, "heads": 16}, {}, {}),
    "best, never shrunk": (BEST, {}, {"resize": [1, 1]}),
    "paper, T = 0.2": (PAPER, {**SLOWER, "temperature": 0.2}, {}),
    "paper, mask, max and mean": (MASKED, SLOWER, {}),
    "paper, mask, max and mean, attention": ({**MASKED, "pooling": ["max", "mean", "attention"]}, SLOWER, {}),
}
PROPERTIES = (
    "log_ew_ha", "log_nii_ha_cen", "log_age_lw", "log_mass", "morphology", "metallicity_lw", "log_sigma_mass", "log_sfr",
)  # fmt: skip


def survey(folder, galaxies, seed, cores):
    """Simulate a survey and make its maps, by the workflow; returns its results folder."""
    folder = Path(folder).resolve()
    if not (folder / "results/basis/scaling.csv").exists():
        growth.lay_out(folder, galaxies, seed, measured=True)
        growth.snakemake(folder, cores, *(f"results/{name}" for name in ("basis/scaling.csv", "sample/roster.csv", "sample/verdicts.csv")))
    return folder / "results"


def load(results):
    """What training and reporting need of a results folder."""
    from cubespace.network.data import load_maps, read_scaling, read_space
    from cubespace.space.correlations import numeric_properties
    from cubespace.tables import read_table

    space, release = read_space(results / "basis/basis.fits", scaling=results / "basis/scaling.csv")
    scaling = read_scaling(results / "basis/scaling.csv")
    rows = read_table(results / "sample/roster.csv")
    maps, _ = load_maps(results / "maps", rows, release=release)
    role = dict(zip(rows["galaxy"], rows["role"], strict=True))
    role = np.array([role[name] for name in maps.names])
    galaxies = read_table(results / "sample/galaxies.parquet")
    return maps, role, space, scaling, numeric_properties(galaxies, maps.names, PROPERTIES)


def probes(vectors, properties, groups, prefix=""):
    """R2 of each property (8 folds by pointing)."""
    from cubespace.space.probes import probe_table

    table = probe_table({"it": vectors}, properties, groups, n_bootstrap=2)
    return {f"{prefix}{name}": value for name, value in zip(table["property"], table["it"], strict=True)}


def one(data, pair, encoder, training, seed, threads, realisations=8, tested=None):
    """Train one network; a dict of its numbers, and its invariance table (under the views of `tested`, else of `pair`)."""
    import torch

    from cubespace.network.embedding import embed
    from cubespace.network.encoder import Encoder
    from cubespace.network.invariance import invariance_table
    from cubespace.network.loss import effective_rank
    from cubespace.network.training import train

    torch.set_num_threads(threads)
    maps, role, space, scaling, properties = data
    fit = [maps[np.flatnonzero(role == kind)] for kind in ("train", "validation")]
    started = time.perf_counter()
    result = train(*fit, space, scaling, pair, training, seed, log=lambda line: None, encoder=encoder)
    row = {
        "seconds": time.perf_counter() - started,
        "validation_loss": result.best_loss,
        "chance": result.chance["validation"],
        "best_epoch": result.best_epoch,
    }
    networks = {
        "network": result.network,
        "untrained": Encoder(scaling.channels, seed, encoder, scaling.luminosity).eval(),
    }
    table = invariance_table(networks, [maps], np.array(maps.names)[role != "train"], space, scaling, tested or pair, seed, "auto")
    groups = maps.groups.numpy()
    for name, network in networks.items():
        vectors, _ = embed(network, maps, space, scaling, pair, realisations, seed, precision="auto")
        if name == "network":
            row["effective_rank"] = effective_rank(torch.as_tensor(vectors))
        row |= probes(vectors, properties, groups, "" if name == "network" else "untrained_")
    return row, table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--survey", default="build/ablation", help="folder of the simulated survey")
    parser.add_argument(
        "--results", help="results folder of a run that is there, in place of a survey of its own"
    )
    parser.add_argument("--galaxies", type=int, default=300)
    parser.add_argument("--survey-seed", type=int, default=11)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="names of the choices to try; default: all")
    parser.add_argument("--docs", help="page to write the tables into")
    parser.add_argument(
        "--out", help="folder for ablation.csv and invariance.csv, written after each network"
    )
    args = parser.parse_args()

    from cubespace.network.embedding import pooled_pca
    from cubespace.network.views import pair_from_settings

    results = (
        Path(args.results)
        if args.results
        else survey(args.survey, args.galaxies, args.survey_seed, args.threads)
    )
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["network"]
    data, pair = load(results), pair_from_settings(config["views"])
    maps, role, _, scaling, properties = data
    out = Path(args.out or results)
    out.mkdir(parents=True, exist_ok=True)
    pooled = {"choice": "pooled PCA", "seed": 0}
    pooled |= probes(pooled_pca(maps, scaling), properties, maps.groups.numpy())
    done = out / "ablation.csv", out / "invariance.csv"
    rows, tables = [pooled], []
    if all(path.exists() for path in done):  # goes on where it was stopped
        rows = pd.read_csv(done[0]).to_dict("records")
        tables = [pd.read_csv(done[1])]
    known = {(row["choice"], row["seed"]) for row in rows}
    for name, seed in itertools.product(args.only or CHOICES, range(args.seeds)):
        if (name, seed) in known:
            continue
        encoder, training, view = CHOICES[name]
        second = replace(pair.second, **{key: tuple(value) for key, value in view.items()})
        settings = {**config["training"], **training}
        row, table = one(
            data, replace(pair, second=second), encoder, settings, seed, args.threads, tested=pair
        )
        rows.append({"choice": name, "seed": seed} | row)
        tables.append(table.assign(choice=name, seed=seed))
        pd.DataFrame(rows).to_csv(done[0], index=False)
        pd.concat(tables).to_csv(done[1], index=False)
        print(f"{name}, seed {seed}: {row['seconds']:.0f} s", file=sys.stderr, flush=True)
    if not tables:
        return
    title = f"{len(maps)} galaxies, {(role == 'train').sum()} of them for training."
    rows, tables = pd.DataFrame(rows), pd.concat(tables)
    content = {"ablation": f"{title}\n\n{summary(rows, tables)}", "invariance": f"{title}\n\n{recalls(tables)}"}
    for name, text in content.items():
        print(f"{text}\n")
        if args.docs:
            page = Path(args.docs)
            before, after = (f"<!-- {name}: tests/benchmarks/ablation.py -->\n", f"\n<!-- end of {name} -->")
            start, rest = page.read_text(encoding="utf-8").split(before)
            page.write_text(start + before + text + after + rest.split(after)[1], encoding="utf-8")


def recalls(tables):
    """Markdown: recall@1 under each view, mean over seeds (lowest of them in brackets), and how far all views move a galaxy."""
    kinds = [(choice, method) for choice in ("paper", "best") for method in ("network", "contrastive", "untrained")]
    kinds = [kind for kind in kinds if kind[0] in set(tables["choice"])]
    words = {"network": "", "contrastive": ", 64-d", "untrained": ", untrained"}
    head = ["view", *(f"`{choice}`{words[method]}" for choice, method in kinds), "pooled maps"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]

    def cells(place, column, low):
        here = tables[(tables["view"] == place.view) & (tables["strength"] == place.strength)]
        for choice, method in kinds:
            values = here.loc[(here["choice"] == choice) & (here["method"] == method), column]
            yield f"{values.mean():.3f} ({values.min():.3f})" if low else f"{values.mean():.2f}"
        values = here.loc[here["method"] == "pooled_pca", column].mean()
        yield f"{values:.3f}" if low else f"{values:.2f}"

    for place in tables[["view", "strength", "unit"]].drop_duplicates().itertuples():
        name = "all of them" if place.view == "all" else f"{place.view}, {place.strength:.3g} {place.unit}"
        lines.append(f"| {name} | " + " | ".join(cells(place, "recall_1", True)) + " |")
    lines.append("| displacement by all of them | " + " | ".join(cells(place, "displacement", False)) + " |")
    return "\n".join(lines)


def summary(rows, tables):
    """Markdown, means over seeds: first the columns to choose by, then R2 (of the untrained network in brackets).

    `loss` is the validation loss over its chance level, `moved` the displacement under all views at once.
    """
    what = [
        f"{view} {strength:.3g}" if view != "all" else "all"
        for view, strength in zip(tables["view"], tables["strength"], strict=True)
    ]
    tables = tables.assign(what=what)
    strongest = set(tables.groupby("view", sort=False)["what"].last())  # strengths rise within a view
    views = [name for name in tables["what"].unique() if name in strongest or name.startswith("blur")]
    short = [name.removeprefix("log_") for name in PROPERTIES]
    head = ["choice", "seeds", "loss", "rank", *(f"r@1 {view}" for view in views), "moved", *short, "s"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for choice in [name for name in ("pooled PCA", *CHOICES) if name in set(rows["choice"])]:
        mine, baseline = rows[rows["choice"] == choice], choice == "pooled PCA"
        mean = mine.mean(numeric_only=True)
        if baseline:
            table, cells = tables[tables["method"] == "pooled_pca"], [choice, "", "", ""]
        else:
            table = tables[(tables["choice"] == choice) & (tables["method"] == "network")]
            loss = mean["validation_loss"] / mean["chance"]
            cells = [choice, str(len(mine)), f"{loss:.3f}", f"{mean['effective_rank']:.0f}"]
        means = table.groupby("what")[["recall_1", "displacement"]].mean()
        cells += [f"{means.at[view, 'recall_1']:.3f}" for view in views]
        cells.append(f"{means.at['all', 'displacement']:.2f}")
        for name in PROPERTIES:
            start = "" if baseline else f" ({mean[f'untrained_{name}']:.2f})"
            cells.append(f"{mean[name]:.3f}{start}")
        cells.append("" if baseline else f"{mean['seconds']:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
