"""Where a galaxy is in its cube, what stands in front of it, and where it goes on the common canvas."""

import numpy as np

from cubespace.cubes import masks, quality, restframe


def galaxy_centre(image, usable, pixel_arcsec, radius_arcsec=3.0):
    """Centre of a galaxy: the peak of its smoothed window flux, refined to the centroid around it.

    Parameters
    ----------
    image : float (ny, nx), flux in the window (NaN allowed)
    usable : bool (ny, nx), spaxels to be looked at (no stars)
    pixel_arcsec : float
    radius_arcsec : float
        The centroid is taken within this radius (at least 2 pixels), three times.

    Returns
    -------
    (y, x) float, counted from 0. The peak (3 x 3 mean) is looked for in the inner half of the field along
    each axis, so that a companion at its
    edge is not taken for the galaxy; without any usable spaxel there, in the whole field; without any at
    all, the middle of the array.
    """
    good = usable & np.isfinite(image)
    if not good.any():
        return (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    weight = np.where(good, np.maximum(image, 0), 0.0).astype(float)
    smooth = np.divide(_box(weight), np.maximum(_box(good.astype(float)), 1))
    y0, y1, x0, x1 = quality.extent(good)
    y, x = np.indices(image.shape)
    inner = (
        good
        & (abs(y - (y0 + y1) / 2) <= (y1 - y0) / 4 + 0.5)
        & (abs(x - (x0 + x1) / 2) <= (x1 - x0) / 4 + 0.5)
    )
    smooth[~(inner if inner.any() else good)] = -1
    cy, cx = (float(v) for v in np.unravel_index(smooth.argmax(), smooth.shape))
    radius = max(2.0, radius_arcsec / pixel_arcsec)
    for _ in range(3):
        near = weight * (np.hypot(y - cy, x - cx) <= radius)
        if near.sum() <= 0:
            break
        cy, cx = float((near * y).sum() / near.sum()), float((near * x).sum() / near.sum())
    return cy, cx


def survey_field(cube, redshift, window, min_good_window, sky_windows, spare_nucleus_arcsec, hand=None):
    """First look at a cube: flag the sky lines, settle what is foreground, measure S/N and find the centre.

    Parameters
    ----------
    cube : `Cube`
        `bad` is set inside the sky windows, `star` becomes the final mask. Doing it twice changes nothing.
    sky_windows : list of (low, high) [A], observed
    spare_nucleus_arcsec : float
        A blob of the star mask so close to the centre is the nucleus, and is freed (`masks.spare_nucleus`).
    hand : int (ny, nx) or None
        Flags that have the last word, see `masks.manual_mask`.

    Returns
    -------
    sky : bool (n_wavelength,), samples in a sky window
    snr, noise : float32 (ny, nx), see `restframe.window_snr`
    centre : (y, x)
    """
    sky = masks.in_windows(cube.wavelength, sky_windows)
    cube.bad[sky] = True
    snr, noise = restframe.window_snr(cube, redshift, window, min_good_window)
    image = snr * noise  # flux in the window; good enough to find the centre by
    centre = galaxy_centre(image, cube.usable, cube.pixel_arcsec)
    star, freed = masks.spare_nucleus(
        cube.star, centre, spare_nucleus_arcsec / cube.pixel_arcsec, np.where(cube.field, image, 0)
    )
    if freed:
        cube.notes.append(f"{cube.path}: star mask on the nucleus freed ({freed} spaxels)")
    if hand is not None:
        star = masks.manual_mask(star, hand)
    if (star != cube.star).any():
        cube.star = star
        centre = galaxy_centre(image, cube.usable, cube.pixel_arcsec)
    return sky, snr, noise, centre


def _box(image):
    """Sum over 3 x 3 pixels, zero outside."""
    padded = np.pad(image, 1)
    ny, nx = image.shape
    return sum(padded[i : i + ny, j : j + nx] for i in range(3) for j in range(3))


def placement(field, centre, canvas):
    """Offset that puts a cube on the canvas: canvas pixel = cube pixel + offset.

    The pixel of the galaxy's centre goes to (ny // 2, nx // 2) of the canvas. Where that would cut off part
    of the field, the
    galaxy is moved by the least that keeps all of it. Empty borders of the cube may fall off.

    Parameters
    ----------
    field : bool (ny, nx) of the cube; centre : (y, x); canvas : (ny, nx)

    Returns
    -------
    (offset_y, offset_x), int

    Raises
    ------
    CubeRejected
        ``canvas_too_small``
    """
    quality.check_canvas(field, canvas)
    y0, y1, x0, x1 = quality.extent(field)
    offset = []
    for first, last, middle, size in ((y0, y1, centre[0], canvas[0]), (x0, x1, centre[1], canvas[1])):
        wanted = size // 2 - int(np.floor(middle + 0.5))
        offset.append(int(np.clip(wanted, -first, size - 1 - last)))
    return tuple(offset)


def place(image, offset, canvas, fill):
    """Copy (..., ny, nx) onto a canvas (..., ny, nx) filled with `fill`."""
    out = np.full((*image.shape[:-2], *canvas), fill, dtype=image.dtype)
    source, target = [], []
    for size, shift, room in zip(image.shape[-2:], offset, canvas, strict=True):
        first, last = max(0, -shift), min(size, room - shift)
        source.append(slice(first, last))
        target.append(slice(first + shift, last + shift))
    out[(..., *target)] = image[(..., *source)]
    return out
