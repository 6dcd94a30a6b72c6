"""A whole survey of simulated galaxies, killed again and again, beside one plain `predict`.

    python benchmarks/survey_transcript.py /tmp/transcript --count 200000 --engine slurm
    python benchmarks/survey_transcript.py /tmp/transcript --count 20000 --engine ray
    python benchmarks/survey_transcript.py /tmp/transcript --count 200000 --engine here --no-kills

Galaxies are drawn by `galaxyclass simulate`, and each stands many times in tar shards: mirrored,
turned, moved and with other noise. A parquet list gives each picture a position on the sky. They
are predicted once by `galaxyclass predict`, without a stop, and once as a survey: planned, run,
killed in several ways, run again until all is done, merged to HATS, FITS, VOTable and parquet. All
numbers of the merged tables must be those of `predict`, bit for bit. (`--together`: both at once,
which takes less time and changes no processor seconds to speak of; a table that an earlier call
predicted of the same pictures is taken as it is.) With `--lsdb PYTHON`, a Python
that has lsdb, the catalogue is opened by it.

`slurm` starts a Slurm of its own, of one node, from Debian's packages slurm-wlm and munge, which
needs root. Its daemons are killed too. `ray`
starts a cluster here. Times, memory and disk are printed as JSON at the end: of all processes that
a command started, looked at four times a second.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.append(str(Path(__file__).parents[1]))
from tests.support.own_slurm import OwnSlurm, asked
from tests.support.waiting import wait_until

COMMAND = [sys.executable, "-m", "galaxyclass"]
#: An environment variable by which a command's processes are known, those of Slurm and Ray too.
MARK = "GALAXYCLASS_TRANSCRIPT"
#: Galaxies that are drawn, and pictures of a tar.
DRAWN, IN_TAR = 2000, 10_000
#: The id column of the list.
ID = "objid"
#: Seconds that a survey may take.
PATIENCE = 7200
LOOKS_PER_SECOND = 4


@dataclass
class Usage:
    """Processor seconds and memory of all processes of a command."""

    mark: str
    processor: dict[int, float] = field(default_factory=dict)
    peak_mb: dict[int, float] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)
    _others: set[tuple[int, str]] = field(default_factory=set)

    def look(self) -> None:
        for entry in os.listdir("/proc"):  # noqa: PTH208 - four times a second
            if not entry.isdecimal():
                continue
            number = int(entry)
            with suppress(OSError, ValueError, IndexError):
                stat = Path(f"/proc/{entry}/stat").read_text()
                cells = stat.rsplit(")", 1)[1].split()
                key = (number, cells[19])  # the time of its start
                if key in self._others:
                    continue
                if number not in self.words:
                    environment = Path(f"/proc/{entry}/environ").read_bytes()
                    if f"{MARK}={self.mark}".encode() not in environment:
                        self._others.add(key)
                        continue
                line = Path(f"/proc/{entry}/cmdline").read_bytes()
                if line or number not in self.words:  # one that has ended has none
                    self.words[number] = line.replace(b"\0", b" ").decode(errors="replace")
                ticks = os.sysconf("SC_CLK_TCK")
                self.processor[number] = (int(cells[11]) + int(cells[12])) / ticks
                status = Path(f"/proc/{entry}/status").read_text()
                peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
                self.peak_mb[number] = max(peak, self.peak_mb.get(number, 0.0))

    def running(self, word: str) -> list[int]:
        """The processes that run now and whose command line has a word."""
        found = []
        for number, words in self.words.items():
            if word in words:
                with suppress(OSError, ValueError):
                    state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
                    if state != "Z" and word.encode() in _words_of(number):
                        found.append(number)
        return found

    def peak_of(self, word: str) -> int | None:
        """The memory of the largest process of a kind, MB."""
        peaks = [self.peak_mb[n] for n, words in self.words.items() if word in words]
        return round(max(peaks)) if peaks else None

    @property
    def seconds(self) -> float:
        return round(sum(self.processor.values()), 1)


def _words_of(number: int) -> bytes:
    return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ")


@contextmanager
def watched(mark: str) -> Iterator[Usage]:
    """Look at the processes that are started inside the context."""
    usage, ended = Usage(mark), threading.Event()

    def watch() -> None:
        while not ended.wait(1 / LOOKS_PER_SECOND):
            usage.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        ended.set()
        thread.join()


def command(*words: str, mark: str = "") -> str:
    """Run a command of the package, show it, and give back what it printed."""
    print(f"$ galaxyclass {' '.join(words)}", flush=True)
    done = subprocess.run(
        [*COMMAND, *words], stdout=subprocess.PIPE, text=True, check=False,
        env={**os.environ, MARK: mark},
    )  # fmt: skip
    print(done.stdout, end="", flush=True)
    assert done.returncode == 0, f"exit code {done.returncode}"
    return done.stdout


def counted(name: str, *words: str) -> dict[str, Any]:
    """Run a command: seconds, processor seconds, and the memory of its largest process."""
    begun = time.perf_counter()
    with watched(name) as usage:
        command(*words, mark=name)
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        "processor_seconds": usage.seconds,
        "peak_mb": usage.peak_of(""),
    }


def disk(folder: Path) -> dict[str, Any]:
    """Files and megabytes of a folder."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return {"files": len(sizes), "megabytes": round(sum(sizes) / 1e6, 1)}


def make_pictures(place: Path, count: int, seed: int = 0) -> tuple[Path, Path]:
    """Tar shards of small pictures, and a list of them with positions."""
    tars, listed = place / f"tars{count}", place / f"list{count}.parquet"
    if listed.exists():
        return tars, listed
    base = place / "drawn"
    if not base.exists():
        command("simulate", "--count", str(DRAWN), "--size", "64", "--output", str(base))
    drawn = [cv2.imread(str(path)) for path in sorted((base / "images").iterdir())]
    rng = np.random.default_rng(seed)
    shutil.rmtree(tars, ignore_errors=True)
    tars.mkdir(parents=True)
    paths = []
    for first in range(0, count, IN_TAR):
        tar = tars / f"{first // IN_TAR:05}.tar"
        with tarfile.open(tar, "w") as archive:
            for number in range(first, min(first + IN_TAR, count)):
                view = _view(drawn[number % len(drawn)], rng)
                data = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
                entry = tarfile.TarInfo(f"{587722981748965649 + number}.jpg")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
                paths.append(f"{tars.name}/{tar.name}/{entry.name}")
    ids = 587722981748965649 + np.arange(count)
    # Evenly over a belt of the sky, as a survey's stripe.
    ra, dec = rng.uniform(110, 260, count), np.degrees(np.arcsin(rng.uniform(-0.1, 0.8, count)))
    pq.write_table(pa.table({ID: ids, "path": paths, "ra": ra, "dec": dec}), listed)
    return tars, listed


def _view(picture: Any, rng: np.random.Generator) -> Any:
    turned = np.rot90(picture, int(rng.integers(4)))
    turned = turned[:, ::-1] if rng.integers(2) else turned
    moved = np.roll(turned, rng.integers(-2, 3, 2), axis=(0, 1)).astype(np.int16)
    return np.clip(moved + rng.integers(-6, 7, moved.shape), 0, 255).astype(np.uint8)


def make_model(place: Path) -> Path:
    """A network of half the width on 32 pixels, trained for a minute: what it says is not much."""
    run = place / "small"
    if not run.exists():
        settings = ("images.frame=none", "images.size=32", "model.width=0.5",
                    "training.progressive_resizing=[]", "training.epochs=3")  # fmt: skip
        sets = [word for setting in settings for word in ("--set", setting)]
        base = place / "drawn"
        tables = ["--images", str(base / "images"), "--table", str(base / "votes.csv")]
        command("train", "fast", *tables, *sets, "--output", str(run), "--seed", "0")
    return run


@dataclass
class Night:
    """A survey, and what is done to it."""

    folder: Path
    engine: str
    words: tuple[str, ...]
    usage: Usage
    slurm: OwnSlurm | None
    total: int
    _looked: float = 0.0
    _driver: subprocess.Popen[bytes] | None = None
    events: list[str] = field(default_factory=list)

    def done(self) -> int:
        return len(list((self.folder / "results").glob("*/*.json")))

    def images_done(self) -> int:
        """Pictures of shards that are done, and of those at work."""
        found = sum(
            json.loads(path.read_text())["images"] for path in self.folder.glob("results/*/*.json")
        )
        for path in self.folder.glob("running/0*.json"):
            with suppress(OSError, ValueError, KeyError):
                found += json.loads(path.read_text())["images"]
        return found

    def note(self, text: str) -> None:
        print(f"# {text}, at {self.images_done():,} pictures", flush=True)
        self.events.append(text)

    def start(self) -> subprocess.Popen[bytes]:
        words = ["survey", "run", str(self.folder), *self.words]
        print(f"$ galaxyclass {' '.join(words)}", flush=True)
        self._driver = subprocess.Popen(
            [*COMMAND, *words], stdout=sys.stdout, stderr=sys.stdout,
            env={**os.environ, MARK: self.usage.mark},
        )  # fmt: skip
        return self._driver

    def until(self, images: int) -> None:
        wait_until(lambda: self.go_on() and self.images_done() >= images, seconds=PATIENCE)

    def go_on(self) -> bool:
        """Look after Slurm; give the command again where nothing of it is queued any more."""
        if self.slurm is None or time.monotonic() < self._looked + 3:
            return True
        if self._driver is not None and self._driver.poll() is None:
            return True
        self._looked = time.monotonic()
        self.slurm.resume()
        queue = asked("squeue", "-h", "-o", "%T %r")
        if queue is None or any("Held" not in job for job in queue.splitlines()):
            return True
        jobs = queue.splitlines()
        if jobs:  # Slurm holds what failed to start while its daemons were gone
            subprocess.run(["scancel", "--user=root"], check=False)  # noqa: S607
            self.note("jobs that Slurm held are cancelled")
        elif self.images_done() < self.total:
            self.note("nothing is queued: the same command again")
            code = self.start().wait()
            assert code == 0, f"the shards were not handed to Slurm: exit code {code}"
        return True

    def marks(self) -> list[int]:
        """The processes that predict shards."""
        found = []
        for path in self.folder.glob("running/0*.json"):
            with suppress(OSError, ValueError, KeyError):
                found.append(int(json.loads(path.read_text())["pid"]))
        return found

    def kill(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def queue_is_empty(self) -> bool:
        return asked("squeue", "-h") == ""

    def finish(self, driver: subprocess.Popen[bytes]) -> None:
        """Wait until nothing runs any more; give the command again until all is done."""
        while True:
            code = driver.wait(PATIENCE)
            if self.engine == "slurm":
                wait_until(lambda: self.go_on() and self.queue_is_empty(), seconds=PATIENCE)
            status = json.loads(command("survey", "status", str(self.folder), "--json"))
            if status["done"] == status["shards"]:
                return
            self.note(f"exit code {code}: the same command again")
            driver = self.start()

    def violence(self, total: int) -> subprocess.Popen[bytes]:
        """Kill what can be killed, and give back the driver that runs then."""
        driver = self.start()
        self.until(total // 8)
        self.kill(self.marks()[:1])
        self.note("kill -9 of a process that predicts")
        if self.slurm is not None:
            self.until(total // 4)
            self.slurm.kill("slurmctld")
            self.note("kill -9 of slurmctld")
            time.sleep(5)
            self.slurm.start_control()
            wait_until(self.slurm.answers, seconds=60)
            self.until(total * 3 // 8)
            self.kill(self.marks())
            self.slurm.kill("slurmctld")
            self.slurm.kill("slurmd")
            self.kill(self.usage.running("submitit"))
            self.note("kill -9 of slurmctld, slurmd and all tasks at once")
            time.sleep(3)
            self.slurm.start_control()
            self.slurm.start_node()
            wait_until(self.slurm.answers, seconds=60)
            driver.wait()
            driver = self.start()
            time.sleep(2.5)
            driver.kill()
            driver.wait()
            self.note("kill -9 of the command while it hands shards to Slurm")
            driver = self.start()
            self.until(total * 5 // 8)
            subprocess.run(["scancel", "--user=root"], check=False)  # noqa: S607
            self.note("scancel of all jobs")
            driver.wait()
            wait_until(self.queue_is_empty, seconds=120)
            return self.start()
        self.until(total // 4)
        driver.kill()
        driver.wait()
        self.note("kill -9 of the driver")
        time.sleep(3)
        driver = self.start()
        self.until(total // 2)
        driver.kill()
        self.kill(self.marks())
        self.kill(self.usage.running("ray"))
        driver.wait()
        self.note("kill -9 of the driver and all processes at once")
        driver = self.start()
        self.until(total * 3 // 4)
        driver.send_signal(signal.SIGTERM)
        self.note(f"SIGTERM to the driver, exit code {driver.wait(PATIENCE)}")
        return self.start()


def run_survey(
    folder: Path,
    engine: str,
    words: Sequence[str],
    total: int,
    slurm: OwnSlurm | None,
    *,
    kills: bool,
) -> dict[str, Any]:
    begun = time.perf_counter()
    with watched("run") as usage:
        night = Night(folder, engine, tuple(words), usage, slurm, total)
        driver = night.violence(total) if kills else night.start()
        night.finish(driver)
    seconds = time.perf_counter() - begun
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": usage.seconds,
        "images_per_second": round(total / seconds),
        "driver_peak_mb": usage.peak_of("survey run"),
        "worker_peak_mb": max(filter(None, map(usage.peak_of, WORKERS)), default=None),
        "processes": Counter(
            (words.split() or ["?"])[0].rsplit("/", 1)[-1][:20] for words in usage.words.values()
        ),
        "events": night.events,
    }


#: Words in the command lines of processes that predict: here, of Slurm, of Ray.
WORKERS = ("galaxyclass.survey.worker", "submitit", "ray::")


def _columns(table: pa.Table) -> dict[str, np.ndarray]:
    return {name: table[name].combine_chunks().to_numpy(zero_copy_only=False)
            for name in table.column_names}  # fmt: skip


def same_numbers(reference: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> int:
    """How many columns two tables share; their numbers must be the same to the last bit."""
    key = next(iter(reference))  # the id column: of predict the model's, of the survey the list's
    names = [name for name in reference if name != key]
    one, other = np.argsort(reference[key]), np.argsort(found[ID])
    assert np.array_equal(reference[key][one], found[ID][other]), "other ids"
    for name in names:
        first = np.ascontiguousarray(reference[name][one])
        second = np.ascontiguousarray(found[name][other].astype(first.dtype))
        assert first.tobytes() == second.tobytes(), f"{name} differs"
    return len(names)


def compare(place: Path, night: Path, plain: Path, lsdb: str | None) -> dict[str, Any]:
    """Merge into every format, and compare each with the table of `predict`."""
    found: dict[str, Any] = {}
    reference = _columns(pq.read_table(plain))
    endings = {"hats": "", "parquet": ".parquet", "fits": ".fits", "vot": ".vot"}
    for name, ending in endings.items():
        output = place / f"merged-{night.name}{ending}"
        shutil.rmtree(output, ignore_errors=True)
        more = ["--margin", "10"] if name == "hats" else []
        arguments = ["--output", str(output), "--overwrite", *more]
        found[name] = counted(f"merge-{name}", "survey", "merge", str(night), *arguments)
        files = [p for p in output.rglob("*") if p.is_file()] if output.is_dir() else [output]
        found[name]["megabytes"] = round(sum(p.stat().st_size for p in files) / 1e6, 1)
        if name == "hats":
            parts = [p for p in files if p.name.startswith("Npix") and "margin" not in str(p)]
            table = pa.concat_tables([pq.ParquetFile(path).read() for path in parts])
            columns = _columns(table)
            found[name]["partitions"] = len(parts)
        elif name == "parquet":
            columns = _columns(pq.read_table(output))
        else:
            from astropy.table import Table  # noqa: PLC0415 - an extra

            read = Table.read(output)
            columns = {column: np.asarray(read[column]).astype(read[column].dtype.newbyteorder("="))
                       for column in read.colnames}  # fmt: skip
        found[name]["same_columns"] = same_numbers(reference, columns)
        same = found[name]["same_columns"]
        print(f"# {output.name}: {same} columns are those of predict", flush=True)
        if name == "hats" and lsdb:
            found["lsdb"] = _opened(lsdb, output)
    return found


_LSDB = """
import sys, lsdb
catalog = lsdb.open_catalog(sys.argv[1])
cone = catalog.cone_search(ra=180.0, dec=10.0, radius_arcsec=7200).compute()
margin = catalog.margin
print(len(catalog), len(cone), None if margin is None else len(margin.compute()))
"""


def _opened(python: str, catalogue: Path) -> str:
    """What lsdb finds in a catalogue: all rows, those of a cone, those of the margin."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PYTHONPATH"] = environment.pop("LSDB_PATH", "")
    done = subprocess.run(
        [python, "-c", _LSDB, str(catalogue)], capture_output=True, text=True, check=True,
        env=environment,
    )  # fmt: skip
    print(f"# lsdb: rows, rows of a cone, rows of the margin: {done.stdout.strip()}", flush=True)
    return done.stdout.strip()


def main() -> None:
    """Do it all, and print the figures as JSON."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--engine", choices=["slurm", "ray", "here"], default="here")
    parser.add_argument("--model", help="by default a small one that is trained first")
    parser.add_argument("--shard-size", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2, help="processes that predict, of a core")
    parser.add_argument("--no-kills", action="store_true")
    parser.add_argument("--together", action="store_true", help="predict while the survey runs")
    parser.add_argument("--lsdb", metavar="PYTHON")
    tell(parser.parse_args())


def tell(given: argparse.Namespace) -> None:
    """Do what was asked for."""
    place = given.place.absolute()
    place.mkdir(parents=True, exist_ok=True)
    tars, listed = make_pictures(place, given.count)
    model = given.model or str(make_model(place))
    found: dict[str, Any] = {
        "pictures": given.count,
        "engine": given.engine,
        "kills": not given.no_kills,
        "tars": disk(tars),
    }
    plain = place / f"plain{given.count}.parquet"
    run = [] if model == "pretrained" else [model]
    output = ["--output", str(plain), "--overwrite", "--workers", str(given.workers)]
    arguments = ["predict", *run, "--images", str(tars), *output]
    figures = plain.with_suffix(".json")

    def predict() -> None:
        if not figures.exists():
            figures.write_text(json.dumps(counted("predict", *arguments)))
        found["predict"] = json.loads(figures.read_text())

    predicting = threading.Thread(target=predict, daemon=True)
    predicting.start()
    if not given.together:
        predicting.join()
    night = place / f"night-{given.engine}"
    shutil.rmtree(night, ignore_errors=True)
    options = ["--id", ID, "--shard-size", str(given.shard_size)]
    options += ["--model", model] if run else []
    found["plan"] = counted("plan", "survey", "plan", str(listed), "--output", str(night), *options)
    workers = str(given.workers)
    words = {
        "here": ["--workers", workers, "--cores", "1"],
        "slurm": ["--slurm", "--cores", "1", "--memory", "2", "--at-once", workers],
        "ray": ["--ray", "--cores", "1"],
    }[given.engine]
    slurm = OwnSlurm(place / "slurm", given.workers) if given.engine == "slurm" else None
    try:
        kills = not given.no_kills
        found["run"] = run_survey(night, given.engine, words, given.count, slurm, kills=kills)
    finally:
        if slurm is not None:
            slurm.end()
    command("survey", "status", str(night))
    found["folder"] = disk(night)
    left = [path.name for part in ("running", "work", "failed") for path in night.glob(f"{part}/*")]
    assert not left, left
    predicting.join()
    print(json.dumps(found, indent=1), flush=True)
    found["merge"] = compare(place, night, plain, given.lsdb)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
