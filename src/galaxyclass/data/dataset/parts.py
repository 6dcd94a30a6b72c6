"""The part of each galaxy of a sample: drawn, written to ``split.csv``, and read from it."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.catalog import PART_TABLES, Catalog
from galaxyclass.data.checks.findings import Finding
from galaxyclass.data.dataset.prepare import Sample
from galaxyclass.data.splits import split
from galaxyclass.errors import CatalogError, RunError
from galaxyclass.images.records import hex_digests
from galaxyclass.io.atomic import write_text
from galaxyclass.io.csv_text import csv_text
from galaxyclass.recipes.recipe import Split
from galaxyclass.short import first_line

log = logging.getLogger(__name__)


def split_parts(sample: Sample, shares: Split, seed: int) -> NDArray[np.object_]:
    """(galaxies,) parts: train, validation or test; identical images in one part.

    Parts that the tables give are used; otherwise they are drawn. Where a column gives no
    validation part, it is drawn from the training part.

    Raises
    ------
    CatalogError
        A part would be empty.
    """
    parts_of_tables = sample.catalog.parts
    if parts_of_tables is not None:
        column = sample.catalog.part_column
        if (parts_of_tables == "validation").sum() == 0 and _from_table_or_folders(sample.catalog):
            parts_of_tables = _with_validation(sample, parts_of_tables, shares, seed)
        counts = {part: int((parts_of_tables == part).sum()) for part in PART_TABLES}
        for part in ("train", "validation"):
            if not counts[part]:
                where = PART_TABLES[part] if column is None else f"the part {part!r}"
                source = sample.catalog.table or sample.catalog.images
                raise CatalogError(
                    f"{source}: no galaxy of {where} is left",
                    wanted="a galaxy or more to train on and to validate with",
                    hint="`galaxyclass.validate` says why they were left out",
                )
        listed = ", ".join(f"{count:,} {part}" for part, count in counts.items() if count)
        giver = "the tables" if column is None else f"the column {column!r}"
        log.info("the parts are those of %s, none is drawn: %s", giver, listed)
        return parts_of_tables
    parts = {
        "train": 1 - shares.validation - shares.test,
        "validation": shares.validation,
        "test": shares.test,
    }
    wanted = {part: share for part, share in parts.items() if share > 0}
    seed = seed if shares.seed is None else shares.seed
    return split(sample.catalog, wanted, seed, sample.digests)


def _from_table_or_folders(catalog: Catalog) -> bool:
    """Whether the parts are those of a column or of folders, which may lack a validation part."""
    return catalog.part_column is not None or catalog.table is None


def _with_validation(
    sample: Sample, parts: NDArray[np.object_], shares: Split, seed: int
) -> NDArray[np.object_]:
    """The parts, with a share of the training galaxies as the validation part."""
    training = np.flatnonzero(parts == "train")
    seed = seed if shares.seed is None else shares.seed
    wanted = {"train": 1 - shares.validation, "validation": shares.validation}
    drawn = split(sample.catalog.take(training), wanted, seed, sample.digests[training])
    parts = parts.copy()
    parts[training] = drawn
    log.info("no galaxy is marked for validation: %d of the training part are drawn for it",
             int((drawn == "validation").sum()))  # fmt: skip
    return parts


def write_split(
    path: Path,
    samples: Sequence[Sample],
    parts: Sequence[NDArray[np.object_]],
    folds: Sequence[NDArray[np.int64]] | None = None,
    *,
    quote_formulas: bool = False,
) -> None:
    """Write the part of each galaxy: columns id, part, digest; and table, of several tables.

    `parts`, and `folds` (`draw_folds`), are (galaxies,) of each table. With folds there is a column
    fold, too; its cell is empty for galaxies in none. With ``quote_formulas`` the ids are not those
    of the galaxies any more: not for a run, whose split is read again.
    """
    several = ["table"] if len(samples) > 1 else []
    header = ["id", "part", "digest", *several, *([] if folds is None else ["fold"])]
    lines: list[Iterable[object]] = [header]
    for number, (sample, drawn) in enumerate(zip(samples, parts, strict=True)):
        columns = [sample.catalog.ids.values, drawn, hex_digests(sample.digests)]
        if several:
            columns.append([number + 1] * len(drawn))
        if folds is not None:
            columns.append([fold or "" for fold in folds[number].tolist()])
        lines += zip(*columns, strict=True)
    write_text(path, csv_text(lines, quote_formulas=quote_formulas))


def read_split(path: Path, samples: Sequence[Sample]) -> tuple[NDArray[np.object_], ...]:
    """The parts that a run wrote, (galaxies,) of each table: the same galaxies in the same order.

    Raises
    ------
    RunError
        The file is missing, or is about other galaxies.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        drawn = [str(row["part"]) for row in rows]
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise RunError(
            f"{path}: not a list of a run's galaxies, or damaged",
            got=f"{type(error).__name__}: {first_line(error)}",
            hint="train again, to another `output`",
        ) from error
    names = [name for sample in samples for name in sample.catalog.ids.values]
    if [row.get("id") for row in rows] != names:
        raise RunError(
            f"{path}: lists other galaxies than the run's images and tables have now",
            hint="train again, to another `output`",
        )
    parts = np.array(drawn, dtype=object)
    ends = np.cumsum([len(sample.catalog) for sample in samples])[:-1]
    return tuple(np.split(parts, ends))


def write_left_out(
    path: Path,
    left_out: Sequence[Finding],
    *,
    named: Path | None = None,
    quote_formulas: bool = False,
) -> None:
    """Write which galaxies were left out and why: columns id, row, problem, message.

    ``named`` is the final path of the file, for the log, where that is not ``path``.
    """
    lines = [(finding.id, finding.row, finding.code, finding.message) for finding in left_out]
    rows = [("id", "row", "problem", "message"), *lines]
    write_text(path, csv_text(rows, quote_formulas=quote_formulas))
    log.warning("%d errors: galaxies left out, listed in %s", len(left_out), named or path)
