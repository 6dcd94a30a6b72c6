"""`check`: everything that is wrong with a catalog, in one list (pure)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.checks.finding_location import galaxy_finding
from galaxyclass.data.checks.findings import FINDING_KINDS, Finding, finding
from galaxyclass.data.checks.target_checks import FEW_GALAXIES, TARGET_CHECKS
from galaxyclass.images.records import ImageFacts
from galaxyclass.short import counted, first_few


def check(catalog: Catalog, facts: ImageFacts | None = None) -> list[Finding]:
    r"""Everything that is wrong with a catalog, or worth knowing.

    Parameters
    ----------
    catalog : Catalog
    facts : ImageFacts, optional
        What is known of each image file, in the order of `Catalog.files`. Without it, images that
        cannot be decoded and identical images are not found.

    Returns
    -------
    list of Finding
        By kind in the order of `FINDING_KINDS` (errors first), then by row.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from galaxyclass.data.catalog.read import read_catalog
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "1.jpg").touch()
    >>> table = folder / "votes.csv"
    >>> _ = table.write_text("id,Class6.1,Class6.2\n1,0.3,0.6\n2,0.5,0.5")
    >>> for finding in check(read_catalog(folder, table)):
    ...     print(finding.code, finding.row, finding.id)
    image_missing 3 2
    broken_sum 2 1
    columns_absent None None
    few_galaxies None None
    """
    findings = [*catalog.problems, *_duplicates(catalog), *_images(catalog, facts)]
    if catalog.targets is not None:
        if (check_targets := TARGET_CHECKS.get(catalog.targets.kind)) is not None:
            findings += check_targets(catalog, catalog.targets)
    elif catalog.table is None:
        findings.append(
            finding("images_only", f"{catalog.images}: {counted(len(catalog), 'image')}")
        )
    if len(catalog) < FEW_GALAXIES:
        findings.append(finding("few_galaxies", f"{counted(len(catalog), 'galaxy')} in all"))
    rank = {code: position for position, code in enumerate(FINDING_KINDS)}
    return sorted(findings, key=lambda each: (rank[each.code], each.row or 0))


def _duplicates(catalog: Catalog) -> Iterator[Finding]:
    """Each row whose id is in an earlier row."""
    number_of: dict[str, int] = {}
    ids = (number_of.setdefault(name, len(number_of)) for name in catalog.ids.values)
    for first, row in _repeats(np.fromiter(ids, np.int64, len(catalog))):
        message = (
            f"the id is in {catalog.line_of(first)} already"
            if catalog.table is not None
            else f"the same id as {catalog.paths[first]}"
        )
        yield galaxy_finding(catalog, "duplicate_id", row, message, column=catalog.ids.column)


def _images(catalog: Catalog, facts: ImageFacts | None) -> Iterator[Finding]:
    files, file_of = catalog.files()
    for row in np.flatnonzero(file_of < 0).tolist():
        yield galaxy_finding(
            catalog,
            "image_missing",
            row,
            f"no image of this name in {catalog.images}",
            column=catalog.ids.column,
        )
    if facts is None:
        facts = ImageFacts(np.zeros(len(files), "S16"), np.zeros((len(files), 2), np.int32), {})
    undecodable = np.array(list(facts.errors), dtype=np.int64)
    for row in np.flatnonzero(np.isin(file_of, undecodable)).tolist():
        message = _one_line(facts.errors[int(file_of[row])])
        yield galaxy_finding(catalog, "image_undecodable", row, message, file=catalog.paths[row])
    yield from _identical(catalog, file_of, facts)
    yield from _sizes(catalog, np.delete(facts.sizes, undecodable, axis=0))
    for path in catalog.unlisted:
        yield finding("image_without_row", f"{path}: no row in {catalog.table}", file=path)


def _sizes(catalog: Catalog, sizes: NDArray[np.int32]) -> Iterator[Finding]:
    """Whether the images have several sizes, the most frequent ones first."""
    codes = np.ascontiguousarray(sizes).view(np.int64).ravel()  # a number for each size
    kinds, first, counts = np.unique(codes, return_index=True, return_counts=True)
    if len(kinds) < 2:
        return
    ordered = np.lexsort((first, -counts))
    several = [
        f"{w}x{h} ({n:,})" for (w, h), n in zip(sizes[first[ordered]], counts[ordered], strict=True)
    ]
    yield finding("mixed_sizes", f"{catalog.images}: {first_few(several)}")


def _identical(
    catalog: Catalog, file_of: NDArray[np.int64], facts: ImageFacts
) -> Iterator[Finding]:
    """Each galaxy whose image is that of an earlier one with another id."""
    image_of = np.arange(len(facts.digests))  # of each file, the first identical one
    known = np.flatnonzero(facts.digests != b"")
    _, earliest, inverse = np.unique(facts.digests[known], return_index=True, return_inverse=True)
    image_of[known] = known[earliest[inverse]]
    ids, rows = catalog.ids.values, np.flatnonzero(file_of >= 0)
    for earlier, later in _repeats(image_of[file_of[rows]]):
        first, row = int(rows[earlier]), int(rows[later])
        if ids[first] == ids[row]:
            continue
        where = f" ({catalog.line_of(first)})" if catalog.table is not None else ""
        message = (
            f"{catalog.paths[row]} is byte for byte the image of "
            f"{catalog.ids.column} {ids[first]}{where}"
        )
        yield galaxy_finding(catalog, "identical_images", row, message, file=catalog.paths[row])


def _repeats(keys: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(first, row) of each row whose key is in an earlier row; keys are integers from 0."""
    rows = np.arange(len(keys))
    first = np.zeros(keys.max(initial=-1) + 1, dtype=np.int64)
    first[keys[::-1]] = rows[::-1]
    repeated = np.flatnonzero(first[keys] != rows)
    return list(zip(first[keys[repeated]].tolist(), repeated.tolist(), strict=True))


def _one_line(text: str) -> str:
    """A message of several lines (what, wanted, got) in one."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines())
