"""What runs a network, and how one is chosen."""

from __future__ import annotations

from typing import Literal, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from galaxyclass.bundles import Bundle, Precision
from galaxyclass.recipes import Preprocessing

#: Images that a network gets at once where it runs alone, with the whole device to itself.
BATCH_SIZE = 128

#: Pixels of the images that a lane gets at once: what a core's own cache and the allocator's heap
#: of a thread hold without being filled anew for each layer. Twice as much takes a third longer.
LANE_PIXELS = 1 << 17
_FEWEST = 4


class Backend(Protocol):
    """Runs a model on cutouts.

    ``cutouts`` is (galaxies, height, width, channels) uint8, as the bundle's preprocessing makes
    them; the result is (galaxies, outputs) float32: joint vote fractions in the tree's order, or
    probabilities of classes in the bundle's order. It is called from the thread that asked for
    the prediction, unless it is a `LaneBackend`.
    """

    def __call__(self, cutouts: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@runtime_checkable
class LaneBackend(Backend, Protocol):
    """A backend that may compute several batches at once, each in a thread of its own: a lane.

    Attributes
    ----------
    concurrent : bool
        Whether it may here; otherwise it is called as any other backend.
    precision : {"fp32", "bf16"}
        In which it computes: part of what a prediction depends on.
    note : str
        What the user ought to know of that; empty where it is nothing.
    """

    concurrent: bool
    precision: Precision
    note: str

    def begin_lane(self) -> None:
        """Be told, in a lane's own thread, that it will compute there on one core."""


def is_concurrent(backend: Backend) -> TypeGuard[LaneBackend]:
    """Whether a backend computes in lanes."""
    return isinstance(backend, LaneBackend) and backend.concurrent


def natural_batch_size(backend: Backend, preprocessing: Preprocessing) -> int:
    """How many images a backend gets at once unless told otherwise.

    In lanes it depends on the size of a cutout alone, and not on the number of cores, so that
    whatever the machine the same images are computed together: a difference in the last bit of
    a prediction would otherwise depend on it.
    """
    if not is_concurrent(backend):
        return BATCH_SIZE
    return min(max(LANE_PIXELS // preprocessing.size**2, _FEWEST), BATCH_SIZE)


def open_backend(
    bundle: Bundle, device: str = "auto", precision: Literal["auto", "fp32", "bf16"] = "auto"
) -> Backend:
    """Load a bundle's network onto a device.

    Parameters
    ----------
    bundle : Bundle
    device : {"auto", "cpu", "cuda", "mps"}
        ``auto`` takes a GPU where there is one.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` takes bfloat16 where the network was trained in it and the device has it;
        where ``bf16`` is not to be had, 32-bit floats take its place and a note says so.

    Raises
    ------
    MissingExtraError
        torch is not installed; the message has the ``pip install`` line.
    DeviceError
        The device is not there.
    BundleError
        The weights do not fit the network that the manifest describes.
    """
    from galaxyclass.prediction.torch_backend import TorchBackend

    return TorchBackend(bundle, device, precision)
