"""Do violence to a survey that runs, run it again, and compare with one that was left alone.

    python -m tests.hostile.survey_faults --pictures 3000
    python -m tests.hostile.survey_faults --only driver disk

Each fault has a plan of its own of the same tar shards. In the end the merged result must be that
of one uninterrupted process, byte for byte, and nothing may lie in ``running``, ``work`` and
``failed``. The fault ``disk`` mounts a small tmpfs, which needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import galaxyclass
from galaxyclass import Survey
from tests.support import fake
from tests.support.by_hand import save_small_model
from tests.survey.conftest import save_tars

#: Seconds that a run may take.
PATIENCE = 900
SHARD_SIZE = 100


class Night:
    """A survey of its own in a folder, and the commands that are run on it."""

    def __init__(self, place: Path, pictures: Sequence[Path]) -> None:
        self.place = place
        place.mkdir()
        self.tars = save_tars(place / "tars", list(pictures))
        self.model = shutil.copytree(place.parent / "network", place / "model")
        self.folder = place / "night"

    def plan(self, shard_size: int = SHARD_SIZE) -> Survey:
        galaxyclass.plan_survey(
            self.tars, output=self.folder, model=self.model, shard_size=shard_size, measured=False
        )
        return galaxyclass.open_survey(self.folder)

    def start(self) -> subprocess.Popen[bytes]:
        """A driver with two workers; a session of its own, so that all can be killed at once."""
        command = [sys.executable, "-m", "galaxyclass", "survey", "run", str(self.folder)]
        return subprocess.Popen(
            [*command, "--workers", "2", "--cores", "1"],
            stdout=subprocess.DEVNULL,
            stderr=(self.place / "log").open("ab"),
        )

    def run(self) -> int:
        return self.start().wait(PATIENCE)

    def until(self, done: int) -> None:
        """Wait until so many shards are done."""
        end = time.monotonic() + PATIENCE
        results = self.folder / "results"
        while len(list(results.glob("*/*.json"))) < done:
            assert time.monotonic() < end, "nothing happens"
            time.sleep(0.02)

    def marks(self) -> list[int]:
        """The processes that work on shards."""
        found = []
        for path in (self.folder / "running").glob("0*.json"):
            with suppress(OSError, ValueError, KeyError):
                found.append(int(json.loads(path.read_text())["pid"]))
        return found

    def merged(self) -> bytes:
        output = self.place / "all.csv"  # parquet also states where the model lies
        galaxyclass.open_survey(self.folder).merge(output=output)
        return output.read_bytes()


def _kill(numbers: Sequence[int]) -> None:
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def worker(night: Night) -> str:
    """Kill -9 of workers, five times; the driver goes on."""
    night.plan()
    driver, killed = night.start(), 0
    for done in range(1, 6):
        night.until(done * 3)
        found = night.marks()[:1]
        killed += len(found)
        _kill(found)
    assert driver.wait(PATIENCE) == 0
    return f"{killed} workers killed"


def driver(night: Night) -> str:
    """Kill -9 of the driver, three times."""
    night.plan()
    for done in (1, 5, 9):
        process = night.start()
        night.until(done)
        process.kill()
        process.wait()
    assert night.run() == 0
    return "3 drivers killed"


def everything(night: Night) -> str:
    """Kill -9 of driver and workers at once, three times."""
    night.plan()
    for done in (2, 6, 10):
        process = night.start()
        night.until(done)
        process.kill()
        _kill(night.marks())
        process.wait()
    assert night.run() == 0
    return "all killed 3 times"


def two(night: Night) -> str:
    """Two drivers at once, one of which is killed with its workers."""
    night.plan()
    first, second = night.start(), night.start()
    night.until(4)
    first.kill()
    _kill(night.marks())
    first.wait()
    assert second.wait(PATIENCE) == 0
    return "2 drivers, one killed with all workers"


def signals(night: Night) -> str:
    """SIGTERM and SIGUSR1 to the driver, in turn."""
    night.plan()
    codes = []
    for done, number in ((2, signal.SIGTERM), (6, signal.SIGUSR1), (9, signal.SIGTERM)):
        process = night.start()
        night.until(done)
        process.send_signal(number)
        codes.append(process.wait(PATIENCE))
    assert set(codes) <= {75, 0}, codes
    assert night.run() == 0
    return f"exit codes {codes}"


def vanished(night: Night) -> str:
    """A tar is gone for a while, and comes back."""
    night.plan()
    tar = sorted(night.tars.iterdir())[1]
    tar.rename(night.place / "away.tar")
    assert night.run() == 1
    failed = len(galaxyclass.open_survey(night.folder).status().failed)
    (night.place / "away.tar").rename(tar)
    assert night.run() == 0
    return f"{failed} shards given up, then done"


def damaged(night: Night) -> str:
    """A tar is cut short after planning, and restored."""
    night.plan()
    tar = sorted(night.tars.iterdir())[1]
    data = tar.read_bytes()
    tar.write_bytes(data[: len(data) // 2])
    assert night.run() == 1
    failed = len(galaxyclass.open_survey(night.folder).status().failed)
    tar.write_bytes(data)
    assert night.run() == 0
    return f"{failed} shards given up, then done"


def model(night: Night) -> str:
    """The model is replaced while the survey is stopped, and put back."""
    night.plan()
    process = night.start()
    night.until(3)
    process.kill()
    process.wait()
    manifest = night.model / "manifest.json"
    before = manifest.read_text()
    manifest.write_text(json.dumps({**json.loads(before), "id_column": "other"}))
    assert night.run() == 1
    assert b"not the model that the survey was planned with" in (night.place / "log").read_bytes()
    manifest.write_text(before)
    assert night.run() == 0
    return "refused with another model"


def disk(night: Night) -> str:
    """The disk of the survey's folder is full, and grows."""
    mount = night.place / "disk"
    mount.mkdir()
    night.folder = mount / "night"
    size = 500 + len(list(night.tars.iterdir())) // 3
    try:
        tmpfs = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(mount)]
        subprocess.run(tmpfs, check=True)
        night.plan()
        taken = size - shutil.disk_usage(mount).free // 1024
        wanted = taken + 90
        subprocess.run(["mount", "-o", f"remount,size={wanted}k", str(mount)], check=True)
        code = night.run()
        status = galaxyclass.open_survey(night.folder).status()
        subprocess.run(["mount", "-o", "remount,size=64m", str(mount)], check=True)
        assert code == 1, code
        assert night.run() == 0
        return f"{status.done} of {status.shards} shards done while it was full"
    finally:
        shutil.copytree(night.folder, night.place / "night")
        subprocess.run(["umount", str(mount)], check=False)
        night.folder = night.place / "night"


FAULTS: dict[str, Callable[[Night], str]] = {
    each.__name__: each
    for each in (worker, driver, everything, two, signals, vanished, damaged, model, disk)
}


def main() -> int:
    """Try the faults; 0 if the survey survived all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        pictures = fake.save_images(place / "pictures", given.pictures)
        save_small_model(place / "network")
        whole = Night(place / "whole", pictures)
        whole.plan(shard_size=given.pictures).run_shards([0], cores=1)
        # Ids and predictions: sources and models lie in other folders.
        reference = whole.merged()
        for name in given.only:
            begun = time.monotonic()
            night = Night(place / name, pictures)
            try:
                shown = FAULTS[name](night)
                same = night.merged() == reference
                left = [p.name for f in ("running", "work", "failed")
                        for p in (night.folder / f).glob("[0-9]*")]  # fmt: skip
            except (AssertionError, galaxyclass.GalaxyclassError, OSError) as error:
                shown, same, left = f"{type(error).__name__}: {error}", False, []
            wrong += not same or bool(left)
            outcome = "the same bytes" if same and not left else f"NOT the same {left}"
            print(f"{name:<11} {shown:<45} {outcome}, {time.monotonic() - begun:.0f} s", flush=True)
            shutil.rmtree(night.place, ignore_errors=True)
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
