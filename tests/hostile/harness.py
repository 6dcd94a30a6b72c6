"""Kill a command at its n-th change of the file system, give it again, and compare.

    python tests/hostile/harness.py --moments 60
    python tests/hostile/harness.py --commands predict simulate=5 --json

An audit hook ends the process (SIGKILL) just before a file is opened for writing, renamed or
removed, or a folder is made or removed, below the folder that the command works in. Then the same
command is given again: it must end with 0, its files must be those of a command that was left
alone, and nothing else may lie there. Commands run in forks of this process, which has imported
the package once.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: Seconds after which a command hangs.
PATIENCE = 300.0

#: What differs between two runs of the same command, in any JSON file and any table.
TIMES = {
    *("seconds", "images_per_second", "command", "runtime", "version", "versions", "machine"),
    "modified",  # when the predictions were written that an index is of
}

TINY = (
    *("--set", "images.size=16", "--set", "images.frame=none", "--set", "training.batch_size=16"),
    *("--set", "training.epochs=2", "--set", "training.progressive_resizing=[]"),
    *("--set", "training.precision=fp32", "--set", "training.threads=1", "--workers", "1"),
)
DATA = ("--images", "{inputs}/sky/images", "--table", "{inputs}/sky/votes.csv")
TRAIN = ("train", "fast", *DATA, *TINY, "--output", "run", "--cache", "{inputs}/cache")


@dataclass(frozen=True)
class Job:
    """A command that is killed.

    Attributes
    ----------
    command : sequence of str
        ``{inputs}`` stands for the folder that no command changes.
    begins_with : mapping
        What lies in the folder before: name there -> name in the inputs.
    again : callable, optional
        From the folder to the command that is given after the kill; the same unless told otherwise.
    """

    command: Sequence[str]
    begins_with: dict[str, str] = field(default_factory=dict)
    again: Callable[[Path], Sequence[str]] | None = None


def _resume(work: Path) -> Sequence[str]:
    return ("train", "--resume", "run") if (work / "run" / "run.json").is_file() else TRAIN


CACHED = ("--cache", "{inputs}/cache", "--workers", "1")
FINETUNE = ("--network", "never", *CACHED)
RUN = ("--run", "{inputs}/run")
PREDICT = ("predict", "{inputs}/run", "--images", "{inputs}/images", "--workers", "1")
JOBS = {
    "predict": Job((*PREDICT, "--output", "p.csv")),
    "predict-parquet": Job((*PREDICT, "--output", "p.parquet")),
    "predict-overwrite": Job(
        (*PREDICT, "--output", "p.csv", "--overwrite"), {"p.csv": "sky/votes.csv"}
    ),
    "evaluate": Job(("evaluate", "{inputs}/run", *DATA, "--output", "scores", "--workers", "1")),
    "combine": Job(("combine", "{inputs}/run", "{inputs}/run", "--output", "both")),
    "simulate": Job(
        ("simulate", "--count", "6", "--size", "32", "--workers", "1", "--output", "sky")
    ),
    "simulate-hundred": Job(
        (
            *("simulate", "--kind", "hundred", "--count", "20", "--size", "16"),
            *("--workers", "1", "--output", "sky"),
        )
    ),
    "pack": Job(
        (
            *("pack", "--images", "{inputs}/images", "--recipe", "fast"),
            *("--set", "images.size=16", "--output", "pack", "--workers", "1"),
        )
    ),
    "export": Job(("export", "{inputs}/run", "--output", "m.onnx")),
    "survey-plan": Job(
        (
            *("survey", "plan", "{inputs}/images", "--run", "{inputs}/run", "--no-measure"),
            *("--shard-size", "4", "--output", "night"),
        )
    ),
    "calibrate": Job(
        ("calibrate", "run", *DATA, "--part", "all", "--workers", "1"), {"run": "run"}
    ),
    "report": Job(("report", "{inputs}/run", *DATA, "--output", "report.html", "--workers", "1")),
    "explore": Job(("explore", *DATA, "--output", "shown")),
    "baseline": Job(
        ("baseline", *DATA, "--output", "scores", "--cache", "{inputs}/cache", "--workers", "1")
    ),
    "finetune": Job(("finetune", "{inputs}/run", *DATA, "--output", "tuned", *FINETUNE)),
    "suspects": Job(("suspects", "{inputs}/run", *DATA, "--output", "doubtful.csv", *CACHED)),
    "explain": Job(
        (
            *("explain", "{inputs}/run", "--images", "{inputs}/images", "--count", "2"),
            *("--answer", "1.1", "--output", "maps.png", "--workers", "1"),
        )
    ),
    "similar": Job(
        (
            *("similar", "known.parquet", "--like-images", "{inputs}/one", "--count", "4"),
            *("--run", "{inputs}/run", "--output", "near.csv", "--workers", "1"),
            *("--gallery", "near.png", "--images", "{inputs}/images"),
        ),
        {"known.parquet": "known.parquet"},
    ),
    "map": Job(("map", "{inputs}/known.parquet", "--output", "map.html")),
    "select": Job(
        ("select", "{inputs}/known.parquet", "--count", "4", "--output", "next.csv", *RUN)
    ),
    "zooniverse-export": Job(
        (
            *("zooniverse", "export", "--images", "{inputs}/one"),
            *("--output", "subjects"),
        )
    ),
    "tree-from": Job(("tree", "--from", "{inputs}/sky/votes.csv", "--output", "own.toml")),
    "cutouts": Job(
        (
            *("cutouts", "--tiles", "{inputs}/tile.fits", "--field", "20 arcsec"),
            *("--output", "cut", "--workers", "1"),
        )
    ),
    "train": Job(TRAIN),
    "train-folds": Job((*TRAIN, "--folds", "2")),
    "train-resume": Job(TRAIN, again=_resume),
}


@dataclass
class Outcome:
    """What came of a command's kills: how many were survived, and how the others were not."""

    command: str
    changes: int
    tried: int = 0
    survived: int = 0
    faults: list[str] = field(default_factory=list)


class Bench:
    """A folder with inputs, a folder in which commands work, and what both need."""

    def __init__(self, place: Path) -> None:
        self.inputs, self.work, self.log = place / "inputs", place / "work", place / "log"
        self.temporary = place / "tmp"
        for folder in (self.inputs, self.temporary):
            folder.mkdir(parents=True)
        tempfile.tempdir = os.environ["TMPDIR"] = str(self.temporary)
        _import_all()
        self.work.mkdir()
        self.give(["simulate", "--count", "60", "--size", "32", "--output", "{inputs}/sky"])
        images = shutil.copytree(self.inputs / "sky" / "images", self.inputs / "images")
        for leave in sorted(images.iterdir())[20:]:
            leave.unlink()
        (images / "broken.jpg").write_bytes(b"not an image")
        self.give([*TRAIN[:-3], "{inputs}/run", *TRAIN[-2:]])
        embedded = ("--include", "embedding", "--output", "{inputs}/known.parquet")
        self.give([*PREDICT, *embedded])
        (self.inputs / "one").mkdir()
        shutil.copy(sorted(images.glob("[0-9]*"))[0], self.inputs / "one")
        _write_tile(self.inputs / "tile.fits")

    def give(self, command: Sequence[str]) -> None:
        """A command that must end well."""
        status = self.run(command)
        if status != 0:
            raise SystemExit(f"{' '.join(command)}: status {status}\n{self.log.read_text()}")

    def run(self, command: Sequence[str], kill_at: int = 0, count: Path | None = None) -> int:
        """Run a command in a fork; its exit status, or -9 where it was killed."""
        words = [word.format(inputs=self.inputs) for word in command]
        process = os.fork()
        if process == 0:
            self._be(words, kill_at, count)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return -1

    def _be(self, words: list[str], kill_at: int, count: Path | None) -> None:
        status = 1
        try:
            descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            os.chdir(self.work)
            from galaxyclass.cli.main import main
            from galaxyclass.model import job

            job.CHUNK_IMAGES = 8
            changes = Changes(self.work, kill_at)
            sys.addaudithook(changes.see)
            status = main(words)
            if count is not None:
                changes.watching = False
                count.write_text(str(changes.seen))
        finally:
            sys.stdout.flush()
            os._exit(status)

    def begin(self, job: Job) -> None:
        """Make the folder as it is before the command."""
        for folder in (self.work, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        for name, source in job.begins_with.items():
            path = self.inputs / source
            (shutil.copytree if path.is_dir() else shutil.copy)(path, self.work / name)

    def try_job(self, name: str, moments: int) -> Outcome:
        """Kill a command at some of its changes, evenly among all of them."""
        job = JOBS[name]
        self.begin(job)
        count = self.log.with_name("count")
        if (status := self.run(job.command, count=count)) != 0:
            return Outcome(name, 0, faults=[f"status {status}: {self._last_lines()}"])
        changes, wanted = int(count.read_text()), contents(self.work)
        usual = {path.name for path in self.temporary.iterdir()}  # torch has a cache there
        outcome = Outcome(name, changes)
        for moment in evenly(changes, moments):
            self.begin(job)
            if self.run(job.command, kill_at=moment) != -signal.SIGKILL:
                continue
            outcome.tried += 1
            again = job.command if job.again is None else job.again(self.work)
            status = self.run(again)
            faults = [f"exit {status}: {self._last_lines()}"] if status else []
            faults += differences(wanted, contents(self.work))
            more = {path.name for path in self.temporary.iterdir()} - usual
            faults += [f"left behind: TMPDIR/{name}" for name in sorted(more)]
            if faults:
                outcome.faults.append(f"before change {moment}: {'; '.join(faults)}")
            else:
                outcome.survived += 1
        return outcome

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-3:])


def _write_tile(path: Path) -> None:
    """A tile of the sky with six galaxies."""
    import numpy as np
    from astropy.io import fits
    from astropy.wcs import WCS

    rows, columns = np.mgrid[:240, :240]
    light = np.random.default_rng(0).normal(0, 1, (240, 240))
    for row in (60, 170):
        for column in (50, 120, 190):
            light += 300 * np.exp(-np.hypot(rows - row, columns - column) / 5)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [150, 2], [120, 120], [-1e-4, 1e-4]
    fits.PrimaryHDU(light.astype(np.float32), wcs.to_header()).writeto(path)


class Changes:
    """Counts a process's changes below a folder, and ends it before one of them."""

    def __init__(self, folder: Path, kill_at: int) -> None:
        self.folder, self.kill_at = folder, kill_at
        self.seen, self.watching = 0, True

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if not self.watching:
            return
        if event == "open":
            path, _, flags = arguments
            changing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            self._see(path, -1) if changing else None
        elif event in ("os.mkdir", "os.rmdir", "os.remove", "os.rename"):
            # Their last argument is the descriptor of the folder that the path is in.
            self._see(arguments[0], arguments[-2] if event == "os.rename" else arguments[-1])

    def _see(self, path: Any, folder: int) -> None:
        if isinstance(path, int):
            return
        whole = Path(os.fsdecode(path))
        if folder >= 0:
            whole = Path(f"/proc/self/fd/{folder}").readlink() / whole
        if not whole.absolute().is_relative_to(self.folder):
            return
        self.seen += 1
        if self.seen == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def evenly(changes: int, moments: int) -> list[int]:
    """So many of the numbers from 1 to ``changes``, the first and the last among them.

    Examples
    --------
    >>> evenly(9, 3), evenly(2, 5)
    ([1, 5, 9], [1, 2])
    """
    if changes <= moments:
        return list(range(1, changes + 1))
    if moments == 1:
        return [changes]
    return [1 + round(place * (changes - 1) / (moments - 1)) for place in range(moments)]


def contents(folder: Path) -> dict[str, object]:
    """Every file and folder below a folder, with what must be the same each time."""
    return {
        str(path.relative_to(folder)): _content(path)
        for path in sorted(folder.rglob("*"))
        # TensorBoard begins a file whenever a training goes on.
        if "logs" not in path.relative_to(folder).parts[1:]
    }


def differences(wanted: dict[str, object], got: dict[str, object]) -> list[str]:
    """How two folders differ."""
    return [
        *(f"missing: {name}" for name in wanted if name not in got),
        *(f"left behind: {name}" for name in got if name not in wanted),
        *(f"other: {name}" for name in wanted if name in got and wanted[name] != got[name]),
    ]


def _content(path: Path) -> object:
    if path.is_dir() or path.suffix in (".ckpt", ".png", ".svg", ".html"):
        return path.suffix  # that they are there; what they show is in the tables
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text(encoding="utf-8")))
    if path.name == "history.csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [_timeless(row) for row in csv.DictReader(file)]
    return path.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def _import_all() -> None:
    """Import once what the commands would import each time."""
    import importlib

    for name in ("main", "predict", "evaluate", "combine", "simulate", "pack", "export"):
        importlib.import_module(f"galaxyclass.cli.{name}")
    for name in (
        *("calibration.calibration", "evaluation.calibrate", "evaluation.evaluate"),
        *(
            "reports.report",
            "exploration.explore",
            "evaluation.baselines.baseline",
            "model.predict",
        ),
        *("model.export.export", "simulation.contest", "simulation.folders", "training.combine"),
        *("training.folds", "training.train", "images.packs.write"),
        *("finetuning.finetune", "finetuning.suspects", "explanation.explain"),
        *("similarity.similar", "selection.select", "zooniverse.export_subjects"),
        *("tiles.write_cutouts", "data.catalog.guess_tree"),
    ):
        importlib.import_module(f"galaxyclass.{name}")


def _command_and_moments(text: str) -> tuple[str, int | None]:
    """``predict=4``: a command and how many kills of it; without a number as ``--moments`` has."""
    name, _, moments = text.partition("=")
    if name not in JOBS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(JOBS)}")
    return name, int(moments) if moments else None


def main() -> int:
    """Try commands; 1 where some kill was not survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--moments", type=int, default=60, help="kills of each command, at most")
    parser.add_argument(
        "--commands",
        nargs="+",
        type=_command_and_moments,
        metavar="NAME[=MOMENTS]",
        default=[(name, None) for name in JOBS],
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    place = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        bench = Bench(place)
        outcomes = []
        for name, moments in given.commands:
            outcomes.append(bench.try_job(name, moments or given.moments))
            if not given.json:
                show(outcomes[-1])
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if given.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    return int(any(outcome.faults for outcome in outcomes))


def show(outcome: Outcome) -> None:
    """One line for a command, and one for each fault."""
    print(
        f"{outcome.command:18} changes {outcome.changes:4}  tried {outcome.tried:3}  "
        f"survived {outcome.survived:3}",
        flush=True,
    )
    for fault in outcome.faults:
        print(f"    {fault}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
