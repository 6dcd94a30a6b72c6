from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from galaxyclass.cli.main import main
from galaxyclass.cli.simulate import command


def test_it_writes_and_says_what_to_type_next(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        command, ["--count", "3", "--output", str(tmp_path / "sky"), "--size", "32"]
    )
    assert result.exit_code == 0, result.output
    assert "3 galaxies in" in result.output
    assert f"galaxyclass validate --images {tmp_path / 'sky' / 'images'}" in result.output
    assert len(list((tmp_path / "sky" / "images").glob("*.jpg"))) == 3


def test_a_full_folder_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert main(["simulate", "--count", "2", "--output", str(tmp_path)]) == 1
    assert "choose another --output" in capsys.readouterr().err


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(command, ["--help"])
    assert "galaxyclass simulate --count 500 --output sky" in result.output


def test_a_contest_says_how_it_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    result = CliRunner().invoke(
        command,
        ["--kind", "hundred", "--count", "20", "--output", str(folder), "--size", "16"],
    )
    assert result.exit_code == 0, result.output
    assert f"13 galaxies in {folder / 'train'}, their classes in train.csv" in result.output
    assert f"galaxyclass validate --images {folder} --table {folder}" in result.output
