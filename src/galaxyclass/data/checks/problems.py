"""Findings that only the reading of a table can make: cells, lines and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Ids, file_of, line_word
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.roles import lookalikes
from galaxyclass.data.catalog.votes import Votes
from galaxyclass.data.checks.finding_location import is_whole_column
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.trees.tree import Tree


@dataclass(frozen=True)
class TableRows:
    """The galaxies of a table: where each stands, for messages."""

    file: TableFile
    ids: Ids

    @property
    def source(self) -> str:
        """The table's file."""
        return str(self.file.path)

    def place(self, row: int) -> str:
        """Which line, and which id.

        Parameters
        ----------
        row : int
            Index of the galaxy.
        """
        line = line_word(self.file.path, self.file.lines, self.file.parts, row)
        return f"{line}, {self.ids.column} {self.ids.values[row]}"

    def finding(self, code: str, message: str, row: int, *, column: str | None = None) -> Finding:
        """A finding about one galaxy; the message is preceded by its place."""
        return finding(
            code,
            f"{self.source}, {self.place(row)}: {message}",
            file=str(file_of(self.file.path, self.file.parts, row)),
            row=int(self.file.lines[row]),
            id=self.ids.values[row],
            column=column,
            index=row,
        )


def unread_rows(file: TableFile, has_id: NDArray[np.bool_], id_column: str) -> Iterator[Finding]:
    """Lines that became no galaxy: ragged ones, and those without an id."""
    source = str(file.path)
    for ragged in file.ragged:
        yield finding(
            "ragged_row",
            f"{source}, line {ragged.line}: {ragged.cells} cells where the header has "
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
    """Cells that are no fractions, questions that nobody answered, columns that are no answers.

    Parameters
    ----------
    votes : Votes
    names : iterable of str
        All columns of the table.
    rows : TableRows
    """
    tree, columns, source = votes.tree, votes.layout.columns, rows.source
    for code, wrong, what in (
        ("not_a_number", votes.not_numbers, "is not a number"),
        ("fraction_out_of_range", votes.out_of_range, "is not within 0 to 1"),
    ):
        whole = [one for one in wrong if is_whole_column(len(one.rows), len(votes.joint))]
        for one in whole:
            cell = one.cells[0].as_py()
            yield finding(
                code,
                f"{source}, column {columns[one.answer]}: {len(one.rows):,} of "
                f"{len(votes.joint):,} cells, the first in {rows.place(int(one.rows[0]))}: "
                f"{cell!r} {what}{_hint(cell)}",
                file=source,
                column=columns[one.answer],
            )
        for one in wrong:
            if is_whole_column(len(one.rows), len(votes.joint)):
                continue
            column = columns[one.answer]
            for row, cell in zip(one.rows.tolist(), one.cells.to_pylist(), strict=True):
                message = f"column {column}: {cell!r} {what}{_hint(cell)}"
                yield rows.finding(code, message, row, column=column)
    for number, question in enumerate(tree.questions):
        where = np.flatnonzero(votes.unasked[:, number])
        if len(where):
            yield finding(
                "votes_unasked",
                f"{source}: question {question.code} ({question.key}): {len(where):,} "
                f"{'galaxy' if len(where) == 1 else 'galaxies'}, the first in "
                f"{rows.place(int(where[0]))}",
                file=source,
                column=columns[tree.slices[number].start],
            )
    for name, meant in lookalikes(names, votes.layout).items():
        hint = f"; did you mean {meant!r}?" if meant else ""
        yield finding(
            "unknown_column",
            f"{source}: column {name!r} is no answer of {tree.title}{hint}",
            file=source,
            column=name,
        )


def no_target(names: Iterable[str], source: str, trees: Iterable[Tree]) -> Iterator[Finding]:
    """Neither votes nor a class; names a column that was nearly a vote's."""
    close = {
        name: meant
        for tree in trees
        for layout in tree.layouts
        for name, meant in lookalikes(names, layout).items()
        if meant
    }
    hint = "".join(f"; is {name!r} {meant!r}?" for name, meant in list(close.items())[:1])
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
        Index of the image that each cell was taken to mean; -1 none.
    rows : TableRows
    cells : (galaxies,) of str
        What names the image of each.
    paths : bool
        Whether these are paths, or ids.

    Returns
    -------
    passed_over : list of int
        Indices of the images of one folder that stand beside the one that is used.
    findings : list of Finding
    """
    passed_over: list[int] = []
    found: list[Finding] = []
    if not names.siblings:
        return passed_over, found
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
        alike = len(names.folders(files)) == 1
        if alike:
            passed_over += files
        message = ", ".join(names.relative(position) for position in files[:4])
        code = "several_files" if alike else "ambiguous_image"
        found.append(rows.finding(code, message, row, column=rows.ids.column))
    return passed_over, found


def _hint(cell: Any) -> str:
    text = str(cell).strip()
    if text.count(",") == 1 and text.replace(",", "").lstrip("-").isdigit():
        return " (a decimal comma? write a point)"
    if text.endswith("%"):
        return " (a percentage? write a fraction)"
    return ""
