"""`Finetuned`: what a finetuning made and measured, as an object."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.unused import Unused
from galaxyclass.finetuning.cross_validation import LabelCurve, OutOfFold
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.save import BundleFileWriter
from galaxyclass.model.probe import NetworkProbe
from galaxyclass.short import short_path, summary
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    from galaxyclass.model.model import Model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rung:
    """A predictor that was scored by cross-validation within the labels.

    Attributes
    ----------
    key : str
        ``simplest``, ``one_answer``, ``probe`` or ``network``.
    title : str
        What it is, in words.
    score : Score
    seconds : float
        That it took.
    """

    key: str
    title: str
    score: Score
    seconds: float

    def line(self, metric: Metric) -> str:
        """A line about it."""
        return (
            f"{self.title}: {metric.label} {self.score.value:.3f} "
            f"[{self.score.low:.3f}, {self.score.high:.3f}], {self.seconds:.1f} s"
        )


def scored_rung(key: str, title: str, score: Score, seconds: float, task: Task) -> Rung:
    """A rung, which is logged as soon as it is known."""
    rung = Rung(key, title, score, seconds)
    log.info("%s", rung.line(task.metric))
    return rung


@dataclass(frozen=True)
class UnwrittenModel:
    """A model that is not written yet.

    Attributes
    ----------
    key : str
        ``probe`` or ``network``: which rung it is.
    probe : NetworkProbe
    out_of_fold : OutOfFold
        Predictions of the labelled galaxies.
    features : (galaxies, features) float32
        Of its network, for the out-of-distribution score.
    statistics : (galaxies, statistics) float32
        Of the cutouts.
    write_weights : callable, optional
        Writes the weights of a trained network; None of a network that is as it was.
    """

    key: str
    probe: NetworkProbe
    out_of_fold: OutOfFold
    features: NDArray[np.float32]
    statistics: NDArray[np.float32]
    write_weights: BundleFileWriter | None = None


@dataclass(frozen=True)
class Finetuned:
    """The result of `finetune`.

    Attributes
    ----------
    folder : Path
        Usable wherever a run is.
    bundle : Bundle
    metric : Metric
    galaxies : int
        With labels, all of which the model has learnt.
    rungs : tuple of Rung
        From the simplest predictor to the model.
    chosen : str
        The key of the rung that the model is: ``probe`` or ``network``.
    shares : mapping
        Family of regressions -> its share of the probe.
    curve : LabelCurve or None
        Of the probe; None where there are too few galaxies.
    notes : tuple of str
    unused : tuple of Unused
        What of files, columns and rows was not used, and why.
    """

    folder: Path
    bundle: Bundle
    metric: Metric
    galaxies: int
    rungs: tuple[Rung, ...]
    chosen: str
    shares: Mapping[str, float]
    curve: LabelCurve | None
    notes: tuple[str, ...]
    unused: tuple[Unused, ...] = ()

    @property
    def score(self) -> Score:
        """The score of the model, by cross-validation within the labels."""
        return next(rung.score for rung in self.rungs if rung.key == self.chosen)

    @property
    def out_of_fold(self) -> Path:
        """The table of predictions of each galaxy by models that have not learnt it."""
        return self.folder / "out_of_fold.csv"

    @property
    def model(self) -> Model:
        """The model, ready to predict."""
        from galaxyclass.model.load import load_model

        return load_model(self.folder)

    def __repr__(self) -> str:
        return summary(
            f"Finetuned {short_path(self.folder)}: {self.galaxies:,} labels, {self.chosen}, "
            f"{self.metric.label} {self.score.value:.3f} [{self.score.low:.3f}, "
            f"{self.score.high:.3f}] by cross-validation"
        )

    def to_json(self) -> dict[str, Any]:
        """The content of ``metrics.json``."""
        rung_chosen = next(rung for rung in self.rungs if rung.key == self.chosen)
        return {
            "score": self.metric.key,
            "parts": {
                "out_of_fold": {
                    "galaxies": self.galaxies,
                    **asdict(rung_chosen.score),
                    "reference": self.rungs[0].score.value,
                }
            },
            "chosen": self.chosen,
            "rungs": [asdict(rung) for rung in self.rungs],
            "shares": dict(self.shares),
            "learning_curve": None if self.curve is None else asdict(self.curve),
            "notes": list(self.notes),
        }


def describe_curve(curve: LabelCurve, metric: Metric, galaxies: int) -> str:
    """What a learning curve says, in a sentence.

    Parameters
    ----------
    curve : LabelCurve
    metric : Metric
    galaxies : int
        How many have labels.
    """
    measured = ", ".join(
        f"{score:.3f} with {count:,}"
        for count, score in zip(curve.galaxies, curve.scores, strict=True)
    )
    gain, now, expected = curve.gain, curve.with_all, curve.with_twice
    if round(gain.value, 3) == 0:
        change = "that is no gain"
    else:
        better = "lower" if metric.lower_is_better else "higher"
        change = f"{gain.value:.3f} [{gain.low:.3f}, {gain.high:.3f}] {better}"
    return (
        f"{metric.label} by the number of labels: {measured}. Expected with all {galaxies:,}: "
        f"{now.value:.3f}; with twice as many ({2 * galaxies:,}): {expected.value:.3f} "
        f"[{expected.low:.3f}, {expected.high:.3f}], {change}"
    )
