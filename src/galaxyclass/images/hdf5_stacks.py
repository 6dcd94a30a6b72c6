"""Stacks of pictures in HDF5, such as Galaxy10."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from galaxyclass.errors import CatalogError, MissingExtraError
from galaxyclass.extras import require
from galaxyclass.images.container import PICTURE_ENDING, Container, picture_name
from galaxyclass.short import first_line


def open_hdf5(path: str | Path) -> Any:
    """An HDF5 file, opened for reading.

    Raises
    ------
    MissingExtraError
        h5py is not installed.
    CatalogError
        It is damaged.
    """
    try:
        h5py = require("h5py")
    except MissingExtraError as error:
        raise MissingExtraError(
            f"{path}: h5py is not installed, which reads HDF5", hint=error.hint
        ) from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise CatalogError(
            f"{path}: not an HDF5 file, or a damaged one",
            got=first_line(error),
            hint="fetch it again",
        ) from error


def data_sets(path: str | Path, file: Any) -> dict[str, Any]:
    """The data sets of an HDF5 file, by name.

    Raises
    ------
    CatalogError
        It is damaged; a data set names other files for its data, which nobody has given.
    """
    found: dict[str, Any] = {}

    def visit(name: str, entry: Any) -> None:
        if hasattr(entry, "shape") and hasattr(entry, "dtype"):
            found[name] = entry

    try:
        file.visititems(visit)
        elsewhere = [name for name, entry in found.items() if entry.external or entry.is_virtual]
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise CatalogError(
            f"{path}: a damaged HDF5 file", got=first_line(error), hint="fetch it again"
        ) from error
    if elsewhere:
        raise CatalogError(
            f"{path}: an HDF5 file whose data are in other files",
            wanted="all data in the file itself",
            got=", ".join(elsewhere[:4]),
            hint="write the data into one file: h5repack",
        )
    return found


def is_stack(entry: Any) -> bool:
    """Whether a data set of HDF5 is a stack of pictures: (pictures, height, width[, bands])."""
    shape: tuple[int, ...] = getattr(entry, "shape", ())
    is_single = len(shape) == 3 and shape[2] <= _MOST_COLOURS  # (height, width, bands)
    least = _MOST_COLOURS if len(shape) == 3 else 1  # (pictures, 3, 100) are spectra
    several = len(shape) in (3, 4) and min(shape[1:3]) > least and not is_single
    return several and entry.dtype.kind in "uif"


def holds_stack(path: str | Path) -> bool:
    """Whether an HDF5 file has a stack of pictures."""
    with open_hdf5(path) as file:
        return _stack(path, file) is not None


def _stack(path: str | Path, file: Any) -> Any:
    """The data set of the pictures; None where there are no pictures.

    Raises
    ------
    CatalogError
        It is not clear which is meant; each picture is a data set of its own.
    """
    entries = data_sets(path, file)
    found = {name: entry for name, entry in entries.items() if is_stack(entry)}
    named = [name for name in found if name.rsplit("/", 1)[-1].lower() in _STACKS]
    chosen = named if len(named) == 1 else list(found)
    if len(chosen) == 1:
        return found[chosen[0]]
    if chosen:
        raise CatalogError(
            f"{path}: several stacks of pictures",
            wanted="one, or one that is called images",
            got="; ".join(f"{name} {found[name].shape}" for name in chosen[:4]),
            hint="write the one that is meant into a file of its own",
        )
    single = [
        name
        for name, entry in entries.items()
        if len(entry.shape) == 3 and min(entry.shape[:2]) > _MOST_COLOURS and entry.shape[2] > 2
    ]
    if single:
        raise CatalogError(
            f"{path}: each picture is a data set of its own",
            wanted="all pictures in one data set: (pictures, height, width, bands)",
            got="; ".join(f"{name} {entries[name].shape}" for name in single[:4]),
            hint="write `numpy.stack` of them as the data set 'images', and their names as 'id'",
        )
    return None


#: Bands of a single picture, at most: a stack of grey pictures of this width would be none.
_MOST_COLOURS = 4
_STACKS = ("images", "image", "img", "x")


def open_stack(path: str) -> Container:
    """The pictures of the stack in an HDF5 file; none where it has no stack."""
    file = open_hdf5(path)
    stack = _stack(path, file)
    count = 0 if stack is None else len(stack)
    names = [picture_name(number) + PICTURE_ENDING for number in range(count)]

    def read(name: str) -> bytes:
        try:
            number = int(name.removesuffix(PICTURE_ENDING))
        except ValueError:
            raise KeyError(name) from None
        if not 0 <= number < count:
            raise KeyError(name)
        return _encoded(stack[number])

    return Container(names, read)


def _encoded(picture: np.ndarray) -> bytes:
    """A picture of a stack as a file: PNG, or NumPy's format where PNG cannot hold it."""
    if picture.ndim == 3 and picture.shape[0] <= 8 < picture.shape[2]:  # bands first
        picture = np.moveaxis(picture, 0, 2)
    if picture.dtype == np.uint8 and (picture.ndim == 2 or picture.shape[2] in (1, 3)):
        grey = picture.ndim == 2 or picture.shape[2] == 1
        bgr = picture if grey else picture[..., ::-1]
        _, data = cv2.imencode(".png", np.ascontiguousarray(bgr), [cv2.IMWRITE_PNG_COMPRESSION, 0])
        return data.tobytes()
    buffer = io.BytesIO()
    np.save(buffer, picture, allow_pickle=False)
    return buffer.getvalue()
