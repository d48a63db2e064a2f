"""The wavelength axis: linear or logarithmic, in any unit of length, in air or vacuum."""

import math

import numpy as np

from cubespace.cubes.readers.header import number, required_text
from cubespace.errors import CubeRejected

# Units without blanks, in small letters.
ANGSTROM = {
    "": 1.0, "angstrom": 1.0, "angstroms": 1.0, "angstroem": 1.0, "ang": 1.0, "a": 1.0, "aa": 1.0, "0.1nm": 1.0,
    "nm": 10.0, "nanometer": 10.0, "nanometers": 10.0, "um": 1e4, "micron": 1e4, "microns": 1e4, "micrometer": 1e4,
    "micrometers": 1e4, "mm": 1e7, "cm": 1e8, "m": 1e10, "meter": 1e10, "meters": 1e10, "10^-10m": 1.0, "10**-10m": 1.0,
    "10**(-10)m": 1.0, "1e-10m": 1.0,
}  # fmt: skip
LOGARITHMS = ("log(angstrom)", "log10(angstrom)", "logangstrom", "log(a)", "log10(a)", "log(aa)", "log10(aa)", "dex(angstrom)",
              "dex", "log(lambda)", "log10(lambda)", "log", "log10")  # fmt: skip
NATURAL = ("ln(angstrom)", "lnangstrom", "ln(a)", "ln(aa)", "ln(lambda)", "ln")
LINEAR = ("", "LINEAR", "LAMBDA", "WAVELENGTH", "WAVELEN", "ANGSTROM", "ANGSTROMS", "WAVE", "AWAV", "WAVE-LIN", "AWAV-LIN",
          "SPECTRAL", "SPECTRUM")  # fmt: skip
LOG = ("WAVE-LOG", "AWAV-LOG", "WAVELENGTH-LOG", "LAMBDA-LOG", "LOG-WAVE", "LOG", "LOGLAM", "LOGLAMBDA", "LOGWAVE", "LOG10")
MEDIA = {"air": ("air", "f", "false", "0"), "vacuum": ("vac", "vacuum", "t", "true", "1")}
PLAUSIBLE = (1000.0, 50000.0)  # optical and near infrared [A]: outside, an axis was misread
SAME = 1e-6  # relative: 0.3 km/s
OTHERWISE = ("A", "nm", "um", "log10(A)")  # what wavelengths may be in, whatever is stated
SMALLEST_STEP = 0.01  # [A], on average: a spectrograph of R = 500,000; less is a step in dex or metres


def air(vacuum):
    """Wavelength [A] in air of a wavelength [A] in vacuum; float64, same shape.

    Refractive index of standard dry air (15 C, 101325 Pa, 450 ppm CO2): Ciddor 1996, Applied Optics 35, 1566, eq. 1;
    good to 1e-8 between 2300 and 17000 A. Within 1e-7 of Morton 2000, ApJS 130, 403.
    """
    inverse = (1e4 / np.asarray(vacuum, float)) ** 2  # [1/um2]
    return np.asarray(vacuum, float) / (
        1 + 0.05792105 / (238.0185 - inverse) + 0.00167917 / (57.362 - inverse)
    )


def medium(header, path, notes, documented=None, unstated="air"):
    """ "air" or "vacuum": what the wavelengths of a file are in.

    In this order: the card AIRORVAC or VACUUM; CTYPE3 (AWAV is air, WAVE is vacuum: Greisen et al. 2006, table 1);
    what the survey documents; the configuration's `unstated`.
    """
    stated = {}
    for key in ("AIRORVAC", "VACUUM"):
        said = required_text(header, key, path).lower()
        meaning = next((word for word, texts in MEDIA.items() if said in texts), None)
        if meaning:
            stated[key] = meaning
        elif said:
            notes.append(f"{path}: {key} = {said!r} is not understood: ignored")
    if len(set(stated.values())) > 1:
        raise CubeRejected("wavelength_axis", f"{path}: AIRORVAC says {stated['AIRORVAC']}, VACUUM {stated['VACUUM']}")
    if stated:
        return next(iter(stated.values()))
    kind = required_text(header, "CTYPE3", path).upper()
    if kind == "AWAV" or kind.startswith("AWAV-"):
        return "air"
    if kind == "WAVE" or kind.startswith("WAVE-"):
        return "vacuum"
    return documented or unstated


def wavelengths(header, n, path, notes, shape=(1, 1)):
    """Observed wavelength [A], float64 (n,), along the third FITS axis, as stated (air or vacuum, any direction).

    Step from ``CD3_3``, else ``CDELT3 PC3_3``. Linear; logarithmic by CTYPE3 = WAVE-LOG (Greisen et al. 2006,
    eq. 5: lambda = CRVAL exp(CD (i - CRPIX) / CRVAL)), by DC-FLAG = 1 or a unit such as log(Angstrom)
    (lambda = 10^(CRVAL + CD (i - CRPIX))), or by values that can only be log10 or ln of Angstrom.

    Parameters
    ----------
    shape : (ny, nx)
        To judge whether off-diagonal elements of the matrix matter.

    Raises
    ------
    CubeRejected
        ``wavelength_axis`` or ``header_card`` naming the cards, if they are missing, contradict each other or give
        no plausible monotonic axis.
    """
    start, pixel = number(header, "CRVAL3", path), number(header, "CRPIX3", path)
    step = _step(header, path, notes, shape)
    missing = [key for key, value in (("CRVAL3", start), ("CRPIX3", pixel), ("CD3_3 or CDELT3", step)) if value is None]
    if missing:
        raise CubeRejected("wavelength_axis", f"{path}: {', '.join(missing)} expected, not found")
    unit = squeezed(required_text(header, "CUNIT3", path))
    kind = required_text(header, "CTYPE3", path).upper()
    flag = number(header, "DC-FLAG", path, 0.0)
    cards = f"CRVAL3 = {start}, CRPIX3 = {pixel}, step = {step}, CUNIT3 = {unit!r}, CTYPE3 = {kind!r}"
    if unit not in ANGSTROM and unit not in LOGARITHMS + NATURAL:
        raise CubeRejected("wavelength_axis", f"{path}: CUNIT3 = {unit!r} is not a known unit of length")
    if kind not in LINEAR and kind not in LOG:
        raise CubeRejected(
            "wavelength_axis",
            f"{path}: CTYPE3 = {kind!r} is no wavelength axis that is understood: {', '.join(filter(None, LINEAR + LOG))} are",
        )
    if required_text(header, "SPECSYS", path).upper() == "SOURCE":
        raise CubeRejected("wavelength_axis", f"{path}: SPECSYS = 'SOURCE': wavelengths at rest; observed ones are expected, as they are shifted by the redshift")
    offset = np.arange(1, n + 1) - pixel
    tiny = abs(step) < 0.01 and ANGSTROM.get(unit, 1.0) == 1.0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if unit in NATURAL or (tiny and 6.9 < start < 10.83):
            axis, form = np.exp(start + step * offset), "ln"
        elif unit in LOGARITHMS or flag == 1 or (tiny and 3.0 < start < 4.7):
            axis, form = 10.0 ** (start + step * offset), "log10"
        elif kind in LOG:
            axis, form = start * np.exp(step * offset / start) * ANGSTROM[unit], ""
        else:
            axis, form = (start + step * offset) * ANGSTROM[unit], ""
    if form:
        notes.append(f"{path}: axis taken as {form}(wavelength / Angstrom): {cards}")
    elif not unit:
        notes.append(f"{path}: no CUNIT3: Angstrom assumed")
    check(axis, path, cards)
    return axis


def squeezed(unit):
    """A unit as `ANGSTROM`, `LOGARITHMS` and `NATURAL` spell it."""
    return "".join(unit.lower().split())


def tabulated(values, unit):
    """Wavelengths [A] of a table in `unit`; None if that is no known unit of length."""
    unit = squeezed(unit)
    with np.errstate(over="ignore"):
        if unit in LOGARITHMS:
            return 10.0**values
        if unit in NATURAL:
            return np.exp(values)
    return values * ANGSTROM[unit] if unit in ANGSTROM else None


def compared(axis, values, unit, where, path, notes, gives_way=False):
    """(wavelengths [A], True if those of a table are used): the header's `axis`, which is exact, if the table agrees with it; the
    table's if there is no other (None).

    A table that `gives_way` and is no axis in Angstrom, or the header's in another unit, is noted and not used. CubeRejected
    (``wavelength_axis``) for any other that is no axis or contradicts the header's.
    """
    table = tabulated(values, unit)
    if table is None and axis is None:  # else the header's axis tells whether it is the Angstrom
        raise CubeRejected("wavelength_axis", f"{path}: {where}: BUNIT = {unit!r} is not a known unit of length")
    table = values if table is None else table
    if axis is not None and _same(axis, table):
        return axis, True
    gives_way = gives_way and axis is not None
    try:
        check(table, path, f"the wavelengths of {where}, BUNIT = {unit!r},")
        otherwise = gives_way and any(_same(axis, tabulated(values, other)) for other in OTHERWISE)
    except CubeRejected:
        if not gives_way:
            raise
        otherwise = True
    if otherwise:
        ends = f"{values[0]:g} .. {values[-1]:g}, BUNIT = {unit!r}"
        notes.append(f"{path}: {where} ({ends}) is no axis in Angstrom, or the header's in another unit: not used")
        return axis, False
    if axis is not None:
        worst = np.argmax(np.abs(axis - table))
        raise CubeRejected(
            "wavelength_axis", f"{path}: the header gives {axis[worst]:.4f} A for sample {worst}, {where} {table[worst]:.4f} A"
        )
    return table, True


def _same(axis, table):
    return np.allclose(axis, table, rtol=SAME, atol=0)


def check(axis, path, cards):
    """CubeRejected unless `axis` [A] is monotonic and optical or near infrared, in steps that a spectrograph has."""
    steps = np.diff(axis) if len(axis) > 1 and np.isfinite(axis).all() else np.zeros(1)
    ends = sorted((axis[0], axis[-1]))
    if not ((np.all(steps > 0) or np.all(steps < 0)) and PLAUSIBLE[0] <= ends[0] < ends[1] <= PLAUSIBLE[1]):
        raise CubeRejected(
            "wavelength_axis",
            f"{path}: {cards} give {axis[0]:.6g} .. {axis[-1]:.6g} A; a monotonic axis of two or more samples within "
            f"{PLAUSIBLE[0]:.0f} .. {PLAUSIBLE[1]:.0f} A is expected",
        )
    if abs(step := steps.mean()) < SMALLEST_STEP:
        raise CubeRejected(
            "wavelength_axis",
            f"{path}: {cards} give {axis[0]:.6f} .. {axis[-1]:.6f} A in steps of {step:.2g} A; {SMALLEST_STEP:g} A or more is "
            "expected: is the step in dex (then CRVAL3 has to be, too), or in metres?",
        )


def _step(header, path, notes, shape):
    """Step of the third axis, or None."""
    matrix, delta = number(header, "CD3_3", path), number(header, "CDELT3", path)
    scaled = None if delta is None else delta * number(header, "PC3_3", path, 1.0)
    if matrix is None and scaled == 1.0 and "CD1_1" in header:
        raise CubeRejected(
            "wavelength_axis",
            f"{path}: CD1_1 but no CD3_3, and CDELT3 = 1.0 is the value that old tools leave: the step is not known",
        )
    if matrix is None or (matrix == 0 and scaled):
        step = scaled
        if step is not None and "CD1_1" in header:
            notes.append(f"{path}: CD1_1 but no CD3_3: step of the wavelength axis taken from CDELT3 = {delta}")
    else:
        step = matrix
        if scaled not in (None, 0.0) and not math.isclose(scaled, step, rel_tol=1e-6):
            if delta != 1.0:
                raise CubeRejected(
                    "wavelength_axis", f"{path}: CD3_3 = {step} and CDELT3 = {delta} contradict each other"
                )
            notes.append(f"{path}: CD3_3 = {step} and CDELT3 = {delta} differ: CD3_3 used")
    letter, factor = ("CD", 1.0) if matrix is not None else ("PC", delta or 0.0)
    slant = sum(
        abs(number(header, f"{letter}3_{j}", path, 0.0) * factor) * size
        for j, size in ((1, shape[1]), (2, shape[0]))
    )
    if step and slant > 0.01 * abs(step):
        raise CubeRejected(
            "wavelength_axis",
            f"{path}: {letter}3_1 and {letter}3_2 shift the wavelengths by {slant:g} across the field, step = {step:g}; "
            "one axis for all spaxels is expected",
        )
    return step
