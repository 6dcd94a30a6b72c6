"""What a training says of itself: each kind of trouble is told, and sound trainings are quiet."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from galaxyclass.errors import RunError
from galaxyclass.networks.network import Network
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.training.callbacks import StopOnNan
from galaxyclass.training.diagnosis import (
    NOTICE_KINDS,
    Notice,
    diagnose,
    find_divergence,
    find_over_fitting,
    find_unsettled,
)
from galaxyclass.training.history import Row
from galaxyclass.training.train import train
from galaxyclass.trees.algebra import sums_and_targets
from galaxyclass.trees.read import load_tree
from tests.support.sky import TINY, Sky, changed

TREE = load_tree("galaxy_zoo_2")
SOUND_PARTS = {
    "train": {"value": 0.105, "low": 0.102, "high": 0.108},
    "validation": {"value": 0.115, "low": 0.111, "high": 0.119, "galaxies": 200, "reference": 0.18},
}


def history(
    train: list[float], validation: list[float], name: str = "rmse", lr: float = 1e-3
) -> list[Row]:
    return [
        {
            "epoch": float(epoch),
            "train_loss": a**2,
            "validation_loss": b**2,
            f"train_{name}": a,
            f"validation_{name}": b,
            "lr": lr,
        }
        for epoch, (a, b) in enumerate(zip(train, validation, strict=True), 1)
    ]


def falling(start: float, end: float, epochs: int) -> list[float]:
    return (end + (start - end) * np.exp(-np.arange(epochs) / (epochs / 4))).tolist()


def noisy(values: list[float], size: float, seed: int) -> list[float]:
    """Validation as batch norm and large rates make it: scattered, and far off now and then."""
    rng = np.random.default_rng(seed)
    scattered = np.array(values) * (1 + rng.normal(0, size, len(values)))
    return (scattered * np.where(rng.random(len(values)) < 0.1, 1.4, 1)).tolist()


def votes(seed: int = 0, galaxies: int = 200) -> tuple[VoteTask, np.ndarray]:
    """Joint fractions that obey the tree, each galaxy its own, and outputs with their mean."""
    rng = np.random.default_rng(seed)
    targets = np.zeros((galaxies, len(TREE.answers)))
    for where in TREE.slices:
        targets[:, where] = rng.dirichlet(np.full(where.stop - where.start, 0.4), galaxies)
    for index, where in enumerate(TREE.slices):  # parents stand before children in the tree
        parents = np.flatnonzero(TREE.parents[index])
        if len(parents):
            targets[:, where] *= targets[:, parents].sum(axis=1, keepdims=True)
    mean = tuple(targets.mean(axis=0).tolist())
    return VoteTask(TREE, TREE.layouts[0], (True,) * len(mean), mean), targets


def kinds(notices: tuple[Notice, ...]) -> list[str]:
    return [notice.kind for notice in notices]


HEALTHY = history(falling(0.18, 0.107, 30), falling(0.19, 0.115, 30))


def test_the_made_up_votes_obey_the_tree() -> None:
    _, targets = votes()
    sums, wanted = sums_and_targets(TREE, targets)
    np.testing.assert_allclose(sums, wanted, atol=1e-9)


def test_a_sound_training_is_quiet() -> None:
    task, targets = votes()
    rng = np.random.default_rng(1)
    predictions = (0.7 * targets + 0.3 * np.array(task.mean)).astype(np.float32)
    predictions += rng.normal(0, 0.02, predictions.shape).astype(np.float32)
    assert diagnose(task, predictions, targets, HEALTHY, SOUND_PARTS, kept_epoch=30) == ()


def test_values_near_nothing_have_collapsed() -> None:
    task, targets = votes()
    predictions = np.random.default_rng(0).uniform(0, 2e-4, targets.shape).astype(np.float32)
    rows = history([0.27], [0.27], lr=1e-6)
    (notice,) = diagnose(task, predictions, targets, rows, SOUND_PARTS, kept_epoch=1)
    assert notice.kind == "collapsed"
    assert "every prediction is close to 0 (the largest of all is 0.0002)" in notice.message
    assert "rate of 1e-06 is very small" in notice.message
    assert NOTICE_KINDS["collapsed"] in notice.message


def test_the_same_for_every_galaxy_has_collapsed() -> None:
    task, targets = votes()
    same = np.broadcast_to(np.array(task.mean), targets.shape).astype(np.float32)
    rows = history([0.2, 0.19], [0.2, 0.19], lr=0.1)
    (notice,) = diagnose(task, same, targets, rows, SOUND_PARTS, kept_epoch=1)
    assert notice.kind == "collapsed"
    assert "the same whatever the galaxy" in notice.message
    assert "rate of 0.1 is large" in notice.message


@pytest.mark.parametrize(
    ("train", "rate", "first"),
    [
        ([0.183, 0.155], 1e-3, "more steps first"),
        ([0.155], 1e-3, "more steps first"),  # whose schedule leaves a rate of nothing at its end
        ([*falling(0.18, 0.15, 12), 0.14], 1e-3, "more steps first"),  # still falling
        ([0.155] * 12, 1e-3, "another rate"),
        ([0.183, 0.155], 0.1, "another rate"),
        ([0.183, 0.155], 1e-6, "another rate"),
    ],
)
def test_what_to_try_after_a_collapse_depends_on_what_was_seen(
    train: list[float], rate: float, first: str
) -> None:
    task, targets = votes()
    same = np.broadcast_to(np.array(task.mean), targets.shape).astype(np.float32)
    rows = history(train, train, lr=1e-8)
    (notice,) = diagnose(task, same, targets, rows, SOUND_PARTS, kept_epoch=1, rate=rate)
    assert f"What to try: {first}" in notice.message
    assert ("A learning rate of" in notice.message) is (rate != 1e-3)


def test_no_better_than_the_mean_vector() -> None:
    task, targets = votes()
    shuffled = np.roll(targets, 1, axis=0).astype(np.float32)  # lively, and about other galaxies
    parts = {"validation": {"value": 0.25, "galaxies": 200, "reference": 0.18}}
    (notice,) = diagnose(task, shuffled, targets, HEALTHY, parts, kept_epoch=30)
    assert notice.kind == "no_better"
    assert "RMSE 0.2500 on 200 validation galaxies is no better than the mean vector's" in (
        notice.message
    )


def test_a_small_gain_on_many_galaxies_is_one_and_on_few_is_not() -> None:
    task, targets = votes(galaxies=4000)
    rng = np.random.default_rng(0)
    mean = np.array(task.mean)
    predictions = (mean + 0.1 * (targets - mean)).astype(np.float32)
    predictions += rng.normal(0, 0.06, predictions.shape).astype(np.float32)
    parts = {"validation": {"value": 0.17, "galaxies": 0, "reference": 0.18}}
    assert kinds(diagnose(task, predictions, targets, HEALTHY[:3], parts, kept_epoch=3)) == []
    few = diagnose(task, predictions[:12], targets[:12], HEALTHY[:3], parts, kept_epoch=3)
    assert kinds(few) == ["no_better"]


def test_no_better_than_the_largest_class() -> None:
    task = ClassTask("kind", ("disc", "smooth", "star"), (0.2, 0.7, 0.1))
    rng = np.random.default_rng(0)
    targets = rng.choice([0, 1, 2, -1], 300, p=[0.2, 0.6, 0.1, 0.1])
    blind = rng.dirichlet([2, 7, 1], 300).astype(np.float32)
    rows = history([0.7, 0.7], [0.7, 0.7], "accuracy")
    figures = {"value": 0.6, "galaxies": 300, "reference": 0.7, "low": 0.5, "high": 0.7}
    (notice,) = diagnose(task, blind, targets, rows, {"validation": figures}, kept_epoch=1)
    assert "accuracy 0.6000 on 300 validation galaxies is no better than the largest class's" in (
        notice.message
    )
    seeing = np.full((300, 3), 0.1, np.float32)
    seeing[np.arange(300), np.where(targets < 0, 0, targets)] = 0.8
    assert diagnose(task, seeing, targets, rows, {"validation": figures}, kept_epoch=1) == ()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("train", "validation"),
    [
        (falling(0.18, 0.107, 40), falling(0.20, 0.115, 40)),
        (falling(0.18, 0.12, 40), falling(0.20, 0.105, 40)),  # augmentation: training is worse
        (falling(0.18, 0.08, 40), falling(0.20, 0.115, 40)),  # a gap that stays a gap
        (falling(0.18, 0.11, 40), [0.2] * 40),
        (falling(0.18, 0.11, 8), falling(0.25, 0.12, 8)),
    ],
    ids=["sound", "augmented", "gap", "flat", "short"],
)
def test_noise_is_not_over_fitting(train: list[float], validation: list[float], seed: int) -> None:
    rows = history(noisy(train, 0.003, seed), noisy(validation, 0.04, seed + 100))
    assert find_over_fitting(rows, {"validation": {}}) is None
    assert find_divergence(rows) is None


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lift", [1.0, 1.5], ids=["plain", "augmented"])
def test_validation_that_turns_is_over_fitting(seed: int, lift: float) -> None:
    """Worked out: least at epoch 15 (0.115), 0.115 + 25 * 0.0016 = 0.155 at the end."""
    train = [lift * value for value in falling(0.18, 0.03, 40)]
    validation = [0.115 + (0.004 * (15 - n) if n < 15 else 0.0016 * (n - 15)) for n in range(1, 41)]
    text = find_over_fitting(history(noisy(train, 0.003, seed), noisy(validation, 0.01, seed)), {})
    assert text is not None
    assert text.startswith("Over-fitting: validation was best around epoch 1")
    assert "(RMSE 0.11" in text
    assert "has become worse since (RMSE 0.15" in text


def test_falling_accuracy_is_over_fitting() -> None:
    train = [1 - value for value in falling(0.5, 0.01, 30)]
    validation = [0.5 + 0.03 * n if n < 10 else 0.8 - 0.004 * (n - 10) for n in range(30)]
    text = find_over_fitting(history(train, validation, "accuracy"), {})
    assert text is not None
    assert "accuracy 0.7" in text.split("worse since")[1]


def test_validation_that_gets_worse_with_training_is_not_over_fitting() -> None:
    both = [*falling(0.18, 0.11, 20), *[0.13] * 10]
    assert find_over_fitting(history(both, both), {"validation": {}}) is None


@pytest.mark.parametrize(
    ("name", "train", "validation", "fires"),
    [
        ("rmse", (0.05, 0.048, 0.052), (0.12, 0.115, 0.125), True),
        ("rmse", (0.09, 0.088, 0.092), (0.12, 0.115, 0.125), False),
        ("rmse", (0.06, 0.03, 0.09), (0.12, 0.08, 0.16), False),
        ("accuracy", (0.99, 0.985, 0.995), (0.8, 0.77, 0.83), True),
        ("accuracy", (0.9, 0.89, 0.91), (0.84, 0.81, 0.87), False),
        ("accuracy", (0.9, 0.8, 1.0), (0.7, 0.4, 0.95), False),
    ],
)
def test_a_network_that_knows_its_galaxies_by_heart(
    name: str,
    train: tuple[float, float, float],
    validation: tuple[float, float, float],
    fires: bool,
) -> None:
    parts = {
        part: dict(zip(("value", "low", "high"), values, strict=True))
        for part, values in (("train", train), ("validation", validation))
    }
    text = find_over_fitting(history([0.2, 0.2], [0.2, 0.2], name), parts)
    assert (text is not None and "by heart" in text) is fires


@pytest.mark.parametrize(
    ("name", "learning", "kept", "fires"),
    [
        ("rmse", 0.11, (0.157, 0.154, 0.160), True),
        ("rmse", 0.1539, (0.1842, 0.1733, 0.1952), True),  # a large rate that does not fall
        ("rmse", 0.11, (0.12, 0.118, 0.122), False),
        ("rmse", 0.11, (0.15, 0.12, 0.18), False),  # too few galaxies to tell
        ("accuracy", 0.8, (0.5, 0.48, 0.52), True),
        ("accuracy", 0.8, (0.76, 0.74, 0.78), False),
    ],
)
def test_a_network_worse_than_while_it_learned_is_unsettled(
    name: str, learning: float, kept: tuple[float, float, float], fires: bool
) -> None:
    parts = {"train": dict(zip(("value", "low", "high"), kept, strict=True))}
    rows = history([0.3, learning, 0.3], [0.3] * 3, name)
    text = find_unsettled(rows, parts, 2)
    assert (text is not None and "from step to step" in text) is fires


def test_what_is_unsettled_is_not_said_to_be_over_fitted() -> None:
    """The figures of a real training whose averaged weights lagged behind."""
    task, targets = votes()
    predictions = (0.7 * targets + 0.3 * np.array(task.mean)).astype(np.float32)
    train = falling(0.16, 0.115, 16)
    validation = [0.205, *np.linspace(0.203, 0.234, 15).tolist()]
    unsettled = {"value": 0.21, "low": 0.205, "high": 0.215}
    parts = SOUND_PARTS | {"train": unsettled}
    notices = diagnose(task, predictions, targets, history(train, validation), parts, kept_epoch=16)
    assert kinds(notices) == ["unsettled"]
    assert find_over_fitting(history(train, validation), parts) is not None


@pytest.mark.parametrize(
    ("loss", "fires"),
    [
        ([9, 5, 3, 2, 2, 7, 8, 8], True),
        ([1, 2, 4, 8, 16], True),
        ([9, 5, 3, 2, 2, 1.5, 30, 1.4, 1.3], False),  # one bad epoch
        ([2, 1.0, 0.1, 0.01, 0.03, 0.03, 0.03], False),  # three times nearly nothing
        ([0.0731, 0.0731, 0.0732, 0.0731], False),  # never learned, never diverged
        ([5, 9], False),  # too early to say
    ],
)
def test_divergence(loss: list[float], fires: bool) -> None:
    rows = [{"epoch": float(n), "train_loss": float(value)} for n, value in enumerate(loss, 1)]
    assert (find_divergence(rows) is not None) is fires


def test_a_collapsed_training_says_so(
    sky: Sky, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """System 3's mistake, made again: outputs near 0 that a tiny rate leaves where they are."""
    from galaxyclass.training import module

    class Blank(Network):
        """A network whose sigmoids begin at 1e-4."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            torch.nn.init.constant_(self.last.bias, float(np.log(1e-4)))
            torch.nn.init.zeros_(self.last.weight)

    monkeypatch.setattr(module, "Network", Blank)
    settings = ["training.epochs=1", "model.head=sigmoid", "training.ema=0", "training.keep=last"]
    slow = ["optimizer.name=sgd", "optimizer.lr=0.000001", "schedule.name=constant"]
    with caplog.at_level(logging.WARNING, "galaxyclass"):
        trained = train(
            "fast",
            sky.images,
            sky.table,
            output=tmp_path / "run",
            settings=changed(TINY, *settings, *slow),
            cache=sky.cache,
            device="cpu",
            workers=1,
        )
    assert [notice.kind for notice in trained.metrics.notices] == ["collapsed"]
    assert "Collapsed: every prediction is close to 0 (the largest of all is 0.0001" in caplog.text
    assert "rate of 1e-06 is very small" in caplog.text
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert written["notices"][0]["kind"] == "collapsed"
    assert written["notices"][0]["message"] in caplog.text


def test_a_loss_that_is_no_number_stops_the_training(sky: Sky, tmp_path: Path) -> None:
    """At the first step that is looked at, of a hundred epochs, and without a checkpoint of it."""
    settings = changed(TINY, "training.epochs=100", "optimizer.name=sgd", "optimizer.lr=1e30")
    with pytest.raises(RunError) as caught:
        train(
            "fast",
            sky.images,
            sky.table,
            output=tmp_path / "run",
            settings=[*settings, "schedule.name=constant", "training.ema=0"],
            cache=sky.cache,
            device="cpu",
            workers=1,
        )
    text = str(caught.value)
    assert "loss is nan in epoch 1" in text
    assert "`optimizer.lr=1e+29`" in text
    assert "training.gradient_clip=1" in text
    assert not list((tmp_path / "run").glob("checkpoints/*"))
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_steps_are_looked_at_within_an_epoch(sky: Sky, tmp_path: Path) -> None:
    """Batches of one galaxy: 48 steps an epoch, of which the 11th is the first to be NaN."""
    assert StopOnNan.EVERY < 48
    settings = changed(TINY, "training.batch_size=4", "optimizer.name=sgd", "optimizer.lr=1e30")
    with pytest.raises(RunError, match="the training loss is nan in epoch 1, step 11"):
        train(
            "fast",
            sky.images,
            sky.table,
            output=tmp_path / "run",
            settings=[*settings, "schedule.name=constant", "training.ema=0"],
            cache=sky.cache,
            device="cpu",
            workers=1,
        )


def test_a_galaxy_of_seven_is_not_over_fitting() -> None:
    train = [0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99]
    validation = [0.57, 0.71, 0.857, 0.857, 0.857, 0.571, 0.571, 0.571, 0.571, 0.571]
    rows = history(train, validation, "accuracy")
    few = {"validation": {"value": 0.571, "low": 0.2, "high": 0.9}}
    many = {"validation": {"value": 0.571, "low": 0.53, "high": 0.6}}
    assert find_over_fitting(rows, few) is None
    assert "Over-fitting" in str(find_over_fitting(rows, many))
