"""Catalogs of a table: its ids matched with the images, its targets, what is wrong with both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog, Ids, row_word
from galaxyclass.data.catalog.class_columns import find_classes
from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.catalog.number_columns import read_numbers
from galaxyclass.data.catalog.part_words import (
    find_part_column,
    parts_of_cells,
)
from galaxyclass.data.catalog.parts import tell_apart
from galaxyclass.data.catalog.roles import find_ids
from galaxyclass.data.catalog.unused_columns import explain_unused
from galaxyclass.data.catalog.votes import Votes
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.data.checks.problems import (
    TableRows,
    ambiguities,
    no_target,
    number_problems,
    unread_rows,
    vote_problems,
)
from galaxyclass.data.tables.cells import as_text, is_exact_integers
from galaxyclass.data.tables.delimited import TableFile
from galaxyclass.data.tables.dialect import no_header
from galaxyclass.errors import CatalogError
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.votes.targets import VoteTargets
from galaxyclass.trees.tree import Tree


@dataclass(frozen=True)
class _Matched:
    """The rows of a table that have an id, and the image of each.

    `file` has only these `rows` (None: all rows have one); `path_column` is the column with the
    paths of images, if there is one; `notes` are about ids and lines, `ambiguous` about images.
    """

    file: TableFile
    rows: NDArray[np.int64] | None
    ids: Ids
    paths: NDArray[np.object_]
    unlisted: tuple[str, ...]
    path_column: str | None
    notes: tuple[Finding, ...]
    ambiguous: tuple[Finding, ...]


def _match(
    names: ImageNames, file: TableFile, id_column: str | None, no_ids: Sequence[str]
) -> _Matched:
    """The image of each row of a table."""
    original = file.table
    if file.parts is not None:
        file, id_column = tell_apart(file, names, id_column, no_ids)
    told_apart = file.table is not original
    try:
        id_match = find_ids(file.table, names, id_column, str(file.path), no_ids)
    except CatalogError as error:
        for others in (unused for unused in file.unused if unused.kind == "tables"):
            error.got = f"{error.got or ''}\nnot read: {others.names} ({others.why})".strip()
        raise
    _require_header(file, names, id_match.column)
    text, image = as_text(file.table[id_match.column]), id_match.image
    has_id = pc.is_valid(text).to_numpy()
    notes = (*id_match.notes, *unread_rows(file, has_id, id_match.column))
    rows = None if has_id.all() else np.flatnonzero(has_id)
    if rows is not None:
        file, text, image = file.take(rows), text.take(rows), image[rows]
    # Text in a CSV may be numbers; a text column of parquet was meant to be text.
    numeric = pa.types.is_integer(file.table[id_match.column].type) or row_word(file.path) == "line"
    ids = Ids(
        id_match.column,
        np.array(text.to_pylist(), dtype=object),
        numeric and is_exact_integers(text),
        told_apart,
    )
    by_path = id_match.path_column is not None
    passed_over, ambiguous = ambiguities(
        names,
        image,
        TableRows(file, ids),
        as_text(file.table[id_match.path_column]).to_pylist() if by_path else ids.values,
        paths=by_path,
    )
    unlisted = np.ones(len(names.paths), dtype=bool)
    unlisted[image[image >= 0]] = False
    unlisted[passed_over] = False
    return _Matched(
        file=file,
        rows=rows,
        ids=ids,
        paths=np.array([*names.paths, ""], dtype=object)[image],
        unlisted=tuple(names.paths[index] for index in np.flatnonzero(unlisted).tolist()),
        path_column=id_match.path_column,
        notes=notes,
        ambiguous=tuple(ambiguous),
    )


@dataclass(frozen=True)
class AskedTargets:
    """What the caller named: the class, or the numbers and what stands for unknown ones."""

    target_column: str | None
    numbers: tuple[str, ...]
    missing: Sequence[str]


def catalog_of_table(
    names: ImageNames,
    file: TableFile,
    votes: Votes | None,
    asked: AskedTargets,
    *,
    id_column: str | None,
    trees: Sequence[Tree],
) -> Catalog:
    """A catalog of a table whose votes are read already.

    Parameters
    ----------
    names : ImageNames
    file : TableFile
        All of its rows.
    votes : Votes or None
        Of these rows; None where the table has none.
    asked : AskedTargets
    id_column : str, optional
        Otherwise it is found.
    trees : sequence of Tree
        Whose answers columns may be that are almost called so.

    Raises
    ------
    CatalogError
        No ids that name the images; a column that was named is absent, or is something else.
    """
    columns = file.table.column_names
    vote_columns = (
        [] if votes is None else [name for name in votes.layout.columns if name in columns]
    )
    stated = [*asked.numbers, *([asked.target_column] if asked.target_column else [])]
    no_ids = stated or vote_columns
    try:
        matched = _match(names, file, id_column, no_ids)
    except CatalogError:
        if not asked.numbers:
            raise
        matched = _match(names, file, id_column, ())  # `read_numbers` refuses the id as a number
    if matched.rows is not None and votes is not None:
        votes = votes.take(matched.rows)
    file, ids, problems = matched.file, matched.ids, list(matched.notes)
    problems += [finding("table_note", note, file=str(file.path)) for note in file.notes]
    table = file.table
    taken = {ids.column, matched.path_column or ids.column, *vote_columns}
    parts, part_column = file.parts, None
    if parts is None and (part_column := find_part_column(table, taken)) is not None:
        parts = parts_of_cells(table[part_column])
        taken.add(part_column)
    found = _find_targets(TableRows(file, ids), votes, asked, taken)
    if votes is not None:
        problems += vote_problems(votes, columns, TableRows(file, ids))
    if found.targets is None:
        problems += no_target(table, taken, str(file.path), trees)
    problems += found.problems
    taken.update(found.columns)
    others = [name for name in table.column_names if name not in taken]
    explained = explain_unused(others, votes, asked.target_column, asked.numbers, trees=trees)
    return Catalog(
        ids=ids,
        paths=matched.paths,
        rows=file.lines,
        targets=found.targets,
        other=table.select(others) if others else None,
        problems=(*problems, *matched.ambiguous),
        unlisted=matched.unlisted,
        images=Path(names.folder),
        table=file.path,
        parts=parts,
        part_column=part_column,
        unused=(*file.unused, *explained),
    )


@dataclass(frozen=True)
class _FoundTargets:
    """The targets of a table, their columns, and what is remarkable in or wrong with them."""

    targets: Targets | None
    columns: Sequence[str] = ()
    problems: Sequence[Finding] = ()


def _find_targets(
    rows: TableRows, votes: Votes | None, asked: AskedTargets, taken: set[str]
) -> _FoundTargets:
    """Votes where the table has them, else the numbers that are named, else a class."""
    table = rows.file.table
    if votes is not None:
        return _FoundTargets(_vote_targets(votes))
    if asked.numbers:
        measured = read_numbers(table, asked.numbers, asked.missing, taken, rows.source)
        problems = (*measured.notes, *number_problems(measured, rows))
        return _FoundTargets(measured.targets, measured.columns, problems)
    chosen = find_classes(table, taken, asked.target_column, rows.source)
    if chosen is None:
        return _FoundTargets(None)
    return _FoundTargets(chosen.targets, chosen.columns, chosen.notes)


def _vote_targets(votes: Votes) -> VoteTargets | CountTargets:
    if votes.counts is not None:
        return CountTargets(votes.tree, votes.layout, votes.counts, votes.present)
    written = votes.layout.written
    return VoteTargets(
        votes.tree.with_layout(written), written, votes.joint, votes.present, votes.layout
    )


def _require_header(file: TableFile, names: ImageNames, id_column: str) -> None:
    """Refuse a table whose id column is called as an image is: its first line is a row."""
    cell = pa.array([id_column], pa.string())
    if row_word(file.path) == "line" and (
        names.match_ids(cell) >= 0 or names.match_paths(cell) >= 0
    ):
        header = list(map(str, file.table.column_names))
        raise no_header(file.path, header, f"{id_column!r} is the name of an image")
