"""The plan of a comparison: written when it begins, and unchanged when it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from galaxyclass.errors import OutputError, RunError
from galaxyclass.io.atomic import write_text
from galaxyclass.io.reading import read_bounded
from galaxyclass.io.run_folder import COMPARISON
from galaxyclass.io.versioned import FileFormat
from galaxyclass.recipes.read import parse_recipe
from galaxyclass.short import first_few, short_value
from galaxyclass.study.compare.trials import Trial

T = TypeVar("T")

#: The layout of the folders of comparisons that this version writes.
STUDY_FORMAT = 1

_FORMAT = FileFormat(
    "comparison", STUDY_FORMAT, RunError, "compare again with this version, to another `output`"
)

TABLE = "compare.csv"


@dataclass(frozen=True)
class Plan:
    """The trials of a comparison and the data that they share.

    Attributes
    ----------
    trials : tuple of Trial
    data : mapping
        Of the data set (`Dataset.to_json`), and ``seed``.
    fingerprint : str
        Of the galaxies (`Samples`); empty until it is known.
    """

    trials: tuple[Trial, ...]
    data: Mapping[str, Any]
    fingerprint: str = ""


def write_plan(folder: Path, plan: Plan) -> None:
    """Begin a comparison."""
    write_text(folder / COMPARISON, json.dumps(_as_data(plan), indent=1) + "\n")


def read_plan(folder: Path) -> Plan:
    """Read the plan of a comparison.

    Raises
    ------
    RunError
        Not a comparison; of another version; damaged.
    """
    return read_study(folder / COMPARISON, _FORMAT, _read)


def read_study(file: Path, file_format: FileFormat, read: Callable[[dict[str, Any]], T]) -> T:
    """Read the file that makes a folder a study: a comparison or a search.

    Raises
    ------
    RunError
        Not such a study; of another version; damaged.
    """
    if not file.is_file():
        raise RunError(
            f"{file.parent}: not a {file_format.what}",
            wanted=f"the `output` of a {file_format.what}",
            got=f"no {file.name} in it" if file.parent.exists() else "no such folder",
        )
    return file_format.parse(read_bounded(file), file, read)


def _read(data: dict[str, Any]) -> Plan:
    trials = tuple(
        Trial(
            each["name"],
            each["recipe"],
            dict(each["varied"]),
            tuple(each["settings"]),
            parse_recipe(each["resolved"], each["recipe"]),
        )
        for each in data["trials"]
    )
    for trial in trials:  # files are named after it
        if trial.name in ("", ".", "..") or Path(trial.name).name != trial.name:
            raise ValueError(f"a trial called {short_value(trial.name)}")
    return Plan(trials, data["data"], data["fingerprint"])


def require_unchanged(folder: Path, begun: Plan, plan: Plan) -> None:
    """Refuse to go on with a comparison with other arguments than it was begun with.

    Raises
    ------
    OutputError
        Says what differs.
    """
    wanted, got = [], []
    for key in sorted({*begun.data, *plan.data}):
        if begun.data.get(key) != plan.data.get(key):
            wanted.append(f"{key} {begun.data.get(key)}")
            got.append(f"{key} {plan.data.get(key)}")
    before, now = (
        {trial.name: _trial(trial) for trial in trials} for trials in (begun.trials, plan.trials)
    )
    dropped, new = [name for name in before if name not in now], [n for n in now if n not in before]
    if dropped or new:
        wanted.append(f"trials: {first_few(list(before), 3)}")
        kind, names = ("not among them", new) if new else ("without", dropped)
        got.append(f"{kind}: {first_few(names, 3)}")
    for name in [name for name in before if name in now and before[name] != now[name]][:3]:
        old, new_settings = before[name]["resolved"], now[name]["resolved"]
        for section in old:
            if old[section] != new_settings.get(section):
                wanted.append(f"{name}: {section} {old[section]}")
                got.append(f"{name}: {section} {new_settings.get(section)}")
    if wanted:
        raise OutputError(
            f"{folder}: a comparison was begun here with other arguments",
            wanted="\n".join(wanted),
            got="\n".join(got),
            hint="give the arguments that it was begun with, or choose another `output`",
        )


def _as_data(plan: Plan) -> dict[str, Any]:
    trials = [_trial(trial) for trial in plan.trials]
    return {
        "format": STUDY_FORMAT,
        "data": dict(plan.data),
        "fingerprint": plan.fingerprint,
        "trials": trials,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "name": trial.name,
        "recipe": trial.recipe,
        "varied": dict(trial.varied),
        "settings": list(trial.settings),
        "resolved": trial.resolved.model_dump(mode="json"),
    }
