"""What a user gives to be predicted, whatever it is: images in order, and what they are called."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.in_memory import KINDS, as_arrow, is_table
from galaxyclass.errors import ArgumentError, ArgumentTypeError, CatalogError
from galaxyclass.images.arrays import as_image, as_images
from galaxyclass.images.files import image_paths
from galaxyclass.model.cutouts import Picture
from galaxyclass.model.ids import FileNames, ImageIds
from galaxyclass.model.image_table import find_id_column, find_path_column
from galaxyclass.tasks.names import is_exact_integer

_WANTED = (
    "arrays, paths, a folder, or a table with a column of paths: "
    f"{KINDS} (see `galaxyclass.Model.predict`)"
)

#: The id column of images that have no other name than their place.
PLACE_COLUMN = "image"


@dataclass(frozen=True)
class ImageSource:
    """Images to predict, in order.

    Attributes
    ----------
    images : sequence or iterator of str or (height, width, bands) arrays
        Paths of files, or images in memory.
    ids : sequence of str or None
        What they are called; None: by their place, 0, 1 and so on.
    id_column : str or None
        Where the ids stand; None: in the column where the model's training table had them.
    id_integer : bool or None
        Whether the ids are whole numbers; None: as in the model's training table, if they can be.
    carried : pyarrow.Table or None
        Columns that go along with the predictions: a row for each image.
    notes : tuple of str
        What the user ought to know of the ids.
    """

    images: Sequence[Picture] | Iterator[Picture]
    ids: Sequence[str] | None = None
    id_column: str | None = None
    id_integer: bool | None = None
    carried: pa.Table | None = None
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int | None:
        """How many images there are; None of an iterator, whose end is not known."""
        return None if isinstance(self.images, Iterator) else len(self.images)

    @property
    def paths(self) -> Sequence[str] | None:
        """The files, where all images are in files: then a job that was stopped can go on."""
        if isinstance(self.images, list) and all(isinstance(one, str) for one in self.images):
            return self.images
        return None

    def name(self, place: int) -> str:
        """What the image at a place is called."""
        return str(place) if self.ids is None else self.ids[place]


def open_images(
    images: Any,
    *,
    id_column: str,
    name_parts: int = 0,
    ids: Iterable[Any] | None = None,
    path_column: str | None = None,
    table_id_column: str | None = None,
    clear_names: bool = False,
) -> ImageSource:
    """Find the images that a user gives, and what they are called.

    Parameters
    ----------
    images : arrays, paths, a folder or a table
        See `galaxyclass.Model.predict`.
    id_column : str
        That of the model's training table.
    name_parts : int
        How that table named images (`Manifest.name_parts`).
    ids : iterable of str or int, optional
        What the images are called.
    path_column, table_id_column : str, optional
        Columns of a table.
    clear_names : bool
        Refuse files of which two have one name.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Not images; the message says which and what to do.
    CatalogError
        A file or folder is not there, or has no images; names that are not clear.
    """
    if is_table(images):
        if ids is not None:
            raise ArgumentError(
                "`ids`: a table has its own", argument="ids", hint="`id_column` names their column"
            )
        return _from_table(as_arrow(images), id_column, name_parts, path_column, table_id_column)
    for name, column in (("path_column", path_column), ("id_column", table_id_column)):
        if column is not None:
            raise ArgumentError(
                f"`{name}`: only a table has columns", argument=name, wanted=KINDS,
                got=f"images of the type {type(images).__name__}",
            )  # fmt: skip
    source = _without_ids(images)
    if ids is not None:
        names = [_id(value) for value in ids]
        if source.count != len(names):
            raise ArgumentError(
                "`ids`: not one for each image",
                argument="ids",
                wanted="as many ids as images" if source.count is None else f"{source.count:,}",
                got=f"{len(names):,} for images of an iterator" if source.count is None
                else f"{len(names):,}",
                hint="give the images as a list" if source.count is None else None,
            )  # fmt: skip
        return replace(source, ids=names, id_integer=all(map(is_exact_integer, names)))
    if (paths := source.paths) is not None:
        found, notes = name_paths(paths, name_parts, clear=clear_names)
        return replace(source, ids=found, notes=notes)
    return replace(source, id_column=PLACE_COLUMN, id_integer=True)


def _without_ids(images: Any) -> ImageSource:
    if isinstance(images, str | Path):
        return ImageSource(image_paths(images))
    if _is_text(images):
        return _from_paths(images.tolist())
    if _is_array(images):
        stack: Any = as_images(_array(images, "`images`"))  # a sequence of images, as a list is
        return ImageSource(stack)
    if isinstance(images, Iterator):
        first = next(images, None)
        if isinstance(first, str | Path):
            return _from_paths([first, *images])
        rest = () if first is None else chain([first], images)
        return ImageSource(_one_by_one(rest))
    try:
        listed = list(images)
    except TypeError:
        raise _not_images(images) from None
    if not listed or all(isinstance(image, str | Path) for image in listed):
        return _from_paths(listed)
    return ImageSource(list(_one_by_one(listed)))


def _one_by_one(images: Iterable[Any]) -> Iterator[NDArray[np.generic]]:
    for place, image in enumerate(images):
        if not _is_array(image):
            raise ArgumentTypeError(
                f"image {place}: not an array",
                argument="images",
                wanted="arrays alone, or paths alone",
                got=type(image).__name__,
                hint="`numpy.asarray(image)` makes an array of most images",
            )
        yield as_image(_array(image, f"image {place}"), f"image {place}")


def _from_paths(places: Sequence[str | Path]) -> ImageSource:
    """Files in the order in which they were given, those of a folder in that of their names."""
    if not places or any(not os.path.exists(place) for place in places):  # noqa: PTH110 - 10^6 files
        return ImageSource(image_paths(places))  # which says what is wrong
    found: list[Picture] = []
    for place in places:
        found += image_paths(place) if os.path.isdir(place) else [_plain(place)]  # noqa: PTH112
    return ImageSource(found)


def _plain(path: str | Path) -> str:
    return str(path).removeprefix(os.path.join(os.curdir, ""))  # noqa: PTH118


def _from_table(
    table: pa.Table,
    id_column: str,
    name_parts: int,
    path_column: str | None,
    table_id_column: str | None,
) -> ImageSource:
    path_column = find_path_column(table, path_column)
    paths: list[Picture] = [_plain(path or "") for path in table[path_column].to_pylist()]
    files = [str(path) for path in paths]
    if files and not any(map(os.path.exists, files)):
        raise CatalogError(
            f"not one of the files in the column {path_column!r} is there",
            got=f"such as {files[0]}",
            hint="put their folder before them: "
            f"`table[{path_column!r}] = folder + '/' + table[{path_column!r}]`",
        )
    found = find_id_column(table, files, table_id_column or id_column, named=table_id_column)
    if found is None:
        names, notes = name_paths(files, name_parts)
        return ImageSource(paths, names, carried=table, notes=notes)
    names = [_id(value) for value in table[found].to_pylist()]
    integer = pa.types.is_integer(table.schema.field(found).type)
    return ImageSource(
        paths,
        names,
        id_column=found,
        id_integer=integer and all(map(is_exact_integer, names)),
        carried=table.drop_columns([found]),
    )


def _id(value: Any) -> str:
    """An id as text.

    Raises
    ------
    ArgumentTypeError
        Neither text nor a whole number: a float has lost digits of a long id already.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(int(value))
    raise ArgumentTypeError(
        "an id that is neither text nor a whole number",
        argument="ids",
        wanted="str or int",
        got=f"{value!r} ({type(value).__name__})",
        hint="read the ids as text, so that long ones keep all digits",
    )


def name_paths(
    paths: Sequence[str], parts: int, *, clear: bool = False
) -> tuple[Sequence[str], tuple[str, ...]]:
    """What image files are called, and what is to be said of it.

    Parameters
    ----------
    paths : sequence of str
        A file that is named twice is called the same twice.
    parts : int
        By so many of the last parts of their paths (`FileNames`); 0: by their stems (`ImageIds`).
    clear : bool
        Refuse names that need their folders to be told apart, rather than add those.

    Raises
    ------
    CatalogError
        They are not clear.
    """
    distinct = list(dict.fromkeys(paths))
    names = FileNames(distinct, parts) if parts else None
    repeated = frozenset[str]() if names is None else names.repeated()
    if names is not None and not repeated:
        return _repeat(paths, distinct, names), ()
    ids = ImageIds(distinct)
    repeated = ids.repeated if names is None else repeated
    if not repeated:
        return _repeat(paths, distinct, ids), ()
    if clear:
        raise CatalogError(
            f"{len(repeated):,} images have the name of another, such as {min(repeated)!r}",
            wanted="names that are clear without their folders, as in the contest's tables",
            hint="predict one folder at a time, each to an `output` of its own",
        )
    return _repeat(paths, distinct, ids), (
        f"{len(repeated):,} file names occur more than once (such as "
        f"{min(repeated)!r}): those images are called by their folder and name.",
    )


def _repeat(paths: Sequence[str], distinct: Sequence[str], ids: Sequence[str]) -> Sequence[str]:
    """The ids of paths, some of which may be named twice."""
    if len(distinct) == len(paths):
        return ids
    called = dict(zip(distinct, ids, strict=True))
    return [called[path] for path in paths]


def _is_text(images: Any) -> bool:
    """Whether it is a numpy array or a pandas Series of texts."""
    if not hasattr(images, "tolist") or not hasattr(images, "dtype"):
        return False
    listed = images.tolist() if getattr(images, "ndim", 0) == 1 and len(images) else []
    return bool(listed) and all(isinstance(one, str | Path) for one in listed)


def _is_array(value: Any) -> bool:
    """Whether it is an array of numbers, numpy's or one that numpy takes (torch's on the CPU)."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind != "O")
    # Pillow's images are none: their numbers may be places in a palette.
    names = ("__array__", "ndim", "shape")
    return all(hasattr(value, name) for name in names) and not hasattr(value, "iloc")


def _array(value: Any, what: str) -> NDArray[np.generic]:
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"{what}: not an array that numpy can read",
            argument="images",
            got=str(error).splitlines()[0],
            hint="`images.detach().cpu().numpy()` of a tensor of torch",
        ) from error


def _not_images(images: Any) -> ArgumentTypeError:
    return ArgumentTypeError(
        "`images`: nothing that can be predicted",
        argument="images",
        wanted=_WANTED,
        got=type(images).__name__,
        hint="`numpy.asarray(image)` makes an array of most images",
    )
