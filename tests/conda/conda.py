"""What Snakemake asks of the command conda, answered by the rattler solver. It is not conda.

Environment: CONDA_STANDIN, a folder with bin/conda (this), bin/activate and channel/, the channel to use whatever the environment's
file says.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import rattler
import yaml

BASE = Path(os.environ["CONDA_STANDIN"])


def option(name):
    words = sys.argv[1:]
    return words[words.index(name) + 1]


def specs(file):
    """The requirements of an environment's file, each as rattler understands it in its strict reading."""
    return [str(rattler.MatchSpec(text, strict=True)) for text in yaml.safe_load(Path(file).read_text())["dependencies"]]


async def solve(file):
    """Packages of an environment, from the local channel."""
    system = [each.into_generic() for each in rattler.VirtualPackage.detect()]
    return await rattler.solve([(BASE / "channel").as_uri()], specs(file), platforms=["linux-64", "noarch"], virtual_packages=system)


async def create():
    """Solve and install an environment."""
    found = await solve(option("--file"))
    await rattler.install(found, option("--prefix"), show_progress=False, cache_dir=BASE / "packages")


def main():
    words = sys.argv[1:]
    if words[:1] == ["--version"]:
        print("conda 25.9.1")
    elif words[:1] == ["info"]:
        print(json.dumps({"conda_prefix": str(BASE), "platform": "linux-64"}))
    elif words[:2] == ["config", "--get"]:
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif words[:2] == ["env", "create"]:
        asyncio.run(create())
    elif words[:2] == ["list", "--explicit"]:
        print("@EXPLICIT")
    elif words[:1] == ["solve"]:  # not a command of conda: names and versions that a file's requirements come to
        print(json.dumps({record.name.normalized: str(record.version) for record in asyncio.run(solve(words[1]))}))
    elif words[:1] != ["clean"]:
        sys.exit(f"not a command that Snakemake uses: {words}")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # the solver's own threads may crash the interpreter's ordinary end
