"""Handing shards to Ray, which does nothing else here: files are as without it."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.arguments import public
from galaxyclass.errors import SurveyError, WorkerError
from galaxyclass.extras import require
from galaxyclass.progress import Progress, silent
from galaxyclass.short import first_line
from galaxyclass.survey.answers import Follow, ShardAnswer, answer_shard
from galaxyclass.survey.claims import read_mark
from galaxyclass.survey.drive import SurveyRun
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.shard import ShardRunner
from galaxyclass.workers.signals import StopRequest

if TYPE_CHECKING:
    from galaxyclass.survey.survey import Survey

#: Seconds between two looks at how far a shard has come.
_LOOK = 5.0


@public
def run_ray(
    survey: Survey,
    *,
    address: str | None = None,
    cores: int = 4,
    gpus: int = 0,
    retries: int = 2,
    accept_lost: bool = False,
    log: str | Path | None = None,
    progress: Progress = silent,
) -> SurveyRun:
    """Predict the shards that are not done on a Ray cluster, and wait for them.

    Parameters
    ----------
    survey : Survey
    address : str, optional
        Of a cluster that runs, such as ``auto`` or ``ray://head:10001``; by default one is started
        on this machine.
    cores, gpus : int
        Of a task; as many tasks run at once as the cluster holds.
    retries, accept_lost, log, progress
        As for `Survey.run`.

    Raises
    ------
    SurveyError
        No cluster answers; no machine of it is large enough; and as for `Survey.run`.
    SurveyStoppedError
        A signal; what is finished is kept.
    MissingExtraError
        Ray is not installed.
    """
    ray: Any = require("ray")
    todo, before = survey.split()
    try:
        ray.init(
            address=address, include_dashboard=False, log_to_driver=False, logging_level="error",
            ignore_reinit_error=True,
        )  # fmt: skip
    except Exception as error:  # a plain one, where its processes do not start
        raise SurveyError(
            "no Ray cluster answers",
            argument="address",
            got=first_line(error),
            hint="start one with the command ray start, or leave `address` out",
        ) from error
    try:
        available = ray.cluster_resources()
        slots = int(available.get("CPU", 0)) // cores
        if gpus:
            slots = min(slots, int(available.get("GPU", 0)) // gpus)
        if slots < 1:
            raise SurveyError(
                "no machine of the Ray cluster is large enough for a task",
                argument="cores",
                wanted=f"{cores} cores" + (f" and {gpus} GPUs" if gpus else ""),
                got=f"{available.get('CPU', 0):g} cores, {available.get('GPU', 0):g} GPUs in all",
            )
        remote = ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=0)(_on_node)
        options = {"cores": cores, "accept_lost": accept_lost}
        folder = str(survey.folder.absolute())
        workers = [
            _OnRay(ray, remote, folder, options) for _ in range(min(slots, max(1, len(todo))))
        ]
        return survey.drive(
            todo, before, workers if todo else [], retries=retries, log=log, progress=progress
        )
    finally:
        ray.shutdown()


@cache
def _runner(folder: str, cores: int, accept_lost: bool) -> ShardRunner:
    return ShardRunner.open(Path(folder), cores=cores, accept_lost=accept_lost)


def _on_node(folder: str, shard: int, options: dict[str, Any]) -> ShardAnswer:
    """What a task of Ray does; its process keeps the model for the next task."""
    return answer_shard(_runner(folder, **options), shard, StopRequest(), lambda _images: None)


class _OnRay:
    """Predicts shards in tasks of Ray."""

    def __init__(self, ray: Any, remote: Any, folder: str, options: dict[str, Any]) -> None:
        self._ray, self._remote, self._folder, self._options = ray, remote, folder, options
        self._task: Any = None
        self._stopped = threading.Event()

    def ask(self, shard: int, follow: Follow) -> ShardAnswer:
        if self._stopped.is_set():
            return ShardAnswer(shard, "stopped")
        self._task = self._remote.remote(self._folder, shard, self._options)
        mark = SurveyFolder(Path(self._folder)).mark(shard)
        try:
            while True:
                ready, _ = self._ray.wait([self._task], timeout=_LOOK)
                if ready:
                    answer: ShardAnswer = self._ray.get(self._task)
                    return answer
                if (found := read_mark(mark, 0.0)) is not None:
                    follow(found.images)
        except self._ray.exceptions.TaskCancelledError:
            return ShardAnswer(shard, "stopped")
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, SurveyError):
                raise error.cause from error
            raise WorkerError(f"its task failed: {str(error).splitlines()[-1]}") from error
        except self._ray.exceptions.RayError as error:
            raise WorkerError(f"its task died: {first_line(error)}") from error

    def stop(self) -> None:
        self._stopped.set()
        if self._task is not None:
            with suppress(Exception):
                self._ray.cancel(self._task)

    def end(self) -> None:
        self._stopped.set()
