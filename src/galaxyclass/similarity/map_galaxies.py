"""`map_galaxies`: all galaxies of a table of predictions as a map, alike ones near each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from galaxyclass.arguments import MapMethod, public
from galaxyclass.data.tables.cells import as_text, kind_of, numbers
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.io.atomic import write_text
from galaxyclass.io.output import require_free, require_page
from galaxyclass.progress import Progress, silent
from galaxyclass.short import summary
from galaxyclass.similarity.conditions import column_named, rows_that_meet
from galaxyclass.similarity.embeddings import PredictionTable, open_predictions
from galaxyclass.similarity.index import open_index
from galaxyclass.similarity.mapped import AXES, MappedGalaxies
from galaxyclass.similarity.project import kept_neighbours, project

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A column of words is a colour where it has at most so many of them.
_MOST_CLASSES = 40


@dataclass(frozen=True, repr=False, eq=False)
class GalaxyMap(MappedGalaxies):
    """A map of galaxies: its table, a page and a figure; see `MappedGalaxies` for its numbers."""

    @public
    def write_page(
        self,
        path: str | Path,
        *,
        images: str | Path | None = None,
        seed: int = 0,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> list[str]:
        """Write a page that opens offline: the map, with pictures under the pointer.

        Parameters
        ----------
        path : str or Path
            A file that ends in ``.html``; smaller than 5 MB.
        images : str or Path, optional
            The folder of the pictures, which are named after the ids. Without it the page has no
            pictures.
        seed : int
            Of the galaxies that are shown with a picture, where there are many.
        overwrite : bool
            Replace the file where it exists.
        progress : Progress

        Returns
        -------
        list of str
            What is not shown.

        Raises
        ------
        OutputError
            Another ending; the file exists, or cannot be written.
        CatalogError
            No picture of the galaxies is in the folder.
        """
        from galaxyclass.similarity.map_page import map_page

        path = require_page(path)
        require_free(path, overwrite=overwrite)
        text, notes = map_page(self, images, seed, progress)
        write_text(path, text)
        return notes

    @public
    def plot(self, images: str | Path | None = None) -> Figure:
        """The map as a figure; with pictures, beside it a mosaic of the galaxies at each place.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        CatalogError
            No picture of the galaxies is in the folder.
        """
        from galaxyclass.similarity.map_figure import draw_map

        return draw_map(self, images)

    def __repr__(self) -> str:
        return summary(f"GalaxyMap of {len(self):,} galaxies by {self.method} in {self._place}")


@public
def map_galaxies(
    predictions: Any,
    *,
    projection: MapMethod = "pca",
    colour: str | None = None,
    where: Sequence[str] = (),
    count: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> GalaxyMap:
    """Map galaxies by their embedding, so that those that look alike lie near each other.

    Parameters
    ----------
    predictions : str, Path, Predictions or a table in memory
        Predictions with the embedding (``include=["embedding"]``).
    projection : {"pca", "umap"}
        pca: the two directions in which galaxies differ most; quick, and always the same. umap:
        keeps neighbours together far better, takes minutes for ten thousands of galaxies, and needs
        ``galaxyclass[map]``.
    colour : str, optional
        The column that the map is coloured by: numbers, or words such as classes; the code of an
        answer, such as ``4.1``, too. By default the first column of classes, otherwise the first of
        numbers.
    where : sequence of str
        Conditions on columns that galaxies must meet, as for `galaxyclass.similar`.
    count : int, optional
        How many are mapped at most; of more, this many are drawn at random.
    seed : int
        Of umap, and of what is drawn at random.
    progress : Progress

    Returns
    -------
    GalaxyMap

    Raises
    ------
    ArgumentError
        A condition or a colour that is no column, or a colour of neither numbers nor few words.
    CatalogError
        The file cannot be read; no embedding; no galaxy meets the conditions.
    MissingExtraError
        umap is not installed.
    OutputError
        The index cannot be written.
    """
    file = open_predictions(predictions)
    if file.id_column in AXES:
        raise ArgumentError(
            f"{file.name}: the ids are called {file.id_column!r}, as a coordinate of the map is",
            argument="predictions",
            hint="give the column another name",
        )
    name = _colour(file, colour)
    rows = np.flatnonzero(rows_that_meet(file.others, where))
    galaxies = len(rows)
    if not galaxies:
        raise CatalogError(
            f"{file.name}: no galaxy meets the conditions", got=", ".join(where), argument="where"
        )
    if count is not None and galaxies > count:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:count])
    index = open_index(file, progress=progress)
    vectors = index.vectors if len(rows) == file.rows else np.asarray(index.vectors[rows])
    progress("mapping", 0, len(rows), unit="galaxies")
    coordinates, variance = project(vectors, projection, seed)
    progress("mapping", len(rows), len(rows), unit="galaxies")
    taken = file.others.take(pa.array(rows))
    columns = {
        file.id_column: taken[file.id_column],
        **{axis: pa.array(coordinates[:, number]) for number, axis in enumerate(AXES)},
    }
    if name is not None and name not in columns:
        columns[name] = taken[name]
    cutouts = file.provenance.get("images") or [{}]
    return GalaxyMap(
        file.path,
        _with_descriptions(pa.table(columns), taken),
        method=projection,
        colour=name,
        galaxies=galaxies,
        variance=variance,
        kept=kept_neighbours(vectors, coordinates, seed),
        cutout=dict(cutouts[0]),
    )


def _with_descriptions(table: pa.Table, source: pa.Table) -> pa.Table:
    """A table whose columns, but for those of the map, keep their metadata of another one."""
    kept = set(source.column_names) - set(AXES)
    fields = [
        source.schema.field(field.name) if field.name in kept else field for field in table.schema
    ]
    return pa.table(table.columns, schema=pa.schema(fields))


def _colour(file: PredictionTable, colour: str | None) -> str | None:
    """The column that a map is coloured by."""
    if colour is not None:
        name = column_named(file.others, colour, "colour")
        if name == file.other_names[0]:
            raise ArgumentError(
                f"{file.name}: column {name!r} holds the ids, which are no colour",
                argument="colour",
                wanted="a column of numbers or classes, or the code of an answer",
                got=repr(name),
            )
        if name in AXES:
            raise ArgumentError(
                f"{file.name}: column {name!r} is called as a coordinate of the map is",
                argument="colour",
                hint="give the column another name",
            )
        if not _is_class(file.others[name]) and not _is_number(file.others[name]):
            raise ArgumentError(
                f"{file.name}: column {name!r} is no colour",
                argument="colour",
                wanted=f"numbers, or at most {_MOST_CLASSES} different words",
            )
        return name
    others = [each for each in file.other_names[1:] if each not in AXES]
    classes = [each for each in others if _is_class(file.others[each])]
    amounts = [each for each in others if _is_number(file.others[each])]
    return next(iter([*classes, *amounts]), None)


def _is_class(column: Any) -> bool:
    """Whether a column holds few words."""
    if kind_of(column) != "text" and not pa.types.is_boolean(column.type):
        return False
    return len(as_text(column).drop_null().unique()) <= _MOST_CLASSES


def _is_number(column: Any) -> bool:
    if kind_of(column) not in ("number", "integer"):
        return False
    values, _ = numbers(column)
    return bool(np.isfinite(values).any())
