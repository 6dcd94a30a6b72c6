"""`explore`: from images and a table to statistics, figures and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxyclass.arguments import Settings, public
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.checks.unused_galaxies import unused_of
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.data.unused import Unused
from galaxyclass.errors import CatalogError
from galaxyclass.exploration.classes import ClassSummary, draw_examples, summarise_classes
from galaxyclass.exploration.examples import Example, no_example, read_examples
from galaxyclass.exploration.figures import (
    Chart,
    class_charts,
    example_charts,
    number_charts,
    vote_charts,
)
from galaxyclass.exploration.numbers import (
    NumberSummary,
    along_the_scale,
    summarise_numbers,
)
from galaxyclass.exploration.page import Contents, page
from galaxyclass.exploration.tables import class_tables, number_tables, vote_tables
from galaxyclass.exploration.votes import VoteSummary, most_certain, summarise_votes
from galaxyclass.extras import require
from galaxyclass.io.atomic import write_text
from galaxyclass.io.csv_text import csv_text
from galaxyclass.io.journal import job_key
from galaxyclass.io.output import FolderOutput, require_apart
from galaxyclass.plots.style import inline_svg, save
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.read import as_recipe
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.short import counted, short_path, summary, verb
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.tasks.counts.targets import CountTargets
from galaxyclass.tasks.numbers.targets import NumberTargets
from galaxyclass.tasks.votes.targets import VoteTargets

PAGE = "index.html"

#: Galaxies that are tried for an example.
_DEPTH = 20
#: Examples of a table of classes, and of one class, at most.
_EXAMPLES, _OF_A_CLASS = 120, 6
#: Examples along the scale of a column of numbers: at most, and at least.
_ALONG, _LEAST_ALONG = 12, 4


@dataclass(frozen=True)
class Exploration:
    """The result of `explore`.

    Attributes
    ----------
    folder : Path
    summary : VoteSummary, ClassSummary or NumberSummary
    examples : tuple of Example
        The most certain galaxy for each answer, or some galaxies of each class.
    notes : tuple of str
        What was left out.
    """

    folder: Path
    summary: VoteSummary | ClassSummary | NumberSummary
    examples: tuple[Example, ...]
    notes: tuple[str, ...]
    unused: tuple[Unused, ...] = ()

    def __repr__(self) -> str:
        return summary(
            f"Exploration: {counted(len(self.examples), 'example')}, on {short_path(self.page)}"
        )

    @property
    def page(self) -> Path:
        """The page with all figures."""
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
    quote_formulas: bool = False,
    progress: Progress = silent,
) -> Exploration:
    """Show the contents of a table of votes, classes or numbers.

    Of votes: the most certain galaxy for each answer, as an image and as the input of a recipe's
    model; the mean fraction of each answer; how many galaxies have a fraction of 0.5 or more; the
    correlations between all answers, and within each question. Of classes: how many galaxies each
    has, and examples. Of numbers: the distribution of each column, galaxies from the smallest value
    to the largest, and rank correlations. Every figure is written as PNG and SVG, the numbers as
    CSV, and everything is on one self-contained page, ``index.html``.

    Only images that are shown are read. Errors in the table are not raised (`galaxyclass.validate`
    lists them): cells that are not fractions are unknown here.

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
    quote_formulas : bool
        As for `galaxyclass.predict`, of every CSV that is written.
    progress : Progress

    Returns
    -------
    Exploration

    Raises
    ------
    CatalogError
        The table cannot be understood, or has neither votes, classes nor numbers.
    OutputError
        The page exists already, or something cannot be written.
    RecipeError
        The recipe, or a setting, is not right.
    MissingExtraError
        matplotlib is not installed.
    """
    require("matplotlib")
    folder = Path(output)
    require_apart(folder, images)
    recipe = as_recipe(recipe, settings, used=("images.", "model.input_size"))
    dataset = as_dataset(images, table)
    key = job_key(
        "explore",
        dataset=dataset.identity,
        recipe=recipe,
        seed=seed,
        quote_formulas=quote_formulas,
    )
    results = FolderOutput(folder, (PAGE,), key, overwrite)
    results.require_free()
    notes, catalog = _notes(dataset.as_read), dataset.catalog
    targets = catalog.targets
    if targets is None or targets.kind not in EXPLORERS:
        raise CatalogError(
            f"{dataset.name}: nothing to show",
            wanted="columns of vote fractions, a class column, a folder for each class, or numbers",
            got="only ids and images",
            hint="give a `table`"
            if dataset.table is None
            else "name the class by `target_column`, or numbers by `numbers`",
        )
    contents = EXPLORERS[targets.kind](
        catalog, targets, recipe=recipe, seed=seed, progress=progress
    )
    example_figures = example_charts(
        contents.examples, contents.caption, contents.name, recipe.name, contents.columns
    )
    text = page(
        catalog,
        contents,
        example_figures=example_figures,
        recipe=recipe.name,
        notes=notes,
        inline=inline_svg,
    )
    with results.claim():
        for name, rows in contents.tables.items():
            write_text(folder / name, csv_text(rows, quote_formulas=quote_formulas))
        _write_figures(folder, [*example_figures, *contents.charts], progress)
        write_text(folder / PAGE, text)  # written last: then everything is there
    return Exploration(
        folder, contents.summary, tuple(contents.examples), tuple(notes), unused_of(catalog)
    )


def _explore_votes(
    catalog: Catalog,
    targets: VoteTargets | CountTargets,
    *,
    recipe: Recipe,
    progress: Progress,
    **_: object,
) -> Contents:
    summary = summarise_votes(targets.tree, targets.fractions)
    examples = _certain(catalog, targets, recipe, progress)
    charts = vote_charts(summary)
    tables = vote_tables(summary, targets.fractions, examples)
    caption = "The most certain galaxy for each answer"
    return Contents(summary, examples, caption, "most_certain", None, charts, tables)


def _explore_classes(
    catalog: Catalog,
    targets: ClassTargets,
    *,
    recipe: Recipe,
    seed: int,
    progress: Progress,
) -> Contents:
    summary = summarise_classes(targets.classes, targets.labels)
    examples, columns = _of_classes(catalog, targets, recipe, seed, progress)
    charts = class_charts(summary)
    caption = "Galaxies of each class, drawn at random"
    return Contents(summary, examples, caption, "examples", columns, charts, class_tables(summary))


def _explore_numbers(
    catalog: Catalog,
    targets: NumberTargets,
    *,
    recipe: Recipe,
    seed: int,
    progress: Progress,
) -> Contents:
    summary = summarise_numbers(targets.columns, targets.numbers)
    names = targets.columns
    each = max(_LEAST_ALONG, min(_ALONG, _EXAMPLES // len(names)))
    examples = []
    for index, name in enumerate(names[: _EXAMPLES // each]):
        values = targets.numbers[:, index]
        along = along_the_scale(values, catalog.paths != "", each, _DEPTH, seed)
        of_column = [
            example
            for candidates in along
            for example in read_examples(
                catalog,
                name,
                candidates,
                count=1,
                recipe=recipe,
                note=lambda galaxy, values=values: f"{values[galaxy]:.4g}",  # type: ignore[misc]
            )
        ]
        examples += of_column or [no_example(name, "none to show")]
        progress("reading", index + 1, len(names), unit="columns")
    charts = number_charts(summary, targets.numbers)
    caption = "Galaxies from the smallest to the largest value of each column"
    tables = number_tables(summary)
    return Contents(summary, examples, caption, "along_the_scale", each, charts, tables)


#: Kind of target -> its explorer.
EXPLORERS: dict[str, Callable[..., Contents]] = {
    VoteTargets.kind: _explore_votes,
    ClassTargets.kind: _explore_classes,
    NumberTargets.kind: _explore_numbers,
    CountTargets.kind: _explore_votes,
}


def _notes(catalog: Catalog) -> list[str]:
    notes = []
    missing = int((catalog.paths == "").sum())
    if missing:
        notes.append(
            "Counted, but not shown, for want of an image: "
            f"{counted(missing, 'row of the table', 'rows of the table')}."
        )
    wrong = sum(finding.severity == "error" for finding in catalog.problems)
    if wrong:
        notes.append(
            f"{counted(wrong, 'cell or row', 'cells or rows')} of the table {verb(wrong, 'is')} "
            "not valid: `galaxyclass.validate` lists what is wrong."
        )
    return notes


def _certain(
    catalog: Catalog, targets: VoteTargets | CountTargets, recipe: Recipe, progress: Progress
) -> list[Example]:
    """The most certain galaxy for each answer."""
    fractions, answers = targets.fractions, targets.tree.answers
    candidates = most_certain(fractions, catalog.paths != "", _DEPTH)
    examples: list[Example] = []
    shown: set[int] = set()
    for number, (answer, best) in enumerate(zip(answers, candidates, strict=True)):
        label = f"{answer.code} {answer.name}"
        # Of equally certain galaxies, one that is not shown yet comes first.
        already_shown = np.isin(best, list(shown))
        order = np.lexsort((already_shown, -fractions[best, number]))

        def note(index: int, number: int = number) -> str:
            return f"{fractions[index, number]:.2f}"

        of_answer = read_examples(catalog, label, best[order], count=1, recipe=recipe, note=note)
        if not of_answer:
            unknown = bool(np.isnan(fractions[:, number]).all())
            of_answer = [no_example(label, "unknown" if unknown else "none to show")]
        examples += of_answer
        shown.add(of_answer[0].index)
        progress("reading", number + 1, len(answers), unit="answers")
    return examples


def _of_classes(
    catalog: Catalog, targets: ClassTargets, recipe: Recipe, seed: int, progress: Progress
) -> tuple[list[Example], int]:
    """Examples of each class, and the number of columns to show them in."""
    classes = targets.classes
    each = max(1, min(_OF_A_CLASS, _EXAMPLES // len(classes)))
    drawn = draw_examples(targets.labels, len(classes), catalog.paths != "", each + _DEPTH, seed)
    examples = []
    for number, (name, members) in enumerate(zip(classes, drawn, strict=True)):
        of_class = read_examples(
            catalog, name, members, count=each, recipe=recipe, note=lambda _: ""
        )
        examples += of_class
        examples += [no_example(name, "none to show")] * (each - len(of_class))
        progress("reading", number + 1, len(classes), unit="classes")
    return examples, each if each > 2 else 8 // each * each


def _write_figures(folder: Path, charts: Sequence[Chart], progress: Progress) -> None:
    for done, chart in enumerate(charts, start=1):
        for suffix in (".png", ".svg"):
            save(chart.figure, folder / (chart.name + suffix))
        progress("drawing", done, len(charts), unit="figures")
