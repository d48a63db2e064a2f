"""Any cube that names its HDUs in one of the customary ways, of no survey we know.

Flux: FLUX, SCI, DATA or the primary image; noise by name and unit (see `assemble.NOISE`); flags: BADPIX, MASK, DQ,
BAD, FLAGS ..., not 0 = bad; WAVE, LAMBDA ... of as many samples: wavelengths, to check the header's or instead of them. What is missing or not used is noted. Anything else takes ``cubes.mapping``.
"""

from cubespace.cubes.readers.assemble import (
    CUSTOMARY,
    FLAGS,
    NOISE,
    PLANES,
    Layout,
    is_cube,
    named,
    noise_of,
    planes_of,
    squeezed,
    unused_note,
)

NAME = "generic"
EXPECTED = f"any cube: FLUX, SCI, DATA or PRIMARY (3-D), with one of {', '.join(CUSTOMARY)} (or FLUX_ERR and the like)"
FLUXES = ("FLUX", "SCI", "DATA", "PRIMARY")
WAVES = ("WAVE", "WAVELENGTH", "WAVELENGTHS", "LAMBDA", "LAM")
HDUS = (*FLUXES, *NOISE, *PLANES, *WAVES)
LAST = ()


def layout(hdus):
    """`Layout` of a cube with customary names, or None."""
    flux = next((unit for name in FLUXES if is_cube(unit := named(hdus, name))), None)
    noise, kind = noise_of(hdus)
    if flux is None or noise is None or noise.data is None:
        return None
    planes = planes_of(hdus, flux)
    notes = ["no survey that is known: HDUs taken by their customary names"]
    if planes["flags"] is None:
        notes.append(f"none of {', '.join(FLAGS)}: bad samples known by their flux and error alone")
    if planes["star"] is None:
        notes.append("no GAIA_MASK: no foreground stars masked")
    lines = [unit for unit in hdus if unit.name in WAVES and len(unit.shape) == 1]
    wave = named([unit for unit in lines if unit.shape[0] == squeezed(flux.shape)[0]], *WAVES)
    notes += [f"HDU {unit.index} {unit}: not the wavelengths of {flux}, or not the first: not used" for unit in lines if unit is not wave]
    notes += unused_note(hdus, flux, noise, *planes.values())
    return Layout(NAME, flux, noise, kind, wave=wave, by_custom=True, expected=tuple(notes), **planes)
