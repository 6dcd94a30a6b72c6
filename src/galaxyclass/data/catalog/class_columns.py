"""The class column of a table, or its columns of flags; and why others are no classes."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow.compute as pc

from galaxyclass.data.catalog.classes import class_names, read_classes
from galaxyclass.data.catalog.matching import looks_like_paths
from galaxyclass.data.catalog.one_hot import find_one_hot
from galaxyclass.data.catalog.roles import example_of, require_column
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.data.tables.cells import UNKNOWN_WORDS, as_text, kind_of, numbers, whole_numbers
from galaxyclass.errors import CatalogError
from galaxyclass.short import counted, first_few
from galaxyclass.tasks.classes.targets import ClassTargets
from galaxyclass.trees.column_names import questions_of

#: A column of more different integers is not taken for classes unless it is named.
_MOST_GUESSED = 10
_CLASS_NAMES = ("class", "label", "target", "category")
#: Words for an unknown class, and numbers that stand for it beside others that are not negative.
_UNKNOWN = frozenset((*UNKNOWN_WORDS, "--", "?", "\\n", "<na>", "unknown", "missing", "undefined"))
_UNKNOWN_NUMBERS = ("-1", "-9", "-99", "-999", "-9999")
#: Words of columns that count votes.
_COUNT = re.compile(
    r"(?i)(^|[_-])(n?votes?|counts?|total([_-]?(votes|classifications))?|classifications|nvote)$"
    r"|^n_|^num_"
)


@dataclass(frozen=True)
class Classes:
    """Classes of a table: the targets, the columns that they are from, and notes on these."""

    targets: ClassTargets
    columns: tuple[str, ...]
    notes: tuple[Finding, ...]


def find_classes(
    table: Any, taken: Iterable[str], chosen: str | None, source: str
) -> Classes | None:
    """The classes of a table; None where there is no candidate.

    Parameters
    ----------
    table : pyarrow.Table
    taken : iterable of str
        The columns that already have another role.
    chosen : str or None
        The column named by ``target_column``.
    source : str
        The table's file, for messages.

    Raises
    ------
    CatalogError
        Several candidates; or the chosen column is absent, or holds numbers with a fraction.
    """
    taken = set(taken)
    if chosen is None and not _named(table, taken):
        flags = find_one_hot(table, taken)
        if flags is not None:
            columns, labels = flags
            words = f"{source}: {len(columns)} columns of flags, one of which is set in each row, "
            note = finding(
                "table_note", f"{words}are the classes: {first_few(columns)}", file=source
            )
            return Classes(ClassTargets("class", columns, labels), columns, (note,))
    name = class_column(table, taken, chosen, source)
    if name is None:
        return None
    is_whole = kind_of(table[name]) == "number"
    targets = read_classes(table[name], name)
    notes = list(doubtful_names(targets, source))
    if is_whole:
        words = f"{source}: {name!r} holds whole numbers as floats: {first_few(targets.classes)}"
        notes.append(finding("table_note", f"{words} are the classes", file=source, column=name))
    if name in counts_of_votes(table, taken):
        words = f"{source}: {name!r} looks like counts of votes; each number is taken for a class"
        notes.append(finding("table_note", words, file=source, column=name))
    return Classes(targets, (name,), tuple(notes))


def class_column(table: Any, taken: Iterable[str], chosen: str | None, source: str) -> str | None:
    """The column that holds the class; None where there is no candidate.

    Parameters and errors are those of `find_classes`.
    """
    if chosen is not None:
        require_column(table, chosen, source, "target_column")
        if not _can_be_class(table[chosen]):
            raise CatalogError(
                f"{source}: column {chosen!r} cannot be a class",
                wanted="text or whole numbers",
                got=f"numbers such as {example_of(table[chosen])}",
                hint=f"as a number: `numbers={chosen!r}`"
                if kind_of(table[chosen]) == "number"
                else _hint(candidates_of(table, taken), "name another column by `target_column`"),
            )
        return chosen
    named = _named(table, set(taken))
    if len(named) == 1:
        return named[0]
    candidates = candidates_of(table, taken)
    if len(candidates) > 1:
        raise CatalogError(
            f"{source}: several columns could be the class",
            wanted="one column of text or integers beside the id",
            got="\n".join(_described(table, name) for name in candidates[:12]),
            hint=_hint_of_several(table, named, candidates, source),
        )
    if candidates:
        _require_few_integers(table, candidates[0], source)
    return candidates[0] if candidates else None


def _can_be_class(column: Any, most: int | None = None) -> bool:
    """Whether a column is text, integers, or whole numbers: integers beside NaN become floats.

    ``most`` is how many different ones of the last may be taken for classes.
    """
    kind = kind_of(column)
    if kind != "number":
        return kind in ("integer", "text")
    whole = whole_numbers(column)
    return kind_of(whole) == "integer" and (
        most is None or pc.count_distinct(whole, mode="only_valid").as_py() <= most
    )


def _require_few_integers(table: Any, name: str, source: str) -> None:
    """Refuse to guess whether many different integers are classes or numbers."""
    if kind_of(table[name]) != "integer":
        return
    distinct = pc.unique(as_text(table[name]).drop_null()).to_pylist()
    if len(distinct) > _MOST_GUESSED:
        least, most = min(map(int, distinct)), max(map(int, distinct))
        raise CatalogError(
            f"{source}: column {name!r} could hold classes or numbers",
            wanted="to be told which",
            got=f"{len(distinct)} different integers from {least:,} to {most:,}",
            hint=f"as classes: `target_column={name!r}`; as numbers: `numbers={name!r}`",
        )


def candidates_of(table: Any, taken: Iterable[str]) -> list[str]:
    """Columns that could be the class: text or integers that repeat, and no counts of votes."""
    used = set(taken)
    candidates = []
    counts, named = set(counts_of_votes(table, used)), set(_named(table, used))
    for name in table.column_names:
        if name in used or name in counts or kind_of(table[name]) not in ("integer", "text"):
            continue
        text = as_text(table[name])
        distinct = pc.count_distinct(text, mode="only_valid").as_py()
        if name in named or (1 < distinct <= max(2, len(text) // 2) and not looks_like_paths(text)):
            candidates.append(name)
    return candidates


def counts_of_votes(table: Any, taken: Iterable[str]) -> list[str]:
    """Columns that look like numbers of votes: a total by name, or several of one question.

    Examples
    --------
    >>> import pyarrow as pa
    >>> votes = {"ring_yes": [3, 0, 9], "ring_no": [5, 8, 0], "ring_total-votes": [8, 8, 9]}
    >>> counts_of_votes(pa.table(votes), [])
    ['ring_yes', 'ring_no', 'ring_total-votes']
    """
    used = set(taken)
    groups: dict[str, list[str]] = defaultdict(list)
    integers = [
        name
        for name in table.column_names
        if name not in used
        and kind_of(table[name]) == "integer"
        and (_COUNT.search(name) or not _flags_alone(table[name]))
    ]
    for name in integers:
        groups[re.split(r"[_]", name)[0]].append(name)
    columns = set()
    for members in groups.values():
        totals = [name for name in members if _COUNT.search(name)]
        if totals:
            columns.update(members if len(members) > 2 else totals)
    return [name for name in integers if name in columns]


def _flags_alone(column: Any) -> bool:
    """Whether a column has two values at most, which are more likely classes than counts."""
    return bool(pc.count_distinct(as_text(column), mode="only_valid").as_py() <= 2)


def _named(table: Any, used: set[str]) -> list[str]:
    """The columns called class, label, target or category, if they can be one."""
    return [
        name
        for name in table.column_names
        if name not in used
        and name.lower() in _CLASS_NAMES
        and _can_be_class(table[name], _MOST_GUESSED)
        and pc.count_distinct(as_text(table[name]), mode="only_valid").as_py() > 0
    ]


def _described(table: Any, name: str) -> str:
    """A candidate and what speaks for it: its values."""
    text = class_names(table[name]).drop_null()
    counts = pc.value_counts(text).to_pylist()
    ordered = sorted(counts, key=lambda entry: -entry["counts"])
    shown = first_few([f"{entry['values']} ({entry['counts']})" for entry in ordered])
    return f"{name!r}: {counted(len(counts), 'value')}, {shown}"


def _hint_of_several(table: Any, named: list[str], candidates: list[str], source: str) -> str:
    """What to do where several columns could be the class, or are counts of votes on a tree."""
    by_name = "name the right one by `target_column`; columns of numbers by `numbers`"
    voted = [
        column
        for question in questions_of(
            name
            for name in candidates
            if kind_of(table[name]) == "integer"
            and not _flags_alone(table[name])
            and not (numbers(table[name])[0] < 0).any()
        )
        for column in next(iter(question.columns.values())).values()
    ]
    if named or not voted:
        return _hint(named or candidates, by_name)
    return (
        f"{first_few(voted)} look like counts of votes: `galaxyclass.guess_tree({source!r})` makes "
        f"their tree, which `tree` names; or {by_name}"
    )


def _hint(names: list[str], otherwise: str) -> str:
    """The only candidate that there is, or what to do where there are several."""
    return f"name it: `target_column={names[0]!r}`" if len(names) == 1 else otherwise


def doubtful_names(targets: ClassTargets, source: str) -> Iterable[Finding]:
    """Classes whose names differ in case, blanks, hyphens, or how accents are written alone.

    Also those that are words for an unknown class.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in targets.classes:
        plain = unicodedata.normalize("NFKC", name)
        letters = "".join(each for each in plain if unicodedata.category(each) != "Cf")
        is_number = re.fullmatch(r"[+-]?[0-9.]+", plain.strip())
        groups[name if is_number else re.sub(r"[\s_-]+", "", letters).casefold()].append(name)
    counts = {name: int((targets.labels == i).sum()) for i, name in enumerate(targets.classes)}
    for names in groups.values():
        if len(names) > 1:
            shown = ", ".join(f"{name!r} ({counts[name]:,})" for name in names)
            yield finding(
                "classes_alike",
                f"{source}: {shown}: {len(names)} classes",
                file=source,
                column=targets.column,
            )
    for name in filter(partial(_is_unknown, others=targets.classes), targets.classes):
        yield finding(
            "classes_unknown",
            f"{source}: {name!r}, {counted(counts[name], 'galaxy')}",
            file=source,
            column=targets.column,
        )


def _is_unknown(name: str, others: Sequence[str]) -> bool:
    """Whether a class is likely to say that none is known."""
    word = name.strip().casefold()
    if word in ("none", "-1") and len(others) == 2:  # ring and none, 1 and -1
        return False
    if word in _UNKNOWN:
        return True
    if name not in _UNKNOWN_NUMBERS:
        return False
    numbers_of = [int(other) for other in others if re.fullmatch(r"-?[0-9]+", other)]
    # Hubble types have negative numbers that mean something.
    return int(name) <= -99 or not any(number < 0 for number in numbers_of if number != int(name))
