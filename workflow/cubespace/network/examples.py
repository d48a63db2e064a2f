"""Example pairs of views for figures, with what was done to each in words."""

import numpy as np

from cubespace.network.training import TRAIN
from cubespace.network.views import draw_pair, render


def describe(view, draws, row, pixel_scale):
    """What was done to one galaxy, in words."""
    parts = []
    if view.noise is not None:
        parts.append(f"S/N {draws.snr[row]:.1f}")
    matrix = draws.matrix[row]
    flipped = np.linalg.det(matrix) < 0  # counted as a flip in x: one in y is the same, turned by 180 deg
    if view.rotate:
        parts.append(
            f"turned {np.degrees(np.arctan2(matrix[1, 0], -matrix[0, 0] if flipped else matrix[0, 0])) % 360:.0f} deg"
        )
    if flipped:
        parts.append("flipped")
    if draws.blur[row]:
        parts.append(f"blurred {view.blur:g} px")
    stars = int((draws.stars[row, :, 2] >= 0).sum())
    if view.stars:
        parts.append(f"{stars} star{'s' if stars != 1 else ''}")
    if view.resize[1] > 1:
        parts.append(f"shrunk {draws.factor[row]}x")
    if view.shift:
        parts.append(f"moved {np.hypot(*draws.shift[row]) * pixel_scale:.0f} arcsec")
    return ", ".join(parts) or "as it is"


def example_views(maps, pair, space, seed):
    """First training pair of each galaxy of `maps` (GalaxyMaps), as arrays for an npz.

    Returns
    -------
    dict
        names (n,); original, transformed (n, channel, ny, nx) float32 in the units of the maps (log10
        luminosity per spaxel, coefficients), sky included; good_original, good_transformed (n, ny, nx) bool:
        galaxy, not sky; pixel_scale (n,) [arcsec]; description (n,): what was done to the transformed one.
    """
    result = {"names": np.array(maps.names), "pixel_scale": maps.pixel_scale.cpu().numpy()}
    for which, (view, draws) in zip(
        ("original", "transformed"), draw_pair(pair, maps, seed, (TRAIN, 0)), strict=True
    ):
        values, valid = render(maps, view, draws, space)
        result[which], result[f"good_{which}"] = values.cpu().numpy(), valid.cpu().numpy()
        if which == "transformed":
            scales = result["pixel_scale"]
            result["description"] = np.array(
                [describe(view, draws, row, scales[row]) for row in range(len(maps))]
            )
    return result
