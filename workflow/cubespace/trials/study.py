"""What the study consists of: surveys to draw, networks to train on each, and the settings of each of these trials."""

from pathlib import Path
from typing import NamedTuple

import yaml

from cubespace.config import merged
from cubespace.errors import CubespaceError
from cubespace.sample import stratified_split

DEMO, DRAWN = "resources/demo/", "mock/"  # where the base configuration has its tables, and where a trial has its own
SHARED = ("mock", *(f"results/{name}" for name in ("mock", "sample", "moments", "basis", "maps")))  # by all trainings on a survey


class Trial(NamedTuple):
    """One run of the pipeline: on the survey of a seed, with the seed of everything after it."""

    name: str
    survey: int
    seed: int
    shares: str | None  # name of the trial whose maps it uses, being the first on that survey


class Planted(NamedTuple):
    """Settings of the planted effects (`planted.rejections`)."""

    effects: tuple = (0.5, 1.0, 2.0)  # standard deviations within a type
    null_catalogues: int = 2000
    catalogues: int = 500
    n_permutations: int = 199
    tests: tuple = ("ks_paper", "ks_10th", "schilling_henze", "energy", "mmd")
    seed: int = 0


class Study(NamedTuple):
    """The study; the planted effects go into the survey of the first trial."""

    galaxies: int
    trials: tuple
    base: str
    changes: dict
    planted: Planted


def read_study(path):
    """Study of a YAML file (config/scorecard.yaml says what its keys mean).

    Raises
    ------
    CubespaceError
        An unknown or missing key, the same trial twice, or a survey too small.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise CubespaceError(f"{path}: {error}") from None
    keys = {"galaxies", "trials", "base", "changes", "planted"}
    _exactly(content, keys, keys - {"changes", "planted"}, path)
    if not (isinstance(content["galaxies"], int) and content["galaxies"] >= 20):
        raise CubespaceError(f"{path}: galaxies: found {content['galaxies']!r}, expected a whole number of at least 20")
    trials, first = [], {}
    for entry in content["trials"]:
        _exactly(entry, {"survey", "seed"}, {"survey", "seed"}, f"{path}: trials")
        name = f"survey{entry['survey']}_seed{entry['seed']}"
        if name in {trial.name for trial in trials}:
            raise CubespaceError(f"{path}: trials: {name} is there twice")
        trials.append(Trial(name, entry["survey"], entry["seed"], first.get(entry["survey"])))
        first.setdefault(entry["survey"], name)
    if not trials:
        raise CubespaceError(f"{path}: no trials")
    planted = content.get("planted") or {}
    _exactly(planted, set(Planted._fields), set(), f"{path}: planted")
    planted = Planted(**{key: tuple(value) if isinstance(value, list) else value for key, value in planted.items()})
    return Study(content["galaxies"], tuple(trials), content["base"], content.get("changes") or {}, planted)


def _exactly(content, allowed, needed, where):
    if not isinstance(content, dict):
        raise CubespaceError(f"{where}: found {content!r}, expected keys {', '.join(sorted(allowed))}")
    wrong, missing = sorted(set(content) - allowed), sorted(needed - set(content))
    if wrong or missing:
        what = [f"unknown key {', '.join(wrong)}"] * bool(wrong) + [f"missing key {', '.join(missing)}"] * bool(missing)
        raise CubespaceError(f"{where}: {'; '.join(what)}; allowed: {', '.join(sorted(allowed))}")


def configuration(base, changes, seed):
    """Configuration of a trial: that of the base, on the tables drawn for it, with its seed and with roles from the sheet."""

    def drawn(value):
        if isinstance(value, dict):
            return {key: drawn(item) for key, item in value.items()}
        if isinstance(value, list):
            return [drawn(item) for item in value]
        return value.replace(DEMO, DRAWN, 1) if isinstance(value, str) and value.startswith(DEMO) else value

    config = merged(drawn(base), changes)
    config["seed"] = seed
    config["sample"]["split"] = {"method": "sheet"}
    return config


def sheet(truth, validation_fraction, seed):
    """Sample sheet with roles: they belong to the survey, so that all trainings on it see the same release."""
    roles = stratified_split(truth["morphology"], truth["pointing"], validation_fraction, seed)
    return truth[["galaxy"]].assign(role=roles)
