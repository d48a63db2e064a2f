"""`snakemake --profile slurm` on a real, private Slurm: a small survey to its end, and what may go wrong on the way.

Every fault is put to a copy of the undisturbed run from which some files were removed; afterwards these must be the same, byte for
byte, and nothing half-written may be beside them.
"""

import os
import shutil
import signal
import subprocess

import pytest
from clone import same, wait_for
from loopback import Cluster

FEW = "moments/MOCK000*.npz"  # of four galaxies: one group of jobs


def test_the_command_finishes_and_training_alone_gets_the_gpu(undisturbed):
    assert (undisturbed.folder / "results/summary.txt").read_text().strip()
    jobs = undisturbed.jobs()
    assert {job.State for job in jobs} == {"COMPLETED"}
    training = [job for job in jobs if "rule_train" in job.Comment]
    assert len(training) == 2
    assert all(job.Partition == "gpu" and "gres/gpu=1" in job.ReqTRES for job in training)
    others = [job for job in jobs if job not in training]
    assert others and all(job.Partition == "cpu" and "gres/gpu" not in job.ReqTRES for job in others)
    sent = [job.Comment.removeprefix("rule_").split("_")[0] for job in jobs]
    assert [sent.count(group) for group in ("simulate", "moments", "maps", "space", "figures")] == [2] * 5


def test_nothing_runs_again(undisturbed):
    assert "Nothing to be done" in undisturbed.finish(undisturbed.start())


def test_killed_job_is_run_again_with_more_memory(undisturbed, tmp_path):
    clone, targets = undisturbed.copy(tmp_path, FEW)
    running = clone.start(*targets)
    os.kill(wait_for(lambda: clone.reading("moments", ".fits.gz"), running)[0], signal.SIGKILL)
    clone.finish(running)
    first, second = clone.jobs()
    assert first.State == "FAILED" and "cpu=1,mem=2500M" in first.ReqTRES  # as much as one member
    assert second.State == "COMPLETED" and "cpu=1,mem=5000M" in second.ReqTRES
    same(clone, undisturbed, "moments/*")


@pytest.mark.long  # Slurm counts in minutes
def test_training_past_its_time_limit_goes_on_where_it_was(undisturbed, tmp_path):
    clone, _ = undisturbed.copy(tmp_path, "network/full/*")
    checkpoint = clone.folder / "results/network/full/checkpoint.pt"
    running = clone.start("results/network/full/weights.safetensors", resources=["train:runtime=attempt**3"])  # 1 minute, then 8
    wait_for(checkpoint.exists, running)
    for number in clone.processes("train"):
        os.kill(number, signal.SIGSTOP)  # it cannot finish in time: Slurm ends it
    clone.finish(running)
    assert [job.State for job in clone.jobs()] == ["TIMEOUT", "COMPLETED"]
    log = (clone.folder / "results/logs/train/full.log").read_text()
    assert "resumed from results/network/full/checkpoint.pt after epoch" in log
    assert not checkpoint.exists()
    same(clone, undisturbed, "network/full/weights.safetensors", "network/full/card.md")


@pytest.mark.long
def test_out_of_memory_is_tried_again_with_more(undisturbed, tmp_path):
    clone, _ = undisturbed.copy(tmp_path, "network/full/*")
    clone.finish(clone.start("results/network/full/weights.safetensors", resources=["train:mem_mb=400*attempt**3"]))
    first, second = clone.jobs()
    assert first.State in ("OUT_OF_MEMORY", "FAILED", "CANCELLED") and "mem=400M" in first.ReqTRES
    assert second.State == "COMPLETED" and "mem=3200M" in second.ReqTRES
    same(clone, undisturbed, "network/full/weights.safetensors", "network/full/card.md")


def take_away(cluster, clone, targets, state):
    """(jobs, name of the node) of a run of two groups, one after the other; the node of the first got this state meanwhile."""
    running = clone.start(*targets, options=["--jobs", "1", "--group-components", "moments=2"])
    wait_for(lambda: clone.reading("moments", ".fits.gz"), running)
    (node,) = cluster.run("squeue", "-h", "-t", "R", "-o", "%N").split()
    try:
        cluster.run("scontrol", "update", f"nodename={node}", f"state={state}", "reason=test")
        clone.finish(running)
    finally:
        cluster.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)  # it may be back by itself
    return clone.jobs(), node


@pytest.mark.long
def test_drained_node_ends_its_job_and_gets_no_other(cluster, undisturbed, tmp_path):
    clone, targets = undisturbed.copy(tmp_path, FEW)
    (first, second), node = take_away(cluster, clone, targets, "drain")
    assert first.State == second.State == "COMPLETED"
    assert first.NodeList == node != second.NodeList
    same(clone, undisturbed, "moments/*")


@pytest.mark.long
def test_jobs_of_a_lost_node_are_run_elsewhere(cluster, undisturbed, tmp_path):
    clone, targets = undisturbed.copy(tmp_path, FEW)
    (first, *others), node = take_away(cluster, clone, targets, "down")
    assert first.State == "NODE_FAIL" and [job.State for job in others] == ["COMPLETED", "COMPLETED"]
    assert first.NodeList == node and node not in [job.NodeList for job in others]  # Snakemake avoids it from now on
    same(clone, undisturbed, "moments/*")


@pytest.mark.long
def test_interrupted_run_cancels_its_jobs(undisturbed, tmp_path):
    clone, targets = undisturbed.copy(tmp_path, FEW)
    running = clone.start(*targets)
    wait_for(lambda: clone.reading("moments", ".fits.gz"), running)
    running.send_signal(signal.SIGINT)
    clone.finish(running, succeeds=False)
    clone.finish(clone.start(*targets))
    assert [job.State for job in clone.jobs()] == ["CANCELLED", "COMPLETED"]
    same(clone, undisturbed, "moments/*")


TABLES = (
    "moments/*", "basis/*", "maps/*", "network/*/*.safetensors", "network/*/*.md", "embedding/*", "baselines/**/*", "space/**/*",
    "populations/*", "scorecard.csv", "summary.txt",
)  # fmt: skip


@pytest.mark.long
def test_snakemake_killed_and_started_again(cluster, undisturbed, tmp_path):
    """To the very end: the tables of the survey are those of the undisturbed run."""
    clone, targets = undisturbed.copy(tmp_path, *TABLES)
    running = clone.start(*targets)
    wait_for(lambda: clone.files("moments/*.npz"), running)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    cluster.run("scancel", "--user=root")  # its jobs do not know, and would go on
    wait_for(lambda: not cluster.run("squeue", "-h"))
    (clone.folder / "results/moments/.partial-0-X.npz").write_bytes(b"half")  # as a writer leaves it that is killed in mid-write
    refused = clone.finish(clone.start(*targets), succeeds=False)
    assert "--unlock" in refused  # the lock of the dead one, which might have been alive
    clone.finish(clone.start(options=["--unlock"]))
    clone.finish(clone.start(*targets))
    same(clone, undisturbed, *TABLES)


def mount(folder, *options):
    """What mount says against it; nothing if it mounted."""
    return subprocess.run(["mount", "-t", "tmpfs", "-o", *options, "tmpfs", str(folder)], capture_output=True, text=True).stderr


@pytest.mark.long
def test_full_disk(undisturbed, tmp_path):
    """The whole clone lies on a file system with room for two of four files of moments; then there is more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if refused := mount(disk, "size=4g"):
        pytest.skip(f"NO FULL DISK TESTED: no small file system can be mounted here: {refused}")
    try:
        clone, targets = undisturbed.copy(disk, FEW)
        size = (undisturbed.folder / targets[0]).stat().st_size
        assert not mount(disk, f"remount,size={shutil.disk_usage(disk).used + int(2.5 * size)}")
        text = clone.finish(clone.start(*targets, options=["--retries", "0"]), succeeds=False)
        assert "No space left on device" in text + clone.errors()
        assert clone.halves() == [] and not clone.files(FEW)  # a failed group starts anew
        assert not mount(disk, "remount,size=4g")
        clone.finish(clone.start(*targets))
        same(clone, undisturbed, "moments/*")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.long
def test_without_accounting(undisturbed, tmp_path, tmp_path_factory):
    """No slurmdbd: the state of jobs is asked of squeue, as the profile's commented line says."""
    with Cluster(tmp_path_factory.mktemp("plain"), nodes=1, database=False) as plain:
        clone, targets = undisturbed.copy(tmp_path, FEW)
        clone.cluster = plain
        assert plain.left()
        clone.finish(clone.start(*targets, options=["--slurm-status-command", "squeue"]))
        same(clone, undisturbed, "moments/*")
    assert plain.left() == []
