"""The public function: from images and a table to numbers, pictures and a page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxyclass.arguments import Settings, public
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.catalog.derive import derive_classes
from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.errors import CatalogError, OutputError
from galaxyclass.exploration.classes import ClassSummary, draw_examples, summarise_classes
from galaxyclass.exploration.examples import Example, nothing, read_examples
from galaxyclass.exploration.figures import Chart, class_charts, example_charts, vote_charts
from galaxyclass.exploration.page import page
from galaxyclass.exploration.votes import VoteSummary, most_certain, summarise_votes
from galaxyclass.extras import require
from galaxyclass.io.atomic import write_text
from galaxyclass.plots.style import inline_svg, save
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.short import short_path, summary
from galaxyclass.tasks.targets import ClassTargets, VoteTargets

PAGE = "index.html"
SUMMARY = "summary.csv"
CORRELATIONS = "correlations.csv"

#: Galaxies that are tried for an example before it is given up.
_DEPTH = 20
#: Pictures of a table of classes, and of one class, at most.
_PICTURES, _OF_A_CLASS = 120, 6


@dataclass(frozen=True)
class Exploration:
    """What was found and written.

    Attributes
    ----------
    folder : Path
    summary : VoteSummary or ClassSummary
    examples : tuple of Example
        The most certain galaxy for each answer, or some galaxies of each class.
    notes : tuple of str
        What was left out.
    """

    folder: Path
    summary: VoteSummary | ClassSummary
    examples: tuple[Example, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(f"Exploration: {len(self.examples):,} examples, on {short_path(self.page)}")

    @property
    def page(self) -> Path:
        """The page that shows everything."""
        return self.folder / PAGE


@public
def explore(
    images: str | Path,
    table: str | Path | None = None,
    *,
    output: str | Path,
    recipe: str | Path | Recipe = "fast",
    settings: Settings = (),
    id_column: str | None = None,
    target_column: str | None = None,
    classes: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Exploration:
    """Show what a table of votes or classes holds.

    Of votes: the most certain galaxy for each answer, as drawn and as the model of a recipe sees
    it; the mean fraction of each answer; how many galaxies have a fraction of 0.5 or more; the
    correlations between all answers, and within each question. Of classes: how many galaxies each
    has, and some of them. Every figure is written as PNG and SVG, the numbers as CSV, and all of it
    on one page, ``index.html``, that needs nothing else.

    Only images that are shown are read. Errors of the table stop nothing (`galaxyclass.validate`
    lists them): cells that are no fractions are unknown here.

    Parameters
    ----------
    images, table, id_column, target_column
        As for `galaxyclass.read_catalog`.
    output : str or Path
        A folder.
    classes : str, optional
        Make classes of the votes, and show those (`derive_classes`).
    recipe : str, Path or Recipe
        Whose cutouts are shown.
    settings : sequence of str
        Changes to it, for instance ``images.cutout=object``.
    seed : int
        Which galaxies of each class are shown.
    overwrite : bool
        Replace the files in ``output`` where they exist.
    progress : Progress

    Returns
    -------
    Exploration

    Raises
    ------
    CatalogError
        The table cannot be understood, or has neither votes nor classes.
    OutputError
        The page exists already, or something cannot be written.
    RecipeError
        The recipe, or a setting, is not right.
    MissingExtraError
        matplotlib is not installed.
    """
    require("matplotlib")
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: a file", wanted="a folder", hint="choose another `output`")
    if (folder / PAGE).exists() and not overwrite:
        raise OutputError(
            f"{folder}: {PAGE} exists already",
            hint="pass `overwrite=True`, or choose another `output`",
        )
    recipe = as_recipe(recipe, settings)
    catalog = read_catalog(
        Path(images),
        None if table is None else Path(table),
        id_column=id_column,
        target_column=target_column,
    )
    notes = _notes(catalog)
    if classes is not None:
        catalog = derive_classes(catalog, classes)
    summary: VoteSummary | ClassSummary
    if isinstance(catalog.targets, VoteTargets):
        summary = summarise_votes(catalog.targets.tree, catalog.targets.fractions)
        examples = _certain(catalog, catalog.targets, recipe, progress)
        columns: int | None
        what, name, columns = "The most certain galaxy for each answer", "most_certain", None
        charts = vote_charts(summary)
        _write_votes(folder, summary, catalog.targets, examples)
    elif isinstance(catalog.targets, ClassTargets):
        summary = summarise_classes(catalog.targets.classes, catalog.targets.labels)
        examples, shown = _of_classes(catalog, catalog.targets, recipe, seed, progress)
        what, name, columns = "Galaxies of each class, drawn at random", "examples", shown
        charts = class_charts(summary)
        _write_classes(folder, summary)
    else:
        raise CatalogError(
            f"{table or images}: nothing to show",
            wanted="columns of vote fractions, a class column, or a folder for each class",
            got="only ids and images",
            hint="give a `table`" if table is None else "name the class by `target_column`",
        )
    pictures = example_charts(examples, what, name, recipe.name, columns)
    _write_figures(folder, [*pictures, *charts], progress)
    text = page(
        catalog,
        summary,
        examples,
        pictures=pictures,
        charts=charts,
        recipe=recipe.name,
        notes=notes,
        inline=inline_svg,
    )
    write_text(folder / PAGE, text)  # last of all: who sees it sees everything
    return Exploration(folder, summary, tuple(examples), tuple(notes))


def _notes(catalog: Catalog) -> list[str]:
    notes = []
    missing = int((catalog.paths == "").sum())
    if missing:
        notes.append(f"{missing:,} rows of the table have no image; they count, but are not shown.")
    if catalog.problems:
        notes.append(
            f"{len(catalog.problems):,} cells or rows of the table are not as they should be: "
            "`galaxyclass.validate` lists them."
        )
    return notes


def _certain(
    catalog: Catalog, targets: VoteTargets, recipe: Recipe, progress: Progress
) -> list[Example]:
    """The most certain galaxy for each answer."""
    fractions, answers = targets.fractions, targets.tree.answers
    candidates = most_certain(fractions, catalog.paths != "", _DEPTH)
    examples: list[Example] = []
    shown: set[int] = set()
    for place, (answer, best) in enumerate(zip(answers, candidates, strict=True)):
        label = f"{answer.code} {answer.name}"
        # Of galaxies that are equally certain, one that is not shown yet tells more.
        again = np.isin(best, list(shown))
        order = np.lexsort((again, -fractions[best, place]))

        def note(index: int, place: int = place) -> str:
            return f"{fractions[index, place]:.2f}"

        found = read_examples(catalog, label, best[order], count=1, recipe=recipe, note=note)
        if not found:
            unknown = bool(np.isnan(fractions[:, place]).all())
            found = [nothing(label, "unknown" if unknown else "none to show")]
        examples += found
        shown.add(found[0].index)
        progress("reading", place + 1, len(answers), unit="answers")
    return examples


def _of_classes(
    catalog: Catalog, targets: ClassTargets, recipe: Recipe, seed: int, progress: Progress
) -> tuple[list[Example], int]:
    """Some galaxies of each class, and how many of them stand in a row."""
    classes = targets.classes
    each = max(1, min(_OF_A_CLASS, _PICTURES // len(classes)))
    drawn = draw_examples(targets.labels, len(classes), catalog.paths != "", each + _DEPTH, seed)
    examples = []
    for place, (name, members) in enumerate(zip(classes, drawn, strict=True)):
        found = read_examples(catalog, name, members, count=each, recipe=recipe, note=lambda _: "")
        examples += found + [nothing(name, "none to show")] * (each - len(found))
        progress("reading", place + 1, len(classes), unit="classes")
    return examples, each if each > 2 else 8 // each * each


def _write_figures(folder: Path, charts: Sequence[Chart], progress: Progress) -> None:
    for done, chart in enumerate(charts, start=1):
        for suffix in (".png", ".svg"):
            save(chart.figure, folder / (chart.name + suffix))
        progress("drawing", done, len(charts), unit="figures")


def _write_votes(
    folder: Path, summary: VoteSummary, targets: VoteTargets, examples: Sequence[Example]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["code", "name", "galaxies", "mean", "majority", "most_certain", "its_fraction"]
    )
    for place, answer in enumerate(summary.tree.answers):
        mean, shown = summary.mean[place], examples[place]
        writer.writerow(
            [
                answer.code,
                answer.name,
                summary.known[place],
                "" if math.isnan(mean) else f"{mean:.6f}",
                summary.majority[place],
                shown.id,
                "" if shown.index < 0 else f"{targets.fractions[shown.index, place]:.6f}",
            ]
        )
    write_text(folder / SUMMARY, text.getvalue())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", *summary.tree.codes])
    for code, row in zip(summary.tree.codes, summary.correlations, strict=True):
        writer.writerow([code, *("" if math.isnan(value) else f"{value:.6f}" for value in row)])
    write_text(folder / CORRELATIONS, text.getvalue())


def _write_classes(folder: Path, summary: ClassSummary) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "galaxies"])
    writer.writerows(zip(summary.classes, summary.counts.tolist(), strict=True))
    write_text(folder / SUMMARY, text.getvalue())
