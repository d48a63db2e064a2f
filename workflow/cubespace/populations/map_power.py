"""Power of the tests on twins against differences planted in the maps and embedded again by the frozen network."""

import numpy as np
import pandas as pd

from cubespace.populations.injection import (
    active_nucleus,
    basis_share,
    lines,
    younger_outskirts,
)
from cubespace.populations.power import PlantedTwins, detections

KIND_OF = {"nuclear_class": "active_nucleus", "environment": "younger_outskirts"}  # what a column of classes may differ in
_AT_ONCE = 64  # galaxies whose maps are in memory
UNIT = {"active_nucleus": "A", "younger_outskirts": "share of light"}
COLUMNS = (
    "comparison", "population", "kind", "unit", "test", "effect", "power", "power_low", "power_high", "n_trials", "n_pairs",
    "minimum_detectable_effect", "basis_share", "note",
)  # fmt: skip


def plant(kind, values, good, header, spectra, effect, young, aperture=3.0):
    """Maps of one galaxy with an effect of a kind (`injection`) planted."""
    if kind == "active_nucleus":
        return active_nucleus(values, good, header, spectra, effect, aperture)
    return younger_outskirts(values, good, header, spectra, effect, young)


def passed_on(kind, spectra, young):
    """Share of the planted change of a mean spectrum that the basis passes on (`basis_share`)."""
    change = lines(spectra.wavelength) if kind == "active_nucleus" else young - spectra.mean
    return basis_share(spectra, change)


def map_power(
    twins, comparisons, read, embed, spectra, young, effects, tests, groups, n_trials=100, n_permutations=99, aperture=3.0,
    min_pairs=5, seed=0,
):  # fmt: skip
    """Power curves of the matched comparisons, for what each may differ in.

    A population has no difference from itself, so its placebo twins are the null: as many of them as the comparison has
    pairs (or all, if there are fewer), and in each trial the effect is planted in one galaxy of every pair.

    Parameters
    ----------
    twins : DataFrame comparison, galaxy_a, galaxy_b; placebos as ``a-a``
    comparisons : list of {a, b, by}, of which nuclear classes get nuclei and environments get outskirts (`KIND_OF`)
    read : function galaxy -> (values (K + 1, ny, nx), mask (ny, nx), 0 = good, header)
    embed : function (galaxies, values, masks, headers), each a sequence -> (n, d) vectors
    spectra : Spectra
    young : (p,) spectrum of the young population, 1 in the window
    effects : dict kind -> ascending sizes
    tests : dict name -> TwoSampleTest
    groups : dict galaxy -> pointing code

    Returns
    -------
    DataFrame, columns `COLUMNS`; a comparison that cannot be tried has one row with a note
    """
    tables, embedded = [], {}
    for number, entry in enumerate(comparisons):
        kind = KIND_OF.get(entry["by"])
        name = entry.get("name", f"{entry['a']}-{entry['b']}")
        if kind is None or not effects.get(kind):
            continue
        wanted = int((twins["comparison"] == name).sum())
        population, pairs = _placebo_pairs(twins, entry)
        head = {"comparison": name, "population": population, "kind": kind, "unit": UNIT[kind]}
        if min(wanted, len(pairs)) < min_pairs:
            note = f"not tried: {wanted} pairs, {len(pairs)} placebo pairs; at least {min_pairs} needed"
            tables.append(pd.DataFrame([{**head, "note": note}]))
            continue
        order = np.random.default_rng([seed, 74]).permutation(len(pairs))[:wanted]
        chosen = pairs.iloc[np.sort(order)]
        galaxies = sorted({*chosen["galaxy_a"], *chosen["galaxy_b"]})
        vectors = {}
        for size in (0.0, *(float(size) for size in effects[kind] if size > 0)):
            key = (kind if size else None, size)
            missing = [galaxy for galaxy in galaxies if (*key, galaxy) not in embedded]
            for start in range(0, len(missing), _AT_ONCE):
                some, changed = missing[start : start + _AT_ONCE], []
                for galaxy in some:
                    maps, mask, header = read(galaxy)
                    maps = plant(kind, maps, mask == 0, header, spectra, size, young, aperture) if size else maps
                    changed.append((maps, mask, header))
                embedded.update(zip([(*key, galaxy) for galaxy in some], embed(some, *zip(*changed, strict=True)), strict=True))
            vectors[size] = np.stack([embedded[(*key, galaxy)] for galaxy in galaxies])
        plain = vectors.pop(0.0)
        row = {galaxy: i for i, galaxy in enumerate(galaxies)}
        index = np.array([[row[a], row[b]] for a, b in zip(chosen["galaxy_a"], chosen["galaxy_b"], strict=True)])
        codes = np.array([groups[galaxy] for galaxy in galaxies])
        trials = PlantedTwins(plain, vectors, index, wanted, codes)
        found = detections(trials, tests, (0.0, *vectors), n_trials, n_permutations, seed=seed + number)
        curve = found.curve.assign(**head, n_pairs=trials.n_pairs, basis_share=passed_on(kind, spectra, young))
        curve["minimum_detectable_effect"] = curve["test"].map(found.detectable)
        curve["note"] = [reason and f"{reason} {UNIT[kind]}" for reason in map(found.reason.get, curve["test"])]
        tables.append(curve)
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(tables, ignore_index=True).reindex(columns=list(COLUMNS))


def _placebo_pairs(twins, entry):
    """(population, its placebo twins): of the side of the comparison that has more of them."""
    found = {side: twins[twins["comparison"] == f"{side}-{side}"] for side in (entry["a"], entry["b"])}
    population = max(found, key=lambda side: len(found[side]))
    return population, found[population]
