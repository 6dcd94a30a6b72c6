"""The table of the benchmarks: its medians, ratios and spreads, by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def speed(row: str, repeat: int, rate: float, seconds: float) -> dict[str, Any]:
    return {
        "task": "train-resnet18",
        "row": row,
        "repeat": repeat,
        "images_per_second": rate,
        "seconds": seconds,
        "peak_mb": 100.4 + repeat,
        "machine": "a machine",
        "cores": 2,
        "versions": {"torch": "2.15.0"},
    }


def test_ratios_are_of_the_same_repeat(load: Callable[[str], ModuleType]) -> None:
    table = load("table")
    ours = [speed("galaxyclass", r, rate, 1) for r, rate in ((0, 100), (1, 120), (2, 90))]
    peer = [speed("peer", r, rate, 1) for r, rate in ((1, 40), (0, 50))]
    assert table.ratios(ours, peer, "images_per_second") == [2.0, 3.0]


def test_the_median_is_given_with_the_smallest_and_the_largest(
    load: Callable[[str], ModuleType],
) -> None:
    table = load("table")
    assert table.spread([3.0, 1.0, 2.0], ".1f") == "2.0 (1.0–3.0)"
    assert table.spread([3.14159], ".2f") == "3.14"


def test_a_table_of_speeds(load: Callable[[str], ModuleType]) -> None:
    table = load("table")
    results = [
        speed("galaxyclass", 0, 100, 10),
        speed("peer", 0, 50, 40),
        speed("galaxyclass", 1, 120, 12),
        speed("peer", 1, 40, 30),
    ]
    lines = table.tables(results).splitlines()
    assert lines[0] == "### Training resnet18 (128 × 128, colour)"
    assert lines[4] == "| galaxyclass | 110 (100–120) |  | 11 (10–12) |  | 101 |"
    # Of images a second ours over the peer's; of seconds the peer's over ours.
    assert (
        lines[5] == "| peer | 45 (40–50) | 2.50 (2.00–3.00) | 35 (30–40) | 3.25 (2.50–4.00) | 101 |"
    )
    assert lines[-1] == "On a machine, 2 cores; torch 2.15.0."


def test_predictions_of_the_same_network_say_how_far_apart_they_are(
    load: Callable[[str], ModuleType],
) -> None:
    table = load("table")
    rows = [speed("galaxyclass", 0, 100, 1), speed("A", 0, 1, 1), speed("B", 0, 1, 1)]
    rows = [row | {"task": "predict-resnet18"} for row in rows]
    assert "differ" not in table.tables(rows)
    rows[1]["difference"] = 0.00123
    assert "differ from ours by (root mean square): A 0.001.\n" in table.tables(rows)


def test_a_table_of_scores(load: Callable[[str], ModuleType]) -> None:
    table = load("table")
    run = {"task": "score-best", "row": "galaxyclass fast", "repeat": 0, "rmse": [0.1, 0.09, 0.12]}
    run |= {"trained_images": 12345, "trained_seconds": 299.6, "machine": "m", "cores": 1}
    lines = table.tables([run | {"versions": {}}]).splitlines()
    assert lines[4] == "| galaxyclass fast | 0.1000 | 0.0900–0.1200 | 12,345 | 300 |"


def test_a_document_takes_the_table_between_its_marks(load: Callable[[str], ModuleType]) -> None:
    table = load("table")
    once = table.fill("a\n<!-- results -->old<!-- end of results -->\nb", "| new |\n")
    assert once == "a\n<!-- results -->\n\n| new |\n\n<!-- end of results -->\nb"
    assert table.fill(once, "| new |\n") == once
    with pytest.raises(ValueError, match="the document lacks <!-- results -->"):
        table.fill("nothing", "| new |")


def test_the_readme_has_the_marks_and_names_every_task(load: Callable[[str], ModuleType]) -> None:
    text = (ROOT / "benchmarks" / "README.md").read_text()
    load("table").fill(text, "")
    assert [task for task in load("run").TASKS if f"`{task}`" not in text] == []
