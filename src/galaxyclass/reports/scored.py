"""`ScoredModel`: a model with the galaxies that it was scored on, as the sections need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import ScoreError
from galaxyclass.evaluation.evaluation import Evaluation
from galaxyclass.model.model import Model
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import counted
from galaxyclass.tasks.report import ScoreReport
from galaxyclass.tasks.task import Task

#: Side of the pictures on a page, px.
PICTURE_SIDE = 128


@dataclass(frozen=True)
class ScoredModel:
    """A model and the galaxies of which something is known, in one order.

    Attributes
    ----------
    name : str
        Of the model, unlike that of any other in the report.
    model : Model
    evaluation : Evaluation
    seed : int
        Of the bootstrap.
    catalog : Catalog
    predictions : (galaxies, outputs) float64
    values : (galaxies, …)
        The truth, as `Targets.values`.
    strangeness : (galaxies,) float64 or None
        The out-of-distribution score; None of a model without one.
    report : ScoreReport
        The scores on these galaxies.
    """

    name: str
    model: Model
    evaluation: Evaluation
    seed: int
    catalog: Catalog
    predictions: Doubles
    values: Any
    strangeness: Doubles | None
    report: ScoreReport

    @property
    def task(self) -> Task:
        """What was scored."""
        return self.evaluation.task

    @property
    def losses(self) -> Doubles:
        """(galaxies,) the error of each galaxy (`Task.losses_by_galaxy`)."""
        return self.task.losses_by_galaxy(self.predictions, self.values)

    @property
    def preprocessing(self) -> Preprocessing:
        """From an image to a picture of what the model sees, larger than the model needs it."""
        return picture_settings(self.model)

    def __len__(self) -> int:
        return len(self.predictions)

    def take(self, indices: NDArray[np.int64]) -> ScoredModel:
        """The galaxies at (n,) indices, in that order."""
        return replace(
            self,
            catalog=self.catalog.take(indices),
            predictions=self.predictions[indices],
            values=self.values[indices],
            strangeness=None if self.strangeness is None else self.strangeness[indices],
        )


def picture_settings(model: Model) -> Preprocessing:
    """From an image to a picture of what a model sees, larger than the model needs it."""
    return model.bundles[0].manifest.preprocessing.model_copy(update={"size": PICTURE_SIDE})


def strangeness_of(table: Any) -> Doubles | None:
    """(galaxies,) out-of-distribution scores of a table of predictions, if it has them."""
    if "strangeness" not in table.column_names:
        return None
    column = table["strangeness"].to_numpy(zero_copy_only=False)
    return np.asarray(column, dtype=np.float64)


def scored_model(name: str, model: Model, evaluation: Evaluation, seed: int) -> ScoredModel:
    """The galaxies of an evaluation that count for its score."""
    galaxies, task = evaluation.galaxies, evaluation.task
    targets = galaxies.catalog.targets
    assert targets is not None, "they were scored"
    values, _ = task.readable(galaxies.predictions, task.scorable(targets)[0])
    whole = ScoredModel(
        name,
        model,
        evaluation,
        seed,
        galaxies.catalog,
        galaxies.predictions,
        values,
        strangeness_of(galaxies.included),
        evaluation.report,
    )
    return whole.take(np.flatnonzero(known_rows(values)).astype(np.int64))


def known_rows(values: Any) -> NDArray[np.bool_]:
    """(galaxies,) whether anything is known of each; `values` are as `Targets.values`."""
    if values.dtype.kind in "iu":
        return np.asarray((values >= 0).reshape(len(values), -1).any(axis=1))
    return np.asarray((~np.isnan(values)).reshape(len(values), -1).any(axis=1))


def in_common(models: Sequence[ScoredModel], votes: float) -> list[ScoredModel]:
    """The models on the galaxies that all were scored on, in the order of the first.

    ``votes`` are those of a galaxy, for the noise floor (`Task.evaluate`).

    Raises
    ------
    ScoreError
        There are none.
    """
    indices = [
        {name: index for index, name in enumerate(model.catalog.ids.values)} for model in models
    ]
    shared = [name for name in indices[0] if all(name in others for others in indices[1:])]
    if not shared:
        raise ScoreError(
            "no galaxy was scored by all models, so that they cannot be compared",
            wanted="galaxies that no model was trained on",
            got=", ".join(f"{counted(len(model), 'galaxy')} of {model.name}" for model in models),
        )
    shared_models = []
    for model, of_model in zip(models, indices, strict=True):
        taken = model.take(np.array([of_model[name] for name in shared], dtype=np.int64))
        if len(taken) < len(model):
            targets = taken.catalog.targets
            assert targets is not None, "they were scored"
            report = model.task.evaluate(taken.predictions, targets, seed=model.seed, votes=votes)
            taken = replace(taken, report=report)
        shared_models.append(taken)
    return shared_models


def classes_by_size(model: ScoredModel) -> list[int]:
    """The classes that have galaxies, those with the most first."""
    counts = model.report.scores.confusion.sum(axis=1)
    return [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]
