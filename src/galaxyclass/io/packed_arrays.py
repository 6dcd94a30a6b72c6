"""Arrays in JSON: little-endian floats in base64."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from galaxyclass.arrays import Doubles


class PackedArray(BaseModel):
    """Little-endian floats of 2 or 4 bytes, in base64."""

    model_config = ConfigDict(extra="forbid")

    dtype: Literal["<f2", "<f4"]
    shape: list[int]
    base64: str


def pack_array(values: Doubles, dtype: str = "<f4") -> dict[str, Any]:
    """An array as plain data, as `PackedArray` reads it.

    Examples
    --------
    >>> pack_array(np.ones(1))
    {'dtype': '<f4', 'shape': [1], 'base64': 'AACAPw=='}
    """
    data = base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes())
    return {"dtype": dtype, "shape": list(values.shape), "base64": data.decode("ascii")}


def unpack_array(array: PackedArray, name: str) -> Doubles:
    """The array, in 64 bits.

    Parameters
    ----------
    array : PackedArray
    name : str
        Of the array, for messages.

    Raises
    ------
    ValueError
        Not base64, too few or too many numbers, or some that are not finite.
    """
    try:
        data = base64.b64decode(array.base64, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{name}: not base64 ({error})") from error
    values = np.frombuffer(data, np.dtype(array.dtype)).astype(np.float64).reshape(array.shape)
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: a number that is not finite")
    return np.asarray(values)
