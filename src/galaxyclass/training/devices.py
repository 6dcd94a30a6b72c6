"""Where a network runs, and in which precision."""

from __future__ import annotations

import logging
from typing import Literal

from galaxyclass.models.precision import has_bfloat16
from galaxyclass.prediction.torch_backend import find_device
from galaxyclass.recipes import Recipe

log = logging.getLogger(__name__)

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


def precision_of(recipe: Recipe, accelerator: str) -> Literal["32-true", "bf16-mixed"]:
    """What Lightning calls the recipe's precision; bfloat16 only where the machine has it."""
    wanted = recipe.training.precision
    if wanted == "fp32":
        return "32-true"
    native = has_bfloat16(accelerator)
    if wanted == "bf16" and not native:
        log.warning("training.precision=bf16: not native to this machine; using 32-bit floats")
    return "bf16-mixed" if native else "32-true"
