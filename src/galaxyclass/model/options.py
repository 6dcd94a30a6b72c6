"""How a network is to be run: the options that prediction, evaluation and calibration share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from galaxyclass.arguments import ChosenPrecision, Device
from galaxyclass.errors import ArgumentError, ArgumentTypeError

#: The largest values that make sense.
_MOST = {"views": 1_000, "batch_size": 1_000_000, "workers": 4_096}


@dataclass(frozen=True)
class InferenceOptions:
    """How a network is to be run.

    Attributes
    ----------
    views : int, optional
        Predict the mean over so many test-time views of each galaxy: up to 8 are mirrors and
        quarter turns, more are turned by other angles. The model's own number by default.
    device : {"auto", "cpu", "cuda", "mps"}
        ``auto`` is a GPU if there is one.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` is bfloat16 if the network was trained in it and the machine has it.
    batch_size : int, optional
        Most images that the network gets at once; by default chosen for the device.
    workers : int, optional
        Cores that read images, and on the CPU also predict them; all by default. Predictions do
        not depend on it.

    Raises
    ------
    ArgumentError
        A value out of range.
    ArgumentTypeError
        A value of another type.

    Examples
    --------
    >>> InferenceOptions(views=4).views
    4
    >>> InferenceOptions(workers=0)
    Traceback (most recent call last):
    galaxyclass.errors.ArgumentError: workers: out of range
      wanted: 1 to 4,096, or None
      got:    0
    """

    views: int | None = None
    device: Device = "auto"
    precision: ChosenPrecision = "auto"
    batch_size: int | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            _check_count(name, getattr(self, name), most)
        for name, choices in (
            ("device", get_args(Device)),
            ("precision", get_args(ChosenPrecision)),
        ):
            value = getattr(self, name)
            if value not in choices:
                raise ArgumentError(
                    f"{name}: no such choice",
                    argument=name,
                    wanted=f"one of {', '.join(choices)}",
                    got=repr(value),
                )


def _check_count(name: str, value: Any, most: int) -> None:
    wanted = f"1 to {most:,}, or None"
    if value is None:
        return
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentTypeError(
            f"{name}: not a whole number",
            argument=name,
            wanted=wanted,
            got=repr(value),
        )
    if not 1 <= value <= most:
        raise ArgumentError(f"{name}: out of range", argument=name, wanted=wanted, got=str(value))
