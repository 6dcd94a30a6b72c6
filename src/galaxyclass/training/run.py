"""The folder of one training: what is in it, and reading it back."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from galaxyclass.arguments import Device
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.errors import OutputError, RunError
from galaxyclass.io import run_folder
from galaxyclass.io.atomic import require_new, write_text
from galaxyclass.io.reading import read_bounded
from galaxyclass.io.versioned import FileFormat
from galaxyclass.recipes.read import load_recipe, recipe_toml
from galaxyclass.recipes.recipe import Recipe
from galaxyclass.short import short_value
from galaxyclass.training.runtime_settings import RuntimeSettings
from galaxyclass.workers.processes import core_count

#: The layout of run folders that this version writes.
RUN_FORMAT = 2

_FORMAT = FileFormat(
    "run", RUN_FORMAT, RunError, "train again with this version, to another `output`"
)

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
        "cores": core_count(),
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
    """The arguments of a run and the machine it ran on: enough to repeat it, or to go on.

    Attributes
    ----------
    data : mapping
        The data set, as `Dataset.to_json` describes it.
    seed : int
    fingerprint : str
        BLAKE2b-128 of the ids, images and targets that were trained on.
    galaxies : mapping
        How many in each part.
    device : str
    devices : int
    runtime : mapping or None
        How the network is run, and the images per second of each setting that was tried.
    command : list of str
        The command line, or the name of the function.
    versions, machine : mapping
    format : int
    """

    data: Mapping[str, Any]
    seed: int
    fingerprint: str
    galaxies: Mapping[str, int]
    device: Device
    devices: int
    command: list[str]
    runtime: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=installed_versions)
    machine: Mapping[str, Any] = field(default_factory=this_machine)
    format: int = RUN_FORMAT

    @property
    def runtime_settings(self) -> RuntimeSettings | None:
        """How the network is run; None where the run does not state it."""
        if self.runtime is None:
            return None
        return RuntimeSettings(
            **{entry.name: self.runtime[entry.name] for entry in fields(RuntimeSettings)}
        )

    def require_sources(self, folder: Path) -> None:
        """Refuse a run whose images or table are not where they were when it was begun.

        Raises
        ------
        RunError
        """
        named = (self.data.get("images"), self.data.get("table"))
        gone = [each for each in named if isinstance(each, str) and not Path(each).exists()]
        if gone and "{" not in gone[0]:  # a pattern of files is no file
            raise RunError(
                f"{folder}: its images or table are not there any more",
                wanted="the data that it was begun with, at their place",
                got=f"nothing at {gone[0]}",
                hint="put them back, or a link to where they are now; or train again, to another "
                "`output`",
            )

    @property
    def dataset(self) -> Dataset:
        """The galaxies that the run was begun with."""
        return Dataset.from_json(self.data)


def write_run(folder: Path, recipe: Recipe, info: RunInfo) -> None:
    """Write the files that make a folder a run: its recipe and its `RunInfo`."""
    write_text(folder / run_folder.RECIPE, recipe_toml(recipe))
    write_text(folder / run_folder.INFO, json.dumps(asdict(info), indent=1) + "\n")


def begun_run(folder: Path, arguments: Mapping[str, Any]) -> tuple[Recipe, RunInfo] | None:
    """The unfinished run of the same arguments that is in a folder; None where the folder is free.

    A folder that holds a ``recipe.toml`` and nothing else counts as free: a kill of an older
    version could leave it (`remove_lone_recipe`).

    Parameters
    ----------
    folder : Path
    arguments : mapping
        What a `RunInfo` of the arguments holds of them.

    Raises
    ------
    OutputError
        The folder holds something else, or it is a file.
    """
    if not (folder / run_folder.INFO).is_file():
        if not _has_lone_recipe(folder):
            require_new(folder)
        return None
    if not (folder / run_folder.METRICS).is_file():
        try:
            recipe, info = read_run(folder)
        except RunError as error:
            raise _used(folder) from error
        if all(getattr(info, name) == value for name, value in arguments.items()):
            return recipe, info
    raise _used(folder)


def remove_lone_recipe(folder: Path) -> None:
    """Empty a folder that holds nothing but a recipe, so that a run can take its place."""
    if _has_lone_recipe(folder):
        (folder / run_folder.RECIPE).unlink()


def _has_lone_recipe(folder: Path) -> bool:
    recipe = folder / run_folder.RECIPE
    return recipe.is_file() and list(folder.iterdir()) == [recipe]


def require_same_recipe(folder: Path, recipe: Recipe) -> None:
    """Refuse to go on with a run under another recipe than it was begun with.

    Raises
    ------
    OutputError
        It is another.
    """
    if (folder / run_folder.RECIPE).read_text(encoding="utf-8") != recipe_toml(recipe):
        raise _used(folder)


def _used(folder: Path) -> OutputError:
    stopped = not (folder / run_folder.METRICS).is_file()
    return OutputError(
        f"{folder}: there is a run here already",
        hint=f"`galaxyclass.resume({str(folder)!r})` goes on; or choose another `output`"
        if stopped
        else "choose another `output`",
    )


def read_run(folder: Path) -> tuple[Recipe, RunInfo]:
    """Read the recipe of a run and its `RunInfo`.

    Raises
    ------
    RunError
        Not a run; of another version; damaged.
    """
    if not (folder / run_folder.INFO).is_file() or not (folder / run_folder.RECIPE).is_file():
        missing = (
            "no such folder"
            if not folder.exists()
            else f"no {run_folder.INFO} in it, but a {run_folder.RECIPE} alone"
            if _has_lone_recipe(folder)
            else f"no {run_folder.INFO} and {run_folder.RECIPE} in it"
        )
        raise RunError(
            f"{folder}: not a run",
            wanted="the `output` of a training",
            got=missing,
            hint="a training was killed here as it began: the call that began it, "
            f"`galaxyclass.train(…, output={str(folder)!r})`, begins again"
            if _has_lone_recipe(folder)
            else None,
        )
    file = folder / run_folder.INFO
    info = _FORMAT.parse(read_bounded(file), file, _run_info)
    return load_recipe(folder / run_folder.RECIPE), info


def _run_info(data: dict[str, Any]) -> RunInfo:
    info = RunInfo(**data)
    for name, kinds in (("seed", int), ("devices", int), ("fingerprint", str), ("data", dict)):
        if not isinstance(getattr(info, name), kinds):
            raise TypeError(f"{name}: {short_value(getattr(info, name))}")
    if info.device not in get_args(Device):
        raise ValueError(f"device: {short_value(info.device)}")
    _ = info.dataset, info.runtime_settings  # both can be made
    return info
