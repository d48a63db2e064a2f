"""Mean and spread of each channel of the maps over the release, the sky, masked stars: what the network's input is made with.

The sky model stands wherever there is no galaxy. Its luminosity is one number for the whole survey, the lowest
detection limit of the release: a sky at each galaxy's own limit would write its distance all over the canvas, and
the network would learn to tell galaxies apart by that.
"""

import numpy as np

from cubespace.errors import CubespaceError
from cubespace.spectra.starmasks import star_regions


class Scaling:
    """Streaming mean and sigma of channels; float64, merged pairwise (Chan et al. 1983), so no cancellation."""

    def __init__(self, n_channels):
        self.count, self.mean, self.square = 0, np.zeros(n_channels), np.zeros(n_channels)
        self.sky_level = np.inf
        self.stars = []  # of each galaxy, see `star_regions`

    def add(self, values):
        """Take in samples (n_channels, n)."""
        count = values.shape[1]
        if count == 0:
            return
        values = values.astype(np.float64)
        mean = values.mean(axis=1)
        square = ((values - mean[:, None]) ** 2).sum(axis=1)
        total = self.count + count
        delta = mean - self.mean
        self.square += square + delta**2 * (self.count * count / total)
        self.mean += delta * (count / total)
        self.count = total

    @property
    def sigma(self):
        """Standard deviation, divisor n."""
        return np.sqrt(self.square / self.count)


def channel_names(n_channels):
    """log_luminosity, pca_01, pca_02 ..."""
    return ["log_luminosity", *(f"pca_{i:02d}" for i in range(1, n_channels))]


def release_scaling(paths):
    """Scaling over the good spaxels (mask 0) of the accepted galaxies among `paths` (dict galaxy -> maps file).

    Raises
    ------
    CubespaceError
        If no galaxy was accepted, files differ in their number of channels, or a channel does not vary.
    """
    from cubespace.spectra.project import read_maps

    total = None
    for galaxy, path in paths.items():
        maps = read_maps(path)
        if maps.verdict != "accepted":
            continue
        if total is None:
            total = Scaling(len(maps.values))
        if len(maps.values) != total.mean.size:
            raise CubespaceError(
                f"{path}: {galaxy} has {len(maps.values)} channels, the others have {total.mean.size}"
            )
        total.add(maps.values[:, maps.mask == 0])
        total.sky_level = min(total.sky_level, float(maps.header["LLIMIT"]))
        total.stars.append(star_regions(maps.mask, float(maps.header["PIXSCALE"])))
    if total is None or total.count < 2:
        raise CubespaceError(
            "no accepted galaxy of the release has good spaxels: the channels cannot be scaled"
        )
    if not (total.sigma > 0).all():
        flat = [channel_names(total.mean.size)[i] for i in np.nonzero(~(total.sigma > 0))[0]]
        raise CubespaceError(f"channels without variance over the release: {', '.join(flat)}")
    return total


def scaling_columns(scaling, basis):
    """The table as a dict of columns: channel, name, mean, sigma, n, sky.

    `sky` is the mean sky in the units of the maps: the lowest detection limit [log10 Lsun/A], and the coefficients of a
    spectrum of constant flux, which is 1 when normalised: components (1 - mean).
    """
    names = channel_names(scaling.mean.size)
    return {
        "channel": list(range(len(names))),
        "name": names,
        "mean": scaling.mean,
        "sigma": scaling.sigma,
        "n": [scaling.count] * len(names),
        "sky": [scaling.sky_level, *(basis.components @ (1.0 - basis.mean))],
    }
