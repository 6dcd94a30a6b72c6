"""How far a prediction can be trusted: intervals of fractions, and pictures that are strange."""

from galaxyclass.uncertainty.calibration import Calibration, fit_calibration
from galaxyclass.uncertainty.coverage import Coverage, measure_coverage
from galaxyclass.uncertainty.intervals import LEVEL, Intervals, fit_intervals
from galaxyclass.uncertainty.looks import look_names, looks
from galaxyclass.uncertainty.strangeness import FALSE_ALARMS, Strangeness, fit_strangeness

__all__ = [
    "FALSE_ALARMS",
    "LEVEL",
    "Calibration",
    "Coverage",
    "Intervals",
    "Strangeness",
    "fit_calibration",
    "fit_intervals",
    "fit_strangeness",
    "look_names",
    "looks",
    "measure_coverage",
]
