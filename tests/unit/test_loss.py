"""The contrastive loss against a double loop, its analytic values and its limits."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cubespace.errors import CubespaceError
from cubespace.network.loss import alignment, chance_level, effective_rank, nt_xent, uniformity


def slow_nt_xent(first, second, temperature, groups=None, decoupled=False, same_view=True):
    """Eq. (1) of the paper, read out loud: every view in turn against every other."""
    n = len(first)
    groups = list(range(n)) if groups is None else groups
    z = [v / np.linalg.norm(v) for v in np.concatenate([first, second]).astype(float)]
    total = 0.0
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        denominator = 0.0
        for k in range(2 * n):
            if k == i:
                continue
            if k == partner:
                wanted = not decoupled
            else:
                wanted = groups[k % n] != groups[i % n] and (same_view or (k < n) != (i < n))
            if wanted:
                denominator += math.exp(z[i] @ z[k] / temperature)
        total += -math.log(math.exp(z[i] @ z[partner] / temperature) / denominator)
    return total / (2 * n)


def vectors(n, d, seed=0):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d))
    return first, first + 0.5 * rng.normal(size=(n, d))


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(3, 9), d=st.integers(1, 12), temperature=st.floats(0.1, 3), seed=st.integers(0, 999),
    decoupled=st.booleans(), same_view=st.booleans(), grouped=st.booleans(),
)  # fmt: skip
def test_equals_the_double_loop(n, d, temperature, seed, decoupled, same_view, grouped):
    first, second = vectors(n, d, seed)
    groups = [0, 0, *range(1, n - 1)] if grouped else None
    fast = nt_xent(
        torch.tensor(first),
        torch.tensor(second),
        temperature,
        None if groups is None else torch.tensor(groups),
        decoupled,
        same_view,
    )
    assert float(fast) == pytest.approx(
        slow_nt_xent(first, second, temperature, groups, decoupled, same_view), rel=1e-4, abs=1e-4
    )


@pytest.mark.parametrize(("n", "expected"), [(4, 1.94591), (772, 7.34148)])
def test_identical_vectors_give_the_chance_level(n, expected):
    z = torch.ones(n, 16)
    assert (
        float(nt_xent(z, z))
        == pytest.approx(math.log(2 * n - 1), abs=1e-5)
        == pytest.approx(expected, abs=2e-5)
    )
    assert chance_level(range(n)) == pytest.approx(expected, abs=2e-5)
    assert float(nt_xent(z, z, decoupled=True)) == pytest.approx(math.log(2 * n - 2), abs=1e-5)
    assert chance_level(range(n), decoupled=True) == pytest.approx(math.log(2 * n - 2))
    assert chance_level(range(n), True, same_view=False) == pytest.approx(math.log(n - 1))


def test_perfect_pairs_of_orthogonal_galaxies():
    z = torch.eye(5)
    assert float(nt_xent(z, z, 0.5)) == pytest.approx(math.log(math.exp(2) + 8) - 2, abs=1e-6)


def test_symmetric_in_the_two_views_and_in_the_order_of_galaxies():
    first, second = (torch.tensor(v) for v in vectors(7, 5))
    order = torch.tensor([3, 1, 6, 0, 5, 2, 4])
    assert float(nt_xent(first, second)) == pytest.approx(float(nt_xent(second, first)), abs=1e-6)
    assert float(nt_xent(first, second)) == pytest.approx(
        float(nt_xent(first[order], second[order])), abs=1e-6
    )


def test_length_of_vectors_does_not_matter():
    first, second = (torch.tensor(v, dtype=torch.float32) for v in vectors(6, 4))
    assert float(nt_xent(first * 1000, second * 0.001)) == pytest.approx(
        float(nt_xent(first, second)), abs=1e-5
    )


def test_gradient_is_that_of_finite_differences():
    first, second = vectors(4, 3)
    a = torch.tensor(first, dtype=torch.float64, requires_grad=True)
    nt_xent(a, torch.tensor(second)).backward()
    step = 1e-5
    for i in range(4):
        for j in range(3):
            up, down = first.copy(), first.copy()
            up[i, j] += step
            down[i, j] -= step
            numeric = (slow_nt_xent(up, second, 0.5) - slow_nt_xent(down, second, 0.5)) / (2 * step)
            assert float(a.grad[i, j]) == pytest.approx(numeric, abs=2e-5)


def test_a_small_temperature_does_not_overflow():
    first, second = (torch.tensor(v, dtype=torch.float32) for v in vectors(64, 512))
    assert math.isfinite(float(nt_xent(first, second, 0.005)))  # exp(200) overflows float32


def test_autocast_leaves_the_loss_in_float32():
    first, second = (torch.tensor(v, dtype=torch.float32) for v in vectors(64, 512))
    plain = nt_xent(first, second, 0.05)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = nt_xent(first, second, 0.05)
        rounded = nt_xent(first.bfloat16(), second.bfloat16(), 0.05)
    assert inside.dtype == rounded.dtype == torch.float32
    assert float(inside) == float(plain)
    assert float(rounded) == pytest.approx(float(plain), abs=0.05)


def test_a_zero_row_gives_finite_loss_and_gradient():
    first, second = (torch.tensor(v, dtype=torch.float32) for v in vectors(5, 8))
    first[2] = 0
    first.requires_grad_()
    loss = nt_xent(first, second)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(first.grad).all()


def test_galaxies_of_one_pointing_do_not_repel():
    first, second = vectors(4, 6)
    a, b = torch.tensor(first), torch.tensor(second)
    together = float(nt_xent(a, b, groups=torch.tensor([0, 0, 1, 2])))
    assert together == pytest.approx(slow_nt_xent(first, second, 0.5, [0, 0, 1, 2]), abs=1e-5)
    assert together < float(nt_xent(a, b))  # fewer terms in the denominators
    expected = (2 * 2 * math.log(5) + 2 * 2 * math.log(7)) / 8  # rows of 0 and 1 have 7 - 2 terms
    assert chance_level([0, 0, 1, 2]) == pytest.approx(expected)


def test_what_cannot_be_contrasted_is_refused():
    z = torch.ones(3, 4)
    with pytest.raises(CubespaceError, match="without a negative"):
        nt_xent(z, z, groups=torch.tensor([5, 5, 5]))
    with pytest.raises(CubespaceError, match="without a negative"):
        nt_xent(z[:1], z[:1])
    with pytest.raises(CubespaceError, match="shapes"):
        nt_xent(z, z[:2])
    with pytest.raises(CubespaceError, match="temperature"):
        nt_xent(z, z, 0.0)


def test_alignment_and_uniformity_at_their_limits():
    z = torch.eye(4)
    assert alignment(z, 3 * z) == pytest.approx(0, abs=1e-6)
    assert alignment(z, -z) == pytest.approx(4)
    assert uniformity(torch.ones(5, 3)) == pytest.approx(0, abs=1e-5)
    assert uniformity(z) == pytest.approx(-4, abs=1e-4)  # all at distance sqrt(2)


def test_effective_rank_counts_directions():
    rng = np.random.default_rng(0)
    assert effective_rank(torch.ones(9, 5)) == 1.0
    line = torch.tensor([[math.cos(t), math.sin(t), 0.0] for t in (0.0, 1e-2, 2e-2)])  # nearly straight
    assert 1 <= effective_rank(line) < 1.05
    angles = torch.arange(8) * math.pi / 4
    circle = torch.stack([angles.cos(), angles.sin(), 0 * angles], dim=1)
    assert effective_rank(circle) == pytest.approx(2, abs=1e-3)
    many = torch.tensor(rng.normal(size=(2000, 6)))
    assert effective_rank(many) == pytest.approx(6, abs=0.05)
