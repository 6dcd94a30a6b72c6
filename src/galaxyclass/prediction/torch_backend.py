"""Running a network with torch; imported only when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.bundles import Bundle
from galaxyclass.errors import DeviceError
from galaxyclass.extras import require

if TYPE_CHECKING:
    import torch


class TorchBackend:
    """A bundle's network on a device, in evaluation mode.

    Parameters
    ----------
    bundle : Bundle
    device : {"auto", "cpu", "cuda", "mps"}

    Raises
    ------
    MissingExtraError
        torch is not installed.
    DeviceError
        The device is not there.
    BundleError
        The weights do not fit the network.
    """

    def __init__(self, bundle: Bundle, device: str = "auto") -> None:
        require("torch", "timm", "safetensors")
        # The one place where prediction looks up at the learning wing: a bundle that only torch
        # can run is built by the rooms that trained it.
        from galaxyclass.models import load_weights

        self.device = find_device(device)
        self._network = load_weights(bundle).to(self.device)

    def __call__(self, cutouts: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        try:
            with torch.inference_mode():
                images = torch.from_numpy(cutouts).to(self.device)
                return np.asarray(self._network.predict(images).float().cpu().numpy())
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"{self.device}: out of memory for {len(cutouts)} galaxies at once",
                todo=f"--batch-size {max(1, len(cutouts) // 2)}",
            ) from error


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
            todo="--device auto",
        )
    return torch.device(device)
