"""Checking the votes, classes or numbers of a catalog (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.class_columns import candidates_of
from galaxyclass.data.catalog.votes import ROUNDING
from galaxyclass.data.checks.finding_location import galaxy_finding, is_whole_column
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.short import counted, first_few
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.numbers.targets import NumberTargets
from galaxyclass.tasks.votes.targets import VoteTargets
from galaxyclass.trees.algebra import conditional_from_joint, sums_and_targets

#: Fewer galaxies than this give a note; they are too few to call an answer rare. Of 200, a
#: validation part of 15 % has 30: an accuracy of 0.9 is known to 0.11 then, and no better.
FEW_GALAXIES = 200
#: Fewer than this are too few for any training: `galaxyclass.finetune` refuses them, too.
FEWEST_GALAXIES = 10
#: A class this many times smaller than the largest gives a note, and so does one with few members.
IMBALANCE = 10
FEW_MEMBERS = 10
#: An answer is rare when no more than this share of the galaxies gives it half the votes.
RARE_SHARE = 0.002
#: A number is far from all others where its distance from the median is more than so many times
#: that of half of all numbers.
OUTLIER = 20


def check_votes(catalog: Catalog, targets: VoteTargets) -> Iterator[Finding]:
    """Broken sums, unknown votes, and rare answers."""
    yield from find_broken_sums(catalog, targets)
    yield from unknown_votes(catalog, targets)
    if len(catalog) >= FEW_GALAXIES:
        yield from rare_answers(catalog, targets)


def find_broken_sums(catalog: Catalog, targets: VoteTargets) -> Iterator[Finding]:
    """Questions whose answers do not sum to the fraction that leads to them."""
    tree, layout = targets.tree, targets.layout
    if layout.kind == "joint":
        sums, wanted = sums_and_targets(tree, targets.fractions)
        everyone = "the answers of everyone must sum to 1"
    else:
        # Conditional fractions are checked as they are in the table. Multiplied by a small share
        # of people, the same mistake would be below the tolerance.
        shares = conditional_from_joint(tree, targets.fractions)
        sums = np.stack([shares[:, where].sum(axis=1) for where in tree.slices], axis=1)
        wanted = np.ones_like(sums)
        everyone = "the answers of those who were asked must sum to 1"
    with np.errstate(invalid="ignore"):
        broken = np.abs(sums - wanted) > layout.tolerance + ROUNDING
    for number, question in enumerate(tree.questions):
        rows = np.flatnonzero(broken[:, number])
        columns = targets.table_columns[tree.slices[number]]
        name = f"question {question.code} ({question.key}), {columns[0]} to {columns[-1]}"
        if layout.kind == "joint" and question.asked_of:
            asked = " + ".join(
                targets.table_columns[tree.codes.index(c)] for c in question.asked_of
            )
            rule = f"{asked} leads to it"
        else:
            rule = everyone
        if is_whole_column(len(rows), len(catalog)):
            row = int(rows[0])
            yield finding(
                "broken_sum",
                f"{catalog.table}: {name}: {len(rows):,} of {len(catalog):,} rows, the first in "
                f"{catalog.line_of(row)}: the sum is {sums[row, number]:.4g}, "
                f"wanted {wanted[row, number]:.4g} ({rule})",
                file=str(catalog.table),
                column=columns[0],
            )
            continue
        for row in rows.tolist():
            message = (
                f"{name}: the sum is {sums[row, number]:.4g}, "
                f"wanted {wanted[row, number]:.4g} ({rule})"
            )
            yield galaxy_finding(catalog, "broken_sum", row, message, column=columns[0])


def unknown_votes(catalog: Catalog, targets: VoteTargets | CountTargets) -> Iterator[Finding]:
    """Absent or empty columns, and for how many galaxies a question is unknown."""
    tree, columns = targets.tree, targets.table_columns
    if np.isnan(targets.fractions).all():
        yield finding(
            "no_target",
            f"{catalog.table}: no cell of the vote columns holds a fraction",
            file=str(catalog.table),
        )
    absent = [columns[answer] for answer in np.flatnonzero(~targets.present)]
    if absent:
        yield finding(
            "columns_absent",
            f"{catalog.table}: {len(absent)} of {len(columns)} answers of {tree.title}: "
            + ", ".join(absent[:4])
            + (" …" if len(absent) > 4 else ""),
            file=str(catalog.table),
        )
    for question, where in zip(tree.questions, tree.slices, strict=True):
        if not targets.present[where].any():
            continue
        count = int(np.isnan(targets.fractions[:, where]).any(axis=1).sum())
        if count:
            whole = " (all: the columns are empty)" if count == len(catalog) else ""
            yield finding(
                "votes_unknown",
                f"{catalog.table}: question {question.code} ({question.key}): "
                f"{count:,} of {counted(len(catalog), 'galaxy')}{whole}",
                file=str(catalog.table),
                column=columns[where.start],
            )


def rare_answers(catalog: Catalog, targets: VoteTargets | CountTargets) -> Iterator[Finding]:
    """Answers that have half the votes of hardly any galaxy."""
    known = ~np.isnan(targets.fractions).all(axis=0)
    with np.errstate(invalid="ignore"):
        clear = (targets.fractions >= 0.5).sum(axis=0)
    rare = np.flatnonzero(known & (clear <= RARE_SHARE * len(catalog)))
    if len(rare):
        answers = [f"{targets.tree.answers[answer].name} ({int(clear[answer])})" for answer in rare]
        yield finding(
            "rare_answers",
            f"{catalog.table}: {len(rare)} of {int(known.sum())} answers, with the number of "
            f"galaxies that have half the votes or more: {', '.join(answers)}",
            file=str(catalog.table),
        )


def check_counts(catalog: Catalog, targets: CountTargets) -> Iterator[Finding]:
    """Unknown votes, rare answers, and votes that are no whole numbers."""
    yield from unknown_votes(catalog, targets)
    if len(catalog) >= FEW_GALAXIES:
        yield from rare_answers(catalog, targets)
    with np.errstate(invalid="ignore"):
        parted = np.abs(targets.counts - np.rint(targets.counts)) > 1e-3
    columns = np.flatnonzero(parted.any(axis=0))
    if len(columns):
        name = targets.table_columns[columns[0]]
        row = int(np.flatnonzero(parted[:, columns[0]])[0])
        yield finding(
            "counts_not_whole",
            f"{catalog.table}: {counted(len(columns), 'column')}, the first {name!r}: "
            f"{targets.counts[row, columns[0]]:g} in {catalog.line_of(row)}",
            file=str(catalog.table),
            column=name,
        )


def check_classes(catalog: Catalog, targets: ClassTargets) -> Iterator[Finding]:
    """Galaxies without a class, too few classes, classes of very different size."""
    source = str(catalog.table or catalog.images)
    unknown = targets.labels < 0
    if catalog.parts is not None:  # contests do not publish the classes of the test part
        unpublished = unknown & (catalog.parts == "test")
        unknown &= ~unpublished
        if unpublished.any():
            yield finding(
                "test_without_class",
                f"{source}: {int(unpublished.sum()):,} of {int((catalog.parts == 'test').sum()):,} "
                "galaxies of the test part",
                file=source,
                column=targets.column,
            )
    for row in np.flatnonzero(unknown).tolist():
        message = (
            f"column {targets.column!r} is empty"
            if catalog.table is not None
            else "the image is not in the folder of a class"
        )
        yield galaxy_finding(catalog, "class_missing", row, message, column=targets.column)
    if len(targets.classes) < 2:
        only = ", ".join(repr(name) for name in targets.classes) or "none"
        others = [] if catalog.other is None else candidates_of(catalog.other, ())
        yield finding(
            "single_class",
            f"{source}: the class of every galaxy is {only}"
            + ("" if catalog.table else "; each folder is a class unless a `table` says otherwise")
            + (f"; `target_column={others[0]!r}` could be the class" if others else ""),
            file=source,
            column=targets.column,
        )
        return
    counts = np.bincount(targets.labels[targets.labels >= 0], minlength=len(targets.classes))
    small = np.flatnonzero((counts < FEW_MEMBERS) | (IMBALANCE * counts < counts.max()))
    if len(small):
        rarest = small[np.argsort(counts[small], kind="stable")]
        largest = int(counts.argmax())
        yield finding(
            "class_imbalance",
            f"{source}: "
            + first_few([f"{targets.classes[label]} {counts[label]:,}" for label in rarest], 6)
            + f"; the largest is {targets.classes[largest]}, {counts[largest]:,}",
            file=source,
            column=targets.column,
        )


def check_numbers(catalog: Catalog, targets: NumberTargets) -> Iterator[Finding]:
    """Unknown numbers, columns of one value or of two, and values far from all others."""
    source = str(catalog.table)
    for index, name in enumerate(targets.columns):
        values = targets.numbers[:, index].astype(np.float64)
        unknown = np.isnan(values)
        known, rows = values[~unknown], np.flatnonzero(~unknown)
        if not len(known):
            yield finding(
                "no_target",
                f"{source}: no cell of column {name!r} holds a known number",
                file=source,
                column=name,
            )
            continue
        if unknown.any():
            yield finding(
                "numbers_missing",
                f"{source}: column {name!r}: no known number of {int(unknown.sum()):,} of "
                f"{counted(len(catalog), 'galaxy')}",
                file=source,
                column=name,
            )
        distinct = np.unique(known)
        if len(distinct) < 3:
            code = "constant_number" if len(distinct) == 1 else "number_classes"
            words = " and ".join(f"{value:g}" for value in distinct)
            yield finding(
                code, f"{source}: column {name!r}: only {words}", file=source, column=name
            )
            continue
        middle = np.median(known)
        size = np.median(np.abs(known - middle)) or known.std()
        away = np.abs(known - middle) / size
        far = np.flatnonzero(away > OUTLIER)
        if len(far):
            worst = int(far[np.argmax(away[far])])
            yield finding(
                "number_outliers",
                f"{source}: column {name!r}: {len(far):,} of {len(known):,} are more than "
                f"{OUTLIER} times as far from the median ({middle:g}) as half of all; the farthest "
                f"is {known[worst]:g}, in {catalog.line_of(int(rows[worst]))}",
                file=source,
                column=name,
            )


#: Kind of target -> its check, from (catalog, targets) to findings.
TARGET_CHECKS: dict[str, Callable[[Catalog, Any], Iterator[Finding]]] = {
    VoteTargets.kind: check_votes,
    ClassTargets.kind: check_classes,
    NumberTargets.kind: check_numbers,
    CountTargets.kind: check_counts,
}
