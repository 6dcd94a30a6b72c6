"""The devices of a training."""

from __future__ import annotations

import torch

from galaxyclass.arguments import Device
from galaxyclass.model.backends.torch_backend import find_device


def accelerator_of(device: Device) -> Device:
    """Lightning's name of a device; ``auto`` is a GPU if there is one.

    Raises
    ------
    DeviceError
        It does not exist.
    """
    kind: Device = find_device(device).type  # type: ignore[assignment]
    return kind


def replica_device(device: Device, number: int) -> torch.device:
    """The device of one of several processes: the GPU of its number, if they train on GPUs.

    Raises
    ------
    DeviceError
        It does not exist.
    """
    wanted = find_device(device)
    return torch.device("cuda", number) if wanted.type == "cuda" else wanted
