"""A page for each command, made of its parser: what ``--help`` prints, with links."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.made import write_pages
from extensions.words import block, entry, paragraph, section
from galaxyclass.cli.main import HELP_SECTIONS

#: Command -> the page that says how to use it.
HOW_TO = {
    "predict": "predicting",
    "cutouts": "tiles",
    "survey": "survey",
    "serve": "serve",
    "report": "report",
    "explain": "explain",
    "similar": "similar",
    "map": "similar",
    "explore": "tables",
    "validate": "tables",
    "suspects": "finetuning",
    "select": "similar",
    "tree": "trees",
    "zooniverse": "trees",
    "simulate": "tables",
    "finetune": "finetuning",
    "train": "training",
    "recipes": "training",
    "compare": "training",
    "tune": "training",
    "pack": "training",
    "evaluate": "predicting",
    "baseline": "tables",
    "calibrate": "predicting",
    "combine": "predicting",
    "export": "predicting",
    "benchmark": "training",
}


class CommandDirective(SphinxDirective):
    """What a command is called with, its options, and its examples."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        command = command_of(name)
        if not isinstance(command, click.Group):
            return _describe(command, f"galaxyclass {name}")
        made = _opening(command, f"galaxyclass {name}")
        for each in command.commands.values():
            path = f"galaxyclass {name} {each.name}"
            made.append(section(f"{name} {each.name}", f"{name}-{each.name}", *_body(each, path)))
        return [*made, *_epilog(command)]


def command_of(name: str) -> click.Command:
    """The command of that name."""
    command: click.Command = importlib.import_module(f"galaxyclass.cli.{name}").command
    return command


def _describe(command: click.Command, path: str) -> list[nodes.Node]:
    return [
        *_opening(command, path),
        section("Options", f"{command.name or path}-options", _options(command, path)),
        *_epilog(command),
    ]


def _opening(command: click.Command, path: str) -> list[nodes.Node]:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    text = inspect.cleandoc(command.help or "")
    return [block(usage, "console"), *map(paragraph, text.split("\n\n"))]


def _body(command: click.Command, path: str) -> list[nodes.Node]:
    return [*_opening(command, path), _options(command, path), *_epilog(command, heading=False)]


def _options(command: click.Command, path: str) -> nodes.definition_list:
    """The options in the order of ``--help``."""
    context = click.Context(command, info_name=path)
    entries = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or not record[1]:
            continue
        names, text = record
        option = parameter.opts[0].lstrip("-")
        shown, remarks = _remarks(text)
        identifier = f"{path.replace(' ', '-')}-{option}"
        entries.append(entry(names, remarks, shown, identifier))
    return nodes.definition_list("", *entries, classes=["options"])


def _remarks(text: str) -> tuple[str, str]:
    """The help of an option, and what click says in brackets: required, default, range."""
    found = re.fullmatch(r"(.*?)\s*\[([^\[\]]*(?:required|default|[<>]=?)[^\[\]]*)\]", text, re.S)
    return (found[1], found[2].replace("; ", ", ")) if found else (text, "")


def _epilog(command: click.Command, *, heading: bool = True) -> list[nodes.Node]:
    """The text below the options; blocks that click leaves as they are stay so here."""
    made: list[nodes.Node] = []
    for text in inspect.cleandoc(command.epilog or "").split("\n\n"):
        if not text.startswith("\b"):
            if text.strip():
                made.append(paragraph(text))
            continue
        first, *lines = text.removeprefix("\b").strip("\n").split("\n")
        body = inspect.cleandoc("\n".join(["", *lines]))
        if not lines:
            made.append(paragraph(first))
        elif first.rstrip().endswith(":"):
            language = "console" if body.startswith("galaxyclass") else "text"
            made += [paragraph(first), block(body, language)]
        else:
            made.append(paragraph(f"{first} {body}"))
    if made and heading:
        return [section("Examples and remarks", f"{command.name}-examples", *made)]
    return made


def make_pages(_app: Sphinx, _config: Any) -> None:
    """Write a page for each command, and one that lists them in the sections of ``--help``."""
    pages = {}
    lists = ["# The command line", ""]
    lists += ["What `galaxyclass COMMAND --help` prints, made of the same parser.", ""]
    for title, commands in HELP_SECTIONS.items():
        lists += [f"## {title}", "", "| command | |", "| --- | --- |"]
        lists += [f"| [`{name}`]({name}.md) | {words} |" for name, words in commands.items()]
        lists += ["", "```{toctree}", ":hidden:", "", *commands, "```", ""]
        for name in commands:
            page = HOW_TO[name]
            pages[f"{name}.md"] = (
                f"# {name}\n\n```{{command}} {name}\n```\n\n"
                f"```{{seealso}}\n{{doc}}`/{page}` says how it is used.\n```\n"
            )
    write_pages("commands", {**pages, "index.md": "\n".join(lists)})


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("command", CommandDirective)
    app.connect("config-inited", make_pages, priority=100)
    return {"parallel_read_safe": True}
