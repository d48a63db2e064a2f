"""Names of galaxies: one spelling for each, a key to match spellings, and a form that is safe in file names."""

import re
import unicodedata
from urllib.parse import quote

_PADDED = {"NGC": 4, "IC": 4, "UGC": 5, "PGC": 5}
_NUMBERED = re.compile(r"^(NGC|IC|UGC|PGC)[_-]*0*(\d+)(.*)$", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"))
_PART = re.compile(r"^(.*\d.*)_\d{1,2}$")  # not Mrk_335, CALIFA_001: their numbers are the names
# Catalogues whose numbers may be written with or without zeros and separators; the spellings of one catalogue meet.
_CATALOGUES = {
    "arp": "arp", "cgcg": "cgcg", "zw": "cgcg", "eso": "eso", "hcg": "hcg", "hickson": "hcg", "leda": "pgc", "mcg": "mcg",
    "mrk": "mrk", "mkn": "mrk", "markarian": "mrk", "pgc": "pgc", "ugca": "ugca", "ugc": "ugc", "ngc": "ngc", "ic": "ic",
    "vv": "vv", "m": "m", "messier": "m", "vcc": "vcc", "ddo": "ddo",
}  # fmt: skip
_WITH_CATALOGUE = re.compile(rf"^({'|'.join(sorted(_CATALOGUES, key=len, reverse=True))})[_-]?([+-]?\d.*)$")
_MINUS = re.compile(rf"^({'|'.join(sorted(_CATALOGUES, key=len, reverse=True))})-(?=\d+-)")


def canonical(name):
    """The one spelling of a name: no blanks, and NGC, IC (4 digits), UGC, PGC (5) zero-padded: 'ngc 1' -> 'NGC0001'.

    Blanks of every kind, control characters and the padding of old tables (NUL) go, dashes of typographers become '-',
    compatibility forms (full-width letters) plain ones. Case is kept, but for those four catalogues' letters.
    """
    before, name = None, str(name)
    while name != before:  # what is taken away may join a letter and its accent
        before, name = name, unicodedata.normalize("NFKC", name).translate(_DASHES)
        name = "".join(c for c in name if not c.isspace() and unicodedata.category(c)[0] != "C")
    match = _NUMBERED.match(name)
    if not match:
        return name
    catalogue, number, rest = match.groups()
    catalogue = catalogue.upper()
    return f"{catalogue}{int(number):0{_PADDED[catalogue]}d}{rest}"


def key(name):
    """What the spellings of one galaxy share.

    Case does not count, nor do zeros before a number in the catalogues known here ('MCG -1-01-12' is 'MCG-01-01-012',
    'ESO 540-G003' is 'ESO540-3'), nor the catalogue's own spelling ('Markarian 1' is 'Mrk 1', 'LEDA 10' is 'PGC 10').
    """
    folded = canonical(name).casefold()
    match = _WITH_CATALOGUE.match(folded)
    if not match:
        return folded
    catalogue, rest = _CATALOGUES[match.group(1)], match.group(2)
    sign = "-" if catalogue == "mcg" and (_MINUS.match(folded) or rest.startswith("-")) else ""
    rest = rest.lstrip("+-")
    if catalogue == "eso":
        rest = re.sub(r"^(\d+)-?[a-z]*(?=\d)", r"\1-", rest)
    head, mark, part = rest.partition("_")
    return catalogue + sign + re.sub(r"(?<!\d)0+(?=\d)", "", head) + mark + part


def parent(name):
    """'ARP118_0' -> 'ARP118': the pointing that a galaxy was cut from; a name without such an ending is its own."""
    match = _PART.match(name)
    return match.group(1) if match else name


def one_spelling(labels):
    """The labels, those with one `key` spelled as the first of them: 'ARP118', 'Arp118' -> 'ARP118', 'ARP118'."""
    first = {}
    return [first.setdefault(key(label), label) for label in labels]


def stem(name):
    """The name as a file name: anything but letters, digits, '.', '_', '+', '-' percent-encoded."""
    return file_safe(canonical(name))


def file_safe(text):
    """Any text with all but letters, digits, '.', '_', '+', '-' percent-encoded."""
    return quote(text, safe="+").replace("~", "%7E")  # quote itself spares '_.-~'
