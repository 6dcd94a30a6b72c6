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
    whole = {str(int(value)) for value in values if math.isfinite(value) and value == int(value)}
    matches = len(whole & set(stems))
    if matches:
        yield NearMiss(
            name,
            f"its type, {column.type}, which is not exact for long ids",
            f"take the ids from their source as integers or text; where none has more than 15 "
            f"digits: `table[{name!r}] = table[{name!r}].astype('int64')`",
            matches,
            len(values),
        )


def _changes(name: str, cells: list[str], stems: list[str]) -> Iterator[NearMiss]:
    width, known = max(map(len, stems)), set(stems)
    changes: list[tuple[str, str, Callable[[str], str]]] = [
        (
            "leading zeros",
            f"write the ids with all {width} digits, as text: `table[{name!r}] = "
            f"table[{name!r}].astype(str).str.zfill({width})` in pandas",
            lambda text: text.lstrip("0") or "0",
        ),
        ("upper and lower case", "write the ids as the files are named", str.lower),
        ("'.0' at the end", "ids were written as floats: write them again as integers or text, "
         "without '.0'", lambda text: text.removesuffix(".0")),
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
