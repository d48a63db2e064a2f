"""Draw one pair of views of a few galaxies, for the figures that show what the network is given."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Settings: `views`, and `examples` (names; empty = the apparently largest of late, spiral and early type)."""
    args = parse(__doc__, argv, maps=str, galaxies=str, verdicts=str, basis=str, scaling=str, seed=int, out=str)
    from cubespace.files import write_npz
    from cubespace.network.data import load_maps, read_pair, read_space
    from cubespace.network.examples import example_views
    from cubespace.sample import choose_examples
    from cubespace.tables import read_table

    galaxies, verdicts = read_table(args.galaxies), read_table(args.verdicts)
    accepted = verdicts.loc[verdicts["verdict"] == "accepted", "galaxy"]
    names = choose_examples(galaxies[galaxies["galaxy"].isin(accepted)], args.settings["examples"])
    space, release = read_space(args.basis, scaling=args.scaling)
    rows = galaxies.set_index("galaxy", drop=False).loc[names]
    maps, _ = load_maps(args.maps, rows, release=release)
    arrays = example_views(maps, read_pair(args.settings["views"], args.scaling), space, args.seed)
    write_npz(args.out, **arrays, **sign(args, seed=args.seed, release=release))
    print(f"views of {', '.join(names)}", flush=True)


if __name__ == "__main__":
    run(main)
