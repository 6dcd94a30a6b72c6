"""Where a network runs."""

from __future__ import annotations

import torch

from galaxyclass.arguments import Device
from galaxyclass.model.backends.torch_backend import find_device


def accelerator_of(device: Device) -> Device:
    """What Lightning calls the device; ``auto`` is a GPU where there is one.

    Raises
    ------
    DeviceError
        It is not there.
    """
    kind: Device = find_device(device).type  # type: ignore[assignment]
    return kind


def place_of(device: Device, number: int) -> torch.device:
    """The device of one process of several: of GPUs, that of its number.

    Raises
    ------
    DeviceError
        It is not there.
    """
    found = find_device(device)
    return torch.device("cuda", number) if found.type == "cuda" else found
