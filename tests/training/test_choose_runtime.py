"""Choosing how a network is run: by measured speed, within what recipe and machine allow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import galaxyclass.training.choose_runtime as module
import galaxyclass.training.runtime_settings as runtime_settings
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.samples import prepare_all
from galaxyclass.model.bundle.load import load_bundle
from galaxyclass.progress import silent
from galaxyclass.recipes.read import load_recipe
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.training.choose_runtime import RuntimeChoices, Trials, fastest
from galaxyclass.training.job import TrainingJob, make_job
from galaxyclass.training.module import GalaxyModule
from galaxyclass.training.runtime_settings import RuntimeSettings, using
from galaxyclass.training.train import resume, train
from tests.support.sky import TINY, Sky, no_catalog

Machine = Callable[[bool, int], None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Pretend to a processor with or without bfloat16, and a number of cores."""

    def set_up(bfloat16: bool, cores: int) -> None:
        monkeypatch.setattr(module, "has_bfloat16", lambda device: bfloat16)
        monkeypatch.setattr(torch, "get_num_threads", lambda: cores)

    return set_up


def speeds(
    bfloat16: float = 1.0, one_thread: float = 1.0, channels_first: float = 1.0
) -> Callable[[RuntimeSettings], float]:
    """A machine on which each choice multiplies the speed."""

    def speed(runtime: RuntimeSettings) -> float:
        factor = 100.0
        factor *= bfloat16 if runtime.precision == "bf16" else 1.0
        factor *= one_thread if runtime.threads == 1 else 1.0
        return factor * (1.0 if runtime.channels_last else channels_first)

    return speed


def fast(*settings: str, devices: int = 1) -> TrainingJob:
    """A training of the recipe `fast`, of which the galaxies do not matter."""
    task = ClassTask("class", ("a", "b"), (0.5, 0.5))
    recipe = load_recipe("fast", settings)
    return TrainingJob(recipe, task, (), {}, no_catalog(), 0, "cpu", devices)


@pytest.mark.parametrize(
    ("speed", "runtime"),
    [
        (speeds(bfloat16=2.4, one_thread=0.6), RuntimeSettings("bf16", threads=2)),
        (speeds(bfloat16=2.4, one_thread=20), RuntimeSettings("bf16", threads=1)),
        (speeds(bfloat16=0.3), RuntimeSettings("fp32", threads=2)),
        # So little is not worth a result that differs from one trial to the next.
        (speeds(bfloat16=1.15, channels_first=1.2), RuntimeSettings("fp32", threads=2)),
        (speeds(channels_first=1.4), RuntimeSettings("fp32", False, threads=2)),
    ],
)
def test_the_fastest_way_is_taken(
    machine: Machine, speed: Callable[[RuntimeSettings], float], runtime: RuntimeSettings
) -> None:
    machine(True, 2)
    assert fastest(RuntimeChoices(fast()), speed) == runtime


def test_no_bfloat16_where_the_machine_has_none(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine(False, 2)
    assert fastest(RuntimeChoices(fast()), speeds(bfloat16=9)).precision == "fp32"
    assert not caplog.records
    choices = RuntimeChoices(fast("training.precision=bf16"))
    assert fastest(choices, speeds(bfloat16=9)).precision == "fp32"
    assert "not native to this machine" in caplog.text


def test_what_the_recipe_states_is_not_tried(machine: Machine) -> None:
    machine(True, 4)
    for precision in ("fp32", "bf16"):
        choices = RuntimeChoices(fast(f"training.precision={precision}", "training.threads=3"))
        assert not choices.open
        assert choices.first == RuntimeSettings(precision, threads=3)
    more = RuntimeChoices(fast("training.threads=9"))
    assert more.first.threads == 4, "no more threads than the process may use"


def test_processes_that_train_together_share_the_cores(machine: Machine) -> None:
    machine(False, 4)
    choices = RuntimeChoices(fast(devices=2))
    assert choices.first == RuntimeSettings("fp32", threads=0)
    assert not choices.open


def test_trials_measure_training_steps_and_leave_no_trace(sky: Sky, tmp_path: Path) -> None:
    run = train("fast", sky.images, sky.table, output=tmp_path / "run", settings=TINY)
    told = json.loads((run.folder / "run.json").read_text())["runtime"]
    assert told["images_per_second"] == {}, "so short a training is not worth a trial"
    assert told["precision"] == "fp32"

    recipe = load_recipe("fast", TINY)
    samples = prepare_all(
        Dataset(sky.images, sky.table),
        recipe.images,
        cache=sky.cache,
        workers=1,
        progress=silent,
    )
    everything = (np.full(len(samples.first.rows), "train", object),)
    job = make_job(recipe, samples, everything, seed=0, device="cpu")
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    with torch.random.fork_rng():
        module = GalaxyModule(job.recipe, job.task, (), seed=0, steps_per_epoch=1)
        trials = Trials(module, job.galaxies["train"], "cpu")
        for runtime in (
            RuntimeSettings("fp32", threads=1),
            RuntimeSettings("bf16", threads=1),
            RuntimeSettings("fp32", False, 1),
        ):
            assert trials(runtime) > 0
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert list(trials.speeds) == [
        RuntimeSettings("fp32", threads=1),
        RuntimeSettings("bf16", threads=1),
        RuntimeSettings("fp32", False, 1),
    ]


def test_a_probed_training_says_and_keeps_what_it_chose(
    sky: Sky,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "galaxyclass")
    monkeypatch.setattr(module, "SHORT", 1)
    for place in (module, runtime_settings):
        monkeypatch.setattr(place, "has_bfloat16", lambda device: True)
    monkeypatch.setattr(
        Trials, "measure", lambda self, runtime: 200.0 if runtime.precision == "bf16" else 100.0
    )
    settings = [*TINY[:-1], "training.precision=auto"]
    run = train("fast", sky.images, sky.table, output=tmp_path / "run", settings=settings)
    told = json.loads((run.folder / "run.json").read_text())["runtime"]
    assert told["precision"] == "bf16"
    assert told["images_per_second"]["fp32, 1 thread"] == 100
    assert "training in bf16, 1 thread: 200 images/s" in caplog.text

    bundle = load_bundle(run.folder)
    assert bundle.manifest.precision == "bf16", "so that a prediction computes as training did"

    # What a run was begun with, it goes on with: no second trial.
    monkeypatch.setattr(Trials, "measure", lambda self, runtime: pytest.fail("tried again"))
    (run.folder / "metrics.json").unlink()
    assert resume(run.folder).metrics.parts == run.metrics.parts


def test_threads_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(2)
    with using(RuntimeSettings("fp32", threads=1)):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with using(RuntimeSettings("fp32")):
        assert torch.get_num_threads() == 2
