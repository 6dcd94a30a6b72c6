"""A running search: asks optuna for settings, trains them, and reports the scores of each epoch."""

from __future__ import annotations

import json
import logging
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxyclass.errors import RecipeError
from galaxyclass.io.atomic import write_text
from galaxyclass.io.lock import close_locked, open_locked
from galaxyclass.progress import Progress
from galaxyclass.study.compare.compare import summary_of
from galaxyclass.study.compare.outcomes import outcome_path, read_outcome, train_trial, trial_run
from galaxyclass.study.compare.results import (
    TrialResult,
    best_of,
    ended_of,
    parse_outcome,
    results_csv,
)
from galaxyclass.study.compare.trials import Trial, make_trials
from galaxyclass.study.tune.plan import TUNE_JOURNAL, TUNE_TABLE
from galaxyclass.study.tune.space import Choices, Range, Space
from galaxyclass.tasks.metric import Metric
from galaxyclass.training.history import read_history
from galaxyclass.workers.trial_process import Ended, work

log = logging.getLogger(__name__)

#: Trials that are not pruned, and with which others are compared.
_UNPRUNED = 4
#: Random trials before the search learns from those it has.
_RANDOM = 8
#: Times in a row that optuna may propose what was tried already.
_REPEATS = 40

#: Runs a job in a process of its own; see `galaxyclass.workers.trial_process.work`.
Work = Callable[..., Ended]


class _Pruned(Exception):  # noqa: N818 - not an error
    """The trial is worse than the median of the others at this epoch."""


class _JournalLock:
    """Optuna's lock of a journal, by the journal itself: a killed process holds and leaves none.

    Optuna's own is a symbolic link, for which the next process waits 30 seconds.
    """

    def __init__(self, journal: Path) -> None:
        self._journal, self._descriptor = journal, -1

    def acquire(self) -> bool:
        self._descriptor = open_locked(self._journal, patience=None)
        return True

    def release(self) -> None:
        close_locked(self._descriptor)


@dataclass
class Search:
    """The trials of a search, and what they have in common.

    Attributes
    ----------
    folder : Path
    recipe, space, settings
        As `galaxyclass.study.tune.tune.tune` takes them.
    metric : Metric
    seed : int
    pruning : bool
    job : callable
        Trial -> the job of its process (`galaxyclass.study.compare.worker.run_trial`).
    trials : int
        How many in all.
    deadline : float or None
        Of `time.monotonic`.
    progress : Progress
    run_process : callable
        A stand-in for `work`, for tests.
    """

    folder: Path
    recipe: str
    space: Space
    settings: tuple[str, ...]
    metric: Metric
    seed: int
    pruning: bool
    job: Callable[[Trial], Mapping[str, Any]]
    trials: int
    deadline: float | None
    progress: Progress
    run_process: Work = work
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._study = self._open()
        self._trial_of: dict[int, Trial] = {}
        self._names: dict[str, int] = {}
        self._ended: dict[str, TrialResult] = {}
        self._waiting: list[Any] = []
        self._undrawn: list[int] = []
        self._failure: BaseException | None = None
        self._combinations_done = False
        import optuna

        running = optuna.trial.TrialState.RUNNING
        for frozen in self._study.get_trials(deepcopy=False):
            if frozen.params.keys() != self.space.keys():
                # Killed before all its settings were drawn, or just being drawn by another process.
                if frozen.state == running:
                    self._undrawn.append(frozen.number)
                continue
            trial = self._make(frozen.params)
            if trial is None:
                continue
            self._trial_of[frozen.number] = trial
            self._names.setdefault(trial.name, frozen.number)
            if frozen.state == running:  # stopped from outside
                self._waiting.append(optuna.trial.Trial(self._study, frozen._trial_id))

    def _open(self) -> Any:
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        journal = self.folder / TUNE_JOURNAL
        backend: Any = JournalFileBackend(str(journal), lock_obj=_JournalLock(journal))  # type: ignore[arg-type]
        storage = optuna.storages.JournalStorage(backend)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # settings that optuna calls experimental
            names = optuna.get_all_study_names(storage)
            begun = sum(
                bool(trial.params)  # settings were drawn
                for name in names
                for trial in optuna.load_study(study_name=name, storage=storage).get_trials(
                    deepcopy=False
                )
            )
            # A sampler begins anew when a search goes on: of the same seed it would repeat itself.
            sampler = optuna.samplers.TPESampler(
                seed=(self.seed + begun) % 2**32,
                n_startup_trials=_RANDOM,
                constant_liar=True,
            )
        pruner: Any = optuna.pruners.NopPruner()
        if self.pruning:
            pruner = optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED, n_warmup_steps=1)
        return optuna.create_study(
            storage=storage,
            study_name="tune",
            sampler=sampler,
            pruner=pruner,
            direction="minimize" if self.metric.lower_is_better else "maximize",
            load_if_exists=True,
        )

    def run(self, parallel: int) -> None:
        """Train until all trials have ended, the time is over, or `stop` is set.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C: the trainings were stopped in good order.
        """
        import optuna

        for number in self._undrawn:  # nothing of them was trained
            self._study.tell(number, state=optuna.trial.TrialState.FAIL)
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(parallel)]
        for thread in threads:
            thread.start()
        try:
            self._wait(threads)
        except KeyboardInterrupt:
            self.stop.set()
            self._wait(threads)
            raise
        if self._failure is not None:
            raise self._failure

    def _wait(self, threads: list[threading.Thread]) -> None:
        while any(thread.is_alive() for thread in threads):
            if self.deadline is not None and time.monotonic() > self.deadline:
                self.stop.set()
            threads[0].join(0.1)
            for thread in threads:
                thread.join(0.01)

    def _work(self) -> None:
        try:
            while not self.stop.is_set():
                with self._lock:
                    asked = self._next()
                if asked is None:
                    return
                self._train(asked)
        except BaseException as error:  # the other threads end in good order, and it is raised
            self._failure = self._failure or error
            self.stop.set()

    def results(self) -> list[TrialResult]:
        """The results of all trials so far, in the order in which they were begun."""
        with self._lock:
            trials = [self._trial_of[number] for number in sorted(self._trial_of)]
        return [self._result(trial) for trial in {each.name: each for each in trials}.values()]

    def _result(self, trial: Trial) -> TrialResult:
        """The result of a trial; read once, when it has ended."""
        if trial.name not in self._ended:
            result = parse_outcome(trial, read_outcome(self.folder, trial))
            if result.state == "unfinished":
                return result
            self._ended[trial.name] = result
        return self._ended[trial.name]

    @property
    def exhausted(self) -> bool:
        """Whether every combination that there is has been tried."""
        return self._combinations_done

    def _next(self) -> Any | None:
        """A trial to train: one that was stopped, or a new one; None where there is none."""
        if self._waiting:
            return self._waiting.pop(0)
        import optuna

        failed = optuna.trial.TrialState.FAIL
        for _ in range(_REPEATS):
            if len(self._names) >= self.trials:
                return None
            asked = self._study.ask({key: _distribution(each) for key, each in self.space.items()})
            trial = self._make(asked.params)
            if trial is None:  # a combination that the recipe does not allow
                self._study.tell(asked, state=failed)
                continue
            self._trial_of[asked.number] = trial
            before = self._names.get(trial.name)
            if before is None:
                self._names[trial.name] = asked.number
                return asked
            result = self._result(trial)
            if result.value is not None:
                self._study.tell(asked, result.value)
            else:
                self._study.tell(asked, state=failed)
        self._combinations_done = True
        return None

    def _make(self, values: Mapping[str, Any]) -> Trial | None:
        vary = {key: [_text(self.space[key], values[key])] for key in self.space if key in values}
        try:
            (trial,) = make_trials([self.recipe], vary, self.settings)
        except RecipeError:
            return None
        return trial

    def _train(self, asked: Any) -> None:
        trial = self._trial_of[asked.number]
        path = outcome_path(self.folder, trial)
        if not path.is_file():
            listener = _Listener(self, asked, trial, trial_run(self.folder, trial))
            job = self.job(trial)
            try:
                train_trial(
                    self.folder, trial, job, listener, stop=self.stop, run_process=self.run_process
                )
            except _Pruned:
                outcome = {"pruned": True, "failure": None, "history": listener.history}
                write_text(path, json.dumps(outcome) + "\n")
            if not path.is_file():
                return  # stopped from outside: the same call goes on with it
        self._tell(asked, self._result(trial))

    def _tell(self, asked: Any, result: TrialResult) -> None:
        import optuna

        states = optuna.trial.TrialState
        with self._lock:
            if result.state == "finished" and result.value is not None:
                self._study.tell(asked, result.value)
            else:
                pruned = result.state == "pruned"
                self._study.tell(asked, state=states.PRUNED if pruned else states.FAIL)
            results = self.results()
            write_text(self.folder / TUNE_TABLE, results_csv(results))
            self._show(results)
            log.info("%s", summary_of(result))

    def _show(self, results: list[TrialResult], note: str = "") -> None:
        best = best_of(results)
        leads = "" if best is None else f"best {self.metric.label} {best.value:.4f} "
        self.progress(
            "tune",
            len(ended_of(results)),
            self.trials,
            unit="trials",
            note=f"{leads}{note}".strip(),
        )

    def heard(self, trial: Trial, message: Mapping[str, Any]) -> None:
        """Show a message of a trial's process."""
        with self._lock:
            note = f"{trial.name}  {message['stage']} {message['note']}".strip()
            self._show(self.results(), note)

    def reported(self, asked: Any) -> set[int]:
        """The epochs of a trial that optuna knows, from before it was stopped."""
        with self._lock:
            frozen = self._study.get_trials(deepcopy=False)[asked.number]
        return set(frozen.intermediate_values)

    def report(self, asked: Any, rows: list[dict[str, float]], reported: set[int]) -> bool:
        """Tell optuna the scores of new epochs; whether the trial should be pruned."""
        with self._lock:
            for row in rows:
                epoch = int(row["epoch"])
                if epoch not in reported:
                    asked.report(row[f"validation_{self.metric.key}"], epoch)
                    reported.add(epoch)
            return bool(asked.should_prune())


class _Listener:
    """Reads the history of a trial while it is being trained."""

    def __init__(self, search: Search, asked: Any, trial: Trial, run: Path) -> None:
        self.search, self.asked, self.trial, self.run = search, asked, trial, run
        self.history: list[dict[str, float]] = []
        self._reported = search.reported(asked)

    def __call__(self, message: Mapping[str, Any]) -> None:
        self.search.heard(self.trial, message)
        rows = read_history(self.run / "history.csv")
        if len(rows) <= len(self.history):
            return
        self.history = rows
        prune = self.search.report(self.asked, rows, self._reported)
        if prune and len(rows) < self.trial.resolved.training.epochs:
            raise _Pruned


def _distribution(allowed: Range | Choices) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(allowed, Choices):
        return CategoricalDistribution(allowed.values)
    if allowed.whole:
        return IntDistribution(round(allowed.low), round(allowed.high), log=allowed.log)
    return FloatDistribution(allowed.low, allowed.high, log=allowed.log)


def _text(allowed: Range | Choices, value: Any) -> str:
    return str(value) if isinstance(allowed, Choices) else allowed.text(value)
