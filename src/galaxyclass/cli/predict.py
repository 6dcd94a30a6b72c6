"""``galaxyclass predict``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options, tile_options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.notes import echo_notes, echo_warnings
from galaxyclass.cli.shown import echo
from galaxyclass.cli.tables import show_unused
from galaxyclass.io.result_files import plain_json
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.model.job import PredictionSummary
    from galaxyclass.model.options import InferenceOptions

EPILOG = """\b
Examples:
  galaxyclass predict --images sky/images --output predictions.csv
  galaxyclass predict --images sky/images --output p.parquet --include five_classes,embedding
  galaxyclass predict runs/first --images sky/images --output first.csv
  galaxyclass predict runs/first --images a.jpg b.jpg --output two.parquet
  galaxyclass predict runs/a runs/b --views 16 --images sky/images --output ensemble.csv
  galaxyclass predict runs/hundred --images hundred/test --output test.csv --layout contest
  galaxyclass predict runs/first --images sky/images --output exact.csv --precision fp32
  galaxyclass predict --images cutouts/ --hdu SCI --bands g,r,z --output fits.csv
  galaxyclass predict --tiles image.fits --output found.csv
  galaxyclass predict --tiles tiles/ --catalogue galaxies.csv --field "30 arcsec" --output p.csv
  galaxyclass predict --images sky/images --output p.fits --table catalogue.fits --carry ra,dec,z
  galaxyclass predict --images sky/images --output p.vot --table catalogue.vot --match-radius 1

The output has the layout of the run's training table: its id column with the names of the image
files, then a column per answer; or a column per class, and the class. Images that cannot be decoded
are listed in OUTPUT_failed.csv. A stopped prediction goes on when the same command is given again.

With --tiles, the sources of --catalogue, or those that are found, are cut out and predicted in one
go. The catalogue's columns are written too, then tile, x, y, missing (the share of pixels without
data) and flags (edge, gap).

\b
--include adds columns:
  five_classes  probabilities of completely_round_smooth, in_between_smooth,
                cigar_shaped_smooth, edge_on and spiral
  uncertainty   ANSWER_lower and ANSWER_upper: an interval that holds 90 % of the
                true fractions, or numbers
  posterior     of a run that learnt counts: ANSWER_joint (the expected share of everybody) and
                its _spread, _lower and _upper (90 % of the share of those asked), and _votes of
                as many people as in training, with their _votes_spread
  draws         of such a run: ANSWER_draw1 to _draw10, joint fractions drawn from its belief
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
How the predictions were made (version, model, digest, views, precision, how images were read, date)
is kept in the metadata of OUTPUT; for a CSV, in OUTPUT_provenance.json."""


@click.command(cls=ManyValues, epilog=EPILOG)
@click.argument("models", metavar="[MODEL…]", nargs=-1, type=click.Path(path_type=Path))
@options.images_or_bands
@tile_options.tiles(required=False)
@options.output("the predictions: a name that ends in .csv, .parquet, .fits, .vot or .ecsv")
@options.table_to_carry
@click.option(
    "--carry",
    metavar="COLUMN,COLUMN…|all",
    callback=options.comma_separated,
    help="Columns of --table, or of --catalogue, that are copied beside the predictions; all by "
    "default.",
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
@click.option(
    "--include",
    metavar="NAME,NAME…",
    callback=options.comma_separated,
    help="Extra columns: some of five_classes, uncertainty, posterior, draws, strangeness, "
    "embedding.",
)
@options.inference
@options.labelling
@options.reading
@options.overwrite
@options.quote_formulas_option
@options.as_json
@click.option(
    "--layout",
    type=click.Choice(["table", "contest"]),
    default="table",
    show_default=True,
    help="table: that of the run's training table, with a probability for each class; contest: "
    "only the name of each image and its class.",
)
@tile_options.sources(alone=False)
@click.pass_context
def command(
    context: click.Context,
    *,
    table: Path | None,
    carry: tuple[str, ...],
    id_column: str | None,
    id_map: Path | None,
    match_radius: float | None,
    as_json: bool,
    models: tuple[Path, ...],
    images: tuple[Path, ...],
    tiles: tuple[str, ...],
    sources: dict[str, Any],
    output: Path,
    include: tuple[str, ...],
    inference: InferenceOptions,
    labelling: str | None,
    overwrite: bool,
    quote_formulas: bool,
    layout: str,
    reading: dict[str, Any] | None,
) -> None:
    """Predict vote fractions or classes for images.

    MODEL is the folder of a training, a bundle, or an exported network; several are an ensemble,
    whose mean is predicted. Without MODEL the pretrained model predicts, which comes with the
    package.
    """
    from galaxyclass.model.carry import TableJoin
    from galaxyclass.model.predict import predict

    _require_images(images)
    if images and tiles:
        raise click.UsageError("Name either --images or --tiles.")
    tile_options.require_tiles(context, tiles, by_position=match_radius is not None)
    if tiles and table is not None:
        raise click.UsageError("--table belongs to --images; tiles take their --catalogue.")
    if table is None:
        _refuse_without_table(context, catalogue=bool(tiles and sources["catalogue"]))
        join = None
    else:
        join = TableJoin(
            table,
            carry=carry or ("all",),
            id_column=id_column,
            id_map=id_map,
            match_radius=match_radius,
            ra_column=sources["ra_column"],
            dec_column=sources["dec_column"],
        )
    with bars() as progress:
        source: Any = images
        if tiles:
            source = tile_options.opened(tiles, sources, reading, id_column, progress, carry=carry)
        summary = predict(
            models or None,
            source,
            output=output,
            include=include,
            options=replace(inference, labelling=labelling),
            overwrite=overwrite,
            quote_formulas=quote_formulas,
            layout=layout,  # type: ignore[arg-type]
            reading=reading,
            table=join,
            progress=progress,
        )
    if as_json:
        echo(_json(summary))
    else:
        show(summary, of_tiles=bool(tiles), strangeness="strangeness" in include)


def _refuse_without_table(context: click.Context, *, catalogue: bool) -> None:
    """Refuse options that say how a table is joined; some are of a catalogue of tiles too."""
    joining = {"id_map", "match_radius"}
    if not catalogue:
        joining |= {"carry", "id_column"}
    for name, option in options.stated(context).items():
        if name in joining:
            other = " or --catalogue" if name in ("carry", "id_column") else ""
            raise click.UsageError(f"{option} needs --table{other}")


def _json(summary: PredictionSummary) -> str:
    """The result of a prediction, as JSON."""
    from dataclasses import asdict

    return plain_json(asdict(summary))


def _require_images(images: tuple[Path, ...]) -> None:
    """Refuse a model after --images, which reads all that follows as images."""
    from galaxyclass.model.bundle.load import is_model

    for path in images:
        if not is_model(path):
            continue
        raise click.UsageError(
            f"{path} is a model, but named after --images. Name it first: "
            f"galaxyclass predict {path} --images …"
        )


def show(summary: PredictionSummary, *, of_tiles: bool = False, strangeness: bool = False) -> None:
    """Print the result of a prediction, and its warnings on standard error."""
    echo_warnings(summary.warnings)
    echo_notes(summary.notes)
    show_unused(summary.unused)
    if summary.flagged is not None and summary.predicted:
        which = (
            "the column strange says which" if strangeness else "--include strangeness says which"
        )
        echo(
            f"{summary.flagged:,} of {summary.predicted:,} flagged as out of distribution "
            f"({summary.flagged / summary.predicted:.1%})"
            + (f"; {which}" if summary.flagged else "")
        )
    fresh = summary.images - summary.resumed
    speed = f", {_speed(fresh / summary.seconds)}" if fresh and summary.seconds else ""
    echo(f"{counted(summary.predicted, 'galaxy')} in {summary.output}{speed}")
    failed = f"{counted(summary.failed, 'image')} could not be decoded"
    if of_tiles:
        failed = f"{counted(summary.failed, 'source')} could not be cut out"
    if summary.failed_file:
        echo(f"{failed}: see {summary.failed_file}")


def _speed(rate: float) -> str:
    """Images a second; of a few images, most of whose time is the start, with a decimal."""
    return f"{rate:,.0f} images/s" if rate >= 10 else f"{rate:.1f} images/s"
