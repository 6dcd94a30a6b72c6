"""Predicting into memory: from a stream of predictions to one table."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import numpy as np

from galaxyclass.calibration.comparison import TraitSums
from galaxyclass.images.render import RenderSettings
from galaxyclass.model.checks import measure
from galaxyclass.model.job import describe_all, describe_images, describe_job
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.predictions import Failure, Predictions
from galaxyclass.model.reading import describe_reading
from galaxyclass.model.rows import RowMaker, join_rows
from galaxyclass.progress import Progress, silent


def predict_in_memory(
    maker: RowMaker, options: InferenceOptions, *, progress: Progress = silent
) -> Predictions:
    """Predict images; what `galaxyclass.Model.predict` does inside.

    Parameters
    ----------
    maker : RowMaker
        Has the networks, the images and the columns.
    options : InferenceOptions
        As for `galaxyclass.model.stream.predict_stream`.
    progress : Progress
    """
    ensemble, source = maker.ensemble, maker.source
    rows, indices, failures, count = [maker.nothing], [], [], 0
    read: Counter[str] = Counter()
    traits = TraitSums()
    progress("predict", 0, source.count)
    with closing(maker.stream(options)) as stream:
        for batch in stream:
            rows.append(maker.rows(batch))
            traits += maker.compare(batch)
            read.update(batch.notes)
            indices.append(batch.start + np.flatnonzero(batch.decoded))
            failed = (batch.start + np.flatnonzero(~batch.decoded)).tolist()
            for index, path, error in zip(failed, batch.failed_paths, batch.errors, strict=True):
                failures.append(Failure(index, source.name(index), path, error))
            count = batch.start + len(batch.paths)
            note = f"{len(failures):,} cannot be decoded" if failures else ""
            progress("predict", count, source.count, note=note)
    whole = join_rows(rows)
    image_indices = np.concatenate([np.empty(0, np.int64), *indices])
    statistics = measure(ensemble.task, whole.values)
    return Predictions(
        table=maker.tabulate(image_indices.tolist(), whole),
        task=ensemble.task,
        columns=maker.columns,
        indices=image_indices,
        failures=tuple(failures),
        warnings=describe_all(maker, count, len(failures), statistics),
        notes=(
            *source.notes,
            *describe_job(maker),
            *describe_reading(read, count),
            *describe_images(maker, traits),
        ),
        flagged=traits.flagged if traits.images else None,
        images=None if source.count is None else source.images,
        rendering=RenderSettings.of(maker.preprocessings[0].model_dump()),
    )
