"""Checks of single values, of which the table of arguments is made.

Each check returns the value in the type that the functions work with (an integer of numpy as an
int), `WRONG_TYPE`, or an `ImpossibleValue`: the right type, but not a possible value.
"""

from __future__ import annotations

import math
import operator
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Longest path, and longest name in one, that a system takes; bytes.
_LONGEST_PATH, _LONGEST_NAME = 4095, 255


@dataclass(frozen=True)
class ImpossibleValue:
    """What a check returns for a value that is not possible, with the reason where there is one."""

    reason: str = ""


#: What a check returns for a value of the wrong type.
WRONG_TYPE = object()
WRONG_VALUE = ImpossibleValue()


def as_path(value: Any) -> Any:
    """A string or a path: not empty, without NUL, and not longer than systems take.

    Nor does it begin with ``~``: an output would stand in a new folder of that name.
    """
    if not isinstance(value, str):
        if not isinstance(value, os.PathLike) or not isinstance(os.fspath(value), str):
            return WRONG_TYPE
        value = value if isinstance(value, Path) else Path(value)
    text = str(value)
    encoded = os.fsencode(text) if _can_be_encoded(text) else text.encode("utf-8", "replace")
    if not text:
        return ImpossibleValue("is empty")
    if "\0" in text:
        return ImpossibleValue("has a NUL character in it")
    if text.split(os.sep, maxsplit=1)[0] == "~" and not os.path.exists("~"):  # noqa: PTH110 - any text
        return ImpossibleValue(
            "begins with ~, which only a shell knows as your home (`os.path.expanduser`)"
        )
    names = encoded.split(os.sep.encode())
    if len(encoded) > _LONGEST_PATH or max(map(len, names)) > _LONGEST_NAME:
        return ImpossibleValue(
            "is too long: the name of a file has 255 bytes at most, a path 4,095"
        )
    return value


def _can_be_encoded(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def as_data(value: Any) -> Any:
    """Paths, or arrays, tables and iterables; their content is checked where it is read."""
    if isinstance(value, str | os.PathLike):
        return as_path(value)
    if value is None or isinstance(value, bytes | bytearray | set | frozenset):
        return WRONG_TYPE
    if isinstance(value, list | tuple) and not value:
        return ImpossibleValue("is empty")
    protocols = (
        "__array__",
        "__array_interface__",
        "__dataframe__",
        "__arrow_c_stream__",
        "colnames",
        "__iter__",
    )
    return value if any(hasattr(value, name) for name in protocols) else WRONG_TYPE


def as_table(value: Any) -> Any:
    """A path, or a table in memory; its content is checked where it is read."""
    checked = as_data(value)
    if checked is not value or isinstance(value, str | os.PathLike | Mapping):
        return checked
    if isinstance(value, Sequence):  # of paths or rows, or a single column
        return WRONG_TYPE
    has_columns = any(hasattr(value, name) for name in ("columns", "column_names", "colnames"))
    protocols = ("__dataframe__", "__arrow_c_stream__", "colnames")
    return value if has_columns and any(hasattr(value, name) for name in protocols) else WRONG_TYPE


def as_string(value: Any) -> Any:
    """A string that is not empty."""
    if not isinstance(value, str):
        return WRONG_TYPE
    return value if value and "\0" not in value else WRONG_VALUE


def as_flag(value: Any) -> Any:
    """True or False; 0 and 1 are refused."""
    if isinstance(value, bool):
        return value
    return bool(value) if type(value).__name__ in ("bool", "bool_") else WRONG_TYPE


def as_class_rule(value: Any) -> Any:
    """A rule that derives classes from votes; its question is looked up in the table's tree."""
    if not isinstance(value, str):
        return WRONG_TYPE
    kind, _, question = value.partition(":")
    return value if value == "five" or (kind == "argmax" and question) else WRONG_VALUE


def as_whole(low: int, high: int) -> Callable[[Any], Any]:
    """A whole number from ``low`` to ``high``."""

    def check(value: Any) -> Any:
        if as_flag(value) is not WRONG_TYPE:
            return WRONG_TYPE
        try:
            number = operator.index(value)
        except TypeError:
            return WRONG_TYPE
        return number if low <= number <= high else WRONG_VALUE

    return check


def as_number(low: float, high: float, *, ends: bool) -> Callable[[Any], Any]:
    """A number between ``low`` and ``high``; with ``ends``, these two as well."""

    def check(value: Any) -> Any:
        if as_flag(value) is not WRONG_TYPE or isinstance(value, str | bytes):
            return WRONG_TYPE
        if not hasattr(value, "__float__") and not hasattr(value, "__index__"):
            return WRONG_TYPE
        try:
            number = value if isinstance(value, int) else float(value)
            possible = math.isfinite(number)
        except (TypeError, ValueError, OverflowError):
            return WRONG_TYPE
        possible = possible and (low <= number <= high if ends else low < number < high)
        return number if possible else WRONG_VALUE

    return check


def as_number_of(*choices: int) -> Callable[[Any], Any]:
    """One of some whole numbers."""
    whole = as_whole(min(choices), max(choices))

    def check(value: Any) -> Any:
        number = whole(value)
        return number if number is WRONG_TYPE or number in choices else WRONG_VALUE

    return check


def as_choice(*choices: str) -> Callable[[Any], Any]:
    """One of some strings."""

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return WRONG_TYPE
        return value if value in choices else WRONG_VALUE

    return check


def as_sequence(
    check: Callable[[Any], Any], *, nonempty: bool = False, distinct: bool = False
) -> Callable[[Any], Any]:
    """A sequence, not a string, whose elements pass ``check``.

    With ``nonempty`` it has one at least; with ``distinct`` none of them twice.
    """

    def check_all(value: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
            return WRONG_TYPE
        checked = [check(element) for element in value]
        if any(element is WRONG_TYPE for element in checked):
            return WRONG_TYPE
        if nonempty and not checked:
            return ImpossibleValue("is empty")
        impossible = [element for element in checked if isinstance(element, ImpossibleValue)]
        if distinct and not impossible:
            repeated = [name for name, count in Counter(map(str, checked)).items() if count > 1]
            impossible = [ImpossibleValue(f"has {name!r} twice") for name in repeated]
        return impossible[0] if impossible else checked

    return check_all


def as_pair(value: Any) -> Any:
    """A path, and another or data in memory."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) != 2:
        return WRONG_TYPE
    pair = (as_path(value[0]), as_data(value[1]))
    if any(element is WRONG_TYPE for element in pair):
        return WRONG_TYPE
    return next((element for element in pair if isinstance(element, ImpossibleValue)), pair)


def as_several(value: Any) -> Any:
    """Whatever can be gone through, and is no text."""
    if isinstance(value, str | bytes | bytearray | set | frozenset):
        return WRONG_TYPE
    return value if isinstance(value, Iterable) else WRONG_TYPE


#: Values that stand for unknown numbers, as a user may give them.
Missing = float | str | Sequence[float | str] | Mapping[str, float]


def as_missing(value: Any) -> Any:
    """A number, text, a sequence of these, or a mapping from columns to numbers."""
    each = as_either(as_number(-math.inf, math.inf, ends=False), as_string)
    if isinstance(value, Mapping):
        numbers = as_sequence(as_number(-math.inf, math.inf, ends=False))(list(value.values()))
        if as_mapping(value) is WRONG_TYPE or numbers is WRONG_TYPE:
            return WRONG_TYPE
        return numbers if isinstance(numbers, ImpossibleValue) else as_missing_values(value)
    checked = as_either(each, as_sequence(each))(value)
    if checked is WRONG_TYPE or isinstance(checked, ImpossibleValue):
        return checked
    return as_missing_values(checked)


def as_missing_values(value: Missing) -> tuple[str, ...]:
    """The values that stand for unknown numbers, each as text: ``-1``, or ``COLUMN=-1``.

    Examples
    --------
    >>> as_missing_values(-1.0), as_missing_values({"bar": -1}), as_missing_values(["bar=-1"])
    (('-1',), ('bar=-1',), ('bar=-1',))
    """
    if isinstance(value, Mapping):
        return tuple(f"{column}={float(number):.17g}" for column, number in value.items())
    several = (value,) if isinstance(value, int | float | str) else value
    return tuple(each if isinstance(each, str) else f"{each:.17g}" for each in several)


def as_settings(value: Any) -> Any:
    """A mapping by strings, or a sequence of strings."""
    return as_mapping(value) if isinstance(value, Mapping) else as_sequence(as_string)(value)


def as_mapping(value: Any) -> Any:
    """A mapping by strings."""
    by_strings = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    return value if by_strings else WRONG_TYPE


def as_reading(value: Any) -> Any:
    """A mapping of names to values; those of numpy become those of Python."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return WRONG_TYPE
    return {
        name: each.tolist() if hasattr(each, "dtype") and hasattr(each, "tolist") else each
        for name, each in value.items()
    }


def as_variations(value: Any) -> Any:
    """A mapping from strings to values to try."""
    if as_mapping(value) is WRONG_TYPE:
        return WRONG_TYPE
    valid = all(
        isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping)
        for values in value.values()
    )
    return {key: list(values) for key, values in value.items()} if valid else WRONG_TYPE


def as_tiles(value: Any) -> Any:
    """Paths, or a mapping from names of bands to them; ``BAND=PATH`` is a path too."""
    if isinstance(value, Mapping):
        if not all(isinstance(band, str) for band in value):
            return WRONG_TYPE
        each = [as_either(as_path, as_sequence(as_path, nonempty=True))(p) for p in value.values()]
    else:
        checked = as_either(as_path, as_sequence(as_path, nonempty=True))(value)
        each = [checked]
    if any(paths is WRONG_TYPE for paths in each):
        return WRONG_TYPE
    if not each:
        return ImpossibleValue("is empty")
    return next((paths for paths in each if isinstance(paths, ImpossibleValue)), value)


def as_field(value: Any) -> Any:
    """A string, or a quantity of astropy; its unit is read where it is used."""
    if hasattr(value, "to_value") and hasattr(value, "unit"):
        return value if getattr(value, "isscalar", True) else ImpossibleValue("is several numbers")
    return as_string(value)


def as_instance(name: str) -> Callable[[Any], Any]:
    """An object of a class of this package, by its name: its module must not be imported here."""

    def check(value: Any) -> Any:
        matches = any(
            parent.__name__ == name and parent.__module__.startswith("galaxyclass.")
            for parent in type(value).__mro__
        )
        return value if matches else WRONG_TYPE

    return check


def as_either(*checks: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The first of the checks for which the value is of the right type."""

    def check(value: Any) -> Any:
        for check_type in checks:
            if (checked := check_type(value)) is not WRONG_TYPE:
                return checked
        return WRONG_TYPE

    return check


def as_numbers(value: Any) -> Any:
    """An array of numbers, or lists that can be one; what is masked becomes NaN."""
    if isinstance(value, list | tuple) or (hasattr(value, "dtype") and hasattr(value, "shape")):
        import numpy as np

        with suppress(TypeError, ValueError, RuntimeError):  # such as a tensor with a gradient
            array = np.ma.asanyarray(value)
            if array.dtype.kind in "iufbO":  # objects may be numbers beside None, which is unknown
                return np.ma.filled(array.astype(np.float64), np.nan)
    return WRONG_TYPE


def as_callable(value: Any) -> Any:
    """Anything that can be called."""
    return value if callable(value) else WRONG_TYPE


def as_callables(value: Any) -> Any:
    """What can be called, or a sequence of it."""
    several = value if isinstance(value, Sequence) else [value]
    return value if several and all(map(callable, several)) else WRONG_TYPE
