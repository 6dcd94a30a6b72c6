"""What a backend is: it runs a network. How it may be called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.manifest import ComputedPrecision
from galaxyclass.model.output import ModelOutput
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.task import Task

#: Images that a network gets at once where it has the whole device to itself.
BATCH_SIZE = 128

#: Pixels of the images that a thread predicts at once: so many fit into a core's own cache and the
#: thread's heap. Twice as many take a third longer per image.
THREAD_PIXELS = 1 << 17
_FEWEST = 4


class Backend(Protocol):
    """Runs a model on cutouts.

    ``cutouts`` is (galaxies, height, width, channels) uint8, as the bundle's preprocessing makes
    them. It is called from the thread that asked for the prediction, unless it is a
    `ConcurrentBackend`.
    """

    def __call__(self, cutouts: NDArray[np.uint8], /) -> ModelOutput: ...


@runtime_checkable
class ConcurrentBackend(Backend, Protocol):
    """A backend that may compute several batches at once, each in a thread of its own.

    Attributes
    ----------
    concurrent : bool
        Whether it may on this device; otherwise it is called as any other backend.
    precision : {"fp32", "bf16", "int8"}
        In which it computes: part of what a prediction depends on.
    note : str
        A remark on the precision for the user; may be empty.
    """

    concurrent: bool
    precision: ComputedPrecision
    note: str

    def begin_thread(self) -> None:
        """Prepare the calling thread, which will compute there on one core."""


def is_concurrent(backend: Backend) -> TypeGuard[ConcurrentBackend]:
    """Whether a backend may be called from several threads at once."""
    return isinstance(backend, ConcurrentBackend) and backend.concurrent


def runs_in_any_thread(backend: Backend) -> bool:
    """Whether a concurrent backend gives the same in a thread that was not prepared for it.

    Its ``begin_thread`` has nothing to do then, and its ``any_thread`` is true. A backend without
    this attribute is only called from threads of its own.
    """
    return is_concurrent(backend) and bool(getattr(backend, "any_thread", False))


class WrappingBackend:
    """A backend that computes with another one, and may be called as that one may be.

    Parameters
    ----------
    backend : Backend
        The one beneath.

    Attributes
    ----------
    concurrent, precision, note
        See `ConcurrentBackend`.
    any_thread : bool
        See `runs_in_any_thread`.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.concurrent = is_concurrent(backend)
        self.any_thread = runs_in_any_thread(backend)
        self.precision: ComputedPrecision = "fp32"
        self.note = ""
        if isinstance(backend, ConcurrentBackend):
            self.precision, self.note = backend.precision, backend.note

    def begin_thread(self) -> None:
        """Prepare the calling thread, which will compute there on one core."""
        if isinstance(self._backend, ConcurrentBackend):
            self._backend.begin_thread()


def natural_batch_size(backend: Backend, preprocessing: Preprocessing) -> int:
    """How many images a backend gets at once by default.

    For a concurrent backend it depends on the size of a cutout alone, and not on the number of
    cores. The same images are then computed together on every machine, and predictions are the
    same to the last bit.
    """
    if not is_concurrent(backend):
        return BATCH_SIZE
    return min(max(THREAD_PIXELS // preprocessing.size**2, _FEWEST), BATCH_SIZE)


def require_fit(output: ModelOutput, galaxies: int, task: Task, auxiliary: Sequence[Task]) -> None:
    """Refuse outputs of a backend whose shapes are not those of the manifest.

    Raises
    ------
    BundleError
        The shapes differ.
    """
    wanted = [(galaxies, part.count) for part in (task, *auxiliary)]
    shapes = [array.shape for array in (output.values, *output.auxiliary)]
    if shapes != wanted or len(output.features) != galaxies:
        raise BundleError(
            "the network does not fit the bundle's manifest",
            wanted=f"outputs of shape {_shapes(wanted)} (galaxies, outputs)",
            got=f"{_shapes(shapes)}, and features of shape {output.features.shape}",
        )


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))
