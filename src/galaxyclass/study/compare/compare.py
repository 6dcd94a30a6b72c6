"""The public function `compare`: train every trial, one after the other, and tabulate them."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Device, Settings, public
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.dataset.several import prepare_all
from galaxyclass.errors import RunError, StoppedError
from galaxyclass.extras import TRAINING, require_installed
from galaxyclass.io.atomic import require_new, write_text
from galaxyclass.plots.compared import Panel, compared_curves
from galaxyclass.plots.style import save
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary
from galaxyclass.study.compare.clock import Clock
from galaxyclass.study.compare.outcomes import (
    TRIAL_WORKER,
    explain_end,
    outcome_path,
    read_outcome,
)
from galaxyclass.study.compare.plan import (
    COMPARED_CURVES,
    PLAN,
    TABLE,
    Plan,
    read_plan,
    require_unchanged,
    write_plan,
)
from galaxyclass.study.compare.results import TrialResult, best_first, parse_outcome, results_csv
from galaxyclass.study.compare.trials import Trial, make_trials
from galaxyclass.tasks.kinds import metric_named
from galaxyclass.tasks.metric import RMSE
from galaxyclass.workers.signals import terminated_as_interrupted
from galaxyclass.workers.trial_process import work

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
        states = Counter(result.state for result in self.results)
        counts = ", ".join(f"{count} {state}" for state, count in states.items())
        best = next(iter(best_first(self.results)), None)
        leads = (
            ""
            if best is None or best.value is None
            else f"; best {best.trial.name} {best.value:.4f}"
        )
        return summary(f"Comparison in {short_path(self.folder)}: {counts}{leads}")


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
    begun = read_plan(folder) if (folder / PLAN).is_file() else None
    if begun is None:
        require_new(folder)
    else:
        require_unchanged(folder, begun, plan)
    # Once here, so that problems of the data are reported at once and not by every trial; and all
    # trials share the pack.
    fingerprint = prepare_all(
        replace(dataset),  # a copy, so that its memory is freed
        trials[0].resolved.images,
        cache=cache,
        workers=workers,
        progress=progress,
    ).fingerprint
    if begun is None:
        write_plan(folder, replace(plan, fingerprint=fingerprint))
    else:
        _require_same_data(folder, begun, fingerprint)
    dataset.save_tables(folder)
    running = _RunningComparison(folder, trials, progress)
    shared = {"device": device, "workers": workers}
    job = {"shared": shared, "cache": None if cache is None else str(Path(cache).absolute())}
    try:
        with terminated_as_interrupted():
            for trial in trials:
                running.run(
                    trial,
                    {**job, "train": train_arguments(plan.data, trial)},
                    retry_failed=retry_failed,
                )
    except KeyboardInterrupt:
        done = sum(result.state != "unfinished" for result in running.results())
        raise StoppedError(
            f"stopped; {done} of {len(trials)} trials have ended, and are in {folder / TABLE}",
            hint="the same again goes on from there",
        ) from None
    finally:
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
            self._try(trial, job, path)
        result = parse_outcome(trial, read_outcome(self.folder, trial))
        self.clock.ended(result)
        write_text(self.folder / TABLE, results_csv(self.results()))
        number = f"trial {self.trials.index(trial) + 1} of {len(self.trials)}"
        done, total = self.clock.epochs()
        self.progress("compare", done, total, unit="epochs", note=f"{number}, {self.clock.left()}")
        if before is None:
            log.info("%s: %s; %s", number, summary_of(result), self.clock.left())

    def _try(self, trial: Trial, job: Mapping[str, Any], path: Path) -> None:
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
        logs = self.folder / "logs" / f"{trial.name}.log"
        run = self.folder / "runs" / trial.name
        files = {"folder": str(run.absolute()), "outcome": str(path.absolute())}
        ended = work(TRIAL_WORKER, {**job, **files}, logs, listen)
        if not path.is_file():
            outcome = {"failure": explain_end(ended, logs), "peak_memory": ended.memory}
            write_text(path, json.dumps(outcome) + "\n")


def train_arguments(data: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    """The arguments of `train` for a trial, except folders and machine.

    Parameters
    ----------
    data : mapping
        Of the data set (`Dataset.to_json`), and ``seed``.
    trial : Trial
    """
    return {
        "recipe": trial.recipe,
        "settings": list(trial.settings),
        "data": {name: value for name, value in data.items() if name != "seed"},
        "seed": data["seed"],
    }


def _require_same_data(folder: Path, begun: Plan, fingerprint: str) -> None:
    """Refuse to go on with other data than the comparison was begun with."""
    if begun.fingerprint != fingerprint:
        raise RunError(
            f"{folder}: the images or the table have changed since the comparison was begun",
            wanted=f"data with the fingerprint {begun.fingerprint}",
            got=fingerprint,
            hint="put the data back, or choose another `output`",
        )


def summary_of(result: TrialResult) -> str:
    """The result of a trial that has ended, in a line."""
    if result.failure is not None:
        return f"{result.trial.name} failed: {result.failure.splitlines()[0]}"
    if result.state == "pruned":
        return f"{result.trial.name}: stopped early, after {len(result.history)} epochs"
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
    ended = [result for result in results if result.state != "unfinished"]
    if not ended:
        return
    scores = [result.score for result in ended if result.score]
    panels = [
        Panel(
            labels=(
                Path(result.trial.recipe).stem,
                *(f"{key.split('.')[-1]}={value}" for key, value in result.trial.varied.items()),
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
