"""What runs a network, and how one is chosen."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from galaxyclass.bundles import Bundle


class Backend(Protocol):
    """Runs a model on cutouts.

    ``cutouts`` is (galaxies, height, width, channels) uint8, as the bundle's preprocessing makes
    them; the result is (galaxies, outputs) float32: joint vote fractions in the tree's order, or
    probabilities of classes in the bundle's order. It is called from one thread at a time.
    """

    def __call__(self, cutouts: NDArray[np.uint8]) -> NDArray[np.float32]: ...


def open_backend(bundle: Bundle, device: str = "auto") -> Backend:
    """Load a bundle's network onto a device.

    Parameters
    ----------
    bundle : Bundle
    device : {"auto", "cpu", "cuda", "mps"}
        ``auto`` takes a GPU where there is one.

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

    return TorchBackend(bundle, device)
