"""Block means and shifts of maps: totals, and where the pixels go."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cubespace.network import geometry


@settings(max_examples=30, deadline=None)
@given(ny=st.integers(3, 20), nx=st.integers(3, 20), factor=st.integers(1, 5), seed=st.integers(0, 99))
def test_block_mean_and_place_keep_the_total_and_the_middle(ny, nx, factor, seed):
    rng = np.random.default_rng(seed)
    maps = torch.as_tensor(rng.random((1, 1, ny, nx)))
    small = geometry.block_mean(maps, factor)
    assert float(small.sum()) * factor**2 == pytest.approx(float(maps.sum()))
    assert small.shape[2] <= max(ny, 1) and (ny - small.shape[2]) % 2 == 0 and (nx - small.shape[3]) % 2 == 0
    back = geometry.place(small, (ny, nx), torch.zeros((1, 2), dtype=torch.long))
    assert float(back.sum()) == pytest.approx(float(small.sum()))


@settings(max_examples=30, deadline=None)
@given(dy=st.integers(-9, 9), dx=st.integers(-9, 9))
def test_place_is_a_shift_by_whole_pixels(dy, dx):
    maps = torch.arange(1.0, 43.0).reshape(1, 1, 6, 7)
    moved = geometry.place(maps, (6, 7), torch.tensor([[dy, dx]]))[0, 0].numpy()
    expected = np.zeros((6, 7))
    for y in range(6):
        for x in range(7):
            if 0 <= y - dy < 6 and 0 <= x - dx < 7:
                expected[y, x] = maps[0, 0, y - dy, x - dx]
    assert np.array_equal(moved, expected)
