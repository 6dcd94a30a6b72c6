"""How a network is to be run: the options that prediction, evaluation and calibration share."""

from __future__ import annotations

from dataclasses import dataclass

from galaxyclass.arguments import ChosenPrecision, Device, check_fields


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
    labelling : str, optional
        The name of the labelling to predict, of a network that learnt several
        (`Dataset(labelling=…)`). By default that of the first table.

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
    galaxyclass.errors.ArgumentError: `workers` cannot be 0
      wanted: a whole number, 1 to 4,096
      got:    0
    """

    views: int | None = None
    device: Device = "auto"
    precision: ChosenPrecision = "auto"
    batch_size: int | None = None
    workers: int | None = None
    labelling: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)
