"""Scripts for schedulers: what they run, as shells and HTCondor read them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from galaxyclass.cli.survey_scripts import survey_script
from galaxyclass.errors import ArgumentError
from tests.support.waiting import wait_until

DOCS = Path(__file__).parents[2] / "docs" / "survey.md"


class Planned:
    """A survey with so many shards."""

    def __init__(self, folder: Path, shards: int = 500) -> None:
        self.folder, self.shards = folder, range(shards)


def script(folder: Path, scheduler: Any, *, shards: int = 500, **more: Any) -> str:
    folder.mkdir(exist_ok=True)
    return survey_script(Planned(folder, shards), scheduler, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("scheduler", ["slurm", "pbs", "shell"])
@pytest.mark.parametrize("shards", [1, 500])
def test_shells_read_them(scheduler: str, shards: int, tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    gpus = None if scheduler == "shell" else 1
    path.write_text(script(tmp_path / "night", scheduler, shards=shards, gpus=gpus, cores=3))
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if (check := shutil.which("shellcheck")) is not None:
        done = subprocess.run([check, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


#: Notes its arguments, and ends with the codes in a file, one a line.
PROGRAM = """#!/bin/bash
echo "$*" >> {folder}/calls
code=$(head -n 1 {folder}/codes)
sed -i 1d {folder}/codes
exit "$code"
"""


@pytest.mark.parametrize(
    ("scheduler", "task", "codes", "ends", "calls"),
    [
        ("slurm", "SLURM_ARRAY_TASK_ID", [75], 75, ["--part 7/100 --cores 3"]),
        ("slurm", "SLURM_ARRAY_TASK_ID", [1], 1, ["--part 7/100 --cores 3"]),
        ("pbs", "PBS_ARRAY_INDEX", [0], 0, ["--part 7/100 --cores 3"]),
        ("shell", "NONE", [75, 75, 0], 0, ["--cores 3"] * 3),
    ],
)
def test_what_they_run(
    scheduler: str, task: str, codes: list[int], ends: int, calls: list[str], tmp_path: Path
) -> None:
    for name in ("program", "scontrol"):
        program = tmp_path / name
        program.write_text(PROGRAM.format(folder=tmp_path))
        program.chmod(0o755)
    (tmp_path / "codes").write_text("".join(f"{code}\n" for code in [*codes, 0]))
    text = script(tmp_path / "night", scheduler, cores=3, program=str(tmp_path / "program"))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", task: "7"}
    environment["SLURM_ARRAY_JOB_ID"] = "9"
    done = subprocess.run(["bash", "-c", text], env=environment, timeout=60, check=False)
    assert done.returncode == ends
    called = (tmp_path / "calls").read_text().splitlines()
    assert len(called) == len(calls)
    assert all(line.endswith(call) for line, call in zip(called, calls, strict=True))
    assert called[0].startswith(f"survey run {tmp_path}/night")


def test_slurm_requeues_a_task_that_it_warned(tmp_path: Path) -> None:
    """The program ends with 75 on USR1; on TERM too, but a task that was cancelled stays so."""
    for name, text in {
        "program": "trap 'exit 75' USR1 TERM; touch {}/ready; while :; do sleep 0.05; done",
        "scontrol": 'echo "$*" > {}/requeued',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text.format(tmp_path)}\n")
        (tmp_path / name).chmod(0o755)
    text = script(tmp_path / "night", "slurm", program=str(tmp_path / "program"))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment |= {"SLURM_ARRAY_JOB_ID": "9", "SLURM_ARRAY_TASK_ID": "7"}
    for number, requeued in ((signal.SIGTERM, False), (signal.SIGUSR1, True)):
        task = subprocess.Popen(["bash", "-c", text], env=environment)
        wait_until((tmp_path / "ready").exists, seconds=30)
        (tmp_path / "ready").unlink()
        task.send_signal(number)
        assert task.wait(30) == 75
        assert (tmp_path / "requeued").exists() == requeued
    assert (tmp_path / "requeued").read_text() == "requeue 9_7\n"


def test_htcondor_reads_its_own(tmp_path: Path) -> None:
    text = script(tmp_path / "night", "htcondor", at_once=5, gpus=1)
    assert f"executable          = {sys.executable}" in text
    assert "queue 100" in text
    assert "/usr/bin/env" in script(tmp_path / "night", "htcondor", program="galaxyclass")
    htcondor = pytest.importorskip("htcondor2", reason="htcondor is not installed: not parsed")
    submit = htcondor.Submit(text)
    assert submit["on_exit_remove"] == "ExitCode =!= 75"
    assert "--part 1/100" in submit.expand("arguments")
    assert submit.getQArgs() == "100"


def test_one_task_and_wrong_calls(tmp_path: Path) -> None:
    single = script(tmp_path / "night", "pbs", shards=1)
    assert '"1/1"' in single
    assert "-J" not in single
    with pytest.raises(ArgumentError, match="not of shell"):
        script(tmp_path, "shell", at_once=2)
    with pytest.raises(ArgumentError, match="`gpus`: not of shell"):
        script(tmp_path, "shell", gpus=1)
    with pytest.raises(ArgumentError, match="`minutes`: not of htcondor"):
        script(tmp_path, "htcondor", minutes=90)
    with pytest.raises(ArgumentError, match="a name that a script of pbs cannot hold"):
        script(tmp_path / "my night", "pbs")
    assert "'" in script(tmp_path / "my night", "shell")


@pytest.mark.parametrize("scheduler", ["slurm", "pbs", "htcondor", "shell"])
def test_the_page_shows_what_is_written(scheduler: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {} if scheduler == "shell" else {"cores": 16, "memory": 16}
    if scheduler in ("slurm", "pbs"):
        more["minutes"] = 240
    text = script(tmp_path / "night", scheduler, program="galaxyclass", **more)
    assert text.replace(str(tmp_path), "/shared") in DOCS.read_text(encoding="utf-8")
