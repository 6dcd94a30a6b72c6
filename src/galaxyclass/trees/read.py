"""Reading a decision tree from TOML: the shipped ones by name, a user's own from a file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from galaxyclass.arguments import public
from galaxyclass.errors import TreeError
from galaxyclass.io.reading import parse_toml, read_description
from galaxyclass.short import did_you_mean
from galaxyclass.trees.layouts import read_layouts
from galaxyclass.trees.schema import field_problems
from galaxyclass.trees.structure import structure_problems
from galaxyclass.trees.tree import Answer, Layout, Question, Tree

#: The trees that the package ships, in the order in which a table's columns are tried.
TREES: tuple[str, ...] = (
    "galaxy_zoo_2",
    "galaxy_zoo_decals",
    "galaxy_zoo_decals_dr12",
    "galaxy_zoo_1",
    "galaxy_zoo_hubble",
    "galaxy_zoo_candels",
    "galaxy_zoo_cosmic_dawn",
    "galaxy_zoo_euclid",
)

#: Further names of these trees: projects that asked the same questions.
SAME_TREE: dict[str, str] = {
    "galaxy_zoo_desi": "galaxy_zoo_decals",
    "galaxy_zoo_jwst": "galaxy_zoo_cosmic_dawn",
}


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
    if isinstance(name, str) and (name in TREES or name in SAME_TREE):
        return _shipped(SAME_TREE.get(name, name))
    return _parse_text(tree_text(name), str(Path(name)))


def as_tree(tree: Tree | str | Path) -> Tree:
    """A tree as it is, or as `load_tree` reads it.

    Raises
    ------
    TreeError
        As for `load_tree`.
    """
    return tree if isinstance(tree, Tree) else load_tree(tree)


def tree_text(name: str | Path) -> str:
    """The TOML of a tree, with its comments.

    Raises
    ------
    TreeError
        There is neither a tree nor a file of that name.
    """
    if isinstance(name, str) and (shipped := SAME_TREE.get(name, name)) in TREES:
        file = resources.files("galaxyclass.trees") / f"{shipped}.toml"
        return file.read_text(encoding="utf-8")
    try:
        return read_description(name)
    except UnicodeDecodeError as error:
        raise TreeError(
            f"{name}: not text in UTF-8", got=str(error), hint="save the file as UTF-8"
        ) from error
    except OSError as error:
        known = (*TREES, *SAME_TREE)
        raise TreeError(
            f"no tree {str(name)!r}",
            wanted=f"{', '.join(known)}, or a TOML file",
            got=error.strerror or str(error),
            hint=did_you_mean(str(name), known) or "check the name, or the path",
        ) from error


@cache
def _shipped(name: str) -> Tree:
    return _parse_text(tree_text(name), f"{name}.toml")


def _parse_text(text: str, source: str) -> Tree:
    try:
        data = parse_toml(text)
    except ValueError as error:
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
        ``counts``, and ``written`` is the pattern of the columns of predictions then (or
        ``written_columns`` their list). ``zooniverse`` of a question and of an answer is how a
        Zooniverse project names it: the task (``T0``) and the label of the button.
    source : str
        The file, for messages.

    Raises
    ------
    TreeError
        Names all at once: fields that are missing, misspelt or of the wrong type, codes used twice,
        unknown answers that questions are asked of, loops, and layouts that cannot be filled in.

    Notes
    -----
    A tree without any layout has those of `galaxyclass.trees.layouts.DEFAULTS`.
    """
    problems = list(field_problems(data))
    laid_out = not problems
    layouts: tuple[Layout, ...] = ()
    published: tuple[Layout, ...] = ()
    if isinstance(data, Mapping):
        problems += structure_problems(data.get("questions"))
        layouts, published, unfit = read_layouts(data, laid_out=laid_out)
        problems += unfit
    if problems:
        wrong = "the tree does not hold together" if laid_out else "not laid out as a tree"
        raise TreeError(
            f"{source}: {wrong}",
            got="\n".join(problems),
            hint=None
            if laid_out
            else "compare it with one of the package: `galaxyclass.load_tree('galaxy_zoo_2')`",
        )
    return Tree(
        key=data["key"],
        title=data["title"],
        reference=data.get("reference", ""),
        questions=tuple(_question(entry) for entry in data["questions"]),
        layouts=layouts,
        published=published,
    )


def _question(entry: Mapping[str, Any]) -> Question:
    return Question(
        code=entry["code"],
        key=entry["key"],
        text=entry["text"],
        asked_of=tuple(entry.get("asked_of", ())),
        answers=tuple(
            Answer(
                answer["code"],
                answer["name"],
                answer["key"],
                question=entry["code"],
                zooniverse=answer.get("zooniverse", ""),
            )
            for answer in entry["answers"]
        ),
        zooniverse=entry.get("zooniverse", ""),
    )


def tree_data(tree: Tree) -> dict[str, Any]:
    """The tree as plain data, which a bundle holds and `parse_tree` reads back.

    The published layouts of a tree that the package ships are left out: they are known.

    Examples
    --------
    >>> tree = load_tree("galaxy_zoo_2")
    >>> parse_tree(tree_data(tree), "a bundle") == tree
    True
    """
    data = {
        "key": tree.key,
        "title": tree.title,
        "reference": tree.reference,
        "questions": [_question_data(question) for question in tree.questions],
        "layouts": [_layout_data(layout) for layout in tree.layouts],
    }
    is_shipped = any(tree == _shipped(name) for name in TREES)
    if tree.published and not is_shipped:
        data["published"] = [
            {**_layout_data(layout), "written_columns": list(layout.written_columns)}
            for layout in tree.published
        ]
    return data


def _question_data(question: Question) -> dict[str, Any]:
    return {
        "code": question.code,
        "key": question.key,
        "text": question.text,
        "asked_of": list(question.asked_of),
        "answers": [
            {"code": answer.code, "name": answer.name, "key": answer.key, **_name_there(answer)}
            for answer in question.answers
        ],
        **_name_there(question),
    }


def _name_there(part: Question | Answer) -> dict[str, str]:
    return {"zooniverse": part.zooniverse} if part.zooniverse else {}


def _layout_data(layout: Layout) -> dict[str, Any]:
    return {
        "name": layout.name,
        "kind": layout.kind,
        "columns": list(layout.columns),
        "tolerance": layout.tolerance,
    }
