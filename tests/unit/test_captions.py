"""Captions of the report render for every figure and table, whatever the survey."""

import re
from types import SimpleNamespace

import jinja2
import pytest
from docutils.core import publish_parts

from conftest import ROOT

_CONFIG = {
    "survey": "test survey", "seed": 0, "mock": None, "spectra": {"grid": [3739, 6803, 2], "window": [5600, 5800], "snr_min": 30},
    "basis": {"n_components": 29}, "network": {"training": {"temperature": 0.5}}, "populations": {"twins": {"caliper": 0.2}, "injection": {"aperture_arcsec": 3, "young_log_age": 8.5}},
    "space": {"clusters": {"green_valley": [-11.3, -10.8]}},
}  # fmt: skip
CAPTIONS = sorted(path.stem for path in (ROOT / "workflow" / "report").glob("*.rst"))


@pytest.mark.parametrize("name", CAPTIONS)
@pytest.mark.parametrize("rule", ["figure_probes", "correlate"])
def test_captions_render_to_one_clean_paragraph_or_more(name, rule):
    source = (ROOT / "workflow" / "report" / f"{name}.rst").read_text(encoding="utf-8")
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # as Snakemake does it
    for config in [_CONFIG, {"survey": "bare", "sample": {}}] if name == "workflow" else [_CONFIG]:
        snakemake = SimpleNamespace(config=config, rule=rule, wildcards={"variant": "full"})
        text = environment.from_string(source).render(snakemake=snakemake, categories={}, files=[])
        body = publish_parts(text, writer="html", settings_overrides={"report_level": 1, "halt_level": 1})[
            "body"
        ]
        assert len(body) > 40 and "{" not in text and "None" not in text
        assert not re.search(r"\b(mock|demo)\b", text) or name in ("truth", "scorecard")  # true of any survey


def test_shared_captions_differ_between_figure_and_table():
    for name in ("verdicts", "probes"):
        source = (ROOT / "workflow" / "report" / f"{name}.rst").read_text(encoding="utf-8")
        made = {
            rule: jinja2.Template(source).render(
                snakemake=SimpleNamespace(config=_CONFIG, rule=rule, wildcards={"variant": "full"})
            )
            for rule in (f"figure_{name}", "other")
        }
        assert made[f"figure_{name}"] != made["other"] and "%" not in made["other"].replace("95 %", "")
