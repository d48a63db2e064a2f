"""The committed record of the study, in Markdown: what was run, the scorecard, the power of the tests."""

import numpy as np
import pandas as pd

from cubespace.claims import VERDICTS
from cubespace.populations.claims import PRIMARY
from cubespace.trials.combine import FALSE_POSITIVES, POWER

_TEXT = """# The scorecard

What the pipeline finds in simulated surveys, held against the claims of the paper. Made by

    make scorecard STUDY={study}

Nothing on this page is typed by hand. Version {version}, study `{digest}`.

{trials} trials, {galaxies} galaxies each: {names}. A survey is drawn, simulated, and goes through the rules of the workflow from cubes to
claims; two seeds on one survey are two trainings (and clusterings, and permutations) on the same galaxies. {counts}.

How to read it: each trial has a verdict by the claim's own criterion, written in the code before the run (last column). A trial that
cannot say is set aside, unless half of them or more cannot. All others must agree: `recovered` if each of them recovers the claim, `not
recovered` if none does, else `undecided`. The value is the median of the trials, the interval runs from the smallest to the
largest. Every trial's own value is in `results/scorecard/scorecard.csv`, column `note`. Claims on planted effects are of one survey; their
intervals are those of a share (Wilson, 95 %).

![The scorecard](scorecard.png)

{table}

## Planted effects

The {hosts} galaxies of the first survey were simulated again as they would be in a void (or with an AGN) and in a cluster, with H-alpha EW and age moved by
{effects} standard deviations of their type (star formation rate and colour follow; same structure, place and noise), and went through
the frozen basis and network. Then catalogues were drawn in which each galaxy's environment (and whether it hosts an AGN) depends on its
mass and type alone:
{null} with nothing planted, {some} for each effect. Twins are matched and tested in each as in the workflow ({permutations} permutations). With
nothing planted, what tests on twins reject at p < 0.05 are false positives: wanted is {low:g} to {high:g}. An effect counts as found with {power:g}
power. As populations, unmatched, environments differ even with nothing planted: in mass and type. An AGN changes its host here and
adds no lines of its own: those are tried in `results/populations/map_power.csv` of any run.

![Planted effects](planted.png)

{rates}

The KS columns `as in the paper` take the p-value of the KS test itself, which counts the ten distances of a galaxy as independent.
"""


def record(scorecard, planted, study, path, meta):
    """The page.

    Parameters
    ----------
    scorecard : DataFrame of `combine.combine` and `combine.planted_claims`
    planted : DataFrame of `planted.rejections`
    study : `study.Study`; path : of its file, as the page shall name it
    meta : dict with cubespace_version, config_digest, and n_galaxies of the planted survey
    """
    counts = scorecard["verdict"].value_counts()
    return _TEXT.format(
        study=path, version=meta["cubespace_version"], digest=meta["config_digest"], trials=len(study.trials), galaxies=study.galaxies,
        names=", ".join(f"survey {trial.survey} with seed {trial.seed}" for trial in study.trials),
        counts=", ".join(f"{counts.get(word, 0)} claims {word}" for word in VERDICTS), table=_claims(scorecard), hosts=meta["n_galaxies"],
        effects=", ".join(f"{effect:g}" for effect in study.planted.effects), null=study.planted.null_catalogues,
        some=study.planted.catalogues, permutations=study.planted.n_permutations, low=FALSE_POSITIVES[0], high=FALSE_POSITIVES[1],
        power=POWER, rates=_rates(planted),
    )  # fmt: skip


def _claims(table):
    rows = []
    for row in table.itertuples():
        found = "-" if pd.isna(row.recovered) else f"{row.recovered:.3g}"
        if pd.notna(row.ci_low) and pd.notna(row.ci_high):
            found += f" ({row.ci_low:.3g} to {row.ci_high:.3g})"
        split = "" if pd.isna(row.n_trials) else f"{row.n_recovered} / {row.n_not_recovered} / {row.n_undecided}"
        rows.append([row.claim, _text(row.paper), _text(row.truth), found, f"**{row.verdict}**", split, row.criterion])
    return _markdown(["claim", "paper", "truth in the mock", "recovered", "verdict", "trials: recovered / not / undecided", "criterion"], rows)


def _rates(planted):
    rows = []
    for (matched, comparison), part in planted.groupby(["matched", "comparison"], sort=False):
        effects = np.unique(part["effect"])
        for test, curve in part.groupby("test", sort=False):
            by = curve.set_index("effect")
            shown = [f"{by.at[e, 'rate']:.3f} ({by.at[e, 'rate_low']:.3f} to {by.at[e, 'rate_high']:.3f})" if e in by.index else "-" for e in effects]
            name = test.replace("_naive", " as in the paper") + (" (verdicts rest on it)" if test == PRIMARY else "")
            rows.append([comparison, "twins" if str(matched).lower() == "true" else "populations", name, *shown])
    heads = [f"{effect:g} sigma" for effect in np.unique(planted["effect"])]
    return _markdown(["comparison", "of", "test", *heads], sorted(rows, key=lambda row: row[1] != "twins"))


def _text(value):
    return "" if pd.isna(value) else str(value)


def _markdown(heads, rows):
    def line(cells):
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(heads), line(["---"] * len(heads)), *map(line, rows)])
