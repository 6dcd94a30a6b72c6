"""The public function `compare`: train every trial, one after the other, and tabulate them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Device, Settings, public
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.extras import TRAINING, require_installed
from galaxyclass.io.atomic import require_new, write_text
from galaxyclass.io.run_folder import COMPARED_CURVES, COMPARISON
from galaxyclass.plots.compared import Panel, compared_curves
from galaxyclass.plots.style import save
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary
from galaxyclass.study.begin import begin_study
from galaxyclass.study.compare.clock import Clock
from galaxyclass.study.compare.outcomes import outcome_path, read_outcome, train_trial, trial_job
from galaxyclass.study.compare.plan import (
    TABLE,
    Plan,
    read_plan,
    require_unchanged,
    write_plan,
)
from galaxyclass.study.compare.results import (
    TrialResult,
    best_of,
    ended_of,
    parse_outcome,
    results_csv,
    states_of,
    stopped_study,
)
from galaxyclass.study.compare.trials import Trial, make_trials
from galaxyclass.tasks.kinds import metric_named
from galaxyclass.tasks.metric import RMSE
from galaxyclass.workers.signals import terminated_as_interrupted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Comparison:
    """The results of a comparison.

    Attributes
    ----------
    folder : Path
        ``compare.csv`` is the table, ``compare.png`` the curves; ``runs/`` has a run for each
        trial, ``logs/`` the log of each.
    results : tuple of TrialResult
        One for each trial, in the order of training.
    """

    folder: Path
    results: tuple[TrialResult, ...]

    def __repr__(self) -> str:
        best = best_of(self.results)
        leads = "" if best is None else f"; best {best.trial.name} {best.value:.4f}"
        states = states_of(self.results)
        return summary(f"Comparison in {short_path(self.folder)}: {states}{leads}")


@public
def compare(
    recipes: Sequence[str | Path],
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    vary: Mapping[str, Sequence[Any]] | None = None,
    settings: Settings = (),
    device: Device = "auto",
    workers: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Comparison:
    """Train every recipe with every combination of varied settings, on the same split.

    Each trial is a training in its own process. If it fails, runs out of memory or is killed, that
    is a row of the table, and the others go on. After an interruption the same call goes on:
    finished trials are kept, the stopped one is resumed.

    Parameters
    ----------
    recipes : sequence of str or Path
        Shipped recipes' names, or TOML files.
    images, table, seed, device, workers, cache
        As for `train`, the same for all trials.
    output : str or Path
        A new folder, or that of the same comparison to go on with.
    vary : mapping, optional
        Setting -> its values, for instance ``{"optimizer.lr": [0.1, 0.01]}``.
    settings : mapping or sequence of str
        Changes that all trials share: setting -> its value, or ``section.key=value`` each.
    retry_failed : bool
        Try again the trials that failed before; otherwise their rows stay.
    progress : Progress
        Counts epochs of all trials.

    Returns
    -------
    Comparison

    Raises
    ------
    RecipeError
        Invalid recipes or settings, all reported together; nothing is trained then.
    CatalogError
        The images and the table cannot be trained on.
    OutputError
        The folder holds something else, or a comparison that was begun with other arguments.
    RunError
        The images or the table have changed since the comparison was begun.
    StoppedError
        Ctrl-C or SIGTERM; the same call goes on.
    """
    trials = make_trials(recipes, vary or {}, settings)
    require_installed(*TRAINING)
    folder = Path(output)
    dataset = as_dataset(images, table)
    plan = Plan(trials, {**dataset.with_files(folder).to_json(), "seed": seed})
    begun = read_plan(folder) if (folder / COMPARISON).is_file() else None
    if begun is None:
        require_new(folder)
    else:
        require_unchanged(folder, begun, plan)
    begin_study(
        folder,
        dataset,
        trials[0].resolved.images,
        fingerprint=None if begun is None else begun.fingerprint,
        write=lambda new, fingerprint: write_plan(new, replace(plan, fingerprint=fingerprint)),
        cache=cache,
        workers=workers,
        progress=progress,
    )
    running = _RunningComparison(folder, trials, progress)
    try:
        with terminated_as_interrupted():
            for trial in trials:
                job = trial_job(trial, plan.data, device=device, workers=workers, cache=cache)
                running.run(trial, job, retry_failed=retry_failed)
    except KeyboardInterrupt:
        draw_curves(folder / COMPARED_CURVES, running.results())
        raise stopped_study(running.results(), len(trials), folder / TABLE) from None
    draw_curves(folder / COMPARED_CURVES, running.results())
    return Comparison(folder, tuple(running.results()))


def read_comparison(folder: str | Path) -> Comparison:
    """Read the results of a comparison so far.

    Raises
    ------
    RunError
        Not a comparison, or damaged.
    """
    folder = Path(folder)
    trials = read_plan(folder).trials
    results = (parse_outcome(trial, read_outcome(folder, trial)) for trial in trials)
    return Comparison(folder, tuple(results))


class _RunningComparison:
    """A comparison whose trials are being trained."""

    def __init__(self, folder: Path, trials: Sequence[Trial], progress: Progress) -> None:
        self.folder, self.trials, self.progress = folder, trials, progress
        self.clock = Clock(trials)

    def results(self) -> list[TrialResult]:
        return [parse_outcome(trial, read_outcome(self.folder, trial)) for trial in self.trials]

    def run(self, trial: Trial, job: Mapping[str, Any], *, retry_failed: bool) -> None:
        """Train a trial, unless it has ended before."""
        path = outcome_path(self.folder, trial)
        before = read_outcome(self.folder, trial)
        if before is not None and before["failure"] and retry_failed:
            path.unlink()
            before = None
        if before is None:
            self._try(trial, job)
        result = parse_outcome(trial, read_outcome(self.folder, trial))
        self.clock.ended(result)
        write_text(self.folder / TABLE, results_csv(self.results()))
        number = f"trial {self.trials.index(trial) + 1} of {len(self.trials)}"
        done, total = self.clock.epochs()
        self.progress("compare", done, total, unit="epochs", note=f"{number}, {self.clock.left()}")
        if before is None:
            log.info("%s: %s; %s", number, summary_of(result), self.clock.left())

    def _try(self, trial: Trial, job: Mapping[str, Any]) -> None:
        number = f"trial {self.trials.index(trial) + 1} of {len(self.trials)}"

        def listen(message: Mapping[str, Any]) -> None:
            share = 0.0
            if message["stage"] == "train" and message["total"]:
                # Less than 1, because scoring follows.
                share = min(message["done"] / message["total"], 0.999)
            self.clock.under_way(trial, share)
            done, total = self.clock.epochs()
            note = f"{number}: {trial.name}  {message['stage']} {message['note']}".rstrip()
            self.progress(
                "compare", done, total, unit="epochs", note=f"{note}  {self.clock.left()}"
            )

        self.clock.begun(trial)
        train_trial(self.folder, trial, job, listen)


def summary_of(result: TrialResult) -> str:
    """The result of a trial that has ended, in a line."""
    if result.failure is not None:
        return f"{result.trial.name} failed: {result.failure.splitlines()[0]}"
    if result.state == "pruned":
        return f"{result.trial.name}: stopped early, after {counted(len(result.history), 'epoch')}"
    assert result.value is not None, "a finished trial has a score"
    assert result.reference is not None, "a finished trial has a score"
    assert result.score is not None, "a finished trial has a score"
    metric = metric_named(result.score)
    notices = "".join(f", {kind.replace('_', ' ')}" for kind, _ in result.notices)
    return (
        f"{result.trial.name}: {metric.label} {result.value:.4f} "
        f"({metric.simplest} {result.reference:.4f}){notices}"
    )


def draw_curves(path: Path, results: Sequence[TrialResult]) -> None:
    """Draw the learning curves of the trials that have ended, if there are any."""
    ended = ended_of(results)
    if not ended:
        return
    scores = [result.score for result in ended if result.score]
    panels = [
        Panel(
            labels=(
                Path(result.trial.recipe).stem,
                *(f"{key.split('.')[-1]}={value}" for key, value in result.trial.varied.items()),
                *(["stopped early"] if result.state == "pruned" else []),
            ),
            history=result.history,
            reference=result.reference,
            kept_epoch=result.kept_epoch,
            value=result.value,
            note=", ".join(
                [*(["failed"] if result.failure else []), *(kind for kind, _ in result.notices)]
            ),
        )
        for result in ended
    ]
    save(
        compared_curves(panels, metric_named(scores[0]) if scores else RMSE),
        path,
    )
