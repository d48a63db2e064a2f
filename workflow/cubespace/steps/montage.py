"""Draw the montage of simulated galaxies from their cubes and truth maps, as PNG and PDF."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, cubes=[str], truths=[str], kinds=[str], out=str, pdf=str)
    from cubespace.cubes.readers import read_cube
    from cubespace.errors import CubespaceError
    from cubespace.figures.montage import digest, draw, read_truth
    from cubespace.figures.style import save

    if not len(args.cubes) == len(args.truths) == len(args.kinds):
        raise CubespaceError(
            f"montage: found {len(args.cubes)} cubes, {len(args.truths)} truth files, {len(args.kinds)} types"
        )
    # one cube at a time in memory
    rows = [
        digest(read_cube(cube, verify=False), read_truth(truth), kind)
        for cube, truth, kind in zip(args.cubes, args.truths, args.kinds, strict=True)
    ]
    figure = draw(rows)
    for path in (args.out, args.pdf):
        save(figure, path, sign(args))
        print(f"{path}: {len(rows)} galaxies", flush=True)


if __name__ == "__main__":
    run(main)
