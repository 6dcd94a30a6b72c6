"""What the kills rely on: what is made shorter is there, and workers that are forks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.harness import holder_of, replace
from tests.hostile.jobs import JOBS

#: Kills itself before the change that its fork makes; prints how many changes there were.
PROGRAM = """
import sys
from pathlib import Path
from tests.hostile.changes import Changes
from tests.hostile.forked import ForkedProcess
folder, kill_at = Path(sys.argv[1]), int(sys.argv[2])
changes = Changes(folder, kill_at)
(folder / "first").write_text("")
process = ForkedProcess("tests.hostile.stand_in", {"GREETING": "hello"})
process.stdin.write(str(folder / "second").encode() + b"\\n")
process.stdin.flush()
print(process.stdout.readline().decode().strip(), process.wait(), changes.seen)
"""


@pytest.mark.parametrize("name", sorted({name for job in JOBS.values() for name in job.shortened}))
def test_what_a_job_makes_shorter_is_there(name: str) -> None:
    holder, attribute = holder_of(name)
    assert hasattr(holder, attribute)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="EPOCHS"):
        replace("galaxyclass.workers.start.EPOCHS", 2)


@pytest.mark.parametrize(
    ("kill_at", "status", "made"), [(0, 0, ["first", "second"]), (2, -9, ["first"])]
)
def test_a_fork_answers_and_its_changes_count(
    tmp_path: Path, kill_at: int, status: int, made: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(kill_at)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == made
    assert done.stdout == ("" if kill_at else "hello 0 2\n")
