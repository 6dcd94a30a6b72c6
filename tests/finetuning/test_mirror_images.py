"""Classes that only mirror images tell apart: said of an encoder that cannot see them."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import galaxyclass
from galaxyclass.arrays import Doubles
from galaxyclass.finetuning.beginning import Beginning
from galaxyclass.finetuning.cross_validation import OutOfFold
from galaxyclass.finetuning.mirror_images import Separation, mirror_notes, separations
from galaxyclass.tasks.classes.task import ClassTask

RANDOM = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], 80)
#: What tells the classes apart, for each galaxy: the first two are told apart by chance.
BY_CHANCE = np.eye(3)[np.where(LABELS == 2, 2, np.arange(len(LABELS)) % 2)]
TOLD_APART = np.eye(3)[LABELS]
NOTHING = RANDOM.random((len(LABELS), 3))


def out_of_fold(predictions: Doubles, count: int = 3) -> OutOfFold:
    noisy = predictions + RANDOM.normal(0, 0.3, predictions.shape)
    chosen = count > LABELS
    task = ClassTask("class", ("left", "right", "none")[:count], (1 / count,) * count)
    return OutOfFold(noisy[None, chosen, :count], task, LABELS[chosen])


@cache
def beginning() -> Beginning:
    model = galaxyclass.load_model(workers=1)
    return Beginning(model, model.bundles[0].manifest.preprocessing, ())


def sample() -> Any:
    shape = (16, *beginning().preprocessing.shape)
    images = RANDOM.integers(0, 255, shape, np.uint8)
    return SimpleNamespace(pack=SimpleNamespace(images=images), rows=np.arange(16))


def test_areas_under_the_curve() -> None:
    chance, first, second = separations(out_of_fold(BY_CHANCE))
    assert (chance.is_by_chance, chance.is_clear) == (True, False)
    assert (first.is_by_chance, first.is_clear, second.is_clear) == (False, True, True)
    assert chance.error == pytest.approx(np.sqrt(161 / (12 * 80 * 80)))


def test_of_few_galaxies_nothing_can_be_said() -> None:
    assert not Separation(("far", "near"), area=0.2, error=np.sqrt(15 / (12 * 7 * 7))).is_by_chance
    assert Separation(("far", "near"), area=0.45, error=0.04).is_by_chance


def test_what_is_said() -> None:
    (note,) = mirror_notes(out_of_fold(BY_CHANCE), beginning(), sample())
    assert "chance: 'left' and 'right'. If one looks like the mirror image" in note
    assert mirror_notes(out_of_fold(BY_CHANCE, 2), beginning(), sample())
    for predictions in (TOLD_APART, NOTHING):  # nothing is told apart: labels may be wrong
        assert not mirror_notes(out_of_fold(predictions), beginning(), sample())


def test_an_encoder_that_sees_mirror_images() -> None:
    def backend(cutouts: Any) -> Any:
        return SimpleNamespace(features=cutouts[:, 40, :20, 0].astype(np.float32))

    model: Any = SimpleNamespace(
        ensemble=SimpleNamespace(backend=backend), bundles=beginning().model.bundles, name="seeing"
    )
    seeing = Beginning(model, beginning().preprocessing, ())
    assert not mirror_notes(out_of_fold(BY_CHANCE), seeing, sample())
