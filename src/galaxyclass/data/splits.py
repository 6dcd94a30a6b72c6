"""Splitting a catalog by galaxy: seeded, stratified by class, identical images on one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import CatalogError
from galaxyclass.short import counted


def split(
    catalog: Catalog,
    fractions: Mapping[str, float],
    seed: int,
    digests: NDArray[np.bytes_] | Sequence[str] | None = None,
) -> NDArray[np.object_]:
    """Draw the part of each galaxy.

    Rows with the same id, and images with the same digest, stay together. Each part has its share
    of the galaxies to the nearest whole number, and its share of every class to one or two
    galaxies (groups of several rows can shift this by their size). The result depends on the ids
    and the seed, not on the order of the rows.

    Parameters
    ----------
    catalog : Catalog
    fractions : mapping of str to float
        Part -> share of the galaxies; they sum to 1.
    seed : int
    digests : (galaxies,) S16, or sequence of str, optional
        The digest of each galaxy's image file, as bytes or as text; empty where it is not known.

    Returns
    -------
    (galaxies,) of str
        The part of each galaxy.

    Raises
    ------
    CatalogError
        The shares do not sum to 1, or a part would be empty.

    Notes
    -----
    Galaxies, shuffled and then sorted by class, are dealt to the parts in turn, each part as often
    as its share says (Webster's method; a part gets its k-th galaxy at time (k + 1/2) / share). So
    every stretch of the sequence, and every class, is shared out nearly as the whole is.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from galaxyclass.data.catalog.read import read_catalog
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number in range(10):
    ...     (folder / f"{number}.jpg").touch()
    >>> parts = split(read_catalog(folder), {"train": 0.8, "validation": 0.2}, seed=1)
    >>> int((parts == "train").sum())
    8
    """
    if min(fractions.values(), default=-1.0) < 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise CatalogError(
            "the shares of the parts do not sum to 1",
            wanted="shares of 0 or more that sum to 1",
            got=", ".join(f"{part} {share:g}" for part, share in fractions.items()),
        )
    ids = catalog.ids.values.astype(str)
    groups, first = _groups(ids, digests)
    labels = np.zeros(len(first), dtype=np.int64)
    if catalog.targets is not None:
        labels = catalog.targets.strata[first]
    shuffled = np.random.default_rng(seed).permutation(len(first))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = _counts(len(first), fractions)
    empty = [part for part, share in fractions.items() if share > 0 and counts[part] == 0]
    if empty:
        raise CatalogError(
            f"the part {empty[0]!r} would have no galaxy",
            wanted=f"{fractions[empty[0]]:.0%} of the galaxies",
            got=f"{counted(len(first), 'different galaxy')} in all",
            hint="add galaxies, or change the shares",
        )
    part_of_group = np.empty(len(first), dtype=object)
    part_of_group[order] = _turns(counts)
    return part_of_group[groups]


def _groups(
    ids: NDArray[np.str_], digests: NDArray[np.bytes_] | Sequence[str] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(galaxies,) group numbers, and (groups,) the index of a galaxy of each, ordered by id.

    Galaxies that share an id or a digest are in one group, and so are chains of them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, by_id = np.unique(ids, return_inverse=True)
    count = len(names)
    rows, columns, nodes = by_id, by_id, count
    if digests is not None:
        images = np.asarray(digests)
        codes, by_digest = np.unique(images, return_inverse=True)
        known = images != images.dtype.type()
        rows, columns = by_id[known], by_digest[known] + count
        nodes = count + len(codes)
    edges = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(nodes, nodes))
    _, component = connected_components(edges, directed=False)
    # Name each component by the smallest of its ids, so that the order of rows does not matter.
    _, smallest, named = np.unique(component[:count], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(smallest))
    groups = rank[named][by_id].astype(np.int64)
    # The representative is a row with the smallest id; of several rows with it the label may
    # differ, which `check` reports, so that any will do.
    first_of_id = np.full(count, -1, dtype=np.int64)
    first_of_id[by_id[::-1]] = np.arange(len(ids) - 1, -1, -1)
    return groups, first_of_id[np.sort(smallest)]


def _counts(total: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers that sum to the total, nearest to the shares (largest remainders)."""
    ideal = {part: share * total for part, share in fractions.items()}
    counts = {part: int(number + 1e-9) for part, number in ideal.items()}
    by_remainder = sorted(fractions, key=lambda part: counts[part] - ideal[part])
    for part in by_remainder[: total - sum(counts.values())]:
        counts[part] += 1
    return counts


def _turns(counts: Mapping[str, int]) -> NDArray[np.object_]:
    """The sequence of parts, each as often as its count, and as evenly spread as possible."""
    times = np.concatenate([(np.arange(count) + 0.5) / max(count, 1) for count in counts.values()])
    parts = np.repeat(np.array(list(counts), dtype=object), list(counts.values()))
    turns: NDArray[np.object_] = parts[np.argsort(times, kind="stable")]
    return turns
