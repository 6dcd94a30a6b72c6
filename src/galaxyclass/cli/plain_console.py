"""rich's terminal, to which strings are text."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from galaxyclass.cli.shown import visible


class PlainConsole(Console):
    """A terminal of rich to which strings are text, not markup.

    Parameters
    ----------
    **options
        As for rich's ``Console``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A string as rich shows it."""
        return super().render_str(visible(text), **options)
