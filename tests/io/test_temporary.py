"""Temporary folders: removed when they are done with, and after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from galaxyclass.errors import OutputError
from galaxyclass.io.temporary import TemporaryFolder

#: Makes a folder with a file in it, says where, and waits to be killed.
MAKE = """
import sys, time
from galaxyclass.io.temporary import TemporaryFolder
folder = TemporaryFolder()
(folder.path / "picture.img").write_text("a")
print(folder.path, flush=True)
time.sleep(100)
"""


def process(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a folder, and the folder."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    made = subprocess.Popen(
        [sys.executable, "-c", MAKE], env=environment, text=True, stdout=subprocess.PIPE
    )
    assert made.stdout is not None
    with made.stdout:
        return made, Path(made.stdout.readline().strip())


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    killed, left = process(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert (left / "picture.img").exists()
    foreign = tmp_path / "galaxyclass-notes"
    foreign.mkdir()
    living, used = process(tmp_path)
    following, _ = process(tmp_path)
    assert not left.exists()
    assert (used / "picture.img").exists()
    assert foreign.exists()
    for each in (living, following):
        each.kill()
        each.wait()


def test_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with TemporaryFolder() as first, TemporaryFolder() as second:
        assert first != second
        assert first.stat().st_mode & 0o777 == 0o700
    assert not list(tmp_path.iterdir())


def test_where_none_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(OutputError, match="temporary folder cannot be made") as caught:
        TemporaryFolder()
    assert "TMPDIR" in str(caught.value.hint)
