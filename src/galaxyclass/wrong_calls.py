"""Why a call does not fit the signature of a public function, in words."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Set
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from galaxyclass.errors import ArgumentTypeError
from galaxyclass.short import short_value

#: Parameters that are no arguments: the object, or the class, of a method.
OBJECTS = ("self", "cls")

#: Arguments of `Dataset`, which say how a table is read.
OF_DATASETS = (
    "id_column",
    "target_column",
    "numbers",
    "missing",
    "counts",
    "id_map",
    "classes",
    "skip_invalid",
    "labelling",
    "tree",
    "also",
)

#: Arguments of `TableJoin`, which say how a table finds its images.
OF_JOINS = ("carry", "id_column", "id_map", "match_radius", "ra_column", "dec_column")

#: Arguments of `InferenceOptions` and `load_model`, which say how networks are run.
OF_MODELS = ("views", "device", "precision", "batch_size", "workers", "labelling")


def _other_place(name: str, parameters: Mapping[str, inspect.Parameter]) -> str | None:
    """Where an argument belongs that a function takes as part of another one."""
    if name in OF_MODELS and "options" in parameters:
        return f"`options=galaxyclass.InferenceOptions({name}=…)`"
    if name in OF_JOINS and "TableJoin" in str(getattr(parameters.get("table"), "annotation", "")):
        return f"`table=galaxyclass.TableJoin(table, {name}=…)`"
    if name in OF_DATASETS and "Dataset" in str(
        getattr(parameters.get("images"), "annotation", "")
    ):
        return f"it belongs to the data set: `galaxyclass.Dataset(images, table, {name}=…)`"
    if name in OF_MODELS and "self" in parameters:
        return f"`galaxyclass.load_model(model, {name}=…)` is the model with it"
    return None


@dataclass(frozen=True)
class _Taken:
    """The arguments that a function takes, by how they are given.

    Attributes
    ----------
    title : str
        Of the function, for messages.
    parameters : mapping
        By name, without the object of a method and without ``**more``.
    more : tuple of str
        What it passes on: ``**more``.
    """

    title: str
    parameters: Mapping[str, inspect.Parameter]
    more: tuple[str, ...]

    @property
    def by_name(self) -> list[str]:
        return [name for name, each in self.parameters.items() if each.kind == each.KEYWORD_ONLY]

    @property
    def positional(self) -> list[str]:
        by_name = set(self.by_name)
        return [name for name in self.parameters if name not in by_name]

    @property
    def words(self) -> str:
        star = ["*"] if self.by_name else []
        names = [*self.positional, *star, *self.by_name, *self.more]
        return f"arguments of {self.title}({', '.join(names)})"


def explain_call(
    title: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> ArgumentTypeError:
    """What does not fit the signature, in words.

    Parameters
    ----------
    title : str
        Of the function, for messages.
    signature : inspect.Signature
    args, kwargs
        Of the call, which the signature cannot be bound to.
    """
    without_object = {
        name: each for name, each in signature.parameters.items() if name not in OBJECTS
    }
    if len(without_object) < len(signature.parameters):
        args = args[1:]
    more = [name for name, each in without_object.items() if each.kind is each.VAR_KEYWORD]
    parameters = {name: each for name, each in without_object.items() if name not in more}
    taken = _Taken(title, parameters, tuple(f"**{name}" for name in more))
    unknown = [name for name in kwargs if name not in parameters and not more]
    if unknown:
        return _unknown(taken, unknown[0], kwargs[unknown[0]], signature)
    if len(args) > len(taken.positional):
        return _too_many(taken, args)
    twice = [name for name in taken.positional[: len(args)] if name in kwargs]
    if twice:
        return ArgumentTypeError(
            f"`{title}` was given `{twice[0]}` twice", argument=twice[0], wanted=taken.words
        )
    return _missing(taken, {*taken.positional[: len(args)], *kwargs})


def _unknown(
    taken: _Taken, name: str, value: object, signature: inspect.Signature
) -> ArgumentTypeError:
    close = get_close_matches(name, taken.parameters, n=1)
    hint = _other_place(name, signature.parameters)
    if hint is None and close:
        hint = f"did you mean `{close[0]}`?"
    return ArgumentTypeError(
        f"`{taken.title}` has no argument `{name}`",
        argument=name,
        wanted=taken.words,
        got=f"{name}={short_value(value)}",
        hint=hint,
    )


def _too_many(taken: _Taken, args: tuple[Any, ...]) -> ArgumentTypeError:
    count = len(taken.positional)
    example = ", such as `output=…`" if "output" in taken.by_name else ""
    return ArgumentTypeError(
        f"`{taken.title}` takes {count} argument{'s' * (count != 1)} without a name",
        wanted=taken.words,
        got=f"{len(args)}: the first too many is {short_value(args[count])}",
        hint=f"give the others by name{example}",
    )


def _missing(taken: _Taken, given: Set[str]) -> ArgumentTypeError:
    missing = [
        name
        for name, parameter in taken.parameters.items()
        if parameter.default is parameter.empty and name not in given
    ]
    return ArgumentTypeError(
        f"`{taken.title}` lacks the argument{'s' * (len(missing) > 1)} "
        + ", ".join(f"`{name}`" for name in missing),
        argument=missing[0] if missing else None,
        wanted=taken.words,
    )
