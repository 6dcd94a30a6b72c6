"""The public function `tune`: search for the best settings of a recipe."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Device, Settings, public
from galaxyclass.data.catalog.read import require_sources
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.errors import OutputError
from galaxyclass.extras import TRAINING, require_installed
from galaxyclass.io.atomic import require_new, write_text
from galaxyclass.io.lock import close_locked, open_locked
from galaxyclass.io.run_folder import SEARCH, TUNE_CURVES, TUNE_SETTINGS
from galaxyclass.plots.style import save
from galaxyclass.plots.tuned import Point, tuned_settings
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe, recipe_toml
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.recipes.settings import as_assignments
from galaxyclass.short import counted, short_path, summary
from galaxyclass.study.begin import begin_study
from galaxyclass.study.compare.compare import draw_curves
from galaxyclass.study.compare.outcomes import trial_job
from galaxyclass.study.compare.results import (
    TrialResult,
    best_first,
    best_of,
    ended_in_words,
    ended_of,
    results_csv,
    states_of,
    stopped_study,
)
from galaxyclass.study.tune.plan import (
    BEST_RECIPE,
    TUNE_BASE,
    TUNE_TABLE,
    TunePlan,
    read_tune_plan,
    require_same_search,
    write_tune_plan,
)
from galaxyclass.study.tune.search import Search
from galaxyclass.study.tune.space import (
    Range,
    Space,
    check_space,
    combinations_of,
    parse_space,
    require_space,
)
from galaxyclass.tasks.kinds import TASKS
from galaxyclass.tasks.metric import Metric
from galaxyclass.workers.signals import terminated_as_interrupted

log = logging.getLogger(__name__)

#: Trials whose learning curves are drawn, the best first.
_DRAWN = 12


@dataclass(frozen=True)
class Tuned:
    """The results of a search.

    Attributes
    ----------
    folder : Path
        ``tune.csv`` is the table, ``best.toml`` the best recipe, ``tune.png`` the curves of the
        best trials, ``settings.png`` the scores by settings; ``runs/`` has a run for each trial.
    results : tuple of TrialResult
        One for each trial, in the order in which they were begun.
    notes : tuple of str
    """

    folder: Path
    results: tuple[TrialResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> TrialResult | None:
        """The best finished trial; None where none has finished."""
        return best_of(self.results)

    @property
    def best_recipe(self) -> Path | None:
        """The file of the best recipe, for `train`; None where no trial has finished."""
        return None if self.best is None else self.folder / BEST_RECIPE

    def __repr__(self) -> str:
        leads = "" if self.best is None else f"; best {self.best.value:.4f}"
        states = states_of(self.results) or "no trials"
        return summary(f"Tuned in {short_path(self.folder)}: {states}{leads}")


@public
def tune(
    recipe: str | Path | Recipe,
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    space: Mapping[str, Any],
    trials: int = 40,
    minutes: float | None = None,
    parallel: int = 1,
    pruning: bool = True,
    settings: Settings = (),
    device: Device = "auto",
    workers: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    progress: Progress = silent,
) -> Tuned:
    """Search for the settings of a recipe that score best on the validation galaxies.

    Optuna proposes the settings of each trial (a tree-structured Parzen estimator), from what
    earlier trials scored. A trial is a training in a process of its own: one that fails or runs out
    of memory is a row of the table. A trial that is worse than the median of the others at the same
    epoch is stopped early. After an interruption, or with more trials, the same call goes on.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A shipped recipe's name, a TOML file, or a recipe.
    images, table, seed, device, workers, cache
        As for `train`, the same for all trials.
    output : str or Path
        A new folder, or that of the same search to go on with.
    space : mapping
        Setting -> what it may be: ``"log:1e-4..1e-2"``, ``"0..0.5"``, ``"8..64"`` (whole numbers),
        ``"32|64"`` or ``[32, 64]``.
    trials : int
        How many in all, those of earlier calls included.
    minutes : float, optional
        Stop after so many; trials that are under way then go on with the next call.
    parallel : int
        Trials that are trained at once.
    pruning : bool
        Stop bad trials early.
    settings : mapping or sequence of str
        Changes that all trials share.
    progress : Progress
        Counts trials.

    Returns
    -------
    Tuned

    Raises
    ------
    RecipeError
        The recipe does not allow what is varied; all problems together, before anything is trained.
    CatalogError
        The images and the table cannot be trained on.
    OutputError
        The folder holds something else, a search with other arguments, or one that is running.
    RunError
        The images or the table have changed since the search was begun.
    StoppedError
        Ctrl-C or SIGTERM; the same call goes on.
    MissingExtraError
        optuna, or what a training needs, is not installed.
    """
    began = time.monotonic()
    require_space(recipe, space)
    searched = parse_space(space)
    check_space(recipe, searched, settings)
    dataset = as_dataset(images, table)
    require_sources(dataset.images, dataset.table)
    require_installed(*TRAINING, "optuna")
    folder, shared = Path(output), as_assignments(settings)
    resolved = as_recipe(recipe, shared)
    name_of_recipe = str(folder / TUNE_BASE if isinstance(recipe, Recipe) else recipe)
    plan = TunePlan(
        recipe=name_of_recipe,
        vary={key: allowed.words for key, allowed in searched.items()},
        settings=shared,
        data={**dataset.with_files(folder).to_json(), "seed": seed},
        pruning=pruning,
        resolved=resolved.model_dump(mode="json"),
    )
    begun = read_tune_plan(folder) if (folder / SEARCH).is_file() else None
    if begun is None:
        require_new(folder)
    else:
        require_same_search(folder, begun, plan)

    def write(new: Path, fingerprint: str) -> None:
        if isinstance(recipe, Recipe):
            write_text(new / TUNE_BASE, recipe_toml(recipe))
        write_tune_plan(new, replace(plan, fingerprint=fingerprint))

    metric = begin_study(
        folder,
        dataset,
        resolved.images,
        fingerprint=None if begun is None else begun.fingerprint,
        write=write,
        cache=cache,
        workers=workers,
        progress=progress,
    )
    descriptor = _lock(folder)
    try:
        search = Search(
            folder=folder,
            recipe=name_of_recipe,
            space=searched,
            settings=shared,
            metric=metric,
            seed=seed,
            pruning=pruning,
            job=lambda trial: trial_job(
                trial, plan.data, device=device, workers=workers, cache=cache
            ),
            trials=trials,
            deadline=None if minutes is None else began + 60 * minutes,
            progress=progress,
        )
        return finish_search(search, parallel, trials)
    finally:
        close_locked(descriptor)


def finish_search(search: Search, parallel: int, trials: int) -> Tuned:
    """Run a search to its end, and write its table, figures and best recipe, however it ends.

    Raises
    ------
    StoppedError
        Ctrl-C or SIGTERM.
    """
    folder = search.folder
    try:
        with terminated_as_interrupted():
            search.run(parallel)
    except KeyboardInterrupt:
        raise stopped_study(search.results(), trials, folder / TUNE_TABLE) from None
    finally:
        results = search.results()
        write_results(folder, results, search.space, search.metric)
    notes = []
    if search.exhausted:
        notes.append(
            f"Every combination that was proposed has been tried: {len(results)} of "
            f"{combinations_of(search.space):,.0f}."
        )
    elif search.stop.is_set():
        notes.append(
            f"The time is over: {ended_in_words(results, trials)}; the same again goes on."
        )
    return Tuned(folder, tuple(results), tuple(notes))


def read_search(folder: str | Path) -> Tuned:
    """Read the results of a search so far.

    Raises
    ------
    RunError
        Not a search, or damaged.
    """
    folder = Path(folder)
    plan = read_tune_plan(folder)
    search = Search(
        folder=folder,
        recipe=plan.recipe,
        space=parse_space(plan.vary),
        settings=plan.settings,
        metric=next(iter(TASKS.values())).metric,  # which does not matter for reading
        seed=plan.data["seed"],
        pruning=plan.pruning,
        job=lambda _: {},
        trials=0,
        deadline=None,
        progress=silent,
    )
    return Tuned(folder, tuple(search.results()))


def write_results(folder: Path, results: list[TrialResult], space: Space, metric: Metric) -> None:
    """Write the table of the trials; of those that have ended, best recipe and figures, too."""
    tuned = Tuned(folder, tuple(results))
    if results:  # a search that was killed after its last trial may have no table yet
        write_text(folder / TUNE_TABLE, results_csv(results))
    if not any(result.history for result in results):
        return
    ended = ended_of(best_first(results))
    draw_curves(folder / TUNE_CURVES, ended[:_DRAWN])
    points = [
        Point(result.trial.varied, result.value, best=result is tuned.best)
        for result in results
        if result.value is not None
    ]
    if points:
        logarithmic = {key for key, each in space.items() if isinstance(each, Range) and each.log}
        numbers = {
            key: (each.low, each.high) for key, each in space.items() if isinstance(each, Range)
        }
        figure = tuned_settings(points, metric, numbers=numbers, logarithmic=logarithmic)
        save(figure, folder / TUNE_SETTINGS)
    if (best := tuned.best) is not None:
        changes = ", ".join(f"{key}={value}" for key, value in best.trial.varied.items())
        header = (
            f"# The best of {counted(len(ended), 'trial')} of a search: {metric.label} "
            f"{best.value:.4f} on {counted(best.galaxies or 0, 'validation galaxy')}.\n"
            f"# {best.trial.recipe} with {changes}\n"
        )
        write_text(folder / BEST_RECIPE, header + recipe_toml(best.trial.resolved))


def _lock(folder: Path) -> int:
    try:
        return open_locked(folder / ".lock")
    except BlockingIOError:
        raise OutputError(
            f"{folder}: another process is searching here",
            hint="wait for it, or choose another `output`",
        ) from None
