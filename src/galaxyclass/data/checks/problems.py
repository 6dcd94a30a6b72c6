"""Findings that are made while a table is read: about cells, lines and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Ids, file_of, line_word
from galaxyclass.data.catalog.class_columns import counts_of_votes
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.number_columns import ReadNumbers
from galaxyclass.data.catalog.roles import lookalikes
from galaxyclass.data.catalog.votes import Votes
from galaxyclass.data.catalog.wrong_cells import WrongCells
from galaxyclass.data.checks.finding_location import is_whole_column
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.data.tables.cells import kind_of, whole_numbers
from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.short import counted, first_few
from galaxyclass.trees.tree import Tree


@dataclass(frozen=True)
class TableRows:
    """The galaxies of a table and their locations, for messages."""

    file: TableFile
    ids: Ids

    @property
    def source(self) -> str:
        """The table's file."""
        return str(self.file.path)

    def location(self, row: int) -> str:
        """The line and the id of a galaxy.

        Parameters
        ----------
        row : int
            Index of the galaxy.
        """
        line = line_word(self.file.path, self.file.lines, self.file.parts, row)
        return f"{line}, {self.ids.column} {self.ids.values[row]}"

    def finding(self, code: str, message: str, row: int, *, column: str | None = None) -> Finding:
        """A finding about one galaxy, with its location before the message."""
        return finding(
            code,
            f"{self.source}, {self.location(row)}: {message}",
            file=str(file_of(self.file.path, self.file.parts, row)),
            row=int(self.file.lines[row]),
            id=self.ids.values[row],
            column=column,
            index=row,
        )


def unread_rows(file: TableFile, has_id: NDArray[np.bool_], id_column: str) -> Iterator[Finding]:
    """Lines that are not galaxies: ragged lines, and rows without an id (`has_id` is (rows,))."""
    source = str(file.path)
    for ragged in file.ragged:
        yield finding(
            "ragged_row",
            f"{source}, line {ragged.line}: {counted(ragged.cells, 'cell')} where the header has "
            f"{file.table.num_columns}",
            file=source,
            row=ragged.line,
        )
    for row in np.flatnonzero(~has_id).tolist():
        line = line_word(file.path, file.lines, file.parts, row)
        yield finding(
            "row_without_id",
            f"{source}, {line}: no id in column {id_column!r}",
            file=str(file_of(file.path, file.parts, row)),
            row=int(file.lines[row]),
            column=id_column,
        )


def vote_problems(votes: Votes, names: Iterable[str], rows: TableRows) -> Iterator[Finding]:
    """Cells that are not fractions, questions that nobody answered, columns that are not answers.

    Parameters
    ----------
    votes : Votes
    names : iterable of str
        All columns of the table.
    rows : TableRows
    """
    tree, columns, source = votes.tree, votes.layout.columns, rows.source
    for conversion in votes.conversions:
        yield finding("votes_converted", f"{source}: {conversion}", file=source)
    galaxies = len(votes.joint)
    yield from _wrong_cells("not_a_number", votes.not_numbers, galaxies, rows)
    is_counts = votes.layout.kind == "counts"
    code = "count_out_of_range" if is_counts else "fraction_out_of_range"
    yield from _wrong_cells(code, votes.out_of_range, galaxies, rows)
    for number, question in enumerate(tree.questions):
        unasked = np.flatnonzero(votes.unasked[:, number])
        if len(unasked):
            yield finding(
                "votes_unasked",
                f"{source}: question {question.code} ({question.key}): "
                f"{counted(len(unasked), 'galaxy')}, the first in "
                f"{rows.location(int(unasked[0]))}",
                file=source,
                column=columns[tree.slices[number].start],
            )
    for name, answer in lookalikes(names, votes.layout).items():
        hint = f"; did you mean {answer!r}?" if answer else ""
        yield finding(
            "unknown_column",
            f"{source}: column {name!r} is not an answer of {tree.title}{hint}",
            file=source,
            column=name,
        )


def number_problems(numbers: ReadNumbers, rows: TableRows) -> Iterator[Finding]:
    """Cells that are not finite numbers.

    Parameters
    ----------
    numbers : ReadNumbers
    rows : TableRows
    """
    yield from _wrong_cells("not_a_number", numbers.wrong, len(numbers.targets), rows)


#: What is said of a wrong cell, by the code of the finding.
_WRONG = {
    "not_a_number": "is not a number",
    "fraction_out_of_range": "is not within 0 to 1",
    "count_out_of_range": "is not a number of votes",
}


def _wrong_cells(
    code: str, wrong: Sequence[WrongCells], galaxies: int, rows: TableRows
) -> Iterator[Finding]:
    """One finding for a column that is wrong as a whole; of other columns one for each cell."""
    whole = [is_whole_column(len(cells.rows), galaxies) for cells in wrong]
    for cells in compress(wrong, whole):
        cell = cells.cells[0].as_py()
        yield finding(
            code,
            f"{rows.source}, column {cells.column}: {len(cells.rows):,} of "
            f"{counted(galaxies, 'cell')}, the first in {rows.location(int(cells.rows[0]))}: "
            f"{cell!r} {_WRONG[code]}{_hint(cell)}",
            file=rows.source,
            column=cells.column,
        )
    for cells in compress(wrong, np.logical_not(whole)):
        for row, cell in zip(cells.rows.tolist(), cells.cells.to_pylist(), strict=True):
            message = f"column {cells.column}: {cell!r} {_WRONG[code]}{_hint(cell)}"
            yield rows.finding(code, message, row, column=cells.column)


def no_target(
    table: Any, taken: Iterable[str], source: str, trees: Iterable[Tree]
) -> Iterator[Finding]:
    """The table has neither votes nor a class; names columns that are almost answers, or counts."""
    names = [name for name in table.column_names if name not in set(taken)]
    close = {
        name: answer
        for tree in trees
        for layout in tree.layouts
        for name, answer in lookalikes(names, layout).items()
        if answer
    }
    hint = "".join(f"; is {name!r} {answer!r}?" for name, answer in list(close.items())[:1])
    counts = counts_of_votes(table, taken)
    if len(counts) > 1:
        hint += (
            f"; {first_few(counts)} look like counts of votes on a tree that is not known here: "
            f"make one with `galaxyclass.guess_tree({source!r})`, and name it by `tree`"
        )
    measured = [name for name in names if kind_of(table[name]) == "number"]
    if measured and not close:
        hint += f"; numbers such as {measured[0]!r} can be learnt: `numbers={measured[0]!r}`"
        whole = [name for name in measured if kind_of(whole_numbers(table[name])) == "integer"]
        hint += "".join(f"; as classes: `target_column={name!r}`" for name in whole[:1])
    yield finding(
        "no_target",
        f"{source}: neither all answers of one question of a known tree, nor a class column{hint}",
        file=source,
    )


def ambiguities(
    names: ImageNames,
    image: NDArray[np.int64],
    rows: TableRows,
    cells: Sequence[str] | NDArray[np.object_],
    *,
    paths: bool,
) -> tuple[list[int], list[Finding]]:
    """Ids or paths that fit several files: in one folder a note, in several an error.

    An id that is itself a path (``train/0001``) is not ambiguous.

    Parameters
    ----------
    names : ImageNames
    image : (galaxies,) int64
        Index of the image that each cell was matched to; -1 none.
    rows : TableRows
    cells : (galaxies,) of str
        The name of each galaxy's image: its path or its id.
    paths : bool
        Whether the cells are paths; otherwise ids.

    Returns
    -------
    passed_over : list of int
        Indices of images of the same name in one folder, of which the first is used.
    findings : list of Finding
    """
    passed_over: list[int] = []
    findings: list[Finding] = []
    if not names.siblings:
        return passed_over, findings
    for row, number in enumerate(image.tolist()):
        files = names.siblings.get(names.stem(number)) if number >= 0 else None
        if files is None:
            continue
        if paths:
            files = names.fitting(cells[row])
        elif cells[row] != names.stem(number):
            continue
        if len(files) < 2:
            continue
        one_folder = len(names.folders(files)) == 1
        if one_folder:
            passed_over += files
        message = ", ".join(names.relative(position) for position in files[:4])
        code = "several_files" if one_folder else "ambiguous_image"
        findings.append(rows.finding(code, message, row, column=rows.ids.column))
    return passed_over, findings


def _hint(cell: Any) -> str:
    text = str(cell).strip()
    if text.count(",") == 1 and text.replace(",", "").lstrip("-").isdigit():
        return " (a decimal comma? write a point)"
    return ""
