"""The results of the trials, as rows of a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from galaxyclass.errors import StoppedError
from galaxyclass.io.csv_text import csv_text
from galaxyclass.short import counted, short_value, verb
from galaxyclass.study.compare.trials import Trial
from galaxyclass.tasks.kinds import metric_named

#: Columns of the table after the trial's name, its recipe and the varied settings.
TRIAL_COLUMNS = (
    "state",
    "score",
    "value",
    "low",
    "high",
    "reference",
    "galaxies",
    "kept_epoch",
    "epochs",
    "minutes",
    "images_per_second",
    "peak_memory_mib",
    "peak_gpu_memory_mib",
    "parameters",
    "notices",
    "failure",
)
#: Those of them that are numbers.
_NUMBERS = [name for name in TRIAL_COLUMNS if name not in ("state", "score", "notices", "failure")]


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial; None for unknown values.

    Attributes
    ----------
    trial : Trial
    state : {"finished", "pruned", "failed", "unfinished"}
        Pruned trials were stopped early, because others were better by then. Unfinished trials were
        stopped from outside, or have not begun.
    score : str
        The key of its metric (`galaxyclass.tasks.kinds.metric_named`).
    value, low, high : float
        Of the kept epoch on the validation galaxies, with the 95 % interval.
    reference : float
        The score of the mean vector, or of the largest class, on the same galaxies.
    galaxies : int
        Of the validation part.
    kept_epoch, epochs : int
        The epoch whose weights were kept, and how many were trained.
    minutes : float
        Of all epochs together.
    images_per_second : float
        Median over the epochs.
    peak_memory_mib, peak_gpu_memory_mib : float
        Peak memory of the trial's process: of the machine (with the parts of the pack that it has
        read), and of the GPU if there is one.
    parameters : int
        Trainable ones.
    notices : tuple of (str, str)
        Kind and message of each (`training.diagnosis`).
    failure : str
        Why it failed.
    history : tuple of rows
        An epoch each.
    """

    trial: Trial
    state: Literal["finished", "pruned", "failed", "unfinished"] = "unfinished"
    score: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    galaxies: int | None = None
    kept_epoch: int | None = None
    epochs: int | None = None
    minutes: float | None = None
    images_per_second: float | None = None
    peak_memory_mib: float | None = None
    peak_gpu_memory_mib: float | None = None
    parameters: int | None = None
    notices: tuple[tuple[str, str], ...] = ()
    failure: str | None = None
    history: tuple[Mapping[str, float], ...] = ()


def parse_outcome(trial: Trial, outcome: Mapping[str, Any] | None) -> TrialResult:
    """The result of a trial from the outcome that its process wrote, or None.

    Parameters
    ----------
    trial : Trial
    outcome : mapping
        ``failure`` (text or None), ``metrics`` (as in ``metrics.json``, or None), ``history``,
        ``peak_memory``, ``peak_gpu_memory`` (bytes), ``parameters``, and ``pruned``.
    """
    if outcome is None:
        return TrialResult(trial)
    metrics: Mapping[str, Any] = outcome.get("metrics") or {}
    validation = metrics.get("parts", {}).get("validation", {})
    history = tuple(outcome.get("history", ()))
    seconds = metrics.get("seconds", sum(row["seconds"] for row in history) if history else None)
    return TrialResult(
        trial,
        state="failed"
        if outcome.get("failure")
        else "pruned"
        if outcome.get("pruned")
        else "finished",
        score=metrics.get("score"),
        value=validation.get("value"),
        low=validation.get("low"),
        high=validation.get("high"),
        reference=validation.get("reference"),
        galaxies=validation.get("galaxies"),
        kept_epoch=metrics.get("kept_epoch"),
        epochs=metrics.get("epochs", len(history) or None),
        minutes=None if seconds is None else seconds / 60,
        images_per_second=metrics.get("images_per_second"),
        peak_memory_mib=_mib(outcome.get("peak_memory")),
        peak_gpu_memory_mib=_mib(outcome.get("peak_gpu_memory")),
        parameters=outcome.get("parameters"),
        notices=tuple((each["kind"], each["message"]) for each in metrics.get("notices", ())),
        failure=outcome.get("failure"),
        history=history,
    )


def require_outcome(trial: Trial, outcome: Mapping[str, Any]) -> None:
    """Refuse an outcome that no trial wrote.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        Something in it is missing, or of another kind.
    """
    result = parse_outcome(trial, outcome)
    for name in _NUMBERS:
        value = getattr(result, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise TypeError(f"{name}: {short_value(value)}")
    for name in ("score", "failure"):
        if not isinstance(getattr(result, name), str | None):
            raise TypeError(f"{name}: {short_value(getattr(result, name))}")
    if result.score is not None:
        metric_named(result.score)
    for row in result.history:
        if not all(isinstance(value, int | float) for value in row.values()):
            raise TypeError(f"history: {short_value(row)}")
    for notice in result.notices:
        if not all(isinstance(words, str) for words in notice):
            raise TypeError(f"notices: {short_value(notice)}")


def ended_of(results: Sequence[TrialResult]) -> list[TrialResult]:
    """The trials that have ended, in their order."""
    return [result for result in results if result.state != "unfinished"]


def states_of(results: Sequence[TrialResult]) -> str:
    """How many trials are in each state, in words: ``3 finished, 1 failed``."""
    states = Counter(result.state for result in results)
    return ", ".join(f"{count} {state}" for state, count in states.items())


def best_of(results: Sequence[TrialResult]) -> TrialResult | None:
    """The finished trial with the best score; None where none has finished."""
    return next((result for result in best_first(results) if result.value is not None), None)


def ended_in_words(results: Sequence[TrialResult], count: int) -> str:
    """How many of so many trials have ended."""
    ended = len(ended_of(results))
    return f"{ended} of {counted(count, 'trial')} {verb(ended if count > 1 else 1, 'has')} ended"


def stopped_study(results: Sequence[TrialResult], count: int, table: Path) -> StoppedError:
    """The error of a comparison or a search of so many trials that was stopped."""
    return StoppedError(
        f"stopped; {ended_in_words(results, count)}; the results are in {table}",
        hint="the same again goes on from there",
    )


def best_first(results: Sequence[TrialResult]) -> list[TrialResult]:
    """Finished trials by their score, then pruned, failed and other ones, in their order."""

    def rank(result: TrialResult) -> tuple[int, float]:
        if result.state != "finished":
            return (("pruned", "failed", "unfinished").index(result.state) + 1, 0.0)
        if result.value is None or result.score is None or math.isnan(result.value):
            return (0, math.inf)
        lower_is_better = metric_named(result.score).lower_is_better
        return (0, result.value if lower_is_better else -result.value)

    return sorted(results, key=rank)


def results_csv(results: Sequence[TrialResult]) -> str:
    """The trials that have ended as CSV, in the order of training."""
    keys = list(results[0].trial.varied) if results else []
    lines: list[list[object]] = [["trial", "recipe", *keys, *TRIAL_COLUMNS]]
    for result in ended_of(results):
        values = [getattr(result, column) for column in TRIAL_COLUMNS]
        values[TRIAL_COLUMNS.index("notices")] = " ".join(kind for kind, _ in result.notices)
        failure = result.failure or ""
        values[TRIAL_COLUMNS.index("failure")] = " | ".join(
            line.strip() for line in failure.splitlines()
        )
        varied = [result.trial.varied[key] for key in keys]
        lines.append([result.trial.name, result.trial.recipe, *varied, *map(_cell, values)])
    # Names of recipes and messages come from strangers, too, and nothing here is looked up again.
    return csv_text(lines, quote_formulas=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _mib(size: float | None) -> float | None:
    return None if size is None else size / 2**20
