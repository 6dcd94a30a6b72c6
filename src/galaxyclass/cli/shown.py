"""What a terminal is shown: text from files and names is text, and steers nothing.

The names of files, ids, classes and columns come from others. Characters that a terminal would obey
(escape sequences, carriage returns, marks that turn the direction of writing) are shown as Python
writes them, and brackets are no markup.
"""

from __future__ import annotations

import os
import re

import click

#: Control characters but line feed and tab, those of Unicode's C1, line and paragraph separators,
#: and what changes the direction of writing; and halves of a character, which no terminal can show.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""A text with all that would steer a terminal written out.

    Examples
    --------
    >>> print(visible("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return _STEERING.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    """A character as JSON may have it, too; of ASCII's own, which JSON writes itself, as Python."""
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 32 else f"\\u{number:04x}"


def echo(
    text: object = "",
    *,
    err: bool = False,
    nl: bool = True,
    before: str = "",
    colour: str | None = None,
) -> None:
    """Print a line to standard output, or standard error.

    Parameters
    ----------
    text : object
    err : bool
        To standard error.
    nl : bool
        End the line.
    before : str
        Printed before the text, in ``colour`` where the terminal has colours and the environment
        does not say ``NO_COLOR`` (https://no-color.org).
    colour : str, optional
    """
    before, line = visible(before), visible(str(text))
    if before and not os.environ.get("NO_COLOR"):
        before = click.style(before, fg=colour)
    click.echo(before + line, err=err, nl=nl)
