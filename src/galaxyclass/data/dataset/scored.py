"""Which galaxies of a table are scored, and what is left out, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Part
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.derive import derive_classes
from galaxyclass.data.catalog.parts import column_names
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.valid import require_sound
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.leakage import UsedGalaxies, parts_of
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.images.inspect import digest_files
from galaxyclass.progress import Progress
from galaxyclass.tasks.task import Task

#: Findings that spoil a training but not a score: rows without an image are left out here, and
#: galaxies of a single class can be scored.
_HARMLESS = ("image_missing", "single_class")


def read_galaxies(
    task: Task,
    auxiliary: Sequence[Task],
    dataset: Dataset,
) -> tuple[Task, Catalog, list[str]]:
    """Read the galaxies that have an image and whatever a model of this task predicts.

    Returns
    -------
    task : Task
        Which of the model's the table is about: one of the `auxiliary` where it has those classes.
    catalog : Catalog
    notes : list of str
        What was left out.

    Raises
    ------
    CatalogError, InvalidCatalogError
        See `galaxyclass.evaluation.evaluate`.
    """
    _require_rule(dataset, task.derivation)
    named, target_column = task.target_column, dataset.target_column
    if target_column is None and dataset.table is not None and named is not None:
        target_column = named if named in column_names(dataset.table) else None
    catalog = read_catalog(
        dataset.images,
        dataset.table,
        id_column=dataset.id_column,
        target_column=target_column,
        tree=task.decision_tree,
    )
    targets = catalog.targets
    if targets is not None and not task.fits(targets):
        task = next((one for one in auxiliary if one.overlaps(targets)), task)
    rule = task.derivation
    made_of_votes = rule is not None and targets is not None and targets.decision_tree is not None
    if not made_of_votes:
        if targets is None or not task.fits(targets):
            raise CatalogError(
                f"{dataset.name}: does not have what the run predicts",
                wanted=task.wanted,
                got="neither votes nor classes" if targets is None else targets.words,
                hint=task.target_hint,
            )
        task.require_overlap(targets, dataset.name)
    findings = [one for one in check(catalog) if one.code not in _HARMLESS]
    missing = catalog.paths == ""
    notes = []
    if missing.any():
        notes.append(f"{missing.sum():,} rows of the table have no image and are not scored.")
        gone = set(np.flatnonzero(missing).tolist())
        findings = [one for one in findings if one.index not in gone]
    whole, left_out = require_sound(catalog, findings, dataset.skip_invalid)
    if left_out:
        count = len({one.index if one.index is not None else -(one.row or 0) for one in left_out})
        notes.append(
            f"{count:,} galaxies with errors are not scored (`galaxyclass.validate` lists them)."
        )
    whole = whole.take(np.flatnonzero(whole.paths != "").astype(np.int64))
    if rule is not None and made_of_votes:
        before = len(whole)
        whole = derive_classes(whole, rule)
        notes.append(
            f"The classes are made of the votes by the rule {rule!r}, as in the training; "
            f"{before - len(whole):,} galaxies are in none of them, or in two, and are not scored."
        )
    if not whole.known.all():
        told = whole.known
        notes.append(
            f"{(~told).sum():,} galaxies of which neither class nor vote is known are not scored."
        )
        whole = whole.take(np.flatnonzero(told))
    return task, whole, notes


def _require_rule(dataset: Dataset, rule: str | None) -> None:
    """Refuse a data set whose classes are made by another rule than the model's."""
    if dataset.classes not in (None, rule):
        raise CatalogError(
            f"{dataset.name}: its classes are made by another rule than those of the model",
            wanted="votes as they are" if rule is None else f"the rule {rule!r}",
            got=f"the rule {dataset.classes!r}",
            hint="leave out the rule: a model that needs one brings its own",
        )


def choose(
    catalog: Catalog,
    seen: UsedGalaxies | None,
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
        What each was in the training: one of its parts, ``new`` or ``unknown``.
    notes : list of str

    Raises
    ------
    RunError
        None is left.
    """
    if seen is None:
        return catalog, np.full(len(catalog), "unknown", dtype=object), []
    digests: Sequence[str] = [""] * len(catalog)
    if any(seen.digests.values()):
        digests = digest_files(catalog.paths.tolist(), workers, progress)
    parts = parts_of(seen, catalog.ids.values.tolist(), digests)
    trained = parts == "train"
    wanted = {"unseen": ~trained, "all": parts != ""}.get(part, parts == part)
    chosen = np.flatnonzero(wanted).astype(np.int64)
    if not len(chosen):
        raise RunError(
            f"no galaxy to score: of the {len(catalog):,} galaxies with an image none is {part}",
            got=f"{trained.sum():,} that the run was trained on",
            hint="score other galaxies; `part='all'` would score these",
        )
    notes = []
    if part == "unseen" and trained.any():
        other = ~np.isin(catalog.ids.values, list(seen.ids["train"])) & trained
        notes.append(
            f"{trained.sum():,} galaxies that the run was trained on are not scored"
            + (f", {other.sum():,} of them because of their image alone." if other.any() else ".")
        )
    return catalog.take(chosen), parts[chosen], notes
