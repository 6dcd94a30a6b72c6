"""The choice between bfloat16 and 32-bit floats, which every backend makes alike."""

from __future__ import annotations

from collections.abc import Callable

from galaxyclass.arguments import ChosenPrecision
from galaxyclass.model.bundle.manifest import Precision


def choose_precision(
    wanted: ChosenPrecision, trained: Precision, able: Callable[[], bool]
) -> tuple[Precision, str]:
    """The precision to predict in.

    Parameters
    ----------
    wanted : {"auto", "fp32", "bf16"}
        ``auto`` is bfloat16 where the network was trained in it and the device has it.
    trained : {"fp32", "bf16"}
        The precision of the training.
    able : callable
        Whether the device multiplies bfloat16; asked only where it matters.

    Returns
    -------
    precision : {"fp32", "bf16"}
    note : str
        For the user, where the choice may be unexpected; otherwise empty.

    Examples
    --------
    >>> choose_precision("bf16", "fp32", lambda: False)
    ('fp32', 'Computed in 32-bit floats: this machine does not have bfloat16.')
    """
    if wanted == "fp32" or (wanted == "auto" and trained == "fp32"):
        return "fp32", ""
    if able():
        return "bf16", "Computed in bfloat16; `precision='fp32'` takes 32-bit floats."
    if wanted == "bf16":
        return "fp32", "Computed in 32-bit floats: this machine does not have bfloat16."
    return "fp32", ""
