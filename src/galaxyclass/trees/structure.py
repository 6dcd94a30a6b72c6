"""Whether the questions and answers of a tree's file hold together, as far as they can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from galaxyclass.short import did_you_mean


def structure_problems(questions: Any) -> Iterator[str]:
    """A sentence for each code used twice, answer that is missing, and question nobody reaches.

    Parameters
    ----------
    questions : anything
        The field ``questions`` of the file. What is not laid out as a question or an answer is
        passed over: `galaxyclass.trees.schema.field_problems` names it.
    """
    tables = _tables(questions)
    answers = [answer for question in tables for answer in _tables(question.get("answers"))]
    for what, names in (
        ("question code", _texts(tables, "code")),
        ("question key", _texts(tables, "key")),
        ("answer code", _texts(answers, "code")),
    ):
        yield from (f"{what} {name!r} used twice" for name, n in Counter(names).items() if n > 1)
    for question in tables:
        within = _tables(question.get("answers"))
        for field in ("key", "name"):
            for name, count in Counter(_texts(within, field)).items():
                if count > 1:
                    code = question.get("code")
                    yield f"question {code}: {count} answers with the {field} {name!r}"
    yield from _missing_parents(tables)
    yield from _loops(tables)


def _missing_parents(tables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    codes = [
        code for question in tables for code in _texts(_tables(question.get("answers")), "code")
    ]
    questions = {
        question["code"]: question for question in tables if isinstance(question.get("code"), str)
    }
    for question in tables:
        parents = _asked_of(question)
        for code, count in Counter(parents).items():
            if count > 1:
                yield f"question {question.get('code')} is asked of {code!r} {count} times"
        for code in dict.fromkeys(parents):
            if code in codes:
                continue
            likely = did_you_mean(code, codes)
            hint = f"; {likely}" if likely else ""
            if code in questions:
                named = _texts(_tables(questions[code].get("answers")), "code")
                hint = f": that is a question; its answers are {', '.join(named) or 'none'}"
            yield (
                f"question {question.get('code')} is asked of {code!r}, which no question answers"
                f"{hint}"
            )


def _loops(tables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Questions that wait for each other, each because of an answer of another one."""
    question_of = {
        code: number
        for number, question in enumerate(tables)
        for code in _texts(_tables(question.get("answers")), "code")
    }
    waiting = {
        number: {question_of[code] for code in _asked_of(question) if code in question_of}
        for number, question in enumerate(tables)
    }
    while True:
        ready = [number for number, parents in waiting.items() if not parents & waiting.keys()]
        if not ready:
            break
        for number in ready:
            del waiting[number]
    if waiting:
        codes = ", ".join(str(tables[number].get("code")) for number in waiting)
        yield f"nobody can reach questions {codes}: they wait for each other in a loop"


def _asked_of(question: Mapping[str, Any]) -> list[str]:
    codes = question.get("asked_of")
    return [code for code in codes if isinstance(code, str)] if isinstance(codes, list) else []


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return (
        [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
    )


def _texts(tables: Sequence[Mapping[str, Any]], field: str) -> list[str]:
    return [table[field] for table in tables if isinstance(table.get(field), str)]
