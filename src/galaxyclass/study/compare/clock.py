"""Progress of a comparison: epochs done, and an estimate of the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from galaxyclass.study.compare.results import TrialResult
from galaxyclass.study.compare.trials import Trial


class Clock:
    """Counts epochs, and estimates the time left from those that were trained already.

    An epoch of a trial is expected to take as long as in finished trials of its recipe; if there
    are none, as in those of other recipes, or in the current trial.

    Examples
    --------
    >>> from galaxyclass.study.compare.trials import make_trials
    >>> trials = make_trials(["fast"], {"optimizer.lr": [0.1, 0.01]}, ["training.epochs=6"])
    >>> now = iter([0.0, 10.0, 30.0])
    >>> clock = Clock(trials, lambda: next(now))
    >>> clock.begun(trials[0])
    >>> clock.under_way(trials[0], 1 / 6)
    >>> clock.under_way(trials[0], 3 / 6)  # two epochs in 20 s: three and six are left
    >>> clock.epochs(), clock.left()
    ((3, 12), '1.5 min left')
    """

    def __init__(self, trials: Sequence[Trial], now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.waiting = {trial.name: trial for trial in trials}
        self.total = sum(trial.resolved.training.epochs for trial in trials)
        #: Seconds an epoch: of each finished trial, and of the current one.
        self.paces: dict[str, list[float]] = {}
        self.pace: float | None = None
        #: Seconds of each trial outside its training: starting, reading, scoring.
        self.overheads: list[float] = []
        self.began = 0.0
        self.current, self.share = "", 0.0
        #: Time and share of the current trial's first report.
        self.first: tuple[float, float] | None = None

    def begun(self, trial: Trial) -> None:
        """Note that a trial has begun."""
        self.current, self.share, self.first, self.pace = trial.name, 0.0, None, None
        self.began = self.now()

    def under_way(self, trial: Trial, share: float) -> None:
        """Note that a share (0..1) of the trial's training is done."""
        if share == 0:  # reading and packing: no epochs yet
            return
        if self.first is None:  # what a resumed trial had done before does not count
            self.first = (self.now(), share)
        began, before = self.first
        self.share = share
        epochs = (share - before) * trial.resolved.training.epochs
        if epochs > 0:
            self.pace = (self.now() - began) / epochs

    def ended(self, result: TrialResult) -> None:
        """Note that a trial has ended, now or earlier."""
        self.waiting.pop(result.trial.name, None)
        if result.trial.name == self.current and result.minutes is not None:
            # `minutes` includes the earlier training of a resumed trial.
            self.overheads.append(max(0.0, self.now() - self.began - 60 * result.minutes))
        self.current, self.share, self.pace = "", 0.0, None
        if result.minutes and result.epochs:
            pace = 60 * result.minutes / result.epochs
            self.paces.setdefault(result.trial.recipe, []).append(pace)

    def epochs(self) -> tuple[int, int]:
        """Epochs done, and epochs in all; a trial that has ended counts as done."""
        return int(self.total - self._left()), self.total

    def left(self) -> str:
        """The time left, in words."""
        if not self.waiting:
            return "all done"
        all_paces = [pace for paces in self.paces.values() for pace in paces]
        if self.pace is not None:
            all_paces.append(self.pace)
        if not all_paces:
            return "time left not known yet"
        overhead = sum(self.overheads) / len(self.overheads) if self.overheads else 0.0
        seconds = overhead * len(self.waiting)
        for trial in self.waiting.values():
            paces = self.paces.get(trial.recipe, all_paces)
            pace = sum(paces) / len(paces)
            share = 1.0
            if trial.name == self.current:
                share -= self.share
                pace = self.pace or pace
            seconds += pace * share * trial.resolved.training.epochs
        return f"{in_words(seconds)} left"

    def _left(self) -> float:
        return sum(
            trial.resolved.training.epochs
            * (1 - (self.share if trial.name == self.current else 0.0))
            for trial in self.waiting.values()
        )


def in_words(seconds: float) -> str:
    """A length of time.

    Examples
    --------
    >>> in_words(12), in_words(90), in_words(5400)
    ('12 s', '1.5 min', '1.5 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
