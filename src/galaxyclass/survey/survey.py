"""`Survey`: a planned survey, which is run, watched and merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyclass.arguments import Device, public
from galaxyclass.errors import SurveyError
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary
from galaxyclass.survey.answers import InOwnProcess, InThisProcess, ShardWorker
from galaxyclass.survey.drive import Driver, SurveyRun, require_shards
from galaxyclass.survey.events import EventLog
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.leftovers import clear_leftovers
from galaxyclass.survey.manifest import SurveyPlan, SurveyShard, read_shards, read_survey_plan
from galaxyclass.survey.records import finished
from galaxyclass.survey.status import SurveyStatus, survey_status
from galaxyclass.workers.processes import core_count, core_shares
from galaxyclass.workers.signals import stop_request

if TYPE_CHECKING:
    from galaxyclass.survey.merge import MergedSurvey
    from galaxyclass.survey.slurm import SlurmJobs

#: How often a shard that failed is tried again.
RETRIES = 2


class Survey:
    """A survey that was planned (`plan_survey`). Made by `open_survey`.

    Attributes
    ----------
    folder : Path
    plan : SurveyPlan
    shards : list of SurveyShard
    """

    def __init__(self, folder: Path, plan: SurveyPlan, shards: Sequence[SurveyShard]) -> None:
        self.folder, self.plan, self.shards = folder, plan, shards
        self._files = SurveyFolder(folder)

    def __repr__(self) -> str:
        return summary(
            f"Survey: {counted(self.plan.images, 'image')} in "
            f"{counted(self.plan.shards, 'shard')}, model "
            f"{self.plan.name}, {short_path(self.folder)}"
        )

    @public
    def status(self) -> SurveyStatus:
        """How far the survey is, from its files alone."""
        return survey_status(self._files, self.plan, self.shards)

    @public
    def run(
        self,
        *,
        workers: int | None = None,
        cores: int | None = None,
        device: Device | None = None,
        batch_size: int | None = None,
        retries: int = RETRIES,
        accept_lost: bool = False,
        log: str | Path | None = None,
        progress: Progress = silent,
    ) -> SurveyRun:
        """Predict all shards that are not done, on this machine.

        Several calls, on one machine or on many that see the same folder, share the work. A call
        that was killed leaves finished shards, and finished chunks of others, for the next.

        Parameters
        ----------
        workers : int, optional
            Processes; by default one for every 8 cores.
        cores : int, optional
            Of each process; by default all are shared evenly.
        device, batch_size
            As for `load_model`.
        retries : int
            How often a shard that failed is tried again, after all others.
        accept_lost : bool
            Count pictures whose archive or folder is gone or damaged as failures; otherwise their
            shard fails.
        log : str or Path, optional
            A file that gets a JSON object a line on what happens.
        progress : Progress
            Counts images.

        Raises
        ------
        SurveyError
            The model is another now; another version of the package.
        SurveyStoppedError
            SIGTERM, SIGUSR1 or Ctrl-C; what is finished is kept.
        """
        available = core_count()
        workers = workers or max(1, available // 8)
        job = {
            "folder": str(self.folder.absolute()),
            "cores": cores or max(1, available // workers),
            "device": device,
            "batch_size": batch_size,
            "accept_lost": accept_lost,
        }
        todo, before = self.split()
        cores_of = core_shares(workers) if cores is None else [()] * workers
        processes = [
            InOwnProcess({**job, "own_cores": list(share)}) for share in cores_of[: len(todo)]
        ]
        return self.drive(todo, before, processes, retries=retries, log=log, progress=progress)

    @public
    def run_shards(
        self,
        shards: Sequence[int],
        *,
        cores: int | None = None,
        device: Device | None = None,
        batch_size: int | None = None,
        retries: int = RETRIES,
        accept_lost: bool = False,
        log: str | Path | None = None,
        progress: Progress = silent,
    ) -> SurveyRun:
        """Predict some shards in this process: what a task of a scheduler does.

        Parameters
        ----------
        shards : sequence of int
            Their numbers, from 0.
        cores, device, batch_size, retries, accept_lost, log, progress
            As for `run`.

        Raises
        ------
        SurveyError, SurveyStoppedError
            As for `run`; no such shard.
        """
        require_shards(self.shards, shards)
        todo, before = self.split(shards)
        workers: list[ShardWorker] = []
        if todo:
            from galaxyclass.survey.shard import ShardRunner

            runner = ShardRunner.open(
                self.folder.absolute(),
                cores=cores,
                device=device,
                batch_size=batch_size,
                accept_lost=accept_lost,
            )
            workers = [InThisProcess(runner)]
        return self.drive(todo, before, workers, retries=retries, log=log, progress=progress)

    @public
    def run_slurm(self, **more: Any) -> SlurmJobs:
        """Hand the shards that are not done to Slurm; see `galaxyclass.survey.slurm.run_slurm`."""
        from galaxyclass.survey.slurm import run_slurm

        return run_slurm(self, **more)

    @public
    def run_ray(self, **more: Any) -> SurveyRun:
        """Hand the shards that are not done to Ray; see `galaxyclass.survey.on_ray.run_ray`."""
        from galaxyclass.survey.on_ray import run_ray

        return run_ray(self, **more)

    @public
    def merge(self, *, output: str | Path, **more: Any) -> MergedSurvey:
        """Join the results; see `galaxyclass.survey.merge.merge_survey`."""
        from galaxyclass.survey.merge import merge_survey

        return merge_survey(self, output=output, **more)

    def todo(self) -> list[SurveyShard]:
        """The shards that are not done."""
        return self.split()[0]

    def split(
        self, numbers: Sequence[int] | None = None
    ) -> tuple[list[SurveyShard], list[SurveyShard]]:
        """The shards that are to do, and those that are done, of all or of some."""
        todo: list[SurveyShard] = []
        before: list[SurveyShard] = []
        for number in dict.fromkeys(range(len(self.shards)) if numbers is None else numbers):
            shard = self.shards[number]
            is_done = finished(self._files, self.plan, shard) is not None
            (before if is_done else todo).append(shard)
        return todo, before

    def drive(
        self,
        todo: Sequence[SurveyShard],
        before: Sequence[SurveyShard],
        workers: Sequence[ShardWorker],
        *,
        retries: int,
        log: str | Path | None,
        progress: Progress,
    ) -> SurveyRun:
        """Hand shards to workers, and note signals meanwhile; see `Driver`."""
        with stop_request() as noted:
            result = Driver(
                folder=self._files,
                shards=todo,
                workers=workers,
                retries=retries,
                request=noted,
                log=EventLog(None if log is None else Path(log)),
                progress=progress,
                before=len(before),
                images_before=sum(shard.images for shard in before),
            ).run()
        clear_leftovers(self._files, self.plan, self.shards)
        return result


@public
def open_survey(folder: str | Path) -> Survey:
    """Open a survey that was planned.

    Parameters
    ----------
    folder : str or Path
        The ``output`` of `plan_survey`.

    Raises
    ------
    SurveyError
        No survey; planned by another version of the package; damaged, or changed by hand.
    """
    files = SurveyFolder(Path(folder))
    plan = read_survey_plan(files)
    shards = read_shards(files, plan)
    if len(shards) != plan.shards:
        raise SurveyError(
            f"{files.shards}: not the shards of this survey",
            wanted=f"{plan.shards:,}",
            got=f"{len(shards):,}",
        )
    return Survey(files.path, plan, shards)
