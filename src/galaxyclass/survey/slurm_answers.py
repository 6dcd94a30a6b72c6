"""What Slurm says of a job that it refuses, or takes and never starts."""

from __future__ import annotations

import re
import subprocess
import time

#: Why a job waits that will start by itself: other jobs come first, or its own.
_ORDINARY = frozenset(
    {"None", "Priority", "Resources", "Dependency", "BeginTime", "JobArrayTaskLimit", "Licenses"}
)
#: Limits of a user, project or kind of job on what runs at once.
_LIMITS = re.compile(r"(QOS|Assoc)(Max|Grp)\w+")
#: Seconds after which Slurm has looked at a new job, mostly, and that it has to say why it waits.
_SETTLED, _PATIENCE = 1.5, 4.0

#: A part of what Slurm says, in lower case -> what to do; the first that fits counts.
_REMEDIES = {
    "qos policy": "fewer tasks (`array_limit`), or wait until some have ended",
    "account": "name an `account` that may use this `partition`",
    "partitionconfig": "the partition does not allow a task of this size: name another "
    "`partition`, or fewer `minutes` or `cores`; `scontrol show partition` shows its limits",
    "partitiontimelimit": "fewer `minutes`, or a `partition` with more; `sinfo` shows their limits",
    "partitionnodelimit": "name another `partition`; `scontrol show partition` shows their limits",
    "partition": "`sinfo` shows the partitions: name one that is up as `partition`",
    # sbatch has tried for two minutes.
    "temporarily": "the queue is full: wait until some jobs have ended, or hand over fewer tasks: "
    "`array_limit`",
    "controller": "Slurm's controller does not answer: `sinfo` shows when it does again",
    "job array": "this Slurm takes no such array: hand over fewer tasks, `array_limit`; or, where "
    "it takes none at all, one job by hand that runs all shards on its own node",
    "limit": "fewer tasks (`array_limit`), or wait until some have ended",
    "qos": "`sacctmgr show assoc user=$USER format=account,partition,qos` lists what you may use",
    "gres": "this cluster has no such GPUs: fewer `gpus`, or another `partition`",
    "generic resource": "this cluster has no such GPUs: fewer `gpus`, or another `partition`",
    "node configuration": "ask for fewer `cores`, `gpus` or less `memory`",
    "memory": "ask for less `memory`",
    "cpu": "ask for fewer `cores`",
    "constraint": "see which machines the cluster has: `sinfo -o '%P %c %m %f'`",
    "feature": "see which machines the cluster has: `sinfo -o '%P %c %m %f'`",
    "unrecognized option": "`man sbatch` lists its options",
}


def remedy(text: str) -> str:
    """What to do about what Slurm says."""
    lower = text.lower()
    found = (what for part, what in _REMEDIES.items() if part in lower)
    return next(found, "see what `sinfo` and `squeue` say")


def last_words(error: BaseException) -> str:
    """Of the output of a command of Slurm that failed, what it says of the job."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("sbatch: ")]
    return "\n".join(errors) or (lines[-1] if lines else type(error).__name__)


def why_it_waits(job: str) -> str | None:
    """Why Slurm will not start a job that it has taken; None where it may.

    Unless it is told to enforce the limits of its partitions, Slurm takes jobs that break them, and
    lets them wait for ever.

    Parameters
    ----------
    job : str
        Its number.
    """
    end = time.monotonic() + _PATIENCE
    time.sleep(_SETTLED)
    while (reason := _reason(job)) == "None" and time.monotonic() < end:
        time.sleep(0.2)
    if reason is None or reason in _ORDINARY or _LIMITS.match(reason):
        return None
    return reason


def ask_slurm(*command: str) -> str | None:
    """What a command of Slurm prints; None where there is no Slurm, or it does not answer."""
    try:
        done = subprocess.run(  # noqa: S603 - one of Slurm's commands, where the cluster put it
            command, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _reason(job: str) -> str | None:
    """Why a job waits; None where it does not, or Slurm does not answer."""
    answer = ask_slurm("squeue", "-h", "-j", job, "-t", "PENDING", "-o", "%r")
    lines = (answer or "").strip().splitlines()
    return lines[0].strip() if lines else None
