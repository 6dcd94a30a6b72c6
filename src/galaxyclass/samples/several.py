"""The galaxies of one table, or of several that are learnt from together."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.bundles import ClassOutputs, Outputs, VoteOutputs
from galaxyclass.catalogs import ClassTargets, VoteTargets
from galaxyclass.errors import CatalogError
from galaxyclass.progress import Progress
from galaxyclass.recipes import Preprocessing, Split
from galaxyclass.samples.parts import split_parts
from galaxyclass.samples.prepare import Sample, Source, prepare
from galaxyclass.trees import tree_data

#: The part of each galaxy, table by table.
Parts = tuple[NDArray[np.object_], ...]


@dataclass(frozen=True)
class Samples:
    """Samples that a network learns from together.

    Attributes
    ----------
    tables : tuple of Sample
        The first is what the network is for: it gives that table's answers and is scored on it.
        Others of the same tree add galaxies, whatever of the tree they know; others of classes
        are learnt beside it, as further outputs.
    """

    tables: tuple[Sample, ...]

    @property
    def first(self) -> Sample:
        """The sample of the first table."""
        return self.tables[0]

    @property
    def further(self) -> tuple[int, ...]:
        """Which tables have an output of their own: classes beside the first table."""
        return tuple(
            number
            for number, sample in enumerate(self.tables)
            if number and not self._same_outputs(sample)
        )

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-128 in hex of all that is learnt from; of one table that of its sample."""
        if len(self.tables) == 1:
            return self.first.fingerprint
        prints = "".join(sample.fingerprint for sample in self.tables)
        return hashlib.blake2b(prints.encode(), digest_size=16).hexdigest()

    def split(self, shares: Split, seed: int) -> Parts:
        """The part of each galaxy of each table.

        Each table has its shares; an image that stands in several is in one part, that of the
        first of them.
        """
        parts: list[NDArray[np.object_]] = []
        known: dict[str, str] = {}
        for sample in self.tables:
            drawn = np.array([known.get(digest, "") for digest in sample.digests], dtype=object)
            fresh = np.flatnonzero(drawn == "")
            if len(fresh) == len(drawn):
                drawn = split_parts(sample, shares, seed)
            elif len(fresh):
                drawn[fresh] = split_parts(sample.take(fresh), shares, seed)
            known.update(zip(sample.digests, drawn, strict=True))
            parts.append(drawn)
        return tuple(parts)

    def outputs(self, parts: Parts) -> Outputs:
        """What a network of these tables gives: the first's answers, known if any table knows."""
        own = self.first.outputs(_training(parts[0]))
        for sample, drawn in zip(self.tables[1:], parts[1:], strict=True):
            if isinstance(own, VoteOutputs) and self._same_outputs(sample):
                more = sample.outputs(_training(drawn))
                assert isinstance(more, VoteOutputs), "of the same tree"
                means = zip(own.mean, more.mean, strict=True)
                own = replace(
                    own,
                    known=tuple(a or b for a, b in zip(own.known, more.known, strict=True)),
                    mean=tuple(b if math.isnan(a) else a for a, b in means),
                )
        return own

    def further_outputs(self, parts: Parts) -> tuple[ClassOutputs, ...]:
        """What it gives beside them."""
        found = [self.tables[i].outputs(_training(parts[i])) for i in self.further]
        return tuple(one for one in found if isinstance(one, ClassOutputs))

    def galaxies(self, parts: Parts, part: str) -> Chosen:
        """The galaxies of a part: of training those of all tables, otherwise the first's.

        A galaxy whose image stands in a table of classes too has that label; the others of such a
        table are added in training, with no votes.
        """
        further = self.further
        tables, rows = [], []
        values: list[NDArray[Any]] = []
        labels: list[NDArray[np.int64]] = []
        place_of: dict[str, int] = {}
        count = 0
        for number, sample in enumerate(self.tables):
            if number and (part != "train" or number in further):
                continue
            places = np.flatnonzero(parts[number] == part)
            for place, digest in enumerate(sample.digests[places], start=count):
                place_of.setdefault(digest, place)
            count += len(places)
            tables.append(np.full(len(places), number))
            rows.append(sample.rows[places])
            values.append(sample.values(places))
        for number in further:
            sample = self.tables[number]
            places = np.flatnonzero(parts[number] == part)
            own = sample.values(places)
            at = np.array([place_of.get(digest, -1) for digest in sample.digests[places]], int)
            fresh = at < 0
            if part == "train":
                at[fresh] = np.arange(count, count + fresh.sum())
                place_of.update(zip(sample.digests[places[fresh]], at[fresh], strict=True))
                count += int(fresh.sum())
                tables.append(np.full(int(fresh.sum()), number))
                rows.append(sample.rows[places[fresh]])
                values.append(_nothing_known(values[0], int(fresh.sum())))
            column = np.full(count, -1, dtype=np.int64)
            column[at[at >= 0]] = own[at >= 0]
            labels.append(column)
        return Chosen(
            np.concatenate(tables),
            np.concatenate(rows),
            np.concatenate(values),
            tuple(np.pad(one, (0, count - len(one)), constant_values=-1) for one in labels),
        )

    def _same_outputs(self, other: Sample) -> bool:
        mine, theirs = self.first.catalog.targets, other.catalog.targets
        if isinstance(mine, VoteTargets) and isinstance(theirs, VoteTargets):
            return tree_data(mine.tree) == tree_data(theirs.tree)
        if isinstance(mine, ClassTargets) and isinstance(theirs, ClassTargets):
            return mine.classes == theirs.classes
        return False


@dataclass(frozen=True)
class Chosen:
    """Galaxies of several tables.

    Attributes
    ----------
    tables, rows : (galaxies,) int64
        The table of each, and its row in that table's pack.
    values : (galaxies, answers) float32, or (galaxies,) int64
        Targets of the first table's kind; NaN, or -1, unknown.
    labels : tuple of (galaxies,) int64
        The class of each in each further table; -1 unknown.
    """

    tables: NDArray[np.int64]
    rows: NDArray[np.int64]
    values: NDArray[np.float32] | NDArray[np.int64]
    labels: tuple[NDArray[np.int64], ...]


def prepare_all(
    sources: Sequence[Source],
    preprocessing: Preprocessing,
    *,
    cache: str | Path | None,
    workers: int | None,
    progress: Progress,
) -> Samples:
    """Read, pack and check the galaxies of one table or several.

    Raises
    ------
    CatalogError
        As `prepare`; and where a further table cannot be learnt beside the first.
    InvalidCatalogError
        As `prepare`.
    """
    samples = Samples(
        tuple(
            prepare(source, preprocessing, cache=cache, workers=workers, progress=progress)
            for source in sources
        )
    )
    for number in samples.further:
        catalog = samples.tables[number].catalog
        if isinstance(catalog.targets, VoteTargets):
            first = samples.first.catalog
            raise CatalogError(
                f"{catalog.table}: its votes cannot be learnt beside {first.table or first.images}",
                wanted="votes on the same tree beside votes, or a table of classes",
                got=f"votes on {catalog.targets.tree.title}",
                todo="name the table of votes first (--table), that of classes after it (--also)",
            )
    return samples


def _training(parts: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.flatnonzero(parts == "train")


def _nothing_known(like: NDArray[Any], count: int) -> NDArray[Any]:
    if like.ndim > 1:
        return np.full((count, like.shape[1]), np.nan, dtype=np.float32)
    return np.full(count, -1, dtype=np.int64)
