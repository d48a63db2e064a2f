"""Plant differences of known size in the maps of twins, embed them again with the frozen network, and see which are found."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    """Settings: views, embedding, injection and comparisons as in the configuration, matched [{a, b, by}]."""
    files = dict.fromkeys(("maps", "roster", "basis", "scaling", "weights", "variant", "twins", "ssp", "out"), str)
    args = parse(__doc__, argv, **files, device=(str, "auto"), seed=(int, 0), threads=(int, None))
    from pathlib import Path

    import numpy as np

    from cubespace.network.data import GalaxyMaps, read_pair, read_scaling, read_space
    from cubespace.network.embedding import embed
    from cubespace.network.encoder import load_weights, prepare_device
    from cubespace.populations import injection
    from cubespace.populations.map_power import map_power
    from cubespace.populations.two_sample import all_tests
    from cubespace.space.neighbours import pointing_codes
    from cubespace.spectra.basis import read_basis
    from cubespace.spectra.project import read_maps
    from cubespace.survey import ssp
    from cubespace.tables import read_table, write_table

    settings, device = args.settings, prepare_device(args.device, args.threads)
    options, family, basis = settings["injection"], settings["comparisons"], read_basis(args.basis)
    space, release = read_space(args.basis, device, args.scaling)
    scaling = read_scaling(args.scaling, args.variant, device)
    network, _ = load_weights(args.weights, device, variant=args.variant, release_digest=release)
    rows, pair = read_table(args.roster).set_index("galaxy"), read_pair(settings.get("views"), args.scaling)
    spectra = injection.Spectra(basis.wavelength, basis.mean, basis.components)
    library, window = ssp.load_basis(args.ssp), (basis.header["WINLO"], basis.header["WINHI"])
    young = ssp.spectrum(library, options["young_log_age"], 0.0)
    young = injection.on_grid(spectra, library.wavelength, young, library.fwhm, window)

    def read(galaxy):
        maps = read_maps(Path(args.maps) / f"{rows.at[galaxy, 'stem']}.fits")
        return maps.values, maps.mask, maps.header

    def again(galaxies, values, mask, heads):
        limit, scale = ([head[card] for head in heads] for card in ("LLIMIT", "PIXSCALE"))
        maps = GalaxyMaps.from_arrays(values, np.stack(mask), limit, scale, galaxies, device=device)
        return embed(network, maps, space, scaling, pair, options["realisations"], args.seed)[0]

    tests = all_tests(family.get("k", 10), n_subsamples=1, seed=args.seed)
    table = map_power(
        read_table(args.twins), settings["matched"], read, again, spectra, young, options["effects"],
        {name: tests[name] for name in options["tests"]}, dict(zip(rows.index, pointing_codes(rows["pointing"]), strict=True)),
        family["n_trials"], family["power_permutations"], options["aperture_arcsec"], family["min_size"], args.seed,
    )  # fmt: skip
    write_table(table, args.out, meta=sign(args, seed=args.seed, release=release))
    for row in table.drop_duplicates(["comparison", "test"]).itertuples():
        found = row.note if isinstance(row.note, str) else f"smallest found {row.minimum_detectable_effect:.3g} {row.unit}"
        print(f"{row.comparison}, {row.kind}, {row.test}: {found}", flush=True)


if __name__ == "__main__":
    run(main)
