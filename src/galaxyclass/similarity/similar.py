"""`similar`: the galaxies of a file of predictions that look most like some others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.errors import ArgumentError
from galaxyclass.model.made_by import model_that_made
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, summary
from galaxyclass.similarity.conditions import rows_that_meet
from galaxyclass.similarity.embeddings import PredictionTable, open_predictions
from galaxyclass.similarity.galaxy_table import GalaxyTable
from galaxyclass.similarity.index import Index, nearest, open_index

#: The column of the similarity.
SIMILARITY = "similarity"


@dataclass(frozen=True, repr=False, eq=False)
class Neighbours(GalaxyTable):
    """Galaxies that look like some others, the most alike first.

    Attributes
    ----------
    predictions : Path or None
        The file that was searched; None of predictions in memory.
    table : pyarrow.Table
        The id, ``similarity``, and all other columns of the predictions but the embedding.
        Similarity is the cosine between embeddings about their mean: 1 is the same, 0 as alike as
        any two galaxies. Where galaxies were named that are not wanted (``unlike``), theirs is
        subtracted.
    searched : int
        How many galaxies could have been found.
    like : tuple of str
        The ids that were searched by.
    """

    searched: int
    like: tuple[str, ...] = ()

    @property
    def similarities(self) -> NDArray[np.float32]:
        """(neighbours,) float32."""
        return np.asarray(self.table[SIMILARITY], np.float32)

    def __repr__(self) -> str:
        return summary(
            f"Neighbours: {len(self):,} of {counted(self.searched, 'galaxy')} in {self._place}"
        )


@public
def similar(
    predictions: Any,
    *,
    like: Sequence[str | int] = (),
    unlike: Sequence[str | int] = (),
    like_images: Any = None,
    model: str | Path | Model | None = None,
    where: Sequence[str] = (),
    count: int = 20,
    options: InferenceOptions | None = None,
    progress: Progress = silent,
) -> Neighbours:
    """Find the galaxies that look most like some others.

    Parameters
    ----------
    predictions : str, Path, Predictions or a table in memory
        Predictions with the embedding (``include=["embedding"]``). The first search in a file
        makes an index beside it, ``<predictions>.index``; later ones use it.
    like : sequence of str or int
        Ids of galaxies in the file. Several are searched by their mean.
    unlike : sequence of str or int
        Ids of galaxies that the found ones should not look like.
    like_images : array, paths, folder, …, optional
        Pictures to search by, as for `Model.predict`; they need not be in the file.
    model : str, Path or Model, optional
        The model that made the predictions, for ``like_images``. By default it is found by what
        the predictions say of it.
    where : sequence of str
        Conditions on columns of the file that galaxies must meet, such as ``"Class4.1 > 0.5"``.
    count : int
        How many are found at most.
    options : InferenceOptions, optional
        How the model is run, for ``like_images``. By default, as the predictions were made.
    progress : Progress

    Returns
    -------
    Neighbours
        Without the galaxies that were asked for.

    Raises
    ------
    ArgumentError
        Neither ``like`` nor ``like_images``; an id that the file does not have; a condition that
        cannot be read.
    CatalogError
        The file cannot be read, or has no embedding.
    BundleError
        The predictions were made by another model, or by one that is not there any more.
    OutputError
        The index cannot be written.
    """
    if not like and like_images is None:
        raise ArgumentError(
            "nothing to search by",
            argument="like",
            wanted="ids of galaxies in the file, or pictures (`like_images`)",
        )
    if like_images is None:
        for name, value in (("model", model), ("options", options)):
            if value is not None:
                raise ArgumentError(
                    f"`{name}` does nothing without pictures to search by",
                    argument=name,
                    wanted=f"`{name}` with `like_images`",
                    hint=f"leave `{name}` out: galaxies of the file are compared as they stand",
                )
    both = [each for each in map(str, like) if each in set(map(str, unlike))]
    if both:
        raise ArgumentError(
            f"{both[0]!r} is among those that are wanted and those that are not",
            argument="unlike",
            wanted="other galaxies than in `like`",
            got=repr(both[0]),
        )
    file = open_predictions(predictions)
    wanted, unwanted = _rows(file, like, "like"), _rows(file, unlike, "unlike")
    allowed = rows_that_meet(file.others, where)
    index = open_index(file, progress=progress)
    queries = [index.vectors[wanted]]
    if like_images is not None:
        folder = None if file.path is None else file.path.parent
        model = model_that_made(file.provenance, file.name, model, beside=folder, options=options)
        queries.append(_vectors(index, model, like_images, progress))
    query = _mean(np.concatenate(queries))
    if unwanted:
        query = query - _mean(index.vectors[unwanted])
    allowed[[*wanted, *unwanted]] = False
    similarities = index.similarities(query)
    rows = nearest(similarities, allowed, count)
    table = file.others.take(pa.array(rows))
    column = pa.array(similarities[rows].astype(np.float32))
    if SIMILARITY in table.column_names:
        table = table.drop_columns(SIMILARITY)
    table = table.add_column(1, SIMILARITY, column)
    return Neighbours(file.path, table, int(allowed.sum()), tuple(map(str, like)))


def _rows(file: PredictionTable, ids: Sequence[str | int], argument: str) -> list[int]:
    rows = [file.row_of.get(str(name)) for name in ids]
    if None in rows:
        missing = ids[rows.index(None)]
        raise ArgumentError(
            f"{file.name}: no galaxy {str(missing)!r}",
            argument=argument,
            wanted=f"ids of {file.id_column!r}, such as {', '.join(file.ids[:3])}",
            got=repr(missing),
        )
    return [row for row in rows if row is not None]


def _mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean direction of vectors, of length 1."""
    mean = np.asarray(vectors).mean(axis=0)
    direction: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return direction


def _vectors(index: Index, model: Model, images: Any, progress: Progress) -> NDArray[np.float32]:
    """The vectors of pictures."""
    embedding = model.embed(images, progress=progress)
    readable = np.isfinite(embedding).all(axis=1)
    if not readable.all():
        raise ArgumentError(
            f"{int((~readable).sum()):,} of {counted(len(readable), 'picture')} cannot be read",
            argument="like_images",
            wanted="pictures that can be decoded",
        )
    return index.axes.vectors(embedding)
