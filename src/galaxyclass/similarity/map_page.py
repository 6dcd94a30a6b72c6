"""The page of a map: one file without anything from elsewhere, with pictures under the pointer."""

from __future__ import annotations

import base64
import html
import json
import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from pydantic import ValidationError

from galaxyclass.data.tables.cells import as_text, kind_of, numbers
from galaxyclass.plots.style import COLOURS
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import counted, verb
from galaxyclass.similarity.mapped import MappedGalaxies
from galaxyclass.similarity.pictures import crossed_square, pictures_by_id, read_picture
from galaxyclass.version import __version__

#: Galaxies with a picture, and faint dots of others, at most; a page stays below 5 MB.
MOST_PICTURES, MOST_DOTS = 2_000, 20_000
#: Side of a picture in pixels, and pictures in a row of the sheet that has them all.
SIDE, _PER_ROW = 72, 40
_QUALITIES = (82, 70, 55, 40)
#: The largest sheet of pictures, in bytes; as text it takes a third more.
_LARGEST = 3_400_000
#: Stops from small to large numbers: as viridis, told apart by nearly everybody, but seen on black.
RAMP = ("#5a78d8", "#2f9fb5", "#42bb82", "#a2cf48", "#fde725")
#: Colours of classes; the last for all that are rarer.
CLASS_COLOURS = (*COLOURS[:6], "#999999")


@dataclass(frozen=True)
class MapColours:
    """What the map is coloured by.

    Attributes
    ----------
    values : (galaxies,) float64
        A number, or the place of a class among the names; NaN: not known.
    names : tuple of str
        Of the classes, the most frequent first; empty of numbers.
    low, high : float
        The ends of the colour bar, of numbers.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    low: float = 0.0
    high: float = 1.0


def map_colours(galaxies: MappedGalaxies) -> MapColours:
    """The colours of a map."""
    if galaxies.colour is None:
        return MapColours(np.full(len(galaxies), np.nan), ())
    column = galaxies.table[galaxies.colour]
    if kind_of(column) in ("number", "integer") and str(column.type) != "bool":
        values, _ = numbers(column)
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, [1, 99]) if len(finite) else (0.0, 1.0)
        if finite.min(initial=0) >= 0 and finite.max(initial=0) <= 1:  # fractions
            low, high = 0.0, 1.0
        return MapColours(np.where(np.isfinite(values), values, np.nan), (), low, high)
    texts = as_text(column).to_pylist()
    known = [text for text in texts if text is not None]
    counts = sorted({text: known.count(text) for text in set(known)}.items(), key=_by_count)
    most = len(CLASS_COLOURS)
    shown = [text for text, _ in counts[: most if len(counts) <= most else most - 1]]
    number_of = {text: number for number, text in enumerate(shown)}
    values = np.array([np.nan if text is None else number_of.get(text, most - 1) for text in texts])
    names = (
        shown
        if len(shown) == len(counts)
        else [*shown, counted(len(counts) - len(shown), "other class", "other classes")]
    )
    return MapColours(values, tuple(names))


def map_page(
    galaxies: MappedGalaxies, images: str | Path | None, seed: int, progress: Progress
) -> tuple[str, list[str]]:
    """The page, and notes on what it does not show.

    Words from files and tables are shown as text and never as HTML.

    Raises
    ------
    CatalogError
        No picture of the galaxies is in the folder.
    """
    ids = [str(name) for name in galaxies.ids]
    paths = {} if images is None else pictures_by_id(images, ids)
    order = np.random.default_rng(seed).permutation(len(ids))
    notes = []
    if images is None:
        shown, others = order[:MOST_DOTS], order[:0]
    else:
        has_picture = np.array([ids[row] in paths for row in order.tolist()], bool)
        with_picture = order[has_picture]
        shown = with_picture[:MOST_PICTURES]
        others = np.concatenate([with_picture[MOST_PICTURES:], order[~has_picture]])[:MOST_DOTS]
        if len(shown) < len(with_picture):
            notes.append(
                f"{len(shown):,} of {len(with_picture):,} galaxies are shown with their pictures, "
                "drawn at random."
            )
        if missing := len(ids) - len(with_picture):
            notes.append(
                f"{counted(missing, 'galaxy')} {verb(missing, 'has')} no picture in the folder."
            )
    if hidden := len(ids) - len(shown) - len(others):
        notes.append(
            f"{hidden:,} of {counted(len(ids), 'galaxy')} {verb(hidden, 'is')} not on the page."
        )
    shown, others = np.sort(shown), np.sort(others)
    sheet, unread = _sheet(
        [paths.get(ids[row]) for row in shown.tolist()], galaxies.cutout, progress
    )
    if unread:
        notes.append(f"{counted(unread, 'picture')} cannot be read: crossed squares.")
    colours, positions = map_colours(galaxies), _scaled(galaxies.coordinates)
    data = {
        "ids": [ids[row] for row in shown.tolist()],
        "places": positions[shown].ravel().tolist(),
        "values": _plain(colours.values[shown], colours),
        "others": positions[others].ravel().tolist(),
        "otherValues": _plain(colours.values[others], colours),
        "names": list(colours.names),
        "colours": list(CLASS_COLOURS if colours.names else RAMP),
        "range": [float(colours.low), float(colours.high)],
        "colour": galaxies.colour or "",
        "side": SIDE,
        "perRow": _PER_ROW,
        "pictures": bool(sheet),
    }
    text = files("galaxyclass.similarity").joinpath("map.html").read_text(encoding="utf-8")
    title = f"A map of {len(ids):,} galaxies"
    filled = {
        "TITLE": html.escape(title),
        "NOTES": "".join(f"<p>{html.escape(note)}</p>" for note in (*galaxies.notes, *notes)),
        "SHEET": sheet,
        "VERSION": html.escape(__version__),
        # No word in it can end the script.
        "DATA": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    # In one pass, so that a galaxy that is called like a placeholder stays as it is.
    first, *pieces = text.split("@@")
    names, between = pieces[::2], pieces[1::2]
    page = first + "".join(filled[name] + rest for name, rest in zip(names, between, strict=True))
    return page, notes


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _scaled(coordinates: NDArray[np.float32]) -> NDArray[np.int64]:
    """(galaxies, 2) whole numbers of 0 to 10,000, with the same scale on both axes, y downwards."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    width = float((high - low).max()) or 1.0
    middle = (low + high) / 2
    scaled = (coordinates - middle) / width * [10_000, -10_000] + 5_000
    return np.asarray(np.round(scaled), np.int64)


def _plain(values: NDArray[np.float64], colours: MapColours) -> list[int | float | None]:
    """Values for JSON: NaN is null, and numbers have four digits."""
    whole = bool(colours.names)
    return [
        None if math.isnan(value) else int(value) if whole else float(f"{value:.4g}")
        for value in values.tolist()
    ]


def preprocessing_of_predictions(settings: dict[str, Any]) -> Preprocessing | None:
    """How the model cut out its pictures, as the predictions say; None where they do not."""
    try:
        return Preprocessing(**settings) if settings else None
    except (ValidationError, TypeError):
        return None


def _sheet(paths: list[Path | None], cutout: dict[str, Any], progress: Progress) -> tuple[str, int]:
    """All pictures side by side as the URI of one JPEG, and how many cannot be read.

    "" without any.
    """
    if not any(paths):
        return "", 0
    unread = 0
    settings = preprocessing_of_predictions(cutout)
    rows = -(-len(paths) // _PER_ROW)
    sheet = np.zeros((rows * SIDE, min(_PER_ROW, len(paths)) * SIDE, 3), np.uint8)
    for number, path in enumerate(paths):
        picture = read_picture(path, settings, SIDE)
        if picture is None:
            picture = crossed_square(SIDE)
            unread += 1
        top, left = number // _PER_ROW * SIDE, number % _PER_ROW * SIDE
        height, width = picture.shape[:2]
        top, left = top + (SIDE - height) // 2, left + (SIDE - width) // 2
        sheet[top : top + height, left : left + width] = picture
        progress("pictures", number + 1, len(paths))
    for quality in _QUALITIES:
        data = simplejpeg.encode_jpeg(sheet, quality, "RGB", "420")
        if len(data) <= _LARGEST:
            break
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}", unread
