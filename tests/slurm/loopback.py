"""A private Slurm on 127.0.0.1 for tests: munged, slurmctld, slurmd (and slurmdbd on MariaDB), with fake GPUs.

Real are queueing, the accounting of CPUs, memory and GPUs, time limits, memory kills and draining; not real are the GPU itself (a
count with a device file that nothing opens), the second node (another slurmd on this machine), and the size of the nodes. Nothing is written outside the
folder of the cluster, and all daemons end with it. Must run as root: slurmd starts jobs for other users.
"""

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "slurmdbd", "mariadbd")
DEVICES = ("null", "zero", "full", "random", "urandom")

SLURM_CONF = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=defer,batch_sched_delay=1,sched_interval=2
PriorityType=priority/basic
ReturnToService=2
MinJobAge=3600
KillWait=5
InactiveLimit=0
SlurmdParameters=config_overrides
GresTypes=gpu
{accounting}
{nodes}
PartitionName=cpu Nodes={names} Default=YES MaxTime=INFINITE DefMemPerCPU=256 State=UP OverSubscribe=NO
PartitionName=gpu Nodes={names} Default=NO MaxTime=INFINITE DefMemPerCPU=256 State=UP OverSubscribe=NO
"""
# munge's socket goes by AccountingStoragePass: the link to slurmdbd does not read AuthInfo
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/socket
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu"""
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={storage}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
"""


def missing():
    """What this machine lacks for a private Slurm, as text; empty if nothing."""
    lacking = [name for name in PROGRAMS if not shutil.which(name)]
    if os.geteuid() != 0:
        return "root"
    return ", ".join(lacking)


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


class Job(NamedTuple):
    """Fields of the accounting."""

    State: str
    Partition: str
    ReqTRES: str
    NodeList: str
    WorkDir: str
    Comment: str  # rule or group and its rules, from Snakemake


class Cluster:
    """`with Cluster(folder) as cluster:` a running cluster; `cluster.environment` makes sbatch and the others find it."""

    def __init__(self, folder, nodes=2, gpus=1, database=True):
        self.folder = Path(folder).resolve()
        self.nodes = [f"n{i + 1}" for i in range(nodes)]
        self.gpus = gpus
        self.database = database
        self.processes = []
        self.environment = os.environ | {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exception):
        self._stop()

    def run(self, *command, check=True):
        """Output of a Slurm command on this cluster."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def jobs(self):
        """All jobs so far, as the accounting has them."""
        text = self.run("sacct", "-X", "-n", "-P", "-o", ",".join(Job._fields), "-S", "now-1day")
        rows = [Job(*line.split("|")) for line in text.splitlines()]
        return [job._replace(State=job.State.split()[0]) for job in rows]  # of "CANCELLED by 0", the first word

    def left(self):
        """Numbers of the processes that were started on or for this cluster, and are there."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and f"={self.folder}/slurm.conf".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
        return found

    def _start(self):
        for name in ("munge", "log", "state", "bin", *(f"spool.{node}" for node in self.nodes)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        host = socket.gethostname().split(".")[0]
        key = self.folder / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        munge = self.folder / "munge"
        options = {"key-file": key, "socket": munge / "socket", "pid-file": munge / "pid", "log-file": munge / "log", "seed-file": munge / "seed"}
        self._daemon("munged", "--foreground", "--force", *(f"--{name}={path}" for name, path in options.items()))
        self._wait("munged", "munge", "-S", str(munge / "socket"), "-n")
        accounting = "AccountingStorageType=accounting_storage/none"
        if self.database:
            accounting = self._database(host)
        lines = [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=2 RealMemory=64000 "
            f"Gres=gpu:fake:{self.gpus} State=UNKNOWN"
            for node in self.nodes
        ]
        (self.folder / "slurm.conf").write_text(
            SLURM_CONF.format(
                host=host, port=free_port(), folder=self.folder, accounting=accounting, nodes="\n".join(lines), names=",".join(self.nodes)
            )
        )
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        devices = [f"NodeName={node} Name=gpu Type=fake File=/dev/{DEVICES[i]}\n" for node in self.nodes for i in range(self.gpus)]
        (self.folder / "gres.conf").write_text("".join(devices))
        # the executor's job step drops every SLURM_* variable, SLURM_CONF too, before its own srun
        wrapper = self.folder / "bin" / "srun"
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shlex.quote(shutil.which("srun"))} "$@"\n')
        wrapper.chmod(0o755)
        if self.database:
            self._daemon("slurmdbd", "-D")
            self._wait("slurmdbd", "sacctmgr", "-n", "list", "cluster")
            for entry in ("cluster loopback", "account test Cluster=loopback", "user root Account=test Cluster=loopback"):
                self.run("sacctmgr", "-i", "-Q", "add", *entry.split())
        self._daemon("slurmctld", "-D")
        self._wait("slurmctld", "scontrol", "ping")
        for node in self.nodes:
            self._daemon("slurmd", "-D", "-N", node)
        self._wait("all nodes", "sh", "-c", f"[ $(sinfo -h -N -p cpu -t idle -o %N | sort -u | wc -l) -eq {len(self.nodes)} ]")

    def _database(self, host):
        data, port, storage = self.folder / "mysql", free_port(), free_port()
        data.mkdir()
        install = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True, timeout=120)
        door = self.folder / "mysql.sock"
        self._daemon(
            "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={door}", "--skip-name-resolve", "--bind-address=127.0.0.1",
            f"--port={storage}", f"--pid-file={self.folder}/mysql.pid", "--innodb-buffer-pool-size=64M",
        )  # fmt: skip
        query = ["mariadb", "--no-defaults", "-S", str(door), "-u", "root", "-e"]
        self._wait("mariadbd", *query, "select 1")
        self.run(
            *query,
            "create database slurm_acct_db; create user slurm@127.0.0.1 identified by 'slurm'; grant all on slurm_acct_db.* to slurm@127.0.0.1;",
        )
        conf = self.folder / "slurmdbd.conf"
        conf.touch(mode=0o600)
        conf.write_text(SLURMDBD_CONF.format(folder=self.folder, host=host, port=port, storage=storage))
        return ACCOUNTING.format(port=port, folder=self.folder)

    def _daemon(self, *command):
        with open(self.folder / "log" / f"{command[0]}.{len(self.processes)}.out", "w") as out:
            self.processes.append(
                subprocess.Popen(command, env=self.environment, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
            )

    def _wait(self, what, *command, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if subprocess.run(command, env=self.environment, capture_output=True, timeout=30).returncode == 0:
                return
            time.sleep(0.2)
        logs = "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-1000:]}" for path in (self.folder / "log").iterdir())
        raise RuntimeError(f"{what} did not come up in {seconds} s\n{logs}")

    def _stop(self):
        if any(process.args[0] == "slurmctld" for process in self.processes):
            self.run("scancel", "-u", "root", check=False)
            end = time.monotonic() + 15
            while self.run("squeue", "-h", check=False).strip() and time.monotonic() < end:
                time.sleep(0.3)
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        end = time.monotonic() + 10
        while (left := self.left()) and time.monotonic() < end:  # of a job on a node that was down, which nobody told to end
            for number in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.1)
