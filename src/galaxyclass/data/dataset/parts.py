"""The part of each galaxy of a sample: drawn, written to ``split.csv``, and read from it."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import PART_TABLES
from galaxyclass.data.checks.findings import Finding
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.data.splits import split
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.images.records import hex_digests
from galaxyclass.io.atomic import write_text
from galaxyclass.recipes.recipe import Split

log = logging.getLogger(__name__)


def split_parts(sample: Sample, shares: Split, seed: int) -> NDArray[np.object_]:
    """The part of each galaxy: train, validation or test; identical images on one side.

    Parts that the tables give are used; otherwise they are drawn.

    Raises
    ------
    CatalogError
        A part would be empty.
    """
    parts_of_tables = sample.catalog.parts
    if parts_of_tables is not None:
        counts = {part: int((parts_of_tables == part).sum()) for part in PART_TABLES}
        for part in ("train", "validation"):
            if not counts[part]:
                raise CatalogError(
                    f"{sample.catalog.table}: no galaxy of {PART_TABLES[part]} is left",
                    wanted="a galaxy or more in train.csv and in val.csv",
                    hint="`galaxyclass.validate` says why they were left out",
                )
        listed = ", ".join(f"{count:,} {part}" for part, count in counts.items() if count)
        log.info("the parts are those of the tables, none is drawn: %s", listed)
        return parts_of_tables
    parts = {
        "train": 1 - shares.validation - shares.test,
        "validation": shares.validation,
        "test": shares.test,
    }
    wanted = {part: share for part, share in parts.items() if share > 0}
    seed = seed if shares.seed is None else shares.seed
    return split(sample.catalog, wanted, seed, sample.digests)


def write_split(
    path: Path,
    samples: Sequence[Sample],
    parts: Sequence[NDArray[np.object_]],
    folds: Sequence[NDArray[np.int64]] | None = None,
) -> None:
    """Write the part of each galaxy: columns id, part, digest; and table, of several tables.

    With `folds` (`draw_folds`), there is a column fold, too; its cell is empty for galaxies in
    none.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    several = ["table"] if len(samples) > 1 else []
    writer.writerow(["id", "part", "digest", *several, *([] if folds is None else ["fold"])])
    for number, (sample, drawn) in enumerate(zip(samples, parts, strict=True)):
        columns = [sample.catalog.ids.values, drawn, hex_digests(sample.digests)]
        if several:
            columns.append([number + 1] * len(drawn))
        if folds is not None:
            columns.append([fold or "" for fold in folds[number].tolist()])
        writer.writerows(zip(*columns, strict=True))
    write_text(path, text.getvalue())


def read_split(path: Path, samples: Sequence[Sample]) -> tuple[NDArray[np.object_], ...]:
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
    names = [name for sample in samples for name in sample.catalog.ids.values]
    if [row.get("id") for row in rows] != names:
        raise RunError(
            f"{path}: lists other galaxies than the run's images and tables have now",
            hint="train again, to another `output`",
        )
    parts = np.array([row["part"] for row in rows], dtype=object)
    ends = np.cumsum([len(sample.catalog) for sample in samples])[:-1]
    return tuple(np.split(parts, ends))


def write_left_out(path: Path, left_out: Sequence[Finding], *, named: Path | None = None) -> None:
    """Write which galaxies were left out and why: columns id, row, problem, message.

    ``named`` is the final path of the file, for the log, where that is not ``path``.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "row", "problem", "message"])
    writer.writerows(
        (finding.id, finding.row, finding.code, finding.message) for finding in left_out
    )
    write_text(path, text.getvalue())
    log.warning("%d errors: galaxies left out, listed in %s", len(left_out), named or path)
