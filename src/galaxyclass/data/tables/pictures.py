"""The columns beside pictures in a parquet file: names of classes, and names of the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.images.container import PICTURE_ID
from galaxyclass.images.parquet_pictures import parquet_names, picture_column
from galaxyclass.io.reading import parse_json


def without_pictures(path: Path, table: pa.Table) -> pa.Table:
    """A parquet table with a column that names its pictures, and classes by their names.

    The hubs keep the names of classes in the metadata of the file, and a number in each row.
    Without pictures in the file, the table is as it was.
    """
    if picture_column(path) is None:
        return table
    for name, classes in _class_names(pq.read_schema(path).metadata or {}).items():
        if name in table.column_names and pa.types.is_integer(table.schema.field(name).type):
            numbers = table[name].to_pylist()
            words = [_word(number, classes) for number in numbers]
            position = table.column_names.index(name)
            table = table.set_column(position, name, pa.array(words, pa.string()))
    names, column = parquet_names(path)
    if column is None and PICTURE_ID not in table.column_names:
        table = table.add_column(0, PICTURE_ID, pa.array(names))
    return table


def _word(number: int | None, classes: list[str]) -> str | None:
    """The name of a class; a number that stands for none (-1: unknown) has no name."""
    return classes[number] if number is not None and 0 <= number < len(classes) else None


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Column -> names of its classes, from the metadata of the Hugging Face hub."""
    try:
        data: Any = parse_json(metadata.get(b"huggingface", b"{}"))
        features = data["info"]["features"]
        return {
            column: list(feature["names"])
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
