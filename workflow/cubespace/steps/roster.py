"""Write the list of galaxies that later steps walk through: all (roster), or the frozen ones only (release)."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, kind=str, galaxies=str, out=str)
    from cubespace import sample
    from cubespace.errors import CubespaceError
    from cubespace.provenance import release_digest
    from cubespace.tables import read_table, write_table

    galaxies = read_table(args.galaxies)
    choose = {"roster": sample.roster, "release": sample.release}
    if args.kind not in choose:
        raise CubespaceError(f"--kind is {' or '.join(choose)}, found {args.kind!r}")
    release = release_digest(zip(galaxies["galaxy"], galaxies["role"], strict=True))
    write_table(choose[args.kind](galaxies), args.out, meta=sign(args, also={"kind": args.kind}, release=release))


if __name__ == "__main__":
    run(main)
