"""List the nearest neighbours of each galaxy in the representation, none of its own pointing."""

from cubespace.steps import parse, run, sign


def main(argv=None):
    args = parse(__doc__, argv, embedding=str, roster=str, out=str)
    from cubespace.space.neighbours import neighbour_table, pointings_of, read_embedding
    from cubespace.tables import read_table, write_table

    embedding, settings = read_embedding(args.embedding), args.settings
    wanted = settings.get("k", 10)
    pointings = pointings_of(embedding.galaxies, read_table(args.roster))
    table = neighbour_table(embedding.galaxies, embedding.vectors, pointings, wanted)
    table["cosine_distance"] = table["cosine_distance"].round(12)  # what a matrix product repeats from run to run
    meta = sign(args, seed=settings.get("seed"), release=embedding.meta.get("release_digest"))
    write_table(table, args.out, meta=meta)
    found = int(table["rank"].max())
    cut = "" if found == wanted else f" (asked: {wanted}; cut to the galaxies there are)"
    print(f"{len(embedding.galaxies)} galaxies, {found} neighbours each{cut}")


if __name__ == "__main__":
    run(main)
