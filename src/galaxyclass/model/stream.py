"""From images to a stream of predictions, in order and in constant memory.

On the CPU a thread on each core takes a batch of images, reads them and predicts them. No thread
waits for another inside a batch, so all cores are busy until the end. A network on another device,
or a backend of the user's, runs one batch after the other while threads read the next batches (the
decoders and OpenCV release Python's lock).

A single batch is read and predicted in the caller's thread where the backend needs no thread of its
own: starting one would take longer than a small network.

In both cases the number of images that are read ahead of the consumer is bounded, and so is the
memory.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.backends.backend import (
    Backend,
    ConcurrentBackend,
    is_concurrent,
    natural_batch_size,
    runs_in_any_thread,
)
from galaxyclass.model.cutouts import Cutouts, Picture
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.output import ModelOutput, require_model_output
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers.allocator import memory_kept
from galaxyclass.workers.ordered import ordered_pool
from galaxyclass.workers.processes import core_count

#: From cutouts (galaxies, height, width, channels) uint8 to (galaxies, statistics) float32.
DescribeCutouts = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

_BY_DEFAULT = InferenceOptions()

#: Images that a reading thread takes at a time: enough that handing them over costs nothing.
CHUNK = 16

#: Batches that threads read in advance for a network that runs one batch at a time: at least two,
#: so that the network never waits for the disk.
LOOKAHEAD = 2

#: A thread takes turns between decoding and predicting. In a turn it decodes several batches, then
#: predicts them: at most so many batches, and so many images. Each change between decoder and
#: network empties a core's cache: changing after every batch costs 5 % of a fast network's time,
#: after every fourth batch 1 %.
TURN_BATCHES = 8
TURN_IMAGES = 128


@dataclass(frozen=True)
class PredictedBatch:
    """Predictions for some images that follow each other.

    Attributes
    ----------
    start : int
        Index of the first image among all images.
    paths : tuple of str
        The images' files, "" of an image in memory; those that could not be decoded included.
    decoded : (images,) bool
        Which of them were predicted.
    output : ModelOutput or None
        Of the predicted images; None where there are none.
    errors : tuple of str
        Why each of the others could not be decoded.
    image_statistics : (decoded images, statistics) float32, or None
        Of the cutouts, where they were asked for.
    notes : mapping of str to int
        Remarks on how images were read, and for how many each holds.
    """

    start: int
    paths: tuple[str, ...]
    decoded: NDArray[np.bool_]
    output: ModelOutput | None
    errors: tuple[str, ...]
    image_statistics: NDArray[np.float32] | None = None
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed_paths(self) -> list[str]:
        """The images that could not be decoded."""
        return [path for path, decoded in zip(self.paths, self.decoded, strict=True) if not decoded]


def predict_stream(
    images: Sequence[Picture] | Iterator[Picture],
    preprocessing: Preprocessing | Sequence[Preprocessing],
    backend: Backend,
    options: InferenceOptions = _BY_DEFAULT,
    *,
    start: int = 0,
    describe: DescribeCutouts | None = None,
) -> Generator[PredictedBatch, None, None]:
    """Predict images one batch after the other, in their order.

    Parameters
    ----------
    images : sequence or iterator of str or (height, width, bands) arrays
        Image files, or images in memory (`galaxyclass.images.arrays`). An iterator is read in
        the caller's thread, a bounded number of images ahead: memory does not grow with it.
    preprocessing : Preprocessing or a sequence of them
        With several, each makes a cutout of every image, and the backend is called with an array
        for each (`Ensemble`).
    backend : Backend
        If it `is_concurrent`, it is called from several threads; otherwise from the caller's. Of
        a single batch it is called from the caller's, too, if it `runs_in_any_thread`.
    options : InferenceOptions
        Its ``batch_size`` (`natural_batch_size` by default) and ``workers`` count here.
    start : int
        Index of the first image to predict. Batches always begin at multiples of the batch size,
        so that images are batched together as without it. Ignored for an iterator.
    describe : callable, optional
        Computes statistics of the cutouts of the first preprocessing.

    Yields
    ------
    PredictedBatch
        An image that cannot be decoded has its error in there and stops nothing.
    """
    preprocessings = [preprocessing] if isinstance(preprocessing, Preprocessing) else preprocessing
    largest = max(preprocessings, key=lambda settings: settings.size)
    size = options.batch_size or natural_batch_size(backend, largest)
    batching = _Batching(images, preprocessings, start, size, describe)
    workers = options.workers or core_count()
    if batching.batches == 1 and runs_in_any_thread(backend):
        yield _in_this_thread(batching, backend)
    elif is_concurrent(backend):
        yield from _in_threads(batching, backend, workers)
    else:
        yield from _one_at_a_time(batching, backend, workers)


class _Span(NamedTuple):
    """Images that are predicted together, and the index of the first."""

    start: int
    images: Sequence[Picture]


@dataclass(frozen=True)
class _Batching:
    """Which images are predicted together, and how a batch is predicted."""

    images: Sequence[Picture] | Iterator[Picture]
    preprocessings: Sequence[Preprocessing]
    start: int
    size: int
    describe: DescribeCutouts | None

    @property
    def batches(self) -> int | None:
        """How many batches there are; None for an iterator, whose length is not known."""
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
        """Index of the first image of each batch, if batches began at image 0."""
        if self.start >= len(images):
            return range(0)
        return range(self.start // self.size * self.size, len(images), self.size)

    def begin(self, span: _Span) -> Cutouts:
        """The cutouts of a batch, not read yet."""
        return Cutouts(span.images, span.start, self.preprocessings)

    def statistics(self, cutouts: Cutouts) -> NDArray[np.float32] | None:
        """The image statistics of a batch that has been read; None if they are not asked for."""
        if self.describe is None or not cutouts.decoded.any():
            return None
        return self.describe(cutouts.arrays[0])

    def run(
        self, cutouts: Cutouts, statistics: NDArray[np.float32] | None, backend: Backend
    ) -> PredictedBatch:
        """Predict a batch that has been read."""
        arrays, decoded = cutouts.arrays, cutouts.decoded
        return PredictedBatch(
            start=cutouts.start,
            paths=cutouts.paths,
            decoded=decoded,
            output=require_model_output(backend(*arrays)) if decoded.any() else None,
            errors=cutouts.errors,
            image_statistics=statistics,
            notes=cutouts.notes,
        )


def _in_this_thread(batching: _Batching, backend: Backend) -> PredictedBatch:
    """Predict the only batch."""
    cutouts = batching.begin(next(batching.spans()))
    cutouts.read()
    return batching.run(cutouts, batching.statistics(cutouts), backend)


def _in_threads(
    batching: _Batching, backend: ConcurrentBackend, workers: int
) -> Generator[PredictedBatch, None, None]:
    stopping = threading.Event()

    def predict(turn: Sequence[_Span]) -> list[PredictedBatch]:
        batches_of_turn = []
        for cutouts in map(batching.begin, turn):
            cutouts.read()
            # While its pixels are still in the core's cache, and the network is not.
            batches_of_turn.append((cutouts, batching.statistics(cutouts)))
        # Ctrl-C waits for one batch of each thread, not for a whole turn.
        return [
            batching.run(cutouts, statistics, backend)
            for cutouts, statistics in batches_of_turn
            if not stopping.is_set()
        ]

    most = max(1, min(TURN_BATCHES, TURN_IMAGES // batching.size))
    batches = batching.batches
    lengths = repeat(most) if batches is None else map(len, turn_sizes(batches, most, workers))
    turns = _turns(batching, lengths)
    threads = ordered_pool(predict, turns, workers, backend.begin_thread, stopping=stopping)
    with memory_kept(), closing(threads) as results:
        for predicted in results:
            yield from predicted


def _turns(batching: _Batching, lengths: Iterable[int]) -> Iterator[Sequence[_Span]]:
    """The batches of each turn, for turns of these lengths, until no images are left."""
    spans = batching.spans()
    for length in lengths:
        turn = tuple(islice(spans, length))
        if not turn:
            return
        yield turn


def turn_sizes(batches: int, most: int, workers: int) -> Iterator[range]:
    """The batches of each turn: fewer towards the end, so that all threads end together."""
    first = 0
    while first < batches:
        count = max(1, min(most, (batches - first) // (2 * workers)))
        yield range(first, first + count)
        first += count


def _one_at_a_time(
    batching: _Batching, backend: Backend, workers: int
) -> Generator[PredictedBatch, None, None]:
    def chunks() -> Iterator[tuple[Cutouts, range]]:
        for cutouts in map(batching.begin, batching.spans()):
            count = len(cutouts.paths)
            for first in range(0, count, CHUNK):
                yield cutouts, range(first, min(first + CHUNK, count))

    def read(chunk: tuple[Cutouts, range]) -> tuple[Cutouts, bool]:
        cutouts, indices = chunk
        cutouts.read(indices)
        return cutouts, indices.stop == len(cutouts.paths)

    ahead = LOOKAHEAD * math.ceil(batching.size / CHUNK)
    with closing(ordered_pool(read, chunks(), workers, ahead=ahead)) as results:
        for cutouts, is_last_chunk in results:
            if is_last_chunk:
                yield batching.run(cutouts, batching.statistics(cutouts), backend)
