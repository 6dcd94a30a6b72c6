"""The galaxies of a finetuning: which labels are used, and which tables cannot be meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.checks.findings import FINDING_KINDS
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.dataset.prepare import Sample, prepare
from galaxyclass.errors import ArgumentError, CatalogError
from galaxyclass.finetuning.cross_validation import FOLDS
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import counted, first_few
from galaxyclass.tasks.names import is_exact_integer
from galaxyclass.tasks.targets import Targets

#: Galaxies with labels that a finetuning needs at least.
FEWEST_LABELS = 10

#: Whole numbers with more different values than this are no classes, unless each has many galaxies.
_MOST_NUMBERS = 12
_MANY = 20


def read_labels(
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    cache: object,
    workers: int | None,
    progress: Progress,
) -> tuple[Sample, list[str]]:
    """The galaxies with labels, with their cutouts; and notes on what is left out.

    Galaxies that the table says are for test are left out.

    Raises
    ------
    CatalogError
        As for `galaxyclass.data.dataset.prepare.prepare`; and where there are too few labels, or
        they are numbers, names or counts and not classes.
    InvalidCatalogError
        The table has errors, and ``skip_invalid`` is False.
    ArgumentError
        The data set has several tables.
    """
    if dataset.also:
        raise ArgumentError(
            "finetuning learns one table",
            argument="also",
            wanted="a data set of one table",
            got=f"{len(dataset.tables)} tables",
            hint="`galaxyclass.train` learns several",
        )
    sample = prepare(
        dataset,
        preprocessing,
        cache=cache,  # type: ignore[arg-type]
        workers=workers,
        progress=progress,
    )
    notes = [
        f"{problem.message}. They may stand for unknown numbers; {FINDING_KINDS[problem.code].hint}"
        for problem in sample.catalog.problems
        if problem.code == "number_sentinel"
    ]
    used = np.ones(len(sample.rows), bool)
    parts = sample.catalog.parts
    if parts is not None and (parts == "test").any():
        for_test = used & (parts == "test")
        notes.append(
            f"Not used, since in the table's test part: {counted(int(for_test.sum()), 'galaxy')}."
        )
        used &= parts != "test"
    sample = sample.take(np.flatnonzero(used).astype(np.int64))
    require_labels(sample.targets, dataset.name)
    notes += _rare_classes(sample.targets)
    return replace(sample, unused=sample.unused), notes


def require_labels(targets: Targets, source: str) -> None:
    """Refuse labels that no model can learn, or that are no classes.

    Parameters
    ----------
    targets : Targets
        Of the galaxies with labels.
    source : str
        The table, for messages.

    Raises
    ------
    CatalogError
    """
    names, labels = targets.class_names, targets.strata
    counts = np.bincount(labels, minlength=len(names)) if names else np.zeros(0, np.int64)
    present = np.flatnonzero(counts)
    if len(targets) < FEWEST_LABELS:
        raise CatalogError(
            f"{source}: too few labels",
            wanted=f"{FEWEST_LABELS} galaxies with a label or more; 50 are a good beginning",
            got=str(len(targets)),
            hint="label more galaxies: a cross-validation of so few tells nothing",
        )
    if not names:
        return
    column = repr(targets.summary()["column"])
    if len(present) < 2:
        raise CatalogError(
            f"{source}: only one class, in column {column}",
            wanted="two classes or more: galaxies that are not of the class, too",
            got=f"{len(targets):,} galaxies, all {names[present[0]]!r}",
            hint="add galaxies of another class; or name another column by `target_column`",
        )
    if _are_numbers([names[index] for index in present], counts[present]):
        raise CatalogError(
            f"{source}: column {column} looks like counts or measurements, not classes",
            wanted="a class for each galaxy, such as 0 and 1, or names",
            got=f"{len(present)} different whole numbers: "
            f"{first_few([names[index] for index in present])}",
            hint="name the class column by `target_column`, or numbers by `numbers`; counts of "
            "votes need the column names of their tree",
        )
    alone = int((counts == 1).sum())
    if 2 * alone > len(present) or len(targets) < 2 * len(present):
        raise CatalogError(
            f"{source}: column {column} has almost as many values as galaxies",
            wanted="classes: a few values, each of several galaxies",
            got=f"{len(present)} different values of {len(targets)} galaxies, {alone} of them of "
            f"one galaxy alone: {first_few([names[index] for index in present])}",
            hint="name the class column by `target_column`",
        )


def _rare_classes(targets: Targets) -> list[str]:
    """A note where classes have too few galaxies for each fold of a cross-validation."""
    names = targets.class_names
    counts = np.bincount(targets.strata, minlength=len(names)) if names else np.zeros(0, np.int64)
    rare = [
        f"{name!r} ({counted(int(count), 'galaxy')})"
        for name, count in zip(names, counts, strict=True)
        if 0 < count < FOLDS
    ]
    if not rare:
        return []
    return [
        f"Too few galaxies to learn and to score {first_few(rare)}: label {FOLDS} or more of each "
        "class, or leave these out of the table."
    ]


def _are_numbers(names: Sequence[str], counts: NDArray[np.int64]) -> bool:
    """Whether the names of classes are many whole numbers, most of them of few galaxies."""
    return (
        all(map(is_exact_integer, names))
        and len(names) > _MOST_NUMBERS
        and float(np.median(counts)) < _MANY
    )
