"""Random brightness, contrast and colour."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from galaxyclass.recipes.recipe import Augmentation


def jitter(images: Tensor, augmentation: Augmentation, generator: Generator) -> Tensor:
    """Change brightness, colour and contrast by random factors.

    Parameters
    ----------
    images : (galaxies, channels, height, width) float32, 0..1
    augmentation : Augmentation
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    The same shape, float32, 0..1; contrast changes about each image's own mean, by channel.
    """
    count, channels = images.shape[:2]

    def factors(spread: float, width: int) -> Tensor:
        values = 1 + spread * (2 * torch.rand(count, width, 1, 1, generator=generator) - 1)
        return values.to(images.device, non_blocking=images.is_cuda)

    if augmentation.brightness or augmentation.colour:
        images = (
            images * factors(augmentation.brightness, 1) * factors(augmentation.colour, channels)
        )
    if augmentation.contrast:
        mean = images.mean(dim=(2, 3), keepdim=True)
        images = (images - mean) * factors(augmentation.contrast, 1) + mean
    return images.clamp(0, 1)
