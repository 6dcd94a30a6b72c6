"""The same work again and again in one process: memory, open files, threads and results stay.

    python -m tests.hostile.rounds --minutes 20

A round predicts in memory and into a file, evaluates, searches for similar galaxies, cuts galaxies
out of a tile, and asks a server for pages, predictions and tables. After the first rounds, which
fill what is kept on purpose, nothing may grow.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import galaxyclass
from galaxyclass.serving.start import open_served
from tests.serving.test_serve import client
from tests.support import fake
from tests.support.by_hand import save_small_model
from tests.support.tiles import add_source, make_wcs, save_tile, sky

#: Rounds before the first that is compared.
WARM = 5
#: MiB, open files and threads that may come and go: pools begin threads when they are needed.
MEMORY, FILES, THREADS = 32, 4, 4


@dataclass(frozen=True)
class Footprint:
    """What a process holds."""

    memory_mib: float
    files: int
    threads: int
    left: int

    @classmethod
    def now(cls, temporary: Path) -> Footprint:
        """Of this process; and how many files lie in its folder for temporary ones."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            _entries("/proc/self/fd"),
            _entries("/proc/self/task"),
            sum(1 for _ in temporary.rglob("*")),
        )


def _entries(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


class Rounds:
    """What each round does, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.images = folder, folder / "images"
        paths = fake.save_images(self.images, 60)
        (self.images / "broken.jpg").write_bytes(b"no picture")
        names = [path.stem for path in paths]
        rows = [f"{name},{('red', 'other')[place % 2]}\n" for place, name in enumerate(names)]
        (folder / "table.csv").write_text("GalaxyID,class\n" + "".join(rows))
        self.first = names[0]
        run = save_small_model(folder / "model")
        self.pretrained = galaxyclass.load_model(workers=1)
        self.model = galaxyclass.load_model(run, workers=1)
        self.known = folder / "known.parquet"
        self.model.predict_to_file(self.images, output=self.known, include=["embedding"])
        pixels = sky()
        add_source(pixels, 100, 100)
        save_tile(folder / "tile.fits", pixels, make_wcs())
        self.served = open_served(self.model, predictions=self.known, images=self.images)
        self.site = client(self.served)
        self.picture = paths[0].read_bytes()

    def steps(self) -> dict[str, Callable[[], Any]]:
        """Name -> work, whose result must be the same each time."""
        return {
            "predict": self._predict,
            "pretrained": self._pretrained,
            "predict to a file": self._to_file,
            "evaluate": self._evaluate,
            "similar": self._similar,
            "tiles": self._tiles,
            "serve": self._serve,
        }

    def _predict(self) -> Any:
        return self.model.predict(self.images).table.to_pydict()

    def _pretrained(self) -> Any:
        return self.pretrained.predict(np.full((2, 64, 64, 3), 90, np.uint8)).values.tolist()

    def _similar(self) -> Any:
        return galaxyclass.similar(self.known, like=[self.first]).table.to_pydict()

    def _to_file(self) -> str:
        output = self.folder / "out.csv"
        self.model.predict_to_file(self.images, output=output, overwrite=True)
        return output.read_text()

    def _evaluate(self) -> Any:
        evaluation = self.model.evaluate(
            self.images, self.folder / "table.csv", output=self.folder / "scores", part="all",
            overwrite=True,
        )  # fmt: skip
        return evaluation.galaxies.predictions.tolist()

    def _tiles(self) -> Any:
        cutouts = galaxyclass.open_tiles(self.folder / "tile.fits", field="8 arcsec")
        return [cutout.pixels.sum().item() for cutout in cutouts]

    def _serve(self) -> Any:
        sent = [("pictures", ("a.jpg", self.picture, "image/jpeg"))]
        answer = self.site.post("/predict", files=sent)
        texts = [self.site.get(page).text for page in ("/", "/galaxies", "/galaxies/3")]
        self.site.post("/look", files=sent)
        table = self.site.get("/galaxies/table.csv").text
        return [answer.status_code, answer.json(), table, len(texts)]

    def close(self) -> None:
        """End the server's predictor."""
        self.served.predictor.close()


def main() -> int:
    """Repeat; 1 where something grew, or a result was another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20)
    given = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name, "tmp")
        temporary.mkdir()
        tempfile.tempdir = str(temporary)
        (Path(name) / "work").mkdir()
        faults = repeat(Rounds(Path(name) / "work"), temporary, 60 * given.minutes)
    for fault in faults:
        print(fault)
    return int(bool(faults))


def repeat(rounds: Rounds, temporary: Path, seconds: float) -> list[str]:
    """Do rounds for so long, tell what the process holds, and say what is wrong."""
    wanted: dict[str, str] = {}
    faults: dict[str, None] = {}
    first = last = Footprint.now(temporary)
    highest, number, end = 0.0, 0, time.monotonic() + seconds
    while number <= WARM or time.monotonic() < end:
        for name, step in rounds.steps().items():
            digest = hashlib.sha256(json.dumps(step(), default=str).encode()).hexdigest()
            if wanted.setdefault(name, digest) != digest:
                faults[f"{name}: another result"] = None
        number += 1
        last = Footprint.now(temporary)
        if number == WARM:
            first = last
        if number % 10 == 0 or number == WARM:
            print(f"round {number}: {last}", flush=True)
        highest = max(highest, last.memory_mib)
    rounds.close()
    print(f"{number} rounds; from {first} to {last}; at most {highest:.0f} MiB")
    if last.memory_mib > first.memory_mib + MEMORY:
        faults["memory grows"] = None
    if last.files > first.files + FILES:
        faults["open files grow"] = None
    if last.threads > first.threads + THREADS:
        faults["threads grow"] = None
    if last.left > first.left:
        faults["temporary files are left"] = None
    return list(faults)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
