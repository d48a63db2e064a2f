"""One thin command line for each rule: parse, call the library, write."""

import argparse
import json
import sys

from cubespace.errors import CubespaceError


def parse(doc, argv=None, **options):
    """Parse a step's command line; `--settings` (a JSON object) is always there.

    Each keyword becomes an option: ``name=type`` a required one, ``name=[type]`` a required list,
    ``name=(type, default)`` an optional one. Underscores become hyphens.
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
    return parser.parse_args(argv)


def _settings(text):
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {type(settings).__name__}")
    return settings


def run(main):
    """Run a step; an error that the user can mend ends in one line, not in a traceback."""
    try:
        main()
    except CubespaceError as error:
        sys.exit(f"error: {error}")
