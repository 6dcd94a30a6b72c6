"""``galaxyclass survey``: plan, run, status, merge."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from galaxyclass.arguments import ChosenPrecision
from galaxyclass.cli import options, tile_options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.cli.survey_lines import duration, show_status
from galaxyclass.cli.survey_run import run_command
from galaxyclass.cli.survey_scripts import survey_script
from galaxyclass.cli.tables import show_unused
from galaxyclass.io.result_files import plain_json
from galaxyclass.short import counted

EPILOG = """\b
Examples:
  galaxyclass survey plan /data/cutouts --output night
  galaxyclass survey plan /data/shards/*.tar --ids path --output night --shard-size 50000
  galaxyclass survey plan sources.parquet --id objid --model runs/best --output night
  galaxyclass survey plan --tiles tiles/ --catalogue sky.parquet --field "30 arcsec" --output night
  galaxyclass survey run night --workers 4 --log night.jsonl
  galaxyclass survey run night --slurm --partition long --minutes 240 --cores 16
  galaxyclass survey run night --part 3/100
  galaxyclass survey script night pbs --tasks 50 --cores 16 > night.sh
  galaxyclass survey status night
  galaxyclass survey merge night --output night.parquet
  galaxyclass survey merge night --output night-hats --margin 10

A plan splits any number of images into shards. Each shard is predicted into one file, whole or
not at all. Whatever is killed is run again by the same command, which skips what is done. Any
number of runs, on any machines that see the same folder, share the work."""


PLAN_EPILOG = """\b
Examples:
  galaxyclass survey plan /data/cutouts --output night
  galaxyclass survey plan /data/shards/*.tar --ids path --output night --shard-size 50000
  galaxyclass survey plan sources.parquet --id objid --include uncertainty --output night
  galaxyclass survey plan --tiles tiles/ --catalogue sky.parquet --field "30 arcsec" --output night

Every machine that runs the survey has to see the sources, the model and the folder under the same
names."""

SCRIPT_EPILOG = """\b
Examples:
  galaxyclass survey script night slurm --cores 16 > night.sh     then: sbatch night.sh
  galaxyclass survey script night pbs > night.sh                  then: qsub night.sh
  galaxyclass survey script night htcondor > night.sub            then: condor_submit night.sub
  galaxyclass survey script night shell > night.sh                then: bash night.sh"""

STATUS_EPILOG = """\b
Examples:
  galaxyclass survey status night
  galaxyclass survey status night --json"""

MERGE_EPILOG = """\b
Examples:
  galaxyclass survey merge night --output night.parquet
  galaxyclass survey merge night --output night-hats --margin 10
  galaxyclass survey merge night --output night.csv --overwrite

While a shard is missing, nothing is merged: `galaxyclass survey run night` predicts it."""


class _Commands(ManyValues, click.Group):
    """A group; its commands take several values after one name."""

    command_class = ManyValues


#: Units of sizes on disk, in bytes.
_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@click.group(cls=_Commands, epilog=EPILOG)
def command() -> None:
    """Predict a whole survey: plan it, run it here or on a cluster, watch it, merge it."""


_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@command.command("plan", epilog=PLAN_EPILOG)
@click.argument("source", metavar="[SOURCE…]", nargs=-1)
@tile_options.tiles(required=False)
@options.output("the plan, and later the results: a new folder")
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The folder of a training, or an exported network; several are an ensemble. The "
    "pretrained model by default.",
)
@click.option(
    "--shard-size",
    type=click.IntRange(1, 1_000_000),
    default=20_000,
    show_default=True,
    help="Images that are predicted into one file.",
)
@click.option(
    "--ids",
    "ids_from",
    type=click.Choice(["stem", "path", "column"]),
    help="What ids are made from, the same however the survey is split. stem (the default): the "
    "name of the file without its ending; path: its path below SOURCE; column: that of --id.",
)
@click.option("--path-column", metavar="COLUMN", help="The column of paths of a list.")
@click.option(
    "--id", "id_column", metavar="COLUMN", help="The column of ids of a list or catalogue."
)
@click.option(
    "--carry",
    metavar="COLUMN,COLUMN…|all",
    callback=options.comma_separated,
    help="Columns of a list or catalogue that are written beside the predictions. Positions "
    "always are; by default all columns of a catalogue, and no others of a list.",
)
@click.option(
    "--include",
    metavar="NAME,NAME…",
    callback=options.comma_separated,
    help="Extra columns: some of five_classes, uncertainty, strangeness, embedding.",
)
@options.views
@options.precision
@options.labelling
@options.reading
@click.option("--skip-invalid", is_flag=True, help="Leave out archives that cannot be opened.")
@click.option("--no-measure", is_flag=True, help="Do not measure what it costs.")
@options.quote_formulas_option
@options.as_json
@tile_options.sources(alone=False)
@click.pass_context
def plan(
    context: click.Context,
    /,
    *,
    source: tuple[str, ...],
    tiles: tuple[str, ...],
    sources: dict[str, Any],
    id_column: str | None,
    reading: dict[str, Any] | None,
    models: tuple[Path, ...],
    views: int | None,
    precision: ChosenPrecision,
    labelling: str | None,
    no_measure: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Split SOURCE into shards, without reading an image.

    SOURCE is folders (with all their sub-folders), archives (.zip, .tar), HDF5 and parquet with
    images inside, folders of these, or lists: text with a path a line, or a table with a column
    of paths. Instead, --tiles names FITS tiles, out of which the sources of --catalogue are cut
    while they are predicted.
    """
    from galaxyclass.model.options import InferenceOptions
    from galaxyclass.survey.plan import plan_survey

    if bool(source) == bool(tiles):
        raise click.UsageError("Name either SOURCE or --tiles.")
    tile_options.require_tiles(context, tiles)
    with bars() as progress:
        images: Any = list(source)
        if tiles:
            images = tile_options.opened(tiles, sources, reading, id_column, progress)
        planned = plan_survey(
            images,
            model=models or None,
            id_column=None if tiles else id_column,
            reading=reading,
            options=InferenceOptions(views=views, precision=precision, labelling=labelling),
            measured=not no_measure,
            progress=progress,
            **chosen,
        )
    if as_json:
        echo(plain_json({**asdict(planned.plan), "notes": planned.notes}))
        return
    echo_notes(planned.notes)
    show_unused(planned.unused)
    size, cost = planned.plan, planned.plan.cost
    echo(f"{counted(size.images, 'image')} in {counted(size.shards, 'shard')}: {planned.folder}")
    if cost is not None:
        echo(
            f"{cost.images_per_second:,.0f} images/s on {counted(cost.cores, 'core')} of this "
            f"machine ({counted(cost.images, 'image')} tried): "
            f"{duration(cost.seconds(size.images))} for all, "
            f"{duration(cost.seconds(min(size.shard_size, size.images)))} for a shard"
        )
        echo(
            f"results: about {_disk(cost.bytes_per_image * size.images)} as parquet, and as much "
            "again when they are merged"
        )
    echo(f"next: galaxyclass survey run {planned.folder}")


def _disk(size: float) -> str:
    """A size on disk: ``2.7 MB``."""
    unit = next((unit for unit in _UNITS if size >= unit[0]), _UNITS[-1])
    return f"{float(f'{size / unit[0]:.2g}'):g} {unit[1]}"


command.add_command(run_command)


@command.command("script", epilog=SCRIPT_EPILOG)
@_folder
@click.argument("scheduler", type=click.Choice(["slurm", "pbs", "htcondor", "shell"]))
@click.option(
    "--tasks",
    type=click.IntRange(1, 10**7),
    help="Tasks, each with a part of the shards; 100 by default, but not more than shards. Not for "
    "shell.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1),
    help="Tasks that run at once, at most; only for slurm and htcondor.",
)
@click.option(
    "--minutes",
    type=click.IntRange(1),
    help="Time limit of a task; for slurm and pbs 60 by default.",
)
@click.option(
    "--cores", type=click.IntRange(1, 4096), help="Cores of a task; 4 by default, for shell all."
)
@click.option(
    "--gpus", type=click.IntRange(0), help="GPUs of a task; none by default. Not for shell."
)
@click.option(
    "--memory",
    type=click.IntRange(1),
    metavar="GB",
    help="Memory of a task; 8 by default. Not for shell.",
)
@click.option(
    "--program",
    metavar="COMMAND",
    help="galaxyclass, as the machines find it; by default this very Python, by its path.",
)
def script(*, folder: Path, scheduler: Any, **chosen: Any) -> None:
    """Print a script that hands the survey in DIR to a scheduler.

    Given to the scheduler again, it goes on: what is done is skipped.
    """
    from galaxyclass.survey.survey import open_survey

    echo(survey_script(open_survey(folder), scheduler, **chosen), nl=False)


@command.command("status", epilog=STATUS_EPILOG)
@_folder
@options.as_json
def status(*, folder: Path, as_json: bool) -> None:
    """Show how far the survey in DIR is, from its files alone."""
    from galaxyclass.survey.survey import open_survey

    survey = open_survey(folder)
    current = survey.status()
    if as_json:
        echo(plain_json(asdict(current)))
    else:
        show_status(survey, current)


@command.command("merge", epilog=MERGE_EPILOG)
@_folder
@options.output(
    "the result: a name that ends in .csv, .parquet, .fits, .vot or .ecsv, or a folder, which "
    "becomes a HATS catalogue where positions are known (extra survey)"
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 3600, min_open=True),
    metavar="ARCSEC",
    help="For a HATS catalogue: also write what lies within this distance of each partition, for "
    "exact crossmatches.",
)
@click.option(
    "--partition-rows",
    type=click.IntRange(1, 10**8),
    help="For a folder: the most rows of a file; by default 1,000,000.",
)
@options.overwrite
@options.quote_formulas_option
@options.as_json
def merge(*, folder: Path, as_json: bool, **chosen: Any) -> None:
    """Join the results in DIR, if every image is accounted for."""
    from galaxyclass.survey.survey import open_survey

    with bars() as progress:
        merged = open_survey(folder).merge(progress=progress, **chosen)
    if as_json:
        echo(plain_json(asdict(merged)))
        return
    kind = "" if merged.kind not in ("hats", "dataset") else f", {counted(merged.files, 'file')}"
    echo(f"{counted(merged.rows, 'galaxy')} in {merged.output} ({merged.kind}{kind})")
    if merged.failed_file is not None:
        failed = counted(merged.failed, "image")
        echo(f"{failed} could not be read: see {merged.failed_file}")
    if merged.without_position:
        echo(
            f"without a position: {counted(merged.without_position, 'galaxy')}, in "
            f"{merged.output / 'without_position.parquet'}"
        )
