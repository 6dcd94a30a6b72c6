"""The folder of a survey: where its plan, its shards and its results are.

    survey.json             what is predicted, by which model, how (`SurveyPlan`)
    shards.parquet          a row for each shard
    sources.parquet         a row for each archive, or file of a tile
    tiles.parquet           a row for each tile, where sources are cut out of tiles
    objects/000000.parquet  ids and paths of a thousand shards; a row group is a shard
    results/000000/0000000.parquet, _failed.csv, .json
                            of a shard that is done: predictions, failures, its record
    running/0000000.json    of a shard that is being predicted
    work/0000000@HOST/      its chunks
    failed/0000000.json     of a shard that was given up

`Survey` and `SurveyPlan` read and write these; nothing else names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Shards whose objects are in one file, and whose results are in one folder.
SHARDS_OF_PART = 1000


@dataclass(frozen=True)
class SurveyFolder:
    """The names of a survey's files.

    Examples
    --------
    >>> SurveyFolder(Path("night")).record(1234).as_posix()
    'night/results/000001/0001234.json'
    """

    path: Path

    @property
    def manifest(self) -> Path:
        """What is predicted, by which model, and how."""
        return self.path / "survey.json"

    @property
    def shards(self) -> Path:
        """A row for each shard."""
        return self.path / "shards.parquet"

    @property
    def sources(self) -> Path:
        """A row for each archive."""
        return self.path / "sources.parquet"

    @property
    def tiles(self) -> Path:
        """A row for each tile that sources are cut out of."""
        return self.path / "tiles.parquet"

    @property
    def running(self) -> Path:
        """Marks of shards that are being predicted."""
        return self.path / "running"

    @property
    def logs(self) -> Path:
        """What jobs of a scheduler print."""
        return self.path / "logs"

    def objects(self, part: int) -> Path:
        """Ids and paths of a thousand shards."""
        return self.path / "objects" / f"{part:06}.parquet"

    def predictions(self, shard: int) -> Path:
        """The predictions of a shard."""
        return self._result(shard).with_suffix(".parquet")

    def failures(self, shard: int) -> Path:
        """The pictures of a shard that could not be read."""
        result = self._result(shard)
        return result.with_name(f"{result.name}_failed.csv")

    def record(self, shard: int) -> Path:
        """The record of a shard that is done; written last."""
        return self._result(shard).with_suffix(".json")

    def mark(self, shard: int) -> Path:
        """The mark of a shard that is being predicted."""
        return self.running / f"{shard:07}.json"

    def work(self, shard: int, host: str) -> Path:
        """Where a host keeps the chunks of a shard."""
        return self.path / "work" / f"{shard:07}@{host}"

    def failed(self, shard: int) -> Path:
        """Why a shard was given up."""
        return self.path / "failed" / f"{shard:07}.json"

    def _result(self, shard: int) -> Path:
        return self.path / "results" / f"{shard // SHARDS_OF_PART:06}" / f"{shard:07}"
