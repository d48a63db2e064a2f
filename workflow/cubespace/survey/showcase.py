"""Which galaxies of a mock survey stand for their types in a montage."""

import csv
import math
from collections import Counter
from pathlib import Path

from cubespace.errors import CubespaceError
from cubespace.survey.structure import kind_of

# type -> axis ratio that shows it best; Sb is shown edge-on
AXIS_RATIO = {
    "E": 0.75,
    "S0": 0.55,
    "Sa": 0.6,
    "Sb": 0.2,
    "Sbc": 0.75,
    "Sc": 0.7,
    "Sd": 0.65,
    "I": 0.7,
    "BCD": 0.75,
}
RE_ARCSEC = 14.0


def showcase(path, among):
    """One galaxy of each type that there is, early to late: list of (type, value of `among`).

    among: mapping from the names of eligible galaxies to what to return for them. Of a truth table (CSV)
    those with no other in the pointing and no AGN are eligible; the nearest to AXIS_RATIO and RE_ARCSEC is
    taken.
    """
    if not Path(path).is_file():
        raise CubespaceError(f"{path}: truth table not found")
    with Path(path).open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    missing = {
        "galaxy",
        "pointing",
        "morphology",
        "morphology_detail",
        "axis_ratio",
        "re_arcsec",
        "agn",
    } - set(rows[0] if rows else ())
    if rows and missing:
        raise CubespaceError(f"{path}: lacks columns {', '.join(sorted(missing))}")
    shared = Counter(row["pointing"] for row in rows)

    def distance(row):
        shape = abs(float(row["axis_ratio"]) - AXIS_RATIO[kind_of(row).name]) / 0.1
        return shape + abs(math.log(float(row["re_arcsec"]) / RE_ARCSEC)) / 0.25, row["galaxy"]

    chosen = []
    for kind in AXIS_RATIO:
        fit = [
            r
            for r in rows
            if kind_of(r).name == kind and r["galaxy"] in among and shared[r["pointing"]] == 1 and int(r["agn"]) == 0
        ]
        if fit:
            chosen.append((kind, among[min(fit, key=distance)["galaxy"]]))
    return chosen
