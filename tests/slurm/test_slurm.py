"""`snakemake --profile slurm` on a real, private Slurm: a small survey to its end, and what may go wrong on the way.

Every fault is put to a copy of the undisturbed run from which one stage was removed; afterwards the files of that stage must be the
same, byte for byte, and no half-written file may be beside them.
"""

import os
import shutil
import signal
import subprocess

import pytest
from clone import same, wait_for
from loopback import Cluster

BASIS = "results/basis/basis.fits"


def test_the_command_finishes_and_training_alone_gets_the_gpu(undisturbed):
    assert (undisturbed.folder / "results/summary.txt").read_text().strip()
    jobs = undisturbed.jobs()
    assert {state for state, *_ in jobs} == {"COMPLETED"}
    training = [job for job in jobs if "rule_train" in job[3]]
    assert len(training) == 2
    assert all(partition == "gpu" and "gres/gpu=1" in resources for _, partition, resources, _ in training)
    others = [job for job in jobs if "rule_train" not in job[3]]
    assert others and all(partition == "cpu" and "gres/gpu" not in resources for _, partition, resources, _ in others)
    groups = [name for *_, name in jobs if name.startswith("group")]
    assert len(groups) == 5, groups  # simulate, moments, maps, space, figures


def test_nothing_runs_again(undisturbed):
    assert "Nothing to be done" in undisturbed.finish(undisturbed.start())


def test_killed_job_is_run_again_with_more_memory(undisturbed, tmp_path):
    clone = undisturbed.copy(tmp_path, "moments/*.npz", "basis/*")
    running = clone.start(BASIS)
    os.kill(wait_for(lambda: clone.reading("moments", ".fits.gz"), running)[0], signal.SIGKILL)
    clone.finish(running)
    first, second, basis = clone.jobs()
    assert (first[0], second[0], basis[0]) == ("FAILED", "COMPLETED", "COMPLETED")
    assert "mem=5000M" in first[2] and "mem=10000M" in second[2]  # two members at a time
    same(clone, undisturbed, "moments/*", "basis/*")


def test_training_past_its_time_limit_goes_on_where_it_was(undisturbed, tmp_path):
    clone = undisturbed.copy(tmp_path, "network/full/*")
    wanted = ["weights.safetensors", "card.md"]
    running = clone.start(f"results/network/full/{wanted[0]}", resources=["train:runtime=attempt**3"])  # 1 minute, then 8
    wait_for((clone.folder / "results/network/full/checkpoint.pt").exists, running)
    for number in wait_for(lambda: clone.processes("train"), running):
        os.kill(number, signal.SIGSTOP)  # it cannot finish in time: Slurm ends it
    clone.finish(running)
    assert [state for state, *_ in clone.jobs()] == ["TIMEOUT", "COMPLETED"]
    log = (clone.folder / "results/logs/train/full.log").read_text()
    assert "resumed from results/network/full/checkpoint.pt after epoch" in log
    assert not (clone.folder / "results/network/full/checkpoint.pt").exists()
    same(clone, undisturbed, *(f"network/full/{name}" for name in wanted))


def test_out_of_memory_is_tried_again_with_more(undisturbed, tmp_path):
    clone = undisturbed.copy(tmp_path, "basis/*")
    clone.finish(clone.start(BASIS, resources=["basis:mem_mb=300*attempt**3"]))
    first, second = clone.jobs()
    assert first[0] in ("OUT_OF_MEMORY", "FAILED", "CANCELLED") and "mem=300M" in first[2]
    assert second[0] == "COMPLETED" and "mem=2400M" in second[2]
    same(clone, undisturbed, "basis/basis.fits")


@pytest.mark.parametrize("state", ["drain", "down"])
def test_node_is_taken_away(cluster, undisturbed, tmp_path, state):
    """A drained node finishes what it has and gets nothing more; of one that is down, Slurm runs the job again elsewhere."""
    clone = undisturbed.copy(tmp_path, "moments/*.npz", "basis/*")
    running = clone.start(BASIS)
    wait_for(lambda: clone.reading("moments", ".fits.gz"), running)
    (node,) = {line for line in cluster.run("squeue", "-h", "-t", "R", "-o", "%N").split()}
    try:
        cluster.run("scontrol", "update", f"nodename={node}", f"state={state}", "reason=test")
        clone.finish(running)
    finally:
        cluster.run("scontrol", "update", f"nodename={node}", "state=resume")
    assert [job[0] for job in clone.jobs()] == ["COMPLETED", "COMPLETED"]
    used = [name for number, name in cluster.accounting("JobID", "NodeList") if int(number) >= clone.first]
    assert used[-1] != node and (used[0] == node) == (state == "drain")
    same(clone, undisturbed, "moments/*", "basis/*")


TABLES = (
    "moments/*", "basis/*", "maps/*", "network/*/*.safetensors", "network/*/*.md", "embedding/*", "baselines/**/*", "space/**/*",
    "populations/*", "scorecard.csv", "summary.txt",
)  # fmt: skip


def test_snakemake_killed_and_started_again(cluster, undisturbed, tmp_path):
    """To the very end: the tables of the survey are those of the undisturbed run."""
    clone = undisturbed.copy(tmp_path, *TABLES)
    running = clone.start("results/summary.txt")
    wait_for(lambda: clone.files("moments/*.npz"), running)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    cluster.run("scancel", "--user=root")  # its jobs do not know, and would go on
    wait_for(lambda: not cluster.run("squeue", "-h"))
    (clone.folder / "results/moments/.partial-0-X.npz").write_bytes(b"half")  # as a writer leaves it that is killed in mid-write
    refused = clone.finish(clone.start("results/summary.txt"), succeeds=False)
    assert "--unlock" in refused  # the lock of the dead one, which might have been alive
    clone.finish(clone.start(options=["--unlock"]))
    clone.finish(clone.start("results/summary.txt"))
    same(clone, undisturbed, *TABLES)


def mount(folder, options, *kind):
    return subprocess.run(["mount", *kind, "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)


def test_full_disk(undisturbed, tmp_path):
    """The whole clone lies on a file system with room for three of ten files of moments; then there is more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if refused := mount(disk, "size=4g", "-t", "tmpfs").stderr:
        pytest.skip(f"NO FULL DISK TESTED: no small file system can be mounted here: {refused}")
    try:
        clone = undisturbed.copy(disk, "moments/*.npz", "basis/*")
        assert not mount(disk, f"remount,size={shutil.disk_usage(disk).used + 60_000_000}").stderr
        text = clone.finish(clone.start(BASIS, options=["--retries", "0"]), succeeds=False)
        assert "No space left on device" in text + clone.errors()
        assert clone.halves() == [] and len(clone.files("moments/*.npz")) < 12
        assert not mount(disk, "remount,size=4g").stderr
        clone.finish(clone.start(BASIS))
        same(clone, undisturbed, "moments/*", "basis/*")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_without_accounting(undisturbed, tmp_path, tmp_path_factory):
    """No slurmdbd: the state of jobs is asked of squeue, as the profile's commented line says."""
    with Cluster(tmp_path_factory.mktemp("plain"), nodes=1, database=False) as plain:
        clone = undisturbed.copy(tmp_path, "basis/*")
        clone.cluster = plain
        clone.finish(clone.start(BASIS, options=["--slurm-status-command", "squeue"]))
        same(clone, undisturbed, "basis/basis.fits")
