"""How a study of several trainings begins: its data checked once, its plan written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.samples import prepare_all
from galaxyclass.io.atomic import writing_folder
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.kinds import TASKS
from galaxyclass.tasks.metric import Metric


def begin_study(
    folder: Path,
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    fingerprint: str | None,
    write: Callable[[Path, str], None],
    cache: str | Path | None,
    workers: int | None,
    progress: Progress,
) -> Metric:
    """Check and pack the galaxies of a study, and write its plan, or find that they are the same.

    Problems of the data are so reported at once, and not by every trial; and all trials share the
    pack.

    Parameters
    ----------
    folder : Path
        Of the study, new or that of the same study.
    dataset : Dataset
    preprocessing : Preprocessing
    fingerprint : str or None
        Of the galaxies of a study to go on with; None begins a new one.
    write : callable
        Writes the plan of a new study into a folder, with the fingerprint of its galaxies.
    cache, workers, progress
        As for `train`.

    Returns
    -------
    Metric
        That of what the table says of the galaxies.

    Raises
    ------
    CatalogError, InvalidCatalogError
        The images and the table cannot be trained on.
    RunError
        The galaxies have another fingerprint.
    OutputError
        The plan cannot be written.
    """
    samples = prepare_all(
        replace(dataset),  # a copy, so that its memory is freed
        preprocessing,
        cache=cache,
        workers=workers,
        progress=progress,
    )
    if fingerprint is None:
        with writing_folder(folder) as temporary:
            write(temporary, samples.fingerprint)
    else:
        samples.require_same(fingerprint, folder)
    dataset.save_tables(folder)
    return TASKS[samples.first.targets.kind].metric
