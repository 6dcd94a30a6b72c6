"""How much of the network's own speed a prediction reaches, of arrays and of files.

    python benchmarks/network_share.py --images DIR [--arrays 4000] [--rounds 4] [--workers 2]

The network's own speed is that of the same session, batches and threads on cutouts that were made
beforehand. It is measured in turns with `model.predict` of arrays of 128 x 128 pixels (from the
middle half of the pictures in DIR) and with `model.predict_to_file` of the files themselves, in
one process: A B C A B C. Printed are medians of the processor's time and of the clock's, and the
shares of the network's own speed in each round; beside other work, read the processor's. Then a
generator of arrays is predicted into a file (`--generated`), and the memory held when half of them
were read is compared with the most held after that; where it grew, the exit code is 1.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

import galaxyclass
from galaxyclass.images.files import image_paths
from galaxyclass.images.read import read_image
from galaxyclass.model.backends.backend import natural_batch_size
from galaxyclass.model.cutouts import Cutouts
from galaxyclass.workers.allocator import memory_kept

SIDE = 128
#: Bytes that the memory may grow by in the second half of a generator's arrays.
SPARE_BYTES = 16 * 2**20


class Cost(NamedTuple):
    """Milliseconds for each picture: of the processor's time, and of the clock's."""

    processor: float
    clock: float


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--arrays", type=int, default=4000)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--generated", type=int, default=4000)
    given = parser.parse_args()
    paths = image_paths(given.images)[: given.files]
    few = np.stack([shrink(read_image(path)) for path in paths[:400]])
    arrays = few[np.arange(given.arrays) % len(few)]
    model = galaxyclass.load_model(workers=given.workers)
    cutouts = make_cutouts(model, arrays)
    model.predict(arrays[:64])
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "p.csv"
        tasks: dict[str, tuple[int, Callable[[], object]]] = {
            "network": (len(arrays), lambda: run_network(model, cutouts, given.workers)),
            "arrays": (len(arrays), lambda: model.predict(arrays)),
            "files": (
                len(paths),
                lambda: model.predict_to_file(paths, output=output, overwrite=True),
            ),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in tasks}
        for _ in range(given.rounds):
            for name, (count, work) in tasks.items():
                costs[name].append(measure(work, count))
        print(f"{len(arrays):,} arrays, {len(paths):,} files, {given.workers} threads")
        for name, rounds in costs.items():
            print(describe(name, rounds, costs["network"]))
        return 0 if stays_constant(model, few, given.generated, output) else 1


def shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle half of a picture, in `SIDE` x `SIDE` pixels."""
    height, width = (side // 4 for side in picture.shape[:2])
    middle = picture[height : 3 * height, width : 3 * width]
    return np.asarray(cv2.resize(middle, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def make_cutouts(model: galaxyclass.Model, arrays: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The batches that a prediction of these arrays would call the network with."""
    ensemble = model.ensemble
    size = natural_batch_size(ensemble.backend, ensemble.preprocessings[0])
    batches = []
    for start in range(0, len(arrays), size):
        batch = Cutouts(list(arrays[start : start + size]), start, ensemble.preprocessings)
        batch.read()
        batches.append(batch.arrays[0])
    return batches


def run_network(model: galaxyclass.Model, cutouts: list[NDArray[np.uint8]], workers: int) -> None:
    """The network alone, a batch in each thread."""
    with memory_kept(), ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(model.ensemble.backend, cutouts):
            pass


def measure(work: Callable[[], object], count: int) -> Cost:
    begun = time.process_time(), time.perf_counter()
    work()
    ended = time.process_time(), time.perf_counter()
    return Cost(*(1000 * (end - begin) / count for begin, end in zip(begun, ended, strict=True)))


def describe(name: str, rounds: list[Cost], network: list[Cost]) -> str:
    """A line: milliseconds for each picture, and the share of the network's own speed."""
    cells = [f"{name:8}"]
    for part in ("processor", "clock"):
        milliseconds = [getattr(cost, part) for cost in rounds]
        own = [getattr(cost, part) for cost in network]
        shares = [base / value for base, value in zip(own, milliseconds, strict=True)]
        cells.append(
            f"{part} {statistics.median(milliseconds):6.3f} ms, share "
            f"{statistics.median(shares):5.1%} ({min(shares):.1%} to {max(shares):.1%})"
        )
    return "   ".join(cells)


def stays_constant(
    model: galaxyclass.Model, few: NDArray[np.uint8], count: int, output: Path
) -> bool:
    """Whether a generator of so many arrays is predicted in constant memory."""
    held: list[int] = []

    def generate() -> Iterator[NDArray[np.uint8]]:
        for index in range(count):
            if index >= count // 2:
                held.append(held_bytes())
            yield few[index % len(few)].copy()

    summary = model.predict_to_file(generate(), output=output, overwrite=True)
    grown = max(held) - held[0]
    print(
        f"generator of {count:,}: {summary.predicted:,} predicted, {held[0] / 1e6:.0f} MB held "
        f"half-way, {grown / 1e6:.1f} MB more at most"
    )
    return summary.predicted == count and grown < SPARE_BYTES


def held_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
