"""The fast cutout: from a file to the cutout that every model sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.errors import ImageError
from galaxyclass.images.arrays import decode_array
from galaxyclass.images.cutout_boxes import centre_scale
from galaxyclass.images.cutouts import cut_out, cutout_settings
from galaxyclass.images.decode import decode_scaled
from galaxyclass.images.decoded import Decoded, Scale
from galaxyclass.images.read import about, read_file
from galaxyclass.images.render import RenderSettings, zoom_of, zoomed_frame

if TYPE_CHECKING:
    from galaxyclass.recipes.preprocessing import Preprocessing


def read_cutout(path: str | Path, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Read an image file and cut out of it what a model sees.

    The same as `make_cutout` of `read_image`, but faster where a JPEG is larger than the cutout
    needs: it is decoded at a half, a quarter or an eighth where the cutout box lies on the grid of
    those pixels (see `centre_scale`). Cutouts of real galaxies then differ from those of the full
    image by less than 2 of 255 grey levels in the mean, and by less than 40 in the worst pixel.
    Training and prediction both use this function, so that models see the same pixels.

    Parameters
    ----------
    path : str or Path
        The image file; see `read_image`.
    preprocessing : Preprocessing

    Returns
    -------
    (size, size, channels) uint8 array
        0..255, row 0 at the top; channels are red, green, blue, or one grey.

    Raises
    ------
    ImageError
        As `read_image` raises it, with the path in the message.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> from galaxyclass.recipes.preprocessing import Preprocessing
    >>> path = Path(tempfile.mkdtemp()) / "orange.png"
    >>> Image.new("RGB", (40, 30), (255, 128, 0)).save(path)
    >>> read_cutout(path, Preprocessing(cutout="centre", size=16)).shape
    (16, 16, 3)
    """
    data, _ = read_file(path)
    try:
        return decode_cutout(data, **preprocessing.model_dump())[2]
    except ImageError as error:
        raise about(path, error) from error


def read_cutouts(
    path: str | Path,
    preprocessings: Sequence[Preprocessing],
    notes: Counter[str] | None = None,
) -> list[NDArray[np.uint8]]:
    """`read_cutout` for several settings: the file is read once.

    It is decoded once for all settings that take it at the same scale and in the same colours.

    Parameters
    ----------
    path : str or Path
    preprocessings : sequence of Preprocessing
    notes : Counter, optional
        Remarks on how the file was read are counted in it.

    Returns
    -------
    list of (size, size, channels) uint8 array
        Exactly the cutouts that `read_cutout` makes with each of them.

    Raises
    ------
    ImageError
        As `read_cutout` raises it.
    """
    data, _ = read_file(path)
    decoded_as: dict[tuple[RenderSettings, int], Decoded] = {}
    size: tuple[int, int] | None = None
    cutouts = []
    try:
        for settings in _prepared(*preprocessings):
            scale, rendering = settings.scale, settings.rendering
            decoded = None
            if size:
                keys = [(rendering, scale(*size)), (_of_any_frame(rendering), scale(*size))]
                decoded = next((decoded_as[key] for key in keys if key in decoded_as), None)
            if decoded is None:
                decoded = decode_scaled(data, rendering, scale)
                _count(decoded, settings, notes)
                if len(preprocessings) > 1:
                    size = decoded.height, decoded.width
                    key = rendering if decoded.middle else _of_any_frame(rendering)
                    decoded_as[key, scale(*size)] = decoded
            cutouts.append(_cut(decoded, settings))
    except ImageError as error:
        raise about(path, error) from error
    _count_empty(cutouts, notes)
    return cutouts


def decode_cutout(data: bytes, **settings: Any) -> tuple[int, int, NDArray[np.uint8]]:
    """`read_cutout` from a file's bytes.

    Parameters
    ----------
    data : bytes
        The whole file.
    **settings
        The fields of `Preprocessing`, by name: for processes that start without pydantic.

    Returns
    -------
    height, width : int
        Of the image itself, in pixels.
    cutout : (size, size, channels) uint8 array

    Raises
    ------
    ImageError
        As `decode_image` raises it.
    """
    prepared = _prepare(settings)
    decoded = decode_scaled(data, prepared.rendering, prepared.scale)
    return decoded.height, decoded.width, _cut(decoded, prepared)


def cut_out_array(
    image: NDArray[np.generic],
    preprocessings: Sequence[Preprocessing],
    what: str = "the image",
    notes: Counter[str] | None = None,
) -> list[NDArray[np.uint8]]:
    """`read_cutouts` from an image in memory.

    Parameters
    ----------
    image : (height, width), (height, width, bands) or (bands, height, width)
        See `galaxyclass.images.arrays.decode_array`.
    preprocessings : sequence of Preprocessing
    what : str
        The name of the image in messages.
    notes : Counter, optional
        Remarks are counted in it.

    Returns
    -------
    list of (size, size, channels) uint8 array
        Exactly the cutouts that `read_cutouts` makes of a PNG file with these pixels. (It decodes a
        large JPEG at a smaller scale, see `read_cutout`.)

    Raises
    ------
    ArgumentError, ArgumentTypeError
        As for `decode_array`.

    Examples
    --------
    >>> from galaxyclass.recipes.preprocessing import Preprocessing
    >>> grey = np.full((30, 40, 1), 77, np.uint8)
    >>> cut_out_array(grey, [Preprocessing(cutout="centre", size=16)])[0].shape
    (16, 16, 3)
    """
    decoded_as: list[tuple[RenderSettings, Decoded]] = []
    cutouts = []
    for settings in _prepared(*preprocessings):
        rendering = settings.rendering
        decoded = next((other for key, other in decoded_as if key == rendering), None)
        if decoded is None:
            decoded = decode_array(image, rendering, what)
            decoded_as.append((rendering, decoded))
            _count(decoded, settings, notes)
        cutouts.append(_cut(decoded, settings))
    _count_empty(cutouts, notes)
    return cutouts


@dataclass(frozen=True)
class _Prepared:
    """The settings of a cutout, sorted by what they are for once for many images."""

    rendering: RenderSettings
    scale: Scale
    cutout: dict[str, Any]


def _prepare(settings: dict[str, Any]) -> _Prepared:
    """Sort the fields of a `Preprocessing`."""
    return _Prepared(RenderSettings.of(settings), _scale(settings), cutout_settings(settings))


@lru_cache(maxsize=32)
def _prepared(*preprocessings: Preprocessing) -> tuple[_Prepared, ...]:
    return tuple(_prepare(preprocessing.model_dump()) for preprocessing in preprocessings)


def _of_any_frame(rendering: RenderSettings) -> RenderSettings:
    """The settings of a picture that is decoded whole: cutouts of several frames share it."""
    return replace(rendering, frame=None, beyond="border")


def _count(decoded: Decoded, settings: _Prepared, notes: Counter[str] | None) -> None:
    if notes is not None:
        for note in (*decoded.notes, *_size_notes(decoded, settings.cutout)):
            notes[note] += 1


def _count_empty(cutouts: Sequence[NDArray[np.uint8]], notes: Counter[str] | None) -> None:
    """Remark on a picture that shows nothing, as surveys give beyond their edge."""
    if notes is None or not cutouts:
        return
    cutout, corner = cutouts[0], cutouts[0][0, 0]
    middle = cutout[len(cutout) // 2, len(cutout) // 2]  # of nearly all pictures it is another
    if (middle == corner).all() and (cutout == corner).all():
        notes["nothing to see: all pixels of the cutout are the same"] += 1


def _size_notes(decoded: Decoded, settings: dict[str, Any]) -> Iterator[str]:
    """Remarks on a picture that has fewer pixels than a model was made for."""
    if settings["cutout"] != "centre":
        return
    shorter = min(decoded.height, decoded.width)
    frame = _frame(settings["frame"], decoded.height, decoded.width, decoded.zoom) or shorter
    if min(frame, shorter) < settings["size"]:
        yield f"enlarged: the model takes {settings['size']} x {settings['size']} pixels"
    elif frame > shorter and settings["beyond"] == "whole":
        yield f"shown whole, since smaller than the model's frame of {settings['frame']} pixels"


def _scale(settings: dict[str, Any]) -> Scale:
    """The factors by which images may be shrunk in decoding for a cutout of these settings."""

    def scale(height: int, width: int) -> int:
        # The other cutouts detect the object in the pixels at full size.
        if settings["cutout"] != "centre":
            return 1
        frame = settings["frame"]
        if settings.get("scale", "auto") != "auto" or settings.get("given_scale") is not None:
            zoom, _ = zoom_of(None, height, width, RenderSettings.of(settings))
            frame = _frame(frame, height, width, zoom)
        return centre_scale(height, width, frame, settings["size"], settings["beyond"])

    return scale


def _frame(frame: int | None, height: int, width: int, zoom: float) -> int | None:
    """A frame of the model in pixels of a picture; by default the picture's shorter side."""
    if frame is None:
        return None if zoom == 1 else zoomed_frame(min(height, width), zoom)
    return zoomed_frame(frame, zoom)


def _cut(decoded: Decoded, settings: _Prepared) -> NDArray[np.uint8]:
    cutout = settings.cutout
    frame = _frame(cutout["frame"], decoded.height, decoded.width, decoded.zoom)
    if frame is not None:
        cutout = {**cutout, "frame": frame // decoded.factor}
    return cut_out(decoded.pixels, **cutout)
