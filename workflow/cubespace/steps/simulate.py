"""Simulate the cube of one mock galaxy, in the survey's own file format, and the truth behind it."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, galaxy=str, truth=str, ssp=str, cube=str, maps=str, mask=(str, None))
    from cubespace.files import header_cards, write_fits
    from cubespace.survey.instrument import write_cube
    from cubespace.survey.mock import companion_mask, make, read_row, truth_hdus
    from cubespace.survey.pointing import companion_name
    from cubespace.survey.ssp import load_basis

    row = read_row(args.truth, args.galaxy)
    options = {key: args.settings[key] for key in ("pixel_arcsec",) if key in args.settings}
    other = companion_name(args.truth, row) if args.settings.get("companions") else None
    companion = read_row(args.truth, other) if other else None
    observation, head, maps, realised = make(row, load_basis(args.ssp), companion=companion, **options)
    write_cube(args.cube, observation, head)
    cards = header_cards(sign(args, seed=row["seed"]))
    write_fits(args.maps, truth_hdus(maps, realised, args.galaxy, cards))
    if args.mask is not None:
        write_fits(args.mask, companion_mask(maps, head, cards))
    print(f"{args.galaxy}: cube {observation.flux.shape}, Re {realised['re_arcsec']:.1f} arcsec", flush=True)


if __name__ == "__main__":
    run(main)
