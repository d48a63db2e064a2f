"""What is done with the results of a run: `python -m cubespace freeze | audit | crate`."""

import argparse
import sys
from pathlib import Path

from cubespace import __version__
from cubespace.errors import CubespaceError


def freeze(args):
    """Pack basis, scaling, networks and embeddings into a release."""
    from cubespace.release import freeze

    path, digest = freeze(args.results, args.name, args.out)
    print(f"{path}\nSHA-256 of its manifest: {digest}")


def audit(args):
    """Hold results against their ledger; exit code 1 where something does not match."""
    from cubespace.audit import as_table, audit

    results, targets = _split(args.path)
    found = audit(results, targets, args.inside, *_config(results, args.configfile))
    print(as_table(found), end="")
    sys.exit(1 if found.findings else 0)


def crate(args):
    """Write ro-crate-metadata.json into the results."""
    from cubespace.crate import write_crate

    print(write_crate(args.results, args.license))


def _split(paths):
    """The folder of results and the files in it, from what the user named."""
    folders = {_root(Path(path)) for path in paths}
    if len(folders) > 1:
        raise CubespaceError(f"audit: expected files of one folder of results, found {', '.join(sorted(map(str, folders)))}")
    results = folders.pop()
    return results, [path for path in paths if Path(path).absolute() != results.absolute()]


def _root(path):
    for folder in (path.absolute(), *path.absolute().parents):
        if (folder / "provenance").is_dir():
            return folder
    raise CubespaceError(f"{path}: not among results with a ledger: neither it nor a folder above it has a folder provenance")


def _config(results, configfile):
    """The configuration as it is now, if its files are there: those given, else those of the last run."""
    from cubespace import config, ledger
    from cubespace.release import Release

    run, _ = ledger.read(results)
    files = configfile or [str(Path(results).parent / name) for name in run.get("config_files", ())]
    if not files or not all(Path(name).is_file() for name in files):
        print("note: the configuration is not compared, its files are not here; name them with --configfile")
        return []
    import yaml

    merged = {}
    for part in [*(yaml.safe_load(Path(name).read_text(encoding="utf-8")) for name in files), run.get("overrides", {})]:
        merged = config.merged(merged, part or {})
    release = merged.get("release")
    frozen = Release(Path(results).parent / release) if release else None
    return [config.check(frozen.settle(merged) if frozen else merged, ", ".join(files))]


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m cubespace", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (freeze, audit, crate):
        sub = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__, allow_abbrev=False)
        sub.set_defaults(command=command)
        if command is audit:
            sub.add_argument("path", nargs="+", help="the folder of results, or files in it")
            sub.add_argument("--inside", action="store_true", help="leave alone what lies outside of the results (cubes, tables)")
            sub.add_argument("--configfile", nargs="+", help="the configuration as it is now; else the files of the last run")
        else:
            sub.add_argument("--results", default="results", help="folder of results (results)")
        if command is crate:
            sub.add_argument("--license", metavar="URL", help="licence of the results, e.g. https://spdx.org/licenses/CC-BY-4.0; else not stated")
        if command is freeze:
            sub.add_argument("name", help="name of the release: letters, digits, '.', '_', '-'")
            sub.add_argument("--out", default="releases", help="folder for releases (releases)")
    args = parser.parse_args(argv)
    try:
        args.command(args)
    except CubespaceError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
