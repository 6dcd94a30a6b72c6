"""Panels: small figures as SVG elements of a page, written directly.

matplotlib draws a figure of a fixed width with fonts of its own. On a phone its text becomes
unreadable, and many figures make a page of megabytes. A panel is as wide as a phone, has the page's
font and colours, takes a few kilobytes, and needs no library. A page lays panels out in rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from galaxyclass.plots.style import COLOURS

#: Size of a panel in the units of its text, and the room around its axes.
_WIDTH, _HEIGHT = 340, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 8, 42
#: Height of a row, and width of the labels, where rows have names.
_ROW, _NAMES = 24, 148
#: Letters of a row's name that fit.
_LETTERS = 26
#: With a longer name among them, all names are written smaller.
_LONG = 19

#: Numbers on an axis, at most.
_TICKS = 6

#: Where an interval and its mark stand in a list of them: value, lower and upper end.
Interval = tuple[float, float, float]


@dataclass(frozen=True)
class AxisScale:
    """An axis: its ends, its label, and where numbers stand (by default at round ones)."""

    low: float
    high: float
    label: str
    ticks: tuple[float, ...] = ()

    @property
    def all_ticks(self) -> tuple[float, ...]:
        """Where numbers stand."""
        return self.ticks or round_numbers(self.low, self.high)

    def share(self, value: float) -> float:
        """Where a value lies between the ends, 0..1; beyond them, the end itself."""
        width = (self.high - self.low) or 1.0
        return min(max((value - self.low) / width, 0.0), 1.0)


def round_numbers(low: float, high: float) -> tuple[float, ...]:
    """At most six round numbers from ``low`` to ``high``.

    Examples
    --------
    >>> round_numbers(0, 1), round_numbers(0.03, 0.17)
    ((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (0.05, 0.1, 0.15))
    """
    if not high > low:
        return (low,)
    exponent = math.floor(math.log10((high - low) / _TICKS))
    steps = (factor * 10.0**power for power in (exponent, exponent + 1) for factor in (1, 2, 5))
    step = next(step for step in steps if (high - low) / step <= _TICKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(number * step, 12) for number in range(first, last + 1))


@dataclass
class ChartPanel:
    """A figure with two axes, to which marks are added.

    Parameters
    ----------
    x, y : AxisScale
    description : str
        For those who do not see it.
    """

    x: AxisScale
    y: AxisScale
    description: str
    _elements: list[str] = field(default_factory=list)

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> None:
        """A grey area between two curves."""
        edge = [*zip(xs, highs, strict=True), *reversed(list(zip(xs, lows, strict=True)))]
        points = " ".join(f"{self._x(x)},{self._y(y)}" for x, y in edge)
        self._elements.append(f'<polygon class="band" points="{points}"/>')

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: int | None = None, *, dashed: bool
    ) -> None:
        """A line through points in one of the `COLOURS`; without a colour, thin and grey."""
        finite = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x + y)]
        points = " ".join(f"{self._x(x)},{self._y(y)}" for x, y in finite)
        style = ' class="guide"' if colour is None else f' class="line" stroke="{COLOURS[colour]}"'
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._elements.append(f'<polyline{style}{dashes} points="{points}"/>')

    def dots(self, xs: Iterable[float], ys: Iterable[float], colour: int) -> None:
        """Faint points."""
        circles = "".join(
            f'<circle cx="{self._x(x)}" cy="{self._y(y)}" r="2"/>'
            for x, y in zip(xs, ys, strict=True)
            if math.isfinite(x + y)
        )
        self._elements.append(f'<g class="dots" fill="{COLOURS[colour]}">{circles}</g>')

    def marks(
        self,
        xs: Sequence[float],
        intervals: Sequence[Interval],
        colour: int,
        notes: Sequence[str] = (),
    ) -> None:
        """Marks with intervals; a note appears where the pointer rests."""
        for index, (x, (value, low, high)) in enumerate(zip(xs, intervals, strict=True)):
            if not math.isfinite(x + value):
                continue
            at, note = self._x(x), f"<title>{escape(notes[index])}</title>" if notes else ""
            bar = ""
            if math.isfinite(low + high):
                bar = f'<line x1="{at}" x2="{at}" y1="{self._y(low)}" y2="{self._y(high)}"/>'
            self._elements.append(
                f'<g class="mark" stroke="{COLOURS[colour]}" fill="{COLOURS[colour]}">{note}{bar}'
                f'<circle cx="{at}" cy="{self._y(value)}" r="3.5"/></g>'
            )

    def columns(self, edges: Sequence[float], heights: Sequence[float], colour: int) -> None:
        """Bars from the axis up, between neighbouring edges."""
        zero = self._y(max(self.y.low, 0.0))
        for left, right, height in zip(edges, edges[1:], heights, strict=False):
            start, end, top = self._x(left), self._x(right), self._y(height)
            self._elements.append(
                f'<rect x="{start}" y="{top}" width="{max(end - start - 0.5, 0.5):.1f}" '
                f'height="{max(zero - top, 0):.1f}" fill="{COLOURS[colour]}"/>'
            )

    def svg(self) -> str:
        """The panel as an ``<svg>`` element."""
        return _svg(_HEIGHT, self.description, [*self._axes(), *self._elements])

    def _x(self, value: float) -> float:
        return round(_LEFT + self.x.share(value) * (_WIDTH - _LEFT - _RIGHT), 1)

    def _y(self, value: float) -> float:
        return round(_HEIGHT - _BOTTOM - self.y.share(value) * (_HEIGHT - _TOP - _BOTTOM), 1)

    def _axes(self) -> Iterable[str]:
        right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        for tick in self.x.all_ticks:
            at = self._x(tick)
            yield f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP}" y2="{bottom}"/>'
            yield _text(at, bottom + 14, _number(tick), "middle")
        for tick in self.y.all_ticks:
            at = self._y(tick)
            yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}"/>'
            yield _text(_LEFT - 5, at + 4, _number(tick), "end")
        yield f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>'
        yield _text((_LEFT + right) / 2, bottom + 32, self.x.label, "middle")
        middle = (_TOP + bottom) / 2
        turned = f'transform="rotate(-90 11 {middle})"'
        yield _text(11, middle, self.y.label, "middle", turned)


@dataclass(frozen=True)
class RowMark:
    """A mark in a row: its value and interval, its colour, and a hollow or a full dot or a line."""

    interval: Interval
    colour: int
    shape: str = "dot"


@dataclass(frozen=True)
class MarkRow:
    """A named row of marks, and a note that appears where the pointer rests."""

    name: str
    marks: Sequence[RowMark]
    note: str = ""


def rows_of_marks(rows: Sequence[MarkRow], axis: AxisScale, description: str) -> str:
    """Rows with names, from the top down, each with marks along one axis; an ``<svg>`` element."""
    right, bottom = _WIDTH - _RIGHT, _TOP + _ROW * len(rows)

    def along(value: float) -> float:
        return round(_NAMES + axis.share(value) * (right - _NAMES), 1)

    elements = []
    for tick in axis.all_ticks:
        at = along(tick)
        elements.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP}" y2="{bottom}"/>')
        elements.append(_text(at, bottom + 14, _number(tick), "middle"))
    for number, row in enumerate(rows):
        middle = _TOP + _ROW * (number + 0.5)
        dots = [mark for mark in row.marks if mark.shape == "dot"]
        drawn = ""
        for mark in row.marks:
            # Several dots of a row stand one below the other, so that none hides another.
            spread = 0.0
            if mark.shape == "dot":
                spread = 14 * ((dots.index(mark) + 0.5) / len(dots) - 0.5) if len(dots) > 1 else 0
            drawn += _row_mark(mark, along, round(middle + spread, 1))
        elements.append(f"<g><title>{escape(f'{row.name}: {row.note}')}</title>{drawn}</g>")
    elements += _names([row.name for row in rows])
    elements.append(f'<path class="axis" d="M{_NAMES} {bottom}H{right}"/>')
    elements.append(_text((_NAMES + right) / 2, bottom + 32, axis.label, "middle"))
    return _svg(bottom + _BOTTOM, description, elements)


def rows_of_bars(rows: Sequence[tuple[str, float, str]], longest: float, description: str) -> str:
    """Rows with a name, a bar and a text behind it; an ``<svg>`` element.

    Parameters
    ----------
    rows : sequence of (str, float, str)
        NaN: no bar.
    longest : float
        The value that would fill the width.
    description : str
        For those who do not see it.
    """
    room = _WIDTH - _NAMES - 64
    elements = []
    for number, (name, value, text) in enumerate(rows):
        middle = _TOP + _ROW * (number + 0.5)
        length = 0.0 if math.isnan(value) else min(value / (longest or 1.0), 1.0) * room
        elements += [
            f'<rect x="{_NAMES}" y="{middle - 8}" width="{length:.1f}" height="16" '
            f'fill="{COLOURS[0]}"><title>{escape(name)}</title></rect>',
            _text(round(_NAMES + length + 5, 1), middle + 4, text, "start"),
        ]
    elements += _names([name for name, *_ in rows])
    return _svg(_TOP + _ROW * len(rows) + 4, description, elements)


def _row_mark(mark: RowMark, along: object, middle: float) -> str:
    assert callable(along)
    value, low, high = mark.interval
    if not math.isfinite(value):
        return ""
    colour, at = COLOURS[mark.colour], along(value)
    if mark.shape == "line":
        return (
            f'<line class="mark" stroke="currentColor" x1="{at}" x2="{at}" y1="{middle - 8}" '
            f'y2="{middle + 8}"/>'
        )
    if mark.shape == "hollow":
        return f'<circle class="hollow" cx="{at}" cy="{middle}" r="4" stroke="{colour}"/>'
    bar = ""
    if math.isfinite(low + high):
        bar = f'<line x1="{along(low)}" x2="{along(high)}" y1="{middle}" y2="{middle}"/>'
    return (
        f'<g class="mark" stroke="{colour}" fill="{colour}">{bar}'
        f'<circle cx="{at}" cy="{middle}" r="4"/></g>'
    )


def _svg(height: float, description: str, elements: Iterable[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height:g}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(description)}</title>{''.join(elements)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:,.6g}".replace("-", "\N{MINUS SIGN}")


def _names(names: Sequence[str]) -> Iterable[str]:
    """The names of rows, cut where they are very long."""
    size = 'class="small"' if any(len(name) > _LONG for name in names) else ""
    for number, name in enumerate(names):
        cut = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        yield _text(_NAMES - 8, _TOP + _ROW * (number + 0.5) + 4, cut, "end", size)
