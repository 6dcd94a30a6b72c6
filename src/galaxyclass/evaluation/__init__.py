"""Evaluation: a run's predictions of galaxies that it has not seen, scored and calibrated."""

from galaxyclass.evaluation.calibrate import Calibrated, calibrate
from galaxyclass.evaluation.evaluate import Evaluation, evaluate
from galaxyclass.evaluation.files import metrics
from galaxyclass.evaluation.unseen import PARTS, Part

__all__ = ["PARTS", "Calibrated", "Evaluation", "Part", "calibrate", "evaluate", "metrics"]
