"""What got slower or larger between two commits.

    python benchmarks/guard.py BASE [HEAD] [--tasks help,predict] [--repeats 9] [--json FILE]
    python benchmarks/guard.py BASE --short

Both commits are laid out in a temporary folder and run in turns (BASE HEAD BASE HEAD …) on the same
simulated galaxies, with the libraries of this Python, one thread and one worker. Compared are
medians of the processor's time and of the most memory held; the interval is of 2,000 bootstrap
samples of the runs. Slower means: the ratio of the medians is above 1.05 and its 99 % interval
above 1. Each task is told when it is measured, so that a comparison that is stopped has told
something. `--short` runs each task five times, on 40 galaxies: it sees only what got much slower.
The exit code is 1 when anything got slower or larger so, 2 when the comparison itself
failed, else 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parent.parent
THRESHOLD = 0.05
#: Runs of each task and simulated galaxies: by default, and of a short comparison. Fewer say
#: nothing.
REPEATS, COUNT = 9, 200
FEWEST_REPEATS, FEWEST_GALAXIES = 5, 40
COMMAND = ("-m", "galaxyclass")

#: Imports are not part of what is measured: the code says where the work begins.
BEGIN = "\nimport os, time; began = time.process_time()\n"
END = (
    "\nseconds = time.process_time() - began"
    "\nwith open(os.environ['GUARD_SECONDS'], 'w') as file: file.write(str(seconds))\n"
)
IN_MEMORY = f"""
import galaxyclass, numpy as np
model, images = galaxyclass.load_model(), np.load("images.npy")
model.predict(images[:8])
{BEGIN}model.predict(images){END}"""
TRAIN = f"""
import galaxyclass, lightning, tempfile, torch
from pathlib import Path
settings = {{"training.epochs": 2, "training.precision": "fp32", "training.threads": 1,
            "images.size": 32, "training.progressive_resizing": []}}
output = Path(tempfile.mkdtemp(dir=".")) / "run"
{BEGIN}galaxyclass.train("fast", "sky/images", "sky/votes.csv", output=output, settings=settings,
                  workers=1, device="cpu", cache="cache"){END}"""


@dataclass(frozen=True)
class Task:
    """One piece of work: arguments of Python, run in a folder with `sky/` and `images.npy`."""

    arguments: tuple[str, ...]
    light: bool = False  # as if torch were not installed


TASKS = {
    "import galaxyclass": Task(("-c", "import galaxyclass")),
    "help": Task((*COMMAND, "--help")),
    "pack": Task(
        (*COMMAND, "pack", "--images", "sky/images", "--table", "sky/votes.csv",
         "--output", "{fresh}/pack", "--workers", "1"), light=True,
    ),
    "predict": Task(
        (*COMMAND, "predict", "--images", "sky/images", "--output", "{fresh}/predictions.csv",
         "--workers", "1"), light=True,
    ),
    "predict in memory": Task(("-c", IN_MEMORY), light=True),
    "train": Task(("-c", TRAIN)),
}  # fmt: skip


class GuardError(Exception):
    """The comparison cannot be made."""


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of the processor, and the most memory held in MiB.

    Linux counts what this process holds when it starts the run, so that less than that is not seen:
    numpy is not imported here.
    """

    seconds: float
    memory: float


@dataclass(frozen=True)
class Comparison:
    """One quantity of one task at both commits.

    Attributes
    ----------
    base, head : float
        Medians.
    ratio : float
        `head` over `base`.
    low, high : float
        99 % bootstrap interval of the ratio.
    """

    task: str
    quantity: str
    base: float
    head: float
    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``slower``, ``faster`` (of memory ``larger``, ``smaller``), or nothing."""
        worse, better = ("larger", "smaller") if self.quantity == "MiB" else ("slower", "faster")
        if self.ratio > 1 + THRESHOLD and self.low > 1:
            return worse
        return better if self.ratio < 1 / (1 + THRESHOLD) and self.high < 1 else ""

    @property
    def worse(self) -> bool:
        """Whether it got slower or larger."""
        return self.verdict in {"slower", "larger"}


def compare(
    task: str, quantity: str, base: Sequence[float], head: Sequence[float], samples: int = 2000
) -> Comparison:
    """Medians of two rows of runs, their ratio, and its 99 % bootstrap interval (seed 0)."""
    draw = random.Random(0)

    def drawn(runs: Sequence[float]) -> float:
        return median(draw.choices(runs, k=len(runs)))

    ratios = quantiles((drawn(head) / drawn(base) for _ in range(samples)), n=200)
    before, after = median(base), median(head)
    return Comparison(task, quantity, before, after, after / before, ratios[0], ratios[-1])


@contextmanager
def laid_out(commits: Sequence[str], root: Path, folder: Path) -> Iterator[list[Path]]:
    """The sources of each commit in a folder of its own; gone afterwards."""
    places = [folder / f"commit-{number}" for number in range(len(commits))]
    try:
        for commit, place in zip(commits, places, strict=True):
            command = ["git", "worktree", "add", "--quiet", "--detach", str(place), commit]
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise GuardError(f"no such commit: {commit}\n{done.stderr}")
        yield places
    finally:
        for place in places:
            remove = ["git", "worktree", "remove", "--force", str(place)]
            subprocess.run(remove, cwd=root, capture_output=True, check=False)


def environment(source: Path, work: Path, *, light: bool) -> dict[str, str]:
    """What a run sees: the sources of its commit, one thread, and torch only where it may."""
    paths = [str(source / "src")]
    if light:
        hidden = work / "hidden"
        hidden.mkdir(exist_ok=True)
        (hidden / "torch.py").write_text("raise ModuleNotFoundError(name='torch')\n")
        paths.insert(0, str(hidden))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"PYTHONPATH": os.pathsep.join(paths), "GALAXYCLASS_CACHE": str(work / "cache")}
    return {**os.environ, **threads, **own, "GUARD_SECONDS": str(work / "seconds")}


def measure(task: Task, source: Path, work: Path) -> Cost:
    """Run a task once with the sources `source` in the folder `work`.

    Raises
    ------
    GuardError
        It failed.
    """
    inner = work / "seconds"
    inner.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as fresh:
        arguments = [argument.replace("{fresh}", fresh) for argument in task.arguments]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=work,
                env=environment(source, work, light=task.light),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if status != 0:
                errors.seek(0)
                told = errors.read().decode(errors="replace")[-2000:]
                raise GuardError(f"at {source.name}: {' '.join(arguments)[:200]}\n{told}")
    seconds = usage.ru_utime + usage.ru_stime
    if inner.exists():
        seconds = float(inner.read_text())
    return Cost(seconds, usage.ru_maxrss / 1024)


def prepare(source: Path, work: Path, count: int) -> None:
    """Simulated galaxies, `count` of them, as files and as an array."""
    simulate = ("simulate", "--count", str(count), "--size", "128", "--output", "sky")
    read = (
        "import numpy as np; from PIL import Image; from pathlib import Path\n"
        "images = [np.asarray(Image.open(path)) for path in sorted(Path('sky/images').iterdir())]\n"
        "np.save('images.npy', np.stack(images))"
    )
    for arguments in ((*COMMAND, *simulate), ("-c", read)):
        measure(Task(arguments, light=True), source, work)


def in_turns(task: Task, places: Sequence[Path], work: Path, repeats: int) -> list[list[Cost]]:
    """Costs of `repeats` runs at each place, A B A B …, after one of each that does not count."""
    costs: list[list[Cost]] = [[] for _ in places]
    for round_number in range(repeats + 1):
        for place, measured in zip(places, costs, strict=True):
            cost = measure(task, place, work / place.name)
            if round_number:
                measured.append(cost)
    return costs


def table(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as lines of text."""
    return "\n".join([HEADER, *map(line, comparisons)])


HEADER = f"{'task':20}{'':6}{'base':>10}{'head':>10}{'ratio':>8}   99 % interval"


def line(found: Comparison) -> str:
    """A comparison as a line of text."""
    return (
        f"{found.task:20}{found.quantity:6}{found.base:10.3f}{found.head:10.3f}{found.ratio:8.3f}"
        f"   {found.low:.3f} to {found.high:.3f}   {found.verdict}"
    ).rstrip()


def guard(
    base: str, head: str, names: Sequence[str], *, repeats: int, count: int, root: Path = ROOT
) -> Iterator[Comparison]:
    """Compare two commits of the repository `root` by the tasks `names`.

    Yields
    ------
    Comparison
        Of the time and of the memory of each task, as soon as it is measured.

    Raises
    ------
    GuardError
        A commit does not exist, or a task failed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="galaxyclass-guard-") as folder,
        laid_out((base, head), root, Path(folder)) as places,
    ):
        works = [Path(folder) / "work" / place.name for place in places]
        works[0].mkdir(parents=True)
        if count:
            prepare(places[0], works[0], count)
        shutil.copytree(works[0], works[1])
        for name in names:
            before, after = in_turns(TASKS[name], places, works[0].parent, repeats)
            for quantity, field in (("s", "seconds"), ("MiB", "memory")):
                values = [[getattr(cost, field) for cost in costs] for costs in (before, after)]
                yield compare(name, quantity, *values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison of two commits; 1 when something got slower or larger."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", help="the commit, branch or tag to compare with")
    parser.add_argument("head", nargs="?", default="HEAD", help="by default HEAD")
    parser.add_argument("--tasks", default=",".join(TASKS), help="comma-separated; by default all")
    parser.add_argument("--repeats", type=int, help=f"runs of each task at each ({REPEATS})")
    parser.add_argument("--count", type=int, help=f"simulated galaxies ({COUNT})")
    parser.add_argument(
        "--short",
        action="store_true",
        help=f"{FEWEST_REPEATS} runs, {FEWEST_GALAXIES} galaxies: sees only what is much slower",
    )
    parser.add_argument("--json", type=Path, help="also write the comparison to this file")
    given = parser.parse_args(arguments)
    names = given.tasks.split(",")
    if unknown := sorted(set(names) - set(TASKS)):
        parser.error(f"no task {', '.join(unknown)}; there are: {', '.join(TASKS)}")
    least = (FEWEST_REPEATS, FEWEST_GALAXIES)
    usual = least if given.short else (REPEATS, COUNT)
    repeats = usual[0] if given.repeats is None else given.repeats
    count = usual[1] if given.count is None else given.count
    if repeats < least[0] or count < least[1]:
        parser.error(f"fewer than {least[0]} repeats or {least[1]} galaxies say nothing")
    comparisons = []
    try:
        for found in guard(given.base, given.head, names, repeats=repeats, count=count):
            print(line(found) if comparisons else table([found]), flush=True)
            comparisons.append(found)
    except GuardError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if given.json:
        records = [asdict(found) | {"verdict": found.verdict} for found in comparisons]
        given.json.write_text(json.dumps(records, indent=2) + "\n")
    return int(any(found.worse for found in comparisons))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the folders are taken away first
    sys.exit(main())
