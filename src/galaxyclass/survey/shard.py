"""One shard: from its objects to one file of predictions, whole or not at all."""

from __future__ import annotations

import csv
import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from galaxyclass.arguments import Device
from galaxyclass.errors import SurveyError
from galaxyclass.images.container import file_size
from galaxyclass.images.containers import CONTAINER_ENDINGS, container_of
from galaxyclass.images.remote import UNREACHED, is_address
from galaxyclass.io.atomic import sync_folder, translated, writing
from galaxyclass.model.bundle.load import file_digest
from galaxyclass.model.job import PredictionSummary, predict_to_table
from galaxyclass.model.load import load_model
from galaxyclass.model.model import Model
from galaxyclass.model.rows import open_rows
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted
from galaxyclass.survey.claims import claimed, host_name
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import (
    PATH,
    SurveyPlan,
    SurveyShard,
    read_objects,
    read_shards,
    read_source_sizes,
    read_survey_plan,
)
from galaxyclass.survey.records import ShardRecord, finished, result_digest, write_record
from galaxyclass.survey.shard_source import shard_source
from galaxyclass.survey.tile_survey import CUT, TileReader
from galaxyclass.version import __version__
from galaxyclass.workers.processes import core_count

#: Pictures of an archive that, if all fail, are the fault of the archive.
_WHOLE_ARCHIVE = 10


@dataclass(frozen=True)
class ShardRunner:
    """Predicts shards of one survey.

    Attributes
    ----------
    folder : SurveyFolder
    plan : SurveyPlan
    shards : list of SurveyShard
    model : Model
    sizes : mapping of str to int
        Bytes of each archive, and each file of a tile, when the survey was planned.
    accept_lost : bool
        Count pictures whose archive or folder is gone, or has changed, as failures.
    tiles : TileReader or None
        Of a survey of tiles.
    """

    folder: SurveyFolder
    plan: SurveyPlan
    shards: Sequence[SurveyShard]
    model: Model
    sizes: dict[str, int]
    accept_lost: bool = False
    tiles: TileReader | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        cores: int | None = None,
        device: Device | None = None,
        batch_size: int | None = None,
        accept_lost: bool = False,
    ) -> ShardRunner:
        """Open a survey and the model that it was planned with.

        Raises
        ------
        SurveyError
            No survey; of another version; the model is another now.
        BundleError, MissingExtraError, DeviceError
            As for `load_model`.
        """
        folder = SurveyFolder(path)
        plan = read_survey_plan(folder)
        model = _planned_model(plan, cores, device, batch_size)
        sizes = read_source_sizes(folder)
        tiles = None if plan.cutting is None else TileReader.open(folder, plan.cutting)
        return cls(folder, plan, read_shards(folder, plan), model, sizes, accept_lost, tiles)

    def run(self, number: int, progress: Progress = silent) -> ShardRecord | None:
        """Predict a shard, if its result is not there yet; None where another process does.

        Parameters
        ----------
        number : int
        progress : Progress
            Where it raises `KeyboardInterrupt`, the chunk at hand is kept.

        Raises
        ------
        SurveyError
            An archive or folder is gone or changed; the plan is damaged.
        OutputError
            No room, no permission; the finished chunks are kept.
        PredictionInterruptedError
        """
        shard = self.shards[number]
        if (record := finished(self.folder, self.plan, shard)) is not None:
            return record
        with claimed(self.folder.mark(number)) as claim:
            if claim is None:
                return None
            if (record := finished(self.folder, self.plan, shard)) is not None:
                return record  # another process finished it meanwhile

            def follow(
                stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
            ) -> None:
                claim.images = done
                progress(stage, done, total, unit=unit, note=note)

            return self._predict(shard, follow)

    def _predict(self, shard: SurveyShard, progress: Progress) -> ShardRecord:
        begun = time.monotonic()
        table = read_objects(self.folder, shard)
        paths = table[PATH].to_pylist()
        files = self._files(table, paths)
        if not self.accept_lost:
            self._require_files(files)
        source = shard_source(self.plan, table, self.tiles)
        work = self._work(shard)
        output = work / f"{shard.number:07}.parquet"
        rows = open_rows(
            self.model.ensemble,
            source,
            self.plan.include,
            reading=dict(self.plan.reading),
            name=self.plan.name,
        )
        summary = predict_to_table(
            rows,
            output,
            self.model.options,
            progress=progress,
            keep_journal=True,
            may_be_empty=True,
        )
        if summary.failed_file is not None and not self.accept_lost:
            try:
                _require_sources(summary.failed_file, paths)
                self._require_files(files)
            except SurveyError:
                # Its chunks must not be taken up again: they say that these pictures failed.
                shutil.rmtree(work, ignore_errors=True)
                raise
        return self.publish(shard, work, summary, time.monotonic() - begun)

    def _work(self, shard: SurveyShard) -> Path:
        """The folder of a shard's chunks: this machine's, or one that another left behind."""
        folder = self.folder.work(shard.number, host_name())
        with translated(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            if not folder.exists():
                for left in sorted(folder.parent.glob(f"{shard.number:07}@*")):
                    with suppress(OSError):
                        left.replace(folder)
                        break
            folder.mkdir(exist_ok=True)
        return folder

    def publish(
        self, shard: SurveyShard, work: Path, summary: PredictionSummary, seconds: float
    ) -> ShardRecord:
        """Move a shard's results to their place; its record, which is last, makes them count."""
        output, failures = self.folder.predictions(shard.number), self.folder.failures(shard.number)
        record = ShardRecord(
            digest=result_digest(self.plan, shard),
            images=summary.images,
            failed=summary.failed,
            bytes=summary.output.stat().st_size,
            sha256=file_digest(summary.output),
            seconds=seconds,
            fresh=summary.images - summary.resumed,
            host=host_name(),
            cores=self.model.options.workers or core_count(),
            accepted=self.accept_lost,
        )
        with translated(output):
            output.parent.mkdir(parents=True, exist_ok=True)
            self.folder.record(shard.number).unlink(missing_ok=True)
            if summary.failed_file is None:
                failures.unlink(missing_ok=True)
            else:
                # Copied, since after a kill before the next line both files are asked for again.
                with writing(failures) as temporary:
                    shutil.copyfile(summary.failed_file, temporary)
            summary.output.replace(output)
            sync_folder(output.parent)
            write_record(self.folder.record(shard.number), record)
            self.folder.failed(shard.number).unlink(missing_ok=True)
        for left in work.parent.glob(f"{shard.number:07}@*"):
            shutil.rmtree(left, ignore_errors=True)
        return record

    def _files(self, table: pa.Table, paths: Sequence[str]) -> list[str]:
        """The files that hold a shard's pictures: archives, or those of tiles."""
        if self.tiles is not None:
            return self.tiles.files(table[CUT[0]])
        return list(dict.fromkeys(filter(None, map(_archive, paths))))

    def _require_files(self, files: Sequence[str]) -> None:
        """Refuse a shard with an archive or a tile that is gone or of another size."""
        for archive in files:
            planned = self.sizes.get(archive)
            try:
                size = file_size(archive)
            except OSError as error:
                raise SurveyError(
                    f"{archive}: gone since the survey was planned",
                    got=str(error.strerror or error),
                    hint="bring it back, or accept its pictures as failures: `accept_lost=True`",
                ) from error
            if planned is not None and size != planned:
                raise SurveyError(
                    f"{archive}: changed since the survey was planned",
                    wanted=f"{planned:,} bytes",
                    got=f"{size:,} bytes",
                    hint="restore it, or accept what cannot be read as failures: "
                    "`accept_lost=True`",
                )


def _planned_model(
    plan: SurveyPlan, cores: int | None, device: Device | None, batch_size: int | None
) -> Model:
    if plan.version != __version__:
        raise SurveyError(
            "the survey was planned with another version of galaxyclass, which may predict "
            "differently",
            wanted=f"galaxyclass {plan.version}",
            got=f"galaxyclass {__version__}",
            hint="install that version, or plan the survey again",
        )
    model = load_model(
        list(plan.model) if len(plan.model) > 1 else plan.model[0],
        views=plan.views,
        precision="auto" if plan.precision == "int8" else plan.precision,  # type: ignore[arg-type]
        labelling=plan.labelling,
        workers=cores,
        device=device,
        batch_size=batch_size,
    )
    if model.digest != plan.digest:
        raise SurveyError(
            f"{' and '.join(plan.model)}: not the model that the survey was planned with",
            wanted=f"the identity {plan.digest[:12]}",
            got=model.digest[:12],
            hint="put the model back, or plan the survey again",
        )
    if model.precision != plan.precision:
        raise SurveyError(
            "this machine computes in another precision than the survey was planned with",
            wanted=plan.precision,
            got=model.precision,
            hint="run it on machines of one kind, or plan it with `precision='fp32'`",
        )
    return model


def _archive(path: str) -> str | None:
    """The archive that a path leads into, whether it is there or not."""
    if (member := container_of(path)) is not None:
        return member[0]
    lower = path.lower()
    for ending in CONTAINER_ENDINGS:
        end = lower.find(f"{ending}/")
        if end >= 0 and not os.path.isdir(path[: end + len(ending)]):  # noqa: PTH112
            return path[: end + len(ending)]
    return None


def _require_sources(failures: Path, paths: Sequence[str]) -> None:
    """Refuse a shard with pictures that failed because their folder or archive did."""
    with failures.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if UNREACHED in row["error"]:
            raise SurveyError(f"{row['path']}: {UNREACHED}", got=row["error"])
    failed = [row["path"] for row in rows]
    for folder, count in Counter(os.path.dirname(path) for path in failed).items():  # noqa: PTH120
        lost = is_address(folder) and count >= _WHOLE_ARCHIVE and count == _inside(folder, paths)
        if lost or not (is_address(folder) or _is_there(folder)):
            raise SurveyError(
                f"{folder}: gone since the survey was planned",
                got=f"{counted(count, 'picture')} of the shard missing",
                hint="bring it back, or accept its pictures as failures: `accept_lost=True`",
            )
    in_archive = Counter(filter(None, map(_archive, failed)))
    whole = Counter(filter(None, map(_archive, paths))) if in_archive else Counter[str]()
    for archive, count in in_archive.items():
        if count == whole[archive] >= _WHOLE_ARCHIVE:
            raise SurveyError(
                f"{archive}: not one of its {count:,} pictures in the shard can be read",
                hint="restore it, or accept its pictures as failures: `accept_lost=True`",
            )


def _inside(folder: str, paths: Sequence[str]) -> int:
    """How many paths lie in a folder."""
    return sum(os.path.dirname(path) == folder for path in paths)  # noqa: PTH120


def _is_there(folder: str) -> bool:
    """Whether a folder is there and holds anything, or is inside an archive."""
    if container_of(f"{folder}/x") is not None:
        return True
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False
