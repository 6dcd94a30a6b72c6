"""Records of inspected image files."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageRecord:
    """An image file: its identity on disk, and whether it can be decoded.

    ``digest`` is the BLAKE2b-128 of the file's bytes in hex ("" when it cannot be read);
    ``width`` and ``height`` are in pixels (0 when unknown); ``error`` says why it cannot be
    decoded, or is None.
    """

    path: str
    size: int
    mtime_ns: int
    digest: str
    width: int
    height: int
    error: str | None


@dataclass(frozen=True)
class ImageFacts:
    """The columns that checks need of many image files: 24 MB for a million.

    Attributes
    ----------
    digests : (files,) S16
        `ImageRecord.digest`, its 16 bytes themselves (see `packed_digests`).
    sizes : (files, 2) int32
        Width and height in pixels; 0 unknown.
    errors : mapping of int to str
        Why a file cannot be decoded, by its index; files that can be decoded are not in it.
    """

    digests: NDArray[np.bytes_]
    sizes: NDArray[np.int32]
    errors: Mapping[int, str]

    @classmethod
    def of(cls, records: Iterable[ImageRecord]) -> ImageFacts:
        """The facts of many records, read one by one.

        Examples
        --------
        >>> ImageFacts.of([ImageRecord("1.jpg", 9, 1, "00" * 15 + "ff", 8, 6, None)]).sizes
        array([[8, 6]], dtype=int32)
        """
        digests, sizes, errors = bytearray(), array("i"), {}
        for index, record in enumerate(records):
            digests += bytes.fromhex(record.digest).ljust(16, b"\0")
            sizes.extend((record.width, record.height))
            if record.error is not None:
                errors[index] = record.error
        return cls(
            np.frombuffer(digests, dtype="S16"),
            np.frombuffer(sizes, dtype=np.int32).reshape(-1, 2),
            errors,
        )


def packed_digests(digests: Iterable[str]) -> NDArray[np.bytes_]:
    """Digests in hex as (files,) S16, a quarter of the memory; "" becomes all zeros.

    numpy drops zeros at the end of an element: compare elements only with elements of such arrays,
    and use `hex_digests` to get the text.

    Examples
    --------
    >>> digests = ["ab" * 15 + "00", ""]
    >>> packed = packed_digests(digests)
    >>> packed.nbytes, hex_digests(packed) == digests
    (32, True)
    """
    joined = "".join(digest or "0" * 32 for digest in digests)
    return np.frombuffer(bytes.fromhex(joined), dtype="S16")


def hex_digests(digests: NDArray[np.bytes_]) -> list[str]:
    """The digests of `packed_digests` as text; "" where there is none."""
    return [digest.hex().ljust(32, "0") if digest else "" for digest in digests.tolist()]
