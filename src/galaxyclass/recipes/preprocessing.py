"""How a cutout is made from an image: a part of every recipe and of every bundle."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Preprocessing(BaseModel):
    """From an image of any size to a cutout ``(size, size, channels)`` uint8.

    Cutouts made with equal settings can be compared. The settings are part of a pack's key and of
    the bundle.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cutout: Literal["centre", "contour", "object"] = Field(
        "centre",
        description="centre: a square around the image's centre; contour: the largest contour's "
        "box as the Keras notebook drew it, faults included (docs/reference-designs.md); object: "
        "the object at the centre",
    )
    frame: int | None = Field(
        None,
        ge=8,
        description="side of the centre cutout in pixels of the image; none: its shorter side",
    )
    beyond: Literal["border", "whole"] = Field(
        "border",
        description="where the frame is larger than the image: border: the colour of the image's "
        "border around it, the same scale for all images; whole: the image's shorter side is the "
        "frame",
    )
    margin: float = Field(
        0.25,
        ge=0,
        le=2,
        description="object: sky on each side of the object, as a share of its longer side",
    )
    size: int = Field(64, ge=8, le=1024, description="side of the cutout that the model sees, px")
    colour: Literal["rgb", "grey"] = Field("rgb", description="three channels, or one")

    @property
    def channels(self) -> int:
        """Number of channels of a cutout: 3 or 1."""
        return 3 if self.colour == "rgb" else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of a cutout."""
        return (self.size, self.size, self.channels)
