"""From what a network gives for a batch to rows of a table of predictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.model.backends.backend import require_fit
from galaxyclass.model.columns import Columns, PredictionLayout, columns_of, mask_unknown, tabulate
from galaxyclass.model.ensemble import Ensemble, embedding_width
from galaxyclass.model.extra_columns import Included, open_included
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.stream import PredictedBatch
from galaxyclass.tasks.names import is_exact_integer

#: Stands behind the name of a carried column that a column of the predictions has, too.
_GIVEN = "_given"


class PredictedRows(NamedTuple):
    """Of each galaxy (galaxies, columns) float32: what is predicted, and what is included."""

    values: NDArray[np.float32]
    included: NDArray[np.float32]


@dataclass(frozen=True)
class RowMaker:
    """Makes the rows of a table of predictions.

    Attributes
    ----------
    ensemble : Ensemble
    columns : Columns
    source : ImageSource
    included : Included
    carried : pyarrow.Table or None
        Columns that come last, a row for each image, under names that are free.
    """

    ensemble: Ensemble
    columns: Columns
    source: ImageSource
    included: Included
    carried: pa.Table | None

    @property
    def nothing(self) -> PredictedRows:
        """Those of no galaxy."""
        shapes = ((0, self.ensemble.task.count), (0, len(self.columns.included)))
        return PredictedRows(*(np.empty(shape, np.float32) for shape in shapes))

    def rows(self, batch: PredictedBatch) -> PredictedRows:
        """What is written of a batch: nothing else of it has to be kept until then.

        Raises
        ------
        BundleError
            The backend does not give what the manifest says.
        """
        output, ensemble = batch.estimates, self.ensemble
        if output is None:
            return self.nothing
        require_fit(output, int(batch.decoded.sum()), ensemble.task, ensemble.auxiliary)
        return PredictedRows(output.values, self.included.make(output, batch.looks))

    def tabulate(self, places: Sequence[int], rows: PredictedRows) -> pa.Table:
        """Lay rows out as a table.

        Parameters
        ----------
        places : sequence of int
            Of the image of each row, among all images.
        rows : PredictedRows
        """
        task = self.ensemble.task
        values = mask_unknown(task, rows.values)
        names = [self.source.name(place) for place in places]
        table = tabulate(task, self.columns, names, values, rows.included)
        if self.carried is not None:
            taken = self.carried.take(pa.array(places, pa.int64()))
            for field, column in zip(taken.schema, taken.columns, strict=True):
                table = table.append_column(field, column)
        return table


def join_rows(several: Iterable[PredictedRows]) -> PredictedRows:
    """The rows of several batches, one after the other."""
    return PredictedRows(*map(np.concatenate, zip(*several, strict=True)))


def open_rows(
    ensemble: Ensemble,
    source: ImageSource,
    include: Sequence[str] = (),
    layout: PredictionLayout = "table",
) -> RowMaker:
    """Find out what the rows of a table of predictions are made of.

    Raises
    ------
    OutputError, BundleError
        As for `galaxyclass.model.columns.columns_of` and
        `galaxyclass.model.extra_columns.open_included`.
    """
    manifest = ensemble.members[0].bundle.manifest
    width = embedding_width(ensemble) if "embedding" in include else 0
    included = open_included(include, [member.bundle for member in ensemble.members], width)
    integer = source.id_integer
    if integer is None:
        integer = manifest.id_integer and all(map(is_exact_integer, source.ids or ()))
    columns = columns_of(
        ensemble.task,
        manifest.id_column if source.id_column is None else source.id_column,
        id_integer=integer,
        layout=layout,
        included=included.fields,
    )
    carried = source.carried if layout == "table" else None
    if carried is not None:
        carried = carried.rename_columns(_free_names(carried.column_names, columns.names))
    return RowMaker(ensemble, columns, source, included, carried)


def _free_names(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The names of carried columns, with an ending where a column of predictions has them."""
    used = {*taken, *(name for name in names if name not in taken)}
    free = []
    for name in names:
        new = name
        if name in taken:
            while new in used:
                new += _GIVEN
            used.add(new)
        free.append(new)
    return free
