"""`guess_tree`: a decision tree from a table's column names and its counts of votes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.data.catalog.roles import vote_layout
from galaxyclass.data.tables.cells import kind_of, numbers
from galaxyclass.data.tables.in_memory import is_table, open_in_memory
from galaxyclass.data.tables.tables import open_table
from galaxyclass.errors import TreeError
from galaxyclass.short import counted, first_few, summary
from galaxyclass.trees.column_names import ENDINGS, NamedQuestion, questions_of
from galaxyclass.trees.parents import FoundParents, find_parents
from galaxyclass.trees.read import TREES, load_tree
from galaxyclass.trees.tree import Answer, Layout, Question, Tree
from galaxyclass.trees.write import tree_toml

#: By how much published fractions of two decimals may miss the sum of their question.
_TOLERANCE = 5e-3
#: A question whose fractions sum to 1 in fewer galaxies than this is one of joint fractions.
_MOSTLY = 0.9


@dataclass(frozen=True)
class GuessedTree:
    """A tree that was made of a table.

    Attributes
    ----------
    tree : Tree
    text : str
        As TOML, with a comment on each guess.
    notes : tuple of str
        What could not be found, and which columns were left out.
    """

    tree: Tree
    text: str
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(f"GuessedTree {self.tree!r}, {counted(len(self.notes), 'note')}")


@public
def guess_tree(table: Any) -> GuessedTree:
    """Make a decision tree of a table's column names and of how many votes each answer has.

    Columns are taken apart into questions and answers: ``ring_yes_count``,
    ``smooth-or-featured_smooth``, ``t01_smooth_or_features_a01_smooth_fraction``, ``Class1.1``.
    Which answers lead to a question is found from the numbers of those who were asked: from
    counts, from fractions beside a total (``ring_total-votes``), or from joint fractions. Where
    there are only shares of those who were asked, it cannot be found, and the comments say so.

    Parameters
    ----------
    table : str, Path or a table in memory

    Returns
    -------
    GuessedTree
        Questions and answers in the order of the columns. The names and texts are made of the
        columns' names: write better ones.

    Raises
    ------
    TreeError
        No columns of one question.
    CatalogError
        The table cannot be read.

    Examples
    --------
    >>> votes = {"ring_yes": [6, 2, 9], "ring_no": [4, 8, 1]}
    >>> votes |= {"arms_one": [1, 1, 9], "arms_two": [5, 1, 0]}
    >>> guessed = guess_tree(votes)
    >>> guessed.tree, guessed.tree.questions[1].asked_of
    (<Tree votes: 2 questions, 4 answers>, ('1.1',))
    """
    file = open_in_memory(table) if is_table(table) else open_table(Path(table))
    columns = {
        name: values
        for name in file.table.column_names
        if (values := _votes_of(file.table[name])) is not None
    }
    questions = questions_of(columns)
    if not questions:
        raise TreeError(
            f"{file.path}: no questions in the names of its columns",
            argument="table",
            wanted="columns such as ring_yes_count and ring_no_count: a question, an answer, and "
            f"perhaps what the number is ({', '.join(sorted(ENDINGS))})",
            got=first_few(file.table.column_names),
        )
    coded, answers = _coded(questions)
    layouts, published, joint = _layouts(questions, columns)
    parents, unit = _parents(questions, columns, joint=joint)
    found = [
        Question(
            question.code,
            question.key,
            question.text,
            tuple(answers[index].code for index in each.answers),
            question.answers,
        )
        for question, each in zip(coded, parents, strict=True)
    ]
    name = "votes" if is_table(table) else Path(table).name.partition(".")[0]
    tree = Tree(
        key=re.sub(r"\W+", "_", name).lower() or "votes",
        title=name,
        reference="",
        questions=tuple(found),
        layouts=layouts,
        published=published,
    )
    comments = {
        question.code: [_comment(each, answers, unit)]
        for question, each in zip(found, parents, strict=True)
    }
    used = {
        name
        for question in questions
        for name in (question.total, *(c for by in question.columns.values() for c in by.values()))
    }
    unused = [name for name in file.table.column_names if name not in used]
    notes = _notes(found, parents, unused, unit)
    if (known := vote_layout(used, [load_tree(name) for name in TREES])) is not None:
        notes = (f"The package has a tree with these columns: {known[0].key}.", *notes)
    header = [
        f"Guessed from {counted(len(file.table.column_names), 'column')} and "
        f"{counted(file.table.num_rows, 'row')} of {Path(file.path).name}: check it, and write "
        "better names and texts.",
        *notes,
    ]
    return GuessedTree(tree, tree_toml(tree, header=header, comments=comments), notes)


def _votes_of(column: Any) -> NDArray[np.float64] | None:
    """The numbers of a column, if it can be one of votes: none negative, and some above 0."""
    if kind_of(column) not in ("integer", "number"):
        return None
    values, wrong = numbers(column)
    finite = values[np.isfinite(values)]
    if len(wrong) or not len(finite) or finite.min() < 0:
        return None
    return values


def _coded(questions: Sequence[NamedQuestion]) -> tuple[list[Question], list[Answer]]:
    """Questions with codes, names and texts, all asked of everyone; and all answers."""
    coded = []
    for number, question in enumerate(questions, 1):
        answers = tuple(
            Answer(f"{number}.{position}", _words(key), key, str(number))
            for position, key in enumerate(question.answers, 1)
        )
        coded.append(Question(str(number), question.key, f"{_words(question.key)}?", (), answers))
    return coded, [answer for question in coded for answer in question.answers]


def _words(key: str) -> str:
    text = re.sub(r"^[ta]\d+_", "", key)
    return re.sub(r"[_-]+", " ", text).strip() or key


def _layouts(
    questions: Sequence[NamedQuestion], columns: dict[str, NDArray[np.float64]]
) -> tuple[tuple[Layout, ...], tuple[Layout, ...], bool]:
    """Layouts that predictions can have, others that tables have, and whether they are joint."""
    layouts, published, joint = [], [], False
    endings = dict.fromkeys(ending for question in questions for ending in question.columns)
    for ending in endings:
        kind = ENDINGS.get(ending.lower()) or _kind_of_numbers(questions, columns, ending)
        joint |= kind == "joint"
        names = tuple(
            question.columns.get(ending, {}).get(answer, f"{_base(question, answer)}{ending}")
            for question in questions
            for answer in question.answers
        )
        layout = Layout(ending.strip("_") or "votes", kind, names, _TOLERANCE)
        if kind in ("joint", "conditional"):
            layouts.append(layout)
            continue
        if kind == "counts":
            written = tuple(f"{name.removesuffix(ending)}_fraction" for name in names)
            layout = Layout(layout.name, kind, names, _TOLERANCE, written)
        published.append(layout)
    return tuple(layouts), tuple(published), joint


def _base(question: NamedQuestion, answer: str) -> str:
    """The name of an answer's column without its ending, as another ending has it."""
    for ending, names in question.columns.items():
        if answer in names:
            return names[answer].removesuffix(ending) if ending else names[answer]
    return f"{question.key}_{answer}"


def _kind_of_numbers(
    questions: Sequence[NamedQuestion], columns: dict[str, NDArray[np.float64]], ending: str
) -> Any:
    """What the numbers of columns without a known ending are."""
    sums = []
    for question in questions:
        if ending in question.columns:
            values = np.stack([columns[name] for name in question.columns[ending].values()])
            if np.nanmax(values) > 1 + 1e-6:
                return "counts"
            total = np.nan_to_num(values).sum(axis=0)
            sums.append(float((np.abs(total[total > 0] - 1) < 0.02).mean()))
    return "conditional" if min(sums) > _MOSTLY else "joint"


def _parents(
    questions: Sequence[NamedQuestion], columns: dict[str, NDArray[np.float64]], *, joint: bool
) -> tuple[tuple[FoundParents, ...], str]:
    """Which answers lead to each question; and the word for what was counted, empty for nothing."""
    votes: list[NDArray[np.float64]] = []
    asked: list[NDArray[np.float64]] = []
    slices: list[slice] = []
    word = ""
    for question in questions:
        numbers, total, word = _counts(question, columns, joint=joint)
        if not word:
            nothing = FoundParents((), float("nan"))
            return (nothing,) * len(questions), ""
        slices.append(slice(len(votes), len(votes) + len(numbers)))
        votes += numbers
        asked.append(total)
    found = find_parents(np.stack(votes, axis=1), np.stack(asked, axis=1), slices)
    return found, word


def _counts(
    question: NamedQuestion, columns: dict[str, NDArray[np.float64]], *, joint: bool
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], str]:
    """The votes for each answer, how many were asked, and the word for it; empty: not known."""
    empty = np.zeros(0)
    for ending, names in question.columns.items():
        kind = ENDINGS.get(ending.lower())
        raw = [columns[names[each]] for each in question.answers if each in names]
        if len(raw) < len(question.answers):
            continue
        values = [np.nan_to_num(each) for each in raw]
        if kind == "counts" or (kind is None and max(each.max() for each in values) > 1 + 1e-6):
            return values, np.sum(values, axis=0), "votes"
        if kind == "conditional" and question.total:
            total = np.nan_to_num(columns[question.total])
            return [each * total for each in values], total, "votes"
        if kind is None and joint:
            return raw, np.sum(raw, axis=0), "shares"  # an empty cell is unknown here, not 0
    return [], empty, ""


def _comment(parents: FoundParents, answers: Sequence[Answer], unit: str) -> str:
    if not unit:
        return "Not known who is asked: write asked_of = [codes of answers] if not everyone is."
    if np.isnan(parents.miss):
        return "Nobody's votes match those of this question: check who is asked."
    who = " or ".join(f"{answers[i].code} ({answers[i].name})" for i in parents.answers)
    text = f"Asked of {who or 'everyone'}: the {unit} differ by {parents.miss:.2%}."
    if parents.others:
        others = "; or ".join(", ".join(answers[i].code for i in each) for each in parents.others)
        text += f" As good: {others}."
    return text


def _notes(
    questions: Sequence[Question],
    parents: Sequence[FoundParents],
    unused: Sequence[str],
    unit: str,
) -> tuple[str, ...]:
    notes = []
    if not unit:
        notes.append(
            "Who is asked each question cannot be found from shares of those who were asked: every "
            "question is asked of everyone here. Counts of votes, or totals, would tell."
        )
    else:
        lost = [
            question.code
            for question, each in zip(questions, parents, strict=True)
            if np.isnan(each.miss)
        ]
        if lost:
            notes.append(f"Questions whose parents were not found: {', '.join(lost)}.")
        several = [q.code for q, each in zip(questions, parents, strict=True) if each.others]
        if several:
            notes.append(f"Questions that others could lead to as well: {', '.join(several)}.")
    if unused:
        notes.append(f"Columns that are no answers: {first_few(unused)}.")
    return tuple(notes)
