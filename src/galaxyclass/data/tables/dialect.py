"""How a text table is laid out: its encoding, the comments above it, its delimiter and header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import IO

from galaxyclass.data.tables.content import open_content
from galaxyclass.errors import CatalogError

#: Lines below the header that are looked at.
_LOOKED_AT = 20
#: Characters of a line that is looked at, at most.
_MOST_LETTERS = 1 << 20
_DELIMITERS = ",;\t|"
#: The first line by which Excel is told the delimiter.
_SPREADSHEET = re.compile(r'"?sep=[,;|\t]"?')
_WORD = re.compile(r"[A-Za-z_][\w.:()\[\]/-]*")
#: A number that is hardly a name: a long id, two decimals or more, a power of ten, a percentage.
_VALUE = re.compile(r"[+-]?[0-9]{9,}|[+-]?[0-9]*[.,][0-9]{2,}.*|.*[eE%].*|[+-].*")
_NUMBER = re.compile(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?%?")


@dataclass(frozen=True)
class Dialect:
    """The layout of a text table.

    Attributes
    ----------
    names : tuple of str
        The columns, as the header writes them.
    delimiter : str
        A blank stands for any number of them.
    skipped : int
        Lines above the header, or above the first row where the header is a comment.
    header_lines : int
        Lines of the header; 0 where it is a comment.
    encoding : str
        ``utf-8``, ``utf-16`` or ``cp1252`` (Windows, Western Europe).
    comments : int
        Comment lines above the header.
    """

    names: tuple[str, ...]
    delimiter: str
    skipped: int
    header_lines: int
    encoding: str
    comments: int

    def open(self, path: Path) -> IO[bytes]:
        """The table as bytes of UTF-8 with one delimiter between cells."""
        if self.encoding == "utf-8" and self.delimiter != " ":
            return open_content(path)
        with open_content(path) as stream:
            text = stream.read().decode(self.encoding)
        if self.delimiter == " ":
            try:
                text = _with_tabs(text)
            except csv.Error as error:
                raise _not_csv(path, error) from error
        return io.BytesIO(text.encode())

    @property
    def written(self) -> str:
        """The delimiter of `open`."""
        return "\t" if self.delimiter == " " else self.delimiter


def find_dialect(path: Path) -> Dialect:
    """The layout of a text table.

    Raises
    ------
    CatalogError
        No header; a first line that looks like data; an unknown encoding.
    """
    encoding = _encoding(path)
    try:
        with (
            open_content(path) as stream,
            io.TextIOWrapper(stream, encoding, newline="") as text,
        ):
            return _find(path, text, "utf-8" if encoding == "utf-8-sig" else encoding)
    except csv.Error as error:
        raise _not_csv(path, error) from error


def _not_csv(path: Path, error: csv.Error) -> CatalogError:
    return CatalogError(f"{path}: cannot be read as CSV", got=str(error))


def _find(path: Path, text: IO[str], encoding: str) -> Dialect:
    above: list[str] = []
    first = ""
    for line in _lines(path, text):
        if not above and _SPREADSHEET.fullmatch(line.strip("\r\n\ufeff")):
            above.append("\n")  # a spreadsheet's own line, which is no comment
            continue
        if line.strip("\r\n\ufeff") and not line.lstrip().startswith("#"):
            first = line
            break
        above.append(line)
    comments = [line.lstrip().lstrip("#").strip() for line in above if line.strip()]
    row = _cells(first, " ")
    is_row = any(_NUMBER.fullmatch(cell.strip()) for cell in row)  # and no header below notes
    if is_row and (columns := _source_extractor(comments, len(row))):
        return Dialect(columns, " ", len(above), 0, encoding, 0)
    below = list(islice(_lines(path, text), _LOOKED_AT))
    if not first and comments:  # a header alone, written as a comment
        first, comments, above = comments[-1] + "\n", comments[:-1], above[:-1]
    delimiter = _delimiter(path, [first, *below])
    reader = csv.reader([_joined(first, delimiter), *below], delimiter=_written(delimiter))
    names = next(reader, [])
    header_lines = reader.line_num
    ruled = next((n for n, line in enumerate(below[:2], 1) if _is_rule(line, delimiter)), 0)
    if ruled and header_lines == 1:  # VizieR: a line of units and one of dashes below the names
        return Dialect(tuple(names), delimiter, len(above) + 1 + ruled, 0, encoding, len(comments))
    commented = _cells(comments[-1], delimiter) if comments and above[-1].strip() else []
    if len(commented) == len(names) and _is_header(commented, or_data=_is_data(names)):
        return Dialect(tuple(commented), delimiter, len(above), 0, encoding, len(comments) - 1)
    if not any(name.strip() for name in names):
        raise CatalogError(f"{path}: no header", wanted="a first line with the columns' names")
    if _is_data(names):
        raise no_header(path, names, "most of its cells are numbers")
    return Dialect(tuple(names), delimiter, len(above), header_lines, encoding, len(comments))


def _source_extractor(comments: Sequence[str], width: int) -> tuple[str, ...]:
    """The columns of Source Extractor's catalogues; nothing of other comments.

    A comment names each by its number; a vector takes the numbers up to the next.

    Examples
    --------
    >>> _source_extractor(["1 NUMBER Running number", "2 FLUX_APER", "4 FLAGS"], 4)
    ('NUMBER', 'FLUX_APER', 'FLUX_APER_1', 'FLAGS')
    """
    found = [re.match(r"([0-9]+)\s+([A-Za-z_]\w*)", comment) for comment in comments]
    columns = [(int(match[1]), match[2]) for match in found if match]
    starts = [start for start, _ in columns]
    if len(columns) < max(2, len(found)) or starts[0] != 1 or starts[-1] > width:
        return ()
    if any(start >= following for start, following in pairwise(starts)):
        return ()
    return tuple(
        f"{name}_{number}" if number else name
        for (start, name), end in zip(columns, [*starts[1:], width + 1], strict=True)
        for number in range(end - start)
    )


def _is_rule(line: str, delimiter: str) -> bool:
    """Whether a line has only dashes in its cells."""
    cells = [cell.strip() for cell in _cells(line, delimiter)]
    return "---" in line and all(re.fullmatch("-+", cell) for cell in cells)


def _lines(path: Path, text: IO[str]) -> Iterator[str]:
    """Lines, none of which may be without end.

    Raises
    ------
    CatalogError
    """
    for line in iter(lambda: text.readline(_MOST_LETTERS), ""):
        if len(line) == _MOST_LETTERS:
            raise CatalogError(
                f"{path}: a line is too long for a table",
                wanted=f"lines of fewer than {_MOST_LETTERS:,} characters",
                hint="write the table with a line for each galaxy",
            )
        yield line


def no_header(path: Path, names: Sequence[str], why: str) -> CatalogError:
    """The error about a table whose first line is its first row."""
    return CatalogError(
        f"{path}: the first line looks like data, not like the names of columns",
        wanted="a header: a first line such as id,class",
        got=f"{', '.join(names[:4])}{' …' if len(names) > 4 else ''}: {why}",
        hint="write a line with the columns' names above it",
    )


def _is_header(comment: Sequence[str], *, or_data: bool) -> bool:
    """Whether the cells of a comment are the names of columns, as numpy and TOPCAT write them.

    They are if the line below is data; otherwise if they are single words: ``# made by ann, 2024``
    above a header is not one.
    """
    if or_data:
        return not _is_data(comment)
    return len(comment) > 1 and all(_WORD.fullmatch(cell.strip()) for cell in comment)


def _is_data(cells: Sequence[str]) -> bool:
    """Whether a line is a row rather than a header: half of its cells or more are numbers.

    Short numbers may be names, as in a table with a column for each class or answer (1.1).
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = [cell for cell in filled if _NUMBER.fullmatch(cell)]
    clear = len(set(numbers)) < len(numbers) or any(map(_VALUE.fullmatch, numbers))
    return clear and 2 * len(numbers) >= len(filled)


def _delimiter(path: Path, lines: Sequence[str]) -> str:
    first = lines[0]
    if any(ending in path.name.lower() for ending in (".tsv", ".tab")) and "\t" in first:
        return "\t"
    best = max(_DELIMITERS, key=first.count)
    if first.count(best):
        return best
    width = len(_cells(first, " "))
    rows = [line for line in lines[1:] if line.strip() and not line.lstrip().startswith("#")]
    if width > 1 and rows and all(len(_cells(row, " ")) == width for row in rows):
        return " "
    return ","


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([_joined(line, delimiter)], delimiter=_written(delimiter)), [])


def _written(delimiter: str) -> str:
    return "\t" if delimiter == " " else delimiter


def _joined(line: str, delimiter: str) -> str:
    return _with_tabs(line) if delimiter == " " else line


def _with_tabs(text: str) -> str:
    """Lines of cells with blanks between them, as lines with tabs; comments become blank lines."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        cells = next(csv.reader([line.strip()], delimiter=" ", skipinitialspace=True), [])
        comment = line.lstrip().startswith("#")
        lines.append("" if comment else "\t".join(cells))
    return "\n".join(lines)


def _encoding(path: Path) -> str:
    """UTF-8 where the file is; UTF-16 by its first bytes; otherwise that of Windows."""
    with open_content(path) as stream:
        chunk = start = stream.read(1 << 22)
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        while chunk and chunk.isascii():
            chunk = stream.read(1 << 22)
    if not chunk:
        return "utf-8-sig"
    number, wrong = _first_wrong(path, "utf-8")
    if wrong is None:
        return "utf-8-sig"
    if _first_wrong(path, "cp1252")[1] is None:
        return "cp1252"
    raise CatalogError(
        f"{path}, line {number}: not text in UTF-8, nor in Windows-1252",
        got=f"byte 0x{wrong.object[wrong.start]:02x} after {wrong.object[: wrong.start][-30:]!r}",
        hint="save the table as 'CSV UTF-8'",
    ) from wrong


def _first_wrong(path: Path, encoding: str) -> tuple[int, UnicodeDecodeError | None]:
    """The first line that is not of an encoding, and the error."""
    with open_content(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                return number, error
    return 0, None
