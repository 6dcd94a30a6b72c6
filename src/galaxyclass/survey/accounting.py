"""Whether every object of a survey is accounted for: rows and failures are what was planned."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.errors import SurveyError
from galaxyclass.model.bundle.load import file_digest
from galaxyclass.model.provenance import PROVENANCE, provenance_of
from galaxyclass.progress import Progress
from galaxyclass.short import counted, first_few
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import SurveyPlan, SurveyShard
from galaxyclass.survey.records import finished


@dataclass(frozen=True)
class ShardResult:
    """The result of a shard, checked.

    Attributes
    ----------
    shard : SurveyShard
    predictions : Path
    failures : Path or None
    rows, failed : int
    """

    shard: SurveyShard
    predictions: Path
    failures: Path | None
    rows: int
    failed: int

    def read_failures(self) -> Iterator[tuple[str, str]]:
        """The path and the error of each picture that could not be read."""
        if self.failures is not None:
            with self.failures.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    yield row["path"], row["error"]


def checked_results(
    folder: SurveyFolder, plan: SurveyPlan, shards: Sequence[SurveyShard], progress: Progress
) -> list[ShardResult]:
    """The results of all shards, of which rows and failures together are what was planned.

    Raises
    ------
    SurveyError
        A shard that is not done; a result that was changed since; objects not accounted for.
    """
    results: list[ShardResult] = []
    missing: list[int] = []
    for shard in shards:
        progress("check", shard.number, len(shards), unit="shards")
        record = finished(folder, plan, shard)
        if record is None:
            missing.append(shard.number)
            continue
        path = folder.predictions(shard.number)
        if file_digest(path) != record.sha256:
            raise SurveyError(
                f"{path}: changed since shard {shard.number:,} was done",
                wanted=f"the digest {record.sha256[:12]}, as its record states",
                hint="remove it: the next run predicts the shard again",
            )
        failures = folder.failures(shard.number)
        rows = pq.read_metadata(path).num_rows
        listing = failures if record.failed or failures.exists() else None
        result = ShardResult(shard, path, listing, rows, record.failed)
        listed = _listed(result)
        if rows + listed != shard.images or listed != record.failed:
            raise SurveyError(
                f"shard {shard.number:,}: not every object is accounted for",
                wanted=f"{shard.images:,} rows and failures together",
                got=f"{counted(rows, 'row')} in {path.name}, {counted(listed, 'failure')} in "
                f"{failures.name}",
                hint=f"remove {folder.record(shard.number)}: the next run predicts the shard again",
            )
        results.append(result)
    progress("check", len(shards), len(shards), unit="shards")
    if missing:
        images = sum(shards[number].images for number in missing)
        raise SurveyError(
            f"not done: {len(missing):,} of {counted(len(shards), 'shard')}",
            wanted=f"rows and failures for all of {counted(plan.images, 'image')}",
            got=f"not accounted for: {counted(images, 'image')}, of shard "
            f"{first_few([str(number) for number in missing])}",
            hint=f"run it again: `galaxyclass.open_survey({str(folder.path)!r})`",
        )
    return results


def _listed(result: ShardResult) -> int:
    try:
        return sum(1 for _ in result.read_failures())
    except (OSError, KeyError, UnicodeDecodeError, csv.Error):
        return 0


def planned_schema(result: ShardResult, plan: SurveyPlan) -> pa.Schema:
    """The columns of a result; its provenance has the day of the plan, not of the shard."""
    schema = pq.read_schema(result.predictions)
    provenance = {**provenance_of(schema), "date": plan.planned}
    return schema.with_metadata({PROVENANCE: json.dumps(provenance, ensure_ascii=False)})
