"""The file of a cutout: JPEG and PNG as people see it, FITS with the very pixels and their WCS."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.io.atomic import temporary_name
from galaxyclass.tiles.tile import SkyTile
from galaxyclass.tiles.tile_cutouts import TileCutouts

#: The kinds of files that cutouts are written to.
CutoutFormat = Literal["jpg", "png", "fits"]
#: Quality of JPEG files, as of Galaxy Zoo's.
_QUALITY = 95
#: Characters that stay as they are in the names of files.
_UNSAFE = re.compile(r"[^\w.+\-]")
_LONGEST = 180
#: A block of a FITS file, and a line of its header, bytes.
_BLOCK, _CARD = 2880, 80


class CutoutNames(Sequence[str]):
    """The file of each source, below the folder of the output: ``TILE/ID.jpg``.

    Characters that file systems do not like become ``_``; where a name stands twice in a tile, the
    later files get a number.

    Parameters
    ----------
    cutouts : TileCutouts
    ending : str
    """

    def __init__(self, cutouts: TileCutouts, ending: str) -> None:
        self._ids, self._ending = cutouts.ids, ending
        self._tiles = cutouts.placement.tile
        self._folders = [_safe(tile.name) for tile in cutouts.tiles]
        names = Counter(
            (tile, _safe(name).lower())
            for tile, name in zip(self._tiles.tolist(), self._ids, strict=True)
        )
        repeated = {key for key, count in names.items() if count > 1}
        counted: Counter[tuple[int, str]] = Counter()
        self._numbers: dict[int, int] = {}
        for index, (tile, name) in enumerate(zip(self._tiles.tolist(), self._ids, strict=True)):
            if repeated and (key := (tile, _safe(name).lower())) in repeated:
                counted[key] += 1
                if counted[key] > 1:
                    self._numbers[index] = counted[key]

    @property
    def folders(self) -> list[str]:
        """The folders of the tiles."""
        return self._folders

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> str:  # type: ignore[override]
        number = self._numbers.get(index)
        name = _safe(self._ids[index]) + (f"__{number}" if number else "")
        return f"{self._folders[self._tiles[index]]}/{name}.{self._ending}"


def write_cutout(cutouts: TileCutouts, index: int, path: Path) -> None:
    """Write a source, in the format that the path's ending names; whole or not at all.

    Raises
    ------
    ImageError
        As for `TileCutouts.draw`.
    """
    if path.suffix == ".fits":
        write_fits(cutouts, index, path)
    else:
        write_picture(cutouts, index, path)


def write_picture(cutouts: TileCutouts, index: int, path: Path) -> None:
    """Write a source as JPEG or PNG.

    Raises
    ------
    ImageError
        As for `TileCutouts.picture`.
    """
    picture = cutouts.picture(index)
    _write(path, _ENCODE[path.suffix](picture))


def write_fits(cutouts: TileCutouts, index: int, path: Path) -> None:
    """Write a source as FITS: its own pixels (bands, y, x) as float32, with their WCS.

    Raises
    ------
    ImageError
        As for `TileCutouts.slice`.
    """
    pixels, column, row = cutouts.slice(index)
    tile = cutouts.tiles[cutouts.placement.tile[index]]
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else np.moveaxis(pixels, 2, 0)
    cards = [
        _card("SIMPLE", True), _card("BITPIX", -32), _card("NAXIS", pixels.ndim),
        *(_card(f"NAXIS{axis}", length) for axis, length in enumerate(pixels.shape[::-1], 1)),
        _card("OBJECT", cutouts.ids[index]),
    ]  # fmt: skip
    fixed, reference = _fixed_cards(tile)
    if reference is not None:
        cards += [_card("CRPIX1", reference[0] - column), _card("CRPIX2", reference[1] - row)]
    header = "".join([*cards, *fixed, "END".ljust(_CARD)]).encode("ascii", "replace")
    data = pixels.astype(">f4").tobytes()
    _write(path, _padded(header, b" ") + _padded(data, b"\0"))


@lru_cache(maxsize=64)
def _fixed_cards(tile: SkyTile) -> tuple[tuple[str, ...], tuple[float, float] | None]:
    """The lines of a header that are the same for all cutouts of a tile; and CRPIX of the tile."""
    cards = [_card(f"BAND{index}", band) for index, band in enumerate(tile.bands)]
    unit = str(tile.images[0].header.get("BUNIT", "")).strip()
    cards += [_card("BUNIT", unit)] if unit else []
    if tile.sky is None:
        return tuple(cards), None
    header = tile.sky.wcs.to_header(relax=True)
    skipped = ("CRPIX1", "CRPIX2", "WCSAXES", "COMMENT", "HISTORY", "")
    text = [str(card) for card in header.cards if card.keyword not in skipped]
    crpix = tile.sky.wcs.wcs.crpix
    return (*cards, *text), (float(crpix[0]), float(crpix[1]))


def _card(key: str, value: bool | int | float | str) -> str:
    """A line of a FITS header."""
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        quoted = value.encode("ascii", "replace").decode().replace("'", "''")[:66]
        text = f"'{quoted:<8}'"
    else:
        text = f"{value!r:>20}".upper()
    return f"{key:<8}= {text}".ljust(_CARD)[:_CARD]


def _padded(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % _BLOCK)


def _write(path: Path, data: bytes) -> None:
    temporary = temporary_name(path)
    try:
        temporary.write_bytes(data)
    except OSError:  # no room: nothing half written stays
        with suppress(OSError):
            temporary.unlink()
        raise
    os.replace(temporary, path)  # noqa: PTH105 - a Path more for each of 10^7 files


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    colours = "RGB" if picture.shape[2] == 3 else "GRAY"
    sampling = "444" if picture.shape[2] == 3 else "Gray"
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(picture), quality=_QUALITY, colorspace=colours,
        colorsubsampling=sampling,
    )  # fmt: skip
    return encoded


def _png(picture: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".png", picture[..., ::-1])
    return encoded.tobytes()


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:_LONGEST].lstrip(".") or "_"


_ENCODE: dict[str, Callable[[NDArray[np.uint8]], bytes]] = {".jpg": _jpeg, ".png": _png}
