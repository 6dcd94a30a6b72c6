"""Curves side by side: every training has its panel, on the same axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from galaxyclass.plots.compared import Panel, compared_curves
from galaxyclass.plots.style import save
from galaxyclass.tasks.metric import RMSE


def panel(name: str, *values: float, note: str = "", kept: int | None = None) -> Panel:
    history = [
        {"epoch": float(epoch), "train_rmse": value + 0.01, "validation_rmse": value}
        for epoch, value in enumerate(values, 1)
    ]
    value = None if kept is None else values[kept - 1]
    return Panel((name, "lr=0.1"), history, 0.17 if values else None, kept, note, value)


def test_every_training_has_a_panel_with_its_curves(tmp_path: Path) -> None:
    panels = [panel(str(n), 0.2, 0.15, 0.1 + n / 100, kept=3) for n in range(5)]
    figure = compared_curves([*panels, panel("dead", note="failed")], RMSE)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 6
    for number, axes in enumerate(shown[:5]):
        train, validation = axes.lines[:2]
        assert np.asarray(validation.get_ydata()).tolist() == [0.2, 0.15, 0.1 + number / 100]
        assert np.asarray(train.get_ydata()).tolist() == pytest.approx(
            [0.21, 0.16, 0.11 + number / 100]
        )
        assert axes.get_title() == f"{number}  lr=0.1\n{0.1 + number / 100:.4f}"
    assert shown[5].get_title() == "dead  lr=0.1\nfailed"
    assert len({axes.get_ylim() for axes in shown}) == 1
    save(figure, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_one_wild_epoch_does_not_squeeze_the_others() -> None:
    figure = compared_curves([panel("a", 9.0, 0.16, 0.12), panel("b", 0.15)], RMSE)
    low, high = figure.axes[0].get_ylim()
    assert low < 0.12
    assert 0.17 < high < 0.4


def test_a_training_above_the_scale_says_so() -> None:
    figure = compared_curves([panel("a", 0.2, 0.12), panel("b", 4.5, 4.4)], RMSE)
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts[0] == []
    assert texts[1][0].startswith("all above 0.")


def test_a_training_that_is_far_off_has_no_empty_panel() -> None:
    figure = compared_curves([panel("a", 0.2, 0.12), panel("b", 0.45, 0.44)], RMSE)
    assert [axes.texts[:] for axes in figure.axes] == [[], []]
    assert figure.axes[0].get_ylim()[1] > 0.44


def test_trainings_that_all_failed_can_be_drawn(tmp_path: Path) -> None:
    save(compared_curves([panel("a", note="failed")], RMSE), tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
