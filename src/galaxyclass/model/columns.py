"""The layout of a table of predictions: that of the model's training table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.errors import OutputError
from galaxyclass.tasks.names import free_name
from galaxyclass.tasks.task import Task

_INCLUDED = "_included"

#: ``table``: all columns of the training table's layout, with a probability for each class;
#: ``contest``: only the name of each image and its class.
PredictionLayout = Literal["table", "contest"]


@dataclass(frozen=True)
class Columns:
    """The columns of a table of predictions, from left to right.

    Attributes
    ----------
    id_column : str
    id_integer : bool
        Parquet keeps ids as 64-bit integers; otherwise as text. In CSV both look the same.
    values : tuple of str
        A column for each output of the model, float32; none in the contest's layout.
    label : str or None
        The class column, for a model of classes.
    included : tuple of pyarrow.Field
        Extra columns (`open_included`).
    descriptions : tuple of str
        What each of ``values`` is, in words (`Task.descriptions`).
    """

    id_column: str
    id_integer: bool
    values: tuple[str, ...]
    label: str | None
    included: tuple[pa.Field, ...] = ()
    descriptions: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        label = () if self.label is None else (self.label,)
        included = (field.name for field in self.included)
        return (self.id_column, *self.values, *label, *included)


def columns_of(
    task: Task,
    id_column: str,
    *,
    id_integer: bool,
    layout: PredictionLayout = "table",
    included: Sequence[pa.Field] = (),
) -> Columns:
    """Name the columns for a model's outputs.

    Vote models: one column per answer, named as in the training table. Class models: one
    probability column per class, named after the class, then the class itself under its column's
    name. A class with the name of another column gets the suffix ``_probability``. The contest
    layout has no probabilities. Extra columns come last; one with the name of another column gets
    the suffix ``_included``.

    Raises
    ------
    OutputError
        The contest layout of a vote model, or with extra columns.

    Examples
    --------
    >>> from galaxyclass.tasks.classes.task import ClassTask
    >>> task = ClassTask("kind", ("spiral", "kind"), (0.5, 0.5))
    >>> columns_of(task, "GalaxyID", id_integer=True).names
    ('GalaxyID', 'spiral', 'kind_probability', 'kind')
    >>> columns_of(task, "GalaxyID", id_integer=True, layout="contest").names
    ('GalaxyID', 'kind')
    """
    values, label = task.columns(id_column, contest=layout == "contest")
    basic = Columns(
        id_column, id_integer, values, label, descriptions=task.descriptions if values else ()
    )
    if included and layout == "contest":
        raise OutputError(
            "the contest layout holds the class of each image, and nothing else",
            hint="leave `layout='contest'` out, or `include`",
        )
    names = set(basic.names)
    fields = []
    for field in included:
        name = free_name(field.name, names, _INCLUDED)
        fields.append(field if name == field.name else field.with_name(name))
        names.add(name)
    return replace(basic, included=tuple(fields))


def mask_unknown(task: Task, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Set answers without votes in training to NaN: their outputs mean nothing.

    Parameters
    ----------
    task : Task
    values : (galaxies, outputs) float32
    """
    known_mask = task.known_mask
    return values if known_mask.all() else np.where(known_mask, values, np.float32(np.nan))


def tabulate(
    task: Task,
    columns: Columns,
    ids: list[str],
    values: NDArray[np.float32],
    included: NDArray[np.float32] | None = None,
) -> pa.Table:
    """Lay predictions out as a table.

    Parameters
    ----------
    task : Task
    columns : Columns
    ids : list of str
    values : (galaxies, outputs) float32
        Joint fractions or probabilities; NaN becomes an empty cell.
    included : (galaxies, included columns) float32, optional
        If there are extra columns; NaN becomes an empty cell, and 0 false.

    Returns
    -------
    pyarrow.Table
        Joint fractions, or conditional ones if the training table has those: empty for a question
        that nobody is predicted to reach.

    Examples
    --------
    >>> from galaxyclass.tasks.classes.task import ClassTask
    >>> task = ClassTask("kind", ("disc", "star"), (0.5, 0.5))
    >>> columns = columns_of(task, "id", id_integer=True)
    >>> tabulate(task, columns, ["7"], np.array([[0.25, 0.75]], np.float32)).to_pylist()
    [{'id': 7, 'disc': 0.25, 'star': 0.75, 'kind': 'star'}]
    """
    shown, label = task.shown(values), task.summed_up(values)
    arrays = [pa.array([int(i) for i in ids], pa.int64()) if columns.id_integer else pa.array(ids)]
    if columns.values:
        arrays += [pa.array(np.ascontiguousarray(column), from_pandas=True) for column in shown.T]
    if label is not None:
        arrays.append(label)
    fields = [pa.field(columns.id_column, pa.int64() if columns.id_integer else pa.string())]
    for name, words in zip_longest(columns.values, columns.descriptions, fillvalue=""):
        fields.append(described(pa.field(name, pa.float32()), words))
    if columns.label is not None and label is not None:
        fields.append(pa.field(columns.label, label.type))
    if included is not None:
        arrays += [
            pa.array(np.ascontiguousarray(column), from_pandas=True) for column in included.T
        ]
        fields += columns.included
    arrays = [
        array if array.type == field.type else array.cast(field.type)
        for array, field in zip(arrays, fields, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def described(field: pa.Field, words: str) -> pa.Field:
    """A field with a description in its metadata, where there are words for it."""
    return field.with_metadata({"description": words}) if words else field
