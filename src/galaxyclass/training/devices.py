"""Where a network runs."""

from __future__ import annotations

from typing import Literal

from galaxyclass.prediction.torch_backend import find_device

Device = Literal["auto", "cpu", "cuda", "mps"]


def accelerator_of(device: Device) -> Device:
    """What Lightning calls the device; ``auto`` is a GPU where there is one.

    Raises
    ------
    DeviceError
        It is not there.
    """
    kind: Device = find_device(device).type  # type: ignore[assignment]
    return kind
