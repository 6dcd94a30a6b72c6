"""Leakage: which galaxies a run has used, by their ids and by the digests of their images."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import Part
from galaxyclass.errors import RunError
from galaxyclass.io.run_folder import SPLIT, run_file

#: All values of `Part`.
PARTS: tuple[str, ...] = get_args(Part)

#: The part of the galaxies that one network of a cross-validation leaves out, and others learn.
OUT_OF_FOLD = "out_of_fold"

#: The parts that a run writes; a galaxy in several belongs to the first.
_ORDER = ("train", "validation", "test", OUT_OF_FOLD)


@dataclass(frozen=True)
class UsedGalaxies:
    """The galaxies of a run by part: their ids, and the digests of their image files.

    A run on several tables has no ids here: tables may use one id for different galaxies.
    """

    ids: dict[str, frozenset[str]]
    digests: dict[str, frozenset[str]]


def read_used_galaxies(run: Path) -> UsedGalaxies | None:
    """The galaxies of each part of a run, from its ``split.csv``; None where it has none.

    Raises
    ------
    RunError
        The file cannot be read.
    """
    file = run_file(run, SPLIT)
    if file is None:
        return None
    ids: dict[str, set[str]] = {part: set() for part in _ORDER}
    digests: dict[str, set[str]] = {part: set() for part in _ORDER}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row.get("table") is None:
                    ids[row["part"]].add(row["id"])
                if row["digest"]:
                    digests[row["part"]].add(row["digest"])
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise RunError(
            f"{file}: not a list of a run's galaxies",
            wanted=f"columns id, part ({', '.join(_ORDER)}) and digest",
            got=f"{type(error).__name__}: {error}",
        ) from error
    return UsedGalaxies(
        {part: frozenset(names) for part, names in ids.items()},
        {part: frozenset(names) for part, names in digests.items()},
    )


def require_used_galaxies(runs: Sequence[Path], part: Part) -> UsedGalaxies | None:
    """The galaxies that any of the runs used; None where a run does not say and ``part`` is all.

    Raises
    ------
    RunError
        A run does not say which galaxies it was trained on, and ``part`` asks for it.
    """
    by_run = [read_used_galaxies(run) for run in runs]
    used = [galaxies for galaxies in by_run if galaxies is not None]
    if len(used) == len(runs):
        return used_by_any(used)
    if part != "all":
        run = runs[by_run.index(None)]
        raise RunError(
            f"{run}: does not say which galaxies it was trained on",
            wanted="split.csv, in the folder of the run",
            got="none beside this bundle" if run.is_dir() else "a file",
            hint="name the run's own folder; or pass `part='all'`, if you know that none of these "
            "galaxies was trained on",
        )
    return None


def used_by_any(runs: Sequence[UsedGalaxies]) -> UsedGalaxies:
    """The galaxies of several runs: each part has those of that part in any run.

    Examples
    --------
    >>> first = UsedGalaxies({"train": frozenset({"1"})}, {"train": frozenset()})
    >>> second = UsedGalaxies({"train": frozenset({"2"})}, {"train": frozenset()})
    >>> sorted(used_by_any([first, second]).ids["train"])
    ['1', '2']
    """
    return UsedGalaxies(
        {part: frozenset().union(*(run.ids[part] for run in runs)) for part in runs[0].ids},
        {part: frozenset().union(*(run.digests[part] for run in runs)) for part in runs[0].ids},
    )


def parts_of(used: UsedGalaxies, ids: Sequence[str], digests: Sequence[str]) -> NDArray[np.object_]:
    """(galaxies,) the part of the run that each was in; ``new`` where it was in none.

    A galaxy is in ``train`` if its id, or an identical image under another id, was trained on, even
    if it is in other parts as well.

    Parameters
    ----------
    used : UsedGalaxies
    ids : sequence of str
    digests : sequence of str
        BLAKE2b-128 of each image file in hex; "" where it cannot be read.

    Examples
    --------
    >>> used = UsedGalaxies({"train": frozenset({"1"}), "validation": frozenset({"2"})},
    ...             {"train": frozenset({"ab"}), "validation": frozenset()})
    >>> parts_of(used, ["1", "2", "3", "4"], ["cd", "ef", "ab", ""]).tolist()
    ['train', 'validation', 'train', 'new']
    """
    parts = [
        next(
            (part for part in used.ids if name in used.ids[part] or digest in used.digests[part]),
            "new",
        )
        for name, digest in zip(ids, digests, strict=True)
    ]
    return np.array(parts, dtype=object)
