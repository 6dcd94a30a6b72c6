"""A piece of a survey's stream of pictures, and which columns of lists are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

#: Pictures of a piece: so many paths stay in a processor's cache.
PIECE_IMAGES = 16_384


@dataclass(frozen=True)
class Piece:
    """Some pictures that follow each other.

    Attributes
    ----------
    names : pyarrow.Array of str
        Below their source, from which ids are made.
    paths : pyarrow.Array of str
        Absolute.
    ids : pyarrow.Array of str, optional
        Of the id column of a list.
    columns : pyarrow.Table, optional
        Columns of a list that are carried.
    cut : pyarrow.Table, optional
        Where each source is cut out of its tile.
    """

    names: pa.Array
    paths: pa.Array
    ids: pa.Array | None = None
    columns: pa.Table | None = None
    cut: pa.Table | None = None


@dataclass(frozen=True)
class ListColumns:
    """Which columns of lists are used.

    Attributes
    ----------
    path_column, id_column : str, optional
        By default the paths are found by their content, and no column is taken for ids.
    carry : sequence of str
        Columns that are written beside the predictions, or ``all``. Positions always are.
    """

    path_column: str | None = None
    id_column: str | None = None
    carry: Sequence[str] = ()


def position_field(name: str, axis: str) -> pa.Field:
    """The field of a column of right ascension (``ra``) or declination (``dec``) in degrees."""
    return pa.field(name, pa.float64(), metadata={"unit": "deg", "ucd": f"pos.eq.{axis};meta.main"})
