"""Views of galaxies: the six augmentations of the paper's sec. 3.1, in PCA space, on the device.

Everything that mixes spaxels (rotation, blur, block mean) acts in *flux space*: on coverage w, luminosity w L
and w L c, with c the PCA coefficients of the spectrum normalised by L, divided afterwards. A projection along
wavelength commutes with geometry, so this equals warping the 1,533 planes of the cube, up to one thing: the
median of a mixture is taken as the mixture of the medians. Warping c alone would be wrong wherever L varies
within the kernel.

A view is made in the order noise -> rotation and flip -> blur -> stars -> resize -> shift -> sky. There is
one interpolation (the rotation); block means and shifts are exact. Whatever is not galaxy (outside the field,
masked, a star real or simulated, a companion) becomes the sky model at the end: zero is never interpolated
into a galaxy.

**Luminosity is conserved**: channel 0 is the luminosity *per spaxel*, so that shrinking by k sums the
luminosities of each k x k block (the mean surface brightness stays, a spaxel covers k^2 times the area); a
block that is half covered or more counts as fully covered at the mean brightness of its covered part, the
rest is sky. The sky's luminosity per spaxel grows by the same k^2: the galaxy is seen from k times further by
the same instrument.

**Seeds**: every draw depends on (seed, galaxy name, realisation, view) alone: not on the order or composition
of a batch (numbers agree to rounding), nor on which other augmentations are switched on. Noise is drawn by
the device's own generator: CPU and GPU views of one seed agree in all but the noise.
"""

import hashlib
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from cubespace.errors import CubespaceError
from cubespace.network.geometry import block_mean, blur, place, rotate, star_mask
from cubespace.network.presets import Pair, View, pair_from_settings

__all__ = [
    "CoefficientSpace",
    "Draws",
    "Pair",
    "View",
    "draw_pair",
    "network_input",
    "original",
    "pair_from_settings",
    "render",
]


class CoefficientSpace:
    """What a view must know of the PCA basis: where sky lies in it, and how white noise looks there.

    White noise of sigma 1/s on a spectrum normalised to 1 is white noise of sigma 1/s on its coefficients,
    since the components are orthonormal. It also moves the spectrum's median over the window, by which it is
    normalised again: by delta of variance pi / (2 n s^2), n the samples of the window, and of covariance b_k
    / s^2 with the noise of coefficient k, b_k the mean of component k over the window (influence function of
    the median).

    Parameters
    ----------
    components : array (K, n_wavelength), orthonormal rows
    mean : array (n_wavelength,)
    wavelength : array (n_wavelength,) [Angstrom]
    window : (low, high) [Angstrom], of the normalisation
    sky_level : float, optional
        log10 luminosity of the sky per spaxel, one for the survey (see `cubespace.spectra.scaling`); None: each galaxy's
        own detection limit.
    """

    def __init__(self, components, mean, wavelength, window, device="cpu", sky_level=None):
        components = np.asarray(components, np.float64)
        inside = (np.asarray(wavelength) >= window[0]) & (np.asarray(wavelength) <= window[1])
        if not inside.any():
            raise CubespaceError(
                f"basis: no wavelength inside the normalisation window {window[0]}-{window[1]} A"
            )
        b = components[:, inside].mean(axis=1)

        def column(values):
            return torch.as_tensor(values, dtype=torch.float32, device=device).reshape(1, -1, 1, 1)

        self.sky_level = sky_level
        self.mean = column(components @ np.asarray(mean, np.float64))
        self.flat = column(components @ (1.0 - np.asarray(mean, np.float64)))  # a flat spectrum: the sky
        self.window = column(b)
        self.median_scatter = float(np.sqrt(np.pi / (2 * inside.sum()) - b @ b))

    def add_noise(self, log_l, c, snr, normals):
        """White noise on spectra, normalised again: (log_l, c) of the noisy spectra; `normals` is overwritten.

        Parameters
        ----------
        log_l : tensor (N, ny, nx), log10 luminosity
        c : tensor (N or 1, K, ny or 1, nx or 1), coefficients
        snr : tensor (N,), S/N for one wavelength sample at the window
        normals : tensor (N, K + 1, ny, nx) of standard normal numbers
        """
        noise = normals.div_(snr[:, None, None, None])
        delta = (
            torch.einsum("k,nkyx->nyx", self.window.flatten(), noise[:, :-1])
            + self.median_scatter * noise[:, -1]
        )
        gain = (1.0 + delta).clamp_min(0.1)  # 7 sigma away even at S/N 1: keeps luminosities positive
        c = noise[:, :-1].add_(c + self.mean).div_(gain[:, None]).sub_(self.mean)
        return log_l + torch.log10(gain), c


@dataclass
class Draws:
    """What chance decides about one view of N galaxies; arrays with N rows."""

    snr: np.ndarray
    matrix: np.ndarray  # (N, 2, 2): from output to source offsets, in (x, y)
    blur: np.ndarray  # bool
    stars: np.ndarray  # (N, S, 3): y, x offsets from the centre and radius, all [arcsec]; radius -1 = no star
    factor: np.ndarray
    shift: np.ndarray  # (N, 2): y, x [px]
    sky_snr: np.ndarray
    seeds: np.ndarray  # (N, 2) of the noise and of the sky


def _key(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _draw_one(view, rng, n_good):
    noise = rng.random()
    if view.noise is None:
        snr = np.inf
    elif view.noise_integer:
        low, high = int(view.noise[0]), int(view.noise[1])
        snr = low + min(int(noise * (high - low + 1)), high - low)
    else:
        snr = view.noise[0] + noise * (view.noise[1] - view.noise[0])
    angle, coins = rng.uniform(0, 2 * np.pi), rng.integers(2, size=2)
    angle = angle if view.rotate else 0.0
    sign = {"none": (1, 1), "one": (-1, 1) if coins[0] else (1, -1), "random": tuple(1 - 2 * coins)}[
        view.flip
    ]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.diag(sign) @ turn
    factors = [k for k in range(view.resize[0], view.resize[1] + 1) if n_good > view.resize_keep * k * k]
    factors = factors or [view.resize[0]]
    factor = factors[int(rng.random() * len(factors))]
    steps = np.arange(-view.shift, view.shift + 1)
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    if view.shift_shape == "disc":
        offsets = offsets[(offsets**2).sum(axis=1) <= view.shift**2]
    shift = offsets[int(rng.random() * len(offsets))]
    sky = rng.uniform(*view.sky_snr)
    return snr, matrix, factor, shift, sky, rng.integers(2**62, size=2)


def _draw_stars(view, rng, has_star):
    counts = np.asarray(view.star_counts) / np.sum(view.star_counts)
    n = int(rng.choice(len(counts), p=counts))
    levels = rng.random((len(counts) - 1, 3))
    distance = np.interp(levels[:, 0], np.linspace(0, 1, len(view.star_distances)), view.star_distances)
    radius = np.interp(levels[:, 1], np.linspace(0, 1, len(view.star_radii)), view.star_radii)
    angle = 2 * np.pi * levels[:, 2]
    stars = np.stack([distance * np.sin(angle), distance * np.cos(angle), radius], axis=1)
    keep = n if view.stars and (view.stars_everywhere or not has_star) else 0
    stars[keep:, 2] = -1.0
    return stars


def draw_pair(pair, maps, seed, realisation):
    """Draw the two views of a pair for every galaxy of `maps`.

    Parameters
    ----------
    pair : Pair
    maps : GalaxyMaps
        Its names, numbers of good spaxels and of galaxies with a masked star are used.
    seed : int
    realisation : sequence of int
        What tells one realisation from the next, e.g. (epoch, step).

    Returns
    -------
    list of two (View, Draws)
    """
    base = [int(seed), *map(int, realisation)]
    original = pair.original_every > 0 and realisation[-1] % pair.original_every == 0
    views = [View(sky_snr=pair.first.sky_snr) if original else pair.first, pair.second]
    result = []
    for which, view in enumerate(views):
        rows, stars, blur = [], [], []
        for name, n_good, has_star in zip(maps.names, maps.n_good, maps.has_star, strict=True):
            key = [*base, _key(name)]
            rows.append(_draw_one(view, np.random.default_rng([*key, which]), n_good))
            star_stream = 2 if pair.share_stars else 3 + which
            stars.append(_draw_stars(view, np.random.default_rng([*key, star_stream]), has_star))
            blurred = int(np.random.default_rng([*key, 5]).integers(2)) if pair.blur_one else which
            blur.append(view.blur > 0 and blurred == which)
        snr, matrix, factor, shift, sky, seeds = (np.array(column) for column in zip(*rows, strict=True))
        result.append((view, Draws(snr, matrix, np.array(blur), np.array(stars), factor, shift, sky, seeds)))
    return result


def normals(seeds, shape, device):
    """(N, *shape) standard normal numbers, each row from its own seed: a galaxy's noise is its own in any batch."""
    generator = torch.Generator(device=device)
    result = torch.empty((len(seeds), *shape), device=device)
    for row, seed in zip(result, seeds, strict=True):
        generator.manual_seed(int(seed))
        torch.randn(shape, generator=generator, device=device, out=row)
    return result


def _geometry(maps, view, draws, log_l, c):
    """Rotation to shift, in flux space: coverage (N, ny, nx), luminosity per unit area, coefficients (0 / 0 is nan)."""
    device, shape = c.device, c.shape[2:]

    def tensor(values, dtype=torch.float32):
        return torch.as_tensor(values, dtype=dtype, device=device)

    content = torch.empty((len(c), c.shape[1] + 2, *shape), device=device)
    content[:, 0] = maps.good
    torch.mul(torch.pow(10.0, log_l), content[:, 0], out=content[:, 1])
    torch.mul(content[:, 1:2], c, out=content[:, 2:])
    if view.rotate or view.flip != "none":
        content = rotate(content, tensor(draws.matrix))
    if draws.blur.all():
        content = blur(content, view.blur)
    elif draws.blur.any():
        index = tensor(np.flatnonzero(draws.blur), torch.long)
        content[index] = blur(content[index], view.blur)
    if view.stars:
        content *= ~star_mask(tensor(draws.stars), maps.pixel_scale, shape)[:, None]
    if view.shift > 0 or view.resize[1] > 1:
        moved = torch.empty_like(content)
        for factor in np.unique(draws.factor):
            index = tensor(np.flatnonzero(draws.factor == factor), torch.long)
            small = block_mean(content[index], int(factor))
            moved[index] = place(small, shape, tensor(draws.shift, torch.long)[index])
        content = moved
    w, luminosity = content[:, 0], content[:, 1]
    return w, luminosity / w, content[:, 2:].div_(luminosity[:, None])


def render(maps, view, draws, space, sky=True):
    """Make one view of N galaxies.

    Parameters
    ----------
    maps : GalaxyMaps
    view : View
    draws : Draws
    space : CoefficientSpace
    sky : bool
        False for a network that is told where the galaxy is: no sky is drawn, which is most of the random numbers.

    Returns
    -------
    values : tensor (N, K + 1, ny, nx), float32
        log10 luminosity per spaxel, then coefficients: galaxy where `valid`, else the sky model (without sky: of no meaning).
    valid : bool tensor (N, ny, nx)
    """
    device, (_, channels, *shape) = maps.device, maps.values.shape
    snr, sky_snr, factor = (
        torch.as_tensor(v, dtype=torch.float32, device=device)
        for v in (draws.snr, draws.sky_snr, draws.factor)
    )
    log_l, c = maps.values[:, 0].float(), maps.values[:, 1:].float()  # log_l relative to the detection limit
    if view.noise is not None:
        log_l, c = space.add_noise(log_l, c, snr, normals(draws.seeds[:, 0], (channels, *shape), device))
    if view.moves:
        w, brightness, c = _geometry(maps, view, draws, log_l, c)
        valid = (w >= 0.5) & (brightness > 0)
        log_l = torch.log10(brightness)
    else:
        valid = maps.good
    limit = maps.limit[:, None, None]
    sky_l = sky_c = torch.zeros((), device=device)
    if sky:
        values = normals(draws.seeds[:, 1], (channels, *shape), device)
        level = limit if space.sky_level is None else torch.full_like(limit, space.sky_level)
        sky_l, sky_c = space.add_noise(level.expand_as(log_l), space.flat, sky_snr, values)  # sky_c: a part of `values`
    result = torch.empty((len(c), channels, *shape), device=device)
    torch.where(valid, log_l + limit, sky_l, out=result[:, 0])
    result[:, 0] += 2 * torch.log10(factor)[:, None, None]  # k^2 old spaxels in a new one
    torch.where(valid[:, None], c, sky_c, out=result[:, 1:])
    return result, valid


def network_input(maps, view, draws, space, scaling, mask=False, chunk=None):
    """`render` in units of the network: (value - mean) / sigma per channel, sky too; channels-last.

    With `mask` no sky is drawn: it is 0 in all of them, and one more channel, the last, is 1 where there is galaxy, else 0.
    At most `chunk` galaxies are worked on at once (a million values on a CPU, for its cache: one galaxy of the survey's
    size; 128 on a GPU), which bounds the memory and changes no number.
    """
    if chunk is None:
        chunk = max(1, 2**20 // maps.values[0].numel()) if maps.device.type == "cpu" else 128
    result = None
    for start in range(0, len(maps), chunk):
        index = slice(start, start + chunk)
        some = Draws(**{f.name: getattr(draws, f.name)[index] for f in fields(Draws)})
        part = scaled_input(*render(maps[index], view, some, space, sky=not mask), scaling, mask)
        if result is None:
            shape = (len(maps), *part.shape[1:])
            result = torch.empty(shape, device=part.device, memory_format=torch.channels_last)
        result[index] = part
    return result


def scaled_input(values, valid, scaling, mask=False):
    """What `render` gives, as `network_input` says."""
    scaled = scaling(values)
    if mask:
        valid = valid[:, None].to(scaled.dtype)
        scaled = torch.cat([scaled * valid, valid], dim=1)
    return scaled


def original(view):
    """The view that leaves the galaxy as it is and fills it with the same sky."""
    return replace(View(), sky_snr=view.sky_snr)
