"""What sets the images of a prediction apart from those that the model knows, and a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxyclass.calibration.comparison import (
    Difference,
    TraitSums,
    find_differences,
    sum_traits,
    trait_distance,
)
from galaxyclass.calibration.image_statistics import (
    STATISTICS,
    central_light,
    image_statistics,
    statistic_names,
)
from galaxyclass.errors import GalaxyclassError
from galaxyclass.model.cutouts import Cutouts, Picture
from galaxyclass.model.reading import with_reading
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.stretches import StretchName

if TYPE_CHECKING:
    from galaxyclass.calibration.out_of_distribution import OutOfDistribution
    from galaxyclass.model.bundle.load import Bundle
    from galaxyclass.model.stream import PredictedBatch

#: Images on which remedies are tried; the first of them alone to find a scale.
_SAMPLE, _FEW = 24, 8
#: A remedy leaves at most this share of the distance.
_LEFT = 0.75
#: How many times larger or smaller galaxies may appear: from 1/4 to 4.
_FACTORS = tuple(2 ** (step / 4) for step in range(-8, 9))
#: Values of `scale` that are tried; a small picture is shown whole until its pixels are large.
_SCALES = tuple(float(f"{2 ** (step / 4):.2g}") for step in range(-8, 17))
#: Stretches that may be what was meant, where a picture is in bands.
_STRETCHES: tuple[StretchName, ...] = (
    "sdss",
    "galaxy-zoo-decals",
    "legacy-surveys",
    "lupton",
    "asinh",
    "percentile",
)
#: Settings that say how brightness becomes grey levels.
_OF_STRETCH = ("stretch", "limits", "percentiles", "softening")


@dataclass(frozen=True)
class Familiar:
    """The images that a model knows, and how a call reads others.

    Attributes
    ----------
    fit : OutOfDistribution
        Of the calibration.
    preprocessing : Preprocessing
        The model's own.
    reading : mapping of str to object
        The settings of this call.
    """

    fit: OutOfDistribution
    preprocessing: Preprocessing
    reading: Mapping[str, Any] = field(default_factory=dict)

    def compare(self, batch: PredictedBatch) -> TraitSums:
        """The sums of a batch; of none where a backend gives other features than the model's."""
        output, statistics = batch.output, batch.image_statistics
        if output is None or statistics is None or not self.fits(output.features.shape[1]):
            return TraitSums()
        scores = self.fit.score(output.features, statistics)
        return sum_traits(self.fit, statistics, scores)

    def fits(self, width: int) -> bool:
        """Whether features of that width are the calibration's."""
        return len(self.fit.centre) == width

    def cutouts(
        self, images: Sequence[Picture], reading: Mapping[str, Any]
    ) -> tuple[NDArray[np.uint8], set[str]] | None:
        """Cutouts made with other settings, and remarks; None where they cannot be made."""
        try:
            result = Cutouts(images, 0, with_reading([self.preprocessing], reading))
            result.read()
        except GalaxyclassError:
            return None
        return (result.arrays[0], set(result.notes)) if result.decoded.any() else None

    def sums(self, cutouts: NDArray[np.uint8]) -> TraitSums:
        """The sums of cutouts, without scores."""
        return sum_traits(self.fit, image_statistics(cutouts), np.zeros(len(cutouts)))

    def size_distance(self, cutouts: NDArray[np.uint8]) -> float:
        """How far the galaxies of cutouts are from those that the model knows in size alone."""
        count = len(statistic_names(3 if cutouts.shape[3] > 1 else 1))
        statistics = np.tile(self.fit.mean[-count:], (len(cutouts), 1))
        statistics[:, STATISTICS.index("light within 1/4")] = central_light(cutouts)
        sums = sum_traits(self.fit, statistics, np.zeros(len(cutouts)))
        return trait_distance(sums, ("size",))


def open_familiar(
    bundles: Sequence[Bundle], reading: Mapping[str, Any] | None = None
) -> Familiar | None:
    """What images a model knows; None of an ensemble, and of a model that was not calibrated."""
    if len(bundles) > 1 or not bundles[0].has("calibration"):
        return None
    from galaxyclass.calibration.files import parse_calibration

    bundle = bundles[0]
    calibration = parse_calibration(bundle.read_calibration(), str(bundle.calibration))
    fit = calibration.out_of_distribution
    stated = {name: value for name, value in (reading or {}).items() if value is not None}
    return None if fit is None else Familiar(fit, bundle.manifest.preprocessing, stated)


def describe_differences(
    familiar: Familiar, sums: TraitSums, images: Sequence[Picture] | Iterator[Picture]
) -> Iterator[str]:
    """A sentence on how images differ from those that a model knows, and one on the remedy.

    A remedy is a setting of `reading`. It is named only where it was tried on some of the images,
    and brought them nearer.

    Parameters
    ----------
    familiar : Familiar
    sums : TraitSums
        Of all images.
    images : sequence or iterator of Picture
        Of an iterator, and of sources of tiles, nothing is tried.
    """
    differences = find_differences(familiar.fit, sums)
    if not differences:
        return
    sample = _sample(images)
    current = familiar.cutouts(sample, familiar.reading) if sample else None
    times = None
    if current is not None and _has(differences, "size"):
        times = _times(familiar, current[0])
    words = [
        difference.words(times if difference.trait.key == "size" else None)
        for difference in differences
    ]
    sentence = (
        f"Taken together, these {sums.images:,} images are not like those that the model knows: "
        f"{'; '.join(words)}."
    )
    if current is not None:
        sentence += _remedy(familiar, differences, sample, *current)
    yield sentence


def _has(differences: Sequence[Difference], key: str) -> bool:
    return any(difference.trait.key == key for difference in differences)


def _sample(images: Sequence[Picture] | Iterator[Picture]) -> list[Picture]:
    """Some of the images, evenly spread; none that cannot be read again."""
    if isinstance(images, Iterator) or not len(images):
        return []
    indices = np.unique(np.linspace(0, len(images) - 1, _SAMPLE).astype(int)).tolist()
    sample = [images[index] for index in indices]
    return [image for image in sample if isinstance(image, str | np.ndarray)]


def _times(familiar: Familiar, cutouts: NDArray[np.uint8]) -> float | None:
    """How many times smaller or larger galaxies appear: 1 or more."""
    sizes = [familiar.size_distance(_enlarged(cutouts, factor)) for factor in _FACTORS]
    factor = _FACTORS[int(np.argmin(sizes))]
    return max(factor, 1 / factor)


def _enlarged(cutouts: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Cutouts whose middle is shown larger; smaller, surrounded by the border's colour."""
    _, height, width, channels = cutouts.shape
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, 0, factor)
    enlarged = [
        cv2.warpAffine(
            cutout, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        for cutout in cutouts
    ]
    return np.asarray(enlarged, np.uint8).reshape(-1, height, width, channels)


@dataclass(frozen=True)
class _Tried:
    """Settings that were tried, in words, and the distance that they leave."""

    reading: Mapping[str, Any]
    words: str
    distance: float


def _remedy(
    familiar: Familiar,
    differences: Sequence[Difference],
    sample: Sequence[Picture],
    cutouts: NDArray[np.uint8],
    notes: set[str],
) -> str:
    """The settings that bring the images nearer, in a sentence; where none does, what is left."""
    begun = trait_distance(familiar.sums(cutouts))
    best = _Tried(familiar.reading, "", begun)
    words = []
    in_bands = any("stretch " in note for note in notes)
    for _ in range(2):
        tried = [
            candidate
            for reading, text in _candidates(familiar, best.reading, differences, sample, in_bands)
            if (candidate := _try(familiar, sample, reading, text, len(cutouts))) is not None
        ]
        nearest = min(tried, key=lambda candidate: candidate.distance, default=best)
        if nearest.distance > _LEFT * best.distance:
            break
        words.append(nearest.words)
        best = nearest
    if words:
        return (
            f" To do: {' and '.join(words)}. Tried on {len(cutouts)} of them, this brings them "
            "nearer."
        )
    if cutouts.shape[3] == 3 and _has(differences, "redness"):
        swapped = trait_distance(familiar.sums(np.ascontiguousarray(cutouts[..., ::-1])))
        if swapped < _LEFT * begun:
            return (
                f" With red and blue swapped, {len(cutouts)} of them are nearer: check the order "
                "of the bands."
            )
    return (
        " No other way of reading them is known to help: compare the predictions with labels of "
        "some of your galaxies before you use them."
    )


def _try(
    familiar: Familiar,
    sample: Sequence[Picture],
    reading: Mapping[str, Any],
    words: str,
    decoded: int,
) -> _Tried | None:
    cutouts = familiar.cutouts(sample, reading)
    if cutouts is None or len(cutouts[0]) < decoded:
        return None
    return _Tried(reading, words, trait_distance(familiar.sums(cutouts[0])))


def _candidates(
    familiar: Familiar,
    reading: Mapping[str, Any],
    differences: Sequence[Difference],
    sample: Sequence[Picture],
    in_bands: bool,
) -> Iterator[tuple[dict[str, Any], str]]:
    """Settings that might help, each with its words."""
    stated = dict(reading)
    stated_scale = stated.get("scale", familiar.preprocessing.scale)
    for scale in ("auto", "keep"):
        if scale != stated_scale:
            yield {**stated, "scale": scale}, f"`scale={scale!r}`"
    if familiar.preprocessing.cutout == "centre" and _has(differences, "size"):
        factor = _best_factor(familiar, sample[:_FEW], stated)
        if factor is not None:
            yield {**stated, "scale": factor}, f"`scale={factor:g}`"
    if not in_bands or familiar.preprocessing.stretch is not None:
        return
    without = {name: value for name, value in stated.items() if name not in _OF_STRETCH}
    if left_out := [f"`{name}`" for name in _OF_STRETCH if name in stated]:
        yield without, f"leave out {' and '.join(left_out)}"
    for stretch in _STRETCHES:
        yield {**without, "stretch": stretch}, f"`stretch={stretch!r}`"
    bands = str(stated.get("bands", "")).split(",")
    if len(bands) == 3:
        turned = ",".join(bands[::-1])
        yield {**stated, "bands": turned}, f"`bands={turned!r}`"


def _best_factor(
    familiar: Familiar, sample: Sequence[Picture], reading: Mapping[str, Any]
) -> float | None:
    """The scale, to two digits, at which galaxies are as large as those that the model knows."""
    distances = {}
    for factor in sorted(_SCALES, key=lambda factor: abs(np.log(factor))):
        cutouts = familiar.cutouts(sample, {**reading, "scale": factor})
        if cutouts is not None:
            distances[factor] = familiar.size_distance(cutouts[0])
    return min(distances, key=lambda factor: distances[factor], default=None)
