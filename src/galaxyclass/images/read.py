"""Reading an image file."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.band_files import files_of, has_bands, join_files
from galaxyclass.images.containers import read_member
from galaxyclass.images.decode import decode_image, decode_scaled
from galaxyclass.images.decoded import BYTES_PER_PIXEL, MAX_PIXELS, full_size
from galaxyclass.images.remote import RemoteStatus, is_address, read_address
from galaxyclass.images.render import Channels, RenderSettings

#: Of a file, or of what an address leads to.
FileStatus = os.stat_result | RemoteStatus

#: A pipe is opened without waiting for somebody to write into it.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def read_image(
    path: str | Path, colour: Channels = "rgb", *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Read an image file; see `decode_image` for what is read and how.

    Parameters
    ----------
    path : str or Path
        The file; its content decides the format, not its name.
    colour : {"rgb", "grey"}
        Three channels, or one.
    max_pixels : int
        Refuse images of more pixels, without decoding them.

    Returns
    -------
    (height, width, channels) uint8 array
        0..255, row 0 at the top; channels are red, green, blue, or one grey.

    Raises
    ------
    ImageError
        There is no such file, it cannot be opened, or its content is refused by `decode_image`.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "orange.png"
    >>> Image.new("RGB", (4, 3), (255, 128, 0)).save(path)
    >>> read_image(path).shape
    (3, 4, 3)
    """
    data, _ = read_file(path, max_pixels=max_pixels)
    try:
        return decode_image(data, colour, max_pixels=max_pixels)
    except ImageError as error:
        raise about(path, error) from error


def read_rendered(path: str | Path, settings: RenderSettings) -> NDArray[np.uint8]:
    """Read an image file by the settings of a model: (height, width, channels) uint8.

    Raises
    ------
    ImageError
        As for `read_image`.
    """
    data, _ = read_file(path)
    whole = replace(settings, frame=None)
    try:
        return decode_scaled(data, whole, full_size).pixels
    except ImageError as error:
        raise about(path, error) from error


def read_file(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[bytes, FileStatus]:
    """The content of an image file or address, and its status when it was opened.

    Raises
    ------
    ImageError
        There is no such file, it cannot be opened, or it is larger than any image of
        ``max_pixels`` pixels (a survey's mosaic among the cutouts must not fill the memory).
    """
    if has_bands(str(path)):
        return _read_bands(str(path), max_pixels)
    try:
        # Four system calls; a file object takes eight, and at each of them threads wait for each
        # other.
        file = os.open(path, _FLAGS)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):  # a pipe or a device would be read for ever
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
                raise ImageError(f"{path}: not a file", got=kind)
            size = status.st_size
            if size > BYTES_PER_PIXEL * max_pixels:
                raise ImageError(
                    f"{path}: the file is too large for an image of one galaxy",
                    wanted=f"at most {max_pixels:,} pixels",
                    got=f"{size:,} bytes",
                    hint="cut the galaxies out of it first",
                )
            data = os.read(file, size + 1)
            if len(data) != size:  # the file is growing, or a pipe, or was read in part
                data += b"".join(iter(lambda: os.read(file, 1 << 20), b""))
            return data, status
        finally:
            os.close(file)
    except FileNotFoundError as error:
        if is_address(path):
            return read_member(path) or read_address(str(path))
        raise ImageError(f"{path}: no such file") from error
    except NotADirectoryError as error:
        if (member := read_member(path)) is not None:  # a picture inside a file
            return member
        raise ImageError(f"{path}: no such file") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error.strerror or error})") from error


def _read_bands(path: str, max_pixels: int) -> tuple[bytes, FileStatus]:
    """The files of all bands as one, and the status of the one that changed last."""
    read = {band: read_file(file, max_pixels=max_pixels) for band, file in files_of(path).items()}
    data = join_files({band: content for band, (content, _) in read.items()})
    return data, max((status for _, status in read.values()), key=lambda each: each.st_mtime_ns)


def about(path: str | Path, error: ImageError) -> ImageError:
    """The same error, with the file's name in its message."""
    return ImageError(f"{path}: {error.what}", wanted=error.wanted, got=error.got, hint=error.hint)
