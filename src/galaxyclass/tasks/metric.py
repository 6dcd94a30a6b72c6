"""`Metric`: the score of a task, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """The score of a task, as data.

    Attributes
    ----------
    key : str
        Its name in files: ``metrics.json``, ``history.csv``. No two tasks share one.
    label : str
        Its name in text and figures.
    lower_is_better : bool
        True for an error, where 0 is the best; False for a share, where 1 is.
    simplest : str
        The predictor that any model has to beat, in words.
    simplest_key : str
        The key of its score in ``metrics.json``.
    meaning : str
        What its values mean, in a sentence; empty for a score that everybody knows.
    """

    key: str
    label: str
    lower_is_better: bool
    simplest: str
    simplest_key: str
    meaning: str = ""

    def error(self, value: float) -> float:
        """The score as an error: 0 is the best, and less is better.

        The function is its own inverse: from an error it gives the score.
        """
        return value if self.lower_is_better else 1 - value


RMSE = Metric("rmse", "RMSE", True, "mean vector", "mean_vector_rmse")
ACCURACY = Metric("accuracy", "accuracy", False, "largest class", "largest_class_accuracy")
NRMSE = Metric(
    "nrmse",
    "NRMSE",
    True,
    "mean",
    "mean_nrmse",
    "NRMSE is the RMSE in standard deviations of the numbers: 0 is perfect, about 1 is what their "
    "mean reaches",
)
