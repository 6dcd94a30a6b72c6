"""A residual network whose features do not change when a galaxy is turned or mirrored.

Its convolutions apply each kernel in eight orientations (four quarter turns, and their mirror
images), with a channel for each: the group-equivariant convolutions of Cohen and Welling 2016
(*Group equivariant convolutional networks*, the group p4m). Predictions do not change when the
image is turned by quarters or mirrored, and one kernel learns what a plain network has to learn
eight times.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyclass.networks.residual import multiplied, residual_blocks

#: Channels of each residual block, in each of the eight orientations; where the number grows, the
#: block halves height and width.
EQUIVARIANT_WIDTHS = (4, 8, 16, 32, 32)

#: The orientations: whether mirrored, and the number of quarter turns afterwards.
_ORIENTATIONS = tuple((mirrored, turns) for mirrored in (False, True) for turns in range(4))
ORIENTATIONS = len(_ORIENTATIONS)


def oriented(images: Tensor, orientation: int) -> Tensor:
    """Images ``(…, height, width)`` in one of the eight orientations; 0 leaves them unchanged."""
    mirrored, turns = _ORIENTATIONS[orientation]
    if mirrored:
        images = images.flip(-1)
    return torch.rot90(images, turns, (-2, -1)) if turns else images


def _relative() -> Tensor:
    """``[a, b]``: the orientation that leads from ``a`` to ``b``, found by trying all of them.

    A kernel in orientation ``a`` needs the channels of orientation ``b`` at this index, relative to
    its own orientation.
    """
    square = torch.arange(9).view(3, 3)
    squares = [oriented(square, number) for number in range(ORIENTATIONS)]

    def leads(start: int, end: int) -> int:
        return next(
            number
            for number in range(ORIENTATIONS)
            if torch.equal(oriented(oriented(square, number), start), squares[end])
        )

    return torch.tensor(
        [[leads(start, end) for end in range(ORIENTATIONS)] for start in range(ORIENTATIONS)]
    )


_RELATIVE = _relative()


def _sources(size: int, *, lifting: bool) -> Tensor:
    """Where the numbers of turned kernels stand in the kernel of the first orientation.

    For each orientation, each channel of it and each pixel, in this order, the place among
    the channels and pixels ``(orientations, size * size)`` of the weight.
    """
    pixels = torch.arange(size**2).view(size, size)
    turned = torch.stack([oriented(pixels, number).flatten() for number in range(ORIENTATIONS)])
    relative = torch.zeros(ORIENTATIONS, 1, dtype=torch.long) if lifting else _RELATIVE
    return (relative[:, :, None] * size**2 + turned[:, None, :]).flatten()


class GroupConv2d(nn.Module):
    """A convolution with each kernel in eight orientations.

    ``(galaxies, 8 * before, height, width)`` to ``(galaxies, 8 * after, …)``: channels are ordered
    by orientation, then by kernel. Turning or mirroring the input turns or mirrors the output, and
    permutes its orientations.

    Parameters
    ----------
    before, after : int
        Channels in each orientation.
    size : int
        Of the kernel, pixels; odd. The input is padded with zeros, so that it keeps its size.
    stride : int
        2 takes every second pixel; of an odd number, the first and the last among them.
    lifting : bool
        Whether the input is an image, with one orientation only: ``(galaxies, before, …)``.

    Notes
    -----
    Computed as a plain convolution with all kernels written out (`plain`): as fast as one of as
    many channels, with an eighth of the weights.
    """

    def __init__(
        self, before: int, after: int, size: int = 3, *, stride: int = 1, lifting: bool = False
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.lifting = stride, size // 2, lifting
        orientations = 1 if lifting else ORIENTATIONS
        #: ``(after, orientations * before, size, size)``: the kernels in the first orientation.
        self.weight = nn.Parameter(torch.empty(after, orientations * before, size, size))
        # He et al. 2015, by the number of outputs, counted in all eight orientations.
        nn.init.normal_(self.weight, std=math.sqrt(2 / (ORIENTATIONS * after * size**2)))
        self.register_buffer("sources", _sources(size, lifting=lifting), persistent=False)

    def kernels(self) -> Tensor:
        """All kernels in all orientations: the weight of the plain convolution."""
        after, before, size, _ = self.weight.shape
        orientations = 1 if self.lifting else ORIENTATIONS
        weight = self.weight.reshape(after, orientations, before // orientations, size**2)
        # One look-up: to turn kernels one by one takes fifty calls, for which a GPU has to wait.
        rows = weight.permute(1, 3, 0, 2).reshape(orientations * size**2, -1)
        written = rows.index_select(0, cast(Tensor, self.sources))
        written = written.view(ORIENTATIONS, orientations, size**2, after, before // orientations)
        return written.permute(0, 3, 1, 4, 2).reshape(ORIENTATIONS * after, before, size, size)

    def forward(self, images: Tensor) -> Tensor:
        kernels = self.kernels().contiguous(memory_format=torch.channels_last)
        return functional.conv2d(images, kernels, stride=self.stride, padding=self.padding)

    def plain(self) -> nn.Conv2d:
        """The plain convolution with the same outputs."""
        kernels = self.kernels().detach()
        layer = nn.Conv2d(
            kernels.shape[1],
            kernels.shape[0],
            kernels.shape[2],
            stride=self.stride,
            padding=self.padding,
            bias=False,
        )
        layer.weight = nn.Parameter(kernels)
        return layer


class GroupBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation with one scale and shift for all orientations of a channel.

    ``(galaxies, 8 * channels, height, width)``. In training each orientation is normalised by its
    own mean and spread. These differ only by chance, since galaxies lie in all orientations; the
    running statistics are their means.
    """

    def forward(self, images: Tensor) -> Tensor:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        means, variances, scale, shift = (
            values.repeat(ORIENTATIONS)
            for values in (self.running_mean, self.running_var, self.weight, self.bias)
        )
        normalised = functional.batch_norm(
            images,
            means,
            variances,
            scale,
            shift,
            training=self.training,
            momentum=cast(float, self.momentum),
            eps=self.eps,
        )
        if self.training:  # batch_norm updated both in place, for each orientation
            with torch.no_grad():
                self.running_mean.copy_(means.view(ORIENTATIONS, -1).mean(dim=0))
                self.running_var.copy_(variances.view(ORIENTATIONS, -1).mean(dim=0))
                self.num_batches_tracked += 1
        return normalised

    def plain(self) -> nn.BatchNorm2d:
        """The plain layer with the same outputs in prediction."""
        layer = nn.BatchNorm2d(ORIENTATIONS * self.num_features, self.eps)
        layer.load_state_dict(
            {
                name: value.repeat(ORIENTATIONS) if value.ndim else value
                for name, value in self.state_dict().items()
            }
        )
        return layer.eval()


class EquivariantEncoder(nn.Module):
    """A stem that halves height and width, five residual blocks, then pooling over orientations.

    ``(galaxies, channels, side, side)`` float to ``(galaxies, 256)`` float. Of each channel the
    mean and the maximum over the image are taken, and of these the mean and the maximum over the
    orientations; a linear layer and ReLU turn them into features.

    Parameters
    ----------
    channels : int
        Of the cutouts.
    width : float
        Channels of all layers but the features, as a multiple of `EQUIVARIANT_WIDTHS`.

    Notes
    -----
    Invariant up to rounding for cutouts whose side is one pixel more than a multiple of 16 (65,
    81 …): each halving then keeps the first and the last pixel, and so treats all sides alike. For
    other sides it is not invariant.
    """

    num_features = 256

    def __init__(self, channels: int, width: float = 1.0) -> None:
        super().__init__()
        widths = multiplied(EQUIVARIANT_WIDTHS, width)
        self.stem = nn.Sequential(
            GroupConv2d(channels, widths[0], stride=2, lifting=True),
            GroupBatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        self.blocks = residual_blocks(
            widths,
            convolution=GroupConv2d,
            norm=GroupBatchNorm2d,
            pool=lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
        )
        self.projection = nn.Sequential(nn.Linear(4 * widths[-1], self.num_features), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        maps = self.blocks(self.stem(images))
        invariant = []
        for pooled in (maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))):
            split = pooled.unflatten(1, (ORIENTATIONS, -1))
            invariant += [split.mean(dim=1), split.amax(dim=1)]
        features: Tensor = self.projection(torch.cat(invariant, dim=1))
        return features


def fuse(network: nn.Module) -> None:
    """Replace the layers of eight orientations by plain layers with the same outputs.

    For networks that only predict: the kernels are then written out once and not for each batch.
    """
    for name, child in network.named_children():
        if isinstance(child, GroupConv2d | GroupBatchNorm2d):
            setattr(network, name, child.plain())
        else:
            fuse(child)
