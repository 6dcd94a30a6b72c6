"""Log messages of the library, as lines on standard error."""

from __future__ import annotations

import logging

from galaxyclass.cli.hints import in_options
from galaxyclass.cli.shown import echo


class _Lines(logging.Handler):
    """Prints to the current standard error, so that lines and bars do not mix."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "note: " if record.levelno >= logging.WARNING else ""
        echo(prefix + in_options(record.getMessage()), err=True)


def show_notes() -> None:
    """Print log messages of the library, from INFO up."""
    logger = logging.getLogger("galaxyclass")
    if not any(isinstance(handler, _Lines) for handler in logger.handlers):
        logger.addHandler(_Lines())
    logger.setLevel(logging.INFO)
    logger.propagate = False
