"""A second table that names each galaxy in two ways: by the ids of a table, and by its image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.catalog.matching import ImageNames, looks_like_paths
from galaxyclass.data.tables.cells import as_text, can_be_id
from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.data.tables.in_memory import is_table, open_in_memory
from galaxyclass.data.tables.tables import open_table
from galaxyclass.errors import CatalogError, GalaxyclassError
from galaxyclass.tasks.names import free_name

#: Files beside a table or its images that are tried as a map, by a part of their name.
_NAMED = ("map",)
_MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class MapJoin:
    """How a map joins a table to images.

    Attributes
    ----------
    images_column, ids_column : str
        Of the map: names of images, and ids of the table.
    table_column : str
        Of the table: the ids.
    names : (rows,) pyarrow array
        The name of each row's image; null where the map has none.
    """

    images_column: str
    ids_column: str
    table_column: str
    names: Any


def open_map(id_map: Any) -> TableFile:
    """A map in a file or in memory.

    Raises
    ------
    CatalogError
        As `open_table`.
    """
    return open_in_memory(id_map) if is_table(id_map) else open_table(Path(id_map))


def with_map(file: TableFile, mapping: TableFile, images: ImageNames) -> TableFile:
    """A table with a column that names the image of each row, from a map.

    Raises
    ------
    CatalogError
        No column of the map names images, or none has the ids of the table.
    """
    joined = find_join(file.table, mapping.table, images)
    if joined is None:
        examples = ", ".join(images.stems.slice(0, 2).to_pylist())
        raise CatalogError(
            f"{mapping.path}: does not join {file.path} to the images",
            argument="id_map",
            wanted=f"a column with names of images, such as {examples}, and one with ids of the "
            "table",
            got="; ".join(_examples(mapping.table)),
            hint="look for the table in which both stand: for Galaxy Zoo 2 it is "
            "gz2_filename_mapping.csv",
        )
    name = free_name(joined.images_column, set(file.table.column_names), "_of_image")
    return replace(file, table=file.table.add_column(0, name, joined.names))


def find_join(table: Any, mapping: Any, images: ImageNames) -> MapJoin | None:
    """The columns by which a map joins a table to images; None where it does not."""
    named = _best(mapping, lambda text: _matches(text, images))
    if named is None:
        return None
    candidates = [
        (name, as_text(table[name])) for name in table.column_names if can_be_id(table[name])
    ]
    best: tuple[int, str, str] | None = None
    for column in mapping.column_names:
        if column == named or not can_be_id(mapping[column]):
            continue
        values = pc.unique(as_text(mapping[column])).drop_null()
        for name, text in candidates:
            count = pc.sum(pc.is_in(text, value_set=values)).as_py() or 0
            if count and (best is None or count > best[0]):
                best = (count, column, name)
    if best is None:
        return None
    _, ids_column, table_column = best
    ids = as_text(mapping[ids_column])
    known = pc.is_valid(ids)
    ids = ids.filter(known)
    where = pc.index_in(as_text(table[table_column]), value_set=ids)
    names = as_text(mapping[named]).filter(known).take(where)
    return MapJoin(named, ids_column, table_column, names)


def maps_beside(table: Path, images: ImageNames, wanted: Any) -> Iterator[tuple[Path, int]]:
    """Files beside a table or its images that join them, and how many rows each does.

    Parameters
    ----------
    table : Path
    images : ImageNames
    wanted : pyarrow.Table
        The table, as it was read.
    """
    folders = dict.fromkeys([table.parent, Path(images.folder), Path(images.folder).parent])
    for folder in folders:
        if not folder.is_dir():
            continue
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path = Path(entry.path)
            fits = any(word in entry.name.lower() for word in _NAMED) and path != table
            if not fits or not entry.is_file() or entry.stat().st_size > _MOST_BYTES:
                continue
            try:
                joined = find_join(wanted, open_table(path).table, images)
            except (GalaxyclassError, OSError):  # it was only a try
                continue
            if joined is not None:
                yield path, int(_matches(joined.names, images).sum())


def _matches(text: Any, images: ImageNames) -> NDArray[np.bool_]:
    paths = looks_like_paths(text)
    return np.asarray((images.match_paths(text) if paths else images.match_ids(text)) >= 0)


def _best(mapping: Any, match: Any) -> str | None:
    counts = {
        name: int(match(as_text(mapping[name])).sum())
        for name in mapping.column_names
        if can_be_id(mapping[name])
    }
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and counts[best] else None


def _examples(table: Any) -> list[str]:
    shown = []
    for name in table.column_names[:5]:
        cells = table[name].drop_null()
        shown.append(f"{name}: {cells[0].as_py() if len(cells) else 'only empty cells'}")
    return shown


def as_map(id_map: Any) -> Any:
    """A map as a data set keeps it: a path, or a pyarrow table."""
    from galaxyclass.data.tables.in_memory import as_arrow

    if id_map is None:
        return None
    return Path(id_map) if isinstance(id_map, str | os.PathLike) else as_arrow(id_map)
