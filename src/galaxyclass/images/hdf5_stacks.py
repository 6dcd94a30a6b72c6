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
    shape = getattr(entry, "shape", ())
    return len(shape) in (3, 4) and min(shape[1:3]) > 1 and entry.dtype.kind in "uif"


def holds_stack(path: str | Path) -> bool:
    """Whether an HDF5 file has a stack of pictures."""
    with open_hdf5(path) as file:
        return _stack(path, file) is not None


def _stack(path: str | Path, file: Any) -> Any:
    found = [entry for entry in data_sets(path, file).values() if is_stack(entry)]
    named = [entry for entry in found if entry.name.rsplit("/", 1)[-1].lower() in _STACKS]
    return (named or found or [None])[0]


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
