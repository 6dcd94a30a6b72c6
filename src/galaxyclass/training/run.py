"""The folder of one training: what is in it, and reading it back."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from galaxyclass.arguments import Device
from galaxyclass.data.dataset.prepare import Source
from galaxyclass.errors import OutputError, RunError, require_format
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import write_text
from galaxyclass.recipes.read import load_recipe, recipe_toml
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.training.runtime_settings import RuntimeSettings

#: The layout of run folders that this version writes.
RUN_FORMAT = 2

_PACKAGES = ("galaxyclass", "torch", "lightning", "timm", "numpy", "opencv-python-headless")


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a training depends on."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # pragma: no cover - run from a source tree
            continue
    return versions


def this_machine() -> dict[str, Any]:
    """What the machine is, as far as the standard library can tell."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "executable": sys.executable,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


@dataclass(frozen=True)
class RunInfo:
    """What a run was told and on what it ran: enough to repeat it, or to go on.

    Attributes
    ----------
    images, table : str
        Absolute paths; `table` is None where folders are the classes.
    id_column, target_column : str or None
        As given.
    skip_invalid : bool
    classes : str or None
    seed : int
    fingerprint : str
        BLAKE2b-128 of the ids, images and targets that were trained on.
    galaxies : mapping
        How many in each part.
    device : str
    devices : int
    also : list of [str, str]
        Images and table, absolute paths, of what else was learnt from.
    runtime : mapping or None
        How the network is run, and the images per second of each way that a probe tried.
    command : list of str
        The command line, or the name of the function.
    versions, machine : mapping
    format : int
    """

    images: str
    table: str | None
    id_column: str | None
    target_column: str | None
    skip_invalid: bool
    classes: str | None
    seed: int
    fingerprint: str
    galaxies: Mapping[str, int]
    device: Device
    devices: int
    command: list[str]
    also: list[list[str]] = field(default_factory=list)
    runtime: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=installed_versions)
    machine: Mapping[str, Any] = field(default_factory=this_machine)
    format: int = RUN_FORMAT

    @property
    def runtime_settings(self) -> RuntimeSettings | None:
        """How the network is run; None of a run that does not say."""
        if self.runtime is None:
            return None
        return RuntimeSettings(
            **{name.name: self.runtime[name.name] for name in fields(RuntimeSettings)}
        )

    @property
    def sources(self) -> list[Source]:
        """The galaxies that the run was begun with, table by table."""
        first = Source(
            Path(self.images),
            None if self.table is None else Path(self.table),
            self.id_column,
            self.target_column,
            self.skip_invalid,
            self.classes,
        )
        others = (map(Path, pair) for pair in self.also)
        return [
            first,
            *(auxiliary_source(images, table, self.skip_invalid) for images, table in others),
        ]


def auxiliary_source(images: Path, table: Path, skip_invalid: bool) -> Source:
    """A table that is learnt from beside the first: its columns are found by the usual rule."""
    return Source(images, table, skip_invalid=skip_invalid)


def new_run(folder: Path, recipe: Recipe, info: RunInfo) -> None:
    """Make the folder of a run.

    Raises
    ------
    OutputError
        The folder holds something already.
    """
    refuse_used(folder)
    write_text(folder / run_folder.RECIPE, recipe_toml(recipe))
    write_text(folder / run_folder.INFO, json.dumps(asdict(info), indent=1) + "\n")


def refuse_used(folder: Path) -> None:
    """Refuse to train into a folder that holds something.

    Raises
    ------
    OutputError
        It does, or it is a file.
    """
    if folder.is_file():
        raise OutputError(f"{folder}: a file, not a folder", hint="choose another `output`")
    if folder.is_dir() and any(folder.iterdir()):
        is_run = (folder / run_folder.INFO).is_file()
        stopped = is_run and not (folder / run_folder.METRICS).is_file()
        raise OutputError(
            f"{folder}: there is {'a run' if is_run else 'something'} here already",
            hint=f"`galaxyclass.resume({str(folder)!r})` goes on; or choose another `output`"
            if stopped
            else "choose another `output`",
        )


def read_run(folder: Path) -> tuple[Recipe, RunInfo]:
    """Read what a run was told.

    Raises
    ------
    RunError
        Not a run; of another version; damaged.
    """
    if not (folder / run_folder.INFO).is_file() or not (folder / run_folder.RECIPE).is_file():
        missing = (
            "no such folder"
            if not folder.exists()
            else f"no {run_folder.INFO} and {run_folder.RECIPE} in it"
        )
        raise RunError(
            f"{folder}: not a run",
            wanted="the `output` of a training",
            got=missing,
        )
    try:
        data = json.loads((folder / run_folder.INFO).read_text(encoding="utf-8"))
        require_format(
            data["format"],
            RUN_FORMAT,
            what="run",
            source=folder,
            error=RunError,
            again="train again with this version, to another `output`",
            by=data.get("versions", {}).get("galaxyclass"),
        )
        info = RunInfo(**data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{folder / run_folder.INFO}: damaged", got=str(error)) from error
    return load_recipe(folder / run_folder.RECIPE), info
