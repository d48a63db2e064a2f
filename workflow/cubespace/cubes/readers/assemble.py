"""From the HDUs of a file, each with its meaning, to a `Cube`: the part that all surveys share."""

import re
from dataclasses import dataclass

import numpy as np

from cubespace.cubes import masks
from cubespace.cubes.cube import Cube
from cubespace.cubes.readers import axis as spectral
from cubespace.cubes.readers import flux_units as units
from cubespace.cubes.readers import header as cards
from cubespace.cubes.readers.container import Hdu
from cubespace.errors import CubeRejected

MAX_RATIO = 1e3  # of the units of noise and flux: more is a misprint
LEVEL = (1e-8, 1e6)  # of the median |flux| [1e-16 erg/s/cm2/A]: no spaxel of a galaxy is so faint or bright, its unit is wrong
MOST_FLAGGED = 0.95  # share of the samples that are flagged: more is a mask of the good ones
EXTREME = 1e30  # a factor beyond it, or its inverse, leaves nothing that float32 can hold
SIGMA, VARIANCE, IVAR = "sigma", "variance", "inverse variance"
CUSTOMARY = {
    "ERROR": SIGMA, "ERR": SIGMA, "ERRORS": SIGMA, "STDDEV": SIGMA, "SIGMA": SIGMA, "STD": SIGMA, "NOISE": SIGMA,
    "UNCERT": SIGMA, "UNCERTAINTY": SIGMA, "UNCERTAINTIES": SIGMA, "UNC": SIGMA, "STDEV": SIGMA, "STDERR": SIGMA, "RMS": SIGMA,
    "RMSE": SIGMA, "STAT": VARIANCE, "VAR": VARIANCE, "VARIANCE": VARIANCE, "IVAR": IVAR, "INVVAR": IVAR, "INVERSEVARIANCE": IVAR,
}  # fmt: skip
FLAGS = ("BADPIX", "MASK", "DQ", "BAD", "FLAGS", "FLAG", "BPM", "BADPIXELS", "QUALITY", "QUAL")
PLANES = (*FLAGS, "GAIA_MASK", "FLAT")
_PARTED = {"STDDEV": "STD_DEV", "INVVAR": "INV_VAR", "INVERSEVARIANCE": "INVERSE_VARIANCE"}
_VAGUE = ("ERROR", "ERR", "ERRORS", "NOISE", "UNCERT", "UNCERTAINTY", "UNCERTAINTIES", "UNC")  # errors in any form: 1 sigma by custom only


def _spellings(name):
    """A customary name, alone or beside the name of what it is the error of: FLUX_ERR, ERR-FLUX, SCI ERR, FLUXERR; and E_FLUX."""
    words = dict.fromkeys((name, _PARTED.get(name, name)))
    parts = [(word,) for word in words if word != "E"]
    for word in words if name != "STAT" else ():
        for of in ("FLUX", "DATA", "SCI"):
            parts += [(word, of)] + ([(of, word)] if word != "E" else [])
    return [joint.join(part).replace("_", joint) for part in parts for joint in ("_", "", "-", " ")]


NOISE = CUSTOMARY | {spelling: kind for name, kind in (CUSTOMARY | {"E": SIGMA}).items() for spelling in _spellings(name)}
VAGUE = frozenset(spelling for name in (*_VAGUE, "E") for spelling in _spellings(name))
# What a card says of the HDU that it is in: HDUCLAS3 of ESO and SDSS, UTYPE of astropy's CCDData.
STATED = {
    "RMSE": SIGMA, "MSE": VARIANCE, "INVMSE": IVAR, "INVRMSE": "inverse sigma",
    "STDDEVUNCERTAINTY": SIGMA, "VARIANCEUNCERTAINTY": VARIANCE, "INVERSEVARIANCE": IVAR, "STD": SIGMA, "STDDEV": SIGMA,
    "SIGMA": SIGMA, "VAR": VARIANCE, "VARIANCE": VARIANCE, "IVAR": IVAR, "INVVAR": IVAR,
}  # fmt: skip
SAYING = ("HDUCLAS3", "UTYPE")
AXES = (  # cards of the sky, and of the wavelengths; those of each that are the numbers of an axis
    (re.compile(r"(CTYPE|CUNIT|CRVAL|CRPIX|CDELT|CROTA)[12]|(CD|PC)[12]_[12]"), re.compile(r"(CRVAL|CRPIX|CDELT|CROTA)[12]|(CD|PC)[12]_[12]")),
    (re.compile(r"(CTYPE|CUNIT|CRVAL|CRPIX|CDELT)3|(CD|PC)3_[123]|DC-FLAG"), re.compile(r"(CRVAL|CRPIX|CDELT)3|(CD|PC)3_[123]")),
)
KEPT = (
    "OBJECT", "CALIFAID", "MANGAID", "PLATEIFU", "INSTRUME", "TELESCOP", "PIPE VERS", "PIPE UNITS", "BUNIT", "DATE-OBS",
    "V500 PIPE GALEXT COR", "MED_VEL",
)  # fmt: skip


@dataclass
class Layout:
    """What the HDUs of a file mean.

    survey : name for the `Cube`
    flux, noise : `Hdu` with data; kind : SIGMA, VARIANCE or IVAR
    flags : `Hdu` or None, not 0 = bad, or only where one of `bad_bits` (bit numbers) is set
    star : `Hdu` (y, x) or None, > 0 = star; star_bit : bit of `flags` that marks stars, or None
    flat : `Hdu` (y, x) or None, 0 = outside the field
    wave : `Hdu` (wavelength,) in A or as its BUNIT says, or None, to check the header's axis against, or instead of one
    by_custom : `wave` is known by its name alone, and may be something else
    unit : documented flux unit [erg/s/cm2/A] or None; stated_unit : unit that overrules the header, in words
    medium : documented "air" or "vacuum" or None; overrule : it goes before the header
    pixel_arcsec : documented spaxel [arcsec] or None
    axes : (first, step) [A] of the survey's set-ups; another axis is worth a note
    expected : remarks on what is not as usual in the file
    """

    survey: str
    flux: Hdu
    noise: Hdu
    kind: str
    flags: Hdu | None = None
    bad_bits: tuple = ()
    star: Hdu | None = None
    star_bit: int | None = None
    flat: Hdu | None = None
    wave: Hdu | None = None
    by_custom: bool = False
    unit: float | None = None
    stated_unit: str | None = None
    medium: str | None = None
    overrule: bool = False
    pixel_arcsec: float | None = None
    axes: tuple = ()
    expected: tuple = ()


def named(hdus, *names):
    """The HDU with one of these names, the first name that is there; None if none is.

    Raises CubeRejected (``hdu_ambiguous``) if there are two of one name: which of them is meant cannot be known.
    """
    for name in names:
        found = [unit for unit in hdus if unit.name == name]
        if len(found) > 1:
            listed = ", ".join(f"HDU {unit.index} {unit}" for unit in found)
            raise CubeRejected("hdu_ambiguous", f"{len(found)} HDUs of the name {name}: {listed}")
        if found:
            return found[0]
    return None


def noise_of(hdus):
    """(HDU, kind) of the noise by its customary name, (None, "") if there is none; of several the first in `NOISE`."""
    unit = named(hdus, *NOISE)
    return (unit, "") if unit is None else (unit, noise_kind(unit, NOISE[unit.name]))


def planes_of(hdus, flux, *flags):
    """{"flags", "star", "flat": HDU or None} by the customary names, images of the shape that the flux asks for only (a table, or a mask
    of spaxels, may have the same name); of several with flags that of a name in `flags`, or the first in `FLAGS`."""
    shape = squeezed(flux.shape)
    cubes, fields = ([unit for unit in hdus if _fits(unit, sides)] for sides in (shape, shape[1:]))
    return {"flags": named(cubes, *flags, *FLAGS), "star": named(fields, "GAIA_MASK"), "flat": named(fields, "FLAT")}


def unused_planes_note(hdus, *used):
    """A note on HDUs with the name of a mask that are not used, in a tuple; () if there are none."""
    return unused_note([unit for unit in hdus if unit.name in PLANES], *used)


def unused_note(hdus, *used):
    """A note on the images, and whatever has the name of a mask, that are not used, in a tuple; () if there are none."""
    named_or_image = [unit for unit in hdus if len(unit.shape) >= 2 or unit.name in PLANES]
    others = [f"{unit.index} {unit}" for unit in named_or_image if not any(unit is one for one in used)]
    return (f"HDUs that are not used: {'; '.join(others)}",) if others else ()


def noise_kind(unit, custom):
    """SIGMA, VARIANCE or IVAR: what an HDU of noise holds, by its cards HDUCLAS3 and UTYPE, else `custom`.

    CubeRejected (``hdu_ambiguous``) where a card goes against a name that says the form, or against the other card; or a
    unit that is plainly squared against either of them, and the other way round.
    """
    where = f"HDU {unit.index} {unit.name}"
    said = {f"{key} = {value!r}": STATED[value.upper()] for key in SAYING
            if (value := cards.required_text(unit.header, key, where)).upper() in STATED}  # fmt: skip
    kind = next(iter(said.values()), custom)
    contrary = [f"{kind} by {card}" for card, kind in said.items() if kind != custom]
    if contrary and (unit.name not in VAGUE or len(set(said.values())) > 1 or kind not in NOISE.values()):
        raise CubeRejected("hdu_ambiguous", f"{where} is {custom} by its name and {' and '.join(contrary)}; say which in cubes.mapping")
    stated = units.noise_unit(cards.required_text(unit.header, "BUNIT", where))
    if stated and stated[0] not in (SIGMA, kind):  # a BUNIT equal to that of the flux is often just copied
        raise CubeRejected(
            "hdu_ambiguous",
            f"{where} is {kind} by its {'card' if said else 'name'} and {stated[0]} by its unit "
            f"{cards.text(unit.header, 'BUNIT')!r}; say which in cubes.mapping",
        )
    return kind


def squeezed(shape):
    """Shape without degenerate axes beyond the third."""
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    return tuple(shape)


def is_cube(unit):
    """True for an HDU with an image of three or more axes."""
    return unit is not None and unit.data is not None and len(unit.shape) >= 3


def assemble(layout, hdus, path, unknown_unit="survey", unstated_medium="air"):
    """Make a `Cube`; the arrays of `layout` are consumed.

    Raises
    ------
    CubeRejected
        ``not_a_cube``, ``shape_mismatch``, ``wrong_dtype``, ``header_card``, ``wavelength_axis``, ``unit_unknown``.
    """
    notes = [f"{path}: {note}" for note in layout.expected]
    if layout.kind != NOISE.get(layout.noise.name, layout.kind):
        notes.append(f"{path}: HDU {layout.noise.index} {layout.noise.name} holds the {layout.kind}, as a card or cubes.mapping says")
    if layout.noise.name in VAGUE:
        odd = {key: value for key in SAYING if (value := cards.text(layout.noise.header, key)) and value.upper() not in STATED}
        notes += [f"{path}: HDU {layout.noise.index} {layout.noise.name}: {key} = {value!r} is not understood: {layout.kind}" for key, value in odd.items()]
    shape = squeezed(layout.flux.shape)
    where = f"{path}: HDU {layout.flux.index} {layout.flux.name}"
    if len(shape) != 3:
        raise CubeRejected(
            "not_a_cube", f"{where} has the shape {layout.flux.shape}; (wavelength, y, x) is expected"
        )
    noise = _reals(_fitting(layout.noise, shape, path))
    for unit in (layout.flux, layout.noise):
        _check_numbers(unit, path)
    primary = next((unit for unit in hdus if unit.index == 0 and unit is not layout.flux), None)
    head = _Headers(layout.flux.header, primary and primary.header, primary and squeezed(primary.shape) in ((), shape))
    wavelength, medium = _wavelength(layout, head, shape, path, notes, unstated_medium)
    pixel = cards.pixel_scale(head, path, notes)
    if pixel is None:
        pixel = layout.pixel_arcsec
        if pixel is None:
            raise CubeRejected("header_card", f"{path}: no pixel scale: CDi_j or CDELT1 and CDELT2 are expected")
        notes.append(f"{path}: no pixel scale in the header: {pixel} arcsec, the survey's, assumed")
    scale, noise_scale = _units(layout, head, path, notes, unknown_unit, pixel)
    flags = _fitting(layout.flags, shape, path)
    star = _fitting(layout.star, shape[1:], path)
    flat = _fitting(layout.flat, shape[1:], path)

    provenance = {
        key: f"HDU {unit.index} {unit}"
        for key in ("flux", "noise", "flags", "star", "flat", "wave")
        if (unit := getattr(layout, key)) is not None
    } | {"noise kind": layout.kind, "medium": medium}
    flux = _reals(layout.flux.data.reshape(shape))
    for code, times in masks.codes_for_missing(flux):
        notes.append(f"{where}: {code:g} stands in {times} of {flux.size} samples, for a missing value: bad")
        flux[flux == flux.dtype.type(code)] = np.nan
    flux = _float32(flux, SIGMA, scale)
    layout.flux.data = None
    sigma = _float32(noise, layout.kind, noise_scale)
    layout.noise.data = noise = None
    if wavelength[0] > wavelength[-1]:
        notes.append(f"{path}: wavelengths decrease along the axis: turned round")
        wavelength = wavelength[::-1].copy()
        flux, sigma = np.ascontiguousarray(flux[::-1]), np.ascontiguousarray(sigma[::-1])
        flags = None if flags is None else flags[::-1]
    flagged, stars = _flags(layout, flags, path)
    bad = masks.bad_samples(flux, sigma, flagged)
    if flagged is not None and (share := np.count_nonzero(flagged) / flagged.size) > MOST_FLAGGED:
        notes.append(f"{path}: HDU {layout.flags.index} {layout.flags.name} flags {100 * share:.3g} % of the samples: is 1 good in it?")
    _check_level(flux, bad, scale, path)
    if star is not None:
        stars = star > 0 if stars is None else stars | (star > 0)
    return Cube(
        flux=flux, sigma=sigma, bad=bad, star=np.zeros(shape[1:], bool) if stars is None else stars,
        field=masks.field_of_view(flux, bad, flat), wavelength=wavelength, pixel_arcsec=pixel, path=path,
        unit_scale=scale, survey=layout.survey, medium=medium, sky=cards.sky(head, path, notes),
        header={key: value for key in KEPT if (value := cards.text(head, key))}, provenance=provenance, notes=notes,
    )  # fmt: skip


class _Headers:
    """Headers searched in turn: that of the flux, then the primary one.

    The cards of the sky axes, and those of the wavelength axis, are all of one: the primary header's if that of the flux has none
    of their numbers, and the primary HDU has no image (`bare`) that they may be of instead. Where only the primary one has
    numbers, a unit or kind that it does not state is that of the flux.
    """

    def __init__(self, own, primary=None, bare=True):
        self.headers = [own] if primary is None else [own, primary]
        self._of_axes = {}
        for cards_of, numbers in AXES:
            of_both = self.headers[::-1] if primary is not None and primary.has(numbers) else self.headers
            self._of_axes[cards_of] = [own] if own.has(numbers) or not bare else of_both

    def _searched(self, key):
        return next((headers for cards_of, headers in self._of_axes.items() if cards_of.fullmatch(key)), self.headers)

    def _owner(self, key):
        searched = self._searched(key)
        return next((head for head in searched if key in head), searched[0])

    def __contains__(self, key):
        return any(key in head for head in self._searched(key))

    def values(self, key):
        return self._owner(key).values(key)

    def raw(self, key):
        return self._owner(key).raw(key)


def _wavelength(layout, head, shape, path, notes, unstated):
    """(wavelength in air [A], medium of the file)."""
    stated = None if layout.overrule else spectral.medium(head, path, notes, layout.medium, unstated)
    medium = stated or layout.medium
    axis = spectral.wavelengths(head, shape[0], path, notes, shape[1:]) if layout.wave is None or "CRVAL3" in head else None
    if layout.wave is not None:
        where = f"HDU {layout.wave.index} {layout.wave.name}"
        values = _fitting(layout.wave, shape[:1], path).astype(float)
        unit = cards.required_text(layout.wave.header, "BUNIT", f"{path}: {where}")
        axis, used = spectral.compared(axis, values, unit, where, path, notes, layout.by_custom)
        layout.wave = layout.wave if used else None
    if layout.axes and not any(np.allclose((axis[0], axis[1] - axis[0]), known, rtol=1e-4) for known in layout.axes):
        known = ", ".join(f"{first:g} A + {step:g} A" for first, step in layout.axes)
        notes.append(f"{path}: the axis starts at {axis[0]:.2f} A in steps of {axis[1] - axis[0]:.4g} A; the survey has {known}")
    if medium == "vacuum":
        notes.append(f"{path}: wavelengths in vacuum converted to air")
        axis = spectral.air(axis)
    return axis, medium


def _units(layout, head, path, notes, unknown, pixel):
    """Factors of the flux and of the root of the noise to 1e-16 erg/s/cm2/A."""
    if layout.stated_unit:
        scale = units.flux_density(layout.stated_unit, pixel)
        if scale is None:
            raise CubeRejected("unit_unknown", f"{path}: cubes.mapping says the unit is {layout.stated_unit!r}")
        return (float(f"{scale / units.OURS:.12g}"),) * 2
    scale = units.flux_scale(head.headers, path, notes, unknown, layout.unit, pixel)
    where = f"{path}: HDU {layout.noise.index} {layout.noise.name}"
    written = cards.required_text(layout.noise.header, "BUNIT", where)
    stated = units.noise_unit(written, pixel)
    if stated is None:
        if written.lower() not in units.PLACEHOLDERS and written != cards.text(head, "BUNIT"):
            if units.is_no_flux(written):
                raise CubeRejected("unit_unknown", f"{where}: BUNIT = {written!r} is no unit of the error of a flux density; cubes.mapping overrules it")
            notes.append(f"{where}: BUNIT = {written!r} is not understood: the unit of the flux taken")
        return scale, scale
    if stated[0] not in (SIGMA, layout.kind):
        notes.append(f"{where}: {stated[0]} by its unit {written!r}, {layout.kind} by cubes.mapping, which goes before")
    noise_scale = float(f"{stated[1] / units.OURS:.12g}")
    if not 1 / MAX_RATIO < noise_scale / scale < MAX_RATIO:
        raise CubeRejected(
            "unit_unknown",
            f"{path}: HDU {layout.noise.index} {layout.noise.name} in {noise_scale:g}, the flux in {scale:g} of 1e-16 erg/s/cm2/A: "
            "one of the units is wrong",
        )
    if not np.isclose(scale, noise_scale, rtol=1e-6):
        notes.append(f"{path}: the {layout.kind} is in another unit than the flux: {noise_scale:g} to {scale:g} of 1e-16 erg/s/cm2/A")
    return scale, noise_scale


def _check_level(flux, bad, scale, path):
    """A flux far from that of any galaxy has a wrong unit: a sign lost in its power, or none at all."""
    step = max(1, len(flux) // 16)
    values = np.abs(flux[::step][~bad[::step]])
    values = values[values > 0]
    if not 1 / EXTREME < scale < EXTREME or (values.size and not LEVEL[0] <= np.median(values) <= LEVEL[1]):
        found = f"{np.median(values):.2g}" if values.size else "none"
        raise CubeRejected(
            "unit_unknown",
            f"{path}: with the unit {scale:g} x 1e-16 erg/s/cm2/A the median |flux| is {found} x 1e-16; {LEVEL[0]:g} to {LEVEL[1]:g} "
            "are expected: the unit, or the numbers, are wrong",
        )


def _check_numbers(unit, path):
    """Fluxes and errors are reals, or integers with a scale: whole numbers as they are come from a damaged BITPIX."""
    if unit.dtype.startswith(("int", "uint")) and "BSCALE" not in unit.header:
        raise CubeRejected(
            "wrong_dtype",
            f"{path}: HDU {unit.index} {unit.name} holds {unit.dtype} without BSCALE; reals, or integers with "
            "BSCALE, are expected",
        )


def _fits(unit, shape):
    """True for an image of this shape, degenerate axes before it left aside."""
    found = tuple(unit.shape)
    while len(found) > len(shape) and found[0] == 1:
        found = found[1:]
    return unit.data is not None and found == tuple(shape)


def _fitting(unit, shape, path):
    """Data of an HDU in the shape that the flux asks for; None for None."""
    if unit is None:
        return None
    if not _fits(unit, shape):
        what = f"has the shape {unit.shape}" if unit.data is not None else "holds no image"
        raise CubeRejected(
            "shape_mismatch",
            f"{path}: HDU {unit.index} {unit.name} {what}, the flux asks for {tuple(shape)}",
        )
    return unit.data.reshape(shape)


def _reals(values):
    """Whole numbers as float64, as they may be multiplied, have roots and be set to NaN; reals as they are."""
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _float32(values, kind, scale):
    """float32 values times `scale`, or sigma times `scale` of a variance; in place where they are float32."""
    out = values if values.dtype == np.float32 else np.empty(values.shape, np.float32)
    if out is values and kind == SIGMA and scale == 1.0:
        return out
    scale = values.dtype.type(scale)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        for plane, target in zip(values, out, strict=True):  # plane by plane: in cache, and no second cube
            if kind == SIGMA:
                target[...] = plane * scale
            elif kind == VARIANCE:
                target[...] = np.sqrt(plane) * scale
            else:
                target[...] = scale / np.sqrt(plane)
    return out


def _flags(layout, flags, path):
    """(flags for `masks.bad_samples` or None, stars (ny, nx) or None)."""
    if flags is None or not (layout.bad_bits or layout.star_bit is not None):
        return flags, None
    lost = np.False_
    if flags.dtype.kind == "f":
        lost = np.isnan(flags)  # BLANK: nothing is known of the sample
        flags = np.where(lost, 0, flags)
        with np.errstate(invalid="ignore"):
            whole = flags.astype(np.int64)
        if not np.array_equal(whole, flags):
            raise CubeRejected(
                "wrong_dtype", f"{path}: HDU {layout.flags.index} {layout.flags.name} holds no whole numbers: no bits"
            )
        flags = whole
    stars = None
    if layout.star_bit is not None:
        stars = _set(flags, (layout.star_bit,)).any(axis=0)
    bad = _set(flags, layout.bad_bits) if layout.bad_bits else flags
    return (bad | lost if lost.any() else bad), stars


def _set(flags, bits):
    """Bool: whole numbers that have one of these bits; the sign is the highest, those beyond it are set nowhere."""
    plain = flags.view(f"u{flags.dtype.itemsize}")
    return plain & plain.dtype.type(sum(1 << bit for bit in set(bits) if bit < 8 * flags.dtype.itemsize)) != 0
