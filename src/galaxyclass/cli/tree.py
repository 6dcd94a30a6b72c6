"""``galaxyclass tree``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from galaxyclass.cli import options
from galaxyclass.cli.command import Command
from galaxyclass.cli.notes import echo_notes
from galaxyclass.cli.shown import echo
from galaxyclass.short import counted

if TYPE_CHECKING:
    from galaxyclass.trees.tree import Tree

EPILOG = """\b
Examples:
  galaxyclass tree
  galaxyclass tree galaxy_zoo_decals
  galaxyclass tree galaxy_zoo_decals --toml
  galaxyclass tree --from votes.csv --output own.toml

Each command that reads a table takes the file by --tree. A model keeps the tree that it was trained
on."""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("name", required=False)
@click.option(
    "--from",
    "table",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="Make a tree of a table of votes: questions and answers from the names of its columns, "
    "and who is asked what from its counts. Nothing is asked; the file says what was guessed.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write the tree of --from: a TOML file; by default it is printed.",
)
@click.option("--toml", "as_toml", is_flag=True, help="Show NAME as its file has it.")
@options.overwrite
def command(
    *, name: str | None, table: Path | None, output: Path | None, as_toml: bool, overwrite: bool
) -> None:
    """List the decision trees, show NAME readably, or make one of a table.

    NAME is a tree that comes with the package, or a TOML file of your own, which is checked: all
    its faults are named at once.
    """
    if name is not None and table is not None:
        raise click.UsageError("NAME and --from: leave one of them out")
    if table is None and (output is not None or overwrite):
        raise click.UsageError("--output and --overwrite belong to --from")
    if as_toml and name is None:
        raise click.UsageError("--toml needs NAME")
    if table is not None:
        _make(table, output, overwrite=overwrite)
    elif name is None:
        _list()
    else:
        from galaxyclass.trees.read import load_tree, tree_text

        tree = load_tree(name)
        echo(tree_text(name) if as_toml else _shown(tree), nl=not as_toml)


def _list() -> None:
    from galaxyclass.trees.read import SAME_TREE, TREES, load_tree

    for name in TREES:
        tree = load_tree(name)
        also = ", ".join(other for other, same in SAME_TREE.items() if same == name)
        echo(
            f"{name:<23} {len(tree.questions):>2} questions, {len(tree.answers):>2} answers  "
            f"{tree.title}{f' (also {also})' if also else ''}"
        )
    echo(
        "\n`galaxyclass tree NAME` shows one; `galaxyclass tree --from TABLE` makes one of a table."
    )


def _make(table: Path, output: Path | None, *, overwrite: bool) -> None:
    from galaxyclass.data.catalog.guess_tree import guess_tree
    from galaxyclass.io.atomic import write_text
    from galaxyclass.io.output import require_free

    if output is not None:
        require_free(output, overwrite=overwrite)
    guessed = guess_tree(table)
    if output is None:
        echo(guessed.text, nl=False)
        return
    write_text(output, guessed.text)
    echo(_shown(guessed.tree))
    echo_notes(guessed.notes)
    echo(f"written to {output}: check it, and write better names and texts")


def _shown(tree: Tree) -> str:
    """The questions, where each answer leads, and how tables name the answers."""
    lines = [f"{tree.title} ({tree.key}): {_counted(tree)}"]
    lines += [tree.reference] if tree.reference else []
    width = max(len(f"{answer.code} {answer.name}") for answer in tree.answers)
    for question in tree.questions:
        who = "asked of everyone"
        if question.asked_of:
            names = {answer.code: answer.name for answer in tree.answers}
            parents = (f"{code} {names[code]}" for code in question.asked_of)
            who = f"asked of {' or '.join(parents)}"
        lines += ["", f"{question.code} {question.key}: {question.text}", f"   {who}"]
        for answer in question.answers:
            next_questions = [
                f"{other.code} {other.key}"
                for other in tree.questions
                if answer.code in other.asked_of
            ]
            arrow = f"  → {', '.join(next_questions)}" if next_questions else ""
            lines.append(f"   {f'{answer.code} {answer.name}':<{width}}{arrow}".rstrip())
    layouts = (*tree.layouts, *tree.published)
    lines += ["", "Columns of tables:"]
    names_of_layouts = max((len(layout.name) for layout in layouts), default=0)
    lines += [
        f"   {layout.name:<{names_of_layouts}}  {layout.kind:<11}  {layout.columns[0]} …"
        for layout in layouts
    ]
    return "\n".join(lines)


def _counted(tree: Tree) -> str:
    return f"{counted(len(tree.questions), 'question')}, {counted(len(tree.answers), 'answer')}"
