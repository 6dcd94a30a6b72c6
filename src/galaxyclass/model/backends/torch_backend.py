"""Running a network with torch; imported only when it is chosen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ChosenPrecision
from galaxyclass.errors import DeviceError
from galaxyclass.extras import require_installed
from galaxyclass.model.backends.precision import choose_precision
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.output import ModelOutput
from galaxyclass.short import counted
from galaxyclass.workers.process_lock import ProcessLock

if TYPE_CHECKING:
    import torch

#: Threads begin one after the other: for a moment each changes the setting that new threads get.
_BEGINNING = ProcessLock()


class TorchBackend:
    """A bundle's network on a device, in evaluation mode.

    On the CPU it computes a batch on each core (`ConcurrentBackend`): cores that share a single
    batch wait for each other after each of its layers, and for the images to be decoded.

    Parameters
    ----------
    bundle : Bundle
    device : {"auto", "cpu", "cuda", "mps"}
    precision : {"auto", "fp32", "bf16"}
        See `galaxyclass.model.backends.open_backend.open_backend`.

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
        The device does not exist.
    BundleError
        The weights do not fit the network.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        precision: ChosenPrecision = "auto",
    ) -> None:
        require_installed("torch", "timm", "safetensors")
        import torch

        from galaxyclass.networks.equivariant import fuse
        from galaxyclass.networks.precision import compute_in_bfloat16, has_bfloat16

        # The only import of `networks` by prediction: a bundle that only torch can run is built by
        # the code that trained it.
        from galaxyclass.networks.weights import load_weights

        self.device = find_device(device)
        self.concurrent = self.device.type == "cpu"
        self.precision, self.note = choose_precision(
            precision, bundle.manifest.precision, lambda: has_bfloat16(self.device.type)
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
            # In a new thread this is the number that every new thread gets. Setting it here sets
            # it for later threads too; a short-lived thread sets theirs back and leaves this one.
            default = torch.get_num_threads()
            torch.set_num_threads(1)
            thread = threading.Thread(target=torch.set_num_threads, args=(default,))
            thread.start()
            thread.join()

    def __call__(self, cutouts: NDArray[np.uint8], /) -> ModelOutput:
        import torch

        try:
            with torch.inference_mode():
                images = torch.from_numpy(cutouts).to(self.device)
                output = self.network.estimate(images)
                return ModelOutput(
                    _array(output.values),
                    tuple(map(_array, output.auxiliary)),
                    _array(output.features),
                )
        except RuntimeError as error:  # of a GPU it is an OutOfMemoryError, which is one of them
            if "memory" not in str(error) and not isinstance(error, torch.OutOfMemoryError):
                raise
            raise DeviceError(
                f"{self.device}: out of memory for {counted(len(cutouts), 'galaxy')} at once",
                hint=f"pass `batch_size={max(1, len(cutouts) // 2)}`",
            ) from error


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy())


def find_device(device: str) -> torch.device:
    """The torch device of that name; ``auto`` is a GPU if there is one.

    Raises
    ------
    DeviceError
        It does not exist.
    """
    import torch

    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, usable in available.items() if usable)
    if not available.get(device, False):
        raise DeviceError(
            f"device {device!r} is not there",
            wanted="one of auto, " + ", ".join(name for name in available if available[name]),
            hint="pass `device='auto'`",
        )
    return torch.device(device)
