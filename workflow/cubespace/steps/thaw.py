"""Take basis, scaling and networks out of a release; each file is checked against the release's manifest."""

from pathlib import Path

from cubespace.steps import parse, run


def main(argv=None):
    """--release zip file or folder; --out the files, by their paths under results/."""
    args = parse(__doc__, argv, release=str, out=[str])
    from cubespace.files import atomic
    from cubespace.release import Release

    release = Release(args.release)
    for out in args.out:
        content = release.read(Path(out).relative_to("results").as_posix())
        with atomic(out) as temporary:
            temporary.write_bytes(content)
    print(f"release {release.manifest['name']}, {release.digest}: {len(args.out)} files", flush=True)


if __name__ == "__main__":
    run(main)
