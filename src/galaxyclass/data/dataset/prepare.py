"""From images and a table to a sample: read, packed, checked."""

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
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.findings import Finding
from galaxyclass.data.checks.valid import require_sound
from galaxyclass.errors import CatalogError
from galaxyclass.images.packs.read import Pack
from galaxyclass.images.packs.write import pack
from galaxyclass.images.records import hex_digests
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.tasks.outputs import ClassOutputs, Outputs, VoteOutputs
from galaxyclass.tasks.targets import ClassTargets, VoteTargets

log = logging.getLogger(__name__)

#: Ids and digests whose text is made at a time.
_HASHED_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Source:
    """Which galaxies to train on, and how to read their table.

    Attributes
    ----------
    images : Path
        Folder.
    table : Path or None
        None: each sub-folder is a class.
    id_column, target_column : str or None
        None: found by the rule of `catalogs.read_catalog`.
    skip_invalid : bool
        Leave out galaxies with errors instead of refusing them all.
    classes : str or None
        Make classes of the votes by this rule (`catalogs.derive_classes`).
    """

    images: Path
    table: Path | None
    id_column: str | None = None
    target_column: str | None = None
    skip_invalid: bool = False
    classes: str | None = None


@dataclass(frozen=True)
class Sample:
    """Sound galaxies with their cutouts and targets: what learning and baselines read.

    Attributes
    ----------
    catalog : Catalog
        Of the sound galaxies.
    left_out : sequence of Finding
        The errors because of which galaxies were left out.
    pack : Pack
    rows : (galaxies,) int64
        The row of each in the pack.
    digests : (galaxies,) S16
        Of the image files (`catalogs.records.packed_digests`).
    """

    catalog: Catalog
    left_out: Sequence[Finding]
    pack: Pack
    rows: NDArray[np.int64]
    digests: NDArray[np.bytes_]

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-128 in hex of ids, images, targets and given parts: equal for equal data."""
        hasher = hashlib.blake2b(digest_size=16)
        _add_lines(hasher, self.catalog.ids.values, list)
        _add_lines(hasher, self.digests, hex_digests)
        targets = self.catalog.targets
        if isinstance(targets, VoteTargets):
            hasher.update(targets.fractions.tobytes())
        elif isinstance(targets, ClassTargets):
            hasher.update(targets.labels.tobytes())
        if self.catalog.parts is not None:
            hasher.update("\n".join(self.catalog.parts).encode())
        return hasher.hexdigest()

    def take(self, places: NDArray[np.int64]) -> Sample:
        """Some of the galaxies."""
        return replace(
            self,
            catalog=self.catalog.take(places),
            rows=self.rows[places],
            digests=self.digests[places],
        )

    def values(self, places: NDArray[np.int64]) -> NDArray[np.float32] | NDArray[np.int64]:
        """Targets of some galaxies.

        (galaxies, answers) float32 joint fractions with NaN unknown, or (galaxies,) int64 indices
        of classes with -1 unknown.
        """
        targets = self.catalog.targets
        if isinstance(targets, VoteTargets):
            return targets.fractions[places]
        assert isinstance(targets, ClassTargets), "prepare refuses catalogs without targets"
        return targets.labels[places]

    def outputs(self, training: NDArray[np.int64]) -> Outputs:
        """What a model of this catalog gives, and the means of its training galaxies."""
        targets = self.catalog.targets
        if isinstance(targets, VoteTargets):
            fractions = targets.fractions[training]
            known = ~np.isnan(fractions)
            counts = known.sum(axis=0)
            sums = fractions.sum(axis=0, dtype=np.float64, where=known)
            mean = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
            return VoteOutputs(
                targets.tree,
                targets.layout,
                tuple((counts > 0).tolist()),
                tuple(mean.tolist()),
            )
        assert isinstance(targets, ClassTargets), "prepare refuses catalogs without targets"
        labels = targets.labels[training]
        counts = np.bincount(labels[labels >= 0], minlength=len(targets.classes))
        shares = counts / max(1, counts.sum())
        return ClassOutputs(targets.column, targets.classes, tuple(shares.tolist()), targets.rule)


def _add_lines(
    hasher: hashlib.blake2b, values: NDArray[Any], words: Callable[[NDArray[Any]], Iterable[str]]
) -> None:
    """A line each. Not as one text, which would take the memory of all the values once more."""
    for start in range(0, len(values), _HASHED_AT_ONCE):
        lines = "\n".join(words(values[start : start + _HASHED_AT_ONCE]))
        hasher.update(f"\n{lines}".encode() if start else lines.encode())


def prepare(
    source: Source,
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
    catalog = read_catalog(
        source.images,
        source.table,
        id_column=source.id_column,
        target_column=source.target_column,
    )
    if catalog.targets is None:
        raise CatalogError(
            f"{source.table or source.images}: nothing to train on",
            wanted="columns of vote fractions, a class column, or a folder for each class",
            got="only ids and images",
            hint="give a `table`" if source.table is None else "name the class by `target_column`",
        )
    files, _ = catalog.files()
    packed = pack(files, preprocessing, cache=cache, workers=workers, progress=progress)
    facts = packed.records.facts()
    findings = check(catalog, facts)
    for finding in findings:
        # Told where it is easily overlooked: a column that was meant for votes and is not read.
        if finding.code == "unknown_column":
            log.warning("%s", finding.message)
    catalog, left_out = require_sound(catalog, findings, source.skip_invalid)
    if source.classes is not None:
        catalog = derive_classes(catalog, source.classes)
    catalog = _without_secrets(catalog)
    found = pc.index_in(pa.array(catalog.paths, pa.string()), pa.array(files, pa.string()))
    rows = found.to_numpy().astype(np.int64)
    return Sample(catalog, left_out, packed, rows, facts.digests[rows])


def _without_secrets(catalog: Catalog) -> Catalog:
    """Without the galaxies of a given test part of which neither class nor vote is known."""
    if catalog.parts is None:
        return catalog
    secret = ~catalog.known & (catalog.parts == "test")
    if not secret.any():
        return catalog
    log.info("%d galaxies of the test part have no class or votes: not scored", secret.sum())
    return catalog.take(np.flatnonzero(~secret))
