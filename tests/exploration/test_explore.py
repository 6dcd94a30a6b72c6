"""The whole exploration: what is written, and that it is right."""

from __future__ import annotations

import base64
import csv
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from galaxyclass import Exploration, explore
from galaxyclass.cli.main import main
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import CatalogError, OutputError
from galaxyclass.exploration.classes import ClassSummary, draw_examples
from galaxyclass.exploration.explore import EXPLORERS
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.decode import decode_image
from galaxyclass.images.read import read_image
from galaxyclass.progress import silent
from galaxyclass.recipes.read import load_recipe
from galaxyclass.simulation.folders import simulate
from galaxyclass.tasks.votes.targets import VoteTargets

#: The network of this recipe looks at a part of the cutout.
SETTINGS = ("images.cutout=centre", "images.frame=40", "images.size=32", "model.input_size=16")


def contents_of(dataset: Dataset) -> Any:
    """What is shown of a data set, before any figure is drawn."""
    targets = dataset.catalog.targets
    assert targets is not None
    return EXPLORERS[targets.kind](
        dataset.catalog, targets, recipe=load_recipe("fast"), seed=0, progress=silent
    )


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explored") / "sky"
    simulate(30, output=folder, size=64, seed=5, workers=1)
    return folder


@pytest.fixture(scope="module")
def exploration(sky: Path, tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    output = tmp_path_factory.mktemp("out") / "exploration"
    return explore(sky / "images", sky / "votes.csv", output=output, settings=SETTINGS)


@pytest.fixture(scope="module")
def explored(exploration: Exploration) -> Path:
    return exploration.folder


def test_every_figure_is_there_twice(explored: Path) -> None:
    figures = {path.stem for path in explored.glob("*.png")}
    assert figures == {path.stem for path in explored.glob("*.svg")}
    assert figures == {
        "most_certain",
        "most_certain_cutouts",
        "mean_fractions",
        "majorities",
        "correlations",
        "correlations_by_question",
    }
    names = {path.name for path in explored.iterdir()} - {f"{f}.png" for f in figures}
    assert names - {f"{f}.svg" for f in figures} == {
        "index.html",
        "summary.csv",
        "correlations.csv",
    }
    for path in explored.glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 300


def test_the_numbers_are_those_of_the_table(sky: Path, explored: Path) -> None:
    catalog = read_catalog(sky / "images", sky / "votes.csv")
    assert isinstance(catalog.targets, VoteTargets)
    votes = catalog.targets.fractions.astype(float)
    with (explored / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows[:3]] == ["smooth", "features or disc", "star or artifact"]
    for place, row in enumerate(rows):
        assert float(row["mean"]) == pytest.approx(np.nanmean(votes[:, place]), abs=1e-6)
        assert int(row["majority"]) == np.sum(votes[:, place] >= 0.5)
        if row["most_certain"]:
            shown = catalog.ids.values.tolist().index(row["most_certain"])
            assert votes[shown, place] == np.nanmax(votes[:, place])
            assert float(row["its_fraction"]) == pytest.approx(votes[shown, place], abs=1e-6)
        else:
            assert np.nanmax(votes[:, place]) == 0
    with (explored / "correlations.csv").open() as file:
        table = {row["code"]: row for row in csv.DictReader(file)}
    both = ~np.isnan(votes[:, [0, 1]]).any(axis=1)
    expected = np.corrcoef(votes[both, 0], votes[both, 1])[0, 1]
    assert float(table["1.1"]["1.2"]) == pytest.approx(expected, abs=1e-5)


class Tags(HTMLParser):
    """Opens and closes tags, and notes what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "img":
            self.images.append(given["src"] or "")
            assert given["alt"]
        elif tag not in ("meta", "br"):
            self.open.append(tag)
        if tag in ("a", "script", "link"):
            self.links.append(given.get("href") or tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(explored: Path) -> None:
    text = (explored / "index.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert len(tags.images) % 2 == 0
    assert len(tags.images) > 40
    assert all(image.startswith("data:image/jpeg;base64,") for image in tags.images)
    assert len(tags.links) == 12
    assert all((explored / link).is_file() for link in tags.links)
    assert not re.search(r'(?:src|href)="https?:', text)
    assert text.count("<svg") == 4
    assert "light dark" in text
    assert "just noticeable bulge" in text
    assert "#222222" not in text  # ink is the page's own colour


def test_the_page_shows_what_the_model_sees(sky: Path, exploration: Exploration) -> None:
    smooth = exploration.examples[0]
    path = read_catalog(sky / "images", sky / "votes.csv").paths[smooth.index]
    recipe = load_recipe("fast", SETTINGS)
    expected = make_cutout(read_image(path), recipe.images)[8:24, 8:24]
    assert smooth.model_input is not None
    np.testing.assert_array_equal(smooth.model_input, expected)
    tags = Tags()
    tags.feed(exploration.page.read_text(encoding="utf-8"))
    shown = decode_image(base64.b64decode(tags.images[1].partition(",")[2]))
    assert np.abs(shown.astype(int) - expected).mean() < 6  # JPEG


def test_a_broken_image_is_passed_over(sky: Path, exploration: Exploration, tmp_path: Path) -> None:
    first = exploration.examples[0]
    folder = tmp_path / "images"
    folder.mkdir()
    for path in (sky / "images").iterdir():
        (folder / path.name).write_bytes(b"" if path.stem == first.id else path.read_bytes())
    second = contents_of(Dataset(folder, sky / "votes.csv")).examples[0]
    assert second.id not in ("", first.id)
    assert second.label == "1.1 smooth"


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    folder = tmp_path / "classes"
    for name, count in (("round & red", 9), ("disc", 3)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (20, 20), (number, 9, 9)).save(folder / name / f"{name}{number}.png")
    return folder


def test_classes(classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    arguments = ["explore", "--images", str(classes), "--output", str(output), "--recipe", "fast"]
    assert main(arguments) == 0
    assert f"open {output / 'index.html'} in a browser" in capsys.readouterr().out
    assert {path.name for path in output.glob("*.svg")} == {
        "class_counts.svg",
        "examples.svg",
        "examples_cutouts.svg",
    }
    rows = (output / "summary.csv").read_text().splitlines()
    assert rows == ["class,galaxies", "disc,3", "round & red,9"]
    text = (output / "index.html").read_text()
    assert text.count("<img") == 2 * (3 + 6)
    assert "round &amp; red" in text
    assert "round & red" not in text
    assert main(arguments) == 1
    assert "index.html exists already" in capsys.readouterr().err


def test_examples_are_drawn_by_the_seed_from_those_with_an_image() -> None:
    labels = np.array([0] * 50 + [1] * 50 + [-1])
    usable = np.arange(101) % 2 == 0
    first, second = draw_examples(labels, 2, usable, 5, seed=1)
    assert len(first) == len(second) == 5
    assert (labels[first] == 0).all()
    assert (labels[second] == 1).all()
    assert usable[np.concatenate([first, second])].all()
    again = draw_examples(labels, 2, usable, 5, seed=1)
    np.testing.assert_array_equal(again[1], second)
    assert draw_examples(labels, 2, usable, 5, seed=2)[1].tolist() != second.tolist()


def test_no_targets_nothing_to_show(classes: Path, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nothing to show"):
        explore(classes / "disc", output=tmp_path / "out")


def test_a_file_is_no_folder(sky: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file: a file"):
        explore(sky / "images", sky / "votes.csv", output=tmp_path / "file")


def test_classes_made_of_votes(sky: Path) -> None:
    table = sky / "votes.csv"
    contents = contents_of(Dataset(sky / "images", table, classes="argmax:1"))
    targets = read_catalog(sky / "images", table).targets
    assert isinstance(targets, VoteTargets)
    leading = targets.fractions[:, :3].argmax(axis=1)
    assert isinstance(contents.summary, ClassSummary)
    counts = dict(zip(contents.summary.classes, contents.summary.counts.tolist(), strict=True))
    assert counts["smooth"] == (leading == 0).sum()
