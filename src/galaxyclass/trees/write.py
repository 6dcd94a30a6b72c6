"""A tree as TOML, with a comment beside whatever was guessed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from galaxyclass.trees.tree import Answer, Layout, Tree


def tree_toml(
    tree: Tree,
    *,
    header: Iterable[str] = (),
    comments: Mapping[str, Iterable[str]] | None = None,
) -> str:
    """The TOML of a tree, which `load_tree` reads back.

    Parameters
    ----------
    tree : Tree
    header : iterable of str
        Lines of the comment at the top.
    comments : mapping, optional
        Code of a question -> lines of the comment above it.

    Examples
    --------
    >>> import tomllib
    >>> from galaxyclass.trees.read import load_tree, parse_tree
    >>> tree = load_tree("galaxy_zoo_2")
    >>> parse_tree(tomllib.loads(tree_toml(tree)), "here") == tree
    True
    """
    lines = [f"# {line}".rstrip() for line in header]
    lines += [f"{key} = {_text(getattr(tree, key))}" for key in ("key", "title", "reference")]
    for field in ("layouts", "published"):
        for layout in getattr(tree, field):
            lines += ["", f"[[{field}]]", *_layout(tree, layout)]
    for question in tree.questions:
        lines += ["", *(f"# {line}" for line in (comments or {}).get(question.code, ()))]
        lines += ["[[questions]]"]
        lines += [f"{key} = {_text(getattr(question, key))}" for key in ("code", "key", "text")]
        if question.zooniverse:
            lines.append(f"zooniverse = {_text(question.zooniverse)}")
        if question.asked_of:
            lines.append(f"asked_of = [{', '.join(map(_text, question.asked_of))}]")
        lines += ["answers = [", *(f"    {_answer(answer)}," for answer in question.answers), "]"]
    return "\n".join(lines) + "\n"


def _answer(answer: Answer) -> str:
    fields = ["code", "name", "key", *(["zooniverse"] if answer.zooniverse else [])]
    return "{ " + ", ".join(f"{key} = {_text(getattr(answer, key))}" for key in fields) + " }"


def _layout(tree: Tree, layout: Layout) -> list[str]:
    lines = [f"name = {_text(layout.name)}", f"kind = {_text(layout.kind)}"]
    if (pattern := _pattern(tree, layout.columns)) is not None:
        lines.append(f"pattern = {_text(pattern)}")
    else:
        lines += ["columns = [", *(f"    {_text(name)}," for name in layout.columns), "]"]
    lines.append(f"tolerance = {layout.tolerance:g}")
    if layout.written_columns:
        if (pattern := _pattern(tree, layout.written_columns)) is not None:
            lines.append(f"written = {_text(pattern)}")
        else:
            names = (f"    {_text(name)}," for name in layout.written_columns)
            lines += ["written_columns = [", *names, "]"]
    return lines


def _pattern(tree: Tree, columns: tuple[str, ...]) -> str | None:
    """A pattern that gives these columns, where the plain one of galaxy-datasets does."""
    keys = {question.code: question.key for question in tree.questions}
    plain = [f"{keys[answer.question]}_{answer.key}" for answer in tree.answers]
    ending = columns[0].removeprefix(plain[0])
    if "{" in ending or "}" in ending or list(columns) != [name + ending for name in plain]:
        return None
    return "{question}_{answer}" + ending


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
