"""Order of strengths, and dependence of the whole representation on a property."""

import numpy as np
import pytest

from cubespace.space import correlations as c
from cubespace.space import strengths as s

dcor = pytest.importorskip("dcor", reason="reference implementation, a test extra")


@pytest.mark.parametrize("seed", range(3))
def test_distance_correlation_against_dcor(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=40)
    y = x**2 + 0.3 * rng.normal(size=40)  # Pearson sees nothing of it
    assert c.distance_correlation(x, y) == pytest.approx(dcor.distance_correlation(x, y), abs=1e-12)
    assert np.isnan(c.distance_correlation(x, np.ones(40)))
    tied = np.round(y)
    assert len(np.unique(tied)) < 10
    assert c.distance_correlation(np.round(x), tied) == pytest.approx(dcor.distance_correlation(np.round(x), tied), abs=1e-12)


def test_dependence_of_the_space_against_dcor():
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(30, 4))
    values = vectors[:, 0] * vectors[:, 1] + 0.5 * rng.normal(size=30)
    chords = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    r, p = s.space_dependence(chords, values, 199, np.random.default_rng(0))
    squared = dcor.u_distance_correlation_sqr(vectors, values)
    assert np.sign(r) * r**2 == pytest.approx(squared, abs=1e-12)
    null = [dcor.u_distance_covariance_sqr(vectors, rng.permutation(values)) for _ in range(300)]
    assert p == pytest.approx(np.mean(np.array(null) >= dcor.u_distance_covariance_sqr(vectors, values)), abs=0.11)


def test_p_of_an_independent_property_is_uniform():
    rng, p = np.random.default_rng(4), []
    for _ in range(300):
        vectors = rng.normal(size=(16, 3))
        chords = np.linalg.norm(vectors[:, None] - vectors, axis=2)
        p.append(s.space_dependence(chords, rng.normal(size=16), 39, rng)[1])
    assert abs(np.mean(np.array(p) <= 0.05) - 0.05) < 0.04 and abs(np.mean(p) - 0.5) < 0.06


def test_weighted_strengths_are_those_of_repeated_rows():
    rng = np.random.default_rng(5)
    scores, values = rng.normal(size=(20, 3)), rng.normal(size=20)
    counts = rng.integers(0, 3, size=(4, 20))
    found = s.weighted_strengths(scores, values, counts)
    for one, n in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(20), n)
        r = [abs(np.corrcoef(scores[rows, j], values[rows])[0, 1]) for j in range(3)]
        assert one == pytest.approx(max(r))


def test_a_clear_order_is_sure_and_a_tie_is_not():
    rng = np.random.default_rng(6)
    scores = rng.normal(size=(300, 5))

    def noisy(level):
        return scores[:, 1] + level * rng.normal(size=300)

    properties = {"weak": noisy(2.5), "strong": noisy(0.2), "tied": noisy(2.5), "fifth": scores[:, 4], "few": np.r_[[1.0], [np.nan] * 299]}
    chords = np.linalg.norm(scores[:, None] - scores, axis=2)
    table = s.strength_table(scores, chords, properties, np.arange(300), n_permutations=19).set_index("property")
    assert "few" not in table.index and table.index[0] == "strong"
    assert table.loc["strong", ["rank", "rank_low", "rank_high"]].tolist() == [1, 1, 1]
    assert table.loc["strong", "share_above_next"] == 1
    second, third = table.index[1:3]
    assert {second, third} == {"weak", "tied"} and table.loc[second, "rank_high"] == table.loc[third, "rank_high"] == 3
    assert table.loc[third, "rank_low"] == 2
    # the fifth component is none of the first four, but the whole space sees it
    assert table.loc["fifth", "strength"] < 0.2 < table.loc["fifth", "space_distance_r"]
    assert table.loc["fifth", "p_space"] == 0.05
    inside = table["strength_low"] <= table["strength"]
    assert inside.all() and (table["strength"] <= table["strength_high"]).all()
