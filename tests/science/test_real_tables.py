"""Everything downstream of the embedding, on the real property table of eCALIFA.

The embedding is SYNTHETIC: a fixed random linear map of the galaxies' standardised properties (missing ones at the median)
to 512 numbers, plus noise. It says nothing about galaxies; it lets joins, nulls, classes, tests and figures meet real columns.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import ROOT
from cubespace.figures.registry import FIGURES, draw
from cubespace.figures.style import save
from cubespace.network.embedding import write_embedding
from cubespace.sample import build, roster
from cubespace.steps import ablation, classify, cluster, compare, correlate, neighbours, twins, umap
from cubespace.tables import read_table, write_table
from figure_tables import texts

SEED = 5
MAPPED = ["log_mass", "log_age_lw", "metallicity_lw", "log_ew_ha", "log_nii_ha_cen", "log_sigma_mass", "redshift"]


def synthetic_vectors(galaxies, noise):
    """(n, 512) unit vectors from the properties, by the map that the module's docstring states."""
    rng = np.random.default_rng(SEED)
    values = galaxies[MAPPED].to_numpy(float)
    values = np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    vectors = values @ rng.normal(size=(len(MAPPED), 512)) + 2.0
    vectors += noise * np.random.default_rng([SEED, 1]).normal(size=vectors.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def catalogues_around(galaxies, folder):
    """Settings of an environment whose catalogues are made of real positions: of the galaxies north of the equator, in order
    of right ascension, 95 are members of a group of 40, 90 of groups of 5, and 60 sit in the middle of a void of 2 Mpc/h."""
    from cubespace.cosmology import comoving_distance
    from cubespace.sphere import unit_vectors

    north = galaxies[(galaxies["dec"] > 0) & galaxies["redshift"].notna()].sort_values(["ra", "galaxy"])
    rich, poor, empty = north[:95], north[100:190], north[200:260]
    members = pd.concat([rich, poor])[["ra", "dec", "redshift"]].assign(
        group=["rich"] * 95 + [f"poor{i // 5}" for i in range(90)], members=[40] * 95 + [5] * 90
    )
    centre = comoving_distance(empty["redshift"].to_numpy(float), h0=100.0)[:, None] * unit_vectors(empty["ra"], empty["dec"])
    voids = pd.DataFrame(centre, columns=["x", "y", "z"]).assign(radius=2.0, void=range(60))
    members.to_csv(folder / "members.csv", index=False)
    voids.to_csv(folder / "voids.csv", index=False)
    footprint = {"boxes": [[0, 360, 0, 90]]}
    return {
        "groups": [{"name": "groups", "path": str(folder / "members.csv"), "footprint": footprint,
                    "columns": {name: name for name in ("ra", "dec", "redshift", "group", "members")}}],
        "voids": [{"name": "voids", "path": str(folder / "voids.csv"), "footprint": footprint, "length_unit": "Mpc/h",
                   "columns": {name: name for name in ("x", "y", "z", "radius", "void")}}],
        "cluster_members": 30, "void_fraction": 1.0, "match_radius": 5.0, "match_dz": 0.001,
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    config = yaml.safe_load((ROOT / "config/ecalifa.yaml").read_text())["sample"]
    for table in config["tables"]:
        table["path"] = str(shared_data / "ecalifa" / table["path"].split("/")[-1])
    config["sheet"] = str(shared_data / "cl_ecalifa" / config["sheet"].split("/")[-1])
    galaxies = build(**config, cosmology={"h0": 67.66, "om0": 0.30966}, split={"method": "sheet", "seed": SEED}, types=str(ROOT / "resources/morphology.csv")).galaxies
    paths = {name: str(folder / name) for name in (
        "galaxies.parquet", "roster.csv", "verdicts.csv", "classes.parquet", "umap.parquet", "clusters.parquet", "clusters.csv",
        "neighbours.parquet", "twins.csv", "balance.csv", "comparisons.csv", "power.csv", "distances.csv", "correlations.csv",
        "variance.csv", "probes.csv", "ablation.csv", "green_valley.csv", "strengths.csv", "controls.csv", "tolerances.csv",
    )}  # fmt: skip
    write_table(galaxies, paths["galaxies.parquet"])
    write_table(roster(galaxies), paths["roster.csv"])
    verdicts = pd.DataFrame({"galaxy": galaxies["galaxy"], "stage": "maps", "verdict": "accepted", "reason": None, "detail": None})
    write_table(verdicts, paths["verdicts.csv"])
    for name, noise in (("full", 2.0), ("no_luminosity", 3.0), ("untrained", 8.0), ("pooled", 4.0)):
        paths[name] = str(folder / f"{name}.parquet")
        spread = np.full(len(galaxies), 0.1)
        write_embedding(paths[name], galaxies["galaxy"], galaxies["role"], synthetic_vectors(galaxies, noise), spread, 1, {"method": "synthetic map of the properties"})

    def step(module, settings=None, **options):
        arguments = [part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", paths.get(value, value))]
        module.main([*arguments, "--settings", json.dumps(settings or {})])

    matched = [{"a": "AGN", "b": "SF", "by": "nuclear_class"}, {"a": "filament_wall", "b": "cluster", "by": "environment"},
               {"a": "void", "b": "filament_wall", "by": "environment"}]  # fmt: skip
    around = catalogues_around(galaxies, folder)
    step(classify, {"emission": {"agn_from": "whan"}, "environment": around}, galaxies="galaxies.parquet", out="classes.parquet", tolerances="tolerances.csv")
    step(umap, {"seed": SEED}, embedding="full", out="umap.parquet")
    step(cluster, {"n_init": 2, "n_seeds": 2, "n_bootstrap": 3, "k": [2, 3, 4]}, embedding="full", galaxies="galaxies.parquet",
         out="clusters.parquet", summary="clusters.csv", valley="green_valley.csv")  # fmt: skip
    step(neighbours, {"k": 3}, embedding="full", roster="roster.csv", out="neighbours.parquet")
    step(correlate, {"n_permutations": 99, "n_bootstrap": 50}, embedding="full", untrained="untrained", pooled="pooled", galaxies="galaxies.parquet",
         out="correlations.csv", variance="variance.csv", probes="probes.csv", strengths="strengths.csv")  # fmt: skip
    step(twins, {"comparisons": matched, "controls": True}, galaxies="galaxies.parquet", classes="classes.parquet", verdicts="verdicts.csv",
         out="twins.csv", balance="balance.csv")  # fmt: skip
    family = [{"a": "train", "b": "validation", "by": "role"}, {"a": "passive", "b": "SF", "by": "nuclear_class"},
              {"a": "void", "b": "cluster", "by": "environment"}, *(pair | {"matched": True} for pair in matched)]  # fmt: skip
    step(compare, {"comparisons": family, "n_permutations": 99, "n_bootstrap": 20, "power": False}, embedding="full", galaxies="galaxies.parquet",
         classes="classes.parquet", twins="twins.csv", out="comparisons.csv", power="power.csv", distances="distances.csv",
         controls="controls.csv")  # fmt: skip
    step(ablation, {"n_init": 2, "n_seeds": 2}, full="full", no_luminosity="no_luminosity", galaxies="galaxies.parquet", out="ablation.csv")
    return folder, paths


def test_every_galaxy_gets_its_classes(run):
    classes = read_table(run[1]["classes.parquet"])
    assert len(classes) == 898 and classes["nuclear_class"].notna().all()
    galaxies, environment = read_table(run[1]["galaxies.parquet"]), classes["environment"].value_counts()
    known = ((galaxies["dec"] > 0) & galaxies["redshift"].notna()).to_numpy()
    assert environment.sum() == 898 and environment["cluster"] == 95 and 55 <= environment["void"] <= 120
    assert classes["environment"].ne("unclassified").to_numpy().tolist() == known.tolist()
    counts = classes["nuclear_class"].value_counts()
    assert counts["SF"] > 250 and counts["passive"] > 150 and counts["AGN"] > 80  # late types, early types; paper: 99 AGN twins
    missing = read_table(run[1]["galaxies.parquet"])["log_ew_ha_cen"].isna()
    assert classes.loc[missing.to_numpy(), "nuclear_class"].eq("undetermined").all()


def test_twins_are_twins(run):
    every = read_table(run[1]["twins.csv"])
    pairs = every[every["comparison"] == "AGN-SF"]
    galaxies = read_table(run[1]["galaxies.parquet"]).set_index("galaxy")
    a, b = galaxies.loc[pairs["galaxy_a"]], galaxies.loc[pairs["galaxy_b"]]
    assert len(pairs) >= 60 and not pairs["galaxy_a"].duplicated().any() and not pairs["galaxy_b"].duplicated().any()
    assert (a["morphology"].to_numpy() == b["morphology"].to_numpy()).all()
    assert (np.abs(a["log_mass"].to_numpy() - b["log_mass"].to_numpy()) <= 0.2 + 1e-9).all()


def test_comparisons_find_what_the_map_planted_and_not_what_it_did_not(run):
    table = read_table(run[1]["comparisons.csv"]).set_index(["a", "b", "test"])
    assert table.loc[("passive", "SF", "energy"), "p_value"] == pytest.approx(0.01)  # 1 / (1 + 99): the least there is
    assert table.loc[("train", "validation", "energy"), "p_value"] > 0.05
    for pair in (("void", "cluster"), ("filament_wall", "cluster"), ("void", "filament_wall")):
        assert 0.01 <= table.loc[(*pair, "energy"), "p_value"] <= 1


def test_as_many_twins_as_the_paper(run):
    """99 AGN-SF pairs in the paper; its labels of environment (136 and 92 pairs) are not published."""
    from cubespace.populations.twins import compare as match_all

    galaxies, classes = read_table(run[1]["galaxies.parquet"]), read_table(run[1]["classes.parquet"])
    balance = read_table(run[1]["balance.csv"]).drop_duplicates("comparison").set_index("comparison")
    row = balance.loc["AGN-SF"]
    counts = classes["nuclear_class"].value_counts()
    print(f"AGN-SF twins: {row['n_pairs']} of {row['n_a']} AGN and {row['n_b']} SF (paper: 99)")
    assert (row["n_a"], row["n_b"]) == (counts["AGN"], counts["SF"])  # nobody got lost on the way
    assert 80 <= row["n_pairs"] <= 125
    assert balance.loc["SF-SF", "n_pairs"] >= 0.4 * row["n_b"]  # placebo
    assert balance.loc["filament_wall-cluster", "n_pairs"] > 70 and balance.loc["void-filament_wall", "n_pairs"] > 40
    alone = classes.assign(environment="unclassified")
    untested = match_all(galaxies, alone, [{"a": "void", "b": "cluster", "by": "environment"}])[1]
    assert untested["reason"].eq("no galaxy of class void or cluster").all()


def test_everybody_is_accounted_for_in_correlations(run):
    galaxies = read_table(run[1]["galaxies.parquet"])
    table = read_table(run[1]["correlations.csv"]).drop_duplicates("property").set_index("property")
    for name in ("log_mass", "log_nii_ha_cen", "log_oiii_hb_cen", "morphology", "redshift"):
        assert table.loc[name, "n"] == galaxies[name].notna().sum()
    assert table.loc["log_nii_ha_cen", "n"] < 860  # 48 of the real table have no ratio, and the split halves have no row
    strengths = read_table(run[1]["strengths.csv"]).set_index("property")
    assert set(strengths.index) == set(table.index) and (strengths["rank_low"] <= strengths["rank"]).all()
    valley = read_table(run[1]["green_valley.csv"])
    known = (galaxies["log_sfr"].notna() & galaxies["log_mass"].notna()).sum()
    assert valley["n"].eq(known).all() and 0.1 < valley["n_valley"][0] / known < 0.35
    tolerances = read_table(run[1]["tolerances.csv"]).set_index("tolerance")
    assert tolerances.loc["paper", "n"] == 892 and tolerances.loc["as configured", "cluster"] == 95


def test_probes_read_the_planted_properties(run):
    probes = read_table(run[1]["probes.csv"]).set_index("property")
    assert (probes.loc[["log_mass", "log_ew_ha", "log_age_lw"], "network"] > 0.9).all()
    assert probes.loc["log_mass", "network"] > probes.loc["log_mass", "untrained"]


def test_figures_of_the_real_table(run, tmp_path):
    _, paths = run
    read = {name: read_table(paths[f"{name}.{end}"]) for name, end in (
        ("galaxies", "parquet"), ("classes", "parquet"), ("umap", "parquet"), ("clusters", "parquet"), ("verdicts", "csv"), ("balance", "csv"),
        ("comparisons", "csv"), ("distances", "csv"), ("correlations", "csv"), ("variance", "csv"), ("probes", "csv"),
        ("strengths", "csv"),
    )} | {"quality": read_table(paths["clusters.csv"])}  # fmt: skip
    drawn = 0
    for name, entry in FIGURES.items():
        if set(entry.needs) <= set(read):
            figure = draw(name, **{need: read[need] for need in entry.needs})
            assert name == "balance" or re.search(r"of (the )?898|898 galaxies", texts(figure)), name
            save(figure, tmp_path / f"{name}.png", {})
            assert (tmp_path / f"{name}.png").stat().st_size > 10_000
            drawn += 1
    assert drawn >= 14
