"""How images differ, taken together, from those of the calibration: by their image statistics.

The out-of-distribution score tells of a single image whether it is beyond nearly all that the model
knows. Images of another survey can lie within, each by itself, and still be fainter, bluer or
smaller than those of the training as a whole. So the means over many images are compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.calibration.image_statistics import statistic_names
from galaxyclass.calibration.out_of_distribution import OutOfDistribution

#: A mean that lies so many spreads of the calibration's images away is a difference: means over
#: fair samples of images that a model was made for lie within half a spread.
_APART = 1.0
#: Its uncertainty is added so many times: by chance fewer than one in 300 sets is said to differ.
_SIGMAS = 3.0
#: Few images may by chance all be alike.
_LEAST_VARIANCE = 0.25
#: Images that tell of a distribution.
FEWEST_COMPARED = 5
#: An image counts as no farther away than this: a few wrong images do not move the mean.
_FARTHEST = 5.0


@dataclass(frozen=True)
class Trait:
    """A property in which sets of images differ.

    Attributes
    ----------
    key : str
    weights : tuple of (str, float)
        Names of image statistics, and the weight of each: their sum is the trait.
    more, less : str
        How images look where it is larger or smaller, in words; "" where that is no matter.
    """

    key: str
    weights: tuple[tuple[str, float], ...]
    more: str
    less: str


TRAITS = (
    Trait(
        "size",
        (("light within 1/4", 1.0),),
        "galaxies appear{times} smaller",
        "galaxies appear{times} larger",
    ),
    Trait(
        "background",
        (("border: median", 0.5), ("all: 5 %", 0.5)),
        "the background is brighter",
        "the background is darker",
    ),
    Trait(
        "brightness",
        (("all: 99 %", 0.5), ("all: brightest", 0.5)),
        "galaxies are brighter",
        "galaxies are fainter",
    ),
    Trait(
        "noise",
        (("the same, in the border", 1.0),),
        "there is more noise",
        "images are less sharp, or have less noise",
    ),
    Trait(
        "redness",
        (("R-G: of the light", 0.5), ("B-G: of the light", -0.5)),
        "colours are redder",
        "colours are bluer",
    ),
    Trait(
        "greenness",
        (("R-G: of the light", -0.5), ("B-G: of the light", -0.5)),
        "colours are greener",
        "colours are less green",
    ),
    Trait("black", (("share that is black", 1.0),), "parts of the images are black", ""),
)
#: Three equal bands stand in place of what this says of their colours.
_GREY = Trait("grey", (), "images are grey, without colours", "images are grey, without colours")
_COLOURS = ("redness", "greenness")
_KEYS = tuple(trait.key for trait in TRAITS)


@dataclass(frozen=True)
class TraitSums:
    """Sums over images, from which their distribution follows; those of two sets can be added.

    Attributes
    ----------
    images : int
    flagged : int
        Images with an out-of-distribution score above 1.
    sums, squares : tuple of float
        Of each of `TRAITS`: distances of images from the calibration's mean, in its spreads.
    """

    images: int = 0
    flagged: int = 0
    sums: tuple[float, ...] = (0.0,) * len(TRAITS)
    squares: tuple[float, ...] = (0.0,) * len(TRAITS)

    def __add__(self, other: TraitSums) -> TraitSums:
        """The sums of both sets."""
        return TraitSums(
            self.images + other.images,
            self.flagged + other.flagged,
            tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(a + b for a, b in zip(self.squares, other.squares, strict=True)),
        )

    @property
    def means(self) -> NDArray[np.float64]:
        """(traits,) Mean distance from the calibration's mean, in its spreads."""
        return np.array(self.sums) / max(self.images, 1)


def parse_traits(data: dict[str, Any]) -> TraitSums:
    """Sums from ``dataclasses.asdict`` of them that went through JSON, exactly."""
    fields: Any = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
    return TraitSums(**fields)


@dataclass(frozen=True)
class Difference:
    """A trait in which images differ, and by how many of the calibration's spreads."""

    trait: Trait
    distance: float

    def words(self, times: float | None = None) -> str:
        """In words; ``times`` is how many times smaller or larger galaxies appear."""
        text = self.trait.more if self.distance > 0 else self.trait.less
        shown = f" {times:.2g} times" if times is not None and times >= 1.1 else ""
        return text.format(times=shown)


def sum_traits(
    fit: OutOfDistribution, statistics: NDArray[np.floating], scores: NDArray[np.floating]
) -> TraitSums:
    """The sums of some images.

    Parameters
    ----------
    fit : OutOfDistribution
        Has means and spreads of the calibration's images.
    statistics : (images, statistics) float
        `galaxyclass.calibration.image_statistics` of their cutouts.
    scores : (images,) float
        Their out-of-distribution scores.
    """
    away = trait_distances(fit, statistics)
    return TraitSums(
        len(away),
        int((scores > 1).sum()),
        tuple(away.sum(axis=0).tolist()),
        tuple((away**2).sum(axis=0).tolist()),
    )


def trait_distances(
    fit: OutOfDistribution, statistics: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How far each image is from the calibration's mean in each trait, in spreads of the images.

    Parameters
    ----------
    fit : OutOfDistribution
    statistics : (images, statistics) float

    Returns
    -------
    (images, traits) float64
        0 of the colours of grey images.
    """
    count = statistics.shape[1]
    mean, scale = fit.mean[-count:], np.maximum(fit.scale[-count:], _LEAST_SPREAD)
    away = np.nan_to_num((statistics - mean) / scale)
    return np.clip(away, -_FARTHEST, _FARTHEST) @ _trait_weights(count)


@cache
def _trait_weights(count: int) -> NDArray[np.float64]:
    """(statistics, traits) The weight of each of so many statistics in each trait."""
    names = statistic_names(1 if count == len(statistic_names(1)) else 3)
    weights = np.zeros((count, len(TRAITS)))
    for column, trait in enumerate(TRAITS):
        for name, weight in trait.weights:
            if name in names:
                weights[names.index(name), column] = weight
    return weights


#: Logarithms and shares: images of one simulation may all be equal in one of them.
_LEAST_SPREAD = 0.02


def find_differences(fit: OutOfDistribution, sums: TraitSums) -> tuple[Difference, ...]:
    """In which traits images differ from those of the calibration, as a whole.

    Parameters
    ----------
    fit : OutOfDistribution
    sums : TraitSums
        Of all images.

    Returns
    -------
    tuple of Difference
        The largest first; none of fewer than `FEWEST_COMPARED` images.

    Notes
    -----
    A difference is a mean that is at least one spread of the calibration's images away, with three
    times its standard error added. What follows from another difference is left out: faint galaxies
    are black in more pixels, and galaxies that fill the frame leave no dark border. Images whose
    three bands are equal are called grey, not bluer or redder.
    """
    if sums.images < FEWEST_COMPARED:
        return ()
    means = sums.means
    spread = np.array(sums.squares) / sums.images - means**2
    variance = np.maximum(spread, _LEAST_VARIANCE)
    least = _APART + _SIGMAS * np.sqrt(variance / sums.images + 1 / max(fit.galaxies, 1))
    apart = {
        trait.key: Difference(trait, float(mean))
        for trait, mean, limit in zip(TRAITS, means, least, strict=True)
        if abs(mean) > limit and (trait.more if mean > 0 else trait.less)
    }
    if _are_grey(fit, means, spread) and apart.keys() & set(_COLOURS):
        farthest = max(abs(apart.pop(key).distance) for key in _COLOURS if key in apart)
        apart[_GREY.key] = Difference(_GREY, farthest)
    signs = {key: np.sign(mean) for key, mean in zip(_KEYS, means, strict=True)}
    for (key, sign), (cause, cause_sign) in _FOLLOWS:
        if {key, cause} <= set(apart) and (signs[key], signs[cause]) == (sign, cause_sign):
            del apart[key]
    ordered = sorted(apart.values(), key=lambda difference: -abs(difference.distance))
    return tuple(ordered)


def _are_grey(
    fit: OutOfDistribution, means: NDArray[np.float64], spread: NDArray[np.float64]
) -> bool:
    """Whether all images have the colours of images with three equal bands: exactly none."""
    count = len(statistic_names(3))
    if len(fit.mean) < count:
        return False
    grey = trait_distances(fit, np.zeros((1, count)))[0]
    colours = [_KEYS.index(key) for key in _COLOURS]
    return bool(
        (np.abs(means[colours] - grey[colours]) < _NEARLY).all()
        and (spread[colours] < _NEARLY).all()
    )


#: Of a spread: what rounding makes of equal numbers.
_NEARLY = 1e-3

#: A trait above (1) or below (-1) the mean -> another that explains it.
_FOLLOWS = (
    (("background", 1), ("size", -1)),
    (("background", -1), ("black", 1)),
    (("noise", -1), ("black", 1)),
    (("brightness", 1), ("background", 1)),
    (("black", 1), ("brightness", -1)),
    (("background", -1), ("brightness", -1)),
    (("noise", -1), ("brightness", -1)),
)


def trait_distance(sums: TraitSums, keys: Sequence[str] = _KEYS) -> float:
    """How far images are from the calibration's over some traits: 0 where their means agree.

    The root of the mean square over traits, in spreads.
    """
    means = sums.means[[_KEYS.index(key) for key in keys]]
    return math.sqrt(float((means**2).mean()))
