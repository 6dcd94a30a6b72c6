"""Tables of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of a table that goes to a file or a pipe, where nothing else says how wide it may be.
_WIDTH = 160


def console() -> Console:
    """Standard output, as wide as the terminal; in a file or a pipe nothing is cut off."""
    from rich.console import Console

    there = Console()
    return there if there.is_terminal else Console(width=_WIDTH)
