"""`TileCutouts`: the sources of tiles, cut out when they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.in_memory import to_astropy
from galaxyclass.data.unused import Unused
from galaxyclass.errors import ImageError
from galaxyclass.images.channels import to_colour
from galaxyclass.images.cutout_boxes import centre_box
from galaxyclass.images.cutouts import make_cutout
from galaxyclass.images.inspect import identity_of
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import counted, summary
from galaxyclass.tiles.cut import FieldPixels, cut_field, slice_field
from galaxyclass.tiles.field import Field
from galaxyclass.tiles.open_planes import OpenPlanes, Planes
from galaxyclass.tiles.placement import Placement
from galaxyclass.tiles.positions import SkyCatalogue
from galaxyclass.tiles.rendering import TileRendering, model_rendering, require_picture
from galaxyclass.tiles.tile import SkyTile
from galaxyclass.version import __version__

Cut = TypeVar("Cut")

#: Share of a field from which pixels without data, beyond those over the edge, are a gap.
_GAP = 0.002


class TileCutouts(Sequence["TileCutout"]):
    """The sources of tiles as pictures: made by `open_tiles`, taken by `Model.predict`.

    The positions are in memory, the pixels are not: each tile is read once, when its first source
    is needed, and let go after its last. Sources stand tile after tile.

    Attributes
    ----------
    tiles : tuple of SkyTile
    catalogue : SkyCatalogue
    placement : Placement
        The tile and pixels of each source, and its row of the catalogue.
    field : Field
        The side of the square of sky that a picture shows.
    rendering : TileRendering or None
        The bands and the stretch of the pictures; None where the bands make none.
    size : int
        Side of the pictures, in their own pixels.
    notes : tuple of str
        What was read as what.
    unused : tuple of Unused
        Rows of the catalogue and tiles that are not used, and why.
    skipped : tuple of (str, str)
        Tiles that cannot be used, and why.

    Examples
    --------
    >>> import galaxyclass
    >>> cutouts = galaxyclass.open_tiles("tiles/*.fits", "catalogue.csv", field="30 arcsec")
    ... # doctest: +SKIP
    >>> galaxyclass.load_model().predict(cutouts)    # doctest: +SKIP
    """

    def __init__(
        self,
        tiles: Sequence[SkyTile],
        catalogue: SkyCatalogue,
        placement: Placement,
        *,
        field: Field,
        rendering: TileRendering | None,
        size: int,
        notes: Sequence[str] = (),
        skipped: Sequence[tuple[str, str]] = (),
        planes: Mapping[int, Planes] | None = None,
        unused: tuple[Unused, ...] = (),
    ) -> None:
        self.tiles, self.placement = tuple(tiles), placement
        self.field, self.rendering, self.size = field, rendering, size
        self._renderings: dict[Preprocessing, TileRendering] = {}
        self.notes, self.skipped = tuple(notes), tuple(skipped)
        self.catalogue, self.unused = catalogue, unused
        counts = np.bincount(placement.tile, minlength=len(self.tiles))
        self._open = OpenPlanes(self.tiles, counts.tolist(), planes or {})
        self._missing = np.zeros(len(placement), np.float32)
        self._beyond = np.zeros(len(placement), np.float32)

    def __len__(self) -> int:
        return len(self.placement)

    @overload
    def __getitem__(self, index: int) -> TileCutout: ...
    @overload
    def __getitem__(self, index: slice) -> list[TileCutout]: ...
    def __getitem__(self, index: int | slice) -> TileCutout | list[TileCutout]:
        if isinstance(index, slice):
            return [TileCutout(self, row) for row in range(len(self))[index]]
        return TileCutout(self, range(len(self))[index])

    def __iter__(self) -> Iterator[TileCutout]:
        return (TileCutout(self, index) for index in range(len(self)))

    def __repr__(self) -> str:
        bands = " ".join(self.tiles[0].bands)
        tiles = counted(len(self.tiles), "tile")
        return summary(
            f"TileCutouts: {len(self):,} of {tiles} · bands {bands} · {self.field} · "
            f"{self.rendering.stretch.name if self.rendering else 'no picture'} · {self.size} px"
        )

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands of the tiles, the shortest wavelength first where that is known."""
        return self.tiles[0].bands

    @property
    def settings(self) -> dict[str, object]:
        """How the pictures are made, as plain data: field, bands, stretch, limits and size."""
        rendering = self.rendering
        return {
            "field": str(self.field),
            "bands": list(self.bands if rendering is None else rendering.bands),
            "stretch": None if rendering is None else rendering.stretch.name,
            "limits": None if rendering is None else rendering.stretch.limits,
            "size": self.size,
        }

    @property
    def ids(self) -> Sequence[str]:
        """The id of each source."""
        return _Chosen(self.catalogue.ids, self.placement.source)

    @property
    def id_column(self) -> str:
        """The column of the ids."""
        return self.catalogue.id_column

    @property
    def id_integer(self) -> bool:
        """Whether all ids are whole numbers."""
        return self.catalogue.id_integer

    @property
    def table(self) -> pa.Table:
        """The catalogue's other columns, with ``tile``, ``x`` and ``y``: a row for each source.

        ``x`` and ``y`` are pixels as FITS counts them: 1 is the first pixel's centre.
        """
        placement = self.placement
        names = pa.array([tile.name for tile in self.tiles])
        own = {
            "tile": names.take(pa.array(placement.tile)),
            "x": pa.array(placement.x + 1),
            "y": pa.array(placement.y + 1),
        }
        rows = pa.array(placement.source)
        catalogue = self.catalogue.table
        table = catalogue.take(rows)
        for name, column in own.items():
            free = name
            while free in table.column_names:
                free += "_tile"
            table = table.append_column(free, column)
        return table

    def measured(self, indices: Sequence[int]) -> pa.Table:
        """What is known of cutouts once they are cut: ``missing`` and ``flags``.

        ``missing`` is the share of the cut pixels without data; ``flags`` is empty, ``edge`` (some
        lie beyond the tile), ``gap`` (some are NaN or blocks of zeros), or both.
        """
        rows = np.asarray(indices, np.int64)
        missing, beyond = self._missing[rows].astype(np.float64), self._beyond[rows]
        edges = np.where(beyond > 0, "edge", "")
        gaps = np.where(missing - beyond > _GAP, "gap", "")
        flags = [" ".join(filter(None, pair)) for pair in zip(edges, gaps, strict=True)]
        return pa.table(
            {"missing": pa.array(missing.round(4)), "flags": pa.array(flags, pa.string())}
        )

    def to_astropy(self) -> Any:
        """The sources as an astropy Table: ids, the catalogue's columns, tile and pixels."""
        ids = [int(name) for name in self.ids] if self.id_integer else list(self.ids)
        return to_astropy(self.table.add_column(0, self.id_column, pa.array(ids)))

    @property
    def identity(self) -> str:
        """Digest of the tiles' files and of all that the pictures depend on."""
        digest = hashlib.sha256(f"{__version__} {self.field} {self.rendering} {self.size}".encode())
        for tile in self.tiles:
            for path in tile.files:
                size, changed = identity_of(path)
                what = f"\0{path}\0{size}\0{changed}\0{tile.planes}"
                digest.update(what.encode("utf-8", "surrogateescape"))
        placement = self.placement
        for array in (placement.source, placement.tile, placement.x, placement.y, placement.side):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def path(self, index: int) -> str:
        """The file of a source's tile."""
        return self.tiles[int(self.placement.tile[index])].path

    def draw(self, index: int, preprocessings: Sequence[Preprocessing]) -> list[NDArray[np.uint8]]:
        """What models see of a source: (size, size, channels) for each preprocessing.

        The centre of the picture is cut straight to the model's pixels; other kinds of cutouts are
        made of the whole picture.

        Raises
        ------
        ImageError
            The tile cannot be read, or there is no data at the position.
        """
        return self._with_planes(
            index, lambda planes: [self._draw(planes, index, each) for each in preprocessings]
        )

    def picture(self, index: int) -> NDArray[np.uint8]:
        """The picture of a source: (size, size, 1 or 3) uint8, row 0 at the top, red first.

        Raises
        ------
        ImageError
            As for `draw`.
        """
        rendering = require_picture(self.rendering, self.tiles[0])
        return self._with_planes(
            index, lambda planes: self._levels(planes, index, rendering, (1, self.size))
        )

    def slice(self, index: int) -> tuple[NDArray[np.float32], int, int]:
        """The very pixels of a source's field, (side, side, bands), and where they begin.

        Raises
        ------
        ImageError
            As for `draw`.
        """

        def cut(planes: Planes) -> tuple[NDArray[np.float32], int, int]:
            placement = self.placement
            field, column, row = slice_field(
                planes, placement.x[index], placement.y[index], placement.side[index]
            )
            return self._note(index, field), column, row

        return self._with_planes(index, cut)

    def _with_planes(self, index: int, cut: Callable[[Planes], Cut]) -> Cut:
        tile = int(self.placement.tile[index])
        try:
            return cut(self._open.take(tile))
        except ImageError as error:
            what = f"{self.id_column} {self.ids[index]}: {error.what}"
            raise ImageError(what, wanted=error.wanted, got=error.got, hint=error.hint) from error
        finally:
            self._open.done(tile)

    def _note(self, index: int, field: FieldPixels) -> NDArray[np.float32]:
        """Keep what is known of a field for `measured`."""
        self._missing[index], self._beyond[index] = field.missing, field.beyond
        return field.pixels

    def _draw(self, planes: Planes, index: int, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        rendering = self._renderings.get(preprocessing)
        if rendering is None:
            rendering = model_rendering(preprocessing, self.tiles[0], self.rendering)
            self._renderings[preprocessing] = rendering
        if preprocessing.cutout != "centre":
            picture = self._levels(planes, index, rendering, (1, self.size))
            return make_cutout(to_colour(picture, preprocessing.colour), preprocessing)
        box = centre_box(self.size, self.size, preprocessing.frame, preprocessing.beyond)
        view = (box.width / self.size, preprocessing.size)
        picture = self._levels(planes, index, rendering, view)
        return to_colour(picture, preprocessing.colour)

    def _levels(
        self, planes: Planes, index: int, rendering: TileRendering, view: tuple[float, int]
    ) -> NDArray[np.uint8]:
        """The middle of a field, a share of it at a size: sliced, shrunk, stretched."""
        placement, (share, size) = self.placement, view
        used = [planes[plane] for plane in rendering.planes]
        field = cut_field(
            used, placement.x[index], placement.y[index], placement.side[index] * share, size
        )
        upright = self._note(index, field)[::-1]  # FITS counts rows from the bottom
        sky = self.tiles[placement.tile[index]].sky
        if sky is not None and sky.mirrored:
            upright = upright[:, ::-1]
        return rendering.levels(upright)


class TileCutout:
    """One source of tiles; its pixels are cut when they are asked for."""

    __slots__ = ("_cutouts", "index")

    def __init__(self, cutouts: TileCutouts, index: int) -> None:
        self._cutouts, self.index = cutouts, index

    @property
    def path(self) -> str:
        """The file of its tile."""
        return self._cutouts.path(self.index)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Its picture: (size, size, 1 or 3) uint8, row 0 at the top."""
        return self._cutouts.picture(self.index)

    def draw(self, preprocessings: Sequence[Preprocessing]) -> list[NDArray[np.uint8]]:
        """What models see of it (`TileCutouts.draw`)."""
        return self._cutouts.draw(self.index, preprocessings)

    def __repr__(self) -> str:
        return f"<TileCutout {self._cutouts.ids[self.index]} of {self.path}>"


class _Chosen(Sequence[str]):
    """Some elements of a sequence, by index: the ids of a survey are not copied."""

    def __init__(self, values: Sequence[str], indices: NDArray[np.int64]) -> None:
        self._values, self._indices = values, indices

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._values[row] for row in self._indices[index]]
        return self._values[int(self._indices[index])]
