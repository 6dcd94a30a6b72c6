"""The figures of an exploration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from galaxyclass.arrays import Floats
from galaxyclass.exploration.classes import ClassSummary
from galaxyclass.exploration.examples import Example
from galaxyclass.exploration.numbers import NumberSummary
from galaxyclass.exploration.votes import MAJORITY, VoteSummary
from galaxyclass.plots.bars import Bar, BarGroup, grouped_bars
from galaxyclass.plots.gallery import Tile, gallery
from galaxyclass.plots.heatmaps import correlation_map, correlation_panels
from galaxyclass.plots.histograms import Distribution, histograms
from galaxyclass.short import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from galaxyclass.trees.tree import Tree


@dataclass(frozen=True)
class Chart:
    """A figure, the name of its files, and a caption."""

    name: str
    figure: Figure
    text: str


def vote_charts(summary: VoteSummary) -> list[Chart]:
    """Means, majorities and correlations of a table of votes."""
    tree = summary.tree
    gaps = bool((summary.known != summary.galaxies).any())
    means, majorities = [], []
    for index, known in enumerate(summary.known):
        of = "" if known == summary.galaxies else f"  ({known:,})"
        mean = summary.mean[index]
        means.append((mean, "unknown" if math.isnan(mean) else f"{mean:.3f}{of}"))
        majority = float(summary.majority[index]) if known else math.nan
        majorities.append((majority, f"{summary.majority[index]:,}{of}" if known else "unknown"))
    names = [f"{answer.code} {answer.name}" for answer in tree.answers]
    codes = list(tree.codes)
    headings = [f"{question.code} {_plain(question.key)}" for question in tree.questions]
    of_how_many = "  (in brackets: of how many, where it is not known of all)" if gaps else ""
    galaxies = counted(summary.galaxies, "galaxy")
    return [
        Chart(
            "mean_fractions",
            grouped_bars(
                _answer_groups(tree, means),
                f"Mean vote fraction of each answer, {galaxies}",
                f"share of all volunteers{of_how_many}",
            ),
            "The mean share of all volunteers who gave each answer.",
        ),
        Chart(
            "majorities",
            grouped_bars(
                _answer_groups(tree, majorities),
                f"Galaxies with a vote fraction of {MAJORITY:g} or more, of {galaxies}",
                f"galaxies{of_how_many}",
            ),
            f"How many galaxies have a vote fraction of {MAJORITY:g} or more in each answer.",
        ),
        Chart(
            "correlations",
            correlation_map(
                summary.correlations,
                names,
                codes,
                tree.slices,
                title=f"Correlations between all answers, {galaxies}",
            ),
            "The correlation of the vote fractions of every two answers, over the galaxies that "
            "know both; grey where it cannot be computed.",
        ),
        Chart(
            "correlations_by_question",
            correlation_panels(
                summary.correlations,
                [answer.name for answer in tree.answers],
                codes,
                tree.slices,
                titles=headings,
                title=f"Correlations between the answers of each question, {galaxies}",
            ),
            "The correlations within each question.",
        ),
    ]


def class_charts(summary: ClassSummary) -> list[Chart]:
    """Counts of the galaxies of each class."""
    total = int(summary.counts.sum())
    bars = [
        Bar(name, float(count), f"{count:,}  ({count / max(total, 1):.1%})")
        for name, count in zip(summary.classes, summary.counts.tolist(), strict=True)
    ]
    title = f"Galaxies of each class, {total:,} in all"
    return [
        Chart(
            "class_counts",
            grouped_bars([BarGroup("", bars)], title, "galaxies"),
            "How many galaxies each class has.",
        )
    ]


def number_charts(summary: NumberSummary, numbers: Floats) -> list[Chart]:
    """The distribution of each of (galaxies, columns) numbers, and the correlations of several."""
    names = [column.name for column in summary.columns]
    charts = [
        Chart(
            "distributions",
            histograms(
                [
                    Distribution(
                        column.name,
                        numbers[~np.isnan(numbers[:, index]), index],
                        column.step,
                    )
                    for index, column in enumerate(summary.columns)
                ],
                f"Distributions, {counted(summary.galaxies, 'galaxy')}",
            ),
            "How many galaxies have which values; of a scale in steps, a bar for each step.",
        )
    ]
    if len(names) > 1:
        charts.append(
            Chart(
                "correlations",
                correlation_map(
                    summary.correlations,
                    names,
                    names,
                    [slice(0, len(names))],
                    title=f"Rank correlations, {summary.galaxies:,} galaxies",
                    label="correlation of ranks",
                ),
                "Spearman's correlation of every two columns, over the galaxies that know both; "
                "grey where it cannot be computed.",
            )
        )
    return charts


def example_charts(
    examples: Sequence[Example], caption: str, name: str, recipe: str, columns: int | None
) -> list[Chart]:
    """The examples as images, and as inputs of a recipe's model."""
    # Of several galaxies of a class, only the first has a title.
    labels = [example.label for example in examples]
    titles = [
        "" if number and label == labels[number - 1] else label
        for number, label in enumerate(labels)
    ]
    pairs = list(zip(examples, titles, strict=True))
    images = [Tile(example.image, title, example.note) for example, title in pairs]
    inputs = [Tile(example.model_input, title, example.note) for example, title in pairs]
    return [
        Chart(name, gallery(images, caption, columns=columns), f"{caption}."),
        Chart(
            f"{name}_cutouts",
            gallery(inputs, f"{caption}, as inputs of the recipe {recipe}", columns=columns),
            f"The same galaxies as inputs of the recipe {recipe}.",
        ),
    ]


def _answer_groups(tree: Tree, bars: Sequence[tuple[float, str]]) -> list[BarGroup]:
    return [
        BarGroup(
            f"{question.code} {_plain(question.key)}",
            [
                Bar(f"{answer.code} {answer.name}", *bar)
                for answer, bar in zip(question.answers, bars[where], strict=True)
            ],
        )
        for question, where in zip(tree.questions, tree.slices, strict=True)
    ]


def _plain(key: str) -> str:
    return key.replace("_", " ").replace("-", " ")
