"""A current folder that was removed while a process works in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from galaxyclass.errors import OutputError
from galaxyclass.io.atomic import write_text


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that is in use")
def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(OutputError, match="its folder has been removed"):
        write_text(Path("a.txt"), "text")
