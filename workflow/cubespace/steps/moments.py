"""Moments of the bright rest-frame spectra of one galaxy, and the verdict on its cube."""

from cubespace.steps import parse, run

SETTINGS = (
    "grid", "window", "snr_min", "max_gap", "max_bad_fraction", "snr_map", "min_spaxels", "min_good_window",
    "min_good_fraction", "canvas", "redshift_range", "sample", "seed",
)  # fmt: skip


def main(argv=None):
    """Read a cube, write results/moments/{galaxy}.npz."""
    args = parse(__doc__, argv, cube=str, redshift=str, galaxy=str, out=str)
    from cubespace.cubes.quality import Verdict, check_redshift, judged, parse_number
    from cubespace.cubes.readers import read_cube
    from cubespace.errors import CubeRejected
    from cubespace.files import provenance, write_npz
    from cubespace.spectra.moments import galaxy_moments, rejected_moments

    settings = args.settings
    options = {key: settings[key] for key in SETTINGS if key in settings}
    redshift, verdict = parse_number(args.redshift), Verdict()
    try:
        check_redshift(redshift, *[options[key] for key in ["redshift_range"] if key in options])
        cube = read_cube(args.cube, settings.get("unknown_unit", "assume"))
        print(*cube.notes, sep="\n", end="\n" if cube.notes else "")
        arrays = galaxy_moments(cube, redshift, **options)
    except CubeRejected as error:
        verdict = judged(error, settings.get("on_bad_cube", "reject"), args.galaxy)
        arrays = rejected_moments(**{key: options[key] for key in ["grid"] if key in options})
    print(
        f"{args.galaxy}: {verdict.verdict} {verdict.reason} {verdict.detail} - {arrays['n_snr']} bright spaxels of "
        f"{arrays['n_spaxels']}, {arrays['count']} used, {arrays['n_gap']} left out for gaps",
        flush=True,
    )
    write_npz(
        args.out, **arrays, verdict=verdict.verdict, reason=verdict.reason, detail=verdict.detail, galaxy=args.galaxy,
        redshift=float("nan") if redshift is None else redshift, **provenance(settings, settings.get("seed", 0)),
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
