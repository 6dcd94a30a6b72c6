"""The public function: from images and a table to numbers, pictures and a page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxyclass.arguments import Settings, public
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.errors import CatalogError
from galaxyclass.exploration.classes import ClassSummary, draw_examples, summarise_classes
from galaxyclass.exploration.examples import Example, nothing, read_examples
from galaxyclass.exploration.figures import Chart, class_charts, example_charts, vote_charts
from galaxyclass.exploration.page import page
from galaxyclass.exploration.votes import VoteSummary, most_certain, summarise_votes
from galaxyclass.extras import require
from galaxyclass.io.atomic import write_text
from galaxyclass.io.journal import job_key
from galaxyclass.io.output import FolderOutput
from galaxyclass.plots.style import inline_svg, save
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.short import short_path, summary
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.votes.targets import VoteTargets

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
    images: Dataset | str | Path,
    table: Any = None,
    *,
    output: str | Path,
    recipe: str | Path | Recipe = "fast",
    settings: Settings = (),
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
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: what is known of its images (see `Dataset`).
    output : str or Path
        A folder.
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
    recipe = as_recipe(recipe, settings)
    dataset = as_dataset(images, table)
    key = job_key("explore", dataset=dataset.identity, recipe=recipe, seed=seed)
    place = FolderOutput(folder, (PAGE,), key, overwrite)
    place.require_free()
    notes, catalog = _notes(dataset.as_read), dataset.catalog
    targets = catalog.targets
    if targets is None or targets.kind not in EXPLORERS:
        raise CatalogError(
            f"{dataset.name}: nothing to show",
            wanted="columns of vote fractions, a class column, or a folder for each class",
            got="only ids and images",
            hint="give a `table`" if dataset.table is None else "name the class by `target_column`",
        )
    found = EXPLORERS[targets.kind](catalog, targets, recipe=recipe, seed=seed, progress=progress)
    pictures = example_charts(found.examples, found.what, found.name, recipe.name, found.columns)
    text = page(
        catalog,
        found.summary.title,
        found.examples,
        pictures=pictures,
        charts=found.charts,
        recipe=recipe.name,
        notes=notes,
        inline=inline_svg,
    )
    with place.claim():
        for name, table_text in found.tables.items():
            write_text(folder / name, table_text)
        _write_figures(folder, [*pictures, *found.charts], progress)
        write_text(folder / PAGE, text)  # last of all: who sees it sees everything
    return Exploration(folder, found.summary, tuple(found.examples), tuple(notes))


@dataclass(frozen=True)
class _Found:
    """What a kind of target has to show: numbers, captioned pictures, charts, CSV."""

    summary: VoteSummary | ClassSummary
    examples: list[Example]
    what: str
    name: str
    columns: int | None
    charts: list[Chart]
    tables: dict[str, str]


def _explore_votes(
    catalog: Catalog,
    targets: VoteTargets,
    *,
    recipe: Recipe,
    progress: Progress,
    **_: object,
) -> _Found:
    summary = summarise_votes(targets.tree, targets.fractions)
    examples = _certain(catalog, targets, recipe, progress)
    charts = vote_charts(summary)
    tables = _vote_tables(summary, targets, examples)
    what = "The most certain galaxy for each answer"
    return _Found(summary, examples, what, "most_certain", None, charts, tables)


def _explore_classes(
    catalog: Catalog,
    targets: ClassTargets,
    *,
    recipe: Recipe,
    seed: int,
    progress: Progress,
) -> _Found:
    summary = summarise_classes(targets.classes, targets.labels)
    examples, columns = _of_classes(catalog, targets, recipe, seed, progress)
    charts = class_charts(summary)
    what = "Galaxies of each class, drawn at random"
    return _Found(summary, examples, what, "examples", columns, charts, _class_tables(summary))


#: Kind of target -> what explores those of that kind.
EXPLORERS: dict[str, Callable[..., _Found]] = {
    VoteTargets.kind: _explore_votes,
    ClassTargets.kind: _explore_classes,
}


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


def _vote_tables(
    summary: VoteSummary, targets: VoteTargets, examples: Sequence[Example]
) -> dict[str, str]:
    """Name of each table of numbers -> its text."""
    texts, text = {}, io.StringIO()
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
    texts[SUMMARY] = text.getvalue()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", *summary.tree.codes])
    for code, row in zip(summary.tree.codes, summary.correlations, strict=True):
        writer.writerow([code, *("" if math.isnan(value) else f"{value:.6f}" for value in row)])
    texts[CORRELATIONS] = text.getvalue()
    return texts


def _class_tables(summary: ClassSummary) -> dict[str, str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "galaxies"])
    writer.writerows(zip(summary.classes, summary.counts.tolist(), strict=True))
    return {SUMMARY: text.getvalue()}
