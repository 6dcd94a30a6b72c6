"""What of files, columns and rows was not used, and why: told to the user, always."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from galaxyclass.short import first_few

#: What was not used: files of a folder, tables and pages of a file, columns and rows of a table,
#: tiles of the sky.
UnusedKind = Literal["files", "tables", "columns", "rows", "tiles"]


@dataclass(frozen=True)
class Unused:
    """Something that was not used.

    Attributes
    ----------
    kind : {"files", "tables", "columns", "rows", "tiles"}
    count : int
    names : str
        Some of them.
    why : str
        Why, and what would use them.
    """

    kind: UnusedKind
    count: int
    names: str
    why: str


def unused_columns(names: Sequence[str], why: str) -> tuple[Unused, ...]:
    """Columns that were not used; nothing where there are none.

    Examples
    --------
    >>> unused_columns(["ra", "dec"], "no role in a training")
    (Unused(kind='columns', count=2, names='ra, dec', why='no role in a training'),)
    """
    return (Unused("columns", len(names), first_few(names), why),) if names else ()


def unused_files(endings: Iterable[tuple[str, int]], why: str) -> tuple[Unused, ...]:
    """Files that were not used, by their ending.

    Examples
    --------
    >>> unused_files([(".webp", 4), ("no ending", 1)], "not images that are read")
    (Unused(kind='files', count=5, names='4 .webp, 1 no ending', why='not images that are read'),)
    """
    listed = list(endings)
    if not listed:
        return ()
    names = first_few([f"{count:,} {ending}" for ending, count in listed])
    return (Unused("files", sum(count for _, count in listed), names, why),)
