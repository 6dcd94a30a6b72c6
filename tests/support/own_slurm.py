"""A Slurm of one node for tests and benchmarks, from Debian's packages slurm-wlm and munge."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.waiting import wait_until

#: The programs that it needs.
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")


def why_no_slurm() -> str:
    """Why no Slurm can be started here; empty where one can."""
    missing = [name for name in PROGRAMS if not _program(name)]
    if missing:
        return f"NO SLURM: {', '.join(missing)} missing (Debian: slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "NO SLURM: only root can start its daemons"


class OwnSlurm:
    """A Slurm of one node, whose daemons this process starts and ends.

    The environment variable ``SLURM_CONF`` leads all commands of Slurm to it, until its end.

    Parameters
    ----------
    place : Path
        Its files; a short path, as it holds sockets.
    cores : int
        Of the node, whatever the machine has.
    settings : mapping of str to str, optional
        Of ``slurm.conf``, besides its own or in their place.
    partitions : sequence of str, optional
        Lines of partitions besides ``all``, which is the default one.
    """

    def __init__(
        self,
        place: Path,
        cores: int,
        settings: Mapping[str, str] | None = None,
        partitions: Sequence[str] = (),
    ) -> None:
        self.place = place
        self.configuration = place / "slurm.conf"
        for folder in ("state", "spool"):
            (place / folder).mkdir(parents=True, exist_ok=True)
        self._node = socket.gethostname()
        self._write(cores, settings or {}, partitions)
        self._before = os.environ.get("SLURM_CONF")
        os.environ["SLURM_CONF"] = str(self.configuration)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._start_munge()
        self.start_control()
        self.start_node()
        wait_until(self.answers, seconds=60)

    def _write(self, cores: int, settings: Mapping[str, str], partitions: Sequence[str]) -> None:
        name, place = self._node, self.place
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 1000
        control, node = _free_ports(2)
        own = {
            "ClusterName": "own", "SlurmctldHost": f"{name}(127.0.0.1)", "SlurmUser": "root",
            "AuthType": "auth/munge", "AuthInfo": f"socket={place}/munge.socket",
            "CredType": "cred/munge", "StateSaveLocation": f"{place}/state",
            "SlurmdSpoolDir": f"{place}/spool", "SlurmctldPidFile": f"{place}/slurmctld.pid",
            "SlurmdPidFile": f"{place}/slurmd.pid", "SlurmctldLogFile": f"{place}/slurmctld.log",
            "SlurmdLogFile": f"{place}/slurmd.log", "SlurmctldPort": control, "SlurmdPort": node,
            "ProctrackType": "proctrack/linuxproc", "TaskPlugin": "task/none",
            "MpiDefault": "none", "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core", "ReturnToService": "2",
            "AccountingStorageType": "accounting_storage/none",
            "JobAcctGatherType": "jobacct_gather/none", "SlurmdTimeout": "60", "KillWait": "10",
            "SchedulerParameters": "batch_sched_delay=1", "MaxArraySize": "7", **settings,
        }  # fmt: skip
        lines = [f"{key}={value}" for key, value in own.items()]
        lines.append(
            f"NodeName={name} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN"
        )
        lines.append("PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP")
        self.configuration.write_text("\n".join([*lines, *partitions]) + "\n")

    def _start_munge(self) -> None:
        key = self.place / "munge.key"
        key.unlink(missing_ok=True)
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self._start(
            "munged", "--foreground", "--force", f"--key-file={key}",
            f"--socket={self.place}/munge.socket", f"--pid-file={self.place}/munged.pid",
            f"--log-file={self.place}/munged.log", f"--seed-file={self.place}/munged.seed",
        )  # fmt: skip
        wait_until((self.place / "munge.socket").exists, seconds=30)

    def _start(self, program: str, *words: str) -> None:
        with (self.place / f"{program}.out").open("ab") as log:
            self._processes[program] = subprocess.Popen(
                [_program(program), *words], stdout=log, stderr=log, start_new_session=True
            )

    def start_control(self) -> None:
        """Start the controller."""
        self._start("slurmctld", "-D", "-f", str(self.configuration))

    def start_node(self) -> None:
        """Start the daemon of the node."""
        self._start("slurmd", "-D", "-f", str(self.configuration))

    def kill(self, program: str) -> None:
        """Kill -9 of a daemon."""
        self._processes[program].kill()
        self._processes[program].wait()

    @staticmethod
    def answers() -> bool:
        """Whether the controller answers."""
        return bool((asked("sinfo", "-h", "-o", "%T") or "").strip())

    def resume(self) -> None:
        """What an administrator does with a node that Slurm drained after it lost its memory."""
        states = asked("sinfo", "-h", "-o", "%T") or ""
        if "drain" in states or "down" in states:
            asked("scontrol", "update", f"NodeName={self._node}", "State=RESUME")

    def cancel(self) -> None:
        """Cancel all jobs, and wait until none is left."""
        asked("scancel", "--user=root")
        wait_until(lambda: asked("squeue", "-h") == "", seconds=60)

    def end(self) -> None:
        """Cancel all jobs, and end the daemons."""
        with suppress(OSError, subprocess.SubprocessError, AssertionError):
            if self._processes["slurmctld"].poll() is None:
                self.cancel()
        for process in reversed(self._processes.values()):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
        if self._before is None:
            os.environ.pop("SLURM_CONF", None)
        else:
            os.environ["SLURM_CONF"] = self._before


def asked(*words: str) -> str | None:
    """The answer of a command of Slurm; None where it fails."""
    done = subprocess.run(words, capture_output=True, check=False, text=True, timeout=60)
    return done.stdout if done.returncode == 0 else None


def _program(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin") or ""


def _free_ports(count: int) -> list[str]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
