"""The Slurm profile on paper: how many submissions a survey makes, and what each asks for. The real thing is in tests/slurm."""

import re
from collections import Counter

import pandas as pd
import pytest
import yaml
from survey import ROOT, snakemake

PROFILE = ROOT / "config/profiles/slurm/config.yaml"
NUMBER = 898
LOCAL = {"all", "sample", "release", "roster"}  # run where snakemake runs


def submissions(text):
    """What a dry run would submit: name of the group or rule -> (number of submissions, number of jobs in them)."""
    sent, jobs, group = Counter(), Counter(), None
    for line in text.split("Job stats:")[1].splitlines():
        if found := re.match(r"\[.*\] Group job (\w+)", line):
            group = found.group(1)
            sent[group] += 1
        elif found := re.match(r"(?:local)?rule (\w+):", line):
            group = None
            sent[found.group(1)] += 1
            jobs[found.group(1)] += 1
        elif group and re.match(r" +(?:local)?rule (\w+):", line):
            jobs[group] += 1
    return {name: (sent[name], jobs[name]) for name in sent if name not in LOCAL}


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Submissions of a made-up survey of the paper's size: its cubes are there, and empty."""
    folder = tmp_path_factory.mktemp("survey")
    (folder / "cubes").mkdir()
    names = [f"G{i:04d}" for i in range(NUMBER)]
    for name in names:
        (folder / f"cubes/{name}.fits").touch()
    sheet = {"galaxy": names, "role": ["validation" if i % 7 == 6 else "train" for i in range(NUMBER)], "redshift": 0.01, "morphology": "Sb"}
    pd.DataFrame(sheet).to_csv(folder / "sheet.csv", index=False)
    config = yaml.safe_load((ROOT / "config/ecalifa.yaml").read_text())
    config["sample"] = {"sheet": "sheet.csv", "cubes": "cubes/{galaxy}.fits", "tables": []}
    del config["populations"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "slurm").symlink_to(PROFILE.parent)
    return submissions(snakemake(folder, "-n", "--profile", "slurm", cores=None).stdout)


def test_a_survey_of_898_galaxies_is_at_most_60_submissions(plan):
    assert sum(sent for sent, _ in plan.values()) <= 60, plan
    assert plan["moments"] == plan["maps"] == (15, NUMBER)  # 60 galaxies a group
    assert plan["figures"][0] == plan["space"][0] == 1
    assert plan["figures"][1] > 20 and plan["space"][1] == 8  # four rules, two variants
    assert plan["train"] == (2, 2)


def test_every_group_of_the_rules_has_its_size_in_the_profile():
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert set(re.findall(r'group:\n +"(\w+)"', text)) == set(yaml.safe_load(PROFILE.read_text())["group-components"])


def test_no_profile_is_applied_silently_over_another():
    for place in ("default", "profiles/default", "workflow/profiles/default"):
        assert not (ROOT / place).exists()
    assert (ROOT / "slurm").is_symlink() and (ROOT / "slurm").readlink().as_posix() == "config/profiles/slurm"
