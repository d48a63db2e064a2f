"""Names of galaxies: one spelling for each, a key to match spellings, and a form that is safe in file names."""

import re
from urllib.parse import quote

_CATALOGUES = {"NGC": 4, "IC": 4, "UGC": 5, "PGC": 5}
_NUMBERED = re.compile(r"^(NGC|IC|UGC|PGC)[\s_-]*0*(\d+)(.*)$", re.IGNORECASE)
_PART = re.compile(r"^(.+)_(\d+)$")


def canonical(name):
    """The one spelling of a name: no blanks, and NGC, IC (4 digits), UGC, PGC (5) zero-padded: 'ngc 1' -> 'NGC0001'."""
    name = re.sub(r"\s+", "", str(name))
    match = _NUMBERED.match(name)
    if not match:
        return name
    catalogue, number, rest = match.groups()
    catalogue = catalogue.upper()
    return f"{catalogue}{int(number):0{_CATALOGUES[catalogue]}d}{rest}"


def key(name):
    """What two spellings of one galaxy share: canonical and case-folded."""
    return canonical(name).casefold()


def parent(name):
    """'ARP118_0' -> 'ARP118': the pointing that a galaxy was cut from; a name without such an ending is its own."""
    match = _PART.match(name)
    return match.group(1) if match else name


def stem(name):
    """The name as a file name: anything but letters, digits, '.', '_', '+', '-' percent-encoded."""
    return quote(canonical(name), safe="+").replace("~", "%7E")  # quote itself spares '_.-~'
