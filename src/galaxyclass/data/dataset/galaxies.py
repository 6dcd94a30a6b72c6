"""Which galaxies of a table are scored, and what is left out, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Part
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.derive import derive_classes
from galaxyclass.data.catalog.parts import column_names
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.valid import require_sound
from galaxyclass.data.leakage import UsedGalaxies, parts_of
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.images.inspect import digest_files
from galaxyclass.progress import Progress
from galaxyclass.tasks.outputs import ClassOutputs, Outputs, VoteOutputs
from galaxyclass.tasks.targets import ClassTargets, VoteTargets

#: Findings that spoil a training but not a score: rows without an image are left out here, and
#: galaxies of a single class can be scored.
_HARMLESS = ("image_missing", "single_class")


def read_galaxies(
    outputs: Outputs,
    auxiliary: Sequence[ClassOutputs],
    images: Path,
    table: Path | None,
    *,
    id_column: str | None,
    target_column: str | None,
    skip_invalid: bool,
) -> tuple[Outputs, Catalog, list[str]]:
    """Read the galaxies that have an image and whatever a model of these outputs predicts.

    Returns
    -------
    outputs : VoteOutputs or ClassOutputs
        Which of the model's the table is about: one of the `auxiliary` where it has those classes.
    catalog : Catalog
    notes : list of str
        What was left out.

    Raises
    ------
    CatalogError, InvalidCatalogError
        See `galaxyclass.evaluation.evaluate`.
    """
    if (
        isinstance(outputs, ClassOutputs)
        and target_column is None
        and table is not None
        and outputs.column in column_names(table)
    ):
        target_column = outputs.column
    catalog = read_catalog(
        images,
        table,
        id_column=id_column,
        target_column=target_column,
        tree=outputs.tree if isinstance(outputs, VoteOutputs) else None,
    )
    if isinstance(outputs, VoteOutputs) and isinstance(catalog.targets, ClassTargets):
        known = set(catalog.targets.classes)
        outputs = next((one for one in auxiliary if known & set(one.classes)), outputs)
    votes = isinstance(outputs, VoteOutputs)
    made_of_votes = (
        isinstance(outputs, ClassOutputs)
        and outputs.rule is not None
        and isinstance(catalog.targets, VoteTargets)
    )
    if not made_of_votes and not isinstance(
        catalog.targets, VoteTargets if votes else ClassTargets
    ):
        raise CatalogError(
            f"{table or images}: does not have what the run predicts",
            wanted=f"vote fractions of the tree {outputs.tree.title}"
            if isinstance(outputs, VoteOutputs)
            else f"a class column, such as {outputs.column!r}",
            got=_what(catalog),
            hint=None if votes else "name the class column by `target_column`",
        )
    if isinstance(outputs, ClassOutputs) and isinstance(catalog.targets, ClassTargets):
        _require_shared_class(outputs, catalog.targets, table or images)
    findings = [one for one in check(catalog) if one.code not in _HARMLESS]
    missing = catalog.paths == ""
    notes = []
    if missing.any():
        notes.append(f"{missing.sum():,} rows of the table have no image and are not scored.")
        gone = set(np.flatnonzero(missing).tolist())
        findings = [one for one in findings if one.index not in gone]
    whole, left_out = require_sound(catalog, findings, skip_invalid)
    if left_out:
        count = len({one.index if one.index is not None else -(one.row or 0) for one in left_out})
        notes.append(
            f"{count:,} galaxies with errors are not scored (`galaxyclass.validate` lists them)."
        )
    whole = whole.take(np.flatnonzero(whole.paths != "").astype(np.int64))
    if isinstance(outputs, ClassOutputs) and outputs.rule is not None and made_of_votes:
        before = len(whole)
        whole = derive_classes(whole, outputs.rule)
        notes.append(
            f"The classes are made of the votes by the rule {outputs.rule!r}, as in the training; "
            f"{before - len(whole):,} galaxies are in none of them, or in two, and are not scored."
        )
    if not whole.known.all():
        told = whole.known
        notes.append(
            f"{(~told).sum():,} galaxies of which neither class nor vote is known are not scored."
        )
        whole = whole.take(np.flatnonzero(told))
    return outputs, whole, notes


def _require_shared_class(outputs: ClassOutputs, targets: ClassTargets, source: Path) -> None:
    """Refuse a table of other classes before anything is predicted."""
    if not set(outputs.classes) & set(targets.classes):
        raise CatalogError(
            f"{source}: none of its classes is one that the run knows",
            wanted=", ".join(outputs.classes[:10]),
            got=f"{', '.join(targets.classes[:10])}, in column {targets.column!r}",
            hint="name the right column by `target_column`, or write the classes as in training",
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


def _what(catalog: Catalog) -> str:
    if isinstance(catalog.targets, VoteTargets):
        return f"vote fractions of {catalog.targets.tree.title}"
    if isinstance(catalog.targets, ClassTargets):
        return f"classes, in column {catalog.targets.column!r}"
    return "neither votes nor classes"
