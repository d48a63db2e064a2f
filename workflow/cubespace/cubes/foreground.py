"""Foreground stars and companions beyond the survey's own mask: hand edits, companion masks, lists of stars.

A mask of spaxels is an array of flags, in the convention of the hand-made eCALIFA masks of Martinez-Solaeche et al.
(2024): 1 masks a spaxel, -1 frees one that the catalogue of stars hit (a nucleus, an HII region), 5 masks it whatever
else is said. A boolean mask, as for a companion, is the same with 1 alone.
"""

import io
import math
import re
from pathlib import Path

import numpy as np

from cubespace.cubes.readers.header import Header, sky
from cubespace.delimited import decode, parse_numbers
from cubespace.errors import CubeRejected, CubespaceError
from cubespace.names import key
from cubespace.packed import unpacked

FLAGS = (-1, 0, 1, 5)
ALIKE = 0.1  # arrays whose sides differ by less than this share have the same pixels, counted from the same corner
ARRAYS = ("flag", "mask", "gal_mask")
BINARY = (".fits", ".fit", ".fts", ".npz", ".npy")

# A star covers the disc in which it outshines the detection limit of the survey: 23.6 mag/arcsec2 in r (3 sigma;
# Sanchez et al. 2016), for a Moffat profile of FWHM 2.5 arcsec (the median seeing of CALIFA, ibid.) and beta = 2.
LIMIT = 23.6
FWHM = 2.5
SMALLEST = 2.5  # arcsec; also the one radius of the survey's own GAIA_MASK
LARGEST = 30.0


def star_radius(magnitude):
    """Radius of the mask of a star [arcsec], from its G magnitude; the smallest one where the magnitude is NaN.

    A Moffat profile of beta = 2 has the surface brightness G + 2.5 log10(pi a^2) + 5 log10(1 + (r/a)^2) with
    a = FWHM / (2 sqrt(sqrt 2 - 1)) (Moffat 1969); the radius is where that reaches `LIMIT`.
    """
    core = FWHM / (2 * math.sqrt(math.sqrt(2) - 1))
    excess = (
        LIMIT - np.nan_to_num(np.asarray(magnitude, float), nan=99.0) - 2.5 * math.log10(math.pi * core**2)
    ) / 5
    return np.clip(core * np.sqrt(np.maximum(10**excess - 1, 0)), SMALLEST, LARGEST)


def star_circles(cube, ra, dec, magnitude):
    """Bool (ny, nx): spaxels whose centre lies within `star_radius` of a star; none if the cube has no sky position.

    Parameters
    ----------
    cube : `Cube`
    ra, dec : float arrays [deg]; rows that are not finite are left out
    magnitude : float array, G; NaN allowed
    """
    shape = cube.field.shape
    star = np.zeros(shape, bool)
    if cube.sky is None:
        cube.notes.append(f"{cube.path}: no sky coordinates: the list of stars is not used")
        return star
    known = np.isfinite(ra) & np.isfinite(dec)
    x, y = cube.sky.to_pixel(np.asarray(ra)[known], np.asarray(dec)[known])
    radius = star_radius(np.asarray(magnitude)[known]) / cube.pixel_arcsec
    near = (x > -radius) & (y > -radius) & (x < shape[1] + radius) & (y < shape[0] + radius)
    rows, columns = np.indices(shape)
    for u, v, r in zip(x[near], y[near], radius[near], strict=True):
        star |= np.hypot(columns - u, rows - v) <= r
    return star


def read_stars(path):
    """(ra, dec, magnitude) of an ``.npz`` of stars as the step `stars` writes it; CubespaceError if it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return tuple(stored[name] for name in ("ra", "dec", "magnitude"))
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise CubespaceError(f"{path}: not a complete list of stars: {error}") from None


def read_flags(path, galaxy, cube):
    """Flags of a mask file on the pixels of a cube.

    Parameters
    ----------
    path : path
        A FITS image; an ``.npz`` or ``.npy`` with one image, or an ``.npz`` with `name` (n,) and `flag` (n, ny, nx) for
        many galaxies (0 everywhere for one that it does not name); or text lines "row column flag" (blanks or commas),
        counted from 0. Packed or not; the content decides which it is, not the file's name.
    galaxy : str
    cube : `Cube`

    Returns
    -------
    int8 (ny, nx). An image with the cube's shape has its pixels, unless its header puts them a pixel or more away. One
    that is nearly so large (`ALIKE`) is cropped or padded at the far sides. Any other is resampled, nearest pixel: by
    the coordinates of its header if it has them and the cube does, else by its scale, both being taken to show the
    same field.

    Raises
    ------
    CubeRejected
        ``mask_unusable``: the file cannot be read, has no 2-D image, names the galaxy twice, has values other than
        `FLAGS`, another shape of field or its rows for columns, or lies elsewhere on the sky.
    """
    image, header = _load(Path(path), galaxy, cube)
    values = np.unique(image[~np.isnan(image)] if image.dtype.kind == "f" else image)
    if not np.isin(values, FLAGS).all():
        raise CubeRejected("mask_unusable", f"{path}: flags {_listed(values)}; allowed: {_listed(FLAGS)}")
    image = np.nan_to_num(image).astype(np.int8) if image.dtype.kind == "f" else image.astype(np.int8)
    return _on_grid(image, header, cube, path)


def _listed(values):
    return ", ".join(f"{value:g}" for value in list(values)[:8])


def _load(path, galaxy, cube):
    """(2-D array, `Header` or None) of a mask file, whose format its content says."""
    header = None
    try:
        content = unpacked(path.read_bytes())
        if content.startswith(b"PK"):
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if "name" in arrays and "flag" in arrays:
                images = [_of_galaxy(arrays["name"], arrays["flag"], galaxy, cube.field.shape, path)]
            else:
                images = [arrays[name] for name in ARRAYS if name in arrays] or list(arrays.values())
        elif content.startswith(b"\x93NUMPY"):
            images = [np.load(io.BytesIO(content), allow_pickle=False)]
        elif content.startswith(b"SIMPLE"):
            from astropy.io import fits

            with fits.open(io.BytesIO(content), memmap=False) as hdus:
                images = [hdu.data for hdu in hdus if hdu.is_image and hdu.data is not None]
                header = next((hdu.header for hdu in hdus if hdu.is_image and hdu.data is not None), None)
                header = header and Header(header.tostring().encode("ascii", "replace"))
        elif binary := next((ending for ending in BINARY if ending in map(str.lower, path.suffixes)), None):
            raise ValueError(f"no {binary} file, nor FITS, .npz or .npy; it starts with {content[:24]!r}")
        elif content.lstrip().startswith(b"<"):
            raise ValueError(f"a web page or the like; it starts with {content[:24]!r}")
        else:
            images = [_from_text(content, path, cube)]
        image = np.squeeze(np.asarray(images[0] if images else np.zeros(0)))
        if len(images) > 1:
            cube.notes.append(f"{path}: the first of {len(images)} images was taken as the mask")
    except CubeRejected:
        raise
    except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
        raise CubeRejected("mask_unusable", f"{path}: cannot be read as a mask: {error}") from None
    except Exception as error:  # zipfile.BadZipFile, zlib.error, astropy's VerifyError
        raise CubeRejected("mask_unusable", f"{path}: damaged mask: {error}") from None
    if image.ndim != 2 or image.dtype.kind not in "biuf":
        raise CubeRejected(
            "mask_unusable", f"{path}: a 2-D image is expected, found shape {image.shape}, {image.dtype}"
        )
    return image, header


def _of_galaxy(names, flags, galaxy, shape, path):
    """A galaxy's image of an array for many; 0 everywhere for one that is not named."""
    if names.ndim != 1 or flags.ndim != 3 or len(names) != len(flags):
        raise CubeRejected(
            "mask_unusable", f"{path}: name (n,) and flag (n, ny, nx) are expected, found {names.shape} and {flags.shape}"
        )
    texts = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names.tolist()]
    rows = [row for row, name in enumerate(texts) if key(name) == key(galaxy)]
    if len(rows) > 1:
        raise CubeRejected("mask_unusable", f"{path}: {galaxy} is named {len(rows)} times, in rows {', '.join(map(str, rows))}")
    return flags[rows[0]] if rows else np.zeros(shape, np.int8)


def _from_text(content, path, cube):
    """Flags of lines "row column flag", after a title or not; spaxels that are not listed have 0. A file without any is noted."""
    image, outside, first, lines = np.zeros(cube.field.shape), 0, True, {}
    text, notes = decode(content, path)
    cube.notes += [f"{path}: {note}" for note in notes]
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].replace(",", " ").split()
        if not words:
            continue
        title, first = first and _is_title(line.split("#")[0]), False
        if title:
            continue
        try:
            row, column, flag = values = [float(word) for word in words]
            if not all(value.is_integer() for value in values) or min(row, column) < 0:
                raise ValueError
        except ValueError:
            raise CubeRejected(
                "mask_unusable", f"{path}: line {number}: 'row column flag', whole numbers counted from 0, expected, found {line!r}"
            ) from None
        if lines.setdefault((row, column), (number, flag))[1] != flag:
            before, other = lines[row, column]
            raise CubeRejected("mask_unusable", f"{path}: line {number}: flag {flag:g} for a spaxel that has {other:g} in line {before}")
        if row < image.shape[0] and column < image.shape[1]:
            image[int(row), int(column)] = flag
        else:
            outside += 1
    if not lines:
        cube.notes.append(f"{path}: no line 'row column flag' in it: nothing masked or freed by it")
    if outside:
        cube.notes.append(f"{path}: {outside} spaxels outside the cube's {image.shape} left out")
    return image


def _is_title(line):
    """True for words of which one at most is a number, as in 'NGC 5000'; with two, as in 'l 2 1' or '(1;2;1)', it is a row with a slip."""
    words = [word.strip("()[]{}'\"") for word in re.split(r"[\s,;:|]+", line.strip())]
    return np.isfinite(parse_numbers(words)[0]).sum() < min(2, len(words))


def _on_grid(image, header, cube, path):
    shape = cube.field.shape
    rows, columns = np.indices(shape)
    there = _by_sky(header, cube, path)
    same = image.shape == shape and (there is None or np.hypot(there[0] - columns, there[1] - rows).max() < 1)
    if same:
        return image
    if there is not None:
        (x, y), how = there, "by its coordinates"
    else:
        ratio, swapped = np.array(image.shape) / shape, image.shape == shape[::-1]
        if (np.abs(ratio - 1) < ALIKE).all() and not swapped:
            x, y, how = columns, rows, "pixel by pixel from the same corner"
        elif abs(ratio[0] / ratio[1] - 1) < ALIKE and not swapped:
            x, y = (columns + 0.5) * ratio[1] - 0.5, (rows + 0.5) * ratio[0] - 0.5
            how = f"by its scale ({ratio.mean():.2f})"
        else:
            why = "rows and columns are swapped" if swapped else "not the same field"
            raise CubeRejected("mask_unusable", f"{path}: the mask has shape {image.shape}, the cube {shape}: {why}")
    x, y = np.floor(x + 0.5), np.floor(y + 0.5)
    inside = (x >= 0) & (y >= 0) & (x < image.shape[1]) & (y < image.shape[0])
    if not inside.any():
        raise CubeRejected("mask_unusable", f"{path}: by its coordinates the mask of {image.shape} spaxels shows another part of the sky")
    out = np.zeros(shape, np.int8)
    out[inside] = image[y[inside].astype(int), x[inside].astype(int)]
    cube.notes.append(f"{path}: mask of {image.shape} spaxels laid on the cube's {shape} {how}")
    return out


def _by_sky(header, cube, path):
    """(x, y) of the cube's spaxels in a mask by the coordinates in its header; None if it, or the cube, has none."""
    if header is None or cube.sky is None:
        return None
    try:
        own = sky(header, path, cube.notes)  # by the rules of cubes: whoever wrote both wrote the same slips into both
    except CubeRejected as error:
        why = error.detail.removeprefix(f"{path}: ")
        raise CubeRejected("mask_unusable", f"{path}: the coordinates in its header cannot be used: {why}") from None
    rows, columns = np.indices(cube.field.shape)
    return own and own.to_pixel(*cube.sky.to_sky(columns, rows))
