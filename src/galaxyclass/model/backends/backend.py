"""What runs a network, and how one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import Precision
from galaxyclass.model.output import ModelOutput
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.task import Task

#: Images that a network gets at once where it runs alone, with the whole device to itself.
BATCH_SIZE = 128

#: Pixels of the images that a lane gets at once: what a core's own cache and the allocator's heap
#: of a thread hold without being filled anew for each layer. Twice as much takes a third longer.
LANE_PIXELS = 1 << 17
_FEWEST = 4


#: What computes a network.
Engine = Literal["torch", "onnxruntime", "OpenVINO"]


class Backend(Protocol):
    """Runs a model on cutouts.

    ``cutouts`` is (galaxies, height, width, channels) uint8, as the bundle's preprocessing makes
    them. It is called from the thread that asked for the prediction, unless it is a
    `ConcurrentBackend`.
    """

    def __call__(self, cutouts: NDArray[np.uint8], /) -> ModelOutput: ...


@runtime_checkable
class ConcurrentBackend(Backend, Protocol):
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

    def begin_thread(self) -> None:
        """Be told, in a lane's own thread, that it will compute there on one core."""


def is_concurrent(backend: Backend) -> TypeGuard[ConcurrentBackend]:
    """Whether a backend computes in lanes."""
    return isinstance(backend, ConcurrentBackend) and backend.concurrent


def natural_batch_size(backend: Backend, preprocessing: Preprocessing) -> int:
    """How many images a backend gets at once unless told otherwise.

    In lanes it depends on the size of a cutout alone, and not on the number of cores, so that
    whatever the machine the same images are computed together: a difference in the last bit of
    a prediction would otherwise depend on it.
    """
    if not is_concurrent(backend):
        return BATCH_SIZE
    return min(max(LANE_PIXELS // preprocessing.size**2, _FEWEST), BATCH_SIZE)


def require_fit(said: ModelOutput, galaxies: int, task: Task, auxiliary: Sequence[Task]) -> None:
    """Refuse what a backend gives where it is not what the manifest says.

    Raises
    ------
    BundleError
        The shapes differ.
    """
    wanted = [(galaxies, one.count) for one in (task, *auxiliary)]
    found = [array.shape for array in (said.values, *said.auxiliary)]
    if found != wanted or len(said.features) != galaxies:
        raise BundleError(
            "the network does not fit the bundle's manifest",
            wanted=f"outputs of shape {_shapes(wanted)} (galaxies, outputs)",
            got=f"{_shapes(found)}, and features of shape {said.features.shape}",
        )


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))


def open_backend(
    bundle: Bundle, device: str = "auto", precision: Literal["auto", "fp32", "bf16"] = "auto"
) -> Backend:
    """Load a bundle's network onto a device.

    torch runs it where it is installed and the bundle has weights for it, or where a GPU is asked
    for. A bundle that has the network as ONNX alone, such as the pretrained model, is run by
    OpenVINO where that is installed and bfloat16 is wanted, otherwise by onnxruntime.

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
        torch is not installed, and the bundle has no ONNX; the message has the ``pip install``
        line.
    DeviceError
        The device is not there.
    BundleError
        The weights do not fit the network that the manifest describes.
    """
    engine = choose_engine(bundle, device, precision)
    if engine == "OpenVINO":
        from galaxyclass.model.backends.openvino_backend import OpenvinoBackend

        return OpenvinoBackend(bundle, device, precision)
    if engine == "onnxruntime":
        from galaxyclass.model.backends.onnx_backend import OnnxBackend

        return OnnxBackend(bundle, device, precision)
    from galaxyclass.model.backends.torch_backend import TorchBackend

    return TorchBackend(bundle, device, precision)


def choose_engine(
    bundle: Bundle, device: str = "auto", precision: Literal["auto", "fp32", "bf16"] = "auto"
) -> Engine:
    """What `open_backend` runs a bundle's network with; nothing is loaded to tell."""
    torch = all(find_spec(module) for module in ("torch", "timm", "safetensors"))
    gpu = device not in ("auto", "cpu")
    if not bundle.has("network") or (torch and (bundle.has("weights") or gpu)):
        return "torch"
    wanted = bundle.manifest.precision if precision == "auto" else precision
    return "OpenVINO" if wanted == "bf16" and find_spec("openvino") else "onnxruntime"
