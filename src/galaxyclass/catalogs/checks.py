"""Checking a catalog: everything that is wrong with it at once (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.catalogs.catalog import Catalog, ClassTargets, VoteTargets
from galaxyclass.catalogs.findings import KINDS, Finding, finding
from galaxyclass.catalogs.problems import WHOLE_COLUMN_CELLS, WHOLE_COLUMN_SHARE
from galaxyclass.catalogs.records import ImageRecord
from galaxyclass.catalogs.votes import ROUNDING
from galaxyclass.trees import conditional_from_joint, sums_and_targets

#: Fewer galaxies than this are worth a note: a score's interval is then wider than most gains.
FEW_GALAXIES = 200
#: A class this many times smaller than the largest is worth a note, and so is one with few members.
IMBALANCE = 10
FEW_MEMBERS = 10
#: An answer is rare when no more than this share of the galaxies gives it half the votes.
RARE_SHARE = 0.002


def check(catalog: Catalog, records: Mapping[str, ImageRecord] | None = None) -> list[Finding]:
    r"""Everything that is wrong with a catalog, or worth knowing.

    Parameters
    ----------
    catalog : Catalog
    records : mapping of str to ImageRecord, optional
        What is known of each image file, by its path as in ``catalog.paths``. Without it, images
        that cannot be decoded or that are identical cannot be told.

    Returns
    -------
    list of Finding
        By kind in the order of `galaxyclass.catalogs.KINDS` (errors first), then by row.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from galaxyclass.catalogs import read_catalog
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "1.jpg").touch()
    >>> table = folder / "votes.csv"
    >>> _ = table.write_text("id,Class6.1,Class6.2\n1,0.3,0.6\n2,0.5,0.5")
    >>> for one in check(read_catalog(folder, table)):
    ...     print(one.code, one.row, one.id)
    image_missing 3 2
    broken_sum 2 1
    columns_absent None None
    few_galaxies None None
    """
    found = [*catalog.problems, *_duplicates(catalog), *_images(catalog, records or {})]
    if isinstance(catalog.targets, VoteTargets):
        found += [
            *_broken_sums(catalog, catalog.targets),
            *_unknown_votes(catalog, catalog.targets),
        ]
        if len(catalog) >= FEW_GALAXIES:
            found += _rare_answers(catalog, catalog.targets)
    elif isinstance(catalog.targets, ClassTargets):
        found += _classes(catalog, catalog.targets)
    elif catalog.table is None:
        found.append(finding("images_only", f"{catalog.images}: {len(catalog):,} images"))
    if len(catalog) < FEW_GALAXIES:
        found.append(finding("few_galaxies", f"{len(catalog):,} galaxies in all"))
    rank = {code: position for position, code in enumerate(KINDS)}
    return sorted(found, key=lambda one: (rank[one.code], one.row or 0))


def _at(
    catalog: Catalog,
    code: str,
    row: int,
    message: str,
    *,
    column: str | None = None,
    file: str | None = None,
) -> Finding:
    """A finding about one galaxy, its place before the message; the file is the table's or its."""
    name = f"{catalog.ids.column} {catalog.ids.values[row]}"
    if catalog.table is None:
        return finding(
            code,
            f"{catalog.paths[row]}: {message}",
            file=catalog.paths[row],
            id=catalog.ids.values[row],
            index=row,
        )
    return finding(
        code,
        f"{catalog.table}, {catalog.row_word} {catalog.rows[row]}, {name}: {message}",
        file=file or str(catalog.table),
        row=int(catalog.rows[row]),
        id=catalog.ids.values[row],
        column=column,
        index=row,
    )


def _duplicates(catalog: Catalog) -> Iterator[Finding]:
    """Each row after the first that bears its id."""
    for first, row in _repeats(catalog.ids.values.astype(str)):
        message = (
            f"the id stands in {catalog.row_word} {catalog.rows[first]} already"
            if catalog.table is not None
            else f"the same id as {catalog.paths[first]}"
        )
        yield _at(catalog, "duplicate_id", row, message, column=catalog.ids.column)


def _images(catalog: Catalog, records: Mapping[str, ImageRecord]) -> Iterator[Finding]:
    paths = catalog.paths
    for row in np.flatnonzero(paths == "").tolist():
        yield _at(
            catalog,
            "image_missing",
            row,
            f"no image of this name in {catalog.images}",
            column=catalog.ids.column,
        )
    known = [records.get(path) for path in paths.tolist()]
    for row, record in enumerate(known):
        if record is not None and record.error is not None:
            yield _at(catalog, "image_undecodable", row, _one_line(record.error), file=record.path)
    yield from _identical(catalog, known)
    sizes = Counter(
        (record.width, record.height)
        for record in {record.path: record for record in known if record is not None}.values()
        if record.error is None
    )
    if len(sizes) > 1:
        several = ", ".join(f"{w}x{h} ({n:,})" for (w, h), n in sizes.most_common(4))
        more = f" and {len(sizes) - 4} more" if len(sizes) > 4 else ""
        yield finding("mixed_sizes", f"{catalog.images}: {several}{more}")
    for path in catalog.unlisted:
        yield finding("image_without_row", f"{path}: no row in {catalog.table}", file=path)


def _identical(catalog: Catalog, records: Sequence[ImageRecord | None]) -> Iterator[Finding]:
    """Each galaxy whose image is that of an earlier one with another id."""
    keys = np.array(
        [
            path if record is None or record.digest == "" else record.digest
            for path, record in zip(catalog.paths.tolist(), records, strict=True)
        ],
        dtype=str,
    )
    ids = catalog.ids.values
    for first, row in _repeats(keys):
        if keys[row] == "" or ids[first] == ids[row]:
            continue
        where = f" ({catalog.row_word} {catalog.rows[first]})" if catalog.table is not None else ""
        message = (
            f"{catalog.paths[row]} is byte for byte the image of "
            f"{catalog.ids.column} {ids[first]}{where}"
        )
        yield _at(catalog, "identical_images", row, message, file=catalog.paths[row])


def _repeats(keys: NDArray[np.str_]) -> list[tuple[int, int]]:
    """(first, row) of each row whose key stands in an earlier row."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    first_of = first[inverse]
    rows = np.flatnonzero(first_of != np.arange(len(keys)))
    return list(zip(first_of[rows].tolist(), rows.tolist(), strict=True))


def _broken_sums(catalog: Catalog, targets: VoteTargets) -> Iterator[Finding]:
    tree, layout = targets.tree, targets.layout
    if layout.kind == "joint":
        sums, wanted = sums_and_targets(tree, targets.fractions)
        everyone = "the answers of everyone must sum to 1"
    else:
        # A conditional fraction is judged as it stands in the table: times a small share of
        # people, the same mistake would hide below the tolerance.
        shares = conditional_from_joint(tree, targets.fractions)
        sums = np.stack([shares[:, where].sum(axis=1) for where in tree.slices], axis=1)
        wanted = np.ones_like(sums)
        everyone = "the answers of those who were asked must sum to 1"
    with np.errstate(invalid="ignore"):
        broken = np.abs(sums - wanted) > layout.tolerance + ROUNDING
    for number, question in enumerate(tree.questions):
        rows = np.flatnonzero(broken[:, number])
        columns = layout.columns[tree.slices[number]]
        name = f"question {question.code} ({question.key}), {columns[0]} to {columns[-1]}"
        if layout.kind == "joint" and question.asked_of:
            asked = " + ".join(layout.columns[tree.codes.index(c)] for c in question.asked_of)
            rule = f"{asked} leads to it"
        else:
            rule = everyone
        if len(rows) > WHOLE_COLUMN_CELLS and len(rows) > WHOLE_COLUMN_SHARE * len(catalog):
            row = int(rows[0])
            yield finding(
                "broken_sum",
                f"{catalog.table}: {name}: {len(rows):,} of {len(catalog):,} rows, the first in "
                f"{catalog.row_word} {catalog.rows[row]}: the sum is {sums[row, number]:.4g}, "
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
            yield _at(catalog, "broken_sum", row, message, column=columns[0])


def _unknown_votes(catalog: Catalog, targets: VoteTargets) -> Iterator[Finding]:
    tree, columns = targets.tree, targets.layout.columns
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
                f"{count:,} of {len(catalog):,} galaxies{whole}",
                file=str(catalog.table),
                column=columns[where.start],
            )


def _rare_answers(catalog: Catalog, targets: VoteTargets) -> Iterator[Finding]:
    known = ~np.isnan(targets.fractions).all(axis=0)
    with np.errstate(invalid="ignore"):
        clear = (targets.fractions >= 0.5).sum(axis=0)
    rare = np.flatnonzero(known & (clear <= RARE_SHARE * len(catalog)))
    if len(rare):
        answers = [f"{targets.tree.answers[a].name} ({int(clear[a])})" for a in rare]
        yield finding(
            "rare_answers",
            f"{catalog.table}: {len(rare)} of {int(known.sum())} answers, with the number of "
            f"galaxies that have half the votes or more: {', '.join(answers)}",
            file=str(catalog.table),
        )


def _classes(catalog: Catalog, targets: ClassTargets) -> Iterator[Finding]:
    source = str(catalog.table or catalog.images)
    for row in np.flatnonzero(targets.labels < 0).tolist():
        message = (
            f"column {targets.column!r} is empty"
            if catalog.table is not None
            else "the image lies in no folder of a class"
        )
        yield _at(catalog, "class_missing", row, message, column=targets.column)
    if len(targets.classes) < 2:
        only = ", ".join(repr(name) for name in targets.classes) or "none"
        yield finding(
            "single_class",
            f"{source}: the class of every galaxy is {only}"
            + ("" if catalog.table else "; each folder is a class unless a --table says otherwise"),
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
            + ", ".join(f"{targets.classes[c]} {counts[c]:,}" for c in rarest[:6])
            + (f" and {len(small) - 6} more" if len(small) > 6 else "")
            + f"; the largest is {targets.classes[largest]}, {counts[largest]:,}",
            file=source,
            column=targets.column,
        )


def _one_line(text: str) -> str:
    """A message of several lines (what, wanted, got) in one."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines())
