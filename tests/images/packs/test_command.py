from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from galaxyclass.cli.main import main
from galaxyclass.cli.pack import command
from galaxyclass.errors import ArgumentError
from galaxyclass.images.packs.read import open_pack
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.read import load_recipe


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_it_packs_and_says_where(few: list[str], tmp_path: Path) -> None:
    result = run(
        "--images", tmp_path / "images", "--set", "images.size=16", "--output", tmp_path / "pack"
    )
    assert result.exit_code == 0, result.output
    assert "5 cutouts (centre, 16 x 16 px, rgb), 0.0 MB, in" in result.output
    wanted = load_recipe("fast", ["images.size=16"]).images
    assert open_pack(tmp_path / "pack").preprocessing == wanted


def test_settings_change_the_recipe(
    few: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ("images.cutout=centre", "images.frame=20", "images.size=10", "images.colour=rgb")
    options = [word for setting in settings for word in ("--set", setting)]
    arguments = ["--images", tmp_path / "images", *options, "--cache", tmp_path / "cache", "--json"]
    assert main(["pack", *map(str, arguments)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["images"] == 5
    assert shown["failed"] == []
    assert shown["preprocessing"] == Preprocessing(
        cutout="centre", frame=20, size=10, colour="rgb"
    ).model_dump(mode="json")
    made = open_pack(Path(shown["folder"]))
    assert shown["bytes"] == made.size_bytes


def test_a_setting_without_effect_is_refused(tmp_path: Path) -> None:
    result = run("--images", tmp_path, "--set", "training.epochs=3")
    assert isinstance(result.exception, ArgumentError)
    assert result.exception.wanted == "images.…"


def test_broken_images_are_listed(few: list[str], tmp_path: Path) -> None:
    Path(few[2]).write_text("not a picture")
    result = run(
        "--images", tmp_path / "images", "--set", "images.size=16", "--output", tmp_path / "pack"
    )
    assert result.exit_code == 0
    assert "1 image that cannot be decoded, black in the pack:" in result.output
    assert f"{few[2]}: not an image that can be read" in result.output


def test_the_order_is_that_of_the_table(few: list[str], tmp_path: Path) -> None:
    table = tmp_path / "classes.csv"
    table.write_text("id,class\n0003,disc\n0001,smooth\n0004,disc\n")
    options = ["--table", table, "--set", "images.size=16", "--output", tmp_path / "pack"]
    result = run("--images", tmp_path / "images", *options)
    assert result.exit_code == 0, result.output
    records = open_pack(tmp_path / "pack").records
    assert [record.path for record in records] == [few[3], few[1], few[4]]


def test_an_empty_folder_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["pack", "--images", str(tmp_path / "empty")]) == 1
    assert "no images in this folder" in capsys.readouterr().err


def test_help_has_an_example() -> None:
    result = run("--help")
    assert "galaxyclass pack --images sky/images --table sky/votes.csv" in result.output
