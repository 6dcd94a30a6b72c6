"""The checksum of an exported network: a property of the ONNX file that stands last in it.

The fields of a protocol buffer may stand in any order, so that the property can be appended: it is
CRC-32 of all bytes before it, in hex. A file without it was written by another program, and is not
checked.
"""

from __future__ import annotations

import re
import zlib

#: The field ``metadata_props`` of a model, 20 bytes: a key of 8 letters, and a value of 8.
_BEFORE = b"\x72\x14\x0a\x08checksum\x12\x08"
_DIGITS = 8
_ENDING = re.compile(re.escape(_BEFORE) + rb"([0-9a-f]{8})")


def with_checksum(data: bytes) -> bytes:
    """The bytes of an ONNX file with their checksum; unchanged where they have it.

    Examples
    --------
    >>> with_checksum(b"graph")[-8:]
    b'094505dc'
    """
    if _ENDING.fullmatch(data[-len(_BEFORE) - _DIGITS :]):
        return data
    return data + _BEFORE + f"{zlib.crc32(data):08x}".encode()


def is_damaged(data: memoryview) -> bool:
    """Whether a file has a checksum, and other bytes than were written."""
    start = len(data) - len(_BEFORE) - _DIGITS
    ending = _ENDING.fullmatch(data[start:]) if start >= 0 else None
    return ending is not None and int(ending[1], 16) != zlib.crc32(data[:start])
