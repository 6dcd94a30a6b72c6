"""What a survey costs, by predicting some of its pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.errors import ImageError, SurveyError
from galaxyclass.images.containers import container_of, read_member
from galaxyclass.images.remote import is_address
from galaxyclass.model.in_memory import predict_in_memory
from galaxyclass.model.model import Model
from galaxyclass.model.rows import open_rows
from galaxyclass.short import counted
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import PATH, SurveyCost, SurveyPlan, SurveyShard, read_objects
from galaxyclass.survey.shard_source import shard_source
from galaxyclass.survey.tile_survey import TileReader
from galaxyclass.workers.processes import core_count

#: Pictures of a round, for each core; the first round warms up, and is not counted.
_OF_ROUND = 32
#: The same of tiles, which each round opens anew.
_OF_TILES = 256
#: Seconds that a measurement takes, once the networks are loaded.
MEASURE_SECONDS = 5.0
#: Pictures that are measured at most, from so many shards; of archives from fewer.
_MEASURED, _FROM_SHARDS, _OF_ARCHIVES = 4096, 16, 4


def some_objects(
    files: SurveyFolder, shards: Sequence[SurveyShard], archives: Sequence[str], *, tiles: bool
) -> pa.Table:
    """Objects from all over a survey, in a fixed order that mixes the shards.

    Those in archives follow each other, as in a shard: each archive is opened for many. Those of
    tiles are not mixed: each tile is to be opened once, as when the survey is run. Of archives that
    are fetched, the last pictures are taken: the copy of their archive is still here.

    Parameters
    ----------
    files : SurveyFolder
    shards : sequence of SurveyShard
        All of them.
    archives : sequence of str
        Of the whole survey.
    tiles : bool
        Whether sources are cut out of tiles.
    """
    if not tiles and any(map(is_address, archives)):
        table = read_objects(files, shards[-1])
        return table.slice(max(0, table.num_rows - _MEASURED))
    rng = np.random.default_rng(0)
    count = min(_OF_ARCHIVES if archives and not tiles else _FROM_SHARDS, len(shards))
    tables: list[pa.Table] = []
    for number in dict.fromkeys(np.linspace(0, len(shards) - 1, count).astype(int).tolist()):
        table = read_objects(files, shards[number])
        most = min(table.num_rows, _MEASURED // count)
        if tiles or archives:
            tables.append(table.slice(0, most))
        else:
            rows = np.sort(rng.choice(table.num_rows, most, replace=False))
            tables.append(table.take(pa.array(rows)))
    whole = pa.concat_tables(tables)
    if tiles:
        return whole
    order = rng.permutation(-(-whole.num_rows // 32))
    rows = (np.arange(32) + 32 * order[:, None]).ravel()
    return whole.take(pa.array(rows[rows < whole.num_rows]))


def measure_cost(
    model: Model, plan: SurveyPlan, objects: pa.Table, tiles: TileReader | None = None
) -> SurveyCost:
    """Predict pictures for some seconds.

    Parameters
    ----------
    model : Model
    plan : SurveyPlan
        Its settings.
    objects : pyarrow.Table
        Some of the survey, from all over it.
    tiles : TileReader, optional
        Of a survey of tiles.

    Raises
    ------
    SurveyError
        None of them can be read.
    """
    cores = model.options.workers or core_count()
    size = (_OF_ROUND if tiles is None else _OF_TILES) * cores
    done, seconds, failures = 0, 0.0, 0
    error = ""
    tables: list[pa.Table] = []
    if tiles is None:
        _open_archives(objects[PATH].to_pylist())
    count = objects.num_rows
    for first in range(0, count, size):
        sample = objects.slice(first, size)
        source = shard_source(plan, sample, tiles)
        rows = open_rows(
            model.ensemble, source, plan.include, reading=dict(plan.reading), name=model.name
        )
        begun = time.perf_counter()
        predictions = predict_in_memory(rows, model.options)
        elapsed = time.perf_counter() - begun
        tables.append(predictions.table)
        failures += len(predictions.failures)
        if predictions.failures:
            error = predictions.failures[0].error
        if first == 0 and count > size:
            continue
        done, seconds = done + sample.num_rows, seconds + elapsed
        if seconds > MEASURE_SECONDS:
            break
    if failures and failures >= min(count, done + size):
        raise SurveyError(
            f"none of {counted(failures, 'picture')} that were tried can be read",
            argument="images",
            got=error,
            hint="see whether the sources are there and the model reads them: predict some of them",
        )
    return SurveyCost(done / max(seconds, 1e-6), cores, done, bytes_per_image(tables))


def bytes_per_image(tables: Sequence[pa.Table]) -> float:
    """The size of a row in parquet; what a file has once, whatever its rows, is not counted."""
    whole = pa.concat_tables(tables)
    size = _parquet_size(whole) - _parquet_size(whole.slice(0, 0))
    return float(size / whole.num_rows)


def _parquet_size(table: pa.Table) -> int:
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, write_page_checksum=True)
    return int(stream.getvalue().size)


def _open_archives(paths: Sequence[str]) -> None:
    """Open the archives of some pictures: a shard opens each once, for thousands of pictures."""
    first: dict[str, str] = {}
    for path in paths:
        if (member := container_of(path)) is not None:
            first.setdefault(member[0], path)
    for path in first.values():
        with suppress(ImageError, OSError):  # told of where it is predicted
            read_member(path)
