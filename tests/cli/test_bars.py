"""Progress where there is no terminal: a line every half minute, and one at the end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from galaxyclass.cli import bars as module
from galaxyclass.cli.bars import bars


def test_a_line_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    with bars() as show:
        for second in range(0, 101, 10):
            now = float(second)
            show("predict", 10 * second, 1000, note="2 cannot be decoded" if second else "")
    assert capsys.readouterr().err.splitlines() == [
        "predict: 300 of 1,000 images, 10/s, 0:01:10 left, 2 cannot be decoded",
        "predict: 600 of 1,000 images, 10/s, 0:00:40 left, 2 cannot be decoded",
        "predict: 900 of 1,000 images, 10/s, 0:00:10 left, 2 cannot be decoded",
        "predict: 1,000 images, 2 cannot be decoded",
    ]


def test_a_stage_that_begins_again_and_one_that_is_slow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    with bars() as show:
        for _ in range(2):  # two models in turn
            for done in range(0, 21, 10):
                now += 40
                show("explain", done, 20, unit="galaxies")
    assert capsys.readouterr().err.splitlines() == 2 * [
        "explain: 10 of 20 galaxies, 4 s each, 0:00:40 left",
        "explain: 20 galaxies",
    ]


def test_one_of_a_unit_is_singular(capsys: pytest.CaptureFixture[str]) -> None:
    with bars() as show:
        for unit in ("tiles", "galaxies", "classes"):
            show(f"{unit} done", 1, 1, unit=unit)
    assert capsys.readouterr().err.splitlines() == [
        "tiles done: 1 tile",
        "galaxies done: 1 galaxy",
        "classes done: 1 class",
    ]
