"""Tables of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from galaxyclass.cli.hints import in_options
from galaxyclass.cli.shown import echo

if TYPE_CHECKING:
    from rich.table import Table

    from galaxyclass.cli.plain_console import PlainConsole
    from galaxyclass.data.unused import Unused
    from galaxyclass.tasks.report import TextTable

#: Width of tables in a file or a pipe, in characters.
_WIDTH = 160


def console() -> PlainConsole:
    """Standard output, as wide as the terminal; in a file or a pipe nothing is cut off."""
    from galaxyclass.cli.plain_console import PlainConsole

    output = PlainConsole()
    return output if output.is_terminal else PlainConsole(width=_WIDTH)


def show_unused(unused: Sequence[Unused]) -> None:
    """Print what was not used and why; a line where that is nothing."""
    if not unused:
        echo("Every file, column and row was used.")
        return
    from galaxyclass.tasks.report import TextTable

    rows = tuple(
        (each.kind, f"{each.count:,}", each.names, in_options(each.why)) for each in unused
    )
    table = rich_table(TextTable(("not used", "count", "which", "why"), rows), wrap=True)
    for column in table.columns[2:]:
        column.justify = "left"
    console().print(table)


def unused_json(unused: Sequence[Unused]) -> list[dict[str, Any]]:
    """What was not used, as plain data."""
    return [asdict(each) for each in unused]


def rich_table(table: TextTable, *, wrap: bool = False) -> Table:
    """A table of text for the terminal, numbers to the right; headers may `wrap`."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    first, *other_names = table.header
    shown.add_column(first, no_wrap=True)
    for name in other_names:
        shown.add_column(name, justify="right", vertical="bottom", no_wrap=not wrap)
    for row in table.rows:
        shown.add_row(*row)
    if table.totals:
        shown.add_section()
    for row in table.totals:
        shown.add_row(*row)
    return shown
