"""Probe the representation of a mock survey for the truth, where tables of properties have errors of measurement."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, embedding=str, untrained=str, pooled=str, truth=str, out=str)
    from cubespace.realised import realised
    from cubespace.space.correlations import PROPERTIES_OF_INTEREST
    from cubespace.space.neighbours import read_embedding
    from cubespace.space.probes import probes_of
    from cubespace.tables import read_table, write_table

    settings = args.settings
    probed = {"network": args.embedding, "untrained": args.untrained, "pooled_pca": args.pooled}
    probed = {name: read_embedding(path) for name, path in probed.items()}
    dealt = {name: settings[name] for name in ("seed", "n_folds", "n_repeats") if name in settings}
    names = settings.get("properties", PROPERTIES_OF_INTEREST)
    truth = realised(read_table(args.truth)).set_index("galaxy")
    truth = truth.reindex(probed["network"].galaxies).reset_index(names="galaxy")  # a cube that was not simulated has no truth
    common, probes = probes_of(probed, truth, names, **dealt)
    write_table(probes, args.out, meta=sign(args, seed=settings.get("seed"), release=probed["network"].meta.get("release_digest")))
    print(f"{len(common)} galaxies probed for the truth")


if __name__ == "__main__":
    run(main)
