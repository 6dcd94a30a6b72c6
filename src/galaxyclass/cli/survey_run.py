"""``galaxyclass survey run``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galaxyclass.cli import options
from galaxyclass.cli.bars import bars
from galaxyclass.cli.command import ManyValues
from galaxyclass.cli.notes import echo_warnings
from galaxyclass.cli.shown import echo
from galaxyclass.errors import SurveyError
from galaxyclass.io.result_files import plain_json
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.survey.drive import SurveyRun
    from galaxyclass.survey.slurm import SlurmJobs

EPILOG = """\b
Examples:
  galaxyclass survey run night --workers 4 --log night.jsonl
  galaxyclass survey run night --slurm --partition long --minutes 240 --cores 16
  galaxyclass survey run night --part 3/100
  galaxyclass survey run night --shard 7 --shard 8

Shards that are done are skipped: the same command, given again, goes on."""


@click.command("run", cls=ManyValues, epilog=EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
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
    number, slash, parts = part.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal() and 0 < int(number) <= int(parts)):
        raise click.BadParameter(f"{part!r} is not K/N with K from 1 to N", param_hint="--part")
    return list(range(int(number) - 1, count, int(parts)))


def _show_jobs(jobs: SlurmJobs, folder: Path, *, as_json: bool) -> None:
    echo_warnings(jobs.warnings)
    if as_json:
        echo(plain_json({**asdict(jobs), "logs": str(jobs.logs)}))
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
        echo(plain_json(asdict(result)))
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
