"""A clone of the project with a survey in it, run on a private Slurm."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# What only the tests ask for: their own survey, nodes of two processors, no waiting for job states, and two groups where the profile
# would make one.
OVERRIDES = (
    "--configfile", "config.yaml", "--cores", "2", "--latency-wait", "20", "--slurm-init-seconds-before-status-checks", "3",
    "--group-components", "simulate=5", "moments=6", "maps=6", "space=5", "figures=13",
)  # fmt: skip
LIMIT = 1800  # seconds that a run may take before the test gives up


class Clone:
    """`folder` with the project and a survey; `start` gives the README's command in it."""

    def __init__(self, folder, cluster):
        self.folder = folder
        self.cluster = cluster

    def start(self, *targets, options=(), resources=()):
        """`snakemake --profile slurm`, running; `resources` are those of --set-resources."""
        path = os.pathsep.join([str(Path(sys.executable).parent), self.cluster.environment["PATH"]])
        # compiling UMAP takes half a minute, and its pictures are the same without
        environment = self.cluster.environment | {"PATH": path, "OMP_NUM_THREADS": "1", "NUMBA_DISABLE_JIT": "1"}
        command = ["snakemake", "--profile", "slurm", *OVERRIDES, *options, "--set-resources", "train:slurm_partition=gpu", "train:gpu=1", *resources, "--", *targets]
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs of a shell in the background ignore it
        )  # fmt: skip

    def finish(self, running, succeeds=True):
        """What the command printed, at its end."""
        try:
            text, _ = running.communicate(timeout=LIMIT)
        finally:
            if running.poll() is None:
                running.kill()
        assert (running.returncode == 0) == succeeds, text[-6000:] + self.errors()
        return text

    def errors(self):
        """The logs that speak of errors."""
        logs = {path: path.read_text(errors="replace") for path in sorted(self.folder.glob("results/logs/**/*.log"))}
        return "".join(f"\n== {path}\n{text[-1500:]}" for path, text in logs.items() if "rror" in text)

    def copy(self, folder, *removed):
        """(copy of this clone without the files of the patterns `removed` in results/, paths of these files)."""
        shutil.copytree(self.folder, folder / "cubespace", symlinks=True)
        other = Clone(folder / "cubespace", self.cluster)
        targets = [f"results/{name}" for name in other.files(*removed)]
        for path in targets:
            (other.folder / path).unlink()
        return other, targets

    def files(self, *patterns):
        """Content of the files of `patterns` in results/, by name."""
        results = self.folder / "results"
        found = [path for pattern in patterns for path in sorted(results.glob(pattern)) if path.is_file()]
        return {str(path.relative_to(results)): path.read_bytes() for path in found}

    def halves(self):
        """Files that a writer began and did not end."""
        return [str(path) for path in self.folder.glob("results/**/.partial-*")]

    def jobs(self):
        """The jobs submitted from this clone, in order, as Slurm's accounting has them."""
        return [job for job in self.cluster.jobs() if Path(job.WorkDir) == self.folder]

    def processes(self, step):
        """Numbers of the processes that run a step in this folder."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").resolve() == self.folder:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if f"cubespace.steps.{step}".encode() in words and Path(words[0].decode()).name.startswith("python"):
                        found.append(int(entry.name))
        return found

    def reading(self, step, suffix):
        """Those of them that have a file of this suffix open."""
        found = []
        for number in self.processes(step):
            with contextlib.suppress(OSError):
                if any(str(link.readlink()).endswith(suffix) for link in Path(f"/proc/{number}/fd").iterdir()):
                    found.append(number)
        return found


def wait_for(what, running=None, seconds=600):
    """The first true result of `what()` (while the command runs)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := what():
            return result
        assert running is None or running.poll() is None, "the command ended before it happened:\n" + running.stdout.read()[-4000:]
        time.sleep(0.02)
    raise AssertionError(f"did not happen in {seconds} s")


def same(clone, undisturbed, *patterns):
    """The files are those of the undisturbed run, to the last byte, and nothing half-written is beside them."""
    found, expected = clone.files(*patterns), undisturbed.files(*patterns)
    assert expected and found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert clone.halves() == []
