"""Classes that a mirror turns into each other, such as the two senses of rotation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from galaxyclass.errors import RecipeError


def mirror_swap(classes: Sequence[str], pairs: Sequence[str]) -> Tensor:
    """The class of the mirror image, for each class.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, as in the table.
    pairs : sequence of str
        ``A:B`` each: the mirror image of an A is a B, and the reverse.

    Returns
    -------
    (classes,) int64
        Index of the class of a galaxy's mirror image.

    Raises
    ------
    RecipeError
        A pair does not name two classes of the table, or a class is in two pairs.

    Examples
    --------
    >>> mirror_swap(["edge_on", "s", "z"], ["s:z"]).tolist()
    [0, 2, 1]
    """
    swap = torch.arange(len(classes))
    for pair in pairs:
        first, colon, second = pair.partition(":")
        if not colon or first == second or {first, second} - set(classes):
            raise RecipeError(
                f"augmentation.mirror_pairs: {pair!r} is not a pair of classes",
                wanted="A:B with two of " + ", ".join(classes),
            )
        a, b = classes.index(first), classes.index(second)
        if swap[a] != a or swap[b] != b:
            raise RecipeError(
                f"augmentation.mirror_pairs: {pair!r} names a class that another pair has",
                wanted="each class in one pair at most",
            )
        swap[a], swap[b] = b, a
    return swap


def mirrored(matrices: Tensor) -> Tensor:
    """(galaxies,) bool: which transforms ``(galaxies, 2, 3)`` turn an image into a mirror image."""
    linear = matrices[:, :, :2]
    return linear[:, 0, 0] * linear[:, 1, 1] < linear[:, 0, 1] * linear[:, 1, 0]
