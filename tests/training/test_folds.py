"""Cross-validation: every galaxy predicted by the network that was not taught it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import galaxyclass
from galaxyclass.cli.main import main
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.leakage import read_used_galaxies
from galaxyclass.errors import ArgumentError, OutputError, RecipeError, RunError, StoppedError
from galaxyclass.recipes.read import load_recipe
from galaxyclass.training.folds import TrainedFolds, train_folds
from galaxyclass.training.train import train
from tests.support.sky import TINY, Sky, changed

SETTINGS = changed(
    TINY, "training.epochs=1", "training.ema=0", "optimizer.lr=0.01", "split.test=0.1"
)


def folds_of(sky: Sky, output: Path, data: Dataset | None = None, **more: Any) -> TrainedFolds:
    return train_folds(
        "fast",
        data or Dataset(sky.images, sky.table),
        **{"folds": 2, "settings": SETTINGS, **more},
        output=output,
        cache=sky.cache,
        device="cpu",
        workers=1,
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def answers(rows: Sequence[dict[str, str]]) -> np.ndarray:
    return np.array([list(row.values())[1:] for row in rows], dtype=float)


@pytest.fixture(scope="module")
def trained(sky: Sky, tmp_path_factory: pytest.TempPathFactory) -> TrainedFolds:
    return folds_of(sky, tmp_path_factory.mktemp("folds") / "two")


def test_each_galaxy_is_predicted_by_the_network_that_was_not_taught_it(
    trained: TrainedFolds, sky: Sky
) -> None:
    paths = [sky.images / f"{row['GalaxyID']}.jpg" for row in rows_of(trained.tables[0])]
    by_run = [galaxyclass.load_model(run, workers=1).predict(paths).values for run in trained.runs]
    assert np.abs(by_run[0] - by_run[1]).max() > 0.01
    split = rows_of(trained.folder / "split.csv")
    assert [row["id"] for row in split] == [path.stem for path in paths]
    for number, run in enumerate(trained.runs, 1):
        parts = [row["part"] for row in rows_of(run / "split.csv")]
        for row, part in zip(split, parts, strict=True):
            assert part == ("out_of_fold" if row["fold"] == str(number) else row["part"])
    wanted = np.stack(
        [
            np.mean(by_galaxy, axis=0) if fold is None else by_galaxy[fold]
            for fold, by_galaxy in zip(
                (int(row["fold"]) - 1 if row["fold"] else None for row in split),
                np.stack(by_run, axis=1),
                strict=True,
            )
        ]
    )
    assert [row["fold"] for row in split].count("") == 18  # 12 for validation, 6 for the test
    np.testing.assert_allclose(answers(rows_of(trained.tables[0])), wanted, atol=2e-6)


def test_the_held_out_galaxies_are_those_of_a_training(
    trained: TrainedFolds, sky: Sky, tmp_path: Path
) -> None:
    whole = train(
        "fast",
        sky.images,
        sky.table,
        output=tmp_path / "run",
        settings=SETTINGS,
        cache=sky.cache,
        device="cpu",
        workers=1,
    )
    parts = [(row["id"], row["part"]) for row in rows_of(whole.folder / "split.csv")]
    assert parts == [(row["id"], row["part"]) for row in rows_of(trained.folder / "split.csv")]


def test_the_score_is_that_of_the_table_it_writes(trained: TrainedFolds, sky: Sky) -> None:
    parts = trained.metrics.parts
    assert {part: figures["galaxies"] for part, figures in parts.items()} == {
        "out_of_fold": 42,
        "validation": 12,
        "test": 6,
    }
    split, votes = rows_of(trained.folder / "split.csv"), answers(rows_of(sky.table))
    errors = answers(rows_of(trained.tables[0])) - votes
    for part, figures in parts.items():
        named = "train" if part == "out_of_fold" else part
        rows = [row["part"] == named for row in split]
        assert figures["value"] == pytest.approx(np.sqrt(np.mean(errors[rows] ** 2)), rel=1e-5)
        floor = np.sqrt(np.mean(votes[rows] * (1 - votes[rows]) / 39))
        assert figures["noise_floor"] == pytest.approx(floor, rel=1e-4)
    for figures, run in zip(trained.metrics.folds, trained.runs, strict=True):
        own = json.loads((run / "metrics.json").read_text())["parts"]["out_of_fold"]
        assert figures["value"] == pytest.approx(own["value"], rel=1e-5)
        assert figures["galaxies"] == 21
    assert f"{parts['out_of_fold']['value']:.4f}" in repr(trained)


def test_the_folder_is_the_model_of_all_networks(trained: TrainedFolds, sky: Sky) -> None:
    paths = sorted(sky.images.glob("*.jpg"))[:5]
    several, alone = (
        galaxyclass.load_model(source, workers=1).predict(paths).values
        for source in (trained.runs, trained.folder)
    )
    np.testing.assert_allclose(alone, several, atol=2e-6)
    used = read_used_galaxies(trained.folder)
    assert used is not None
    by_run = [read_used_galaxies(run) for run in trained.runs]
    assert used.ids["train"] == frozenset().union(*(run.ids["train"] for run in by_run if run))
    recipe = load_recipe(trained.folder / "recipe.toml")
    assert recipe.split.fold is None


class Stop:
    """A progress callback that interrupts, as Ctrl-C does, in the training of a fold."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def __call__(self, stage: str, done: int, total: int | None, **_: str) -> None:
        if stage == self.stage and done > 0:
            os.kill(os.getpid(), signal.SIGINT)


def test_the_same_call_goes_on(trained: TrainedFolds, sky: Sky, tmp_path: Path) -> None:
    output = tmp_path / "two"
    with pytest.raises(StoppedError, match=r"1 of 2 networks is trained(?s:.*)goes on"):
        folds_of(sky, output, progress=Stop("fold 2/2"))
    first = (output / "runs" / "1" / "metrics.json").stat().st_mtime_ns
    with pytest.raises(OutputError, match=r"begun here with other arguments"):
        folds_of(sky, output, seed=1)
    again = folds_of(sky, output)
    assert (output / "runs" / "1" / "metrics.json").stat().st_mtime_ns == first
    assert again.metrics == trained.metrics
    for name in ("out_of_fold.csv", "split.csv", "recipe.toml", "bundle/manifest.json"):
        assert (output / name).read_bytes() == (trained.folder / name).read_bytes()
    names = [
        {str(path.relative_to(each)) for path in each.rglob("*") if "logs" not in path.parts}
        for each in (output, trained.folder)
    ]
    assert names[0] == names[1]
    with pytest.raises(OutputError, match="something here already"):
        folds_of(sky, output)


def test_changed_data_are_noticed(sky: Sky, tmp_path: Path) -> None:
    table = tmp_path / "votes.csv"
    shutil.copy(sky.table, table)
    with pytest.raises(StoppedError):
        folds_of(sky, tmp_path / "two", Dataset(sky.images, table), progress=Stop("fold 2/2"))
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], ""]))
    with pytest.raises(RunError, match=r"runs.1: its images or table have changed"):
        folds_of(sky, tmp_path / "two", Dataset(sky.images, table))


def test_every_table_has_its_predictions_which_can_be_taught(sky: Sky, tmp_path: Path) -> None:
    rows = rows_of(sky.table)
    for name, chosen in (("first", rows[:40]), ("second", rows[30:])):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            of_votes = csv.DictWriter(file, rows[0])
            of_votes.writeheader()
            of_votes.writerows(chosen)
    with (tmp_path / "classes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "class"])
        writer.writerows([row["GalaxyID"], "ab"[place % 2]] for place, row in enumerate(rows[:10]))
    also = [(sky.images, tmp_path / "second.csv"), (sky.images, tmp_path / "classes.csv")]
    data = Dataset(sky.images, tmp_path / "first.csv", also=also)
    trained = folds_of(sky, tmp_path / "two", data)
    assert [path.name for path in trained.tables] == [
        "out_of_fold.csv",
        "out_of_fold_2.csv",
        "out_of_fold_3.csv",
    ]
    first, second, third = map(rows_of, trained.tables)
    assert [len(each) for each in (first, second, third)] == [40, 30, 10]
    assert list(first[0]) == list(second[0]) == list(rows[0])
    assert next(iter(third[0])) == "id"
    # The same picture in two tables is predicted by one network.
    np.testing.assert_allclose(answers(first[30:]), answers(second[:10]), atol=2e-6)
    np.testing.assert_allclose(answers(first[:10]), answers(third), atol=2e-6)
    taught = [(sky.images, table) for table in trained.tables[:2]]
    student = train(
        "fast",
        Dataset(sky.images, tmp_path / "first.csv", also=taught),
        settings=SETTINGS,
        output=tmp_path / "student",
        cache=sky.cache,
        device="cpu",
        workers=1,
    )
    assert student.metrics.parts["validation"]["galaxies"] == 8


def test_classes_are_predicted_with_their_probabilities(sky: Sky, tmp_path: Path) -> None:
    data = Dataset(sky.images, sky.table, classes="argmax:1")
    trained = folds_of(sky, tmp_path / "two", data)
    row = rows_of(trained.tables[0])[0]
    *probabilities, _ = list(row.values())[1:]
    assert sum(map(float, probabilities)) == pytest.approx(1, abs=1e-5)
    assert trained.metrics.score == "accuracy"


@pytest.mark.parametrize("fold", ["[0, 2]", "[3, 2]", "[1, 1]"])
def test_a_fold_that_is_not_there_is_refused(fold: str) -> None:
    with pytest.raises(RecipeError, match=r"not a fold and how many there are"):
        load_recipe("fast", [f"split.fold={fold}"])


def test_what_cannot_be_is_refused_before_anything_is_written(sky: Sky, tmp_path: Path) -> None:
    output = tmp_path / "two"
    with pytest.raises(ArgumentError, match="`folds` cannot be 1"):
        folds_of(sky, output, folds=1)
    with pytest.raises(RecipeError, match="all folds are trained"):
        folds_of(sky, output, settings=changed(SETTINGS, "split.fold=[1, 2]"))
    assert not output.exists()
    output.mkdir()
    (output / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="something here already"):
        folds_of(sky, output)


def test_the_command_prints_the_score_of_the_cross_validation(
    sky: Sky, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "fast", "--images", str(sky.images), "--table", str(sky.table)]
    command += ["--output", str(tmp_path / "two"), "--cache", str(sky.cache), "--folds", "2"]
    command += [word for setting in SETTINGS for word in ("--set", setting)]
    assert main([*command, "--devices", "2"]) == 2
    assert "leave out --devices" in capsys.readouterr().err
    assert main([*command, "--device", "cpu", "--workers", "1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    start = "out of fold (42 galaxies, each by the network that was not taught it): RMSE 0."
    assert printed[0].startswith(start)
    assert "noise floor 0." in printed[0]
    assert printed[1].startswith("validation (12 galaxies, by the mean of 2 networks): RMSE 0.")
    assert printed[-1].endswith(f"the model of all networks: {tmp_path / 'two'}")
