"""Backends that run a network, and the choice between them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ChosenPrecision
from galaxyclass.errors import BundleError
from galaxyclass.model.bundle.load import Bundle
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

#: The library that runs a network.
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


def open_backend(
    bundle: Bundle, device: str = "auto", precision: ChosenPrecision = "auto"
) -> Backend:
    """Load a bundle's network onto a device.

    torch runs it if it is installed and the bundle has weights, or if a GPU is asked for. A bundle
    that has only the network as ONNX, such as the pretrained model, is run by OpenVINO if that is
    installed and bfloat16 is wanted, otherwise by onnxruntime. A network in 8-bit integers is
    always run by onnxruntime: OpenVINO 2026.4 gives wrong numbers for several images at once.

    Parameters
    ----------
    bundle : Bundle
    device : {"auto", "cpu", "cuda", "mps"}
        ``auto`` is a GPU if there is one.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` is bfloat16 if the network was trained in it and the device has it. If ``bf16`` is
        not available, 32-bit floats are used and a note says so.

    Raises
    ------
    MissingExtraError
        torch is not installed, and the bundle has no ONNX; the message has the ``pip install``
        line.
    DeviceError
        The device does not exist.
    BundleError
        The weights do not fit the network that the manifest describes; the probe is damaged.
    """
    if bundle.has("probe"):
        from galaxyclass.model.backends.probed_backend import ProbedBackend
        from galaxyclass.model.probe import read_probe

        network = open_backend(bundle.without_probe, device, precision)
        return ProbedBackend(
            network, read_probe(bundle), bundle.manifest, concurrent=is_concurrent(network)
        )
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
    bundle: Bundle, device: str = "auto", precision: ChosenPrecision = "auto"
) -> Engine:
    """The engine that `open_backend` uses for a bundle; loads nothing."""
    torch = all(find_spec(module) for module in ("torch", "timm", "safetensors"))
    gpu = device not in ("auto", "cpu")
    if not bundle.has("network") or (torch and (bundle.has("weights") or gpu)):
        return "torch"
    wanted = bundle.manifest.precision if precision == "auto" else precision
    if bundle.manifest.quantisation is not None:
        return "onnxruntime"
    return "OpenVINO" if wanted == "bf16" and find_spec("openvino") else "onnxruntime"
