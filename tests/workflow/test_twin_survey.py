"""A twin survey: each cube is made, read, deleted, and made again for its second reading."""

import re

import pandas as pd
import pytest
import yaml
from survey import snakemake

from conftest import ROOT
from cubespace.survey import twin

NUMBER = 4


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Four galaxies of the demo stand in for real ones: their catalogue is all that the twins are made from."""
    folder = tmp_path_factory.mktemp("twins")
    demo = pd.read_csv(ROOT / "resources/demo/truth.csv")
    demo = demo[(demo["log_mass"] > 10.2) & demo["redshift"].between(0.008, 0.02) & (demo["pointing"] == demo["galaxy"])]
    known = demo.head(NUMBER).assign(role=["train", "train", "validation", "validation"], ellipticity=1 - demo["axis_ratio"])
    known.loc[known.index[0], "log_age_lw"] = None
    files = twin.tables(known[["galaxy", "role", *twin.TABLE[:3], "morphology", "log_mass", "log_age_lw", "log_ew_ha", "re_arcsec", "ellipticity"]], 3)
    for name, frame in files.items():
        frame.to_csv(folder / name, index=False)
    config = twin.configuration("test", ".", files["properties.csv"], 3)
    config["mock"]["pixel_arcsec"] = 2.0
    config |= {"maps": {"canvas": [46, 48]}, "basis": {"n_components": 5}, "spectra": {"snr_min": 15}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder, list(known["galaxy"])


def test_cubes_are_made_twice_by_plan(survey):
    folder, galaxies = survey
    wanted = [f"results/maps/{galaxy}.fits" for galaxy in galaxies]
    text = snakemake(folder, "-n", *wanted).stdout
    for rule in ("simulate", "simulate_again", "moments", "maps"):
        assert re.search(rf"^{rule} +{NUMBER}$", text, re.MULTILINE), rule


@pytest.mark.slow
def test_no_more_cubes_at_a_time_than_jobs(survey):
    folder, galaxies = survey
    wanted = [f"results/maps/{galaxy}.fits" for galaxy in galaxies]
    text = snakemake(folder, "--verbose", "--", *wanted).stdout
    waiting, most = 0, 0
    finished = re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", text, re.MULTILINE)
    for rule in finished:
        waiting += {"simulate": 1, "simulate_again": 1, "moments": -1, "maps": -1}.get(rule, 0)
        most = max(most, waiting)
    assert waiting == 0 and 1 <= most <= 2  # --cores 2
    assert 0 < len(re.findall(r"^Ready jobs: \d+$", text, re.MULTILINE)) <= len(finished) + 1  # one look at what waits for each that ended
    assert not list(folder.glob("results/mock/**/*.gz"))
    assert all((folder / name).is_file() for name in wanted)
    assert "Nothing to be done" in snakemake(folder, "-n", *wanted).stdout
