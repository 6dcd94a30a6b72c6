"""The time that preparing images and running the network take alone: the limits of prediction.

A prediction is as fast as the machine allows if it takes little more than the sum of these two:
the threads do the same work, but no results are collected or written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.model.backends.backend import Backend, is_concurrent
from galaxyclass.model.cutouts import Cutouts
from galaxyclass.model.stream import CHUNK
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers.allocator import memory_kept
from galaxyclass.workers.ordered import ordered_pool
from galaxyclass.workers.processes import core_count


def prepare_alone(
    paths: Sequence[str], preprocessing: Preprocessing, workers: int | None = None
) -> float:
    """Measure how long reading, decoding and cutting out take, without a network.

    Parameters
    ----------
    paths : sequence of str
        Image files, which should have been read before, so that they are in the disk cache.
    preprocessing : Preprocessing
    workers : int, optional
        Threads, as for a prediction; all cores by default.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "orange.png"
    >>> Image.new("RGB", (40, 30), (255, 128, 0)).save(path)
    >>> prepare_alone([str(path)] * 4, Preprocessing(size=16)) > 0
    True
    """

    def prepare(start: int) -> None:
        Cutouts(paths[start : start + CHUNK], start, [preprocessing]).read()

    begun = time.perf_counter()
    for _ in ordered_pool(prepare, range(0, len(paths), CHUNK), workers or core_count()):
        pass
    return time.perf_counter() - begun


def network_alone(
    backend: Backend,
    cutouts: NDArray[np.uint8],
    batch_size: int,
    workers: int | None = None,
) -> float:
    """Measure how long a network takes for cutouts that are in memory already.

    The first call in a process also optimises the network for this batch size: measure twice.

    Parameters
    ----------
    backend : Backend
        Called from several threads if it `is_concurrent`, otherwise one batch after the other, as
        in a prediction.
    cutouts : (galaxies, height, width, channels) uint8
    batch_size : int
        As in the prediction to compare with, see `natural_batch_size`.
    workers : int, optional
        Threads; all cores by default.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    >>> from galaxyclass.model.output import ModelOutput
    >>> def backend(cutouts):
    ...     means = cutouts.mean(axis=(1, 2), dtype=np.float32)
    ...     return ModelOutput(means, (), means)
    >>> network_alone(backend, np.zeros((10, 8, 8, 3), np.uint8), 4) > 0
    True
    """

    def batches() -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(cutouts), batch_size):
            yield cutouts[start : start + batch_size]

    begun = time.perf_counter()
    if is_concurrent(backend):
        with memory_kept():
            for _ in ordered_pool(
                backend, batches(), workers or core_count(), backend.begin_thread
            ):
                pass
    else:
        for batch in batches():
            backend(batch)
    return time.perf_counter() - begun
