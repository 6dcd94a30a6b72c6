"""`Catalog`: ids, image paths, targets, and all other columns unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.tables.content import typed_ending
from galaxyclass.data.tables.in_memory import IN_MEMORY
from galaxyclass.data.unused import Unused
from galaxyclass.short import counted, short_path, summary
from galaxyclass.tasks.targets import Targets

if TYPE_CHECKING:
    import pyarrow as pa

    from galaxyclass.data.checks.findings import Finding


def row_word(table: Path | None) -> str:
    """The word for a table's rows: ``line`` in a text file, ``row`` in a typed one or memory."""
    typed = table is not None and (table == IN_MEMORY or typed_ending(table))
    return "row" if typed else "line"


#: Part -> the table of its galaxies, where a folder has a table for each part.
PART_TABLES: dict[str, str] = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}


def file_of(table: Path, parts: NDArray[np.object_] | None, row: int) -> Path:
    """The file that has a row: the table, or that of its part; ``parts`` are (rows,), of all."""
    return table if parts is None else table / PART_TABLES[parts[row]]


def line_word(
    table: Path | None, lines: NDArray[np.int64], parts: NDArray[np.object_] | None, row: int
) -> str:
    """The location of a row in words: ``line 7``, or ``val.csv line 7`` in a folder of tables.

    ``lines`` and ``parts`` are (rows,), of all rows.
    """
    word = f"{row_word(table)} {lines[row]}"
    return word if parts is None else f"{PART_TABLES[parts[row]]} {word}"


@dataclass(frozen=True, eq=False)
class Ids:
    """The ids of a catalog, exactly as given.

    ``values`` is (galaxies,) of str; ``integer`` says that all are exact integers (a parquet
    integer column, or a CSV column in which every cell is one), which parquet output keeps.
    ``told_apart`` says that each was prefixed with the folder of its part, because two parts use
    the same names (`parts.tell_apart`).
    """

    column: str
    values: NDArray[np.object_]
    integer: bool
    told_apart: bool = False


@dataclass(frozen=True, eq=False)
class Catalog:
    """Galaxies in the order of their table (or of their file names, where there is no table).

    Attributes
    ----------
    ids : Ids
    paths : (galaxies,) of str
        The image file of each, or "" where none was found.
    rows : (galaxies,) int64
        The line of the table that each came from (the header is line 1); 0 where no table.
    targets : Targets or None
    other : pyarrow.Table or None
        The columns that are neither id, path nor target, in the order of the galaxies.
    problems : tuple of Finding
        Problems of single cells, found when the table was read.
    unlisted : tuple of str
        Image files without a row in the table.
    images : Path
        The folder that was searched.
    table : Path or None
        A file; or a folder, with a table for each part.
    parts : (galaxies,) of str, or None
        ``train``, ``validation`` or ``test``, where the table, or a table or folder for each part,
        says so; otherwise None, and `split` draws them.
    part_column : str or None
        The column that says so.
    unused : tuple of Unused
        What of the files, columns and rows has no use here.
    """

    ids: Ids
    paths: NDArray[np.object_]
    rows: NDArray[np.int64]
    targets: Targets | None
    other: pa.Table | None
    problems: tuple[Finding, ...]
    unlisted: tuple[str, ...]
    images: Path
    table: Path | None
    parts: NDArray[np.object_] | None = None
    part_column: str | None = None
    unused: tuple[Unused, ...] = ()

    @property
    def table_parts(self) -> NDArray[np.object_] | None:
        """(galaxies,) parts, where each part has a table of its own; otherwise None."""
        return self.parts if self.part_column is None else None

    def __repr__(self) -> str:
        table = "" if self.table is None else f" of {short_path(self.table)}"
        images = int((self.paths != "").sum())
        return summary(
            f"Catalog: {counted(len(self), 'galaxy')}{table}, {images:,} with an image in "
            f"{short_path(self.images)}"
        )

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def name_parts(self) -> int:
        """How many of the last parts of an image's path the table uses as its name; 0: the stem.

        2 for ``train/1.png``, 1 for ``1.png``, 0 for ``1`` and for whole paths, which cannot name
        images in other folders.
        """
        pairs = zip(self.ids.values, self.paths, strict=True)
        named = [(name, f"/{path}".replace("\\", "/")) for name, path in pairs if path]
        counts = {name.count("/") + 1 for name, _ in named}
        ends = (path.endswith(f"/{name}") and name[0] != "/" for name, path in named)
        if len(counts) != 1 or not all(ends):
            return 0
        return int(counts.pop()) - self.ids.told_apart

    def files(self) -> tuple[list[str], NDArray[np.int64]]:
        r"""The image files, each once, and (galaxies,) int64 the index of each file; -1 none.

        Files are in the order of the galaxies.

        Examples
        --------
        >>> import tempfile
        >>> from galaxyclass.data.catalog.read import read_catalog
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "1.jpg").touch()
        >>> table = folder / "classes.csv"
        >>> _ = table.write_text("file,class\n1.jpg,a\n2.jpg,b\n1.jpg,b")
        >>> paths, file_of_galaxy = read_catalog(folder, table).files()
        >>> len(paths), file_of_galaxy.tolist()
        (1, [0, -1, 0])
        """
        index_of: dict[str, int] = {}
        indices = (index_of.setdefault(path, len(index_of)) if path else -1 for path in self.paths)
        file_of_galaxy = np.fromiter(indices, np.int64, len(self))
        return list(index_of), file_of_galaxy

    @property
    def known(self) -> NDArray[np.bool_]:
        """(galaxies,) whether the class, or any vote fraction, is known."""
        return np.zeros(len(self), dtype=bool) if self.targets is None else self.targets.known

    def line_of(self, row: int) -> str:
        """The location of a galaxy in its table, in words: ``line 7``, ``val.csv line 7``."""
        return line_word(self.table, self.rows, self.table_parts, row)

    def take(self, indices: NDArray[np.int64]) -> Catalog:
        """The galaxies at (n,) ``indices``, in that order; without `problems` and `unlisted`."""
        return replace(
            self,
            ids=replace(self.ids, values=self.ids.values[indices]),
            paths=self.paths[indices],
            rows=self.rows[indices],
            targets=None if self.targets is None else self.targets.take(indices),
            other=None if self.other is None else self.other.take(indices),
            problems=(),
            unlisted=(),
            parts=None if self.parts is None else self.parts[indices],
        )
