"""Files that are compressed as a whole: gzip, bzip2 and xz, undone by content."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any

from galaxyclass.errors import ImageError

_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"

#: First bytes of compressed files.
COMPRESSED: tuple[bytes, ...] = (_GZIP, _BZIP2, _XZ)


def decompress(data: bytes, most: int) -> bytes:
    """The content of a compressed file; other data come back as they are.

    Parameters
    ----------
    data : bytes
    most : int
        Refuse contents of more bytes: a small file may hold a large one.

    Raises
    ------
    ImageError
        Truncated or corrupt, or too large.

    Examples
    --------
    >>> decompress(bz2.compress(b"galaxy"), 100), decompress(b"galaxy", 100)
    (b'galaxy', b'galaxy')
    """
    if not data.startswith(COMPRESSED):
        return data
    content, unread = b"", data
    try:
        while unread:
            piece, unread = _member(unread, most - len(content))
            content = content + piece if content else piece  # large ones are not copied
            if not unread.startswith(COMPRESSED):  # zeros may follow
                break
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ImageError(
            "the compressed file is truncated or corrupt",
            got=str(error),
            hint="fetch the file again",
        ) from error
    return content


def _member(data: bytes, most: int) -> tuple[bytes, bytes]:
    """The first of the files that are joined in ``data``, and what follows it."""
    decompressor: Any
    if data.startswith(_GZIP):
        decompressor = zlib.decompressobj(wbits=31)
    else:
        decompressor = bz2.BZ2Decompressor() if data.startswith(_BZIP2) else lzma.LZMADecompressor()
    content: bytes = decompressor.decompress(data, most + 1)
    if len(content) > most:
        raise ImageError(
            "the file is too large for an image of one galaxy",
            wanted=f"at most {most:,} bytes when it is uncompressed",
            hint="cut the galaxies out of it first",
        )
    if not decompressor.eof:
        raise EOFError("it ends early")
    return content, decompressor.unused_data
