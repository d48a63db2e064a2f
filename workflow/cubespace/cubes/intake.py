"""A galaxy's cube with all that is to be left out of it: the one way in which steps open a cube."""

from cubespace.cubes import foreground
from cubespace.cubes.readers import read_cube

READING = ("unknown_unit", "mapping", "unstated_medium", "checksum", "verify")


def open_cube(path, galaxy, settings, mask=None, stars=None):
    """Read a cube, add the circles of a list of stars, and read the galaxy's mask file.

    Parameters
    ----------
    path : path of the cube
    galaxy : str
    settings : dict
        Its keys `READING` go to `read_cube`.
    mask : path of a mask file, or None (`foreground.read_flags`)
    stars : path of a list of stars, or None (`foreground.read_stars`)

    Returns
    -------
    (`Cube`, int8 (ny, nx) or None): the flags have the last word over stars, see `masks.manual_mask`

    Raises
    ------
    CubeRejected
    """
    cube = read_cube(path, **{key: settings[key] for key in READING if key in settings})
    if stars is not None:
        cube.star = cube.star | foreground.star_circles(cube, *foreground.read_stars(stars))
    return cube, None if mask is None else foreground.read_flags(mask, galaxy, cube)
