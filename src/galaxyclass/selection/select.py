"""`select`: the galaxies of a file of predictions whose labels would help most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.data.tables.cells import as_text, can_be_id, numbers
from galaxyclass.data.tables.in_memory import as_arrow
from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.model.made_by import model_that_made
from galaxyclass.model.model import Model
from galaxyclass.model.uncertainty import table_uncertainty
from galaxyclass.progress import Progress, silent
from galaxyclass.selection.choose import best_rows, distances_to, spread_out
from galaxyclass.short import counted, summary
from galaxyclass.similarity.conditions import column_named, rows_that_meet
from galaxyclass.similarity.embeddings import PredictionTable, open_predictions
from galaxyclass.similarity.galaxy_table import GalaxyTable
from galaxyclass.similarity.index import Index, open_index

#: What makes a galaxy worth a label.
BY = ("uncertain", "likely", "strange", "unlike", "random")


@dataclass(frozen=True, repr=False, eq=False)
class Selection(GalaxyTable):
    """Galaxies to label next, in the order in which they should be.

    Attributes
    ----------
    predictions : Path or None
        The file that they were chosen from; None of predictions in memory.
    table : pyarrow.Table
        The id, ``reason``, and all other columns of the predictions but the embedding.
    candidates : int
        How many galaxies could have been chosen.
    """

    candidates: int

    @property
    def reasons(self) -> list[str]:
        """Why each galaxy was chosen."""
        reasons: list[str] = self.table["reason"].to_pylist()
        return reasons

    def __repr__(self) -> str:
        return summary(
            f"Selection of {len(self):,} from {counted(self.candidates, 'galaxy')} in {self._place}"
        )


@public
def select(
    predictions: Any,
    *,
    by: str = "uncertain",
    count: int = 50,
    answer: str | None = None,
    labelled: Any = None,
    where: Sequence[str] = (),
    spread: int = 1,
    model: str | Path | Model | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Selection:
    """Choose the galaxies to label next.

    Parameters
    ----------
    predictions : str, Path, Predictions or a table in memory
        Predictions; for ``unlike`` and ``spread``, with the embedding (``include=["embedding"]``).
    by : {"uncertain", "likely", "strange", "unlike", "random"}
        - ``uncertain``: where the prediction is least decided, by what the model predicts
          (`Task.uncertainty`). Votes and classes: the entropy of the answers to each question,
          weighted by the share of people who are asked, summed over questions. Counts: how little
          the model claims to know of the shares. Numbers: the width of their intervals in units of
          the mean width (``include=["uncertainty"]``);
        - ``likely``: the highest predicted fraction of ``answer``, to find many of a rare kind;
        - ``strange``: the highest out-of-distribution score (``include=["strangeness"]``);
        - ``unlike``: those whose nearest labelled galaxy is farthest;
        - ``random``: drawn at random, for an unbiased test set.
    count : int
        How many are chosen at most.
    answer : str, optional
        For ``likely``: a column of the file, or the code of an answer such as ``8.1``.
    labelled : str, Path or a table in memory, optional
        Galaxies that have a label: they are not chosen. The column that has most of the ids of the
        predictions is used.
    where : sequence of str
        Conditions on columns of the file, as for `galaxyclass.similar`.
    spread : int
        For all but ``random``: of the ``spread * count`` best galaxies those that are least alike,
        and unlike the labelled ones, are chosen. 1, the default, takes the best in their order,
        however alike: it needed the fewest labels (docs/similar.md).
    model : str, Path or Model, optional
        The model that made the predictions, whose task knows what is uncertain. By default it is
        found by what the predictions say of it.
    seed : int
        Of ``random``.
    progress : Progress

    Raises
    ------
    ArgumentError
        ``likely`` without an ``answer``; ``unlike`` without ``labelled``; a condition or column
        that the file does not have.
    CatalogError
        A file cannot be read; no embedding to be ``unlike`` by; no galaxy is left to choose.
    BundleError
        For ``uncertain``: the predictions were made by another model, or by one that is not there
        any more.
    ScoreError
        For ``uncertain``: numbers without intervals.
    OutputError
        The index cannot be written.
    """
    if by not in BY:
        raise ArgumentError(
            f"{by!r} is no measure", argument="by", wanted=f"one of {', '.join(BY)}", got=repr(by)
        )
    if by == "likely" and answer is None:
        raise ArgumentError(
            "likely to be what?", argument="answer", wanted="the column of an answer or a class"
        )
    if by == "unlike" and labelled is None:
        raise ArgumentError(
            "unlike which galaxies?", argument="labelled", wanted="a table of labelled galaxies"
        )
    _require_used(by, answer, spread, model)
    compared = by == "unlike" or (spread > 1 and by != "random")
    file = open_predictions(predictions, embedding=compared)
    known = _labelled_rows(file, labelled)
    allowed = rows_that_meet(file.others, where)
    allowed[known] = False
    candidates = int(allowed.sum())
    if not candidates:
        raise CatalogError(
            f"{file.name}: no galaxy is left to choose",
            wanted="galaxies that are not labelled and meet all conditions",
            got=", ".join(where) or None,
        )
    index = open_index(file, progress=progress) if compared else None
    if by == "random":
        measure = np.random.default_rng(seed).random(file.rows)
        rows = best_rows(measure, allowed, count)
        reasons = ["drawn at random"] * len(rows)
    else:
        measure, words_of = _measure(file, index, known, by=by, answer=answer, model=model)
        pool = best_rows(measure, allowed, count * spread)
        rows = (
            pool if index is None or spread == 1 else spread_out(index.vectors, pool, known, count)
        )
        reasons = _reasons(measure, allowed, rows, words_of)
    table = file.others.take(pa.array(rows))
    if "reason" in table.column_names:
        table = table.drop_columns("reason")
    return Selection(file.path, table.add_column(1, "reason", pa.array(reasons)), candidates)


def _require_used(
    by: str, answer: str | None, spread: int, model: str | Path | Model | None
) -> None:
    """Refuse what does nothing to the measure.

    Raises
    ------
    ArgumentError
    """
    unused = {
        "answer": (answer is not None and by != "likely", "likely"),
        "spread": (spread > 1 and by == "random", "uncertain, likely, strange or unlike"),
        "model": (model is not None and by != "uncertain", "uncertain"),
    }
    for name, (is_unused, measures) in unused.items():
        if is_unused:
            raise ArgumentError(
                f"`{name}` does nothing to galaxies that are chosen by {by!r}",
                argument=name,
                wanted=f"`{name}` with the measure {measures}",
                got=f"by {by!r}",
                hint=f"leave `{name}` out, or choose `by`",
            )


def _labelled_rows(file: PredictionTable, labelled: Any) -> NDArray[np.int64]:
    """The rows of labelled galaxies."""
    if labelled is None:
        return np.zeros(0, np.int64)
    is_path = isinstance(labelled, str | Path)
    table = read_table(labelled, "labelled") if is_path else as_arrow(labelled, "labelled")
    columns = [name for name in table.column_names if can_be_id(table[name])]
    matches = [
        [file.row_of[name] for name in as_text(table[column]).to_pylist() if name in file.row_of]
        for column in columns
    ]
    rows = max(matches, key=len, default=[])
    if not rows:
        raise CatalogError(
            "no labelled galaxy is in the predictions",
            argument="labelled",
            wanted=f"ids of {file.id_column!r}, such as {', '.join(file.ids[:3])}",
            got=f"the columns {', '.join(table.column_names[:4])}",
        )
    names = {file.ids[row] for row in rows}
    return np.array([row for row, name in enumerate(file.ids) if name in names], np.int64)


def _measure(
    file: PredictionTable,
    index: Index | None,
    known: NDArray[np.int64],
    *,
    by: str,
    answer: str | None,
    model: str | Path | Model | None,
) -> tuple[NDArray[np.float64], Callable[[float], str]]:
    """How much each galaxy is worth a label, (galaxies,) float64, and a value of it in words."""
    if by == "unlike":
        assert index is not None, "it is opened for this"
        return distances_to(index.vectors, known).astype(
            np.float64
        ), "distance to labelled {:.3f}".format
    if by == "strange":
        return _column(file, "strangeness", "by"), "out-of-distribution score {:.3f}".format
    if by == "likely":
        assert answer is not None
        name = column_named(file.others, answer, "answer")
        return _column(file, name, "answer"), lambda value: f"predicted {name} {value:.3f}"
    folder = None if file.path is None else file.path.parent
    model = model_that_made(file.provenance, file.name, model, beside=folder)
    values = table_uncertainty(file.others, model.task, file.name)
    return values, model.task.uncertainty_words


def _column(file: PredictionTable, name: str, argument: str) -> NDArray[np.float64]:
    if name not in file.other_names:
        raise ArgumentError(
            f"{file.name}: no column {name!r}",
            argument=argument,
            wanted=f"one of {', '.join(file.other_names[:8])}, …",
            hint="predict again with `include=['strangeness']`" if name == "strangeness" else None,
        )
    values, wrong = numbers(file.others[name])
    if len(wrong):
        raise ArgumentError(
            f"{file.name}: column {name!r} does not hold numbers", argument=argument
        )
    return values


def _reasons(
    measure: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    rows: NDArray[np.int64],
    words_of: Callable[[float], str],
) -> list[str]:
    """Why each row was chosen: its measure, and its place among all that could be."""
    ordered = np.sort(measure[allowed & ~np.isnan(measure)])
    reasons = []
    for value in measure[rows].tolist():
        rank = len(ordered) - int(np.searchsorted(ordered, value, side="left"))
        reasons.append(f"{words_of(value)} ({rank:,} of {len(ordered):,})")
    return reasons
