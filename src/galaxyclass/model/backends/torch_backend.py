"""Running a network with torch; imported only when it is chosen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import DeviceError
from galaxyclass.extras import require
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.output import ModelOutput

if TYPE_CHECKING:
    import torch

#: Lanes begin one after the other: for a moment each changes what new threads start with.
_BEGINNING = threading.Lock()


class TorchBackend:
    """A bundle's network on a device, in evaluation mode.

    On the CPU it computes in lanes, a batch on each core: cores that share the work of a single
    batch wait for each other after each of its layers, and for the images to be decoded.

    Parameters
    ----------
    bundle : Bundle
    device : {"auto", "cpu", "cuda", "mps"}
    precision : {"auto", "fp32", "bf16"}
        See `galaxyclass.model.backends.backend.open_backend`.

    Attributes
    ----------
    device : torch.device
    concurrent, precision, note
        See `galaxyclass.model.backends.backend.ConcurrentBackend`.

    Raises
    ------
    MissingExtraError
        torch is not installed.
    DeviceError
        The device is not there.
    BundleError
        The weights do not fit the network.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        precision: Literal["auto", "fp32", "bf16"] = "auto",
    ) -> None:
        require("torch", "timm", "safetensors")
        import torch

        from galaxyclass.networks.equivariant import fuse
        from galaxyclass.networks.precision import choose_precision, compute_in_bfloat16

        # The one place where prediction looks up at the learning wing: a bundle that only torch
        # can run is built by the rooms that trained it.
        from galaxyclass.networks.weights import load_weights

        self.device = find_device(device)
        self.concurrent = self.device.type == "cpu"
        self.precision, self.note = choose_precision(
            precision, bundle.manifest.precision, self.device.type
        )
        network = load_weights(bundle)
        fuse(network)
        if self.precision == "bf16":
            compute_in_bfloat16(network)
        if self.concurrent or self.precision == "bf16":
            # As cutouts lie in memory, and as convolutions on these devices want them.
            network = network.to(memory_format=torch.channels_last)
        self.network = network.to(self.device)

    def begin_thread(self) -> None:
        """Compute on one core in this thread, from now on; other threads stay as they are."""
        import torch

        with _BEGINNING:
            # Of a new thread this is what every new thread gets. Setting it for this one sets it
            # for all that are still to begin; setting it back in another thread leaves this one.
            everybody = torch.get_num_threads()
            torch.set_num_threads(1)
            thread = threading.Thread(target=torch.set_num_threads, args=(everybody,))
            thread.start()
            thread.join()

    def __call__(self, cutouts: NDArray[np.uint8], /) -> ModelOutput:
        import torch

        try:
            with torch.inference_mode():
                images = torch.from_numpy(cutouts).to(self.device)
                said = self.network.estimate(images)
                return ModelOutput(
                    _array(said.values), tuple(map(_array, said.auxiliary)), _array(said.features)
                )
        except RuntimeError as error:  # of a GPU it is an OutOfMemoryError, which is one of them
            if "memory" not in str(error) and not isinstance(error, torch.OutOfMemoryError):
                raise
            raise DeviceError(
                f"{self.device}: out of memory for {len(cutouts)} galaxies at once",
                hint=f"pass `batch_size={max(1, len(cutouts) // 2)}`",
            ) from error


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy())


def find_device(device: str) -> torch.device:
    """The torch device of that name; ``auto`` is a GPU where there is one.

    Raises
    ------
    DeviceError
        It is not there.
    """
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, available in there.items() if available)
    if not there.get(device, False):
        raise DeviceError(
            f"device {device!r} is not there",
            wanted="one of auto, " + ", ".join(name for name in there if there[name]),
            hint="pass `device='auto'`",
        )
    return torch.device(device)
