"""`Calibration`: intervals and an out-of-distribution score of a model, a file of its bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Floats
from galaxyclass.calibration.coverage import Coverage, measure_coverage
from galaxyclass.calibration.intervals import COVERAGE_LEVEL, FEW, Intervals, fit_intervals
from galaxyclass.calibration.out_of_distribution import (
    FALSE_ALARMS,
    OutOfDistribution,
    fit_out_of_distribution,
)
from galaxyclass.errors import BundleError, ScoreError
from galaxyclass.short import counted, summary, verb
from galaxyclass.tasks.task import Task

_AGAIN = "`galaxyclass.calibrate('MODEL', …)` makes one"


@dataclass(frozen=True, eq=False)
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
    out_of_distribution : OutOfDistribution or None
        None of a model that gives no features, and where there are too few galaxies.
    notes : tuple of str
        What is assumed, and what there were too few galaxies for, in words.
    """

    galaxies: int
    intervals: Intervals | None
    coverage: Coverage | None
    out_of_distribution: OutOfDistribution | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(f"Calibration: {self.words}")

    @property
    def words(self) -> str:
        """What it has, in a line."""
        contents = [counted(self.galaxies, "galaxy")]
        if self.coverage is not None:
            contents.append(f"intervals hold {self.coverage.overall:.1%} of the truth")
        elif self.intervals is not None:
            contents.append("intervals")
        if self.out_of_distribution is not None:
            contents.append("an out-of-distribution score")
        return ", ".join(contents)

    def bounds(self, values: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The bounds between which true fractions lie: `Intervals.bounds`.

        Parameters
        ----------
        values : (galaxies, answers) float, joint, 0..1

        Returns
        -------
        lower, upper : (galaxies, answers) float32

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
                wanted=f"intervals of votes or numbers, measured on {FEW} galaxies or more",
                got="; ".join(self.notes) or "none",
                hint=_AGAIN,
            )
        return self.intervals

    def score_images(
        self, features: Floats, statistics: Floats
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The out-of-distribution score of images, and which of them are flagged.

        Parameters
        ----------
        features : (images, features) float
            The encoder's: `galaxyclass.model.output.ModelOutput.features`.
        statistics : (images, statistics) float
            `galaxyclass.calibration.image_statistics` of the same cutouts.

        Returns
        -------
        score : (images,) float32
            0 or more; above 1 an image is flagged.
        flag : (images,) bool
            Set for about 1 % of in-distribution images, or as many as were asked for.

        Raises
        ------
        BundleError
            The calibration has no out-of-distribution score.
        ScoreError
            Features or statistics are not those of this model.
        """
        score = self.require_out_of_distribution().score(features, statistics)
        return score, score > 1

    def require_out_of_distribution(self) -> OutOfDistribution:
        """The fit behind the out-of-distribution score.

        Raises
        ------
        BundleError
            The calibration has none.
        """
        if self.out_of_distribution is None:
            raise BundleError(
                "this model's calibration has no out-of-distribution score",
                wanted="one of a model with features, measured on enough galaxies",
                got="; ".join(self.notes) or "none",
                hint=_AGAIN,
            )
        return self.out_of_distribution


def fit_calibration(
    task: Task,
    values: Floats,
    features: Floats,
    targets: Floats | None,
    statistics: Floats,
    *,
    in_distribution: tuple[Floats, Floats] | None = None,
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
    targets : (galaxies, outputs) float or None
        The truth on the scale of the intervals (`Task.interval_truth`), such as joint fractions;
        NaN unknown. None of a model of classes.
    statistics : (galaxies, statistics) float
        `galaxyclass.calibration.image_statistics` of the cutouts.
    in_distribution : tuple of (images, features) and (images, statistics) float, optional
        Features and statistics of more in-distribution images, without votes.
    level : float
        Share of true fractions between the bounds.
    false_alarms : float
        Share of in-distribution images that may be flagged as strange, above 0 and below 0.5.
    notes : tuple of str
        To be kept with it.
    seed : int
        Of the folds.

    Returns
    -------
    Calibration
        Without intervals, or without an out-of-distribution score, where there are too few galaxies
        for them: its notes say so.

    Raises
    ------
    ScoreError
        The shapes do not fit each other; there are too few galaxies for either.
    """
    all_notes = list(notes)
    intervals = coverage = out_of_distribution = None
    groups = task.interval_groups
    if groups and targets is not None:
        known_values = np.where(task.known_mask, values, np.nan)
        predictions = task.to_interval_scale(known_values)
        try:
            intervals = fit_intervals(groups, predictions, targets, level=level, seed=seed)
        except ScoreError as error:
            all_notes.append(f"No intervals: {error.what} ({error.got}).")
        else:
            all_notes += _describe_intervals(task, intervals, predictions, targets)
            if intervals.galaxies >= 2 * FEW:
                coverage = measure_coverage(groups, predictions, targets, level=level, seed=seed)
    if not np.shape(features)[-1]:
        all_notes.append("No out-of-distribution score: the model gives no features.")
    else:
        if in_distribution is not None:
            features = np.concatenate([features, in_distribution[0]])
            statistics = np.concatenate([statistics, in_distribution[1]])
        try:
            out_of_distribution = fit_out_of_distribution(
                features, statistics, false_alarms=false_alarms, seed=seed
            )
        except ScoreError as error:
            all_notes.append(f"No out-of-distribution score: {error.what} ({error.got}).")
        else:
            share = f"{100 * false_alarms:.2g}%"
            added = (
                ""
                if in_distribution is None
                else f" and {counted(len(in_distribution[0]), 'in-distribution image')}"
            )
            all_notes.append(
                f"About {share} of galaxies like these {len(values):,}{added} are flagged as "
                "strange."
            )
            if out_of_distribution.galaxies < 1 / false_alarms - 1:
                all_notes.append(
                    f"{counted(out_of_distribution.galaxies, 'galaxy is', 'galaxies are')} too few "
                    "to tell which "
                    f"{share} have the highest scores: only images beyond all of them are flagged."
                )
    if intervals is None and out_of_distribution is None:
        raise ScoreError(
            "nothing could be calibrated",
            wanted=f"{FEW} galaxies or more that the training did not have",
            got="\n".join(all_notes),
            hint="label more galaxies; where all are new to the model, take all: `part='all'`"
            if len(values) < FEW
            else None,
        )
    return Calibration(len(values), intervals, coverage, out_of_distribution, tuple(all_notes))


def _describe_intervals(
    task: Task, intervals: Intervals, values: Floats, targets: Floats
) -> list[str]:
    tree, outputs = task.decision_tree, task.interval_words
    source = "votes gathered and corrected" if tree is not None else f"{outputs} measured"
    notes = [
        f"The intervals hold {intervals.level:.0%} of the true {outputs} of galaxies that are like "
        f"these {intervals.galaxies:,}: images of the same kind, {source} in the same way. Of "
        "other galaxies they may hold fewer."
    ]
    if intervals.by_region:
        part, output = ("fraction", "answer") if tree is not None else ("value", "column")
        notes.append(
            f"So they do in each region of the predicted {part}, for the "
            f"{counted(intervals.by_region, output)} that {verb(intervals.by_region, 'has')} "
            "galaxies enough for several regions."
        )
    known = ~np.isnan(values) & ~np.isnan(targets)
    counts = [int(known[:, where].any(axis=1).sum()) for where in task.interval_groups]
    if tree is None:
        few = [name for name, n in zip(task.interval_names, counts, strict=True) if n < FEW]
        if few:
            notes.append(
                f"Fewer than {FEW} galaxies have known {outputs} in {', '.join(few)}: the "
                "intervals there are made of those of all columns."
            )
        return notes
    codes = [question.code for question in tree.questions]
    few = [code for code, count in zip(codes, counts, strict=True) if 0 < count < FEW]
    if few:
        notes.append(
            f"Fewer than {FEW} galaxies have votes for question{'s' * (len(few) > 1)} "
            f"{', '.join(few)}: the intervals there are as wide as those of all answers together."
        )
    none = [code for code, count in zip(codes, counts, strict=True) if not count]
    if none:
        notes.append(
            f"No votes for question{'s' * (len(none) > 1)} {', '.join(none)}: the intervals there "
            "are as wide as those of all answers together, and were not checked."
        )
    if intervals.by_question:
        notes.append(
            f"{counted(intervals.by_question, 'answer has', 'answers have')} votes of few "
            "galaxies: "
            "the intervals there are stretched as those of the other answers to the same question."
        )
    return notes
