"""``galaxyclass predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options
from galaxyclass.errors import ImageError

if TYPE_CHECKING:
    from galaxyclass.arguments import ChosenPrecision, Device
    from galaxyclass.model.job import PredictionSummary

EPILOG = """\b
Examples:
  galaxyclass predict --images sky/images --output predictions.csv
  galaxyclass predict --images sky/images --output p.parquet --include five_classes,embedding
  galaxyclass predict runs/first --images sky/images --output predictions.csv
  galaxyclass predict runs/first --images a.jpg b.jpg --output predictions.parquet
  galaxyclass predict runs/a runs/b --views 16 --images sky/images --output predictions.csv
  galaxyclass predict runs/hundred --images hundred/test --output test.csv --layout contest
  galaxyclass predict runs/first --images sky/images --output exact.csv --precision fp32

The output has the layout of the table that the run was trained on: its id column with the names
of the image files, then a column per answer, or per class and the class. Images that cannot be
decoded are listed in predictions_failed.csv. A prediction that was stopped goes on when the same
command is given again.

\b
--include adds columns:
  five_classes  probabilities of completely_round_smooth, in_between_smooth,
                cigar_shaped_smooth, edge_on and spiral
  uncertainty   ANSWER_lower and ANSWER_upper, with 90 % of true fractions between them
  strangeness   how little the picture is like galaxies that the model knows, and
                strange: true above 1, where the prediction is not to be trusted
  embedding     embedding_0, embedding_1, …: what the encoder makes of the picture"""

precision = click.option(
    "--precision",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "fp32", "bf16"]),
    help="Numbers that the network computes with; auto takes bfloat16 where the run was trained in "
    "it and this machine has it, which is two or three times as fast.",
)
views = click.option(
    "--views",
    type=click.IntRange(min=1),
    help="Predict the mean over so many views of each galaxy, mirrored and turned; takes almost "
    "as many times as long. Unless told otherwise one of a run, and as many as its card says "
    "of the pretrained model.",
)


def _listed(
    _context: click.Context, _option: click.Parameter, names: str | None
) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


@click.command(cls=options.ManyValues, epilog=EPILOG)
@click.argument("runs", metavar="[RUN…]", nargs=-1, type=click.Path(path_type=Path))
@options.images
@options.output("the predictions: a name that ends in .csv or .parquet")
@views
@click.option(
    "--include",
    metavar="NAME,NAME…",
    callback=_listed,
    help="Columns to write besides: some of five_classes, uncertainty, strangeness, embedding.",
)
@options.device
@precision
@options.batch_size
@options.workers
@options.overwrite
@click.option(
    "--layout",
    type=click.Choice(["table", "contest"]),
    default="table",
    show_default=True,
    help="table: as the table that the run was trained on, with a probability for each class; "
    "contest: the name of each image and its class alone.",
)
def command(
    *,
    runs: tuple[Path, ...],
    images: tuple[Path, ...],
    output: Path,
    views: int | None,
    include: tuple[str, ...],
    device: Device,
    precision: ChosenPrecision,
    batch_size: int | None,
    workers: int | None,
    overwrite: bool,
    layout: str,
) -> None:
    """Predict vote fractions or classes for images.

    RUN is the folder of a training, or an exported network; of several the mean is predicted.
    Without any, or as `pretrained`, the pretrained model predicts, which comes with the package.
    """
    from galaxyclass.model.predict import predict

    _require_images(images)
    with bars() as progress:
        summary = predict(
            runs or None,
            images,
            output=output,
            views=views,
            include=include,
            device=device,
            precision=precision,
            batch_size=batch_size,
            workers=workers,
            overwrite=overwrite,
            layout=layout,  # type: ignore[arg-type]
            progress=progress,
        )
    show(summary)


def _require_images(images: tuple[Path, ...]) -> None:
    """Refuse a run that stands after --images, which takes all that follows for images."""
    from galaxyclass.model.bundle.load import is_model

    for place in images:
        if not is_model(place):
            continue
        raise click.UsageError(
            f"{place} is a model, and stands among the images. Name it first: "
            f"galaxyclass predict {place} --images …"
        )


def show(summary: PredictionSummary) -> None:
    """Print what a prediction did, and on standard error what looks wrong with it."""
    show_warnings(summary)
    for note in summary.notes:
        click.echo(in_options(note))
    fresh = summary.images - summary.resumed
    speed = f", {fresh / summary.seconds:,.0f} images/s" if fresh and summary.seconds else ""
    click.echo(f"{summary.predicted:,} galaxies in {summary.output}{speed}")
    if summary.failed_file:
        click.echo(
            f"{summary.failed:,} images could not be decoded; {summary.failed_file} lists them"
        )
    if summary.failed and not summary.predicted:
        raise ImageError(
            "not one of the images could be decoded",
            got=f"{summary.failed:,} files that are no images, or damaged",
            hint=f"see {summary.failed_file}",
        )


def show_warnings(summary: PredictionSummary) -> None:
    """Print on standard error what looks wrong with predictions."""
    for warning in summary.warnings:
        click.echo(click.style("warning: ", fg="yellow") + in_options(warning), err=True)
