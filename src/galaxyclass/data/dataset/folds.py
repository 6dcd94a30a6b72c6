"""Folds of the training galaxies: each network of a cross-validation leaves one of them out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.errors import CatalogError


def draw_folds(
    tables: Sequence[Sample],
    parts: Sequence[NDArray[np.object_]],
    of_the_task: Sequence[int],
    count: int,
    seed: int,
) -> tuple[NDArray[np.int64], ...]:
    """Deal the training galaxies of some tables to folds of the same size.

    Equal images are in one fold, in whichever tables they are. Classes are dealt evenly. The result
    depends on the images and the seed, not on the order of the rows.

    Parameters
    ----------
    tables : sequence of Sample
    parts : sequence of (galaxies,) of str
        The part of each galaxy, table by table.
    of_the_task : sequence of int
        The numbers of the tables whose training galaxies are dealt; the first has number 0.
    count : int
        How many folds.
    seed : int

    Returns
    -------
    tuple of (galaxies,) int64
        The fold of each galaxy, counted from 1, table by table. 0 where its image has no votes or
        class in the training part of those tables: no network is taught it, or all are.

    Raises
    ------
    CatalogError
        A fold would be empty.
    """
    digests, strata = [], []
    for number in of_the_task:
        sample = tables[number]
        taught = (parts[number] == "train") & sample.targets.known
        digests.append(sample.digests[taught])
        strata.append(sample.targets.strata[taught])
    images, first = np.unique(np.concatenate(digests), return_index=True)
    if len(images) < count:
        raise CatalogError(
            f"{count} folds: one would have no galaxy",
            wanted=f"{count} or more training galaxies with different images",
            got=f"{len(images):,}",
            hint="make fewer folds",
        )
    shuffled = np.random.default_rng([seed, count]).permutation(len(images))
    order = shuffled[np.argsort(np.concatenate(strata)[first][shuffled], kind="stable")]
    fold_of_image = np.empty(len(images), dtype=np.int64)
    fold_of_image[order] = np.arange(len(images)) % count + 1
    folds = []
    for sample in tables:
        at = np.minimum(np.searchsorted(images, sample.digests), len(images) - 1)
        folds.append(np.where(images[at] == sample.digests, fold_of_image[at], 0))
    return tuple(folds)
