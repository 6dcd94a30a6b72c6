"""From image files to a stream of predictions, in order and in constant memory.

Threads read, decode and cut out ahead of the network (the decoders and OpenCV leave Python's lock
free), so that decoding overlaps inference and whatever the consumer does with a batch. How far
ahead is bounded: at any moment at most `LOOKAHEAD` + 1 batches of cutouts are alive, and one
decoded image a thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images import prepare, read_image
from galaxyclass.prediction.backends import Backend
from galaxyclass.processes import core_count
from galaxyclass.recipes import Preprocessing

#: Images that a thread takes at a time: enough that handing them over costs nothing.
_CHUNK = 16

#: Batches that may be prepared before the network asks for them.
LOOKAHEAD = 2

_Prepared = NDArray[np.uint8] | str


@dataclass(frozen=True)
class Batch:
    """Predictions for some images that follow each other.

    Attributes
    ----------
    start : int
        Place of the first image among all paths.
    paths : tuple of str
        The images, those that could not be decoded included.
    decoded : (images,) bool
        Which of them were predicted.
    values : (decoded images, outputs) float32
        What the backend gave for those; (0, 0) where there is none.
    errors : tuple of str
        Why each of the others could not be decoded.
    """

    start: int
    paths: tuple[str, ...]
    decoded: NDArray[np.bool_]
    values: NDArray[np.float32]
    errors: tuple[str, ...]


def predict_stream(
    paths: Sequence[str],
    preprocessing: Preprocessing,
    backend: Backend,
    batch_size: int,
    workers: int | None = None,
) -> Generator[Batch, None, None]:
    """Predict images one batch after the other, in the order of the paths.

    Parameters
    ----------
    paths : sequence of str
        Image files; the only thing here that grows with their number.
    preprocessing : Preprocessing
    backend : Backend
    batch_size : int
        Most images that the backend gets at once.
    workers : int, optional
        Threads that prepare images; all cores unless told otherwise.

    Yields
    ------
    Batch
        An image that cannot be decoded has its error there and stops nothing.
    """
    pool = ThreadPoolExecutor(workers or core_count(), thread_name_prefix="prepare")
    waiting: deque[tuple[range, list[Future[list[_Prepared]]]]] = deque()
    try:
        for start in range(0, len(paths), batch_size):
            span = range(start, min(start + batch_size, len(paths)))
            waiting.append((span, _submit(pool, paths, span, preprocessing)))
            if len(waiting) > LOOKAHEAD:
                yield _run(waiting.popleft(), paths, backend)
        while waiting:
            yield _run(waiting.popleft(), paths, backend)
    finally:
        # Also when the consumer stops early (Ctrl-C): what is not begun is dropped.
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(
    pool: ThreadPoolExecutor, paths: Sequence[str], span: range, preprocessing: Preprocessing
) -> list[Future[list[_Prepared]]]:
    return [
        pool.submit(_prepare_all, paths[start : min(start + _CHUNK, span.stop)], preprocessing)
        for start in range(span.start, span.stop, _CHUNK)
    ]


def _prepare_all(paths: Sequence[str], preprocessing: Preprocessing) -> list[_Prepared]:
    return [_prepare(path, preprocessing) for path in paths]


def _prepare(path: str, preprocessing: Preprocessing) -> _Prepared:
    try:
        return prepare(read_image(path, preprocessing.colour), preprocessing)
    except ImageError as error:
        return " ".join(str(error).split())


def _run(
    job: tuple[range, list[Future[list[_Prepared]]]], paths: Sequence[str], backend: Backend
) -> Batch:
    span, futures = job
    prepared = [item for future in futures for item in future.result()]
    cutouts = [item for item in prepared if not isinstance(item, str)]
    values = backend(np.stack(cutouts)) if cutouts else np.empty((0, 0), np.float32)
    return Batch(
        start=span.start,
        paths=tuple(paths[span.start : span.stop]),
        decoded=np.array([not isinstance(item, str) for item in prepared], dtype=bool),
        values=values,
        errors=tuple(item for item in prepared if isinstance(item, str)),
    )
