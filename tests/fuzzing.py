"""Damage to cube files with a fixed seed, and a judge of what the reader makes of it.

A damaged file may be read, and then it must be as before the damage, or as an independent reading (astropy) finds it;
or it is refused with a reason code and a sentence that names the file. Everything else is a fault of the reader: another
exception, a wrong value, a plane silently left out, a hang.
"""

import contextlib
import gzip
import io
import re
import signal
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

import make_surveys
from cubespace.cubes.readers import read_cube
from cubespace.errors import CubeRejected

SECONDS = 20
KINDS = ("bit flips", "random bytes", "truncation", "card value", "card digit", "card keyword", "card removed", "card doubled",
         "block zeroed", "block removed", "block doubled")  # fmt: skip
VALUES = ("", "'abc'", "-1", "0", "1", "2", "T", "NaN", "1e400", "3749,0", "3.749.0", "99999999", "'", "1E-3", "-64", "(1,2)",
          "'WAVE-LOG'", "'nm'", "'FREQ'", "'ERROR'", "'IVAR'", "'counts'", "= 5", "5.0", "' ' 5")  # fmt: skip


@dataclass
class Base:
    """An undamaged file: its bytes, its cube, and where an independent reading finds what."""

    name: str
    content: bytes
    packed: bool
    meaning: dict
    cube: object = None


@dataclass
class Count:
    """Outcomes, and the faults in words."""

    outcomes: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)

    def add(self, outcome):
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


NEEDED = (b"CRVAL3", b"CRPIX3", b"CD3_3", b"CDELT3", b"CUNIT3", b"CTYPE3", b"BUNIT", b"HIERARCH PIPE UNITS")
RENAMED = {"ERROR": "sigma", "IVAR": "ivar"}  # what `VALUES` can make of the noise plane
CALIFA = {"flux": 0, "noise": "ERROR", "kind": "sigma", "flags": "BADPIX", "star": "GAIA_MASK", "flat": "FLAT"}


def bases(folder):
    """The undamaged files."""
    found = []

    def add(name, hdus, meaning, packed=False, **options):
        buffer = io.BytesIO()
        fits.HDUList(hdus).writeto(buffer, **options)
        content = gzip.compress(buffer.getvalue(), 6, mtime=0) if packed else buffer.getvalue()
        base = Base(name, content, packed, meaning)
        path = folder / "base.fits"
        path.write_bytes(content)
        base.cube = read_cube(path)
        found.append(base)

    add("eCALIFA", make_surveys.ecalifa()[0], CALIFA)
    add("eCALIFA, gzipped", make_surveys.ecalifa()[0], CALIFA, packed=True)
    add("eCALIFA, CHECKSUM cards", make_surveys.ecalifa()[0], CALIFA, checksum=True)
    add("eCALIFA, tile-compressed", make_surveys.packed(make_surveys.ecalifa()[0], "RICE_1"), CALIFA | {"flux": 1})
    add("CALIFA DR3", make_surveys.califa_dr3()[0], {**CALIFA, "star": None, "flat": None})
    add("MaNGA", make_surveys.manga()[0], {"flux": "FLUX", "noise": "IVAR", "kind": "ivar", "flags": "MASK", "bits": 1031, "star_bit": 8})
    add("MUSE", make_surveys.muse()[0], {"flux": "DATA", "noise": "STAT", "kind": "variance"})
    add("SAMI", make_surveys.sami()[0], {"flux": 0, "noise": "VARIANCE", "kind": "variance"})
    return found


def damage(content, kind, rng):
    """Damaged copy of a file's bytes."""
    data = bytearray(content)
    headers = [m.start() for m in re.finditer(rb"SIMPLE  =|XTENSION=", content) if m.start() % 2880 == 0]
    if kind == "bit flips":
        for _ in range(int(rng.integers(1, 9))):
            data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    elif kind == "random bytes":
        at, n = int(rng.integers(len(data))), int(rng.integers(1, 200))
        data[at : at + n] = rng.bytes(len(data[at : at + n]))
    elif kind == "truncation":
        del data[int(rng.integers(len(data))) :]
    elif kind.startswith("block"):
        at = 2880 * int(rng.integers(max(1, len(data) // 2880)))
        block = bytes(data[at : at + 2880])
        data[at : at + 2880] = {"zeroed": bytes(len(block)), "removed": b"", "doubled": block * 2}[kind.split()[1]]
    elif headers:
        _edit_card(data, headers, kind, rng)
    return bytes(data)


def _edit_card(data, headers, kind, rng):
    start = headers[int(rng.integers(len(headers)))]
    end = re.compile(rb"END {77}").search(data, start).start()
    at = start + 80 * int(rng.integers((end - start) // 80))
    card = bytes(data[at : at + 80])
    if kind == "card value":
        card = card[:10] + VALUES[int(rng.integers(len(VALUES)))].rjust(20).encode()
    elif kind == "card digit":
        text = bytearray(card)
        places = [i for i, byte in enumerate(card[10:31], 10) if byte != 32]
        if places:
            text[places[int(rng.integers(len(places)))]] = b"0123456789.-+ EXae'/"[int(rng.integers(20))]
        card = bytes(text)
    elif kind == "card keyword":
        name = bytearray(card[:8])
        name[int(rng.integers(8))] = int(rng.integers(32, 127))
        card = bytes(name) + card[8:]
    elif kind == "card removed":
        card = b""
    else:  # doubled with another value, over the card that follows
        at += 80
        card = card[:10] + b"7.0".rjust(20)
    if at < end:
        data[at : at + 80] = card.ljust(80)[:80]


def judge(base, content, path):
    """(outcome, fault or "") of reading damaged `content`."""
    path.write_bytes(content)
    try:
        with _limit(SECONDS):
            cube = read_cube(path)
    except CubeRejected as error:
        named = str(path) in error.detail and len(error.detail) < 2000
        return f"refused: {error.code}", "" if named else f"message without the file: {error.detail[:200]}"
    except TimeoutError:
        return "FAULT: hang", f"no answer after {SECONDS} s"
    except Exception as error:
        return "FAULT: exception", f"{type(error).__name__}: {error}"
    if different(cube, base.cube) == "":
        return "read: as undamaged", ""
    readings = filter(None, (literal(base, content), literal(base, _mended(base.content, content))))
    why = min((_against(cube, expected, base.cube) for expected in readings), key=len, default="the independent reading fails")
    if why == "":
        return "read: as the file now says", ""
    return "FAULT: wrong", f"{different(cube, base.cube)}; {why}"


def _mended(before, content):
    """Damaged content with all cards from before but those that say what the numbers are: astropy stumbles over others."""
    if len(before) != len(content):
        return b""
    out = bytearray(content)
    for start in (m.start() for m in re.finditer(rb"SIMPLE  =|XTENSION=", before) if m.start() % 2880 == 0):
        end = start + 2880 * (1 + (re.compile(rb"END {77}").search(before, start).start() - start) // 2880)
        for at in range(start, end, 80):
            if not before[at : at + 80].startswith(NEEDED):
                out[at : at + 80] = before[at : at + 80]
    return bytes(out)


def different(cube, truth):
    """What differs between two cubes, "" if nothing that matters."""
    if cube.flux.shape != truth.flux.shape:
        return "shape"
    for name in ("bad", "star", "field"):
        if not np.array_equal(getattr(cube, name), getattr(truth, name)):
            return name
    if not np.allclose(cube.wavelength, truth.wavelength, rtol=1e-6, atol=0):
        return "wavelength"
    good = ~truth.bad
    for name in ("flux", "sigma"):
        if not np.array_equal(getattr(cube, name)[good], getattr(truth, name)[good]):
            return name
    return ""


def literal(base, content):
    """flux, sigma [unit of the file], flags, star, flat, wavelength, scale as astropy and plain formulae find them; None if
    they do not."""
    meaning = base.meaning
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = gzip.decompress(content) if base.packed else content
            with fits.open(io.BytesIO(b"SIMPLE  =                    T".ljust(80) + plain[80:])) as hdus:
                unit = hdus[meaning["flux"]]
                name = meaning["noise"] if meaning["noise"] in hdus else next(name for name in RENAMED if name in hdus)
                noise, kind = np.array(hdus[name].data, float), RENAMED.get(name, meaning["kind"])
                planes = {key: np.array(hdus[meaning[key]].data) for key in ("flags", "star", "flat") if meaning.get(key) is not None}
                head, flags, stars = unit.header, planes.get("flags"), planes.get("star")
                step = head["CD3_3"] if "CD3_3" in head else head["CDELT3"]
                offset = (np.arange(1, unit.data.shape[-3] + 1) - head["CRPIX3"]) * step
                log = str(head.get("CTYPE3", "")).strip().endswith("-LOG")
                start = head["CRVAL3"]
                wavelength = start * np.exp(offset / start) if log else start + offset
                wavelength = wavelength * {"nm": 10, "um": 1e4, "m": 1e10}.get(str(head.get("CUNIT3", "")).strip(), 1)
                with np.errstate(all="ignore"):
                    sigma = {"sigma": noise, "variance": np.sqrt(noise), "ivar": 1 / np.sqrt(noise)}[kind]
                if "star_bit" in meaning:
                    stars = (flags & meaning["star_bit"] != 0).any(axis=0)
                return {
                    "flux": np.array(unit.data, float), "sigma": sigma, "wavelength": wavelength, "star": stars, "flat": planes.get("flat"),
                    "flags": None if flags is None else flags & meaning["bits"] if "bits" in meaning else flags,
                    "scale": _scale(head, hdus[0].header), "noise": _scale(hdus[name].header),
                }  # fmt: skip
    except Exception:
        return None


def _scale(*headers):
    """Flux unit over 1e-16, from the leading number of PIPE UNITS or BUNIT."""
    for key in ("PIPE UNITS", "BUNIT"):
        for head in headers:
            match = re.match(r"\(?(?:10\*\*\((-?\d+)\)|(\d+\.?\d*[eE]-?\d+))", str(head.get(key, "")))
            if match:
                return 10.0 ** int(match[1]) / 1e-16 if match[1] else float(match[2]) / 1e-16
    return None


def _against(cube, expected, truth):
    """What in a cube goes against an independent reading; "" if nothing."""
    from cubespace.cubes.readers.axis import air

    shape = cube.flux.shape
    wavelength = expected["wavelength"] if cube.medium == "air" else air(expected["wavelength"])
    turned = wavelength[0] > wavelength[-1]
    if not np.allclose(cube.wavelength, wavelength[::-1] if turned else wavelength, rtol=1e-6, atol=0):
        return "wavelength"
    scale = truth.unit_scale if expected["scale"] is None else expected["scale"]  # not stated: the survey's
    if not np.isclose(cube.unit_scale, scale, rtol=1e-6):
        return f"unit: {cube.unit_scale} for {scale}"
    flags = np.zeros(shape, bool) if expected["flags"] is None else expected["flags"] != 0
    order = slice(None, None, -1 if turned else 1)
    if (flags.reshape(shape)[order] & ~cube.bad).any():
        return "a flagged sample is good"
    star = np.zeros(shape[1:], bool) if expected["star"] is None else expected["star"] > 0
    if not np.array_equal(cube.star, star):
        return "star"
    if expected["flat"] is not None and (cube.field & ~(expected["flat"] != 0)).any():
        return "field"
    good = ~cube.bad
    with np.errstate(all="ignore"):
        for name in ("flux", "sigma"):
            factor = expected["noise"] if name == "sigma" and expected["noise"] is not None else scale
            values = (expected[name].reshape(shape)[order] * factor).astype(np.float32)
            if not np.allclose(getattr(cube, name)[good], values[good], rtol=1e-5, atol=1e-30):
                return name
    return ""


@contextlib.contextmanager
def _limit(seconds):
    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(n, seed, folder, count=None):
    """Damage and judge `n` files, kinds and bases in turn; `Count`."""
    count, folder = count or Count(), Path(folder)
    files = bases(folder)
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        base, kind = files[i % len(files)], KINDS[(i // len(files)) % len(KINDS)]
        content = damage(base.content, kind, rng)
        outcome, fault = judge(base, content, folder / "damaged.fits")
        count.add(outcome)
        if fault:
            count.faults.append(f"case {i} ({base.name}, {kind}): {outcome}: {fault}")
    return count
