"""The formulas by which surveys make colour pictures of three bands, with their constants.

All take fluxes in nanomaggies a pixel (22.5 magnitudes is 1), with the sky at 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: Fluxes of one band as float32, contiguous and finite: a formula may change them.
BandPlane = NDArray[np.float32]


@dataclass(frozen=True)
class ColourFormula:
    """How a project makes its colour pictures.

    Attributes
    ----------
    bands : (blue, green, red)
        The bands that it takes, the shortest wavelength first.
    pixel_scale : float
        Arcseconds a pixel of the pictures that its constants are for.
    title, reference : str
    render : callable
        From the fluxes of red, green and blue, (height, width) each, to (height, width, 3) uint8.
    """

    bands: tuple[str, str, str]
    pixel_scale: float
    title: str
    reference: str
    render: Callable[[BandPlane, BandPlane, BandPlane], NDArray[np.uint8]]


def galaxy_zoo_decals(red: BandPlane, green: BandPlane, blue: BandPlane) -> NDArray[np.uint8]:
    """The colours of Galaxy Zoo DECaLS: asinh of each band, then colourful noise is made greyer.

    Parameters
    ----------
    red, green, blue : (height, width) float32
        z, r, g in nanomaggies.

    Returns
    -------
    (height, width, 3) uint8

    Examples
    --------
    >>> galaxy_zoo_decals(*np.full((3, 1, 1), 0.1, np.float32))[0, 0].tolist()
    [112, 120, 136]
    """
    low, high = float(np.arcsinh(-0.5)), float(np.arcsinh(300))
    planes = (red, green, blue)
    for plane, scale in zip(planes, (0.019, 0.014, 0.008), strict=True):
        np.divide(plane, np.float32(scale), out=plane)
        asinh(plane)
        np.subtract(plane, np.float32(low), out=plane)
        np.divide(plane, np.float32(high - low), out=plane)
    mean = red + green
    mean += blue
    mean /= np.float32(3)
    mean[mean == 0] = 1
    largest = np.maximum(np.maximum(red, green), blue)
    darkest = np.minimum(np.minimum(red, green), blue)
    # A pixel with a band of more than 2.5 times the mean becomes grey.
    np.copyto(largest, darkest, where=mean < 0)
    largest /= mean
    largest /= np.float32(2.5)
    np.minimum(largest, 1, out=largest)
    largest *= np.float32(np.pi / 2)
    colour_weight = np.cos(largest, out=largest)  # the weight of the pixel's own colour
    grey_weight = 1 - colour_weight
    grey = mean * grey_weight
    colour_weight += grey * grey_weight
    for plane in planes:
        np.multiply(plane, colour_weight, out=plane)
        np.add(plane, grey, out=plane)
    return _levels(planes, rounded=False)  # cut off, as the project did


def legacy_surveys(red: BandPlane, green: BandPlane, blue: BandPlane) -> NDArray[np.uint8]:
    """The colours of the Legacy Surveys' sky viewer: Lupton et al. 2004 with a grey sky.

    Parameters
    ----------
    red, green, blue : (height, width) float32
        z, r, g in nanomaggies.

    Returns
    -------
    (height, width, 3) uint8

    Examples
    --------
    >>> legacy_surveys(*np.zeros((3, 1, 1), np.float32))[0, 0].tolist()
    [32, 32, 32]
    """
    softening = 20.0
    planes = (red, green, blue)
    bright = np.zeros_like(red)
    for plane, scale in zip(planes, (2.2, 3.4, 6.0), strict=True):
        np.multiply(plane, np.float32(scale), out=plane)
        np.add(plane, np.float32(0.03), out=plane)
        bright += np.maximum(plane, 0)
    bright /= np.float32(3)
    factor = bright * np.float32(softening)
    asinh(factor)
    factor /= np.float32(np.sqrt(softening))
    bright[bright == 0] = 1e-6
    factor /= bright
    for plane in planes:
        np.multiply(plane, factor, out=plane)
    return _levels(planes)


def sdss(red: BandPlane, green: BandPlane, blue: BandPlane) -> NDArray[np.uint8]:
    """The colours of SDSS's pictures: Lupton et al. 2004; what is too bright keeps its hue.

    Parameters
    ----------
    red, green, blue : (height, width) float32
        i, r, g in nanomaggies.

    Returns
    -------
    (height, width, 3) uint8

    Examples
    --------
    >>> sdss(*np.full((3, 1, 1), 0.1, np.float32))[0, 0].tolist()
    [55, 63, 87]
    """
    for plane, scale in zip((red, green, blue), (4.9, 5.7, 7.8), strict=True):
        np.multiply(plane, np.float32(scale), out=plane)
    return keep_hue(red, green, blue, nonlinearity=3.0)


def keep_hue(
    red: BandPlane,
    green: BandPlane,
    blue: BandPlane,
    *,
    nonlinearity: float,
    white: float | None = None,
) -> NDArray[np.uint8]:
    """Lupton et al. 2004: the sum of the bands is compressed, their ratios stay.

    Parameters
    ----------
    red, green, blue : (height, width) float32
        Scaled such that a sum of 1 and less is about linear at a nonlinearity of 1.
    nonlinearity : float
        The larger, the more are bright pixels compressed.
    white : float, optional
        The sum that three equal bands have where they become white; otherwise the pixels are as
        bright as the formula makes them.

    Returns
    -------
    (height, width, 3) uint8
        Pixels with a channel beyond 255 are divided by it, so that their hue stays.
    """
    total = red + green
    total += blue
    factor = total * np.float32(nonlinearity)
    asinh(factor)
    if white is None:
        factor /= np.float32(nonlinearity)
    else:
        factor *= np.float32(3 / np.arcsinh(white * nonlinearity))
    total[total == 0] = 1
    factor /= total
    for plane in (red, green, blue):
        np.multiply(plane, factor, out=plane)
    largest = np.maximum(np.maximum(red, green), blue)
    np.maximum(largest, 1, out=largest)
    for plane in (red, green, blue):
        np.divide(plane, largest, out=plane)
    return _levels((red, green, blue))


def asinh(plane: BandPlane) -> None:
    """The inverse hyperbolic sine, in place.

    By the logarithm, which numpy computes for many numbers at once: ten times faster than
    `numpy.arcsinh`, and right to 3e-7.
    """
    size = np.abs(plane)
    root = size * size
    root += 1
    np.sqrt(root, out=root)
    root += size
    np.log(root, out=root)
    np.copysign(root, plane, out=plane)


def finite_plane(band: NDArray[np.generic]) -> BandPlane:
    """A copy of a band as float32: NaN becomes 0, and what is infinite very bright or dark.

    Parameters
    ----------
    band : (height, width) numbers of any type, byte order and layout in memory

    Returns
    -------
    (height, width) float32, contiguous
    """
    plane = np.array(band, np.float32, order="C")
    cv2.patchNaNs(plane, 0.0)
    return np.clip(plane, -_BRIGHTEST, _BRIGHTEST, out=plane)


def _levels(
    planes: tuple[BandPlane, BandPlane, BandPlane], *, rounded: bool = True
) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 of shares of 255."""
    for plane in planes:
        np.clip(plane, 0, 1, out=plane)
        np.multiply(plane, 255, out=plane)
        if rounded:
            np.rint(plane, out=plane)
    return np.asarray(cv2.merge([plane.astype(np.uint8) for plane in planes]), dtype=np.uint8)


#: What is infinite becomes so bright; its square is still a float32.
_BRIGHTEST = np.float32(1e12)

#: Name of a stretch -> the formula.
COLOUR_FORMULAS: dict[str, ColourFormula] = {
    "sdss": ColourFormula(
        ("g", "r", "i"),
        0.396,
        "SDSS",
        "Lupton et al. 2004, PASP 116, 133; scales 4.9, 5.7, 7.8 and nonlinearity 3 of idlutils",
        sdss,
    ),
    "legacy-surveys": ColourFormula(
        ("g", "r", "z"),
        0.262,
        "the Legacy Surveys' sky viewer",
        "https://github.com/legacysurvey/imagine, scales 6.0, 3.4, 2.2, m = 0.03, Q = 20",
        legacy_surveys,
    ),
    "galaxy-zoo-decals": ColourFormula(
        ("g", "r", "z"),
        0.262,
        "Galaxy Zoo DECaLS",
        "Walmsley et al. 2022, MNRAS 509, 3966; https://github.com/zooniverse/decals, scales "
        "0.008, 0.014, 0.019, range -0.5 to 300",
        galaxy_zoo_decals,
    ),
}
