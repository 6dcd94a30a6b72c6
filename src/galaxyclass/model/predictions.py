"""A table of predictions in memory: what `galaxyclass.Model.predict` gives."""

from __future__ import annotations

import html
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.data.tables.in_memory import to_astropy, to_pandas
from galaxyclass.errors import ArgumentError, ArgumentTypeError
from galaxyclass.images.render import RenderSettings
from galaxyclass.io.atomic import writing
from galaxyclass.model.columns import Columns
from galaxyclass.model.table_formats import require_ascii, text_columns
from galaxyclass.model.writers import require_failures, require_output, write_failures, write_table
from galaxyclass.short import counted, summary
from galaxyclass.tasks.task import Task
from galaxyclass.tiles.tile_cutouts import TileCutout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Rows and columns that a notebook shows.
_SHOWN_ROWS, _SHOWN_COLUMNS = 10, 10


@dataclass(frozen=True)
class Failure:
    """An image that could not be decoded.

    Attributes
    ----------
    index : int
        Of the image, among all images.
    id : str
    path : str
    error : str
        Why.
    """

    index: int
    id: str
    path: str
    error: str


@dataclass(frozen=True, repr=False, eq=False)
class Predictions:
    """Predictions for some images: a row for each that could be decoded, in the order given.

    Attributes
    ----------
    table : pyarrow.Table
        The ids, a column for each answer or class, the class, extra columns (`include`), and the
        other columns of the user's table.
    task : Task
        What the model predicts.
    columns : Columns
        The meaning of the table's columns.
    indices : (rows,) int64
        Index of the image of each row, among all images.
    failures : tuple of Failure
        The images that could not be decoded, which have no row.
    warnings : tuple of str
        Problems of the predictions, and what to try.
    notes : tuple of str
        Other remarks for the user.
    images : sequence or None
        The images themselves, or their files; None of an iterator.
    rendering : RenderSettings
        How bands of an image became channels.
    flagged : int or None
        Images that are flagged as out of distribution, of all that were predicted; None of a model
        that cannot tell: an ensemble, or one that was not calibrated.

    Examples
    --------
    >>> import galaxyclass
    >>> model = galaxyclass.load_model()
    >>> table = model.predict(np.zeros((2, 424, 424, 3), np.uint8))
    >>> table
    <Predictions of 2 galaxies · 37 answers>
    >>> table.values.shape, table.ids
    ((2, 37), [0, 1])
    """

    table: pa.Table
    task: Task
    columns: Columns
    indices: NDArray[np.int64]
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    images: Any = field(default=None, kw_only=True)
    rendering: RenderSettings = field(default=RenderSettings(), kw_only=True)
    flagged: int | None = field(default=None, kw_only=True)

    @property
    def ids(self) -> list[Any]:
        """The ids of the images: text, or whole numbers."""
        ids: list[Any] = self.table[self.columns.id_column].to_pylist()
        return ids

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """(galaxies, outputs) The predicted fractions or probabilities, as the table has them.

        NaN where a cell is empty: an answer for which the model's training had no votes.
        """
        columns = [self.table[name].to_numpy() for name in self.columns.values]
        shape = (len(self), len(columns))
        return np.asarray(np.column_stack(columns) if columns else np.empty(shape), np.float32)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Prediction]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Predictions: ...
    def __getitem__(self, index: int | slice) -> Prediction | Predictions:
        """One galaxy, or a slice of them with all failures, warnings and notes."""
        if isinstance(index, slice):
            rows = np.arange(len(self))[index]
            return replace(self, table=self.table.take(pa.array(rows)), indices=self.indices[rows])
        try:
            if isinstance(index, bool):  # as a comparison gives it, where all of a table was meant
                raise TypeError
            row = operator.index(index)
        except TypeError:
            raise ArgumentTypeError(
                f"{type(index).__name__}: not the index of a galaxy",
                argument="index",
                wanted="a whole number, or a slice",
                got=repr(index),
                hint="`table.ids` has the ids; `table.to_pandas()` can be searched by them",
            ) from None
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)} predictions")
        return Prediction(self, row % len(self))

    def to_arrow(self) -> pa.Table:
        """The predictions as a pyarrow Table."""
        return self.table

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """`values`, for ``numpy.asarray(predictions)``."""
        return np.array(self.values, dtype)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The table for what reads Arrow's streams: ``polars.DataFrame(predictions)``."""
        return self.table.__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> Any:
        """The predictions as a pandas DataFrame.

        Raises
        ------
        MissingExtraError
            pandas is not installed.
        """
        return to_pandas(self.table)

    def to_astropy(self) -> Any:
        """The predictions as an astropy Table.

        Raises
        ------
        MissingExtraError
            astropy is not installed.
        """
        return to_astropy(self.table)

    @public
    def write(
        self, path: str | Path, *, overwrite: bool = False, quote_formulas: bool = False
    ) -> Path:
        """Write the predictions into a file, byte for byte as `Model.predict_to_file` writes them.

        Images that could not be decoded are listed in ``<path>_failed.csv`` beside it.

        Parameters
        ----------
        path : str or Path
            A name that ends in ``.csv``, ``.parquet``, ``.fits``, ``.vot`` or ``.ecsv``. By what
            the predictions were made stands in the metadata; of a CSV, in
            ``<path>_provenance.json`` beside it.
        overwrite : bool
            Replace the file where it exists.
        quote_formulas : bool
            As for `Model.predict_to_file`.

        Raises
        ------
        ArgumentError
            Formulas are to be quoted, and the ending is not ``.csv``.
        OutputError
            The ending is none of these; the file exists; no room, no permission.
        """
        path = Path(path)
        require_output(path, overwrite=overwrite, quote_formulas=quote_formulas)
        if path.suffix.lower() == ".fits":
            require_ascii(text_columns(self.table), path)
        failed = path.with_name(f"{path.stem}_failed.csv")
        require_failures(failed)
        if self.failures:
            with writing(failed) as temporary:
                write_failures(
                    temporary,
                    ((failure.path, failure.error) for failure in self.failures),
                    quote_formulas=quote_formulas,
                )
        else:
            failed.unlink(missing_ok=True)
        write_table(path, self.table, quote_formulas=quote_formulas)
        return path

    @public
    def plot(self, index: int = 0) -> Figure:
        """Draw the prediction for one galaxy beside its image; see `Prediction.plot`.

        Raises
        ------
        ArgumentError
            There is no such row; without any, the message says why.
        """
        if -len(self) <= index < len(self):
            return self[index].plot()
        failure = next(iter(self.failures), None)
        raise ArgumentError(
            f"no prediction to plot: row {index} of {len(self):,}"
            + (f"; {counted(len(self.failures), 'image')} could not be decoded" if failure else ""),
            argument="index",
            wanted=f"{-len(self)} to {len(self) - 1}" if len(self) else "predictions with a row",
            got=None if failure is None else f"the first of them: {failure.error}",
            hint="`Predictions.failures` lists the images without a row" if failure else None,
        )

    def __repr__(self) -> str:
        galaxies = counted(len(self), "galaxy")
        return summary(f"Predictions of {' · '.join([galaxies, *self._holds()])}")

    def _holds(self) -> list[str]:
        """The contents of the table besides the ids, in a few words."""
        columns = self.columns
        kind = "classes" if columns.label is not None else self.task.output_word
        count = min(len(columns.values), self.task.count)  # counts have more columns than answers
        parts = [f"{count} {kind}"]
        included = len(columns.included)
        carried = self.table.num_columns - len(columns.names)
        if included:
            parts.append(f"{included} included columns")
        if carried:
            parts.append(f"{carried} carried columns")
        if (strange := self._strange()) is not None:
            parts.append(f"{strange:,} flagged as strange")
        if self.failures:
            parts.append(f"{len(self.failures):,} failed")
        return parts

    def _strange(self) -> int | None:
        """How many galaxies are flagged, if the flags were included."""
        flags = [
            column.name for column in self.columns.included if pa.types.is_boolean(column.type)
        ]
        return sum(filter(None, self.table[flags[0]].to_pylist())) if flags else None

    def _repr_html_(self) -> str:
        """The first rows, for notebooks."""
        shown = self.table.slice(0, _SHOWN_ROWS)
        names = shown.column_names[:_SHOWN_COLUMNS]
        lines = [f"<p>{html.escape(repr(self)[1:-1])}</p>", "<table>", "<thead><tr>"]
        lines += [f"<th>{html.escape(name)}</th>" for name in names]
        more = len(shown.column_names) - len(names)
        lines += [f"<th>… {more} more</th>"] * bool(more) + ["</tr></thead>", "<tbody>"]
        for row in shown.select(names).to_pylist():
            cells = "".join(f"<td>{html.escape(_cell(row[name]))}</td>" for name in names)
            lines.append(f"<tr>{cells}{'<td>…</td>' * bool(more)}</tr>")
        lines += ["</tbody>", "</table>"]
        if len(self) > _SHOWN_ROWS:
            lines.append(f"<p>… {len(self) - _SHOWN_ROWS:,} more</p>")
        return "\n".join(lines)


class Prediction(Mapping[str, Any]):
    """The prediction for one galaxy: a mapping from the table's columns to its values.

    Examples
    --------
    >>> import galaxyclass
    >>> model = galaxyclass.load_model()
    >>> galaxy = model.predict(np.zeros((424, 424, 3), np.uint8))[0]
    >>> galaxy.id, round(sum(galaxy[f"Class1.{answer}"] for answer in (1, 2, 3)), 3)
    (0, 1.0)
    """

    def __init__(self, predictions: Predictions, row: int) -> None:
        self._predictions, self._row = predictions, row

    @property
    def id(self) -> Any:
        """The id of the image."""
        return self[self._predictions.columns.id_column]

    def __getitem__(self, name: str) -> Any:
        table = self._predictions.table
        if name not in table.column_names:
            raise KeyError(name)
        return table[name][self._row].as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self._predictions.table.column_names)

    def __len__(self) -> int:
        return int(self._predictions.table.num_columns)

    def __repr__(self) -> str:
        count = self._predictions.task.count
        values = {name: self[name] for name in self._predictions.columns.values[:count]}
        largest = sorted(values, key=lambda name: values[name] or 0, reverse=True)[:3]
        words = self._words(tuple(values))
        shown = ", ".join(f"{name}{words[name]} {_cell(values[name])}" for name in largest)
        return summary(f"Prediction of {self.id}: {shown}")

    def _words(self, names: Sequence[str]) -> dict[str, str]:
        """The answer of each column whose name does not say it."""
        tree = self._predictions.task.decision_tree
        if tree is None or len(tree.answers) != len(names):
            return dict.fromkeys(names, "")
        return {
            name: "" if answer.key in name else f" ({answer.name})"
            for name, answer in zip(names, tree.answers, strict=True)
        }

    def plot(self) -> Figure:
        """Draw the image and a bar for each answer, question by question.

        Bars have error bars where ``uncertainty`` was included. The image is read again from its
        file; there is none if the images came from an iterator.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ImageError
            The file no longer exists.
        """
        from galaxyclass.plots.prediction import AnswerBar, AnswerGroup, draw_prediction

        columns, task = self._predictions.columns, self._predictions.task
        ends = [[f"{name}_{end}" for name in columns.values] for end in ("lower", "upper")]
        values = self._on_axis([self[name] for name in columns.values])
        lower, upper = (self._on_axis([self._included(name) for name in names]) for names in ends)
        bars = []
        for index, name in enumerate(columns.values):
            interval = None if np.isnan(lower[index]) else (lower[index], upper[index])
            words = "" if task.bounds == (0, 1) else _cell(self[name])
            bars.append(AnswerBar(name, values[index], interval, words))
        groups = [
            AnswerGroup(
                title,
                tuple(bar.renamed(name) for bar, name in zip(bars[where], names, strict=True)),
            )
            for title, where, names in task.groups
        ]
        notes = [str(self.id)]
        if self._included("strange"):
            notes.append("unlike the images that the model knows: not to be trusted")
        return draw_prediction(" · ".join(notes), groups, task.value_words, self._image())

    def _on_axis(self, values: list[float | None]) -> list[float]:
        """Outputs, or bounds of them, on an axis from 0 to 1; NaN where there is none."""
        numbers = np.array([[np.nan if value is None else value for value in values]])
        on_axis: list[float] = self._predictions.task.to_interval_scale(numbers)[0].tolist()
        return on_axis

    def _included(self, name: str) -> Any:
        """The value of an extra column; None where it was not included."""
        included = {column.name for column in self._predictions.columns.included}
        return self[name] if name in included else None

    def _image(self) -> NDArray[np.uint8] | None:
        """The pixels (height, width, 1 or 3), if the images are still available."""
        from galaxyclass.images.arrays import decode_array
        from galaxyclass.images.channels import to_three
        from galaxyclass.images.read import read_rendered

        images = self._predictions.images
        if images is None:
            return None
        image = images[int(self._predictions.indices[self._row])]
        if isinstance(image, TileCutout):
            return image.pixels
        settings = replace(self._predictions.rendering, frame=None)
        if isinstance(image, str):
            return to_three(read_rendered(image, settings))
        return to_three(decode_array(image, settings).pixels)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
