"""Columns of numbers: their cells, values that stand for unknown ones, and limits beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.roles import require_column
from galaxyclass.data.catalog.wrong_cells import WrongCells
from galaxyclass.data.checks.findings import Finding, finding
from galaxyclass.data.tables.cells import kind_of, numbers
from galaxyclass.errors import CatalogError
from galaxyclass.short import counted, did_you_mean, first_few, verb
from galaxyclass.tasks.numbers.targets import NumberTargets

#: The ends of the names of a column's lower and upper limits: ``T_inf`` and ``T_sup`` of ``T``.
LIMIT_ENDINGS: tuple[tuple[str, str], ...] = (
    ("_inf", "_sup"),
    ("_lower", "_upper"),
    ("_low", "_high"),
    ("_min", "_max"),
)
#: The end or the start of the name of a column's standard errors: ``z_err`` or ``e_z`` of ``z``.
ERROR_NAMES: tuple[str, ...] = ("{}_err", "{}_error", "{}err", "e_{}")

#: Values that tables write for an unknown number; asked about where they stand apart.
_SENTINELS = (-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0)


@dataclass(frozen=True)
class ReadNumbers:
    """Numbers of a table: targets, all columns that were used, notes, and wrong cells."""

    targets: NumberTargets
    columns: tuple[str, ...]
    notes: tuple[Finding, ...]
    wrong: tuple[WrongCells, ...]


def read_numbers(
    table: Any, names: Sequence[str], missing: Sequence[str], taken: Iterable[str], source: str
) -> ReadNumbers:
    """Read columns of numbers.

    Parameters
    ----------
    table : pyarrow.Table
    names : sequence of str
        The columns.
    missing : sequence of str
        Values that stand for unknown ones: ``-1`` in every column, ``Bar_Length=-1`` in one.
    taken : iterable of str
        Columns that have another role.
    source : str
        The table's file, for messages.

    Raises
    ------
    CatalogError
        A column is absent, named twice, is the id, or holds no number at all; `missing` names
        another column, or is not a number.
    """
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise CatalogError(
            f"{source}: a column of numbers is named twice",
            argument="numbers",
            got=", ".join(repeated),
        )
    for name in names:
        require_column(table, name, source, "numbers")
        if name in set(taken):
            raise CatalogError(
                f"{source}: {name!r} names the galaxies or their parts, and is nothing to predict",
                argument="numbers",
                wanted="columns of numbers beside it",
            )
    unknown_values = _unknown_values(missing, names, source)
    values = np.full((table.num_rows, len(names)), np.nan)
    notes: list[Finding] = []
    wrong: list[WrongCells] = []
    for index, name in enumerate(names):
        column = table[name]
        values[:, index], not_numbers = _finite(column)
        if len(not_numbers):
            if kind_of(column) == "text" and np.isnan(values[:, index]).all():
                raise _no_numbers(column, name, source)
            wrong.append(WrongCells(name, not_numbers, column.take(not_numbers)))
        is_unknown = np.isin(values[:, index], unknown_values[name])
        if unknown_values[name]:
            notes += _missing_notes(
                name, values[:, index], is_unknown, unknown_values[name], source
            )
        values[is_unknown, index] = np.nan
        _require_single_precision(values[:, index], name, source)
        notes += _sentinel_notes(name, values[:, index], source)
    errors, used = _errors(table, values, names, unknown_values, set(taken))
    if used:
        unusable = 0 if errors is None else int((np.isnan(errors) & ~np.isnan(values)).sum())
        words = f"{source}: limits or errors of the numbers, by which the noise floor is known: "
        without = (
            f"; {counted(unusable, 'number')} without (empty, negative, or limits that do not hold "
            "the number)"
        )
        notes.append(
            finding(
                "table_note",
                f"{words}{first_few(used)}{without if unusable else ''}",
                file=source,
            )
        )
    targets = NumberTargets(
        tuple(names),
        values.astype(np.float32),
        None if errors is None else errors.astype(np.float32),
        tuple(missing),
    )
    return ReadNumbers(targets, (*names, *used), tuple(notes), tuple(wrong))


def _require_single_precision(values: NDArray[np.float64], name: str, source: str) -> None:
    """Refuse numbers that 32-bit floats cannot hold, such as luminosities in erg/s.

    Raises
    ------
    CatalogError
    """
    largest = np.max(np.abs(values), where=~np.isnan(values), initial=0.0)
    if largest > np.finfo(np.float32).max:
        raise CatalogError(
            f"{source}: column {name!r} holds numbers that are too large",
            argument="numbers",
            wanted="at most 3.4e38, which 32-bit floats hold",
            got=f"{largest:.3g}",
            hint="write their logarithms, or another unit",
        )


def _finite(column: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A column as floats, and the rows that are not finite numbers, nor empty."""
    values, wrong = numbers(column)
    infinite = np.flatnonzero(np.isinf(values))
    values[infinite] = np.nan
    return values, np.union1d(wrong, infinite).astype(np.int64)


def _unknown_values(
    missing: Sequence[str], names: Sequence[str], source: str
) -> dict[str, list[float]]:
    """The values of each column that stand for unknown ones."""
    values: dict[str, list[float]] = {name: [] for name in names}
    for each in missing:
        column, equals, text = each.rpartition("=")
        try:
            value = float(text)
        except ValueError:
            raise CatalogError(
                f"{source}: {each!r} is not a value that stands for unknown numbers",
                argument="missing",
                wanted="a number (-1), or one of a column (Bar_Length=-1)",
            ) from None
        if equals and column not in values:
            raise CatalogError(
                f"{source}: {each!r} is about a column that is not predicted",
                argument="missing",
                wanted=f"one of {', '.join(names)}",
                hint=did_you_mean(column, names) or None,
            )
        for name in [column] if equals else names:
            values[name].append(value)
    return values


def _missing_notes(
    name: str,
    values: NDArray[np.float64],
    is_unknown: NDArray[np.bool_],
    unknown_values: Sequence[float],
    source: str,
) -> Iterator[Finding]:
    """Where no cell has a value that was said to be missing, or where it looks like any other."""
    words = " or ".join(f"{value:g}" for value in unknown_values)
    count = int(is_unknown.sum())
    others = values[~is_unknown & ~np.isnan(values)]
    inside = [
        value for value in unknown_values if len(others) and others.min() < value < others.max()
    ]
    suspicion = ""
    if count and inside:
        suspicion = (
            f"; other values are {others.min():g} to {others.max():g}, so {inside[0]:g} may be a "
            f"value like any other here (`missing` can name a column: {name}={inside[0]:g})"
        )
    if count and not suspicion:
        return
    yield finding(
        "numbers_missing",
        f"{source}: column {name!r}: {count:,} of {counted(len(values), 'cell')} "
        f"{verb(count, 'is')} {words}{suspicion}",
        file=source,
        column=name,
    )


def _sentinel_notes(name: str, values: NDArray[np.float64], source: str) -> Iterator[Finding]:
    """Whether the smallest or largest value looks like a sign for unknown numbers."""
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if len(distinct) < 4:
        return
    for end, beside, others in (
        (0, 1, distinct[1:]),
        (-1, -2, distinct[:-1]),
    ):
        gap = abs(distinct[beside] - distinct[end])
        width = others[-1] - others[0]
        usual_gap = float(np.median(np.diff(others)))
        if distinct[end] in _SENTINELS and counts[end] > 1 and gap > max(width / 2, 2 * usual_gap):
            yield finding(
                "number_sentinel",
                f"{source}: column {name!r}: {counts[end]:,} cells are {distinct[end]:g}, the "
                f"other values {others[0]:g} to {others[-1]:g}",
                file=source,
                column=name,
            )


def _errors(
    table: Any,
    values: NDArray[np.float64],
    names: Sequence[str],
    unknown: dict[str, list[float]],
    taken: set[str],
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """(rows, columns) standard errors from limits or errors beside the columns, and their names.

    NaN where an error is negative (-99 stands for unknown), or a value is not within its limits.
    """
    present = set(table.column_names) - taken - set(names)
    errors = np.full((table.num_rows, len(names)), np.nan)
    used: list[str] = []
    for index, name in enumerate(names):
        for ends in LIMIT_ENDINGS:
            limits = [name + end for end in ends]
            if present.issuperset(limits):
                low, high = (_limits(table[limit], unknown[name]) for limit in limits)
                inside = (np.minimum(low, high) <= values[:, index]) & (
                    values[:, index] <= np.maximum(low, high)
                )
                errors[:, index] = np.where(inside, np.abs(high - low) / 2, np.nan)
                used += limits
                break
        else:
            for pattern in ERROR_NAMES:
                if (stated := pattern.format(name)) in present:
                    error = _limits(table[stated], unknown[name])
                    errors[:, index] = np.where(error >= 0, error, np.nan)
                    used.append(stated)
                    break
    return (errors, tuple(used)) if used else (None, ())


def _limits(column: Any, unknown: Sequence[float]) -> NDArray[np.float64]:
    values, _ = _finite(column)
    values[np.isin(values, unknown)] = math.nan
    return values


def _no_numbers(column: Any, name: str, source: str) -> CatalogError:
    texts = [
        str(cell) for cell in column.drop_null().slice(0, 200).to_pylist() if str(cell).strip()
    ]
    distinct = list(dict.fromkeys(texts))
    return CatalogError(
        f"{source}: column {name!r} holds no numbers",
        argument="numbers",
        wanted="numbers with a decimal point",
        got=f"text such as {', '.join(map(repr, distinct[:3]))}",
        hint=f"name it by `target_column={name!r}`, if it holds classes",
    )
