"""The picture of an explanation: galaxies with their maps and curves, drawn without matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from galaxyclass.explanation.faithfulness import Curves, Faithfulness
from galaxyclass.explanation.galaxy import ExplainedGalaxy
from galaxyclass.images.channels import to_three
from galaxyclass.plots.style import COLOURS
from galaxyclass.short import signed

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

#: Side of a panel, gap around it, height of a line of text, and galaxies side by side.
_SIDE, _GAP, _LINE, _COLUMNS = 170, 12, 19, 2
_INK, _FAINT, _PAPER = (34, 34, 34), (110, 110, 110), (255, 255, 255)
#: How strongly a map covers the grey galaxy where it is largest.
_COVER = 0.75
_MAP_LEGEND = "Map: blue where the answer rests on the picture, orange what speaks against it."
_CURVES_LEGEND = (
    "Curves: the prediction while the picture is hidden (thick) and while it comes back "
    "(thin), what the map finds most important first."
)


def grid_image(
    answer: str, verdict: Sequence[str], galaxies: Sequence[ExplainedGalaxy]
) -> Image.Image:
    """Galaxies, maps and curves in a grid, under the verdict.

    Blue: the answer rests on these parts. Orange: they speak against it.
    """
    columns = min(_COLUMNS, len(galaxies))
    wide, high = 3 * (_SIDE + _GAP) + 2 * _GAP, _SIDE + 2 * _LINE + _GAP
    width = max(columns * wide + _GAP, 620)
    lines = [f"What the answer {answer} rests on"]
    for sentence in verdict:
        lines += textwrap.wrap(sentence, (width - 2 * _GAP) // 7)
    legend = textwrap.wrap(_MAP_LEGEND, (width - 2 * _GAP) // 7)
    legend += textwrap.wrap(_CURVES_LEGEND, (width - 2 * _GAP) // 7)
    head = _GAP + _LINE * (len(lines) + len(legend) + 1)
    rows = -(-len(galaxies) // columns)
    page = Image.new("RGB", (width, head + rows * high + _GAP), _PAPER)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        y = _GAP + number * _LINE + (4 if number else 0)
        draw.text((_GAP, y), line, _INK, _font(16 if number == 0 else 13))
    for number, line in enumerate(legend, start=len(lines)):
        draw.text((_GAP, _GAP + number * _LINE + 4), line, _FAINT, _font(13))
    for number, galaxy in enumerate(galaxies):
        row, column = divmod(number, columns)
        _draw_galaxy(page, draw, (_GAP + column * wide, head + row * high), galaxy)
    return page


def _draw_galaxy(
    page: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], galaxy: ExplainedGalaxy
) -> None:
    left, top = corner
    tested = galaxy.faithfulness
    word = "better than both" if tested.is_better else "no better than the others"
    colour = _INK if tested.is_better else tuple(int(COLOURS[1][n : n + 2], 16) for n in (1, 3, 5))
    draw.text((left, top), f"{galaxy.id[:28]}   predicted {galaxy.share:.2f}", _INK, _font(13))
    for number, picture in enumerate((enlarged(galaxy.cutout), overlay(galaxy))):
        page.paste(Image.fromarray(picture), (left + number * (_SIDE + _GAP), top + _LINE))
    _draw_curves(draw, (left + 2 * (_SIDE + _GAP), top + _LINE), tested)
    draw.text(
        (left, top + _LINE + _SIDE + 2),
        f"faithfulness {signed(tested.map.score)}, random {signed(tested.random.score)}, "
        f"central blob {signed(tested.central.score)}: {word}",
        colour,
        _font(12),
    )


def overlay(galaxy: ExplainedGalaxy) -> NDArray[np.uint8]:
    """The galaxy in grey, and the map over it in blue (for the answer) and orange (against it)."""
    grey = enlarged(galaxy.cutout).mean(axis=2, keepdims=True).repeat(3, axis=2) / 255
    smooth = cv2.resize(galaxy.map, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(smooth, (0, 0), _SIDE / 40)  # squares of pixels are only a mesh
    largest = float(np.abs(smooth).max()) or 1.0
    strength = (np.abs(smooth) / largest)[..., None] * _COVER
    sides = [np.array([int(COLOURS[n][k : k + 2], 16) / 255 for k in (1, 3, 5)]) for n in (4, 5)]
    colour = np.where(smooth[..., None] > 0, sides[0], sides[1])
    mixed = grey * (1 - strength) + colour * strength
    return np.asarray(np.clip(mixed * 255, 0, 255).astype(np.uint8))


def _draw_curves(draw: ImageDraw.ImageDraw, corner: tuple[int, int], tested: Faithfulness) -> None:
    """Deletion (falling) and insertion (rising) of the map, and of the other two."""
    left, top = corner[0] + 24, corner[1] + 4
    width, height = _SIDE - 24, _SIDE - 24
    named: list[tuple[Curves, str]] = [
        (tested.random, "#808080"),
        (tested.central, COLOURS[1]),
        (tested.map, COLOURS[0]),
    ]
    ends = [value for each, _ in named for value in (*each.deletion, *each.insertion)]
    lowest = min(*ends, 0.0)
    highest = max(*ends, lowest + 0.05)
    draw.line([(left, top), (left, top + height), (left + width, top + height)], _FAINT)
    for curves, colour in named:
        for values, thickness in ((curves.deletion, 3), (curves.insertion, 1)):
            points = [
                (left + share * width, top + height * (highest - value) / (highest - lowest))
                for share, value in zip(curves.hidden, values, strict=True)
            ]
            draw.line(points, colour, thickness)
    draw.text((corner[0], top - 4), f"{highest:.1f}", _FAINT, _font(11))
    bottom = f"{lowest:.1f}" if lowest < 0 else "0"
    draw.text((corner[0] + (0 if lowest < 0 else 8), top + height - 10), bottom, _FAINT, _font(11))
    draw.text((left, top + height + 4), "map", COLOURS[0], _font(11))
    draw.text((left + 34, top + height + 4), "random", "#808080", _font(11))
    draw.text((left + 86, top + height + 4), "central", COLOURS[1], _font(11))


def enlarged(cutout: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(side, side, 3) uint8 of the size of a panel."""
    three = to_three(cutout)
    if three.shape[2] == 1:
        three = three.repeat(3, axis=2)
    return np.asarray(cv2.resize(three, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC))


def _font(size: int) -> FreeTypeFont | BitmapFont:
    return ImageFont.load_default(size)
