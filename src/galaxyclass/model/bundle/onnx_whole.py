"""That an ONNX file holds its whole network: its weights stand in no other file.

ONNX lets a file name others for its weights ("external data"). The digest of a model would not
cover these, and the file would say what else is read. So they are refused, by a walk through the
messages that can hold tensors, without the library ``onnx``.

The format of protocol buffers: https://protobuf.dev/programming-guides/encoding; the messages and
the numbers of their fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from galaxyclass.io.reading import open_regular

#: Message -> number of a field -> the message in it, of all that lead to a tensor.
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}

#: Fields of a tensor that say where else its data are: ``external_data``, ``data_location``.
_ELSEWHERE = (13, 14)

_VARINT, _EIGHT_BYTES, _MESSAGE, _FOUR_BYTES = 0, 1, 2, 5

#: Graphs in graphs, at most.
_DEPTH = 64


def names_other_files(path: Path) -> bool:
    """Whether an ONNX file has weights in other files.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is not ONNX, or damaged.
    """
    with open_regular(path) as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return False
        with data:
            return _is_elsewhere(data, "model", 0, len(data), 0)


def _is_elsewhere(data: mmap.mmap, message: str, start: int, end: int, depth: int) -> bool:
    if depth > _DEPTH:
        raise ValueError("nested too deep")
    inner = _MESSAGES[message]
    for number, kind, begin, stop in _fields(data, start, end):
        if message == "tensor" and number in _ELSEWHERE:
            # `data_location` may say that the data are here: 0.
            if kind == _MESSAGE or any(data[begin:stop]):
                return True
        elif (
            kind == _MESSAGE
            and number in inner
            and _is_elsewhere(data, inner[number], begin, stop, depth + 1)
        ):
            return True
    return False


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The number, kind, begin and end of each field of a message."""
    while start < end:
        key, begin = _number(data, start, end)
        kind = key & 7
        if kind == _VARINT:
            _, stop = _number(data, begin, end)
        elif kind == _MESSAGE:
            length, begin = _number(data, begin, end)
            stop = begin + length
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            stop = begin + (8 if kind == _EIGHT_BYTES else 4)
        else:
            raise ValueError(f"a field of kind {kind}")
        if stop > end:
            raise ValueError("it ends early")
        yield key >> 3, kind, begin, stop
        start = stop


def _number(data: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if start >= end:
            raise ValueError("it ends early")
        byte = data[start]
        start += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, start
    raise ValueError("a number without an end")
