"""How the library reports progress: through a callback; only the command line draws bars."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then with how far a stage has come.

    ``done`` and ``total`` count ``unit`` (images by default); ``total`` is None where
    the end is not known. ``note`` is a short text such as ``rmse 0.1234``.
    """

    def __call__(
        self, stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
    ) -> None: ...


def silent(
    stage: str, done: int, total: int | None, *, unit: str = "images", note: str = ""
) -> None:
    """The progress callback that shows nothing: the default of every function."""
