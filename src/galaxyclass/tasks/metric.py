"""What a task is scored by, and the words around it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """The score of a task, as data.

    Attributes
    ----------
    key : str
        In files: ``metrics.json``, ``history.csv``. No two tasks share one.
    label : str
        In text and figures.
    lower_is_better : bool
        An error, of which 0 is the best; otherwise a share, of which 1 is.
    simplest : str
        The predictor that any model has to beat, in words.
    simplest_key : str
        The key of its score in ``metrics.json``.
    """

    key: str
    label: str
    lower_is_better: bool
    simplest: str
    simplest_key: str

    def error(self, value: float) -> float:
        """The score as a number of which 0 is the best, and less is better.

        It is its own inverse: the score again, from such a number.
        """
        return value if self.lower_is_better else 1 - value


RMSE = Metric("rmse", "RMSE", True, "mean vector", "mean_vector_rmse")
ACCURACY = Metric("accuracy", "accuracy", False, "largest class", "largest_class_accuracy")
