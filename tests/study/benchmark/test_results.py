"""The figures of a benchmark: medians, spreads, and shares of what is possible."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from galaxyclass.study.benchmark.results import Benchmark, Share, Speed, one_after_the_other, share


def test_a_speed_is_a_median_with_its_spread() -> None:
    speed = Speed((30.0, 10.0, 20.0, 100.0))
    assert (speed.low, speed.median, speed.high) == (10, 25, 100)


def test_two_kinds_of_work_on_the_same_cores() -> None:
    # 1,000 images take 2 s of one and 3 s of the other.
    assert one_after_the_other(500, 1000 / 3) == pytest.approx(200)


def test_a_share_is_taken_within_each_repeat() -> None:
    """A machine that was twice as slow in one repeat was so for both sides."""
    assert share("pack", "a loop", [90, 45, 90], [100, 50, 100]) == Share("pack", "a loop", 0.9)


def test_the_file_has_numbers_with_their_spread_beside_them(tmp_path: Path) -> None:
    found = Benchmark(
        recipe="fast",
        images=100,
        repeats=3,
        runtime={"precision": "bf16"},
        speeds={"train": Speed((10.0, 12.0, 11.0))},
        shares=[Share("train", "the network", 0.91)],
        augmentation=0.05,
        gflop={"inference": 0.1},
        memory={"train": 1 << 20},
        machine={},
        versions={},
    )
    found.write(tmp_path)
    told = json.loads((tmp_path / "benchmark.json").read_text())
    assert told["train_images_per_second"] == 11.0
    assert told["train_images_per_second_spread"] == [10.0, 12.0]
    assert told["shares"]["train"] == {"of": "the network", "value": 0.91}
    assert told["runtime"]["precision"] == "bf16"
