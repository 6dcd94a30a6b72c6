"""Every kind of trial, as one table: what was tried, and what was survived.

python -m tests.hostile
python -m tests.hostile --times 20 --moments 60 --write docs/hostile-trials.md
python -m tests.hostile --kinds pictures tables
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tests.hostile.trials import Tally

#: Kind -> the trials of it, from a folder to work in, and how many times more than by default.
KINDS: dict[str, Callable[[Path, int], list[Tally]]] = {}

#: Kills of each command by default; commands whose kills take longest have fewer.
MOMENTS, MOMENTS_OF_SLOW = 3, 1


def _kind(name: str) -> Callable[[Callable[[Path, int], list[Tally]]], None]:
    def keep(trials: Callable[[Path, int], list[Tally]]) -> None:
        KINDS[name] = trials

    return keep


@_kind("pictures")
def _pictures(_: Path, times: int) -> list[Tally]:
    from tests.hostile.pictures import costly_pictures, cut_pictures, mutated_pictures

    return [mutated_pictures(800 * times), cut_pictures(200 * times), costly_pictures()]


@_kind("tables")
def _tables(folder: Path, times: int) -> list[Tally]:
    from tests.hostile.tables import costly_tables, mutated_tables

    return [mutated_tables(folder, 400 * times), costly_tables(folder)]


@_kind("models")
def _models(folder: Path, times: int) -> list[Tally]:
    from tests.hostile.models import mutated_models, mutated_packs, mutated_texts

    return [
        mutated_models(folder, 100 * times),
        mutated_texts(folder, 100 * times),
        mutated_packs(folder, 100 * times),
    ]


@_kind("outputs")
def _outputs(folder: Path, times: int) -> list[Tally]:
    from tests.hostile import outputs

    return [
        outputs.mutated_predictions(folder, 100 * times),
        outputs.mutated_surveys(folder, 100 * times),
        outputs.mutated_bundles(folder, 60 * times),
        outputs.mutated_archives(folder, 120 * times),
    ]


@_kind("folders")
def _folders(folder: Path, times: int) -> list[Tally]:
    from tests.hostile import folders

    return [
        folders.mutated_settings(200 * times),
        folders.mutated_runs(folder, 60 * times),
        folders.mutated_studies(folder, 60 * times),
        folders.mutated_indexes(folder, 60 * times),
        folders.mutated_labels(folder, 60 * times),
        folders.mutated_classifications(folder, 60 * times),
        folders.mutated_tiles(folder, 60 * times),
    ]


@_kind("doors")
def _doors(folder: Path, _: int) -> list[Tally]:
    from tests.hostile.doors import special_files

    return [special_files(folder)]


@_kind("values")
def _values(_: Path, times: int) -> list[Tally]:
    from tests.hostile.values import strange_values

    return [strange_values(300 * times)]


@_kind("limits")
def _limits(folder: Path, _: int) -> list[Tally]:
    from tests.hostile.limits import short_of_everything

    return [short_of_everything(folder)]


def kills(moments: int | None, signals: int) -> list[Tally]:
    """Each command killed at some moments, stopped at others, and given again (`harness`)."""
    from tests.hostile.jobs import JOBS

    wanted = [
        f"{name}={moments or (MOMENTS_OF_SLOW if job.slow else MOMENTS)}"
        for name, job in JOBS.items()
        if moments or not job.costly
    ]
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "tests.hostile.harness"),
            *("--json", "--signals", str(signals), "--commands", *wanted),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    tally = Tally("commands killed, and given again")
    for outcome in json.loads(done.stdout or "[]"):
        tally.tried += outcome["tried"]
        tally.faults += [f"{outcome['command']}: {fault}" for fault in outcome["faults"]]
    return [tally if tally.tried else Tally(tally.kind, 1, ["the trials did not run"])]


def _in_a_process(kind: str, times: int) -> list[Tally]:
    """Trials in a process of their own: a crash ends these trials alone, and is a fault."""
    done = subprocess.run(
        [
            *(sys.executable, "-X", "faulthandler", "-m", "tests.hostile"),
            *("--only", kind, "--times", str(times)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        return [Tally(**each) for each in json.loads(done.stdout)]
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["nothing was printed"])[-1]
        return [Tally(kind, 1, [f"the process ended with {done.returncode}: {last}"])]


def table(tallies: Sequence[Tally]) -> str:
    """The table, as Markdown."""
    lines = ["| kind of trial | tried | survived |", "| --- | ---: | ---: |"]
    lines += [f"| {each.kind} | {each.tried:,} | {each.survived:,} |" for each in tallies]
    tried, survived = sum(each.tried for each in tallies), sum(each.survived for each in tallies)
    return "\n".join([*lines, f"| **all** | **{tried:,}** | **{survived:,}** |"])


def _write(page: Path, text: str) -> None:
    """Put the table between the marks of a page."""
    begin, end = "<!-- hostile: begin -->", "<!-- hostile: end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def main() -> int:
    """Run the trials; 1 where some were not survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=1, help="so many times the trials")
    parser.add_argument("--moments", type=int, help="kills of each command; 60 takes an hour")
    parser.add_argument("--signals", type=int, default=0, help="stops of each at random moments")
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS, "kills"], default=[*KINDS, "kills"])
    parser.add_argument("--write", type=Path, help="a page of the documentation, for the table")
    parser.add_argument("--only", choices=list(KINDS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            with contextlib.redirect_stdout(io.StringIO()):
                tallies = KINDS[given.only](Path(folder), given.times)
            os.chdir("/")
        print(json.dumps([asdict(each) for each in tallies]))
        return 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Kills first: they take longest.
        killed = (
            pool.submit(kills, given.moments, given.signals) if "kills" in given.kinds else None
        )
        others = [
            pool.submit(_in_a_process, kind, given.times) for kind in KINDS if kind in given.kinds
        ]
        tallies = [tally for other in others for tally in other.result()]
        tallies += killed.result() if killed is not None else []
    print(table(tallies))
    for each in tallies:
        for fault in each.faults:
            print(f"{each.kind}: {fault}")
    if given.write:
        _write(given.write, table(tallies))
    return int(any(each.faults for each in tallies))


if __name__ == "__main__":
    sys.exit(main())
