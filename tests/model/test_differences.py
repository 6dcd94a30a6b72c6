"""Sentences on images that differ from those that a model knows, and remedies that were tried."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from galaxyclass.calibration.image_statistics import image_statistics
from galaxyclass.calibration.out_of_distribution import fit_out_of_distribution
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.model.differences import Familiar, describe_differences
from galaxyclass.recipes.preprocessing import Preprocessing
from tests.support.drawn import draw_galaxies

#: The model looks at the middle 64 of the pictures' 96 pixels.
_MODEL = Preprocessing(cutout="centre", frame=64, beyond="whole", size=32)


@pytest.fixture(scope="module")
def familiar() -> Familiar:
    cutouts = np.stack([make_cutout(image, _MODEL) for image in draw_galaxies(200, 96, seed=1)])
    features = np.random.default_rng(0).normal(size=(200, 6))
    return Familiar(fit_out_of_distribution(features, image_statistics(cutouts)), _MODEL)


def _sentence(familiar: Familiar, images: list[NDArray[np.generic]]) -> str:
    made = familiar.cutouts(images, familiar.reading)
    assert made is not None
    return " ".join(describe_differences(familiar, familiar.sums(made[0]), images))


def test_images_like_the_known_ones_are_not_mentioned(familiar: Familiar) -> None:
    assert _sentence(familiar, list(draw_galaxies(50, 96, seed=2))) == ""


def test_smaller_galaxies_want_a_scale_that_helps(familiar: Familiar) -> None:
    images: list[NDArray[np.generic]] = [
        cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA)
        for image in draw_galaxies(50, 192, seed=2, size=0.5)
    ]
    sentence = _sentence(familiar, images)
    assert "galaxies appear 2" in sentence
    assert " times smaller" in sentence
    assert "Tried on 24 of them, this brings them nearer." in sentence
    factor = float(sentence.split("`scale=")[1].split("`")[0])
    assert 2 <= factor <= 4
    mended = Familiar(familiar.fit, _MODEL, {"scale": factor})
    assert "galaxies appear" not in _sentence(mended, images)


def test_larger_galaxies_without_more_sky_have_no_remedy(familiar: Familiar) -> None:
    images = list(draw_galaxies(50, 96, seed=2, size=2.0))
    cropped: list[NDArray[np.generic]] = [image[24:72, 24:72] for image in images]
    sentence = _sentence(familiar, cropped)
    assert "times larger" in sentence
    assert "To do" not in sentence


def test_noise_has_no_remedy(familiar: Familiar) -> None:
    noise = np.random.default_rng(0).normal(0, 25, (50, 96, 96, 3))
    noisy = np.clip(draw_galaxies(50, 96, seed=2) + noise, 0, 255).astype(np.uint8)
    sentence = _sentence(familiar, list(noisy))
    assert "there is more noise. No other way of reading them is known to help" in sentence


def test_grey_images_are_called_grey_and_not_bluer(familiar: Familiar) -> None:
    grey = draw_galaxies(20, 96, seed=2).mean(axis=3, keepdims=True).repeat(3, axis=3)
    sentence = _sentence(familiar, list(grey.astype(np.uint8)))
    assert "images are grey, without colours" in sentence
    assert "colours are" not in sentence


def test_an_iterator_is_described_without_a_remedy(familiar: Familiar) -> None:
    images = list(draw_galaxies(50, 96, seed=2, size=0.4))
    made = familiar.cutouts(images, {})
    assert made is not None
    (sentence,) = describe_differences(familiar, familiar.sums(made[0]), iter(images))
    assert "galaxies appear smaller" in sentence
    assert "To do" not in sentence


def test_swapped_colours_are_tried(familiar: Familiar) -> None:
    images: list[NDArray[np.generic]] = [
        np.ascontiguousarray(image[..., ::-1]) for image in draw_galaxies(50, 96, seed=2)
    ]
    assert "check the order of the bands" in _sentence(familiar, images)


def test_a_stretch_that_was_stated_is_left_out_where_that_helps(familiar: Familiar) -> None:
    # Grey levels of 16 bits: 255 is white for the model.
    levels = draw_galaxies(50, 96, seed=2).astype(np.uint16) * 257
    images: list[NDArray[np.generic]] = list(levels)
    reading = {"stretch": "linear", "limits": (0.0, 1e6)}
    sentence = _sentence(Familiar(familiar.fit, _MODEL, reading), images)
    assert "galaxies are fainter" in sentence
    assert "To do: leave out `stretch` and `limits`." in sentence
