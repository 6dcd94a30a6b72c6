"""The history of a training: one row an epoch, written as it happens."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from galaxyclass.errors import RunError
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import translated, write_text
from galaxyclass.io.csv_text import csv_text, write_rows
from galaxyclass.plots.curves import curves
from galaxyclass.plots.style import save
from galaxyclass.short import first_line
from galaxyclass.tasks.metric import Metric

Row = dict[str, float]


def read_history(path: Path) -> list[Row]:
    """The rows of a history file, each a mapping of column to number; none if there is no file.

    A last line that a kill cut short is left out.

    Raises
    ------
    RunError
        It is damaged.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [
            {name: float(value) for name, value in row.items()}
            for row in rows
            if None not in row.values() and "" not in row.values()
        ]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(
            f"{path}: not the history of a training, or damaged",
            got=first_line(error),
            hint="remove it: the training goes on without the epochs that it tells of",
        ) from error


def draw_history(
    folder: Path,
    metric: Metric,
    kept_epoch: int | None = None,
    reference: tuple[str, float] | None = None,
) -> None:
    """Draw the history of a run into its folder; see `curves`."""
    figure = curves(
        read_history(folder / run_folder.HISTORY),
        metric,
        kept_epoch=kept_epoch,
        reference=reference,
    )
    save(figure, folder / run_folder.CURVES)


def append_history(path: Path, row: Row) -> None:
    """Add a row and make sure that it is on the disk."""
    with translated(path), path.open("a", encoding="utf-8", newline="") as file:
        header = [list(row)] if file.tell() == 0 else []
        write_rows(file, [*header, _cells(row)], quote_formulas=False)
        file.flush()
        os.fsync(file.fileno())


def cut_history(path: Path, epochs: int) -> None:
    """Keep the first `epochs` rows, those before a checkpoint."""
    rows = read_history(path)
    if not rows:
        return
    lines = [list(rows[0]), *map(_cells, rows[:epochs])]
    write_text(path, csv_text(lines, quote_formulas=False))


def _cells(row: Row) -> list[str]:
    return [f"{value:.8g}" for value in row.values()]
