"""What a survey costs, by predicting some of its pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence

from galaxyclass.errors import SurveyError
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.in_memory import predict_in_memory
from galaxyclass.model.model import Model
from galaxyclass.model.rows import open_rows
from galaxyclass.survey.manifest import SurveyCost, SurveyPlan
from galaxyclass.workers.processes import core_count

#: Pictures of a round, for each core; the first round warms up, and is not counted.
_OF_ROUND = 32
#: Seconds that a measurement takes, once the networks are loaded.
MEASURE_SECONDS = 5.0


def measure_cost(model: Model, plan: SurveyPlan, paths: Sequence[str]) -> SurveyCost:
    """Predict pictures for some seconds.

    Parameters
    ----------
    model : Model
    plan : SurveyPlan
        Its settings.
    paths : sequence of str
        Some pictures of the survey, from all over it.

    Raises
    ------
    SurveyError
        None of them can be read.
    """
    cores = model.options.workers or core_count()
    size = _OF_ROUND * cores
    done, seconds, failures = 0, 0.0, 0
    error = ""
    for first in range(0, len(paths), size):
        some = list(paths[first : first + size])
        source = ImageSource(some, [str(number) for number in range(len(some))], id_integer=True)
        rows = open_rows(
            model.ensemble, source, plan.include, reading=dict(plan.reading), name=model.name
        )
        begun = time.perf_counter()
        predictions = predict_in_memory(rows, model.options)
        elapsed = time.perf_counter() - begun
        failures += len(predictions.failures)
        if predictions.failures:
            error = str(predictions.failures[0])
        if first == 0 and len(paths) > size:
            continue
        done, seconds = done + len(some), seconds + elapsed
        if seconds > MEASURE_SECONDS:
            break
    if failures and failures >= min(len(paths), done + size):
        raise SurveyError(
            f"none of {failures:,} pictures that were tried can be read",
            argument="images",
            got=error,
            hint="see whether the sources are there and the model reads them: predict some of them",
        )
    return SurveyCost(done / max(seconds, 1e-6), cores, done)
