"""``galaxyclass predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.errors import ImageError

if TYPE_CHECKING:
    from galaxyclass.prediction import PredictionSummary

EPILOG = """\b
Examples:
  galaxyclass predict runs/first --images sky/images --output predictions.csv
  galaxyclass predict runs/first --images a.jpg b.jpg --output predictions.parquet
  galaxyclass predict runs/hundred --images hundred/test --output test.csv --layout contest
  galaxyclass predict runs/first --images sky/images --output exact.csv --precision fp32

The output has the layout of the table that the run was trained on: its id column with the names
of the image files, then a column per answer, or per class and the class. Images that cannot be
decoded are listed in predictions_failed.csv. A prediction that was stopped goes on when the same
command is given again."""

precision = click.option(
    "--precision",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "fp32", "bf16"]),
    help="Numbers that the network computes with; auto takes bfloat16 where the run was trained in "
    "it and this machine has it, which is two or three times as fast.",
)


@click.command(cls=options.ManyValues, epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@options.images
@options.output("the predictions: a name that ends in .csv or .parquet")
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
    run: Path,
    images: tuple[Path, ...],
    output: Path,
    device: str,
    precision: str,
    batch_size: int | None,
    workers: int | None,
    overwrite: bool,
    layout: str,
) -> None:
    """Predict vote fractions or classes for images with RUN, the folder of a training."""
    from galaxyclass.prediction import predict

    with bars() as progress:
        summary = predict(
            run,
            images,
            output,
            device=device,
            precision=precision,  # type: ignore[arg-type]
            batch_size=batch_size,
            workers=workers,
            overwrite=overwrite,
            layout=layout,  # type: ignore[arg-type]
            progress=progress,
        )
    show(summary)


def show(summary: PredictionSummary) -> None:
    """Print what a prediction did, and on standard error what looks wrong with it."""
    show_warnings(summary)
    for note in summary.notes:
        click.echo(note)
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
            todo=f"see {summary.failed_file}",
        )


def show_warnings(summary: PredictionSummary) -> None:
    """Print on standard error what looks wrong with predictions."""
    for warning in summary.warnings:
        click.echo(click.style("warning: ", fg="yellow") + warning, err=True)
