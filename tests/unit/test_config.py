"""The configuration is refused by key, completed with defaults, and documented without drift."""

from pathlib import Path

import pytest
import yaml

from cubespace import config
from cubespace.errors import CubespaceError
from cubespace.steps.document import documented

ROOT = Path(__file__).parents[2]
LEAST = {"survey": "x", "sample": {"sheet": "s.csv", "cubes": "{galaxy}.fits"}}


@pytest.mark.parametrize("name", ["config.yaml", "ecalifa.yaml", "ecalifa-authors-code.yaml"])
def test_shipped_configurations_are_valid(name):
    checked = config.check(yaml.safe_load((ROOT / "config" / name).read_text()))
    assert checked["basis"]["n_components"] == 29


def test_the_paper_is_the_default():
    full = config.check(LEAST)
    assert full["spectra"]["grid"] == [3739, 6803, 2] and full["spectra"]["window"] == [5600, 5800]
    assert full["spectra"]["snr_min"] == 30 and full["basis"]["n_components"] == 29
    assert full["maps"]["canvas"] == [184, 192]
    training = full["network"]["training"]
    assert (training["learning_rate"], training["decay"], training["decay_every"], training["temperature"]) == (8e-4, 0.75, 2, 0.5)
    assert full["space"]["clusters"]["k"][:4] == [2, 3, 4, 5]  # the paper stops at five
    pairs = full["populations"]["comparisons"]["comparisons"]
    assert len(pairs) == 9 and sum(pair["matched"] for pair in pairs) == 3
    assert full["mock"] is None


def test_check_does_not_touch_its_argument():
    given = {"survey": "x", "sample": {"sheet": "s.csv", "cubes": "{galaxy}.fits"}}
    config.check(given)
    assert given == LEAST


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampel": {}}, r"unknown key 'sampel' \(did you mean 'sample'\?\)"),
        ({"seed": "seven"}, "seed: found 'seven', expected a value of type integer"),
        ({"seed": -1}, "seed: found -1, expected at least 0"),
        ({"on_bad_cube": "ignore"}, "on_bad_cube: found 'ignore', expected one of reject, stop"),
        ({"network": {"training": {"epoch": 3}}}, r"network.training: unknown key 'epoch' \(did you mean 'epochs'\?\)"),
        ({"maps": {"canvas": [10]}}, "maps.canvas: .*2 items"),
        ({"variants": ["full", "half"]}, "variants.1: found 'half'"),
        ({"sample": {"sheet": "s.csv"}}, "sample: 'cubes' is missing"),
        ({"sample": {**LEAST["sample"], "tables": [{"path": "a", "key": "b", "columns": {"mass": "m"}}]}}, "sample.tables.0.columns: found 'mass'"),
    ],
)
def test_a_wrong_key_or_value_is_named(change, words):
    with pytest.raises(CubespaceError, match=words):
        config.check({**LEAST, **change})


def test_every_key_is_described():
    def walk(node, path):
        for key, sub in node.get("properties", {}).items():
            if "title" not in sub and path[-2:] != ("items", "path"):
                assert sub.get("description") or sub.get("enum") or path, (path, key)
            if sub.get("properties"):
                assert sub.get("description"), (path, key)
            walk(sub, (*path, key))

    walk(config.load_schema(), ())


def test_readme_has_the_current_keys():
    text = (ROOT / "config" / "README.md").read_text()
    assert documented(text) == text, "run `make docs`"
    assert "`network.training.learning_rate`" in text
