"""Reading a decision tree from TOML: the shipped ones by name, a user's own from a file."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from galaxyclass.errors import TreeError
from galaxyclass.trees.tree import Answer, Layout, Question, Tree

#: The trees that the package ships, in the order in which a table's columns are tried.
TREES: tuple[str, ...] = ("galaxy_zoo_2", "galaxy_zoo_decals")

_KINDS = ("joint", "conditional")


def load_tree(name: str | Path) -> Tree:
    """Read a shipped tree by its name, or a tree from a TOML file.

    Raises
    ------
    TreeError
        No tree of that name and no such file; or the file is not a tree (see `parse_tree`).

    Examples
    --------
    >>> tree = load_tree("galaxy_zoo_2")
    >>> len(tree.questions), len(tree.answers), tree.answers[0].name
    (11, 37, 'smooth')
    """
    if isinstance(name, str) and name in TREES:
        return _shipped(name)
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TreeError(
            f"no tree {str(name)!r}",
            wanted=f"{', '.join(TREES)}, or a TOML file",
            got=str(error),
        ) from error
    return _parse_text(text, str(path))


@cache
def _shipped(name: str) -> Tree:
    file = resources.files("galaxyclass.trees") / f"{name}.toml"
    return _parse_text(file.read_text(encoding="utf-8"), f"{name}.toml")


def _parse_text(text: str, source: str) -> Tree:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TreeError(f"{source}: not valid TOML", got=str(error)) from error
    return parse_tree(data, source)


def parse_tree(data: Mapping[str, Any], source: str) -> Tree:
    """Build a tree from parsed TOML, or say everything that is wrong with it.

    Parameters
    ----------
    data : mapping
        ``key``, ``title``, ``reference``; ``questions``: a list of ``code``, ``key``, ``text``,
        ``asked_of`` (codes of answers; absent: everyone), ``answers`` (``code``, ``name``,
        ``key``); ``layouts``: a list of ``name``, ``kind``, ``tolerance`` and either ``columns``,
        one per answer, or ``pattern``: a format string with ``{code}``, ``{question}``,
        ``{question_code}``, ``{answer}`` and any further field that every answer has.
    source : str
        The file, for messages.

    Raises
    ------
    TreeError
        Missing fields, codes used twice, answers that lead nowhere known, loops; all together.
    """
    problems: list[str] = []
    try:
        questions = tuple(_question(entry) for entry in data["questions"])
        tree = Tree(
            key=str(data["key"]),
            title=str(data["title"]),
            reference=str(data.get("reference", "")),
            questions=questions,
            layouts=tuple(_layout(entry, data["questions"]) for entry in data.get("layouts", ())),
        )
    except KeyError as error:
        raise TreeError(
            f"{source}: the tree lacks a field",
            wanted="key, title, questions; in a question code, key, text, answers; in an answer "
            "code, name, key; in a layout name, kind, pattern and only fields that answers have",
            got=f"no {error}",
        ) from error
    except (TypeError, AttributeError) as error:
        raise TreeError(
            f"{source}: not laid out as a tree",
            wanted="[[questions]] tables that hold a list of answers",
            got=str(error),
        ) from error
    problems += _problems(tree)
    if problems:
        raise TreeError(f"{source}: the tree does not hold together", got="\n".join(problems))
    return tree


def _question(entry: Mapping[str, Any]) -> Question:
    return Question(
        code=str(entry["code"]),
        key=str(entry["key"]),
        text=str(entry["text"]),
        asked_of=tuple(str(code) for code in entry.get("asked_of", ())),
        answers=tuple(
            Answer(
                code=str(answer["code"]),
                name=str(answer["name"]),
                key=str(answer["key"]),
                question=str(entry["code"]),
            )
            for answer in entry["answers"]
        ),
    )


def tree_data(tree: Tree) -> dict[str, Any]:
    """The tree as plain data that `parse_tree` reads back: what a bundle carries.

    Examples
    --------
    >>> tree = load_tree("galaxy_zoo_2")
    >>> parse_tree(tree_data(tree), "a bundle") == tree
    True
    """
    return {
        "key": tree.key,
        "title": tree.title,
        "reference": tree.reference,
        "questions": [
            {
                "code": question.code,
                "key": question.key,
                "text": question.text,
                "asked_of": list(question.asked_of),
                "answers": [
                    {"code": answer.code, "name": answer.name, "key": answer.key}
                    for answer in question.answers
                ],
            }
            for question in tree.questions
        ],
        "layouts": [
            {
                "name": layout.name,
                "kind": layout.kind,
                "columns": list(layout.columns),
                "tolerance": layout.tolerance,
            }
            for layout in tree.layouts
        ],
    }


def _layout(entry: Mapping[str, Any], questions: list[Mapping[str, Any]]) -> Layout:
    columns = [str(column) for column in entry.get("columns", ())]
    if not columns:
        columns = _columns(str(entry["pattern"]), questions)
    return Layout(
        name=str(entry["name"]),
        kind=entry["kind"],
        columns=tuple(columns),
        tolerance=float(entry.get("tolerance", 1e-3)),
    )


def _columns(pattern: str, questions: list[Mapping[str, Any]]) -> list[str]:
    columns = []
    for question in questions:
        for answer in question["answers"]:
            fields = {
                **answer,
                "question": question["key"],
                "question_code": question["code"],
                "answer": answer["key"],
            }
            columns.append(pattern.format(**fields))
    return columns


def _problems(tree: Tree) -> list[str]:
    problems = [] if tree.questions else ["no questions"]
    problems += [f"question {q.code} has no answers" for q in tree.questions if not q.answers]
    for what, names in (
        ("question code", [q.code for q in tree.questions]),
        ("question key", [q.key for q in tree.questions]),
        ("answer code", [a.code for a in tree.answers]),
    ):
        problems += [f"{what} {name!r} used twice" for name, n in Counter(names).items() if n > 1]
    known = {answer.code: answer.question for answer in tree.answers}
    problems += [
        f"question {question.code} is asked of {code!r}, which no question answers"
        for question in tree.questions
        for code in question.asked_of
        if code not in known
    ]
    if not problems:
        problems += _loops(tree, known)
    for layout in tree.layouts:
        if len(layout.columns) != len(tree.answers):
            problems.append(
                f"layout {layout.name}: {len(layout.columns)} columns "
                f"for {len(tree.answers)} answers"
            )
        if layout.kind not in _KINDS:
            problems.append(f"layout {layout.name}: kind {layout.kind!r}, not joint or conditional")
        twice = [name for name, n in Counter(layout.columns).items() if n > 1]
        problems += [f"layout {layout.name}: column {name!r} for two answers" for name in twice]
    return problems


def _loops(tree: Tree, question_of: Mapping[str, str]) -> list[str]:
    waiting = {q.code: {question_of[code] for code in q.asked_of} for q in tree.questions}
    while True:
        ready = [code for code, parents in waiting.items() if not parents & waiting.keys()]
        if not ready:
            break
        for code in ready:
            del waiting[code]
    return [f"questions {', '.join(waiting)} lead to each other in a loop"] if waiting else []
