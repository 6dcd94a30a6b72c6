"""Which trials a comparison has, and what is refused before any of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.errors import RecipeError
from galaxyclass.recipes.read import load_recipe, recipe_text
from galaxyclass.study.compare.results import TrialResult, best_first, parse_outcome, results_csv
from galaxyclass.study.compare.trials import make_trials, parse_variations


def test_every_recipe_with_every_combination() -> None:
    trials = make_trials(
        ["fast", "notebook"],
        parse_variations(["optimizer.name=sgd,adam", "optimizer.lr=0.1,0.000001"]),
        ["training.epochs=3"],
    )
    seen = {(t.recipe, t.resolved.optimizer.name, t.resolved.optimizer.lr) for t in trials}
    assert len(trials) == len(seen) == 8
    assert ("notebook", "sgd", 1e-6) in seen
    assert {trial.resolved.training.epochs for trial in trials} == {3}
    assert trials[1].name == "fast_optimizer.name=sgd_optimizer.lr=0.000001"
    assert trials[1].resolved == load_recipe("fast", trials[1].settings)


def test_equal_trials_are_tried_once() -> None:
    trials = make_trials(["fast", "fast"], {"optimizer.lr": ["0.1", 0.1, "1e-1", 0.01]})
    assert [trial.resolved.optimizer.lr for trial in trials] == [0.1, 0.01]


def test_values_of_python_are_values_of_toml() -> None:
    vary: dict[str, list[Any]] = {
        "augmentation.zoom": [(0.9, 1.1)],
        "images.frame": [None, 100],
        "model.dropout": [0],
    }
    first, second = make_trials(["fast"], vary)
    assert first.resolved.augmentation.zoom == (0.9, 1.1)
    assert (first.resolved.images.frame, second.resolved.images.frame) == (None, 100)


def test_names_are_folders_and_differ(tmp_path: Path) -> None:
    own = tmp_path / "a b.toml"
    own.write_text(recipe_text("fast"))
    other = tmp_path / "other" / "a b.toml"
    other.parent.mkdir()
    shutil.copy(own, other)
    trials = make_trials([str(own), str(other)], {"model.weights": ["/x/y.pt", "/x:y.pt"]})
    names = [trial.name for trial in trials]
    assert len(set(names)) == 4
    assert names[0] == "a-b_model.weights=-x-y.pt"
    assert all("/" not in name and " " not in name for name in names)
    long = make_trials(["fast"], {"about.title": ["x" * 300, "x" * 301]})
    assert len({trial.name for trial in long}) == 2
    assert max(len(trial.name) for trial in long) < 140


@pytest.mark.parametrize("text", ["optimizer.lr", "=1,2", "optimizer.lr=", "optimizer.lr=1,,2"])
def test_variations_that_are_none(text: str) -> None:
    with pytest.raises(RecipeError, match="not values of a setting"):
        parse_variations([text])


def test_all_that_is_wrong_is_said_together() -> None:
    vary: dict[str, list[Any]] = {"optimizer.lrr": [0.1], "training.epochs": [3, 0]}
    with pytest.raises(RecipeError) as caught:
        make_trials(["fast", "nosuch"], vary)
    text = str(caught.value)
    assert "did you mean optimizer.lr?" in text
    assert "training.epochs: 0 is not at least 1" in text
    assert "no recipe 'nosuch'" in text
    assert text.count("no recipe 'nosuch'") == 1


def test_a_setting_is_varied_or_set() -> None:
    with pytest.raises(RecipeError, match=r"optimizer.lr: both varied and set"):
        make_trials(["fast"], {"optimizer.lr": [0.1]}, ["optimizer.lr=0.2"])


def test_nothing_to_compare() -> None:
    with pytest.raises(RecipeError, match="nothing to compare"):
        make_trials([], {})


def results(score: str, values: list[float | None]) -> list[TrialResult]:
    trials = make_trials(["fast"], {"training.epochs": list(range(1, len(values) + 1))})
    outcomes = [
        {"failure": "no memory\n  hint: less"}
        if value is None
        else {
            "failure": None,
            "metrics": {
                "score": score,
                "parts": {"validation": {"value": value}},
                "notices": [{"kind": "collapsed", "message": "Collapsed: …"}],
            },
        }
        for value in values
    ]
    return [parse_outcome(*pair) for pair in zip(trials, outcomes, strict=True)]


@pytest.mark.parametrize(("score", "best"), [("rmse", 0.1), ("accuracy", 0.9)])
def test_the_best_comes_first_and_failures_last(score: str, best: float) -> None:
    ordered = best_first(results(score, [0.5, None, 0.1, float("nan"), 0.9]))
    assert ordered[0].value == best
    assert [result.state for result in ordered] == ["finished"] * 4 + ["failed"]
    assert ordered[3].value != ordered[3].value


def test_a_failure_is_one_row_of_the_table() -> None:
    lines = results_csv(results("rmse", [0.25, None])).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("trial,recipe,training.epochs,state,score,value,low,high,reference")
    assert lines[1].startswith("fast_training.epochs=1,fast,1,finished,rmse,0.25,")
    assert ",collapsed," in lines[1]
    assert lines[2].endswith(",no memory | hint: less")


def test_trials_to_come_are_not_in_the_table() -> None:
    (trial,) = make_trials(["fast"], {})
    assert parse_outcome(trial, None).state == "unfinished"
    assert len(results_csv([parse_outcome(trial, None)]).splitlines()) == 1
