"""Moments of the bright rest-frame spectra of one galaxy, and the verdict on its cube."""

from cubespace.steps import parse, run, sign

SETTINGS = (
    "grid", "window", "snr_min", "max_gap", "max_bad_fraction", "snr_map", "min_spaxels", "min_good_window",
    "min_good_fraction", "canvas", "redshift_range", "sky_windows", "max_star_fraction", "spare_nucleus_arcsec", "sample", "seed",
)  # fmt: skip


def main(argv=None):
    """Read a cube, write results/moments/{galaxy}.npz."""
    args = parse(__doc__, argv, cube=str, redshift=str, galaxy=str, out=str, mask=(str, None), stars=(str, None))
    from cubespace.cubes.cube import fingerprint
    from cubespace.cubes.intake import open_cube
    from cubespace.cubes.quality import Verdict, check_redshift, judged, parse_number, remarks
    from cubespace.errors import CubeRejected
    from cubespace.files import write_npz
    from cubespace.spectra.moments import galaxy_moments, rejected_moments

    settings = args.settings
    options = {key: settings[key] for key in SETTINGS if key in settings}
    redshift, verdict, cube = parse_number(args.redshift), Verdict(), None
    try:
        check_redshift(redshift, *[options[key] for key in ["redshift_range"] if key in options])
        cube, hand = open_cube(args.cube, args.galaxy, settings, args.mask, args.stars)
        arrays = galaxy_moments(cube, redshift, hand=hand, **options)
    except CubeRejected as error:
        verdict = judged(error, settings.get("on_bad_cube", "reject"), args.galaxy)
        arrays = rejected_moments(**{key: options[key] for key in ["grid"] if key in options})
    notes = remarks(cube, redshift) if cube is not None else []
    print(*notes, sep="\n", end="\n" if notes else "")
    print(
        f"{args.galaxy}: {verdict.verdict} {verdict.reason} {verdict.detail} - {arrays['n_snr']} bright spaxels of "
        f"{arrays['n_spaxels']}, {arrays['count']} used, {arrays['n_gap']} left out for gaps",
        flush=True,
    )
    write_npz(
        args.out, **arrays, verdict=verdict.verdict, reason=verdict.reason, detail=verdict.detail, galaxy=args.galaxy,
        notes="\n".join(notes), position=(cube and cube.position) or (float("nan"), float("nan")),
        fingerprint=fingerprint(cube.flux) if verdict.verdict == "accepted" else "",
        redshift=float("nan") if redshift is None else redshift, **sign(args, seed=settings.get("seed", 0)),
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
