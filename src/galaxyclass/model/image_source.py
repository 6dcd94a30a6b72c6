"""The images of a prediction, in memory or in files, in order and with their ids."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.catalog.table_beside import table_beside
from galaxyclass.data.tables.in_memory import KINDS, as_arrow, is_table
from galaxyclass.data.unused import Unused, unused_columns, unused_files
from galaxyclass.errors import ArgumentError, ArgumentTypeError, CatalogError
from galaxyclass.images.arrays import as_image, as_images
from galaxyclass.images.band_files import has_bands
from galaxyclass.images.containers import container_of, is_container
from galaxyclass.images.files import IMAGE_SUFFIXES, image_paths
from galaxyclass.model.cutouts import Picture
from galaxyclass.model.ids import FileNames, ImageIds
from galaxyclass.model.image_table import find_id_column, find_path_column
from galaxyclass.short import counted, first_line, verb
from galaxyclass.tasks.names import is_exact_integer
from galaxyclass.tiles.tile_cutouts import TileCutouts

_WANTED = (
    "arrays, paths, a folder, or a table with a column of paths: "
    f"{KINDS} (see `galaxyclass.Model.predict`)"
)

#: The id column of images that have no other id than their index.
INDEX_COLUMN = "image"


@dataclass(frozen=True)
class ImageSource:
    """Images to predict, in order.

    Attributes
    ----------
    images : sequence or iterator of str or (height, width, bands) arrays
        Paths of files, or images in memory.
    ids : sequence of str or None
        Their ids; None: their index, 0, 1 and so on.
    id_column : str or None
        The column of the ids; None: that of the model's training table.
    id_integer : bool or None
        Whether the ids are whole numbers; None: as in the model's training table, if they can be.
    carried : pyarrow.Table or None
        Columns of the user's table that are written beside the predictions: a row for each image.
    notes : tuple of str
        Remarks on the ids for the user.
    identity : str or None
        Of images that are neither paths nor in memory: a digest of all that their pixels depend
        on, by which a stopped job knows them again.
    measured : callable or None
        From indices of images that have been read to more columns of their rows.
    unused : tuple of Unused
        Files among the images, and columns and rows of a catalogue, that are not used.
    cut_out : mapping or None
        How the images are cut out of tiles, `TileCutouts.settings`; None of others.
    """

    images: Sequence[Picture] | Iterator[Picture]
    ids: Sequence[str] | None = None
    id_column: str | None = None
    id_integer: bool | None = None
    carried: pa.Table | None = None
    notes: tuple[str, ...] = ()
    identity: str | None = None
    measured: Callable[[Sequence[int]], pa.Table] | None = None
    unused: tuple[Unused, ...] = ()
    cut_out: Mapping[str, object] | None = None

    @property
    def can_go_on(self) -> bool:
        """Whether a stopped job can go on: the images can be read again."""
        return self.paths is not None or self.identity is not None

    @property
    def count(self) -> int | None:
        """How many images there are; None for an iterator, whose length is not known."""
        return None if isinstance(self.images, Iterator) else len(self.images)

    @property
    def paths(self) -> Sequence[str] | None:
        """The files, if all images are files."""
        images = self.images
        if isinstance(images, list) and all(isinstance(image, str) for image in images):
            return images
        return None

    def name(self, index: int) -> str:
        """The id of an image."""
        return str(index) if self.ids is None else self.ids[index]


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
    """Find the images of a prediction and their ids.

    Parameters
    ----------
    images : arrays, paths, a folder or a table
        See `galaxyclass.Model.predict`.
    id_column : str
        The id column of the model's training table.
    name_parts : int
        How that table named images (`Manifest.name_parts`).
    ids : iterable of str or int, optional
        Of the images.
    path_column, table_id_column : str, optional
        Columns of a table.
    clear_names : bool
        Refuse two files of the same name.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Not images.
    CatalogError
        A file or folder does not exist, or has no images; two files have the same name.
    """
    if isinstance(images, TileCutouts):
        stated = {"ids": ids, "path_column": path_column, "id_column": table_id_column}
        for name in (name for name, value in stated.items() if value is not None):
            raise ArgumentError(
                f"`{name}`: sources of tiles have their own ids",
                argument=name,
                hint="name the id column in `galaxyclass.open_tiles`",
            )
        return ImageSource(
            images,
            images.ids,
            id_column=images.id_column,
            id_integer=images.id_integer,
            carried=images.table,
            notes=images.notes,
            identity=images.identity,
            measured=images.measured,
            unused=images.unused,
            cut_out=images.settings,
        )
    if is_table(images):
        if ids is not None:
            raise ArgumentError(
                "`ids`: a table has its own", argument="ids", hint="`id_column` names their column"
            )
        return _from_table(
            as_arrow(images, "images"), id_column, name_parts, path_column, table_id_column
        )
    for name, column in (("path_column", path_column), ("id_column", table_id_column)):
        if column is not None:
            raise ArgumentError(
                f"`{name}` is of `images` that are a table",
                argument=name,
                wanted=KINDS,
                got=f"images of the type {type(images).__name__}",
                hint="of a `table` beside the images: `galaxyclass.TableJoin(table, id_column=…)`"
                if name == "id_column"
                else None,
            )
    if isinstance(images, ImageSource) and images.ids is not None:
        return images
    source = images if isinstance(images, ImageSource) else _without_ids(images)
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
        return replace(
            source,
            ids=names,
            id_integer=all(map(is_exact_integer, names)),
            notes=_notes_on_ids(names),
        )
    if (paths := source.paths) is not None:
        file_ids, notes = name_paths(paths, name_parts, clear=clear_names)
        return replace(source, ids=file_ids, notes=notes)
    return replace(source, id_column=INDEX_COLUMN, id_integer=True)


def find_image_files(
    images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> ImageSource:
    """Image files of folders and paths, each once and sorted, and what else lies in the folders.

    Raises
    ------
    CatalogError
        As `galaxyclass.images.files.find_images`.
    """
    others: Counter[str] = Counter()
    paths: list[Picture] = list(image_paths(images, others))
    endings = [(ending, count) for ending, count in others.most_common() if count > 0]
    why = f"not read: images end in {', '.join(IMAGE_SUFFIXES)}"
    beside = table_beside([str(path) for path in paths]) if paths and _in_file(paths[0]) else None
    columns = [] if beside is None else beside.table.column_names
    return ImageSource(
        paths,
        unused=(
            *unused_files(endings, why),
            *unused_columns(columns, "beside the images; the file as `table` carries them"),
        ),
    )


def _in_file(path: Picture) -> bool:
    return isinstance(path, str) and container_of(path) is not None


def _without_ids(images: Any) -> ImageSource:
    if isinstance(images, str | os.PathLike):
        return find_image_files(images)
    if isinstance(images, pa.Array | pa.ChunkedArray):
        images = images.to_pylist()
    if isinstance(images, memoryview):
        images = np.asarray(images)
    if _is_text(images):
        return _from_paths(images.tolist())
    if _is_array(images):
        stack: Any = as_images(_array(images, "`images`"))  # a sequence of images, like a list
        return ImageSource(stack)
    if isinstance(images, Iterator):
        first = next(images, None)
        if isinstance(first, str | os.PathLike):
            return _without_ids([first, *images])
        rest = () if first is None else chain([first], images)
        return ImageSource(_checked_arrays(rest))
    try:
        listed = list(images)
    except TypeError:
        raise _not_images(images) from None
    if not listed or all(isinstance(image, str | os.PathLike) for image in listed):
        return _from_paths(listed)
    return ImageSource(list(_checked_arrays(listed)))


def _checked_arrays(images: Iterable[Any]) -> Iterator[NDArray[np.generic]]:
    for index, image in enumerate(images):
        if isinstance(image, np.ndarray) and image.dtype.kind == "O":
            raise ArgumentTypeError(
                f"image {index}: an array of objects, not of numbers",
                argument="images",
                wanted="integers or floats",
                got=f"dtype object, {image.shape}",
                hint="`images.astype('uint8')` of grey levels, `images.astype(float)` of others",
            )
        if not _is_array(image):
            raise ArgumentTypeError(
                f"image {index}: not an array",
                argument="images",
                wanted="arrays alone, or paths alone",
                got=type(image).__name__,
                hint=_how_to_convert(image),
            )
        yield as_image(_array(image, f"image {index}"), f"image {index}")


def _from_paths(paths: Sequence[str | os.PathLike[str]]) -> ImageSource:
    """Files in the order given; those of a folder sorted by name."""
    if not paths or any(not os.path.exists(path) for path in paths):  # noqa: PTH110 - 10^6 files
        # A pattern of files, or what raises the right error.
        return ImageSource(image_paths(paths))
    images: list[Picture] = []
    for path in paths:
        several = os.path.isdir(path) or is_container(os.fsdecode(path))  # noqa: PTH112
        images += image_paths(path) if several else [_plain(path)]
    return ImageSource(images)


def _plain(path: str | os.PathLike[str]) -> str:
    return os.fsdecode(path).removeprefix(os.path.join(os.curdir, ""))  # noqa: PTH118


def _from_table(
    table: pa.Table,
    id_column: str,
    name_parts: int,
    path_column: str | None,
    table_id_column: str | None,
) -> ImageSource:
    path_column = find_path_column(table, path_column)
    cells = [cell or "" for cell in table[path_column].to_pylist()]
    files = ["" if cell.isspace() else _plain(cell) for cell in cells]
    paths: list[Picture] = list(files)
    if files and not any(has_bands(file) or os.path.exists(file) for file in files):  # noqa: PTH110
        raise CatalogError(
            f"not one of the files in the column {path_column!r} is there",
            argument="images",
            got=f"such as {named}" if (named := next(filter(None, files), "")) else "empty cells",
            hint="put their folder before them: "
            f"`table[{path_column!r}] = folder + '/' + table[{path_column!r}]`"
            if named
            else None,
        )
    id_name = find_id_column(table, files, table_id_column or id_column, named=table_id_column)
    if id_name is None:
        names, notes = name_paths(files, name_parts)
        if id_column in table.column_names:
            unfit = (
                f"The column {id_column!r} cannot hold the ids, which are text or whole numbers in "
                "each row: images are called by their file names."
            )
            notes = (*notes, unfit)
        return ImageSource(paths, names, carried=table, notes=notes)
    names = [_id(value) for value in table[id_name].to_pylist()]
    integer = pa.types.is_integer(table.schema.field(id_name).type)
    return ImageSource(
        paths,
        names,
        id_column=id_name,
        id_integer=integer and all(map(is_exact_integer, names)),
        carried=table.drop_columns([id_name]),
        notes=_notes_on_ids(names),
    )


def _notes_on_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """A remark on ids of the user that are not those of one image each.

    Raises
    ------
    ArgumentError
        An id is empty.
    """
    counts = Counter(ids)
    for text in counts:
        if not text.strip():
            raise ArgumentError(
                "an id is empty",
                argument="ids",
                wanted="text, or a whole number, for each image",
                got=f"{text!r} for image {ids.index(text)}",
            )
    repeated = [text for text, count in counts.items() if count > 1]
    if not repeated:
        return ()
    return (
        f"{counted(len(repeated), 'id')} {verb(len(repeated), 'occurs')} more than once, such as "
        f"{repeated[0]!r}: the rows of these images cannot be told apart.",
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
    """The ids of image files, and notes on them for the user.

    Parameters
    ----------
    paths : sequence of str
        A file that is named twice has the same id twice.
    parts : int
        Ids are so many of the last parts of the paths (`FileNames`); 0: the stems (`ImageIds`).
    clear : bool
        Refuse names that occur twice, rather than add their folders.

    Raises
    ------
    CatalogError
        Two files have the same name.
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
            f"{counted(len(repeated), 'image')} {verb(len(repeated), 'has')} the name of another, "
            f"such as {min(repeated)!r}",
            wanted="names that are clear without their folders, as in the contest's tables",
            hint="predict one folder at a time, each to an `output` of its own",
        )
    return _repeat(paths, distinct, ids), (
        f"{counted(len(repeated), 'file name')} {verb(len(repeated), 'occurs')} more than once "
        f"(such as {min(repeated)!r}): those images are called by their path within the folder.",
    )


def _repeat(paths: Sequence[str], distinct: Sequence[str], ids: Sequence[str]) -> Sequence[str]:
    """The ids of paths, some of which may occur twice."""
    if len(distinct) == len(paths):
        return ids
    id_of = dict(zip(distinct, ids, strict=True))
    return [id_of[path] for path in paths]


def _is_text(images: Any) -> bool:
    """Whether a value is a numpy array or a pandas Series of texts."""
    if not hasattr(images, "tolist") or not hasattr(images, "dtype"):
        return False
    listed = images.tolist() if getattr(images, "ndim", 0) == 1 and len(images) else []
    return bool(listed) and all(isinstance(value, str | os.PathLike) for value in listed)


def _is_array(value: Any) -> bool:
    """Whether a value is an array of numbers of numpy, or one that numpy converts."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind != "O")
    # Pillow's images are refused: their numbers may be entries of a palette.
    names = ("__array__", "ndim", "shape")
    return all(hasattr(value, name) for name in names) and not hasattr(value, "iloc")


def _array(value: Any, name: str) -> NDArray[np.generic]:
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        unknown = "BFloat16" in str(error) or "Float8" in str(error)
        raise ArgumentTypeError(
            f"{name}: not an array that numpy can read",
            argument="images",
            got=first_line(error),
            hint=f"`images.detach().cpu(){'.float()' * unknown}.numpy()` of a tensor of torch",
        ) from error


def _not_images(images: Any) -> ArgumentTypeError:
    return ArgumentTypeError(
        "`images`: nothing that can be predicted",
        argument="images",
        wanted=_WANTED,
        got=type(images).__name__,
        hint=_how_to_convert(images),
    )


def _how_to_convert(image: Any) -> str | None:
    """How what is no array becomes something that can be predicted."""
    if type(image).__module__.startswith("PIL."):
        if image.mode in ("F", "I", "I;16", "I;16B", "I;16L"):
            return "`numpy.asarray(image)`"
        return "`numpy.asarray(image.convert('RGB'))`"
    if isinstance(image, str | os.PathLike):
        return "predict the paths in one call, the arrays in another"
    if isinstance(image, bytes | bytearray) or hasattr(image, "read"):
        return (
            "of a file's content: `numpy.asarray(PIL.Image.open(file).convert('RGB'))`, "
            "with `io.BytesIO(content)` as the file; or give its path"
        )
    if _is_array(getattr(image, "data", None)):
        return "`image.data` is its array"
    if isinstance(image, list | tuple) and any(map(_is_array, image)):
        return "of batches: `(image for batch in batches for image in batch)`"
    if isinstance(image, list | tuple):
        return "`numpy.asarray(image, dtype='uint8')` of grey levels of 0 to 255"
    return None
