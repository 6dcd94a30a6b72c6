"""Crop, scale, rotation, zoom, shift and flips as one affine transform with one resampling."""

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
    """Draw a transform for each galaxy.

    Parameters
    ----------
    count : int
        Number of galaxies.
    augmentation : Augmentation
    scale : float
        Side of the network's input over the side of the cutout: 1 shows the whole cutout, 0.5 its
        middle half.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    (count, 2, 3) float32
        From positions in the output to positions in the cutout, both from -1 to 1, x before y, as
        `torch.nn.functional.affine_grid` takes them. A galaxy is mirrored, then rotated, then
        magnified, then shifted.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    mirror = torch.ones(count, 2)
    for axis, flips in ((0, ("horizontal", "both")), (1, ("vertical", "both"))):
        sign = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
        if augmentation.flip in flips:
            mirror[:, axis] = sign
    limit = math.radians(augmentation.rotation)
    angle = uniform(-limit, limit)
    zoom = uniform(*augmentation.zoom, 2)
    if augmentation.zoom_axes == "together":
        zoom[:, 1] = zoom[:, 0]
    # a share of the side is twice that on axes that run from -1 to 1
    shift = uniform(-2 * augmentation.shift, 2 * augmentation.shift, 2)

    rotation = torch.stack(
        [
            torch.stack([angle.cos(), -angle.sin()], dim=-1),
            torch.stack([angle.sin(), angle.cos()], dim=-1),
        ],
        dim=1,
    )
    linear = mirror[:, :, None] * rotation * (scale / zoom)[:, None, :]
    return torch.cat([linear, shift[:, :, None]], dim=2)


def warp(images: Tensor, matrices: Tensor, side: int, fill: str) -> Tensor:
    """Resample each image of a batch bilinearly through its transform.

    Parameters
    ----------
    images : (galaxies, channels, height, width) float32
    matrices : (galaxies, 2, 3) float32
        See `affine_matrices`.
    side : int
        Pixels of the result.
    fill : {"reflect", "nearest", "black"}
        How the area beyond the edge is filled.

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
