"""Translation of the library's messages from Python to options and commands.

The library names arguments, settings and calls as Python, in backticks (`galaxyclass.errors`). The
command line shows the options and commands instead.
"""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any

import click

from galaxyclass.arguments import ARGUMENTS

#: Argument -> its option, if that is not ``--`` and the name; names in capitals are positional.
ARGUMENT_OPTIONS: dict[str, str] = {
    "model": "MODEL",
    "models": "MODEL",
    "recipes": "RECIPE",
    "predictions": "PREDICTIONS",
    "paths": "--images",
    "settings": "--set",
    "space": "--vary",
    "export": "EXPORT",
    "id_column": "--id",
    "target_column": "--target",
    "ra_column": "--ra",
    "dec_column": "--dec",
    "ids_from": "--ids",
    "shards": "--shard",
    "address": "--ray",
    "id_map": "--map",
    "label_classes": "--classes",
    "label_tree": "--tree",
}

#: Function -> its command, and the options of its first arguments.
FUNCTION_COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "train": ("train", ("", "--images", "--table")),
    "resume": ("train --resume", ("",)),
    "load_recipe": ("recipes", ("",)),
    "load_tree": ("tree", ("",)),
    "import_classifications": ("zooniverse import", ("",)),
    "export_subjects": ("zooniverse export", ("--images", "--table")),
    "guess_tree": ("tree", ("--from",)),
    "predict": ("predict", ("", "--images")),
    "evaluate": ("evaluate", ("", "--images", "--table")),
    "report": ("report", ("", "--images", "--table")),
    "explain": ("explain", ("", "--images")),
    "calibrate": ("calibrate", ("", "--images", "--table")),
    "finetune": ("finetune", ("", "--images", "--table")),
    "select": ("select", ("",)),
    "similar": ("similar", ("",)),
    "suspects": ("suspects", ("", "--images", "--table")),
    "combine": ("combine", ("",)),
    "tune": ("tune", ("", "--images", "--table")),
    "compare": ("compare", ("", "--images", "--table")),
    "export": ("export", ("",)),
    "validate": ("validate", ("--images", "--table")),
    "explore": ("explore", ("--images", "--table")),
    "baseline": ("baseline", ("--images", "--table")),
    "pack": ("pack", ("--images",)),
    "cutouts": ("cutouts", ("--tiles",)),
    "open_tiles": ("predict", ("--tiles", "--catalogue")),
    "plan_survey": ("survey plan", ("",)),
    "open_survey": ("survey run", ("",)),
    "simulate": ("simulate", ("--count",)),
    "benchmark": ("benchmark", ("--images", "--table")),
}

#: Arguments whose option takes several values as one word, with commas between them.
_WITH_COMMAS = ("include", "carry", "numbers", "bands", "label_classes")

#: Settings of `reading` that are no argument of a function; each has an option.
_OF_READING = ("scale", "limits", "pixel_scale")

_MARKED = re.compile(r"`([^`\n]+)`")
_SETTING = re.compile(r"([a-z]\w*(?:\.\w+)+)=(.*)", re.DOTALL)
_CALL = re.compile(r"galaxyclass\.(\w+)(\(.*\))?", re.DOTALL)


def in_options(text: str, command: click.Command | None = None) -> str:
    """Translate a message of the library for the command line.

    Parameters
    ----------
    text : str
    command : click.Command, optional
        The one that was given: an argument is shown as its option, if it has one of that name.

    Examples
    --------
    >>> in_options("pass `overwrite=True`, or choose another `output`")
    'pass --overwrite, or choose another --output'
    >>> in_options("a lower rate (`optimizer.lr=…`) and `id_column='my id'`")
    "a lower rate (--set optimizer.lr=…) and --id 'my id'"
    >>> in_options('`galaxyclass.resume("runs/a")` goes on from there')
    '`galaxyclass train --resume runs/a` goes on from there'
    >>> in_options("`galaxyclass.calibrate('runs/a', …)`")
    'galaxyclass calibrate runs/a …'
    """
    text = text.removeprefix("`reading`: ")  # each of its settings has an option of its own
    own = {
        str(each.name): max(each.opts, key=len)
        for each in ([] if command is None else command.params)
        if isinstance(each, click.Option)
    }
    if (alone := _MARKED.fullmatch(text)) is not None:
        return (own.get(alone[1]) or _translated(alone[1])).strip("`")
    return _MARKED.sub(lambda match: own.get(match[1]) or _translated(match[1]), text)


def _translated(code: str) -> str:
    """Python code as an option or a command; other code is unchanged."""
    if code in ARGUMENTS or code in _OF_READING:
        return _option(code)
    if (setting := _SETTING.fullmatch(code)) is not None:
        return f"--set {_quoted(code)}" if setting[2] != "…" else f"--set {code}"
    if (called := _CALL.fullmatch(code)) is not None and called[1] in FUNCTION_COMMANDS:
        return f"`{_command(called[1], called[2] or '()')}`"
    call = _parsed(f"f({code})")
    if call is not None and len(call.keywords) == 1:
        name = call.keywords[0].arg
        if name in ARGUMENTS or name in _OF_READING:
            return " ".join(_options(call))
    return f"`{code}`"


def _command(name: str, call_text: str) -> str:
    command, options = FUNCTION_COMMANDS[name]
    call = _parsed(f"f{call_text}")
    words = ["galaxyclass", command]
    if call is None:
        return " ".join(words)
    for index, argument in enumerate(call.args):
        value = _value(argument)
        if value is Ellipsis:
            words.append("…")
            continue
        option = options[index] if index < len(options) else ""
        words += [option] * bool(option) + _words(value)
    return " ".join([*words, *_options(call)])


def _options(call: ast.Call) -> list[str]:
    words = []
    for keyword in call.keywords:
        name, value = keyword.arg or "", _value(keyword.value)
        if value is False or value is None:
            continue
        option = _option(name)
        words += [option] if option.startswith("--") else []
        words += [] if value is True else _words(value, name)
    return words


def _option(name: str) -> str:
    return ARGUMENT_OPTIONS.get(name, "--" + name.replace("_", "-"))


def _words(value: Any, name: str = "") -> list[str]:
    if value is Ellipsis:
        return ["…"]
    if isinstance(value, list | tuple) and name in _WITH_COMMAS:
        return [_quoted(",".join(map(str, value)))]
    if isinstance(value, list | tuple):
        return [_quoted(str(element)) for element in value]
    return [_quoted(str(value))]


def _quoted(text: str) -> str:
    # An ellipsis marks what the user has to fill in.
    return text if re.fullmatch(r"[\w./=:…+,-]+", text) else shlex.quote(text)


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _parsed(code: str) -> ast.Call | None:
    """A parsed call, in which an ellipsis may stand for any argument."""
    outside = re.sub(r"…(?=[^'\"]*(?:(?:'[^']*'|\"[^\"]*\")[^'\"]*)*$)", "...", code)
    try:
        tree = ast.parse(outside, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return tree if isinstance(tree, ast.Call) else None
