"""Draw one figure from the tables behind it, as PNG and PDF. Which inputs it takes follows from its name."""

import argparse

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Options: --name, --out, --pdf, and one for each input of that figure (`cubespace.figures.registry.FIGURES`)."""
    from pathlib import Path

    from cubespace.figures.maps import read_views
    from cubespace.figures.registry import FIGURES, draw, entry
    from cubespace.figures.style import save
    from cubespace.spectra.basis import read_basis
    from cubespace.tables import read_table

    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--name")
    name = first.parse_known_args(argv)[0].name
    options = {}
    if name is not None:
        found = entry(name)
        options = {need: [str] if need == "histories" else str for need in found.needs}
        options |= {extra: (str, None) for extra in found.optional}
    args = parse(f"{__doc__} Names: {', '.join(FIGURES)}.", argv, name=str, out=str, pdf=str, **options)

    readers = {
        "basis": read_basis,
        "views": read_views,
        "histories": lambda paths: {
            Path(path).parent.name: read_table(path) for path in paths
        },  # variant/history.csv
    }
    given = {key: getattr(args, key) for key in options}
    inputs = {key: readers.get(key, read_table)(value) for key, value in given.items() if value is not None}
    releases = {_release(value) for value in inputs.values()} - {None}
    figure = draw(args.name, **inputs)
    signed = sign(args, also={"name": args.name}, release=releases.pop() if len(releases) == 1 else None)
    for path in (args.out, args.pdf):
        save(figure, path, signed)
        print(f"{path}: {args.name}", flush=True)


def _release(value):
    """Digest of the release that an input was made from, where it says so."""
    if hasattr(value, "header"):
        return value.header.get("CSREL")
    return value.attrs.get("meta", {}).get("release_digest") if hasattr(value, "attrs") else None


if __name__ == "__main__":
    run(main)
