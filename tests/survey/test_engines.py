"""What is said where Slurm and Ray are missing or refuse; Ray for real where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from galaxyclass import ArgumentError, MissingExtraError, Survey, SurveyError
from galaxyclass.survey.slurm import pack_shards, slurm_array_limit

Planned = Callable[..., Survey]


def test_shards_are_packed_below_the_limit_of_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack_shards(list(range(0, 2000, 2)), 7)
    assert len(packed) == 7
    assert max(map(len, packed)) - min(map(len, packed)) <= 1
    assert [number for group in packed for number in group] == list(range(0, 2000, 2))

    def answer(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, "MaxArraySize            = 1001\n", "")

    monkeypatch.setattr(subprocess, "run", answer)
    assert slurm_array_limit() == 1000


def test_without_engines_it_says_what_to_do(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = planned()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises((MissingExtraError, SurveyError)) as caught:
        survey.run_slurm()
    wanted = ('pip install "galaxyclass[survey]"', "log in to the cluster's login node")
    assert str(caught.value.hint).startswith(wanted)
    with pytest.raises(ArgumentError, match="`memory` cannot be 0"):
        survey.run_slurm(memory=0)


@pytest.mark.parametrize(
    ("says", "hint"),
    [
        ("Job violates accounting/QOS policy (job submit limit)", "fewer tasks (`array_limit`)"),
        ("Invalid account or account/partition combination specified", "`partition`"),
        ("Unable to contact slurm controller (connect failure)", "controller does not answer"),
        ("Unspecified error", "`sinfo` and `squeue`"),
    ],
)
def test_what_slurm_refuses_is_said_in_its_words(
    says: str, hint: str, planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed: Slurm is not tried")
    for name in ("sbatch", "srun"):
        program = tmp_path / name
        message = f"sbatch: error: Batch job submission failed: {says}"
        program.write_text(f'#!/bin/sh\necho "{message}" >&2\nexit 1\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SurveyError, match="Slurm refuses the job") as caught:
        planned().run_slurm(partition="nowhere", cores=1)
    assert says in str(caught.value.got)
    assert hint in str(caught.value.hint)


@pytest.mark.slow
def test_ray_does_all_shards(planned: Planned, tars: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: it is not tried")
    survey = planned(shard_size=10)
    (tars / "00000.tar").rename(tmp_path / "away.tar")
    result = survey.run_ray(cores=1, retries=0)
    assert (result.done, len(result.failed)) == (4, 2)
    (tmp_path / "away.tar").rename(tars / "00000.tar")
    assert survey.run_ray(cores=1).done == 6
    with pytest.raises(SurveyError, match="no machine of the Ray cluster is large enough"):
        survey.run_ray(cores=4000)
