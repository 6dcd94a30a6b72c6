"""What the intervals of a calibrated model hold of the fractions that it is scored on."""

from __future__ import annotations

from collections.abc import Sequence

from galaxyclass.arrays import Doubles
from galaxyclass.calibration.coverage import Coverage, interval_coverage
from galaxyclass.calibration.files import parse_calibration
from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.task import Task


def calibrated_coverage(
    bundles: Sequence[Bundle], task: Task, predictions: Doubles, targets: Targets
) -> tuple[Coverage | None, list[str]]:
    """Measure a model's intervals, if it has any.

    Parameters
    ----------
    bundles : sequence of Bundle
        Of the model; the mean of several has no intervals.
    task : Task
        What was scored.
    predictions : (galaxies, outputs) float64
        NaN unknown.
    targets : Targets
        Of the same galaxies.

    Returns
    -------
    coverage : Coverage or None
    notes : list of str
        Why a calibration that is there could not be measured.
    """
    truth = task.interval_truth(targets) if task.interval_names else None
    if truth is None or len(bundles) > 1 or not bundles[0].has("calibration"):
        return None, []
    try:
        calibration = parse_calibration(bundles[0].read_calibration(), str(bundles[0].calibration))
    except BundleError as error:
        return None, [f"The intervals were not measured: {error}"]
    if calibration.intervals is None:
        return None, []
    values = task.to_interval_scale(predictions)
    return interval_coverage(task.interval_groups, calibration.intervals, values, truth), []
