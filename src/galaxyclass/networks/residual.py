"""A plain residual network of 3x3 convolutions for small cutouts on small machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional

#: Channels of each residual block; where the number grows, the block halves height and width.
RESIDUAL_WIDTHS = (32, 64, 128, 256, 256)


def multiplied(widths: Sequence[int], width: float) -> tuple[int, ...]:
    """Channels of each block, times a width and rounded; at least 1."""
    return tuple(max(1, round(width * channels)) for channels in widths)


class ResidualEncoder(nn.Module):
    """A stem that halves height and width, five residual blocks, and the mean over the image.

    ``(galaxies, channels, side, side)`` float to ``(galaxies, num_features)`` float: 256 features
    and 2.4 million parameters at the width 1. Made of wide 3x3 convolutions, which are the fastest
    on CPUs.

    Parameters
    ----------
    channels : int
        Of the cutouts.
    width : float
        Channels of all layers, as a multiple of `RESIDUAL_WIDTHS`.
    """

    def __init__(self, channels: int, width: float = 1.0) -> None:
        super().__init__()
        widths = multiplied(RESIDUAL_WIDTHS, width)
        self.num_features = widths[-1]
        self.stem = nn.Sequential(
            _convolution(channels, widths[0], 3, stride=2),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        self.blocks = residual_blocks(
            widths,
            convolution=_convolution,
            norm=nn.BatchNorm2d,
            pool=lambda: nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(self.blocks(self.stem(images)), 1).flatten(1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, figure 2).

    Parameters
    ----------
    before, width : int
        Channels of input and output; where they differ, the block halves height and width.
    convolution : callable
        From channels before and after, the kernel's size and ``stride=`` to a layer.
    norm : callable
        From channels to a layer.
    pool : callable
        Makes the layer of the shortcut that halves height and width.
    """

    def __init__(
        self,
        before: int,
        width: int,
        *,
        convolution: Callable[..., nn.Module],
        norm: Callable[[int], nn.Module],
        pool: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        stride = 1 if before == width else 2
        self.body = nn.Sequential(
            convolution(before, width, 3, stride=stride),
            norm(width),
            nn.ReLU(),
            convolution(width, width, 3),
            norm(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(pool(), convolution(before, width, 1), norm(width))

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.body(images) + self.shortcut(images))


def residual_blocks(
    widths: Sequence[int],
    *,
    convolution: Callable[..., nn.Module],
    norm: Callable[[int], nn.Module],
    pool: Callable[[], nn.Module],
) -> nn.Sequential:
    """A `ResidualBlock` of each width; the input has the first width."""
    return nn.Sequential(
        *(
            ResidualBlock(before, width, convolution=convolution, norm=norm, pool=pool)
            for before, width in zip((widths[0], *widths[:-1]), widths, strict=True)
        )
    )


def _convolution(before: int, after: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, stride=stride, padding=size // 2, bias=False)
