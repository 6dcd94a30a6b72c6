"""Labels as tables: one that a training reads, and one with every label of every person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from galaxyclass.serving.labels import LabelFile
from galaxyclass.serving.questions import CLASS
from galaxyclass.trees.algebra import conditional_from_joint


@dataclass(frozen=True)
class PairOfPeople:
    """How often two people give the same answer about the same galaxies.

    Attributes
    ----------
    first, second : str
    galaxies, same : int
        That both have labelled; to which they gave the same answer to the first question.
    kappa : float
        Cohen's kappa: 1 where they always agree, 0 as by chance; NaN where that is not defined.
    """

    first: str
    second: str
    galaxies: int
    same: int
    kappa: float


def label_of(labels: LabelFile, name: str) -> str | None:
    """The answer of most people to the first question; None where there is none, or a tie."""
    code = labels.questions.questions[0].code
    counts = Counter(given[code] for given in labels.complete(name).values()).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def training_table(labels: LabelFile, id_column: str) -> pa.Table:
    """A table that `galaxyclass.train` reads: a row for each galaxy that somebody labelled.

    Of classes: the class of most people, how many labelled it, and the share of them that agree; a
    galaxy with a tie is left out. Of a tree: the share of people for each answer, as the tree's
    first layout has it, and the number of people.
    """
    done = {name: labels.complete(name) for name in labels.galaxies}
    tree = labels.questions.tree
    if tree is None:
        classes = {name: label_of(labels, name) for name in done}
        names = [name for name, found in classes.items() if found is not None]
        counts = [len(done[name]) for name in names]
        same = [
            sum(given[CLASS] == classes[name] for given in done[name].values()) for name in names
        ]
        return pa.table(
            {
                id_column: pa.array(names, pa.string()),
                "class": pa.array([classes[name] for name in names], pa.string()),
                "labels": pa.array(counts, pa.int64()),
                "agreement": pa.array(
                    [part / whole for part, whole in zip(same, counts, strict=True)], pa.float64()
                ),
            }
        )
    names = [name for name, people in done.items() if people]
    joint = np.zeros((len(names), len(tree.codes)))
    for row, name in enumerate(names):
        for given in done[name].values():
            for answer in given.values():
                joint[row, tree.codes.index(answer)] += 1 / len(done[name])
    layout = tree.layouts[0]
    values = joint if layout.kind == "joint" else conditional_from_joint(tree, joint)
    columns = {name: pa.array(values[:, place], from_pandas=True)
               for place, name in enumerate(layout.columns)}  # fmt: skip
    people = pa.array([len(done[name]) for name in names], pa.int64())
    return pa.table({id_column: pa.array(names, pa.string()), **columns, "labels": people})


def table_of_events(labels: LabelFile, id_column: str) -> pa.Table:
    """A row for everything that anybody did and did not take back."""
    events = labels.events
    columns = ("person", "action", "question", "answer", "time")
    return pa.table(
        {
            id_column: pa.array([event.id for event in events], pa.string()),
            **{
                name: pa.array([getattr(event, name) for event in events], pa.string())
                for name in columns
            },
        }
    )


def agreements(labels: LabelFile) -> list[PairOfPeople]:
    """The agreement of all pairs of people who labelled some of the same galaxies."""
    code = labels.questions.questions[0].code
    answers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name in labels.galaxies:
        given = labels.complete(name)
        for pair in combinations(sorted(given), 2):
            both = (given[pair[0]][code], given[pair[1]][code])
            answers.setdefault(pair, []).append(both)
    return [
        PairOfPeople(*pair, len(both), sum(a == b for a, b in both), _kappa(both))
        for pair, both in sorted(answers.items())
    ]


def _kappa(both: list[tuple[str, str]]) -> float:
    """Cohen's kappa (1960): the agreement beyond chance, divided by the largest possible."""
    same = sum(a == b for a, b in both) / len(both)
    first, second = (Counter(column) for column in zip(*both, strict=True))
    chance = sum(first[name] * second[name] for name in first) / len(both) ** 2
    return float("nan") if chance == 1 else (same - chance) / (1 - chance)
