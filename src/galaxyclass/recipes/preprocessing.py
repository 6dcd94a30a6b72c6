"""How a cutout is made from an image: a part of every recipe and of every bundle."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from galaxyclass.recipes.section import Section
from galaxyclass.recipes.stretches import (
    COLOUR_STRETCHES,
    LIMITED_STRETCHES,
    STRETCHES_WITH,
    StretchName,
)


class Preprocessing(Section):
    """From an image of any size to a cutout ``(size, size, channels)`` uint8.

    Cutouts made with equal settings can be compared. The settings are part of a pack's key and of
    the bundle.
    """

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
    colour: Literal["rgb", "grey", "bands"] = Field(
        "rgb",
        description="three channels; one; bands: one for each of `bands`, as always for two, four "
        "and more of them",
    )
    bands: tuple[str, ...] = Field(
        (),
        description="bands that are read, by name or by number from 1, the shortest wavelength "
        "first; none: all of one or three",
    )
    stretch: StretchName | None = Field(
        None,
        description="from brightness to grey level, of FITS, arrays and TIFFs of floats; none of "
        "these: by the bands and the unit of each picture",
    )
    limits: tuple[float, float] | tuple[tuple[float, float], ...] | Literal["survey"] | None = (
        Field(
            None,
            description="brightness that is black and white, for all bands or for each; none: "
            "found in each picture; survey: found once in the training pictures",
        )
    )
    percentiles: tuple[float, float] | None = Field(
        None, description="percentile: shares of the pixels that are black and not yet white, %"
    )
    softening: float | None = Field(
        None,
        gt=0,
        description="asinh, lupton: share of the range at which linear turns to logarithmic",
    )
    hdu: str | int | None = Field(
        None, description="FITS: name or number of the HDU; none: the first that holds a picture"
    )
    scale: Literal["auto", "keep"] | Annotated[float, Field(ge=1 / 16, le=16)] = Field(
        "auto",
        description="auto: a picture with a WCS is brought to pixel_scale, or to picture_size; "
        "keep: its pixels are taken as they are; a number: a pixel of any picture is so many of "
        "the model's, galaxies are shown so many times larger",
    )
    pixel_scale: float | None = Field(
        None, gt=0, description="arcseconds a pixel that `frame` is meant for"
    )
    given_scale: float | None = Field(
        None,
        gt=0,
        description="arcseconds a pixel of pictures whose files have no WCS",
    )
    picture_size: int | None = Field(
        None,
        ge=8,
        description="shorter side of the pictures that `frame` is meant for, px, where they have "
        "no common pixel scale but show each galaxy equally large",
    )

    @model_validator(mode="before")
    @classmethod
    def _split_bands(cls, data: Any) -> Any:
        """Bands may be given as one text, ``g,r,z``; four of them are four channels."""
        if not isinstance(data, dict) or "bands" not in data:
            return data
        bands = data["bands"]
        if isinstance(bands, str | int) and not isinstance(bands, bool):
            bands = str(bands).split(",")
        if not isinstance(bands, list | tuple):
            return data
        named = tuple(str(band).strip() for band in bands if str(band).strip())
        changed = {**data, "bands": named}
        if len(named) not in (0, 1, 3) and data.get("colour", "rgb") == "rgb":
            changed["colour"] = "bands"
        return changed

    @model_validator(mode="after")
    def _stretch_fits(self) -> Preprocessing:
        """The stretch has the limits, percentiles and softening that are stated."""
        if self.limits == "survey" and self.stretch not in (None, *LIMITED_STRETCHES):
            raise ValueError(
                "images.limits: survey is for the stretches " + ", ".join(LIMITED_STRETCHES)
            )
        for name in ("percentiles", "softening"):
            stretches = STRETCHES_WITH[name]
            if getattr(self, name) is not None and self.stretch not in (None, *stretches):
                raise ValueError(
                    f"images.{name}: the stretch {self.stretch} has no {name}; these have: "
                    + ", ".join(stretches)
                )
        if self.percentiles is not None and self.stretch is None:
            raise ValueError(
                "images.percentiles: no stretch that is chosen by the picture has percentiles: "
                "state the stretch percentile too"
            )
        if self.limits == ():
            raise ValueError("images.limits: empty; it is black and white, such as [0, 1]")
        if isinstance(self.limits, tuple):
            if self.stretch not in (None, *LIMITED_STRETCHES):
                raise ValueError(
                    f"images.limits: the stretch {self.stretch} has no limits; these have: "
                    + ", ".join(LIMITED_STRETCHES)
                )
            for pair in self.limits if isinstance(self.limits[0], tuple) else (self.limits,):
                if not -math.inf < pair[0] < pair[1] < math.inf:
                    raise ValueError(f"images.limits: black is not below white: {pair}")
        return self

    @model_validator(mode="after")
    def _bands_fit(self) -> Preprocessing:
        """Bands, stretch and channels make sense together."""
        colourful = self.stretch in COLOUR_STRETCHES
        if self.given_scale is not None and self.scale != "auto":
            raise ValueError(
                f"images.scale: {self.scale} takes no notice of the pixel scale that is given: "
                "state one of them"
            )
        if not isinstance(self.scale, str) and self.cutout != "centre":
            raise ValueError(
                f"images.scale: {self.scale:g} does nothing to the cutout {self.cutout}, whose "
                "scale is that of the object"
            )
        if len(set(self.bands)) < len(self.bands):
            raise ValueError(f"images.bands: {', '.join(self.bands)} has a band twice")
        if self.colour == "bands":
            if not self.bands:
                raise ValueError("images.colour: bands needs images.bands, for instance g,r,z")
            if colourful:
                raise ValueError(
                    f"images.stretch: {self.stretch} makes red, green and blue, not a channel "
                    "for each band"
                )
        elif self.bands and len(self.bands) not in (1, 3):
            raise ValueError(
                f"images.bands: {len(self.bands)} bands make no {self.colour} picture: "
                "images.colour=bands has a channel for each"
            )
        return self

    @property
    def channels(self) -> int:
        """Number of channels of a cutout."""
        if self.colour == "bands":
            return len(self.bands)
        return 3 if self.colour == "rgb" else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of a cutout."""
        return (self.size, self.size, self.channels)

    def stated(self) -> dict[str, Any]:
        """The settings as JSON has them, without those of reading that are at their defaults.

        So the identity of a model that knows no bands does not depend on them.
        """
        data = self.model_dump(mode="json")
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        return {
            name: value
            for name, value in data.items()
            if name not in READING or getattr(self, name) != defaults[name]
        }


#: The settings that a prediction may state (``reading``). ``pixel_scale`` is then that of pictures
#: without a WCS: that of the model belongs to the model.
STATED_READING: tuple[str, ...] = (
    "bands",
    "stretch",
    "limits",
    "percentiles",
    "softening",
    "hdu",
    "scale",
    "pixel_scale",
)
#: The settings by which a picture is read and stretched, before a cutout is made of it.
READING: tuple[str, ...] = (*STATED_READING, "given_scale", "picture_size")
