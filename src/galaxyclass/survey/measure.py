"""What a survey costs, by predicting some of its pictures."""

from __future__ import annotations

import time

import pyarrow as pa

from galaxyclass.errors import SurveyError
from galaxyclass.model.in_memory import predict_in_memory
from galaxyclass.model.model import Model
from galaxyclass.model.rows import open_rows
from galaxyclass.short import counted
from galaxyclass.survey.manifest import SurveyCost, SurveyPlan
from galaxyclass.survey.shard_source import shard_source
from galaxyclass.survey.tile_survey import TileReader
from galaxyclass.workers.processes import core_count

#: Pictures of a round, for each core; the first round warms up, and is not counted.
_OF_ROUND = 32
#: The same of tiles, which each round opens anew.
_OF_TILES = 256
#: Seconds that a measurement takes, once the networks are loaded.
MEASURE_SECONDS = 5.0


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
    count = objects.num_rows
    for first in range(0, count, size):
        some = objects.slice(first, size)
        source = shard_source(plan, some, tiles)
        rows = open_rows(
            model.ensemble, source, plan.include, reading=dict(plan.reading), name=model.name
        )
        begun = time.perf_counter()
        predictions = predict_in_memory(rows, model.options)
        elapsed = time.perf_counter() - begun
        failures += len(predictions.failures)
        if predictions.failures:
            error = predictions.failures[0].error
        if first == 0 and count > size:
            continue
        done, seconds = done + some.num_rows, seconds + elapsed
        if seconds > MEASURE_SECONDS:
            break
    if failures and failures >= min(count, done + size):
        raise SurveyError(
            f"none of {counted(failures, 'picture')} that were tried can be read",
            argument="images",
            got=error,
            hint="see whether the sources are there and the model reads them: predict some of them",
        )
    return SurveyCost(done / max(seconds, 1e-6), cores, done)
