"""How a model reads pictures: the settings of a call, on top of those that the model keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from galaxyclass.errors import ArgumentError
from galaxyclass.recipes.preprocessing import STATED_READING, Preprocessing
from galaxyclass.short import counted, did_you_mean

#: Those that belong to what a model was trained on: a call may state them where the model does not.
_OF_THE_MODEL = ("stretch", "limits", "percentiles", "softening")

#: Remarks that are shown, at most.
_MOST_NOTES = 8


def with_reading(
    preprocessings: Sequence[Preprocessing], reading: Mapping[str, Any] | None
) -> list[Preprocessing]:
    """The settings of a model's cutouts with those of a call.

    Parameters
    ----------
    preprocessings : sequence of Preprocessing
        Of the model's networks.
    reading : mapping of str to object or None
        Some of `STATED_READING`; see `Preprocessing` for what each means.

    Raises
    ------
    ArgumentError
        No such setting, or a value that it cannot have; another stretch than the model was trained
        with; another number of bands.
    """
    stated = {name: value for name, value in (reading or {}).items() if value is not None}
    for name in stated:
        if name not in STATED_READING:
            raise ArgumentError(
                f"`reading`: no setting {name!r}",
                argument="reading",
                wanted=", ".join(STATED_READING),
                hint=did_you_mean(str(name), STATED_READING) or None,
            )
    if stated.get("limits") == "survey":
        raise ArgumentError(
            "`reading`: limits of a survey are found in the training",
            argument="reading",
            wanted="brightness that is black and white, such as (0, 1)",
            got="limits 'survey'",
            hint="leave limits out: they are found in each picture",
        )
    return [_changed(preprocessing, stated) for preprocessing in preprocessings]


def _changed(preprocessing: Preprocessing, stated: Mapping[str, Any]) -> Preprocessing:
    if not stated:
        return preprocessing
    if "pixel_scale" in stated:
        if preprocessing.pixel_scale is None and preprocessing.picture_size is None:
            raise ArgumentError(
                "`reading`: the model knows no pixel scale, so that pictures are not brought to it",
                argument="reading",
                got=f"pixel_scale {stated['pixel_scale']}",
                hint="`scale=2` shows galaxies twice as large",
            )
        stated = {**stated, "given_scale": stated["pixel_scale"]}
        del stated["pixel_scale"]
    try:
        changed = Preprocessing.model_validate({**preprocessing.model_dump(), **stated})
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"][:1])).replace("given_scale", "pixel_scale")
        text = str(problem.get("ctx", {}).get("error", problem["msg"])).removeprefix("images.")
        raise ArgumentError(
            f"`reading`: {where + ': ' if where else ''}{text}",
            argument="reading",
            got=None if not where else repr(problem["input"]),
        ) from error
    if changed.channels != preprocessing.channels:
        raise ArgumentError(
            "`reading`: not the bands that the model takes",
            argument="reading",
            wanted="one band, or three, the shortest wavelength first"
            if not preprocessing.bands
            else f"{len(preprocessing.bands)}, for {', '.join(preprocessing.bands)}",
            got=", ".join(changed.bands),
        )
    if preprocessing.stretch is not None:
        for name in _OF_THE_MODEL:
            before, after = getattr(preprocessing, name), getattr(changed, name)
            if after != before:
                raise ArgumentError(
                    f"`reading`: the model was trained with another {name}",
                    argument="reading",
                    wanted=f"{name} {before}",
                    got=str(after),
                    hint=f"leave {name} out: the model brings its own",
                )
    return changed


def describe_reading(notes: Mapping[str, int], images: int) -> Iterator[str]:
    """Remarks on how pictures were read, as sentences for the user.

    Parameters
    ----------
    notes : mapping of str to int
        Each remark, and for how many pictures it holds.
    images : int
        How many pictures there are.

    Examples
    --------
    >>> list(describe_reading({"left out of its file: the fourth band": 2}, 2))
    ['All 2 pictures: left out of its file: the fourth band.']
    """
    ordered = Counter(notes).most_common()
    for note, count in ordered[:_MOST_NOTES]:
        if count == images and count > 1:
            yield f"All {count:,} pictures: {note}."
        else:
            yield f"{counted(count, 'picture')}: {note}."
    if len(ordered) > _MOST_NOTES:
        others = sum(count for _, count in ordered[_MOST_NOTES:])
        ways = counted(len(ordered) - _MOST_NOTES, "other way")
        yield f"{counted(others, 'picture')}: read in {ways}."
