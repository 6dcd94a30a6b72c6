"""All that the pages and the API share."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text
from galaxyclass.images.render import RenderSettings
from galaxyclass.model.model import Model
from galaxyclass.model.writers import write_table
from galaxyclass.serving.batches import Predictor
from galaxyclass.serving.label_model import LabelModel, ViewsByLabels
from galaxyclass.serving.labelling import Labelling
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.pictures import Pictures
from galaxyclass.serving.remembered import Remembered
from galaxyclass.serving.rows import PredictionRows
from galaxyclass.serving.why import Why
from galaxyclass.similarity.index import Index, nearest

#: Sets of dropped pictures that are remembered, and similar galaxies that are shown.
_LOOKS, _ALIKE = 16, 12
#: Bytes of dropped pictures that are remembered.
_KEPT = 200_000_000


@dataclass(frozen=True)
class Look:
    """Pictures that somebody dropped on the page, and what is predicted for them.

    Attributes
    ----------
    names : tuple of str
    table : pyarrow.Table
        A row for each picture, with its name and error (`answer_table`); without the embedding.
    embedding : (pictures, features) float32
        NaN where there is none.
    jpegs : tuple of (bytes or None)
    cutouts : tuple of ((side, side, channels) uint8 or None)
        What the model sees, to explain it; empty where it cannot be explained.
    by_labels : ViewsByLabels or None
        What the model of the labels says of them, if the page used one.
    """

    names: tuple[str, ...]
    table: pa.Table
    embedding: NDArray[np.float32]
    jpegs: tuple[bytes | None, ...]
    cutouts: tuple[NDArray[np.uint8] | None, ...]
    by_labels: ViewsByLabels | None = None

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        cutouts = sum(0 if cutout is None else cutout.nbytes for cutout in self.cutouts)
        jpegs = sum(len(jpeg or b"") for jpeg in self.jpegs)
        return int(self.table.nbytes) + self.embedding.nbytes + cutouts + jpegs


@dataclass(frozen=True)
class Alike:
    """A galaxy of the file of predictions that looks like another one."""

    row: int
    id: str
    similarity: float


@dataclass(frozen=True)
class Served:
    """What is served.

    Attributes
    ----------
    predictor : Predictor
    rendering : RenderSettings
        How pictures are shown.
    limits : Limits
    rows : PredictionRows or None
        The file of predictions.
    index : Index or None
        Of its embeddings, if it has them.
    is_own : bool
        Whether the model made these predictions, so that embeddings of other pictures can be
        compared with theirs.
    pictures : Pictures
    labelling : Labelling or None
    why : Why
    quote_formulas : bool
        In what is downloaded as CSV.
    looks : Remembered of Look
    label_model : LabelModel
        The model that was finetuned on the labels, while the page uses it.
    at_end : ExitStack
        What is done when the server stops.
    """

    predictor: Predictor
    rendering: RenderSettings
    limits: Limits
    rows: PredictionRows | None
    index: Index | None
    is_own: bool
    pictures: Pictures
    labelling: Labelling | None
    why: Why
    quote_formulas: bool = False
    looks: Remembered[Look] = field(
        default_factory=lambda: Remembered(_LOOKS, size=lambda look: look.size, bytes_kept=_KEPT)
    )
    label_model: LabelModel = field(default_factory=LabelModel)
    at_end: ExitStack = field(default_factory=ExitStack)

    @property
    def model(self) -> Model:
        """The model."""
        return self.predictor.model

    def keep(self, look: Look) -> str:
        """Remember dropped pictures under a key that nobody guesses."""
        key = secrets.token_urlsafe(12)
        self.looks.put(key, look)
        return key

    def write_table(self, path: Path, table: pa.Table) -> None:
        """Write a table that is downloaded."""
        write_table(path, table, quote_formulas=self.quote_formulas and path.suffix == ".csv")

    def alike_row(self, row: int) -> list[Alike]:
        """The galaxies that look most like one of the file."""
        if self.index is None:
            return []
        return self._alike(np.asarray(self.index.vectors[row]), exclude=(row,))

    def alike_embedding(self, embedding: NDArray[np.float32]) -> list[Alike]:
        """The galaxies of the file that look most like a picture of this (features,) embedding."""
        if self.index is None or not self.is_own or not np.isfinite(embedding).all():
            return []
        return self._alike(self.index.axes.vectors(embedding[None])[0])

    def _alike(self, vector: NDArray[np.float32], exclude: Sequence[int] = ()) -> list[Alike]:
        assert self.index is not None
        assert self.rows is not None
        similarities = self.index.similarities(vector)
        allowed = np.ones(len(similarities), bool)
        allowed[list(exclude)] = False
        found = nearest(similarities, allowed, _ALIKE)
        ids = self.ids(found)
        return [
            Alike(int(row), name, float(similarities[row]))
            for row, name in zip(found, ids, strict=True)
        ]

    def ids(self, rows: Sequence[int] | NDArray[np.int64]) -> list[str]:
        """The ids of some rows of the file, as text."""
        assert self.rows is not None
        column = self.rows.read(rows, [self.rows.id_column])[self.rows.id_column]
        return [name or "" for name in as_text(column).to_pylist()]
