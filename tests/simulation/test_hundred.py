"""The hundred classes: what they are, how they are dealt to parts, and what is written."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.errors import ArgumentError
from galaxyclass.images.read import read_image
from galaxyclass.simulation import drawing
from galaxyclass.simulation.contest import simulate_hundred
from galaxyclass.simulation.hundred import (
    CLASSES,
    FIELD,
    HUNDRED_COLOURS,
    draw_of_class,
    hundred_class,
    member,
    part_counts,
)
from galaxyclass.simulation.rendering import render


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_hundred_classes_no_two_alike() -> None:
    kinds = [hundred_class(number) for number in range(CLASSES)]
    assert CLASSES == 100
    assert len({(k.pattern, k.colour, k.barred, k.large_bulge) for k in kinds}) == 100
    assert [kind.number for kind in kinds] == list(range(100))


@pytest.mark.parametrize("number", range(0, 100, 7))
def test_a_galaxy_is_of_its_class(number: int) -> None:
    kind = hundred_class(number)
    for seed in range(20):
        galaxy = draw_of_class(kind, np.random.default_rng(seed))
        assert (galaxy.bar > 0) == kind.barred
        assert (galaxy.bulge_fraction > 0.15) == kind.large_bulge
        assert abs(galaxy.colour - HUNDRED_COLOURS[kind.colour]) < 0.25
        assert galaxy.arms == {"two_arms": 2, "three_arms": 3}.get(kind.pattern, 0)
        assert (galaxy.odd == "ring") == (kind.pattern == "ring")
        assert (galaxy.flocculence > 0.3) == (kind.pattern == "patches")


@given(st.integers(20, 100_000))
def test_parts_are_13_2_5(count: int) -> None:
    counts = part_counts(count)
    assert sum(counts.values()) == count
    for part, share in {"train": 0.65, "val": 0.10, "test": 0.25}.items():
        assert abs(counts[part] - share * count) < 1


def test_redder_classes_are_redder() -> None:
    def redness(colour: int) -> float:
        pictures = [
            render(
                draw_of_class(hundred_class(4 * colour), np.random.default_rng(seed)),
                48,
                field=FIELD,
            )
            for seed in range(12)
        ]
        red, _, blue = np.mean(pictures, axis=(0, 1, 2))
        return float(red / blue)

    reds = [redness(colour) for colour in range(5)]
    assert reds == sorted(reds)
    assert reds[4] > 1.5 * reds[0]


def test_what_is_written(tmp_path: Path) -> None:
    made = simulate_hundred(output=tmp_path / "set", count=320, size=16, seed=3, workers=1)
    assert made.counts == {"train": 208, "val": 32, "test": 80}
    names: dict[str, tuple[str, str]] = {}
    for part, count in made.counts.items():
        table = rows(made.folder / f"{part}.csv")
        assert list(table[0]) == ["image", "class"]
        assert len(table) == count
        names |= {row["image"]: (part, row["class"]) for row in table}
        assert {row["image"] for row in table} == {p.name for p in (made.folder / part).iterdir()}
        often = Counter(row["class"] for row in table)
        assert set(often) <= {str(number) for number in range(100)}
        assert max(often.values()) - (min(often.values()) if count > 100 else 0) <= 1
    assert len(names) == 320
    truths = {row["image"]: row for row in rows(made.truth)}
    assert {name: (row["part"], row["class"]) for name, row in truths.items()} == names
    first = member(320, 3, 0)
    assert float(truths["100001.jpg"]["colour"]) == first.morphology.colour
    picture = read_image(made.folder / "train" / "100001.jpg")
    assert picture.shape == (16, 16, 3)
    assert abs(picture.astype(float) - render(first.morphology, 16, field=FIELD)).mean() < 3
    classes = rows(made.folder / "classes.csv")
    assert [row["class"] for row in classes] == [str(number) for number in range(100)]
    assert classes[47]["pattern"] == "two_arms"


def test_the_same_whatever_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "LOT", 8)
    alone = files(
        simulate_hundred(output=tmp_path / "a", count=40, size=16, seed=7, workers=1).folder
    )
    together = files(
        simulate_hundred(output=tmp_path / "b", count=40, size=16, seed=7, workers=2).folder
    )
    other = files(
        simulate_hundred(output=tmp_path / "c", count=40, size=16, seed=8, workers=1).folder
    )
    assert alone == together
    assert not {other[name] for name in other if name.endswith("jpg")} & set(alone.values())


def test_more_galaxies_begin_with_the_same_ones() -> None:
    assert [member(40, 1, i) for i in range(26)] == [member(400, 1, i) for i in range(26)]


@pytest.mark.parametrize(("count", "size"), [(19, 64), (20, 8)])
def test_nothing_to_simulate(tmp_path: Path, count: int, size: int) -> None:
    with pytest.raises(ArgumentError, match="cannot be"):
        simulate_hundred(output=tmp_path / "set", count=count, size=size)
    assert list(tmp_path.iterdir()) == []
