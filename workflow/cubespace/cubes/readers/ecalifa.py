"""CALIFA: eCALIFA (drscube, v2.3) and DR3 (rscube, v2.2), which share their layout.

HDUs by name, in any order: PRIMARY flux, ERROR, BADPIX (not 0 = bad), FLAT (0 = outside the field), GAIA_MASK
(> 0 = foreground star; eCALIFA only); ERRWEIGHT and FIBCOVER are not needed. Layout: Sanchez et al. 2023
(eCALIFA),
Sanchez et al. 2016 (DR3). The noise plane may also have one of the other customary names, see `NOISE`.
"""

import numpy as np

from cubespace.cubes import masks
from cubespace.cubes.cube import Cube
from cubespace.cubes.readers import header as cards
from cubespace.errors import CubeRejected

NAME = "ecalifa"
EXPECTED = "CALIFA: PRIMARY (3-D), ERROR, BADPIX, FLAT, GAIA_MASK"
NOISE = {"ERROR": "sigma", "ERR": "sigma", "STDDEV": "sigma", "VAR": "variance", "VARIANCE": "variance",
         "STAT": "variance", "IVAR": "inverse variance"}  # fmt: skip
KEPT = ("OBJECT", "CALIFAID", "PIPE VERS", "PIPE UNITS", "BUNIT", "DATE-OBS", "V500 PIPE GALEXT COR")
PIXEL_ARCSEC = {"ecalifa": 0.5, "califa_dr3": 1.0}


def wants(name):
    """HDUs beside the primary one that are needed."""
    return name in NOISE or name in ("BADPIX", "FLAT", "GAIA_MASK")


def recognises(hdus):
    """A primary image with a noise plane of the same shape."""
    return bool(hdus) and hdus[0].data is not None and _noise(hdus) is not None


def _noise(hdus):
    shape = _squeezed(hdus[0].shape)
    return next(
        (u for u in hdus[1:] if u.name in NOISE and u.data is not None and _squeezed(u.shape) == shape), None
    )


def _squeezed(shape):
    """Shape without degenerate axes beyond the third."""
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    return tuple(shape)


def read(hdus, path, unknown_unit="assume"):
    """Make a `Cube` of the HDUs of a CALIFA file."""
    notes, primary = [], hdus[0]
    shape = _squeezed(primary.shape)
    if len(shape) != 3:
        raise CubeRejected(
            "not_a_cube", f"{path}: PRIMARY has shape {primary.shape}; (wavelength, y, x) is expected"
        )
    by_name = {unit.name: unit for unit in reversed(hdus[1:])}
    head = primary.header
    survey = "ecalifa" if "GAIA_MASK" in by_name else "califa_dr3"
    axis = cards.wavelengths(head, shape[0], path, notes)
    unit = cards.flux_scale(head, path, notes, unknown_unit)
    pixel = cards.pixel_scale(head, path)
    if pixel is None:
        pixel = PIXEL_ARCSEC[survey]
        notes.append(f"{path}: no pixel scale in the header: {pixel} arcsec, the survey's, assumed")

    flux = primary.data.reshape(shape).astype(np.float32, copy=False)
    noise = _noise(hdus)
    sigma = _sigma(noise.data.reshape(shape), NOISE[noise.name])
    primary.data = noise.data = None
    if unit != 1.0:
        flux *= np.float32(unit)
        sigma *= np.float32(unit)
    flagged = _plane(by_name, "BADPIX", shape, path)
    if flagged is None:
        notes.append(f"{path}: no BADPIX: bad samples known by their flux and error alone")
    bad = masks.bad_samples(flux, sigma, flagged)
    flat = _plane(by_name, "FLAT", shape[1:], path)
    gaia = _plane(by_name, "GAIA_MASK", shape[1:], path)
    if gaia is None:
        notes.append(f"{path}: no GAIA_MASK: no foreground stars masked")
    return Cube(
        flux=flux, sigma=sigma, bad=bad, wavelength=axis, pixel_arcsec=pixel, path=path, unit_scale=unit,
        star=np.zeros(shape[1:], bool) if gaia is None else gaia > 0,
        field=masks.field_of_view(flux, bad, flat), survey=survey,
        reference=cards.sky_reference(head, path),
        header={key: value for key in KEPT if (value := cards.text(head, key))}, notes=notes,
    )  # fmt: skip


def _plane(by_name, name, shape, path):
    """Data of a companion HDU, checked against the flux; None if the file has none."""
    unit = by_name.get(name)
    if unit is None or unit.data is None:
        return None
    found = unit.shape
    while len(found) > len(shape) and found[0] == 1:
        found = found[1:]
    if found != tuple(shape):
        raise CubeRejected(
            "shape_mismatch", f"{path}: {name} has shape {unit.shape}, the flux asks for {tuple(shape)}"
        )
    return unit.data.reshape(shape)


def _sigma(values, kind):
    values = values.astype(np.float32, copy=False)
    if kind == "sigma":
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(values) if kind == "variance" else 1 / np.sqrt(values)
