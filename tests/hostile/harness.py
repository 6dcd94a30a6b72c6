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
import gc
import importlib
import json
import os
import pkgutil
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.hostile.changes import Changes
from tests.hostile.contents import contents, differences
from tests.hostile.forked import adopt_orphans, fork_workers, left_processes
from tests.hostile.inputs import make_inputs
from tests.hostile.jobs import JOBS, Job

#: Seconds after which a command hangs.
PATIENCE = 300.0

#: What stops commands at random moments, and the exit statuses of a command that was stopped.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
STOPPED = (75, 130, 143)

#: Stops of each command, by default, whose workers are processes that are started anew: a signal
#: may come while they start. In all other trials they are forks.
STARTED_ANEW = 12

#: Seconds that the other processes of a command have after it was stopped.
ORPHANS_PATIENCE = 10.0


@dataclass
class Outcome:
    """What came of a command's trials: how many were survived, and how the others were not.

    Attributes
    ----------
    command : str
    changes : int
        Of the file system, that it makes when it is left alone.
    tried, stopped, survived : int
        All trials; those among them in which it was stopped at a random moment; those survived.
    faults : list of str
    seconds : int
    """

    command: str
    changes: int
    tried: int = 0
    stopped: int = 0
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
        self.outcome: Outcome | None = None  # of the command that is tried, as far as it is
        adopt_orphans()
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
        forking: bool = True,
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
        forking : bool
            Whether its workers are forks of it, and not started anew.
        """
        words = [word.format(inputs=self.inputs) for word in command]
        process = os.fork()
        if process == 0:
            self._be(words, kill_at, count, shortened, forking=forking)
        try:
            return self._wait(process, stop)
        except BaseException:
            os.kill(process, signal.SIGKILL)
            raise

    def _wait(self, process: int, stop: tuple[signal.Signals, float] | None) -> int:
        """The exit status of a command, which may be stopped meanwhile; -1 where it hangs."""
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
        self,
        words: list[str],
        kill_at: int,
        count: Path | None,
        shortened: Mapping[str, Any],
        *,
        forking: bool,
    ) -> None:
        status = 1
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # A shell's background job would ignore Ctrl-C.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            os.chdir(self.work)
            from galaxyclass.cli.main import INTERRUPTED, main
            from galaxyclass.model import job

            job.CHUNK_IMAGES = 8
            for name, value in shortened.items():
                replace(name, value)
            if forking:
                fork_workers()
            changes = Changes(self.work, kill_at)
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

    def try_job(self, name: str, moments: int, signals: int | None) -> Outcome:
        """Kill a command at some of its changes, evenly among all, and stop it at some moments.

        Parameters
        ----------
        name : str
            In `JOBS`.
        moments : int
            Kills at most.
        signals : int, optional
            How often it is stopped; by default so often that kills and stops are ``moments`` in
            all, and `STARTED_ANEW` times at least.
        """
        job, begun = JOBS[name], time.monotonic()
        self.begin(job)
        count = self.log.with_name("count")
        status = self.run(job.command, count=count, shortened=job.shortened)
        if status != job.ends_with:
            return Outcome(name, 0, faults=[f"status {status}: {self._last_lines()}"])
        changes, modules = json.loads(count.read_text())
        _import(modules)
        outcome = self.outcome = Outcome(name, changes)
        again = self._again(job, job.command)
        for moment in evenly(changes, moments):
            self.begin(job)
            status = self.run(job.command, kill_at=moment, shortened=job.shortened)
            if status == -signal.SIGKILL:
                faults = again()
                left = left_processes(ORPHANS_PATIENCE)
                outcome.add(f"before change {moment}", [*faults, *left])
        if signals is None:
            signals = max(STARTED_ANEW, moments - outcome.tried)
        if signals:
            self._try_signals(job, signals, outcome)
        outcome.seconds = round(time.monotonic() - begun)
        return outcome

    def _try_signals(self, job: Job, signals: int, outcome: Outcome) -> None:
        """Stop a command with two workers at random moments, by each signal in turn."""
        command, drawn = _with_two_workers(job.command), random.Random(0)
        for forking, numbers in (
            (False, range(min(signals, STARTED_ANEW))),
            (True, range(STARTED_ANEW, signals)),
        ):
            if not numbers:
                continue
            self.begin(job)
            begun = time.monotonic()
            self.run(command, shortened=job.shortened, forking=forking)
            most = time.monotonic() - begun
            again = self._again(job, command)
            for number in numbers:
                sent, moment = SIGNALS[number % len(SIGNALS)], drawn.uniform(0, most)
                self.begin(job)
                stop = (sent, moment)
                status = self.run(command, stop=stop, shortened=job.shortened, forking=forking)
                faults = left_processes(ORPHANS_PATIENCE)
                if sent != signal.SIGKILL:
                    faults += self._faults_of_stopping(status, sent)
                outcome.stopped += 1
                outcome.add(f"{sent.name} after {moment:.2f} s", [*faults, *again()])

    def _faults_of_stopping(self, status: int, sent: signal.Signals) -> list[str]:
        """What is wrong with how a command ended that could end in good order."""
        faults = []
        if status not in (0, -sent, *STOPPED):
            faults += [f"status {status}: {self._last_lines()}"]
        if "Traceback" in self.log.read_text(errors="replace"):
            faults += [f"a traceback: {self._last_lines()}"]
        return faults + [f"temporary: {path.name}" for path in self.work.rglob(".*.tmp")]

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


def replace(name: str, value: Any) -> None:
    """Give ``package.module.NAME``, or an attribute of it, another value in this process.

    Raises
    ------
    AttributeError
        It is not there: what is to be shorter would take as long as ever.
    """
    holder, attribute = holder_of(name)
    getattr(holder, attribute)
    frozen = is_dataclass(holder) and not isinstance(holder, type)
    (object.__setattr__ if frozen else setattr)(holder, attribute, value)


def holder_of(name: str) -> tuple[Any, str]:
    """What has the attribute that a dotted name ends with, and that attribute's name."""
    holder, _, attribute = name.rpartition(".")
    return pkgutil.resolve_name(holder), attribute


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
    parser.add_argument(
        "--moments", type=int, default=60, help="kills of each command, at most; stops fill it up"
    )
    parser.add_argument("--signals", type=int, help="stops of each at random moments")
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
    outcomes: list[Outcome] = []
    bench = None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        bench = Bench(place)
        for name, moments in given.commands:
            kills = given.moments if moments is None else moments
            outcomes.append(bench.try_job(name, kills, given.signals))
            if not given.json:
                show(outcomes[-1])
    except KeyboardInterrupt:
        if bench is not None and bench.outcome is not None and bench.outcome not in outcomes:
            show(bench.outcome)
        left_processes(1.0)
        return 130
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if given.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    return int(any(outcome.faults for outcome in outcomes))


def show(outcome: Outcome) -> None:
    """One line for a command, and one for each fault."""
    killed = outcome.tried - outcome.stopped
    print(
        f"{outcome.command:18} changes {outcome.changes:4}  killed {killed:3}  "
        f"stopped {outcome.stopped:3}  survived {outcome.survived:3}  {outcome.seconds:4} s",
        flush=True,
    )
    for fault in outcome.faults:
        print(f"    {fault}", flush=True)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # libraries of torch complain of how a process ends that forked
