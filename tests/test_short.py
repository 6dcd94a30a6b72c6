"""What a notebook shows of a result: one or two short lines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import galaxyclass
from galaxyclass.short import short_path, short_paths, short_value, summary
from galaxyclass.tasks.metric import RMSE
from galaxyclass.tasks.report import ScoreReport
from galaxyclass.tasks.scores.bootstrap import Score
from galaxyclass.tasks.scores.votes import VoteScores


def short(result: object) -> str:
    text = repr(result)
    assert len(text) <= 200, text
    assert len(text.splitlines()) <= 2
    return text


class Stand(SimpleNamespace):
    """Stands for whatever a result holds."""


class Hostile:
    """A value whose text cannot be had."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_any_value_is_short() -> None:
    assert short_value(Hostile()) == "<Hostile>"
    assert len(short_value(["x" * 1000] * 1000)) <= 80
    assert short_value("a\nb") == r"'a\nb'"
    assert len(summary("x" * 1000)) == 200
    assert len(short_path(Path("/a" * 500))) == 48
    assert short_paths(list("abcde")) == "a, b, c and 2 more"


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> galaxyclass.SimulatedFolder:
    folder = tmp_path_factory.mktemp("short") / ("long" * 50)
    return galaxyclass.simulate(12, output=folder / "sky", size=32, workers=1)


def test_results_of_the_light_install_are_short(sky: galaxyclass.SimulatedFolder) -> None:
    folder = sky.folder.parent
    assert short(sky).endswith("sky: 12 galaxies>")
    catalog = galaxyclass.read_catalog(sky.images, sky.table)
    assert "12 galaxies" in short(catalog)
    report = galaxyclass.validate(sky.images, sky.table, workers=1)
    assert "0 errors" in short(report)
    baselines = galaxyclass.baseline(
        sky.images, sky.table, output=folder / "scores", workers=1, cache=folder / "cache"
    )
    assert "RMSE" in short(baselines)
    assert all("RMSE" in short(scores) for scores in baselines.scores)
    settings = galaxyclass.Preprocessing(size=16)
    pack = galaxyclass.pack(catalog.files()[0], settings, output=folder / "pack", workers=1)
    assert "12 cutouts, 16 x 16 px" in short(pack)
    scores = galaxyclass.score_predictions(sky.table, sky.table)
    assert short(scores).startswith("<TableScores: RMSE 0.0000")
    assert "37 answers" in short(galaxyclass.load_tree("galaxy_zoo_2"))
    assert short(galaxyclass.load_recipe("fast")).startswith("<Recipe fast: ")
    made = galaxyclass.simulate_hundred(20, output=folder / "hundred", size=16, workers=1)
    assert "13 train, 2 val, 5 test" in short(made)


def test_results_that_take_a_training_are_short() -> None:
    path = Path("/somewhere" * 40)
    scores = VoteScores(Score(0.1, 0.05, 0.15), (), (), 819, 900, ())
    bundle = Stand(folder=path, manifest=Stand(members=4))
    calibration = galaxyclass.Calibration(200, None, None, None, ("too few",) * 50)
    figures = {"value": 0.1, "low": 0.09, "high": 0.11}
    metrics = Stand(kept_epoch=3, epochs=9, score="rmse", parts={"validation": figures})
    done = galaxyclass.PredictionSummary(
        path, None, 9, 8, 1, 0, 2.0, 1, "fp32", ("collapsed" * 90,), ()
    )
    names = ("digests", "dataset", "part", "galaxies_by_part", "prediction", "notes")
    fields = dict.fromkeys((*names, "coverage", "galaxies"))
    evaluation = galaxyclass.Evaluation(
        models=(path,) * 9, task=Stand(metric=RMSE), report=ScoreReport(scores, scores), **fields
    )
    trial = galaxyclass.Comparison(path, ())
    words = [
        (
            galaxyclass.Trained(path, metrics),
            "epoch 3 of 9: validation rmse 0.1000 [0.0900, 0.1100]",
        ),
        (galaxyclass.Combined(path, bundle, split=True), "4 networks"),
        (galaxyclass.Calibrated(calibration, bundle, {}, ()), "200 galaxies"),
        (galaxyclass.Exported(path, 10**6, 32, Stand(difference=1e-6, images=8)), "1.0 MB"),
        (galaxyclass.Exploration(path, None, (), ()), "0 examples"),
        (trial, "Comparison in …"),
        (done, "8 galaxies in …"),
        (evaluation, "RMSE 0.1000 [0.0500, 0.1500] on 819 galaxies (mean vector 0.1000)"),
        (galaxyclass.Dataset(path, path), "Dataset of …"),
    ]
    for result, text in words:
        assert text in short(result)


def test_a_recipe_prints_as_its_toml() -> None:
    recipe = galaxyclass.load_recipe("fast")
    assert "[training]" in str(recipe)


def test_every_public_result_has_a_short_repr_of_its_own() -> None:
    for name in galaxyclass.__all__:
        kind = getattr(galaxyclass, name)
        if not isinstance(kind, type) or issubclass(kind, Exception):
            continue
        if getattr(kind, "_is_protocol", False) or name in ("Preprocessing", "InferenceOptions"):
            continue  # what a user writes herself, of a few fields
        assert "summary" in kind.__repr__.__code__.co_names, name
