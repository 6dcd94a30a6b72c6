"""What a report is made of: sections with text, tables of numbers, panels and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from galaxyclass.tasks.scores.noise import VOTES

#: A cell of a table: shown by `cell_text`, written to CSV as it is; None and NaN are empty.
Cell = str | int | float | None


@dataclass(frozen=True)
class ReportSettings:
    """What is shown, beside the models and the galaxies.

    Attributes
    ----------
    votes : float
        Volunteers of a galaxy, for the noise floor.
    by : tuple of str
        Columns of the table that the score is plotted against.
    purity : float
        The wanted purity of samples of a class.
    seed : int
    explain : int
        Galaxies whose predictions are explained.
    """

    votes: float = VOTES
    by: tuple[str, ...] = ()
    purity: float = 0.9
    seed: int = 0
    explain: int = 0


@dataclass(frozen=True)
class ReportTable:
    """Numbers that stand on the page and in a CSV file.

    Attributes
    ----------
    name : str
        Of its file, without ``.csv``.
    columns : tuple of str
    rows : tuple of tuple of Cell
    title : str
        Over the table.
    shaded : bool
        Whether numbers from 0 to 1 are shaded, the darker the larger (a confusion matrix).
    folded : bool
        Whether it is hidden behind its title on the page.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    shaded: bool = False
    folded: bool = True

    def csv_rows(self) -> list[list[str | int]]:
        """The table as rows of CSV, the header first, numbers with six decimals."""
        return [[*self.columns], *([_csv_cell(cell) for cell in row] for row in self.rows)]

    def _shown(self, cell: Cell) -> str:
        return f"{cell:.2f}" if self.shaded and isinstance(cell, float) else cell_text(cell)

    def shown_rows(self) -> list[list[tuple[str, float, bool]]]:
        """Of each cell its text, how dark its shade is (0..1), and whether it holds words."""
        return [
            [(self._shown(cell), _shade(cell, self.shaded), isinstance(cell, str)) for cell in row]
            for row in self.rows
        ]


@dataclass(frozen=True)
class Figure:
    """A panel with its title: an SVG element, made by `galaxyclass.plots.panel`."""

    title: str
    svg: str


@dataclass(frozen=True)
class ReportPicture:
    """A galaxy: its picture as the URI of its data ("" if it cannot be read), id, and words."""

    uri: str
    id: str
    text: str


@dataclass(frozen=True)
class Gallery:
    """Pictures under a title; wide ones are two of a galaxy side by side."""

    title: str
    pictures: tuple[ReportPicture, ...]
    wide: bool = False


@dataclass(frozen=True)
class ReportSection:
    """A part of the page.

    Attributes
    ----------
    key : str
        Of the section in ``report.json``, and in links to it.
    title : str
    text : tuple of str
        Paragraphs; they explain its figures.
    figures : tuple of Figure
    legend : tuple of (str, str)
        Of all its figures: the name of a mark (a class in the page's style), and its meaning.
    tables : tuple of ReportTable
    galleries : tuple of Gallery
    points : tuple of str
        A list below the text.
    numbers : mapping
        All its numbers as plain data, for ``report.json``.
    """

    key: str
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    tables: tuple[ReportTable, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    points: tuple[str, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)


def cell_text(cell: Cell) -> str:
    """A cell as people read it.

    Examples
    --------
    >>> cell_text(0.08123456), cell_text(1234), cell_text(None), cell_text(float("nan"))
    ('0.0812', '1,234', '', '')
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float):
        return f"{cell:.4f}" if abs(cell) < 10 else f"{cell:,.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _csv_cell(cell: Cell) -> str | int:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else cell


def _shade(cell: Cell, shaded: bool) -> float:
    return cell if shaded and isinstance(cell, float) and 0 < cell <= 1 else 0.0
