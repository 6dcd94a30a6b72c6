"""Values of every kind for every argument of every public function, drawn by hypothesis."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import galaxyclass
from tests.hostile.trials import Tally, fault_of

#: Public functions that hold what they are given, such as exceptions and results, are left out.
_WRONG: list[Any] = [
    *(None, True, 0, -1, 1, 2.5, math.nan, math.inf, -math.inf, 10**30, -(10**30), 1e308, 1j),
    *("", " ", "\0", "a\0b", "\ud800", "x" * 5000, "../..", "/", ".", "~", "\x1b[2J", "é", "[/b]"),
    *(b"", b"\xff", [], [[]], [None], [""], ["a", 1], (), {}, {"a": 1}, {1: 2}, set(), object()),
    *(int, len, Path(), Path("/dev/null/at/all"), Path("/dev/null"), range(3), iter([1])),
    *(np.array(3), np.zeros(0), np.zeros((2, 2)), np.array(["a"]), np.float32(2), np.int64(-5)),
    *(galaxyclass, galaxyclass.ArgumentError, Exception("x"), slice(1), Ellipsis, NotImplemented),
]


#: Measures for minutes where nothing is wrong: without images it makes its own.
_LONG = {"benchmark"}


def public_functions() -> dict[str, Callable[..., Any]]:
    """The functions in ``galaxyclass.__all__``, but for those that take long."""
    found = {name: getattr(galaxyclass, name) for name in galaxyclass.__all__ if name not in _LONG}
    return {name: value for name, value in found.items() if isinstance(value, FunctionType)}


def _arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Required arguments, none of which can be there, or be made."""
    return {
        name: "/dev/null/at/all"
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def strange_values(trials: int) -> Tally:
    """Calls of which one to three arguments are strange."""
    # Not within a trial: an import that is cut off cannot be repeated.
    importlib.import_module("galaxyclass.training.train")
    tally, functions = Tally("arguments of public functions"), public_functions()

    @settings(
        max_examples=trials,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data())
    def call(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(functions)))
        function = functions[name]
        names = [
            argument
            for argument, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is not parameter.VAR_KEYWORD
        ]
        arguments = _arguments(function)
        for argument in data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=3)):
            arguments[argument] = data.draw(
                st.one_of(st.sampled_from(_WRONG), st.text(max_size=9), st.integers(), st.floats())
            )
        fault = fault_of(lambda: function(**arguments))
        shown = ", ".join(f"{key}={value!r:.40}" for key, value in arguments.items())
        tally.add(f"{name}({shown})", fault)

    call()
    return tally
