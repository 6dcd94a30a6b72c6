"""From images to a stream of predictions, in order and in constant memory.

A network on the CPU has lanes: each core takes a batch of images, reads them and predicts them
by itself. Nothing waits for anything inside a batch, so that all cores are busy until the last
ones. A network that has a device of its own, or a backend of the user's, runs one batch after the
other while threads read the next ones (the decoders and OpenCV leave Python's lock free).

Either way, how far anything is ahead of the consumer is bounded, and so is the memory.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.backends.backend import (
    Backend,
    ConcurrentBackend,
    is_concurrent,
    natural_batch_size,
)
from galaxyclass.model.cutouts import Cutouts, Picture
from galaxyclass.model.output import ModelOutput
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers.allocator import memory_kept
from galaxyclass.workers.ordered import ordered_pool
from galaxyclass.workers.processes import core_count

#: From cutouts (galaxies, height, width, channels) uint8 to (galaxies, looks) float32.
DescribeCutouts = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

#: Images that a thread takes at a time which only reads: handing them over then costs nothing.
CHUNK = 16

#: Batches that are read at least before a network that runs one at a time asks for them.
LOOKAHEAD = 2

#: What a lane reads, and then predicts, before it reads again: at most so many batches and images.
#: The fewer times the decoder and the network push each other out of a core's cache, the better:
#: taking turns after each batch costs 5 % of a fast network's time, after four of them 1 %.
TURN_BATCHES = 8
TURN_IMAGES = 128


@dataclass(frozen=True)
class PredictedBatch:
    """Predictions for some images that follow each other.

    Attributes
    ----------
    start : int
        Place of the first image among all of them.
    paths : tuple of str
        The images' files, "" of an image in memory; those that could not be decoded included.
    decoded : (images,) bool
        Which of them were predicted.
    estimates : ModelOutput or None
        What the backend gave for those; None where there is none.
    errors : tuple of str
        Why each of the others could not be decoded.
    looks : (decoded images, looks) float32, or None
        What they look like, where that was asked for.
    """

    start: int
    paths: tuple[str, ...]
    decoded: NDArray[np.bool_]
    estimates: ModelOutput | None
    errors: tuple[str, ...]
    looks: NDArray[np.float32] | None = None

    @property
    def failed_paths(self) -> list[str]:
        """The images that could not be decoded."""
        return [path for path, fine in zip(self.paths, self.decoded, strict=True) if not fine]


def predict_stream(
    images: Sequence[Picture] | Iterator[Picture],
    preprocessing: Preprocessing | Sequence[Preprocessing],
    backend: Backend,
    batch_size: int | None = None,
    workers: int | None = None,
    *,
    start: int = 0,
    look: DescribeCutouts | None = None,
) -> Generator[PredictedBatch, None, None]:
    """Predict images one batch after the other, in their order.

    Parameters
    ----------
    images : sequence or iterator of str or (height, width, bands) arrays
        Image files, or images in memory (`galaxyclass.images.arrays`). An iterator is taken a
        bounded way ahead, in the caller's thread: nothing here grows with their number then.
    preprocessing : Preprocessing or a sequence of them
        Of several each makes a cutout of every image, and the backend is called with an array for
        each (`Ensemble`).
    backend : Backend
        One that `is_concurrent` is called from several threads, any other from the caller's.
    batch_size : int, optional
        Most images that the backend gets at once; `natural_batch_size` unless told otherwise.
    workers : int, optional
        Cores to use; all unless told otherwise. What is predicted does not depend on it.
    start : int
        Place of the first image to predict. Batches begin at the multiples of ``batch_size``
        wherever the first one does: images are in the same company as without it. Of an iterator
        the first image is the first.
    look : callable, optional
        Describes the cutouts by the first preprocessing, in the thread that predicts them.

    Yields
    ------
    PredictedBatch
        An image that cannot be decoded has its error there and stops nothing.
    """
    several = [preprocessing] if isinstance(preprocessing, Preprocessing) else preprocessing
    largest = max(several, key=lambda one: one.size)
    size = batch_size or natural_batch_size(backend, largest)
    grid = _Grid(images, several, start, size, look)
    workers = workers or core_count()
    if is_concurrent(backend):
        yield from _in_lanes(grid, backend, workers)
    else:
        yield from _one_at_a_time(grid, backend, workers)


class _Span(NamedTuple):
    """Images that are predicted together, and the place of the first."""

    start: int
    images: Sequence[Picture]


@dataclass(frozen=True)
class _Grid:
    """Which images are predicted together, and how a batch of them is."""

    images: Sequence[Picture] | Iterator[Picture]
    preprocessings: Sequence[Preprocessing]
    start: int
    size: int
    look: DescribeCutouts | None

    @property
    def batches(self) -> int | None:
        """How many batches there are; None of an iterator, whose end is not known."""
        return None if isinstance(self.images, Iterator) else len(self._firsts(self.images))

    def spans(self) -> Iterator[_Span]:
        """The images of each batch."""
        if isinstance(self.images, Iterator):
            start = 0
            while images := tuple(islice(self.images, self.size)):
                yield _Span(start, images)
                start += len(images)
            return
        for first in self._firsts(self.images):
            begin, end = max(first, self.start), min(first + self.size, len(self.images))
            yield _Span(begin, self.images[begin:end])

    def _firsts(self, images: Sequence[Picture]) -> range:
        """Where each batch begins, had there been no earlier start."""
        if self.start >= len(images):
            return range(0)
        return range(self.start // self.size * self.size, len(images), self.size)

    def begin(self, span: _Span) -> Cutouts:
        """The cutouts of a batch, still to be read."""
        return Cutouts(span.images, span.start, self.preprocessings)

    def run(self, cutouts: Cutouts, backend: Backend) -> PredictedBatch:
        """What is said of a batch that is read."""
        arrays, fine = cutouts.arrays, cutouts.decoded
        return PredictedBatch(
            start=cutouts.start,
            paths=cutouts.paths,
            decoded=fine,
            estimates=backend(*arrays) if fine.any() else None,
            errors=cutouts.errors,
            looks=self.look(arrays[0]) if self.look is not None and fine.any() else None,
        )


def _in_lanes(
    grid: _Grid, backend: ConcurrentBackend, workers: int
) -> Generator[PredictedBatch, None, None]:
    stopping = threading.Event()

    def predict(turn: Sequence[_Span]) -> list[PredictedBatch]:
        begun = [grid.begin(span) for span in turn]
        for cutouts in begun:
            cutouts.read()
        # Ctrl-C waits for one batch of each lane, not for a whole turn.
        return [grid.run(cutouts, backend) for cutouts in begun if not stopping.is_set()]

    most = max(1, min(TURN_BATCHES, TURN_IMAGES // grid.size))
    batches = grid.batches
    lengths = repeat(most) if batches is None else map(len, turn_sizes(batches, most, workers))
    turns = _shared_out(grid, lengths)
    lanes = ordered_pool(predict, turns, workers, backend.begin_thread, stopping=stopping)
    with memory_kept(), closing(lanes) as done:
        for predicted in done:
            yield from predicted


def _shared_out(grid: _Grid, lengths: Iterable[int]) -> Iterator[Sequence[_Span]]:
    """The batches, so many at a time, until there are none left."""
    spans = grid.spans()
    for length in lengths:
        turn = tuple(islice(spans, length))
        if not turn:
            return
        yield turn


def turn_sizes(batches: int, most: int, workers: int) -> Iterator[range]:
    """Share out batches, ever fewer towards the end, so that all lanes end at the same time."""
    first = 0
    while first < batches:
        count = max(1, min(most, (batches - first) // (2 * workers)))
        yield range(first, first + count)
        first += count


def _one_at_a_time(
    grid: _Grid, backend: Backend, workers: int
) -> Generator[PredictedBatch, None, None]:
    def chunks() -> Iterator[tuple[Cutouts, range]]:
        for cutouts in map(grid.begin, grid.spans()):
            count = len(cutouts.paths)
            for first in range(0, count, CHUNK):
                yield cutouts, range(first, min(first + CHUNK, count))

    def read(chunk: tuple[Cutouts, range]) -> tuple[Cutouts, bool]:
        cutouts, places = chunk
        cutouts.read(places)
        return cutouts, places.stop == len(cutouts.paths)

    ahead = LOOKAHEAD * math.ceil(grid.size / CHUNK)
    with closing(ordered_pool(read, chunks(), workers, ahead=ahead)) as done:
        for cutouts, whole in done:
            if whole:
                yield grid.run(cutouts, backend)
