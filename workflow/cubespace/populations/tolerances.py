"""What each tolerance of the classes of environment decides: numbers of galaxies beside the paper's."""

import pandas as pd

from cubespace.populations.environment import ENVIRONMENTS, classify

PAPER = {"cluster": 95, "void": 162, "filament_wall": 559, "unclassified": 76}  # sec. 4.1
FACTORS = {  # multiples of the configured value
    "cluster_members": (0.5, 2.0),
    "void_fraction": (0.8, 1.2),
    "match_radius": (1 / 3, 3.0),
    "match_dz": (1 / 3, 3.0),
}
FOOTPRINT = (0.5, 2.0)  # of all radii around catalogued objects at once
UNITS = {"footprint_radius": "deg", "match_radius": "arcsec", "void_fraction": "effective radii", "cluster_members": "galaxies", "match_dz": "1"}


def tolerance_table(galaxies, groups, voids, settings, om0=None):
    """Numbers of galaxies by environment when one tolerance at a time is tightened or loosened.

    Parameters
    ----------
    galaxies, groups, voids : as in `environment.classify`
    settings : dict
        cluster_members, void_fraction, match_radius [arcsec], match_dz as configured.

    Returns
    -------
    DataFrame
        tolerance, value, unit, cluster, void, filament_wall, unclassified, n, changed (galaxies of another class than with
        the configured values). First the paper's counts, then those of the configured values. A catalogue that states its
        own matching tolerances keeps them. footprint_radius: that around catalogued objects, where footprints have one, of all
        catalogues at once; its value is that of the first.
    """
    cosmology = {} if om0 is None else {"om0": om0}
    usual = {name: settings[name] for name in FACTORS if name in settings}
    base = classify(galaxies, groups, voids, **usual, **cosmology)["environment"]
    rows = [{"tolerance": "paper", **PAPER, "n": sum(PAPER.values())}, _row("as configured", None, base, base)]
    for name, value in usual.items():
        for factor in FACTORS[name]:
            other = max(2, round(value * factor)) if name == "cluster_members" else value * factor
            found = classify(galaxies, groups, voids, **{**usual, name: other}, **cosmology)["environment"]
            rows.append(_row(name, other, found, base))
    radii = [one.footprint.radius for one in (*groups, *voids) if one.footprint and one.footprint.radius is not None]
    for factor in FOOTPRINT if radii else ():
        around = [[_scaled(one, factor) for one in catalogues] for catalogues in (groups, voids)]
        found = classify(galaxies, *around, **usual, **cosmology)["environment"]
        rows.append(_row("footprint_radius", radii[0] * factor, found, base))
    columns = ["tolerance", "value", "unit", *PAPER, "n", "changed"]
    table = pd.DataFrame(rows).reindex(columns=columns)
    table["changed"] = table["changed"].astype("Int64")
    return table


def _scaled(catalogue, factor):
    """A catalogue whose footprint reaches so many times as far around its objects."""
    footprint = catalogue.footprint
    if footprint is None or footprint.radius is None:
        return catalogue
    return catalogue._replace(footprint=footprint._replace(radius=footprint.radius * factor))


def _row(name, value, found, base):
    counts = {kind: int((found == kind).sum()) for kind in ENVIRONMENTS}
    changed = int((found.to_numpy() != base.to_numpy()).sum())
    return {"tolerance": name, "value": value, "unit": UNITS.get(name), **counts, "n": len(found), "changed": changed}
