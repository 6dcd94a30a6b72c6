"""Tables of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from galaxyclass.tasks.report import TextTable

#: Width of tables in a file or a pipe, in characters.
_WIDTH = 160


def console() -> Console:
    """Standard output, as wide as the terminal; in a file or a pipe nothing is cut off."""
    from rich.console import Console

    output = Console()
    return output if output.is_terminal else Console(width=_WIDTH)


def rich_table(table: TextTable, *, wrap: bool = False) -> Table:
    """A table of text for the terminal, numbers to the right; headers may `wrap`."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    first, *other_names = table.header
    shown.add_column(escape(first), no_wrap=True)
    for name in other_names:
        shown.add_column(escape(name), justify="right", vertical="bottom", no_wrap=not wrap)
    for row in table.rows:
        shown.add_row(*map(escape, row))
    if table.totals:
        shown.add_section()
    for row in table.totals:
        shown.add_row(*map(escape, row))
    return shown
