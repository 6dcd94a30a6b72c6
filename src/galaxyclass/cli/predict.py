"""``galaxyclass predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.hints import in_options
from galaxyclass.cli.tables import show_unused
from galaxyclass.errors import ImageError

if TYPE_CHECKING:
    from galaxyclass.arguments import ChosenPrecision, Device
    from galaxyclass.model.job import PredictionSummary

EPILOG = """\b
Examples:
  galaxyclass predict --images sky/images --output predictions.csv
  galaxyclass predict --images sky/images --output p.parquet --include five_classes,embedding
  galaxyclass predict runs/first --images sky/images --output first.csv
  galaxyclass predict runs/first --images a.jpg b.jpg --output two.parquet
  galaxyclass predict runs/a runs/b --views 16 --images sky/images --output ensemble.csv
  galaxyclass predict runs/hundred --images hundred/test --output test.csv --layout contest
  galaxyclass predict runs/first --images sky/images --output exact.csv --precision fp32
  galaxyclass predict --images sky/images --output p.fits --table catalogue.fits --carry ra,dec,z
  galaxyclass predict --images sky/images --output p.vot --table catalogue.vot --match-radius 1

The output has the layout of the run's training table: its id column with the names of the image
files, then a column per answer; or a column per class, and the class. Images that cannot be decoded
are listed in OUTPUT_failed.csv. A stopped prediction goes on when the same command is given again.

\b
--include adds columns:
  five_classes  probabilities of completely_round_smooth, in_between_smooth,
                cigar_shaped_smooth, edge_on and spiral
  uncertainty   ANSWER_lower and ANSWER_upper: an interval that holds 90 % of the
                true fractions
  strangeness   the out-of-distribution score, and strange: whether it is above 1,
                where the prediction is not to be trusted
  embedding     embedding_0, embedding_1, …: the features of the encoder

\b
Types of columns in parquet, FITS, VOTable and ECSV (CSV has text alone):
  ids           64-bit integers if the ids of the run's training table were (for the
                pretrained model: if all of these ids are), otherwise text
  predictions   32-bit floats
  strange       booleans. In CSV it is True or False: booleans to pandas, text to astropy

\b
By what the predictions were made (version, model, digest, views, precision, date) stands in their
metadata; for a CSV, in OUTPUT_provenance.json."""

precision = click.option(
    "--precision",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "fp32", "bf16"]),
    help="Number format of the network; auto is bfloat16 if the run was trained in it and this "
    "machine has it, which is two or three times as fast.",
)
views = click.option(
    "--views",
    type=click.IntRange(min=1),
    help="Predict the mean over so many test-time views of each galaxy, mirrored and turned; takes "
    "almost as many times as long. The default is 1 for a run, and 2 for the pretrained model.",
)


def _listed(
    _context: click.Context, _option: click.Parameter, names: str | None
) -> tuple[str, ...]:
    """Names that are separated by commas."""
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


@click.command(cls=options.ManyValues, epilog=EPILOG)
@click.argument("runs", metavar="[RUN…]", nargs=-1, type=click.Path(path_type=Path))
@options.images
@options.output("the predictions: a name that ends in .csv, .parquet, .fits, .vot or .ecsv")
@options.table_to_carry
@click.option(
    "--carry",
    metavar="COLUMN,COLUMN…|all",
    callback=_listed,
    help="Columns of --table that are copied beside the predictions; all by default.",
)
@options.id_column
@options.id_map
@click.option(
    "--match-radius",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    metavar="ARCSEC",
    help="Join --table by position: the nearest row within so many arcseconds of the image, whose "
    "position is in its name (J101112.3+040506.7) or WCS (FITS).",
)
@views
@click.option(
    "--include",
    metavar="NAME,NAME…",
    callback=_listed,
    help="Extra columns: some of five_classes, uncertainty, strangeness, embedding.",
)
@options.device
@precision
@options.batch_size
@options.workers
@options.overwrite
@options.as_json
@click.option(
    "--layout",
    type=click.Choice(["table", "contest"]),
    default="table",
    show_default=True,
    help="table: that of the run's training table, with a probability for each class; contest: "
    "only the name of each image and its class.",
)
def command(
    *,
    table: Path | None,
    carry: tuple[str, ...],
    id_column: str | None,
    id_map: Path | None,
    match_radius: float | None,
    as_json: bool,
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

    RUN is the folder of a training, or an exported network; several are an ensemble, whose mean is
    predicted. Without RUN the pretrained model predicts, which comes with the package.
    """
    from galaxyclass.model.predict import predict

    _require_images(images)
    _require_table(
        table, carry=carry, id_column=id_column, id_map=id_map, match_radius=match_radius
    )
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
            table=table,
            carry=carry or ("all",),
            id_column=id_column if table is not None else None,
            id_map=id_map,
            match_radius=match_radius,
            progress=progress,
        )
    if as_json:
        click.echo(_json(summary))
    else:
        show(summary)


def _require_table(table: Path | None, **needing: object) -> None:
    """Refuse options that say how a table is joined where there is none."""
    for option, value in needing.items():
        if table is None and value:
            name = {"id_column": "--id", "id_map": "--map"}.get(option, f"--{option}")
            raise click.UsageError(f"{name.replace('_', '-')} needs --table")


def _json(summary: PredictionSummary) -> str:
    """The result of a prediction, as JSON."""
    from dataclasses import asdict

    return json.dumps(asdict(summary), indent=1, ensure_ascii=False, default=str)


def _require_images(images: tuple[Path, ...]) -> None:
    """Refuse a run after --images, which reads all that follows as images."""
    from galaxyclass.model.bundle.load import is_model

    for path in images:
        if not is_model(path):
            continue
        raise click.UsageError(
            f"{path} is a model, but named after --images. Name it first: "
            f"galaxyclass predict {path} --images …"
        )


def show(summary: PredictionSummary) -> None:
    """Print the result of a prediction, and its warnings on standard error."""
    show_warnings(summary)
    for note in summary.notes:
        click.echo(in_options(note))
    show_unused(summary.unused)
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
    """Print warnings about predictions on standard error."""
    for warning in summary.warnings:
        click.echo(click.style("warning: ", fg="yellow") + in_options(warning), err=True)
