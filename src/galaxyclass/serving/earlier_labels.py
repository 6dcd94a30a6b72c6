"""Labels that somebody has already, copied into a file of labels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.data.labels.log import LabelEvent
from galaxyclass.data.labels.questions import CLASS, Questions
from galaxyclass.data.tables.cells import as_text, can_be_id, whole_numbers
from galaxyclass.data.tables.in_memory import as_arrow
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.serving.labels import LabelFile
from galaxyclass.short import counted, first_few, short_path

log = logging.getLogger(__name__)

#: Who has labelled the galaxies of a table in memory.
_IN_MEMORY = "table"


def take_earlier_labels(labels: LabelFile, labelled: Any, ids: Sequence[str]) -> int:
    """Copy the labels of a table into a file of labels, once.

    They are those of a person who is called as the table is. A galaxy that this person has labelled
    in the file is left as it is, so that the same table can be given again.

    Parameters
    ----------
    labels : LabelFile
        Of classes.
    labelled : str, Path or a table in memory
        A row for each galaxy: its id, and its class in a column of no other values.
    ids : sequence of str
        Of the galaxies that may have a label; others are left out.

    Returns
    -------
    int
        How many were copied.

    Raises
    ------
    ArgumentError
        The questions of a tree: a table has no person's answers to them.
    CatalogError
        The table cannot be read; none of the galaxies are in it; no column, or several, of the
        classes.
    OutputError
        The file cannot be written.
    """
    classes = _classes(labels.questions)
    is_path = isinstance(labelled, str | Path)
    table = read_table(labelled, "labelled") if is_path else as_arrow(labelled, "labelled")
    person = Path(labelled).stem[:60] if is_path else _IN_MEMORY
    names = _ids(table, ids)
    known = set(ids)
    answers = _class_cells(table, names, classes)
    events = [
        LabelEvent(name, person, "label", CLASS, answer)
        for name, answer in zip(names, answers, strict=True)
        if name in known and answer and not labels.is_done(name, person)
    ]
    first_of_each = {event.id: event for event in events}
    labels.add_all(list(first_of_each.values()))
    elsewhere = sum(
        bool(answer) and name not in known for name, answer in zip(names, answers, strict=True)
    )
    log.info(
        "%s: %s copied%s",
        short_path(labelled) if is_path else "the table of labels",
        counted(len(first_of_each), "label"),
        f"; {elsewhere:,} left out, whose galaxies are not in the predictions" * bool(elsewhere),
    )
    return len(first_of_each)


def _classes(questions: Questions) -> tuple[str, ...]:
    if questions.tree is not None:
        raise ArgumentError(
            "earlier labels are taken of classes, and not of a tree",
            argument="labelled",
            wanted="`label_classes`",
            got=f"the tree {questions.tree.key}",
        )
    return tuple(choice.key for choice in questions.questions[0].choices)


def _ids(table: pa.Table, ids: Sequence[str]) -> list[str]:
    """The column that names the most of the galaxies."""
    known = set(ids)
    names = [name for name in table.column_names if can_be_id(table[name])]
    columns: list[list[str]] = [as_text(table[name]).to_pylist() for name in names]
    best = max(columns, key=lambda cells: sum(cell in known for cell in cells), default=[])
    if not any(cell in known for cell in best):
        raise CatalogError(
            "no labelled galaxy is in the predictions",
            argument="labelled",
            wanted=f"ids such as {', '.join(ids[:3])}",
            got=f"the columns {', '.join(table.column_names[:4])}",
        )
    return best


def _class_cells(table: pa.Table, names: list[str], classes: tuple[str, ...]) -> list[str]:
    """The column that holds nothing but the classes; "" where it is empty."""
    found: dict[str, list[str]] = {}
    for column in table.column_names:
        cells = [cell or "" for cell in as_text(whole_numbers(table[column])).to_pylist()]
        if cells != names and any(cells) and all(cell in classes for cell in cells if cell):
            found[column] = cells
    if len(found) == 1:
        return next(iter(found.values()))
    raise CatalogError(
        "which column has the labels?" if found else "no column has the labels",
        argument="labelled",
        wanted=f"one column of nothing but {first_few(list(classes), 9)}",
        got=f"the columns {', '.join(found or dict.fromkeys(table.column_names))}",
        hint="leave the other columns out of the table"
        if found
        else "name the classes as the table does, in `label_classes`",
    )
