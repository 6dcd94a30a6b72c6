"""What the library says in Python, in options and commands."""

from __future__ import annotations

import click
import pytest

from galaxyclass.cli.hints import ARGUMENT_OPTIONS, in_options


@pytest.mark.parametrize(
    ("python", "typed"),
    [
        ("pass `overwrite=True`, or another `output`", "pass --overwrite, or another --output"),
        ("`part='all'`", "--part all"),
        ('`part="all"`', "--part all"),
        ("name it by `id_column='my id'`", "name it by --id 'my id'"),
        ("`target_column='class'` says it", "--target class says it"),
        ("`skip_invalid=True` helps", "--skip-invalid helps"),
        ("pass `batch_size=64`", "pass --batch-size 64"),
        ("leave `layout='contest'` out, or `include`", "leave --layout contest out, or --include"),
        ("a lower `optimizer.lr=…`", "a lower --set optimizer.lr=…"),
        ("try `training.batch_size=32`", "try --set training.batch_size=32"),
        ("`training.progressive_resizing=[]`", "--set 'training.progressive_resizing=[]'"),
        ("`classes='argmax:1'`: none", "--classes argmax:1: none"),
        ("`include=['embedding', 'uncertainty']`", "--include embedding,uncertainty"),
        ("another `model`", "another MODEL"),
        ('`galaxyclass.resume("runs/a b")`', "galaxyclass train --resume 'runs/a b'"),
        (
            "finish it: `galaxyclass.resume('runs/a')`",
            "finish it: `galaxyclass train --resume runs/a`",
        ),
        (
            "`galaxyclass.validate('sky', 'v.csv')` shows",
            "`galaxyclass validate --images sky --table v.csv` shows",
        ),
        ("`galaxyclass.validate` lists them", "`galaxyclass validate` lists them"),
        ("`galaxyclass.predict(['MODEL', 'MODEL'], …)`", "galaxyclass predict MODEL MODEL …"),
        ("`galaxyclass.load_recipe('fast')`", "galaxyclass recipes fast"),
        ("`optimizer.lr` and `Model` stay", "`optimizer.lr` and `Model` stay"),
        ("`a(`, `x=`, `'`", "`a(`, `x=`, `'`"),
        ("no code at all: 3 * 4", "no code at all: 3 * 4"),
    ],
)  # fmt: skip
def test_python_becomes_options(python: str, typed: str) -> None:
    assert in_options(python) == typed


def test_every_option_of_the_table_is_one() -> None:
    """So that no hint names an option that there is not."""
    import importlib

    from galaxyclass.cli.main import COMMANDS

    commands = [importlib.import_module(f"galaxyclass.cli.{name}").command for name in COMMANDS]
    commands += [each for group in commands for each in getattr(group, "commands", {}).values()]
    known = {
        option for command in commands for parameter in command.params for option in parameter.opts
    }
    assert {option for option in ARGUMENT_OPTIONS.values() if option.startswith("--")} <= known


def test_an_argument_is_shown_as_the_command_has_it() -> None:
    command = click.Command("select", params=[click.Option(["--model"])])
    assert in_options("leave `model` out", command) == "leave --model out"
    assert in_options("leave `model` out") == "leave MODEL out"
