"""The examples at the end of each command's help are commands that can be given."""

from __future__ import annotations

import importlib
import shlex
from itertools import takewhile

import click
import pytest

from galaxyclass.cli.main import COMMANDS, EPILOG, group
from galaxyclass.recipes.read import RECIPES, load_recipe


def _epilog(name: str) -> str:
    text: str = importlib.import_module(f"galaxyclass.cli.{name}").EPILOG
    return text


def _examples(text: str) -> list[list[str]]:
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("  galaxyclass ")]


@pytest.mark.parametrize("page", ["galaxyclass", *COMMANDS])
def test_examples_are_accepted(page: str) -> None:
    examples = _examples(EPILOG if page == "galaxyclass" else _epilog(page))
    assert examples
    for name, *words in examples:
        command: click.Command = importlib.import_module(f"galaxyclass.cli.{name}").command
        values = command.make_context(name, words).params
        if name in ("train", "compare"):
            recipes = values.get("recipes") or filter(None, [values["recipe"]])
            assert set(recipes) <= set(RECIPES)
        load_recipe("fast", values.get("settings", ()))


@pytest.mark.parametrize("page", ["galaxyclass", *COMMANDS])
def test_help_shows_examples_line_by_line(page: str) -> None:
    command: click.Command = group
    epilog = EPILOG
    if page != "galaxyclass":
        command = importlib.import_module(f"galaxyclass.cli.{page}").command
        epilog = _epilog(page)
    shown = command.get_help(click.Context(command, info_name=page, max_content_width=200))
    for line in epilog.splitlines():
        assert len(line) <= 100
        if line.startswith("  galaxyclass "):
            assert line.strip() in [text.strip() for text in shown.splitlines()]


def _parts_of_groups() -> dict[str, click.Command]:
    """The commands of groups, such as ``survey merge``."""
    groups = {name: importlib.import_module(f"galaxyclass.cli.{name}").command for name in COMMANDS}
    return {
        f"{name} {part}": command
        for name, group_command in groups.items()
        if isinstance(group_command, click.Group)
        for part, command in group_command.commands.items()
    }


PARTS = _parts_of_groups()


@pytest.mark.parametrize("page", PARTS)
def test_each_command_of_a_group_has_examples_of_its_own(page: str) -> None:
    command = PARTS[page]
    shown = command.get_help(click.Context(command, info_name=page, max_content_width=200))
    lines = [text.strip() for text in shown.splitlines()]
    assert "Examples:" in lines
    epilog = command.epilog or ""
    examples = _examples(epilog)
    assert examples
    for words in examples:
        assert words[:2] == page.split()
        command.make_context(page, list(takewhile(lambda word: word != ">", words[2:])))
    for line in epilog.splitlines():
        assert len(line) <= 100
        assert not line.startswith("  galaxyclass ") or line.strip() in lines
