"""The plan of a search on disk: written when it begins, and unchanged when it goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxyclass.errors import OutputError, RunError
from galaxyclass.io.atomic import write_text
from galaxyclass.io.run_folder import SEARCH
from galaxyclass.io.versioned import FileFormat
from galaxyclass.study.compare.plan import read_study

#: The layout of the folders of searches that this version writes.
TUNE_FORMAT = 1

TUNE_TABLE = "tune.csv"
#: The recipe that is searched, where it was given as an object.
TUNE_BASE = "base.toml"
#: Optuna's storage, to which each step of the search is appended.
TUNE_JOURNAL = "journal.log"
BEST_RECIPE = "best.toml"

_FORMAT = FileFormat(
    "search", TUNE_FORMAT, RunError, "search again with this version, to another `output`"
)


@dataclass(frozen=True)
class TunePlan:
    """What a search searches, and on what data.

    Attributes
    ----------
    recipe : str
    vary : dict
        Setting -> what it may be, in words.
    settings : tuple of str
    data : dict
        Of the data set (`Dataset.to_json`), and ``seed``.
    pruning : bool
    resolved : dict
        The recipe without the varied settings.
    fingerprint : str
        Of the galaxies; empty until it is known.
    """

    recipe: str
    vary: dict[str, str]
    settings: tuple[str, ...]
    data: dict[str, Any]
    pruning: bool
    resolved: dict[str, Any]
    fingerprint: str = ""


def write_tune_plan(folder: Path, plan: TunePlan) -> None:
    """Begin a search."""
    data = {"format": TUNE_FORMAT, **asdict(plan)}
    write_text(folder / SEARCH, json.dumps(data, indent=1) + "\n")


def read_tune_plan(folder: Path) -> TunePlan:
    """Read the plan of a search.

    Raises
    ------
    RunError
        Not a search; of another version; damaged.
    """

    def read(data: dict[str, Any]) -> TunePlan:
        values = {name: value for name, value in data.items() if name != "format"}
        return TunePlan(**{**values, "settings": tuple(values["settings"])})

    return read_study(folder / SEARCH, _FORMAT, read)


def require_same_search(folder: Path, begun: TunePlan, plan: TunePlan) -> None:
    """Refuse to go on with a search with other arguments than it was begun with.

    Raises
    ------
    OutputError
        Says what differs.
    """
    before, now = asdict(begun), asdict(plan)
    names = [name for name in now if name != "fingerprint" and before[name] != now[name]]
    if names:
        raise OutputError(
            f"{folder}: a search was begun here with other arguments",
            wanted="\n".join(f"{name} {before[name]}" for name in names[:4]),
            got="\n".join(f"{name} {now[name]}" for name in names[:4]),
            hint="give the arguments that it was begun with (the number of trials and minutes may "
            "change), or choose another `output`",
        )
