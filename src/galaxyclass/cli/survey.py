"""``galaxyclass survey``: plan, run, status, merge."""

from __future__ import annotations

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options, tile_options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.notes import echo_notes, echo_warnings
from galaxyclass.cli.shown import echo
from galaxyclass.cli.survey_lines import duration, show_status
from galaxyclass.cli.survey_scripts import survey_script
from galaxyclass.cli.tables import show_unused
from galaxyclass.errors import SurveyError
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.survey.drive import SurveyRun
    from galaxyclass.survey.slurm import SlurmJobs

EPILOG = """\b
Examples:
  galaxyclass survey plan /data/cutouts --output night
  galaxyclass survey plan /data/shards/*.tar --ids path --output night --shard-size 50000
  galaxyclass survey plan sources.parquet --id objid --run runs/best --output night
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


SCRIPT_EPILOG = """\b
Examples:
  galaxyclass survey script night slurm --cores 16 > night.sh     then: sbatch night.sh
  galaxyclass survey script night pbs > night.sh                  then: qsub night.sh
  galaxyclass survey script night htcondor > night.sub            then: condor_submit night.sub
  galaxyclass survey script night shell > night.sh                then: bash night.sh"""


class _Commands(options.ManyValues, click.Group):
    """A group; its commands take several values after one name."""

    command_class = options.ManyValues


@click.group(cls=_Commands, epilog=EPILOG)
def command() -> None:
    """Predict a whole survey: plan it, run it here or on a cluster, watch it, merge it."""


_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@command.command("plan")
@click.argument("source", metavar="[SOURCE…]", nargs=-1)
@tile_options.tiles(required=False)
@options.output("the plan, and later the results: a new folder")
@click.option(
    "--run",
    "runs",
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
    runs: tuple[Path, ...],
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
            run=runs or None,
            id_column=None if tiles else id_column,
            reading=reading,
            measured=not no_measure,
            progress=progress,
            **chosen,
        )
    if as_json:
        echo(dumps({**asdict(planned.plan), "notes": planned.notes}, indent=1))
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
    echo(f"next: galaxyclass survey run {planned.folder}")


@command.command("run")
@_folder
@click.option("--here", is_flag=True, help="On this machine: the default.")
@click.option(
    "--workers",
    type=click.IntRange(1, 4096),
    help="Processes on this machine; by default one for every 8 cores.",
)
@click.option(
    "--cores",
    type=click.IntRange(1, 4096),
    help="Cores of each process or task. By default the processes here share all cores evenly, and "
    "a task of Slurm or Ray has 4.",
)
@click.option(
    "--shard",
    "shards",
    type=click.IntRange(0),
    multiple=True,
    metavar="K",
    help="Only this shard, from 0, in this process: for any scheduler. Repeatable.",
)
@click.option(
    "--part",
    metavar="K/N",
    help="Only the K-th of N equal parts of the shards, K from 1, in this process: for any "
    "scheduler, with fewer tasks than shards.",
)
@click.option("--slurm", is_flag=True, help="Hand the shards to Slurm, and return (extra survey).")
@click.option("--partition", help="Slurm's partition.")
@click.option("--account", help="Slurm's account.")
@click.option(
    "--minutes", type=click.IntRange(1), help="Time limit of a Slurm task; by default 60 minutes."
)
@click.option(
    "--gpus", type=click.IntRange(0), help="GPUs of a task of Slurm or Ray; none by default."
)
@click.option(
    "--memory", type=click.IntRange(1), metavar="GB", help="Memory of a Slurm task; 8 by default."
)
@click.option(
    "--array-limit",
    type=click.IntRange(1),
    help="Tasks of Slurm, at most; by default what it allows. Each gets some shards.",
)
@click.option("--at-once", type=click.IntRange(1), help="Tasks of Slurm that run at once, at most.")
@click.option(
    "--sbatch",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another option of sbatch, for instance qos=low. Repeatable.",
)
@click.option(
    "--ray",
    "address",
    is_flag=False,
    flag_value="local",
    metavar="[ADDRESS]",
    help="Hand the shards to Ray and wait: a cluster at this address, or one that is started here "
    "(extra ray).",
)
@options.device
@options.batch_size
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=2,
    show_default=True,
    help="How often a shard that failed is tried again, after all others.",
)
@click.option(
    "--accept-lost",
    is_flag=True,
    help="Count images whose archive or folder is gone or damaged as failures; otherwise their "
    "shard fails.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path),
    help="A file that gets a JSON object a line: begin, done, failed, progress, stop, end.",
)
@options.as_json
@click.pass_context
def run_command(context: click.Context, /, *, folder: Path, as_json: bool, **given: Any) -> None:
    """Predict all shards of DIR that are not done.

    On SIGTERM, SIGUSR1 (the warning of a scheduler) and Ctrl-C the chunk at hand is finished. The
    exit code is then 75 (130 after Ctrl-C): the same command goes on from there. It is 1 where
    shards were given up.
    """
    from galaxyclass.survey.survey import open_survey

    mode = _mode(context, given)
    survey = open_survey(folder)
    shared = {name: given[name] for name in ("retries", "accept_lost")}
    stated = {name: given[name] for name in ("cores", "gpus") if given[name] is not None}
    if mode == "slurm":
        names = ("partition", "account", "minutes", "memory", "array_limit", "at_once")
        stated |= {name: given[name] for name in names if given[name] is not None}
        jobs = survey.run_slurm(**shared, **stated, settings=given["settings"])
        _show_jobs(jobs, folder, as_json=as_json)
        return
    with bars() as progress:
        watched = {**shared, "log": given["log"], "progress": progress}
        if mode == "ray":
            address = None if given["address"] == "local" else given["address"]
            result = survey.run_ray(address=address, **watched, **stated)
        else:
            watched |= {name: given[name] for name in ("cores", "device", "batch_size")}
            if mode == "shards":
                numbers = _numbers(len(survey.shards), given["shards"], given["part"])
                result = survey.run_shards(numbers, **watched)
            else:
                result = survey.run(workers=given["workers"], **watched)
    _show_run(result, folder, len(survey.shards), as_json=as_json)


#: Where shards are run -> the options that only it has.
_OPTIONS_OF = {
    "here": ("workers",),
    "shards": (),
    "slurm": ("partition", "account", "minutes", "memory", "array_limit", "at_once", "settings"),
    "ray": (),
}


def _mode(context: click.Context, given: dict[str, Any]) -> str:
    """Where the shards are run; refuses options of another place."""
    chosen = {
        "here": given["here"],
        "shards": given["shards"] or given["part"],
        "slurm": given["slurm"],
        "ray": given["address"],
    }
    modes = [name for name, value in chosen.items() if value]
    if len(modes) > 1 or (given["shards"] and given["part"]):
        raise click.UsageError("Name one of --here, --shard, --part, --slurm and --ray.")
    mode = modes[0] if modes else "here"
    stated = options.stated(context)
    for owner, names in _OPTIONS_OF.items():
        for name in names:
            if owner != mode and name in stated:
                raise click.UsageError(f"{stated[name]} belongs to --{owner}.")
    if given["gpus"] and mode not in ("slurm", "ray"):
        raise click.UsageError("--gpus belongs to --slurm and --ray; here, --device chooses.")
    for name in ("device", "batch_size", "log"):
        wrong = mode == "slurm" or (mode == "ray" and name != "log")
        if wrong and name in stated:
            raise click.UsageError(f"{stated[name]} does not belong to --{mode}.")
    return mode


def _numbers(count: int, shards: tuple[int, ...], part: str | None) -> list[int]:
    if part is None:
        return list(shards)
    which, slash, parts = part.partition("/")
    if not (slash and which.isdecimal() and parts.isdecimal() and 0 < int(which) <= int(parts)):
        raise click.BadParameter(f"{part!r} is not K/N with K from 1 to N", param_hint="--part")
    return list(range(int(which) - 1, count, int(parts)))


def _show_jobs(jobs: SlurmJobs, folder: Path, *, as_json: bool) -> None:
    echo_warnings(jobs.warnings)
    if as_json:
        echo(dumps({**asdict(jobs), "logs": str(jobs.logs)}, indent=1))
        return
    if not jobs.tasks:
        echo("every shard is done already")
        return
    echo(
        f"{counted(jobs.shards, 'shard')} in {counted(jobs.tasks, 'task')}: job {jobs.job}, "
        f"logs {jobs.logs}"
    )
    echo(f"next: galaxyclass survey status {folder}")


def _show_run(result: SurveyRun, folder: Path, shards: int, *, as_json: bool) -> None:
    if as_json:
        echo(dumps(asdict(result), indent=1))
    else:
        speed = f", {result.images / result.seconds:,.0f} images/s" if result.images else ""
        before = f" ({result.before:,} before)" if result.before else ""
        echo(f"{result.done:,} of {counted(result.shards, 'shard')} done{before}{speed}")
        if result.unreadable:
            echo(
                f"{counted(result.unreadable, 'image')} could not be read: the merge writes a list"
            )
    if result.failed:
        first = result.failed[0]
        raise SurveyError(
            f"given up: {counted(len(result.failed), 'shard')}",
            got=f"shard {first.shard:,} after {counted(first.attempts, 'attempt')}: {first.error}",
            hint=f"`galaxyclass survey status {folder}` lists them; the same command tries again",
        )
    if not as_json and result.done == shards:
        echo(f"next: galaxyclass survey merge {folder} --output {folder}.parquet")
    elif not as_json:  # some shards were asked for
        echo(f"next: galaxyclass survey status {folder}")


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


@command.command("status")
@_folder
@options.as_json
def status(*, folder: Path, as_json: bool) -> None:
    """Show how far the survey in DIR is, from its files alone."""
    from galaxyclass.survey.survey import open_survey

    survey = open_survey(folder)
    current = survey.status()
    if as_json:
        echo(dumps(asdict(current), indent=1, default=str))
    else:
        show_status(survey, current)


@command.command("merge")
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
    default=1_000_000,
    show_default=True,
    help="For a HATS catalogue: the most rows of a file.",
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
        echo(dumps(asdict(merged), indent=1, default=str))
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
