"""Options in commands are never broken at their hyphens: ``--output`` stays on one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pygments.filter import Filter
from pygments.lexers.shell import BashLexer
from pygments.token import Name, Text
from sphinx.application import Sphinx


class _MarkOptions(Filter):
    """Gives options a token of their own, for which `site.css` allows no break."""

    def filter(self, lexer: Any, stream: Any) -> Iterator[tuple[Any, str]]:
        for kind, value in stream:
            is_option = kind is Text and len(value) > 1 and value.startswith("-")
            yield (Name.Attribute if is_option else kind), value


class ShellWordsLexer(BashLexer):
    """The lexer of commands, with options marked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_filter(_MarkOptions())


def setup(app: Sphinx) -> dict[str, object]:
    """Make it the lexer of blocks of ``bash``."""
    app.add_lexer("bash", ShellWordsLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
