"""Luminosity and principal-component maps of one galaxy on the common canvas."""

from cubespace.steps import parse, run, sign

SETTINGS = (
    "canvas", "snr_map", "min_good_window", "min_good_fraction", "max_gain", "extreme_factor", "extreme_floor",
    "spare_nucleus_arcsec", "min_spaxels", "redshift_range", "distance_kind", "sky_windows", "max_star_fraction",
)  # fmt: skip


def main(argv=None):
    """Read a cube again, write results/maps/{galaxy}.fits; the window is that of the basis."""
    args = parse(
        __doc__, argv, cube=str, redshift=str, distance=str, galaxy=str, basis=str, moments=str, out=str,
        mask=(str, None), stars=(str, None),
    )  # fmt: skip
    from cubespace.cubes.intake import open_cube
    from cubespace.cubes.quality import Verdict, judged, parse_number
    from cubespace.errors import CubeRejected
    from cubespace.files import header_cards
    from cubespace.spectra.basis import read_basis
    from cubespace.spectra.moments import read_moments
    from cubespace.spectra.project import galaxy_maps, rejected_maps, write_maps

    settings = args.settings
    options = {key: settings[key] for key in SETTINGS if key in settings}
    redshift, distance = parse_number(args.redshift), parse_number(args.distance)
    basis = read_basis(args.basis)
    earlier = Verdict(**read_moments(args.moments, ("verdict", "reason", "detail")))
    if not earlier.accepted:
        maps = rejected_maps(earlier, redshift)
    else:
        try:
            cube, hand = open_cube(args.cube, args.galaxy, settings | {"verify": False}, args.mask, args.stars)
            window = (basis.header["WINLO"], basis.header["WINHI"])
            maps = galaxy_maps(cube, redshift, distance, basis, window=window, hand=hand, **options)
        except CubeRejected as error:
            maps = rejected_maps(judged(error, settings.get("on_bad_cube", "reject"), args.galaxy), redshift)
    good = maps.header.get("NGOOD", (0,))[0]
    print(f"{args.galaxy}: {maps.verdict} {maps.reason} {maps.detail} - {good} good spaxels", flush=True)
    write_maps(args.out, maps, args.galaxy, header_cards(sign(args, release=basis.header["CSREL"])))


if __name__ == "__main__":
    run(main)
