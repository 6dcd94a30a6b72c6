"""Checking a catalog: everything that is wrong with it at once (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.catalogs.catalog import Catalog, ClassTargets, VoteTargets
from galaxyclass.catalogs.findings import KINDS, Finding, finding
from galaxyclass.catalogs.places import at
from galaxyclass.catalogs.records import ImageRecord
from galaxyclass.catalogs.target_checks import (
    broken_sums,
    classes,
    rare_answers,
    unknown_votes,
)

#: Fewer galaxies than this are worth a note.
FEW_GALAXIES = 200


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
            *broken_sums(catalog, catalog.targets),
            *unknown_votes(catalog, catalog.targets),
        ]
        if len(catalog) >= FEW_GALAXIES:
            found += rare_answers(catalog, catalog.targets)
    elif isinstance(catalog.targets, ClassTargets):
        found += classes(catalog, catalog.targets)
    elif catalog.table is None:
        found.append(finding("images_only", f"{catalog.images}: {len(catalog):,} images"))
    if len(catalog) < FEW_GALAXIES:
        found.append(finding("few_galaxies", f"{len(catalog):,} galaxies in all"))
    rank = {code: position for position, code in enumerate(KINDS)}
    return sorted(found, key=lambda one: (rank[one.code], one.row or 0))


def _duplicates(catalog: Catalog) -> Iterator[Finding]:
    """Each row after the first that bears its id."""
    for first, row in _repeats(catalog.ids.values.astype(str)):
        message = (
            f"the id stands in {catalog.line_of(first)} already"
            if catalog.table is not None
            else f"the same id as {catalog.paths[first]}"
        )
        yield at(catalog, "duplicate_id", row, message, column=catalog.ids.column)


def _images(catalog: Catalog, records: Mapping[str, ImageRecord]) -> Iterator[Finding]:
    paths = catalog.paths
    for row in np.flatnonzero(paths == "").tolist():
        yield at(
            catalog,
            "image_missing",
            row,
            f"no image of this name in {catalog.images}",
            column=catalog.ids.column,
        )
    known = [records.get(path) for path in paths.tolist()]
    for row, record in enumerate(known):
        if record is not None and record.error is not None:
            yield at(catalog, "image_undecodable", row, _one_line(record.error), file=record.path)
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
        where = f" ({catalog.line_of(first)})" if catalog.table is not None else ""
        message = (
            f"{catalog.paths[row]} is byte for byte the image of "
            f"{catalog.ids.column} {ids[first]}{where}"
        )
        yield at(catalog, "identical_images", row, message, file=catalog.paths[row])


def _repeats(keys: NDArray[np.str_]) -> list[tuple[int, int]]:
    """(first, row) of each row whose key stands in an earlier row."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    first_of = first[inverse]
    rows = np.flatnonzero(first_of != np.arange(len(keys)))
    return list(zip(first_of[rows].tolist(), rows.tolist(), strict=True))


def _one_line(text: str) -> str:
    """A message of several lines (what, wanted, got) in one."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines())
