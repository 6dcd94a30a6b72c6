"""Which galaxies a run has seen: by id, and by the bytes of the image under whatever id."""

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
from galaxyclass.io.run_folder import run_file

#: All of them.
PARTS: tuple[str, ...] = get_args(Part)

#: The parts that a run writes; a galaxy that fits several belongs to the first.
_ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class UsedGalaxies:
    """The galaxies of a run by part: their ids, and the digests of their image files.

    A run on several tables has no ids here: the same id may be another galaxy in another table.
    """

    ids: dict[str, frozenset[str]]
    digests: dict[str, frozenset[str]]


def read_seen(run: Path) -> UsedGalaxies | None:
    """Read which galaxies a run used for what, from its ``split.csv``; None where it has none.

    Raises
    ------
    RunError
        The file cannot be read.
    """
    file = run_file(run, "split.csv")
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


def require_seen(runs: Sequence[Path], part: Part) -> UsedGalaxies | None:
    """The galaxies that runs used, any of them; None where they do not say and ``part`` is all.

    Raises
    ------
    RunError
        A run does not say which galaxies it was trained on, and ``part`` asks for it.
    """
    found = [read_seen(run) for run in runs]
    seen = [one for one in found if one is not None]
    if len(seen) == len(runs):
        return seen_by_any(seen)
    if part != "all":
        raise RunError(
            f"{runs[found.index(None)]}: does not say which galaxies it was trained on",
            wanted="split.csv, in the folder of the run",
            got="none beside this bundle" if runs[found.index(None)].is_dir() else "a file",
            hint="name the run's own folder; or pass `part='all'`, if you know that none of these "
            "galaxies was trained on",
        )
    return None


def seen_by_any(runs: Sequence[UsedGalaxies]) -> UsedGalaxies:
    """The galaxies of several runs: those in a part that were so in any of them.

    Examples
    --------
    >>> one = UsedGalaxies({"train": frozenset({"1"})}, {"train": frozenset()})
    >>> two = UsedGalaxies({"train": frozenset({"2"})}, {"train": frozenset()})
    >>> sorted(seen_by_any([one, two]).ids["train"])
    ['1', '2']
    """
    return UsedGalaxies(
        {part: frozenset().union(*(run.ids[part] for run in runs)) for part in runs[0].ids},
        {part: frozenset().union(*(run.digests[part] for run in runs)) for part in runs[0].ids},
    )


def parts_of(seen: UsedGalaxies, ids: Sequence[str], digests: Sequence[str]) -> NDArray[np.object_]:
    """The part of the run that each galaxy was in; ``new`` where it was in none.

    A galaxy that was trained on under its own id, or whose very image was under another one, is in
    ``train``, whatever else it may be in.

    Parameters
    ----------
    seen : UsedGalaxies
    ids : sequence of str
    digests : sequence of str
        BLAKE2b-128 of each image file in hex; "" where it cannot be read.

    Examples
    --------
    >>> seen = UsedGalaxies({"train": frozenset({"1"}), "validation": frozenset({"2"})},
    ...             {"train": frozenset({"ab"}), "validation": frozenset()})
    >>> parts_of(seen, ["1", "2", "3", "4"], ["cd", "ef", "ab", ""]).tolist()
    ['train', 'validation', 'train', 'new']
    """
    parts = [
        next(
            (part for part in seen.ids if name in seen.ids[part] or digest in seen.digests[part]),
            "new",
        )
        for name, digest in zip(ids, digests, strict=True)
    ]
    return np.array(parts, dtype=object)
