"""Kill a command at its n-th change of the file system, give it again, and compare.

    python -m tests.hostile.harness --moments 60
    python -m tests.hostile.harness --commands predict simulate=5 --json

An audit hook ends the process (SIGKILL) just before a file is opened for writing, renamed or
removed, or a folder is made or removed, below the folder that the command works in. Then the same
command is given again: it must end with 0, its files must be those of a command that was left
alone, and nothing else may lie there. With two workers it is then stopped at random moments: by
Ctrl-C in a terminal, which reaches all its processes, by SIGTERM, which reaches the first alone,
and by SIGKILL. Where it can, it says that it was stopped, without a traceback, and leaves no
temporary file; it never leaves a process. Commands run in forks of this process, which has imported
the package once.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gc
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.hostile.inputs import make_inputs
from tests.hostile.jobs import JOBS, Job

#: Seconds after which a command hangs.
PATIENCE = 300.0

#: What stops commands at random moments, and the exit statuses of a command that was stopped.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
STOPPED = (75, 130, 143)

#: Environment variable by which the processes of a trial are known.
MARK = "GALAXYCLASS_TRIAL"

#: What differs between two runs of the same command, in any JSON file and any table.
TIMES = {
    *("seconds", "images_per_second", "command", "runtime", "version", "versions", "machine"),
    "fresh",  # pictures of a shard that were not done before a kill
    *("minutes", "peak_memory", "peak_memory_mib"),
    "modified",  # when the predictions were written that an index is of
    "time",  # when a label was given
}
#: Files of which only the names of what is in them is the same each time.
MEASURED = ("benchmark.json",)


@dataclass
class Outcome:
    """What came of a command's kills: how many were survived, and how the others were not."""

    command: str
    changes: int
    tried: int = 0
    survived: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: int = 0

    def add(self, moment: str, faults: Sequence[str]) -> None:
        """Count a trial."""
        self.tried += 1
        if faults:
            self.faults.append(f"{moment}: {'; '.join(faults)}")
        else:
            self.survived += 1


class Bench:
    """A folder with inputs, a folder in which commands work, and what both need."""

    def __init__(self, place: Path) -> None:
        self.inputs, self.work, self.log = place / "inputs", place / "work", place / "log"
        self.temporary = place / "tmp"
        for folder in (self.inputs, self.temporary):
            folder.mkdir(parents=True)
        tempfile.tempdir = os.environ["TMPDIR"] = str(self.temporary)
        self.work.mkdir()
        make_inputs(self.inputs, self.give)

    def give(self, command: Sequence[str]) -> None:
        """A command that must end well."""
        count = self.log.with_name("count")
        status = self.run(command, count=count)
        if status != 0:
            raise SystemExit(f"{' '.join(command)}: status {status}\n{self.log.read_text()}")
        _import(json.loads(count.read_text())[1])

    def run(
        self,
        command: Sequence[str],
        kill_at: int = 0,
        count: Path | None = None,
        stop: tuple[signal.Signals, float] | None = None,
        shortened: Mapping[str, Any] = MappingProxyType({}),
    ) -> int:
        """Run a command in a fork; its exit status, or -9 where it was killed.

        Parameters
        ----------
        command : sequence of str
        kill_at : int
            The change of the file system before which it is killed.
        count : Path, optional
            A file that gets the number of changes, and the modules that the command imported.
        stop : (signal, seconds), optional
            What stops it, and when.
        shortened : mapping
            See `Job`.
        """
        words = [word.format(inputs=self.inputs) for word in command]
        process = os.fork()
        if process == 0:
            self._be(words, kill_at, count, shortened)
        begun = time.monotonic()
        while time.monotonic() < begun + PATIENCE:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if stop is not None and time.monotonic() >= begun + stop[1]:
                with contextlib.suppress(ProcessLookupError):  # it has no group yet
                    (os.killpg if stop[0] == signal.SIGINT else os.kill)(process, stop[0])
                    stop = None
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return -1

    def _be(
        self, words: list[str], kill_at: int, count: Path | None, shortened: Mapping[str, Any]
    ) -> None:
        status = 1
        try:
            os.setpgid(0, 0)
            # A shell's background job would ignore Ctrl-C.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ[MARK] = str(self.work)
            descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            os.chdir(self.work)
            from galaxyclass.cli.main import INTERRUPTED, main
            from galaxyclass.model import job

            job.CHUNK_IMAGES = 8
            for name, value in shortened.items():
                room, _, attribute = name.rpartition(".")
                module = importlib.import_module(room)
                before = getattr(module, attribute)
                after = replace(before, **value) if isinstance(value, dict) else value
                setattr(module, attribute, after)
            changes = Changes(self.work, kill_at)
            sys.addaudithook(changes.see)
            status = INTERRUPTED
            status = main(words)
            if count is not None:
                changes.watching = False
                count.write_text(json.dumps([changes.seen, list(sys.modules)]))
        except Exception:
            traceback.print_exc()
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

    def try_job(self, name: str, moments: int, signals: int) -> Outcome:
        """Kill a command at some of its changes, evenly among all, and stop it at some moments."""
        job, begun = JOBS[name], time.monotonic()
        self.begin(job)
        count = self.log.with_name("count")
        status = self.run(job.command, count=count, shortened=job.shortened)
        if status != job.ends_with:
            return Outcome(name, 0, faults=[f"status {status}: {self._last_lines()}"])
        changes, modules = json.loads(count.read_text())
        _import(modules)
        outcome = Outcome(name, changes)
        again = self._again(job, job.command)
        for moment in evenly(changes, min(moments, job.most)):
            self.begin(job)
            status = self.run(job.command, kill_at=moment, shortened=job.shortened)
            if status == -signal.SIGKILL:
                outcome.add(f"before change {moment}", again())
        if signals:
            self._try_signals(job, min(signals, job.most), outcome)
        outcome.seconds = round(time.monotonic() - begun)
        return outcome

    def _try_signals(self, job: Job, signals: int, outcome: Outcome) -> None:
        """Stop a command with two workers at random moments, by each signal in turn."""
        command = _with_two_workers(job.command)
        self.begin(job)
        begun = time.monotonic()
        self.run(command, shortened=job.shortened)
        most = time.monotonic() - begun
        again, drawn = self._again(job, command), random.Random(0)
        for number in range(signals):
            sent, moment = SIGNALS[number % len(SIGNALS)], drawn.uniform(0, most)
            self.begin(job)
            status = self.run(command, stop=(sent, moment), shortened=job.shortened)
            faults = [f"a process is left: {words}" for words in left_processes(self.work)]
            if sent != signal.SIGKILL:
                if status not in (0, -sent, *STOPPED):
                    faults += [f"status {status}: {self._last_lines()}"]
                if "Traceback" in self.log.read_text(errors="replace"):
                    faults += [f"a traceback: {self._last_lines()}"]
                faults += [f"temporary: {path.name}" for path in self.work.rglob(".*.tmp")]
            outcome.add(f"{sent.name} after {moment:.2f} s", [*faults, *again()])

    def _again(self, job: Job, command: Sequence[str]) -> Callable[[], list[str]]:
        """What gives the command again, and says what is wrong then; it is now as it must be."""
        wanted = contents(self.work)
        usual = {path.name for path in self.temporary.iterdir()}  # torch has a cache there

        def give_again() -> list[str]:
            if contents(self.work) == wanted:
                return []  # it had ended
            again = command if job.again is None else job.again(self.work)
            status = self.run(again, shortened=job.shortened)
            ended = status == job.ends_with
            faults = [] if ended else [f"exit {status}: {self._last_lines()}"]
            faults += differences(wanted, contents(self.work))
            more = {path.name for path in self.temporary.iterdir()} - usual
            return faults + [f"left behind: TMPDIR/{name}" for name in sorted(more)]

        return give_again

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-3:])


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


def left_processes(folder: Path) -> list[str]:
    """The command lines of processes of a trial that still run a second after it."""
    end = time.monotonic() + 1.0
    while (left := _processes(f"{MARK}={folder}".encode())) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def _processes(mark: bytes) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                words = (process / "cmdline").read_bytes().split(b"\0")
                found.append(b" ".join(words[-3:]).decode(errors="replace"))
    return found


def _with_two_workers(command: Sequence[str]) -> list[str]:
    pairs = zip(("", *command), command, strict=False)
    return ["2" if before == "--workers" else word for before, word in pairs]


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
    if path.is_dir() or path.suffix in (".ckpt", ".png", ".svg", ".html", ".log"):
        return path.suffix  # that they are there; what they show is in the tables
    if path.suffix in (".json", ".jsonl"):
        with contextlib.suppress(ValueError):  # a kill may cut it short
            text = path.read_text(encoding="utf-8")
            lines = text.splitlines() if path.suffix == ".jsonl" else [text]
            content = [_timeless(json.loads(line)) for line in lines]
            return _names(content) if path.name in MEASURED else content
    if path.name in ("history.csv", "compare.csv", "tune.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            return [_timeless(row) for row in csv.DictReader(file)]
    return path.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def _names(value: Any) -> Any:
    """The keys of a mapping and of those in it."""
    if isinstance(value, list):
        return [_names(each) for each in value if isinstance(each, dict)]
    return {name: _names(each) if isinstance(each, dict) else "" for name, each in value.items()}


def _import(modules: Sequence[str]) -> None:
    """Import once what a command imported, so that its next forks need not."""
    for name in modules:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()  # forks then share the memory


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
    parser.add_argument("--signals", type=int, default=12, help="stops of each at random moments")
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
            outcomes.append(bench.try_job(name, moments or given.moments, given.signals))
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
        f"survived {outcome.survived:3}  {outcome.seconds:4} s",
        flush=True,
    )
    for fault in outcome.faults:
        print(f"    {fault}", flush=True)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # libraries of torch complain of how a process ends that forked
