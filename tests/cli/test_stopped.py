"""A command that is stopped says what is kept and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from galaxyclass.cli import main as module
from galaxyclass.cli.main import COMMANDS, INTERRUPTED, main
from galaxyclass.cli.stopped import AFTER_STOP, stopped_words


def test_the_table_has_commands_alone() -> None:
    assert {name.partition(" ")[0] for name in AFTER_STOP} <= set(COMMANDS)
    assert "finished shards are kept" in stopped_words(["survey", "run", "night"])
    assert "nothing was written" in stopped_words(["survey", "plan", "sky"])
    assert "every label" in stopped_words(["serve", "--port", "0", "--label=rings.jsonl"])
    assert "label" not in stopped_words(["serve"])
    assert all("give the same command again" in stopped_words([name]) for name in COMMANDS)


@pytest.mark.parametrize(
    ("command", "words"),
    [("similar", "nothing was written"), ("report", "images that were predicted are kept")],
)
def test_ctrl_c(
    command: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.group, "main", stop)
    assert main([command, str(Path("sky.parquet"))]) == INTERRUPTED
    assert words in capsys.readouterr().err
