"""Permutations and resamples that keep galaxies of one pointing together."""

from collections import Counter
from functools import partial
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubespace.populations import permutation as p
from cubespace.space import resampling as r


def test_blocks_by_hand():
    found = [rows.tolist() for rows in r.blocks_of(["b", "a", "b", "c", "a", "d"])]
    assert found == [[[3], [5]], [[1, 4], [0, 2]]]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_each_row_once_and_groups_land_on_groups_of_their_size(groups, seed):
    rows = r.permuted_rows(groups, 5, np.random.default_rng(seed))
    groups = np.array(groups)
    size = Counter(groups.tolist())
    for one in rows:
        assert sorted(one) == list(range(len(groups)))
        for group in set(groups.tolist()):
            came = groups[one[groups == group]]
            assert len(set(came.tolist())) == 1 and size[came[0]] == size[group]


def test_values_are_permuted_as_rows_in_parts_of_any_size(monkeypatch):
    """Rows of 4 in parts of 2: the generator goes on where it was."""
    values, groups = np.array([7.0, 1.0, 5.0, 3.0]), [0, 1, 2, 3]
    rows = r.permuted_rows(groups, 7, np.random.default_rng(3))
    monkeypatch.setattr(r, "_CELLS", 8)
    found = r.permuted(values, groups, 7, np.random.default_rng(3))
    assert found.dtype == values.dtype and np.array_equal(found, values[rows])
    together = r.permuted(np.array([1, 1, 0, 0, 1, 0], bool), [0, 0, 1, 1, 2, 3], 50, np.random.default_rng(0))
    assert together.dtype == bool and (together[:, 0] == together[:, 1]).all() and (together[:, 2] != together[:, 0]).all()


@pytest.mark.parametrize("arranged", [r.permuted_rows, partial(r.permuted, np.arange(4))], ids=["rows", "values"])
def test_all_allowed_orders_are_equally_likely(monkeypatch, arranged):
    """Two pairs: 2 places x 2 x 2 orders within = 8 of the 24 orders."""
    monkeypatch.setattr(r, "_CELLS", 400)  # parts of a hundred
    rows = arranged([0, 0, 1, 1], 8000, np.random.default_rng(0))
    counts = Counter(map(tuple, rows.tolist()))
    allowed = {o for o in permutations(range(4)) if {o[0], o[1]} in ({0, 1}, {2, 3})}
    assert set(counts) == allowed and len(allowed) == 8
    assert all(abs(n - 1000) < 5 * np.sqrt(1000 * 7 / 8) for n in counts.values())


@pytest.mark.parametrize("halves", [False, True])
def test_rows_of_a_group_are_drawn_together(halves):
    groups = np.array([0, 1, 0, 2, 3, 4])
    counts = r.resampled_groups(groups, 4000, np.random.default_rng(1), halves)
    assert (counts[:, 0] == counts[:, 2]).all()
    per_group = counts[:, [0, 1, 3, 4, 5]]
    assert (per_group.sum(axis=1) == (3 if halves else 5)).all()
    assert np.allclose(per_group.mean(axis=0), 3 / 5 if halves else 1, atol=0.06)


def test_labels_of_one_pointing_move_as_a_block():
    labels = np.array([True, True, False, False, True, False])
    groups = np.array([0, 0, 1, 1, 2, 3])
    matrix = p.label_matrix(labels, 400, np.random.default_rng(2), groups=groups)
    assert set(map(tuple, matrix.tolist())) == {
        (a, a, not a, not a, b, not b) for a in (True, False) for b in (True, False)
    }


def test_twins_tied_by_a_pointing_are_swapped_together():
    labels, pairs = np.arange(6) >= 3, np.array([[0, 3], [1, 4], [2, 5]])
    groups = np.array([0, 0, 1, 2, 3, 4])  # the first galaxies of the first two pairs
    matrix = p.label_matrix(labels, 99, np.random.default_rng(0), pairs, groups)
    assert len(matrix) == 3  # 2^2 arrangements less the observed one: listed
    assert (matrix[:, 0] == matrix[:, 1]).all() and (matrix[:, 0] != matrix[:, 3]).all()
    counts = p.resampled_counts(labels, 50, np.random.default_rng(0), pairs, groups=groups)
    assert (counts[:, [0, 1, 3, 4]] == counts[:, :1]).all() and (counts[:, 2] == counts[:, 5]).all()
