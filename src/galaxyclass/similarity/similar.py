"""`similar`: the galaxies of a file of predictions that look most like some others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.errors import ArgumentError, BundleError
from galaxyclass.model.load import open_model
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.provenance import provenance_file, provenance_of
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary
from galaxyclass.similarity.conditions import rows_that_meet
from galaxyclass.similarity.embeddings import PredictionsFile, is_parquet, open_predictions
from galaxyclass.similarity.index import Index, nearest, open_index
from galaxyclass.similarity.ranked import RankedGalaxies

#: The column of the similarity.
SIMILARITY = "similarity"


@dataclass(frozen=True, repr=False, eq=False)
class Neighbours(RankedGalaxies):
    """Galaxies that look like some others, the most alike first.

    Attributes
    ----------
    predictions : Path
        The file that was searched.
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
            f"Neighbours: {len(self):,} of {self.searched:,} galaxies in "
            f"{short_path(self.predictions)}"
        )


@public
def similar(
    predictions: str | Path,
    *,
    like: Sequence[str | int] = (),
    unlike: Sequence[str | int] = (),
    like_images: Any = None,
    run: str | Path | Model = "pretrained",
    where: Sequence[str] = (),
    count: int = 20,
    options: InferenceOptions | None = None,
    progress: Progress = silent,
) -> Neighbours:
    """Find the galaxies that look most like some others.

    Parameters
    ----------
    predictions : str or Path
        A file of predictions with the embedding (``include=["embedding"]``). The first search
        makes an index beside it, ``<predictions>.index``; later ones use it.
    like : sequence of str or int
        Ids of galaxies in the file. Several are searched by their mean.
    unlike : sequence of str or int
        Ids of galaxies that the found ones should not look like.
    like_images : array, paths, folder, …, optional
        Pictures to search by, as for `Model.predict`; they need not be in the file.
    run : str, Path or Model
        The model that made the predictions, for ``like_images``.
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
        The predictions were made by another model.
    OutputError
        The index cannot be written.
    """
    path = Path(predictions)
    if not like and like_images is None:
        raise ArgumentError(
            "nothing to search by",
            argument="like",
            wanted="ids of galaxies in the file, or pictures (`like_images`)",
        )
    file = open_predictions(path)
    wanted, unwanted = _rows(file, like, "like"), _rows(file, unlike, "unlike")
    allowed = rows_that_meet(file.others, where)
    index = open_index(file, progress=progress)
    queries = [index.vectors[wanted]]
    if like_images is not None:
        queries.append(_vectors(index, _opened(file, run, options), like_images, progress))
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
    return Neighbours(path, table, int(allowed.sum()), tuple(map(str, like)))


def _rows(file: PredictionsFile, ids: Sequence[str | int], argument: str) -> list[int]:
    rows = [file.row_of.get(str(name)) for name in ids]
    if None in rows:
        missing = ids[rows.index(None)]
        raise ArgumentError(
            f"{file.path}: no galaxy {str(missing)!r}",
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


def _opened(
    file: PredictionsFile, run: str | Path | Model, options: InferenceOptions | None
) -> Model:
    """The model that made the predictions; another one is refused."""
    made_by = _provenance(file.path)
    if options is None:
        views = made_by.get("views")
        options = InferenceOptions(views=views if isinstance(views, int) else None)
    model = open_model(run, options)
    if made_by.get("digest", model.digest) != model.digest:
        raise BundleError(
            f"{file.path}: made by another model than {model.name}",
            argument="run",
            wanted=f"the model {made_by.get('model')}",
            got=model.name,
            hint="name that model, or predict again",
        )
    return model


def _vectors(index: Index, model: Model, images: Any, progress: Progress) -> NDArray[np.float32]:
    """The vectors of pictures."""
    embedding = model.embed(images, progress=progress)
    readable = np.isfinite(embedding).all(axis=1)
    if not readable.all():
        raise ArgumentError(
            f"{int((~readable).sum()):,} of {len(readable):,} pictures cannot be read",
            argument="like_images",
            wanted="pictures that can be decoded",
        )
    return index.axes.vectors(embedding)


def _provenance(path: Path) -> Mapping[str, Any]:
    """By what a file of predictions was made, as far as it says so."""
    if is_parquet(path):
        return provenance_of(pq.read_schema(path))
    try:
        known: Mapping[str, Any] = json.loads(provenance_file(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
