"""Explanations: maps of functions whose answer is known, and plain words where a map is no good."""

from __future__ import annotations

import csv
import importlib.util
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from galaxyclass import explain, load_model
from galaxyclass.cli.main import main
from galaxyclass.errors import ArgumentError, MissingExtraError, OutputError, ScoreError
from galaxyclass.explanation.answer_of import ExplainedOutput, find_answer
from galaxyclass.explanation.explain import Explainer
from galaxyclass.explanation.faithfulness import measure_faithfulness
from galaxyclass.explanation.judge import MeanDifference, judge
from galaxyclass.explanation.occlusion import occlusion_map
from galaxyclass.explanation.orientations import averaged
from galaxyclass.explanation.sky import sky_like
from galaxyclass.model.output import ModelOutput
from tests.support import fake

TASK = fake.vote_outputs(unknown=("10",))


class CornerBackend:
    """Sees spirals where the corner at the top left is bright, and nothing else of a picture."""

    def __call__(self, cutouts: NDArray[Any], /) -> ModelOutput:
        values = np.full((len(cutouts), 37), 0.1, np.float32)
        values[:, 7] = cutouts[:, :6, :6].mean(axis=(1, 2, 3)) / 255
        return fake.said(values)


@pytest.fixture
def sky(tmp_path: Path) -> tuple[Path, Path]:
    fake.save_run(tmp_path / "run", frame=32)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(5):
        pixels = np.zeros((32, 32, 3), np.uint8)
        pixels[3:16, 3:16] = 200 + number
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "run", folder


@pytest.mark.parametrize("answer", ["4.1", "Class4.1", "4.1 spiral", "Spiral"])
def test_an_answer_has_several_names(answer: str) -> None:
    assert find_answer(TASK, answer) == (7, "4.1 spiral")


@pytest.mark.parametrize(
    ("answer", "words"),
    [("4.9", "no answer '4.9'"), ("10.1", "never learnt"), ("spirl", "no answer")],
)
def test_a_wrong_answer(answer: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        find_answer(TASK, answer)
    assert caught.value.argument == "answer"


def test_a_class_is_an_answer() -> None:
    assert find_answer(fake.class_outputs("disc", "ring"), "ring") == (1, "ring")


def test_of_counts_the_share_is_explained() -> None:
    """And not how sure the model is of it."""
    explained = ExplainedOutput(1, slice(0, 3))
    assert explained.of(np.array([[1.0, 3.0, 4.0, 9.0]])).tolist() == [0.375]
    assert ExplainedOutput(3).of(np.array([[1.0, 3.0, 4.0, 9.0]])).tolist() == [9.0]


def _corner(cutouts: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(cutouts[:, :8, :8].mean(axis=(1, 2, 3)) / 255)


def test_occlusion_finds_what_is_used() -> None:
    cutout, sky = np.full((24, 24, 3), 255, np.uint8), np.zeros((24, 24, 3), np.uint8)
    found = occlusion_map(_corner, cutout, sky)
    assert found[:6, :6].min() > 0
    assert found[12:, 12:].max() == 0
    tested = measure_faithfulness(_corner, cutout, sky, found)
    assert tested.is_better
    assert tested.map.deletion[0] == 1
    assert tested.map.insertion[-1] == 1
    opposite = measure_faithfulness(_corner, cutout, sky, -found)
    assert not opposite.is_better
    assert opposite.map.score < 0


@pytest.mark.parametrize(
    ("slope", "is_share", "sense"), [(-4, False, -1), (4, False, 1), (-4, True, 1)]
)
def test_a_number_rests_on_what_moves_it_either_way(
    slope: float, is_share: bool, sense: float
) -> None:
    """Where the corner lowers a number, hiding it raises the number: the map is right."""
    cutout, sky = np.full((24, 24, 3), 255, np.uint8), np.zeros((24, 24, 3), np.uint8)
    explainer: Any = SimpleNamespace(
        outputs_are_shares=is_share, shares=lambda cutouts: 1 + slope * _corner(cutouts)
    )
    assert Explainer.sense(explainer, cutout, sky) == sense
    if not is_share:
        found = sense * occlusion_map(explainer.shares, cutout, sky)
        assert found[:6, :6].min() > 0
        tested = measure_faithfulness(explainer.shares, cutout, sky, found, sense=sense)
        assert tested.is_better
        assert tested.map.deletion[0] == 1 + slope


def test_a_map_is_averaged_over_orientations() -> None:
    cutout = np.random.default_rng(0).integers(0, 255, (8, 8, 1), dtype=np.uint8)
    found = averaged(lambda turned: np.triu(np.ones(turned.shape[:2])), cutout)
    np.testing.assert_allclose(found, np.rot90(found))


def test_sky_has_no_star() -> None:
    cutout = np.full((30, 30, 3), 10, np.uint8)
    cutout[0, :10] = 255
    assert sky_like(cutout).max() == 10


def test_explain_writes_maps_and_their_tests(sky: tuple[Path, Path], tmp_path: Path) -> None:
    run, images = sky
    result = explain(
        load_model(run, backend=CornerBackend()),
        images,
        answer="4.1",
        output=tmp_path / "spiral.png",
        count=3,
    )
    assert result.notes[-1].startswith("3 of 5 images are explained")
    assert len(result.galaxies) == 3
    assert result.above_random.is_clear
    with (tmp_path / "spiral.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["is_better"] for row in rows] == ["true"] * 3
    assert float(rows[0]["faithfulness"]) > float(rows[0]["central"])
    maps = np.load(tmp_path / "spiral_maps.npz")
    assert maps["map"].shape == (3, 12, 12)
    with Image.open(tmp_path / "spiral.png") as picture:
        assert min(picture.size) > 300
    assert result.verdict[0].startswith("You can believe these maps")
    with pytest.raises(OutputError, match="exists already"):
        explain(run, images, answer="4.1", output=tmp_path / "spiral.png")


def test_what_is_no_better_is_said_plainly() -> None:
    clear, none = MeanDifference(0.3, 0.2, 0.4), MeanDifference(0.01, -0.02, 0.03)
    little = judge(MeanDifference(0.02, 0.01, 0.03), clear, None)[0]
    assert little.startswith("Believe these maps with care")
    assert little.endswith("only a little more than places at random.")
    plain, numbers = judge(clear, none, 0.1)
    assert plain.startswith("Do not believe these maps")
    assert plain.endswith("no more than the middle of the picture.")
    assert "of a central blob +0.010 [-0.020, +0.030]" in numbers
    assert "a network that has learnt nothing gives much the same" in judge(clear, clear, 0.9)[0]
    alone = judge(MeanDifference(-0.1, math.nan, math.nan), clear, None)
    assert alone[0].startswith("Do not believe this map: what it marks")
    assert alone[1].endswith("(one galaxy).")
    assert judge(clear, clear, None)[0].startswith("You can believe these maps")


def test_without_an_answer_those_that_there_are_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "--images", "a.jpg", "--output", "a.png"]) != 0
    listed = capsys.readouterr().err
    assert "which answer is to be explained?" in listed
    assert "4.1 spiral, 4.2 no spiral" in listed
    assert "Is there any sign of a spiral arm pattern?" in listed
    assert "--answer" in listed


def test_wrong_calls(sky: tuple[Path, Path], tmp_path: Path) -> None:
    run, images = sky
    with pytest.raises(OutputError, match=r"ends in \.png"):
        explain(run, images, answer="4.1", output=tmp_path / "spiral.jpg")
    (images / "bad.png").write_text("no image")
    with pytest.raises(ScoreError, match="no image could be decoded"):
        explain(
            load_model(run, backend=CornerBackend()),
            [images / "bad.png"],
            answer="4.1",
            output=tmp_path / "a.png",
        )


@pytest.mark.skipif(importlib.util.find_spec("captum") is not None, reason="captum is here")
def test_gradients_name_their_extra(sky: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "a.png"
    with pytest.raises(MissingExtraError, match=r"galaxyclass\[explain\]"):
        explain(
            load_model(views=1), sky[1], answer="4.1", output=output, method="gradients", count=1
        )


@pytest.mark.skipif(importlib.util.find_spec("captum") is None, reason="needs captum")
@pytest.mark.parametrize("method", ["gradients", "cam"])
def test_gradients_explain_the_pretrained_model(
    sky: tuple[Path, Path], tmp_path: Path, method: Any
) -> None:
    model, output = load_model(views=1), tmp_path / "a.png"
    result = explain(model, sky[1], answer="4.1", output=output, method=method, count=1)
    assert np.isfinite(result.galaxies[0].map).all()
    assert np.ptp(result.galaxies[0].map) > 0
    assert result.sanity is not None
