"""From the names of a table's columns to questions and their answers (pure).

Three ways of naming are known: ``t01_smooth_or_features_a01_smooth`` (Galaxy Zoo 2, Hubble),
``smooth-or-featured_smooth`` (galaxy-datasets, Zoobot, Zooniverse), and ``Class1.1`` (the Galaxy
Challenge); each may end in what the number is, such as ``_count``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from galaxyclass.trees.tree import LayoutKind

#: The ending of a column's name -> what its numbers are. The longest that fits counts.
ENDINGS: dict[str, LayoutKind] = {
    "_weighted_fraction": "conditional",
    "_weighted_frac": "conditional",
    "_fraction": "conditional",
    "_frac": "conditional",
    "_debiased": "debiased",
    "_count": "counts",
    "_votes": "counts",
}
#: The number of volunteers who were asked a question.
_TOTALS = re.compile(r"(?i)[_-](total([_-]?(votes?|count|classifications))?|asked)$")
#: Endings of further numbers of the same answers, which are no votes.
_OTHERS = re.compile(
    r"(?i)_(flag|weights?|mask|prediction([_-]\w+)?|min|max|lower|upper|std|err|error)$"
)

_NUMBERED = re.compile(r"^(t\d+_.+?)_(a\d+_.+)$")
_CODED = re.compile(r"^(.*?\d+)\.(\d+)$")


@dataclass(frozen=True)
class NamedQuestion:
    """A question as columns name it: its key, and the keys of its answers in their order.

    ``columns`` is, for each ending, the column of each answer that the table has.
    ``total`` is the column of the number of volunteers who were asked; empty where there is none.
    """

    key: str
    answers: tuple[str, ...]
    columns: Mapping[str, Mapping[str, str]]
    total: str = ""


def questions_of(names: Iterable[str]) -> tuple[NamedQuestion, ...]:
    """Questions of two answers or more, in the order of the columns.

    Parameters
    ----------
    names : iterable of str
        Of the columns that hold numbers.

    Examples
    --------
    >>> for question in questions_of(["id", "ring_yes_count", "ring_no_count", "ring_total-votes"]):
    ...     question.key, question.answers, question.total
    ('ring', ('yes', 'no'), 'ring_total-votes')
    """
    ending_of = {name: _ending(name) for name in names if not _OTHERS.search(name)}
    totals = {_TOTALS.sub("", name): name for name in ending_of if _TOTALS.search(name)}
    bases: dict[str, dict[str, str]] = defaultdict(dict)
    for name, ending in ending_of.items():
        if name not in totals.values():
            bases[name.removesuffix(ending) if ending else name][ending] = name
    split = _split_all(list(bases))
    groups: dict[str, list[str]] = defaultdict(list)
    for base, (question, _) in split.items():
        groups[question].append(base)
    questions = []
    for key, members in groups.items():
        if len(members) < 2:
            continue
        columns: dict[str, dict[str, str]] = defaultdict(dict)
        for base in members:
            for ending, name in bases[base].items():
                columns[ending][split[base][1]] = name
        answers = tuple(split[base][1] for base in members)
        questions.append(NamedQuestion(key, answers, dict(columns), totals.get(key, "")))
    return tuple(questions)


def _ending(name: str) -> str:
    fitting = [ending for ending in ENDINGS if name.lower().endswith(ending)]
    return name[-len(max(fitting, key=len)) :] if fitting else ""


def _split_all(bases: list[str]) -> dict[str, tuple[str, str]]:
    """Each name without its ending -> the question and the answer."""
    split = {}
    unsplit = []
    for base in bases:
        match = _NUMBERED.match(base) or _CODED.match(base)
        if match is not None:
            split[base] = (match[1], match[2])
        elif base.count("_") == 1 and not base.startswith("_"):
            question, _, answer = base.partition("_")
            split[base] = (question, answer)
        else:
            unsplit.append(base)
    # Words joined by underscores: the longest beginning that another name has too.
    beginnings: dict[str, int] = defaultdict(int)
    for base in unsplit:
        for beginning in _beginnings(base):
            beginnings[beginning] += 1
    for base in unsplit:
        shared = [each for each in _beginnings(base) if beginnings[each] > 1]
        if shared:
            question = max(shared, key=len)
            split[base] = (question, base[len(question) + 1 :])
    return split


def _beginnings(name: str) -> list[str]:
    words = name.split("_")
    return ["_".join(words[:count]) for count in range(1, len(words))]
