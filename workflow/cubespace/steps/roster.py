"""Write the list of galaxies that later steps walk through: all (roster), or the frozen ones only (release).

`--sample` is what the step `sample` takes as settings (JSON). Of it only the rows count that are written here, so that it is
none of this step's own settings, and the sheet and the tables are no inputs of its record.
"""

import json

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, kind=str, sample=json.loads, out=str)
    from cubespace import sample
    from cubespace.errors import CubespaceError
    from cubespace.provenance import release_digest
    from cubespace.tables import write_table

    choose = {"roster": sample.roster, "release": sample.release}
    if args.kind not in choose:
        raise CubespaceError(f"--kind is {' or '.join(choose)}, found {args.kind!r}")
    galaxies = sample.build(**args.sample).galaxies
    release = release_digest(zip(galaxies["galaxy"], galaxies["role"], strict=True))
    write_table(choose[args.kind](galaxies), args.out, meta=sign(args, also={"kind": args.kind}, release=release))


if __name__ == "__main__":
    run(main)
