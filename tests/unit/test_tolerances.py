"""Counts of environments when a tolerance changes."""

import numpy as np
import pandas as pd

from cubespace.populations.environment import Footprint, Groups, Voids
from cubespace.populations.tolerances import PAPER, tolerance_table


def test_each_tolerance_moves_the_galaxy_made_for_it():
    """One galaxy 10 arcsec from a member of a group of 40, one 0.0005 off in redshift, one at 1.1 radii of a void."""
    from cubespace.cosmology import comoving_distance
    from cubespace.sphere import unit_vectors

    galaxies = pd.DataFrame({"ra": [10.0 + 10 / 3600, 20.0, 30.0, 80.0], "dec": [0.0] * 4, "redshift": [0.02, 0.0205, 0.02, 0.02]})
    groups = Groups("g", np.array([10.0, 20.0]), np.zeros(2), np.full(2, 0.02), np.array(["a", "b"], object), np.array([40, 40]),
                    Footprint(boxes=((0, 40, -5, 5),)))  # fmt: skip
    position = comoving_distance(np.array([0.02]), h0=100.0)[0] * unit_vectors([30.0], [0.0])[0]
    voids = Voids("v", (position * (1 - 11.0 / np.linalg.norm(position)))[None], np.array([10.0]), np.array(["1"], object))
    settings = {"cluster_members": 30, "void_fraction": 1.0, "match_radius": 15.0, "match_dz": 0.001}
    table = tolerance_table(galaxies, [groups], [voids], settings)
    assert table.iloc[0][list(PAPER)].tolist() == [95, 162, 559, 76] and table["n"].tolist() == [892] + [4] * 9
    base = table.iloc[1]
    assert (base["cluster"], base["void"], base["filament_wall"], base["unclassified"]) == (2, 0, 1, 1)
    rows = table.iloc[2:].set_index(["tolerance", "value"])
    changed = rows["changed"].astype(int)
    assert changed[("cluster_members", 60)] == 2 and changed[("cluster_members", 15)] == 0
    assert rows.loc[("void_fraction", 1.2), "void"] == 1 and changed[("void_fraction", 0.8)] == 0
    assert rows.loc[("match_radius", 5.0), "cluster"] == 1 and changed[("match_radius", 45.0)] == 0
    assert rows.loc["match_dz", "cluster"].tolist() == [1, 2]
    assert "footprint_radius" not in table["tolerance"].tolist()


def test_the_radius_around_catalogued_objects_is_a_tolerance():
    """Galaxies 0.7 and 1.5 deg from the only catalogued one: inside of 1 deg; of none; of both."""
    galaxies = pd.DataFrame({"ra": [10.7, 11.5], "dec": [0.0] * 2, "redshift": [0.02] * 2})
    groups = Groups("g", np.array([10.0]), np.zeros(1), np.full(1, 0.02), np.array(["a"], object), np.array([2]), Footprint(radius=1.0))
    table = tolerance_table(galaxies, [groups], [], {"match_radius": 15.0})
    rows = table[table["tolerance"] == "footprint_radius"]
    assert rows["value"].tolist() == [0.5, 2.0] and rows["unit"].tolist() == ["deg", "deg"]
    assert rows["filament_wall"].tolist() == [0, 2] and rows["changed"].tolist() == [1, 1]
