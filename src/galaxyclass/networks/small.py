"""Small plain encoders of the reference designs (docs/reference-designs.md)."""

from __future__ import annotations

from torch import Tensor, nn

from galaxyclass.errors import RecipeError


class TwoLayerEncoder(nn.Module):
    """Two 5x5 convolutions, each with ReLU and 2x2 max pooling, then a dense layer of 128.

    Of docs/reference-designs.md#transfer-learning.
    ``(galaxies, channels, side, side)`` float to ``(galaxies, 128)`` float.
    """

    num_features = 128

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 32, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * (side // 4) ** 2, self.num_features),
            nn.ReLU(),
        )

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.body(images)
        return features


class Cnn100Encoder(nn.Module):
    """Four 3x3 convolutions of 64, 64, 128 and 256, then two dense layers of 256.

    Of docs/reference-designs.md#hundred-classes.
    Each convolution is followed by batch normalisation, ReLU, 2x2 max pooling and dropout.
    ``(galaxies, channels, side, side)`` float to ``(galaxies, 256)`` float.

    Raises
    ------
    RecipeError
        The cutout is under 16 pixels.
    """

    num_features = 256

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        if side < 16:
            raise RecipeError(
                "the encoder cnn100 halves the cutout four times",
                wanted="16 pixels or more (images.size, model.input_size)",
                got=f"{side} pixels",
                hint="try `images.size=64`",
            )
        layers: list[nn.Module] = []
        before = channels
        for width in (64, 64, 128, 256):
            layers += [
                nn.Conv2d(before, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Dropout(0.25),
            ]
            before = width
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(256 * (side // 16) ** 2, 256),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(256, self.num_features),
            nn.ReLU(),
        )

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.dense(self.convolutions(images))
        return features
