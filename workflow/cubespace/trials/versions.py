"""Versions of a mock galaxy that differ by a planted effect alone, of environment or of an AGN on its host."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from cubespace.errors import CubespaceError
from cubespace.files import write_text
from cubespace.names import stem
from cubespace.survey.population import PLANTED
from cubespace.survey.statistics import DETAILS, LIMITS, STRATA, VARIABLES, WIDTH, derived

SIGNS = tuple(sorted(set(PLANTED.values())))  # of the effect: clusters -1, voids +1


def stratum_of(truth):
    """(n,) int index of each galaxy's stratum (E 0 ... BCD 8), from its morphology_detail."""
    of = {kind: place for place, name in enumerate(STRATA) for kind in DETAILS.get(name, ())}
    try:
        return np.array([0 if str(kind).startswith("E") else of[kind] for kind in truth["morphology_detail"]])
    except KeyError as error:
        raise CubespaceError(f"truth: morphology_detail {error.args[0]!r} is of no type that the mock draws") from None


def version_name(galaxy, shift):
    """Name of a version: MOCK0001+0.5 is MOCK0001 as a void galaxy of an effect of half a standard deviation."""
    return f"{galaxy}{shift:+g}"


def shifted(truth, shift):
    """The galaxies of a table of truth with H-alpha EW up and age down by `shift` standard deviations within their type.

    The change is that of `population.draw` (star formation rate and colour follow), made to galaxies that are otherwise the
    same. Values stay within the population's limits: an effect that would lead out of them is cut.
    """
    width = WIDTH[:, stratum_of(truth)]
    new = truth.copy()

    def move(name, by):
        new[name] = (truth[name] + by).clip(*LIMITS[name])

    move("log_ew_ha", shift * width[VARIABLES.index("log_ew_ha")])
    move("log_ew_ha_cen", new["log_ew_ha"] - truth["log_ew_ha"])  # keeps the profile of the EW
    move("log_age_lw", -shift * width[VARIABLES.index("log_age_lw")])
    before, after = (derived(table.assign(log_re_kpc=np.log10(table["re_kpc"]))) for table in (truth, new))
    for name, value in after.items():
        new[name] = truth[name] + (value - before[name])
    new["galaxy"] = [version_name(galaxy, shift) for galaxy in truth["galaxy"]]
    return new.round({name: 4 for name in (*after, "log_ew_ha", "log_ew_ha_cen", "log_age_lw")})


def versions(truth, effects):
    """All versions of all galaxies: both signs of each size, one row each, with the galaxy in `version_of`."""
    truth = truth.reset_index(drop=True)
    tables = [shifted(truth, sign * size).assign(version_of=truth["galaxy"]) for size in effects for sign in SIGNS]
    return pd.concat(tables, ignore_index=True)


def rows_of(table, roster):
    """Roster of the versions in `table`: that of their galaxies, under their own names; `original` is the galaxy's stem."""
    rows = roster.set_index("galaxy", drop=False).loc[table["version_of"]].reset_index(drop=True)
    names = table["galaxy"].reset_index(drop=True)
    return rows.assign(galaxy=names, original=rows["stem"], stem=names.map(stem), role="embed", cube=None)


def start(folder, table, files, code):
    """Make `folder` ready for the maps of the versions in `table`: write truth.csv, and remove maps made from anything else.

    files : paths that maps depend on; code : digests of the code that makes them
    """
    text, key = table.to_csv(index=False, lineterminator="\n"), Path(folder) / "key.json"
    content = json.dumps([*(hashlib.sha256(part).hexdigest() for part in (text.encode(), *(Path(path).read_bytes() for path in files))), *code])
    if key.is_file() and key.read_text() == content:
        return
    for old in Path(folder).glob("maps/*.fits"):
        old.unlink()
    write_text(Path(folder) / "truth.csv", text)
    write_text(key, content)
