"""The contrastive loss: normalised cross entropy (NT-Xent), plain or decoupled."""

import torch
import torch.nn.functional as F

from cubespace.errors import CubespaceError


def _terms(groups, decoupled, same_view):
    """Which of the 2N views stand in the denominator of each of the 2N rows: (2N, 2N) bool."""
    n = len(groups)
    both = torch.cat([groups, groups])
    allowed = both[:, None] != both[None, :]  # another galaxy, of another pointing
    index = torch.arange(2 * n, device=groups.device)
    if not same_view:
        allowed &= (index[:, None] < n) != (index[None, :] < n)
    if not decoupled:
        allowed[index, (index + n) % (2 * n)] = True
    return allowed


def nt_xent(first, second, temperature=0.5, groups=None, decoupled=False, same_view=True):
    """Mean over the 2N views of -log of the softmax of the positive pair's similarity; paper eq. (1).

    For the i-th of the 2N views, with cosine similarities s and temperature h,
    ``L_i = -s(i, i+)/h + log sum_k exp(s(i, k)/h)``, k over all views but i itself: 2N - 1 terms, in both
    directions (Chen et al. 2020; Sohn 2016). Identical vectors give exactly ln(2N - 1).

    It is computed in float32 outside autocast, through log-sum-exp; norms are kept above 1e-8, so that a zero
    vector gives a finite loss and gradient.

    Parameters
    ----------
    first, second : tensor (N, D)
        The two views of N galaxies, in the same order; of any length (they are normalised here).
    temperature : float
        h > 0; 0.5 in the paper.
    groups : integer tensor (N,), optional
        Galaxies with one number (cut from one pointing, or one galaxy twice) share pixels and are never each
        other's negative.
    decoupled : bool
        Leave the positive pair out of the denominator (decoupled contrastive learning, Yeh et al. 2022), as
        the authors' code does; the loss can then be negative.
    same_view : bool
        False leaves out negatives of the same view, as the authors' code does.

    Raises
    ------
    CubespaceError
        Shapes differ, the temperature is not positive, or some galaxy has no negative at all.
    """
    if first.ndim != 2 or first.shape != second.shape:
        raise CubespaceError(
            f"loss: expected two equal shapes (N, D), found {tuple(first.shape)} and {tuple(second.shape)}"
        )
    if not temperature > 0:
        raise CubespaceError(f"loss: temperature must be positive, found {temperature}")
    n = len(first)
    groups = torch.arange(n, device=first.device) if groups is None else groups.to(first.device)
    allowed = _terms(groups, decoupled, same_view)
    if not _terms(groups, True, same_view).any(dim=1).all():
        raise CubespaceError(
            f"loss: a batch of {n} galaxies in {len(groups.unique())} pointing(s) leaves a galaxy without a negative"
        )
    with torch.autocast(first.device.type, enabled=False):
        z = torch.cat([first, second]).float()
        z = F.normalize(z, dim=1, eps=1e-8)
        similarity = z @ z.T / temperature
        positive = similarity.roll(n, dims=1).diagonal()
        return (torch.logsumexp(similarity.masked_fill(~allowed, -torch.inf), dim=1) - positive).mean()


def chance_level(groups, decoupled=False, same_view=True):
    """Loss of vectors that tell nothing apart: mean log of the number of terms; ln(2N - 1) for N lone galaxies.

    Parameters
    ----------
    groups : sequence of N integers
    """
    counts = _terms(torch.as_tensor(groups), decoupled, same_view).sum(dim=1)
    return float(torch.log(counts.double()).mean())


def alignment(first, second):
    """Mean squared distance of the two views on the unit sphere: 0 when views agree (Wang & Isola 2020)."""
    a, b = (F.normalize(v.float(), dim=1, eps=1e-8) for v in (first, second))
    return float((a - b).square().sum(dim=1).mean())


def uniformity(vectors):
    """log of the mean of exp(-2 d^2) over pairs on the unit sphere: 0 when collapsed, towards -4 when spread out.

    Wang & Isola (2020). vectors : (N, D), N >= 2.
    """
    z = F.normalize(vectors.float(), dim=1, eps=1e-8)
    return float(torch.pdist(z).square().mul(-2).exp().mean().log())


def effective_rank(vectors):
    """exp of the entropy of the normalised singular values of the centred unit vectors, 1 to min(N - 1, D).

    Roy & Vetterli (2007), used as RankMe by Garrido et al. (2023). Vectors that all agree have no direction
    at all: by convention rank 1.
    """
    z = F.normalize(vectors.float(), dim=1, eps=1e-8)
    values = torch.linalg.svdvals(z - z.mean(dim=0))
    if values.square().sum() < 1e-8 * len(z):
        return 1.0
    p = values / values.sum()
    return float(torch.exp(-(p * torch.log(p.clamp_min(1e-12))).sum()))
