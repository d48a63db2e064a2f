"""The family of comparisons: who is compared, nulls with a note, twins, tables."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cubespace.errors import CubespaceError
from cubespace.populations import comparisons as c
from cubespace.populations.two_sample import all_tests
from cubespace.space.neighbours import cosine_distances
from cubespace.steps import compare as step
from cubespace.tables import read_table, write_table
from fake_embeddings import embedding_table

N = 60


def survey(seed=0):
    """Passive galaxies apart from star-forming ones, environments without any effect, two galaxies in voids."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(N, 8)) + 4
    nuclear = np.array(["passive"] * 20 + ["SF"] * 28 + ["AGN"] * 8 + ["undetermined"] * 4, dtype=object)
    vectors[nuclear == "passive", 0] -= 4
    environment = np.array((["cluster", "filament_wall"] * 29) + ["void", "void"], dtype=object)
    names = np.array([f"G{i:03d}" for i in range(N)])
    roles = np.array((["train"] * 5 + ["validation"]) * 10, dtype=object)
    twins = pd.DataFrame(
        [("agn_sf", names[48 + i], names[20 + i]) for i in range(8)],
        columns=["comparison", "galaxy_a", "galaxy_b"],
    )
    return vectors, names, {"role": roles, "nuclear_class": nuclear, "environment": environment}, twins


def run(**options):
    vectors, names, classes, twins = survey()
    return c.compare(
        names, vectors, np.arange(N), classes, twins, **{"n_permutations": 199, "power": False, **options}
    )


def test_names_find_their_column():
    assert c.column_of("train", "validation") == "role" and c.column_of("void", "cluster") == "environment"
    assert c.column_of("AGN", "SF", "nuclear_class") == "nuclear_class"
    for a, b, by in (
        ("AGN", "void", None),
        ("AGN", "SF", "environment"),
        ("SF", "SF", None),
        ("agn", "SF", None),
    ):
        with pytest.raises(CubespaceError, match="two values of one column"):
            c.column_of(a, b, by)


def test_every_comparison_has_every_test_and_small_ones_a_note():
    table = run().comparisons
    assert len(table) == 9 * 6 and list(table.columns[:13]) == [
        "a", "b", "matched", "test", "n_a", "n_b", "statistic", "p_value", "q_bh", "p_ks_paper", "effect", "ci_low", "ci_high",
    ]  # fmt: skip
    small = table[(table.a == "void") & (table.b == "cluster")]
    assert (small["note"] == "not tested: 2 void, 29 cluster; at least 5 galaxies a side needed").all() and (
        small["n_a"] == 2
    ).all()
    assert (
        small[["statistic", "p_value", "q_bh", "effect", "ci_low", "p_ks_paper", "minimum_detectable_effect"]]
        .isna()
        .all()
        .all()
    )
    no_twins = table[(table.a == "filament_wall") & table.matched]
    assert (no_twins["note"] == "not tested: 0 pairs; at least 5 pairs needed").all()
    passive = table[(table.a == "passive")].set_index("test")
    assert (passive.loc[["energy", "mmd", "c2st", "schilling_henze"], "q_bh"] < 0.05).all() and passive.loc[
        "c2st", "effect"
    ] > 0.95
    same = table[(table.a == "train")].set_index("test")
    assert same.loc["energy", "p_value"] > 0.05
    tested = table["p_value"].notna()
    assert np.allclose(
        table.loc[tested, "q_bh"], stats.false_discovery_control(table.loc[tested, "p_value"].astype(float))
    )


def test_twins_are_permuted_within_pairs():
    vectors, names, classes, twins = survey()
    twins = pd.concat(
        [
            twins,
            pd.DataFrame(
                [("envs", names[1], names[0]), ("envs", names[3], names[50])], columns=twins.columns
            ),
        ]
    )
    table = c.compare(
        names,
        vectors,
        np.arange(N),
        classes,
        twins,
        [{"a": "SF", "b": "AGN", "matched": True}],
        ["energy"],
        999,
        power=False,
    ).comparisons
    index = np.r_[20:28, 48:56]  # a = SF now, though the table of twins names AGN first
    pairs = np.column_stack([np.arange(8), 8 + np.arange(8)])
    expected = all_tests()["energy"].test(cosine_distances(vectors[index]), np.arange(16) >= 8, 999, 0, pairs)
    assert table["p_value"].iloc[0] == pytest.approx(expected.p_value)  # 2^8 swaps: enumerated, no chance
    assert table["statistic"].iloc[0] == pytest.approx(expected.statistic) and table["n_a"].iloc[0] == 8


def test_placebo_twins_are_an_arm_of_their_own():
    vectors, names, classes, twins = survey()
    placebo = pd.DataFrame([("SF-SF", names[20 + i], names[34 + i]) for i in range(10)], columns=twins.columns)
    twins = pd.concat([twins, placebo], ignore_index=True)
    family = [{"a": "AGN", "b": "SF", "by": "nuclear_class", "matched": True}]
    tables = c.compare(names, vectors, np.arange(N), classes, twins, family, ["energy", "mmd"], 199, n_trials=4, power_permutations=19)
    table = tables.comparisons
    assert table[["a", "b", "arm", "n_a"]].values.tolist() == [["AGN", "SF", "main", 8]] * 2 + [["SF", "SF", "placebo", 10]] * 2
    assert table["p_value"].notna().all()
    assert table["q_bh"].isna().tolist() == [False, False, True, True]  # a placebo is no hypothesis
    assert np.allclose(table["q_bh"][:2], stats.false_discovery_control(table["p_value"][:2].astype(float)))
    assert set(tables.power["comparison"]) == {"AGN-SF"} and table["minimum_detectable_effect"][2:].isna().all()


def test_only_galaxies_of_one_role():
    vectors, names, classes, twins = survey()
    family = [{"a": "passive", "b": "SF", "among": "validation"}, {"a": "passive", "b": "SF"}]
    tables = c.compare(names, vectors, np.arange(N), classes, twins, family, ["energy"], 99, min_size=2, n_trials=2, power_permutations=19)
    table = tables.comparisons
    seen = classes["role"] == "validation"
    assert table["n_a"].tolist() == [int((seen & (classes["nuclear_class"] == "passive")).sum()), 20] and table["n_a"][0] == 3
    assert table["among"][0] == "validation" and pd.isna(table["among"][1])
    for other in (tables.distances, tables.power):  # who reads them can tell the two comparisons of one pair apart
        assert set(other["among"].dropna()) == {"validation"} and other["among"].isna().any()
    assert (tables.distances["among"].isna()).sum() == sum(table.loc[1, ["n_a", "n_b"]])


def test_twins_by_name_and_ambiguous_twins():
    _, names, classes, twins = survey()
    other = twins.assign(comparison="agn_sf_strict")
    args = ("AGN", "SF", "nuclear_class", classes, names)
    assert len(c.pairs_of(twins, *args)) == 8
    with pytest.raises(CubespaceError, match="agn_sf, agn_sf_strict all pair AGN with SF"):
        c.pairs_of(pd.concat([twins, other]), *args)
    assert set(c.pairs_of(pd.concat([twins, other]), *args, "agn_sf_strict")["comparison"]) == {
        "agn_sf_strict"
    }
    assert (
        len(c.pairs_of(pd.concat([twins, other.assign(comparison="SF-AGN")[:3]]), *args)) == 3
    )  # the exact name wins
    with pytest.raises(CubespaceError, match="no comparison 'x'; found agn_sf"):
        c.pairs_of(twins, *args, "x")
    repeated = pd.DataFrame({"galaxy_a": [names[48], names[48]], "galaxy_b": [names[20], names[21]]})
    with pytest.raises(CubespaceError, match=r"'G048'.*more than one twin"):
        c.members("AGN", "SF", "nuclear_class", classes, names, repeated)


def test_galaxies_of_other_roles_and_partners_without_embedding_are_left_out():
    _, names, classes, twins = survey()
    a, b = c.members("AGN", "SF", "nuclear_class", classes, names[:52], twins)  # four AGN are not embedded
    assert len(a) == len(b) == 4
    a, b = c.members(
        "train", "validation", "role", {"role": np.array(["train", "embed", "validation"])}, ["x", "y", "z"]
    )
    assert a.tolist() == [0] and b.tolist() == [2]


def test_unknown_test_is_an_error():
    with pytest.raises(CubespaceError, match="no two-sample test anova; allowed: ks_paper"):
        run(tests=["anova"])


def test_one_pointing_is_never_its_own_neighbour():
    vectors, names, classes, twins = survey()
    vectors[21] = 3 * vectors[20]
    groups = np.arange(N)
    groups[21] = groups[20]
    tables = c.compare(
        names, vectors, groups, classes, twins, [{"a": "passive", "b": "SF"}], ["ks_paper"], 99, power=False
    )
    near = tables.distances.set_index("galaxy")
    assert (
        near.loc["G020", "mean_distance"] > 0
        and near.loc["G020", "reference"] == "SF"
        and near.loc["G020", "k"] == 10
    )
    expected = np.sort(np.delete(cosine_distances(vectors)[20, 20:48], [0, 1]))[:10]
    assert near.loc["G020", "tenth_distance"] == pytest.approx(expected[9]) and near.loc[
        "G020", "mean_distance"
    ] == pytest.approx(expected.mean())
    assert near["population"].value_counts().to_dict() == {"SF": 28, "passive": 20}


def test_step_is_repeatable_and_writes_nulls(tmp_path):
    vectors, names, classes, twins = survey()
    embedding_table(tmp_path / "e.parquet", vectors, classes["role"], names)
    write_table(pd.DataFrame({"galaxy": names, "pointing": names}), tmp_path / "g.parquet")
    write_table(
        pd.DataFrame(
            {"galaxy": names[::-1], **{k: classes[k][::-1] for k in ("nuclear_class", "environment")}}
        ),
        tmp_path / "c.parquet",
    )
    write_table(twins, tmp_path / "t.csv")
    settings = {"seed": 5, "n_permutations": 99, "n_bootstrap": 50, "n_trials": 3, "power_permutations": 39, "effects": [0, 2],
                "comparisons": [{"a": "passive", "b": "SF"}, {"a": "void", "b": "cluster", "by": "environment"}, {"a": "AGN", "b": "SF", "matched": True},
                                {"a": "passive", "b": "SF", "among": "train"}]}  # fmt: skip
    written = []
    for out in "xy":
        paths = {
            "out": tmp_path / f"{out}.csv",
            "power": tmp_path / f"{out}p.csv",
            "distances": tmp_path / f"{out}d.csv",
            "controls": tmp_path / f"{out}c.csv",
        }
        inputs = {"embedding": "e.parquet", "galaxies": "g.parquet", "classes": "c.parquet", "twins": "t.csv"}
        options = {**{k: tmp_path / v for k, v in inputs.items()}, **paths}
        step.main(
            [x for k, v in options.items() for x in (f"--{k}", str(v))] + ["--settings", json.dumps(settings)]
        )
        written.append([path.read_bytes() for path in paths.values()])
    assert written[0] == written[1]
    assert not any(b"nan" in content.lower() for content in written[0])
    table, power = read_table(tmp_path / "x.csv"), read_table(tmp_path / "xp.csv")
    controls = read_table(tmp_path / "xc.csv")
    assert len(controls) == 12 and controls["among"].eq("validation").all() and controls["a"].unique().tolist() == ["passive", "void"]
    assert len(table) == 24 and table["matched"].tolist() == ["False"] * 12 + ["True"] * 6 + ["False"] * 6
    assert set(power["comparison"]) == {"passive-SF", "AGN-SF"} and power["power"].between(0, 1).all()
    classes_again = c.classes_of(read_table(tmp_path / "c.parquet"), names, classes["role"])
    assert all(np.array_equal(classes_again[key], classes[key]) for key in classes)
