"""The augmentation of a recipe, for a batch."""

from __future__ import annotations

from torch import Generator, Tensor

from galaxyclass.networks.augmentation.affine import affine_matrices, warp
from galaxyclass.networks.augmentation.colour import jitter
from galaxyclass.networks.augmentation.mirrors import mirrored
from galaxyclass.recipes.recipe import Augmentation


def augment(
    cutouts: Tensor, augmentation: Augmentation, side: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Randomly changed copies of a batch of cutouts.

    Parameters
    ----------
    cutouts : (galaxies, height, width, channels) uint8
    augmentation : Augmentation
    side : int
        Side of the network's input, pixels; if it is less than the cutout's, the middle is taken.
    generator : torch.Generator
        On the CPU, so that every device draws the same numbers.

    Returns
    -------
    images : (galaxies, channels, side, side) float32, 0..1
    mirrored : (galaxies,) bool
        Which of them are mirror images.
    """
    images = cutouts.permute(0, 3, 1, 2).float().div_(255)
    scale = side / images.shape[-1]
    matrices = affine_matrices(len(images), augmentation, scale, generator)
    # A blocking copy would let the GPU idle at each step; on the CPU nothing is copied.
    matrices = matrices.to(images.device, non_blocking=images.is_cuda)
    images = warp(images, matrices, side, augmentation.fill)
    return jitter(images, augmentation, generator), mirrored(matrices)
