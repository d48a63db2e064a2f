"""One thin command line for each rule: parse, call the library, write."""

import argparse
import json
import sys

from cubespace import ledger
from cubespace.errors import CubespaceError
from cubespace.files import provenance
from cubespace.provenance import code_digest, commit


def parse(doc, argv=None, **options):
    """Parse a step's command line; `--settings` (a JSON object) is always there.

    Each keyword becomes an option: ``name=type`` a required one, ``name=[type]`` a required list,
    ``name=(type, default)`` an optional one. Underscores become hyphens. `step` of what is returned is the module's name.
    """
    parser = argparse.ArgumentParser(description=doc, allow_abbrev=False)
    parser.add_argument("--settings", type=_settings, default={}, metavar="JSON", help="settings of this step")
    for name, kind in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(kind, list):
            parser.add_argument(flag, nargs="+", type=kind[0], required=True)
        elif isinstance(kind, tuple):
            parser.add_argument(flag, type=kind[0], default=kind[1])
        else:
            parser.add_argument(flag, type=kind, required=True)
    caller = sys._getframe(1).f_globals["__spec__"].name  # __name__ is __main__ under python -m
    return parser.parse_args(argv, argparse.Namespace(step=caller))


def _settings(text):
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {type(settings).__name__}")
    return settings


def sign(args, seed=None, release=None, also=None):
    """What the files of a step carry (`cubespace.files.provenance`), from its command line and further settings of it."""
    settings = {**args.settings, **(also or {})}
    return provenance(settings, seed, release, code_digest(args.step), commit())


def run(main):
    """Run a step and record it; an error that the user can mend ends in one line, not in a traceback."""
    if hasattr(sys.stdout, "reconfigure"):  # not a notebook's stream
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that is no UTF-8 is printed somehow, and stops no step
    try:
        with ledger.recorded(main.__globals__["__spec__"].name):
            main()
    except CubespaceError as error:
        sys.exit(f"error: {error}")
