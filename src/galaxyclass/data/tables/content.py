"""What a file of a table holds, by its content; compressed files are opened as if they were not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

import pyarrow as pa

from galaxyclass.errors import CatalogError
from galaxyclass.short import first_line

#: The kinds of tables that are read.
TableKind = Literal[
    "text", "parquet", "arrow", "fits", "votable", "ecsv", "ipac", "hdf5", "excel", "labels"
]

#: Endings of tables, for messages; the content decides how a file is read.
TABLE_ENDINGS = (
    *(".csv", ".tsv", ".txt", ".parquet", ".fits", ".vot", ".ecsv", ".h5", ".xlsx", ".feather"),
)
#: Endings of typed tables, whose rows have a number and no line.
TYPED_ENDINGS = (
    *(".parquet", ".pq", ".feather", ".arrow", ".fits", ".fit", ".fts", ".vot", ".votable"),
    *(".xml", ".ecsv", ".h5", ".hdf5", ".xlsx", ".xlsm"),
)
#: Endings of compressed files, which stand behind those of tables.
COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")


def _open_zstd(path: Path, _: str) -> Any:
    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


#: First bytes -> how a compressed file is opened.
_COMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstd,
}
#: First bytes -> kind of table.
_KINDS: dict[bytes, TableKind] = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"SIMPLE  =": "fits",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"# %ECSV": "ecsv",
    b'{"format": ': "labels",  # as `galaxyclass serve` writes them
}
#: First bytes of files that are no tables that are read: what they are, and what to do.
_OTHERS: dict[bytes, tuple[str, str]] = {
    b"\xd0\xcf\x11\xe0": (
        "an Excel workbook of the old format (.xls)",
        "save it as .xlsx, or as 'CSV UTF-8' with the id column formatted as text",
    ),
    b"\xff\xd8\xff": ("a JPEG image", "give the table's file as `table`"),
    b"\x89PNG": ("a PNG image", "give the table's file as `table`"),
    b"SQLite format 3": (
        "an SQLite database",
        "write the table as CSV: sqlite3 -header -csv FILE 'select * from TABLE'",
    ),
    b"\xff\xfe\0\0": ("text in UTF-32", "save it as 'CSV UTF-8'"),
    b"\0\0\xfe\xff": ("text in UTF-32", "save it as 'CSV UTF-8'"),
    b"\x1f\x9d": ("a file that `compress` made (.Z)", "uncompress it first"),
    b"\x04\x22\x4d\x18": ("a file compressed by LZ4", "uncompress it first"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it, and give the table's file"),
}
#: How a pickle of Python begins, whatever its protocol.
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
#: How text of another format begins: what it is, and what to do.
_OTHER_TEXTS: dict[str, tuple[re.Pattern[bytes], str]] = {
    "JSON": (
        re.compile(rb'\{\s*["}]|\[\s*[\[{]'),
        "write it as CSV: `pandas.read_json(FILE, dtype=False).to_csv('table.csv', index=False)`; "
        "with `lines=True` where each line is an object",
    ),
    "a machine-readable table of the journals (MRT)": (
        re.compile(rb"(?s).*Byte-by-byte Description"),
        "write it as ECSV: `astropy.table.Table.read(FILE, format='ascii.mrt')"
        ".write('table.ecsv')`",
    ),
    "a table of LaTeX": (re.compile(rb"\\(begin|documentclass|input)\b"), "write it as CSV"),
    "a table of reStructuredText": (re.compile(rb"={2,}( +={2,})*\s*$", re.M), "write it as CSV"),
}
#: Bytes of a table that a byte of its compressed file may become; a small file may always become
#: `_LEAST_MOST` bytes.
MOST_EXPANSION, _LEAST_MOST = 100, 64 * 2**20

#: Bytes that are looked at.
_HEAD = 4096


def typed_ending(path: Path) -> bool:
    """Whether a name ends like that of a typed table, compressed or not.

    Examples
    --------
    >>> typed_ending(Path("p.fits.gz")), typed_ending(Path("p.csv.bz2"))
    (True, False)
    """
    name = path.name.lower()
    for ending in COMPRESSED_ENDINGS:
        name = name.removesuffix(ending)
    return name.endswith(TYPED_ENDINGS)


def require_regular(path: Path) -> None:
    """Refuse what is no ordinary file: a pipe or a device would be read for ever.

    Raises
    ------
    CatalogError
    """
    status = os.stat(path)  # noqa: PTH116 - follows links, as opening does
    mode = status.st_mode
    if stat.S_ISREG(mode) and not status.st_size:  # as those of the kernel, which may wait, say
        raise _empty(path)
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        raise CatalogError(
            f"{path}: not a file",
            wanted="a table in an ordinary file",
            got=kinds.get(stat.S_IFMT(mode), "a device"),
            hint="write what it gives into a file first",
        )


def _empty(path: Path) -> CatalogError:
    return CatalogError(f"{path}: the table is empty", wanted="a header and a row per galaxy")


def open_content(path: Path) -> IO[bytes]:
    """Open a file, and read through its compression: gzip, bzip2, xz, or a zip of one table.

    Raises
    ------
    CatalogError
        Not an ordinary file; a zip archive of several files.
    OSError, EOFError
        The file cannot be read.
    """
    require_regular(path)
    with path.open("rb") as stream:
        start = stream.read(8)
    for magic, opener in _COMPRESSED.items():
        if start.startswith(magic):
            return _bounded(path, opener(path, "rb"))
    if start.startswith(b"PK\x03\x04") and not _is_workbook(path):
        return _bounded(path, _only_member(path))
    return path.open("rb")


class _Bounded(io.RawIOBase):
    """What a compressed file holds, up to so many bytes."""

    def __init__(self, path: Path, content: IO[bytes], most: int) -> None:
        self._path, self._content, self._most, self._read = path, content, most, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            data = self._content.read(len(buffer))
        except (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile) as error:
            raise _damaged(self._path, error) from error
        buffer[: len(data)] = data
        self._read += len(data)
        if self._read > self._most:
            raise CatalogError(
                f"{self._path}: the compressed table is far larger than its file",
                wanted=f"at most {self._most:,} bytes when it is uncompressed",
                hint="uncompress it first, if you trust it",
            )
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._content.close()
        super().close()


def _damaged(path: Path, error: Exception) -> CatalogError:
    return CatalogError(
        f"{path}: the compressed table cannot be read",
        got=first_line(error),
        hint="fetch it again, or uncompress it first",
    )


def _bounded(path: Path, content: IO[bytes]) -> IO[bytes]:
    most = _LEAST_MOST + MOST_EXPANSION * path.stat().st_size
    return io.BufferedReader(_Bounded(path, content, most), io.DEFAULT_BUFFER_SIZE * 16)


def kind_of_content(path: Path) -> TableKind:
    """What kind of table a file holds.

    Raises
    ------
    CatalogError
        It is empty, or no table.
    OSError, EOFError
        The file cannot be read.
    """
    with open_content(path) as stream:
        head = stream.read(_HEAD)
    if not head:
        raise _empty(path)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, kind in _KINDS.items():
        if text.startswith(magic):
            return kind
    if _is_ipac(text):
        if _bars_everywhere(text):
            raise _no_table(
                path, "a table between bars (Markdown, or of fixed width)", "write it as CSV"
            )
        return "ipac"
    if text.startswith(b"<") and b"<VOTABLE" in head.upper():
        return "votable"
    if head.startswith(b"PK\x03\x04"):
        return "excel"
    _require_text(path, head, text)
    return "text"


def _is_ipac(text: bytes) -> bool:
    r"""Whether a table is one of IPAC: two lines between bars, after comments."""
    lines = [line for line in text.splitlines() if not line.startswith(b"\\")][:2]
    return len(lines) == 2 and all(line.count(b"|") > 1 and line[:1] == b"|" for line in lines)


def _require_text(path: Path, head: bytes, text: bytes) -> None:
    """Refuse what is neither a table of another format nor a text table.

    Raises
    ------
    CatalogError
    """
    for magic, (what, hint) in _OTHERS.items():
        if head.startswith(magic):
            raise _no_table(path, what, hint)
    if _PICKLE.match(head):
        raise _no_table(
            path, "a Python pickle", "write it as CSV or parquet: a pickle is never loaded"
        )
    for what, (pattern, hint) in _OTHER_TEXTS.items():
        if pattern.match(text):
            raise _no_table(path, what, hint)
    if b"<table" in text.lower() and text.startswith(b"<"):
        raise _no_table(
            path,
            "a table of HTML",
            "write it as CSV: `pandas.read_html(FILE, converters={'id': str})[0]"
            ".to_csv('table.csv', index=False)`",
        )
    if text[:20].lower().startswith((b"<!doctype html", b"<html")):
        raise _no_table(path, "a page of the web (HTML)", "the download failed: fetch it again")
    if text.startswith(b"version https://git-lfs"):
        raise _no_table(path, "a pointer of Git LFS", "fetch the file itself: git lfs pull")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _no_table(path, *_with_zeros(head))


def _bars_everywhere(text: bytes) -> bool:
    """Whether more lines than the four of an IPAC header begin with a bar, or all of a file."""
    lines = [line for line in text.splitlines() if line and not line.startswith(b"\\")]
    barred = next((n for n, line in enumerate(lines) if not line.startswith(b"|")), len(lines))
    return barred > 4 or (barred == len(lines) and len(text) < _HEAD)


def _with_zeros(head: bytes) -> tuple[str, str]:
    """What a file with bytes that are zero is, and what to do."""
    letters = head.replace(b"\0", b"")
    if not letters.isascii() or not letters.decode("ascii").replace("\n", "").strip():
        return f"bytes that begin {head[:4].hex(' ')}", "write it as CSV or parquet"
    if 3 * (len(head) - len(letters)) > len(head):
        return "text of two or four bytes a letter, without a mark that says so", (
            "save it as 'CSV UTF-8'"
        )
    return "text with bytes that are zero", (
        "it may be damaged: fetch it again, or remove them: tr -d '\\0' <FILE >TABLE"
    )


def whole_content(path: Path) -> io.BytesIO:
    """All bytes of a file, without its compression."""
    with open_content(path) as stream:
        return io.BytesIO(stream.read())


def _no_table(path: Path, what: str, hint: str) -> CatalogError:
    return CatalogError(
        f"{path}: not a table",
        wanted=f"a table such as {', '.join(TABLE_ENDINGS)}, also compressed",
        got=what,
        hint=hint,
    )


def _is_workbook(path: Path) -> bool:
    """Whether a zip archive is an Excel workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _no_table(path, "a damaged zip archive or workbook", "fetch it again") from error


def _only_member(path: Path) -> IO[bytes]:
    """The only file of a zip archive."""
    archive = zipfile.ZipFile(path)
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/")
        and not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
    ]
    if len(names) != 1:
        archive.close()
        raise CatalogError(
            f"{path}: a zip archive that holds more than a table",
            wanted="one file in the archive",
            got=", ".join(names[:5]) + (" …" if len(names) > 5 else "") or "no files",
            hint="unpack it and give the table's file; or give it as `images`, if it holds images",
        )
    try:
        return archive.open(names[0])
    except (zipfile.BadZipFile, RuntimeError) as error:  # damaged; a password; a rare compression
        archive.close()
        raise _damaged(path, error) from error
