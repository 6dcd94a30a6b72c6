"""Augmentation against transforms that can be worked by hand."""

from __future__ import annotations

import pytest
import torch

from galaxyclass.errors import RecipeError
from galaxyclass.networks.augmentation.affine import affine_matrices, warp
from galaxyclass.networks.augmentation.augment import augment
from galaxyclass.networks.augmentation.colour import jitter
from galaxyclass.networks.augmentation.mirrors import mirror_swap, mirrored
from galaxyclass.recipes.recipe import Augmentation

STILL = Augmentation(flip="none", rotation=0)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cutouts(side: int = 9, count: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=generator())


def as_images(batch: torch.Tensor) -> torch.Tensor:
    return batch.permute(0, 3, 1, 2).float() / 255


def test_nothing_to_do_changes_nothing() -> None:
    batch = cutouts()
    torch.testing.assert_close(augment(batch, STILL, 9, generator())[0], as_images(batch))


def test_smaller_side_is_the_middle() -> None:
    batch = cutouts(side=12)
    expected = as_images(batch)[:, :, 2:-2, 2:-2]
    torch.testing.assert_close(augment(batch, STILL, 8, generator())[0], expected)


@pytest.mark.parametrize(("flip", "axis"), [("horizontal", 3), ("vertical", 2)])
def test_mirrors(flip: str, axis: int) -> None:
    batch = cutouts(count=64)
    original = as_images(batch)
    changed, told = augment(batch, Augmentation(flip=flip, rotation=0), 9, generator())
    mirrored = original.flip(axis)
    kinds = []
    for i in range(64):
        same = torch.allclose(changed[i], original[i], atol=1e-5)
        turned = torch.allclose(changed[i], mirrored[i], atol=1e-5)
        assert same != turned
        assert turned == bool(told[i])
        kinds.append(turned)
    assert 16 < sum(kinds) < 48


def test_quarter_turn_is_exact() -> None:
    images = as_images(cutouts())
    quarter = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]).expand(len(images), 2, 3)
    turned = warp(images, quarter, 9, "black")
    torch.testing.assert_close(turned, torch.rot90(images, 1, (2, 3)), atol=1e-5, rtol=0)


def test_rotation_stays_within_its_limit() -> None:
    matrices = affine_matrices(500, Augmentation(flip="none", rotation=30), 1.0, generator())
    angles = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert angles.abs().max() <= 30
    assert angles.max() > 25
    assert angles.min() < -25
    determinant = matrices[:, 0, 0] * matrices[:, 1, 1] - matrices[:, 0, 1] * matrices[:, 1, 0]
    torch.testing.assert_close(determinant, torch.ones(500))


def test_zoom_magnifies_and_axes_follow() -> None:
    together = Augmentation(flip="none", rotation=0, zoom=(2.0, 2.0))
    matrices = affine_matrices(3, together, 1.0, generator())
    torch.testing.assert_close(matrices[0, :, :2], torch.eye(2) / 2)
    apart = Augmentation(flip="none", rotation=0, zoom=(0.5, 2.0), zoom_axes="independent")
    matrices = affine_matrices(200, apart, 1.0, generator())
    assert (matrices[:, 0, 0] - matrices[:, 1, 1]).abs().max() > 0.5
    together = Augmentation(flip="none", rotation=0, zoom=(0.5, 2.0))
    matrices = affine_matrices(200, together, 1.0, generator())
    torch.testing.assert_close(matrices[:, 0, 0], matrices[:, 1, 1])


def test_shift_is_a_share_of_the_side() -> None:
    matrices = affine_matrices(
        500, Augmentation(flip="none", rotation=0, shift=0.1), 1.0, generator()
    )
    assert 0.18 < matrices[:, :, 2].abs().max() <= 0.2


def test_what_stands_beyond_the_edge() -> None:
    images = torch.ones(1, 1, 5, 5)
    smaller = torch.tensor([[[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]]])
    assert warp(images, smaller, 5, "black")[0, 0, 0, 0] == 0
    assert warp(images, smaller, 5, "nearest")[0, 0, 0, 0] == 1
    assert warp(images, smaller, 5, "reflect")[0, 0, 0, 0] == 1


def test_same_seed_same_pictures() -> None:
    settings = Augmentation(zoom=(0.8, 1.2), brightness=0.1, contrast=0.1, colour=0.1)
    first, _ = augment(cutouts(), settings, 9, generator(5))
    second, _ = augment(cutouts(), settings, 9, generator(5))
    third, _ = augment(cutouts(), settings, 9, generator(6))
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, third)


def test_contrast_keeps_the_mean() -> None:
    images = torch.rand(20, 1, 8, 8, generator=generator()) * 0.2 + 0.4
    changed = jitter(images, Augmentation(contrast=0.5), generator())
    torch.testing.assert_close(changed.mean(dim=(2, 3)), images.mean(dim=(2, 3)))
    ratio = changed.std(dim=(2, 3)) / images.std(dim=(2, 3))
    assert ratio.min() < 0.8
    assert ratio.max() > 1.2


def test_values_stay_between_0_and_1() -> None:
    changed = jitter(torch.ones(50, 3, 4, 4), Augmentation(brightness=0.5), generator())
    assert changed.max() <= 1
    assert changed.min() >= 0.5 - 1e-6


def test_two_mirrors_are_a_turn() -> None:
    matrices = affine_matrices(400, Augmentation(flip="both"), 1.0, generator())
    flipped = mirrored(matrices)
    assert 120 < flipped.sum() < 280
    assert (torch.linalg.det(matrices[:, :, :2]) < 0).equal(flipped)


def test_turns_are_no_mirrors() -> None:
    assert not mirrored(affine_matrices(50, Augmentation(flip="none"), 1.0, generator())).any()


def test_what_classes_become_in_a_mirror() -> None:
    swap = mirror_swap(["a", "b", "c", "d"], ["d:b"])
    assert swap.tolist() == [0, 3, 2, 1]


@pytest.mark.parametrize("pairs", [["a"], ["a:x"], ["a:a"], ["a:b", "b:c"]])
def test_pairs_that_are_none(pairs: list[str]) -> None:
    with pytest.raises(RecipeError, match="mirror_pairs"):
        mirror_swap(["a", "b", "c"], pairs)
