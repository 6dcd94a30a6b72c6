"""Reading a decision tree from TOML: the shipped ones by name, a user's own from a file."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from galaxyclass.arguments import public
from galaxyclass.errors import TreeError
from galaxyclass.trees.schema import field_problems
from galaxyclass.trees.tree import Answer, Layout, LayoutKind, Question, Tree

#: The trees that the package ships, in the order in which a table's columns are tried.
TREES: tuple[str, ...] = (
    "galaxy_zoo_2",
    "galaxy_zoo_decals",
    "galaxy_zoo_decals_dr12",
    "galaxy_zoo_1",
    "galaxy_zoo_hubble",
    "galaxy_zoo_candels",
)

_KINDS = ("joint", "conditional")
_PUBLISHED_KINDS = get_args(LayoutKind)


@public
def load_tree(name: str | Path) -> Tree:
    """Read a shipped tree by its name, or a tree from a TOML file.

    Raises
    ------
    TreeError
        There is neither a tree nor a file of that name; or the file is not a tree (`parse_tree`).

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
    """Build a tree from parsed TOML; an error names all problems at once.

    Parameters
    ----------
    data : mapping
        ``key``, ``title``, ``reference``; ``questions``: a list of ``code``, ``key``, ``text``,
        ``asked_of`` (codes of answers; absent: everyone), ``answers`` (``code``, ``name``,
        ``key``); ``layouts``: a list of ``name``, ``kind``, ``tolerance`` and either ``columns``,
        one per answer, or ``pattern``: a format string with ``{code}``, ``{question}``,
        ``{question_code}``, ``{answer}`` and any other field that every answer has. ``published``:
        a list of the same, in which tables are read too; their kind may also be ``debiased`` or
        ``counts``, and ``written`` is the pattern of the columns of predictions then.
    source : str
        The file, for messages.

    Raises
    ------
    TreeError
        Names all fields that are missing, misspelt or of the wrong type; or, where there are none,
        all codes used twice, unknown answers that questions are asked of, loops, and layouts that
        cannot be filled in.
    """
    if problems := list(field_problems(data)):
        raise TreeError(
            f"{source}: not laid out as a tree",
            got="\n".join(problems),
            hint="compare it with a tree that the package ships, such as galaxy_zoo_2.toml",
        )
    layouts, published = (
        [_layout(entry, data["questions"], problems) for entry in data.get(field, ())]
        for field in ("layouts", "published")
    )
    tree = Tree(
        key=data["key"],
        title=data["title"],
        reference=data.get("reference", ""),
        questions=tuple(_question(entry) for entry in data["questions"]),
        layouts=tuple(layout for layout in layouts if layout is not None),
        published=tuple(layout for layout in published if layout is not None),
    )
    problems += _problems(tree)
    if problems:
        raise TreeError(f"{source}: the tree does not hold together", got="\n".join(problems))
    return tree


def _question(entry: Mapping[str, Any]) -> Question:
    return Question(
        code=entry["code"],
        key=entry["key"],
        text=entry["text"],
        asked_of=tuple(entry.get("asked_of", ())),
        answers=tuple(
            Answer(answer["code"], answer["name"], answer["key"], question=entry["code"])
            for answer in entry["answers"]
        ),
    )


def tree_data(tree: Tree) -> dict[str, Any]:
    """The tree as plain data, which a bundle holds and `parse_tree` reads back.

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


def _layout(
    entry: Mapping[str, Any], questions: list[Mapping[str, Any]], problems: list[str]
) -> Layout | None:
    """The layout; or None, with an entry in ``problems``, where its columns cannot be named."""
    columns = list(entry.get("columns", ()))
    if ("pattern" in entry) == ("columns" in entry):
        problems.append(f"layout {entry['name']}: needs either a pattern or columns")
        return None
    try:
        columns = columns or _columns(entry["pattern"], questions)
        written = _columns(entry["written"], questions) if "written" in entry else []
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        problems.append(
            f"layout {entry['name']}: the pattern {entry['pattern']!r} cannot be filled in for "
            f"every answer: {type(error).__name__} {error}"
        )
        return None
    tolerance = float(entry.get("tolerance", 1e-3))
    return Layout(entry["name"], entry["kind"], tuple(columns), tolerance, tuple(written))


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
    problems = []
    for what, names in (
        ("question code", [q.code for q in tree.questions]),
        ("question key", [q.key for q in tree.questions]),
        ("answer code", [a.code for a in tree.answers]),
        ("layout name", [layout.name for layout in (*tree.layouts, *tree.published)]),
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
    for layout in (*tree.layouts, *tree.published):
        if len(layout.columns) != len(tree.answers):
            problems.append(
                f"layout {layout.name}: {len(layout.columns)} columns "
                f"for {len(tree.answers)} answers"
            )
        kinds = _KINDS if layout in tree.layouts else _PUBLISHED_KINDS
        if layout.kind not in kinds:
            problems.append(f"layout {layout.name}: kind {layout.kind!r}, not {' or '.join(kinds)}")
        if not 0 <= layout.tolerance < 1:
            problems.append(f"layout {layout.name}: tolerance {layout.tolerance}, not from 0 to 1")
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
    if not waiting:
        return []
    return [f"nobody can reach questions {', '.join(waiting)}: they wait for each other in a loop"]
