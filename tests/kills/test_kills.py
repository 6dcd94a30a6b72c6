"""A kill at any moment, and the same command again: as if nothing had happened.

`harness.py` says how. Here each command is killed at a handful of moments;
`python tests/kills/harness.py --moments 60` tries more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir() or not hasattr(os, "fork"), reason="looks into /proc"
)


def survive(moments: int, *commands: str) -> None:
    """Every kill of these commands is survived."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", str(Path(__file__).with_name("harness.py"))),
            *("--json", "--moments", str(moments), "--commands", *commands),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=1800,
    )
    outcomes = json.loads(done.stdout)
    assert [outcome["command"] for outcome in outcomes] == list(commands)
    assert {outcome["command"]: outcome["faults"] for outcome in outcomes} == {
        command: [] for command in commands
    }
    assert all(outcome["tried"] > 0 for outcome in outcomes)


def test_commands_survive_a_kill() -> None:
    survive(4, "predict", "evaluate", "combine", "simulate", "pack", "baseline", "calibrate")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "moments"),
    [
        ("predict-parquet", 2),
        ("predict-overwrite", 2),
        ("train", 2),
        ("train-folds", 2),
        ("export", 1),
        ("explore", 1),
    ],
)
def test_slower_commands_survive_a_kill(command: str, moments: int) -> None:
    survive(moments, command)


@pytest.mark.slow
def test_a_training_is_resumed_after_a_kill() -> None:
    survive(4, "train-resume")
