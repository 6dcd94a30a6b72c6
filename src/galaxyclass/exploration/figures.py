"""The figures of an exploration, by the names of their files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galaxyclass.exploration.classes import ClassSummary
from galaxyclass.exploration.examples import Example
from galaxyclass.exploration.votes import MAJORITY, VoteSummary
from galaxyclass.plots.bars import Bar, BarGroup, grouped_bars
from galaxyclass.plots.gallery import Tile, gallery
from galaxyclass.plots.heatmaps import correlation_map, correlation_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from galaxyclass.trees.tree import Tree


@dataclass(frozen=True)
class Chart:
    """A figure with the name of its files, and what it shows in a sentence."""

    name: str
    figure: Figure
    text: str


def vote_charts(summary: VoteSummary) -> list[Chart]:
    """Means, majorities and correlations of a table of votes."""
    tree = summary.tree
    gaps = bool((summary.known != summary.galaxies).any())
    means, majorities = [], []
    for place, known in enumerate(summary.known):
        of = "" if known == summary.galaxies else f"  ({known:,})"
        mean = summary.mean[place]
        means.append((mean, "unknown" if math.isnan(mean) else f"{mean:.3f}{of}"))
        majority = float(summary.majority[place]) if known else math.nan
        majorities.append((majority, f"{summary.majority[place]:,}{of}" if known else "unknown"))
    names = [f"{answer.code} {answer.name}" for answer in tree.answers]
    codes = list(tree.codes)
    headings = [f"{question.code} {_plain(question.key)}" for question in tree.questions]
    of_how_many = "  (in brackets: of how many, where it is not known of all)" if gaps else ""
    galaxies = f"{summary.galaxies:,} galaxies"
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
            "How the vote fractions of every two answers go together, over the galaxies that know "
            "both; grey where that cannot be said.",
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
            "The same within each question.",
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


def example_charts(
    examples: Sequence[Example], what: str, name: str, recipe: str, columns: int | None
) -> list[Chart]:
    """The examples as drawn, and as the model of a recipe sees them."""
    # Of several galaxies of a class, the first has the name.
    labels = [one.label for one in examples]
    titles = [
        "" if place and label == labels[place - 1] else label for place, label in enumerate(labels)
    ]
    pairs = list(zip(examples, titles, strict=True))
    drawn = [Tile(one.drawn, title, one.note) for one, title in pairs]
    seen = [Tile(one.seen, title, one.note) for one, title in pairs]
    return [
        Chart(name, gallery(drawn, what, columns=columns), f"{what}."),
        Chart(
            f"{name}_cutouts",
            gallery(seen, f"{what}, as the recipe {recipe} sees them", columns=columns),
            f"The same galaxies as the recipe {recipe} sees them.",
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
