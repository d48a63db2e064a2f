"""Galaxy maps from disk to tensors: what the network is fed, and in which units."""

import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from cubespace.errors import CubespaceError
from cubespace.network.presets import pair_from_settings
from cubespace.network.views import CoefficientSpace
from cubespace.spectra.basis import read_basis
from cubespace.spectra.project import STAR, read_maps
from cubespace.tables import read_table

VARIANTS = {"full": (), "no_luminosity": (0,)}  # name -> channels left out


def dropped_channels(variant):
    """Channels that a variant leaves out; CubespaceError for an unknown one."""
    if variant not in VARIANTS:
        raise CubespaceError(f"variant: expected one of {', '.join(VARIANTS)}, found {variant!r}")
    return VARIANTS[variant]


def _half(values, mask, limit, name):
    """One galaxy as it is kept: log luminosity relative to `limit`, 0 where not good, float16."""
    good = np.asarray(mask) == 0
    values = np.where(good, values, 0).astype(np.float32)
    values[0] = np.where(good, values[0] - limit, 0)
    if not (np.abs(values) < 65504).all():  # false for nan too
        raise CubespaceError(
            f"maps of {name}: good spaxels hold values that are not finite or beyond float16"
        )
    return values.astype(np.float16)


@dataclass
class GalaxyMaps:
    """Maps of N galaxies on one device; or, where they do not fit there, `values` and `good` in a file mapped into memory.

    A subset is always on the device: rows of a mapped file go there through pinned memory as they are asked for.

    Attributes
    ----------
    values : float16 tensor (N, K + 1, ny, nx)
        Channel 0: log10 luminosity per spaxel relative to the galaxy's detection limit (so that float16 keeps
        it to 0.2 per cent or better); then K coefficients. 0 where not good.
    good : bool tensor (N, ny, nx)
        No bit of the mask is set.
    limit : float32 tensor (N,), log10 luminosity of the detection limit per spaxel
    pixel_scale : float32 tensor (N,) [arcsec]
    names : list of str
    groups : int64 tensor (N,): one number for each pointing
    n_good : int array (N,): numbers of good spaxels
    has_star : bool array (N,): some spaxel is masked as star or companion
    """

    values: torch.Tensor
    good: torch.Tensor
    limit: torch.Tensor
    pixel_scale: torch.Tensor
    names: list
    groups: torch.Tensor
    n_good: np.ndarray
    has_star: np.ndarray

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        """A subset, by slice or by integer array."""
        names = self.names[index] if isinstance(index, slice) else [self.names[i] for i in index]
        tensors = (self.values, self.good, self.limit, self.pixel_scale, self.groups)
        *fields, groups = (self._rows(tensor, index) for tensor in tensors)
        return GalaxyMaps(*fields, names, groups, self.n_good[index], self.has_star[index])

    @property
    def device(self):
        """Where subsets are, and computations on them."""
        return self.limit.device

    def _rows(self, tensor, index):
        if not isinstance(index, slice):
            index = torch.as_tensor(np.asarray(index), device=tensor.device)
        rows = tensor[index]
        return rows if rows.device == self.device else rows.pin_memory().to(self.device, non_blocking=True)

    @classmethod
    def from_arrays(cls, values, mask, limit, pixel_scale, names, pointings=None, device="cpu"):
        """From numpy: values (N, K + 1, ny, nx) with absolute log luminosity, mask (N, ny, nx) of bit flags."""
        half = np.stack([_half(*one) for one in zip(values, mask, limit, names, strict=True)])
        mask = np.asarray(mask)
        tensors = (torch.from_numpy(array).to(device) for array in (half, mask == 0))
        has_star = ((mask & STAR) != 0).any(axis=(1, 2))
        return cls._assemble(*tensors, has_star, limit, pixel_scale, names, pointings, device)

    @classmethod
    def _assemble(cls, values, good, has_star, limit, pixel_scale, names, pointings, device):
        return cls(
            values,
            good,
            torch.as_tensor(np.asarray(limit, np.float32), device=device),
            torch.as_tensor(np.asarray(pixel_scale, np.float32), device=device),
            list(names),
            torch.tensor(_numbers(names if pointings is None else pointings), device=device),
            np.array([int(one.sum()) for one in good]),
            np.asarray(has_star, bool),
        )


def room_for_maps(device, gigabytes=None):
    """Bytes that maps may take on a device: as told, else half of its memory (of a GPU: of what is free)."""
    if gigabytes is not None:
        return int(gigabytes * 1e9)
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


class _Rows:
    """Galaxies of maps, `most` of them, as they come: in memory that is there from the start, or in files that are then mapped."""

    def __init__(self, most, shape, folder=None):
        self.shape, self.folder, self.n = shape, folder, 0
        if folder is None:
            self.parts = [np.empty((most, *shape), np.float16), np.empty((most, *shape[1:]), bool)]
        else:
            self.parts = [(Path(folder) / name).open("wb") for name in ("values", "good")]

    def add(self, half, good):
        for part, array in zip(self.parts, (half, good), strict=True):
            if self.folder is None:
                part[self.n] = array
            else:
                part.write(np.ascontiguousarray(array).data)
        self.n += 1

    def tensors(self, device):
        """values float16 (n, *shape) and good bool (n, ny, nx)."""
        if self.folder is None:
            return [torch.from_numpy(part[: self.n]).to(device) for part in self.parts]
        shapes = (self.n, *self.shape), (self.n, *self.shape[1:])
        result = []
        for file, shape, dtype in zip(self.parts, shapes, (torch.float16, torch.bool), strict=True):
            file.close()
            result.append(torch.from_file(file.name, size=int(np.prod(shape)), dtype=dtype).reshape(shape))
        return result


def _pointing(row):
    """Pointing of a galaxy: its own where none is known."""
    pointing = row.get("pointing")
    return pointing if isinstance(pointing, str) and pointing else row["galaxy"]


def _numbers(pointings):
    """List of int: 0 for the first pointing and all like it, and so on."""
    first = {}
    return [first.setdefault(pointing, len(first)) for pointing in pointings]


def load_maps(folder, rows, device="cpu", release=None, room=None, scratch=None):
    """Read the maps of a list of galaxies.

    Parameters
    ----------
    folder : path
        Holds ``{stem}.fits`` for each row.
    rows : pandas.DataFrame
        Columns galaxy, stem; pointing where known (a galaxy is its own pointing where it is null).
    device : torch device
    release : str, optional
        Digest of the release that the basis was fitted on; maps of another one are an error.
    room : int, optional
        Bytes that the maps may take on the device (see `room_for_maps`); larger sets are written to a file in the
        folder `scratch` and mapped into memory. The file loses its name at once: it goes when the process does.

    Returns
    -------
    maps : GalaxyMaps or None
        The accepted galaxies, in the order of `rows`; None if there is none.
    rejected : list of (galaxy, reason)

    Raises
    ------
    CubespaceError
        A file is missing, shapes differ, the release is another one, or a header card is missing.
    """
    if room is None:
        return _load(folder, rows, device, release)
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".maps", ignore_cleanup_errors=True) as temporary:
        return _load(folder, rows, device, release, room, temporary)


def _load(folder, rows, device, release, room=np.inf, scratch=None):
    taken, rejected, kept = [], [], None
    for row in rows.to_dict("records"):
        path = Path(folder) / f"{row['stem']}.fits"
        maps = read_maps(path)
        found = str(maps.header.get("CSREL", ""))
        if release and found != release:
            raise CubespaceError(
                f"{path}: made from a basis of release {found or '(none)'}, expected {release}"
            )
        if maps.values is None:
            rejected.append((row["galaxy"], maps.reason))
            continue
        if kept is None:
            fits = 2 * maps.values.size * len(rows) <= room
            kept = _Rows(len(rows), maps.values.shape, None if fits else scratch)
        if maps.values.shape != kept.shape:
            raise CubespaceError(f"{path}: maps of shape {maps.values.shape}, those before it {kept.shape}")
        if not (maps.mask == 0).any():
            rejected.append((row["galaxy"], "no_good_spaxel"))
            continue
        cards = {}
        for card in ("LLIMIT", "PIXSCALE"):
            cards[card] = maps.header.get(card)
            if not isinstance(cards[card], (int, float)) or not np.isfinite(cards[card]):
                raise CubespaceError(f"{path}: header card {card}: expected a number, found {cards[card]!r}")
        kept.add(_half(maps.values, maps.mask, cards["LLIMIT"], row["galaxy"]), maps.mask == 0)
        starred = bool((maps.mask & STAR).any())
        taken.append((starred, cards["LLIMIT"], cards["PIXSCALE"], row["galaxy"], _pointing(row)))
    if not taken:
        return None, rejected
    return GalaxyMaps._assemble(*kept.tensors(device), *zip(*taken, strict=True), device), rejected


class MapFiles:
    """Maps of a roster's accepted galaxies on disk, in batches; gone through as often as needed.

    In memory is a batch, and the one before it while the next is read.

    Gives `GalaxyMaps` whose `groups` number the pointings of all rows. `rejected` holds the (galaxy, reason) of the last
    passage. Parameters and errors as of `load_maps`; CubespaceError also if no galaxy was accepted.
    """

    def __init__(self, folder, rows, device="cpu", release=None, batch=64):
        self.folder, self.rows, self.device, self.release, self.batch = folder, rows, device, release, batch
        self.group = dict(zip(rows["galaxy"], _numbers(map(_pointing, rows.to_dict("records"))), strict=True))
        self.rejected = []

    def __iter__(self):
        self.rejected, shape = [], None
        for start in range(0, len(self.rows), self.batch):
            maps, rejected = load_maps(self.folder, self.rows.iloc[start : start + self.batch], self.device, self.release)
            self.rejected += rejected
            if maps is not None:
                found = tuple(maps.values.shape[1:])
                shape = shape or found
                if found != shape:
                    raise CubespaceError(f"{self.folder}: maps of {maps.names[0]} have shape {found}, those before it {shape}")
                yield replace(maps, groups=torch.tensor([self.group[name] for name in maps.names], device=self.device))
        if len(self.rejected) == len(self.rows):
            raise CubespaceError(f"{self.folder}: none of the {len(self.rows)} galaxies of the roster has accepted maps")


class Scaling:
    """(value - mean) / sigma of each channel, then the channels that a variant keeps.

    Parameters
    ----------
    mean, sigma : arrays (K + 1,)
    dropped : channels to leave out
    """

    def __init__(self, mean, sigma, dropped=(), device="cpu"):
        sigma = np.asarray(sigma, float)
        if not (np.isfinite(sigma) & (sigma > 0)).all():
            channel = int(np.flatnonzero(~(np.isfinite(sigma) & (sigma > 0)))[0])
            raise CubespaceError(
                f"scaling: sigma of channel {channel} is {sigma[channel]}, expected a positive number"
            )
        self.kept = [i for i in range(len(sigma)) if i not in dropped]
        self.mean, self.sigma = (
            torch.as_tensor(np.asarray(v, np.float32)[self.kept], device=device).reshape(1, -1, 1, 1)
            for v in (mean, sigma)
        )

    @property
    def channels(self):
        """Number of channels of the network's input."""
        return len(self.kept)

    @property
    def luminosity(self):
        """Sigma of log10 luminosity [dex] if it is the network's first channel, else None."""
        return float(self.sigma[0, 0, 0, 0]) if self.kept[:1] == [0] else None

    def __call__(self, values):
        """(N, K + 1, ny, nx) -> (N, channels, ny, nx)."""
        kept = values if len(self.kept) == values.shape[1] else values[:, self.kept]
        return (kept - self.mean).div_(self.sigma)


def read_scaling(path, variant="full", device="cpu"):
    """`Scaling` from ``scaling.csv`` (columns channel, mean, sigma), for a variant."""
    table = read_table(path)
    missing = sorted({"channel", "mean", "sigma"} - set(table.columns))
    if missing:
        raise CubespaceError(
            f"{path}: missing column(s) {', '.join(missing)}; found {', '.join(table.columns)}"
        )
    table = table.sort_values("channel")
    if list(table["channel"]) != list(range(len(table))):
        raise CubespaceError(
            f"{path}: channels must be numbered 0 to {len(table) - 1}, found {list(table['channel'])}"
        )
    return Scaling(table["mean"], table["sigma"], dropped_channels(variant), device)


def read_space(path, device="cpu", scaling=None):
    """`CoefficientSpace` from ``basis.fits``, with the sky's luminosity from ``scaling.csv`` (column sky, channel 0);
    and the digest of the release that the basis was fitted on ('' if none)."""
    basis = read_basis(path)
    window = basis.header["WINLO"], basis.header["WINHI"]
    level = None
    if scaling is not None:
        table = read_table(scaling)
        if "sky" not in table:
            raise CubespaceError(f"{scaling}: missing column sky; found {', '.join(table.columns)}")
        level = float(table.set_index("channel")["sky"][0])
    space = CoefficientSpace(basis.components, basis.mean, basis.wavelength, window, device, level)
    return space, str(basis.header.get("CSREL", ""))


def read_pair(settings, scaling):
    """`Pair` from the settings of the views; with `stars` = survey, stars are those of the release's masks.

    settings : dict, see `pair_from_settings`; scaling : path of ``scaling.csv``, whose head has the masks' statistics
    """
    settings = dict(settings or {})
    if settings.get("stars") != "survey":
        return pair_from_settings(settings)
    measured = read_table(scaling).attrs["meta"].get("stars")
    if measured is None:
        raise CubespaceError(f"{scaling}: no statistics of masked stars in its head; views.stars: survey needs them")
    return pair_from_settings(settings, json.loads(measured))
