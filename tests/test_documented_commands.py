"""Commands and settings that the documents name exist: commands, options, recipes, keys."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from galaxyclass import load_recipe
from galaxyclass.cli.main import COMMANDS
from galaxyclass.recipes.read import RECIPES

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))

_BASH = re.compile(r"^```bash\n(.*?)^```$", re.M | re.S)
_SET = re.compile(r"--set (?:\"([^\"]+)\"|([a-z_]+\.[a-z_]+=[^\s`]+))")


def page_commands(page: Path) -> list[list[str]]:
    """The words of each `galaxyclass …` in the page's blocks of bash."""
    text = "".join(_BASH.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ")
    lines = (shlex.split(line, comments=True) for line in text.splitlines())
    return [words[1:] for words in lines if words[:1] == ["galaxyclass"]]


def options_of(name: str, words: list[str]) -> set[str]:
    command: click.Command = importlib.import_module(f"galaxyclass.cli.{name}").command
    if isinstance(command, click.Group):
        command = command.commands[words[0]]
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for name, *words in page_commands(page):
        assert name in COMMANDS
        given = {word for word in words if word.startswith("--")}
        assert given <= options_of(name, words), f"galaxyclass {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_that_are_trained_exist(page: Path) -> None:
    for name, *words in page_commands(page):
        if name in {"train", "compare", "tune"} and not words[0].startswith("--"):
            assert words[0] in RECIPES or words[0].endswith(".toml")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_can_be_set(page: Path) -> None:
    for quoted, bare in _SET.findall(page.read_text(encoding="utf-8")):
        if "…" not in (setting := quoted or bare):
            load_recipe("fast", [setting])
