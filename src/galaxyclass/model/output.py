"""The output of a model for some galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ArgumentTypeError


@dataclass(frozen=True)
class ModelOutput:
    """The output of a model for some galaxies.

    Attributes
    ----------
    values : (galaxies, outputs) float32
        Joint vote fractions in the tree's order, or probabilities of classes in the bundle's.
    auxiliary : tuple of (galaxies, outputs) float32
        The same for each of the bundle's auxiliary tasks (`Manifest.auxiliary`).
    features : (galaxies, features) float32
        The embedding: the encoder's features; (galaxies, 0) if the model gives none.

    Examples
    --------
    >>> values = np.array([[0.25, 0.75]], np.float32)
    >>> ModelOutput(values, (), np.zeros((1, 0), np.float32)).values.tolist()
    [[0.25, 0.75]]
    """

    values: NDArray[np.float32]
    auxiliary: tuple[NDArray[np.float32], ...]
    features: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.values)


def require_model_output(output: object) -> ModelOutput:
    """What a backend gave, which may be one of the user's.

    Raises
    ------
    ArgumentTypeError
        It is no `ModelOutput`.
    """
    if isinstance(output, ModelOutput):
        return output
    raise ArgumentTypeError(
        "the backend gave nothing that is an output of a model",
        argument="backend",
        wanted="`galaxyclass.model.output.ModelOutput(values, auxiliary, features)`",
        got=type(output).__name__,
    )
