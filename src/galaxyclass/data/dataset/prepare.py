"""`prepare`: read, pack and check the images and the table of a data set."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.derive import derive_classes
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.findings import Finding
from galaxyclass.data.checks.unused_galaxies import unused_of
from galaxyclass.data.checks.valid import require_valid
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError
from galaxyclass.images.packs.read import Pack
from galaxyclass.images.packs.write import pack
from galaxyclass.images.reading_notes import reading_notes
from galaxyclass.images.records import hex_digests
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.kinds import fit_task
from galaxyclass.tasks.targets import Targets, Values
from galaxyclass.tasks.task import Task
from galaxyclass.trees.column_names import questions_of

log = logging.getLogger(__name__)

#: Ids and digests whose text is made at a time.
_HASHED_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Sample:
    """Valid galaxies with their cutouts and targets, as trainings and baselines use them.

    Attributes
    ----------
    catalog : Catalog
        Of the valid galaxies.
    left_out : sequence of Finding
        The errors of the galaxies that were left out.
    pack : Pack
    rows : (galaxies,) int64
        The row of each in the pack.
    digests : (galaxies,) S16
        Of the image files (`galaxyclass.images.records`).
    labelling : str
        See `Dataset`; empty where it has no name.
    unused : tuple of Unused
        What of files, columns and rows was not used.
    """

    catalog: Catalog
    left_out: Sequence[Finding]
    pack: Pack
    rows: NDArray[np.int64]
    digests: NDArray[np.bytes_]
    labelling: str = ""
    unused: tuple[Unused, ...] = ()

    @property
    def targets(self) -> Targets:
        """What is known of the galaxies."""
        assert self.catalog.targets is not None, "prepare refuses catalogs without targets"
        return self.catalog.targets

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-128 in hex of ids, images, targets and parts of tables: equal for equal data."""
        hasher = hashlib.blake2b(digest_size=16)
        _add_lines(hasher, self.catalog.ids.values, list)
        _add_lines(hasher, self.digests, hex_digests)
        hasher.update(self.targets.to_bytes())
        if self.catalog.parts is not None:
            hasher.update("\n".join(self.catalog.parts).encode())
        return hasher.hexdigest()

    def take(self, indices: NDArray[np.int64]) -> Sample:
        """The galaxies at (n,) indices."""
        return replace(
            self,
            catalog=self.catalog.take(indices),
            rows=self.rows[indices],
            digests=self.digests[indices],
        )

    def values(self, indices: NDArray[np.int64]) -> Values:
        """(n, …) the values of the galaxies at (n,) indices (`Targets.values`)."""
        return self.targets.values(indices)

    def task(self, training: NDArray[np.int64]) -> Task:
        """The task of predicting the targets; ``training`` are (n,) indices."""
        task = fit_task(self.targets, training)
        return task.labelled(self.labelling) if self.labelling else task


def _add_lines(
    hasher: hashlib.blake2b, values: NDArray[Any], words: Callable[[NDArray[Any]], Iterable[str]]
) -> None:
    """Add a line for each value, in batches that bound the memory."""
    for start in range(0, len(values), _HASHED_AT_ONCE):
        lines = "\n".join(words(values[start : start + _HASHED_AT_ONCE]))
        hasher.update(f"\n{lines}".encode() if start else lines.encode())


def prepare(
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    cache: str | Path | None,
    workers: int | None,
    progress: Progress,
) -> Sample:
    """Read, pack and check galaxies.

    Raises
    ------
    CatalogError
        The table cannot be understood, or has nothing to train on.
    InvalidCatalogError
        Some galaxies would make the training wrong, and `skip_invalid` is off.
    """
    catalog = dataset.as_read
    if catalog.targets is None:
        others = [
            f"not used: {each.names} ({each.why})"
            for each in catalog.unused
            if each.kind == "columns"
        ]
        raise CatalogError(
            f"{dataset.name}: nothing to train on",
            wanted="columns of vote fractions, a class column, a folder for each class, or numbers",
            got="\n".join(["only ids and images", *others]),
            hint=_hint_of_targets(dataset, catalog),
        )
    files, _ = catalog.files()
    for note in reading_notes(files, preprocessing):
        log.info("%s", note)
    packed = pack(files, preprocessing, cache=cache, workers=workers, progress=progress)
    facts = packed.records.facts()
    findings = check(catalog, facts)
    for finding in findings:
        # Logged, as it is easily overlooked: a column that was meant to be votes and is not read.
        if finding.code == "unknown_column":
            log.warning("%s", finding.message)
    whole = catalog
    catalog, left_out = require_valid(catalog, findings, dataset.skip_invalid)
    unused = unused_of(whole, left_out)
    if dataset.classes is not None:
        catalog = derive_classes(catalog, dataset.classes)
    catalog = _with_label(catalog)
    indices = pc.index_in(pa.array(catalog.paths, pa.string()), pa.array(files, pa.string()))
    rows = indices.to_numpy().astype(np.int64)
    return Sample(
        catalog,
        left_out,
        packed,
        rows,
        facts.digests[rows],
        labelling=dataset.labelling or "",
        unused=unused,
    )


def _hint_of_targets(dataset: Dataset, catalog: Catalog) -> str:
    """How to name what is to be learnt."""
    if dataset.table is None:
        return "give a `table`"
    names = [] if catalog.other is None else catalog.other.column_names
    if questions_of(names):
        table = repr(str(catalog.table)) if catalog.table is not None else "table"
        return (
            "for votes on a tree of your own, give the tree by `tree`; "
            f"`galaxyclass.guess_tree({table})` makes one of the table"
        )
    return "name the class by `target_column`, or numbers by `numbers`"


def _with_label(catalog: Catalog) -> Catalog:
    """The catalog without galaxies of which no label, vote or number is known."""
    unknown = ~catalog.known
    if not unknown.any():
        return catalog
    if catalog.parts is not None and (unpublished := unknown & (catalog.parts == "test")).any():
        log.info(
            "%d galaxies of the test part have no class or votes: not scored", unpublished.sum()
        )
    return catalog.take(np.flatnonzero(~unknown))
