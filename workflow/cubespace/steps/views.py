"""Draw example pairs of views, for the figures of augmentations and of the network's input."""

from cubespace.steps import parse, run


def main(argv=None):
    """Settings: sections `views` and `examples` (number of galaxies, evenly spread over the release; default 4)."""
    args = parse(
        __doc__, argv, maps=str, release=str, basis=str, out=str, scaling=(str, None), device=(str, "cpu"), seed=(int, 0),
    )  # fmt: skip
    from cubespace.files import write_npz
    from cubespace.network.data import load_maps, read_space
    from cubespace.network.encoder import prepare_device
    from cubespace.network.examples import example_views, spread_over
    from cubespace.network.views import pair_from_settings
    from cubespace.tables import read_table

    device = prepare_device(args.device)
    pair = pair_from_settings(args.settings.get("views"))
    space, release = read_space(args.basis, device)
    maps, _ = load_maps(args.maps, read_table(args.release), device, release)
    chosen = spread_over(maps, args.settings.get("examples", 4))
    write_npz(args.out, **example_views(chosen, pair, space, args.seed))
    print("example views of " + (", ".join(chosen.names) if chosen is not None else "no galaxy"), flush=True)


if __name__ == "__main__":
    run(main)
