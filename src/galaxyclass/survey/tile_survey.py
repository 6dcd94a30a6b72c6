"""Surveys of tiles: a shard is some sources of a catalogue, cut out of their tiles when predicted.

Which tile and which pixels a source is cut out of is found once, for all sources, when the survey
is planned: the pictures do not depend on how it is split. Sources stand tile after tile, so that a
shard opens each of its tiles once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxyclass.data.unused import Unused
from galaxyclass.errors import SurveyError
from galaxyclass.images.stretch import Stretch
from galaxyclass.model.image_source import ImageSource, open_images
from galaxyclass.survey.folder import SurveyFolder
from galaxyclass.survey.manifest import read_buffer
from galaxyclass.survey.pieces import PIECE_IMAGES, Piece, position_field
from galaxyclass.tiles.field import Field
from galaxyclass.tiles.placement import Placement
from galaxyclass.tiles.positions import SkyCatalogue, carried_columns
from galaxyclass.tiles.rendering import TileRendering
from galaxyclass.tiles.tile import SkyTile, reopen_tile
from galaxyclass.tiles.tile_cutouts import TileCutouts

#: Columns of where a source is cut out: the tile's row in ``tiles.parquet``, the centre and the
#: side of its field in pixels, 0 the first pixel's centre.
CUT = ("cut.tile", "cut.x", "cut.y", "cut.side")


def write_tiles(cutouts: TileCutouts, folder: SurveyFolder) -> dict[str, Any]:
    """Write the tiles of a survey as ``tiles.parquet``.

    Returns
    -------
    dict
        How pictures are made of them, which `SurveyPlan.cutting` keeps.
    """
    rows = [
        {
            "name": tile.name,
            "bands": list(tile.bands),
            "planes": list(tile.planes),
            "files": [os.path.abspath(image.path) for image in tile.images],  # noqa: PTH100
            "hdus": [image.hdu for image in tile.images],
        }
        for tile in cutouts.tiles
    ]
    texts, numbers = pa.list_(pa.string()), pa.list_(pa.int32())
    schema = pa.schema(
        [("name", pa.string()), ("bands", texts), ("planes", numbers), ("files", texts),
         ("hdus", numbers)]
    )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema), folder.tiles, write_page_checksum=True)
    return {
        "field": asdict(cutouts.field),
        "rendering": None if cutouts.rendering is None else asdict(cutouts.rendering),
        "size": cutouts.size,
        "tiles": hashlib.sha256(folder.tiles.read_bytes()).hexdigest(),
    }


def tile_files(cutouts: TileCutouts) -> Iterator[tuple[str, int, int]]:
    """The path, the number of sources and the size in bytes of each file of the tiles."""
    counts = np.bincount(cutouts.placement.tile, minlength=len(cutouts.tiles))
    for tile, count in zip(cutouts.tiles, counts.tolist(), strict=True):
        for path in tile.files:
            yield os.path.abspath(path), count, os.path.getsize(path)  # noqa: PTH100, PTH202


def tile_pieces(cutouts: TileCutouts, carry: Sequence[str]) -> Iterator[Piece]:
    """The sources of tiles, tile after tile.

    Parameters
    ----------
    cutouts : TileCutouts
    carry : sequence of str
        Columns of the catalogue that are written beside the predictions, and the positions; all
        where it is empty.

    Raises
    ------
    ArgumentError
        A column that the catalogue does not have.
    """
    catalogue, placement = cutouts.catalogue, cutouts.placement
    table = _with_degrees(catalogue).select(carried_columns(catalogue, carry))
    paths = pa.array([os.path.abspath(tile.path) for tile in cutouts.tiles])  # noqa: PTH100
    for first in range(0, len(placement), PIECE_IMAGES):
        rows = slice(first, first + PIECE_IMAGES)
        ids = pa.array(cutouts.ids[rows], pa.string())
        tile = placement.tile[rows]
        arrays = (tile, placement.x[rows], placement.y[rows], placement.side[rows])
        yield Piece(
            ids,
            paths.take(pa.array(tile)),
            ids,
            table.take(pa.array(placement.source[rows])).combine_chunks(),
            pa.table([pa.array(array) for array in arrays], names=list(CUT)),
        )


class TileSources:
    """The sources of tiles as a stream of a survey, as `Sources` is of pictures in files.

    Parameters
    ----------
    cutouts : TileCutouts
    carry : sequence of str
        As for `tile_pieces`.

    Attributes
    ----------
    named : tuple of str
        The folders of the tiles.
    id_column : str
    containers : list of (path, sources, bytes)
        The files of the tiles.
    notes : list of str
    unused : tuple of Unused
    """

    def __init__(self, cutouts: TileCutouts, carry: Sequence[str]) -> None:
        self.cutouts, self._carry = cutouts, carry
        self.containers = list(tile_files(cutouts))
        folders = (os.path.dirname(path) for path, _, _ in self.containers)  # noqa: PTH120
        self.named = tuple(dict.fromkeys(folders))
        self.id_column = cutouts.id_column
        self.notes = list(cutouts.notes)
        self.unused: tuple[Unused, ...] = cutouts.unused

    def pieces(self) -> Iterator[Piece]:
        """All sources, tile after tile; raises as `tile_pieces` does."""
        return tile_pieces(self.cutouts, self._carry)


@dataclass(frozen=True)
class TileReader:
    """Makes the pictures of a shard out of its tiles.

    Attributes
    ----------
    table : pyarrow.Table
        ``tiles.parquet``.
    field : Field
    rendering : TileRendering or None
    size : int
    """

    table: pa.Table
    field: Field
    rendering: TileRendering | None
    size: int

    @classmethod
    def open(cls, folder: SurveyFolder, cutting: Mapping[str, Any]) -> TileReader:
        """Read the tiles of a survey.

        Raises
        ------
        SurveyError
            The file is missing, or not the one that was planned.
        """
        try:
            content = read_buffer(folder.tiles)
        except OSError as error:
            raise SurveyError(f"{folder.tiles}: cannot be read", got=str(error.strerror)) from error
        if hashlib.sha256(content).hexdigest() != cutting["tiles"]:
            raise SurveyError(
                f"{folder.tiles}: changed after the survey was planned",
                hint="restore it, or plan the survey again",
            )
        rendering = cutting["rendering"]
        return cls(
            pq.read_table(pa.BufferReader(content), page_checksum_verification=True),
            Field(**cutting["field"]),
            None if rendering is None else _rendering(rendering),
            cutting["size"],
        )

    def files(self, tiles: Any) -> list[str]:
        """The files of tiles, by their rows, each once."""
        lists = self.table["files"].take(_distinct(tiles)).to_pylist()
        return list(dict.fromkeys(path for files in lists for path in files))

    def source(
        self, ids: Sequence[str], cut: pa.Table, carried: pa.Table | None, id_column: str,
        *, id_integer: bool,
    ) -> ImageSource:  # fmt: skip
        """The sources of a shard.

        Parameters
        ----------
        ids : sequence of str
        cut : pyarrow.Table
            The columns `CUT`.
        carried : pyarrow.Table, optional
            Of the catalogue.
        id_column : str
        id_integer : bool

        A tile that cannot be opened is an error of each of its sources.
        """
        of_survey = cut[CUT[0]].to_numpy()
        numbers, tile = np.unique(of_survey, return_inverse=True)
        rows = self.table.take(pa.array(numbers)).to_pylist()
        tiles = [_tile(row) for row in rows]
        x, y, side = (cut[name].to_numpy() for name in CUT[1:])
        count = len(x)
        unknown = np.full(count, np.nan)
        nothing = pa.table({"x": pa.nulls(count)}).select([])
        catalogue = SkyCatalogue(
            ids, id_column, id_integer, unknown, unknown, None, False,
            nothing if carried is None else carried, (),
        )  # fmt: skip
        placement = Placement(
            np.arange(count), tile.astype(np.int32), x, y, side, np.zeros(count, np.bool_), 0, 0
        )
        opened = TileCutouts(
            tiles, catalogue, placement,
            field=self.field, rendering=self.rendering, size=self.size,
        )  # fmt: skip
        return replace(open_images(opened, id_column=id_column), id_integer=id_integer)


def _with_degrees(catalogue: SkyCatalogue) -> pa.Table:
    """The catalogue's columns, those of its positions in degrees, as HATS wants them."""
    table = catalogue.table
    if catalogue.sky_columns is None:
        return table
    arrays = (catalogue.ra, catalogue.dec)
    for name, values, word in zip(catalogue.sky_columns, arrays, ("ra", "dec"), strict=True):
        field = position_field(name, word)
        place = table.column_names.index(name)
        table = table.set_column(place, field, pa.array(values, pa.float64(), from_pandas=True))
    return table


def _tile(row: Mapping[str, Any]) -> SkyTile:
    files = list(zip(row["files"], row["hdus"], strict=True))
    return reopen_tile(row["name"], files, tuple(row["bands"]), tuple(row["planes"]))


def _distinct(tiles: Any) -> pa.Array:
    return pa.array(np.unique(tiles.to_numpy()))


def _rendering(data: Mapping[str, Any]) -> TileRendering:
    stretch = {name: _as_tuples(value) for name, value in data["stretch"].items()}
    return TileRendering(
        tuple(data["planes"]), tuple(data["bands"]), Stretch(**stretch), data["red_first"]
    )


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
