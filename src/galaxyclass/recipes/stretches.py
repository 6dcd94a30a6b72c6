"""The names of stretches, where processes that start without pydantic can import them."""

from __future__ import annotations

from typing import Literal, get_args

#: How brightness becomes grey level (`galaxyclass.images.stretch`).
StretchName = Literal[
    "none",
    "linear",
    "sqrt",
    "asinh",
    "zscale",
    "percentile",
    "lupton",
    "sdss",
    "legacy-surveys",
    "galaxy-zoo-decals",
]

STRETCHES: tuple[StretchName, ...] = get_args(StretchName)

#: Stretches that make a colour picture of three bands.
COLOUR_STRETCHES: tuple[StretchName, ...] = (
    "lupton",
    "sdss",
    "legacy-surveys",
    "galaxy-zoo-decals",
)

#: Stretches between limits that can be stated.
LIMITED_STRETCHES: tuple[StretchName, ...] = ("linear", "sqrt", "asinh", "lupton")

#: Setting -> the stretches that it changes.
STRETCHES_WITH: dict[str, tuple[StretchName, ...]] = {
    "limits": LIMITED_STRETCHES,
    "percentiles": ("percentile",),
    "softening": ("asinh", "lupton"),
}
