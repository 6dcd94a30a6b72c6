"""The fields of a tree's TOML file, as data, and a check of a file against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from galaxyclass.short import did_you_mean


@dataclass(frozen=True)
class _Table:
    """The fields of a TOML table: name -> type. An ``open`` table may have more text fields."""

    needed: Mapping[str, type]
    optional: Mapping[str, type]
    open: bool = False


_TREE = _Table(
    {"key": str, "title": str, "questions": list},
    {"reference": str, "layouts": list, "published": list},
)
_QUESTION = _Table(
    {"code": str, "key": str, "text": str, "answers": list},
    {"asked_of": list, "zooniverse": str},
)
_ANSWER = _Table({"code": str, "name": str, "key": str}, {"zooniverse": str}, open=True)
_LAYOUT = _Table({"name": str, "kind": str}, {"pattern": str, "columns": list, "tolerance": float})
_PUBLISHED = _Table(_LAYOUT.needed, {**_LAYOUT.optional, "written": str, "written_columns": list})

_WORDS = {str: "text in quotes", list: "a list in [brackets]", float: "a number"}


def field_problems(data: Any) -> Iterator[str]:
    """A sentence for each field that is missing, unknown, empty or of the wrong type.

    Parameters
    ----------
    data : anything
        The parsed TOML.
    """
    yield from _table(data, _TREE, "the tree")
    questions = data.get("questions") if isinstance(data, Mapping) else None
    for number, question in _entries(questions):
        name = _name(question, f"question number {number}", "question", "code")
        yield from _table(question, _QUESTION, name)
        if not isinstance(question, Mapping):
            continue
        yield from _texts(question.get("asked_of"), f"{name}: asked_of")
        for position, answer in _entries(question.get("answers")):
            answer_name = _name(answer, f"{name}, answer number {position}", "answer", "code")
            yield from _table(answer, _ANSWER, answer_name)
    for field, table in (("layouts", _LAYOUT), ("published", _PUBLISHED)):
        layouts = data.get(field) if isinstance(data, Mapping) else None
        for number, layout in _entries(layouts):
            name = _name(layout, f"layout number {number}", "layout", "name")
            yield from _table(layout, table, name)
            for listed in ("columns", "written_columns"):
                columns = layout.get(listed) if isinstance(layout, Mapping) else None
                yield from _texts(columns, f"{name}: {listed}")


def _table(entry: Any, table: _Table, where: str) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield f"{where}: {entry!r} is not a table of fields"
        return
    fields = {**table.needed, **table.optional}
    for name in table.needed:
        if name not in entry:
            yield f"{where}: no {name!r}"
    for name, value in entry.items():
        if name not in fields:
            if not table.open:
                likely = did_you_mean(name, fields)
                hint = f"; {likely}" if likely else f" (only {', '.join(fields)})"
                yield f"{where}: unknown field {name!r}{hint}"
            continue
        wanted = (int, float) if fields[name] is float else fields[name]
        if not isinstance(value, wanted) or isinstance(value, bool):
            yield f"{where}: {name} is {value!r}, not {_WORDS[fields[name]]}"
        elif name in table.needed and not value:
            yield f"{where}: {name} is empty"


def _texts(value: Any, where: str) -> Iterator[str]:
    for _, entry in _entries(value):
        if not isinstance(entry, str):
            yield f"{where} holds {entry!r}, not text in quotes"


def _entries(value: Any) -> Iterator[tuple[int, Any]]:
    """Entries of a list, numbered from 1; none where ``value`` is not a list (see `_table`)."""
    if isinstance(value, list):
        yield from enumerate(value, start=1)


def _name(entry: Any, otherwise: str, kind: str, field: str) -> str:
    value = entry.get(field) if isinstance(entry, Mapping) else None
    return f"{kind} {value}" if isinstance(value, str) and value else otherwise
