"""``galaxyclass train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options
from galaxyclass.cli.command import Command
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import show_unused
from galaxyclass.io.result_files import plain_json
from galaxyclass.short import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galaxyclass.tasks.metric import Metric
    from galaxyclass.training.folds import TrainedFolds
    from galaxyclass.training.train import Trained

EPILOG = """\b
Examples, on the galaxies of `galaxyclass simulate --count 500 --output sky`:
  galaxyclass train fast --images sky/images --table sky/votes.csv --output runs/first
  galaxyclass train fast --images sky/images --table sky/votes.csv --output runs/short \\
      --set training.epochs=10 --set optimizer.lr=0.001
  galaxyclass train fast --images sky/images --table sky/votes.csv --output runs/five \\
      --classes five
  galaxyclass train --resume runs/first

\b
Cross-validation: four networks, each galaxy predicted by the one that was not taught it:
  galaxyclass train fast --images sky/images --table sky/votes.csv --folds 4 --output runs/four

\b
Numbers, such as a Hubble type; or counts of votes, not their fractions (docs/targets.md):
  galaxyclass train fast --images images/ --table efigi.csv --numbers T --output runs/T
  galaxyclass train fast --images images/ --table votes.csv --counts --output runs/counts

\b
With your own images: a sub-folder per class and no table; or two tables at once:
  galaxyclass train fast --images classes/ --output runs/classes
  galaxyclass train fast --images images/ --table votes.csv --output runs/more \\
      --also others/ other_votes.csv --also images/ classes.csv
  galaxyclass train fast --images images/ --table votes.csv --output runs/two \\
      --also-labelling galaxy-zoo-2 images/ gz2_votes.csv

The run's folder gets recipe.toml, run.json, history.csv, metrics.json, curves.png, the bundle that
`galaxyclass predict` reads, checkpoints and TensorBoard logs. With --folds it gets out_of_fold.csv,
the bundle of all networks together, and their runs in runs/."""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("recipe", required=False)
@options.dataset(
    options.skip_invalid, options.classes, options.also, options.also_labelling, required=False
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to write the run: a new folder."
)
@click.option(
    "--resume",
    "run",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a stopped run; no other option is needed.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 100),
    help="Cross-validation: train so many networks, each without one fold of the training "
    "galaxies, and write what each predicts for its fold to out_of_fold.csv.",
)
@options.settings
@options.mirror_pairs
@options.seed
@options.device
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    help="Number of devices (processes, on CPUs) that train together; each takes "
    "training.batch_size galaxies per step.",
)
@options.workers
@options.cache
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    /,
    recipe: str | None,
    run: Path | None,
    *,
    as_json: bool,
    **values: Any,
) -> None:
    """Train RECIPE on images and a table.

    Start with the recipe `fast`. `galaxyclass recipes` lists all recipes; a TOML file of your own
    works too. Ctrl-C is safe: the last finished epoch is kept, and --resume, or the same command,
    goes on from there.
    """
    from galaxyclass.cli.notes import show_notes
    from galaxyclass.data.catalog.read import require_sources
    from galaxyclass.recipes.read import load_recipe

    if run is not None:
        _refuse_other_options(context, recipe)
    else:
        _require(context, recipe, values)
        # Mistakes are reported before torch is loaded, which takes seconds.
        load_recipe(recipe or "", [*values["settings"], *values["mirror_pairs"]])
        require_sources(values["dataset"].images, values["dataset"].table)
    show_notes()

    from galaxyclass.cli.bars import bars
    from galaxyclass.extras import TRAINING, require_installed

    require_installed(*TRAINING)
    from galaxyclass.training.folds import train_folds
    from galaxyclass.training.train import resume, train

    shared = {key: values[key] for key in ("workers", "cache")}
    settings = [*values["settings"], *values["mirror_pairs"]]
    if folds := values["folds"]:
        with bars() as progress:
            trained_folds = train_folds(
                recipe or "",
                values["dataset"],
                folds=folds,
                output=values["output"],
                settings=settings,
                device=values["device"],
                seed=values["seed"],
                progress=progress,
                **shared,
            )
        _print_folds(trained_folds)
        return
    with bars() as progress:
        if run is not None:
            # By default the device that the run was begun with.
            trained = resume(
                run,
                device=values["device"] if "device" in options.stated(context) else None,
                devices=values["devices"],
                progress=progress,
                **shared,
            )
        else:
            trained = train(
                recipe or "",
                values["dataset"],
                output=values["output"],
                settings=settings,
                device=values["device"],
                devices=values["devices"] or 1,
                seed=values["seed"],
                progress=progress,
                **shared,
            )
    if as_json:
        from dataclasses import asdict

        echo(plain_json(asdict(trained)))
    else:
        _print(trained)


def _require(context: click.Context, /, recipe: str | None, values: dict[str, Any]) -> None:
    """Require the arguments of a new training, and report all missing ones together."""
    missing = [
        name
        for name, value in (
            ("RECIPE", recipe),
            ("--images", values["dataset"]),
            ("--output", values["output"]),
        )
        if value is None
    ]
    if missing:
        context.fail(
            f"Missing {', '.join(missing)}. A new training is "
            "`galaxyclass train RECIPE --images DIR --table FILE --output RUN`; "
            "`galaxyclass train --resume RUN` goes on with one."
        )
    if values["folds"] and values["devices"]:
        context.fail("--folds trains on one device; leave out --devices.")


def _refuse_other_options(context: click.Context, /, recipe: str | None) -> None:
    """Refuse options that a resumed run has already: they would not be changed."""
    allowed = {"run", "device", "devices", "workers", "cache", "as_json"}
    refused = [
        option
        for name, option in options.stated(context).items()
        if name not in allowed and (name != "recipe" or recipe)
    ]
    if refused:
        context.fail(
            f"--resume takes everything from the run; leave out {', '.join(refused)}, or begin a "
            "new training without --resume."
        )


def _print(trained: Trained) -> None:
    from galaxyclass.tasks.kinds import metric_named

    metrics = trained.metrics
    metric = metric_named(metrics.score)
    for part, figures in metrics.parts.items():
        # The figure of an epoch is another: of augmented galaxies, while the network changed.
        augmented = ", not augmented" if part == "train" else ""
        galaxies = f"{counted(figures['galaxies'], 'galaxy')}{augmented}"
        echo(
            f"{part.replace('_', ' ')} ({galaxies}, by the network of epoch {metrics.kept_epoch} "
            f"of {metrics.epochs}): {_score(metric, figures)}"
        )
    took = (
        f"{metrics.seconds / 60:.1f} minutes"
        if metrics.seconds > 90
        else f"{metrics.seconds:.0f} s"
    )
    show_unused(trained.unused)
    echo(f"{took}, {metrics.images_per_second:,.0f} images/s; the run is in {trained.folder}")


def _print_folds(trained: TrainedFolds) -> None:
    from galaxyclass.tasks.kinds import metric_named

    metrics = trained.metrics
    metric = metric_named(metrics.score)
    count = len(trained.runs)
    for part, figures in metrics.parts.items():
        by = "the network that was not taught it"
        by = f"each by {by}" if part == "out_of_fold" else f"by the mean of {count} networks"
        echo(
            f"{part.replace('_', ' ')} ({counted(figures['galaxies'], 'galaxy')}, {by}): "
            f"{_score(metric, figures)}"
        )
    by_fold = ", ".join(f"{figures['value']:.4f}" for figures in metrics.folds)
    echo(f"{metric.label} fold by fold: {by_fold}")
    tables = ", ".join(str(table) for table in trained.tables)
    echo(f"out-of-fold predictions: {tables}; the model of all networks: {trained.folder}")


def _score(metric: Metric, figures: Mapping[str, Any]) -> str:
    """A score with its interval, beside that of the simplest predictor and the noise floor."""
    floor = f", noise floor {figures['noise_floor']:.4f}" if "noise_floor" in figures else ""
    return (
        f"{metric.label} {figures['value']:.4f} [{figures['low']:.4f}, {figures['high']:.4f}] "
        f"({metric.simplest} {figures['reference']:.4f}{floor})"
    )
