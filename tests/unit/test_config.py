"""The configuration is refused by key, completed with defaults, and documented without drift."""

import inspect
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from cubespace import config
from cubespace.columns import PROPERTIES
from cubespace.errors import CubespaceError
from cubespace.network import presets
from cubespace.populations import catalogues
from cubespace.populations.comparisons import COLUMNS_OF
from cubespace.steps.document import documented

ROOT = Path(__file__).parents[2]
LEAST = {"survey": "x", "sample": {"sheet": "s.csv", "cubes": "{galaxy}.fits"}}


def checked(text):
    """The least configuration with these keys of YAML, checked."""
    return config.check(config.merged(LEAST, yaml.safe_load(text)))


def properties(*path):
    """The schema's keys below `path`."""
    node = config.load_schema()
    for key in path:
        node = node["items"] if key == "[]" else node["properties"][key]
    return node["properties"]


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


COMPARISON = "populations: {comparisons: {comparisons: [{a: AGN, b: SF, by: nuclear_class, %s}]}}"
GROUPS = "populations: {environment: {groups: [{path: g.csv, preset: lim2017, %s}]}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (COMPARISON % "on: train", "populations.comparisons.comparisons.0: found the key True, expected text .*on, off, yes and no.*quotes"),
        (COMPARISON % "'on': train", "populations.comparisons.comparisons.0: unknown key 'on'; allowed: a, among, b, by, matched"),
        (COMPARISON % "match: true", r"comparisons.0: unknown key 'match' \(did you mean 'matched'\?\)"),
        ("1: x\nfoo: y", r"config: \(top level\): found the key 1, expected text \(put it in quotes\)$"),
        ("populations: {comparisons: {comparisons: [{a: AGN, b: Sf, by: nuclear_class}]}}", "comparisons.0.b: found 'Sf', expected one of SF, comp"),
        ("populations: {comparisons: {comparisons: [{a: AGN, b: SF}]}}", r"comparisons.comparisons.0: 'by' is missing$"),
        ("sample: {cubes: 'c/{plate}/{galaxy}.fits'}", "sample.cubes: found 'c/{plate}/{galaxy}.fits', expected a path with {galaxy}, and no other"),
        ("sample: {cubes: 'c/{}/{galaxy}.fits'}", "sample.cubes: found"),
        ("sample: {cubes: '{galaxy:05d}.fits'}", "sample.cubes: found"),
        ("cubes: {masks: 'm/{name}.fits'}", "cubes.masks: found 'm/{name}.fits', expected a path with no braces but {galaxy}"),
        ("seed: 7.5", "seed: found 7.5, expected a value of type integer"),
        ("sample: {max_redshift: .inf}", "sample.max_redshift: found inf, expected a finite number"),
        ("network: {training: {temperature: .nan}}", "network.training.temperature: found nan, expected a finite number"),
        ("sample: {tables: [{path: a, key: b, columns: {redshift: {column: z, maximum: .inf}}}]}", "tables.0.columns.redshift.maximum: found inf"),
        ("sample: {tables: [{path: a, columns: {redshift: z}}]}", "sample.tables.0: found path, columns; expected also key or match_radius$"),
        (GROUPS % "footprint: {redshift: [0, .inf]}", "groups.0.footprint.redshift.1: found inf, expected a finite number"),
        (GROUPS % "footprint: {boxes: [0, 90, -10, 50]}", r"footprint.boxes.0: found 0, expected boxes, each \[ra_min, ra_max, dec_min, dec_max\]"),
        (GROUPS % "footprint: {boxes: [[0, 90, 50, -10]]}", r"footprint.boxes.0: found \[0, 90, 50, -10\], expected boxes, each"),
        (GROUPS % "footprint: {boxes: [[0, 90, -10, 95]]}", "footprint.boxes.0.3: found 95, expected at most 90"),
        (GROUPS % "footprint: {redshift: [0.01, null]}", "footprint.redshift.1: found None, expected a value of type number"),
        (GROUPS % "footprint: {redshift: [low, 1]}", "footprint.redshift.0: found 'low', expected a value of type number"),
        (GROUPS % "footprint: {redshift: [0.2, 0.1]}", r"footprint.redshift: found \[0.2, 0.1\], expected 0.2 to be less than 0.1"),
        (GROUPS % "groups: {path: 3, columns: {group: g, members: n}}", "groups.0.groups.path: found 3, expected a value of type string"),
        (GROUPS % "groups: {path: b, columns: {group: g, members: n}, nams: [x]}", r"groups.0.groups: unknown key 'nams' \(did you mean 'names'\?\)"),
        (GROUPS % "groups: {path: b, columns: {group: g}}", "groups.0.groups.columns: 'members' is missing"),
        ("populations: {environment: {groups: [{path: g, columns: {ra: r, dec: d, redshift: z}}]}}", "groups.0.columns: 'group' is missing$"),
        ("populations: {environment: {voids: [{path: v, columns: {radius: R, ra: r, dec: d}}]}}",
         "voids.0.columns: found radius, ra, dec; expected also x, y, z or ra, dec, distance or ra, dec, redshift$"),
        ("populations: {environment: {voids: [{path: v}]}}", "voids.0: found path; expected also preset or columns$"),
        ("populations: {comparisons: {comparisons: [{a: SF, b: SF, by: nuclear_class}]}}", "comparisons.0: a and b are both 'SF', expected two"),
        ("populations: {comparisons: {comparisons: [{a: train, b: embed, by: role, matched: true}]}}", "comparisons.0.matched: found True, expected False"),
        ("populations: {twins: {match_also: {morphology: 1}}}", "populations.twins.match_also: found 'morphology', expected one of redshift, ra"),
        ("populations: {injection: {effects: {active_nucleus: [3, 30, 10]}}}", r"active_nucleus: found \[3, 30, 10\], expected 30 to be less than 10$"),
        ("cubes: {mapping: {flux: 1, sigma: 2, ivar: 3}}", "cubes.mapping: found flux, sigma, ivar; expected exactly one: sigma or variance or ivar$"),
        ("cubes: {mapping: {flux: 1}}", "cubes.mapping: found flux; expected exactly one: sigma"),
        ("space: {clusters: {k: [2, 3, 3]}}", r"space.clusters.k: found \[2, 3, 3\], expected each item once$"),
        ("spectra: {grid: [6803, 3739, 2]}", r"spectra.grid: found \[6803, 3739, 2\], expected 6803 to be less than 3739"),
        ("spectra: {grid: [3739, 6803, 0]}", "spectra.grid.2: found 0, expected more than 0"),
        ("network: {views: {first: {nosie: 3}}}", r"network.views.first: unknown key 'nosie' \(did you mean 'noise'\?\)"),
        ("network: {views: {orignal_every: 3}}", "network.views: unknown key 'orignal_every'"),
        ("network: {views: {second: {resize: [1, 2.5]}}}", "network.views.second.resize.1: found 2.5, expected a value of type integer"),
        ("network: {views: {second: {noise: [10, 1]}}}", r"config: network.views.second.noise: expected null or \[low, high\] > 0, found \(10, 1\)"),
        ("network: {views: {stars: survey, first: {star_counts: [0]}}}", "config: network.views.first.star_counts: expected probabilities"),
        ("network: {encoder: {pooling: [attention]}}", "config: network.encoder.mask: attention .* expected true, found false"),
        ("network: {training: {compile: true, recompute: true}}", "config: network.training.compile: .*expected one of the two"),
    ],
)
def test_what_no_job_could_use_is_refused_before_any(text, words):
    with pytest.raises(CubespaceError, match=words):
        checked(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sample: {}\nseed: 1\n# a note\nsample:\n  sheet: s\n", "sample: found in line 1 and again in line 4, expected once"),
        ("a:\n  b:\n    - c: 1\n      c: 1\n", "a.b.0.c: found in line 3 and again in line 4"),
        ('{"a": 1,\n "b": {"a": 1, "a": 2}}', "b.a: found in line 2 and again in line 2"),
    ],
)
def test_a_key_that_is_there_twice_is_refused_with_its_lines(tmp_path, text, words):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(CubespaceError, match=rf"c\.yaml: {words}"):
        config.refuse_repeated_keys(tmp_path / "c.yaml")


@pytest.mark.parametrize("text", ["", "a: &x {b: 1}\nc: *x\nd: [*x, *x]\n", "a: &x [*x]\n", "a: {b: 1}\nb: {b: 1, a: 1}\n", "a: [1\n"])
def test_a_key_in_two_places_is_no_repetition(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    config.refuse_repeated_keys(tmp_path / "c.yaml")


def test_a_comparison_may_be_among_galaxies_of_one_role():
    full = checked(COMPARISON % "among: validation")
    assert full["populations"]["comparisons"]["comparisons"] == [
        {"a": "AGN", "b": "SF", "by": "nuclear_class", "among": "validation", "matched": False}
    ]
    assert json.loads(json.dumps(full, sort_keys=True)) == full


def test_whole_numbers_written_with_a_point_are_integers():
    full = checked("seed: 7.0\nspace: {clusters: {k: [2.0, 3]}}\nmaps: {canvas: [46.0, 48]}\nnetwork: {views: {second: {resize: [1.0, 2]}}}\nsample: {max_redshift: 1.0}")
    got = (full["seed"], *full["space"]["clusters"]["k"], *full["maps"]["canvas"], *full["network"]["views"]["second"]["resize"])
    assert got == (7, 2, 3, 46, 48, 1, 2) and {type(value) for value in got} == {int}
    assert type(full["sample"]["max_redshift"]) is float


def test_the_schema_describes_what_is_inside_of_every_object_and_list():
    def walk(node, path):
        kinds = node.get("type", ())
        if "object" in kinds:
            assert "additionalProperties" in node, f"{path}: takes any key"
        if "array" in kinds:
            assert "items" in node or "prefixItems" in node, f"{path}: takes anything"
        for key, sub in node.get("properties", {}).items():
            walk(sub, f"{path}.{key}")
        for key in ("items", "additionalProperties"):
            if isinstance(node.get(key), dict):
                walk(node[key], f"{path}[]")

    walk(config.load_schema(), "")


def test_the_schema_has_the_keys_of_the_code():
    views = {field.name for field in fields(presets.Pair)}
    assert set(properties("network", "views")) == views | {"preset", "stars"}
    for side in ("first", "second"):
        assert set(properties("network", "views", side)) == {field.name for field in fields(presets.View)}
    assert set(properties("network", "encoder")) == {*presets.ENCODER_PRESETS["paper"], "preset"}
    assert set(properties("network", "training")) == {*presets.TRAINING, "preset"}
    reading = {"hdu", "names", "skip", "short_rows"}
    for kind, read in (("groups", catalogues.read_groups), ("voids", catalogues.read_voids)):
        arguments = set(inspect.signature(read).parameters) - {"reading"}
        assert set(properties("populations", "environment", kind, "[]")) == arguments | reading | {"preset"}
    assert set(properties("populations", "environment", "groups", "[]", "groups")) == reading | {"path", "columns"}
    also = config.load_schema()["properties"]["populations"]["properties"]["twins"]["properties"]["match_also"]["propertyNames"]["enum"]
    assert set(also) == {*PROPERTIES, "ra", "dec", "distance", "snr", "group_members", "void_depth"}  # numbers of galaxies, verdicts, classes
    pairs = config.load_schema()["properties"]["populations"]["properties"]["comparisons"]["properties"]["comparisons"]["items"]
    allowed = {rule["if"]["properties"]["by"]["const"]: tuple(rule["then"]["properties"]["b"]["enum"]) for rule in pairs["allOf"]}
    assert allowed == COLUMNS_OF and pairs["properties"]["by"]["enum"] == list(COLUMNS_OF)


def test_the_check_needs_no_torch():
    code = f"import sys; from cubespace import config; config.check({LEAST!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
