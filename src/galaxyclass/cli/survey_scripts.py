"""Scripts that schedulers run: one task for each part of a survey's shards."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from galaxyclass.errors import ArgumentError

if TYPE_CHECKING:
    from galaxyclass.survey.survey import Survey

#: For whom a script is written.
Scheduler = Literal["slurm", "pbs", "htcondor", "shell"]
#: Tasks, where the user does not say how many.
_TASKS = 100

#: Scheduler -> arguments that its script has no place for.
_NOT_OF: dict[Scheduler, tuple[str, ...]] = {
    "slurm": (),
    "pbs": ("at_once",),
    "htcondor": ("minutes",),
    "shell": ("tasks", "at_once", "minutes", "gpus", "memory"),
}

_SLURM = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=1-{tasks}{at_once}
#SBATCH --ntasks=1 --cpus-per-task={cores} --mem={memory}G --time={minutes}{gpus}
#SBATCH --signal=B:USR1@120 --requeue
#SBATCH --open-mode=append
#SBATCH --output={logs}/%A_%a.log
# Two minutes before the end of its time a task is warned (USR1): it finishes its batches, and is
# queued again. One that is preempted finishes them too, and Slurm queues it again.
warned=
trap 'warned=yes; [ "$!" ] && kill -USR1 "$!"' USR1
trap '[ "$!" ] && kill -TERM "$!"' TERM
{run} --part "$SLURM_ARRAY_TASK_ID/{tasks}" --cores {cores} &
wait "$!"
wait "$!"
code=$?
if [ "$warned" ] && [ "$code" -eq 75 ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"""

_PBS = """\
#!/bin/bash
#PBS -N {name}
{array}#PBS -l select=1:ncpus={cores}:mem={memory}gb{gpus}
#PBS -l walltime={hours}
#PBS -r y
#PBS -j oe
#PBS -o {logs}
# PBS sends SIGTERM before it kills: finished batches are kept. Submit this script again until
# `galaxyclass survey status` says that all shards are done.
exec {run} --part "{part}/{tasks}" --cores {cores}
"""

_HTCONDOR = """\
executable          = {program}
arguments           = "{arguments} --part $INT(Part)/{tasks} --cores {cores}"
Part                = $(Process) + 1
request_cpus        = {cores}
request_memory      = {memory} GB
{gpus}should_transfer_files = NO
output              = {logs}/condor.$(Process).log
error               = {logs}/condor.$(Process).log
log                 = {logs}/condor.log
# A job that is evicted gets SIGTERM, finishes its batches, ends with 75 and is queued again.
kill_sig            = SIGTERM
job_max_vacate_time = 120
on_exit_remove      = ExitCode =!= 75
{at_once}queue {tasks}
"""

_SHELL = """\
#!/bin/bash
# Start this on every machine that sees the folder: all share the work.
code=75
while [ "$code" -eq 75 ]; do # stopped by a signal: go on
    {run}{cores}
    code=$?
done
exit "$code"
"""


def survey_script(
    survey: Survey,
    scheduler: Scheduler,
    *,
    tasks: int | None = None,
    at_once: int | None = None,
    minutes: int | None = None,
    cores: int | None = None,
    gpus: int | None = None,
    memory: int | None = None,
    program: str | None = None,
) -> str:
    """A script that hands a survey to a scheduler.

    Each task predicts a part of the shards. The script can be given to the scheduler again: what
    is done is skipped.

    Parameters
    ----------
    survey : Survey
    scheduler : {"slurm", "pbs", "htcondor", "shell"}
        ``slurm`` for sbatch, ``pbs`` for qsub, ``htcondor`` for condor_submit, ``shell`` for
        machines without a scheduler.
    tasks : int, optional
        By default 100, or as many as there are shards where these are fewer.
    at_once : int, optional
        Tasks that run at the same time, at most; of Slurm and HTCondor.
    minutes : int, optional
        Time of a task, of Slurm and PBS; by default 60.
    cores, gpus, memory : int, optional
        Of a task; memory in GB. By default 4 cores, no GPU and 8 GB; of a shell all cores, and
        nothing else can be said.
    program : str, optional
        The command ``galaxyclass``, as the machines find it; by default this very Python, by its
        absolute path.

    Raises
    ------
    ArgumentError
        A folder whose name the scheduler's script cannot hold; an argument that this scheduler
        does not have.
    """
    stated = {
        "tasks": tasks,
        "at_once": at_once,
        "minutes": minutes,
        "gpus": gpus,
        "memory": memory,
    }
    for argument in _NOT_OF[scheduler]:
        if stated[argument] is not None:
            raise ArgumentError(
                f"`{argument}`: not of {scheduler}",
                argument=argument,
                wanted=", ".join(
                    name for name, others in _NOT_OF.items() if argument not in others
                ),
                hint="leave it out",
            )
    minutes, gpus, memory = minutes or 60, gpus or 0, memory or 8
    folder = survey.folder.absolute()
    words = [program] if program else [sys.executable, "-m", "galaxyclass"]
    words += ["survey", "run", str(folder)]
    count = min(tasks or _TASKS, max(1, len(survey.shards)))
    own_cores = cores or 4
    run = shlex.join(words)
    name = _job_name(folder)
    logs = str(folder / "logs")
    if scheduler == "shell":
        return _SHELL.format(run=run, cores=f" --cores {cores}" if cores else "")
    _require_plain(str(folder), scheduler)
    (folder / "logs").mkdir(exist_ok=True)  # no scheduler makes it
    if scheduler == "slurm":
        return _SLURM.format(
            name=name, tasks=count, cores=own_cores, memory=memory, minutes=minutes, run=run,
            logs=logs, at_once=f"%{at_once}" if at_once else "",
            gpus=f" --gpus-per-node={gpus}" if gpus else "",
        )  # fmt: skip
    if scheduler == "pbs":
        several = count > 1  # an array of one task is refused
        return _PBS.format(
            name=name, tasks=count, cores=own_cores, memory=memory, run=run, logs=logs,
            array=f"#PBS -J 1-{count}\n" if several else "",
            part="$PBS_ARRAY_INDEX" if several else "1",
            hours=f"{minutes // 60:02}:{minutes % 60:02}:00",
            gpus=f":ngpus={gpus}" if gpus else "",
        )  # fmt: skip
    if not Path(words[0]).is_absolute():  # it would be looked for in the current folder
        words.insert(0, "/usr/bin/env")
    return _HTCONDOR.format(
        program=words[0], arguments=" ".join(words[1:]), tasks=count, cores=own_cores,
        memory=memory, logs=logs,
        gpus=f"request_gpus        = {gpus}\n" if gpus else "",
        at_once=f"max_materialize     = {at_once}\n" if at_once else "",
    )  # fmt: skip


def _job_name(folder: Path) -> str:
    """The name of a job: 15 letters, digits and dashes, which every scheduler takes."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in folder.name)
    return f"survey-{plain}"[:15].encode("ascii", "replace").decode().replace("?", "-")


def _require_plain(folder: str, scheduler: str) -> None:
    wrong = sorted({letter for letter in folder if letter in " \t\n'\"\\%$`#()"})
    if wrong:
        raise ArgumentError(
            f"{folder}: a name that a script of {scheduler} cannot hold",
            argument="folder",
            wanted="a path without spaces, quotes and signs of the shell",
            got=", ".join(map(repr, wrong)),
            hint="move the survey's folder: its results stay valid",
        )
