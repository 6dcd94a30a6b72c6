"""Lists of pictures: text with a path a line, or a table with a column of paths, as a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from galaxyclass.data.sky_columns import find_sky_columns, read_positions
from galaxyclass.data.tables.dialect import find_dialect
from galaxyclass.data.tables.tables import open_table
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.images.containers import container_of
from galaxyclass.images.files import is_image_name
from galaxyclass.images.remote import is_address, is_web
from galaxyclass.model.image_table import find_path_column
from galaxyclass.short import counted, first_line
from galaxyclass.survey.pieces import PIECE_IMAGES, ListColumns, Piece, position_field

#: Endings of lists; `.parquet` too, where it holds no pictures.
LIST_ENDINGS = (
    *(".txt", ".lst", ".list", ".csv", ".tsv", ".parquet", ".pq", ".feather", ".vot", ".ecsv"),
    *(".csv.gz", ".txt.gz"),
)
_BLOCK = 4 << 20


def is_list(path: str) -> bool:
    """Whether a file's ending is that of a list of pictures."""
    return is_list_name(path) and os.path.isfile(path)  # noqa: PTH113


def is_list_name(path: str) -> bool:
    """Whether a name ends as that of a list of pictures."""
    return without_query(path).lower().endswith(LIST_ENDINGS)


def without_query(path: str) -> str:
    """A path; an address without what follows its name: ``?version=2``."""
    return path.partition("?")[0] if is_web(path) else path


def listed_pieces(
    path: str, columns: ListColumns, notes: list[str], address: str | None = None
) -> Iterator[Piece]:
    """The pictures that a list names, in its order.

    Parameters
    ----------
    path : str
    columns : ListColumns
    notes : list of str
        Gets remarks for the user.
    address : str, optional
        Where the list was fetched from: its relative paths begin there.

    Raises
    ------
    CatalogError
        No column of paths; a row without a path or an id.
    ArgumentError
        A column that the list does not have.
    """
    used: _UsedColumns | None = None
    root = ""
    row = without = 0
    file, path = path, address or path  # messages have the address
    for table in _tables(file):
        if not table.num_rows:
            continue
        if used is None:
            used = _UsedColumns.of(path, table, columns)
            root = _root(path, table[used.paths], notes)
        named = _flat(table[used.paths])
        _require_paths(path, named, row)
        absolute = pc.if_else(
            _is_whole(named), named, pc.binary_join_element_wise(root, named, "/")
        )
        carried = used.carried(table, path)
        if used.sky is not None and carried is not None:
            known = pc.and_(*(pc.is_valid(carried[name]) for name in used.sky))
            without += table.num_rows - (pc.sum(known).as_py() or 0)
        yield Piece(named, absolute, used.ids(table, path, row), carried)
        row += table.num_rows
    if without:
        notes.append(
            f"{path}: no position in {without:,} of {counted(row, 'row')}: these galaxies are "
            "predicted, and stand beside a HATS catalogue, not in it."
        )
    if not row:
        raise CatalogError(f"{path}: an empty list", wanted="a path of an image in each row")


def _tables(path: str) -> Iterator[pa.Table]:
    """The rows of a list, piece by piece; text in columns of text."""
    lower = path.lower()
    if lower.endswith((".parquet", ".pq")):
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(PIECE_IMAGES):
                    batch.validate(full=True)  # Arrow trusts what it reads
                    yield pa.Table.from_batches([batch])
        except pa.ArrowException as error:
            raise CatalogError(
                f"{path}: cannot be read as parquet", argument="images", got=str(error)
            ) from error
    elif lower.endswith((".csv", ".tsv", ".csv.gz")) or not _is_plain(path):
        yield from _text_tables(Path(path))
    else:
        yield from _line_tables(path)


def _line_tables(path: str) -> Iterator[pa.Table]:
    with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123
        try:
            while lines := list(islice(file, PIECE_IMAGES)):
                cells = pc.utf8_trim_whitespace(pa.array(lines, pa.string()))
                yield pa.table({"path": cells.filter(pc.not_equal(cells, ""))})
        except UnicodeDecodeError as error:
            raise CatalogError(
                f"{path}: a list that is not text in UTF-8", argument="images", got=str(error),
                hint="write the list again in UTF-8",
            ) from error  # fmt: skip


def _is_plain(path: str) -> bool:
    """Whether a list has a path in each line and nothing else."""
    if not path.lower().endswith((".txt", ".lst", ".list")):
        return False
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        lines = [line.strip() for line in islice(file, 20)]
    lines = list(filter(None, lines))
    return bool(lines) and all(is_image_name(line) or "," not in line for line in lines)


def _text_tables(path: Path) -> Iterator[pa.Table]:
    if not path.name.lower().endswith((".csv", ".tsv", ".csv.gz", ".txt", ".txt.gz")):
        table = open_table(path, argument="images").table
        yield from (
            table.slice(first, PIECE_IMAGES) for first in range(0, table.num_rows, PIECE_IMAGES)
        )
        return
    dialect = find_dialect(path)
    names = [name.strip() for name in dialect.names]
    try:
        with (
            dialect.open(path) as stream,
            pa.csv.open_csv(
                stream,
                read_options=pa.csv.ReadOptions(
                    block_size=_BLOCK,
                    skip_rows=dialect.skipped + dialect.header_lines,
                    column_names=names,
                ),
                parse_options=pa.csv.ParseOptions(delimiter=dialect.written),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            ) as batches,
        ):
            for batch in batches:
                yield pa.Table.from_batches([batch])
    except pa.ArrowException as error:
        raise CatalogError(
            f"{path}: cannot be read as CSV", argument="images", got=first_line(error)
        ) from error


class _UsedColumns:
    """The columns of a list that are used."""

    def __init__(
        self, paths: str, ids: str | None, sky: tuple[str, str] | None, carry: list[str]
    ) -> None:
        self.paths, self.id_column, self.sky, self.carry = paths, ids, sky, carry

    @classmethod
    def of(cls, path: str, table: pa.Table, columns: ListColumns) -> _UsedColumns:
        for argument, name in (
            ("path_column", columns.path_column),
            ("id_column", columns.id_column),
        ):
            if name is not None and name not in table.column_names:
                raise ArgumentError(
                    f"{path}: no column {name!r}",
                    argument=argument,
                    wanted=f"one of {', '.join(table.column_names[:20])}",
                )
        text = [n for n in table.column_names if pa.types.is_large_string(table[n].type)]
        for name in text:
            table = table.set_column(
                table.column_names.index(name), name, table[name].cast("string")
            )
        only = columns.path_column or (table.column_names[0] if table.num_columns == 1 else None)
        paths = only or find_path_column(table)
        sky = find_sky_columns(table)
        used = {paths, columns.id_column, *(sky or ())}
        others = [name for name in table.column_names if name not in used]
        missing = [n for n in columns.carry if n != "all" and n not in table.column_names]
        if missing:
            raise ArgumentError(
                f"{path}: no column {missing[0]!r}",
                argument="carry",
                wanted=f"some of {', '.join(table.column_names[:20])}; or all",
            )
        carry = others if "all" in columns.carry else [n for n in others if n in columns.carry]
        return cls(paths, columns.id_column, sky, carry)

    def ids(self, table: pa.Table, path: str, row: int) -> pa.Array | None:
        if self.id_column is None:
            return None
        column = _flat(table[self.id_column])
        if pa.types.is_floating(column.type):
            raise CatalogError(
                f"{path}: the column {self.id_column!r} cannot hold ids",
                wanted="text or whole numbers: a float has lost digits of a long id",
                got=str(column.type),
            )
        ids = column.cast(pa.string())
        empty = pc.or_kleene(pc.is_null(ids), pc.equal(ids, ""))
        if pc.any(empty).as_py():
            first = row + pc.index(empty, True).as_py() + 1
            raise CatalogError(f"{path}: no id in row {first:,}", argument="id_column")
        return ids

    def carried(self, table: pa.Table, path: str) -> pa.Table | None:
        arrays: list[Any] = []
        fields: list[pa.Field] = []
        if self.sky is not None:
            positions = read_positions(table.select(list(self.sky)), path)
            for name, values, word in zip(self.sky, positions.T, ("ra", "dec"), strict=True):
                arrays.append(pa.array(values, pa.float64(), from_pandas=True))
                fields.append(position_field(name, word))
        for name in self.carry:
            arrays.append(table[name])
            fields.append(table.schema.field(name))
        return pa.table(arrays, schema=pa.schema(fields)) if fields else None


def _root(path: str, named: Any, notes: list[str]) -> str:
    """The folder that relative paths of a list begin at: that of the list, or the current one."""
    folder = os.path.dirname(without_query(path))  # noqa: PTH120
    if is_address(path):
        return folder
    cells = named.slice(0, 200).to_pylist()
    sample = [cell for cell in cells if cell and cell[0] != "/" and not is_address(cell)]
    if not sample:
        return folder
    counts = [sum(_is_there(f"{root}/{cell}") for cell in sample) for root in (folder, os.getcwd())]  # noqa: PTH109
    if counts[1] > counts[0]:
        folder = os.getcwd()  # noqa: PTH109
    notes.append(f"{path}: its relative paths are taken from {folder}.")
    return folder


def _is_whole(named: Any) -> Any:
    """Which paths begin at no folder: absolute ones, and addresses."""
    return pc.or_(
        pc.starts_with(named, "/"), pc.match_substring_regex(named, "^[A-Za-z][A-Za-z0-9+.-]*://.")
    )


def _is_there(path: str) -> bool:
    return os.path.exists(path) or container_of(path) is not None  # noqa: PTH110


def _require_paths(path: str, named: pa.Array, row: int) -> None:
    empty = pc.or_kleene(pc.is_null(named), pc.equal(named, ""))
    if pc.any(empty).as_py():
        first = row + pc.index(empty, True).as_py() + 1
        count = pc.sum(empty).as_py()
        raise CatalogError(
            f"{path}: no path in row {first:,}" + (f" and {count - 1:,} more" if count > 1 else ""),
            argument="images",
            wanted="the path of an image in each row",
        )


def _flat(column: Any) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.cast(pa.string()) if pa.types.is_large_string(array.type) else array
