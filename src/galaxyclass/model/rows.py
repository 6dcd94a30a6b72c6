"""From the outputs of a network to rows of a table of predictions."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.calibration.comparison import TraitSums
from galaxyclass.calibration.image_statistics import image_statistics
from galaxyclass.model.backends.backend import require_fit
from galaxyclass.model.columns import Columns, PredictionLayout, columns_of, mask_unknown, tabulate
from galaxyclass.model.differences import Familiar, open_familiar
from galaxyclass.model.ensemble import Ensemble, embedding_width
from galaxyclass.model.extra_columns import Included, open_included
from galaxyclass.model.image_source import ImageSource
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.provenance import Provenance, make_provenance, with_provenance
from galaxyclass.model.reading import with_reading
from galaxyclass.model.stream import PredictedBatch, predict_stream
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.names import is_exact_integer

#: Appended to the name of a carried column where a column of the predictions has that name.
_GIVEN = "_given"


class PredictedRows(NamedTuple):
    """Predicted values and extra columns, each (galaxies, columns) float32."""

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
        Columns of the user's table, a row for each image, under names that no other column has.
    preprocessings : list of Preprocessing
        From an image to its cutouts: the ensemble's, with the settings of this call.
    measured : tuple of str
        Names of the columns that the source measures of images once they are read.
    provenance : Provenance
        By what the predictions are made: in the metadata of the table.
    familiar : Familiar or None
        The images that the model knows, where it is calibrated: others are compared with them.
    """

    ensemble: Ensemble
    columns: Columns
    source: ImageSource
    included: Included
    carried: pa.Table | None
    preprocessings: list[Preprocessing]
    provenance: Provenance
    measured: tuple[str, ...] = ()
    familiar: Familiar | None = None

    @property
    def nothing(self) -> PredictedRows:
        """No rows: arrays of the right width for no galaxy."""
        shapes = ((0, self.ensemble.task.count), (0, len(self.columns.included)))
        return PredictedRows(*(np.empty(shape, np.float32) for shape in shapes))

    def stream(
        self, options: InferenceOptions, start: int = 0
    ) -> Generator[PredictedBatch, None, None]:
        """Predict the images, from the one with the index ``start``; see `predict_stream`."""
        return predict_stream(
            self.source.images,
            self.preprocessings,
            self.ensemble.backend,
            options,
            start=start,
            describe=image_statistics if self.familiar is not None else self.included.describe,
        )

    def rows(self, batch: PredictedBatch) -> PredictedRows:
        """The rows of a batch; the batch itself can then be dropped.

        Raises
        ------
        BundleError
            The backend's outputs do not fit the manifest.
        """
        output, ensemble = batch.output, self.ensemble
        if output is None:
            return self.nothing
        require_fit(output, int(batch.decoded.sum()), ensemble.task, ensemble.auxiliary)
        return PredictedRows(output.values, self.included.make(output, batch.image_statistics))

    def compare(self, batch: PredictedBatch) -> TraitSums:
        """How the images of a batch compare with those that the model knows."""
        return TraitSums() if self.familiar is None else self.familiar.compare(batch)

    def tabulate(self, indices: Sequence[int], rows: PredictedRows) -> pa.Table:
        """Lay rows out as a table.

        Parameters
        ----------
        indices : sequence of int
            Index of the image of each row among all images.
        rows : PredictedRows
        """
        task = self.ensemble.task
        values = mask_unknown(task, rows.values)
        names = [self.source.name(index) for index in indices]
        table = tabulate(task, self.columns, names, values, rows.included)
        if self.carried is not None:
            carried = self.carried.take(pa.array(indices, pa.int64()))
            for field, column in zip(carried.schema, carried.columns, strict=True):
                table = table.append_column(field, column)
        if self.measured and self.source.measured is not None:
            for name, column in zip(
                self.measured, self.source.measured(indices).columns, strict=True
            ):
                table = table.append_column(name, column)
        return with_provenance(table, self.provenance)


def join_rows(rows: Iterable[PredictedRows]) -> PredictedRows:
    """The rows of several batches, one after the other."""
    return PredictedRows(*map(np.concatenate, zip(*rows, strict=True)))


def open_rows(
    ensemble: Ensemble,
    source: ImageSource,
    include: Sequence[str] = (),
    layout: PredictionLayout = "table",
    *,
    reading: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> RowMaker:
    """Prepare the rows of a table of predictions: its columns and how each is made.

    ``name`` is that of the model; by default that of its folder.

    Raises
    ------
    ArgumentError
        As for `galaxyclass.model.reading.with_reading`.
    OutputError, BundleError
        As for `galaxyclass.model.columns.columns_of` and
        `galaxyclass.model.extra_columns.open_included`.
    """
    manifest = ensemble.members[0].bundle.manifest
    preprocessings = with_reading(ensemble.preprocessings, reading)
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
    measured: Sequence[str] = ()
    if source.measured is not None and layout == "table":
        reserved = [*columns.names, *([] if carried is None else carried.column_names)]
        measured = _free_names(source.measured(()).column_names, reserved)
    bundles = [member.bundle for member in ensemble.members]
    provenance = make_provenance(bundles, name, ensemble.views, ensemble.precision, preprocessings)
    if source.cut_out is not None:
        provenance = replace(provenance, tiles=source.cut_out)
    return RowMaker(
        ensemble,
        columns,
        source,
        included,
        carried,
        preprocessings,
        provenance,
        tuple(measured),
        open_familiar(bundles, reading),
    )


def _free_names(names: Sequence[str], reserved: Sequence[str]) -> list[str]:
    """The names of carried columns, with a suffix where a column of predictions has the name."""
    used = {*reserved, *(name for name in names if name not in reserved)}
    renamed = []
    for name in names:
        candidate = name
        if name in reserved:
            while candidate in used:
                candidate += _GIVEN
            used.add(candidate)
        renamed.append(candidate)
    return renamed
