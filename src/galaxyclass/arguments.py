"""What the arguments of the public functions may be, checked before anything is done.

An argument's name means the same in every public function. One table of names therefore says what
is allowed, in Python and on the command line. `public` applies the table to a function.
"""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import wraps
from itertools import chain
from types import FunctionType
from typing import Any, Literal, ParamSpec, TypeVar, cast, get_args

from galaxyclass.argument_checks import (
    WRONG_TYPE,
    ImpossibleValue,
    as_callable,
    as_callables,
    as_choice,
    as_class_rule,
    as_data,
    as_either,
    as_field,
    as_flag,
    as_instance,
    as_mapping,
    as_missing,
    as_number,
    as_number_of,
    as_numbers,
    as_pair,
    as_path,
    as_reading,
    as_sequence,
    as_settings,
    as_several,
    as_string,
    as_table,
    as_tiles,
    as_variations,
    as_whole,
)
from galaxyclass.errors import ArgumentError, ArgumentTypeError
from galaxyclass.short import short_value
from galaxyclass.wrong_calls import OBJECTS, explain_call

P = ParamSpec("P")
R = TypeVar("R")

#: Where a network runs; ``auto`` is a GPU where there is one.
Device = Literal["auto", "cpu", "cuda", "mps"]
#: Which galaxies are scored: a part of the run's split, all that it did not train on, or all.
Part = Literal["unseen", "train", "validation", "test", "all"]
#: Whether a finetuning trains the network itself; ``auto`` where cross-validation says it pays.
NetworkUse = Literal["auto", "never", "always"]
#: Precision that a network computes in; ``auto`` is bfloat16 where it is as good and faster.
ChosenPrecision = Literal["auto", "fp32", "bf16"]
#: How a prediction is explained.
ExplanationMethod = Literal["occlusion", "gradients", "cam"]
#: How a map of galaxies is made of their embeddings.
MapMethod = Literal["pca", "umap"]
#: Bits of a number in an exported network.
Bits = Literal[32, 16, 8]
#: Changes to a recipe: ``{"training.epochs": 3}``, or ``["training.epochs=3"]``.
Settings = Mapping[str, Any] | Sequence[str]


@dataclass(frozen=True)
class ArgumentCheck:
    """What an argument of one name may be.

    Attributes
    ----------
    wanted : str
        In words, for messages.
    check : callable
        Returns the value in the type that the functions work with (an integer of numpy as an int),
        `WRONG_TYPE` or an `ImpossibleValue`.
    several : str
        What messages call a sequence of such values; empty where a sequence is never allowed.
    may_be_empty : bool
        Whether that sequence may be empty; where an empty one is the default, it always may.
    in_memory : callable, optional
        The check where the signature says ``Any``: data in memory is allowed too.
    distinct : bool
        Whether that sequence may have a value only once.
    """

    wanted: str
    check: Callable[[Any], Any]
    several: str = ""
    may_be_empty: bool = False
    in_memory: Callable[[Any], Any] | None = None
    distinct: bool = False


def _count(what: str, low: int, high: int) -> ArgumentCheck:
    return ArgumentCheck(f"{what}, {low:,} to {high:,}", as_whole(low, high))


def _choice(choices: Any) -> ArgumentCheck:
    names = get_args(choices)
    return ArgumentCheck(f"one of {', '.join(names)}", as_choice(*names))


_PATH = ArgumentCheck("a path (str or Path)", as_path, "paths")
_TABLE = replace(_PATH, in_memory=as_table)
#: What messages call data in memory.
_IN_MEMORY: dict[Callable[[Any], Any], str] = {
    as_table: "a table in memory (of pandas, polars, astropy, pyarrow, or a mapping)"
}
_MODEL = ArgumentCheck(
    'a run, a bundle, an exported network or "pretrained" (str, Path or Model)',
    as_either(as_path, as_instance("Model")),
    "them",
)
_RECIPE = ArgumentCheck(
    "a recipe's name, a TOML file or a Recipe", as_either(as_path, as_instance("Recipe")), "them"
)
_IDS = ArgumentCheck(
    "an id (str or int)", as_either(as_string, as_whole(-(10**20), 10**20)), "ids", distinct=True
)
_COLUMN = ArgumentCheck("the name of a column (str)", as_string)
_FLAG = ArgumentCheck("True or False", as_flag)
_SETTINGS = ArgumentCheck(
    'a mapping such as {"training.epochs": 3}, or a list such as ["training.epochs=3"]', as_settings
)
_ARRAY = ArgumentCheck("an array of numbers, (galaxies, answers)", as_numbers)

#: Name of an argument -> what it may be, in every public function. None and sequences are allowed
#: where the function's signature says so.
ARGUMENTS: dict[str, ArgumentCheck] = {
    # input
    "model": _MODEL,
    "models": _MODEL,
    "run": replace(_PATH, wanted="the folder of a training (str or Path)"),
    "recipe": _RECIPE,
    "recipes": _RECIPE,
    "images": replace(_PATH, in_memory=as_either(as_data, as_instance("ImageSource"))),
    "paths": replace(_PATH, may_be_empty=True),
    "table": _TABLE,
    "predictions": _TABLE,
    "tiles": ArgumentCheck(
        "FITS files, a folder, a pattern, or a mapping from bands to them",
        as_tiles,
    ),
    "catalogue": _TABLE,
    "id_map": _TABLE,
    "path": _PATH,
    "folder": _PATH,
    "name": _PATH,
    "in_distribution": _PATH,
    "also": ArgumentCheck(
        "a sequence of pairs, (images, table), or of Datasets",
        as_sequence(as_either(as_instance("Dataset"), as_pair)),
    ),
    "ids": ArgumentCheck("str or int for each image", as_several),
    "predicted": _ARRAY,
    "target": _ARRAY,
    "like": _IDS,
    "unlike": _IDS,
    "like_images": replace(_PATH, in_memory=as_data),
    "labelled": _TABLE,
    "spread": _count("a whole number", 1, 10_000),
    "labels": ArgumentCheck("a LabelPlan", as_instance("LabelPlan")),
    "label": _PATH,
    "label_classes": ArgumentCheck("the names of classes", as_string, "them", distinct=True),
    "label_tree": _PATH,
    "renew_every": _count("a whole number", 0, 1_000_000),
    "repeat": ArgumentCheck("a share, 0 to 0.5", as_number(0, 0.5, ends=True)),
    "host": ArgumentCheck("the name or address of this machine (str)", as_string),
    "port": _count("a whole number", 0, 65_535),
    "ready": ArgumentCheck("a function of an address", as_callable),
    "where": ArgumentCheck("conditions such as 'Class4.1 > 0.5'", as_string, "them", distinct=True),
    "preprocessing": ArgumentCheck("a Preprocessing", as_instance("Preprocessing")),
    "tree": ArgumentCheck(
        "a Tree, the name of one that the package ships, or a TOML file",
        as_either(as_path, as_instance("Tree")),
    ),
    "export": _TABLE,
    "subjects": _TABLE,
    # output
    "output": _PATH,
    "cache": _PATH,
    "overwrite": _FLAG,
    "quote_formulas": _FLAG,
    # what is done
    "settings": _SETTINGS,
    "reading": ArgumentCheck('a mapping such as {"stretch": "asinh", "hdu": "SCI"}', as_reading),
    "space": ArgumentCheck(
        'a mapping such as {"optimizer.lr": "log:1e-4..1e-2", "training.batch_size": [32, 64]}',
        as_mapping,
    ),
    "trials": _count("a whole number", 1, 100_000),
    "minutes": ArgumentCheck("more than 0, less than 10,000,000", as_number(0, 10**7, ends=False)),
    "parallel": _count("a whole number", 1, 1000),
    "pruning": _FLAG,
    "vary": ArgumentCheck('a mapping such as {"optimizer.lr": [0.1, 0.01]}', as_variations),
    "id_column": _COLUMN,
    "target_column": _COLUMN,
    "path_column": _COLUMN,
    "numbers": ArgumentCheck("names of columns (str)", as_string, "them", may_be_empty=True),
    "counts": _FLAG,
    "missing": ArgumentCheck("a number, or a mapping such as {'Bar_Length': -1}", as_missing),
    "classes": ArgumentCheck(
        "five, or argmax:QUESTION with the code or key of a question", as_class_rule
    ),
    "labelling": ArgumentCheck("the name of a labelling (str)", as_string),
    "ra_column": _COLUMN,
    "dec_column": _COLUMN,
    "skip_invalid": _FLAG,
    "part": _choice(Part),
    "carry": ArgumentCheck(
        "names of columns, or all", as_string, "them", may_be_empty=True, distinct=True
    ),
    "match_radius": ArgumentCheck(
        "arcseconds, more than 0 and at most 3,600", as_number(0, 3600, ends=False)
    ),
    "workflow": ArgumentCheck("the id or the name of a workflow (str)", as_string),
    "version": ArgumentCheck("a version such as 12 or 12.34 (str)", as_string),
    "retired_only": _FLAG,
    "lowest": _FLAG,
    "reason": ArgumentCheck("words (str)", as_string),
    "include": ArgumentCheck("names of columns to include", as_string, "them", distinct=True),
    "answer": ArgumentCheck("the code or name of an answer, or a class (str)", as_string),
    "method": _choice(ExplanationMethod),
    "explain": _count("a whole number of galaxies", 0, 200),
    "projection": _choice(MapMethod),
    "colour": _COLUMN,
    "by": ArgumentCheck("a measure or the name of a column (str)", as_string),
    "against": ArgumentCheck("the name of a column (str)", as_string, "them", distinct=True),
    "purity": ArgumentCheck("a number above 0 and below 1", as_number(0, 1, ends=False)),
    "layout": _choice(Literal["table", "contest"]),
    "image_format": _choice(Literal["jpg", "png", "fits"]),
    "level": ArgumentCheck("a number between 0.5 and 1", as_number(0.5, 1, ends=False)),
    "false_alarms": ArgumentCheck("a number between 0 and 0.5", as_number(0, 0.5, ends=False)),
    "votes": ArgumentCheck("a number, 2 or more", as_number(2, math.inf, ends=True)),
    "index": _count("a whole number", -(10**12), 10**12),
    "data": ArgumentCheck("a mapping, as `Dataset.to_json` gives it", as_mapping),
    "count": _count("a whole number", 1, 10**8),
    "size": _count("a whole number of pixels", 16, 4096),
    "folds": _count("a whole number", 2, 100),
    "field": ArgumentCheck('an angle or pixels, such as "30 arcsec"', as_field),
    "bands": ArgumentCheck("names of bands (str)", as_string, "them", distinct=True),
    "stretch": ArgumentCheck(
        "the name of a stretch, or a Stretch", as_either(as_string, as_instance("Stretch"))
    ),
    "hdu": ArgumentCheck("the name or number of an HDU", as_either(as_string, as_whole(0, 10_000))),
    "threshold": ArgumentCheck("a number of 0.5 to 1,000", as_number(0.5, 1000, ends=True)),
    "minimum_area": _count("a whole number of pixels", 1, 1_000_000),
    "repeats": _count("a whole number", 1, 1000),
    "resamples": _count("a whole number", 1, 10**6),
    "bits": ArgumentCheck("32, 16 or 8", as_number_of(*get_args(Bits))),
    "retry_failed": _FLAG,
    "network": _choice(NetworkUse),
    "balanced": _FLAG,
    # surveys
    "shard_size": _count("a whole number", 1, 1_000_000),
    "ids_from": _choice(Literal["stem", "path", "column"]),
    "measured": _FLAG,
    "shards": ArgumentCheck(
        "numbers of shards, from 0", as_whole(0, 10**9), "them", may_be_empty=True, distinct=True
    ),
    "retries": _count("a whole number", 0, 100),
    "accept_lost": _FLAG,
    "log": _PATH,
    "cores": _count("a whole number", 1, 4096),
    "margin": ArgumentCheck(
        "arcseconds, more than 0 and at most 3,600", as_number(0, 3600, ends=False)
    ),
    "survey": ArgumentCheck("a Survey (`galaxyclass.open_survey`)", as_instance("Survey")),
    "partition": ArgumentCheck("the name of a partition (str)", as_string),
    "account": ArgumentCheck("the name of an account (str)", as_string),
    "address": ArgumentCheck("the address of a cluster (str)", as_string),
    "gpus": _count("a whole number", 0, 100),
    "memory": _count("a whole number of GB", 1, 100_000),
    "array_limit": _count("a whole number", 1, 10**7),
    "at_once": _count("a whole number", 1, 10**7),
    "partition_rows": _count("a whole number", 1, 10**8),
    # how it is computed
    "options": ArgumentCheck("InferenceOptions", as_instance("InferenceOptions")),
    "views": _count("a whole number", 1, 1000),
    "device": _choice(Device),
    "devices": _count("a whole number", 1, 1000),
    "precision": _choice(ChosenPrecision),
    "batch_size": _count("a whole number", 1, 1_000_000),
    "workers": _count("a whole number", 1, 4096),
    "seed": _count("a whole number", 0, 2**32 - 1),
    "progress": ArgumentCheck("a function (`galaxyclass.Progress`)", as_callable),
    "sources": ArgumentCheck("what `open_tiles` gives", as_instance("TileCutouts")),
    "backend": ArgumentCheck(
        "a function of cutouts (`galaxyclass.Backend`), or one for each network", as_callables
    ),
}


def public(function: Callable[P, R]) -> Callable[P, R]:
    """Check the arguments of a public function before it begins.

    Wrong calls then raise the same errors everywhere: an `ArgumentTypeError` where the call does
    not fit the signature or a value is of the wrong type, and an `ArgumentError` where a value is
    not possible. Integers of numpy count as integers; True and False do not.

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
    # What a method passes on by **keywords is checked by the function that takes it.
    checks = {
        name: _check_of(parameter, function.__globals__)
        for name, parameter in signature.parameters.items()
        if name not in OBJECTS and parameter.kind is not parameter.VAR_KEYWORD
    }
    *_, room, name = f".{function.__qualname__}".split(".")
    title = room if name == "__init__" else name

    def check_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            raise explain_call(title, signature, args, kwargs) from None
        for name, value in bound.arguments.items():
            if name in checks:
                bound.arguments[name] = checks[name](value)
        _require_inputs_kept(bound.arguments)
        return bound

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = check_call(args, kwargs)
        return function(*bound.args, **bound.kwargs)

    # With the globals of the function's own module: doctest looks for examples only in functions
    # that have them.
    checked = FunctionType(call.__code__, function.__globals__, name, None, call.__closure__)
    return cast(Callable[P, R], wraps(function)(checked))


#: Inputs of one argument that are compared with the output, at most.
_MOST_INPUTS = 1000


def _require_inputs_kept(arguments: Mapping[str, Any]) -> None:
    """Refuse an output that is a file of the input, which it would replace.

    Raises
    ------
    ArgumentError
    """
    output = arguments.get("output")
    inputs = {name: value for name, value in arguments.items() if name != "output"}
    if (name := replaced_input(output, inputs)) is not None:
        raise ArgumentError(
            f"`output` is a file of `{name}`, which would be lost",
            argument="output",
            wanted="another file",
            got=os.fsdecode(cast(str, output)),
            hint="choose another `output`",
        )


def replaced_input(output: Any, inputs: Mapping[str, Any]) -> str | None:
    """The input of which an output is a file, which writing would replace; None where none is.

    Parameters
    ----------
    output : anything
        Nothing is replaced where it is no path, or where no file is there.
    inputs : mapping of str to anything
        Paths, data sets, and sequences and mappings of them by name; anything else has no files.
        Of a sequence the first thousand are looked at.

    Examples
    --------
    >>> import tempfile
    >>> file = os.path.join(tempfile.mkdtemp(), "a.csv")
    >>> open(file, "w").close()
    >>> replaced_input(file, {"seed": 0, "also": [("images", file)]})
    'also'
    """
    if not isinstance(output, str | os.PathLike) or not os.path.isfile(output):  # noqa: PTH113
        return None
    for name, value in inputs.items():
        if any(
            os.path.isfile(path) and os.path.samefile(path, output)  # noqa: PTH113, PTH121
            for path in _paths_of(value)
        ):
            return name
    return None


def _paths_of(value: Any) -> Iterator[str | os.PathLike[str]]:
    """The paths in an argument: itself, its items, or those of the parts of a data set."""
    if isinstance(value, str | os.PathLike):
        yield value
    elif isinstance(value, list | tuple):
        yield from chain.from_iterable(map(_paths_of, value[:_MOST_INPUTS]))
    elif isinstance(value, Mapping):
        yield from _paths_of(list(value.values()))
    else:
        parts = (getattr(value, part, None) for part in ("table", "images", "id_map", "also"))
        for part in parts:
            if isinstance(part, str | os.PathLike | list | tuple):
                yield from _paths_of(part)


def check_argument(name: str, value: Any, annotation: str) -> Any:
    """Check a single argument as `public` does, and return the value that functions get.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : object
    annotation : str
        Its type, which says whether None or a sequence is allowed.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The value is not possible, or of the wrong type.

    Examples
    --------
    >>> check_argument("views", None, "int | None"), check_argument("views", 4, "int")
    (None, 4)
    """
    kind = inspect.Parameter.KEYWORD_ONLY
    return _check_of(inspect.Parameter(name, kind, annotation=annotation), {})(value)


def check_fields(instance: Any) -> None:
    """Check the fields of a frozen dataclass of arguments, and put the checked values in place.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        As for `check_argument`.
    """
    for field in fields(instance):
        value = getattr(instance, field.name)
        if value is not field.default:
            value = check_argument(field.name, value, str(field.type))
            object.__setattr__(instance, field.name, value)


def _check_of(parameter: inspect.Parameter, known: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The check of a parameter, from its name and its annotation."""
    name, annotation = parameter.name, _written_out(str(parameter.annotation), known)
    assert name in ARGUMENTS, f"no check for the argument {name}: add it to ARGUMENTS"
    rule = ARGUMENTS[name]
    check, wanted = rule.check, rule.wanted
    if annotation in ("Any", "TableJoin | Any") and rule.in_memory is not None:
        check = rule.in_memory
        wanted = f"{wanted}, or {_IN_MEMORY.get(rule.in_memory, 'data in memory')}"
        if annotation != "Any":
            check, wanted = as_either(as_instance("TableJoin"), check), f"{wanted}, or a TableJoin"
    elif "Dataset" in annotation:
        check, wanted = as_either(as_instance("Dataset"), rule.check), f"a Dataset, or {wanted}"
    elif rule.several and "Sequence" in annotation:
        many = as_sequence(
            rule.check,
            nonempty=parameter.default != () and not rule.may_be_empty,
            distinct=rule.distinct,
        )
        only = annotation.startswith(("Sequence", "tuple", "Iterable"))
        check = many if only else as_either(rule.check, many)
        if not only:
            wanted = f"{wanted}, or a sequence of {rule.several}"
        else:
            each = f": {wanted}" if rule.several == "them" else f" of {rule.several}"
            wanted = f"a sequence{each}" + (", each once" if rule.distinct else "")
    if annotation.startswith("Dataset |"):
        check, wanted = as_either(check, as_instance("Dataset")), f"{wanted}, or a Dataset"
    optional = "None" in annotation or parameter.default is None

    def checked(value: Any) -> Any:
        if value is None and optional:
            return None
        result = check(value)
        if result is WRONG_TYPE:
            raise ArgumentTypeError(
                f"`{name}` cannot be of type {type(value).__name__}",
                argument=name,
                wanted=wanted + (", or None" if optional else ""),
                got=short_value(value),
            )
        if isinstance(result, ImpossibleValue):
            raise ArgumentError(
                f"`{name}` {result.reason or f'cannot be {short_value(value, 40)}'}",
                argument=name,
                wanted=wanted,
                got=short_value(value),
            )
        return result

    return checked


def _written_out(annotation: str, known: Mapping[str, Any]) -> str:
    """An annotation with its aliases, such as those of unions, written out."""

    def written_out(match: re.Match[str]) -> str:
        alias = known.get(match[0])
        is_alias = alias is not None and not isinstance(alias, type)
        return str(alias) if is_alias and match[0] not in ("Any", "Literal") else match[0]

    return re.sub(r"[A-Za-z_]\w*", written_out, annotation)
