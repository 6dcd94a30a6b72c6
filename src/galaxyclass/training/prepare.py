"""From images and a table to what a training reads: checked, packed and split."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from galaxyclass.atomic import write_text
from galaxyclass.bundles import ClassOutputs, Outputs, VoteOutputs
from galaxyclass.catalogs import (
    Catalog,
    ClassTargets,
    Finding,
    VoteTargets,
    check,
    read_catalog,
    split,
)
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.packs import Pack, pack
from galaxyclass.progress import Progress
from galaxyclass.recipes import Recipe
from galaxyclass.training.data import Galaxies
from galaxyclass.validation import require_sound

log = logging.getLogger(__name__)


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
    """

    images: Path
    table: Path | None
    id_column: str | None = None
    target_column: str | None = None
    skip_invalid: bool = False


@dataclass(frozen=True)
class Prepared:
    """Galaxies ready to be trained on.

    Attributes
    ----------
    catalog : Catalog
        Of the sound galaxies.
    left_out : sequence of Finding
        The errors because of which galaxies were left out.
    pack : Pack
    rows : (galaxies,) int64
        The row of each in the pack.
    digests : (galaxies,) of str
        Of the image files.
    """

    catalog: Catalog
    left_out: Sequence[Finding]
    pack: Pack
    rows: NDArray[np.int64]
    digests: NDArray[np.object_]

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-128 in hex of ids, images and targets: equal for equal data."""
        hasher = hashlib.blake2b(digest_size=16)
        for values in (self.catalog.ids.values, self.digests):
            hasher.update("\n".join(values).encode())
        targets = self.catalog.targets
        if isinstance(targets, VoteTargets):
            hasher.update(targets.fractions.tobytes())
        elif isinstance(targets, ClassTargets):
            hasher.update(targets.labels.tobytes())
        return hasher.hexdigest()

    def galaxies(self, places: NDArray[np.int64]) -> Galaxies:
        """The galaxies at some places of the catalog, for a loader."""
        targets = self.catalog.targets
        values: NDArray[np.float32] | NDArray[np.int64]
        if isinstance(targets, VoteTargets):
            values = targets.fractions
        else:
            assert isinstance(targets, ClassTargets), "prepare refuses catalogs without targets"
            values = targets.labels
        return Galaxies(self.pack.images, self.rows[places], torch.from_numpy(values[places]))

    def outputs(self, training: NDArray[np.int64]) -> Outputs:
        """What a model of this catalog gives, and the means of its training galaxies."""
        targets = self.catalog.targets
        if isinstance(targets, VoteTargets):
            fractions = targets.fractions[training].astype(np.float64)
            counts = (~np.isnan(fractions)).sum(axis=0)
            sums = np.nansum(fractions, axis=0)
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
        return ClassOutputs(targets.column, targets.classes, tuple(shares.tolist()))


def prepare(
    source: Source,
    recipe: Recipe,
    *,
    cache: Path | None,
    workers: int | None,
    progress: Progress,
) -> Prepared:
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
            todo="give a --table" if source.table is None else "name the class with --target",
        )
    paths = list(dict.fromkeys(path for path in catalog.paths if path))
    packed = pack(paths, recipe.images, cache=cache, workers=workers, progress=progress)
    records = {record.path: record for record in packed.records}
    findings = check(catalog, records)
    catalog, left_out = require_sound(catalog, findings, source.skip_invalid)
    row_of = {record.path: row for row, record in enumerate(packed.records)}
    return Prepared(
        catalog=catalog,
        left_out=left_out,
        pack=packed,
        rows=np.array([row_of[path] for path in catalog.paths], dtype=np.int64),
        digests=np.array([records[path].digest for path in catalog.paths], dtype=object),
    )


def split_parts(prepared: Prepared, recipe: Recipe, seed: int) -> NDArray[np.object_]:
    """The part of each galaxy: train, validation or test; identical images on one side."""
    shares = {
        "train": 1 - recipe.split.validation - recipe.split.test,
        "validation": recipe.split.validation,
        "test": recipe.split.test,
    }
    wanted = {part: share for part, share in shares.items() if share > 0}
    return split(prepared.catalog, wanted, seed, list(prepared.digests))


def write_split(path: Path, prepared: Prepared, parts: NDArray[np.object_]) -> None:
    """Write which galaxy is in which part: columns id, part, digest."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "part", "digest"])
    writer.writerows(zip(prepared.catalog.ids.values, parts, prepared.digests, strict=True))
    write_text(path, text.getvalue())


def write_left_out(path: Path, left_out: Sequence[Finding]) -> None:
    """Write which galaxies were left out and why: columns id, row, problem, message."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "row", "problem", "message"])
    writer.writerows((one.id, one.row, one.code, one.message) for one in left_out)
    write_text(path, text.getvalue())
    log.warning("%d errors: galaxies left out, listed in %s", len(left_out), path)


def read_split(path: Path, prepared: Prepared) -> NDArray[np.object_]:
    """The parts that a run wrote, for the same galaxies in the same order.

    Raises
    ------
    RunError
        The file is missing, or is about other galaxies.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise RunError(f"{path}: cannot be read", got=str(error)) from error
    if [row.get("id") for row in rows] != list(prepared.catalog.ids.values):
        raise RunError(
            f"{path}: lists other galaxies than the run's images and table have now",
            todo="train again, to another --output",
        )
    return np.array([row["part"] for row in rows], dtype=object)
