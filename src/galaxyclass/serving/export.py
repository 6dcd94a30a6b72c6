"""Every label of every person as a table, and how far people agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa

from galaxyclass.data.labels.log import LabelLog


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


def table_of_events(labels: LabelLog, id_column: str) -> pa.Table:
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


def agreements(labels: LabelLog) -> list[PairOfPeople]:
    """The agreement of all pairs of people who labelled some of the same galaxies."""
    code = labels.questions.questions[0].code
    answers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name in labels.galaxies:
        given = labels.complete(name)
        for pair in combinations(sorted(given), 2):
            answers.setdefault(pair, []).append((given[pair[0]][code], given[pair[1]][code]))
    return [
        PairOfPeople(*pair, len(pairs), sum(a == b for a, b in pairs), _kappa(pairs))
        for pair, pairs in sorted(answers.items())
    ]


def _kappa(pairs: list[tuple[str, str]]) -> float:
    """Cohen's kappa (1960): the agreement beyond chance, divided by the largest possible."""
    same = sum(a == b for a, b in pairs) / len(pairs)
    first, second = (Counter(column) for column in zip(*pairs, strict=True))
    chance = sum(first[name] * second[name] for name in first) / len(pairs) ** 2
    return float("nan") if chance == 1 else (same - chance) / (1 - chance)
