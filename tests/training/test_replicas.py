"""Several processes that train together learn what one would with their batches put together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from galaxyclass.data.dataset.galaxies import Galaxies
from galaxyclass.errors import ArgumentError
from galaxyclass.networks.weights import read_weights
from galaxyclass.training.data import Batches, Replica
from galaxyclass.training.history import read_history
from galaxyclass.training.processes import ProcessPlace, place_of_process
from galaxyclass.training.train import train
from tests.support.sky import TINY, Sky, changed


@given(
    count=st.integers(1, 50),
    size=st.integers(1, 9),
    replicas=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_replicas_share_out_every_step(count: int, size: int, replicas: int, seed: int) -> None:
    galaxies = Galaxies(
        np.zeros((count, 1, 1, 1), np.uint8), np.arange(count), np.arange(count, dtype=np.float32)
    )
    shares = [
        [
            targets.tolist()
            for _, targets, _ in Batches(
                galaxies, size, seed=seed, replica=Replica(number, replicas)
            )
        ]
        for number in range(replicas)
    ]
    whole = [targets.tolist() for _, targets, _ in Batches(galaxies, size * replicas, seed=seed)]
    assert {len(share) for share in shares} == {len(whole)}
    steps = [[one for share in shares for one in share[step]] for step in range(len(whole))]
    assert steps[:-1] == whole[:-1]
    # the last step may be filled up with galaxies from the front, so that each has some
    assert steps[-1][: len(whole[-1])] == whole[-1]
    assert len(steps[-1]) - len(whole[-1]) < replicas
    assert all(share[-1] for share in shares)


#: No batch norm, whose statistics are each process's own, and nothing random in the pictures.
SETTINGS = [
    *TINY[:2],
    "training.progressive_resizing=[]",
    "optimizer.name=adamw",  # muon rounds its steps to bfloat16
    "training.precision=fp32",
    "training.epochs=3",
    "training.ema=0",
    "model.encoder=two_layer_cnn",
    "augmentation.flip=none",
    "augmentation.rotation=0",
    "augmentation.zoom=[1.0, 1.0]",
    "augmentation.shift=0",
    "augmentation.brightness=0",
    "augmentation.colour=0",
]


def two_processes(sky: Sky, output: Path) -> list[str]:
    """A training of two processes, as it is typed."""
    command = [sys.executable, "-m", "galaxyclass", "train", "fast"]
    command += ["--images", str(sky.images), "--table", str(sky.table)]
    command += ["--output", str(output), "--cache", str(sky.cache)]
    command += ["--device", "cpu", "--devices", "2"]
    for setting in changed(SETTINGS, "training.batch_size=12"):
        command += ["--set", setting]
    return command


@pytest.mark.slow
def test_two_processes_learn_what_one_does_with_twice_the_batch(sky: Sky, tmp_path: Path) -> None:
    train(
        "fast",
        sky.images,
        sky.table,
        output=tmp_path / "one",
        settings=changed(SETTINGS, "training.batch_size=24", "training.threads=1"),
        cache=sky.cache,
        device="cpu",
    )
    command = two_processes(sky, tmp_path / "two")
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the run is in") == 1
    one, two = (read_history(tmp_path / name / "history.csv") for name in ("one", "two"))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        for name in ("train_loss", "train_rmse", "validation_loss", "validation_rmse"):
            assert a[name] == pytest.approx(b[name], rel=1e-4), name
    (first,), (second,) = (
        list((tmp_path / name / "bundle").glob("*.safetensors")) for name in ("one", "two")
    )
    for name, value in read_weights(first).items():
        torch.testing.assert_close(read_weights(second)[name], value, rtol=1e-3, atol=1e-4)


def as_slurm(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))


def test_which_process_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert place_of_process(2) == ProcessPlace(0, 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert place_of_process(2) == ProcessPlace(1, 1)
    assert place_of_process(1) == ProcessPlace(0, 0)  # it waits for no other
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ArgumentError, match=r"process 3 .* \(LOCAL_RANK=2\)") as caught:
        place_of_process(2)
    assert caught.value.wanted == "at least 3"
    monkeypatch.delenv("LOCAL_RANK")
    # A batch script without srun: the first process starts the others.
    as_slurm(monkeypatch, NTASKS=4, PROCID=0, JOB_ID=7)
    assert not place_of_process(4).by_slurm
    as_slurm(monkeypatch, STEP_NUM_TASKS=4)
    with pytest.raises(ArgumentError, match="not said how many on each machine"):
        place_of_process(4)
    as_slurm(monkeypatch, NTASKS_PER_NODE=2)
    as_slurm(monkeypatch, STEP_NUM_TASKS=4, PROCID=3, LOCALID=1, STEP_NUM_NODES=2, NNODES=2)
    assert place_of_process(4) == ProcessPlace(3, 1, 2, by_slurm=True)
    assert place_of_process(1) == ProcessPlace(0, 0)
    with pytest.raises(ArgumentError, match="4 tasks of Slurm were started") as caught:
        place_of_process(2)
    assert caught.value.wanted == "4"
    as_slurm(monkeypatch, STEP_NUM_TASKS=5)
    with pytest.raises(ArgumentError, match="different numbers of tasks"):
        place_of_process(5)


@pytest.mark.slow
@pytest.mark.thorough
def test_tasks_of_slurm_train_together(sky: Sky, tmp_path: Path) -> None:
    """What srun starts: the same command twice at once, told apart by the environment."""
    shared = {
        "STEP_NUM_TASKS": 2, "NTASKS": 2, "NTASKS_PER_NODE": 2, "NNODES": 1, "NODEID": 0,
        "STEP_NUM_NODES": 1,
        "JOB_ID": 1000 + os.getpid() % 9000, "JOB_NAME": "train", "NODELIST": "127.0.0.1",
    }  # fmt: skip
    processes = []
    for number in (1, 0):
        own = {**shared, "PROCID": number, "LOCALID": number}
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        environment |= {f"SLURM_{name}": str(value) for name, value in own.items()}
        processes.append(
            subprocess.Popen(
                two_processes(sky, tmp_path / "run"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
        )
    ended = [process.communicate(timeout=400) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    assert "the run is in" not in ended[0][0]
    assert "the run is in" in ended[1][0]
    assert len(read_history(tmp_path / "run" / "history.csv")) == 3
    assert len(list((tmp_path / "run" / "bundle").glob("*.safetensors"))) == 1
