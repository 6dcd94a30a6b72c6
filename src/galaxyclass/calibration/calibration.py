"""What was measured of a model on galaxies that its training never saw: one file of its bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.calibration.coverage import Coverage, measure_coverage
from galaxyclass.calibration.intervals import COVERAGE_LEVEL, FEW, Intervals, fit_intervals
from galaxyclass.calibration.out_of_distribution import FALSE_ALARMS, Strangeness, fit_strangeness
from galaxyclass.errors import BundleError, ScoreError
from galaxyclass.short import summary
from galaxyclass.tasks.task import Task
from galaxyclass.trees.tree import Tree

_AGAIN = "`galaxyclass.calibrate('RUN', …)` makes one"


@dataclass(frozen=True)
class Calibration:
    """How far a model can be trusted.

    Attributes
    ----------
    galaxies : int
        That it was measured on.
    intervals : Intervals or None
        Of the vote fractions; None of a model of classes, and where too few fractions are known.
    coverage : Coverage or None
        What the intervals hold, on the halves of these galaxies that they were not fitted on.
    strange : Strangeness or None
        None of a model that gives no features, and where there are too few galaxies.
    notes : tuple of str
        What is assumed, and what there was too little of, in words.
    """

    galaxies: int
    intervals: Intervals | None
    coverage: Coverage | None
    strange: Strangeness | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(f"Calibration: {self.words}")

    @property
    def words(self) -> str:
        """What it has, in a line."""
        held = [f"{self.galaxies:,} galaxies"]
        if self.coverage is not None:
            held.append(f"intervals hold {self.coverage.overall:.1%} of the true fractions")
        elif self.intervals is not None:
            held.append("intervals")
        if self.strange is not None:
            held.append("an out-of-distribution score")
        return ", ".join(held)

    def bounds(self, values: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Between which bounds the true fractions lie, nine times in ten.

        Parameters
        ----------
        values : (galaxies, answers) float, 0..1
            Predicted joint fractions; NaN unknown.

        Returns
        -------
        lower, upper : (galaxies, answers) float32
            ``0 <= lower <= value <= upper <= 1``; NaN where the value is.

        Raises
        ------
        BundleError
            The calibration has no intervals.
        ScoreError
            Not an array of the model's answers.
        """
        return self.require_intervals().bounds(values)

    def require_intervals(self) -> Intervals:
        """The intervals.

        Raises
        ------
        BundleError
            The calibration has none.
        """
        if self.intervals is None:
            raise BundleError(
                "this model's calibration has no intervals",
                wanted=f"one of vote fractions, measured on {FEW} galaxies or more",
                got="; ".join(self.notes) or "none",
                hint=_AGAIN,
            )
        return self.intervals

    def strangeness(
        self, features: Floats, looks: Floats
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """How little pictures are like the galaxies that the model knows.

        Parameters
        ----------
        features : (pictures, features) float
            The encoder's: `galaxyclass.model.output.ModelOutput.features`.
        looks : (pictures, looks) float
            `galaxyclass.calibration.image_statistics` of the same cutouts.

        Returns
        -------
        score : (pictures,) float32
            0 or more; 1 where the flag begins.
        flag : (pictures,) bool
            Set for about 1 % of galaxies that are like those of the training.

        Raises
        ------
        BundleError
            The calibration does not know what is strange.
        ScoreError
            Features or looks are not those of this model.
        """
        score = self.require_strangeness().score(features, looks)
        return score, score > 1

    def require_strangeness(self) -> Strangeness:
        """What tells pictures that are not like those of the training.

        Raises
        ------
        BundleError
            The calibration does not have it.
        """
        if self.strange is None:
            raise BundleError(
                "this model's calibration does not know what is strange",
                wanted="one of a model with features, measured on enough galaxies",
                got="; ".join(self.notes) or "none",
                hint=_AGAIN,
            )
        return self.strange


def fit_calibration(
    task: Task,
    values: Floats,
    features: Floats,
    targets: Floats | None,
    looks: Floats,
    *,
    ordinary: tuple[Floats, Floats] | None = None,
    level: float = COVERAGE_LEVEL,
    false_alarms: float = FALSE_ALARMS,
    notes: tuple[str, ...] = (),
    seed: int = 0,
) -> Calibration:
    """Calibrate a model on galaxies that its training never saw.

    Parameters
    ----------
    task : Task
        What the model predicts.
    values : (galaxies, outputs) float
        Predicted.
    features : (galaxies, features) float
        The encoder's; (galaxies, 0) of a model that gives none.
    targets : (galaxies, answers) float, joint, 0..1, or None
        True fractions, NaN unknown; None of a model of classes.
    looks : (galaxies, looks) float
        `galaxyclass.calibration.image_statistics` of the cutouts.
    ordinary : tuple of (pictures, features) and (pictures, looks) float, optional
        Features and looks of more pictures that are not to be flagged as strange.
    level : float
        Share of true fractions between the bounds.
    false_alarms : float
        Share of ordinary galaxies that may be flagged as strange.
    notes : tuple of str
        To be kept with it.
    seed : int
        Of the folds.

    Returns
    -------
    Calibration
        Without intervals, or without strangeness, where there are too few galaxies for them: its
        notes say so.

    Raises
    ------
    ScoreError
        The shapes do not fit each other; there are too few galaxies for either.
    """
    told = list(notes)
    intervals = coverage = strange = None
    tree = task.decision_tree
    if tree is not None and targets is not None:
        said = np.where(task.known_mask, values, np.nan)
        try:
            intervals = fit_intervals(tree, said, targets, level=level, seed=seed)
        except ScoreError as error:
            told.append(f"No intervals: {error.what} ({error.got}).")
        else:
            told += _describe_intervals(tree, intervals, said, targets)
            if intervals.galaxies >= 2 * FEW:
                coverage = measure_coverage(tree, said, targets, level=level, seed=seed)
    if not np.shape(features)[-1]:
        told.append("No strangeness: the model gives no features.")
    else:
        if ordinary is not None:
            features = np.concatenate([features, ordinary[0]])
            looks = np.concatenate([looks, ordinary[1]])
        try:
            strange = fit_strangeness(features, looks, false_alarms=false_alarms, seed=seed)
        except ScoreError as error:
            told.append(f"No strangeness: {error.what} ({error.got}).")
        else:
            besides = f" and {len(ordinary[0]):,} ordinary pictures" if ordinary else ""
            told.append(
                f"About {false_alarms:.0%} of galaxies like these {len(values):,}{besides} are "
                "flagged as strange."
            )
            if strange.galaxies < 1 / false_alarms - 1:
                told.append(
                    f"{strange.galaxies:,} galaxies are too few to tell which {false_alarms:.0%} "
                    "are the strangest: the flag begins beyond the strangest of them."
                )
    if intervals is None and strange is None:
        raise ScoreError("nothing could be calibrated", got="\n".join(told))
    return Calibration(len(values), intervals, coverage, strange, tuple(told))


def _describe_intervals(
    tree: Tree, intervals: Intervals, values: Floats, targets: Floats
) -> list[str]:
    notes = [
        f"The intervals hold {intervals.level:.0%} of the true fractions of galaxies that are like "
        f"these {intervals.galaxies:,}: pictures of the same kind, votes gathered and corrected in "
        "the same way. Of other galaxies they may hold fewer."
    ]
    known = ~np.isnan(values) & ~np.isnan(targets)
    counts = [(q.code, int(known[:, where].any(axis=1).sum()))
              for q, where in zip(tree.questions, tree.slices, strict=True)]  # fmt: skip
    few = [code for code, count in counts if 0 < count < FEW]
    if few:
        notes.append(
            f"Fewer than {FEW} galaxies have votes for question{'s' * (len(few) > 1)} "
            f"{', '.join(few)}: the intervals there are as wide as those of all answers together."
        )
    none = [code for code, count in counts if not count]
    if none:
        notes.append(
            f"No votes for question{'s' * (len(none) > 1)} {', '.join(none)}: the intervals there "
            "are as wide as those of all answers together, and nothing vouches for them."
        )
    if intervals.by_question:
        notes.append(
            f"{intervals.by_question} answers have votes of few galaxies: their intervals are "
            "stretched as those of the other answers to their questions."
        )
    return notes
