"""Why no column of a table names the images: what is tried, and what would help."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from galaxyclass.data.catalog.matching import ImageNames
from galaxyclass.data.tables.cells import as_text, can_be_id

#: Cells and names of images that are looked at.
_LOOKED_AT = 2000
#: Digits that a float holds, and more than it can have.
_EXACT_DIGITS, _MOST_DIGITS = 15, 300
#: An affix is told where so many of the cells that were looked at have it.
_SHARE = 0.5


@dataclass(frozen=True)
class NearMiss:
    """What differs between a column and the names of images, and how to mend it.

    ``matches`` counts the cells that would match then, of ``cells`` that were looked at.
    """

    column: str
    differs: str
    hint: str
    matches: int
    cells: int


def find_near_miss(table: Any, images: ImageNames) -> NearMiss | None:
    """The change to a column's cells that makes most of them names of images.

    Parameters
    ----------
    table : pyarrow.Table
        None of its columns matches as it is.
    images : ImageNames
    """
    stems = images.stems.slice(0, 50 * _LOOKED_AT).to_pylist()
    if not stems:
        return None
    near_misses: list[NearMiss] = []
    for name in table.column_names:
        if not can_be_id(table[name]):
            near_misses += _rounded(name, table[name].slice(0, _LOOKED_AT), stems)
            continue
        cells = pc.unique(as_text(table[name]).slice(0, _LOOKED_AT)).drop_null().to_pylist()
        if cells:
            near_misses += _changes(name, cells, stems)
            near_misses += _affixes(name, cells, stems)
    return max(near_misses, key=lambda miss: miss.matches, default=None)


def _rounded(name: str, column: Any, stems: list[str]) -> Iterator[NearMiss]:
    """Whole numbers in a column of floats or decimals."""
    if not (pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        return
    values = pc.unique(column).drop_null().to_pylist()
    whole = {float(value) for value in values if math.isfinite(value) and value == int(value)}
    numbered = [stem for stem in stems if stem.isdecimal()]
    matches = len(whole & {float(stem) for stem in numbered if len(stem) < _MOST_DIGITS})
    if matches:
        is_long = any(len(stem) > _EXACT_DIGITS for stem in numbered)
        yield NearMiss(
            name,
            f"its type, {column.type}, which is not exact for long ids",
            "take the ids from their source as integers or text"
            + (
                f": in pandas `dtype={{{name!r}: str}}` of `read_csv`, or 'Int64', which holds "
                "empty cells too"
                if is_long
                else f"; these have few digits: `table[{name!r}] = table[{name!r}].astype('int64')`"
            ),
            matches,
            len(values),
        )


def _as_float(text: str) -> str:
    """A long number as a float prints it; other text as it is."""
    if not re.fullmatch(r"[0-9]{16,300}|[0-9]\.[0-9]{6,}[eE]\+?[0-9]{2}", text):
        return text
    return repr(float(text))


def _zeros_hint(name: str, stems: list[str]) -> str:
    """How to write ids with the zeros that the images have, or without."""
    cells = f"table[{name!r}]"
    width = len(stems[0])
    if len(stems) > 1 and all(len(stem) == width for stem in stems):
        return (
            f"write the ids with all {width} digits, as text: `{cells} = "
            f"{cells}.astype(str).str.zfill({width})` in pandas"
        )
    if not any(re.match("0.", stem) for stem in stems):
        return f"write the ids without them: `{cells} = {cells}.astype(str).str.lstrip('0')`"
    return "write the ids as the files are named"


def _changes(name: str, cells: list[str], stems: list[str]) -> Iterator[NearMiss]:
    known = set(stems)
    changes: list[tuple[str, str, Callable[[str], str]]] = [
        (
            "leading zeros",
            _zeros_hint(name, stems),
            lambda text: text.lstrip("0") or "0",
        ),
        ("upper and lower case", "write the ids as the files are named", str.lower),
        ("'.0' at the end", "ids were written as floats: write them again as integers or text, "
         "without '.0'", lambda text: text.removesuffix(".0")),
        (
            "rounding: the last digits are lost, since they were floats once",
            "take the ids from their source again, as integers or text: in pandas "
            f"`dtype={{{name!r}: str}}` of `read_csv`",
            _as_float,
        ),
        (
            "the letter b and quotation marks around it, as Python writes bytes",
            f"`table[{name!r}] = table[{name!r}].str[2:-1]` in pandas; before that, "
            "`.decode()` makes text of bytes",
            lambda text: re.sub(r"""^b(['"])(.*)\1$""", r"\2", text),
        ),
        (
            "how accents are written in Unicode",
            f"write the ids as the files are named: `table[{name!r}] = "
            f"table[{name!r}].str.normalize({_form(stems)!r})` in pandas",
            lambda text: unicodedata.normalize("NFC", text),
        ),
        (
            "blanks, hyphens and other signs",
            "write the ids as the files are named",
            lambda text: re.sub(r"[^0-9a-z]", "", text.lower()),
        ),
    ]  # fmt: skip
    for differs, hint, change in changes:
        changed = {change(stem) for stem in stems}
        matches = sum(
            change(cell) in changed for cell in cells if change(cell) and cell not in known
        )
        if matches:
            yield NearMiss(name, differs, hint, matches, len(cells))
            return


def _affixes_beside(longer: list[str], shorter: list[str]) -> Counter[tuple[str, str]]:
    """How often each beginning or ending makes one of the shorter names one of the longer."""
    known, lengths = set(shorter), set(map(len, shorter))
    affixes: Counter[tuple[str, str]] = Counter()
    for text in longer:
        for length in (length for length in lengths if length < len(text)):
            if text[:length] in known:
                affixes["ending", text[length:]] += 1
            if text[-length:] in known:
                affixes["beginning", text[:-length]] += 1
    return affixes


def _form(stems: list[str]) -> str:
    """Unicode's form of names: letters and accents apart, as old systems of Apple write them."""
    together = all(unicodedata.is_normalized("NFC", stem) for stem in stems)
    return "NFC" if together else "NFD"


def _affixes(name: str, cells: list[str], stems: list[str]) -> Iterator[NearMiss]:
    """A beginning or an ending that images (or ids) have and the others do not."""
    for longer, shorter, having, lacking in (
        (stems, cells, "the images'", "the ids"),
        (cells, stems, "the ids'", "the images"),
    ):
        affixes = _affixes_beside(longer, shorter)
        if not affixes:
            continue
        (where, affix), matches = affixes.most_common(1)[0]
        if matches >= _SHARE * min(len(longer), len(shorter)) and matches > 1:
            change = (
                f"add {affix!r} to the ids" if longer is stems else f"remove {affix!r} from them"
            )
            yield NearMiss(
                name,
                f"the {where} {affix!r}, which {having} names have and {lacking} have not",
                f"{change}, or rename the images",
                matches,
                len(cells),
            )


def kind_of_ids(cells: list[str]) -> str:
    """What ids look like, in words.

    Examples
    --------
    >>> kind_of_ids(["587722981748965649", "587722981748965650"]), kind_of_ids(["12", "1234"])
    ('18 digits', '2 to 4 digits')
    >>> kind_of_ids(["NGC1"])
    'text such as NGC1'
    """
    if all(cell.isdecimal() for cell in cells):
        low, high = min(map(len, cells)), max(map(len, cells))
        return f"{low} digits" if low == high else f"{low} to {high} digits"
    return f"text such as {cells[0]}"
