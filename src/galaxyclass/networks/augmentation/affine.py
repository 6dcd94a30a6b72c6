"""Crop, scale, rotation, zoom, shift and flips as one affine transform, sampled once."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from galaxyclass.recipes.recipe import Augmentation

_PADDING = {"reflect": "reflection", "nearest": "border", "black": "zeros"}


def affine_matrices(
    count: int, augmentation: Augmentation, scale: float, generator: Generator
) -> Tensor:
    """Draw one transform for each galaxy.

    Parameters
    ----------
    count : int
        Galaxies.
    augmentation : Augmentation
    scale : float
        Side of what the network sees over the side of the cutout: 1 shows all of it, 0.5 the
        middle half.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    (count, 2, 3) float32
        From places in the output to places in the cutout, both from -1 to 1, x before y, as
        `torch.nn.functional.affine_grid` takes them. A galaxy is mirrored, then turned, then
        magnified, then shifted.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    mirror = torch.ones(count, 2)
    for axis, kinds in ((0, ("horizontal", "both")), (1, ("vertical", "both"))):
        sign = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
        if augmentation.flip in kinds:
            mirror[:, axis] = sign
    limit = math.radians(augmentation.rotation)
    angle = uniform(-limit, limit)
    zoom = uniform(*augmentation.zoom, 2)
    if augmentation.zoom_axes == "together":
        zoom[:, 1] = zoom[:, 0]
    # a share of the side is twice that on axes that run from -1 to 1
    shift = uniform(-2 * augmentation.shift, 2 * augmentation.shift, 2)

    turn = torch.stack(
        [
            torch.stack([angle.cos(), -angle.sin()], dim=-1),
            torch.stack([angle.sin(), angle.cos()], dim=-1),
        ],
        dim=1,
    )
    linear = mirror[:, :, None] * turn * (scale / zoom)[:, None, :]
    return torch.cat([linear, shift[:, :, None]], dim=2)


def warp(images: Tensor, matrices: Tensor, side: int, fill: str) -> Tensor:
    """Sample a batch once, bilinearly, through one transform each.

    Parameters
    ----------
    images : (galaxies, channels, height, width) float32
    matrices : (galaxies, 2, 3) float32
        See `affine_matrices`.
    side : int
        Pixels of the result.
    fill : {"reflect", "nearest", "black"}
        What stands beyond the edge.

    Returns
    -------
    (galaxies, channels, side, side) float32
    """
    grid = functional.affine_grid(
        matrices, [len(images), images.shape[1], side, side], align_corners=False
    )
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode=_PADDING[fill], align_corners=False
    )
