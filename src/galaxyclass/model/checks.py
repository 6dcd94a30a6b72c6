"""Warnings about predictions that cannot be right.

A network that has collapsed gives a table that looks like any other: thousands of rows of numbers.
So statistics of all predictions are gathered while they are made, in constant memory, and problems
are reported at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.short import counted, first_few, verb
from galaxyclass.tasks.task import Task

#: Values beyond 0..1 by more than this are not due to rounding.
_ROUNDING = 1e-6
#: For fewer galaxies than this, equal predictions are no sign of a collapse.
_FEW = 20
#: A single answer may be constant (such as 0) for this many galaxies without a problem.
_MANY = 200


@dataclass(frozen=True)
class Statistics:
    """Statistics of predictions; those of two sets can be added.

    Per output: ``mean``, ``squares`` (sum of squared deviations from the mean), ``minimum`` and
    ``maximum`` over rows that are finite in all outputs that the model knows. Per sum rule:
    ``broken`` counts rows that violate it, ``worst`` is the largest violation, and ``sums`` the
    largest sum. ``outside`` counts rows with a value outside 0..1.
    """

    rows: int
    finite: int
    outside: int
    mean: tuple[float, ...]
    squares: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    broken: tuple[int, ...]
    worst: tuple[float, ...]
    sums: tuple[float, ...]

    def __add__(self, other: Statistics) -> Statistics:
        """Statistics of both together.

        Notes
        -----
        Chan, Golub & LeVeque 1983, *The American Statistician* 37, 242.
        """
        if not other.finite or not self.finite:
            whole, part = (self, other) if not other.finite else (other, self)
            moments = {name: getattr(whole, name) for name in _PER_OUTPUT + _PER_RULE}
            return Statistics(
                rows=whole.rows + part.rows,
                finite=whole.finite,
                outside=whole.outside + part.outside,
                **moments,
            )
        total = self.finite + other.finite
        mean, squares = np.array(self.mean), np.array(self.squares)
        apart = np.array(other.mean) - mean
        return Statistics(
            rows=self.rows + other.rows,
            finite=total,
            outside=self.outside + other.outside,
            mean=_floats(mean + apart * (other.finite / total)),
            squares=_floats(
                squares + np.array(other.squares) + apart**2 * (self.finite * other.finite / total)
            ),
            minimum=_floats(np.minimum(self.minimum, other.minimum)),
            maximum=_floats(np.maximum(self.maximum, other.maximum)),
            broken=tuple(a + b for a, b in zip(self.broken, other.broken, strict=True)),
            worst=_floats(np.maximum(self.worst, other.worst)),
            sums=_floats(np.maximum(self.sums, other.sums)),
        )


_PER_OUTPUT = ("mean", "squares", "minimum", "maximum")
_PER_RULE = ("broken", "worst", "sums")


def nothing_measured(task: Task) -> Statistics:
    """The statistics of no predictions."""
    width, rules = task.count, task.sum_rules
    zeros, none = (0.0,) * width, (0.0,) * rules
    return Statistics(0, 0, 0, zeros, zeros, zeros, zeros, (0,) * rules, none, none)


def measure(task: Task, values: NDArray[np.float32]) -> Statistics:
    """The statistics of a batch of predictions.

    Parameters
    ----------
    task : Task
    values : (galaxies, outputs) float32
        Joint fractions or probabilities of the backend.
    """
    known = task.known_mask
    exact = np.where(known, values, 0.0).astype(np.float64)
    finite = np.isfinite(exact).all(axis=1)
    exact = exact[finite]
    if not len(exact):
        return replace(nothing_measured(task), rows=len(values))
    sums, targets = task.sums(exact)
    # A rule with an unknown answer is not tested: its sums are NaN.
    miss = np.nan_to_num(np.abs(sums - targets))
    mean = exact.mean(axis=0)
    least, most = task.bounds
    outside = (exact < least - _ROUNDING) | (exact > most + _ROUNDING)
    return Statistics(
        rows=len(values),
        finite=len(exact),
        outside=int(outside.any(axis=1).sum()),
        mean=_floats(mean),
        squares=_floats(((exact - mean) ** 2).sum(axis=0)),
        minimum=_floats(exact.min(axis=0)),
        maximum=_floats(exact.max(axis=0)),
        broken=tuple(int(n) for n in (miss > task.sum_tolerance).sum(axis=0)),
        worst=_floats(miss.max(axis=0)),
        sums=_floats(np.nan_to_num(sums, nan=1.0).max(axis=0)),
    )


def find_collapse(task: Task, statistics: Statistics) -> Literal["nothing", "same"] | None:
    """Find out whether predictions have collapsed.

    Parameters
    ----------
    task : Task
    statistics : Statistics
        Of all of them.

    Returns
    -------
    {"nothing", "same"} or None
        ``nothing``: every vote fraction is close to 0, though the answers to a question sum to 1.
        ``same``: no output varies from galaxy to galaxy. None: neither, or too few galaxies to
        tell.

    Examples
    --------
    >>> from galaxyclass.tasks.classes.task import ClassTask
    >>> task = ClassTask("kind", ("disc", "star"), (0.5, 0.5))
    >>> find_collapse(task, measure(task, np.full((500, 2), 0.5, np.float32)))
    'same'
    """
    if not statistics.finite:
        return None
    many = statistics.finite >= _FEW
    if task.sums_to_nothing(statistics.sums, max(statistics.maximum), many=many):
        return "nothing"
    spread = _spreads(task, statistics)
    return "same" if many and spread.max() < task.least_spread else None


def _spreads(task: Task, statistics: Statistics) -> Doubles:
    """(known outputs,) the standard deviation of each, in the units of the task's outputs."""
    spread = np.sqrt(np.array(statistics.squares) / statistics.finite) / task.output_scales[1]
    return np.asarray(spread[task.known_mask])


def describe_problems(task: Task, statistics: Statistics) -> tuple[str, ...]:
    """Describe the problems of predictions, and what to try.

    Parameters
    ----------
    task : Task
    statistics : Statistics
        Of all of them.

    Returns
    -------
    tuple of str
        A sentence or two for each problem; empty if there is none. Equal predictions for a few
        galaxies are no problem.

    Examples
    --------
    >>> from galaxyclass.tasks.classes.task import ClassTask
    >>> task = ClassTask("kind", ("disc", "star"), (0.5, 0.5))
    >>> same = measure(task, np.full((500, 2), 0.5, np.float32))
    >>> print(describe_problems(task, same)[0].split(":")[0])
    Collapsed
    """
    names, rows, finite = task.names, statistics.rows, statistics.finite
    problems = []
    if finite < rows:
        problems.append(
            f"Not numbers: the predictions of {rows - finite:,} of {counted(rows, 'galaxy')} are "
            "NaN "
            "or infinite. The training has diverged, or its weights are damaged: train again with "
            "a lower `optimizer.lr`, or with `training.gradient_clip=1`."
        )
    if not finite:
        return tuple(problems)
    known_mask = task.known_mask
    spread = _spreads(task, statistics)
    width = (np.array(statistics.maximum) - np.array(statistics.minimum)) / task.output_scales[1]
    still = width[known_mask] < _ROUNDING
    low, high = (
        min(np.array(statistics.minimum)[known_mask]),
        max(np.array(statistics.maximum)[known_mask]),
    )
    collapse = find_collapse(task, statistics)
    if collapse == "nothing":
        problems.append(
            f"Collapsed: every value is close to 0 (the largest of all is {high:.2g}), whatever "
            "the galaxy, though the answers to a question sum to 1. Such a table scores about as "
            "badly as all zeros. Train longer or with another optimizer.lr, and look at the run's "
            "curves; make sure that the images are like those of the training."
        )
    elif collapse == "same":
        exactly = "exactly the same" if still.all() else "almost the same"
        problems.append(
            f"Collapsed: the predictions of all {finite:,} galaxies are {exactly} (no column "
            f"varies by more than {spread.max():.1g}), so the model does not tell them apart. "
            "Look at some of the images: are they really different, and like those of the "
            "training? Otherwise train longer, or with another optimizer.lr."
        )
    elif finite >= _MANY and still.any():
        columns = [name for name, same in zip(_of(names, known_mask), still, strict=True) if same]
        problems.append(
            f"Constant: {first_few(columns)} {verb(len(columns), 'is')} the same for "
            f"all {finite:,} galaxies. These outputs of the network are dead: train longer, with "
            "a lower optimizer.lr, or with another head."
        )
    if statistics.outside:
        problems.append(
            f"Out of range: {statistics.outside:,} of {counted(finite, 'galaxy')} "
            f"{verb(statistics.outside, 'has')} values beyond {task.bounds[0]:g} to "
            f"{task.bounds[1]:g} "
            f"({low:.3g} to {high:.3g}). The model's head does not bound them: use one of "
            "model.head=tree, tree_rectified, sigmoid or softmax."
        )
    if any(statistics.broken) and collapse != "nothing":
        problems.append(task.describe_broken_sums(statistics.broken, statistics.worst, finite))
    return tuple(problems)


def parse_statistics(data: dict[str, Any]) -> Statistics:
    """Statistics from ``dataclasses.asdict`` of them that went through JSON, exactly."""
    fields: Any = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
    return Statistics(**fields)


def _of(names: Sequence[str], known: NDArray[np.bool_]) -> list[str]:
    return [name for name, is_known in zip(names, known, strict=True) if is_known]


def _floats(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
