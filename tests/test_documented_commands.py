"""What the documents tell people to type is understood: commands, options, values, functions."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
from itertools import takewhile
from pathlib import Path

import click
import pytest

import galaxyclass
from galaxyclass import load_recipe
from galaxyclass.cli.main import COMMANDS
from galaxyclass.recipes.read import RECIPES

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))

_BASH = re.compile(r"^```bash\n(.*?)^```$", re.M | re.S)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
_SET = re.compile(r"--set (?:\"([^\"]+)\"|([a-z_]+\.[a-z_]+=[^\s`]+))")


def page_commands(page: Path) -> list[list[str]]:
    """The words of each `galaxyclass …` in the page's blocks of bash."""
    text = "".join(_BASH.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ")
    text = re.sub(r"\$[A-Z_]+", "1", text)  # a variable of a scheduler
    lines = (shlex.split(line, comments=True) for line in text.splitlines())
    lines = (list(takewhile(lambda word: word not in {"&", "|", ">"}, words)) for words in lines)
    return [words[1:] for words in lines if words[:1] == ["galaxyclass"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_parser_takes_every_command(page: Path) -> None:
    """As the command line parses it: options, their values, what is required. Nothing is run."""
    for name, *words in page_commands(page):
        assert name in COMMANDS
        command: click.Command = importlib.import_module(f"galaxyclass.cli.{name}").command
        if "…" in words:  # told in part
            continue
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context(f"galaxyclass {name}", list(words))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_functions_and_their_arguments_exist(page: Path) -> None:
    """Of each `galaxyclass.name(…)` in the page's blocks of Python."""
    for block in _PYTHON.findall(page.read_text(encoding="utf-8")):
        for node in ast.walk(ast.parse(block)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "galaxyclass":
                function = getattr(galaxyclass, node.func.attr)
                named = {keyword.arg: None for keyword in node.keywords if keyword.arg}
                inspect.signature(function).bind(*[None] * len(node.args), **named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_that_are_trained_exist(page: Path) -> None:
    for name, *words in page_commands(page):
        if name in {"train", "compare", "tune"} and not words[0].startswith("--"):
            assert words[0] in RECIPES or words[0].endswith(".toml")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_can_be_set(page: Path) -> None:
    for quoted, bare in _SET.findall(page.read_text(encoding="utf-8")):
        if "…" not in (setting := quoted or bare):
            key, _, value = setting.partition("=")
            # `finetune` takes several frames.
            values = value.split(",") if key == "images.frame" else [value]
            for each in values:
                load_recipe("fast", [f"{key}={each}"])
