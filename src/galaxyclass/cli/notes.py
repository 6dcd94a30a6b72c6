"""Notes: of a result on standard output, and log messages of the library on standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from galaxyclass.cli.hints import in_options
from galaxyclass.cli.shown import echo


class _Lines(logging.Handler):
    """Prints to the current standard error, so that lines and bars do not mix."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "note: " if record.levelno >= logging.WARNING else ""
        echo(prefix + in_options(record.getMessage()), err=True)


def echo_notes(notes: Iterable[str]) -> None:
    """Print the notes of a result, a line for each."""
    for note in notes:
        echo(in_options(note))


def echo_warnings(warnings: Iterable[str]) -> None:
    """Print warnings on standard error, a line for each."""
    for warning in warnings:
        echo(in_options(warning), err=True, before="warning: ", colour="yellow")


def show_notes() -> None:
    """Print log messages of the library, from INFO up."""
    logger = logging.getLogger("galaxyclass")
    if not any(isinstance(handler, _Lines) for handler in logger.handlers):
        logger.addHandler(_Lines())
    logger.setLevel(logging.INFO)
    logger.propagate = False
