"""Quality pages: what was masked, rebuilt and left out, galaxy by galaxy; an index in HTML and all pages in one PDF."""

from cubespace.steps import parse, run, sign


def chosen(verdicts, which, examples):
    """Names of the galaxies with a page: none, all, or the rejected and the examples (the first accepted without any)."""
    if which == "none":
        return []
    if which == "all":
        return list(verdicts["galaxy"])
    accepted = list(verdicts["galaxy"][verdicts["verdict"] == "accepted"])
    wanted = {*(examples or accepted[:3]), *verdicts["galaxy"][verdicts["verdict"] == "rejected"]}
    return [galaxy for galaxy in verdicts["galaxy"] if galaxy in wanted]


def main(argv=None):
    """Draw results/quality/index.html and pages.pdf."""
    args = parse(__doc__, argv, verdicts=str, galaxies=str, maps=str, roster=str, out=str, pdf=str)
    from pathlib import Path

    from matplotlib.backends.backend_pdf import PdfPages

    from cubespace.cubes.intake import open_cube
    from cubespace.errors import CubeRejected
    from cubespace.figures import quality
    from cubespace.files import atomic, write_text
    from cubespace.spectra.project import read_maps
    from cubespace.tables import read_table

    settings = args.settings
    verdicts = read_table(args.verdicts)
    stems = read_table(args.roster).set_index("galaxy")["stem"]
    cubes = read_table(args.galaxies).set_index("galaxy")["cube"]
    pictures, names = {}, chosen(verdicts, settings.get("quality", "rejected"), settings.get("examples"))
    signed = "; ".join(f"{key}={value}" for key, value in sign(args).items())
    facts = {"Creator": "cubespace", "Producer": None, "CreationDate": None, "Keywords": signed}
    with atomic(args.pdf) as temporary, PdfPages(temporary, metadata=facts) as pdf:
        for row in verdicts[verdicts["galaxy"].isin(names)].to_dict("records"):
            galaxy, cube = row["galaxy"], None
            if row["verdict"] == "accepted":
                figure = quality.draw_accepted(galaxy, read_maps(Path(args.maps) / f"{stems[galaxy]}.fits"))
            else:
                try:
                    cube = open_cube(cubes[galaxy], galaxy, settings)[0]
                except CubeRejected as error:  # the page says why, as the verdict does
                    print(f"{galaxy}: {error}", flush=True)
                figure = quality.draw_rejected(galaxy, row["reason"], row["detail"], cube)
            pictures[galaxy] = quality.picture(figure)
            pdf.savefig(figure)
        if not pictures:  # a file without pages is none
            pdf.savefig(quality.blank("no galaxy has a page"))
    page = quality.index(verdicts, pictures, f"{settings.get('survey', 'survey')}: quality of the cubes")
    write_text(args.out, f"{page}<!-- {signed} -->\n")
    print(f"{len(pictures)} pages", flush=True)


if __name__ == "__main__":
    run(main)
