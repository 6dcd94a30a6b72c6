"""Smaller cutouts first: which epochs, which pixels, and which networks."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from galaxyclass.errors import RecipeError
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.networks.augmentation.augment import augment
from galaxyclass.networks.network import Network
from galaxyclass.recipes.read import load_recipe
from galaxyclass.training.progressive_resizing import shrunk, side_in
from galaxyclass.training.train import train
from tests.support.sky import TINY, Sky, changed


def test_sides_of_the_epochs() -> None:
    growing = [(24, 0.5), (32, 0.75)]
    assert [side_in(epoch, 4, 40, growing) for epoch in range(4)] == [24, 24, 32, 40]
    assert [side_in(epoch, 2, 40, ()) for epoch in range(2)] == [40, 40]
    assert side_in(0, 1, 16, growing) == 16  # never larger than what there is


@pytest.mark.parametrize("side", [8, 12, 24])
def test_shrinking_is_by_area(side: int) -> None:
    cutouts = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    expected = [cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in cutouts]
    made = shrunk(torch.from_numpy(cutouts), side).numpy()
    assert made.dtype == np.uint8
    if 24 % side == 0:
        assert np.abs(made.astype(int) - np.stack(expected)).max() <= 1
    else:  # torch takes whole pixels where OpenCV weighs parts of them
        assert abs(made.mean() - cutouts.mean()) < 2


def test_a_training_that_grows_predicts_on_whole_cutouts(
    sky: Sky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    from galaxyclass.training import module

    real = augment
    scored: list[int] = []
    read = Network.read

    def look(network: Network, cutouts: torch.Tensor, side: int | None = None) -> torch.Tensor:
        images = read(network, cutouts, side)
        scored.append(images.shape[-1])
        return images

    monkeypatch.setattr(Network, "read", look)

    def spy(cutouts: torch.Tensor, augmentation: object, side: int, generator: object) -> object:
        seen.append(side)
        return real(cutouts, augmentation, side, generator)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "augment", spy)
    run = train(
        "fast",
        sky.images,
        sky.table,
        output=tmp_path / "run",
        settings=changed(TINY, "training.progressive_resizing=[[8, 0.5]]"),
        cache=sky.cache,
    )
    assert seen == [8] * 6 + [16] * 6  # three steps an epoch, four epochs
    # Validation sees what training sees; after the last epoch the run is scored once more.
    assert scored[:4] == [8, 8, 16, 16]
    assert set(scored[4:]) == {16}
    assert load_bundle(run.folder).manifest.preprocessing.size == 16


def test_no_epoch_is_the_best_before_cutouts_have_grown(sky: Sky, tmp_path: Path) -> None:
    # So high a rate that the first epoch that counts is the best, and patience is soon over.
    wild = ["training.keep=best", "training.early_stopping=1", "schedule.name=constant"]
    wild += ["optimizer.name=adamw", "optimizer.lr=10"]

    def trained(folder: str, *settings: str) -> int:
        run = train(
            "fast",
            sky.images,
            sky.table,
            output=tmp_path / folder,
            settings=changed(TINY, *wild, *settings),
            cache=sky.cache,
        )
        return int(json.loads((run.folder / "metrics.json").read_text())["kept_epoch"])

    assert trained("whole") == 1
    assert trained("grown", "training.progressive_resizing=[[8, 0.5]]") == 3


@pytest.mark.parametrize(
    "growing", ["[[64, 0.4], [48, 0.7]]", "[[48, 0.7], [64, 0.4]]", "[[48, 1.5]]", "[[4, 0.5]]"]
)
def test_sides_and_shares_must_grow(growing: str) -> None:
    with pytest.raises(RecipeError, match="is not a list of increasing sides"):
        load_recipe("fast", [f"training.progressive_resizing={growing}"])


def test_a_network_of_one_size_cannot_grow(sky: Sky, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="takes cutouts of one size only"):
        train(
            "two-layer-cnn",
            sky.images,
            sky.table,
            output=tmp_path / "run",
            settings=["training.progressive_resizing=[[48, 0.5]]"],
            cache=sky.cache,
        )
    assert not (tmp_path / "run").exists()
