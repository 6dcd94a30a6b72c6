"""The galaxies of a table that are scored, and notes on what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Part
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.derive import derive_classes
from galaxyclass.data.catalog.parts import column_names
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.catalog.tree_votes import read_on_tree
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.valid import require_valid
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.leakage import UsedGalaxies, parts_of
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.images.inspect import digest_files
from galaxyclass.progress import Progress
from galaxyclass.short import counted
from galaxyclass.tasks.task import Task
from galaxyclass.trees.tree import Tree

#: Errors for a training but not for a score: rows without an image are left out, and galaxies of a
#: single class can be scored.
_HARMLESS = ("image_missing", "single_class")


def read_galaxies(
    task: Task,
    auxiliary: Sequence[Task],
    dataset: Dataset,
) -> tuple[Task, Catalog, list[str]]:
    """Read the galaxies that have an image and the targets of a task.

    Returns
    -------
    task : Task
        The task that the table has targets of: one of the `auxiliary` where it has its classes.
    catalog : Catalog
    notes : list of str
        What was left out.

    Raises
    ------
    CatalogError, InvalidCatalogError
        See `galaxyclass.evaluation.evaluate`.
    """
    _require_rule(dataset, task.derivation)
    catalog = _read_as_taught(task, dataset)
    targets = catalog.targets
    if targets is not None and not task.fits(targets):
        task = next((other for other in auxiliary if other.overlaps(targets)), task)
    rule = task.derivation
    from_votes = rule is not None and targets is not None and targets.decision_tree is not None
    if not from_votes:
        if targets is None or not task.fits(targets):
            raise CatalogError(
                f"{dataset.name}: does not have what the run predicts",
                wanted=task.wanted,
                got="neither votes, classes nor numbers" if targets is None else targets.words,
                hint=task.target_hint,
            )
        task.require_overlap(targets, dataset.name)
    valid, notes = _valid_with_image(catalog, dataset)
    if rule is not None and from_votes:
        derived = derive_classes(valid, rule)
        lost = counted(len(valid) - len(derived), "galaxy")
        notes.append(
            f"The classes are derived from the votes by the rule {rule!r}, as in the training; "
            f"not scored, since in no class or in two: {lost}."
        )
        valid = derived
    if not valid.known.all():
        known = valid.known
        lost = counted(int((~known).sum()), "galaxy")
        notes.append(f"Not scored, for want of a known class or vote: {lost}.")
        valid = valid.take(np.flatnonzero(known))
    return task, valid, notes


def _read_as_taught(task: Task, dataset: Dataset) -> Catalog:
    """Read the table as the model's training table was, unless the data set says otherwise."""
    stated = {
        "target_column": dataset.target_column,
        "numbers": dataset.numbers,
        "missing": dataset.missing,
        "counts": dataset.counts,
    }
    columns = [] if dataset.table is None else column_names(dataset.table)
    arguments: dict[str, Any] = {} if any(stated.values()) else task.table_arguments(columns)
    arguments |= {name: value for name, value in stated.items() if value}
    arguments["tree"] = _tree(dataset, task)
    read = partial(
        read_catalog,
        dataset.images,
        dataset.table,
        id_column=dataset.id_column,
        id_map=dataset.id_map,
        **arguments,
    )
    return read_on_tree(dataset.tree, dataset.table, dataset.target_column, read)


def _valid_with_image(catalog: Catalog, dataset: Dataset) -> tuple[Catalog, list[str]]:
    """The galaxies without errors that have an image, and notes on the others."""
    findings = [finding for finding in check(catalog) if finding.code not in _HARMLESS]
    missing = catalog.paths == ""
    notes = []
    if missing.any():
        lost = counted(int(missing.sum()), "row of the table", "rows of the table")
        notes.append(f"Not scored, for want of an image: {lost}.")
        without_image = set(np.flatnonzero(missing).tolist())
        findings = [finding for finding in findings if finding.index not in without_image]
    valid, left_out = require_valid(catalog, findings, dataset.skip_invalid)
    if left_out:
        rows = [error.index if error.index is not None else -(error.row or 0) for error in left_out]
        notes.append(
            "Not scored, because of errors (`galaxyclass.validate` lists them): "
            f"{counted(len(set(rows)), 'galaxy')}."
        )
    return valid.take(np.flatnonzero(valid.paths != "").astype(np.int64)), notes


def _tree(dataset: Dataset, task: Task) -> Tree | None:
    """The tree that the table is read on: the model's, with the data set's names of columns."""
    if dataset.tree is None or task.decision_tree is None or dataset.tree == task.decision_tree:
        return dataset.tree or task.decision_tree
    raise CatalogError(
        f"{dataset.name}: its votes are on another tree than those of the model",
        argument="tree",
        wanted=f"{task.decision_tree!r}",
        got=f"{dataset.tree!r}{_difference(dataset.tree, task.decision_tree)}",
        hint="leave `tree` out: a model brings the one that it was trained on",
    )


def _difference(tree: Tree, other: Tree) -> str:
    """The first question in which two trees differ, in words."""
    for question, other_question in zip(tree.questions, other.questions, strict=False):
        if question != other_question:
            return f"; question {question.code} ({question.key}) differs"
    return ""


def _require_rule(dataset: Dataset, rule: str | None) -> None:
    """Refuse a data set whose rule for classes is not the model's."""
    if dataset.classes not in (None, rule):
        raise CatalogError(
            f"{dataset.name}: its classes are derived by another rule than those of the model",
            wanted="votes as they are" if rule is None else f"the rule {rule!r}",
            got=f"the rule {dataset.classes!r}",
            hint="leave out the rule: a model that needs one brings its own",
        )


def _none_of(part: Part, galaxies: int) -> str:
    """That a part has no galaxies, in words."""
    if part == "unseen":
        return f"the run was trained on all {galaxies:,} galaxies with an image"
    return f"none of the {galaxies:,} galaxies with an image was in the run's {part} part"


def choose(
    catalog: Catalog,
    used: UsedGalaxies | None,
    part: Part,
    workers: int | None,
    progress: Progress,
) -> tuple[Catalog, NDArray[np.object_], list[str]]:
    """Choose the galaxies of a part.

    Returns
    -------
    catalog : Catalog
        Those that are scored.
    parts : (galaxies,) of str
        The part of the training that each was in; ``new`` or ``unknown`` where it was in none.
    notes : list of str

    Raises
    ------
    RunError
        None is left.
    """
    if used is None:
        return catalog, np.full(len(catalog), "unknown", dtype=object), []
    digests: Sequence[str] = [""] * len(catalog)
    if any(used.digests.values()):
        digests = digest_files(catalog.paths.tolist(), workers, progress)
    parts = parts_of(used, catalog.ids.values.tolist(), digests)
    trained = parts == "train"
    wanted = {"unseen": ~trained, "all": parts != ""}.get(part, parts == part)
    chosen = np.flatnonzero(wanted).astype(np.int64)
    if not len(chosen):
        raise RunError(
            f"no galaxy to score: {_none_of(part, len(catalog))}",
            got=None if part == "unseen" else f"{trained.sum():,} that the run was trained on",
            hint="score other galaxies; `part='all'` scores these too",
        )
    notes = []
    if part == "unseen" and trained.any():
        other = ~np.isin(catalog.ids.values, list(used.ids["train"])) & trained
        alone = f", {other.sum():,} of them by the image alone" if other.any() else ""
        lost = counted(int(trained.sum()), "galaxy")
        notes.append(f"Not scored, since part of the training: {lost}{alone}.")
    return catalog.take(chosen), parts[chosen], notes
