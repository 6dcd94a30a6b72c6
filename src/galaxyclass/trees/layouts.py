"""The layouts of a tree's file: which columns a table has for the answers, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from galaxyclass.short import counted
from galaxyclass.trees.tree import Layout, LayoutKind

#: What a tree without layouts is read in: tables name their columns as galaxy-datasets does.
DEFAULTS: dict[str, list[dict[str, Any]]] = {
    "layouts": [
        {
            "name": "fraction",
            "kind": "conditional",
            "pattern": "{question}_{answer}_fraction",
            "tolerance": 5e-3,
        }
    ],
    "published": [
        {
            "name": name,
            "kind": "counts",
            "pattern": pattern,
            "written": "{question}_{answer}_fraction",
        }
        for name, pattern in (
            ("count", "{question}_{answer}_count"),
            ("bare", "{question}_{answer}"),
        )
    ],
}

#: The kinds that predictions can have, and those that tables can have.
_KINDS: dict[str, tuple[str, ...]] = {
    "layouts": ("joint", "conditional"),
    "published": get_args(LayoutKind),
}


def read_layouts(
    data: Mapping[str, Any], *, laid_out: bool
) -> tuple[tuple[Layout, ...], tuple[Layout, ...], list[str]]:
    """The layouts and the published layouts of a tree, and a sentence for each that is wrong.

    Parameters
    ----------
    data : mapping
        The parsed TOML.
    laid_out : bool
        Whether every field is of the right type; where one is not, columns are not named.
    """
    problems: list[str] = []
    questions = data.get("questions") if laid_out else ()
    source = data if data.get("layouts") or data.get("published") else DEFAULTS
    read: dict[str, list[Layout]] = {}
    for field in ("layouts", "published"):
        entries = source.get(field, ())
        read[field] = [
            layout
            for entry in (entries if isinstance(entries, list) else ())
            if _is_named(entry)
            for layout in _layout(entry, questions or (), problems, laid_out=laid_out)
        ]
        problems += [
            problem
            for layout in read[field]
            for problem in _problems(layout, _KINDS[field], questions or (), laid_out=laid_out)
        ]
    # Predictions of a model that learnt from a published layout have that layout's name.
    published = [each for each in read["published"] if each.written not in read["layouts"]]
    names = Counter(layout.name for layout in (*read["layouts"], *published))
    problems += [f"layout name {name!r} used twice" for name, count in names.items() if count > 1]
    return tuple(read["layouts"]), tuple(read["published"]), problems


def _is_named(entry: Any) -> bool:
    return isinstance(entry, Mapping) and all(
        isinstance(entry.get(field), str) for field in ("name", "kind")
    )


def _layout(
    entry: Mapping[str, Any],
    questions: Sequence[Mapping[str, Any]],
    problems: list[str],
    *,
    laid_out: bool,
) -> Iterator[Layout]:
    """The layout; or none, with an entry in ``problems``, where its columns cannot be named."""
    if ("pattern" in entry) == ("columns" in entry):
        problems.append(f"layout {entry['name']}: needs either a pattern or columns")
        return
    columns, written = list(entry.get("columns", ())), list(entry.get("written_columns", ()))
    if laid_out:
        try:
            columns = columns or answer_columns(entry["pattern"], questions)
            written = written or (
                answer_columns(entry["written"], questions) if "written" in entry else []
            )
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            problems.append(
                f"layout {entry['name']}: the pattern {entry['pattern']!r} cannot be filled in for "
                f"every answer: {type(error).__name__} {error}"
            )
            return
    tolerance = entry.get("tolerance", 1e-3)
    yield Layout(
        entry["name"],
        entry["kind"],
        tuple(columns),
        float(tolerance) if isinstance(tolerance, int | float) else 0.0,
        tuple(written),
    )


def answer_columns(pattern: str, questions: Sequence[Mapping[str, Any]]) -> list[str]:
    """The column of each answer, of a format string with the fields of `parse_tree`."""
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


def _problems(
    layout: Layout,
    kinds: tuple[str, ...],
    questions: Sequence[Mapping[str, Any]],
    *,
    laid_out: bool,
) -> Iterator[str]:
    if laid_out:
        count = sum(len(question["answers"]) for question in questions)
        for columns, kind_word in (
            (layout.columns, "columns"),
            (layout.written_columns, "written ones"),
        ):
            if len(columns) != count and (columns or kind_word == "columns"):
                answers = counted(count, "answer")
                yield f"layout {layout.name}: {len(columns)} {kind_word} for {answers}"
        twice = [name for name, n in Counter(layout.columns).items() if n > 1]
        yield from (f"layout {layout.name}: column {name!r} for two answers" for name in twice)
    if layout.kind not in kinds:
        yield f"layout {layout.name}: kind {layout.kind!r}, not {' or '.join(kinds)}"
    if not 0 <= layout.tolerance < 1:
        yield f"layout {layout.name}: tolerance {layout.tolerance}, not from 0 to 1"
