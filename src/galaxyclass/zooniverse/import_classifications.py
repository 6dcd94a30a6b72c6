"""`import_classifications`: from an export of Zooniverse to counts of votes on a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from galaxyclass.arguments import public
from galaxyclass.data.tables.in_memory import is_table, open_in_memory
from galaxyclass.data.tables.tables import open_table, read_table, require_even_rows
from galaxyclass.errors import CatalogError, TreeError
from galaxyclass.io.atomic import writing
from galaxyclass.io.formulas import without_formulas
from galaxyclass.io.output import require_free
from galaxyclass.short import counted, first_few, summary, verb
from galaxyclass.trees.read import as_tree
from galaxyclass.trees.tree import Layout, Tree
from galaxyclass.zooniverse.classifications import (
    CLASSIFICATIONS,
    REDUCTIONS,
    ClassificationReader,
    ReductionReader,
    VoteRecords,
    WantedRows,
    read_subjects,
)
from galaxyclass.zooniverse.labels import Matches, WorkflowTask, match_tasks, plain

#: Letters of a label that messages show.
_SHOWN = 60
#: Columns of the table beside the id and the votes.
_BESIDE = ("classifications", "retired", "subject_ids")


@dataclass(frozen=True)
class ImportedVotes:
    """Counts of votes on a tree.

    Attributes
    ----------
    table : pyarrow.Table
        A row for each galaxy: ``id``, the votes for each answer (named as the tree's layout of
        counts has them), ``classifications``, ``retired`` and ``subject_ids``.
    tree : Tree
    rows : int
        Of the export.
    votes : int
        That were counted.
    dropped : tuple of (str, int)
        Why rows, annotations or votes were left out, and how many, the most first.
    notes : tuple of str
    """

    table: pa.Table
    tree: Tree
    rows: int
    votes: int
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(
            f"ImportedVotes: {counted(self.table.num_rows, 'galaxy')}, "
            f"{counted(self.votes, 'vote')} of {counted(self.rows, 'row')} on {self.tree.title}"
        )


@public
def import_classifications(
    export: Any,
    *,
    tree: Tree | str | Path,
    output: str | Path | None = None,
    subjects: Any = None,
    id_column: str | None = None,
    workflow: str | None = None,
    version: str | None = None,
    retired_only: bool = False,
    overwrite: bool = False,
    quote_formulas: bool = False,
) -> ImportedVotes:
    """Count the votes of an export of Zooniverse on a tree.

    Of a person's classifications of one galaxy the first counts. Several subjects of one galaxy
    (the same id in their metadata) are counted together. Tasks are matched to the tree's questions
    by ``zooniverse = "T0"`` in its file, by their words, or by their answers.

    Parameters
    ----------
    export : str, Path or a table in memory
        The classification export of a project or workflow (``annotations`` and ``subject_data`` as
        JSON); or the question reductions of panoptes-aggregation (``task``, ``reducer``,
        ``data.…``).
    tree : Tree, str or Path
        With a layout of the kind ``counts``, which names the columns.
    output : str or Path, optional
        A CSV file to write.
    subjects : str, Path or a table in memory, optional
        The subject export, which names the galaxies of reductions.
    id_column : str, optional
        The key of the metadata that is the galaxy's id; by default ``id``, ``galaxy_id``,
        ``filename`` or the like.
    workflow : str, optional
        The id or the name of the workflow, where the export has several.
    version : str, optional
        Only this version of the workflow: ``12``, or ``12.34``.
    retired_only : bool
        Leave out galaxies that are not retired yet.
    overwrite : bool
        Replace ``output`` where it exists.
    quote_formulas : bool
        As for `galaxyclass.predict`.

    Returns
    -------
    ImportedVotes

    Raises
    ------
    CatalogError
        Not such an export; several workflows; no task is a question of the tree; no id.
    TreeError
        The tree cannot be read, or has no layout of counts.
    OutputError
        ``output`` exists, or cannot be written.

    Examples
    --------
    >>> import json
    >>> subject = json.dumps({"7": {"retired": None, "#id": "J1"}})
    >>> vote = json.dumps([{"task": "T0", "task_label": "A ring?", "value": "Yes"}])
    >>> export = {"user_name": ["a", "b"], "subject_ids": ["7", "7"]}
    >>> export |= {"annotations": [vote, vote], "subject_data": [subject, subject]}
    >>> question = {"code": "1", "key": "ring", "text": "A ring?"}
    >>> yes, no = ({"code": f"1.{i}", "name": n, "key": n} for i, n in enumerate(("yes", "no"), 1))
    >>> from galaxyclass.trees.read import parse_tree
    >>> data = {"key": "rings", "title": "Rings", "questions": [{**question, "answers": [yes, no]}]}
    >>> import_classifications(export, tree=parse_tree(data, "rings")).table.to_pylist()[0]["id"]
    'J1'
    """
    known = as_tree(tree)
    layout = _counts_layout(known)
    path = None if output is None else Path(output)
    if path is not None:
        require_free(path, overwrite=overwrite)
    metadata = None if subjects is None else _subjects(subjects)
    selection = WantedRows(workflow, version, id_column, metadata)
    records, source = _read(export, selection)
    _require_one_workflow(records, source, selection)
    _require_galaxies(records, source, selection)
    matches = _matches(known, records, source)
    imported = _imported(known, layout, records, matches, retired_only=retired_only)
    if path is not None:
        import pyarrow.csv as pc

        with writing(path) as temporary:
            table = without_formulas(imported.table) if quote_formulas else imported.table
            pc.write_csv(table, temporary, pc.WriteOptions(quoting_style="needed"))
    return imported


def _counts_layout(tree: Tree) -> Layout:
    for layout in tree.published:
        if layout.kind == "counts":
            return layout
    raise TreeError(
        f"{tree.title}: no layout of counts, which would name the columns of the votes",
        argument="tree",
        hint='write a [[published]] of kind = "counts" in its file, or leave all layouts out',
    )


def _read(export: Any, selection: WantedRows) -> tuple[VoteRecords, str]:
    if is_table(export):
        file = open_in_memory(export)
        reader = _reader(file.table.column_names, str(file.path), selection)
        reader(file.table)
        return reader.finish(), str(file.path)
    started: list[ClassificationReader | ReductionReader] = []

    def read(piece: Any) -> Any:
        if not started:
            started.append(_reader(piece.column_names, str(export), selection))
        return started[0](piece)

    require_even_rows(open_table(Path(export), read, argument="export"))
    return started[0].finish(), str(export)


def _reader(
    names: Sequence[str], source: str, selection: WantedRows
) -> ClassificationReader | ReductionReader:
    if set(CLASSIFICATIONS) <= set(names):
        return ClassificationReader(selection)
    if set(REDUCTIONS) <= set(names):
        return ReductionReader(selection)
    raise CatalogError(
        f"{source}: not an export of Zooniverse",
        argument="export",
        wanted=f"classifications ({', '.join(CLASSIFICATIONS)}) or question reductions "
        f"({', '.join(REDUCTIONS)}, data.…)",
        got=first_few(list(names)),
    )


def _subjects(subjects: Any) -> dict[str, Mapping[str, Any]]:
    table = (
        open_in_memory(subjects).table if is_table(subjects) else read_table(subjects, "subjects")
    )
    source = "<subjects in memory>" if is_table(subjects) else str(subjects)
    if not {"subject_id", "metadata"} <= set(table.column_names):
        raise CatalogError(
            f"{source}: not a subject export of Zooniverse",
            argument="subjects",
            wanted="columns subject_id and metadata",
            got=first_few(table.column_names),
        )
    return read_subjects(table.to_pylist(), source)


def _require_one_workflow(records: VoteRecords, source: str, selection: WantedRows) -> None:
    if len(records.workflows) > 1 and selection.workflow is None:
        raise CatalogError(
            f"{source}: classifications of {len(records.workflows)} workflows",
            argument="workflow",
            wanted="one",
            got="\n".join(
                f"{name}: {counted(n, 'row')}" for name, n in records.workflows.most_common(12)
            ),
            hint="name one by `workflow`",
        )


def _require_galaxies(records: VoteRecords, source: str, selection: WantedRows) -> None:
    if records.votes:
        return
    reasons = [f"{count:,} {reason}" for reason, count in records.dropped.most_common(6)]
    hint = None
    if any("without an id" in reason for reason in reasons):
        hint = "name the key of the metadata that has the ids by `id_column`"
    elif any("of another" in reason for reason in reasons):
        hint = "correct `workflow` or `version`"
    raise CatalogError(
        f"{source}: no votes in {counted(records.rows, 'row')}",
        argument="id_column" if selection.id_column else "export",
        got="\n".join(reasons),
        hint=hint,
    )


def _matches(tree: Tree, records: VoteRecords, source: str) -> Matches:
    labels: dict[WorkflowTask, set[str]] = {}
    for votes in records.votes.values():
        for task, label in votes:
            labels.setdefault(task, set()).add(label)
    matches = match_tasks(tree, dict(sorted(labels.items())))
    if matches.answers:
        return matches
    raise CatalogError(
        f"{source}: none of its tasks is a question of {tree.title}",
        argument="tree",
        wanted="\n".join(
            f"{question.text} ({', '.join(answer.name for answer in question.answers)})"
            for question in tree.questions[:4]
        ),
        got="\n".join(
            f"{task.words} ({first_few(sorted(plain(label) for label in labels[task]))}): {why}"
            for task, why in list(matches.unmatched.items())[:6]
        ),
        hint='classifications of another workflow; or write zooniverse = "T0" in each question '
        "and zooniverse = the label in each answer",
    )


def _imported(
    tree: Tree, layout: Layout, records: VoteRecords, matches: Matches, *, retired_only: bool
) -> ImportedVotes:
    dropped: Counter[str] = Counter(records.dropped)
    rows: dict[str, list[Any]] = {name: [] for name in ("id", *layout.columns, *_BESIDE)}
    total = 0
    for galaxy, votes in records.votes.items():
        known = records.galaxies[galaxy]
        if retired_only and not known.retired:
            dropped["votes on galaxies that are not retired"] += sum(votes.values())
            continue
        counts = [0] * len(tree.answers)
        for (task, label), number in votes.items():
            if task in matches.unmatched:
                dropped[f"votes of task {task.words}: {matches.unmatched[task]}"] += number
            elif (answer := matches.answers.get((task, label))) is None:
                question = tree.questions[matches.questions[task]]
                dropped[
                    f"votes of task {task.words}: {plain(label)[:_SHOWN]!r} is no answer of "
                    f"question {question.code}"
                ] += number
            else:
                counts[answer] += number
        total += sum(counts)
        rows["id"].append(galaxy)
        for name, number in zip(layout.columns, counts, strict=True):
            rows[name].append(number)
        beside = (known.classifications, known.retired, " ".join(known.subjects))
        for name, value in zip(_BESIDE, beside, strict=True):
            rows[name].append(value)
    return ImportedVotes(
        table=pa.table(rows),
        tree=tree,
        rows=records.rows,
        votes=total,
        dropped=tuple(dropped.most_common()),
        notes=tuple(_notes(tree, records, matches)),
    )


def _notes(tree: Tree, records: VoteRecords, matches: Matches) -> list[str]:
    notes = []
    for task, question in sorted(matches.questions.items()):
        notes.append(f"Task {task.words} is question {tree.questions[question].code}.")
    if absent := set(range(len(tree.questions))) - set(matches.questions.values()):
        codes = ", ".join(tree.questions[index].code for index in sorted(absent))
        notes.append(f"No task is question {codes}: nobody was asked.")
    if len(records.versions) > 1:
        versions = ", ".join(f"{name} ({n:,})" for name, n in records.versions.most_common(6))
        notes.append(f"{len(records.versions)} versions of the workflow count: {versions}.")
    if several := sum(len(galaxy.subjects) > 1 for galaxy in records.galaxies.values()):
        notes.append(
            f"{counted(several, 'galaxy')} {verb(several, 'is')} several subjects, whose votes are "
            "added."
        )
    if records.late:
        notes.append(
            f"Made after retirement, and counted: {counted(records.late, 'classification')}."
        )
    retired = sum(galaxy.retired for galaxy in records.galaxies.values())
    notes.append(f"Retired: {retired:,} of {counted(len(records.galaxies), 'galaxy')}.")
    if astray := _astray(tree, records, matches):
        notes.append(
            f"Counted, though the volunteer's other answers do not lead to the question: "
            f"{counted(astray, 'vote')}. Are the tree's `asked_of` those of the workflow?"
        )
    return notes


def _astray(tree: Tree, records: VoteRecords, matches: Matches) -> int:
    """Votes for a question to which no other vote of the same person leads."""
    astray = 0
    for path in records.paths:
        answers = {matches.answers[vote] for vote in path if vote in matches.answers}
        codes = {tree.codes[answer] for answer in answers}
        for vote in path:
            if vote in matches.answers:
                asked_of = tree.questions[matches.questions[vote[0]]].asked_of
                astray += bool(asked_of) and codes.isdisjoint(asked_of)
    return astray
