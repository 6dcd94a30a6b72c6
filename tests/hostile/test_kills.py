"""A kill at any moment, and the same command again: as if nothing had happened.

`harness.py` says how. Here each command is killed at a handful of moments;
`python tests/hostile/harness.py --moments 60` tries more. Run by `make hostile`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.hostile,
    pytest.mark.skipif(
        not Path("/proc/self/fd").is_dir() or not hasattr(os, "fork"), reason="looks into /proc"
    ),
]


def survive(moments: Mapping[str, int]) -> None:
    """So many kills of each of these commands are survived."""
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-W",
                "ignore",
                str(Path(__file__).with_name("harness.py")),
                "--json",
            ),
            *("--commands", *(f"{command}={count}" for command, count in moments.items())),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=1800,
    )
    outcomes = json.loads(done.stdout)
    assert {outcome["command"]: outcome["faults"] for outcome in outcomes} == {
        command: [] for command in moments
    }
    assert all(outcome["tried"] > 0 for outcome in outcomes)


# Two processes, so that two cores share the work; each imports the package and trains once.
def test_commands_survive_a_kill() -> None:
    several = ("predict", "evaluate", "combine", "simulate", "pack", "baseline", "calibrate")
    survive({**dict.fromkeys(several, 4), "predict-parquet": 2, "predict-overwrite": 2})


def test_slower_commands_survive_a_kill() -> None:
    slower = {"train": 2, "train-folds": 2, "train-resume": 3, "export": 1}
    survive({**slower, "explore": 1, "report": 1})
