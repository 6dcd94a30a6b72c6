"""Curves are drawn as a training goes, where that costs little, and never end it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from galaxyclass.errors import OutputError
from galaxyclass.training import callbacks as module
from galaxyclass.training.callbacks import DrawCurves


def drawn_after(seconds: float, epochs: int, cost: float, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often the curves are drawn in so many epochs of so many seconds."""
    clock = [0.0]
    drawn = []
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def draw() -> None:
        drawn.append(clock[0])
        clock[0] += cost
        if len(drawn) == 1:
            raise OutputError("no room")

    callback, trainer = DrawCurves(draw), SimpleNamespace(is_global_zero=True)
    for _ in range(epochs):
        clock[0] += seconds
        callback.on_train_epoch_end(as_any(trainer), as_any(None))
    return len(drawn)


def as_any(value: object) -> Any:
    return value


def test_long_epochs_are_drawn_each_and_short_ones_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn_after(600, 5, 1.0, monkeypatch) == 5
    assert drawn_after(1, 90, 1.0, monkeypatch) == 0
    # At most a fiftieth of the time is spent on drawing.
    assert drawn_after(5, 100, 1.0, monkeypatch) in range(5, 11)
