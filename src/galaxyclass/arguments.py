"""What the arguments of the public functions may be, checked before anything is done.

One name means one thing in all of them, so that a table of names says what is right, for every
function and for the command line. `public` holds a function's callers to it.
"""

from __future__ import annotations

import inspect
import math
import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from types import FunctionType
from typing import Any, Literal, ParamSpec, TypeVar, cast, get_args

from galaxyclass.errors import ArgumentError, ArgumentTypeError
from galaxyclass.short import short_value

P = ParamSpec("P")
R = TypeVar("R")

#: Where a network runs; ``auto`` is a GPU where there is one.
Device = Literal["auto", "cpu", "cuda", "mps"]
#: Which galaxies can be scored: one part of the run's split, those that it did not train on, all.
Part = Literal["unseen", "train", "validation", "test", "all"]
#: Numbers that a network is to compute with; ``auto`` is bfloat16 where it is as good and faster.
ChosenPrecision = Literal["auto", "fp32", "bf16"]
#: Changes to a recipe: ``{"training.epochs": 3}``, or ``["training.epochs=3"]``.
Settings = Mapping[str, Any] | Sequence[str]

#: Longest path, and longest name in one, that a system takes; bytes.
_LONGEST_PATH, _LONGEST_NAME = 4095, 255
_ENDLESS = 10**9


@dataclass(frozen=True)
class _Wrong:
    """What a check gives of a value that is not possible, and why, where that can be said."""

    reason: str = ""


#: What a check gives of a value of the wrong type.
_WRONG_TYPE = object()
_WRONG_VALUE = _Wrong()


@dataclass(frozen=True)
class Check:
    """What an argument of one name may be.

    Attributes
    ----------
    wanted : str
        In words, for messages.
    check : callable
        Gives the value in the type that the functions work with (an integer of numpy as an int),
        `_WRONG_TYPE` or a `_Wrong`.
    several : str
        What a sequence of such values is called; empty where a sequence of them is never right.
    may_be_empty : bool
        Whether that sequence may be; where it is the default, it may be anyway.
    in_memory : callable, optional
        The check where the signature says ``Any``: data in memory is right too.
    """

    wanted: str
    check: Callable[[Any], Any]
    several: str = ""
    may_be_empty: bool = False
    in_memory: Callable[[Any], Any] | None = None


def _path(value: Any) -> Any:
    if not isinstance(value, str):
        if not isinstance(value, os.PathLike) or not isinstance(os.fspath(value), str):
            return _WRONG_TYPE
        value = value if isinstance(value, Path) else Path(value)
    text = str(value)
    encoded = os.fsencode(text) if _can_be_encoded(text) else text.encode("utf-8", "replace")
    if not text:
        return _Wrong("is empty")
    if "\0" in text:
        return _Wrong("has a NUL character in it")
    names = encoded.split(os.sep.encode())
    if len(encoded) > _LONGEST_PATH or max(map(len, names)) > _LONGEST_NAME:
        return _Wrong("is too long: the name of a file has 255 bytes at most, a path 4,095")
    return value


def _can_be_encoded(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _data(value: Any) -> Any:
    """Paths, or arrays, tables and whatever can be gone through: looked into where it is read."""
    if isinstance(value, str | os.PathLike):
        return _path(value)
    if value is None or isinstance(value, bytes | bytearray | set | frozenset):
        return _WRONG_TYPE
    marks = ("__array__", "__dataframe__", "__arrow_c_stream__", "colnames", "__iter__")
    return value if any(hasattr(value, mark) for mark in marks) else _WRONG_TYPE


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        return _WRONG_TYPE
    return value if value and "\0" not in value else _WRONG_VALUE


def _flag(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return bool(value) if type(value).__name__ in ("bool", "bool_") else _WRONG_TYPE


def _whole(low: int, high: int) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if _flag(value) is not _WRONG_TYPE:
            return _WRONG_TYPE
        try:
            number = operator.index(value)
        except TypeError:
            return _WRONG_TYPE
        return number if low <= number <= high else _WRONG_VALUE

    return check


def _number(low: float, high: float, *, ends: bool) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if _flag(value) is not _WRONG_TYPE or isinstance(value, str | bytes):
            return _WRONG_TYPE
        if not hasattr(value, "__float__") and not hasattr(value, "__index__"):
            return _WRONG_TYPE
        try:
            number = value if isinstance(value, int) else float(value)
            possible = math.isfinite(number)
        except (TypeError, ValueError, OverflowError):
            return _WRONG_TYPE
        possible = possible and (low <= number <= high if ends else low < number < high)
        return number if possible else _WRONG_VALUE

    return check


def _of(*choices: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return _WRONG_TYPE
        return value if value in choices else _WRONG_VALUE

    return check


def _each(check: Callable[[Any], Any], *, some: bool = False) -> Callable[[Any], Any]:
    """Of a sequence that is no text; with ``some``, of one that is not empty."""

    def check_all(value: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
            return _WRONG_TYPE
        checked = [check(element) for element in value]
        if any(element is _WRONG_TYPE for element in checked):
            return _WRONG_TYPE
        if some and not checked:
            return _Wrong("is empty")
        return next((element for element in checked if isinstance(element, _Wrong)), checked)

    return check_all


def _pair(value: Any) -> Any:
    paths = _each(_path)(value)
    return _WRONG_TYPE if isinstance(paths, list) and len(paths) != 2 else paths


def _settings(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value if all(isinstance(key, str) for key in value) else _WRONG_TYPE
    return _each(_text)(value)


def _variations(value: Any) -> Any:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return _WRONG_TYPE
    right = all(
        isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping)
        for values in value.values()
    )
    return {key: list(values) for key, values in value.items()} if right else _WRONG_TYPE


def _ours(name: str) -> Callable[[Any], Any]:
    """An object of a class of this package, which lies in a room above this one."""

    def check(value: Any) -> Any:
        classes = type(value).__mro__
        ours = any(
            each.__name__ == name and each.__module__.startswith("galaxyclass.") for each in classes
        )
        return value if ours else _WRONG_TYPE

    return check


def _either(*checks: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The first that the value is of the right type for."""

    def check(value: Any) -> Any:
        for each in checks:
            if (checked := each(value)) is not _WRONG_TYPE:
                return checked
        return _WRONG_TYPE

    return check


def _array(value: Any) -> Any:
    if isinstance(value, list | tuple) or (hasattr(value, "dtype") and hasattr(value, "shape")):
        import numpy as np

        with suppress(TypeError, ValueError):
            return np.asarray(value, dtype=np.float64)
    return _WRONG_TYPE


def _callable(value: Any) -> Any:
    return value if callable(value) else _WRONG_TYPE


def _anything(value: Any) -> Any:
    return value


def _count(what: str, low: int, high: int = _ENDLESS) -> Check:
    words = f"{low:,} or more" if high == _ENDLESS else f"{low:,} to {high:,}"
    return Check(f"{what}, {words}", _whole(low, high))


def _choice(choices: Any) -> Check:
    names = get_args(choices)
    return Check(f"one of {', '.join(names)}", _of(*names))


_A_PATH = Check("a path (str or Path)", _path, "paths")
_SOME_DATA = replace(_A_PATH, in_memory=_data)
_A_RUN = Check(
    'a run, a bundle, an exported network or "pretrained" (str, Path or Model)',
    _either(_path, _ours("Model")),
    "them",
)
_A_RECIPE = Check(
    "a recipe's name, a TOML file or a Recipe", _either(_path, _ours("Recipe")), "them"
)
_A_COLUMN = Check("the name of a column (str)", _text)
_A_FLAG = Check("True or False", _flag)
_SETTINGS = Check(
    'a mapping such as {"training.epochs": 3}, or a list such as ["training.epochs=3"]', _settings
)
_AN_ARRAY = Check("an array of numbers, (galaxies, answers)", _array)

#: Name of an argument -> what it may be, in every public function. None is right where the
#: function's signature says so, and a sequence where it says so.
ARGUMENTS: dict[str, Check] = {
    # what is read
    "run": _A_RUN,
    "runs": _A_RUN,
    "source": _A_RUN,
    "recipe": _A_RECIPE,
    "recipes": _A_RECIPE,
    "images": _SOME_DATA,
    "paths": replace(_A_PATH, may_be_empty=True),
    "table": _SOME_DATA,
    "predictions": _A_PATH,
    "path": _A_PATH,
    "folder": _A_PATH,
    "name": _A_PATH,
    "ordinary": _A_PATH,
    "also": Check("a sequence of pairs of paths, (images, table)", _each(_pair)),
    "predicted": _AN_ARRAY,
    "target": _AN_ARRAY,
    "preprocessing": Check("a Preprocessing", _ours("Preprocessing")),
    "tree": Check("a Tree (`galaxyclass.load_tree`)", _ours("Tree")),
    # where it goes
    "output": _A_PATH,
    "cache": _A_PATH,
    "overwrite": _A_FLAG,
    # what is made of it
    "settings": _SETTINGS,
    "vary": Check('a mapping such as {"optimizer.lr": [0.1, 0.01]}', _variations),
    "id_column": _A_COLUMN,
    "target_column": _A_COLUMN,
    "classes": Check('"five" or "argmax:QUESTION"', _text),
    "skip_invalid": _A_FLAG,
    "part": _choice(Part),
    "include": Check("names of columns to include", _text, "them"),
    "layout": _choice(Literal["table", "contest"]),
    "level": Check("a number between 0.5 and 1", _number(0.5, 1, ends=False)),
    "votes": Check("a number, 2 or more", _number(2, math.inf, ends=True)),
    "count": _count("a whole number", 1, 10**8),
    "size": _count("a whole number of pixels", 16, 4096),
    "repeats": _count("a whole number", 1, 1000),
    "resamples": _count("a whole number", 1, 10**6),
    "half": _A_FLAG,
    "retry_failed": _A_FLAG,
    # how it is computed
    "views": _count("a whole number", 1, 1000),
    "device": _choice(Device),
    "devices": _count("a whole number", 1, 1000),
    "precision": _choice(ChosenPrecision),
    "batch_size": _count("a whole number", 1, 1_000_000),
    "workers": _count("a whole number", 1, 4096),
    "seed": _count("a whole number", 0, 2**32 - 1),
    "progress": Check("a function (`galaxyclass.Progress`)", _callable),
    "backend": Check("a backend", _anything),
}


def public(function: Callable[P, R]) -> Callable[P, R]:
    """Check the arguments of a public function before it begins.

    What is wrong with a call is then always told in one way: an `ArgumentTypeError` where it does
    not fit the signature or a value is of the wrong type, and an `ArgumentError` where a value is
    not possible. Whole numbers of numpy are whole numbers; True and False are none.

    Examples
    --------
    >>> @public
    ... def draw(count: int, *, seed: int = 0) -> int:
    ...     return count
    >>> draw(2)
    2
    >>> draw(0)
    Traceback (most recent call last):
    galaxyclass.errors.ArgumentError: `count` cannot be 0
      wanted: a whole number, 1 to 100,000,000
      got:    0
    >>> draw(2, sed=1)
    Traceback (most recent call last):
    galaxyclass.errors.ArgumentTypeError: `draw` has no argument `sed`
      wanted: arguments of draw(count, *, seed)
      got:    sed=1
      hint:   did you mean `seed`?
    """
    signature = inspect.signature(function)
    checks = {
        name: _check_of(parameter, function.__globals__)
        for name, parameter in signature.parameters.items()
        if name != "self"
    }
    title = function.__name__

    def check_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            raise _explain(title, signature, args, kwargs) from None
        for name, value in bound.arguments.items():
            if name in checks:
                bound.arguments[name] = checks[name](value)
        return bound

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = check_call(args, kwargs)
        return function(*bound.args, **bound.kwargs)

    # With the globals of the function's own module: doctest looks for examples only in functions
    # that have them.
    checked = FunctionType(call.__code__, function.__globals__, title, None, call.__closure__)
    return cast(Callable[P, R], wraps(function)(checked))


def _check_of(parameter: inspect.Parameter, known: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The check of one parameter, as its name and its annotation want it."""
    name, annotation = parameter.name, _spelt_out(str(parameter.annotation), known)
    assert name in ARGUMENTS, f"no check for the argument {name}: add it to ARGUMENTS"
    rule = ARGUMENTS[name]
    check, wanted = rule.check, rule.wanted
    if annotation == "Any" and rule.in_memory is not None:
        check, wanted = rule.in_memory, f"{wanted}, or data in memory"
    elif rule.several and "Sequence" in annotation:
        many = _each(rule.check, some=parameter.default != () and not rule.may_be_empty)
        only = annotation.startswith(("Sequence", "tuple", "Iterable"))
        check = many if only else _either(rule.check, many)
        wanted = (
            f"a sequence of {rule.several}"
            if only
            else f"{wanted}, or a sequence of {rule.several}"
        )
    optional = "None" in annotation

    def checked(value: Any) -> Any:
        if value is None and optional:
            return None
        found = check(value)
        if found is _WRONG_TYPE:
            raise ArgumentTypeError(
                f"`{name}` cannot be of type {type(value).__name__}",
                argument=name,
                wanted=wanted + (", or None" if optional else ""),
                got=short_value(value),
            )
        if isinstance(found, _Wrong):
            raise ArgumentError(
                f"`{name}` {found.reason or f'cannot be {short_value(value, 40)}'}",
                argument=name,
                wanted=wanted,
                got=short_value(value),
            )
        return found

    return checked


def _spelt_out(annotation: str, known: Mapping[str, Any]) -> str:
    """An annotation with the aliases in it, such as of a union, as what they stand for."""

    def spelt(found: re.Match[str]) -> str:
        alias = known.get(found[0])
        is_alias = alias is not None and not isinstance(alias, type)
        return str(alias) if is_alias and found[0] not in ("Any", "Literal") else found[0]

    return re.sub(r"[A-Za-z_]\w*", spelt, annotation)


def _explain(
    title: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> ArgumentTypeError:
    """What does not fit the signature, in words."""
    parameters = {name: each for name, each in signature.parameters.items() if name != "self"}
    keyword_only = {name for name, each in parameters.items() if each.kind == each.KEYWORD_ONLY}
    positional = [name for name in parameters if name not in keyword_only]
    named = [name for name in parameters if name in keyword_only]
    if len(parameters) < len(signature.parameters):
        args = args[1:]
    star = ["*"] if keyword_only else []
    wanted = f"arguments of {title}({', '.join([*positional, *star, *named])})"
    for name, value in kwargs.items():
        if name not in parameters:
            close = get_close_matches(name, parameters, n=1)
            return ArgumentTypeError(
                f"`{title}` has no argument `{name}`",
                argument=name,
                wanted=wanted,
                got=f"{name}={short_value(value)}",
                hint=f"did you mean `{close[0]}`?" if close else None,
            )
    if len(args) > len(positional):
        return ArgumentTypeError(
            f"`{title}` takes {len(positional)} argument{'s' * (len(positional) != 1)} without a "
            "name",
            wanted=wanted,
            got=f"{len(args)}: the first too many is {short_value(args[len(positional)])}",
            hint="give the others by name"
            + (", such as `output=…`" if "output" in keyword_only else ""),
        )
    twice = [name for name in positional[: len(args)] if name in kwargs]
    if twice:
        return ArgumentTypeError(
            f"`{title}` was given `{twice[0]}` twice", argument=twice[0], wanted=wanted
        )
    given = {*positional[: len(args)], *kwargs}
    missing = [
        name
        for name, each in parameters.items()
        if each.default is each.empty and name not in given
    ]
    return ArgumentTypeError(
        f"`{title}` lacks the argument{'s' * (len(missing) > 1)} "
        + ", ".join(f"`{name}`" for name in missing),
        argument=missing[0] if missing else None,
        wanted=wanted,
    )
