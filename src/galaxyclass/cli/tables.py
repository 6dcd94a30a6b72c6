"""Tables of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from galaxyclass.tasks.report import TextTable

#: Columns of a table that goes to a file or a pipe, where nothing else says how wide it may be.
_WIDTH = 160


def console() -> Console:
    """Standard output, as wide as the terminal; in a file or a pipe nothing is cut off."""
    from rich.console import Console

    there = Console()
    return there if there.is_terminal else Console(width=_WIDTH)


def rich_table(table: TextTable, *, wrap: bool = False) -> Table:
    """A table of text for the terminal, numbers to the right; headers may `wrap`."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    first, *others = table.header
    shown.add_column(escape(first), no_wrap=True)
    for name in others:
        shown.add_column(escape(name), justify="right", vertical="bottom", no_wrap=not wrap)
    for row in table.rows:
        shown.add_row(*map(escape, row))
    if table.totals:
        shown.add_section()
    for row in table.totals:
        shown.add_row(*map(escape, row))
    return shown
