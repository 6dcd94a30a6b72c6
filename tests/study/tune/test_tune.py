"""Searches with a stand-in for the training: its score is known for all settings."""

from __future__ import annotations

import csv
import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.cli.main import main
from galaxyclass.cli.trials import explanations
from galaxyclass.errors import RecipeError
from galaxyclass.io.atomic import write_text
from galaxyclass.progress import silent
from galaxyclass.recipes.read import load_recipe
from galaxyclass.study.compare.results import TrialResult
from galaxyclass.study.compare.trials import make_trials
from galaxyclass.study.tune.plan import TUNE_TABLE, TunePlan, write_tune_plan
from galaxyclass.study.tune.search import Search
from galaxyclass.study.tune.space import check_space, parse_assignments, parse_space
from galaxyclass.study.tune.tune import Tuned, finish_search, read_search, tune
from galaxyclass.tasks.metric import RMSE
from galaxyclass.training.history import append_history
from galaxyclass.workers.trial_process import Ended

pytest.importorskip("optuna")

EPOCHS = 5
SETTINGS = (f"training.epochs={EPOCHS}",)
SPACE = {"optimizer.lr": "log:1e-5..1e-1", "model.dropout": "0..0.5"}


def rmse_of(lr: float, dropout: float = 0.0) -> float:
    """Best at a rate of 1e-3 and without dropout."""
    return 0.1 + 0.02 * (math.log10(lr) + 3) ** 2 + 0.1 * dropout


class Stub:
    """Trains nothing: writes the history and the outcome of a training whose score is known."""

    def __init__(self, act: Callable[[int], Ended | None] = lambda _: None) -> None:
        self.act, self.names, self.most = act, list[str](), 0
        self._running = 0
        self._lock = threading.Lock()

    def __call__(
        self,
        module: str,
        job: Mapping[str, Any],
        log: Path,
        listen: Callable[[Mapping[str, Any]], None],
        *,
        stop: threading.Event,
    ) -> Ended:
        run = Path(job["folder"])
        with self._lock:
            self.names.append(run.name)
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            if (ended := self.act(len(self.names))) is not None:
                return ended
            run.mkdir(parents=True, exist_ok=True)
            recipe = load_recipe("fast", job["train"]["settings"])
            value = rmse_of(recipe.optimizer.lr, recipe.model.dropout)
            rows = [
                {"epoch": epoch, "train_rmse": 0.1, "validation_rmse": value + 0.05 / epoch,
                 "seconds": 1.0}
                for epoch in range(1, EPOCHS + 1)
            ]  # fmt: skip
            for row in rows:
                append_history(run / "history.csv", row)
                listen({"stage": "train", "note": "", "done": row["epoch"], "total": EPOCHS})
            figures = {"value": value, "low": value, "high": value, "reference": 0.3}
            metrics = {"score": "rmse", "kept_epoch": EPOCHS, "epochs": EPOCHS, "notices": []}
            metrics["parts"] = {"validation": {**figures, "galaxies": 20}}
            Path(job["outcome"]).parent.mkdir(exist_ok=True)
            outcome = {"failure": None, "metrics": metrics, "history": rows}
            write_text(Path(job["outcome"]), json.dumps(outcome))  # as a trial does: others read
            return Ended(0, None)
        finally:
            with self._lock:
                self._running -= 1


def search(
    folder: Path, stub: Stub, space: Mapping[str, Any] = SPACE, trials: int = 8, **more: Any
) -> Search:
    folder.mkdir(exist_ok=True)
    words = {key: each.words for key, each in parse_space(space).items()}
    write_tune_plan(folder, TunePlan("fast", words, SETTINGS, {"seed": 0}, True, {}))
    return Search(
        folder=folder,
        recipe="fast",
        space=parse_space(space),
        settings=SETTINGS,
        metric=RMSE,
        seed=0,
        pruning=more.pop("pruning", True),
        job=lambda trial: {"train": {"settings": list(trial.settings)}},
        trials=trials,
        deadline=more.pop("deadline", None),
        progress=more.pop("progress", silent),
        run_process=stub,
    )


def run(folder: Path, stub: Stub, parallel: int = 1, **options: Any) -> Tuned:
    made = search(folder, stub, **options)
    return finish_search(made, parallel, made.trials)


@pytest.fixture(autouse=True)
def no_figures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take a second each: one test draws them."""
    if request.node.name != "test_it_finds_the_best_settings_and_prunes_bad_ones":
        for name in ("draw_curves", "save"):
            monkeypatch.setattr(f"galaxyclass.study.tune.tune.{name}", lambda *_: None)


def test_it_finds_the_best_settings_and_prunes_bad_ones(tmp_path: Path) -> None:
    tuned = run(tmp_path / "search", Stub(), trials=24)
    best = tuned.best
    assert best is not None
    assert best.value is not None
    assert best.value < 0.13  # of 0.1 to 0.23
    states = [result.state for result in tuned.results]
    assert len(states) == 24
    assert {"finished", "pruned"} == set(states)
    assert all(len(each.history) < EPOCHS for each in tuned.results if each.state == "pruned")
    assert tuned.best_recipe is not None
    recipe = load_recipe(tuned.best_recipe)
    assert f"{recipe.optimizer.lr:.6g}" == best.trial.varied["optimizer.lr"]
    assert recipe.training.epochs == EPOCHS
    assert "# The best of 24 trials" in tuned.best_recipe.read_text()
    with (tuned.folder / "tune.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["state"] for row in table] == states
    assert (tuned.folder / "tune.png").is_file()
    assert (tuned.folder / "settings.png").is_file()
    assert [each.state for each in read_search(tuned.folder).results] == states


def test_a_trial_that_fails_or_is_killed_is_a_row(tmp_path: Path) -> None:
    stub = Stub(lambda number: Ended(-9, 2**30) if number == 2 else None)
    tuned = run(tmp_path / "search", stub, trials=4, pruning=False)
    assert [each.state for each in tuned.results] == ["finished", "failed", "finished", "finished"]
    assert "memory ran out" in str(tuned.results[1].failure)


def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "search"
    made = search(folder, stub := Stub(), trials=5, pruning=False)

    def stop(number: int) -> Ended | None:
        if number < 3:
            return None
        made.stop.set()
        return Ended(130, None)

    stub.act = stop
    first = finish_search(made, 1, 5)
    assert [each.state for each in first.results] == ["finished", "finished", "unfinished"]
    assert first.notes == ("The time is over: 2 of 5 trials have ended; the same again goes on.",)
    again = Stub()
    tuned = run(folder, again, trials=5, pruning=False)
    assert [each.state for each in tuned.results] == ["finished"] * 5
    assert again.names[0] == stub.names[2]  # the one that was stopped is first
    assert len(again.names) == 3
    assert len(run(folder, Stub(), trials=6, pruning=False).results) == 6


def test_a_kill_while_settings_are_drawn_or_before_the_table_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "search"
    run(folder, Stub(), trials=2, pruning=False)
    table = folder / TUNE_TABLE
    whole = table.read_text()
    table.unlink()
    search(folder, Stub())._study.ask()
    assert len(read_search(folder).results) == 2
    assert len(run(folder, Stub(), trials=2, pruning=False).results) == 2
    assert table.read_text() == whole
    again = run(folder, Stub(), trials=3, pruning=False)
    assert [each.state for each in again.results] == ["finished"] * 3
    assert not list(folder.glob("*.lock*"))


def test_ctrl_c_in_a_thread_ends_them_all(tmp_path: Path) -> None:
    def fail(number: int) -> None:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        run(tmp_path / "search", Stub(fail), parallel=2)


def test_several_at_once(tmp_path: Path) -> None:
    stub = Stub(lambda _: time.sleep(0.05))
    tuned = run(tmp_path / "search", stub, parallel=3, trials=7, pruning=False)
    assert len({each.trial.name for each in tuned.results}) == 7
    assert stub.most == 3


def test_the_time_is_over(tmp_path: Path) -> None:
    tuned = run(tmp_path / "search", Stub(lambda _: time.sleep(0.3)), deadline=time.monotonic())
    assert len(tuned.results) < 8


def test_no_more_combinations(tmp_path: Path) -> None:
    tuned = run(tmp_path / "search", Stub(), space={"optimizer.lr": [0.1, 0.01]}, trials=9)
    assert len(tuned.results) == 2
    assert "2 of 2" in tuned.notes[0]


def test_ranges_that_are_wrong_are_all_named(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {"a": "5..1", "b": "log:0..1", "c": "7", "d": "x..y", "e": [1], "f": 3}
    with pytest.raises(RecipeError) as caught:
        parse_space(wrong)
    text = str(caught.value)
    for words in ("5 is not below 1", "logarithm of 0", "c=7: fewer", "not two numbers", "f=3"):
        assert words in text
    for text in ("log:8..64", "0.0..1.0", "0.0..0.5", "log:1e-4..1.23456789", "32|64"):
        (allowed,) = parse_space({"training.epochs": text}).values()
        assert parse_space({"training.epochs": allowed.words}) == {"training.epochs": allowed}
    with pytest.raises(RecipeError, match="stands twice"):
        parse_assignments(["a=1|2", "a=3|4"])
    with pytest.raises(RecipeError) as caught:
        check_space("fast", parse_space({"optimizer.rate": "0..1", "model.dropout": "0..2"}), ())
    assert "optimizer.rate: no such key" in str(caught.value)
    assert "model.dropout=2" in str(caught.value)
    with pytest.raises(RecipeError, match="both varied and set"):
        check_space("fast", parse_space(SPACE), {"optimizer.lr": 0.1})
    arguments = ["tune", "fast", "--images", "x", "--output", "y", "--vary", "optimizer.lr"]
    assert main(arguments) == 1
    assert "--vary" in capsys.readouterr().err


def test_without_a_range_there_is_an_example_of_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nothing to search") as refused:
        tune("fast", tmp_path, output=tmp_path / "search", space={})
    assert "optimizer.lr=log:0.0002..0.02" in str(refused.value.hint)


def test_each_trial_has_its_own_figures_and_all_one_remedy() -> None:
    trials = make_trials(["fast"], {"optimizer.lr": [0.1, 0.01]})
    results = [
        TrialResult(
            trial,
            state="finished",
            notices=(("no_better", f"No better: RMSE {value}. What to try: more epochs."),),
        )
        for trial, value in zip(trials, (0.39, 0.18), strict=True)
    ]
    text = "\n".join(explanations(results))
    assert "RMSE 0.39." in text
    assert "RMSE 0.18." in text
    assert text.count("What to try: more epochs.") == 1
