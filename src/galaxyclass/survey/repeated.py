"""Ids that occur more than once in a survey, found in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.io.csv_text import write_rows
from galaxyclass.survey.names import hashes

#: Hashes that are compared at a time: 256 MB, and as much again to sort them.
AT_A_TIME = 1 << 25


class IdHashes:
    """The hashes of all ids, in a file.

    Parameters
    ----------
    file : binary file
        Open for writing and reading, empty.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0

    def add(self, ids: pa.Array) -> None:
        """Add the ids of some objects."""
        values = hashes(ids)
        self._file.write(values.tobytes())
        self._count += len(values)

    def repeated(self) -> NDArray[np.uint64]:
        """The hashes that occur more than once, sorted.

        Hashes are spread evenly: of many, those of one range after the other are compared.
        """
        self._file.flush()
        if not self._count:
            return np.empty(0, np.uint64)
        values = np.memmap(self._file, np.uint64, "r", shape=(self._count,))
        passes = -(-self._count // AT_A_TIME)
        bounds = [(2**64 * number // passes) for number in range(passes)]
        found = []
        for number, low in enumerate(bounds):
            within = self._within(values, low, bounds[number + 1 : number + 2])
            within.sort()
            found.append(np.unique(within[1:][within[1:] == within[:-1]]))
        return np.concatenate(found)

    @staticmethod
    def _within(values: NDArray[np.uint64], low: int, high: list[int]) -> NDArray[np.uint64]:
        if not low and not high:
            return np.array(values)
        pieces = []
        for first in range(0, len(values), AT_A_TIME // 4):
            piece = np.asarray(values[first : first + AT_A_TIME // 4])
            chosen = piece >= np.uint64(low)
            if high:
                chosen &= piece < np.uint64(high[0])
            pieces.append(piece[chosen])
        return np.concatenate(pieces)


def repeated_ids(
    tables: Iterable[pa.Table], hashes_of_repeated: NDArray[np.uint64]
) -> Iterator[tuple[str, str]]:
    """The id and path of each object whose id another has too.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        All objects, with the columns ``id`` and ``path``.
    hashes_of_repeated : (n,) uint64
        Sorted. Two different ids may have the same hash: they are told apart here.
    """
    if not len(hashes_of_repeated):
        return
    first: dict[str, str] = {}
    shown: set[str] = set()
    for table in tables:
        values = hashes(table["id"])
        place = np.searchsorted(hashes_of_repeated, values)
        place = np.minimum(place, len(hashes_of_repeated) - 1)
        rows = np.flatnonzero(hashes_of_repeated[place] == values)
        candidates = table.select(["id", "path"]).take(pa.array(rows)).to_pydict()
        for name, path in zip(candidates["id"], candidates["path"], strict=True):
            if name not in first:
                first[name] = path
                continue
            if name not in shown:
                shown.add(name)
                yield name, first[name]
            yield name, path


def write_repeated(
    path: Path, repeated: Iterator[tuple[str, str]], *, quote_formulas: bool
) -> tuple[int, tuple[str, str]]:
    """Write a list of repeated ids; how many rows it has, and the second of them."""
    count, second = 0, ("", "")

    def counted_rows() -> Iterator[tuple[str, str]]:
        nonlocal count, second
        yield "id", "path"
        for row in repeated:
            count += 1
            second = row if count == 2 else second
            yield row

    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, counted_rows(), quote_formulas=quote_formulas)
    return count, second
