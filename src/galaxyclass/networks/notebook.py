"""The encoder of the Keras notebook (docs/reference-designs.md#keras-notebook)."""

from __future__ import annotations

from torch import Tensor, nn

from galaxyclass.errors import RecipeError

#: (filters, kernel, pool) of each block: convolution without padding, ReLU, batch norm, max pool.
BLOCKS = ((32, 7, 2), (32, 7, 2), (64, 5, 2), (64, 5, 2), (128, 3, 1), (256, 3, 1))


class NotebookEncoder(nn.Module):
    """Six blocks of convolutions and two dense layers.

    ``(galaxies, channels, side, side)`` float to ``(galaxies, 256)`` float. With one channel, 150
    pixels and a last layer of 37 outputs it has 849,285 parameters, with batch-norm statistics.

    Parameters
    ----------
    channels : int
    side : int
        Pixels, 146 or more: each block makes the image smaller.

    Raises
    ------
    RecipeError
        The cutout is too small.
    """

    num_features = 256

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        remaining, filters_before = side, channels
        for filters, kernel, pool in BLOCKS:
            layers.append(nn.Conv2d(filters_before, filters, kernel))
            layers.append(nn.ReLU())
            # Keras' batch normalisation: its momentum 0.99 is torch's 0.01.
            layers.append(nn.BatchNorm2d(filters, momentum=0.01, eps=1e-3))
            if pool > 1:
                layers.append(nn.MaxPool2d(pool))
            remaining, filters_before = (remaining - kernel + 1) // pool, filters
        if remaining < 1:
            raise RecipeError(
                "the encoder notebook does not fit on so small a cutout",
                wanted="146 pixels or more (images.size, model.input_size)",
                got=f"{side} pixels",
                hint="try `images.size=150`",
            )
        self.blocks = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Dropout(0.05),
            nn.Flatten(),
            nn.Linear(filters_before * remaining**2, 512),
            nn.ReLU(),
            nn.Dropout(0.15),
            nn.Linear(512, self.num_features),
            nn.ReLU(),
            nn.Dropout(0.15),
        )
        initialise_as_keras(self)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.dense(self.blocks(images))
        return features


def initialise_as_keras(module: nn.Module) -> None:
    """Keras' initial values of convolutions and dense layers: Glorot uniform, and zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
