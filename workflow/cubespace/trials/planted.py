"""How often do tests find an effect of environment of known size? Many catalogues from one survey and a frozen network.

Each catalogue gives every galaxy an environment, drawn from its mass and type alone. A galaxy of a void or a cluster then
takes the place in the representation of its planted version; twins are matched and tested as in the workflow. Catalogues
of all sizes share the labels. With nothing planted, environments differ in mass and type only, so what tests on twins
reject are false positives. The same for hosts of AGN, without the lines of the nucleus, against all other galaxies.
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from cubespace.populations.twins import match
from cubespace.populations.two_sample import all_tests
from cubespace.shares import wilson
from cubespace.space.neighbours import cosine_distances, pointing_codes
from cubespace.survey.population import ENVIRONMENTS, PLANTED, agn_probabilities, environment_probabilities
from cubespace.trials.versions import stratum_of

PAIRS = (("filament_wall", "cluster"), ("void", "filament_wall"), ("void", "cluster"), ("AGN", "other"))
WAYS = ((False, True), (False, True), (False,), (True,))  # as populations, as twins: as in the paper, and hosts as twins only
SIGN = PLANTED | {"AGN": 1.0}  # of the effect
NAIVE = {"ks_paper": "ks_paper_naive", "ks_10th": "ks_10th_naive"}  # the same statistic with the paper's own p-value
LEVEL = 0.05
COLUMNS = ("comparison", "a", "b", "matched", "test", "effect", "n_catalogues", "n_rejected", "rate", "rate_low", "rate_high",
           "median_n_a", "median_n_b")  # fmt: skip


class Survey(NamedTuple):
    """Galaxies, and where they lie as they are and as versions of themselves."""

    galaxies: pd.DataFrame  # galaxy, log_mass, morphology, pointing
    probabilities: np.ndarray  # (n, 4) of ENVIRONMENTS
    hosts: np.ndarray  # (n,) probability of hosting an AGN; nan for those that do, whose cubes have its lines
    groups: np.ndarray  # (n,) pointing codes
    distances: np.ndarray  # all vectors against all
    place: dict  # shift -> (n,) rows of `distances`


def survey_of(truth, plain, planted):
    """`Survey` of a table of truth, (n, d) vectors of its galaxies, and dict shift -> (n, d) vectors of their versions."""
    n, shifts = len(truth), list(planted)
    stratum, mass = stratum_of(truth), truth["log_mass"].to_numpy(float)
    place = {shift: n * number + np.arange(n) for number, shift in enumerate([0.0, *shifts])}
    return Survey(
        truth[["galaxy", "log_mass", "morphology", "pointing"]].reset_index(drop=True),
        environment_probabilities(stratum, mass),
        np.where(truth["agn"].to_numpy() > 0, np.nan, agn_probabilities(stratum, mass)),
        pointing_codes(truth["pointing"]),
        cosine_distances(np.concatenate([plain, *planted.values()])),
        place,
    )


def draw_labels(probabilities, rng):
    """(n,) str: an environment for each galaxy."""
    edges = np.cumsum(probabilities, axis=1)[:, :-1]
    return np.array(ENVIRONMENTS, dtype=object)[(rng.random(len(edges))[:, None] > edges).sum(axis=1)]


def draw_hosts(probability, rng):
    """(n,) str: AGN or other; None where the probability is nan."""
    drawn = np.where(rng.random(len(probability)) < probability, "AGN", "other").astype(object)
    drawn[np.isnan(probability)] = None
    return drawn


def one_catalogue(survey, effects, tests, n_permutations, caliper, seed, number):
    """Decisions on one catalogue: list of (index in `PAIRS`, matched, test, effect, rejected, n_a, n_b); nothing on populations
    of fewer than five.

    tests : dict name -> TwoSampleTest
    """
    rng, found = np.random.default_rng([seed, 91, number]), []
    environment, nucleus = draw_labels(survey.probabilities, rng), draw_hosts(survey.hosts, rng)
    names = survey.galaxies["galaxy"].to_numpy()
    row = {name: i for i, name in enumerate(names)}
    for which, (a, b) in enumerate(PAIRS):
        members = [np.flatnonzero((nucleus if a == "AGN" else environment) == kind) for kind in (a, b)]
        for matched in WAYS[which]:
            sides = members
            if matched:
                twins = match(*(survey.galaxies.iloc[rows] for rows in members), caliper)
                sides = [np.array([row[name] for name in twins[f"galaxy_{side}"]], int) for side in "ab"]
            if min(map(len, sides)) < 5:
                continue
            size = len(sides[0])
            pairs = np.column_stack([np.arange(size), size + np.arange(size)]) if matched else None
            group = survey.groups[np.concatenate(sides)]
            labels = np.arange(len(group)) >= size
            for effect in effects:
                where = np.concatenate(
                    [survey.place[effect * SIGN.get(kind, 0.0)][rows] for kind, rows in zip((a, b), sides, strict=True)]
                )
                distances = survey.distances[np.ix_(where, where)]
                for name, test in tests.items():
                    rng = np.random.default_rng([seed, 92, number, which, int(matched)])
                    decided = {name: test.rejects(distances, labels, LEVEL, n_permutations, rng, pairs, group)}
                    if name in NAIVE:
                        decided[NAIVE[name]] = test.paper_p(distances, labels, group).p_value < LEVEL
                    found += [(which, matched, key, effect, bool(value), *map(len, sides)) for key, value in decided.items()]
    return found


def decisions(survey, settings, caliper, numbers):
    """`one_catalogue` for the catalogues of these numbers, in one list."""
    known = all_tests(n_subsamples=2, seed=settings.seed)
    tests, found = {name: known[name] for name in settings.tests}, []
    for number in numbers:
        effects = [0.0] * (number < settings.null_catalogues) + list(settings.effects) * (number < settings.catalogues)
        found += one_catalogue(survey, effects, tests, settings.n_permutations, caliper, settings.seed, number)
    return found


def rejections(survey, settings, caliper=0.2, mapper=map, parts=1):
    """Share of catalogues in which each test finds a difference, with its 95 % interval (Wilson), for each planted size.

    Parameters
    ----------
    survey : Survey
    settings : `study.Planted`
    mapper : function like `map`, that calls a function on each of `parts` parts of the work

    Returns
    -------
    DataFrame, columns `COLUMNS`; effect 0 has `null_catalogues`, the others `catalogues`
    """
    numbers = range(max(settings.null_catalogues, settings.catalogues))
    work = functools.partial(decisions, survey, settings, caliper)
    found = pd.DataFrame(
        [row for part in mapper(work, [numbers[start::parts] for start in range(parts)]) for row in part],
        columns=["which", "matched", "test", "effect", "rejected", "n_a", "n_b"],
    )
    rows = []
    for (which, matched, test, effect), part in found.groupby(["which", "matched", "test", "effect"], sort=True):
        a, b = PAIRS[which]
        n, hits = len(part), int(part["rejected"].sum())
        sizes = part["n_a"].median(), part["n_b"].median()
        rows.append([f"{a}-{b}", a, b, matched, test, effect, n, hits, hits / n, *wilson(hits, n), *sizes])
    return pd.DataFrame(rows, columns=list(COLUMNS))
