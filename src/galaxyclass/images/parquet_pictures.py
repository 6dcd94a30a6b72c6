"""Pictures in a column of parquet, as the hubs write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from galaxyclass.images.container import PICTURE_ENDING, Container, picture_name

#: Columns of a parquet table that hold pictures, and such as hold their ids.
_PICTURES = ("image", "img", "picture", "jpg", "png")
_IDS = ("id_str", "id", "objid", "dr7objid", "iauname", "galaxyid", "asset_id", "image_id")


def picture_column(path: str | Path) -> str | None:
    """The column of a parquet file that holds pictures; None where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return None
    for field in schema:
        kind = field.type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return str(field.name)
        is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        if is_bytes and field.name.lower() in _PICTURES:
            return str(field.name)
    return None


def parquet_names(path: str | Path) -> tuple[list[str], str | None]:
    """The names of the pictures in a parquet file, and the column that they are from.

    The names are those of an id column, if its cells are all different, or their numbers.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, page_checksum_verification=True)
    columns = {name.lower(): name for name in file.schema_arrow.names}
    for wanted in _IDS:
        if (column := columns.get(wanted)) is None:
            continue
        cells = [str(cell) for cell in file.read([column])[column].to_pylist()]
        if len(set(cells)) == len(cells) and not any("/" in cell for cell in cells):
            return cells, column
    return [picture_name(number) for number in range(file.metadata.num_rows)], None


def open_parquet(path: str) -> Container:
    """The pictures in a parquet file; none where no column holds any."""
    import pyarrow.parquet as pq

    column = picture_column(path)
    if column is None:
        return Container((), lambda _: b"")
    file = pq.ParquetFile(path, page_checksum_verification=True)
    ids, _ = parquet_names(path)
    names = [name + PICTURE_ENDING for name in ids]
    row_of = {name: row for row, name in enumerate(names)}
    counts = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
    ends = np.cumsum(counts)
    kept: dict[int, Any] = {}

    def read(name: str) -> bytes:
        row = row_of[name]
        group = int(np.searchsorted(ends, row, side="right"))
        if group not in kept:
            kept.clear()
            kept[group] = file.read_row_group(group, columns=[column])[column]
        cell = kept[group][row - int(ends[group] - counts[group])].as_py()
        data = cell["bytes"] if isinstance(cell, dict) else cell
        return data or b""

    return Container(names, read)
