"""Nothing that is given on the command line, or in a list, is passed over in silence."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import click
import pytest

from galaxyclass.arguments import check_argument
from galaxyclass.cli.command import Command
from galaxyclass.cli.main import COMMANDS, main
from galaxyclass.errors import ArgumentError, RecipeError
from galaxyclass.recipes.settings import as_assignments


def commands() -> Iterator[tuple[str, click.Command]]:
    """All commands, and those of groups."""
    for name in COMMANDS:
        command = importlib.import_module(f"galaxyclass.cli.{name}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {each}", sub) for each, sub in command.commands.items())
        else:
            yield name, command


def test_every_command_refuses_a_value_that_is_given_twice() -> None:
    others = [name for name, command in commands() if not isinstance(command, Command)]
    assert not others


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--output", "a", "--output", "b"], "--output was given twice, and has one value"),
        (["--output=a", "--output", "a", "--output", "b"], "--output was given 3 times"),
        (["--set", "images.size=16", "--set", "images.size=16"], "--set images.size=16 was given"),
        (["--set", "images.size=16", "--set", "images.size=32"], "images.size is set twice"),
        (["--overwrite", "--overwrite"], "Missing option '--output'"),
    ],
)
def test_what_is_given_twice(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = [] if "--overwrite" in words or "--output" in words else ["--output", "a"]
    assert main(["benchmark", *words, *ending]) != 0
    assert told in capsys.readouterr().err


def test_a_list_that_says_something_twice() -> None:
    with pytest.raises(RecipeError, match="epochs is set twice"):
        as_assignments(["training.epochs=1", "images.size=16", "training.epochs = 2"])
    with pytest.raises(ArgumentError, match="`like` has '7' twice"):
        check_argument("like", ["7", 7], "Sequence[str | int]")
    with pytest.raises(ArgumentError, match=r"wanted: a sequence: names of columns.*, each once"):
        check_argument("carry", ["z", "z"], "Sequence[str]")
    assert check_argument("models", ["a", "a"], "Sequence[str]") == ["a", "a"]
