# The configuration, the sample, and what the rules ask of them.

import json
import os
import re
import sys
from math import prod
from pathlib import Path
from shlex import quote

LIBRARY = str(Path(workflow.basedir) / "workflow")
if LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)
# Steps run as `python -m cubespace.steps.<name>`, in this environment or in a rule's own, for which Snakemake takes PYTHONPATH
# away: each command sets it. (Braces are doubled for the formatting that a prefix goes through.)
INSIDE = quote(LIBRARY).replace("{", "{{").replace("}", "}}")
shell.prefix(f"set -euo pipefail; export PYTHONPATH={INSIDE}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; ")
# Threads that wait for one another sleep, where they would spin: on a busy machine, training is six times faster so.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from cubespace import config as configuration
from cubespace import ledger
from cubespace import sample as survey_sample
from cubespace.errors import CubespaceError
from cubespace.populations.emission import NUCLEAR
from cubespace.populations.environment import ENVIRONMENTS, check_stated
from cubespace.provenance import code_digest, commit
from cubespace.release import Release, needed
from snakemake.exceptions import WorkflowError
from snakemake.io import is_flagged

# Each job leaves a record of what it read and wrote, and all jobs of a run name one commit.
LEDGER = "results/provenance"
os.environ.update(CUBESPACE_LEDGER=LEDGER, CUBESPACE_COMMIT=commit())


def shipped(path):
    """A path of the configuration as it is, or that of the clone's own file where the working directory is another one."""
    inside = Path(workflow.basedir) / path
    return str(inside) if not Path(path).exists() and inside.exists() else path


def sample_settings(section, seed):
    """Arguments of `cubespace.sample.build` from the configuration."""
    settings = json.loads(json.dumps(section))
    settings["sheet"] = shipped(settings["sheet"])
    settings["types"] = shipped(settings["types"])
    for table in settings["tables"]:
        table["path"] = shipped(table["path"])
    settings["split"]["seed"] = seed
    if RELEASE:
        settings["split"]["method"] = "release"
    return settings


def check_masks(pattern, stems):
    """Refuse a pattern of mask files that no galaxy has one of: a path misspelt is not a survey without masks."""
    if (
        pattern
        and not pattern.startswith("results/")
        and not any(Path(shipped(pattern.format(galaxy=stem))).exists() for stem in stems)
    ):
        raise CubespaceError(f"cubes.masks: no galaxy of the sample has a file {pattern}")


def release_files(path):
    """The zip file of a release, or the files of its folder."""
    return [str(file) for file in sorted(Path(path).rglob("*")) if file.is_file()] if Path(path).is_dir() else [path]


try:
    for path in workflow.configfiles:
        configuration.refuse_repeated_keys(path)
    RELEASE = Release(config["release"]) if isinstance(config.get("release"), str) else None
    config = configuration.check(RELEASE.settle(config) if RELEASE else config)
    SAMPLE_SETTINGS = sample_settings(config["sample"], config["seed"])
    GALAXIES = survey_sample.build(**SAMPLE_SETTINGS).galaxies.set_index("stem", drop=False)
    for name, allowed in (("nuclear_class", NUCLEAR), ("environment", ENVIRONMENTS)):
        check_stated(GALAXIES, name, allowed, "sample.sheet or sample.tables")
    survey_sample.check_ready(GALAXIES, made=config["sample"]["cubes"] if config["mock"] else None, fitted=not RELEASE)
    check_masks(config["cubes"]["masks"], GALAXIES["stem"])
    if absent := sorted(set(config["figures"]["examples"]) - set(GALAXIES["galaxy"])):
        raise CubespaceError(f"figures.examples: {', '.join(absent)}: not in the sample")
    if config["seed"] in config["network"]["seeds"]:
        raise CubespaceError(f"network.seeds: {config['seed']} is the main seed; expected others")
except CubespaceError as error:
    raise WorkflowError(str(error)) from None

ROWS = GALAXIES.to_dict("index")  # looked into several times a job
STEMS = list(ROWS)
FITTED = list(GALAXIES.index[GALAXIES["role"].isin(["train", "validation"])])
VARIANTS = list(config["variants"])
MOCK = config["mock"] is not None
RELEASE_FILES = release_files(config["release"]) if RELEASE else []


wildcard_constraints:
    galaxy=r"[^/\s]+",  # not the list of all names: matching it would cost the square of their number
    variant="|".join(map(re.escape, VARIANTS)),


def scorecard_inputs():
    """Tables behind the scorecard, by the option of its step."""
    inputs = {name: DATA[name] for name in ("basis", "variance", "correlations", "comparisons", "galaxies", "classes")}
    inputs["clusters"] = f"{FULL}/clusters.parquet"
    inputs["ablation"] = "results/populations/luminosity_ablation.csv"
    if MOCK:
        inputs["truth"] = "results/mock/truth.parquet"
    return inputs


def as_json(content, compared=True):
    """Parameter function: the JSON text that a step takes by --settings (a plain string would have its {} expanded).

    Not compared: another text is no reason to run again. Snakemake compares no parameter that is made from the input.
    """
    text = json.dumps(content, sort_keys=True)

    def constant(wildcards):
        return text

    def uncompared(wildcards, input):
        return text

    return constant if compared else uncompared


def settings(*sections, **more):
    """The named sections of the configuration, merged, for --settings."""
    merged = {}
    for section in sections:
        part = config
        for key in section.split("."):
            part = part[key]
        merged.update(part)
    merged.update(more)
    return as_json(merged)


def code(step):
    """Digest of the code behind a step: a parameter, so that an edit of the library reruns the rules it concerns."""
    return code_digest(f"cubespace.steps.{step}")


def row(wildcards):
    """The galaxy of the job: its row of the sample."""
    if wildcards.galaxy not in ROWS:
        raise WorkflowError(
            f"{wildcards.galaxy}: the sample has no galaxy with this name for files; see {config['sample']['sheet']}"
        )
    return ROWS[wildcards.galaxy]


def per_galaxy(column):
    """Parameter function: one cell of the sample for the galaxy of the job; the word null for a missing number."""

    def cell(wildcards):
        value = row(wildcards)[column]
        return "null" if value != value or value is None else value

    return cell


def mem(mb):
    """Memory that grows with the attempt."""

    def megabytes(wildcards, attempt):
        return mb * attempt

    return megabytes


def minutes(n):
    """Run time that grows with the attempt."""

    def runtime(wildcards, attempt):
        return n * attempt

    return runtime


def cube_of(wildcards):
    """File of the galaxy's cube."""
    return row(wildcards)["cube"]


STREAMED = MOCK and not config["mock"]["keep_cubes"]
AGAIN = "results/mock/again/{galaxy}.cube.fits.gz"
PLANTED = {name: size for name, size in (config["mock"] or {}).items() if name.startswith("planted_")}


def cube_for_maps(wildcards):
    """The cube of the second reading: where simulated cubes are not kept, the one that is made again."""
    made = cube_of(wildcards) == config["sample"]["cubes"].format(galaxy=wildcards.galaxy)
    return AGAIN.format(galaxy=wildcards.galaxy) if STREAMED and made else cube_of(wildcards)


def mask_of(wildcards):
    """File of the galaxy's own mask; none where there is none. What the workflow makes itself is always there in time."""
    pattern = config["cubes"]["masks"]
    path = shipped(pattern.format(galaxy=wildcards.galaxy)) if pattern else ""
    return path if path and (pattern.startswith("results/") or Path(path).exists()) else []


def foreground_options(wildcards, input):
    """Options of the steps that open a cube: the galaxy's mask and the list of stars, where there are any."""
    return "".join(f" --{name} {quote(str(input.get(name)))}" for name in ("mask", "stars") if input.get(name))


# What the steps that open a cube are told of reading it.
READING = {name: value for name, value in config["cubes"].items() if name not in ("masks", "gaia", "max_offset")}
READING["on_bad_cube"] = config["on_bad_cube"]

TORCH_ENV = "../../envs/network.yaml" if config["network"]["device"] != "cpu" else "../../envs/network-cpu.yaml"
# Two cores draw and train on small maps hardly faster than one: networks go side by side instead, each on one.
NETWORK_THREADS = 8 if prod(config["maps"]["canvas"]) > 10_000 else 1


def figure_options(wildcards, input):
    """The named inputs of a rule as the options of its step."""
    return " ".join(
        f"--{name.replace('_', '-')} " + " ".join(map(quote, [files] if isinstance(files, str) else files))
        for name, files in input.items()
    )


ENVIRONMENT = json.loads(json.dumps(config["populations"]["environment"]))
CATALOGUES = [*ENVIRONMENT["groups"], *ENVIRONMENT["voids"]]
CATALOGUES += [
    catalogue["groups"] for catalogue in CATALOGUES if "groups" in catalogue
]  # second tables, of groups' sizes
for catalogue in CATALOGUES:
    catalogue["path"] = shipped(catalogue["path"])
CLASSES = {
    "emission": config["populations"]["emission"],
    "environment": ENVIRONMENT,
    "cosmology": config["sample"]["cosmology"],
}


def matched_comparisons():
    """The pairs of classes that get twins, for the step that makes them: each once, whatever role it is compared among."""
    chosen = config["populations"]["comparisons"]["comparisons"]
    pairs = dict.fromkeys((pair["a"], pair["b"], pair["by"]) for pair in chosen if pair.get("matched"))
    return [dict(zip(("a", "b", "by"), pair)) for pair in pairs]


def run_in_brief():
    """What the record of the run says: the configuration and where it came from, digests of the settings of each step, and
    patterns of the files that are deleted when they were read (temp)."""
    steps, temporary = {}, set()
    for each in workflow.rules:
        found = re.search(r"cubespace\.steps\.\w+", each.shellcmd or "")
        if not found:
            continue
        text = each.params.get("settings")
        steps.setdefault(found[0], set()).add(ledger.digest(json.loads(text(None)) if text else {}))
        temporary |= {re.sub(r"{.*?}", "*", str(path)) for path in each.output if is_flagged(path, "temp")}
    return {
        "config": config,
        "files": [ledger.portable(path) for path in workflow.configfiles],
        "overrides": dict(workflow.config_settings.config),
        "settings": {step: sorted(digests) for step, digests in steps.items()},
        "temporary": sorted(temporary),
    }


def seed_of(wildcards):
    """Seed of a member, for its training and its untrained network."""
    return wildcards.seed


def member(variant, seed):
    """What the table of stability reads of one member: its files, those of the main seed where the contract has them."""
    own = MEMBER.format(variant=variant, seed=seed)
    files = {
        "network": f"{own}/network.parquet",
        "untrained": f"{own}/untrained.parquet",
        "network_clusters": f"{own}/network_clusters.parquet",
        "untrained_clusters": f"{own}/untrained_clusters.parquet",
        "probes": f"{own}/probes.csv",
        "invariance": f"{own}/invariance.csv",
    }
    if seed == config["seed"]:
        files |= {
            "network": f"results/embedding/{variant}.parquet",
            "untrained": f"results/baselines/{variant}/untrained.parquet",
            "network_clusters": f"results/space/{variant}/clusters.parquet",
            "probes": f"results/space/{variant}/probes.csv",
            "invariance": f"results/network/{variant}/invariance.csv",
        }
    return files


def embedding_of(wildcards):
    """The embedding whose clusters are asked for."""
    return member(wildcards.variant, int(wildcards.seed))[wildcards.kind]
