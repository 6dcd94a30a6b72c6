"""What the arguments of the public functions may be, checked before anything is done.

One name means one thing in all of them, so that a table of names says what is right, for every
function and for the command line. `public` holds a function's callers to it.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import wraps
from types import FunctionType
from typing import Any, Literal, ParamSpec, TypeVar, cast, get_args

from galaxyclass.argument_checks import (
    WRONG_TYPE,
    Wrong,
    as_anything,
    as_callable,
    as_choice,
    as_data,
    as_either,
    as_flag,
    as_instance,
    as_number,
    as_numbers,
    as_pair,
    as_path,
    as_sequence,
    as_settings,
    as_string,
    as_variations,
    as_whole,
)
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


@dataclass(frozen=True)
class Check:
    """What an argument of one name may be.

    Attributes
    ----------
    wanted : str
        In words, for messages.
    check : callable
        Gives the value in the type that the functions work with (an integer of numpy as an int),
        `WRONG_TYPE` or a `Wrong`.
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


def _count(what: str, low: int, high: int) -> Check:
    return Check(f"{what}, {low:,} to {high:,}", as_whole(low, high))


def _choice(choices: Any) -> Check:
    names = get_args(choices)
    return Check(f"one of {', '.join(names)}", as_choice(*names))


_A_PATH = Check("a path (str or Path)", as_path, "paths")
_SOME_DATA = replace(_A_PATH, in_memory=as_data)
_A_RUN = Check(
    'a run, a bundle, an exported network or "pretrained" (str, Path or Model)',
    as_either(as_path, as_instance("Model")),
    "them",
)
_A_RECIPE = Check(
    "a recipe's name, a TOML file or a Recipe", as_either(as_path, as_instance("Recipe")), "them"
)
_A_COLUMN = Check("the name of a column (str)", as_string)
_A_FLAG = Check("True or False", as_flag)
_SETTINGS = Check(
    'a mapping such as {"training.epochs": 3}, or a list such as ["training.epochs=3"]', as_settings
)
_AN_ARRAY = Check("an array of numbers, (galaxies, answers)", as_numbers)

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
    "also": Check("a sequence of pairs of paths, (images, table)", as_sequence(as_pair)),
    "predicted": _AN_ARRAY,
    "target": _AN_ARRAY,
    "preprocessing": Check("a Preprocessing", as_instance("Preprocessing")),
    "tree": Check("a Tree (`galaxyclass.load_tree`)", as_instance("Tree")),
    # where it goes
    "output": _A_PATH,
    "cache": _A_PATH,
    "overwrite": _A_FLAG,
    # what is made of it
    "settings": _SETTINGS,
    "vary": Check('a mapping such as {"optimizer.lr": [0.1, 0.01]}', as_variations),
    "id_column": _A_COLUMN,
    "target_column": _A_COLUMN,
    "classes": Check('"five" or "argmax:QUESTION"', as_string),
    "skip_invalid": _A_FLAG,
    "part": _choice(Part),
    "include": Check("names of columns to include", as_string, "them"),
    "layout": _choice(Literal["table", "contest"]),
    "level": Check("a number between 0.5 and 1", as_number(0.5, 1, ends=False)),
    "votes": Check("a number, 2 or more", as_number(2, math.inf, ends=True)),
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
    "progress": Check("a function (`galaxyclass.Progress`)", as_callable),
    "backend": Check("a backend", as_anything),
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
    elif "Dataset" in annotation:
        check, wanted = as_either(as_instance("Dataset"), rule.check), f"a Dataset, or {wanted}"
    elif rule.several and "Sequence" in annotation:
        many = as_sequence(rule.check, some=parameter.default != () and not rule.may_be_empty)
        only = annotation.startswith(("Sequence", "tuple", "Iterable"))
        check = many if only else as_either(rule.check, many)
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
        if found is WRONG_TYPE:
            raise ArgumentTypeError(
                f"`{name}` cannot be of type {type(value).__name__}",
                argument=name,
                wanted=wanted + (", or None" if optional else ""),
                got=short_value(value),
            )
        if isinstance(found, Wrong):
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
