"""Draw one pair of views of a few galaxies, for the figures that show what the network is given."""

from cubespace.steps import parse, run


def describe(view, draws, row):
    """What happened to a galaxy in a view, in words."""
    import numpy as np

    stars = int((draws.stars[row, :, 2] > 0).sum())
    words = [f"S/N {draws.snr[row]:.1f}"] if np.isfinite(draws.snr[row]) else []
    words += ["rotated"] if view.rotate else []
    words += ["blurred"] if draws.blur[row] else []
    words += [f"{stars} star{'s' if stars != 1 else ''}"] if stars else []
    words += [f"1/{draws.factor[row]} size"] if draws.factor[row] > 1 else []
    return ", ".join(words)


def main(argv=None):
    """Settings: `views`, and `examples` (names; empty = the apparently largest of late, spiral and early type)."""
    args = parse(__doc__, argv, maps=str, galaxies=str, verdicts=str, basis=str, seed=int, out=str)
    import numpy as np

    from cubespace.files import provenance, write_npz
    from cubespace.network.data import load_maps, read_space
    from cubespace.network.views import draw_pair, pair_from_settings, render
    from cubespace.sample import choose_examples
    from cubespace.tables import read_table

    galaxies, verdicts = read_table(args.galaxies), read_table(args.verdicts)
    accepted = verdicts.loc[verdicts["verdict"] == "accepted", "galaxy"]
    names = choose_examples(galaxies[galaxies["galaxy"].isin(accepted)], args.settings["examples"])
    rows = galaxies.set_index("galaxy", drop=False).loc[names]
    space, release = read_space(args.basis)
    maps, _ = load_maps(args.maps, rows, release=release)
    pair = pair_from_settings(args.settings["views"])
    (first, first_draws), (second, second_draws) = draw_pair(pair, maps, args.seed, (0, 1))
    original, good_original = render(maps, first, first_draws, space)
    transformed, good_transformed = render(maps, second, second_draws, space)
    write_npz(
        args.out, names=np.array(maps.names), original=original.numpy(), good_original=good_original.numpy(),
        transformed=transformed.numpy(), good_transformed=good_transformed.numpy(), pixel_scale=maps.pixel_scale.numpy(),
        description=np.array([describe(second, second_draws, i) for i in range(len(maps))]),
        **provenance(args.settings, seed=args.seed, release=release),
    )  # fmt: skip
    print(f"views of {', '.join(maps.names)}", flush=True)


if __name__ == "__main__":
    run(main)
