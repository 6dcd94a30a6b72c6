"""Handing shards to Slurm through submitit: an array of tasks, each with some shards."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.arguments import public
from galaxyclass.errors import ArgumentError, SurveyError
from galaxyclass.extras import require
from galaxyclass.short import counted, summary
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.slurm_answers import ask_slurm, last_words, remedy, why_it_waits

if TYPE_CHECKING:
    from galaxyclass.survey.survey import Survey

#: Tasks of an array, where Slurm does not say how many it takes.
_ARRAY_LIMIT = 1000
#: Seconds before the end of its time that Slurm warns a task.
_WARNING_SECONDS = 120


@dataclass(frozen=True)
class SlurmJobs:
    """The jobs that were handed to Slurm.

    Attributes
    ----------
    job : str
        The number of the array; empty where nothing was to do.
    tasks, shards : int
    hours : float or None
        Expected for a task, by the plan's measurement.
    logs : Path
        Where the tasks' logs and the script are.
    warnings : tuple of str
        That the job will not start, as far as Slurm says; that a task takes longer than its time.
    """

    job: str
    tasks: int
    shards: int
    hours: float | None
    logs: Path
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return summary(
            f"SlurmJobs: array {self.job}, {counted(self.tasks, 'task')}, "
            f"{counted(self.shards, 'shard')}"
        )


class SlurmTask:
    """What a task of the array does; Slurm requeues it after a warning (submitit)."""

    def __init__(
        self, folder: str, shards: Sequence[int], options: dict[str, Any], submission: str
    ) -> None:
        self.folder, self.shards, self.options = folder, list(shards), options
        self.submission = submission  # by which its file is known

    def __call__(self) -> tuple[int, int]:
        """Predict the shards; raises where one was given up, so that Slurm shows it as failed."""
        from galaxyclass.survey.survey import open_survey

        result = open_survey(self.folder).run_shards(self.shards, **self.options)
        if result.failed:
            raise SurveyError(
                f"given up: {len(result.failed):,} of {counted(result.shards, 'shard')}",
                got=result.failed[0].error,
            )
        return result.done, result.images

    def checkpoint(self) -> Any:
        """The same again: shards that are done are skipped."""
        submitit: Any = require("submitit")
        return submitit.helpers.DelayedSubmission(self)


@public
def run_slurm(
    survey: Survey,
    *,
    partition: str | None = None,
    account: str | None = None,
    minutes: int = 60,
    cores: int = 4,
    gpus: int = 0,
    memory: int = 8,
    array_limit: int | None = None,
    at_once: int | None = None,
    retries: int = 2,
    accept_lost: bool = False,
    settings: Sequence[str] = (),
) -> SlurmJobs:
    """Hand the shards that are not done to Slurm, and return at once.

    Parameters
    ----------
    survey : Survey
    partition, account : str, optional
        Of Slurm.
    minutes : int
        Time of a task. Two minutes before its end Slurm warns it: it finishes its chunk and is
        queued again.
    cores, gpus, memory : int
        Of a task; memory in GB.
    array_limit : int, optional
        Tasks of the array, at most; by default what Slurm allows. Each gets as many shards as it
        takes.
    at_once : int, optional
        Tasks that run at the same time, at most.
    retries : int
    accept_lost : bool
        As for `Survey.run`.
    settings : sequence of str
        Further options of ``sbatch``, such as ``["qos=low"]``.

    Raises
    ------
    SurveyError
        No Slurm on this machine; Slurm refuses the job.
    MissingExtraError
        submitit is not installed.
    """
    submitit: Any = require("submitit")
    missing = [name for name in ("sbatch", "srun") if shutil.which(name) is None]
    if missing:
        raise SurveyError(
            "no Slurm on this machine",
            wanted=f"the command {missing[0]}",
            hint="log in to the cluster's login node; or run it here, or part by part by another "
            "scheduler: `shards`",
        )
    files = SurveyFolder(survey.folder.absolute())
    numbers = [shard.number for shard in survey.todo()]
    if not numbers:
        return SlurmJobs("", 0, 0, None, files.logs)
    limit = min(array_limit or 10**9, slurm_array_limit())
    packed = pack_shards(numbers, limit)
    hours = _expected_hours(survey, max(map(len, packed)), cores)
    executor = submitit.SlurmExecutor(folder=files.logs)
    more = _sbatch_options(settings)
    submission = f"submission {uuid.uuid4().hex}"
    parameters = {
        "job_name": f"survey-{survey.folder.absolute().name}",
        "time": minutes,
        "cpus_per_task": cores,
        "mem": f"{memory}GB",
        "signal_delay_s": min(_WARNING_SECONDS, minutes * 20),
        "array_parallelism": min(at_once or len(packed), len(packed)),
        "stderr_to_stdout": True,
        "setup": [f"# {submission}"],
        **({"partition": partition} if partition else {}),
        **({"account": account} if account else {}),
        **({"gpus_per_node": gpus} if gpus else {}),
        **({"additional_parameters": more} if more else {}),
    }
    options = {"cores": cores, "retries": retries, "accept_lost": accept_lost}
    executor.update_parameters(**parameters)
    tasks = [
        SlurmTask(str(files.path), shards_of_task, options, submission) for shards_of_task in packed
    ]
    try:
        with redirect_stderr(StringIO()):  # submitit prints what it also raises
            jobs = executor.map_array(_call, tasks)
    except (submitit.core.utils.FailedJobError, RuntimeError, subprocess.SubprocessError) as error:
        _remove_submission(files.logs, submission)
        raise SurveyError(
            "Slurm refuses the job", got=last_words(error), hint=remedy(str(error))
        ) from error
    job = jobs[0].job_id.split("_")[0]
    warnings: list[str] = []
    if (reason := why_it_waits(job)) is not None:
        warnings.append(
            f"Slurm has taken job {job}, but does not start it ({reason}): {remedy(reason)}. "
            f"`scancel {job}` takes it back."
        )
    if hours is not None and hours * 60 > minutes:
        warnings.append(
            f"a task with {counted(max(map(len, packed)), 'shard')} takes about {hours:.1f} hours "
            f"on {counted(cores, 'core')}, more than its {counted(minutes, 'minute')}: it is "
            "queued again until it is done, so that nothing is lost."
        )
    return SlurmJobs(job, len(packed), len(numbers), hours, files.logs, tuple(warnings))


def _remove_submission(logs: Path, submission: str) -> None:
    """Remove the files that submitit wrote for a job which was refused."""
    written = [*logs.glob("*.pkl"), *logs.glob(".submission_file_*.sh")]
    for path in written:
        with suppress(OSError):
            if submission.encode() in path.read_bytes():
                path.unlink()


def _call(task: SlurmTask) -> tuple[int, int]:
    return task()


def pack_shards(numbers: Sequence[int], most: int) -> list[list[int]]:
    """Shards in at most so many groups of about the same size, neighbours together.

    Examples
    --------
    >>> pack_shards([0, 1, 2, 3, 4], 2)
    [[0, 1, 2], [3, 4]]
    """
    count = min(most, len(numbers))
    size, larger = divmod(len(numbers), count)
    groups, first = [], 0
    for index in range(count):
        end = first + size + (index < larger)
        groups.append(list(numbers[first:end]))
        first = end
    return groups


def slurm_array_limit() -> int:
    """How many tasks an array may have here."""
    answer = ask_slurm("scontrol", "show", "config")
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", answer or "")
    return max(1, int(found[1]) - 1) if found else _ARRAY_LIMIT


def _expected_hours(survey: Survey, shards: int, cores: int) -> float | None:
    cost = survey.plan.cost
    if cost is None:
        return None
    seconds = cost.seconds(shards * survey.plan.shard_size) * cost.cores / cores
    return seconds / 3600


def _sbatch_options(settings: Sequence[str]) -> dict[str, str]:
    """Further options of ``sbatch``, each once.

    Raises
    ------
    ArgumentError
        One is given twice.
    """
    values: dict[str, str] = {}
    for text in settings:
        name = text.lstrip("-").partition("=")[0].replace("-", "_")
        if name in values:
            raise ArgumentError(
                f"{name}, an option of sbatch, is given twice", hint="leave one of them out"
            )
        values[name] = text.partition("=")[2]
    return values
