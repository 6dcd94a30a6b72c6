"""Predict again and again in one process, and begin with very many files: nothing may grow.

    python benchmarks/long_runs.py repeat --minutes 10
    python benchmarks/long_runs.py many --files 200000
    python benchmarks/long_runs.py together --processes 4
    python benchmarks/long_runs.py memory --images 20000

`repeat` predicts the same pictures until the time is over: the memory that is held and the open
files must stay flat, and the predictions the same to the last bit. `many` lists and begins
to predict a folder of so many files, which are links to a few. `together` packs the same pictures
into one cache from several processes at once. `memory` predicts so many pictures of one array in
one call, and the same in pieces. `--model` names another model than the pretrained one: a fast one
does the work of a day in minutes. Each prints JSON, and ends with 1 where something
grew or differed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import galaxyclass
from galaxyclass.images.files import image_paths

#: Bytes that the memory may grow by between the first tenth of the rounds and the last.
SPARE_BYTES = 30 * 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    repeat_options = commands.add_parser("repeat")
    repeat_options.add_argument("--minutes", type=float, default=10)
    repeat_options.add_argument("--images", type=int, default=64)
    many_options = commands.add_parser("many")
    many_options.add_argument("--files", type=int, default=200_000)
    together_options = commands.add_parser("together")
    together_options.add_argument("--processes", type=int, default=4)
    memory_options = commands.add_parser("memory")
    memory_options.add_argument("--images", type=int, default=20_000)
    for options in (repeat_options, many_options, memory_options):
        options.add_argument("--model", default="pretrained", help="of any kind")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.command == "repeat":
            found = repeat(folder, given.model, given.minutes, given.images)
        elif given.command == "many":
            found = many(folder, given.model, given.files)
        elif given.command == "memory":
            found = in_memory(given.model, given.images)
        else:
            found = together(folder, given.processes)
    print(json.dumps(found, indent=1))
    return 0 if found["ok"] else 1


def draw(folder: Path, count: int) -> Path:
    """So many small pictures of noise."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        pixels = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06}.jpg")
    return folder


def repeat(folder: Path, model: str, minutes: float, images: int) -> dict[str, object]:
    """The same prediction, until the time is over."""
    pictures, output = draw(folder / "images", images), folder / "p.csv"
    end, digests, memory, files = time.monotonic() + 60 * minutes, set(), [], []
    while time.monotonic() < end or len(memory) < 10:
        galaxyclass.predict(model, pictures, output=output, overwrite=True)
        digests.add(hashlib.sha256(output.read_bytes()).hexdigest())
        gc.collect()
        memory.append(_held_bytes())
        files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
    tenth = max(1, len(memory) // 10)
    first, last = max(memory[tenth : 3 * tenth]), max(memory[-tenth:])
    return {
        "rounds": len(memory),
        "pictures": len(memory) * images,
        "different results": len(digests),
        "MB": [round(value / 1e6) for value in (first, last)],
        "open files": [files[tenth], files[-1]],
        "ok": len(digests) == 1 and last - first < SPARE_BYTES and files[-1] <= files[tenth],
    }


def _held_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def many(folder: Path, model: str, count: int) -> dict[str, object]:
    """List a folder of links, and predict until the first pictures are done."""
    first = draw(folder / "first", 50)
    originals = sorted(first.iterdir())
    pictures = folder / "many"
    pictures.mkdir()
    for number in range(count):
        os.link(originals[number % len(originals)], pictures / f"{number:07}.jpg")
    begun, before = time.monotonic(), _held_bytes()
    paths = image_paths(pictures)
    listed, held = time.monotonic() - begun, _held_bytes() - before
    started: list[float] = []

    class Enough(Exception):  # noqa: N818
        pass

    def progress(stage: str, done: int, _total: int | None, **_: object) -> None:
        if stage == "predict" and done:
            started.append(time.monotonic() - begun)
            raise Enough

    begun = time.monotonic()
    with contextlib.suppress(Enough):
        galaxyclass.predict(model, pictures, output=folder / "p.csv", progress=progress)
    return {
        "files": len(paths),
        "seconds to list": round(listed, 1),
        "MB of the list": round(held / 1e6),
        "seconds to the first predictions": round(started[0], 1) if started else None,
        "MB at most": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "ok": len(paths) == count and bool(started),
    }


def in_memory(model: str, count: int) -> dict[str, object]:
    """Pictures of one array in one call, and the same in pieces of a thousand."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    predictor = galaxyclass.load_model(model)
    predictor.predict(images[:100])
    before, begun = _peak_bytes(), time.monotonic()
    whole = predictor.predict(images).to_arrow()
    took, grown = time.monotonic() - begun, _peak_bytes() - before
    names = whole.column_names[1:]  # the ids count from 0 in each call
    starts = range(0, count, 1000)
    pieces = [predictor.predict(images[start : start + 1000]).to_arrow() for start in starts]
    same = all(
        whole.slice(start, 1000).select(names).equals(piece.select(names))
        for start, piece in zip(starts, pieces, strict=True)
    )
    return {
        "images": count,
        "MB of the images": round(images.nbytes / 1e6),
        "MB more at most": round(grown / 1e6),
        "seconds": round(took, 1),
        "the same in pieces": same,
        "ok": same and whole.num_rows == count,
    }


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def together(folder: Path, processes: int) -> dict[str, object]:
    """The same pack, made by several processes at once in one cache."""
    pictures, cache = draw(folder / "images", 200), folder / "cache"
    command = [sys.executable, "-m", "galaxyclass", "pack", "--images", str(pictures)]
    command += ["--set", "images.size=32", "--cache", str(cache), "--workers", "1"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(processes)
    ]
    ended = [process.communicate() for process in running]
    packs = list(cache.rglob("pack.json"))
    left = [str(path.name) for path in cache.rglob("*.tmp")]
    return {
        "statuses": [process.returncode for process in running],
        "tracebacks": sum(b"Traceback" in errors for _, errors in ended),
        "packs": len(packs),
        "left behind": left,
        "ok": all(p.returncode == 0 for p in running) and len(packs) == 1 and not left,
    }


if __name__ == "__main__":
    sys.exit(main())
